//! Why a world fails: the two things whose order decides, found by bisection between the plan that fails and the nearest that holds.
//!
//! A stall of a thread is cut short, step of the others by step, until it is one step too short for the failure ([`Domain::Resume`]):
//! that step and the one before which the thread stood are the pair. Where no stall decides, an operation is moved to another
//! time until it is a millisecond too late or too early. Where no order decides, a fault may do so alone (`fault`).
//! [`mod@crate::shrink`] comes first: in a plan that has more in it than the
//! failure needs, one part may stand in for another, and nothing decides alone.

mod fault;

use crate::decide::{Decision, Domain, Key};
use crate::plan::{Operation, Plan};
use crate::report::{Report, View};
use crate::schedule::ThreadId;
use crate::shrink::{Kind, Refusal};
use crate::views::{Entry, EventLog, What};

pub use self::fault::{DecisiveFault, Fault, Moved};

/// More steps of others than a stall is cut short to: many times those of a whole world.
const STEPS_MAX: u32 = 1 << 20;

/// What stands for a property where a world panics.
pub const PANIC: &str = "panic";

/// What an explanation says.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// How the world fails.
    pub kind: Kind,
    /// What was seen in it.
    pub message: String,
    /// The pair that decides; `None` where no order of two things does.
    pub decisive: Option<Decisive>,
    /// Where no order does: the faults without any one of which it does not fail in this way.
    pub faults: Vec<DecisiveFault>,
    /// How many worlds were run.
    pub runs: u64,
}

/// Two things whose order decides, and the two plans that differ in it alone.
#[derive(Clone, Debug)]
pub struct Decisive {
    /// What comes first where the world fails.
    pub first: Happened,
    /// What comes after it, and where the world holds before it.
    pub second: Happened,
    /// It fails.
    pub fails: Plan,
    /// It holds, or fails in another way.
    pub holds: Plan,
    /// How it fails then; `None` where it holds.
    pub otherwise: Option<Kind>,
}

/// One of the two.
#[derive(Clone, Debug)]
pub enum Happened {
    /// As the log of the world that fails has it: with its event, its time, its thread and the line of the source.
    Entry(Entry),
    /// The next step of a thread, where the world fails before it is done.
    Next(ThreadId),
    /// An operation of the plan, and at which millisecond it is done.
    Operation(Operation),
}

/// Finds the pair. `run` runs a plan's world; its error is the message of a panic.
///
/// # Errors
///
/// Where the plan's world does not fail, or panics.
pub fn explain(
    plan: &Plan,
    run: impl FnMut(&Plan, View) -> Result<Report, String>,
) -> Result<Explanation, Refusal> {
    let mut search = Search { run, runs: 0 };
    let report = search.report(plan, View::Hash).map_err(Refusal::Panics)?;
    let kind = Kind::of(&report).ok_or(Refusal::Holds)?;
    let message = report.failure().map(|it| it.violation.message.clone());
    // As it ran: with nothing left to draw.
    let plan = report.plan;
    let decisive = search.by_stalls(&plan, &kind);
    let decisive = decisive.or_else(|| search.by_times(&plan, &kind));
    let faults = match decisive {
        Some(_) => Vec::new(),
        None => search.by_faults(&plan, &kind),
    };
    Ok(Explanation {
        kind,
        message: message.unwrap_or_default(),
        decisive,
        faults,
        runs: search.runs,
    })
}

struct Search<R> {
    run: R,
    runs: u64,
}

impl<R: FnMut(&Plan, View) -> Result<Report, String>> Search<R> {
    fn report(&mut self, plan: &Plan, view: View) -> Result<Report, String> {
        self.runs += 1;
        (self.run)(plan, view)
    }

    /// Whether the plan's world fails in this way.
    fn fails(&mut self, plan: &Plan, kind: &Kind) -> bool {
        let report = self.report(plan, View::Hash);
        report.is_ok_and(|report| Kind::of(&report).as_ref() == Some(kind))
    }

    /// How a world fails; `None` where it holds.
    fn otherwise(&mut self, plan: &Plan) -> Option<Kind> {
        match self.report(plan, View::Hash) {
            Ok(report) => Kind::of(&report),
            Err(message) => Some(Kind {
                property: PANIC.to_owned(),
                signature: message,
            }),
        }
    }

    /// The log of a world that fails.
    fn log(&mut self, plan: &Plan) -> Option<EventLog> {
        self.report(plan, View::Events).ok()?.log
    }

    fn by_stalls(&mut self, plan: &Plan, kind: &Kind) -> Option<Decisive> {
        let stalls = plan.decisions.iter().map(|it| it.key);
        let mut stalls = stalls.filter(|key| key.domain == Domain::Stall);
        stalls.find_map(|key| self.by_stall(plan, kind, key))
    }

