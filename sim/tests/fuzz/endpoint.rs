//! The corpus of the fuzz target `endpoint` is made of sessions that were thought of, and replays with every input that once failed.

use std::fs;

use crate::replay;
use iaxproof_sim::fuzz::datagram::{
    CALLED, CAUSE, CHALLENGE, FORMATS, FORMATS_WRONG, REFRESH, RESULT, RESULT_WRONG, TOKEN,
    TOKEN_EMPTY, TOKEN_FORGED, TOKEN_OWN, UNKNOWN, USERNAME, VERSION, VERSION_WRONG,
};
use iaxproof_sim::fuzz::endpoint;
use iaxproof_sim::fuzz::endpoint::{Played, play};
use iaxproof_sim::fuzz::step::{Fields, Step, What, decode, encode};

const NEW: u8 = 0x01;
const PING: u8 = 0x02;
const ACK: u8 = 0x04;
const HANGUP: u8 = 0x05;
const REJECT: u8 = 0x06;
const ACCEPT: u8 = 0x07;
const AUTHREQ: u8 = 0x08;
const AUTHREP: u8 = 0x09;
const INVAL: u8 = 0x0a;
const LAGRQ: u8 = 0x0b;
const REGREQ: u8 = 0x0d;
const REGREL: u8 = 0x11;
const VNAK: u8 = 0x12;
const POKE: u8 = 0x1e;
const CALLTOKEN: u8 = 0x28;

/// CONTROL frames.
const RINGING: u8 = 3;
const ANSWER: u8 = 4;

/// What the application does.
const HANG_UP: u8 = 6;
const CALL_PEER: u8 = 7;
const CALL: u8 = 8;
const CALL_AND_WAIT: u8 = 9;
const SEND_VOICE: u8 = 12;
const SEND_DIGIT: u8 = 13;
const SEND_TEXT: u8 = 14;

const OFFER: u16 = VERSION | CALLED | FORMATS | USERNAME;
const REGISTRATION: u16 = USERNAME | REFRESH;

/// A frame of call 20 to nobody yet.
fn opener(subclass: u8, ies: u16, value: u8) -> Step {
    full(Fields {
        source: 20,
        subclass,
        ies,
        value,
        timestamp: 3,
        ..Fields::default()
    })
}

/// A frame of call 20 to the endpoint's number.
fn inside(oseqno: u8, iseqno: u8, subclass: u8, ies: u16, value: u8) -> Step {
    full(Fields {
        source: 20,
        destination: 1,
        timestamp: u16::from(oseqno) * 20 + 5,
        oseqno,
        iseqno,
        subclass,
        ies,
        value,
        kind: 0,
    })
}

/// A frame of another type inside call 20.
fn media(oseqno: u8, iseqno: u8, kind: u8, subclass: u8, value: u8) -> Step {
    full(Fields {
        source: 20,
        destination: 1,
        timestamp: u16::from(oseqno) * 20 + 5,
        oseqno,
        iseqno,
        kind,
        subclass,
        ies: 0,
        value,
    })
}

fn full(fields: Fields) -> Step {
    step(1, What::Full(fields))
}

fn step(wait: u8, what: What) -> Step {
    Step {
        wait,
        remote: 0,
        what,
    }
}

fn operate(what: u8, account: u8) -> Step {
    step(1, What::Operate { what, account })
}

/// Token and opener, of `value`'s account.
fn opened(command: u8, ies: u16, value: u8) -> Vec<Step> {
    vec![
        opener(command, ies | TOKEN_EMPTY, value),
        opener(command, ies | TOKEN, value),
    ]
}

fn registered(account: u8) -> Vec<Step> {
    let value = account + 60;
    let mut steps = opened(REGREQ, REGISTRATION, value);
    steps.push(inside(1, 1, REGREQ, REGISTRATION | RESULT, value));
    steps.push(inside(2, 2, ACK, 0, 0));
    steps
}

fn answered(account: u8) -> Vec<Step> {
    let mut steps = opened(NEW, OFFER, account);
    steps.push(inside(1, 1, AUTHREP, RESULT, account));
    steps.push(inside(2, 4, ACK, 0, 0));
    steps
}

