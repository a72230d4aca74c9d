//! Which exchanges a sequence number of 8 bits cannot keep in order: those where a frame is overtaken by 128 or more of its
//! call. delivered-in-order says nothing about them, as the property's words have it; no receiver could tell such a frame from a
//! new one.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::wire::{CallNumber, Frame, FullFrame};

use crate::fact::Passage;
use crate::trace::digest;

/// How many later frames of its call a frame may be overtaken by, plus one: half of the sequence numbers.
const OVERTAKEN_MAX: usize = 128;

/// Follows what each side of a dialogue sends first and what arrives last.
#[derive(Clone, Debug, Default)]
pub(super) struct Overtaking {
    halves: BTreeMap<(SocketAddr, CallNumber), Half>,
    overtaken: BTreeSet<SocketAddr>,
}

/// One direction of a dialogue.
#[derive(Clone, Debug, Default)]
struct Half {
    /// The digest of each new frame, in order.
    sent: Vec<u64>,
    /// How many of them lie up to the newest that arrived.
    arrived: usize,
}

impl Overtaking {
    /// A process begins anew with numbers of its own.
    pub(super) fn restarted(&mut self, address: SocketAddr) {
        self.halves.retain(|(sender, _), _| *sender != address);
    }

    /// A datagram left.
    pub(super) fn sent(&mut self, passage: &Passage<'_>) {
        let Some(frame) = reliable(passage) else {
            return;
        };
        let half = self
            .halves
            .entry((passage.source, frame.source))
            .or_default();
        let digest = digest(frame);
        if opens(frame) && half.sent.first() != Some(&digest) {
            *half = Half::default();
        }
        if frame.oseqno.0 == (half.sent.len() & 0xff) as u8 {
            half.sent.push(digest);
        }
    }

    /// A datagram arrived.
    pub(super) fn arrived(&mut self, passage: &Passage<'_>) {
        let half = reliable(passage).and_then(|frame| {
            let half = self.halves.get_mut(&(passage.source, frame.source))?;
            Some((half, frame))
        });
        let Some((half, frame)) = half else {
            return;
        };
        let digest = digest(frame);
        let Some(nth) = half.sent.iter().rposition(|sent| *sent == digest) else {
            return;
        };
        if nth + OVERTAKEN_MAX < half.arrived {
            self.overtaken.extend([passage.source, passage.destination]);
        }
        half.arrived = half.arrived.max(nth + 1);
    }

    /// Whether a frame to or from this address was overtaken by too many.
    pub(super) fn concerns(&self, address: &SocketAddr) -> bool {
        self.overtaken.contains(address)
    }

    /// Whether any was.
    pub(super) fn happened(&self) -> bool {
        !self.overtaken.is_empty()
    }
}

/// The frame of a datagram, where it takes a sequence number of a dialogue.
fn reliable<'a>(passage: &'a Passage<'_>) -> Option<&'a FullFrame<'a>> {
    match &passage.frame {
        Some(Frame::Full(frame)) => {
            let is_of_dialogue = frame.source != CallNumber::STATELESS;
            (is_of_dialogue && frame.body.consumes_sequence_number()).then_some(frame)
        }
        _ => None,
    }
}

/// Whether a frame is the first of a dialogue: the counters begin with it, and again with a token.
fn opens(frame: &FullFrame<'_>) -> bool {
    frame.oseqno.0 == 0 && frame.destination == CallNumber::ZERO
}
