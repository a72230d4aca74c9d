//! The media clock of a call: which frame carries our audio, and what time theirs has (RFC 5456 §8.1.2; chan_iax2).
//!
//! # Deviations
//!
//! - RFC 5456 §6.10 wants a full frame at each multiple of 0x8000 and §8.1.2 at each wrap of 16 bits; as in chan_iax2 a
//!   single wrap goes by mini frame.

use crate::wire::{Format, Timestamp};

/// How a piece of audio is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carriage {
    /// As a reliable full frame, which says the format.
    Full,
    /// As a mini frame.
    Mini,
}

/// Both directions of a call's audio.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Media {
    sent: Option<(Format, Timestamp)>,
    received: Option<Format>,
    /// The highest time-stamp of theirs.
    highest: Timestamp,
    is_quelched: bool,
}

impl Media {
    /// How audio of this format and time goes out: by mini frame where the format is that of the last, and the upper 16
    /// bits of the time are those of the last or one more.
    pub(super) fn carriage(&self, format: Format, timestamp: Timestamp) -> Carriage {
        let upper = |timestamp: Timestamp| timestamp.0 >> 16;
        match self.sent {
            Some((sent, last)) if sent == format => {
                match upper(timestamp).wrapping_sub(upper(last)) & 0xffff {
                    0 | 1 => Carriage::Mini,
                    _ => Carriage::Full,
                }
            }
            _ => Carriage::Full,
        }
    }

    /// Audio of this format and time went out.
    pub(super) const fn note_sent(&mut self, format: Format, timestamp: Timestamp) {
        self.sent = Some((format, timestamp));
    }

    /// A frame with the other side's own time came.
    pub(super) fn note_time(&mut self, timestamp: Timestamp) {
        if timestamp.is_later_than(self.highest) {
            self.highest = timestamp;
        }
    }

    /// A full VOICE frame came: later mini frames have its format.
    pub(super) const fn note_format(&mut self, format: Format) {
        self.received = Some(format);
    }

    /// Format and time of a mini frame; `None` before any full VOICE frame.
    pub(super) fn expand(&mut self, low: u16) -> Option<(Format, Timestamp)> {
        let format = self.received?;
        let timestamp = self.highest.expand_mini(low);
        self.note_time(timestamp);
        Some((format, timestamp))
    }

    /// QUELCH and UNQUELCH (RFC 5456 §6.4.4, §6.4.5).
    pub(super) const fn quelch(&mut self, is_quelched: bool) {
        self.is_quelched = is_quelched;
    }

    /// Whether the other side wants no audio now.
    pub(super) const fn is_quelched(&self) -> bool {
        self.is_quelched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrap_goes_by_mini_frame_and_two_do_not() {
        let mut media = Media::default();
        assert_eq!(media.carriage(Format::ULAW, Timestamp(1)), Carriage::Full);
        media.note_sent(Format::ULAW, Timestamp(0xfff0));
        assert_eq!(
            media.carriage(Format::ALAW, Timestamp(0xfff1)),
            Carriage::Full
        );
        assert_eq!(
            media.carriage(Format::ULAW, Timestamp(0xffff)),
            Carriage::Mini
        );
        assert_eq!(
            media.carriage(Format::ULAW, Timestamp(0x1_ffff)),
            Carriage::Mini
        );
        assert_eq!(
            media.carriage(Format::ULAW, Timestamp(0x2_0000)),
            Carriage::Full
        );
        media.note_sent(Format::ULAW, Timestamp(0xffff_fff0));
        assert_eq!(media.carriage(Format::ULAW, Timestamp(4)), Carriage::Mini);
    }

    #[test]
    fn their_time_never_goes_back() {
        let mut media = Media::default();
        assert_eq!(media.expand(5), None);
        media.note_format(Format::ULAW);
        media.note_time(Timestamp(0xfffe));
        assert_eq!(media.expand(2), Some((Format::ULAW, Timestamp(0x1_0002))));
        assert_eq!(
            media.expand(0xfff0),
            Some((Format::ULAW, Timestamp(0xfff0)))
        );
        assert_eq!(media.expand(4), Some((Format::ULAW, Timestamp(0x1_0004))));
    }
}
