//! What a fault does, something else may do: the fault is taken out, and another part of the plan stands in for it.
//!
//! - What it held up comes sooner: all that the plan has after it moves by as much.
//! - A thread that stalls stands still for longer.
//! - A process that dies needs a store for its registrations: they may be rows of the database instead.

use core::time::Duration;
use std::collections::BTreeSet;

use iaxproof::time::Instant;

use crate::decide::{Decision, Domain, Key};
use crate::network::{LATE_MS, ends_of};
use crate::plan::{Partition, Plan, What};
use crate::report::Report;
use crate::schedule::LONGEST;

use super::align::{Moment, moments};
use super::search::Search;

/// Of plans with how many decisions at most: each decision of each candidate is a run.
const DECISIONS_MAX: usize = 16;
/// How many datagrams or questions behind the fault may be what was done again.
const AGAIN_MAX: usize = 8;
/// How many steps a thread takes at one time, of those at which it may stall instead.
const STEPS_MAX: usize = 16;

/// A plan without one of its faults.
struct Without {
    plan: Plan,
    /// When the fault was.
    at: Instant,
    /// How long it may have held up what came after it, in milliseconds.
    held_up: BTreeSet<u32>,
}

/// The plan without each of its faults, the last first.
fn without_each(plan: &Plan, asked: &[(Key, Instant)]) -> Vec<Without> {
    let restarts = (0..plan.operations.len()).rev();
    let restarts = restarts.filter_map(|nth| without_restart(plan, nth));
    let partitions = (0..plan.partitions.len()).rev();
    let partitions = partitions.map(|nth| without_partition(plan, nth, asked));
    let decisions = (0..plan.decisions.len()).rev();
    let decisions = decisions.filter_map(|nth| without_decision(plan, nth, asked));
    restarts.chain(partitions).chain(decisions).collect()
}

fn without_restart(plan: &Plan, nth: usize) -> Option<Without> {
    let mut less = plan.clone();
    let gone = less.operations.remove(nth);
    less.topology.realtime = (0..less.topology.clients).collect();
    (gone.what == What::Restart).then(|| Without {
        plan: less,
        at: Instant::from_millis(gone.at_ms.into()),
        held_up: BTreeSet::from([0]),
    })
}

fn without_partition(plan: &Plan, nth: usize, asked: &[(Key, Instant)]) -> Without {
    let mut less = plan.clone();
    let gone = less.partitions.remove(nth);
    let at = Instant::from_millis(gone.start_ms.into());
    let is_alike = |key: Key| is_under(plan, gone, key);
    Without {
        plan: less,
        at,
        held_up: held_up(asked, at, is_alike),
    }
}

fn without_decision(plan: &Plan, nth: usize, asked: &[(Key, Instant)]) -> Option<Without> {
    let mut less = plan.clone();
    let gone = less.decisions.remove(nth).key;
    let (_, at) = *asked.iter().find(|(key, _)| *key == gone)?;
    let is_alike = |key: Key| (key.domain, key.who) == (gone.domain, gone.who);
    let is_fault = gone.domain.is_of_a_fault();
    is_fault.then(|| Without {
        plan: less,
        at,
        held_up: held_up(asked, at, is_alike),
    })
}

/// Whether a datagram would be lost to a partition, at its time.
fn is_under(plan: &Plan, partition: Partition, key: Key) -> bool {
    key.domain == Domain::Network
        && ends_of(&plan.topology, key.who) == Some((partition.from, partition.to))
}

/// Not at all, until something alike was done again, or as long as a datagram is late.
fn held_up(asked: &[(Key, Instant)], at: Instant, is_alike: impl Fn(Key) -> bool) -> BTreeSet<u32> {
    let later = asked
        .iter()
        .filter(|(key, then)| is_alike(*key) && *then > at);
    let later: BTreeSet<Instant> = later.map(|(_, then)| *then).collect();
    let again = later.into_iter().take(AGAIN_MAX);
    let again = again.map(|then| then.saturating_since(at).as_millis() as u32);
    let late = LATE_MS.map(|late| late as u32);
    again.chain(late).chain([0]).collect()
}

/// The plan with its stalls as they are, and with those that last longest.
fn with_stalls(plan: &Plan) -> [Plan; 2] {
    let mut longest = plan.clone();
    let decisions = longest.decisions.iter_mut();
    for stall in decisions.filter(|it| it.key.domain == Domain::Stall) {
        stall.value = LONGEST;
    }
    [plan.clone(), longest]
}

/// What a plan has later than a time comes sooner by as much.
fn come_sooner(plan: &mut Plan, than: Instant, by: u32) {
    let operations = plan.operations.iter_mut().map(|it| &mut it.at_ms);
    let partitions = plan.partitions.iter_mut();
    let partitions = partitions.flat_map(|it| [&mut it.start_ms, &mut it.end_ms]);
    let all = operations.chain(partitions);
    for time in all.filter(|it| Instant::from_millis((**it).into()) > than) {
        *time = time.saturating_sub(by);
    }
}

impl<R: FnMut(&Plan) -> Result<Report, String>> Search<R> {
    /// Takes out one fault, and lets something else stand in for it. True where one is gone.
    pub(super) fn stand_in(&mut self) -> bool {
        if self.plan.decisions.len() > DECISIONS_MAX {
            return false;
        }
        let all = without_each(&self.plan, &self.asked);
        all.iter().any(|less| {
            let stalls = with_stalls(&less.plan);
            let mut both = stalls.iter();
            both.any(|plan| {
                let mut by = less.held_up.iter();
                by.any(|by| self.attempt_sooner(plan, less.at, *by, None))
            })
        })
    }

    /// The same, where threads stall at other steps that they take at the same time, and for as long as they can. True where a fault is
    /// gone. Ends where so many worlds are run.
    pub(super) fn stand_in_at_other_steps(&mut self, until: u64) -> bool {
        let decisions = &self.plan.decisions;
        let stalls = decisions.iter().any(|it| it.key.domain == Domain::Stall);
        if !stalls || decisions.len() > DECISIONS_MAX {
            return false;
        }
        let all = without_each(&self.plan, &self.asked);
        all.iter().any(|less| {
            let [_, plan] = with_stalls(&less.plan);
            let by = less.held_up.iter();
            let mut each = by.flat_map(|by| (0..STEPS_MAX).map(move |step| (*by, step)));
            each.any(|(by, step)| {
                self.runs < until && self.attempt_sooner(&plan, less.at, by, Some(step))
            })
        })
    }

    fn attempt_sooner(&mut self, plan: &Plan, than: Instant, by: u32, step: Option<usize>) -> bool {
        let mut sooner = plan.clone();
        come_sooner(&mut sooner, than, by);
        let decisions = core::mem::take(&mut sooner.decisions);
        let by = Duration::from_millis(by.into());
        let moved = |(it, moment): (Decision, Moment)| {
            let moment = moment.sooner(than, by);
            match step.filter(|_| it.key.domain == Domain::Stall) {
                Some(step) => (it, moment.at_step(step)),
                None => (it, moment),
            }
        };
        let decisions = moments(&decisions, &self.asked);
        let decisions = decisions.into_iter().map(moved).collect();
        self.attempt_with(sooner, decisions)
    }
}