/// A frame of who was called, in its own call 30.
fn callee(oseqno: u8, iseqno: u8, kind: u8, subclass: u8, ies: u16) -> Step {
    full(Fields {
        source: 30,
        destination: 1,
        timestamp: u16::from(oseqno) * 20 + 5,
        oseqno,
        iseqno,
        kind,
        subclass,
        ies,
        value: 2,
    })
}

/// An answer without a dialogue.
fn stateless(subclass: u8, ies: u16, value: u8) -> Step {
    full(Fields {
        source: 1,
        destination: 1,
        timestamp: 1,
        iseqno: 1,
        subclass,
        ies,
        value,
        ..Fields::default()
    })
}

/// The application calls the first address, which accepts and answers.
fn dialled() -> Vec<Step> {
    vec![
        operate(CALL, 0),
        callee(0, 1, 0, ACCEPT, FORMATS),
        callee(1, 1, 2, RINGING, 0),
        callee(2, 1, 2, ANSWER, 0),
    ]
}

fn and(mut steps: Vec<Step>, more: Vec<Step>) -> Vec<Step> {
    steps.extend(more);
    steps
}

/// A name in words, the steps, and what they must come to.
type Session = (&'static str, Vec<Step>, fn(Played) -> bool);

/// Every session of the corpus.
fn sessions() -> Vec<Session> {
    let mini = What::Mini {
        source: 20,
        timestamp: 100,
        len: 16,
    };
    let voice = || media(2, 4, 1, 0, 16);
    let hang_up = || inside(2, 4, HANGUP, CAUSE, 16);
    vec![
        ("nothing", vec![], |p| p.sent == 0),
        ("poke", vec![opener(POKE, 0, 0)], |p| p.sent == 1),
        ("register", registered(0), |p| p.registered == 1),
        ("register-row-of-the-database", registered(2), |p| {
            p.registered == 1
        }),
        (
            "register-without-secret",
            opened(REGREQ, REGISTRATION, 63),
            |p| p.registered == 1,
        ),
        (
            "register-wrong-secret",
            and(
                opened(REGREQ, REGISTRATION, 60),
                vec![inside(1, 1, REGREQ, REGISTRATION | RESULT_WRONG, 60)],
            ),
            |p| p.refused == 1,
        ),
        (
            "register-unknown-name",
            and(
                opened(REGREQ, REGISTRATION, 64),
                vec![inside(1, 1, REGREQ, REGISTRATION | RESULT, 64)],
            ),
            |p| p.refused == 1 && p.registered == 0,
        ),
        (
            "register-and-release",
            and(
                registered(0),
                and(
                    opened(REGREL, USERNAME, 60),
                    vec![inside(1, 1, REGREL, USERNAME | RESULT, 60)],
                ),
            ),
            |p| p.registered == 1 && p.released == 1,
        ),
        (
            "register-and-evict",
            and(registered(2), vec![operate(2, 2), operate(1, 2)]),
            |p| p.registered == 1,
        ),
        (
            "register-and-reload",
            and(
                registered(0),
                vec![operate(0, 1), operate(0, 0), operate(1, 0)],
            ),
            |p| p.registered == 1,
        ),
        (
            "forged-token",
            vec![opener(NEW, OFFER | TOKEN_FORGED, 0)],
            |p| p.sent <= 1,
        ),
        (
            "duplicate-opener",
            and(
                opened(NEW, OFFER, 0),
                vec![opener(NEW, OFFER | TOKEN, 0), opener(NEW, OFFER | TOKEN, 0)],
            ),
            |p| p.sent >= 4,
        ),
        ("call-answered", answered(0), |p| p.offered == 1),
        (
            "call-with-voice",
            and(
                answered(0),
                vec![voice(), step(2, mini.clone()), step(2, mini.clone())],
            ),
            |p| p.media == 3,
        ),
        (
            "call-with-text-and-digit",
            and(
                answered(0),
                vec![media(2, 4, 3, 0, 9), media(3, 4, 4, b'5', 0)],
            ),
            |p| p.media == 2,
        ),
        (
            "call-hung-up",
            and(answered(0), vec![hang_up(), hang_up()]),
            |p| p.offered == 1,
        ),
        (
            "call-hung-up-by-us",
            and(answered(0), vec![operate(6, 0)]),
            |p| p.offered == 1,
        ),
        (
            "call-mini-before-voice",
            and(answered(0), vec![step(1, mini)]),
            |p| p.media == 0,
        ),
        (
            "call-voice-of-a-format-without-a-name",
            // VOICE by its frame type, of bit 50.
            and(answered(0), vec![media(2, 4, 5, 0x80 | 50, 2)]),
            |p| p.offered == 1 && p.media == 0,
        ),
        (
            "call-option",
            and(answered(0), vec![media(2, 4, 2, 11, 0)]),
            |p| p.offered == 1 && p.media == 0,
        ),
        (
            "call-gap",
            and(
                answered(0),
                vec![
                    inside(4, 4, PING, 0, 0),
                    inside(2, 4, LAGRQ, 0, 0),
                    inside(3, 0, VNAK, 0, 0),
                ],
            ),
            |p| p.offered == 1,
        ),
        (
            "call-invalidated",
            and(
                answered(0),
                vec![inside(0, 0, INVAL, 0, 0), inside(2, 4, PING, 0, 0)],
            ),
            |p| p.offered == 1,
        ),
        (
            "call-wrong-version-and-format",
            and(
                opened(NEW, VERSION_WRONG | USERNAME, 0),
                opened(
                    NEW,
                    VERSION | CALLED | USERNAME | FORMATS_WRONG | UNKNOWN,
                    3,
                ),
            ),
            |p| p.offered == 0,
        ),
        (
            "silence",
            and(
                answered(1),
                vec![
                    step(
                        5,
                        What::Operate {
                            what: 0,
                            account: 2,
                        },
                    ),
                    step(5, What::Raw(vec![0])),
                ],
            ),
            |p| p.offered == 1,
        ),
        (
            "reflection",
            and(
                answered(0),
                (0..8)
                    .map(|nth| {
                        let change = nth * 16;
                        step(
                            2,
                            What::Reflect {
                                nth,
                                at: nth,
                                change,
                            },
                        )
                    })
                    .collect(),
            ),
            |p| p.offered == 1,
        ),
        ("placed-answered", dialled(), |p| {
            p.answered == 1 && p.ended == 1
        }),
        (
            "placed-with-media-both-ways",
            and(
                dialled(),
                vec![
                    operate(SEND_VOICE, 1),
                    operate(SEND_DIGIT, 5),
                    operate(SEND_TEXT, 0),
                    callee(3, 4, 1, 0, 0),
                    callee(4, 4, 4, b'7', 0),
                    callee(5, 4, 3, 0, 0),
                    callee(6, 4, 0, HANGUP, CAUSE),
                ],
            ),
            |p| p.media == 3 && p.ended == 1,
        ),
        (
            "placed-to-a-registered-peer",
            and(
                registered(0),
                and(vec![operate(CALL_PEER, 0)], dialled().split_off(1)),
            ),
            |p| p.registered == 1 && p.placed == 1 && p.answered == 1,
        ),
        (
            "placed-to-an-evicted-row",
            and(
                registered(2),
                vec![operate(2, 2), operate(CALL_PEER, 2), operate(CALL_PEER, 1)],
            ),
            |p| p.placed == 1 && p.ended == 1,
        ),
        (
            "placed-with-tokens",
            and(
                vec![
                    operate(CALL, 0),
                    stateless(CALLTOKEN, TOKEN_OWN, 1),
                    stateless(CALLTOKEN, TOKEN_OWN, 1),
                    stateless(CALLTOKEN, TOKEN_OWN, 2),
                ],
                dialled().split_off(1),
            ),
            |p| p.answered == 1,
        ),
        (
            "placed-with-challenge",
            vec![
                operate(CALL, 0),
                callee(0, 1, 0, AUTHREQ, CHALLENGE),
                callee(1, 2, 0, ACCEPT, FORMATS),
                callee(2, 2, 2, ANSWER, 0),
            ],
            |p| p.answered == 1,
        ),
        (
            "placed-rejected",
            vec![operate(CALL, 0), callee(0, 1, 0, REJECT, CAUSE)],
            |p| p.accepted == 0 && p.ended == 1,
        ),
        (
            "placed-rejected-without-a-dialogue",
            vec![operate(CALL, 0), stateless(REJECT, 0, 0)],
            |p| p.accepted == 0 && p.ended == 1,
        ),
        (
            "placed-format-that-nobody-has",
            vec![operate(CALL, 0), callee(0, 1, 0, ACCEPT, FORMATS_WRONG)],
            |p| p.accepted == 0 && p.ended == 1,
        ),
        (
            "placed-and-not-waited-for",
            vec![operate(CALL_AND_WAIT, 0), step(4, What::Raw(vec![0]))],
            |p| p.accepted == 0 && p.ended == 1,
        ),
        (
            "placed-and-hung-up-before-its-answer",
            and(
                vec![operate(CALL, 0), operate(HANG_UP, 0)],
                dialled().split_off(1),
            ),
            |p| p.answered == 0 && p.ended == 1,
        ),
        (
            "placed-to-itself",
            vec![
                operate(CALL, 0),
                step(
                    1,
                    What::Reflect {
                        nth: 0,
                        at: 0,
                        change: 0,
                    },
                ),
                step(
                    1,
                    What::Reflect {
                        nth: 0,
                        at: 3,
                        change: 1,
                    },
                ),
                step(
                    1,
                    What::Reflect {
                        nth: 0,
                        at: 3,
                        change: 2,
                    },
                ),
            ],
            |p| p.placed == 1 && p.ended == 1,
        ),
        (
            "placed-and-answered-by-two",
            and(
                dialled(),
                vec![
                    full(Fields {
                        source: 31,
                        destination: 1,
                        iseqno: 1,
                        subclass: ACCEPT,
                        ies: FORMATS,
                        ..Fields::default()
                    }),
                    full(Fields {
                        source: 31,
                        destination: 1,
                        oseqno: 1,
                        iseqno: 1,
                        subclass: HANGUP,
                        ..Fields::default()
                    }),
                    callee(3, 4, 3, 0, 0),
                ],
            ),
            |p| p.answered == 1 && p.media == 1,
        ),
        (
            "raw",
            vec![
                step(0, What::Raw(vec![0x80, 2, 0, 0, 0, 0, 0, 1, 0, 0, 6, 1])),
                step(0, What::Raw(vec![0, 0, 1, 0, 0, 0, 0, 0])),
            ],
            |_| true,
        ),
    ]
}

#[test]
fn steps_read_back_from_their_octets() {
    for (name, steps, _) in sessions() {
        assert_eq!(decode(&encode(&steps)), steps, "{name}");
    }
}

#[test]
fn every_session_comes_to_what_it_is_named_for() {
    for (name, steps, holds) in sessions() {
        let played = play(&steps);
        assert!(holds(played), "{name}: {played:?}");
    }
}

#[test]
fn the_corpus_is_these_sessions() {
    for (name, steps, _) in sessions() {
        let path = replay::folder("corpus/endpoint").join(name);
        let octets = fs::read(&path).unwrap_or_default();
        assert_eq!(
            octets,
            encode(&steps),
            "write {} anew (see below)",
            path.display()
        );
    }
}

#[test]
fn corpus_and_regressions_replay() {
    for (path, octets) in replay::corpus("endpoint", sessions().len()) {
        replay::holds(&path, &octets, endpoint);
    }
    replay::each_regression_holds("endpoint", endpoint);
}

#[test]
fn octets_of_any_kind_are_played() {
    let mut state = 1u64;
    for len in 0..400 {
        let octets: Vec<u8> = (0..len)
            .map(|_| {
                state = iaxproof_sim::decide::mix(state);
                (state >> 32) as u8
            })
            .collect();
        endpoint(&octets);
    }
}

/// Writes the corpus: `cargo test -p iaxproof-sim --test fuzz -- --ignored write_the_corpus`.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn write_the_corpus() {
    for (name, steps, _) in sessions() {
        fs::write(replay::folder("corpus/endpoint").join(name), encode(&steps)).unwrap();
    }
}
