//! Mini frames: media of a call whose format the last full frame told. Not acknowledged, not numbered.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-----------------------------+-------------------------------+
//! |0|  source call number, not 0  |    low 16 bits of the time    |  voice
//! +-+-----------------------------+-------------------------------+
//! |  data ...
//!
//! +-------------------------------+-+-----------------------------+
//! |               0               |1|      source call number     |  video
//! +-+-----------------------------+-+-----------------------------+
//! |M|   low 15 bits of the time   |  data ...
//! ```

use core::fmt;

use super::cursor::Cursor;
use super::error::{DecodeError, FrameClass};
use super::number::CallNumber;
use super::show::Octets;

/// A mini voice frame (RFC 5456 §8.1.2). Its source is never 0, for 0 says meta frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MiniFrame<'a> {
    source: CallNumber,
    timestamp: u16,
    data: &'a [u8],
}

impl<'a> MiniFrame<'a> {
    /// A mini frame, or `None` where `source` is 0. `timestamp` is the low half of the call's time in milliseconds.
    pub fn new(source: CallNumber, timestamp: u16, data: &'a [u8]) -> Option<Self> {
        (source != CallNumber::ZERO).then_some(MiniFrame {
            source,
            timestamp,
            data,
        })
    }

    /// The sender's call number, not 0.
    pub const fn source(&self) -> CallNumber {
        self.source
    }

    /// The low 16 bits of the time-stamp, to be read with
    /// [`Timestamp::expand_mini`](super::number::Timestamp::expand_mini).
    pub const fn timestamp(&self) -> u16 {
        self.timestamp
    }

    /// Codec data; may be empty.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(octets);
        let fields = cursor.u16().zip(cursor.u16());
        fields
            .and_then(|(word, timestamp)| {
                MiniFrame::new(CallNumber::from_word(word), timestamp, cursor.rest())
            })
            .ok_or_else(|| DecodeError::short(FrameClass::Mini, octets))
    }

    /// How many octets [`encode`](MiniFrame::encode) appends.
    pub fn encoded_len(&self) -> usize {
        FrameClass::Mini.header_len() + self.data.len()
    }

    /// Appends the octets of the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.source.get().to_be_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.data);
    }
}

/// `Mini  2 ts 80, 160 octets`.
impl fmt::Display for MiniFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mini  {} ts {}, ", self.source, self.timestamp)?;
        Octets(self.data.len()).fmt(f)
    }
}

/// A mini video frame (RFC 5456 §8.1.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MiniVideoFrame<'a> {
    source: CallNumber,
    marker: bool,
    timestamp: u16,
    data: &'a [u8],
}

impl<'a> MiniVideoFrame<'a> {
    /// A mini video frame. Of `timestamp` the low 15 bits are kept.
    pub const fn new(source: CallNumber, marker: bool, timestamp: u16, data: &'a [u8]) -> Self {
        MiniVideoFrame {
            source,
            marker,
            timestamp: timestamp & !MARKER,
            data,
        }
    }

    /// The sender's call number.
    pub const fn source(&self) -> CallNumber {
        self.source
    }

    /// Whether a picture ends here (chan_iax2; the RFC's figure shows a `?`).
    pub const fn marker(&self) -> bool {
        self.marker
    }

    /// The low 15 bits of the time-stamp, to be read with
    /// [`Timestamp::expand_mini_video`](super::number::Timestamp::expand_mini_video).
    pub const fn timestamp(&self) -> u16 {
        self.timestamp
    }

    /// Video data; may be empty.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(octets);
        let Some([_, _, s0, s1, t0, t1]) = cursor.array() else {
            return Err(DecodeError::short(FrameClass::MiniVideo, octets));
        };
        let source = CallNumber::from_word(u16::from_be_bytes([s0, s1]));
        let time = u16::from_be_bytes([t0, t1]);
        Ok(Self::new(source, time & MARKER != 0, time, cursor.rest()))
    }

    /// How many octets [`encode`](MiniVideoFrame::encode) appends.
    pub fn encoded_len(&self) -> usize {
        FrameClass::MiniVideo.header_len() + self.data.len()
    }

    /// Appends the octets of the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let marker = if self.marker { MARKER } else { 0 };
        out.extend([0, 0]);
        out.extend((self.source.get() | 0x8000).to_be_bytes());
        out.extend((self.timestamp | marker).to_be_bytes());
        out.extend(self.data);
    }
}

/// The bit over the 15 bits of time.
const MARKER: u16 = 0x8000;

/// `Mini video  2 ts 4660 marker, 2 octets`.
impl fmt::Display for MiniVideoFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marker = if self.marker { " marker" } else { "" };
        write!(f, "Mini video  {} ts {}", self.source, self.timestamp)?;
        write!(f, "{marker}, {}", Octets(self.data.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL_2: CallNumber = CallNumber::from_word(2);

    #[test]
    fn mini_voice() {
        let octets = [0x00, 0x02, 0x00, 0x50, 0xff, 0xfe];
        let frame = MiniFrame::parse(&octets).unwrap();
        assert_eq!(frame, MiniFrame::new(CALL_2, 80, &[0xff, 0xfe]).unwrap());
        assert_eq!(frame.to_string(), "Mini  2 ts 80, 2 octets");
        let mut out = Vec::new();
        frame.encode(&mut out);
        assert_eq!((out.as_slice(), frame.encoded_len()), (&octets[..], 6));
    }

    #[test]
    fn mini_video_with_marker() {
        let octets = [0x00, 0x00, 0x80, 0x02, 0x92, 0x34, 0x01, 0x02];
        let frame = MiniVideoFrame::parse(&octets).unwrap();
        assert_eq!(frame, MiniVideoFrame::new(CALL_2, true, 0x1234, &[1, 2]));
        assert_eq!(frame.to_string(), "Mini video  2 ts 4660 marker, 2 octets");
        let mut out = Vec::new();
        frame.encode(&mut out);
        assert_eq!((out.as_slice(), frame.encoded_len()), (&octets[..], 8));
    }

    /// X-FRM-10.
    #[test]
    fn five_octets_are_no_mini_video() {
        let octets = [0x00, 0x00, 0x80, 0x02, 0x00];
        let error = MiniVideoFrame::parse(&octets).unwrap_err();
        assert_eq!(error, DecodeError::short(FrameClass::MiniVideo, &octets));
    }

    #[test]
    fn a_mini_frame_of_call_0_cannot_be_built() {
        assert_eq!(MiniFrame::new(CallNumber::ZERO, 1, &[]), None);
    }
}
