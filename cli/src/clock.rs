//! The wall clock, for limits, rates and the times in reports. Nothing that decides what a run does reads it.

use std::time::{Duration, Instant};

/// Measures wall-clock time from its making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the command reads the wall clock"
    )]
    pub(crate) fn start() -> Self {
        Stopwatch(Instant::now())
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
