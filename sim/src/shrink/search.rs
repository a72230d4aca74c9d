//! Tries candidates, and keeps those whose world fails in the same way.

use core::ops::Range;
use std::collections::BTreeSet;

use iaxproof::time::Instant;

use crate::decide::{Decision, Key};
use crate::plan::{Plan, VERSION};
use crate::report::Report;

use super::align::moments;
use super::edits::{Edit, edits, trades};
use super::element::{elements, without};
use super::nodes;
use super::{Counts, Element, Kind, Refusal, Shrunk};

/// The lists of a plan, in the order in which they are cut short: fewer operations leave fewer decisions.
const LISTS: [List; 3] = [List::Operations, List::Partitions, List::Decisions];

/// Of plans with how many decisions at most one thing is taken out and all of the others are found again: each is a run.
const ALIGN_MAX: usize = 24;

#[derive(Clone, Copy)]
enum List {
    Operations,
    Partitions,
    Decisions,
}

impl List {
    const fn len(self, plan: &Plan) -> usize {
        match self {
            List::Operations => plan.operations.len(),
            List::Partitions => plan.partitions.len(),
            List::Decisions => plan.decisions.len(),
        }
    }

    fn cut(self, plan: &mut Plan, range: Range<usize>) {
        match self {
            List::Operations => drop(plan.operations.drain(range)),
            List::Partitions => drop(plan.partitions.drain(range)),
            List::Decisions => drop(plan.decisions.drain(range)),
        }
    }
}

/// The smallest plan so far, and what is left of the budget.
pub(super) struct Search<R> {
    run: R,
    budget: u64,
    runs: u64,
    is_cut: bool,
    plan: Plan,
    kind: Kind,
    message: String,
    /// When the decisions of the plan were asked for.
    asked: Vec<(Key, Instant)>,
    /// The candidates that did not fail in the same way, as texts: most come up in every round.
    refused: BTreeSet<String>,
}

impl<R: FnMut(&Plan) -> Result<Report, String>> Search<R> {
    /// Runs the plan, and the plan that this run wrote down: both must fail in one way.
    pub(super) fn begin(plan: &Plan, budget: u64, mut run: R) -> Result<(Self, Counts), Refusal> {
        let report = run(plan).map_err(Refusal::Panics)?;
        let kind = Kind::of(&report).ok_or(Refusal::Holds)?;
        let counts = Counts::of(&report.plan);
        let mut search = Search {
            run,
            // Two worlds are run whatever the budget.
            budget: budget.max(2),
            runs: 1,
            is_cut: false,
            plan: report.plan.clone(),
            kind,
            message: String::new(),
            asked: Vec::new(),
            refused: BTreeSet::new(),
        };
        let mut written = report.plan;
        written.version = VERSION.into();
        match search.fails(written) {
            true => Ok((search, counts)),
            false => Err(Refusal::Unsteady),
        }
    }

    /// Whether the budget was used up before all was tried.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Makes the plan smaller in every way there is, until none of them changes it.
    pub(super) fn reduce(&mut self) {
        loop {
            let before = self.plan.clone();
            self.cut_nodes();
            LISTS.into_iter().for_each(|list| self.cut(list));
            // Before times change: what is done at one time cannot be told apart by it.
            self.align();
            self.trade();
            self.edit();
            if self.is_cut || self.plan == before {
                return;
            }
        }
    }

    /// Runs the plan, and it without each of its elements. True where the plan fails in the same way and nothing can be taken out alone;
    /// where something can, it is taken out. What was remembered is not asked: every world is run.
    pub(super) fn prove(&mut self) -> bool {
        if !self.fails(self.plan.clone()) {
            return false;
        }
        let candidates: Vec<Plan> = elements(&self.plan)
            .into_iter()
            .filter_map(|element| without(&self.plan, element))
            .collect();
        let can_go = candidates.into_iter().any(|less| self.fails(less));
        !can_go && !self.is_cut
    }

