//! bounded: at most three octets of UDP payload go to an unproven address for each that came from it, and every table and queue
//! keeps its named limit.
//!
//! A request that opens a dialogue of ours is not counted, for nobody but our own application has it sent; but each such dialogue has a
//! named limit of its own.
//! An address is proven once it returns a token that was sent to it, or names a call number that only a frame sent to it
//! told.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use iaxproof::engine::counts::Counts;
use iaxproof::engine::event::Event;
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use super::Checker;
use crate::fact::{Fact, Limits, Passage};
use crate::plan::Actor;

/// How many octets may go to an unproven address for each that came from it.
pub const FACTOR: usize = 3;

/// How often the request of one dialogue of ours may go out: four times each with an empty token, with each of four tokens that came, and
/// with an empty one again after each that grew old.
pub const OPENERS_MAX: usize = 36;

/// Keeps an account of every address at every server.
#[derive(Clone, Debug, Default)]
pub struct Bounded {
    addresses: BTreeMap<(u8, SocketAddr), Account>,
}

#[derive(Clone, Debug, Default)]
struct Account {
    is_proven: bool,
    received: usize,
    sent: usize,
    tokens: Vec<Vec<u8>>,
    numbers: Vec<CallNumber>,
    /// By our number: how often the request of its dialogue went out.
    opened: BTreeMap<CallNumber, usize>,
}

impl Account {
    /// A datagram came from the address.
    fn receive(&mut self, passage: &Passage<'_>) {
        self.received += passage.datagram.len();
        if let Some(Frame::Full(frame)) = &passage.frame {
            let returns_token = call_token(frame)
                .is_some_and(|token| self.tokens.iter().any(|known| known == token));
            self.is_proven |= returns_token || self.numbers.contains(&frame.destination);
            if self.is_proven {
                self.tokens.clear();
                self.numbers.clear();
            }
        }
    }

    /// A datagram goes to the address.
    fn send(&mut self, passage: &Passage<'_>) -> Result<(), String> {
        self.sent += passage.datagram.len();
        if let Some(Frame::Full(frame)) = &passage.frame {
            if frame.source != CallNumber::STATELESS {
                self.numbers.push(frame.source);
            } else if let Some(token) = call_token(frame) {
                self.tokens.push(token.to_vec());
            }
        }
        if self.sent <= FACTOR * self.received {
            return Ok(());
        }
        Err(format!(
            "{} octets went to the unproven address {}, from which {} came",
            self.sent, passage.destination, self.received
        ))
    }

    /// The request of a dialogue of ours goes out, for the first time or again.
    fn open(&mut self, number: CallNumber) -> Result<(), String> {
        if !self.is_proven {
            self.numbers.push(number);
        }
        let times = self.opened.entry(number).or_default();
        *times += 1;
        if *times <= OPENERS_MAX {
            return Ok(());
        }
        Err(format!(
            "the request of call {number} went out {times} times"
        ))
    }
}

/// A request of ours that opens a dialogue.
fn is_opener(frame: &FullFrame<'_>) -> bool {
    let opens = matches!(frame.body, Body::Iax { command, .. } if command.opens_dialogue());
    opens && frame.destination == CallNumber::ZERO
}

fn call_token<'a>(frame: &FullFrame<'a>) -> Option<&'a [u8]> {
    match frame.body {
        Body::Iax { command, ies } if command.opens_dialogue() => ies.call_token(),
        Body::Iax {
            command: IaxCommand::CallToken,
            ies,
        } => ies.call_token(),
        _ => None,
    }
    .filter(|token| !token.is_empty())
}

fn within_limits(counts: &Counts, limits: &Limits) -> Result<(), String> {
    let dialogues = counts.dialogues();
    let readings = [
        ("dialogues", dialogues, limits.dialogues_max),
        (
            "quarantined numbers",
            counts.numbers_quarantined,
            limits.quarantine_max,
        ),
        (
            "expiry timers",
            counts.expiry_timers,
            limits.registrations_max,
        ),
        ("watched peers", counts.watched, limits.registrations_max),
        ("waiting events", counts.events_waiting, limits.events_max),
        (
            "outstanding frames",
            counts.frames_outstanding,
            dialogues * limits.outstanding_max,
        ),
        (
            "queued frames",
            counts.frames_queued,
            dialogues * limits.queue_max,
        ),
    ];
    match readings.into_iter().find(|(_, count, limit)| count > limit) {
        Some((what, count, limit)) => Err(format!("{count} {what} where {limit} is the limit")),
        None => Ok(()),
    }
}

impl Checker for Bounded {
    const PROPERTY: &'static str = "bounded";

    fn observe(&mut self, _now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Arrived(passage) => {
                if let Some(Actor::Server(server)) = passage.to {
                    let account = self.addresses.entry((server, passage.source)).or_default();
                    if !account.is_proven {
                        account.receive(passage);
                    }
                }
                Ok(())
            }
            Fact::Sent(passage) => {
                let Actor::Server(server) = passage.from else {
                    return Ok(());
                };
                let account = self
                    .addresses
                    .entry((server, passage.destination))
                    .or_default();
                let sent = match &passage.frame {
                    Some(Frame::Full(frame)) if is_opener(frame) => account.open(frame.source),
                    _ if account.is_proven => Ok(()),
                    _ => account.send(passage),
                };
                sent.map_err(|what| format!("server {server}: {what}"))
            }
            Fact::Told {
                server,
                event: Event::Ended { call, .. },
            } => {
                let accounts = self.addresses.iter_mut();
                for (_, account) in accounts.filter(|((at, _), _)| at == server) {
                    account.opened.remove(&call.local());
                }
                Ok(())
            }
            Fact::Unvalidated { server, count, max } if count > max => Err(format!(
                "server {server}: {count} dialogues without a token where {max} is the limit"
            )),
            Fact::Counted {
                server,
                counts,
                limits,
                ..
            } => within_limits(counts, limits).map_err(|what| format!("server {server}: {what}")),
            _ => Ok(()),
        }
    }
}
