//! delivered-in-order: the stream of reliable frames that one end takes is a prefix of the stream that the other end sent.
//!
//! What a server sends a client, or a client another, is read off the wire, where a number that comes again is a repeat; clients tell what
//! they take. What clients type is
//! numbered, and the server's application sees it; so does the client that it is bridged to, for which some may be missing. Between two nodes whose datagrams were damaged nothing can be said: a frame
//! has no checksum of its own. Nor where a frame was overtaken by half of the sequence numbers, see `overtaking`. Nor where a client went
//! on from another port, and a server calls it there from the number of a dialogue that the client still has: numbers rest for one address
//! (see `iaxproof::engine`'s `QUARANTINE`), and neither side can tell the one dialogue from the other.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::engine::event::{CallId, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{CallNumber, Frame, FullFrame};

use super::Checker;
use super::overtaking::Overtaking;
use crate::fact::{Fact, Mark, Passage, Taken};
use crate::plan::Actor;
use crate::trace::digest;

/// Follows every stream.
#[derive(Clone, Debug, Default)]
pub struct DeliveredInOrder {
    streams: BTreeMap<Ends, Stream>,
    typed: BTreeMap<(u8, CallId), u32>,
    /// By client and call: the next text that it may read.
    read: BTreeMap<(u8, CallNumber), u32>,
    /// The requests by which a server opened a dialogue, by sender, number and address: they name no number of the other side.
    openers: BTreeMap<(SocketAddr, CallNumber, SocketAddr), Vec<u64>>,
    /// Dialogues of processes that died, by their address, number and other side. Whoever uses that again is not judged.
    former: BTreeSet<(SocketAddr, CallNumber, SocketAddr)>,
    damaged: BTreeSet<SocketAddr>,
    overtaking: Overtaking,
}

/// Sender and taker of a stream, each with its call number.
type Ends = (SocketAddr, CallNumber, SocketAddr, CallNumber);

#[derive(Clone, Debug, Default)]
struct Stream {
    /// `None` stands for the opener, which went out before the dialogue had both its numbers, and for what has not gone out yet.
    sent: Vec<Option<u64>>,
    taken: usize,
}

/// How many frames at most are withheld from an address that is not proven yet, while others go out.
const WITHHELD_MAX: u8 = 32;

impl Stream {
    /// Puts a frame where its number says. One that was withheld at first goes out after others.
    fn note(&mut self, frame: &FullFrame<'_>) {
        let ahead = frame.oseqno.0.wrapping_sub((self.sent.len() & 0xff) as u8);
        if ahead <= WITHHELD_MAX {
            let withheld = core::iter::repeat_n(None, usize::from(ahead));
            self.sent.extend(withheld);
            self.sent.push(Some(digest(frame)));
            return;
        }
        let back = usize::from(ahead.wrapping_neg());
        let place = self.sent.len().checked_sub(back);
        if let Some(place @ None) = place.and_then(|place| self.sent.get_mut(place)) {
            *place = Some(digest(frame));
        }
    }
}

impl DeliveredInOrder {
    fn sent(&mut self, passage: &Passage<'_>, frame: &FullFrame<'_>) {
        let takes_number = frame.body.consumes_sequence_number();
        if frame.source == CallNumber::STATELESS || !takes_number {
            return;
        }
        if frame.destination == CallNumber::ZERO {
            let opener = (passage.source, frame.source, passage.destination);
            self.openers.entry(opener).or_default().push(digest(frame));
            return;
        }
        let ends = (
            passage.source,
            frame.source,
            passage.destination,
            frame.destination,
        );
        let stream = self.streams.entry(ends).or_default();
        stream.note(frame);
    }

    /// A process that begins anew knows no number that it used before, and what it sent before may still arrive.
    fn restarted(&mut self, server: u8, address: SocketAddr) {
        for (sender, remote, taker, local) in self.streams.keys() {
            if *sender == address {
                self.former.insert((*sender, *remote, *taker));
            }
            if *taker == address {
                self.former.insert((*taker, *local, *sender));
            }
        }
        let openers = self.openers.keys();
        self.former
            .extend(openers.filter(|(sender, ..)| *sender == address));
        self.typed.retain(|(of, _), _| *of != server);
        self.overtaking.restarted(address);
    }

