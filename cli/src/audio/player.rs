//! A source of sound and when its next frame is due. The pace comes from deadlines, not from rests: a late wake-up
//! delays one frame, not all that follow.

use core::time::Duration;
use std::sync::Arc;

use iaxproof::time::Instant;

use super::{FRAME, FRAME_SAMPLES};

/// A player that is later than this skips what it owes instead of sending it in a burst.
const LATE_MAX: Duration = Duration::from_millis(200);

/// Something that is being played.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    samples: Arc<[i16]>,
    at: usize,
    repeats: bool,
    due: Instant,
}

impl Player {
    /// Plays `samples` from `now` on: again and again, or once.
    pub(crate) fn new(samples: Arc<[i16]>, repeats: bool, now: Instant) -> Self {
        Player {
            samples,
            at: 0,
            repeats,
            due: now,
        }
    }

    /// Lets the next frame be due at `now`.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.due = now;
    }

    /// When the next frame is to be sent; `None` when all were.
    pub(crate) fn due(&self) -> Option<Instant> {
        (self.at < self.samples.len()).then_some(self.due)
    }

    /// The next frame, if it is due. The last one of a source is filled up with silence.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Vec<i16>> {
        if self.due()? > now {
            return None;
        }
        self.due = self.due + FRAME;
        if now.saturating_since(self.due) > LATE_MAX {
            self.due = now + FRAME;
        }
        Some(self.next_frame())
    }

    fn next_frame(&mut self) -> Vec<i16> {
        let rest = &self.samples[self.at..];
        let mut frame: Vec<i16> = rest.iter().copied().take(FRAME_SAMPLES).collect();
        self.at += frame.len();
        frame.resize(FRAME_SAMPLES, 0);
        if self.repeats && self.at >= self.samples.len() {
            self.at = 0;
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn frames_come_every_twenty_milliseconds_and_the_last_is_filled_up() {
        let mut player = Player::new(vec![7; 200].into(), false, at(1_000));
        assert_eq!(player.take_due(at(999)), None);
        assert_eq!(player.take_due(at(1_000)), Some(vec![7; 160]));
        assert_eq!(player.take_due(at(1_019)), None);
        let last = player.take_due(at(1_020)).unwrap();
        assert_eq!((last[39], last[40], last.len()), (7, 0, 160));
        assert_eq!((player.due(), player.take_due(at(2_000))), (None, None));
    }

    #[test]
    fn a_late_wake_up_delays_one_frame_and_a_stall_brings_no_burst() {
        let mut player = Player::new(vec![1; 160].into(), true, at(0));
        assert!(player.take_due(at(15)).is_some());
        assert_eq!(player.due(), Some(at(20)));
        assert!(player.take_due(at(5_000)).is_some());
        assert_eq!(player.due(), Some(at(5_020)));
    }

    #[test]
    fn nothing_to_play_is_over_at_once() {
        assert_eq!(Player::new(Vec::new().into(), true, at(0)).due(), None);
    }
}