    /// Where the world holds without this stall: after how many steps of others it has lasted long enough.
    fn by_stall(&mut self, plan: &Plan, kind: &Kind, key: Key) -> Option<Decisive> {
        let lasts = |steps| lasting(plan, key, steps);
        if self.fails(&lasts(0), kind) {
            return None;
        }
        let mut enough = 1;
        while !self.fails(&lasts(enough), kind) {
            enough = enough.checked_mul(2).filter(|it| *it <= STEPS_MAX)?;
        }
        let (few, enough) = self.bisect(enough / 2, enough, |search, steps| {
            search.fails(&lasts(steps), kind)
        });
        let (fails, holds) = (lasts(enough), lasts(few));
        let (first, second) = around(&self.log(&fails)?, &fails, key)?;
        Some(Decisive {
            first,
            second,
            otherwise: self.otherwise(&holds),
            fails,
            holds,
        })
    }

    /// The neighbours between one number that does not do and one that does.
    fn bisect(
        &mut self,
        mut not: u32,
        mut does: u32,
        mut holds: impl FnMut(&mut Self, u32) -> bool,
    ) -> (u32, u32) {
        while not.abs_diff(does) > 1 {
            let middle = u32::midpoint(not, does);
            match holds(self, middle) {
                true => does = middle,
                false => not = middle,
            }
        }
        (not, does)
    }

    fn by_times(&mut self, plan: &Plan, kind: &Kind) -> Option<Decisive> {
        let operations = (0..plan.operations.len()).rev();
        let mut moves = operations.flat_map(|nth| [(nth, plan.heal_ms), (nth, 0)]);
        moves.find_map(|(nth, limit)| self.by_time(plan, kind, nth, limit))
    }

    /// Where the world holds with this operation at another time: the last millisecond at which it fails.
    fn by_time(&mut self, plan: &Plan, kind: &Kind, nth: usize, limit: u32) -> Option<Decisive> {
        let at = |at_ms| {
            let mut moved = plan.clone();
            moved.operations[nth].at_ms = at_ms;
            moved
        };
        if self.fails(&at(limit), kind) {
            return None;
        }
        let now = plan.operations[nth].at_ms.min(plan.heal_ms);
        let (holding, failing) =
            self.bisect(limit, now, |search, at_ms| search.fails(&at(at_ms), kind));
        let (fails, holds) = (at(failing), at(holding));
        let operation = Happened::Operation(fails.operations[nth]);
        // Whatever is first passed on the way to the time at which it holds.
        let log = self.log(if holding > failing { &fails } else { &holds })?;
        let passed = passed(&log, failing.min(holding))?;
        let (first, second) = match holding > failing {
            true => (operation, passed),
            false => (passed, operation),
        };
        Some(Decisive {
            first,
            second,
            otherwise: self.otherwise(&holds),
            fails,
            holds,
        })
    }
}

/// The plan where this stall ends after so many steps of others; without it where that is none.
fn lasting(plan: &Plan, stall: Key, steps: u32) -> Plan {
    let resume = Key {
        domain: Domain::Resume,
        ..stall
    };
    let mut plan = plan.clone();
    let goes = |key: Key| key == resume || (steps == 0 && key == stall);
    plan.decisions.retain(|decision| !goes(decision.key));
    if steps > 0 {
        plan.decisions.push(Decision {
            key: resume,
            value: steps,
        });
        plan.decisions.sort_unstable_by_key(|decision| decision.key);
    }
    plan
}

/// The last step of another thread during a stall, and the step before which the thread stood.
fn around(log: &EventLog, plan: &Plan, stall: Key) -> Option<(Happened, Happened)> {
    let is_before = |it: &&Decision| {
        let key = it.key;
        (key.domain, key.who) == (stall.domain, stall.who) && key.nth < stall.nth
    };
    let before = plan.decisions.iter().filter(is_before).count();
    let thread = log.threads.get(usize::from(stall.who)).copied()?;
    let entries = log.entries.iter();
    let mut stalls = entries
        .enumerate()
        .filter(|(_, entry)| entry.thread == Some(thread) && entry.what == What::Stalled);
    let (begin, _) = stalls.nth(before)?;
    let steps = log
        .entries
        .get(begin + 1..)?
        .iter()
        .filter(|entry| matches!(entry.what, What::Step { .. }));
    let mut last = None;
    for step in steps {
        if step.thread == Some(thread) {
            return Some((Happened::Entry(last?), Happened::Entry(step.clone())));
        }
        last = Some(step.clone());
    }
    Some((Happened::Entry(last?), Happened::Next(thread)))
}

/// What first happens in or after this millisecond and is not of an operation's own making.
fn passed(log: &EventLog, at_ms: u32) -> Option<Happened> {
    let is_passed = |entry: &&Entry| {
        let is_event = matches!(
            entry.what,
            What::Arrived(_) | What::Told { .. } | What::Failed { .. }
        );
        is_event && entry.at.as_micros() >= u64::from(at_ms) * 1_000
    };
    let entry = log.entries.iter().find(is_passed)?;
    Some(Happened::Entry(entry.clone()))
}
