//! `serve --pcap`, read again by `decode`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::server::*;

fn decoded(path: &str) -> Vec<Value> {
    let ended = client(&["decode", path, "--json"], None);
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines = ended.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn records(bind: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.pcapng");
    let path = path.to_str().unwrap();
    let mut server = Server::start_on(bind, &["--pcap", path]);
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let registered = client(
        &["register", &server.address, "alice", "--once"],
        Some("alice-secret"),
    );
    assert_eq!(registered.code, 0, "{registered:?}");
    // What a quiet server got is on the disk while it runs.
    let has = |command: &str| decoded(path).iter().any(|it| it["command"] == command);
    wait_until("the registration in the capture", || has("REGACK"));
    server.signal("-TERM");
    assert!(server.end().success());
    let all = decoded(path);
    let ours = |packet: &Value| packet["source"] == server.address.as_str();
    let (sent, got): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|it| ours(it));
    assert!(
        got.iter()
            .all(|it| it["destination"] == server.address.as_str()),
        "{got:?}"
    );
    assert!(
        sent.iter().any(|it| it["command"] == "REGAUTH") && got.len() >= 2,
        "{sent:?}"
    );
    assert!(
        all.iter()
            .all(|it| it.get("refused").is_none() && it.get("not_iax2").is_none())
    );
    let times: Vec<f64> = all.iter().map(|it| it["time"].as_f64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    #[expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "times of a capture are those of the clock"
    )]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    assert!(
        (now.unwrap().as_secs_f64() - times[0]).abs() < 60.0,
        "{times:?}"
    );
}

#[test]
fn every_datagram_is_in_the_capture_with_its_addresses_and_time() {
    records("127.0.0.1:0");
    records("[::1]:0");
}

#[test]
fn a_full_disk_ends_the_capture_and_not_the_server() {
    let mut server = Server::start(&["--pcap", "/dev/full"]);
    server.wait_for("the capture ends here, the server goes on");
    for _ in 0..2 {
        let registered = client(
            &["register", &server.address, "bob", "--once"],
            Some("bob-secret"),
        );
        assert_eq!(registered.code, 0, "{registered:?}");
    }
    assert_eq!(
        server.log().matches("the capture ends").count(),
        1,
        "{}",
        server.log()
    );
    server.signal("-TERM");
    assert!(server.end().success());
    let nowhere = client(
        &[
            "serve",
            "--bind",
            "127.0.0.1:0",
            "--pcap",
            "/no/such/folder/x",
        ],
        None,
    );
    assert_eq!(nowhere.code, 1, "{nowhere:?}");
    assert!(nowhere.stderr.contains("/no/such/folder/x"), "{nowhere:?}");
}
