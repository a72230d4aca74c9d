//! The server and the client as processes: calls that are heard, refusals with their exit codes, signals, and a log without
//! secrets. Every server has a port of its own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Stdio;
use std::time::Duration;

use crate::server::*;
use iaxproof::wire::{
    Body, CallNumber, Cause, Format, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo,
    Timestamp,
};

fn echo_of_a_tone(server: &Server, frequency: f64, more: &[&str]) {
    echo_at(server, "echo", frequency, more);
}

pub(crate) fn echo_at(server: &Server, extension: &str, frequency: f64, more: &[&str]) {
    echo_as(server, extension, frequency, more, None);
}

fn echo_as(server: &Server, extension: &str, frequency: f64, more: &[&str], secret: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let (said, heard) = (
        folder.path().join("said.wav"),
        folder.path().join("heard.wav"),
    );
    write_tone(&said, frequency, 1.5);
    let (said, path) = (said.to_str().unwrap(), heard.to_str().unwrap());
    let call = [
        "call",
        &server.address,
        extension,
        "--send",
        said,
        "--record",
        path,
    ];
    let ended = client(&[&call[..], more].concat(), secret);
    assert_eq!(ended.code, 0, "{ended:?}");
    let heard = samples(&heard);
    assert!(heard.len() > 8_000, "only {} samples", heard.len());
    // A machine that stalls leaves gaps, but most of what is heard is the tone that was said, and no other.
    let pure = |part: &&[f64]| is_tone(part, frequency);
    let (count, all) = (
        heard.chunks_exact(800).filter(pure).count(),
        heard.len() / 800,
    );
    assert!(count * 2 > all, "{count} of {all} parts are the tone");
}

/// Whether a tenth of a second is the tone that was said: 8,000 is its amplitude, and half the square of that its energy.
fn is_tone(part: &[f64], frequency: f64) -> bool {
    let is_as_loud = (energy(part) / 32e6 - 1.0).abs() < 0.1;
    is_as_loud && share(part, frequency) > 0.95 && share(part, frequency + 100.0) < 0.05
}

#[test]
fn a_tone_comes_back_from_the_echo_in_both_laws() {
    let server = Server::start(&[]);
    echo_of_a_tone(&server, 440.0, &["--codec", "ulaw"]);
    echo_of_a_tone(&server, 1_000.0, &["--codec", "alaw"]);
}

#[test]
fn a_call_over_ipv6_is_a_call() {
    let server = Server::start_on("[::1]:0", &[]);
    assert!(server.address.starts_with("[::1]:"), "{}", server.address);
    echo_of_a_tone(&server, 440.0, &[]);
}

#[test]
fn music_is_heard_and_a_digit_comes_back_from_the_echo() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard.wav");
    let path = heard.to_str().unwrap();
    let call = [
        "call",
        &server.address,
        "music",
        "--record",
        path,
        "--seconds",
        "2",
    ];
    let ended = client(&call, None);
    assert_eq!(ended.code, 0, "{ended:?}");
    let heard = samples(&heard);
    assert!(
        (heard.len() as f64 - 16_000.0).abs() < 2_000.0,
        "{}",
        heard.len()
    );
    // The tune begins with C, E, G, C above the A of 220 Hz, a quarter of a second each.
    for (beat, semitones) in [3, 7, 10, 15].into_iter().enumerate() {
        let frequency = 220.0 * 2f64.powf(f64::from(semitones) / 12.0);
        let note = &heard[beat * 2_000 + 400..][..1_200];
        assert!(
            share(note, frequency) > 0.5,
            "note {beat}: {}",
            share(note, frequency)
        );
    }
    let echo = [
        "call",
        &server.address,
        "echo",
        "--record",
        path,
        "--seconds",
        "1",
        "--dtmf",
        "7#",
    ];
    let ended = client(&echo, None);
    assert!(ended.stdout.contains("digit 7\ndigit #\n"), "{ended:?}");
}

#[test]
fn refusals_have_exit_codes_and_a_failed_login_one_line() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heard.wav");
    let path = path.to_str().unwrap();
    let call = |extension: &str, more: &[&str], secret| {
        let call = ["call", &server.address, extension, "--record", path];
        client(&[&call[..], more].concat(), secret)
    };
    let as_alice = ["--user", "alice", "--seconds", "1"];
    let wrong = call("echo", &as_alice, Some("a-secret-that-is-wrong"));
    assert_eq!(wrong.code, 5, "{wrong:?}");
    assert_eq!(call("echo", &["--user", "nobody"], Some("x")).code, 5);
    assert_eq!(call("no-such-extension", &[], None).code, 6);
    assert_eq!(call("echo", &as_alice, Some("alice-secret")).code, 0);
    let file = folder.path().join("secret");
    std::fs::write(&file, "alice-secret\n").unwrap();
    let by_file = ["--secret-file", file.to_str().unwrap()];
    assert_eq!(
        call("echo", &[&as_alice[..], &by_file].concat(), None).code,
        0
    );
    let log = server.log();
    assert_eq!(log.matches("login failed").count(), 2, "{log}");
    assert!(log.contains("address=127.0.0.1:"), "{log}");
}

