//! Building a list of information elements.

use core::fmt;

use super::{ELEMENT_MAX, InformationElement, InformationElements};

/// Collects information elements for a frame to be sent.
///
/// ```
/// use iaxproof::wire::{IeBuffer, InformationElement};
///
/// let mut ies = IeBuffer::new();
/// ies.push(InformationElement::Version(2)).push(InformationElement::CalledNumber(b"100"));
/// assert_eq!(ies.view().octets(), b"\x0b\x02\x00\x02\x01\x03100");
/// ```
#[derive(Clone, Default)]
pub struct IeBuffer {
    // Invariant: whole elements from end to end.
    octets: Vec<u8>,
}

impl IeBuffer {
    /// No element yet.
    pub const fn new() -> Self {
        IeBuffer { octets: Vec::new() }
    }

    /// Appends an element. The length of an element is one octet, so what passes 255 octets of content is cut: check
    /// lengths where text comes in.
    pub fn push(&mut self, ie: InformationElement<'_>) -> &mut Self {
        let mut content = Vec::new();
        ie.write_content(&mut content);
        content.truncate(ELEMENT_MAX);
        self.octets.extend([ie.code(), content.len() as u8]);
        self.octets.append(&mut content);
        self
    }

    /// The elements so far.
    pub fn view(&self) -> InformationElements<'_> {
        InformationElements {
            octets: &self.octets,
        }
    }
}

/// As the view: secrets are withheld.
impl fmt::Debug for IeBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_past_255_octets_is_cut() {
        let long = [b'7'; 300];
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CalledNumber(&long))
            .push(InformationElement::Version(2));
        let expected = [
            InformationElement::CalledNumber(&long[..255]),
            InformationElement::Version(2),
        ];
        assert!(ies.view().iter().eq(expected));
    }
}
