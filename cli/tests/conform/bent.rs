//! Bent servers: for each defect, the checks that must see it, and one that must not mind.

use iaxproof::wire::IaxCommand;

use crate::fake;
use crate::judge::{Judgement, judge};
use crate::relay::{Way, bent, command, element};
use crate::server::Server;

/// Offsets in a full frame.
const SOURCE: usize = 0;
const DESTINATION: usize = 2;
const TIME: usize = 7;
const ISEQNO: usize = 9;
const SUBCLASS: usize = 11;

/// Short waits, for all is on this machine; long enough where it is busy.
const WAITS: [&str; 4] = ["--timeout", "1500", "--quiet", "200"];

/// A defect: its name, how it bends what passes, what must see it, and what must stay green.
struct Defect {
    name: &'static str,
    bend: fn(Way, &mut Vec<u8>) -> bool,
    red: &'static [&'static str],
    green: &'static [&'static str],
}

fn is_from(way: Way, datagram: &[u8], wanted: IaxCommand) -> bool {
    way == Way::FromServer && command(datagram) == Some(wanted)
}

fn is_to(way: Way, datagram: &[u8], wanted: IaxCommand) -> bool {
    way == Way::ToServer && command(datagram) == Some(wanted)
}

/// Renames an element, so that it is as good as absent.
fn hide(datagram: &mut [u8], code: u8) {
    if let Some(at) = element(datagram, code) {
        datagram[at - 2] = 0xee;
    }
}

const DEFECTS: &[Defect] = &[
    Defect {
        name: "ACK has another time-stamp",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::Ack) {
                datagram[TIME] ^= 1;
            }
            true
        },
        red: &["6.9.1-3", "6.2.5-2"],
        green: &["6.7.1-4", "6.7.2-i1"],
    },
    Defect {
        name: "PONG and LAGRP have another time-stamp",
        bend: |way, datagram| {
            let is_answer = is_from(way, datagram, IaxCommand::Pong)
                || is_from(way, datagram, IaxCommand::LagRp);
            if is_answer {
                datagram[TIME] ^= 1;
            }
            true
        },
        red: &["6.7.1-4", "6.7.2-i1", "6.7.4-1"],
        green: &["6.9.1-3"],
    },
    Defect {
        name: "ISeqno is the last number received and not the next",
        bend: |way, datagram| {
            if way == Way::FromServer && datagram.len() >= 12 && datagram[0] & 0x80 != 0 {
                datagram[ISEQNO] = datagram[ISEQNO].wrapping_sub(1);
            }
            true
        },
        red: &["7-2", "7-i2b", "7-6a", "X-TOK-4a"],
        green: &["6.7.1-4"],
    },
    Defect {
        name: "the R bit is never set",
        bend: |way, datagram| {
            if way == Way::FromServer && datagram.len() >= 12 && datagram[0] & 0x80 != 0 {
                datagram[DESTINATION] &= 0x7f;
            }
            true
        },
        red: &["6.2.3-3b"],
        green: &["6.2.3-3a"],
    },
    Defect {
        name: "REGACK has no APPARENT ADDR",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::RegAck) {
                hide(datagram, 18);
            }
            true
        },
        red: &["6.1.1-3", "8.6.17-3", "8.6.17-i1"],
        green: &["6.1.2-5", "6.1.4-i2"],
    },
    Defect {
        name: "a wrong secret is let in",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::RegRej) {
                datagram[SUBCLASS] = IaxCommand::RegAck.octet();
            }
            if is_from(way, datagram, IaxCommand::Reject) {
                datagram[SUBCLASS] = IaxCommand::Accept.octet();
            }
            true
        },
        red: &["6.1.2-6a", "6.1.2-6b", "6.1.6-3b", "6.2.6-i2b", "X-TOK-6b"],
        green: &["6.1.2-5"],
    },
    Defect {
        name: "REGAUTH has no CHALLENGE",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::RegAuth) {
                hide(datagram, 15);
            }
            true
        },
        red: &["6.1.3-1", "6.1.2-5"],
        green: &["6.1.2-7", "8.6.13-1"],
    },
    Defect {
        name: "HANGUP is not heard",
        bend: |way, datagram| !is_to(way, datagram, IaxCommand::Hangup),
        red: &["6.2.5-2", "6.3.1-4"],
        green: &["6.2.3-3a"],
    },
    Defect {
        name: "VNAK is not obeyed",
        bend: |way, datagram| !is_to(way, datagram, IaxCommand::Vnak),
        red: &["6.9.3-1"],
        green: &["7-6a"],
    },
    Defect {
        name: "VNAK is not sent",
        bend: |way, datagram| !is_from(way, datagram, IaxCommand::Vnak),
        red: &["7-6a", "6.9.3-i1", "8.1.3.1-i1"],
        green: &["6.9.3-1"],
    },
    Defect {
        name: "UNSUPPORT names another subclass",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::Unsupport)
                && let Some(at) = element(datagram, 23)
            {
                datagram[at] ^= 1;
            }
            true
        },
        red: &["8.6.22-1"],
        green: &["6.9.5-i1"],
    },
    Defect {
        name: "CALLTOKEN comes from a call",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::CallToken) {
                datagram[SOURCE + 1] = 5;
            }
            true
        },
        red: &["X-TOK-4a", "X-TOK-4b", "X-TOK-4c"],
        green: &["6.7.1-4"],
    },
    Defect {
        name: "ACCEPT names a codec that was not offered",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::Accept) {
                // FORMAT2 would take its place.
                hide(datagram, 56);
                if let Some(at) = element(datagram, 9) {
                    datagram[at + 3] = 0x02;
                }
            }
            true
        },
        red: &["6.2.3-2a"],
        green: &["6.2.3-1", "8.6.8-1"],
    },
    Defect {
        name: "ACCEPT names two codecs",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::Accept) {
                hide(datagram, 56);
                if let Some(at) = element(datagram, 9) {
                    datagram[at + 3] = 0x0c;
                }
            }
            true
        },
        red: &["8.6.8-1"],
        green: &["6.2.3-1"],
    },
    Defect {
        name: "NEW has version 1 and no CALLTOKEN",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::New) {
                hide(datagram, 54);
                if let Some(at) = element(datagram, 11) {
                    datagram[at + 1] = 1;
                }
            }
            true
        },
        red: &["6.2.2-3", "X-TOK-1"],
        green: &["6.2.2-i1", "8.6.29-1"],
    },
    Defect {
        name: "audio of mini frames is lost",
        bend: |way, datagram| !(way == Way::ToServer && datagram[0] & 0x80 == 0),
        red: &["8.1.2-i1a", "6-1", "6.9.3-i1", "8.1.3.2-i2a"],
        green: &["9.6-i1", "6.10-2a"],
    },
    Defect {
        name: "PING is answered whatever call it names",
        bend: |way, datagram| {
            if is_from(way, datagram, IaxCommand::Inval) {
                datagram[SUBCLASS] = IaxCommand::Pong.octet();
            }
            true
        },
        red: &["6.2.5-3", "6.9.2-i1", "6.9.2-1"],
        green: &["6.2.5-2"],
    },
];

