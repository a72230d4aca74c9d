//! Tries candidates, and keeps those whose world fails in the same way.

use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use iaxproof::time::Instant;

use crate::decide::{Decision, Key};
use crate::plan::{Plan, VERSION};
use crate::report::Report;

use super::align::{Moment, moments};
use super::edits::{Edit, edits, trades};
use super::element::{elements, without};
use super::{Counts, Element, Kind, Refusal, Shrunk};
use super::{fewer, nodes};

/// The lists of a plan, in the order in which they are cut short: fewer operations leave fewer decisions.
const LISTS: [List; 3] = [List::Operations, List::Partitions, List::Decisions];

/// Of plans with how many decisions at most one thing is taken out and all of the others are found again: each is a run.
const ALIGN_MAX: usize = 24;

/// Of how many plans is remembered what their worlds asked for. Then all are forgotten: who shares a plan comes soon after.
const ASKED_MAX: usize = 512;

/// What a world asked for, and when.
type Asked = Rc<[(Key, Instant)]>;

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
    pub(super) runs: u64,
    /// How many of them are left for fewer faults.
    pub(super) for_fewer: u64,
    is_cut: bool,
    pub(super) plan: Plan,
    kind: Kind,
    message: String,
    /// When the decisions of the plan were asked for.
    pub(super) asked: Vec<(Key, Instant)>,
    /// The candidates that did not fail in the same way, as texts: most come up in every round.
    refused: BTreeSet<String>,
    /// What worlds asked for that were run to find decisions again: candidates that differ in a late decision share those before it.
    asked_by: BTreeMap<String, Asked>,
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
            for_fewer: fewer::RUNS_MAX,
            is_cut: false,
            plan: report.plan.clone(),
            kind,
            message: String::new(),
            asked: Vec::new(),
            refused: BTreeSet::new(),
            asked_by: BTreeMap::new(),
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
            while self.stand_in() {}
            self.edit();
            // What takes the most runs comes where nothing else is left.
            if self.plan == before {
                self.do_with_fewer_faults();
            }
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
    pub(super) fn attempt_aligned(&mut self, mut less: Plan) -> bool {
        let decisions = core::mem::take(&mut less.decisions);
        let moments = moments(&decisions, &self.asked);
        self.attempt_with(less, moments)
    }

    /// Attempts this plan with decisions that are about what they were about: at these moments.
    pub(super) fn attempt_with(
        &mut self,
        mut plan: Plan,
        decisions: Vec<(Decision, Moment)>,
    ) -> bool {
        for (decision, moment) in decisions {
            let Some(asked) = self.asked_by(&plan) else {
                return false;
            };
            let key = moment.find(decision.key, &asked);
            plan.decisions
                .extend(key.map(|key| Decision { key, ..decision }));
        }
        self.attempt(plan)
    }

    /// What the world of this plan asks for; none where the budget is used up, or it breaks off.
    pub(super) fn asked_by(&mut self, plan: &Plan) -> Option<Asked> {
        let text = plan.to_string();
        if let Some(asked) = self.asked_by.get(&text) {
            return Some(Rc::clone(asked));
        }
        let asked: Asked = self.run(plan)?.asked.into();
        if self.asked_by.len() >= ASKED_MAX {
            self.asked_by.clear();
        }
        self.asked_by.insert(text, Rc::clone(&asked));
        Some(asked)
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
    pub(super) fn attempt(&mut self, candidate: Plan) -> bool {
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
    pub(super) fn run(&mut self, candidate: &Plan) -> Option<Report> {
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
