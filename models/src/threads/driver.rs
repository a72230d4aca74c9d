//! The driver of a world: it hands jobs to threads, and lets time pass when none can go on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iaxproof_sim::node::desk::Desk;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::schedule::Schedule;
use iaxproof_sim::world::{DirectorySetup, World, directories};

use super::steps::{Mark, merge};
use super::turns::{self, Stop};
use crate::{AnyDirectory, context};

/// What an engine can do.
pub(super) trait Threads {
    /// The engine's name in a plan.
    const NAME: &'static str;

    /// Makes the next thread. It begins to run when it is woken.
    fn spawn(body: Box<dyn FnOnce() + Send>);
    /// The running thread has nothing to do until it is woken.
    fn park();
    /// The thread has something to do.
    fn wake(thread: usize);
    /// Lets threads run until none can go on, or the world is stopped. The driver calls this.
    fn let_run();
    /// The first thread that waits for a lock while nobody can go on.
    fn blocked() -> Option<usize>;
}

/// The world, as threads and driver share it. Nobody holds the lock across a scheduling point, so nobody ever waits for it.
struct Stage {
    world: Option<World<Arc<AnyDirectory>>>,
    is_over: bool,
    /// How far the log of the world and the record of steps were, where a log is kept.
    marks: Vec<Mark>,
}

impl Stage {
    /// Puts down how far both records are.
    fn mark(&mut self) {
        let Some(world) = &self.world else { return };
        let Some(entries) = world.recorded() else {
            return;
        };
        let mark = Mark {
            entries,
            steps: context::with(|context| context.steps.len()),
            event: world.events(),
            at: world.now(),
        };
        if self.marks.last() != Some(&mark) {
            self.marks.push(mark);
            turns::with(|turns| turns.marks += 1);
        }
    }
}

type Handle = Arc<Mutex<Stage>>;

fn locked(stage: &Handle) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Works on the world, where it is not over.
fn on<R>(stage: &Handle, work: impl FnOnce(&mut World<Arc<AnyDirectory>>) -> R) -> Option<R> {
    let mut stage = locked(stage);
    stage.mark();
    let worked = stage.world.as_mut().map(work);
    stage.mark();
    worked
}

/// Runs a plan from begin to end. The engine is ready; what it gives up it gives up after this.
pub(super) fn run<T: Threads>(
    plan: &Plan,
    view: View,
    make: impl Fn(&DirectorySetup) -> AnyDirectory,
) -> Report {
    context::begin();
    if view == View::Events {
        context::keep_all();
    }
    let mut stage = None;
    let outcome = turns::contain(|| {
        let stage = stage.insert(set_up(plan, view, make));
        drive::<T>(stage);
    });
    let stage = stage.expect("a world was set up");
    let world = locked(&stage).world.take();
    let marks = core::mem::take(&mut locked(&stage).marks);
    let world = world.expect("a world was set up");
    drop(outcome);
    let taken = turns::with(|turns| (turns.stopped.clone(), turns.schedule.clone()));
    let (stopped, schedule) = taken.expect("a world runs until it is ended");
    conclude::<T>(world, stopped, schedule, &marks)
}

fn set_up(plan: &Plan, view: View, make: impl Fn(&DirectorySetup) -> AnyDirectory) -> Handle {
    let world = Some(World::new(plan, view, directories(plan, make)));
    let is_over = false;
    let marks = Vec::new();
    Arc::new(Mutex::new(Stage {
        world,
        is_over,
        marks,
    }))
}

fn drive<T: Threads>(stage: &Handle) {
    let threads = on(stage, |world| world.threads()).unwrap_or(0);
    for thread in 0..threads {
        let stage = Arc::clone(stage);
        T::spawn(Box::new(move || work::<T>(&stage, thread)));
    }
    on(stage, World::begin);
    while !turns::is_stopped() {
        run_threads::<T>(stage);
        if turns::is_stopped() || !pass(stage) {
            break;
        }
    }
    locked(stage).is_over = true;
    turns::with(|turns| turns.schedule.heal());
    if !turns::is_stopped() {
        (0..threads).for_each(T::wake);
        run_threads::<T>(stage);
    }
}

/// Lets all who have something to do go on.
fn run_threads<T: Threads>(stage: &Handle) {
    wake_waiting::<T>(stage);
    T::let_run();
    if turns::is_stopped() {
        return;
    }
    let is_stalled = turns::with(|turns| turns.schedule.next_wake().is_some()) == Some(true);
    if let Some(thread) = T::blocked().filter(|_| !is_stalled) {
        let message = format!("thread {thread} waits for a lock that nobody will give back");
        context::fault("no-deadlock", &message);
    }
}

/// Looks at the world, and lets time pass until the next event. False where there is none.
fn pass(stage: &Handle) -> bool {
    let wake = turns::with(|turns| turns.schedule.next_wake()).flatten();
    on(stage, |world| {
        world.look();
        if let Some(at) = wake {
            world.wake_at(at);
        }
        let goes_on = world.advance();
        let now = world.now();
        turns::with(|turns| turns.schedule.set_now(now));
        goes_on
    }) == Some(true)
}

fn wake_waiting<T: Threads>(stage: &Handle) {
    let waiting: Vec<usize> = on(stage, |world| world.waiting().collect()).unwrap_or_default();
    waiting.into_iter().for_each(T::wake);
}

/// The body of a thread.
fn work<T: Threads>(stage: &Handle, thread: usize) {
    let mut desk = Desk::default();
    loop {
        let job = on(stage, |world| world.take(thread)).flatten();
        match job {
            Some(job) => {
                let done = desk.perform(job);
                on(stage, |world| world.apply(thread, done));
                wake_waiting::<T>(stage);
            }
            None if locked(stage).is_over => return,
            None => T::park(),
        }
    }
}

/// The report: of the world, of what stopped it, and of what is left of objects.
fn conclude<T: Threads>(
    mut world: World<Arc<AnyDirectory>>,
    stopped: Option<Stop>,
    mut schedule: Schedule,
    marks: &[Mark],
) -> Report {
    if let Some(stop) = &stopped {
        world.fail(stop.property, &stop.message);
    }
    let is_whole = stopped.is_none();
    // A world that failed is not emptied and not judged any more: its threads stand in the middle of what they did.
    if world.has_failed() {
        context::tear_down();
    }
    let mut report = world.end();
    let steps = context::steps_hash();
    if let Some(log) = &mut report.log {
        let stalls = turns::with(|turns| core::mem::take(&mut turns.stalls)).unwrap_or_default();
        context::with(|context| merge(log, marks, &stalls, context));
    }
    if is_whole {
        let leak = context::end_of_world();
        if let Some(leak) = leak.filter(|_| report.failure().is_none()) {
            report.fail("no-leak", &leak);
        }
    }
    report.trace_hash = iaxproof_sim::decide::mix(report.trace_hash ^ steps);
    report.interleaving = stopped.map(|stop| stop.table);
    report.steps = schedule.steps();
    report.asked.extend(schedule.take_asked());
    report.plan.engine = T::NAME.into();
    report.plan.decisions.extend(schedule.into_taken());
    report
        .plan
        .decisions
        .sort_unstable_by_key(|decision| decision.key);
    report
}
