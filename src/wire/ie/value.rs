//! Small value types of information elements: masks, counters and blocks.

use core::fmt;

use super::content::Content;
use crate::wire::show::Octets;

/// A newtype over an integer is coded as the integer.
macro_rules! as_integer {
    ($($type:ident),*) => {$(
        impl Content<'_> for $type {
            fn read(data: &[u8]) -> Option<Self> {
                Content::read(data).map($type)
            }

            fn write(self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
        }
    )*};
}

as_integer!(AuthMethods, DpStatus, MessageCount, FirmwareBlock, Loss);

/// The methods of authentication that are offered (RFC 5456 §8.6.13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthMethods(pub u16);

impl AuthMethods {
    /// The secret in clear; reserved in the RFC.
    pub const PLAINTEXT: AuthMethods = AuthMethods(1);
    /// MD5 of challenge and secret.
    pub const MD5: AuthMethods = AuthMethods(2);
    /// The challenge signed.
    pub const RSA: AuthMethods = AuthMethods(4);

    /// Whether every method of `other` is offered.
    pub const fn contains(self, other: AuthMethods) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for AuthMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_bits(self.0, &[(1, "plaintext"), (2, "MD5"), (4, "RSA")], f)
    }
}

/// What a called number is good for (RFC 5456 §8.6.19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DpStatus(pub u16);

impl DpStatus {
    /// The number exists.
    pub const EXISTS: DpStatus = DpStatus(1);
    /// The number can exist.
    pub const CAN_EXIST: DpStatus = DpStatus(2);
    /// The number does not exist.
    pub const NON_EXISTENT: DpStatus = DpStatus(4);
    /// Keep the dial tone.
    pub const IGNORE_PATTERN: DpStatus = DpStatus(0x4000);
    /// More digits may match.
    pub const MATCH_MORE: DpStatus = DpStatus(0x8000);

    /// Whether every bit of `other` is set.
    pub const fn contains(self, other: DpStatus) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for DpStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = &[
            (1, "exists"),
            (2, "can exist"),
            (4, "non-existent"),
            (0x4000, "ignore pattern"),
            (0x8000, "match more"),
        ];
        show_bits(self.0, names, f)
    }
}

/// How a call may be encrypted (RFC 5456 §8.6.34). Read from two octets or, as yate sends it, from one; written as two (X-IE-7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncryptionMethods(pub u16);

impl EncryptionMethods {
    /// AES with 128 bits.
    pub const AES128: EncryptionMethods = EncryptionMethods(1);
    /// The key is rotated (chan_iax2).
    pub const KEY_ROTATION: EncryptionMethods = EncryptionMethods(0x8000);

    /// Whether every method of `other` is offered.
    pub const fn contains(self, other: EncryptionMethods) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Content<'_> for EncryptionMethods {
    fn read(data: &[u8]) -> Option<Self> {
        let short = u8::read(data).map(u16::from);
        u16::read(data).or(short).map(EncryptionMethods)
    }

    fn write(self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl fmt::Display for EncryptionMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show_bits(self.0, &[(1, "AES-128"), (0x8000, "key rotation")], f)
    }
}

/// The messages that wait (RFC 5456 §8.6.23): old ones in the high octet, new ones in the low.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageCount(pub u16);

impl MessageCount {
    /// At least one, nobody knows how many.
    pub const SOME: MessageCount = MessageCount(0xffff);

    /// So many old and new messages.
    pub const fn new(old: u8, new: u8) -> Self {
        MessageCount(u16::from_be_bytes([old, new]))
    }

    /// Messages heard before.
    pub const fn old_messages(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// Messages not heard yet.
    pub const fn new_messages(self) -> u8 {
        self.0.to_be_bytes()[1]
    }
}

impl fmt::Display for MessageCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::SOME {
            return f.write_str("some");
        }
        write!(
            f,
            "{} old, {} new",
            self.old_messages(),
            self.new_messages()
        )
    }
}

/// A block of firmware (chan_iax2): its index in the upper 24 bits, the block size in the low 8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirmwareBlock(pub u32);

impl fmt::Display for FirmwareBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of size {}", self.0 >> 8, self.0 & 0xff)
    }
}

/// Loss in what was received (RFC 5456 §8.6.37): percent in the high octet, frames in the low 24 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss(pub u32);

impl Loss {
    /// The share of frames lost, in percent.
    pub const fn percent(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// The frames lost, 24 bits.
    pub const fn frames(self) -> u32 {
        self.0 & 0x00ff_ffff
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} % {}", self.percent(), self.frames())
    }
}

/// A block of an OSP token (chan_iax2). The token is a credential: `Debug` shows its length alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OspBlock<'a> {
    /// Which block, 0..=3.
    pub index: u8,
    /// At most 254 octets; more are cut as the element is written.
    pub data: &'a [u8],
}

impl<'a> Content<'a> for OspBlock<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let (&index, data) = data.split_first()?;
        Some(OspBlock { index, data })
    }

    fn write(self, out: &mut Vec<u8>) {
        out.push(self.index);
        out.extend(self.data);
    }
}

impl fmt::Display for OspBlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} withheld ({})", self.index, Octets(self.data.len()))
    }
}

impl fmt::Debug for OspBlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The names of the bits joined by `|`, then those without a name in hexadecimal; `none` for none.
fn show_bits(bits: u16, names: &[(u16, &str)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut separator = "";
    let mut left = bits;
    for (bit, name) in names.iter().filter(|(bit, _)| bits & bit != 0) {
        write!(f, "{separator}{name}")?;
        separator = "|";
        left &= !bit;
    }
    match (bits, left) {
        (0, _) => f.write_str("none"),
        (_, 0) => Ok(()),
        (_, left) => write!(f, "{separator}{left:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_show_their_bits() {
        assert_eq!(AuthMethods(0).to_string(), "none");
        assert_eq!(AuthMethods(3).to_string(), "plaintext|MD5");
        assert_eq!(AuthMethods(0x12).to_string(), "MD5|0x10");
        assert_eq!(DpStatus(0x8002).to_string(), "can exist|match more");
        assert_eq!(
            EncryptionMethods(0x8001).to_string(),
            "AES-128|key rotation"
        );
    }

    /// X-IE-7; X-IE-3 for what is longer or empty.
    #[test]
    fn encryption_is_read_from_one_octet_or_two_and_written_as_two() {
        let aes = EncryptionMethods::AES128;
        assert_eq!(EncryptionMethods::read(&[1]), Some(aes));
        assert_eq!(EncryptionMethods::read(&[0, 1]), Some(aes));
        assert_eq!(EncryptionMethods::read(&[]), None);
        assert_eq!(EncryptionMethods::read(&[0, 0, 1]), None);
        assert_eq!(EncryptionMethods::read(&[0, 0, 0, 1]), None);
        let mut octets = Vec::new();
        aes.write(&mut octets);
        assert_eq!(octets, [0, 1]);
    }

    #[test]
    fn counters() {
        assert_eq!(MessageCount::new(2, 3), MessageCount(0x0203));
        assert_eq!(MessageCount(0x0203).to_string(), "2 old, 3 new");
        assert_eq!(MessageCount::SOME.to_string(), "some");
        assert_eq!(Loss(0x0100_000c).to_string(), "1 % 12");
        assert_eq!(FirmwareBlock(0x0000_0264).to_string(), "2 of size 100");
    }
}
