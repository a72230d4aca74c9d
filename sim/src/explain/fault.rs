//! The faults that decide: where the order of no two things does, a world may fail for one datagram, one write or one partition alone.
//! Each fault is taken out, and moved to its neighbour, to see whether it must be just that one.

use core::fmt;

use crate::again::{Difference, parts};
use crate::decide::{Decision, Key};
use crate::plan::{Partition, Plan};
use crate::report::{Report, View};
use crate::shrink::Kind;

use super::Search;

/// Something that goes wrong with a network, a database or a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// With one datagram, question, write or process.
    Decision(Decision),
    /// With all datagrams of one direction for a while.
    Partition(Partition),
}

/// `network 2 5 = 1`, or `partition from client 0 to server 0, 3.000 s to 5.000 s`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Decision(decision) => write!(f, "{decision}"),
            Fault::Partition(it) => write!(
                f,
                "partition from {} to {}, {:.3} s to {:.3} s",
                it.from,
                it.to,
                f64::from(it.start_ms) / 1_000.0,
                f64::from(it.end_ms) / 1_000.0
            ),
        }
    }
}

/// A fault without which the world does not fail in this way.
#[derive(Clone, Debug)]
pub struct DecisiveFault {
    /// Which.
    pub fault: Fault,
    /// Where the two worlds part: once with the fault, and again without it.
    pub parts: Option<Difference>,
    /// It fails.
    pub fails: Plan,
    /// Without the fault it holds, or fails in another way.
    pub holds: Plan,
    /// How it fails then; `None` where it holds.
    pub otherwise: Option<Kind>,
    /// What becomes of it where the fault comes one sooner, or one later.
    pub moved: Vec<Moved>,
}

/// The same fault a little away.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The fault there.
    pub to: Fault,
    /// Whether the world fails in the same way all the same.
    pub fails: bool,
}

impl<R: FnMut(&Plan, View) -> Result<Report, String>> Search<R> {
    /// Every fault that decides.
    pub(super) fn by_faults(&mut self, plan: &Plan, kind: &Kind) -> Vec<DecisiveFault> {
        let faults = faults(plan).into_iter();
        faults
            .filter_map(|fault| self.by_fault(plan, kind, fault))
            .collect()
    }

    fn by_fault(&mut self, plan: &Plan, kind: &Kind, fault: Fault) -> Option<DecisiveFault> {
        let holds = without(plan, fault);
        if self.fails(&holds, kind) {
            return None;
        }
        let once = self.log(plan);
        let again = self.log(&holds);
        let neighbours = neighbours(fault).into_iter();
        let moved = neighbours
            .filter_map(|to| Some((to, with(&holds, to)?)))
            .map(|(to, plan)| Moved {
                to,
                fails: self.fails(&plan, kind),
            });
        Some(DecisiveFault {
            fault,
            moved: moved.collect(),
            parts: once
                .zip(again)
                .and_then(|(once, again)| parts(&once, &again)),
            otherwise: self.otherwise(&holds),
            fails: plan.clone(),
            holds,
        })
    }
}

fn faults(plan: &Plan) -> Vec<Fault> {
    let decisions = plan.decisions.iter().copied();
    let decisions = decisions.filter(|it| it.key.domain.is_of_a_fault());
    let partitions = plan.partitions.iter().copied().map(Fault::Partition);
    decisions.map(Fault::Decision).chain(partitions).collect()
}

fn without(plan: &Plan, fault: Fault) -> Plan {
    let mut plan = plan.clone();
    match fault {
        Fault::Decision(decision) => plan.decisions.retain(|it| *it != decision),
        Fault::Partition(partition) => plan.partitions.retain(|it| *it != partition),
    }
    plan
}

