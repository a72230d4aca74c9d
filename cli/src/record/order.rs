//! Threads of a replay that wait for each other at the locks: who waits looks again and again, and who sees that all wait and nothing moves says
//! that the replay stands.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;

use super::hand::Parted;
use crate::clock::Stopwatch;

/// Looks that only let others run; after them a thread rests between two.
const LOOKS_MAX: u32 = 200;
/// How long it rests.
const REST: Duration = Duration::from_micros(100);
/// How long all must have waited, without one lock being taken.
const STALL: Duration = Duration::from_secs(1);

/// What the threads know of each other.
#[derive(Debug)]
pub(crate) struct Order {
    /// Locks that were taken.
    moves: AtomicU64,
    /// Threads that have something left to do.
    alive: AtomicUsize,
    /// Those of them that wait.
    waiting: AtomicUsize,
    is_over: AtomicBool,
}

/// A thread that waits, for as long as this lives.
pub(super) struct Wait<'a> {
    order: &'a Order,
    looks: u32,
    /// Since when nothing has moved, and what had moved by then.
    still: Option<(Stopwatch, u64)>,
}

impl Order {
    /// For so many threads.
    pub(crate) const fn of(threads: usize) -> Self {
        Order {
            moves: AtomicU64::new(0),
            alive: AtomicUsize::new(threads),
            waiting: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// A thread has done all that was recorded of it.
    pub(crate) fn done(&self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }

    /// A thread has parted from the recording: none is to go on.
    pub(crate) fn over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether one has.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// A lock was taken.
    pub(super) fn moved(&self) {
        self.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// A thread waits for its turn, until this is dropped.
    pub(super) fn wait(&self) -> Wait<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Wait {
            order: self,
            looks: 0,
            still: None,
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.order.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Wait<'_> {
    /// Until the next look.
    pub(super) fn rest(&mut self) -> Result<(), Parted> {
        if self.order.is_over() {
            return Err(Parted::Elsewhere);
        }
        self.looks += 1;
        if self.looks < LOOKS_MAX {
            std::thread::yield_now();
            return Ok(());
        }
        std::thread::park_timeout(REST);
        match self.is_stalled() {
            true => Err(Parted::Stalled(
                "it waits for a lock that no other thread will take".to_owned(),
            )),
            false => Ok(()),
        }
    }

    fn is_stalled(&mut self) -> bool {
        let moves = self.order.moves.load(Ordering::Relaxed);
        let all = self.order.alive.load(Ordering::Relaxed);
        let all_wait = self.order.waiting.load(Ordering::Relaxed) >= all;
        match &self.still {
            Some((since, before)) if all_wait && *before == moves => since.elapsed() >= STALL,
            _ => {
                self.still = all_wait.then(|| (Stopwatch::start(), moves));
                false
            }
        }
    }
}
