//! Media formats: one bit each of a 64-bit mask (RFC 5456 §8.7, with the meanings that chan_iax2 gives to bits 4, 11
//! and 13 and to the bits above 31; X-IE-9).

use core::fmt;
use core::ops::{BitAnd, BitOr};

/// One media format: exactly one bit. Any of the 64 bits can be held, known by name or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Format(u8);

/// A set of media formats: the mask of CAPABILITY (low 32 bits) and CAPABILITY2 (RFC 5456 §8.6.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormatSet(pub u64);

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*) => {
        impl Format {
            $($(#[$doc])* pub const $name: Format = Format($bit);)*

            /// Every format that has a name here, by rising bit.
            pub const NAMED: &'static [Format] = &[$(Format::$name),*];

            /// The name of the format, where it has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($bit => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

formats! {
    /// G.723.1.
    G723 = 0, "G723";
    /// GSM full rate.
    GSM = 1, "GSM";
    /// G.711 µ-law.
    ULAW = 2, "ULAW";
    /// G.711 A-law.
    ALAW = 3, "ALAW";
    /// G.726 with AAL2 packing (the RFC says plain G.726).
    G726_AAL2 = 4, "G726AAL2";
    /// IMA ADPCM.
    ADPCM = 5, "ADPCM";
    /// 16-bit linear at 8 kHz, network order on the wire.
    SLIN = 6, "SLIN";
    /// LPC10.
    LPC10 = 7, "LPC10";
    /// G.729.
    G729 = 8, "G729";
    /// Speex.
    SPEEX = 9, "SPEEX";
    /// iLBC.
    ILBC = 10, "ILBC";
    /// G.726 with RFC 3551 packing (the RFC says G.726 AAL2).
    G726 = 11, "G726";
    /// G.722.
    G722 = 12, "G722";
    /// G.722.1 at 16 kHz (the RFC says AMR).
    SIREN7 = 13, "SIREN7";
    /// G.722.1 Annex C.
    SIREN14 = 14, "SIREN14";
    /// 16-bit linear at 16 kHz.
    SLIN16 = 15, "SLIN16";
    /// JPEG image.
    JPEG = 16, "JPEG";
    /// PNG image.
    PNG = 17, "PNG";
    /// H.261 video.
    H261 = 18, "H261";
    /// H.263 video.
    H263 = 19, "H263";
    /// H.263+ video.
    H263P = 20, "H263P";
    /// H.264 video.
    H264 = 21, "H264";
    /// MPEG-4 video.
    MPEG4 = 22, "MPEG4";
    /// VP8 video.
    VP8 = 23, "VP8";
    /// T.140 with redundancy.
    T140_RED = 26, "T140RED";
    /// T.140 text.
    T140 = 27, "T140";
    /// G.719.
    G719 = 32, "G719";
    /// Speex at 16 kHz.
    SPEEX16 = 33, "SPEEX16";
    /// Opus.
    OPUS = 34, "OPUS";
}

impl Format {
    /// The format of this bit, 0..=63.
    pub const fn from_bit(bit: u8) -> Option<Self> {
        if bit < 64 { Some(Format(bit)) } else { None }
    }

    /// The format of a mask with exactly one bit.
    pub const fn from_mask(mask: u64) -> Option<Self> {
        if mask.is_power_of_two() {
            Some(Format(mask.trailing_zeros() as u8))
        } else {
            None
        }
    }

    /// The bit, 0..=63.
    pub const fn bit(self) -> u8 {
        self.0
    }

    /// The mask with this one bit.
    pub const fn mask(self) -> u64 {
        1 << self.0
    }
}

impl FormatSet {
    /// No format.
    pub const EMPTY: FormatSet = FormatSet(0);

    /// Whether the set holds this format.
    pub const fn contains(self, format: Format) -> bool {
        self.0 & format.mask() != 0
    }

    /// Whether the set holds none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The formats by rising bit.
    pub fn iter(self) -> impl Iterator<Item = Format> {
        (0..64).map(Format).filter(move |f| self.contains(*f))
    }
}

impl From<Format> for FormatSet {
    fn from(format: Format) -> Self {
        FormatSet(format.mask())
    }
}

impl BitOr for FormatSet {
    type Output = FormatSet;
    fn bitor(self, other: FormatSet) -> FormatSet {
        FormatSet(self.0 | other.0)
    }
}

impl BitAnd for FormatSet {
    type Output = FormatSet;
    fn bitand(self, other: FormatSet) -> FormatSet {
        FormatSet(self.0 & other.0)
    }
}

/// The name, or the bit where it has none: `ULAW`, `bit 25`.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "bit {}", self.0),
        }
    }
}

/// The names joined by `|`, `none` for the empty set.
impl fmt::Display for FormatSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (i, format) in self.iter().enumerate() {
            write!(f, "{}{format}", if i == 0 { "" } else { "|" })?;
        }
        Ok(())
    }
}