    /// What was found.
    pub(super) fn end(self, from: Counts, is_minimal: bool) -> Shrunk {
        Shrunk {
            plan: self.plan,
            kind: self.kind,
            message: self.message,
            is_minimal,
            runs: self.runs,
            from,
        }
    }

    /// A server goes with its clients; then nodes go one by one, for there are few.
    fn cut_nodes(&mut self) {
        for server in (0..self.plan.topology.servers).rev() {
            if let Some(less) = nodes::without_server_and_clients(&self.plan, server) {
                self.attempt(less);
            }
        }
        let is_node = |element: &Element| matches!(element, Element::Node(_));
        let nodes: Vec<Element> = elements(&self.plan).into_iter().filter(is_node).collect();
        // From the last: taking it out renumbers no other that is still to be tried.
        for element in nodes.into_iter().rev() {
            if let Some(less) = without(&self.plan, element) {
                self.attempt(less);
            }
        }
    }

    /// Takes out all decisions, or one, and lets an operation come at another time instead: a lost datagram often does no more than that.
    fn trade(&mut self) {
        for edit in trades(&self.plan) {
            let mut candidate = self.plan.clone();
            edit(&mut candidate);
            if candidate.decisions.len() < self.plan.decisions.len() {
                self.attempt(candidate);
            }
        }
    }

    /// Takes out one operation or decision, and lets the other decisions be about the datagrams and steps that they were about.
    fn align(&mut self) {
        if self.plan.decisions.len() > ALIGN_MAX {
            return;
        }
        for nth in (0..self.plan.operations.len()).rev() {
            let mut less = self.plan.clone();
            less.operations.remove(nth);
            self.attempt_aligned(less);
        }
        let mut nth = self.plan.decisions.len();
        while let Some(before) = nth.checked_sub(1) {
            let mut less = self.plan.clone();
            less.decisions.remove(before);
            self.attempt_aligned(less);
            // More may be gone than this one.
            nth = before.min(self.plan.decisions.len());
        }
    }

    /// Finds the decisions again one by one, in the order of their times: each may be about something that the ones before it bring about.
    fn attempt_aligned(&mut self, mut less: Plan) -> bool {
        let decisions = core::mem::take(&mut less.decisions);
        for (decision, moment) in moments(&decisions, &self.asked) {
            let Some(report) = self.run(&less) else {
                return false;
            };
            let key = moment.find(decision.key, &report.asked);
            less.decisions
                .extend(key.map(|key| Decision { key, ..decision }));
        }
        self.attempt(less)
    }

    /// Takes stretches out of a list, from its end, the whole first, then halves, until no single one can go.
    fn cut(&mut self, list: List) {
        let mut stretch = list.len(&self.plan);
        while stretch > 0 && !self.is_cut {
            let any = self.cut_stretches(list, stretch);
            match (any, stretch) {
                (true, 1) => {}
                _ => stretch /= 2,
            }
        }
    }

    fn cut_stretches(&mut self, list: List, stretch: usize) -> bool {
        let mut any = false;
        let mut end = list.len(&self.plan);
        while end > 0 {
            let from = end.saturating_sub(stretch);
            let mut candidate = self.plan.clone();
            list.cut(&mut candidate, from..end);
            any |= self.attempt(candidate);
            // What runs writes down no decision that was not asked for, so the list may be shorter by more.
            end = from.min(list.len(&self.plan));
        }
        any
    }

    /// Makes numbers smaller and takes out what nobody refers to, until no edit changes anything.
    fn edit(&mut self) {
        loop {
            let tried: Vec<Edit> = edits(&self.plan);
            let any = tried.iter().fold(false, |any, edit| {
                let mut candidate = self.plan.clone();
                edit(&mut candidate);
                self.attempt(candidate) || any
            });
            if !any || self.is_cut {
                return;
            }
        }
    }

