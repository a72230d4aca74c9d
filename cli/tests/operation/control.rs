//! `iaxproof ctl` against `iaxproof serve --control`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::server::*;

/// A folder with a configuration, and the path of a socket.
struct Office {
    folder: tempfile::TempDir,
}

const CONFIG: &str = "\
[guest]\ntype = user\n\
[ann]\ntype = friend\nhost = dynamic\nsecret = of-ann\nqualify = yes\n\
[desk]\ntype = peer\nhost = 127.0.0.1\nport = 9\n";

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let office = Office { folder };
        office.write(CONFIG);
        office
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, config: &str) {
        std::fs::write(self.path("iax.conf"), config).unwrap();
    }

    fn socket(&self) -> PathBuf {
        self.path("control.sock")
    }

    fn start(&self, more: &[&str]) -> Server {
        let (config, socket) = (self.path("iax.conf"), self.socket());
        let args = [
            "--config",
            config.to_str().unwrap(),
            "--control",
            socket.to_str().unwrap(),
        ];
        Server::start(&[&args[..], more].concat())
    }

    fn ctl(&self, words: &[&str]) -> Ended {
        let socket = self.socket();
        let socket = socket.to_str().unwrap();
        client(&[&["ctl", "--socket", socket], words].concat(), None)
    }

    /// What `--json` says, as it is named.
    fn json(&self, words: &[&str], name: &str) -> Value {
        let ended = self.ctl(&[words, &["--json"]].concat());
        let mut said: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(said["version"], 1, "{ended:?}");
        said[name].take()
    }

    /// The row of a list with this name.
    fn row(&self, list: &str, name: &str) -> Value {
        let rows = self.json(&[list], list);
        let rows = rows.as_array().unwrap();
        let found = rows.iter().find(|row| row["name"] == name);
        found
            .unwrap_or_else(|| panic!("{name} in {rows:?}"))
            .clone()
    }

    fn stats(&self) -> Value {
        self.json(&["stats"], "stats")
    }
}

/// A client that is ended with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn call(server: &Server, extension: &str, folder: &Path, more: &[&str], secret: &str) -> Running {
    let heard = folder.join(format!("heard-{}.wav", extension.replace('/', "-")));
    let child = iaxproof()
        .args(["call", &server.address, extension, "--record"])
        .arg(heard)
        .args(more)
        .env("IAXPROOF_SECRET", secret)
        .stdout(Stdio::null())
        .spawn();
    Running(child.unwrap())
}

fn register(server: &Server, name: &str, secret: &str) -> Ended {
    client(&["register", &server.address, name, "--once"], Some(secret))
}

