//! What a scenario needs of an explorer beside the family: threads.

use iaxproof::registry::Family;

use crate::account::Account;

/// A family whose interleavings an engine enumerates.
pub trait Explorer: Family<Ledger = Account> {
    /// A thread that can be waited for.
    type Handle<T: Send + 'static>;

    /// Runs `body` as a thread of the execution.
    #[track_caller]
    fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Self::Handle<T>;

    /// Waits for the thread and gives what its body gave.
    #[track_caller]
    fn join<T: Send + 'static>(handle: Self::Handle<T>) -> T;

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