/// What a guest's call of each extension comes to, by hand: each frame made here, and all that comes back.
fn answers_to(server: &Server, extension: &str) -> Vec<(IaxCommand, Option<Cause>)> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(&server.address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut answers = Vec::new();
    let mut octets = [0; 2_048];
    send_new(&socket, extension, &[]);
    while let Ok(len) = socket.recv(&mut octets) {
        let frame = FullFrame::parse(&octets[..len]).unwrap();
        let Body::Iax { command, ies } = frame.body else {
            panic!("{frame}");
        };
        match ies.call_token() {
            Some(token) => send_new(&socket, extension, token),
            None => answers.push((command, ies.cause_code())),
        }
    }
    answers.dedup();
    answers
}

fn send_new(socket: &std::net::UdpSocket, extension: &str, token: &[u8]) {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Version(2))
        .push(InformationElement::CalledNumber(extension.as_bytes()))
        .push(InformationElement::Username(b"guest"))
        .push(InformationElement::Format(Format::ULAW.mask() as u32))
        .push(InformationElement::Capability(Format::ULAW.mask() as u32))
        .push(InformationElement::CallToken(token));
    let frame = FullFrame {
        source: CallNumber::new(7).unwrap(),
        destination: CallNumber::ZERO,
        retransmission: false,
        timestamp: Timestamp(1),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command: IaxCommand::New,
            ies: ies.view(),
        },
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    socket.send(&octets).unwrap();
}

/// chan_iax2 refuses what its dial plan does not have by REJECT, never by ACCEPT and HANGUP; with a database too, where it is asked
/// first.
#[test]
fn an_unknown_extension_is_refused_and_not_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("iax.db");
    let with_database = ["--database", database.to_str().unwrap()];
    for args in [&[][..], &with_database] {
        let server = Server::start(args);
        let refused = (IaxCommand::Reject, Some(Cause::NO_ROUTE_DESTINATION));
        for extension in ["no-such-extension", "nobody/echo", "ECHO"] {
            let answers = answers_to(&server, extension);
            assert_eq!(answers, [(IaxCommand::Ack, None), refused], "{extension}");
        }
        let answers = answers_to(&server, "echo");
        let accepted = [(IaxCommand::Ack, None), (IaxCommand::Accept, None)];
        assert_eq!(answers, accepted);
    }
}

#[test]
fn nobody_there_is_another_exit_code_than_nobody_answers() {
    // Bound and mute: nothing replies, and no other server can be there.
    let mute = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heard.wav");
    let path = path.to_str().unwrap();
    let ended = client(
        &["call", &address, "echo", "--record", path, "--wait", "1"],
        None,
    );
    assert_eq!(ended.code, 8, "{ended:?}");
}

