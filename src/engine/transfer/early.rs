//! What a third party sends before we can know what it means: its TXCNT before our TXREQ has come, and its frames before our TXREL
//! has. Little of it is held, and nothing of it counts until the middle has said who the third party is.

use core::fmt;
use std::collections::VecDeque;

use super::{Third, same_id};
use crate::engine::options::{
    EARLY_FRAMES_MAX, EARLY_OCTETS_MAX, EARLY_TXCNT_WAIT, EARLY_TXCNTS_MAX,
};
use crate::time::Instant;
use crate::wire::Frame;

/// What the third party sent before we were told that the call is its own.
#[derive(Default)]
pub(in crate::engine) struct EarlyFrames {
    frames: Vec<Vec<u8>>,
    octets: usize,
}

impl EarlyFrames {
    /// Keeps a frame; `false` where there is no room. What is reliable among the lost ones comes again.
    pub(in crate::engine) fn hold(&mut self, frame: &Frame<'_>) -> bool {
        let len = frame.encoded_len();
        if self.frames.len() >= EARLY_FRAMES_MAX || self.octets + len > EARLY_OCTETS_MAX {
            return false;
        }
        let mut octets = Vec::with_capacity(len);
        frame.encode(&mut octets);
        self.frames.push(octets);
        self.octets += len;
        true
    }

    /// The frames, in the order in which they came.
    pub(super) fn into_frames(self) -> Vec<Vec<u8>> {
        self.frames
    }
}

impl fmt::Debug for EarlyFrames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames of {} octets", self.frames.len(), self.octets)
    }
}

/// The TXCNTs that came for a call which nobody has asked to move yet. Anybody may send one, so they are few, and a newer one takes
/// the place of the oldest: one that overtook its TXREQ is not much older than that.
#[derive(Debug, Default)]
pub(in crate::engine) struct EarlyTxcnts(VecDeque<EarlyTxcnt>);

#[derive(Debug)]
struct EarlyTxcnt {
    from: Third,
    id: Option<u32>,
    until: Instant,
}

impl EarlyTxcnts {
    /// Keeps one until it would be sent again.
    pub(in crate::engine) fn hold(&mut self, now: Instant, from: Third, id: Option<u32>) {
        self.0
            .retain(|early| now < early.until && early.from != from);
        if self.0.len() >= EARLY_TXCNTS_MAX {
            self.0.pop_front();
        }
        let until = now + EARLY_TXCNT_WAIT;
        self.0.push_back(EarlyTxcnt { from, id, until });
    }

    /// Whether this third party's was among them. None is left.
    pub(in crate::engine) fn take(&mut self, now: Instant, third: Third, id: Option<u32>) -> bool {
        let mut held = core::mem::take(&mut self.0).into_iter();
        held.any(|early| now < early.until && early.from == third && same_id(early.id, id))
    }
}
