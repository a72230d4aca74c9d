//! One source, several families: the lock, the atomic counter and the life of an object behind one trait.
//!
//! [`Std`] is production: each method inlines to the plain operation of `std`. [`Audited`] is `Std` with a
//! [`Book`] for a ledger. The families of the explorers (`Loom`, `Shuttle`) stand in the package
//! `iaxproof-models`. A crate that builds on the registry model-checks its own code by naming another family.
//!
//! The checking families keep the bytes of a destroyed object valid until their execution ends, so that a use
//! after destroy is a report and never undefined behaviour.

#![expect(
    unsafe_code,
    reason = "the family owns how an object's memory ends; see the safety contract of `Family`"
)]
use core::cell::Cell;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::Ordering;
use std::thread;

use super::ledger::{Book, Ledger, NoLedger};

/// A flavour of shared-memory primitives.
///
/// Shared state of the registry and the catalog is this trait's mutexes and read-modify-write atomics only; the
/// plain loads are the `Acquire` before destroying and a compare-exchange loop's first guess.
///
/// # Safety
///
/// - `lock` must give exclusive access until the guard is dropped.
/// - The atomic operations must be atomic with at least the given ordering.
/// - After `end_value` or `end_memory` the family must not touch the object again, and it must not run `T`'s drop
///   glue more than once in all.
/// - `fault` must not return.
pub unsafe trait Family: Copy + fmt::Debug + Send + Sync + 'static {
    /// Mutual exclusion around a `T`.
    type Mutex<T: Send + 'static>: Send + Sync;
    /// Access to what a [`Family::Mutex`] guards; dropping it unlocks.
    type Guard<'a, T: Send + 'static>: DerefMut<Target = T>;
    /// A counter with read-modify-write operations.
    type AtomicUsize: Send + Sync;
    /// The poison mark of an object and the cell through which explorers see its uses. Zero-sized in production.
    type Life: Send + Sync;
    /// Where the references are written down.
    type Ledger: Ledger;

    /// A mutex, unlocked.
    fn mutex<T: Send + 'static>(value: T) -> Self::Mutex<T>;
    /// Waits for the mutex and takes it.
    #[track_caller]
    fn lock<T: Send + 'static>(mutex: &Self::Mutex<T>) -> Self::Guard<'_, T>;

    /// A counter with this value.
    fn atomic(value: usize) -> Self::AtomicUsize;
    /// Reads the counter.
    fn load(atomic: &Self::AtomicUsize, ordering: Ordering) -> usize;
    /// Adds and returns the old value.
    fn fetch_add(atomic: &Self::AtomicUsize, value: usize, ordering: Ordering) -> usize;
    /// Subtracts and returns the old value.
    fn fetch_sub(atomic: &Self::AtomicUsize, value: usize, ordering: Ordering) -> usize;
    /// Writes `new` where the counter is `current`.
    ///
    /// # Errors
    ///
    /// The value found where it is not `current`.
    fn compare_exchange(
        atomic: &Self::AtomicUsize,
        current: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize>;

    /// The life of a new object.
    fn life() -> Self::Life;
    /// The object is used: a checking family reports it where the destructor has begun.
    fn touch(life: &Self::Life);
    /// The destructor begins: a checking family reports a second time, and a lock that is held.
    fn destroy(life: &Self::Life);
    /// A reference, strong or weak, is about to be given back: a checking family reports a lock that is held.
    fn giving_back();
    /// Whether this thread must leave everything as it is, because an explorer is tearing the execution down.
    fn is_stopped() -> bool;
    /// A rule is broken: the execution ends here with this message.
    fn fault(message: &str) -> !;

    /// Ends the value after its destructor ran. Production drops it in place; a checking family leaves the bytes.
    ///
    /// # Safety
    ///
    /// `value` is valid, and nobody but the caller has access to it any more; called once per value.
    unsafe fn end_value<T: 'static>(value: NonNull<T>);
    /// Ends the memory of an object: a box whose value was ended before and is not dropped with it. Production frees
    /// it at once; a checking family keeps it until its execution ends.
    ///
    /// # Safety
    ///
    /// `memory` came from `Box::into_raw` and no reference of either kind is left; called once.
    unsafe fn end_memory<T: 'static>(memory: NonNull<T>);
}

/// The family of production: `std`'s mutex and atomics, no ledger, no marks.
#[derive(Clone, Copy, Debug)]
pub struct Std;

/// [`Std`] with a [`Book`] and with a mark on each thread that holds a lock: what worlds and leak hunts run.
///
/// It reports a thread that takes a second lock, or gives a reference back under one.
#[derive(Clone, Copy, Debug)]
pub struct Audited;

/// A lock of [`Audited`] that is held; this thread holds no other.
#[derive(Debug)]
pub struct AuditedGuard<'a, T> {
    guard: std::sync::MutexGuard<'a, T>,
    /// Held for its drop.
    _held: HeldLock,
}

impl<T> Deref for AuditedGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for AuditedGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

std::thread_local! {
    /// Whether this thread holds a lock of [`Audited`]. False again whenever it holds none, so nothing outlives a run; of the thread
    /// alone, so that worlds on several threads do not wait for each other.
    static HOLDS_ONE: Cell<bool> = const { Cell::new(false) };
}