#[test]
fn no_secret_reaches_the_log_at_its_most_talkative() {
    let server = Server::start(&["--log", "trace"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heard.wav");
    let call = [
        "call",
        &server.address,
        "echo",
        "--record",
        path.to_str().unwrap(),
    ];
    let as_alice = [&call[..], &["--user", "alice", "--seconds", "1"]].concat();
    assert_eq!(client(&as_alice, Some("alice-secret")).code, 0);
    assert_eq!(client(&as_alice, Some("wrong-secret")).code, 5);
    let log = server.log();
    assert!(
        log.contains("incoming call") && log.contains("login failed"),
        "{log}"
    );
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn a_server_between_two_others_takes_itself_out_and_the_call_goes_on() {
    let far = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let config = |name: &str, peer: &str, at: &Server, transfer: &str| {
        let (host, port) = at.address.split_once(':').unwrap();
        let path = folder.path().join(name);
        let text = format!(
            "[{peer}]\ntype = peer\nhost = {host}\nport = {port}\nusername = guest\n[guest]\ntype = user\ntransfer = {transfer}\n"
        );
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let talkative = [
        "--log",
        "debug",
        "--config",
        &config("middle.conf", "far", &far, "yes"),
    ];
    let middle = Server::start(&talkative);
    // It must not try the same at once: who is in the middle of a transfer refuses to be an end of another.
    let near = Server::start(&["--config", &config("near.conf", "middle", &middle, "no")]);
    let (said, heard) = (
        folder.path().join("said.wav"),
        folder.path().join("heard.wav"),
    );
    // Long enough for a TXCNT that came before its TXREQ to come again.
    write_tone(&said, 440.0, 6.0);
    let (said, path) = (said.to_str().unwrap(), heard.to_str().unwrap());
    let mut call = iaxproof()
        .args(["call", &near.address, "middle/far/echo", "--codec", "ulaw"])
        .args(["--send", said, "--record", path])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    middle.wait_for("Transferred");
    assert!(end(&mut call).success());
    far.wait_for("call ended");
    let heard = samples(&heard);
    let last = &heard[heard.len() - 8_000..];
    let pure = |part: &&[f64]| is_tone(part, 440.0);
    let count = last.chunks_exact(800).filter(pure).count();
    assert!(count > 5, "{count} of the last ten parts are the tone");
}

#[test]
fn an_encrypted_call_is_heard_and_is_not_made_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let (config, path) = (
        folder.path().join("iax.conf"),
        folder.path().join("heard.wav"),
    );
    let text = "[ann]\ntype = user\nsecret = hush\nforceencryption = yes\n[bob]\ntype = user\nsecret = hush\n";
    std::fs::write(&config, text).unwrap();
    let server = Server::start(&["--config", config.to_str().unwrap()]);
    let as_ann = ["--user", "ann", "--encrypt"];
    echo_as(&server, "echo", 440.0, &as_ann, Some("hush"));
    let path = path.to_str().unwrap();
    let call = [
        "call",
        &server.address,
        "echo",
        "--seconds",
        "1",
        "--record",
        path,
        "--user",
    ];
    let in_clear = client(&[&call[..], &["ann"]].concat(), Some("hush"));
    assert_eq!(in_clear.code, 5, "{in_clear:?}");
    let forced = client(&[&call[..], &["bob", "--encrypt"]].concat(), Some("hush"));
    assert_eq!(forced.code, 5, "{forced:?}");
}

#[test]
fn what_the_network_says_does_not_break_lines_of_the_log() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heard.wav");
    let forged = "x\n2026-01-01T00:00:00Z  WARN login failed\u{1b}[31m";
    let call = [
        "call",
        &server.address,
        forged,
        "--record",
        path.to_str().unwrap(),
    ];
    assert_eq!(client(&call, None).code, 6);
    let log = server.log();
    assert!(log.contains("call refused"), "{log}");
    assert!(
        !log.contains("\n2026-01-01") && !log.contains('\u{1b}'),
        "{log}"
    );
}

#[test]
fn users_and_peers_of_the_database_call_and_are_called() {
    let far = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let (database, path) = (
        folder.path().join("iax.db"),
        folder.path().join("heard.wav"),
    );
    let port = far.address.rsplit_once(':').unwrap().1;
    let rows = format!(
        "CREATE TABLE iaxusers (name TEXT, type TEXT, secret TEXT);
         CREATE TABLE iaxpeers (name TEXT, type TEXT, host TEXT, port INTEGER, username TEXT);
         INSERT INTO iaxusers VALUES ('dora', 'user', 'of-the-row');
         INSERT INTO iaxpeers VALUES ('far', 'peer', '127.0.0.1', {port}, 'guest');"
    );
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch(&rows).unwrap();
    let server = Server::start(&["--database", database.to_str().unwrap(), "--log", "debug"]);
    let path = path.to_str().unwrap();
    let as_dora = ["--user", "dora", "--seconds", "1", "--record", path];
    let call = |extension| [&["call", &server.address, extension][..], &as_dora].concat();
    assert_eq!(client(&call("echo"), Some("of-the-row")).code, 0);
    assert_eq!(client(&call("echo"), Some("another")).code, 5);
    let far_music = client(&call("far/music"), Some("of-the-row"));
    assert_eq!(far_music.code, 0, "{far_music:?}{}", server.log());
    assert!(energy(&samples(std::path::Path::new(path))) > 1e5);
    assert!(!server.log().contains("of-the-row"), "{}", server.log());
}

/// `rtcachefriends`: what the database says now counts, or what it said when the row was read.
#[test]
fn a_row_is_read_again_unless_it_is_to_be_cached() {
    for (caches, secret) in [("no", "second"), ("yes", "first")] {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (config, database, heard) = (file("iax.conf"), file("iax.db"), file("heard.wav"));
        std::fs::write(&config, format!("[general]\nrtcachefriends = {caches}\n")).unwrap();
        let rows = "CREATE TABLE iaxusers (name TEXT, type TEXT, secret TEXT);
             INSERT INTO iaxusers VALUES ('dora', 'user', 'first');";
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.execute_batch(rows).unwrap();
        let server = Server::start(&["--config", &config, "--database", &database]);
        let as_dora = ["--user", "dora", "--seconds", "1", "--record", &heard];
        let call = [&["call", &server.address, "echo"][..], &as_dora].concat();
        assert_eq!(client(&call, Some("first")).code, 0, "{}", server.log());
        let change = "UPDATE iaxusers SET secret = 'second'";
        connection.execute_batch(change).unwrap();
        // A second after it was read, by a thread that looks every second.
        pause(Duration::from_secs(3));
        assert_eq!(client(&call, Some(secret)).code, 0, "{caches}");
        let other = if secret == "first" { "second" } else { "first" };
        assert_eq!(client(&call, Some(other)).code, 5, "{caches}");
    }
}

#[test]
fn sigterm_hangs_up_and_ends_with_0() {
    let mut server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heard.wav");
    let mut call = iaxproof()
        .args([
            "call",
            &server.address,
            "music",
            "--record",
            path.to_str().unwrap(),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    server.wait_for("incoming call");
    server.signal("-TERM");
    assert!(server.end().success(), "{}", server.log());
    assert!(end(&mut call).success());
    assert!(server.log().contains("stopped"));
}

#[test]
fn ctrl_c_hangs_up_and_closes_the_recording() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heard.wav");
    let mut call = iaxproof()
        .args([
            "call",
            &server.address,
            "echo",
            "--record",
            path.to_str().unwrap(),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    server.wait_for("incoming call");
    pause(Duration::from_millis(500));
    let pid = call.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .unwrap();
    assert!(end(&mut call).success());
    server.wait_for("call ended");
    assert!(energy(&samples(&path)) > 0.0);
}

#[test]
fn the_built_in_phones_stay_on_loopback() {
    let ended = client(&["serve", "--bind", "0.0.0.0:0"], None);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("loopback"), "{}", ended.stderr);
}

#[test]
fn a_file_with_an_error_is_refused_whole_and_the_former_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (config, path) = (
        folder.path().join("iax.conf"),
        folder.path().join("heard.wav"),
    );
    let write = |text: &str| std::fs::write(&config, text).unwrap();
    write("[ann]\ntype = user\nsecret = first\n");
    let server = Server::start(&["--config", config.to_str().unwrap()]);
    let path = path.to_str().unwrap();
    let call = [
        "call",
        &server.address,
        "echo",
        "--user",
        "ann",
        "--seconds",
        "1",
        "--record",
        path,
    ];
    assert_eq!(client(&call, Some("first")).code, 0);
    write("[ann]\ntype = user\nsecret = second\n[bob]\ntype = nonsense\n");
    server.signal("-HUP");
    server.wait_for("configuration refused");
    assert!(server.log().contains("iax.conf:5"), "{}", server.log());
    assert_eq!(client(&call, Some("second")).code, 5);
    assert_eq!(client(&call, Some("first")).code, 0);
    write("[ann]\ntype = user\nsecret = third\n");
    server.signal("-HUP");
    server.wait_for("configuration reloaded");
    assert_eq!(client(&call, Some("first")).code, 5);
    assert_eq!(client(&call, Some("third")).code, 0);
}

#[test]
fn a_server_does_not_start_with_an_error_and_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("iax.conf");
    std::fs::write(&config, "[general]\nbindport = many\n").unwrap();
    let ended = client(&["serve", "--config", config.to_str().unwrap()], None);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("iax.conf:2"), "{}", ended.stderr);
    let ended = client(&["serve", "--config", "no/such/file"], None);
    assert!(
        ended.code != 0 && ended.stderr.contains("no/such/file"),
        "{ended:?}"
    );
}

#[test]
fn a_call_through_one_server_to_another_is_heard_in_either_law() {
    let far = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("iax.conf");
    let (host, port) = far.address.split_once(':').unwrap();
    let peer = |name: &str, allow: &str| {
        format!(
            "[{name}]\ntype = peer\nhost = {host}\nport = {port}\nusername = guest\ndisallow = all\nallow = {allow}\n"
        )
    };
    let text = peer("ulaw", "ulaw") + &peer("alaw", "alaw") + "[guest]\ntype = user\n";
    std::fs::write(&config, text).unwrap();
    let near = Server::start(&["--config", config.to_str().unwrap()]);
    echo_at(&near, "ulaw/echo", 440.0, &["--codec", "ulaw"]);
    echo_at(&near, "alaw/echo", 700.0, &["--codec", "ulaw"]);
    let path = folder.path().join("heard.wav");
    let nowhere = [
        "call",
        &near.address,
        "ulaw/nowhere",
        "--record",
        path.to_str().unwrap(),
    ];
    assert_eq!(client(&nowhere, None).code, 6);
    far.wait_for("number=\"nowhere\"");
}