/// The fault one sooner and one later: about the datagram before or behind it, or for as long just before or after.
fn neighbours(fault: Fault) -> Vec<Fault> {
    match fault {
        Fault::Decision(Decision { key, value }) => {
            let sooner = key.nth.checked_sub(1);
            let all = [sooner, key.nth.checked_add(1)].into_iter().flatten();
            let moved = all.map(|nth| Decision {
                key: Key { nth, ..key },
                value,
            });
            moved.map(Fault::Decision).collect()
        }
        Fault::Partition(it) => {
            let length = it.end_ms - it.start_ms;
            let sooner = it.start_ms.checked_sub(length);
            let all = sooner.into_iter().chain([it.end_ms]);
            let moved = all.map(|start_ms| Partition {
                start_ms,
                end_ms: start_ms.saturating_add(length),
                ..it
            });
            moved.map(Fault::Partition).collect()
        }
    }
}

/// The plan with one more fault; `None` where something else is decided there already, or it can be no plan.
fn with(plan: &Plan, fault: Fault) -> Option<Plan> {
    let mut plan = plan.clone();
    match fault {
        Fault::Decision(decision) => {
            let place = plan
                .decisions
                .binary_search_by_key(&decision.key, |it| it.key);
            plan.decisions.insert(place.err()?, decision);
        }
        Fault::Partition(partition) => plan.partitions.push(partition),
    }
    plan.validate().is_ok().then_some(plan)
}

#[cfg(test)]
mod tests {
    use super::super::{Explanation, explain};
    use super::*;
    use crate::decide::Domain;
    use crate::plan::Actor;

    /// Explains a world without a clock, which fails for its faults alone.
    fn explained(plan: &Plan, fails: impl Fn(&Plan) -> bool) -> Explanation {
        let run = |plan: &Plan, _| {
            let mut report = Report::empty(plan.clone());
            if fails(plan) {
                report.fail("call-ends", "one is up");
            }
            Ok(report)
        };
        explain(plan, run).unwrap()
    }

    fn plan(decisions: &[&str]) -> Plan {
        let mut plan = Plan::from_seed(1);
        plan.explore = false;
        plan.partitions.clear();
        let decisions = decisions.iter();
        plan.decisions = decisions.map(|it| it.parse().unwrap()).collect();
        plan
    }

    fn words(found: &DecisiveFault) -> (String, Vec<(String, bool)>) {
        let moved = found.moved.iter();
        let moved = moved.map(|it| (it.to.to_string(), it.fails));
        (found.fault.to_string(), moved.collect())
    }

    #[test]
    fn one_lost_datagram_decides_and_the_one_behind_it_does_not() {
        let plan = plan(&["network 1 0 = 2", "network 1 4 = 1", "registrar 0 0 = 1"]);
        let is_lost = |plan: &Plan, nth| {
            plan.decisions
                .iter()
                .any(|it| it.key.domain == Domain::Network && it.key.nth == nth && it.value == 1)
        };
        let explanation = explained(&plan, |plan| is_lost(plan, 4) || is_lost(plan, 3));
        assert!(explanation.decisive.is_none());
        let [found] = explanation.faults.as_slice() else {
            panic!("{:?}", explanation.faults);
        };
        let moved = [
            ("network 1 3 = 1".into(), true),
            ("network 1 5 = 1".into(), false),
        ];
        assert_eq!(words(found), ("network 1 4 = 1".into(), moved.into()));
        assert_eq!(found.fails, plan);
        assert_eq!(found.holds.decisions.len(), 2);
        assert_eq!((&found.otherwise, &found.parts), (&None, &None));
    }

    #[test]
    fn a_partition_decides_where_it_lies() {
        let mut plan = plan(&[]);
        plan.partitions.push(Partition {
            from: Actor::Server(0),
            to: Actor::Client(0),
            start_ms: 3_000,
            end_ms: 5_000,
        });
        let explanation = explained(&plan, |plan| {
            plan.partitions.iter().any(|it| it.start_ms <= 3_000)
        });
        let found = explanation.faults.first().unwrap();
        let at =
            |from, to| format!("partition from server 0 to client 0, {from}.000 s to {to}.000 s");
        let moved = [(at(1, 3), true), (at(5, 7), false)];
        assert_eq!(words(found), (at(3, 5), moved.into()));
    }

    #[test]
    fn where_nothing_decides_no_fault_is_named() {
        let explanation = explained(&plan(&["network 1 0 = 2"]), |_| true);
        assert!(explanation.decisive.is_none() && explanation.faults.is_empty());
    }
}
