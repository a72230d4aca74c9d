//! Threads, locks, counters and lives of one execution, with vector clocks: whether one use is ordered before another does not depend on
//! the order in which the explorer happened to run them.

use core::panic::Location;

use super::{Context, THREADS_MAX, thread_letter};
use crate::clock::{Clock, Stamps};
use crate::follow;
use crate::protocol::trace::Event;
use crate::step::{Operation, Subject};

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
pub(super) struct LifeRecord {
    object: u32,
    destroyed: Option<&'static Location<'static>>,
    uses: Stamps,
}

impl Context {
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

    /// What this atomic is.
    pub(crate) fn subject_of(&self, atomic: u32) -> Subject {
        self.atomics[atomic as usize].0
    }

    /// The object whose count this atomic is, where it is one's.
    pub(crate) fn counted_object(&self, atomic: u32) -> Option<u32> {
        match self.subject_of(atomic) {
            Subject::Count(object) | Subject::WeakCount(object) => Some(object),
            _ => None,
        }
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
        if let Some(object) = self.counted_object(atomic) {
            self.access(object, at);
        }
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
        self.access(object, at);
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
}
