//! The wall clock. For the evidence: limits, rates and the times in reports; nothing that decides what a run does reads
//! it. For the server: the monotonic clock as the library's [`Instant`], and Unix time for what outlives a process.

use std::time::{Duration, UNIX_EPOCH};

use iaxproof::time::Instant;

/// The library's time on a real clock: [`Instant::ZERO`] is the last whole second of Unix time before the clock was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
    /// Unix time in seconds at [`Instant::ZERO`].
    unix_at_zero: u64,
    /// What had passed of that second at `start`.
    offset_micros: u64,
    /// How far somebody has set the date since: 0 but in tests, for the system has its own.
    jump_micros: i64,
}

impl Clock {
    /// A clock that starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the command reads the wall clock"
    )]
    pub(crate) fn start() -> Self {
        let unix_micros = unix_micros();
        Clock {
            start: std::time::Instant::now(),
            unix_at_zero: unix_micros / 1_000_000,
            offset_micros: unix_micros % 1_000_000,
            jump_micros: 0,
        }
    }

    /// The same clock after somebody has set the date, forward or back.
    #[cfg(test)]
    pub(crate) const fn with_date_set(self, seconds: i64) -> Self {
        Clock {
            jump_micros: seconds * 1_000_000,
            ..self
        }
    }

    /// The time. It never goes back, whatever becomes of the date.
    pub(crate) fn now(&self) -> Instant {
        let elapsed = self.start.elapsed().as_micros() as u64;
        Instant::from_micros(self.offset_micros + elapsed)
    }

    /// Unix time in seconds at [`Instant::ZERO`].
    pub(crate) const fn unix_at_zero(&self) -> u64 {
        self.unix_at_zero
    }

    /// Unix time in microseconds of `at`, as the date stood when the clock was made: order and distances are those of [`Clock::now`].
    pub(crate) const fn unix_micros_of(&self, at: Instant) -> u64 {
        self.unix_at_zero * 1_000_000 + at.as_micros()
    }

    /// Unix time in milliseconds of `at`, as the date stands now.
    pub(crate) fn unix_millis_of(&self, at: Instant) -> u64 {
        let (now, unix_now) = (self.now(), self.unix_micros_now());
        let ahead = at.saturating_since(now).as_micros() as u64;
        let behind = now.saturating_since(at).as_micros() as u64;
        ((unix_now + ahead).saturating_sub(behind) + 500) / 1_000
    }

    /// When it is that Unix time, as the date stands now; [`Instant::ZERO`] for what was before.
    pub(crate) fn instant_of(&self, unix_millis: u64) -> Instant {
        let (now, unix_now) = (self.now(), self.unix_micros_now());
        let unix = unix_millis.saturating_mul(1_000);
        let away = Duration::from_micros(unix.abs_diff(unix_now));
        if unix >= unix_now {
            now + away
        } else {
            now - away
        }
    }

    /// The date as it stands now.
    fn unix_micros_now(&self) -> u64 {
        unix_micros().saturating_add_signed(self.jump_micros)
    }
}

/// Unix time. A date before 1970 counts as 1970.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one place where the command reads the date"
)]
fn unix_micros() -> u64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_micros() as u64
}

/// Measures wall-clock time from its making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the command reads the wall clock"
    )]
    pub(crate) fn start() -> Self {
        Stopwatch(std::time::Instant::now())
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Lets this thread rest.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the command waits"
)]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_time_and_instants_are_the_two_ways_of_one_mapping() {
        let clock = Clock::start();
        let at = clock.now() + Duration::from_secs(90);
        let unix = clock.unix_millis_of(at);
        let back = clock.instant_of(unix);
        // The two calls read the clock one after the other.
        assert!(back.as_millis().abs_diff(at.as_millis()) < 1_000);
        assert!(unix.abs_diff(1_000 * clock.unix_at_zero() + at.as_millis()) < 1_000);
        assert_eq!(clock.instant_of(0), Instant::ZERO);
    }
}
