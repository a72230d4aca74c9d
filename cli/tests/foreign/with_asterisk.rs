//! The server and Asterisk 22, who wrote what everybody else followed: each registers with the other, calls go both ways and
//! through both, by MD5, encrypted, with call tokens and without, over trunks, transferred to whom they are for, and through
//! reloads of either side. Only where `ASTERISK=1`, for Asterisk is fetched.

use std::time::Duration;

use serde_json::Value;

use crate::clock;
use crate::pair::{MILLIWATT, Pair, Terms};
use crate::server::{client, wait_until};

#[test]
fn each_registers_with_the_other_and_asks_whether_it_is_there() {
    let test = "each_registers_with_the_other_and_asks_whether_it_is_there";
    let Some(pair) = Pair::start(test, Terms::default()) else {
        return;
    };
    pair.acquainted();
    let registry = pair.asterisk.ask("iax2 show registry");
    assert!(registry.contains("Registered"), "{registry}");
    pair.passed(test);
}

#[test]
fn a_client_hears_it_with_tokens_and_without() {
    let test = "a_client_hears_it_with_tokens_and_without";
    for client in [
        "requirecalltoken = yes",
        "requirecalltoken = no",
        "requirecalltoken = auto",
    ] {
        let Some(pair) = Pair::start(
            test,
            Terms {
                client,
                ..Terms::default()
            },
        ) else {
            return;
        };
        for codec in ["ulaw", "alaw"] {
            let more = ["--codec", codec];
            pair.speak(&pair.asterisk.address, "echo", &more)
                .assert_tone(440.0);
        }
        pair.speak(&pair.asterisk.address, "tone", &[])
            .assert_tone(MILLIWATT);
    }
}

#[test]
fn a_client_is_told_why_there_is_no_call() {
    let test = "a_client_is_told_why_there_is_no_call";
    let Some(pair) = Pair::start(test, Terms::default()) else {
        return;
    };
    pair.acquainted();
    let code = |at: &str, extension: &str, secret: &str| {
        let call = ["call", at, extension, "--user", "phone", "--seconds", "1"];
        let call = [&call[..], &["--record", "/dev/null"]].concat();
        client(&call, Some(secret)).code
    };
    let (asterisk, server) = (&pair.asterisk.address, &pair.server.address);
    assert_eq!(
        code(asterisk, "busy", "wonder"),
        4,
        "{}",
        pair.asterisk.log()
    );
    assert_eq!(
        code(asterisk, "nowhere", "wonder"),
        6,
        "{}",
        pair.asterisk.log()
    );
    assert_eq!(
        code(asterisk, "echo", "blunder"),
        5,
        "{}",
        pair.asterisk.log()
    );
    // The same through the other.
    assert_eq!(
        code(server, "theirs/busy", "wonder"),
        4,
        "{}",
        pair.server.log()
    );
    assert_eq!(
        code(server, "theirs/nowhere", "wonder"),
        6,
        "{}",
        pair.server.log()
    );
    assert_eq!(
        code(asterisk, "oursnowhere", "wonder"),
        6,
        "{}",
        pair.asterisk.log()
    );
}

/// A call through both, from either side.
fn through_both(pair: &Pair, more: &[&str]) {
    pair.speak(&pair.server.address, "theirs/echo", more)
        .assert_tone(440.0);
    pair.speak(&pair.server.address, "theirs/tone", more)
        .assert_tone(MILLIWATT);
    pair.speak(&pair.asterisk.address, "oursecho", more)
        .assert_tone(440.0);
}

#[test]
fn calls_go_through_both() {
    let test = "calls_go_through_both";
    let between = "transfer = no";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between,
            client: "transfer = no",
        },
    ) else {
        return;
    };
    pair.acquainted();
    through_both(&pair, &[]);
    let packets = pair.passed(test);
    assert!(!has(&packets, "TXREQ"), "nobody was to be transferred");
}

