//! Sound: 8 kHz, one channel, 16-bit samples, in frames of 20 ms.
//!
//! - [`g711`]: µ-law and A-law. [`wav`]: files. [`melody`]: the music that the server plays. [`tone`]: a sine. [`player`]: which frame is due
//!   when. [`jitter`]: frames that come in another order, or not at their time.
//!
//! Left to others: calls and their formats on the wire (`serve`, `client`), and hearing: nothing here knows a loudspeaker.

pub(crate) mod g711;
pub(crate) mod jitter;
pub(crate) mod melody;
pub(crate) mod player;
pub(crate) mod tone;
pub(crate) mod wav;

use core::time::Duration;

use clap::ValueEnum;
use iaxproof::wire::Format;

/// Samples in a second: telephony's rate, and that of µ-law and A-law.
pub(crate) const RATE: u32 = 8_000;
/// Samples in one frame of [`FRAME`].
pub(crate) const FRAME_SAMPLES: usize = 160;
/// How much sound one frame carries, and how far apart frames are sent.
pub(crate) const FRAME: Duration = Duration::from_millis(20);

/// A way to code samples that we speak ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Codec {
    /// G.711 µ-law.
    Ulaw,
    /// G.711 A-law.
    Alaw,
}

impl Codec {
    /// The codec of a format, if we speak it.
    pub(crate) fn of(format: Format) -> Option<Self> {
        match format {
            Format::ULAW => Some(Codec::Ulaw),
            Format::ALAW => Some(Codec::Alaw),
            _ => None,
        }
    }

    /// The format on the wire.
    pub(crate) const fn format(self) -> Format {
        match self {
            Codec::Ulaw => Format::ULAW,
            Codec::Alaw => Format::ALAW,
        }
    }

    /// One octet for each sample.
    pub(crate) fn encode(self, samples: &[i16]) -> Vec<u8> {
        let encode = match self {
            Codec::Ulaw => g711::ulaw_encode,
            Codec::Alaw => g711::alaw_encode,
        };
        samples.iter().copied().map(encode).collect()
    }

    /// One sample for each octet.
    pub(crate) fn decode(self, octets: &[u8]) -> Vec<i16> {
        let decode = match self {
            Codec::Ulaw => g711::ulaw_decode,
            Codec::Alaw => g711::alaw_decode,
        };
        octets.iter().copied().map(decode).collect()
    }
}
