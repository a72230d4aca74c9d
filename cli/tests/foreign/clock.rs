//! The wall clock of these tests: foreign programs know no other.

use std::thread;
use std::time::{Duration, Instant};

/// How long one waits before one looks again.
const LOOK: Duration = Duration::from_millis(20);

#[expect(clippy::disallowed_methods, reason = "real programs take real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "real programs take real time")]
pub(crate) fn pause() {
    thread::sleep(LOOK);
}

/// Looks again and again until there is something; `None` after `limit`.
pub(crate) fn poll<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = now() + limit;
    loop {
        let found = look();
        if found.is_some() || now() > end {
            return found;
        }
        pause();
    }
}
