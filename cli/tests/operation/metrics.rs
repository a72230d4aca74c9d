//! `serve --metrics`, by hand: a request on a socket, and the page.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::server::*;

/// The port, as the log says it.
fn address(server: &Server) -> String {
    server.wait_for("metrics on http://");
    let log = server.log();
    let (_, behind) = log.split_once("metrics on http://").unwrap();
    behind.split('/').next().unwrap().to_owned()
}

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The value of a sample.
fn value(page: &str, sample: &str) -> f64 {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{sample} in {page}"))
        .parse()
        .unwrap()
}

#[test]
fn a_scrape_tells_what_happened() {
    let server = Server::start(&["--metrics", "127.0.0.1:0"]);
    let address = address(&server);
    let scrape = || {
        let answer = ask(&address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        let (head, page) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(
            head.contains("Content-Type: text/plain; version=0.0.4"),
            "{head}"
        );
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", page.len())),
            "{head}"
        );
        page.to_owned()
    };
    let before = scrape();
    assert_eq!(value(&before, "iaxproof_registrations_total"), 0.0);
    assert_eq!(value(&before, "iaxproof_registry_peers"), 4.0);
    let registered = client(
        &["register", &server.address, "alice", "--once"],
        Some("alice-secret"),
    );
    assert_eq!(registered.code, 0, "{registered:?}");
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard.wav");
    let call = [
        "call",
        &server.address,
        "echo",
        "--seconds",
        "1",
        "--record",
    ];
    let ended = client(&[&call[..], &[heard.to_str().unwrap()]].concat(), None);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(
        client(
            &["register", &server.address, "bob", "--once"],
            Some("wrong")
        )
        .code,
        5
    );
    let after = scrape();
    assert_eq!(value(&after, "iaxproof_registrations_total"), 1.0);
    assert_eq!(value(&after, "iaxproof_calls_incoming_total"), 1.0);
    assert_eq!(value(&after, "iaxproof_logins_failed_total"), 1.0);
    assert_eq!(value(&after, "iaxproof_calls"), 0.0);
    assert_eq!(value(&after, "iaxproof_registry_addresses"), 1.0);
    let more = value(&after, "iaxproof_registry_references")
        - value(&before, "iaxproof_registry_references");
    assert!(more >= 1.0, "{more}");
    // A second of audio is fifty pieces, less what a slow machine skips.
    let gaps = value(&after, "iaxproof_audio_gap_seconds_count");
    assert!((20.0..=60.0).contains(&gaps), "{gaps}");
    let batches = value(&after, "iaxproof_batch_datagrams_count");
    assert!(batches > 20.0 && batches <= value(&after, "iaxproof_datagrams_total"));
    assert_eq!(
        value(&after, "iaxproof_dropped_total{reason=\"undecodable\"}"),
        0.0
    );
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"?", &server.address).unwrap();
    wait_until("the drop", || {
        value(&scrape(), "iaxproof_dropped_total{reason=\"undecodable\"}") == 1.0
    });
}

#[test]
fn the_port_is_of_the_loopback_and_knows_one_page() {
    let refused = client(
        &["serve", "--metrics", "0.0.0.0:0", "--bind", "127.0.0.1:0"],
        None,
    );
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("loopback"), "{refused:?}");
    let server = Server::start(&["--metrics", "127.0.0.1:0"]);
    let address = address(&server);
    assert!(ask(&address, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(ask(&address, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(ask(&address, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    let head = ask(&address, "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    // Who says nothing holds up nobody.
    let _mute: Vec<TcpStream> = (0..4)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    assert!(ask(&address, "GET /metrics HTTP/1.1\r\n\r\n").contains("iaxproof_workers 1"));
}
