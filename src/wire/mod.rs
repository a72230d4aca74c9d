//! Bytes to frames and back (RFC 5456 §8), pure: touches no state.
//!
//! [`Frame::parse`] turns one UDP datagram into a [`Frame`] that borrows from it, or into a [`DecodeError`] that
//! says which octet was wrong; it allocates nothing and is total. [`Frame::encode`] cannot fail: what cannot be
//! encoded cannot be built. What a frame *means* in a call is the engine's.
//!
//! ```text
//! mod        Frame, and telling the four classes apart        cursor    bounds-checked reading
//! full       the 12-octet header                              body      frame type, subclass and data
//! subclass   the C bit; IAX, CONTROL, HTML, MODEM names       ie/       information elements
//! mini       mini voice and mini video                        meta      trunk frames
//! format     media formats                                    number    call numbers, sequence numbers, time-stamps
//! ```
//!
//! # Normal form
//!
//! `parse(encode(x)) == x` holds for every value. `encode(parse(octets)) == octets` holds for canonical octets;
//! these spellings are accepted and written back in their normal form:
//! - a subclass below 128 in the power-of-two spelling is written plainly (`0x83` becomes `0x08`; a video format
//!   of bit 6 is not, for plainly it reads as the marker), and bit 6 of an audio exponent is cleared;
//! - the subclass of TEXT and NULL is written as 0, and data behind DTMF, NULL and comfort noise is not kept;
//! - the top bit of a trunk entry's call number is written as 0.
//!
//! # Deviations
//!
//! - RFC 5456 §8.6: code 0x34 is VARIABLE and 0x35 OSPTOKEN, and DATETIME counts seconds in twos, as chan_iax2 and
//!   Wireshark have it.
//! - RFC 5456 §8.1.3.1: mini video carries 15 bits of time and a marker, as the RFC's figure and chan_iax2 have it.
//! - A trunk frame with a bad entry is refused as a whole; chan_iax2 delivers the entries before it.

#![forbid(unsafe_code)]

pub mod body;
mod cursor;
pub mod error;
pub mod format;
pub mod full;
mod head;
pub mod ie;
pub mod meta;
pub mod mini;
pub mod number;
mod show;
pub mod subclass;

use core::fmt;

pub use body::{Body, Digit, NoiseLevel, UnknownBody};
pub use error::{DecodeError, DecodeReason, FrameClass};
pub use format::{Format, FormatSet};
pub use full::FullFrame;
pub use head::Head;
pub use ie::{
    ApparentAddress, AuthMethods, Cause, CodecPrefs, DateTime, DpStatus, EncryptionMethods,
    IeBuffer, IeCode, InformationElement, InformationElements, MessageCount,
};
pub use meta::{MetaFrame, TrunkBuffer, TrunkEntries, TrunkEntry};
pub use mini::{MiniFrame, MiniVideoFrame};
pub use number::{CallNumber, SeqNo, Timestamp};
pub use subclass::{Control, Html, IaxCommand, Modem};

/// One datagram of IAX2 (RFC 5456 §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A reliable frame, or an answer about one.
    Full(FullFrame<'a>),
    /// Voice of a call whose format is known.
    Mini(MiniFrame<'a>),
    /// Video of a call whose format is known.
    MiniVideo(MiniVideoFrame<'a>),
    /// Voice of several calls (a trunk).
    Meta(MetaFrame<'a>),
}

impl<'a> Frame<'a> {
    /// Reads one datagram. The first word is the source call of a full frame (top bit set) or of a mini frame; zero
    /// says meta, whose second word has its top bit set for video (RFC 5456 §8.1).
    ///
    /// # Errors
    ///
    /// Where the datagram is shorter than the header of its class, its information elements or trunk entries do not
    /// fill it exactly, or its meta command is unknown.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        let Some(&[a, b, c, _]) = datagram.first_chunk() else {
            return Err(DecodeError::short(FrameClass::Any, datagram));
        };
        match (a & 0x80 != 0, a == 0 && b == 0, c & 0x80 != 0) {
            (true, ..) => FullFrame::parse(datagram).map(Frame::Full),
            (false, false, _) => MiniFrame::parse(datagram).map(Frame::Mini),
            (false, true, true) => MiniVideoFrame::parse(datagram).map(Frame::MiniVideo),
            (false, true, false) => MetaFrame::parse(datagram).map(Frame::Meta),
        }
    }

    /// How many octets [`encode`](Frame::encode) appends.
    pub fn encoded_len(&self) -> usize {
        match self {
            Frame::Full(frame) => frame.encoded_len(),
            Frame::Mini(frame) => frame.encoded_len(),
            Frame::MiniVideo(frame) => frame.encoded_len(),
            Frame::Meta(frame) => frame.encoded_len(),
        }
    }

    /// Appends the octets of the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Frame::Full(frame) => frame.encode(out),
            Frame::Mini(frame) => frame.encode(out),
            Frame::MiniVideo(frame) => frame.encode(out),
            Frame::Meta(frame) => frame.encode(out),
        }
    }
}

/// One line, as a packet listing prints it; text from the network is escaped, secrets are withheld.
impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Frame::Full(frame) => frame.fmt(f),
            Frame::Mini(frame) => frame.fmt(f),
            Frame::MiniVideo(frame) => frame.fmt(f),
            Frame::Meta(frame) => frame.fmt(f),
        }
    }
}
