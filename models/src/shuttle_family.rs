//! The family of shuttle: the shipped registry on shuttle's mutex and atomics.
//!
//! shuttle gives every atomic operation the strongest ordering. The record keeps vector clocks that follow the
//! ordering asked for, so that a use which is not ordered before the destructor is a report here too.

#![expect(
    unsafe_code,
    reason = "a family owns how an object's memory ends; see the safety contract of `Family`"
)]

use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use iaxproof::registry::Family;

use crate::Design;
use crate::account::Account;
use crate::any::{self, AnyDirectory};
use crate::context::{self, fault, lock_of};
use crate::explorer::Explorer;
use crate::finding;
use crate::rules;
use crate::step::Operation;
use crate::subject;
use crate::threads::point;

/// The family of shuttle.
#[derive(Clone, Copy, Debug)]
pub struct Shuttle;

/// A shuttle mutex with a number for the record.
pub struct ShuttleMutex<T> {
    number: u32,
    inner: shuttle::sync::Mutex<T>,
}

/// The guard of a [`ShuttleMutex`].
pub struct ShuttleGuard<'a, T> {
    number: u32,
    taken_at: &'static Location<'static>,
    inner: Option<shuttle::sync::MutexGuard<'a, T>>,
}

impl<T> Deref for ShuttleGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.inner
            .as_ref()
            .expect("the guard is whole until it is dropped")
    }
}

impl<T> DerefMut for ShuttleGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner
            .as_mut()
            .expect("the guard is whole until it is dropped")
    }
}

impl<T> Drop for ShuttleGuard<'_, T> {
    fn drop(&mut self) {
        // The scheduling point of the unlock comes before the release; none comes after it.
        let me = context::current();
        point(me);
        self.inner = None;
        context::resume(me);
        rules::unlocked(self.number, self.taken_at);
    }
}

/// A shuttle atomic with a number for the record.
pub struct ShuttleAtomic {
    number: u32,
    inner: shuttle::sync::atomic::AtomicUsize,
}

/// The poison mark of an object lies in the record, under this number.
pub struct ShuttleLife {
    number: u32,
}

// SAFETY: shuttle's mutex gives exclusive access until its guard is dropped, and its atomics are sequentially
// consistent. `end_value` and `end_memory` hand the object to the arena, which ends each once, after the execution, when no
// thread of it is left. `fault` does not return.
unsafe impl Family for Shuttle {
    type Mutex<T: Send + 'static> = ShuttleMutex<T>;
    type Guard<'a, T: Send + 'static> = ShuttleGuard<'a, T>;
    type AtomicUsize = ShuttleAtomic;
    type Life = ShuttleLife;
    type Ledger = Account;

    fn mutex<T: Send + 'static>(value: T) -> ShuttleMutex<T> {
        ShuttleMutex {
            number: context::with(|c| c.make_lock()),
            inner: shuttle::sync::Mutex::new(value),
        }
    }

    #[track_caller]
    fn lock<T: Send + 'static>(mutex: &ShuttleMutex<T>) -> ShuttleGuard<'_, T> {
        let at = Location::caller();
        let me = rules::before_lock(mutex.number, at);
        point(me);
        let inner = mutex
            .inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        rules::locked(me, lock_of(mutex.number, mutex), at);
        ShuttleGuard {
            number: mutex.number,
            taken_at: at,
            inner: Some(inner),
        }
    }

    fn atomic(value: usize) -> ShuttleAtomic {
        ShuttleAtomic {
            number: context::with(|c| c.make_atomic()),
            inner: shuttle::sync::atomic::AtomicUsize::new(value),
        }
    }

    #[track_caller]
    fn load(atomic: &ShuttleAtomic, ordering: Ordering) -> usize {
        rules::atomic(
            atomic.number,
            Operation::Load,
            ordering,
            Location::caller(),
            || {
                point(context::current());
                atomic.inner.load(ordering)
            },
        )
    }

    #[track_caller]
    fn fetch_add(atomic: &ShuttleAtomic, value: usize, ordering: Ordering) -> usize {
        rules::atomic(
            atomic.number,
            Operation::Add,
            ordering,
            Location::caller(),
            || {
                point(context::current());
                atomic.inner.fetch_add(value, ordering)
            },
        )
    }

    #[track_caller]
    fn fetch_sub(atomic: &ShuttleAtomic, value: usize, ordering: Ordering) -> usize {
        rules::atomic(
            atomic.number,
            Operation::Subtract,
            ordering,
            Location::caller(),
            || {
                point(context::current());
                atomic.inner.fetch_sub(value, ordering)
            },
        )
    }

    #[track_caller]
    fn compare_exchange(
        atomic: &ShuttleAtomic,
        current: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        rules::exchange(atomic.number, success, failure, Location::caller(), || {
            point(context::current());
            atomic
                .inner
                .compare_exchange(current, new, success, failure)
        })
    }

    fn life() -> ShuttleLife {
        ShuttleLife {
            number: context::with(|c| c.make_life()),
        }
    }

    #[track_caller]
    fn touch(life: &ShuttleLife) {
        rules::touch(life.number, Location::caller());
    }

    #[track_caller]
    fn destroy(life: &ShuttleLife) {
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

impl Explorer for Shuttle {
    type Thread = (usize, shuttle::thread::JoinHandle<()>);

    fn directory(design: Design, has_database: bool) -> AnyDirectory {
        any::empty::<Self>(design, subject::setup(has_database))
    }

    #[track_caller]
    fn run(body: Box<dyn FnOnce() + Send>) -> Self::Thread {
        let at = Location::caller();
        rules::spawn(at, |thread| {
            shuttle::thread::spawn(move || {
                context::resume(thread);
                finding::contain(body);
            })
        })
    }

    #[track_caller]
    fn wait((thread, handle): Self::Thread) {
        let at = Location::caller();
        rules::join(thread, at, || handle.join())
            .expect("a panic ends the exploration before it is joined");
    }
}
