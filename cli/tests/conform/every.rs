//! No check is there that cannot fail: for each there is a bent server on which it goes red after its call, login or registration
//! was set up, or one where it goes red because something came that must not come.

use std::collections::BTreeSet;

use iaxproof::wire::{Body, Frame, IaxCommand};

use crate::fake;
use crate::judge::judge;
use crate::relay::{Bend, Way, bent, command, element};
use crate::sealed;
use crate::server::Server;

/// Offsets in a full frame.
const TIME: usize = 7;
const OSEQNO: usize = 8;
const ISEQNO: usize = 9;
const SUBCLASS: usize = 11;

/// The checks that wait for timers. A transfer cannot pass a relay, so those of its own are red there from the start.
const SLOW: [&str; 14] = [
    "6.1.4-i1", "6.2.3-3b", "6.2.3-3c", "6.5.2-3", "6.7.2-1", "7-1", "7-7", "7-8", "7.2.1-i1",
    "X-NUM-5b", "X-SEQ-10", "X-SEQ-4", "X-TX-5", "X-TOK-4d",
];

fn is_full(datagram: &[u8]) -> bool {
    datagram.len() >= 12 && datagram[0] & 0x80 != 0
}

/// Set-up passes, and nothing else.
fn is_set_up(datagram: &[u8]) -> bool {
    use IaxCommand::{Accept, AuthReq, CallToken, New, RegAck, RegAuth};
    match Frame::parse(datagram) {
        Ok(Frame::Full(frame)) => match frame.body {
            Body::Iax { command, .. } => {
                matches!(
                    command,
                    Accept | AuthReq | CallToken | New | RegAck | RegAuth
                )
            }
            Body::Control { .. } => true,
            _ => false,
        },
        _ => false,
    }
}

/// Ways to be wrong.
const BENDS: &[(&str, Bend)] = &[
    ("only set-up is answered", |way, datagram| {
        way == Way::ToServer || is_set_up(datagram)
    }),
    ("no elements are known", |way, datagram| {
        let is_token = command(datagram) == Some(IaxCommand::CallToken);
        if way == Way::FromServer && command(datagram).is_some() && !is_token {
            let mut at = 12;
            while at + 2 <= datagram.len() {
                // CHALLENGE stays, for without it no login is possible.
                if datagram[at] != 15 {
                    datagram[at] = 0xee;
                }
                at += 2 + usize::from(datagram[at + 1]);
            }
        }
        true
    }),
    ("time stands still", |way, datagram| {
        if way == Way::FromServer && is_full(datagram) {
            datagram[4..=TIME].fill(0);
        }
        true
    }),
    ("numbers are one too high", |way, datagram| {
        if way == Way::FromServer && is_full(datagram) {
            datagram[OSEQNO] = datagram[OSEQNO].wrapping_add(1);
            datagram[ISEQNO] = datagram[ISEQNO].wrapping_add(1);
        }
        true
    }),
];

/// Ways that only slow checks see.
const SLOW_BENDS: &[(&str, Bend)] = &[
    (
        "nothing comes again, and the dead answer",
        |way, datagram| {
            let is_again = is_full(datagram) && datagram[2] & 0x80 != 0;
            if way == Way::FromServer && command(datagram) == Some(IaxCommand::Inval) {
                datagram[SUBCLASS] = IaxCommand::Pong.octet();
            }
            way == Way::ToServer || !(is_again || command(datagram) == Some(IaxCommand::Ping))
        },
    ),
    ("no acknowledgement is heard", |way, datagram| {
        if way == Way::ToServer && is_full(datagram) {
            datagram[ISEQNO] = 0;
        }
        way == Way::FromServer || command(datagram) != Some(IaxCommand::Ack)
    }),
];