#[test]
fn encrypted_calls_are_heard() {
    let test = "encrypted_calls_are_heard";
    let encrypted = "encryption = yes\nforceencryption = yes\ntransfer = no";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between: encrypted,
            client: encrypted,
        },
    ) else {
        return;
    };
    pair.acquainted();
    pair.speak(&pair.asterisk.address, "echo", &["--encrypt"])
        .assert_tone(440.0);
    through_both(&pair, &["--encrypt"]);
}

#[test]
fn a_trunk_carries_calls_both_ways() {
    let test = "a_trunk_carries_calls_both_ways";
    let between = "trunk = yes\ntransfer = no";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between,
            client: "transfer = no",
        },
    ) else {
        return;
    };
    pair.acquainted();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pair.speak(&pair.server.address, "theirs/echo", &[])
                .assert_tone(440.0)
        });
        scope.spawn(|| {
            pair.speak(&pair.asterisk.address, "oursecho", &[])
                .assert_tone(440.0)
        });
    });
    let server = pair.server.address.clone();
    let packets = pair.passed(test);
    let trunk = |is_ours: bool| {
        let packets = packets
            .iter()
            .filter(|it| (it["source"] == server.as_str()) == is_ours);
        packets.filter(|it| it["class"] == "trunk").count()
    };
    assert!(
        trunk(true) > 100 && trunk(false) > 100,
        "{} and {}",
        trunk(true),
        trunk(false)
    );
}

#[test]
fn calls_are_transferred_to_whom_they_are_for() {
    let test = "calls_are_transferred_to_whom_they_are_for";
    let between = "transfer = yes";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between,
            client: "transfer = yes",
        },
    ) else {
        return;
    };
    pair.acquainted();
    // Asterisk 22 itself asks nobody to transfer: its bridges know nothing of IAX2 any more.
    pair.speak(&pair.asterisk.address, "oursecho", &[])
        .assert_tone(440.0);
    pair.speak(&pair.server.address, "theirs/echo", &["--transfer"])
        .assert_tone(440.0);
    let server = pair.server.address.clone();
    let packets = pair.passed(test);
    for command in ["TXREQ", "TXREADY", "TXREL"] {
        assert!(has(&packets, command), "no {command}");
    }
    // The audio went past the server: of 150 frames each way it saw the first.
    let released = packets
        .iter()
        .position(|it| it["command"] == "TXREL")
        .unwrap();
    let behind = packets[released..]
        .iter()
        .filter(|it| it["class"] == "mini" && it["destination"] == server.as_str());
    assert!(
        behind.clone().count() < 20,
        "{} frames of audio",
        behind.count()
    );
}

#[test]
fn a_reload_of_either_side_does_not_touch_calls() {
    let test = "a_reload_of_either_side_does_not_touch_calls";
    let between = "transfer = no";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between,
            client: "transfer = no",
        },
    ) else {
        return;
    };
    pair.acquainted();
    std::thread::scope(|scope| {
        let forth = scope.spawn(|| pair.speak(&pair.server.address, "theirs/echo", &[]));
        let back = scope.spawn(|| pair.speak(&pair.asterisk.address, "oursecho", &[]));
        // Of three legs at Asterisk two are one call.
        wait_until("two calls", || {
            pair.asterisk.ask("iax2 show channels").contains("3 active")
        });
        for _ in 0..4 {
            pair.asterisk.ask("iax2 reload");
            pair.server.signal("-HUP");
            clock::poll(Duration::from_millis(400), || None::<()>);
        }
        forth.join().unwrap().assert_tone(440.0);
        back.join().unwrap().assert_tone(440.0);
    });
    assert_eq!(
        pair.server.log().matches("configuration reloaded").count(),
        4
    );
    pair.acquainted();
}

fn has(packets: &[Value], command: &str) -> bool {
    packets.iter().any(|it| it["command"] == command)
}
