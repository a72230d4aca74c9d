//! One execution's record: whose turn it is, the steps, the objects and their references, the locks held.
//!
//! All green threads of an execution run on one thread of the operating system, so the record is a plain
//! thread-local of that thread: reading and writing it is no step of the execution and hides nothing from the
//! explorer. It is begun and ended with each execution and is never borrowed across a scheduling point.
//!
//! - `order`: threads, locks, counters and lives, and by which of them one use is ordered before another.
//! - `objects`: the objects and their references, as the ledger tells of them.

mod objects;
mod order;

use core::panic::Location;
use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::arena::Arena;
use crate::clock::Clock;
use crate::finding::{self, Finding};
use crate::follow::Followed;
use crate::memory::Memory;
use crate::protocol::trace::{Event, Trace};
use crate::reduce::Pending;
use crate::step::{Operation, Step, Subject};
use crate::threads;

use self::objects::Making;
pub(crate) use self::objects::Record;
use self::order::LifeRecord;
pub(crate) use self::order::{Lock, lock_of};

/// The most green threads in one execution, the first included: the driver of a world and the threads of its servers.
pub const THREADS_MAX: usize = iaxproof_sim::plan::THREADS_MAX + 1;

/// The most steps that the record of a world keeps: the last ones.
const STEPS_KEPT: usize = 4_096;

/// What one execution has done so far.
#[derive(Default)]
pub(crate) struct Context {
    running: bool,
    current: usize,
    threads: usize,
    tearing_down: bool,
    locks_held: [Vec<u32>; THREADS_MAX],
    locks_made: u32,
    atomics: Vec<(Subject, Clock)>,
    lock_clocks: Vec<Clock>,
    lives: Vec<LifeRecord>,
    making: Option<Making>,
    tickets_made: u32,
    pub(crate) objects: Vec<Record>,
    pub(crate) steps: Vec<Step>,
    /// Whether it is a world that runs: a long one.
    is_world: bool,
    /// Whether all its steps are kept, for a view.
    keeps_all: bool,
    /// Of a world: all its steps.
    hash: u64,
    pub(crate) notes: Vec<(usize, String)>,
    clocks: [Clock; THREADS_MAX],
    pending: [Pending; THREADS_MAX],
    arena: Arena,
    /// The memory of each object, where loom explores.
    memories: BTreeMap<u32, Memory>,
    /// The events for the protocol, where this execution is followed.
    followed: Option<Followed>,
}

std::thread_local! {
    static CONTEXT: RefCell<Context> = RefCell::new(Context::default());
}

/// Works on the record. The closure must not reach a scheduling point, and must not fault.
pub(crate) fn with<R>(work: impl FnOnce(&mut Context) -> R) -> R {
    CONTEXT.with_borrow_mut(work)
}

/// As [`with`], or `None` where the record is borrowed: for the panic hook.
pub(crate) fn try_with<R>(work: impl FnOnce(&mut Context) -> R) -> Option<R> {
    CONTEXT.with(|cell| {
        cell.try_borrow_mut()
            .ok()
            .map(|mut context| work(&mut context))
    })
}

/// Begins an execution: nothing is left of the one before.
pub(crate) fn begin() {
    with(|context| {
        *context = Context {
            running: true,
            threads: 1,
            is_world: threads::is_world(),
            steps: core::mem::take(&mut context.steps),
            ..Context::default()
        };
        context.steps.clear();
        context.clocks[0].tick(0);
    });
}

/// Keeps all steps of the execution that has begun, also those of a world.
pub(crate) fn keep_all() {
    with(|context| context.keeps_all = true);
}

/// Follows the execution that has begun: its events are kept for the protocol.
pub(crate) fn follow() {
    with(|context| context.followed = Some(Followed::default()));
}

/// What was followed, with what the ledger has now.
pub(crate) fn take_trace() -> Option<Trace> {
    with(|context| {
        let followed = context.followed.take()?;
        Some(followed.trace(&context.objects))
    })
}

/// Ends an execution whose threads are all joined: nothing may be left alive, then the bytes go.
pub(crate) fn end() {
    if let Some(leak) = with(|context| context.leak()) {
        fault("no-leak", &leak);
    }
    let arena = with(|context| {
        context.tearing_down = true;
        core::mem::take(&mut context.arena)
    });
    arena.empty();
    with(|context| context.running = false);
}

