//! Contents of elements: how each type is read and written, and the ways to show one.
//!
//! The [table](super::table) names a type and a way to show it per element.

use core::fmt::{self, Display, Formatter, LowerHex};

use super::FormatSet;
use crate::wire::show::{Octets, Text};

/// A type that an element can hold. `read(write(x)) == x`, where the content fits one element.
pub(super) trait Content<'a>: Sized {
    /// The value, or `None` where length or content is wrong.
    fn read(data: &'a [u8]) -> Option<Self>;

    /// Appends the octets of the value.
    fn write(self, out: &mut Vec<u8>);
}

impl<'a> Content<'a> for &'a [u8] {
    fn read(data: &'a [u8]) -> Option<Self> {
        Some(data)
    }

    fn write(self, out: &mut Vec<u8>) {
        out.extend(self);
    }
}

/// Integers are big-endian.
macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Content<'_> for $type {
            fn read(data: &[u8]) -> Option<Self> {
                data.try_into().ok().map(<$type>::from_be_bytes)
            }

            fn write(self, out: &mut Vec<u8>) {
                out.extend(self.to_be_bytes());
            }
        }
    )*};
}

integer!(u8, u16, u32);

/// The one version of CAPABILITY2 and FORMAT2; others are ignored (chan_iax2).
const FORMATS_VERSION: u8 = 0;

/// A version octet, then 64 bits.
impl Content<'_> for FormatSet {
    fn read(data: &[u8]) -> Option<Self> {
        let (&version, mask) = data.split_first()?;
        let mask = u64::from_be_bytes(mask.try_into().ok()?);
        (version == FORMATS_VERSION).then_some(FormatSet(mask))
    }

    fn write(self, out: &mut Vec<u8>) {
        out.push(FORMATS_VERSION);
        out.extend(self.0.to_be_bytes());
    }
}

/// Nothing at all.
pub(super) fn empty(data: &[u8]) -> Option<()> {
    data.is_empty().then_some(())
}

/// As the type shows itself.
pub(super) fn plain(value: impl Display, f: &mut Formatter<'_>) -> fmt::Result {
    value.fmt(f)
}

/// A mask or a code, in hexadecimal.
pub(super) fn hex(value: impl LowerHex, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{value:#x}")
}

/// The low half of a set of formats.
pub(super) fn formats(bits: u32, f: &mut Formatter<'_>) -> fmt::Result {
    FormatSet(u64::from(bits)).fmt(f)
}

/// Text in quotes, escaped.
pub(super) fn text(data: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    Text(data).fmt(f)
}

/// How many octets.
pub(super) fn count(data: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "({})", Octets(data.len()))
}

/// How many octets of what nobody may read in a log.
pub(super) fn secret(data: &[u8], f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "withheld ({})", Octets(data.len()))
}
