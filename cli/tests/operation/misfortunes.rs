//! What goes wrong around a server: a port that is taken, too few open files, a full disk, a database that must not be written, files
//! that cannot be read. Each is one clear error that names what it is about, and leaves nothing half done behind.
//!
//! A clock that jumps is tried beside the code that reads it (`clock.rs`, `store`): nobody sets the date of a machine for a test.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::server::*;

/// How a server ended that did not start, and its one error, which is no panic. `None` where it started: then it was stopped again.
fn start(command: &mut Command, args: &[&str]) -> Option<(i32, String)> {
    let mut child = command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut first).unwrap();
    if first.starts_with("listening on ") {
        let pid = child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(end(&mut child).success());
        return None;
    }
    let code = end(&mut child).code().unwrap();
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();
    Some((code, one_error(&stderr)))
}

/// Why a server did not start.
fn refusal(args: &[&str]) -> (i32, String) {
    let ended = start(iaxproof().arg("serve"), args);
    ended.unwrap_or_else(|| panic!("it started with {args:?}"))
}

/// The one error, which may name several lines of a file.
fn one_error(stderr: &str) -> String {
    let errors = stderr.matches("iaxproof: ").count();
    assert!(errors == 1 && !stderr.contains("panicked"), "{stderr}");
    stderr.split_once("iaxproof: ").unwrap().1.to_owned()
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Limits what a server may have from now on, and gives back what it had.
fn limit(server: &Server, resource: Resource, most: Option<u64>) -> Option<u64> {
    let pid = Pid::from_raw(server.id().try_into().unwrap());
    let hard = rustix::process::getrlimit(resource).maximum;
    let limits = Rlimit {
        current: most,
        maximum: hard,
    };
    prlimit(pid, resource, limits).unwrap().current
}

fn register(server: &Server, name: &str) -> Ended {
    let secret = format!("{name}-secret");
    let line = ["register", &server.address, name, "--once"];
    client(&line, Some(&secret))
}

#[test]
fn a_port_that_is_taken_is_named_and_no_file_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (database, control, capture) = (path("iax.db"), path("control"), path("old.pcapng"));
    std::fs::write(&capture, "of yesterday").unwrap();
    let files = ["--database", &database, "--control", &control];
    let files = [&files[..], &["--pcap", &capture]].concat();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = udp.local_addr().unwrap().to_string();
    let taken_by_tcp = tcp.local_addr().unwrap().to_string();
    for (at, more) in [
        (&taken, &["--bind", &taken][..]),
        (&taken, &["--bind", &taken, "--workers", "2"]),
        (
            &taken_by_tcp,
            &["--bind", "127.0.0.1:0", "--metrics", &taken_by_tcp],
        ),
    ] {
        let (code, why) = refusal(&[&files[..], more].concat());
        assert_eq!(code, 1, "{why}");
        assert!(why.starts_with(&format!("cannot listen on {at}")), "{why}");
        assert!(why.contains("Address already in use"), "{why}");
        assert!(why.contains("stop the program that has it"), "{why}");
        assert_eq!(names(folder.path()), ["old.pcapng"]);
        assert_eq!(std::fs::read(&capture).unwrap(), b"of yesterday");
    }
}

/// What a server said that may have so many files open, where it did not start.
fn with_open_files(most: u32, args: &[&str]) -> Option<String> {
    let mut command = Command::new("sh");
    let limited = ["-c", "ulimit -n $0; exec \"$@\"", &most.to_string()];
    let serve = [
        env!("CARGO_BIN_EXE_iaxproof"),
        "serve",
        "--bind",
        "127.0.0.1:0",
    ];
    let (code, why) = start(command.args(limited).args(serve), args)?;
    assert_eq!(code, 1, "{why}");
    Some(why)
}

