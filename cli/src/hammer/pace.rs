//! When the next registration may begin: as many a second as is asked for, or as many as may be under way.

use core::time::Duration;

use iaxproof::time::Instant;

/// What a pace that was held up makes good at once: more would be a burst that nobody asked for.
const BEHIND_MAX: Duration = Duration::from_millis(20);

/// The pace of a storm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From one to the next; `None` where only the window holds it back.
    interval: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// So many a second from `start` on; `None` for as fast as may be.
    pub(super) fn new(start: Instant, per_second: Option<u32>) -> Self {
        let interval = |rate| Duration::from_secs(1) / rate;
        Pace {
            interval: per_second.map(interval),
            next: start,
        }
    }

    /// Whether one more may begin now; then it counts as begun.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let Some(interval) = self.interval else {
            return true;
        };
        if now < self.next {
            return false;
        }
        let earliest = now - BEHIND_MAX.min(Duration::from_micros(now.as_micros()));
        self.next = self.next.max(earliest) + interval;
        true
    }

    /// When one more may begin; `None` where that is not a matter of time.
    pub(super) fn due(&self) -> Option<Instant> {
        self.interval.map(|_| self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many begin, looked at each of these milliseconds.
    fn begun(pace: &mut Pace, at: impl IntoIterator<Item = u64>) -> usize {
        let times = at.into_iter().map(Instant::from_millis);
        times
            .map(|now| {
                core::iter::repeat_with(|| pace.take(now))
                    .take(1_000)
                    .take_while(|it| *it)
                    .count()
            })
            .sum()
    }

    #[test]
    fn so_many_begin_in_a_second_however_often_one_looks() {
        for step in [1, 7, 19] {
            let mut pace = Pace::new(Instant::from_secs(5), Some(200));
            let begun = begun(&mut pace, (5_000..6_000).step_by(step));
            assert!((197..=201).contains(&begun), "{begun}, each {step} ms");
        }
    }

    #[test]
    fn what_was_held_up_is_not_made_good_by_a_burst() {
        let mut pace = Pace::new(Instant::ZERO, Some(1_000));
        assert_eq!(begun(&mut pace, [0]), 1);
        assert_eq!(begun(&mut pace, [3_000]), 21);
        assert_eq!(pace.due(), Some(Instant::from_millis(3_001)));
    }

    #[test]
    fn without_a_rate_it_is_never_a_matter_of_time() {
        let mut pace = Pace::new(Instant::ZERO, None);
        assert!((0..100).all(|_| pace.take(Instant::ZERO)));
        assert_eq!(pace.due(), None);
    }
}
