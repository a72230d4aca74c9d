//! The media clock of a call: which frame carries our audio, and what time theirs has (RFC 5456 §8.1.2; chan_iax2).
//!
//! # Deviations
//!
//! - RFC 5456 §6.10 wants a full frame at each multiple of 0x8000 and §8.1.2 at each wrap of 16 bits; as in chan_iax2 a
//!   single wrap goes by mini frame.

use core::time::Duration;

use crate::engine::trunk::EntryTime;
use crate::time::Instant;
use crate::wire::{Format, Timestamp};

/// How a piece of audio is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carriage {
    /// As a reliable full frame, which says the format.
    Full,
    /// As a mini frame.
    Mini,
    /// As an entry of a trunk frame.
    Trunk,
}

/// Both directions of a call's audio.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Media {
    sent: Option<(Format, Timestamp)>,
    received: Option<Format>,
    received_video: Option<Format>,
    /// The highest time-stamp of theirs.
    highest: Timestamp,
    /// When their clock read 0, by the arrival of their first audio: milliseconds of our clock, modulo 2^32.
    zero_ms: Option<u32>,
    is_quelched: bool,
    /// When their last audio came.
    heard_at: Option<Instant>,
}

impl Media {
    /// Another side begins: formats and clocks of both directions start over.
    pub(super) fn restart(&mut self) {
        *self = Media::default();
    }

    /// How audio of this format and time goes out: by mini frame where the format is that of the last, and the upper 16
    /// bits of the time are those of the last or one more. A call on a trunk looks at the format alone (chan_iax2).
    pub(super) fn carriage(
        &self,
        format: Format,
        timestamp: Timestamp,
        is_trunked: bool,
    ) -> Carriage {
        let upper = |timestamp: Timestamp| timestamp.0 >> 16;
        match self.sent {
            Some((sent, _)) if sent == format && is_trunked => Carriage::Trunk,
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

    /// Audio came: how long after what came before.
    pub(super) fn note_heard(&mut self, now: Instant) -> Option<Duration> {
        let before = self.heard_at.replace(now)?;
        Some(now.saturating_since(before))
    }

    /// A frame with the other side's own time came.
    pub(super) fn note_time(&mut self, timestamp: Timestamp) {
        if timestamp.is_later_than(self.highest) {
            self.highest = timestamp;
        }
    }

    /// A full VOICE frame came: later mini frames have its format.
    pub(super) fn note_format(&mut self, now: Instant, format: Format, timestamp: Timestamp) {
        self.received = Some(format);
        let zero_ms = (now.as_millis() as u32).wrapping_sub(timestamp.0);
        self.zero_ms.get_or_insert(zero_ms);
    }

    /// Format and time of audio without a full time-stamp (X-FRM-4); `None` before any full VOICE frame.
    pub(super) fn expand(&mut self, time: EntryTime) -> Option<(Format, Timestamp)> {
        let (format, zero_ms) = self.received.zip(self.zero_ms)?;
        let timestamp = match time {
            EntryTime::Low(low) => self.highest.expand_mini(low),
            EntryTime::Arrival(arrival) => Timestamp(arrival.wrapping_sub(zero_ms)),
        };
        self.note_time(timestamp);
        Some((format, timestamp))
    }

    /// A full VIDEO frame came: later mini video frames have its format.
    pub(super) const fn note_video(&mut self, format: Format) {
        self.received_video = Some(format);
    }

    /// Format and time of a mini video frame; `None` before any full VIDEO frame.
    pub(super) fn expand_video(&mut self, low: u16) -> Option<(Format, Timestamp)> {
        let format = self.received_video?;
        let timestamp = self.highest.expand_mini_video(low);
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
        let carriage = |media: &Media, format, ms| media.carriage(format, Timestamp(ms), false);
        assert_eq!(carriage(&media, Format::ULAW, 1), Carriage::Full);
        media.note_sent(Format::ULAW, Timestamp(0xfff0));
        assert_eq!(carriage(&media, Format::ALAW, 0xfff1), Carriage::Full);
        assert_eq!(carriage(&media, Format::ULAW, 0xffff), Carriage::Mini);
        assert_eq!(carriage(&media, Format::ULAW, 0x1_ffff), Carriage::Mini);
        assert_eq!(carriage(&media, Format::ULAW, 0x2_0000), Carriage::Full);
        media.note_sent(Format::ULAW, Timestamp(0xffff_fff0));
        assert_eq!(carriage(&media, Format::ULAW, 4), Carriage::Mini);
    }

    #[test]
    fn on_a_trunk_the_format_alone_decides() {
        let mut media = Media::default();
        let carriage = |media: &Media, format| media.carriage(format, Timestamp(0x5_0000), true);
        assert_eq!(carriage(&media, Format::ULAW), Carriage::Full);
        media.note_sent(Format::ULAW, Timestamp(1));
        assert_eq!(carriage(&media, Format::ULAW), Carriage::Trunk);
        assert_eq!(carriage(&media, Format::ALAW), Carriage::Full);
    }

    #[test]
    fn their_time_never_goes_back() {
        let mut media = Media::default();
        let low = |media: &mut Media, low| media.expand(EntryTime::Low(low));
        let audio = |timestamp| Some((Format::ULAW, Timestamp(timestamp)));
        assert_eq!(low(&mut media, 5), None);
        media.note_format(Instant::ZERO, Format::ULAW, Timestamp(1));
        media.note_time(Timestamp(0xfffe));
        assert_eq!(low(&mut media, 2), audio(0x1_0002));
        assert_eq!(low(&mut media, 0xfff0), audio(0xfff0));
        assert_eq!(low(&mut media, 4), audio(0x1_0004));
    }

    #[test]
    fn the_first_full_frame_says_when_their_clock_read_zero() {
        let mut media = Media::default();
        assert_eq!(media.expand(EntryTime::Arrival(7)), None);
        media.note_format(Instant::from_millis(1_000), Format::ULAW, Timestamp(400));
        media.note_format(Instant::from_millis(9_000), Format::ULAW, Timestamp(500));
        let expanded = media.expand(EntryTime::Arrival(1_020));
        assert_eq!(expanded, Some((Format::ULAW, Timestamp(420))));
    }
}