#[test]
fn with_too_few_open_files_it_starts_or_says_so_and_leaves_no_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (database, control, capture) = (path("iax.db"), path("control"), path("all.pcapng"));
    let files = ["--database", &database, "--control", &control];
    let args = [&files[..], &["--pcap", &capture, "--workers", "2"]].concat();
    // From one more than the three that it is born with, to all that it wants.
    let outcomes: Vec<Option<String>> = (4..=28)
        .map(|most| {
            let refused = with_open_files(most, &args);
            assert!(!names(folder.path()).contains(&"control".to_owned()));
            refused
        })
        .collect();
    let started = outcomes.iter().position(Option::is_none).unwrap();
    assert!(started > 8, "{outcomes:?}");
    let (refused, served) = outcomes.split_at(started);
    assert!(served.iter().all(Option::is_none), "{outcomes:?}");
    for why in refused.iter().flatten() {
        assert!(why.contains("Too many open files"), "{why}");
        assert!(why.contains("ulimit -n"), "{why}");
    }
}

#[test]
fn a_server_out_of_open_files_goes_on_and_says_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (database, control) = (path("iax.db"), path("control"));
    let args = ["--database", &database, "--control", &control];
    let server = Server::start(&args);
    assert_eq!(register(&server, "alice").code, 0);
    let before = limit(&server, Resource::Nofile, Some(0));
    let ctl = || {
        let mut line = iaxproof();
        line.args(["ctl", "--socket", &control, "stats"]);
        line.stdout(Stdio::null()).spawn().unwrap()
    };
    // The first finds the place that was kept for it before there was a limit.
    let mut first = ctl();
    let told = "connections to the control socket are not taken";
    server.wait_for(told);
    let mut second = ctl();
    assert_eq!(register(&server, "bob").code, 0, "{}", server.log());
    limit(&server, Resource::Nofile, before);
    // Who waited is answered.
    assert!(end(&mut first).success() && end(&mut second).success());
    server.wait_for("connections to the control socket are taken again");
    assert_eq!(server.log().matches(told).count(), 1, "{}", server.log());
    assert!(server.log().contains("ulimit -n"), "{}", server.log());
}

/// The limit of file sizes is a disk that is full beyond it: it can be set for a server that runs, and lifted.
#[test]
fn a_full_disk_refuses_registrations_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("iax.db");
    let server = Server::start(&["--database", database.to_str().unwrap()]);
    assert_eq!(register(&server, "alice").code, 0);
    // The log is shorter than what the database has written already.
    let log_of_writes = folder.path().join("iax.db-wal");
    let full = std::fs::metadata(log_of_writes).unwrap().len();
    assert!(full > 4 * server.log().len() as u64);
    let before = limit(&server, Resource::Fsize, Some(full));
    for _ in 0..2 {
        let refused = register(&server, "bob");
        assert_ne!(refused.code, 0, "{refused:?}{}", server.log());
    }
    let told = "registrations are not stored";
    assert_eq!(server.log().matches(told).count(), 1, "{}", server.log());
    assert!(server.log().contains("iax.db"), "{}", server.log());
    assert!(server.log().contains("ulimit -f"), "{}", server.log());
    let kept = || -> Vec<String> {
        let connection = rusqlite::Connection::open(&database).unwrap();
        let select = "SELECT name FROM iaxproof_registrations WHERE ipaddr IS NOT NULL";
        let mut select = connection.prepare(select).unwrap();
        let names = select.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    };
    assert_eq!(kept(), ["alice"]);
    limit(&server, Resource::Fsize, before);
    server.wait_for("registrations are stored again");
    assert_eq!(register(&server, "carol").code, 0, "{}", server.log());
    assert_eq!(kept(), ["alice", "carol"]);
}

