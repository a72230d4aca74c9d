//! The corpus of the fuzz target `stranger` is made of visits that were thought of, and replays with every input that once failed.

use std::fs;

use crate::replay;
use iaxproof_sim::fuzz::stranger;
use iaxproof_sim::fuzz::stranger::step::{Step, WHATS, What, decode, encode};
use iaxproof_sim::fuzz::stranger::{Visits, visit};

const LOCKED: u8 = 0;
const FENCED: u8 = 1;
const HOUSED: u8 = 2;
const OPEN: u8 = 3;
const OPEN_FENCED: u8 = 4;
const ROW: u8 = 5;
const ROW_FENCED: u8 = 6;
const ROW_HOUSED: u8 = 7;
const ROW_OPEN_FENCED: u8 = 8;
const NOBODY: u8 = 9;
const NAMELESS: u8 = 10;

/// The address inside the fence, the one where the housed are, and the one in whose name a stranger comes.
const INSIDE: u8 = 0;
const AT_HOME: u8 = 1;
const SOMEBODY: u8 = 4;

const EMPTY: u8 = 1;
const FORGED: u8 = 2;
const GIVEN: u8 = 3;
const WRONG: u8 = 1;
const RIGHT: u8 = 2;

fn step(what: What, from: u8, name: u8) -> Step {
    let place = WHATS.iter().position(|it| *it == what);
    Step {
        wait: 1,
        from,
        what: place.unwrap_or_default() as u8,
        name,
        token: GIVEN,
        secret: RIGHT,
        times: 1,
    }
}

/// A request with a token, what proves the secret, and an ACK.
fn login(what: What, from: u8, name: u8) -> Vec<Step> {
    let opener = step(what, from, name);
    vec![
        Step {
            token: EMPTY,
            ..opener
        },
        opener,
        step(What::Proof, from, name),
        step(What::Ack, from, name),
    ]
}

/// The same in the name of somebody else, who sees no token and is asked for none.
fn blind(what: What, name: u8) -> Vec<Step> {
    let opener = step(what, SOMEBODY, name);
    let follow = [What::Ack, What::Proof, What::Voice, What::Ack, What::Hangup];
    let follow = follow.map(|what| step(what, SOMEBODY, name));
    let opener = Step { token: 0, ..opener };
    [opener].into_iter().chain(follow).collect()
}

