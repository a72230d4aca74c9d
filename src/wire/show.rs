//! Octets of the network as one line of print: escaped, so that nobody forges a line of a log, and cut, so that nobody
//! floods it.

use core::fmt;

/// The most octets of one text that a line shows; elements never reach it, TEXT and HTML frames may.
const SHOWN_MAX: usize = 255;

/// Text in quotes: every octet outside printable ASCII, the quote and the backslash escaped.
pub(super) struct Text<'a>(pub(super) &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, cut) = self.0.split_at(self.0.len().min(SHOWN_MAX));
        write!(f, "\"{}\"", shown.escape_ascii())?;
        if cut.is_empty() {
            return Ok(());
        }
        write!(f, " and {} more", Octets(cut.len()))
    }
}

/// A number of octets in words: `1 octet`, `160 octets`.
pub(super) struct Octets(pub(super) usize);

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octet{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_forge_a_line() {
        let forged = Text(b"bob\"\r\nFull 1 -> 2\x1b[2J\xc3\xa9");
        assert_eq!(
            forged.to_string(),
            r#""bob\"\r\nFull 1 -> 2\x1b[2J\xc3\xa9""#
        );
    }

    #[test]
    fn text_is_cut() {
        let long = [b'x'; 257];
        assert!(Text(&long).to_string().ends_with("x\" and 2 octets more"));
    }
}
