//! How much of a capture is understood, for `iaxproof check`.

use iaxproof::wire::Frame;

use super::link::{self, Content};
use super::packets;

/// What a capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Datagrams that are frames.
    pub(crate) frames: u64,
    /// Datagrams that are not.
    pub(crate) refused: u64,
}

/// Reads every UDP datagram of a capture as a frame.
///
/// # Errors
///
/// A sentence, where the octets are no capture or end in the middle of a packet.
pub(crate) fn survey(octets: &[u8]) -> Result<Survey, String> {
    let mut seen = Survey::default();
    let ended = packets::for_each(octets, |packet| {
        if let Content::Datagram(datagram) = link::content(packet) {
            match Frame::parse(datagram.payload) {
                Ok(_) => seen.frames += 1,
                Err(_) => seen.refused += 1,
            }
        }
    });
    ended.map(|()| seen).map_err(|bad| bad.to_string())
}