type Session = (&'static str, Vec<Step>, fn(Visits) -> bool);

fn sessions() -> Vec<Session> {
    let flood = |what, name, token, times| {
        let one = step(what, 2, name);
        vec![Step {
            token,
            times,
            ..one
        }]
    };
    let both = |from, name| {
        [
            login(What::RegReq, from, name),
            login(What::New, from, name),
        ]
        .concat()
    };
    vec![
        ("nothing", Vec::new(), |it| it.came == 0),
        ("locked", both(2, LOCKED), |it| {
            it.registered == 1 && it.offered == 1
        }),
        ("locked-with-a-wrong-secret", wrong(both(2, LOCKED)), |it| {
            it.registered == 0 && it.offered == 0 && it.refused == 2
        }),
        ("fenced-inside", both(INSIDE, FENCED), |it| {
            it.registered == 1 && it.offered == 1
        }),
        ("fenced-outside", both(2, FENCED), |it| {
            it.registered == 0 && it.offered == 0
        }),
        ("housed-at-home", both(AT_HOME, HOUSED), |it| {
            it.registered == 0 && it.offered == 1
        }),
        ("housed-elsewhere", both(2, HOUSED), |it| it.registered == 0),
        ("open", both(2, OPEN), |it| {
            it.registered == 1 && it.offered == 1
        }),
        ("open-fenced-outside", both(2, OPEN_FENCED), |it| {
            it.registered == 0 && it.offered == 0
        }),
        ("row", both(2, ROW), |it| {
            it.registered == 1 && it.offered == 1
        }),
        ("row-fenced-inside", both(INSIDE, ROW_FENCED), |it| {
            it.registered == 1 && it.offered == 1
        }),
        ("row-fenced-outside", both(2, ROW_FENCED), |it| {
            it.registered == 0 && it.offered == 0
        }),
        ("row-housed-elsewhere", both(2, ROW_HOUSED), |it| {
            it.registered == 0 && it.offered == 1
        }),
        ("row-open-fenced-outside", both(2, ROW_OPEN_FENCED), |it| {
            it.registered == 0 && it.offered == 0
        }),
        ("nobody", both(2, NOBODY), |it| it.refused == 2),
        ("guest", login(What::New, 2, NAMELESS), |it| it.offered == 1),
        ("guests", flood(What::Visit, NAMELESS, 0, 200), |it| {
            it.offered == 200
        }),
        (
            "calls-of-nobody",
            flood(What::Visit, NOBODY, 0, 200),
            |it| it.offered == 0,
        ),
        ("pokes", flood(What::Poke, NOBODY, GIVEN, 250), |it| {
            it.dialogues == 0 && it.sent > 0
        }),
        (
            "calls-with-forged-tokens",
            flood(What::New, OPEN, FORGED, 250),
            |it| it.dialogues == 0,
        ),
        (
            "calls-without-a-token",
            flood(What::New, OPEN, 0, 250),
            |it| it.dialogues == 0,
        ),
        (
            "registrations-without-a-token",
            flood(What::RegReq, OPEN, 0, 250),
            |it| it.dialogues == 0,
        ),
        (
            "call-in-the-name-of-somebody",
            blind(What::New, OPEN),
            |it| it.dialogues == 1 && it.offered == 0,
        ),
        (
            "call-of-a-guest-in-the-name-of-somebody",
            blind(What::New, NAMELESS),
            |it| it.dialogues == 1 && it.offered == 0,
        ),
        (
            "login-in-the-name-of-somebody",
            blind(What::RegReq, LOCKED),
            |it| it.dialogues == 1 && it.registered == 0,
        ),
        (
            "many-in-the-name-of-somebody",
            vec![Step {
                token: 0,
                times: 100,
                ..step(What::New, SOMEBODY, NAMELESS)
            }],
            |it| it.dialogues == 8,
        ),
        ("handed-over", vec![step(What::HandOver, 2, OPEN)], |it| {
            it.handed_over == 1
        }),
        (
            "handed-over-with-a-secret",
            vec![step(What::HandOver, 2, LOCKED)],
            |it| it.handed_over == 1,
        ),
        (
            "released",
            [
                login(What::RegReq, 2, LOCKED),
                login(What::RegRel, 2, LOCKED),
            ]
            .concat(),
            |it| it.registered == 1,
        ),
    ]
}

fn wrong(steps: Vec<Step>) -> Vec<Step> {
    let wrong = |it| Step {
        secret: WRONG,
        ..it
    };
    steps.into_iter().map(wrong).collect()
}

#[test]
fn steps_read_back_from_their_octets() {
    for (name, steps, _) in sessions() {
        assert_eq!(decode(&encode(&steps)), steps, "{name}");
    }
}

#[test]
fn every_visit_comes_to_what_it_is_named_for() {
    for (name, steps, holds) in sessions() {
        let visits = visit(&steps);
        assert!(holds(visits), "{name}: {visits:?}");
    }
}

#[test]
fn the_corpus_is_these_visits() {
    for (name, steps, _) in sessions() {
        let path = replay::folder("corpus/stranger").join(name);
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
    for (path, octets) in replay::corpus("stranger", sessions().len()) {
        replay::holds(&path, &octets, stranger);
    }
    replay::each_regression_holds("stranger", stranger);
}

/// Writes the corpus: `cargo test -p iaxproof-sim --test fuzz -- --ignored write_the_corpus`.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn write_the_corpus() {
    for (name, steps, _) in sessions() {
        fs::write(replay::folder("corpus/stranger").join(name), encode(&steps)).unwrap();
    }
}
