//! A server of several workers, as a process: calls that come to any of them are heard, also where they go on to a peer whose answers come to
//! another.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use crate::serve::echo_at;
use crate::server::*;

/// Calls at a time: that the system gives all of them to one of two workers happens once in 32,768 times.
const CALLS: usize = 16;
/// The first call number of the second of two workers: each has half of 2..=32767.
const SECOND: u16 = 2 + 32_766 / 2;

/// The call numbers that a server's log names.
fn numbers(log: &str) -> BTreeSet<u16> {
    let calls = log.lines().filter(|line| line.contains("incoming call"));
    let named = calls.filter_map(|line| line.split("call=").nth(1)?.split('#').next());
    named.map(|number| number.parse().unwrap()).collect()
}

#[test]
fn calls_of_two_workers_are_heard_through_another_server() {
    let far = Server::start(&["--workers", "2"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("iax.conf");
    let (host, port) = far.address.split_once(':').unwrap();
    let text = format!(
        "[far]\ntype = peer\nhost = {host}\nport = {port}\nusername = guest\n[guest]\ntype = user\n"
    );
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let mut near = Server::start(&["--workers", "2", "--config", config]);
    std::thread::scope(|scope| {
        for _ in 0..CALLS {
            scope.spawn(|| echo_at(&near, "far/echo", 440.0, &["--codec", "ulaw"]));
        }
    });
    for server in [&near, &far] {
        let numbers = numbers(&server.log());
        assert_eq!(numbers.len(), CALLS, "{numbers:?}");
        let of_the_first = numbers.range(..SECOND).count();
        // The far one hears one address alone, which is one worker's.
        let is_split = (1..CALLS).contains(&of_the_first);
        assert_eq!(is_split, server.address == near.address, "{numbers:?}");
    }
    near.signal("-HUP");
    near.wait_for("configuration reloaded");
    echo_at(&near, "far/echo", 440.0, &["--codec", "ulaw"]);
    near.signal("-TERM");
    assert!(near.end().success(), "{}", near.log());
}

#[test]
fn a_second_server_does_not_share_the_port() {
    let server = Server::start(&["--workers", "2"]);
    for workers in ["1", "2"] {
        let ended = client(
            &["serve", "--workers", workers, "--bind", &server.address],
            None,
        );
        assert_eq!(ended.code, 1, "{ended:?}");
        let said = format!("cannot listen on {}", server.address);
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
}