    /// Takes a candidate over where it is another plan, can be run, and fails in the same way.
    fn attempt(&mut self, candidate: Plan) -> bool {
        if candidate == self.plan || candidate.validate().is_err() {
            return false;
        }
        let text = candidate.to_string();
        if self.refused.contains(&text) {
            return false;
        }
        let fails = self.fails(candidate);
        if !fails {
            self.refused.insert(text);
        }
        fails
    }

    /// Runs a candidate, and takes it over where it fails in the same way.
    fn fails(&mut self, candidate: Plan) -> bool {
        let Some(mut report) = self.run(&candidate) else {
            return false;
        };
        if Kind::of(&report).as_ref() != Some(&self.kind) {
            return false;
        }
        if let Some(failure) = report.failure() {
            self.message.clone_from(&failure.violation.message);
        }
        self.asked = core::mem::take(&mut report.asked);
        self.plan = smaller(candidate, report.plan);
        true
    }

    /// Runs a candidate, where the budget allows it and nothing breaks off.
    fn run(&mut self, candidate: &Plan) -> Option<Report> {
        self.is_cut |= self.runs >= self.budget;
        if self.is_cut {
            return None;
        }
        self.runs += 1;
        (self.run)(candidate).ok()
    }
}

/// The plan as it ran, where it is no larger: decisions that nobody asked for are not in it.
fn smaller(candidate: Plan, ran: Plan) -> Plan {
    match ran.decisions.len() <= candidate.decisions.len() {
        true => ran,
        false => candidate,
    }
}

#[cfg(test)]
mod tests {
    use super::super::shrink;
    use super::*;
    use crate::decide::Domain;

    /// What a world of this plan would report that fails or holds.
    fn report(plan: &Plan, fails: bool) -> Report {
        let mut report = Report::empty(plan.clone());
        if fails {
            report.fail("no-leak", "one is left");
        }
        report
    }

    /// Two operations and one decision.
    fn plan() -> Plan {
        let mut plan = Plan::from_seed(1);
        plan.explore = false;
        plan.operations.truncate(2);
        plan.partitions.clear();
        plan.decisions = vec!["network 1 0 = 1".parse().unwrap()];
        assert_eq!((plan.operations.len(), plan.validate()), (2, Ok(())));
        plan
    }

    /// Knows a plan that was run just before and failed: only a proof runs it again.
    #[derive(Default)]
    struct Proofs {
        failed: Option<Plan>,
        begun: u64,
    }

    impl Proofs {
        fn saw(&mut self, plan: &Plan) {
            self.begun += u64::from(self.failed.as_ref() == Some(plan));
        }
    }

    /// Shrinks where `fails` says which plans do, and how many proofs have begun. The plan that was given is run twice.
    fn shrunk(budget: u64, fails: impl Fn(&Plan, u64) -> bool) -> Shrunk {
        let (mut proofs, mut runs) = (Proofs::default(), 0);
        let shrunk = shrink(&plan(), budget, |plan| {
            runs += 1;
            proofs.saw(plan);
            let fails = fails(plan, proofs.begun.saturating_sub(1));
            if fails {
                proofs.failed = Some(plan.clone());
            }
            Ok(report(plan, fails))
        });
        let shrunk = shrunk.unwrap();
        assert_eq!(shrunk.runs, runs);
        shrunk
    }

    #[test]
    fn a_decision_is_traded_for_another_time() {
        let shrunk = shrunk(5_000, |plan, _| match plan.operations.as_slice() {
            [first, second] => {
                let pause = second.at_ms - first.at_ms;
                !plan.decisions.is_empty() || pause == 25
            }
            _ => false,
        });
        assert!(shrunk.is_minimal);
        assert_eq!(shrunk.plan.decisions, []);
        assert_eq!(shrunk.plan.operations.len(), 2);
    }

    const STALL: Key = Key {
        domain: Domain::Stall,
        who: 3,
        nth: 0,
    };
    const LOSS: Key = Key {
        domain: Domain::Network,
        who: 0,
        nth: 0,
    };
    /// How many steps a thread takes for one operation.
    const STEPS: u32 = 56;

