//! Scheduling by tape: every choice that shuttle's scheduler takes is written down as a small number, and a tape of them
//! replays. 0 means: the same thread goes on, or the first that can where it cannot. So a schedule is the sparse list of
//! the choices that are not 0, and taking one out shifts no other point's number as long as the run goes the same way.

use std::cell::RefCell;
use std::collections::BTreeMap;

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// The most scheduling points in one execution; beyond it the exploration is INCOMPLETE.
pub(crate) const POINTS_MAX: usize = 100_000;

/// The choices of one execution that were not 0, by scheduling point.
pub(crate) type Choices = Vec<(u32, u32)>;

#[derive(Default)]
struct Tape {
    point: u32,
    written: Choices,
}

std::thread_local! {
    static TAPE: RefCell<Tape> = RefCell::new(Tape::default());
}

/// What was chosen in this execution so far.
pub(crate) fn choices() -> Choices {
    TAPE.with_borrow(|tape| tape.written.clone())
}

/// A new execution: nothing is chosen yet.
pub(crate) fn begin() {
    TAPE.with_borrow_mut(|tape| {
        tape.point = 0;
        tape.written.clear();
    });
}

/// Where the threads that can run stand on the dial of a scheduling point: 0 is the dull one.
pub(crate) fn dial(ready: &[&Task], current: Option<TaskId>) -> Vec<TaskId> {
    let ids = || ready.iter().map(|task| task.id());
    let stays = ids().find(|id| Some(*id) == current);
    stays
        .into_iter()
        .chain(ids().filter(|id| Some(*id) != stays))
        .collect()
}

/// The running thread where it unwinds from a panic: it must not be switched away from.
pub(crate) fn unwinding(current: Option<TaskId>) -> Option<TaskId> {
    current.filter(|_| std::thread::panicking())
}

/// Notes which number of the dial was taken. Points where only one thread can run are not counted.
pub(crate) fn write(dial: &[TaskId], taken: TaskId) {
    if dial.len() < 2 {
        return;
    }
    let number = dial.iter().position(|id| *id == taken).unwrap_or(0);
    TAPE.with_borrow_mut(|tape| {
        if let Ok(number @ 1..) = u32::try_from(number) {
            tape.written.push((tape.point, number));
        }
        tape.point += 1;
    });
}

/// One of shuttle's own schedulers, with a tape running and a way to stop between executions.
pub(crate) struct Search<I, S> {
    inner: I,
    /// Asked before each execution; true stops the search.
    stop: S,
    ended: std::sync::mpsc::Sender<SearchEnd>,
}

/// Why a search gave no more executions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SearchEnd {
    Exhausted,
    Stopped,
}

impl<I: Scheduler, S: FnMut() -> bool> Search<I, S> {
    pub(crate) fn new(inner: I, stop: S, ended: std::sync::mpsc::Sender<SearchEnd>) -> Self {
        Search { inner, stop, ended }
    }
}

impl<I: Scheduler, S: FnMut() -> bool> Scheduler for Search<I, S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        begin();
        let next = if (self.stop)() {
            Err(SearchEnd::Stopped)
        } else {
            self.inner.new_execution().ok_or(SearchEnd::Exhausted)
        };
        if let Err(end) = &next {
            // Where nobody listens, nobody asked.
            let _ = self.ended.send(*end);
        }
        next.ok()
    }

    fn next_task(
        &mut self,
        ready: &[&Task],
        current: Option<TaskId>,
        yielding: bool,
    ) -> Option<TaskId> {
        if let Some(unwinding) = unwinding(current) {
            return Some(unwinding);
        }
        let taken = self.inner.next_task(ready, current, yielding)?;
        write(&dial(ready, current), taken);
        Some(taken)
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}

/// One execution along a tape.
pub(crate) struct Replay {
    tape: BTreeMap<u32, u32>,
    point: u32,
    done: bool,
}

impl Replay {
    pub(crate) fn new(choices: &[(u32, u32)]) -> Self {
        Replay {
            tape: choices.iter().copied().collect(),
            point: 0,
            done: false,
        }
    }
}

impl Scheduler for Replay {
    fn new_execution(&mut self) -> Option<Schedule> {
        begin();
        (!core::mem::replace(&mut self.done, true)).then(|| Schedule::new(0))
    }

    fn next_task(&mut self, ready: &[&Task], current: Option<TaskId>, _: bool) -> Option<TaskId> {
        if let Some(unwinding) = unwinding(current) {
            return Some(unwinding);
        }
        let dial = dial(ready, current);
        let mut taken = *dial.first()?;
        if dial.len() > 1 {
            let number = self.tape.get(&self.point).copied().unwrap_or(0) as usize;
            taken = dial[number % dial.len()];
            self.point += 1;
        }
        write(&dial, taken);
        Some(taken)
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// Runs `body` under the scheduler, with every limit of shuttle set here.
pub(crate) fn run<S: Scheduler + 'static>(
    scheduler: S,
    body: impl Fn() + Send + Sync + 'static,
) -> usize {
    run_within(MaxSteps::FailAfter(POINTS_MAX), scheduler, body)
}

/// As [`run`], with another limit of points.
pub(crate) fn run_within<S: Scheduler + 'static>(
    points_max: MaxSteps,
    scheduler: S,
    body: impl Fn() + Send + Sync + 'static,
) -> usize {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = points_max;
    config.max_time = None;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(body)
}

/// One execution of nothing.
pub(crate) fn run_empty() {
    run(Replay::new(&[]), || ());
}
