//! Frames as they are kept while they wait: octets, so that nothing is borrowed.

use core::fmt;
use core::time::Duration;

use super::send::SendState;
use crate::time::Instant;
use crate::wire::{Body, FullFrame, IaxCommand};

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
    pub(super) is_final: bool,
}

/// A frame on its way.
#[derive(Debug)]
pub(super) struct Outstanding {
    pub(super) octets: Octets,
    pub(super) is_final: bool,
    pub(super) state: SendState,
    pub(super) due: Instant,
    pub(super) interval: Duration,
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

pub(super) const fn is_vnak(body: &Body<'_>) -> bool {
    matches!(
        body,
        Body::Iax {
            command: IaxCommand::Vnak,
            ..
        }
    )
}