/// That this thread holds a lock, for as long as it lives.
#[derive(Debug)]
struct HeldLock;

impl HeldLock {
    #[expect(
        clippy::disallowed_methods,
        reason = "part of the audit and not of the algorithm; no explorer runs `Audited`"
    )]
    #[track_caller]
    fn take() -> Self {
        Self::refuse("a thread takes a second lock while it holds one");
        HOLDS_ONE.set(true);
        HeldLock
    }

    /// Reports with this message where the thread holds a lock; not while it unwinds from another report.
    #[expect(
        clippy::disallowed_methods,
        reason = "part of the audit and not of the algorithm; no explorer runs `Audited`"
    )]
    #[track_caller]
    fn refuse(message: &str) {
        if HOLDS_ONE.get() && !thread::panicking() {
            Audited::fault(message);
        }
    }
}

impl Drop for HeldLock {
    #[expect(
        clippy::disallowed_methods,
        reason = "part of the audit and not of the algorithm; no explorer runs `Audited`"
    )]
    fn drop(&mut self) {
        HOLDS_ONE.set(false);
    }
}

macro_rules! std_family {
    ($family:ty, $ledger:ty, { $($own:tt)* }) => {
        #[expect(
            clippy::disallowed_types,
            reason = "this is where the family's types are std's"
        )]
        // SAFETY: std's mutex and atomics keep their contracts; `end_value` drops in place and `end_memory` frees
        // without dropping the value again, each once by their own contract.
        unsafe impl Family for $family {
            type Mutex<T: Send + 'static> = std::sync::Mutex<T>;
            type AtomicUsize = std::sync::atomic::AtomicUsize;
            type Life = ();
            type Ledger = $ledger;

            #[inline]
            fn mutex<T: Send + 'static>(value: T) -> Self::Mutex<T> {
                std::sync::Mutex::new(value)
            }

            $($own)*

            #[inline]
            fn atomic(value: usize) -> Self::AtomicUsize {
                Self::AtomicUsize::new(value)
            }

            #[inline]
            fn load(atomic: &Self::AtomicUsize, ordering: Ordering) -> usize {
                atomic.load(ordering)
            }

            #[inline]
            fn fetch_add(atomic: &Self::AtomicUsize, value: usize, ordering: Ordering) -> usize {
                atomic.fetch_add(value, ordering)
            }

            #[inline]
            fn fetch_sub(atomic: &Self::AtomicUsize, value: usize, ordering: Ordering) -> usize {
                atomic.fetch_sub(value, ordering)
            }

            #[inline]
            fn compare_exchange(
                atomic: &Self::AtomicUsize,
                current: usize,
                new: usize,
                success: Ordering,
                failure: Ordering,
            ) -> Result<usize, usize> {
                atomic.compare_exchange(current, new, success, failure)
            }

            #[inline(always)]
            fn life() {}
            #[inline(always)]
            fn touch((): &()) {}
            #[inline(always)]
            fn is_stopped() -> bool {
                false
            }

            #[cold]
            #[track_caller]
            fn fault(message: &str) -> ! {
                panic!("{message}")
            }

            #[inline]
            unsafe fn end_value<T: 'static>(value: NonNull<T>) {
                // SAFETY: the caller promises a valid value that nobody else uses, once.
                unsafe { value.drop_in_place() }
            }

            #[inline]
            unsafe fn end_memory<T: 'static>(memory: NonNull<T>) {
                // SAFETY: the memory came from `Box::into_raw` and nobody refers to it any more.
                drop(unsafe { Box::from_raw(memory.as_ptr()) });
            }
        }
    };
}

/// Waits for a mutex of std's. A panic in a critical section leaves the data whole: no section can fail half way.
#[inline]
#[expect(
    clippy::disallowed_types,
    reason = "this is where the family's types are std's"
)]
fn lock_std<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

std_family!(Std, NoLedger, {
    type Guard<'a, T: Send + 'static> = std::sync::MutexGuard<'a, T>;

    #[inline]
    fn lock<T: Send + 'static>(mutex: &Self::Mutex<T>) -> Self::Guard<'_, T> {
        lock_std(mutex)
    }

    #[inline(always)]
    fn destroy((): &()) {}
    #[inline(always)]
    fn giving_back() {}
});

std_family!(Audited, Book, {
    type Guard<'a, T: Send + 'static> = AuditedGuard<'a, T>;

    #[track_caller]
    fn lock<T: Send + 'static>(mutex: &Self::Mutex<T>) -> Self::Guard<'_, T> {
        let held = HeldLock::take();
        let guard = lock_std(mutex);
        AuditedGuard { guard, _held: held }
    }

    fn destroy((): &()) {
        HeldLock::refuse("a destructor begins under a lock");
    }

    fn giving_back() {
        HeldLock::refuse("a reference is given back under a lock");
    }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a second lock")]
    fn audited_reports_a_second_lock() {
        let (first, second) = (Audited::mutex(1), Audited::mutex(2));
        let _held = Audited::lock(&first);
        let _ = Audited::lock(&second);
    }

    #[test]
    fn audited_counts_a_lock_as_held_until_its_guard_is_dropped() {
        let mutex = Audited::mutex(1);
        *Audited::lock(&mutex) += 1;
        Audited::giving_back();
        assert_eq!(*Audited::lock(&mutex), 2);
    }
}
