//! What a call let us hear, in the order of the senders' time-stamps: silence where frames are missing, and frames that
//! come after their place was filled are left out.

use iaxproof::wire::Timestamp;

use crate::audio::RATE;

/// Samples of one millisecond.
const SAMPLES_PER_MS: i64 = RATE as i64 / 1_000;
/// A frame may be so many samples beside its place: senders round their time-stamps.
const SLACK: i64 = 40 * SAMPLES_PER_MS;
/// The longest silence that is filled in; after a longer one the recording goes on at once.
const SILENCE_MAX: i64 = 10 * RATE as i64;

/// The clock of what is heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The time-stamp of the first sample.
    first: Option<Timestamp>,
    /// Samples so far.
    len: i64,
}

impl Heard {
    /// Puts a frame into its place: what is to be recorded now, silence before it included.
    pub(super) fn take(&mut self, timestamp: Timestamp, samples: &[i16]) -> Vec<i16> {
        let missing = self.place(timestamp) - self.len;
        let len = samples.len() as i64;
        if missing + len + SLACK < 0 {
            return Vec::new();
        }
        let silence = match missing {
            ..=SLACK => 0,
            missing if missing <= SILENCE_MAX => missing,
            _ => {
                let heard_ms = (self.len / SAMPLES_PER_MS) as u32;
                self.first = Some(Timestamp(timestamp.0.wrapping_sub(heard_ms)));
                0
            }
        };
        self.len += silence + len;
        let mut out = vec![0; silence as usize];
        out.extend(samples);
        out
    }

    /// The sample that a frame of this time-stamp begins at; negative before the first.
    fn place(&mut self, timestamp: Timestamp) -> i64 {
        let first = *self.first.get_or_insert(timestamp);
        let since = timestamp.0.wrapping_sub(first.0) as i32;
        i64::from(since) * SAMPLES_PER_MS
    }

    /// Seconds so far.
    pub(super) fn seconds(&self) -> f64 {
        self.len as f64 / f64::from(RATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(frames: &[u32]) -> Vec<usize> {
        let mut heard = Heard::default();
        let take = |ms: &u32| heard.take(Timestamp(*ms), &[1; 160]).len();
        frames.iter().map(take).collect()
    }

    #[test]
    fn frames_follow_each_other_though_their_time_stamps_wander() {
        assert_eq!(lengths(&[1_000, 1_021, 1_038, 1_065]), [160; 4]);
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
