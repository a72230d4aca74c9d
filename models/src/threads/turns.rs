//! What both engines know of the world that runs on this thread of the operating system: the schedule, and whether it was stopped.

use std::any::Any;
use std::cell::RefCell;

use iaxproof_sim::schedule::Schedule;

use super::steps::StallSeen;
use crate::finding::Finding;

/// A world is running.
pub(super) struct Turns {
    pub(super) schedule: Schedule,
    /// What broke it off.
    pub(super) stopped: Option<Stop>,
    /// How a thread that must not go on gives its turn away for good.
    pub(super) give_up: fn() -> !,
    /// The threads that have ended (shuttle's engine notes them).
    pub(super) ended: Vec<usize>,
    /// A thread that waits for a lock, when nobody could go on (shuttle's engine notes it).
    pub(super) blocked: Option<usize>,
    /// Whether the running thread is waking another (shuttle's engine notes it).
    pub(super) is_waking: bool,
    /// Where threads stalled.
    pub(super) stalls: Vec<StallSeen>,
    /// How many marks were made in the record of steps.
    pub(super) marks: usize,
}

/// A rule of a family was broken, or a thread panicked.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) property: &'static str,
    pub(super) message: String,
    pub(super) table: String,
}

std::thread_local! {
    static TURNS: RefCell<Option<Turns>> = const { RefCell::new(None) };
}

/// A world begins on this thread of the operating system.
pub(super) fn begin(schedule: Schedule, give_up: fn() -> !) {
    TURNS.set(Some(Turns {
        schedule,
        stopped: None,
        give_up,
        ended: Vec::new(),
        blocked: None,
        is_waking: false,
        stalls: Vec::new(),
        marks: 0,
    }));
}

/// It is over.
pub(super) fn end() -> Option<Turns> {
    TURNS.take()
}

/// Works on them, where a world runs. The closure must not reach a scheduling point.
pub(super) fn with<R>(work: impl FnOnce(&mut Turns) -> R) -> Option<R> {
    TURNS.with_borrow_mut(|turns| turns.as_mut().map(work))
}

/// Whether a world runs here.
pub(crate) fn is_world() -> bool {
    TURNS.with_borrow(Option::is_some)
}

/// Whether the world was stopped.
pub(super) fn is_stopped() -> bool {
    with(|turns| turns.stopped.is_some()) == Some(true)
}

/// The running thread, numbered as by the record (0 is the driver), is before its next step. Whether another may come first.
pub(crate) fn announce(thread: usize) -> bool {
    let Some(index) = thread.checked_sub(1) else {
        return false;
    };
    let asks = !std::thread::panicking() && with(|turns| turns.schedule.point(index)) == Some(true);
    if asks && with(|turns| turns.schedule.is_stalled(index)) == Some(true) {
        let steps = crate::context::with(|context| context.steps.len());
        let thread = index;
        with(|turns| {
            let marks = turns.marks;
            turns.stalls.push(StallSeen {
                steps,
                marks,
                thread,
            });
        });
    }
    asks
}

/// Breaks the world off. What broke it first counts.
fn note(finding: Finding) {
    let stop = Stop {
        property: crate::rules::known_property(&finding.property),
        message: finding.message,
        table: finding.table,
    };
    with(|turns| {
        turns.stopped.get_or_insert(stop);
    });
}

/// The payload of the unwinding by which the driver leaves a world that was stopped under its own feet.
#[derive(Debug)]
pub(super) struct Stopped;

/// Breaks the world off, and never goes on.
pub(crate) fn stop(finding: Finding) -> ! {
    note(finding);
    if crate::context::current() == 0 {
        std::panic::resume_unwind(Box::new(Stopped));
    }
    match with(|turns| turns.give_up) {
        Some(give_up) => give_up(),
        None => unreachable!("a world runs until it is ended"),
    }
}

/// A panic was seen by the hook: what it says, for [`contain`]'s sake.
pub(crate) fn panicked(finding: Finding) {
    note(finding);
}

/// Runs what may panic; whether it did not.
pub(super) fn contain(body: impl FnOnce()) -> Result<(), Box<dyn Any + Send>> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(body))
}
