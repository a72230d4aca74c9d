//! A command of the user that runs every so often while registrations go on, as a reload of the server's configuration.

use core::time::Duration;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde::Serialize;

use crate::clock::{Stopwatch, pause};
use crate::error::Error;

/// How often we look whether it is time, or over.
const LOOK: Duration = Duration::from_millis(10);
/// How long a command may go on that runs when all is over; then it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// The thread that runs the command.
#[derive(Debug)]
pub(super) struct Reloads {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Ran>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Ran {
    pub(super) runs: u64,
    pub(super) failures: u64,
    /// How the first failure ended.
    pub(super) first_failure: Option<String>,
    pub(super) longest_ms: f64,
}

impl Reloads {
    /// Runs this line of a shell every `interval` from now on; where it takes longer, again as soon as it ended.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system refuses a thread.
    pub(super) fn every(interval: Duration, line: &str) -> Result<Self, Error> {
        let is_over = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&is_over);
        let line = line.to_owned();
        let thread = std::thread::Builder::new().name("reloads".to_owned());
        let thread = thread.spawn(move || run(interval, &line, &shared));
        Ok(Reloads {
            is_over,
            thread: thread.map_err(|error| Error::Broke(format!("no thread: {error}")))?,
        })
    }

    /// Ends, and says what came of it.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the thread broke.
    pub(super) fn end(self) -> Result<Ran, Error> {
        self.is_over.store(true, Ordering::Release);
        let broke = |_| Error::Broke("the thread of the reloads broke".to_owned());
        self.thread.join().map_err(broke)
    }
}

fn run(interval: Duration, line: &str, is_over: &AtomicBool) -> Ran {
    let (watch, mut due) = (Stopwatch::start(), interval);
    let mut ran = Ran::default();
    while !is_over.load(Ordering::Acquire) {
        if watch.elapsed() < due {
            pause(LOOK.min(due.saturating_sub(watch.elapsed())));
            continue;
        }
        due = (due + interval).max(watch.elapsed());
        ran.note(once(line, is_over));
    }
    ran
}

impl Ran {
    fn note(&mut self, (took, failure): (Duration, Option<String>)) {
        self.runs += 1;
        self.longest_ms = self.longest_ms.max(super::spread::millis(took));
        if failure.is_some() {
            self.failures += 1;
            self.first_failure = self.first_failure.take().or(failure);
        }
    }
}

/// Runs it once: how long it took, and how it failed where it did.
fn once(line: &str, is_over: &AtomicBool) -> (Duration, Option<String>) {
    let watch = Stopwatch::start();
    let child = Command::new("sh")
        .args(["-c", line])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let failure = match child {
        Ok(child) => end_of(child, is_over),
        Err(error) => Some(format!("no shell: {error}")),
    };
    (watch.elapsed(), failure)
}

fn end_of(mut child: Child, is_over: &AtomicBool) -> Option<String> {
    let mut left = GRACE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return None,
            Ok(Some(status)) => return Some(status.to_string()),
            Err(error) => return Some(error.to_string()),
            Ok(None) if left.is_zero() => break,
            Ok(None) => pause(LOOK),
        }
        if is_over.load(Ordering::Acquire) {
            left = left.saturating_sub(LOOK);
        }
    }
    // It goes on although all is over; the shell at least ends.
    let _ = child.kill();
    let _ = child.wait();
    Some("still running at the end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_and_the_first_failure_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let line = format!("test -e '{0}' && exit 7; touch '{0}'", mark.display());
        let reloads = Reloads::every(Duration::from_millis(20), &line).unwrap();
        pause(Duration::from_millis(400));
        let ran = reloads.end().unwrap();
        assert!(ran.runs >= 2 && ran.runs <= 20, "{ran:?}");
        assert_eq!(ran.failures, ran.runs - 1);
        assert_eq!(ran.first_failure.as_deref(), Some("exit status: 7"));
    }
}