/// Also where the log goes, which is nobody's reason to end.
#[test]
fn a_log_that_nobody_takes_ends_no_server() {
    let mut child = iaxproof()
        .args(["serve", "--bind", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(File::create("/dev/full").unwrap())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("listening on ").unwrap();
    for (name, secret, code) in [("alice", "alice-secret", 0), ("bob", "wrong", 5)] {
        let ended = client(&["register", address, name, "--once"], Some(secret));
        assert_eq!(ended.code, code, "{ended:?}");
    }
    let pid = child.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(end(&mut child).success());
}

#[test]
fn a_database_that_cannot_be_used_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (database, nonsense) = (path("iax.db"), path("nonsense"));
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch("CREATE TABLE other (x)")
        .unwrap();
    std::fs::write(&nonsense, "a file that is something else. ".repeat(40)).unwrap();
    // Whoever is root may write where the mode forbids it; SQLite's own word for it holds for all.
    let read_only = format!("file:{database}?mode=ro");
    for (database, why) in [
        (read_only.as_str(), "readonly database"),
        (&nonsense, "file is not a database"),
        (folder.path().to_str().unwrap(), "Is a directory"),
        ("/no/such/folder/iax.db", "No such file or directory"),
    ] {
        let (code, said) = refusal(&["--bind", "127.0.0.1:0", "--database", database]);
        assert_eq!(code, 1, "{said}");
        let expected = format!("cannot use the database {database}: ");
        assert!(said.starts_with(&expected) && said.contains(why), "{said}");
    }
    assert_eq!(names(folder.path()), ["iax.db", "nonsense"]);
}

#[test]
fn a_postgresql_that_cannot_be_used_is_named_without_its_password() {
    let has_postgres = cfg!(feature = "postgres");
    let database = |address| refusal(&["--bind", "127.0.0.1:0", "--database", address]);
    let (code, said) = database("postgres://iax:hush-hush@127.0.0.1:1/phones");
    let why = match has_postgres {
        true => "no password there",
        false => "built without PostgreSQL",
    };
    assert_eq!(code, 2, "{said}");
    assert!(said.contains(why) && !said.contains("hush-hush"), "{said}");
    if has_postgres {
        let address = "postgres://iax@127.0.0.1:1/phones";
        let (code, said) = database(address);
        assert_eq!(code, 1, "{said}");
        assert!(
            said.starts_with(&format!("cannot use the database {address}: ")),
            "{said}"
        );
        assert!(said.contains("Connection refused"), "{said}");
    }
}

/// Files that cannot be read as what they are to be, and what is said of each. `/proc/self/mem` is one whose reading fails.
fn unreadable(folder: &Path) -> Vec<(String, &'static str)> {
    let file = |name: &str, octets: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, octets).unwrap();
        path.to_str().unwrap().to_owned()
    };
    vec![
        (
            folder.join("missing").to_str().unwrap().to_owned(),
            "No such file or directory",
        ),
        (folder.to_str().unwrap().to_owned(), "Is a directory"),
        ("/proc/self/mem".to_owned(), "Input/output error"),
        (
            file("latin", b"[general]\n; ok\nlanguage = fran\xe7ais\n"),
            "latin:3: expected text in UTF-8",
        ),
        (
            file("includes", b"[general]\n#include \"nowhere.conf\"\n"),
            "includes:2: cannot include \"nowhere.conf\"",
        ),
    ]
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    for option in ["--config", "--dialplan"] {
        for (file, why) in unreadable(folder.path()) {
            let (code, said) = refusal(&["--bind", "127.0.0.1:0", option, &file]);
            assert_eq!(code, 2, "{said}");
            assert!(
                said.contains(&file) && said.contains(why),
                "{option} {said}"
            );
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_any_more_leaves_in_force_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (config, control) = (path("iax.conf"), path("control"));
    let text = "[alice]\ntype = friend\nhost = dynamic\nsecret = alice-secret\n";
    let good = path("good");
    std::fs::write(&good, text).unwrap();
    let point_to = |target: &str| {
        let _ = std::fs::remove_file(&config);
        std::os::unix::fs::symlink(target, &config).unwrap();
    };
    point_to(&good);
    let server = Server::start(&["--config", &config, "--control", &control]);
    let reload = || client(&["ctl", "--socket", &control, "reload"], None);
    for (file, why) in unreadable(folder.path()) {
        point_to(&file);
        let refused = reload();
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("iax.conf"), "{refused:?}");
        let why = why.split_once(": ").map_or(why, |(_, why)| why);
        assert!(refused.stderr.contains(why), "{refused:?}");
        assert!(refused.stderr.contains("stays in force"), "{refused:?}");
        assert_eq!(register(&server, "alice").code, 0);
    }
    point_to(&good);
    let reloaded = reload();
    assert_eq!(reloaded.code, 0, "{reloaded:?}");
    assert!(reloaded.stdout.contains('1'), "{reloaded:?}");
}
