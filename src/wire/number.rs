//! Numbers with meaning: call numbers, sequence numbers and time-stamps.

use core::fmt;

/// A call number: 15 bits, chosen by each side for itself (RFC 5456 §8.1.1). 0 means "not known yet" as a destination
/// and is never allocated; 1 is the source of stateless replies (chan_iax2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallNumber(u16);

impl CallNumber {
    /// No call: the destination of a frame that opens a dialogue.
    pub const ZERO: CallNumber = CallNumber(0);
    /// The source of stateless replies (chan_iax2; X-NUM-1); never allocated.
    pub const STATELESS: CallNumber = CallNumber(1);
    /// The highest call number, 32767.
    pub const MAX: CallNumber = CallNumber(0x7fff);

    /// The call number, or `None` where it needs more than 15 bits.
    pub const fn new(number: u16) -> Option<Self> {
        if number <= Self::MAX.0 {
            Some(CallNumber(number))
        } else {
            None
        }
    }

    /// The low 15 bits of a word of the wire, whose top bit is a flag.
    pub const fn from_word(word: u16) -> Self {
        CallNumber(word & Self::MAX.0)
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CallNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A sequence number of a full frame: 8 bits, wraps silently (RFC 5456 §8.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNo(pub u8);

impl SeqNo {
    /// The number after this one; 0 after 255.
    #[must_use]
    pub const fn next(self) -> Self {
        SeqNo(self.0.wrapping_add(1))
    }

    /// How many numbers `self` is ahead of `base`, modulo 256.
    pub const fn ahead_of(self, base: SeqNo) -> u8 {
        self.0.wrapping_sub(base.0)
    }
}

impl fmt::Display for SeqNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A time-stamp: milliseconds since the call's first transmission, 32 bits, each side has its own (RFC 5456 §8.1.1).
/// Never an [`Instant`](crate::time::Instant). Ordered only modulo 2^32, so not `Ord`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timestamp(pub u32);

/// A mini frame's time that lies further than this from the last one belongs to the neighbouring period (chan_iax2).
const MINI_FAR_MS: i32 = 50_000;
/// The same for mini video, whose period is half as long (chan_iax2).
const MINI_VIDEO_FAR_MS: i32 = 25_000;

impl Timestamp {
    /// The low 16 bits: what a mini frame carries (RFC 5456 §8.1.2).
    pub const fn low16(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// The low 15 bits: what a mini video frame carries (chan_iax2; the RFC's prose says 16).
    pub const fn low15(self) -> u16 {
        (self.0 & 0x7fff) as u16
    }

    /// The time-stamp of a mini frame that carries `low`, where `self` is the highest seen so far (chan_iax2).
    #[must_use]
    pub const fn expand_mini(self, low: u16) -> Self {
        self.expand(low as u32, 0x1_0000, MINI_FAR_MS)
    }

    /// The same for a mini video frame: 15 bits, period 0x8000 (chan_iax2).
    #[must_use]
    pub const fn expand_mini_video(self, low: u16) -> Self {
        self.expand((low & 0x7fff) as u32, 0x8000, MINI_VIDEO_FAR_MS)
    }

    const fn expand(self, low: u32, period: u32, far: i32) -> Self {
        let near = (self.0 & !(period - 1)) | low;
        let distance = self.0.wrapping_sub(near) as i32;
        if distance > far {
            Timestamp(near.wrapping_add(period))
        } else if distance < -far {
            Timestamp(near.wrapping_sub(period))
        } else {
            Timestamp(near)
        }
    }

    /// Whether `self` is later than `other`, modulo 2^32.
    pub const fn is_later_than(self, other: Timestamp) -> bool {
        (self.0.wrapping_sub(other.0) as i32) > 0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mini_time_goes_on_over_the_wrap_and_back() {
        assert_eq!(Timestamp(0xfffe).expand_mini(2), Timestamp(0x1_0002));
        assert_eq!(Timestamp(0x1_0002).expand_mini(0xfffe), Timestamp(0xfffe));
        assert_eq!(Timestamp(65_520).expand_mini(4), Timestamp(65_540));
    }

    #[test]
    fn mini_video_time_has_fifteen_bits() {
        assert_eq!(Timestamp(0x7ffe).expand_mini_video(1), Timestamp(0x8001));
    }
}