/// Ways to be wrong about tokens.
const TOKEN_BENDS: &[(&str, Bend)] = &[
    ("any token is good, and any call number", |way, datagram| {
        use IaxCommand::{RegRej, Reject};
        let is_stateless = is_full(datagram) && datagram[..2] == [0x80, 1];
        let is_refusal = matches!(command(datagram), Some(Reject | RegRej));
        if way == Way::FromServer && is_stateless && is_refusal {
            datagram[1] = 5;
            datagram[SUBCLASS] = IaxCommand::Accept.octet();
        }
        true
    }),
    ("a token is long and opens nothing", |way, datagram| {
        if way == Way::FromServer && command(datagram) == Some(IaxCommand::CallToken) {
            if let Some(at) = element(datagram, 54) {
                datagram[at] = 0x01;
            }
            datagram.extend([0xee, 200]);
            datagram.extend([0; 200]);
        }
        way == Way::ToServer || command(datagram) == Some(IaxCommand::CallToken)
    }),
    ("ACCEPT comes from another call", |way, datagram| {
        if way == Way::FromServer && command(datagram) == Some(IaxCommand::Accept) {
            datagram[1] ^= 1;
        }
        true
    }),
];

/// Short waits, for all is on this machine, and everything at a time.
const WAITS: [&str; 6] = ["--timeout", "250", "--quiet", "80", "--jobs", "64"];

/// What is red at this target, and all that was tried there.
fn red(target: &str, which: &[&str]) -> (BTreeSet<String>, BTreeSet<String>) {
    let judgement = judge(target, &[&WAITS[..], which].concat());
    let verdicts = judgement.verdicts();
    let is_red = |verdict: &str| verdict == "fail" || verdict == "warning";
    let red = verdicts.iter().filter(|(_, verdict)| is_red(verdict));
    let red = red.map(|(id, _)| (*id).to_owned()).collect();
    (red, verdicts.keys().map(|id| (*id).to_owned()).collect())
}

#[test]
fn every_check_has_been_seen_red() {
    let server = Server::start(&[]);
    let relays = |bends: &[(&'static str, Bend)]| -> Vec<String> {
        let relay = |(_, bend): &(&'static str, Bend)| bent(&server.address, *bend);
        bends.iter().map(relay).collect()
    };
    let quick = ["--quick"];
    let tokens = ["X-TOK", "X-NUM", "X-CALL-3"];
    let mut runs: Vec<(String, &[&str])> = Vec::new();
    runs.extend(relays(BENDS).into_iter().map(|at| (at, &quick[..])));
    runs.extend(relays(SLOW_BENDS).into_iter().map(|at| (at, &SLOW[..])));
    runs.extend(relays(TOKEN_BENDS).into_iter().map(|at| (at, &tokens[..])));
    for command in [IaxCommand::Inval, IaxCommand::Accept, IaxCommand::Pong] {
        runs.push((fake::parrot(command), &quick));
    }
    runs.push((fake::babbler(), &quick));
    runs.push((fake::stutterer(), &["X-TOK-4d"]));
    let slow = [
        sealed::each_defect_is_seen,
        sealed::a_registration_that_lapses_at_another_time_is_seen,
    ];
    let slow = slow.map(std::thread::spawn);
    let runs: Vec<_> = runs
        .into_iter()
        .map(|(target, which)| {
            let which: Vec<String> = which.iter().map(|it| (*it).to_owned()).collect();
            std::thread::spawn(move || {
                let which: Vec<&str> = which.iter().map(String::as_str).collect();
                red(&target, &which)
            })
        })
        .collect();
    for run in slow {
        run.join().expect("what is bent under a key is seen");
    }
    let mut seen: BTreeSet<String> = sealed::red().map(str::to_owned).collect();
    let mut all = BTreeSet::new();
    for run in runs {
        let (red, tried) = run.join().expect("a run ends");
        seen.extend(red);
        all.extend(tried);
    }
    let never: Vec<&String> = all.difference(&seen).collect();
    assert!(never.is_empty(), "never red: {never:#?}");
}
