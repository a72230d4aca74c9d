//! `iaxproof hammer` against `iaxproof serve`, each a process: the configuration that one writes and the other reads, registrations
//! beside a call that listens, and everything that must not go well.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use server::*;

/// `iaxproof hammer` with these words, to its end.
fn hammer(words: &[&str]) -> Ended {
    client(&[&["hammer"], words].concat(), None)
}

/// The one line of JSON that it prints.
fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The configuration for so many peers, in a folder that stays for as long as it is needed.
fn configuration(peers: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iax.conf");
    let written = hammer(&["--peers", peers, "--write-config", path.to_str().unwrap()]);
    assert_eq!(written.code, 0, "{written:?}");
    (folder, path)
}

fn serve(config: &Path) -> Server {
    Server::start(&["--config", config.to_str().unwrap(), "--log", "warn"])
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn every_peer_registers_once_while_a_call_listens() {
    let (_folder, config) = configuration("300");
    let server = Server::start(&["--config", config.to_str().unwrap()]);
    let line = ["--target", &server.address, "--peers", "300"];
    let rest = [
        "--sockets",
        "3",
        "--rate",
        "400",
        "--listen",
        "music",
        "--json",
    ];
    let ended = hammer(&[&line[..], &rest].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let report = json(&ended);
    assert_eq!(report["verdict"], "held");
    assert_eq!(report["registered"], 300);
    assert_eq!(
        (&report["refused"], &report["unchallenged"]),
        (&0.into(), &0.into())
    );
    let log = server.log();
    for peer in ["hammer-00001", "hammer-00300"] {
        assert_eq!(
            log.matches(&format!("registered name=\"{peer}\"")).count(),
            1
        );
    }
    assert_eq!(log.matches(" registered name=").count(), 300);
    assert!(!log.contains("known-to-everybody"), "a secret in\n{log}");
    // 300 at 400 a second, not faster.
    let seconds = number(&report["seconds"]);
    assert!((0.7..10.0).contains(&seconds), "{seconds}");
    let latency = &report["latency"];
    assert_eq!(latency["count"], 300);
    assert!(number(&latency["p50_ms"]) <= number(&latency["max_ms"]));
    assert!(number(&latency["p50_ms"]) > 0.0);
    let call = &report["call"];
    assert_eq!(call["dropped"], Value::Null);
    // Fifty frames a second, and it listened for two seconds at least.
    let quiet = &call["quiet"];
    let seconds = number(&quiet["seconds"]);
    let a_second = number(&quiet["frames"]) / seconds;
    assert!(
        seconds >= 2.0 && (30.0..55.0).contains(&a_second),
        "{quiet}"
    );
    let between = &quiet["between_frames"];
    assert!(
        (10.0..30.0).contains(&number(&between["p50_ms"])),
        "{between}"
    );
    assert!(number(&call["storm"]["longest_gap_ms"]) > 0.0);
    assert!(number(&call["own_lateness"]["count"]) > 0.0);
    let intervals = report["intervals"].as_array().unwrap();
    let sum: f64 = intervals
        .iter()
        .map(|it| number(&it["registrations"]))
        .sum();
    assert_eq!(sum, 300.0);
}

#[test]
#[cfg(target_os = "linux")]
fn each_address_of_the_loopback_is_another_contact_and_the_server_is_found() {
    let (_folder, config) = configuration("40");
    let server = Server::start(&["--config", config.to_str().unwrap()]);
    let line = ["--target", &server.address, "--peers", "40"];
    let ended = hammer(&[&line[..], &["--addresses", "40", "--json"]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let report = json(&ended);
    assert_eq!(
        (&report["sockets"], &report["registered"]),
        (&40.into(), &40.into())
    );
    let log = server.log();
    for last in [1, 40] {
        assert!(log.contains(&format!("address=127.64.0.{last}:")), "{log}");
    }
    let machine = &report["target_machine"]["local"];
    assert!(number(&machine["cpu_seconds"]) >= 0.0, "{report}");
}

#[test]
fn every_round_registers_all_and_the_reload_command_is_run_and_its_failures_counted() {
    let (folder, config) = configuration("50");
    let server = serve(&config);
    let mark = folder.path().join("mark");
    // It fails from the second time on.
    let command = format!("test -e '{0}' && exit 9; touch '{0}'", mark.display());
    let line = [
        "--target",
        &server.address,
        "--peers",
        "50",
        "--rounds",
        "8",
    ];
    let reload = ["--reload-every", "0.1", "--reload-cmd", &command];
    let ended = hammer(&[&line[..], &reload, &["--rate", "500", "--json"]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    let report = json(&ended);
    assert_eq!(report["registered"], 400);
    let reloads = &report["reloads"];
    let (runs, failures) = (number(&reloads["runs"]), number(&reloads["failures"]));
    assert!(runs >= 2.0 && failures == runs - 1.0, "{reloads}");
    assert_eq!(reloads["first_failure"], "exit status: 9");
}

#[test]
fn wrong_secrets_are_refused_and_counted() {
    let (_folder, config) = configuration("30");
    let text = std::fs::read_to_string(&config).unwrap();
    let changed = text.replace("everybody-0001", "nobody-0001");
    std::fs::write(&config, changed).unwrap();
    let server = serve(&config);
    let line = ["--target", &server.address, "--peers", "30"];
    let ended = hammer(&[&line[..], &["--json"]].concat());
    assert_eq!(ended.code, 42, "{ended:?}");
    let report = json(&ended);
    assert_eq!(report["verdict"], "failed");
    assert_eq!(
        (&report["registered"], &report["refused"]),
        (&20.into(), &10.into())
    );
    let why = "REGREJ, cause 29, \"Registration Refused\"";
    assert_eq!(report["refusals"][why], 10, "{report}");
    let shown = hammer(&line);
    assert_eq!(shown.code, 42, "{shown:?}");
    for words in ["20 of 30 registrations granted", why, "##", "99.9 %"] {
        assert!(shown.stdout.contains(words), "{words} in\n{}", shown.stdout);
    }
}

#[test]
fn a_call_that_the_server_ends_has_dropped() {
    let (_folder, config) = configuration("200");
    let server = serve(&config);
    let line = [
        "--target",
        &server.address,
        "--peers",
        "200",
        "--listen",
        "music",
    ];
    let stop = format!("kill -TERM {}", server.id());
    let rest = [
        "--reload-every",
        "1",
        "--reload-cmd",
        &stop,
        "--rate",
        "50",
        "--json",
    ];
    let ended = hammer(&[&line[..], &rest].concat());
    assert_eq!(ended.code, 42, "{ended:?}");
    let report = json(&ended);
    let dropped = report["call"]["dropped"].as_str();
    assert!(
        dropped.is_some_and(|why| why.contains("hung up")),
        "{report}"
    );
    assert!(number(&report["registered"]) > 20.0, "{report}");
}

#[test]
fn ctrl_c_ends_it_early_with_what_there_was() {
    let (_folder, config) = configuration("500");
    let server = Server::start(&["--config", config.to_str().unwrap()]);
    let line = ["hammer", "--target", &server.address, "--peers", "500"];
    let child = iaxproof()
        .args([&line[..], &["--rate", "20", "--json"]].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    server.wait_for("registered name=\"hammer-00003\"");
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdict"], "incomplete");
    let (done, left) = (number(&report["registered"]), number(&report["unfinished"]));
    assert!(
        (3.0..500.0).contains(&done) && done + left == 500.0,
        "{report}"
    );
}

#[test]
fn nobody_there_is_said_at_once() {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let ended = hammer(&["--target", &address, "--peers", "1000"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("nobody listens"), "{ended:?}");
}

#[test]
fn nothing_is_sent_outside_loopback_unless_the_target_is_ours() {
    let elsewhere = hammer(&["--target", "192.0.2.1", "--peers", "1"]);
    assert_eq!(elsewhere.code, 2, "{elsewhere:?}");
    assert!(
        elsewhere.stderr.contains("--i-own-this-target"),
        "{elsewhere:?}"
    );
}

#[test]
fn a_file_that_is_there_is_written_over_only_by_force() {
    let (_folder, config) = configuration("3");
    let path = config.to_str().unwrap();
    let again = |words: &[&str]| {
        let line = ["--peers", "4", "--write-config", path];
        hammer(&[&line[..], words].concat()).code
    };
    let peers = || {
        std::fs::read_to_string(&config)
            .unwrap()
            .matches("](hammer)")
            .count()
    };
    assert_eq!((again(&[]), peers()), (2, 3));
    assert_eq!((again(&["--force"]), peers()), (0, 4));
    assert_eq!(
        hammer(&["--peers", "4"]).code,
        2,
        "neither a target nor a file"
    );
    let half = [
        "--target",
        "127.0.0.1",
        "--peers",
        "4",
        "--reload-every",
        "1",
    ];
    assert_eq!(hammer(&half).code, 2, "reloads by which command?");
    let crowd = [
        "--target",
        "127.0.0.1",
        "--peers",
        "4",
        "--sockets",
        "2",
        "--addresses",
        "3",
    ];
    assert_eq!(hammer(&crowd).code, 2, "more addresses than sockets");
}
