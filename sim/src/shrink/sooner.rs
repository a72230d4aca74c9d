//! What a fault holds up comes sooner without it: the fault is taken out, and all that the plan has after it moves by as much. Without
//! that, what is left of the plan is about another moment.

use core::time::Duration;
use std::collections::BTreeSet;

use iaxproof::time::Instant;

use crate::decide::{Domain, Key};
use crate::network::{LATE_MS, ends_of};
use crate::plan::{Partition, Plan};
use crate::report::Report;

use super::align::moments;
use super::search::Search;

/// Of plans with how many decisions at most: each decision of each candidate is a run.
const DECISIONS_MAX: usize = 16;
/// How many datagrams or questions behind the fault may be what was done again.
const AGAIN_MAX: usize = 8;

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
    let partitions = (0..plan.partitions.len()).rev();
    let partitions = partitions.map(|nth| without_partition(plan, nth, asked));
    let decisions = (0..plan.decisions.len()).rev();
    let decisions = decisions.filter_map(|nth| without_decision(plan, nth, asked));
    partitions.chain(decisions).collect()
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

/// Until something alike was done again, or as long as a datagram is late.
fn held_up(asked: &[(Key, Instant)], at: Instant, is_alike: impl Fn(Key) -> bool) -> BTreeSet<u32> {
    let later = asked
        .iter()
        .filter(|(key, then)| is_alike(*key) && *then > at);
    let later: BTreeSet<Instant> = later.map(|(_, then)| *then).collect();
    let again = later.into_iter().take(AGAIN_MAX);
    let again = again.map(|then| then.saturating_since(at).as_millis() as u32);
    again.chain(LATE_MS.map(|late| late as u32)).collect()
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
    /// Takes out one fault, and lets all that is later come sooner by as long as the fault may have held it up. True where one is gone.
    pub(super) fn come_sooner(&mut self) -> bool {
        if self.plan.decisions.len() > DECISIONS_MAX {
            return false;
        }
        let all = without_each(&self.plan, &self.asked);
        all.iter().any(|less| {
            let mut by = less.held_up.iter();
            by.any(|by| self.attempt_sooner(less, *by))
        })
    }

    fn attempt_sooner(&mut self, without: &Without, by: u32) -> bool {
        let mut less = without.plan.clone();
        come_sooner(&mut less, without.at, by);
        let decisions = core::mem::take(&mut less.decisions);
        let by = Duration::from_millis(by.into());
        let decisions = moments(&decisions, &self.asked).into_iter();
        let sooner = decisions.map(|(it, moment)| (it, moment.sooner(without.at, by)));
        self.attempt_with(less, sooner.collect())
    }
}
