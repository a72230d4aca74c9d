//! What a scenario needs of an explorer beside the family: threads.

use std::sync::mpsc;

use iaxproof::registry::Family;

use crate::account::Account;
use crate::{AnyDirectory, Design};

/// A thread, and where what it gives lands.
pub struct Spawned<E: Explorer, T> {
    thread: E::Thread,
    given: mpsc::Receiver<T>,
}

/// A family whose interleavings an engine enumerates.
pub trait Explorer: Family<Ledger = Account> {
    /// A thread of the engine that can be waited for.
    type Thread;

    /// An empty directory of a design on this family, with or without a database behind it.
    fn directory(design: Design, has_database: bool) -> AnyDirectory;

    /// Runs `body` as a thread of the execution. It is boxed, and leaves nothing behind, so that an engine's threads are compiled
    /// once.
    #[track_caller]
    fn run(body: Box<dyn FnOnce() + Send>) -> Self::Thread;

    /// Waits for the thread.
    #[track_caller]
    fn wait(thread: Self::Thread);

    /// Runs `body` as a thread of the execution that gives something back.
    #[track_caller]
    fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Spawned<Self, T> {
        let (give, given) = mpsc::channel();
        let thread = Self::run(Box::new(move || {
            // Nobody listens where the thread is not waited for.
            let _ = give.send(body());
        }));
        Spawned { thread, given }
    }

    /// Waits for the thread and gives what its body gave.
    #[track_caller]
    fn join<T: Send + 'static>(spawned: Spawned<Self, T>) -> T {
        Self::wait(spawned.thread);
        spawned
            .given
            .try_recv()
            .expect("a panic ends the exploration before it is joined")
    }

    /// Runs `other` beside `here`, which runs on the calling thread: two threads in all.
    #[track_caller]
    fn beside<A: Send + 'static, B>(
        other: impl FnOnce() -> A + Send + 'static,
        here: impl FnOnce() -> B,
    ) -> (A, B) {
        let handle = Self::spawn(other);
        let there = here();
        (Self::join(handle), there)
    }
}