    /// The steps of one thread, as many at the time of each operation.
    fn steps(plan: &Plan) -> Vec<(Key, Instant)> {
        let times = plan.operations.iter().map(|it| it.at_ms);
        let steps = times.flat_map(|at_ms| (0..STEPS).map(move |_| at_ms));
        let step = |(nth, at_ms): (u32, u32)| {
            let at = Instant::from_millis(at_ms.into());
            (Key { nth, ..STALL }, at)
        };
        (0..).zip(steps).map(step).collect()
    }

    #[test]
    fn a_stall_is_found_again_when_an_operation_before_it_goes() {
        let mut given = plan();
        given.operations[1].at_ms = given.operations[0].at_ms + 500;
        given.decisions = vec!["stall 3 66 = 6".parse().unwrap()];
        let shrunk = shrink(&given, 5_000, |plan| {
            let last = plan.operations.len().checked_sub(1);
            let due = last.map(|last| STEPS * last as u32 + 10);
            let stalls_at = plan.decisions.first().map(|it| it.key.nth);
            let mut report = report(plan, due.is_some() && stalls_at == due);
            report.asked = steps(plan);
            Ok(report)
        });
        let shrunk = shrunk.unwrap();
        assert!(shrunk.is_minimal);
        assert_eq!(shrunk.plan.operations.len(), 1);
        assert_eq!(shrunk.plan.decisions[0].to_string(), "stall 3 10 = 1");
    }

    #[test]
    fn a_stall_is_found_again_when_a_loss_before_it_goes() {
        let mut given = plan();
        given.operations.truncate(1);
        given.decisions = ["network 0 0 = 1", "stall 3 12 = 1"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        let shrunk = shrink(&given, 5_000, |plan| {
            // What is lost is sent again: two steps more before the tenth.
            let is_lost = plan.decisions.iter().any(|it| it.key.who == 0);
            let due = if is_lost { 12 } else { 10 };
            let stalls = plan.decisions.iter().filter(|it| it.key.who == 3);
            let stalls: Vec<u32> = stalls.map(|it| it.key.nth).collect();
            let mut report = report(plan, stalls == [due] && plan.operations.len() == 1);
            let late = |nth| Instant::from_millis(if nth < due - 10 { 0 } else { 500 });
            let steps = (0..STEPS).map(|nth| (Key { nth, ..STALL }, late(nth)));
            report.asked = steps.collect();
            report.asked.push((LOSS, Instant::ZERO));
            Ok(report)
        });
        let decisions = shrunk.unwrap().plan.decisions;
        assert_eq!(decisions, ["stall 3 10 = 1".parse().unwrap()]);
    }

    #[test]
    fn a_proof_asks_again_what_was_remembered() {
        // With one operation it fails from the first proof on.
        let shrunk = shrunk(5_000, |plan, proofs| {
            plan.operations.len() + proofs.min(1) as usize >= 2
        });
        assert!(shrunk.is_minimal);
        assert_eq!(shrunk.plan.operations.len(), 1);
    }

    #[test]
    fn what_does_not_fail_when_it_is_to_be_proved_is_not_called_minimal() {
        let shrunk = shrunk(5_000, |plan, proofs| {
            proofs == 0 && plan.operations.len() == 2
        });
        assert!(!shrunk.is_minimal);
        assert_eq!(shrunk.runs, 5_000);
    }

    #[test]
    fn a_budget_is_used_up_to_its_last_run_and_no_further() {
        let fails = |plan: &Plan, _| plan.operations.len() == 2;
        let whole = shrunk(5_000, fails);
        assert!(whole.is_minimal && whole.runs < 5_000);
        for budget in 2..=whole.runs {
            let cut = shrunk(budget, fails);
            assert_eq!((cut.runs, cut.is_minimal), (budget, budget == whole.runs));
        }
        let more = shrunk(whole.runs + 1, fails);
        assert_eq!((more.runs, more.is_minimal), (whole.runs, true));
    }
}
