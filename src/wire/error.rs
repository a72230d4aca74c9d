//! Why a datagram is no IAX2 frame, and at which octet.

use core::fmt;

use thiserror::Error;

/// A datagram that is no frame. The endpoint drops it without a reply, and counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("octet {offset}: {reason}")]
pub struct DecodeError {
    /// The first octet that is wrong, or that is missing, counted from 0.
    pub offset: usize,
    /// What is wrong with it.
    pub reason: DecodeReason,
}

/// What is wrong with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeReason {
    /// The datagram is shorter than the header of its class (RFC 5456 §8.1).
    #[error("{class} needs {} octets, {len} are here", class.header_len())]
    Short {
        /// What the first octets say it is.
        class: FrameClass,
        /// The length of the datagram.
        len: usize,
    },
    /// The first bit does not say full frame; only where a full frame was asked for.
    #[error("not a full frame")]
    NotFull,
    /// An information element runs past the end (RFC 5456 §8.6).
    #[error("information element {code} runs {past} octets past the end")]
    ElementOverrun {
        /// The element's code.
        code: u8,
        /// How many of its octets are missing.
        past: usize,
    },
    /// One octet is left behind the last information element: a code without a length.
    #[error("stray octet behind the last information element")]
    StrayOctet,
    /// A meta command that is not a trunk (RFC 5456 §8.1.3.2).
    #[error("unknown meta command {0}")]
    MetaCommand(u8),
    /// Command data of a trunk that is neither 0 nor 1.
    #[error("unknown trunk flags {0:#04x}")]
    TrunkFlags(u8),
    /// The rest of a trunk frame is too short for the header of an entry.
    #[error("trunk entry needs {needed} octets of header, {left} are left")]
    TrunkEntryShort {
        /// The header of an entry: 4 octets, or 6 with time-stamps.
        needed: usize,
        /// What is left.
        left: usize,
    },
    /// The data of a trunk entry runs past the end.
    #[error("trunk entry runs {past} octets past the end")]
    TrunkEntryOverrun {
        /// How many of its octets are missing.
        past: usize,
    },
}

/// The classes of datagrams, told apart by their first two words (RFC 5456 §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameClass {
    /// Not enough octets to tell.
    Any,
    /// Full frame.
    Full,
    /// Mini voice frame.
    Mini,
    /// Mini video frame.
    MiniVideo,
    /// Meta frame.
    Meta,
}

impl FrameClass {
    /// The octets that a frame of the class has at least.
    pub const fn header_len(self) -> usize {
        match self {
            FrameClass::Any | FrameClass::Mini => 4,
            FrameClass::Full => 12,
            FrameClass::MiniVideo => 6,
            FrameClass::Meta => 8,
        }
    }
}

impl fmt::Display for FrameClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FrameClass::Any => "a frame",
            FrameClass::Full => "a full frame",
            FrameClass::Mini => "a mini frame",
            FrameClass::MiniVideo => "a mini video frame",
            FrameClass::Meta => "a meta frame",
        })
    }
}

impl DecodeError {
    pub(super) const fn new(offset: usize, reason: DecodeReason) -> Self {
        DecodeError { offset, reason }
    }

    pub(super) const fn short(class: FrameClass, datagram: &[u8]) -> Self {
        let len = datagram.len();
        DecodeError::new(len, DecodeReason::Short { class, len })
    }

    /// The same error of octets that begin at `base`.
    pub(super) const fn behind(self, base: usize) -> Self {
        DecodeError::new(base + self.offset, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_octet_and_what_was_expected() {
        let error = DecodeError::short(FrameClass::Full, &[0; 11]);
        assert_eq!(
            error.to_string(),
            "octet 11: a full frame needs 12 octets, 11 are here"
        );
        let error = DecodeError::new(0, DecodeReason::ElementOverrun { code: 6, past: 3 });
        assert_eq!(
            error.behind(12).to_string(),
            "octet 12: information element 6 runs 3 octets past the end"
        );
    }
}
