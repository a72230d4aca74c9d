//! The family of loom: the shipped registry on loom's mutex and atomics.
//!
//! Beside the counts, each object has two loom cells: a deref is a tracked read of the one and the destructor a tracked write, and any
//! operation on a count is a read of the other, whose write is the end of the memory. So an
//! ordering that is too weak to put every use before the destructor, or every access before the end, is a report.

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
use crate::memory::Memory;
use crate::orderings::{self, Both};
use crate::rules;
use crate::step::Operation;
use crate::subject;

/// The family of loom.
#[derive(Clone, Copy, Debug)]
pub struct Loom;

/// A loom mutex with a number for the record.
pub struct LoomMutex<T> {
    number: u32,
    inner: loom::sync::Mutex<T>,
}

/// The guard of a [`LoomMutex`].
pub struct LoomGuard<'a, T> {
    number: u32,
    taken_at: &'static Location<'static>,
    inner: loom::sync::MutexGuard<'a, T>,
}

impl<T> Deref for LoomGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for LoomGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T> Drop for LoomGuard<'_, T> {
    fn drop(&mut self) {
        // loom releases without a scheduling point.
        rules::unlocked(self.number, self.taken_at);
    }
}

/// A loom atomic with a number for the record.
pub struct LoomAtomic {
    number: u32,
    inner: loom::sync::atomic::AtomicUsize,
    /// The memory that it lies in, where it is a count of an object.
    memory: Option<Memory>,
}

impl LoomAtomic {
    /// The atomic, which is about to be used.
    fn access(&self) -> &loom::sync::atomic::AtomicUsize {
        self.memory.iter().for_each(Memory::access);
        &self.inner
    }
}

/// The memory of the object whose count was just made under this number: both counts share it.
fn memory_around(atomic: u32) -> Option<Memory> {
    let object = context::with(|c| c.counted_object(atomic))?;
    if let Some(known) = context::with(|c| c.memory_of(object)) {
        return Some(known);
    }
    let memory = Memory::default();
    context::with(|c| c.keep_memory(object, memory.clone()));
    Some(memory)
}

/// The poison mark of an object, and the cell that orders its uses.
pub struct LoomLife {
    number: u32,
    uses: loom::cell::UnsafeCell<()>,
}

// SAFETY: the cell holds nothing; loom runs all threads of an execution on one thread of the operating system, and the
// accesses only move loom's own stamps.
unsafe impl Sync for LoomLife {}

// SAFETY: loom's mutex gives exclusive access until its guard is dropped, and its atomics have at least the ordering
// asked for. `end_value` and `end_memory` hand the object to the arena, which ends each once, after the execution, when no
// thread of it is left. `fault` does not return.
unsafe impl Family for Loom {
    type Mutex<T: Send + 'static> = LoomMutex<T>;
    type Guard<'a, T: Send + 'static> = LoomGuard<'a, T>;
    type AtomicUsize = LoomAtomic;
    type Life = LoomLife;
    type Ledger = Account;

    fn mutex<T: Send + 'static>(value: T) -> LoomMutex<T> {
        LoomMutex {
            number: context::with(|c| c.make_lock()),
            inner: loom::sync::Mutex::new(value),
        }
    }

    #[track_caller]
    fn lock<T: Send + 'static>(mutex: &LoomMutex<T>) -> LoomGuard<'_, T> {
        let at = Location::caller();
        let me = rules::before_lock(mutex.number, at);
        let inner = mutex
            .inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        rules::locked(me, lock_of(mutex.number, mutex), at);
        LoomGuard {
            number: mutex.number,
            taken_at: at,
            inner,
        }
    }

    fn atomic(value: usize) -> LoomAtomic {
        let number = context::with(|c| c.make_atomic());
        LoomAtomic {
            number,
            inner: loom::sync::atomic::AtomicUsize::new(value),
            memory: memory_around(number),
        }
    }

    #[track_caller]
    fn load(atomic: &LoomAtomic, ordering: Ordering) -> usize {
        let at = Location::caller();
        let Both { loom, clocks } = orderings::of(atomic.number, Operation::Load, ordering);
        rules::atomic(atomic.number, Operation::Load, clocks, at, || {
            atomic.access().load(loom)
        })
    }

    #[track_caller]
    fn fetch_add(atomic: &LoomAtomic, value: usize, ordering: Ordering) -> usize {
        let at = Location::caller();
        let Both { loom, clocks } = orderings::of(atomic.number, Operation::Add, ordering);
        rules::atomic(atomic.number, Operation::Add, clocks, at, || {
            atomic.access().fetch_add(value, loom)
        })
    }

    #[track_caller]
    fn fetch_sub(atomic: &LoomAtomic, value: usize, ordering: Ordering) -> usize {
        let at = Location::caller();
        let Both { loom, clocks } = orderings::of(atomic.number, Operation::Subtract, ordering);
        rules::atomic(atomic.number, Operation::Subtract, clocks, at, || {
            atomic.access().fetch_sub(value, loom)
        })
    }

    #[track_caller]
    fn compare_exchange(
        atomic: &LoomAtomic,
        current: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        let at = Location::caller();
        let won = orderings::of(atomic.number, Operation::Exchange, success);
        let lost = orderings::of(atomic.number, Operation::ExchangeFailed, failure);
        rules::exchange(atomic.number, won.clocks, lost.clocks, at, || {
            atomic
                .access()
                .compare_exchange(current, new, won.loom, lost.loom)
        })
    }

    fn life() -> LoomLife {
        LoomLife {
            number: context::with(|c| c.make_life()),
            uses: loom::cell::UnsafeCell::new(()),
        }
    }

    #[track_caller]
    fn touch(life: &LoomLife) {
        rules::touch(life.number, Location::caller());
        life.uses.with(|_| ());
    }

    #[track_caller]
    fn destroy(life: &LoomLife) {
        rules::destroy(life.number, Location::caller());
        life.uses.with_mut(|_| ());
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

impl Explorer for Loom {
    type Thread = (usize, loom::thread::JoinHandle<()>);

    fn directory(design: Design, has_database: bool) -> AnyDirectory {
        any::empty::<Self>(design, subject::setup(has_database))
    }

    #[track_caller]
    fn run(body: Box<dyn FnOnce() + Send>) -> Self::Thread {
        let at = Location::caller();
        rules::spawn(at, |thread| {
            loom::thread::Builder::new()
                .stack_size(STACK_WORDS)
                .spawn(move || {
                    context::resume(thread);
                    finding::contain(body);
                })
                .expect("loom always has a thread within its maximum")
        })
    }

    #[track_caller]
    fn wait((thread, handle): Self::Thread) {
        let at = Location::caller();
        rules::join(thread, at, || handle.join())
            .expect("a panic ends the exploration before it is joined");
    }
}

/// The stack of a green thread in machine words: 256 KiB, for whole endpoints run on it.
const STACK_WORDS: usize = 32 * 1024;