/// From here on references leave everything as it is.
pub(crate) fn tear_down() {
    with(|context| context.tearing_down = true);
}

/// Whether references must leave everything as it is: the execution is being torn down, or never began.
pub(crate) fn is_stopped() -> bool {
    std::thread::panicking() || with(|context| context.tearing_down)
}

/// The green thread whose turn it is.
pub(crate) fn current() -> usize {
    with(|context| context.current)
}

/// Says whose turn it is. Every scheduling point is followed by this, so the record always knows.
pub(crate) fn resume(thread: usize) {
    with(|context| context.set_current(thread));
}

/// A broken rule: the execution ends here, and so does the exploration.
#[track_caller]
pub(crate) fn fault(property: &str, message: &str) -> ! {
    let at = Location::caller();
    with(|context| context.step(Operation::Fault, Subject::None, at, None));
    let finding = Finding::new(property, message);
    if threads::is_world() {
        threads::stop(finding);
    }
    finding::report(finding)
}

/// Ends the execution of a world whose threads have all ended; what is left of objects.
pub(crate) fn end_of_world() -> Option<String> {
    let leak = with(|context| context.leak());
    let arena = with(|context| {
        context.tearing_down = true;
        core::mem::take(&mut context.arena)
    });
    arena.empty();
    with(|context| {
        context.running = false;
        context.tearing_down = false;
    });
    leak
}

/// The hash of all steps so far, of those too that are not kept.
pub(crate) fn steps_hash() -> u64 {
    with(|context| context.hash)
}

/// Says of the execution that from here on no lookup may miss what is linked now, or that it may again.
pub fn keep_linked(kept: bool) {
    let event = if kept { Event::Marked } else { Event::Unmarked };
    with(|context| context.event(|_| Some(event)));
}

/// Puts down what a thread saw, for the outcome of the execution.
pub fn note(text: impl Into<String>) {
    let text = text.into();
    with(|context| context.notes.push((context.current, text)));
}

/// What was noted, by thread and then in the order of noting: the order between threads is not part of it.
pub fn notes() -> Vec<String> {
    let mut notes = with(|context| context.notes.clone());
    notes.sort_by_key(|(thread, _)| *thread);
    notes
        .into_iter()
        .map(|(thread, text)| format!("{}: {text}", thread_letter(thread)))
        .collect()
}

/// How reports name a thread: `A` is the first.
pub(crate) fn thread_letter(thread: usize) -> char {
    char::from(b'A' + u8::try_from(thread).unwrap_or(25).min(25))
}

impl Context {
    pub(crate) fn step(
        &mut self,
        operation: Operation,
        subject: Subject,
        at: &'static Location<'static>,
        observed: Option<usize>,
    ) {
        let step = Step {
            thread: self.current,
            operation,
            subject,
            at,
            observed,
        };
        if self.is_world {
            self.hash = step.mixed_into(self.hash);
            if !self.keeps_all && self.steps.len() >= 2 * STEPS_KEPT {
                self.steps.drain(..STEPS_KEPT);
            }
        }
        self.steps.push(step);
    }

    pub(crate) fn current(&self) -> usize {
        self.current
    }

    /// The thread has its turn back: what it announced is done.
    pub(crate) fn set_current(&mut self, thread: usize) {
        self.current = thread;
        self.pending[thread] = Pending::Alone;
    }

    /// What the running thread will do after the scheduling point that comes now.
    pub(crate) fn announce(&mut self, pending: Pending) {
        self.pending[self.current] = pending;
    }

    pub(crate) fn pending(&self, thread: usize) -> Pending {
        self.pending.get(thread).copied().unwrap_or_default()
    }

    /// Whether any thread holds the lock.
    pub(crate) fn is_held(&self, lock: u32) -> bool {
        self.locks_held.iter().any(|held| held.contains(&lock))
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Keeps the event that `event` makes, where the execution is followed.
    pub(crate) fn event(&mut self, event: impl FnOnce(&mut Followed) -> Option<Event>) {
        let thread = self.current;
        if let Some(followed) = &mut self.followed {
            followed.push(thread, event);
        }
    }

    pub(crate) fn arena(&mut self) -> &mut Arena {
        &mut self.arena
    }
}
