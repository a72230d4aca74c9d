//! The family of the strands: the shipped registry on threads that are coroutines of ours ([`crate::threads`]). It runs worlds, and
//! no explorer enumerates it.

#![expect(
    unsafe_code,
    reason = "a family owns how an object's memory ends; see the safety contract of `Family`"
)]

use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use iaxproof::registry::Family;

use crate::account::Account;
use crate::context::{self, fault, lock_of};
use crate::rules;
use crate::step::Operation;
use crate::threads::{block, release, strand_point};

/// The family of the strands.
#[derive(Clone, Copy, Debug)]
pub struct Strands;

/// A mutex with a number for the record. A strand that finds it held waits, and lets others run.
pub struct StrandMutex<T> {
    number: u32,
    inner: Mutex<T>,
}

/// The guard of a [`StrandMutex`].
pub struct StrandGuard<'a, T> {
    number: u32,
    taken_at: &'static Location<'static>,
    inner: Option<MutexGuard<'a, T>>,
}

impl<T> Deref for StrandGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.inner
            .as_ref()
            .expect("the guard is whole until it is dropped")
    }
}

impl<T> DerefMut for StrandGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner
            .as_mut()
            .expect("the guard is whole until it is dropped")
    }
}

impl<T> Drop for StrandGuard<'_, T> {
    fn drop(&mut self) {
        // As with shuttle's: the point comes before the release, and none after it.
        let me = context::current();
        strand_point();
        self.inner = None;
        context::resume(me);
        rules::unlocked(self.number, self.taken_at);
        release(self.number);
    }
}

/// An atomic with a number for the record.
pub struct StrandAtomic {
    number: u32,
    inner: AtomicUsize,
}

/// The poison mark of an object lies in the record, under this number.
pub struct StrandLife {
    number: u32,
}

/// Takes the mutex, or waits.
fn take<T>(mutex: &StrandMutex<T>) -> MutexGuard<'_, T> {
    loop {
        match mutex.inner.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => block(mutex.number),
        }
    }
}

// SAFETY: std's mutex gives exclusive access until its guard is dropped, and its atomics are atomic. `end_value` and `end_memory` hand
// the object to the arena, which ends each once, after the execution, when no thread of it goes on. `fault` does not return.
unsafe impl Family for Strands {
    type Mutex<T: Send + 'static> = StrandMutex<T>;
    type Guard<'a, T: Send + 'static> = StrandGuard<'a, T>;
    type AtomicUsize = StrandAtomic;
    type Life = StrandLife;
    type Ledger = Account;

    fn mutex<T: Send + 'static>(value: T) -> StrandMutex<T> {
        StrandMutex {
            number: context::with(|c| c.make_lock()),
            inner: Mutex::new(value),
        }
    }

    #[track_caller]
    fn lock<T: Send + 'static>(mutex: &StrandMutex<T>) -> StrandGuard<'_, T> {
        let at = Location::caller();
        let me = rules::before_lock(mutex.number, at);
        strand_point();
        let inner = take(mutex);
        rules::locked(me, lock_of(mutex.number, mutex), at);
        StrandGuard {
            number: mutex.number,
            taken_at: at,
            inner: Some(inner),
        }
    }

    fn atomic(value: usize) -> StrandAtomic {
        StrandAtomic {
            number: context::with(|c| c.make_atomic()),
            inner: AtomicUsize::new(value),
        }
    }

    #[track_caller]
    fn load(atomic: &StrandAtomic, ordering: Ordering) -> usize {
        rules::atomic(
            atomic.number,
            Operation::Load,
            ordering,
            Location::caller(),
            || {
                strand_point();
                atomic.inner.load(ordering)
            },
        )
    }

    #[track_caller]
    fn fetch_add(atomic: &StrandAtomic, value: usize, ordering: Ordering) -> usize {
        rules::atomic(
            atomic.number,
            Operation::Add,
            ordering,
            Location::caller(),
            || {
                strand_point();
                atomic.inner.fetch_add(value, ordering)
            },
        )
    }

    #[track_caller]
    fn fetch_sub(atomic: &StrandAtomic, value: usize, ordering: Ordering) -> usize {
        rules::atomic(
            atomic.number,
            Operation::Subtract,
            ordering,
            Location::caller(),
            || {
                strand_point();
                atomic.inner.fetch_sub(value, ordering)
            },
        )
    }

    #[track_caller]
    fn compare_exchange(
        atomic: &StrandAtomic,
        current: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        rules::exchange(atomic.number, success, failure, Location::caller(), || {
            strand_point();
            atomic
                .inner
                .compare_exchange(current, new, success, failure)
        })
    }

    fn life() -> StrandLife {
        StrandLife {
            number: context::with(|c| c.make_life()),
        }
    }

    #[track_caller]
    fn touch(life: &StrandLife) {
        rules::touch(life.number, Location::caller());
    }

    #[track_caller]
    fn destroy(life: &StrandLife) {
        rules::destroy(life.number, Location::caller());
    }

    #[track_caller]
    fn giving_back() {
        rules::giving_back(Location::caller());
    }

    fn is_stopped() -> bool {
        context::is_stopped()
    }

    #[track_caller]
    fn fault(message: &str) -> ! {
        fault(rules::property_of(message), message)
    }

    unsafe fn end_value<T: 'static>(value: NonNull<T>) {
        // SAFETY: the caller promises a valid value that nobody else uses, once; the arena runs this once, after the
        // execution, and before the memory that holds the value goes.
        let thunk = move || unsafe { value.drop_in_place() };
        context::with(|c| c.arena().keep_value(Box::new(thunk)));
    }

    unsafe fn end_memory<T: 'static>(memory: NonNull<T>) {
        // SAFETY: the memory came from `Box::into_raw` and nobody refers to it any more; the arena runs this once.
        let thunk = move || drop(unsafe { Box::from_raw(memory.as_ptr()) });
        context::with(|c| c.arena().keep_memory(Box::new(thunk)));
    }
}
