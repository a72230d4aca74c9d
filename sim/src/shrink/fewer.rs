//! Fewer faults: where several only shift something until it meets an operation, the operation can come when it happens without them;
//! and of what is lost one after the other on one way, all can be lost to one partition.

use std::collections::BTreeSet;

use iaxproof::time::Instant;

use crate::decide::{Decision, Domain, Key};
use crate::network::{ends_of, is_loss};
use crate::plan::{Actor, Operation, Partition, Plan};
use crate::report::Report;
use crate::schedule::ThreadId;

use super::align::{Moment, moments};
use super::search::Search;

/// Plans with how many faults, and how many operations, this is for: those that are small already.
const FAULTS_MAX: usize = 8;
const OPERATIONS_MAX: usize = 6;
/// How many worlds are run for it at most while a plan is shrunk: what else shrinks it needs some too.
pub(super) const RUNS_MAX: u64 = 8_000;
/// How much sooner or later than something else an operation comes, in milliseconds: so that it, or the other, is in the middle of what it
/// does where a thread stalls.
const BESIDE_MS: i32 = 5;

/// What comes as much later or sooner as an operation does.
#[derive(Clone, Copy)]
enum Along {
    /// What threads do.
    Threads,
    /// That, what else is decided, and partitions.
    All,
}

/// What nobody wishes for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// A process dies, or a NAT forgets.
    Operation(Operation),
    /// Several datagrams are lost.
    Partition(Partition),
    /// One datagram or one answer.
    Decision(Decision),
}

/// The faults of a plan.
fn faults(plan: &Plan) -> Vec<Fault> {
    let operations = plan.operations.iter().filter(|it| it.what.is_fault());
    let partitions = plan.partitions.iter().copied().map(Fault::Partition);
    let decisions = plan.decisions.iter();
    let decisions = decisions.filter(|it| it.key.domain.is_of_a_fault());
    let operations = operations.copied().map(Fault::Operation);
    let all = operations.chain(partitions);
    all.chain(decisions.copied().map(Fault::Decision)).collect()
}

/// A partition for each stretch of losses on one way, where there are several.
fn gathered(plan: &Plan, asked: &[(Key, Instant)]) -> Vec<Fault> {
    let losses: Vec<Partition> = plan
        .decisions
        .iter()
        .filter(|it| it.key.domain == Domain::Network && is_loss(it.value))
        .filter_map(|it| loss(plan, it.key, asked))
        .chain(plan.partitions.iter().copied())
        .collect();
    let mut all = Vec::new();
    for first in &losses {
        let same_way = |it: &&Partition| (it.from, it.to) == (first.from, first.to);
        let later = losses.iter().filter(same_way);
        let later = later.filter(|it| it.start_ms >= first.start_ms && *it != first);
        all.extend(later.map(|last| {
            Fault::Partition(Partition {
                end_ms: first.end_ms.max(last.end_ms),
                ..*first
            })
        }));
    }
    all
}

/// A loss as a partition of one millisecond.
fn loss(plan: &Plan, key: Key, asked: &[(Key, Instant)]) -> Option<Partition> {
    let (from, to) = ends_of(&plan.topology, key.who)?;
    let (_, at) = asked.iter().find(|(it, _)| *it == key)?;
    let start_ms = u32::try_from(at.as_millis()).ok()?;
    Some(Partition {
        from,
        to,
        start_ms,
        end_ms: start_ms + 1,
    })
}

/// The plan with these faults instead of its own.
fn with(plan: &Plan, kept: &[Fault]) -> Plan {
    let mut plan = plan.clone();
    plan.partitions.clear();
    plan.operations.retain(|it| !it.what.is_fault());
    plan.decisions.retain(|it| !it.key.domain.is_of_a_fault());
    for fault in kept {
        match fault {
            Fault::Operation(operation) => plan.operations.push(*operation),
            Fault::Partition(partition) => plan.partitions.push(*partition),
            Fault::Decision(decision) => plan.decisions.push(*decision),
        }
    }
    plan.operations.sort_by_key(|it| it.at_ms);
    plan
}

/// The plan with fewer faults: with none, with one, without one, with two. None where it is too large, or has none.
fn with_fewer(plan: &Plan, asked: &[(Key, Instant)]) -> Vec<Plan> {
    let own = faults(plan);
    let count = own.len();
    if count > FAULTS_MAX || plan.operations.len() > OPERATIONS_MAX {
        return Vec::new();
    }
    let all = [own.clone(), gathered(plan, asked)].concat();
    let without_one = count.max(1) - 1;
    let sizes = [(0, &own), (1, &all), (without_one, &own), (2, &all)];
    let each = sizes.into_iter().flat_map(|(size, of)| choices(of, size));
    let mut kept: Vec<Vec<Fault>> = Vec::new();
    for some in each.filter(|some| some.len() < count) {
        // Without one of two is with one of them.
        if !kept.contains(&some) {
            kept.push(some);
        }
    }
    kept.iter().map(|kept| with(plan, kept)).collect()
}

/// Every choice of `count` of these.
fn choices(of: &[Fault], count: usize) -> Vec<Vec<Fault>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let from = |at: usize| {
        let rest = choices(&of[at + 1..], count - 1);
        rest.into_iter()
            .map(move |rest| [vec![of[at]], rest].concat())
    };
    (0..of.len()).flat_map(from).collect()
}

