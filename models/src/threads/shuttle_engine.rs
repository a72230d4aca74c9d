//! The threads of a world as shuttle's: the reference. Its scheduler is asked at every point and answers what the world's
//! [`Schedule`] says.

use std::cell::RefCell;
use std::sync::mpsc;

use iaxproof_sim::plan::{self, Plan};
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::schedule::Schedule;
use iaxproof_sim::world::DirectorySetup;
use shuttle::MaxSteps;
use shuttle::scheduler::{Schedule as Tasks, Scheduler, Task, TaskId};

use super::driver::{self, Threads};
use super::turns;
use crate::{AnyDirectory, context, tape};

/// The engine.
pub(super) struct OnShuttle;

std::thread_local! {
    /// The threads of the world that runs here, for waking them.
    static HANDLES: RefCell<Vec<shuttle::thread::Thread>> = const { RefCell::new(Vec::new()) };
}

/// Runs a plan from begin to end, on a thread of the operating system of its own: shuttle leaves a thread on which it stopped in the
/// middle of something in no state to be used again.
pub(crate) fn run(
    plan: &Plan,
    view: View,
    schedule: Schedule,
    make: impl Fn(&DirectorySetup) -> AnyDirectory + Send + Sync + Copy + 'static,
) -> Report {
    crate::finding::prepare();
    let (reports, report) = mpsc::channel();
    let plan = plan.clone();
    let runs = move || {
        let scheduler = OneWorld { is_done: false };
        // A world has a limit of its own: so many events.
        tape::run_within(MaxSteps::None, scheduler, move || {
            turns::begin(schedule.clone(), give_up);
            // Nobody listens where the caller is gone.
            let _ = reports.send(driver::run::<OnShuttle>(&plan, view, make));
        });
    };
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(runs);
    let thread = thread.expect("the operating system has a thread for a world");
    // Shuttle leaks what its executions own where they are broken off, our end of the channel too.
    let ended = thread.join().is_ok();
    let report = report.try_recv();
    report.unwrap_or_else(|_| panic!("shuttle gave up a world without a report (ended: {ended})"))
}

impl Threads for OnShuttle {
    const NAME: &'static str = plan::SHUTTLE;

    fn spawn(body: Box<dyn FnOnce() + Send>) {
        let thread = context::with(|c| c.spawn(core::panic::Location::caller()));
        let handle = shuttle::thread::spawn(move || {
            context::resume(thread);
            // A panic was taken down by the hook.
            let _ = turns::contain(body);
            turns::with(|turns| turns.ended.push(thread - 1));
        });
        context::resume(0);
        HANDLES.with_borrow_mut(|handles| handles.push(handle.thread().clone()));
    }

    fn park() {
        let me = context::current();
        shuttle::thread::park();
        context::resume(me);
    }

    fn wake(thread: usize) {
        let me = context::current();
        let handle = HANDLES.with_borrow(|handles| handles[thread].clone());
        turns::with(|turns| turns.is_waking = true);
        handle.unpark();
        turns::with(|turns| turns.is_waking = false);
        context::resume(me);
    }

    fn let_run() {
        shuttle::thread::yield_now();
        context::resume(0);
    }

    fn blocked() -> Option<usize> {
        turns::with(|turns| turns.blocked).flatten()
    }
}

/// A thread that must not go on gives its turn away, and gets it no more.
fn give_up() -> ! {
    loop {
        shuttle::thread::yield_now();
    }
}

/// Nobody can go on. Shuttle lists threads that are parked, and not those that wait for a lock.
fn note_blocked(ready: &[&Task]) {
    let threads = HANDLES.with_borrow(Vec::len);
    let is_listed = |thread: usize| ready.iter().any(|it| usize::from(it.id()) == thread + 1);
    turns::with(|turns| {
        let mut alive = (0..threads).filter(|thread| !turns.ended.contains(thread));
        turns.blocked = alive.find(|thread| !is_listed(*thread));
    });
}

/// One execution: that of a world.
struct OneWorld {
    is_done: bool,
}

impl Scheduler for OneWorld {
    fn new_execution(&mut self) -> Option<Tasks> {
        (!core::mem::replace(&mut self.is_done, true)).then(|| Tasks::new(0))
    }

    fn next_task(
        &mut self,
        ready: &[&Task],
        current: Option<TaskId>,
        yielding: bool,
    ) -> Option<TaskId> {
        if let Some(unwinding) = tape::unwinding(current) {
            return Some(unwinding);
        }
        let can = |it: &&&Task| it.runnable();
        let driver = ready.iter().find(|it| usize::from(it.id()) == 0);
        let driver = driver.map(|it| it.id());
        let is_driving = current.is_some_and(|it| usize::from(it) == 0);
        if driver.is_some() && (turns::is_stopped() || (is_driving && !yielding)) {
            return driver;
        }
        if turns::is_stopped() {
            // The driver is done with a world that was broken off.
            return None;
        }
        if turns::with(|turns| turns.is_waking) == Some(true) {
            // For shuttle this is a place to switch, and for no one else: who wakes another is not at a step of its own.
            return current;
        }
        let threads = ready.iter().filter(can).map(|it| usize::from(it.id()));
        let able: Vec<usize> = threads.filter_map(|id| id.checked_sub(1)).collect();
        let me = current.and_then(|it| usize::from(it).checked_sub(1));
        let next = turns::with(|turns| turns.schedule.pick(&able, me)).flatten();
        if next.is_none() {
            note_blocked(ready);
        }
        next.map(|thread| TaskId::from(thread + 1)).or(driver)
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}
