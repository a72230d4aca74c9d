//! A receive jitter buffer, for where audio ends: frames that came too soon or in another order wait until it is their time. It knows
//! neither codec nor call; what it holds is given back in the order of the sender's time-stamps.
//!
//! A frame's *transit* is its arrival less its time-stamp, by two clocks that do not agree; only differences count. It is played as
//! long after its time-stamp as the slowest frame of late took, and a little longer ([`TARGET_EXTRA_MS`]), as in chan_iax2's
//! buffer (`jittertargetextra`, `maxjitterbuffer`, `resyncthreshold`).

use std::collections::{BTreeMap, VecDeque};

use iaxproof::time::Instant;
use iaxproof::wire::Timestamp;

/// Added to what was seen, so that a frame a little slower than all before is not late.
const TARGET_EXTRA_MS: i64 = 40;
/// No frame waits longer: chan_iax2's default for `maxjitterbuffer`.
const DELAY_MAX_MS: i64 = 1_000;
/// A transit that differs by more is another clock of the sender: all begins anew (`resyncthreshold`).
const RESYNC_MS: i64 = 1_000;
/// So many transits are looked back at: five seconds of frames of 20 ms.
const HISTORY: usize = 250;
/// The most frames that wait: ten seconds of audio. A sender that has the clock run ahead fills no memory.
const WAITING_MAX: usize = 500;

/// What became of the frames that did not simply come in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amiss {
    /// Came after a later one had been played.
    pub(crate) late: u64,
    /// Came a second time.
    pub(crate) doubled: u64,
    /// Came in another order, and were put right.
    pub(crate) reordered: u64,
    /// How many milliseconds frames wait now, beyond the fastest of late.
    pub(crate) delay_ms: u64,
}

/// Frames that wait to be played.
#[derive(Clone, Debug)]
pub(crate) struct JitterBuffer<T> {
    /// By the sender's time in milliseconds, without its wrapping.
    waiting: BTreeMap<i64, T>,
    transits: VecDeque<i64>,
    /// The sender's time of the newest frame.
    newest: Option<i64>,
    /// That of the last that was played.
    played: Option<i64>,
    amiss: Amiss,
}

impl<T> Default for JitterBuffer<T> {
    fn default() -> Self {
        JitterBuffer {
            waiting: BTreeMap::new(),
            transits: VecDeque::new(),
            newest: None,
            played: None,
            amiss: Amiss::default(),
        }
    }
}

impl<T> JitterBuffer<T> {
    /// Takes a frame that came now. Where the sender's clock is another one all at once, all that waits is given back, in its order.
    pub(crate) fn put(
        &mut self,
        now: Instant,
        timestamp: Timestamp,
        frame: T,
    ) -> Vec<(Timestamp, T)> {
        let time = self.unwrapped(timestamp);
        let transit = now.as_millis() as i64 - time;
        let jumped = self
            .fastest()
            .is_some_and(|it| (transit - it).abs() > RESYNC_MS);
        let over = match jumped || self.waiting.len() >= WAITING_MAX {
            true => self.begin_anew(),
            false => Vec::new(),
        };
        self.note(transit);
        self.keep(time, frame);
        over
    }

    /// The next frame whose time has come.
    pub(crate) fn take(&mut self, now: Instant) -> Option<(Timestamp, T)> {
        if self.due()? > now {
            return None;
        }
        let (time, frame) = self.waiting.pop_first()?;
        self.played = Some(time);
        Some((wrapped(time), frame))
    }

    /// When the next frame is to be played.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (time, _) = self.waiting.first_key_value()?;
        let at = time + self.fastest()? + self.delay_ms();
        Some(Instant::from_millis(at.max(0) as u64))
    }

    /// All that waits, in its order: nothing more comes.
    pub(crate) fn drain(&mut self) -> Vec<(Timestamp, T)> {
        let waiting = core::mem::take(&mut self.waiting);
        waiting
            .into_iter()
            .map(|(time, frame)| (wrapped(time), frame))
            .collect()
    }

    /// What went otherwise than it should.
    pub(crate) fn amiss(&self) -> Amiss {
        Amiss {
            delay_ms: self.delay_ms() as u64,
            ..self.amiss
        }
    }

    fn keep(&mut self, time: i64, frame: T) {
        if self.played.is_some_and(|played| time < played) {
            self.amiss.late += 1;
        } else if self.played == Some(time) || self.waiting.contains_key(&time) {
            self.amiss.doubled += 1;
        } else {
            let is_behind = self.newest.is_some_and(|newest| time < newest);
            self.amiss.reordered += u64::from(is_behind);
            self.newest = self.newest.max(Some(time));
            self.waiting.insert(time, frame);
        }
    }

    fn note(&mut self, transit: i64) {
        self.transits.push_back(transit);
        if self.transits.len() > HISTORY {
            self.transits.pop_front();
        }
    }

    /// What comes now is by another clock of the sender: all that waits is given back, in its order.
    pub(crate) fn begin_anew(&mut self) -> Vec<(Timestamp, T)> {
        self.transits.clear();
        (self.newest, self.played) = (None, None);
        self.drain()
    }

    fn fastest(&self) -> Option<i64> {
        self.transits.iter().copied().min()
    }

    /// How long a frame waits that took no longer than the fastest.
    fn delay_ms(&self) -> i64 {
        let (Some(fastest), Some(slowest)) = (self.fastest(), self.transits.iter().max()) else {
            return 0;
        };
        (slowest - fastest + TARGET_EXTRA_MS).min(DELAY_MAX_MS)
    }

    /// A time-stamp of 32 bits as the sender's time: the one that is nearest to the newest frame's.
    fn unwrapped(&self, timestamp: Timestamp) -> i64 {
        match self.newest {
            Some(newest) => newest + i64::from(timestamp.0.wrapping_sub(newest as u32) as i32),
            None => timestamp.0.into(),
        }
    }
}

