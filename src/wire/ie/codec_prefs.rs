//! CODEC PREFS: codecs by preference, one letter each (RFC 5456 §8.6.35; the letters are chan_iax2's).
//!
//! A letter is `'A'` plus the place in a fixed list that counts from 1.

use core::fmt;

use super::Format;
use super::content::Content;

/// Letters as they came; those that name no format here are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecPrefs<'a>(pub &'a [u8]);

/// The letter of each format. `\` is reserved; `^` to `e` are empty slots.
const LETTERS: &[(u8, Format)] = &[
    (b'B', Format::G723),
    (b'C', Format::GSM),
    (b'D', Format::ULAW),
    (b'E', Format::ALAW),
    (b'F', Format::G726),
    (b'G', Format::ADPCM),
    (b'H', Format::SLIN),
    (b'I', Format::LPC10),
    (b'J', Format::G729),
    (b'K', Format::SPEEX),
    (b'L', Format::SPEEX16),
    (b'M', Format::ILBC),
    (b'N', Format::G726_AAL2),
    (b'O', Format::G722),
    (b'P', Format::SLIN16),
    (b'Q', Format::JPEG),
    (b'R', Format::PNG),
    (b'S', Format::H261),
    (b'T', Format::H263),
    (b'U', Format::H263P),
    (b'V', Format::H264),
    (b'W', Format::MPEG4),
    (b'X', Format::T140_RED),
    (b'Y', Format::T140),
    (b'Z', Format::SIREN7),
    (b'[', Format::SIREN14),
    (b']', Format::G719),
    (b'f', Format::OPUS),
    (b'g', Format::VP8),
];

impl<'a> CodecPrefs<'a> {
    /// The formats, the most wanted first.
    pub fn formats(self) -> impl Iterator<Item = Format> + 'a {
        self.0.iter().filter_map(|&letter| Self::format(letter))
    }

    /// The letter of a format, where it has one.
    pub fn letter(format: Format) -> Option<u8> {
        let row = LETTERS.iter().find(|(_, other)| *other == format);
        row.map(|(letter, _)| *letter)
    }

    /// The format of a letter, where it names one.
    pub fn format(letter: u8) -> Option<Format> {
        let row = LETTERS.iter().find(|(other, _)| *other == letter);
        row.map(|(_, format)| *format)
    }
}

impl<'a> Content<'a> for CodecPrefs<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        Some(CodecPrefs(data))
    }

    fn write(self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }
}

/// The names joined by commas in brackets: `(ULAW,GSM)`.
impl fmt::Display for CodecPrefs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, format) in self.formats().enumerate() {
            write!(f, "{}{format}", if i == 0 { "" } else { "," })?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_read_as_asterisk_writes_them() {
        assert_eq!(CodecPrefs(b"DC").to_string(), "(ULAW,GSM)");
        assert_eq!(CodecPrefs(b"\\@f\xff^A").to_string(), "(OPUS)");
        assert_eq!(CodecPrefs(b"").to_string(), "()");
    }

    #[test]
    fn every_named_format_has_a_letter_of_its_own() {
        for &format in Format::NAMED {
            let letter = CodecPrefs::letter(format).unwrap();
            assert_eq!(CodecPrefs::format(letter), Some(format));
        }
        assert_eq!(LETTERS.len(), Format::NAMED.len());
    }
}
