//! Information elements: what the messages of IAX carry (RFC 5456 §8.6).
//!
//! ```text
//! +---------------+---------------+---------------------------+
//! |     code      |    length     |  length octets ...        |   from end to end of the data
//! +---------------+---------------+---------------------------+
//! ```
//!
//! [`InformationElements`] is a view of octets that were validated once: every element lies inside. The octets are
//! kept as they came, so a frame is written back exactly; typing happens as one iterates.
//!
//! ```text
//! table        every element: code, type, name     lookup        which one counts
//! content      how each kind of content is coded   buffer        building a list
//! value        small value types                   address, cause, codec_prefs, date_time
//! ```
//!
//! A known element of wrong length or content is [`InformationElement::Malformed`] and counts as absent (chan_iax2). The
//! contents of PASSWORD, CHALLENGE, the results, tokens and keys are never shown, not even by `Debug`.

mod address;
mod buffer;
mod cause;
mod codec_prefs;
mod content;
mod date_time;
mod lookup;
mod table;
mod value;

use core::fmt;

pub use address::ApparentAddress;
pub use buffer::IeBuffer;
pub use cause::Cause;
pub use codec_prefs::CodecPrefs;
pub use date_time::DateTime;
pub use table::{IeCode, InformationElement};
pub use value::{
    AuthMethods, DpStatus, EncryptionMethods, FirmwareBlock, Loss, MessageCount, OspBlock,
};

use super::cursor::Cursor;
use super::error::{DecodeError, DecodeReason};
use super::format::{Format, FormatSet};

/// The most octets that one element can hold.
pub const ELEMENT_MAX: usize = u8::MAX as usize;

/// A validated list of information elements: iterating cannot fail (RFC 5456 §8.6).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct InformationElements<'a> {
    // Invariant: whole elements from end to end.
    octets: &'a [u8],
}

impl<'a> InformationElements<'a> {
    /// No element.
    pub const EMPTY: Self = InformationElements { octets: &[] };

    /// Checks that the octets are whole elements from end to end.
    ///
    /// # Errors
    ///
    /// Where an element runs past the end, or one stray octet is left; offsets count from the first octet.
    pub fn parse(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(octets);
        while !cursor.is_at_end() {
            read_element(&mut cursor)?;
        }
        Ok(InformationElements { octets })
    }

    /// The elements in their order, each as its code and length type it.
    pub fn iter(self) -> impl Iterator<Item = InformationElement<'a>> {
        let mut cursor = Cursor::new(self.octets);
        core::iter::from_fn(move || read_element(&mut cursor).ok())
            .map(|(code, data)| InformationElement::from_parts(code, data))
    }

    /// The octets as they came.
    pub const fn octets(self) -> &'a [u8] {
        self.octets
    }

    /// Whether there is no element.
    pub const fn is_empty(self) -> bool {
        self.octets.is_empty()
    }
}

/// Code and data of the next element. The data is at most 255 octets long, for its length is one octet.
fn read_element<'a>(cursor: &mut Cursor<'a>) -> Result<(u8, &'a [u8]), DecodeError> {
    let start = cursor.offset();
    let error = |reason| DecodeError::new(start, reason);
    let Some([code, len]) = cursor.array() else {
        return Err(error(DecodeReason::StrayOctet));
    };
    let len = usize::from(len);
    let Some(data) = cursor.take(len) else {
        let past = len - cursor.rest().len();
        return Err(error(DecodeReason::ElementOverrun { code, past }));
    };
    Ok((code, data))
}

/// The elements joined by commas: `version 2, called number "100"`.
impl fmt::Display for InformationElements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, ie) in self.iter().enumerate() {
            write!(f, "{}{ie}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for InformationElements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X-IE-1.
    #[test]
    fn elements_come_in_order_and_unknown_ones_are_kept() {
        let octets = b"\x0b\x02\0\x02\xf0\x03xyz\x01\x03100";
        let ies = InformationElements::parse(octets).unwrap();
        let expected = [
            InformationElement::Version(2),
            InformationElement::Unknown {
                code: 0xf0,
                data: b"xyz",
            },
            InformationElement::CalledNumber(b"100"),
        ];
        assert!(ies.iter().eq(expected));
        assert_eq!(
            ies.to_string(),
            r#"version 2, element 240 "xyz", called number "100""#
        );
        assert_eq!(ies.octets(), octets);
    }

    /// X-IE-3.
    #[test]
    fn a_fixed_element_of_wrong_length_is_kept_as_malformed() {
        let ies = InformationElements::parse(b"\x09\x03\0\0\x04").unwrap();
        let malformed = InformationElement::Malformed {
            code: IeCode::Format,
            data: &[0, 0, 4],
        };
        assert!(ies.iter().eq([malformed]));
        assert_eq!(ies.to_string(), "malformed format (3 octets)");
    }

    #[test]
    fn an_overrun_and_a_stray_octet_are_refused() {
        let error = InformationElements::parse(b"\x0b\x02\0\x02\x01\x20abc").unwrap_err();
        let reason = DecodeReason::ElementOverrun { code: 1, past: 29 };
        assert_eq!(error, DecodeError::new(4, reason));
        let error = InformationElements::parse(b"\x0b\x02\0\x02\x01").unwrap_err();
        assert_eq!(error, DecodeError::new(4, DecodeReason::StrayOctet));
    }

    #[test]
    fn secrets_are_withheld_from_display_and_debug() {
        let octets = b"\x07\x04hush\x0f\x03123\x10\x02ff\x36\x05token\x2c\x03key";
        let ies = InformationElements::parse(octets).unwrap();
        let withheld = "password withheld (4 octets), challenge withheld (3 octets), \
                        MD5 result withheld (2 octets), call token withheld (5 octets), \
                        encryption key withheld (3 octets)";
        assert_eq!(ies.to_string(), withheld);
        assert_eq!(format!("{ies:?}"), format!("[{withheld}]"));
    }
}