    fn took(&mut self, taken: &Taken) -> Result<(), String> {
        let ends = (taken.sender, taken.remote, taken.taker, taken.local);
        let stream = self.streams.entry(ends).or_default();
        let nth = stream.taken;
        stream.taken += 1;
        let opener = (taken.sender, taken.remote, taken.taker);
        let opened = self.openers.get(&opener);
        let is_opener = nth == 0 && opened.is_some_and(|sent| sent.contains(&taken.digest));
        let is_next = match stream.sent.get(nth) {
            Some(Some(digest)) => *digest == taken.digest,
            Some(None) | None => is_opener,
        };
        let is_former = self
            .former
            .contains(&(taken.sender, taken.remote, taken.taker))
            || self
                .former
                .contains(&(taken.taker, taken.local, taken.sender));
        let is_unsayable = is_former
            || self.damaged.contains(&taken.taker)
            || self.overtaking.concerns(&taken.taker)
            || (!is_next && self.is_carried_along(taken));
        if is_next || is_unsayable {
            return Ok(());
        }
        Err(format!(
            "call {} of {}: frame {nth} of the stream is not what {} sent as its frame {nth}",
            taken.local, taken.taker, taken.sender
        ))
    }

    /// Whether the taker has had this dialogue since it was at another port, and the sender has opened one from the same number to where
    /// it is now.
    fn is_carried_along(&self, taken: &Taken) -> bool {
        let opener = (taken.sender, taken.remote, taken.taker);
        let is_same = |taker: &SocketAddr| taker.ip() == taken.taker.ip() && *taker != taken.taker;
        let mut streams = self.streams.iter();
        self.openers.contains_key(&opener)
            && streams.any(|((sender, remote, taker, local), stream)| {
                let is_theirs =
                    (*sender, *remote, *local) == (taken.sender, taken.remote, taken.local);
                is_theirs && is_same(taker) && stream.taken > 0
            })
    }

    fn typed(&mut self, server: u8, call: CallId, text: &[u8]) -> Result<(), String> {
        let nth = self.typed.entry((server, call)).or_default();
        let expected = format!("text {nth}");
        *nth += 1;
        let is_unsayable = !self.damaged.is_empty() || self.overtaking.happened();
        if text == expected.as_bytes() || is_unsayable {
            return Ok(());
        }
        Err(format!(
            "server {server}, call {call}: {:?} came where {expected:?} is next",
            String::from_utf8_lossy(text)
        ))
    }
}

impl DeliveredInOrder {
    /// A client reads what another typed: between two bridged calls a text may be lost, but none comes twice or too early.
    fn read(&mut self, client: u8, local: CallNumber, text: &[u8]) -> Result<(), String> {
        // The endpoint ends what it sends by a NUL.
        let text = text.strip_suffix(b"\0").unwrap_or(text);
        let words = core::str::from_utf8(text).ok();
        let nth = words.and_then(|words| words.strip_prefix("text ")?.parse::<u32>().ok());
        let next = self.read.entry((client, local)).or_default();
        let is_unsayable = !self.damaged.is_empty() || self.overtaking.happened();
        match nth {
            Some(nth) if nth >= *next => {
                *next = nth + 1;
                Ok(())
            }
            _ if is_unsayable => Ok(()),
            _ => Err(format!(
                "client {client}, call {local}: {:?} came where `text {next}` or a later one is next",
                String::from_utf8_lossy(text)
            )),
        }
    }
}

impl Checker for DeliveredInOrder {
    const PROPERTY: &'static str = "delivered-in-order";

    fn observe(&mut self, _now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted {
                server, address, ..
            } => {
                self.restarted(*server, *address);
                Ok(())
            }
            Fact::Arrived(passage) => {
                self.overtaking.arrived(passage);
                Ok(())
            }
            Fact::Sent(passage) => {
                self.overtaking.sent(passage);
                if passage.mark == Mark::Damaged {
                    self.damaged.insert(passage.source);
                    self.damaged.insert(passage.destination);
                }
                // What clients send each other is taken by one who tells, as what servers send them.
                let is_followed = matches!(
                    (passage.from, passage.to),
                    (Actor::Server(_), _) | (_, Some(Actor::Client(_)))
                );
                if let Some(Frame::Full(frame)) = &passage.frame
                    && is_followed
                {
                    self.sent(passage, frame);
                }
                Ok(())
            }
            Fact::Took(taken) => self.took(taken),
            Fact::Read {
                client,
                local,
                text,
            } => self.read(*client, *local, text),
            Fact::Told {
                server,
                event: Event::Text { call, text },
            } => self.typed(*server, *call, text),
            _ => Ok(()),
        }
    }
}