/// The plan with an operation at another time; those behind it come as much later or sooner.
fn at_another_time(plan: &Plan, nth: usize, at_ms: u32) -> Plan {
    let mut plan = plan.clone();
    let (_, from) = plan.operations.split_at_mut(nth);
    let was = from.first().map_or(0, |it| it.at_ms);
    for operation in from {
        operation.at_ms = (operation.at_ms + at_ms).saturating_sub(was);
    }
    plan
}

/// When an operation may meet something: an operator's where a thread of the server takes a step, if there are any.
fn meetings(plan: &Plan, operation: Operation, asked: &[(Key, Instant)]) -> BTreeSet<u32> {
    let per_server = ThreadId::per_server(plan.topology.workers());
    let is_beside = |key: Key| match operation.actor {
        Actor::Server(server) => {
            key.domain == Domain::Stall && usize::from(key.who) / per_server == usize::from(server)
        }
        _ => false,
    };
    let is_threaded = asked.iter().any(|(key, _)| is_beside(*key));
    let those = asked
        .iter()
        .filter(|(key, _)| !is_threaded || is_beside(*key));
    those.map(|(_, at)| at.as_millis() as u32).collect()
}

/// The partitions as much later or sooner.
fn move_partitions(plan: &mut Plan, was: u32, at_ms: u32) {
    for partition in &mut plan.partitions {
        for time in [&mut partition.start_ms, &mut partition.end_ms] {
            *time = (*time + at_ms).saturating_sub(was);
        }
    }
}

impl<R: FnMut(&Plan) -> Result<Report, String>> Search<R> {
    /// Takes out faults, puts one partition in the place of several losses, and lets an operation come when something else happens in the
    /// world that is left.
    pub(super) fn do_with_fewer_faults(&mut self) {
        let begun = self.runs;
        let until = begun + self.for_fewer;
        if !self.stand_in_at_other_steps(until) {
            let fewer = with_fewer(&self.plan, &self.asked);
            let _ = fewer.into_iter().any(|less| {
                let is_over = self.runs >= until;
                is_over || self.attempt_aligned(less.clone()) || self.attempt_at_times(&less)
            });
        }
        self.for_fewer = self.for_fewer.saturating_sub(self.runs - begun);
    }

    /// Attempts the plan with each of its operations, from the last, at each time.
    fn attempt_at_times(&mut self, less: &Plan) -> bool {
        let along: &[Along] = match faults(less).is_empty() {
            true => &[Along::Threads],
            false => &[Along::Threads, Along::All],
        };
        let nths = (0..less.operations.len()).rev();
        let mut movable = nths.filter(|nth| !less.operations[*nth].what.is_fault());
        movable.any(|nth| {
            let times = self.times_without(less, nth);
            let each = |at_ms| along.iter().map(move |along| (at_ms, *along));
            let mut all = times.into_iter().flat_map(each);
            all.any(|(at_ms, along)| self.attempt_at(less, nth, at_ms, along))
        })
    }

    /// Beside what happens in the world without an operation, behind the operation before it.
    fn times_without(&mut self, less: &Plan, nth: usize) -> BTreeSet<u32> {
        let mut rest = less.clone();
        let operation = rest.operations.remove(nth);
        let before = nth.checked_sub(1).map_or(0, |it| less.operations[it].at_ms);
        let asked = self.asked_by(&rest);
        let asked = asked.unwrap_or_else(|| Vec::new().into());
        let beside = self.beside(operation);
        let then = meetings(less, operation, &asked).into_iter();
        let times = then.flat_map(|at| beside.iter().map(move |by| at.saturating_add_signed(*by)));
        times
            .filter(|at| (before..less.heal_ms).contains(at))
            .collect()
    }

    /// How much later an operation comes than what it meets: a thread that stalled before it was in the middle of something else then; one
    /// that stalls after it lets that be done.
    fn beside(&self, operation: Operation) -> &'static [i32] {
        let at = Instant::from_millis(operation.at_ms.into());
        let decisions = self.plan.decisions.iter().copied();
        let stalls: Vec<Decision> = decisions
            .filter(|it| it.key.domain == Domain::Stall)
            .collect();
        let moments = moments(&stalls, &self.asked);
        match moments.first() {
            None => &[-BESIDE_MS, BESIDE_MS],
            Some((_, moment)) if moment.is_before(at) => &[BESIDE_MS],
            Some(_) => &[-BESIDE_MS],
        }
    }

    /// Attempts the plan with an operation at this time.
    fn attempt_at(&mut self, less: &Plan, nth: usize, at_ms: u32, along: Along) -> bool {
        let was = less.operations[nth].at_ms;
        let mut moved = at_another_time(less, nth, at_ms);
        if matches!(along, Along::All) {
            move_partitions(&mut moved, was, at_ms);
        }
        let decisions = core::mem::take(&mut moved.decisions);
        let [was, at] = [was, at_ms].map(|ms| Instant::from_millis(ms.into()));
        let moment = |(decision, moment): (Decision, Moment)| match along {
            Along::Threads if !decision.key.domain.is_of_a_thread() => (decision, moment),
            _ => (decision, moment.moved(was, at)),
        };
        let decisions = moments(&decisions, &self.asked);
        let decisions = decisions.into_iter().map(moment).collect();
        self.attempt_with(moved, decisions)
    }
}
