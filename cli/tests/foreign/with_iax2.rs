//! The server and a client that nobody here wrote: the crate `iax2` of crates.io registers, calls the echo and hears itself, and
//! is called. tshark and `iaxproof decode` read what goes over the wire.

use std::process::Stdio;
use std::time::Duration;

use crate::phone::{Phone, Voice, is_part_of};
use crate::relay::Relay;
use crate::server::{Server, energy, iaxproof, samples, share, write_tone};
use crate::{clock, examine};

/// How many frames make a talk: a second.
const TALK: usize = 50;

/// A telephone that is registered, through a relay.
fn registered(server: &Server, name: &str, secret: &str, voice: Voice) -> (Relay, Phone) {
    let relay = Relay::to(server.address.parse().unwrap());
    let mut phone = Phone::new(relay.front(), name, secret, voice);
    phone.until("Registered", Phone::is_registered);
    (relay, phone)
}

#[test]
fn it_registers_and_is_refused_with_a_wrong_secret() {
    let server = Server::start(&[]);
    let (relay, _alice) = registered(&server, "alice", "alice-secret", Voice::Frames(1));
    examine("iax2-registers", &server.address, &relay);

    let relay = Relay::to(server.address.parse().unwrap());
    let mut mallory = Phone::new(relay.front(), "alice", "blunder", Voice::Frames(2));
    mallory.until("RegisterLost", |phone| phone.has("RegisterLost"));
    assert!(
        mallory.has("RegisterLost { reason: \"REGREJ causecode=Some(29)\" }"),
        "{:?}",
        mallory.events
    );
    server.wait_for("login failed");
    let log = server.log();
    let failed = log.lines().find(|line| line.contains("login failed"));
    assert!(failed.unwrap().contains("127.0.0.1"), "{log}");
    assert!(!server.log().contains("alice-secret") && !server.log().contains("blunder"));
    examine("iax2-refused", &server.address, &relay);
}

#[test]
fn it_calls_the_echo_and_hears_itself() {
    let server = Server::start(&[]);
    let (relay, mut alice) = registered(&server, "alice", "alice-secret", Voice::Frames(1));
    alice.dial("echo");
    alice.until("Answered", |phone| phone.has("Answered"));
    alice.until("the echo", |phone| phone.heard.len() >= TALK);
    alice.press('5');
    alice.press('#');
    alice.until("the digits", |phone| phone.digits == "5#");
    assert!(is_part_of(&alice.heard, &alice.said));
    // Loopback loses nothing: all but what is still on its way came back.
    assert!(alice.said.len() - alice.heard.len() < 10);
    alice.hang_up();
    server.wait_for("call ended");
    examine("iax2-echo", &server.address, &relay);
}

#[test]
fn it_is_told_that_a_number_does_not_exist() {
    let server = Server::start(&[]);
    let (relay, mut alice) = registered(&server, "alice", "alice-secret", Voice::Frames(1));
    alice.dial("nowhere");
    alice.until("Ended", |phone| phone.has("Ended"));
    assert!(!alice.has("Answered"), "{:?}", alice.events);
    examine("iax2-nowhere", &server.address, &relay);
}

#[test]
fn it_is_called_and_both_hear_each_other() {
    let server = Server::start(&[]);
    let (to_alice, mut alice) = registered(&server, "alice", "alice-secret", Voice::Frames(1));
    let (to_bob, mut bob) = registered(&server, "bob", "bob-secret", Voice::Frames(2));
    bob.dial("alice");
    together(&mut alice, &mut bob, "Incoming", |alice, _| {
        alice.has("Incoming")
    });
    together(&mut alice, &mut bob, "Ringing", |_, bob| bob.has("Ringing"));
    alice.answer();
    together(&mut alice, &mut bob, "Answered", |_, bob| {
        bob.has("Answered")
    });
    together(&mut alice, &mut bob, "a talk", |alice, bob| {
        alice.heard.len() >= TALK && bob.heard.len() >= TALK
    });
    assert!(is_part_of(&alice.heard, &bob.said), "alice hears bob");
    assert!(is_part_of(&bob.heard, &alice.said), "bob hears alice");
    bob.press('7');
    together(&mut alice, &mut bob, "the digit", |alice, _| {
        alice.digits == "7"
    });
    bob.hang_up();
    together(&mut alice, &mut bob, "Ended", |alice, _| alice.has("Ended"));
    examine("iax2-called", &server.address, &to_alice);
    examine("iax2-calls", &server.address, &to_bob);
}

#[test]
fn our_client_and_it_hear_each_other_across_two_codecs() {
    let server = Server::start(&[]);
    let relay = Relay::to(server.address.parse().unwrap());
    let mut alice = Phone::new(relay.front(), "alice", "alice-secret", Voice::Tone(700.0));
    alice.until("Registered", Phone::is_registered);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    write_tone(&file("said.wav"), 1_100.0, 2.0);
    let mut call = iaxproof()
        .env("IAXPROOF_SECRET", "bob-secret")
        .args([
            "call",
            &server.address,
            "alice",
            "--user",
            "bob",
            "--codec",
            "alaw",
        ])
        .arg("--send")
        .arg(file("said.wav"))
        .arg("--record")
        .arg(file("heard.wav"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    alice.until("Incoming", |phone| phone.has("Incoming"));
    alice.answer();
    alice.until("Ended", |phone| phone.has("Ended"));
    assert!(call.wait().unwrap().success());

    let is_tone = |samples: &[f64], frequency| {
        let second = &samples[samples.len() / 4..][..8_000];
        energy(second) > 1e6 && share(second, frequency) > 0.98
    };
    assert!(is_tone(&alice.samples(), 1_100.0), "alice hears the file");
    assert!(
        is_tone(&samples(&file("heard.wav")), 700.0),
        "the file has alice"
    );
    examine("iax2-tones", &server.address, &relay);
}

/// Both go on until they are `done`.
fn together(alice: &mut Phone, bob: &mut Phone, what: &str, done: impl Fn(&Phone, &Phone) -> bool) {
    let end = clock::now() + Duration::from_secs(15);
    while !done(alice, bob) {
        let events = (&alice.events, &bob.events);
        assert!(clock::now() < end, "{what} never came: {events:?}");
        alice.turn();
        bob.turn();
    }
}
