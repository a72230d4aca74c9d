//! One execution's record: whose turn it is, the steps, the objects and their references, the locks held.
//!
//! All green threads of an execution run on one thread of the operating system, so the record is a plain
//! thread-local of that thread: reading and writing it is no step of the execution and hides nothing from the
//! explorer. It is begun and ended with each execution and is never borrowed across a scheduling point.

use core::panic::Location;
use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::arena::Arena;
use crate::clock::{Clock, Stamps};
use crate::finding::{self, Finding};
use crate::follow::{self, Followed};
use crate::protocol::trace::{Event, Trace};
use crate::reduce::Pending;
use crate::step::{Operation, Step, Subject};
use crate::threads;

/// The most green threads in one execution, the first included: the driver of a world and the threads of two servers.
pub const THREADS_MAX: usize = 9;

/// The most steps that the record of a world keeps: the last ones.
const STEPS_KEPT: usize = 4_096;

/// One object of the registry, as the ledger of the explorers sees it.
pub(crate) struct Record {
    pub(crate) kind: &'static str,
    /// Which of the execution's accounts it is in.
    pub(crate) account: u32,
    pub(crate) made_at: &'static Location<'static>,
    pub(crate) destroyed: bool,
    pub(crate) freed: bool,
    pub(crate) held: BTreeMap<u32, &'static Location<'static>>,
}

/// A lock: its number, and where it lies.
#[derive(Clone, Copy)]
pub(crate) struct Lock {
    pub(crate) number: u32,
    pub(crate) address: usize,
}

/// The lock of this number, which lies where `mutex` lies.
pub(crate) fn lock_of<M>(number: u32, mutex: &M) -> Lock {
    let address = core::ptr::from_ref(mutex).addr();
    Lock { number, address }
}

/// The life of an object: the poison mark, and which uses it has seen.
#[derive(Default)]
struct LifeRecord {
    object: u32,
    destroyed: Option<&'static Location<'static>>,
    uses: Stamps,
}

