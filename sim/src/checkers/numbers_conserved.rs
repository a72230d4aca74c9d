//! numbers-conserved: allocated and free call numbers are the whole pool, one is allocated for each dialogue; no number is live twice; none is used again with the same
//! address within 60 s; and what another side opened with one number of its own is one dialogue. What is live is read off the wire: a dialogue lives from the first to the last frame that its server sends in
//! it, INVAL apart, which answers for numbers that are not live, and TXCNT and TXACC, which try where the dialogue may go. A dialogue that the server opens names no number of the other side until it
//! has learnt it; what the endpoint tells of the end of a call ends it here too.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::event::Event;
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use super::Checker;
use crate::fact::Fact;
use crate::plan::Actor;

/// How long a number rests before it is used with the same address again (chan_iax2: `MIN_REUSE_TIME`).
pub const REST: Duration = Duration::from_secs(60);

/// Follows every number of every server.
#[derive(Clone, Debug, Default)]
pub struct NumbersConserved {
    /// By server and number: every dialogue it was used for, the last first.
    used: BTreeMap<(u8, CallNumber), Vec<Use>>,
    /// By server, and by address and number of the other side: our number of the dialogue that it opened last.
    opened: BTreeMap<(u8, SocketAddr, CallNumber), CallNumber>,
}

#[derive(Clone, Copy, Debug)]
struct Use {
    address: SocketAddr,
    remote: CallNumber,
    began: Instant,
    last: Instant,
    /// Whether the server opened it.
    is_ours: bool,
    /// Whether the application was told that the call is over.
    is_over: bool,
}

impl Use {
    /// Whether a frame to this address and number belongs to it. A dialogue that the server opens learns the other side's number on
    /// the way, from the first frame that it answers in its order: it may acknowledge others before.
    ///
    /// Of a REGREQ or POKE of the server's own nobody is told how it ended. It is long over when its number has rested: it sends
    /// what is not answered again and again until it gives up.
    fn takes(
        &mut self,
        now: Instant,
        address: SocketAddr,
        remote: CallNumber,
        binds: bool,
    ) -> bool {
        let is_over = self.is_over || now >= self.last + REST;
        let is_learning =
            self.is_ours && !is_over && (is_unnamed(remote) || is_unnamed(self.remote));
        let is_same = is_learning || (self.remote == remote && !is_unnamed(remote));
        if self.address != address || !is_same {
            return false;
        }
        if is_unnamed(self.remote) && binds {
            self.remote = remote;
        }
        true
    }
}

impl NumbersConserved {
    fn sent(
        &mut self,
        now: Instant,
        (server, address): (u8, SocketAddr),
        frame: &FullFrame<'_>,
    ) -> Result<(), String> {
        let (number, remote) = (frame.source, frame.destination);
        let binds = frame.body.consumes_sequence_number();
        let uses = self.used.entry((server, number)).or_default();
        match uses
            .iter_mut()
            .position(|used| used.takes(now, address, remote, binds))
        {
            Some(0) => {
                uses[0].last = now;
                if !uses[0].is_ours {
                    return self.is_one((server, address), number, remote);
                }
            }
            Some(_) => {
                return Err(format!(
                    "server {server}: number {number} is live for {} and for {address} at once",
                    uses[0].address
                ));
            }
            None => {
                let same = uses.iter().find(|used| used.address == address);
                if let Some(before) = same.filter(|used| now < used.last + REST) {
                    let rest = now.saturating_since(before.last).as_secs_f64();
                    return Err(format!(
                        "server {server}: number {number} is used with {address} again after {rest} s"
                    ));
                }
                uses.insert(
                    0,
                    Use {
                        address,
                        remote,
                        began: now,
                        last: now,
                        is_ours: is_unnamed(remote),
                        is_over: false,
                    },
                );
                if !is_unnamed(remote) {
                    self.opened.insert((server, address, remote), number);
                }
            }
        }
        Ok(())
    }

    /// A call went over to another address, whose number is not known here yet.
    fn moved(&mut self, server: u8, number: CallNumber, address: SocketAddr) {
        let uses = self.used.get_mut(&(server, number));
        if let Some(used) = uses.and_then(|uses| uses.first_mut()) {
            *used = Use {
                address,
                remote: CallNumber::ZERO,
                is_ours: true,
                ..*used
            };
        }
    }

    /// A dialogue that goes on after its other side's number opened another: a request that came twice was taken for two.
    fn is_one(
        &self,
        (server, address): (u8, SocketAddr),
        number: CallNumber,
        remote: CallNumber,
    ) -> Result<(), String> {
        match self.opened.get(&(server, address, remote)) {
            Some(newer) if *newer != number => Err(format!(
                "server {server}: numbers {number} and {newer} are live for the number {remote} of {address}"
            )),
            _ => Ok(()),
        }
    }
}

/// Whether this is no number of the other side's.
const fn is_unnamed(number: CallNumber) -> bool {
    number.get() <= CallNumber::STATELESS.get()
}

const fn counts_as_live(frame: &FullFrame<'_>) -> bool {
    use IaxCommand::{Inval, TxAcc, TxCnt};
    let is_beside = matches!(
        frame.body,
        Body::Iax {
            command: Inval | TxAcc | TxCnt,
            ..
        }
    );
    frame.source.get() > CallNumber::STATELESS.get() && !is_beside
}

impl Checker for NumbersConserved {
    const PROPERTY: &'static str = "numbers-conserved";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => {
                // Which numbers rest is not stored: a minute of rest is worth no write for each call.
                self.used.retain(|(of, _), _| of != server);
                self.opened.retain(|(of, ..), _| of != server);
                Ok(())
            }
            Fact::Sent(passage) => match (passage.from, &passage.frame) {
                (Actor::Server(server), Some(Frame::Full(frame))) if counts_as_live(frame) => {
                    self.sent(now, (server, passage.destination), frame)
                }
                _ => Ok(()),
            },
            Fact::Told {
                server,
                event:
                    Event::Transferred {
                        call,
                        address,
                        media_only: false,
                    },
            } => {
                self.moved(*server, call.local(), *address);
                Ok(())
            }
            Fact::Told {
                server,
                event: Event::Ended { call, .. },
            } => {
                if let Some(uses) = self.used.get_mut(&(*server, call.local())) {
                    // What is sent at the same time is told first, and may use the number for another address already.
                    let before = uses.iter().position(|used| used.began < now);
                    uses[before.unwrap_or(0)].is_over = true;
                }
                Ok(())
            }
            Fact::Counted {
                server,
                counts,
                limits,
                ..
            } => {
                let (allocated, free) = (counts.numbers_allocated, counts.numbers_free);
                let dialogues = counts.dialogues();
                if allocated != dialogues {
                    return Err(format!(
                        "server {server}: {allocated} numbers are allocated to {dialogues} dialogues"
                    ));
                }
                if allocated + free == limits.pool {
                    return Ok(());
                }
                Err(format!(
                    "server {server}: {allocated} numbers are allocated and {free} are free, of {}",
                    limits.pool
                ))
            }
            _ => Ok(()),
        }
    }
}