/// What the checks say that the defect is about.
fn judged(target: &str, red: &[&str], green: &[&str]) -> Judgement {
    judge(target, &[red, green, &WAITS].concat())
}

fn assert_seen(name: &str, judgement: &Judgement, red: &[&str], green: &[&str]) {
    let verdicts = judgement.verdicts();
    for id in red {
        assert_eq!(verdicts[id], "fail", "{name}: {id} does not see it");
    }
    for id in green {
        assert_eq!(verdicts[id], "pass", "{name}: {}", judgement.complaints());
    }
    assert_eq!(judgement.code, 42, "{name}");
}

#[test]
fn each_defect_is_seen_by_its_checks() {
    let server = Server::start(&[]);
    for Defect {
        name,
        bend,
        red,
        green,
    } in DEFECTS
    {
        let target = bent(&server.address, *bend);
        let judgement = judged(&target, red, green);
        assert_seen(name, &judgement, red, green);
    }
}

#[test]
fn a_relay_that_bends_nothing_shows_its_own_address_alone() {
    let server = Server::start(&[]);
    let target = bent(&server.address, |_, _| true);
    let which = ["6.1", "6.2", "6.7", "6.9", "8.6.17", "X-TOK", "--quick"];
    let judgement = judge(&target, &which);
    let verdicts = judgement.verdicts();
    let failed: Vec<&str> = verdicts
        .iter()
        .filter(|(_, verdict)| **verdict == "fail")
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(failed, ["8.6.17-3"], "{}", judgement.complaints());
}

#[test]
fn nobody_there_is_red() {
    let (_socket, address) = fake::silent();
    let red = [
        "6.1.2-9",
        "6.2.2-7a",
        "6.7.1-4",
        "7-6a",
        "X-TOK-5",
        "X-FRM-10b",
    ];
    let args = [&red[..], &["--timeout", "200", "--quiet", "50"]].concat();
    assert_seen("silence", &judge(&address, &args), &red, &[]);
}

#[test]
fn who_says_inval_to_everything_is_red() {
    let address = fake::parrot(IaxCommand::Inval);
    let red = [
        "6.1.2-9", "6.2.2-7a", "6.7.1-4", "X-INV-2a", "X-INV-2b", "X-NUM-1",
    ];
    let args = [&red[..], &["X-IE-2c", "--timeout", "200", "--quiet", "50"]].concat();
    assert_seen("INVAL", &judge(&address, &args), &red, &["X-IE-2c"]);
}

#[test]
fn who_accepts_everything_is_red() {
    let address = fake::parrot(IaxCommand::Accept);
    let red = ["6.2.2-7b", "6.2.3-1", "8.6.10-1", "6.2.3-2b"];
    let args = [&red[..], &["6.2.3-3a", "--timeout", "200", "--quiet", "50"]].concat();
    assert_seen("ACCEPT", &judge(&address, &args), &red, &["6.2.3-3a"]);
}

/// Frames of failures are printed; secrets, challenges, results and tokens are not.
#[test]
fn no_failure_tells_a_secret() {
    let server = Server::start(&[]);
    let target = bent(&server.address, |way, datagram| {
        if is_from(way, datagram, IaxCommand::RegAck) {
            datagram[SUBCLASS] = IaxCommand::RegRej.octet();
        }
        true
    });
    let args = [&["6.1.2-5", "6.1.1-3", "6.1.6-4a"][..], &WAITS].concat();
    let judgement = judge(&target, &args);
    assert_eq!(judgement.code, 42);
    let text = &judgement.stdout;
    assert!(
        text.contains("MD5 result") && text.contains("challenge"),
        "{text}"
    );
    assert!(!text.contains("alice-secret"));
    let is_hex = |c: char| c.is_ascii_hexdigit();
    let longest = text.split(|c| !is_hex(c)).map(str::len).max();
    assert!(
        longest.unwrap_or_default() < 16,
        "a result or challenge is shown: {text}"
    );
}
