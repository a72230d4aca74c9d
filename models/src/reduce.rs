//! A second explorer beyond the reach of shuttle's depth-first search: our own enumerator over shuttle's threads, with
//! partial-order reduction. It shares nothing with loom's.
//!
//! Every thread announces its next operation before the scheduling point, so at a point all next operations are known.
//!
//! - A thread whose next operation is a lock that is held cannot go on: letting it try would only make it wait.
//! - Where some thread's next operation cannot meet any other's (an unlock: nobody can take that lock before it; a
//!   beginning, a spawn, a join), that thread goes on and no other choice is tried.
//! - Otherwise the choices are tried one after another with *sleep sets* (Godefroid): a thread that was tried at a point
//!   sleeps in the later branches until an operation that depends on its own has come. An execution in which all who
//!   could go on are asleep repeats another; it is let run to its end and counted as redundant.
//!
//! Two operations depend on each other where they take the same lock, or touch the same counter and one of them writes. Uses
//! and destructors are no operations: the vector clocks report every pair that is not ordered, in either order.

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::sync::mpsc::Sender;

use crate::context;
use crate::tape::{self, SearchEnd};

/// What a thread will do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pending {
    /// Nothing that another thread could meet.
    #[default]
    Alone,
    /// Take this lock.
    Lock(u32),
    /// Read this counter.
    Read(u32),
    /// Change this counter.
    Write(u32),
}

impl Pending {
    fn depends_on(self, other: Pending) -> bool {
        use Pending::{Alone, Lock, Read, Write};
        match (self, other) {
            (Alone, _) | (_, Alone) | (Read(_), Read(_)) => false,
            (Lock(mine), Lock(theirs)) => mine == theirs,
            (Read(mine) | Write(mine), Read(theirs) | Write(theirs)) => mine == theirs,
            (Lock(_), _) | (_, Lock(_)) => false,
        }
    }
}

type Choice = (TaskId, Pending);

/// A point with a choice, and how far it is tried.
struct Level {
    choices: Vec<Choice>,
    taken: usize,
}

/// The search. Asked before each execution, `stop` ends it.
pub(crate) struct Reduced<S> {
    levels: Vec<Level>,
    depth: usize,
    asleep: Vec<Choice>,
    redundant: bool,
    begun: bool,
    stop: S,
    ended: Sender<SearchEnd>,
}

impl<S: FnMut() -> bool> Reduced<S> {
    pub(crate) fn new(stop: S, ended: Sender<SearchEnd>) -> Self {
        Reduced {
            levels: Vec::new(),
            depth: 0,
            asleep: Vec::new(),
            redundant: false,
            begun: false,
            stop,
            ended,
        }
    }

    /// Turns to the next branch; false where all are tried.
    fn advance(&mut self) -> bool {
        if !core::mem::replace(&mut self.begun, true) {
            return true;
        }
        while let Some(level) = self.levels.last_mut() {
            level.taken += 1;
            if level.taken < level.choices.len() {
                return true;
            }
            self.levels.pop();
        }
        false
    }

    /// Which of those that can go on does.
    fn pick(&mut self, able: &[Choice]) -> Option<Choice> {
        if let Some(alone) = able.iter().find(|(_, pending)| *pending == Pending::Alone) {
            return Some(*alone);
        }
        if self.redundant {
            return able.first().copied();
        }
        let is_awake = |choice: &&Choice| !self.asleep.iter().any(|(id, _)| *id == choice.0);
        let awake: Vec<Choice> = able.iter().filter(is_awake).copied().collect();
        let taken = match awake.as_slice() {
            [] => {
                self.redundant = true;
                return able.first().copied();
            }
            [only] => *only,
            _ => self.branch(awake),
        };
        self.asleep
            .retain(|(_, pending)| !pending.depends_on(taken.1));
        Some(taken)
    }

    fn branch(&mut self, awake: Vec<Choice>) -> Choice {
        if self.depth == self.levels.len() {
            self.levels.push(Level {
                choices: awake,
                taken: 0,
            });
        }
        let level = &self.levels[self.depth];
        self.depth += 1;
        self.asleep.extend(&level.choices[..level.taken]);
        level.choices[level.taken]
    }
}

impl<S: FnMut() -> bool> Scheduler for Reduced<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        tape::begin();
        let end = if (self.stop)() {
            Some(SearchEnd::Stopped)
        } else {
            (!self.advance()).then_some(SearchEnd::Exhausted)
        };
        if let Some(end) = end {
            // Where nobody listens, nobody asked.
            let _ = self.ended.send(end);
            return None;
        }
        self.depth = 0;
        self.asleep.clear();
        self.redundant = false;
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, ready: &[&Task], current: Option<TaskId>, _: bool) -> Option<TaskId> {
        if let Some(unwinding) = tape::unwinding(current) {
            return Some(unwinding);
        }
        let all: Vec<Choice> = ready
            .iter()
            .map(|task| (task.id(), pending_of(task.id())))
            .collect();
        let mut able: Vec<Choice> = all
            .iter()
            .filter(|choice| !is_held(choice.1))
            .copied()
            .collect();
        if able.is_empty() {
            // Everybody waits: let them, and shuttle will say that it is a deadlock.
            able = all;
        }
        let (taken, _) = self.pick(&able)?;
        tape::write(&tape::dial(ready, current), taken);
        Some(taken)
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

fn pending_of(task: TaskId) -> Pending {
    context::with(|context| context.pending(usize::from(task)))
}

fn is_held(pending: Pending) -> bool {
    match pending {
        Pending::Lock(lock) => context::with(|context| context.is_held(lock)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Pending::{Alone, Lock, Read, Write};

    #[test]
    fn operations_depend_on_each_other_through_one_lock_or_one_written_counter() {
        assert!(Lock(1).depends_on(Lock(1)) && !Lock(1).depends_on(Lock(2)));
        assert!(Read(1).depends_on(Write(1)) && Write(1).depends_on(Write(1)));
        assert!(!Read(1).depends_on(Read(1)) && !Write(1).depends_on(Write(2)));
        assert!(!Lock(1).depends_on(Write(1)) && !Alone.depends_on(Lock(1)));
    }
}