fn wrapped(time: i64) -> Timestamp {
    Timestamp(time as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_000_000;

    /// Frames as (time-stamp, milliseconds that it took); what is played, and when after the start.
    fn played(frames: &[(u32, i64)]) -> (Vec<(u32, i64)>, Amiss) {
        let first = frames[0].0;
        let mut buffer = JitterBuffer::default();
        let mut arrivals: Vec<(i64, u32)> = frames
            .iter()
            .map(|(time, took)| (START + i64::from(time.wrapping_sub(first)) + took, *time))
            .collect();
        arrivals.sort_by_key(|(at, _)| *at);
        let end = arrivals.last().unwrap().0 + DELAY_MAX_MS;
        let mut played = Vec::new();
        for at in START..=end {
            let now = Instant::from_millis(at as u64);
            for (_, time) in arrivals.iter().filter(|(arrival, _)| *arrival == at) {
                let over = buffer.put(now, Timestamp(*time), ());
                played.extend(over.iter().map(|(time, ())| (time.0, at - START)));
            }
            while let Some((time, ())) = buffer.take(now) {
                played.push((time.0, at - START));
            }
        }
        (played, buffer.amiss())
    }

    #[test]
    fn a_steady_stream_is_played_at_its_own_pace_and_a_little_later() {
        let (played, amiss) = played(&[(100, 30), (120, 30), (140, 30)]);
        assert_eq!(played, [(100, 70), (120, 90), (140, 110)]);
        assert_eq!((amiss.late, amiss.reordered, amiss.delay_ms), (0, 0, 40));
    }

    #[test]
    fn frames_in_another_order_are_put_right_and_a_second_copy_is_left_out() {
        let (played, amiss) = played(&[(0, 5), (40, 5), (20, 35), (20, 36), (60, 5)]);
        let order: Vec<u32> = played.iter().map(|(time, _)| *time).collect();
        assert_eq!(order, [0, 20, 40, 60]);
        assert_eq!((amiss.late, amiss.reordered, amiss.doubled), (0, 1, 1));
    }

    #[test]
    fn once_frames_were_slow_it_waits_longer() {
        let (played, amiss) = played(&[(0, 5), (20, 5), (40, 125), (60, 5), (200, 5), (220, 110)]);
        // Nobody knew yet that 40 would be slow; 220 is as slow, and in time.
        assert_eq!((amiss.late, amiss.delay_ms), (1, 160));
        assert_eq!(
            played,
            [(0, 45), (20, 65), (60, 105), (200, 365), (220, 385)]
        );
    }

    #[test]
    fn a_frame_behind_one_that_was_played_is_late() {
        let (played, amiss) = played(&[(0, 5), (20, 5), (40, 5), (60, 5), (20 + 1, 200)]);
        assert!(!played.iter().any(|(time, _)| *time == 21), "{played:?}");
        assert_eq!(amiss.late, 1);
    }

    #[test]
    fn a_clock_that_wraps_goes_on_and_another_clock_begins_anew() {
        let (played_over, _) = played(&[(u32::MAX - 9, 5), (10, 5), (30, 5)]);
        assert_eq!(played_over.len(), 3);
        let mut buffer = JitterBuffer::default();
        let mut put = |at, time| {
            let now = Instant::from_millis(at);
            let over = buffer.put(now, Timestamp(time), time);
            let played = core::iter::from_fn(|| buffer.take(now));
            over.into_iter()
                .chain(played)
                .map(|(_, time)| time)
                .collect::<Vec<_>>()
        };
        assert!(put(1_000, 50_000).is_empty());
        assert_eq!(put(1_100, 50_100), [50_000]);
        assert_eq!(
            put(1_200, 100),
            [50_100],
            "what was there before comes first"
        );
        assert_eq!(put(1_300, 200), [100]);
        assert_eq!(buffer.amiss().late, 0);
    }

    #[test]
    fn what_waits_has_a_limit() {
        let mut buffer = JitterBuffer::default();
        let now = Instant::from_millis(1);
        // A sender that is half a second ahead, a frame each millisecond, and nobody plays.
        for time in 0..2_000_u32 {
            buffer.put(now, Timestamp(time / 4), time);
            assert!(buffer.waiting.len() <= WAITING_MAX);
        }
        for time in 0..2_000_u32 {
            buffer.put(Instant::from_millis(u64::from(time)), Timestamp(time), time);
            assert!(buffer.waiting.len() <= WAITING_MAX);
        }
    }
}
