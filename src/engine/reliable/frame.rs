//! Frames as they are kept while they wait: octets, so that nothing is borrowed.

use core::fmt;
use core::time::Duration;

use super::send::SendState;
use crate::engine::cipher::{Key, Padding};
use crate::time::Instant;
use crate::wire::{Body, CallNumber, FullFrame, IaxCommand};

/// The octets of one frame. `Debug` says how many: they may hold a challenge.
pub(super) struct Octets(pub(super) Vec<u8>);

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.0.len())
    }
}

/// A frame that has no OSeqno yet; its octets carry zeros in both sequence numbers.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) octets: Octets,
    /// What it is encrypted with, since it was built.
    pub(super) key: Option<Key>,
    pub(super) is_final: bool,
}

/// A frame on its way.
#[derive(Debug)]
pub(super) struct Outstanding {
    pub(super) octets: Octets,
    pub(super) key: Option<Key>,
    pub(super) is_final: bool,
    pub(super) state: SendState,
    pub(super) due: Instant,
    pub(super) interval: Duration,
}

/// One transmission of a frame.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) octets: Octets,
    pub(super) key: Option<Key>,
}

impl Outgoing {
    /// The datagram. Padding is asked for where the frame is encrypted.
    pub(super) fn seal(self, padding: impl FnOnce() -> Padding) -> Vec<u8> {
        match self.key {
            Some(key) => key.encrypt(&self.octets.0, padding()),
            None => self.octets.0,
        }
    }
}

pub(super) fn encode(frame: &FullFrame<'_>) -> Octets {
    let mut octets = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut octets);
    Octets(octets)
}

/// The frame of these octets with some of its header changed.
pub(super) fn rewrite(octets: &Octets, change: impl FnOnce(&mut FullFrame<'_>)) -> Octets {
    let mut frame = FullFrame::parse(&octets.0).expect("these octets were encoded from a frame");
    change(&mut frame);
    encode(&frame)
}

pub(super) fn opens(body: &Body<'_>) -> bool {
    matches!(body, Body::Iax { command, .. } if command.opens_dialogue())
}

/// Whether a frame is of those that chan_iax2 and yate send from call number 1, without a dialogue of theirs. Some clients
/// use that number for real dialogues, so that other frames from it count (libiax2).
pub(in crate::engine) const fn is_stateless(frame: &FullFrame<'_>) -> bool {
    use IaxCommand::{CallToken, Inval, Pong, RegRej, Reject};
    let Body::Iax { command, .. } = frame.body else {
        return false;
    };
    matches!(command, CallToken)
        || (frame.source.get() <= CallNumber::STATELESS.get()
            && matches!(command, Inval | Pong | RegRej | Reject))
}

pub(super) const fn is_vnak(body: &Body<'_>) -> bool {
    matches!(
        body,
        Body::Iax {
            command: IaxCommand::Vnak,
            ..
        }
    )
}
