//! The first octets of a full or mini frame: what stays in clear when the frame is encrypted (RFC 5456 §8.1.4).

use super::cursor::Cursor;
use super::number::CallNumber;

/// The call numbers of a frame that may be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// The first four octets of a full frame.
    Full {
        /// The sender's call number.
        source: CallNumber,
        /// The receiver's call number.
        destination: CallNumber,
    },
    /// The first two octets of a mini frame.
    Mini {
        /// The sender's call number, not 0.
        source: CallNumber,
    },
}

/// The F bit.
const FULL: u16 = 0x8000;

impl Head {
    /// Reads no more than the call numbers; `None` for meta frames, mini video among them, and for less than a head.
    pub fn peek(octets: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let word = cursor.u16()?;
        let source = CallNumber::from_word(word);
        if word & FULL == 0 {
            return (source != CallNumber::ZERO).then_some(Head::Mini { source });
        }
        let destination = CallNumber::from_word(cursor.u16()?);
        Some(Head::Full {
            source,
            destination,
        })
    }

    /// The sender's call number.
    pub const fn source(self) -> CallNumber {
        match self {
            Head::Full { source, .. } | Head::Mini { source } => source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_numbers_are_read_and_nothing_else() {
        let (two, ours) = (
            CallNumber::new(2).unwrap(),
            CallNumber::new(0x1e04).unwrap(),
        );
        let full = Head::Full {
            source: two,
            destination: ours,
        };
        assert_eq!(Head::peek(b"\x80\x02\x9e\x04"), Some(full));
        assert_eq!(Head::peek(b"\x80\x02\x1e"), None);
        assert_eq!(Head::peek(b"\x00\x02"), Some(Head::Mini { source: two }));
        assert_eq!(Head::peek(b"\x00\x00\x80\x02\x00\x00"), None);
        assert_eq!(Head::peek(b"\x00"), None);
    }
}
