//! What the checking families ask of every operation, written once for both: the thread whose turn it is, the locks it
//! holds, the poison marks, and the step that goes into the record.

use core::panic::Location;
use core::sync::atomic::Ordering;

use crate::context::{self, Lock, fault};
use crate::reduce::Pending;
use crate::step::Operation;

/// A lock is about to be waited for. Gives the thread, for [`locked`].
#[track_caller]
pub(crate) fn before_lock(lock: u32, at: &'static Location<'static>) -> usize {
    let (me, held) = context::with(|c| {
        c.announce(Pending::Lock(lock));
        (c.current(), c.locks_held())
    });
    if held > 0 {
        fault(
            "no-deadlock",
            &format!("a second lock is taken at {at} while one is held"),
        );
    }
    me
}

/// The lock is taken.
pub(crate) fn locked(me: usize, lock: Lock, at: &'static Location<'static>) {
    context::with(|c| {
        c.set_current(me);
        c.locked(lock, at);
    });
}

/// The lock that was taken at `taken_at` is given back, with no scheduling point between the release and this.
pub(crate) fn unlocked(lock: u32, taken_at: &'static Location<'static>) {
    context::with(|c| c.unlocked(lock, taken_at));
}

/// Does an atomic operation and records it.
pub(crate) fn atomic(
    number: u32,
    operation: Operation,
    ordering: Ordering,
    at: &'static Location<'static>,
    work: impl FnOnce() -> usize,
) -> usize {
    let me = announce(number, operation);
    let observed = work();
    context::with(|c| {
        c.set_current(me);
        c.atomic(number, operation, ordering, at, observed);
    });
    observed
}

/// Says what comes after the scheduling point. Gives the thread.
fn announce(number: u32, operation: Operation) -> usize {
    let pending = if operation.writes() {
        Pending::Write(number)
    } else {
        Pending::Read(number)
    };
    context::with(|c| {
        c.announce(pending);
        c.current()
    })
}

/// Does a compare-exchange and records whether it was won.
pub(crate) fn exchange(
    number: u32,
    success: Ordering,
    failure: Ordering,
    at: &'static Location<'static>,
    work: impl FnOnce() -> Result<usize, usize>,
) -> Result<usize, usize> {
    let me = announce(number, Operation::Exchange);
    let result = work();
    context::with(|c| {
        c.set_current(me);
        match result {
            Ok(old) => c.atomic(number, Operation::Exchange, success, at, old),
            Err(found) => c.atomic(number, Operation::ExchangeFailed, failure, at, found),
        }
    });
    result
}

/// The object is used.
#[track_caller]
pub(crate) fn touch(life: u32, at: &'static Location<'static>) {
    if let Some(message) = context::with(|c| c.touch(life, at)) {
        fault("no-use-after-destroy", &message);
    }
}

/// The destructor begins.
#[track_caller]
pub(crate) fn destroy(life: u32, at: &'static Location<'static>) {
    if let Some((property, message)) = context::with(|c| c.destroy(life, at)) {
        fault(property, &message);
    }
}

/// A reference is about to be given back.
#[track_caller]
pub(crate) fn giving_back(at: &'static Location<'static>) {
    if context::with(|c| c.locks_held()) > 0 {
        fault(
            "destroyed-once",
            &format!("a reference is given back at {at} under a lock"),
        );
    }
}

/// Makes a thread and keeps the turn.
pub(crate) fn spawn<H>(
    at: &'static Location<'static>,
    make: impl FnOnce(usize) -> H,
) -> (usize, H) {
    let (me, thread) = context::with(|c| (c.current(), c.spawn(at)));
    let handle = make(thread);
    context::resume(me);
    (thread, handle)
}

/// Waits for a thread and takes the turn back.
pub(crate) fn join<R>(
    thread: usize,
    at: &'static Location<'static>,
    wait: impl FnOnce() -> R,
) -> R {
    let me = context::current();
    let result = wait();
    context::with(|c| {
        c.set_current(me);
        c.joined(thread, at);
    });
    result
}

/// The property that a message of the library or of an explorer is about.
pub(crate) fn property_of(message: &str) -> &'static str {
    const WORDS: [(&str, &str); 6] = [
        ("Causality violation", "no-use-after-destroy"),
        ("references are leaked", "no-leak"),
        ("deadlock", "no-deadlock"),
        ("given back", "destroyed-once"),
        ("not in the table of outcomes", "same-again"),
        ("maximum number of branches", LIMIT),
    ];
    let found = WORDS.iter().find(|(words, _)| message.contains(words));
    found.map_or("no-panic", |(_, property)| property)
}

/// Not a property: a limit of the explorer was reached, so the exploration is INCOMPLETE.
pub(crate) const LIMIT: &str = "limit";

/// The property of this name, where there is one.
pub(crate) fn known_property(name: &str) -> &'static str {
    const NAMES: [&str; 6] = [
        "no-use-after-destroy",
        "destroyed-once",
        "no-leak",
        "no-deadlock",
        "reload-atomic",
        "same-again",
    ];
    let known = NAMES.into_iter().find(|it| *it == name);
    known.unwrap_or("no-panic")
}
