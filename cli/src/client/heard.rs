//! What a call let us hear, in the order of the senders' time-stamps: silence where frames are missing. Frames wait in a jitter buffer
//! until it is their time; those that come later still are left out, as a listener would have had to do without them.

use iaxproof::time::Instant;
use iaxproof::wire::Timestamp;

use crate::audio::RATE;
use crate::audio::jitter::{Amiss, JitterBuffer};

/// Samples of one millisecond.
const SAMPLES_PER_MS: i64 = RATE as i64 / 1_000;
/// A frame may be so many samples beside its place: senders round their time-stamps.
const SLACK: i64 = 40 * SAMPLES_PER_MS;
/// The longest silence that is filled in; after a longer one the recording goes on at once.
const SILENCE_MAX: i64 = 10 * RATE as i64;

/// What was heard, and what is about to be.
#[derive(Debug, Default)]
pub(super) struct Heard {
    buffer: JitterBuffer<Vec<i16>>,
    clock: HeardClock,
}

impl Heard {
    /// A frame that came now. What is to be recorded by now is given.
    pub(super) fn take(
        &mut self,
        now: Instant,
        timestamp: Timestamp,
        samples: Vec<i16>,
    ) -> Vec<i16> {
        let over = self.buffer.put(now, timestamp, samples);
        self.clock.place_all(over)
    }

    /// What is to be recorded by now.
    pub(super) fn play(&mut self, now: Instant) -> Vec<i16> {
        let due = core::iter::from_fn(|| self.buffer.take(now));
        self.clock.place_all(due)
    }

    /// When there is something to play again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.buffer.due()
    }

    /// Somebody else speaks now, by a clock of his own, as after a transfer. What waits still is to be recorded.
    pub(super) fn begin_anew(&mut self) -> Vec<i16> {
        let rest = self.buffer.begin_anew();
        let rest = self.clock.place_all(rest);
        self.clock.first = None;
        rest
    }

    /// What waits still: the call is over.
    pub(super) fn rest(&mut self) -> Vec<i16> {
        let rest = self.buffer.drain();
        self.clock.place_all(rest)
    }

    /// Seconds so far.
    pub(super) fn seconds(&self) -> f64 {
        self.clock.len as f64 / f64::from(RATE)
    }

    /// Frames that did not simply come in time.
    pub(super) fn amiss(&self) -> Amiss {
        self.buffer.amiss()
    }
}

/// The clock of what is heard.
#[derive(Debug, Default)]
struct HeardClock {
    /// The time-stamp of the first sample.
    first: Option<Timestamp>,
    /// Samples so far.
    len: i64,
}

impl HeardClock {
    fn place_all(&mut self, frames: impl IntoIterator<Item = (Timestamp, Vec<i16>)>) -> Vec<i16> {
        let frames = frames.into_iter();
        frames
            .flat_map(|(timestamp, samples)| self.take(timestamp, &samples))
            .collect()
    }

    /// Puts a frame into its place: what is to be recorded now, silence before it included.
    fn take(&mut self, timestamp: Timestamp, samples: &[i16]) -> Vec<i16> {
        let missing = self.place(timestamp) - self.len;
        let len = samples.len() as i64;
        if missing + len + SLACK < 0 {
            return Vec::new();
        }
        let silence = match missing {
            ..=SLACK => 0,
            missing if missing <= SILENCE_MAX => missing,
            _ => {
                self.first = Some(self.first_of(timestamp));
                0
            }
        };
        self.len += silence + len;
        let mut out = vec![0; silence as usize];
        out.extend(samples);
        out
    }

    /// The time-stamp of the first sample, if a frame of this one goes on where we are.
    fn first_of(&self, timestamp: Timestamp) -> Timestamp {
        let heard_ms = (self.len / SAMPLES_PER_MS) as u32;
        Timestamp(timestamp.0.wrapping_sub(heard_ms))
    }

    /// The sample that a frame of this time-stamp begins at; negative before the first.
    fn place(&mut self, timestamp: Timestamp) -> i64 {
        let first = self.first.unwrap_or_else(|| self.first_of(timestamp));
        self.first = Some(first);
        let since = timestamp.0.wrapping_sub(first.0) as i32;
        i64::from(since) * SAMPLES_PER_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(frames: &[u32]) -> Vec<usize> {
        let mut heard = HeardClock::default();
        let take = |ms: &u32| heard.take(Timestamp(*ms), &[1; 160]).len();
        frames.iter().map(take).collect()
    }

    #[test]
    fn frames_follow_each_other_though_their_time_stamps_wander() {
        assert_eq!(lengths(&[1_000, 1_021, 1_038, 1_065]), [160; 4]);
    }

    #[test]
    fn frames_in_another_order_are_recorded_in_theirs() {
        let mut heard = Heard::default();
        let mut recorded = Vec::new();
        for (at, time, sample) in [(10, 0, 1), (40, 40, 3), (45, 20, 2), (60, 60, 4)] {
            let now = Instant::from_millis(at);
            recorded.extend(heard.play(now));
            recorded.extend(heard.take(now, Timestamp(time), vec![sample; 160]));
        }
        recorded.extend(heard.rest());
        let order: Vec<i16> = recorded.chunks_exact(160).map(|frame| frame[0]).collect();
        assert_eq!((order, heard.seconds()), (vec![1, 2, 3, 4], 0.08));
        assert_eq!((heard.amiss().reordered, heard.amiss().late), (1, 0));
    }

    #[test]
    fn who_speaks_after_a_transfer_has_another_clock() {
        let mut heard = Heard::default();
        let mut recorded = Vec::new();
        let mut hear = |heard: &mut Heard, at, time, sample| {
            recorded.extend(heard.take(
                Instant::from_millis(at),
                Timestamp(time),
                vec![sample; 160],
            ));
        };
        hear(&mut heard, 1_000, 700, 1);
        hear(&mut heard, 1_020, 720, 2);
        let rest = heard.begin_anew();
        hear(&mut heard, 1_040, 20, 3);
        hear(&mut heard, 1_060, 40, 4);
        recorded.extend(rest);
        recorded.extend(heard.rest());
        let order: Vec<i16> = recorded.chunks_exact(160).map(|frame| frame[0]).collect();
        assert_eq!((order, heard.amiss().late), (vec![1, 2, 3, 4], 0));
    }

    #[test]
    fn a_gap_is_silence_and_a_frame_that_comes_after_it_is_left_out() {
        assert_eq!(lengths(&[0, 100, 20, 120]), [160, 640 + 160, 0, 160]);
    }

    #[test]
    fn a_long_silence_and_a_clock_that_wraps_are_taken_as_they_come() {
        assert_eq!(lengths(&[0, 60_000, 60_020, 60_140]), [160, 160, 160, 960]);
        assert_eq!(lengths(&[u32::MAX - 9, 10, 30]), [160; 3]);
    }
}