#[test]
fn peers_and_users_are_listed_and_a_registration_is_taken_away() {
    let office = Office::new();
    let server = office.start(&[]);
    let mode = std::fs::metadata(office.socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let ann = office.row("peers", "ann");
    assert_eq!(
        (&ann["standing"], &ann["address"]),
        (&"unregistered".into(), &Value::Null)
    );
    assert_eq!(
        (&ann["origin"], &ann["qualify"]),
        (&"static".into(), &"UNKNOWN".into())
    );
    let desk = office.row("peers", "desk");
    assert_eq!(
        (&desk["standing"], &desk["address"]),
        (&"fixed".into(), &"127.0.0.1:9".into())
    );
    assert_eq!(desk["qualify"], "Unmonitored");
    // The container's, and the hint of the address index.
    assert_eq!(
        (&ann["references"], &desk["references"]),
        (&1.into(), &2.into())
    );
    assert_eq!(office.row("users", "ann")["auth"], "MD5");
    assert_eq!(office.row("users", "guest")["auth"], "none");

    assert_eq!(register(&server, "ann", "of-ann").code, 0);
    let ann = office.row("peers", "ann");
    assert_eq!(ann["standing"], "registered");
    assert!(
        (50..=70).contains(&ann["expires_seconds"].as_u64().unwrap()),
        "{ann}"
    );
    assert!(ann["references"].as_u64().unwrap() > 1, "{ann}");
    let table = office.ctl(&["peers"]).stdout;
    let mut lines = table.lines();
    let heading: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    let expected = [
        "name",
        "address",
        "standing",
        "expires",
        "qualify",
        "origin",
        "references",
    ];
    assert_eq!(heading, expected);
    assert_eq!(lines.count(), 2, "{table}");

    let gone = office.ctl(&["unregister", "ann"]);
    assert_eq!((gone.code, &*gone.stdout), (0, "ann: done\n"));
    assert_eq!(office.row("peers", "ann")["standing"], "unregistered");
    let again = office.ctl(&["unregister", "ann"]);
    assert_eq!((again.code, &*again.stdout), (1, "ann: not registered\n"));
    assert_eq!(office.stats()["counts"]["registrations"], 1);
}

#[test]
fn a_reload_says_what_came_of_it() {
    let office = Office::new();
    let _server = office.start(&[]);
    office.write(&format!("{CONFIG}[carl]\ntype = peer\nhost = dynamic\n"));
    let done = office.ctl(&["reload"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(
        done.stdout,
        "configuration 1 is in force: 3 peers, 2 users\n"
    );
    office.write(&format!(
        "{CONFIG}[dora]\ntype = peer\nhost = dynamic\nqualify = perhaps\n"
    ));
    let refused = office.ctl(&["reload"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let why = &refused.stderr;
    assert!(
        why.contains("iax.conf:") && why.contains("qualify"),
        "{why}"
    );
    assert!(
        why.contains("the former configuration stays in force"),
        "{why}"
    );
    office.row("peers", "carl");
    let refused = office.json(&["reload"], "error");
    assert!(
        refused.as_str().unwrap().contains("stays in force"),
        "{refused}"
    );
}

#[test]
fn a_call_is_listed_and_traced_without_its_secrets() {
    let office = Office::new();
    let server = office.start(&[]);
    assert_eq!(office.json(&["calls"], "calls"), Value::Array(Vec::new()));
    let calling = call(
        &server,
        "echo",
        office.folder.path(),
        &["--user", "ann", "--seconds", "2"],
        "of-ann",
    );
    server.wait_for("incoming call");
    wait_until("the call to be up", || {
        office.json(&["calls"], "calls")[0]["state"] == "Up"
    });
    let listed = office.json(&["calls"], "calls")[0].take();
    assert_eq!(
        (&listed["name"], &listed["number"]),
        (&"ann".into(), &"echo".into())
    );
    assert_eq!(
        (&listed["direction"], &listed["bridged"]),
        (&"in".into(), &Value::Null)
    );
    assert_eq!(listed["format"], "ULAW");
    assert!(office.ctl(&["calls"]).stdout.contains("echo"));

    let name = listed["call"].as_str().unwrap();
    let socket = office.socket();
    let trace = iaxproof()
        .args(["ctl", "trace", name, "--socket"])
        .arg(&socket)
        .stdout(Stdio::piped())
        .spawn();
    let mut trace = Running(trace.unwrap());
    let mut lines = BufReader::new(trace.0.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(
        first.starts_with(&format!("call {name} with 127.0.0.1:")),
        "{first}"
    );
    let mut heard = lines
        .by_ref()
        .take(20)
        .map(Result::unwrap)
        .collect::<Vec<_>>();
    heard.extend(lines.map(Result::unwrap));
    drop(calling);
    let all = heard.join("\n");
    assert!(
        heard
            .iter()
            .any(|line| line.contains(&format!("{} -> ", server.address))),
        "{all}"
    );
    assert!(
        heard
            .iter()
            .any(|line| line.contains(&format!(" -> {}", server.address))),
        "{all}"
    );
    assert!(all.contains("Mini"), "{all}");
    assert_eq!(heard.last().unwrap(), "the call is over");
    let missing = office.ctl(&["trace", "31#1"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("no call 31#1"), "{missing:?}");
    wait_until("the end of the call", || {
        office.stats()["counts"]["calls"] == 0
    });
}

#[test]
fn a_registration_elsewhere_is_listed() {
    let office = Office::new();
    let registrar = Server::start(&[]);
    let register = format!(
        "[general]\nregister => alice:alice-secret@{}\n{CONFIG}",
        registrar.address
    );
    office.write(&register);
    let _server = office.start(&[]);
    wait_until("the registration", || {
        office.json(&["registry"], "registry")[0]["state"] == "Registered"
    });
    let row = office.json(&["registry"], "registry")[0].take();
    assert_eq!(
        (&row["host"], &row["username"]),
        (&registrar.address.clone().into(), &"alice".into())
    );
    assert_eq!(row["refresh_seconds"], 60);
    assert!(
        row["perceived"].as_str().unwrap().starts_with("127.0.0.1:"),
        "{row}"
    );
    assert!(
        (30..=50).contains(&row["next_seconds"].as_u64().unwrap()),
        "{row}"
    );
}

#[test]
fn rows_of_a_database_are_pruned_and_others_are_not() {
    let office = Office::new();
    let database = office.path("iax.db");
    let server = office.start(&["--database", database.to_str().unwrap()]);
    let connection = rusqlite::Connection::open(&database).unwrap();
    let row = "insert into iaxpeers (name, host, secret) values ('rita', 'dynamic', 'of-rita')";
    connection.execute(row, ()).unwrap();
    drop(connection);
    let pruned = |name: &str| {
        let ended = office.ctl(&["prune", name]);
        (ended.code, ended.stdout)
    };
    assert_eq!(
        pruned("rita"),
        (1, "rita: peer unknown, user unknown\n".to_owned())
    );
    assert_eq!(register(&server, "rita", "of-rita").code, 0);
    assert_eq!(office.row("peers", "rita")["origin"], "realtime");
    let gone = office.ctl(&["unregister", "rita"]);
    assert_eq!((gone.code, &*gone.stdout), (0, "rita: done\n"));
    assert_eq!(
        pruned("rita"),
        (0, "rita: peer evicted, user unknown\n".to_owned())
    );
    assert_eq!(
        pruned("ann"),
        (1, "ann: peer static, user static\n".to_owned())
    );
}

#[test]
fn a_socket_is_of_one_server_and_goes_with_it() {
    let office = Office::new();
    let mut server = office.start(&[]);
    let socket = office.socket();
    let second = client(
        &[
            "serve",
            "--bind",
            "127.0.0.1:0",
            "--control",
            socket.to_str().unwrap(),
        ],
        None,
    );
    assert_eq!(second.code, 2, "{second:?}");
    assert!(
        second.stderr.contains("another server listens there"),
        "{second:?}"
    );
    server.signal("-TERM");
    assert!(server.end().success());
    assert!(!socket.exists());
    let nobody = office.ctl(&["peers"]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.stderr.contains("no server at"), "{nobody:?}");
    // A killed server leaves its socket, and the next one replaces it.
    drop(office.start(&[]));
    assert!(socket.exists());
    let _server = office.start(&[]);
    assert_eq!(office.stats()["workers"], 1);
}

#[test]
fn who_stalls_holds_up_nobody_and_nonsense_is_answered() {
    let office = Office::new();
    let server = office.start(&[]);
    let connect = || UnixStream::connect(office.socket()).unwrap();
    // Some say nothing, some half a request, some take no answer.
    let stalled: Vec<UnixStream> = (0..20).map(|_| connect()).collect();
    for (i, mut stream) in stalled.iter().enumerate() {
        let said = [
            &b""[..],
            b"{\"version\":1,",
            b"{\"version\":1,\"command\":\"peers\"}\n",
        ];
        stream.write_all(said[i % 3]).unwrap();
    }
    assert_eq!(office.stats()["peers"], 2);
    assert_eq!(register(&server, "ann", "of-ann").code, 0);
    let answer = |said: &[u8]| {
        let mut stream = connect();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        // The server may close before it has read all of it.
        let _ = stream.write_all(said);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    assert!(answer(b"{\"version\":2,\"command\":\"peers\"}\n").contains("version 1"));
    assert!(answer(b"nonsense\n").contains("not a request"));
    assert!(answer(b"{\"version\":1,\"command\":\"peers\"").contains("one line"));
    let mut long = vec![b' '; 10_000];
    long.push(b'\n');
    let refused = answer(&long);
    assert!(
        refused.is_empty() || refused.contains("one line"),
        "{refused}"
    );
    // Beyond the limit connections are closed at once, and others go on when these are gone.
    let many: Vec<UnixStream> = (0..64).map(|_| connect()).collect();
    drop((stalled, many));
    wait_until("an answer", || office.ctl(&["stats"]).code == 0);
}

#[test]
fn several_workers_answer_as_one() {
    let office = Office::new();
    let server = office.start(&["--workers", "3"]);
    let folder = office.folder.path();
    // Which worker has which the system decides: of six calls hardly all are of one.
    let calling: Vec<Running> = (0..6)
        .map(|_| call(&server, "echo", folder, &["--user", "ann"], "of-ann"))
        .collect();
    wait_until("all calls", || {
        let calls = office.json(&["calls"], "calls");
        let calls = calls.as_array().unwrap();
        calls.iter().filter(|call| call["state"] == "Up").count() == 6
    });
    let stats = office.stats();
    assert_eq!(
        (&stats["workers"], &stats["counts"]["calls"]),
        (&3.into(), &6.into())
    );
    assert_eq!(stats["counts"]["calls_incoming"], 6);
    drop(calling);
}