/// An object whose primitives are being made: they come in the order strong count, weak count, life.
#[derive(Clone, Copy)]
struct Making {
    object: u32,
    atomics: u8,
}

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

    // ---- threads ----

    /// A thread is about to be made; gives its number.
    pub(crate) fn spawn(&mut self, at: &'static Location<'static>) -> usize {
        let thread = self.threads;
        assert!(
            thread < THREADS_MAX,
            "an execution has at most {THREADS_MAX} threads"
        );
        self.threads += 1;
        self.step(Operation::Spawn, Subject::Thread(thread), at, None);
        self.clocks[thread] = self.clocks[self.current];
        self.clocks[thread].tick(thread);
        self.clocks[self.current].tick(self.current);
        thread
    }

    /// The thread has ended and was waited for.
    pub(crate) fn joined(&mut self, thread: usize, at: &'static Location<'static>) {
        self.step(Operation::Join, Subject::Thread(thread), at, None);
        let ended = self.clocks[thread];
        self.clocks[self.current].join(&ended);
    }

    // ---- locks ----

    pub(crate) fn make_lock(&mut self) -> u32 {
        self.locks_made += 1;
        self.lock_clocks.push(Clock::default());
        self.locks_made
    }

    pub(crate) fn locks_held(&self) -> usize {
        self.locks_held[self.current].len()
    }

    pub(crate) fn locked(&mut self, lock: Lock, at: &'static Location<'static>) {
        let Lock {
            number: lock,
            address,
        } = lock;
        self.event(|followed| Some(followed.locked(lock, address)));
        self.locks_held[self.current].push(lock);
        self.step(Operation::Lock, Subject::Lock(lock), at, None);
        let released = self.lock_clocks[lock as usize - 1];
        self.clocks[self.current].join(&released);
    }

    pub(crate) fn unlocked(&mut self, lock: u32, at: &'static Location<'static>) {
        self.event(|_| Some(Event::Unlock { lock }));
        self.locks_held[self.current].retain(|held| *held != lock);
        self.step(Operation::Unlock, Subject::Lock(lock), at, None);
        let current = self.current;
        self.lock_clocks[lock as usize - 1] = self.clocks[current];
        self.clocks[current].tick(current);
    }

    // ---- counters ----

    pub(crate) fn make_atomic(&mut self) -> u32 {
        let subject = match &mut self.making {
            Some(making) if making.atomics < 2 => {
                making.atomics += 1;
                match making.atomics {
                    1 => Subject::Count(making.object),
                    _ => Subject::WeakCount(making.object),
                }
            }
            _ => Subject::Atomic(u32::try_from(self.atomics.len()).unwrap_or(u32::MAX)),
        };
        self.atomics.push((subject, Clock::default()));
        u32::try_from(self.atomics.len() - 1).unwrap_or(u32::MAX)
    }

    /// An atomic operation happened, with this much ordering. A read-modify-write keeps a release sequence going,
    /// and nothing here stores plainly, so what was released stays to be acquired.
    pub(crate) fn atomic(
        &mut self,
        atomic: u32,
        operation: Operation,
        order: core::sync::atomic::Ordering,
        at: &'static Location<'static>,
        observed: usize,
    ) {
        use core::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};
        let current = self.current;
        let (subject, clock) = &mut self.atomics[atomic as usize];
        if matches!(order, Acquire | AcqRel | SeqCst) {
            self.clocks[current].join(clock);
        }
        if operation.writes() && matches!(order, Release | AcqRel | SeqCst) {
            clock.join(&self.clocks[current]);
            self.clocks[current].tick(current);
        }
        let subject = *subject;
        self.event(|_| follow::counted(operation, subject, observed));
        self.step(operation, subject, at, Some(observed));
    }

    /// The step that gave a reference back shows where that reference was taken: the line of a drop is the compiler's.
    pub(crate) fn given_back(&mut self, taken_at: &'static Location<'static>) {
        if let Some(step) = self
            .steps
            .last_mut()
            .filter(|step| step.operation == Operation::Subtract)
        {
            step.at = taken_at;
        }
    }

    // ---- lives ----

    pub(crate) fn make_life(&mut self) -> u32 {
        let object = self.making.take().map_or(0, |making| making.object);
        self.lives.push(LifeRecord {
            object,
            ..LifeRecord::default()
        });
        u32::try_from(self.lives.len() - 1).unwrap_or(u32::MAX)
    }

    /// A use of the object; the report where it is not allowed.
    pub(crate) fn touch(&mut self, life: u32, at: &'static Location<'static>) -> Option<String> {
        let current = self.current;
        let record = &mut self.lives[life as usize];
        record.uses.add(current, &self.clocks[current], at);
        let (object, destroyed) = (record.object, record.destroyed);
        self.step(Operation::Use, Subject::Object(object), at, None);
        let destroyed = destroyed?;
        let name = self.object_name(object);
        Some(format!(
            "{name} is used at {at} after its destructor began at {destroyed}"
        ))
    }

    /// The destructor begins; the report where it may not. Every use must be ordered before it.
    pub(crate) fn destroy(
        &mut self,
        life: u32,
        at: &'static Location<'static>,
    ) -> Option<(&'static str, String)> {
        let now = self.clocks[self.current];
        let record = &mut self.lives[life as usize];
        let (object, before) = (record.object, record.destroyed.replace(at));
        let race = record.uses.unordered_with(&now);
        self.event(|_| Some(Event::Destroyed { object }));
        self.step(Operation::Destroy, Subject::Object(object), at, None);
        let name = self.object_name(object);
        if let Some(before) = before {
            return Some((
                "destroyed-once",
                format!("the destructor of {name} runs at {at} and ran at {before}"),
            ));
        }
        if self.locks_held() > 0 {
            return Some((
                "destroyed-once",
                format!("the destructor of {name} runs at {at} under a lock"),
            ));
        }
        let (thread, used) = race?;
        let letter = thread_letter(thread);
        Some((
            "no-use-after-destroy",
            format!(
                "the use of {name} by {letter} at {used} is not ordered before the destructor at {at}"
            ),
        ))
    }

    // ---- the ledger ----

    pub(crate) fn open(
        &mut self,
        kind: &'static str,
        account: u32,
        at: &'static Location<'static>,
    ) -> u32 {
        self.objects.push(Record {
            kind,
            account,
            made_at: at,
            destroyed: false,
            freed: false,
            held: BTreeMap::new(),
        });
        let object = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        self.making = Some(Making { object, atomics: 0 });
        self.step(Operation::Make, Subject::Object(object), at, Some(1));
        object
    }

    pub(crate) fn record(&mut self, object: u32) -> &mut Record {
        &mut self.objects[object as usize - 1]
    }

    pub(crate) fn next_ticket(&mut self) -> u32 {
        self.tickets_made += 1;
        self.tickets_made
    }

    pub(crate) fn object_name(&self, object: u32) -> String {
        match self.objects.get((object as usize).wrapping_sub(1)) {
            Some(record) => format!("{} #{object}", record.kind),
            None => "an unnamed object".into(),
        }
    }

    /// What is left of the objects, if anything.
    fn leak(&self) -> Option<String> {
        let mut text = String::new();
        for (index, record) in self.objects.iter().enumerate() {
            let name = self.object_name(u32::try_from(index + 1).unwrap_or(0));
            for at in record.held.values() {
                text.push_str(&format!(
                    "{name}, made at {}, is held since {at}; ",
                    record.made_at
                ));
            }
            if !record.destroyed && record.held.is_empty() {
                text.push_str(&format!(
                    "{name}, made at {}, was never destroyed; ",
                    record.made_at
                ));
            }
            if record.destroyed && !record.freed {
                text.push_str(&format!(
                    "{name}, made at {}: a weak reference is left; ",
                    record.made_at
                ));
            }
        }
        (!text.is_empty()).then(|| text.trim_end_matches("; ").to_owned())
    }

    pub(crate) fn arena(&mut self) -> &mut Arena {
        &mut self.arena
    }
}
