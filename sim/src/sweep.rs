//! Many seeds: worlds run one after another, their results added up. A sweep is a value; adding two is commutative, so
//! several threads may take seeds as they like and the sum is the same.

use core::ops::AddAssign;
use std::collections::BTreeMap;

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::registry::Audited;
use iaxproof::registry::ledger::Book;

use crate::goals::{Goal, Goals};
use crate::plan::Plan;
use crate::report::{Report, View};
use crate::world::{DirectorySetup, run};

/// One of this many seeds is run twice, and the two traces compared.
pub const SAME_AGAIN_EVERY: u64 = 16;

/// Into how many shards the hash tables of a world's catalog are cut.
const SHARDS: usize = 4;

/// What came of some seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Worlds run, each once.
    pub worlds: u64,
    /// Events of all worlds.
    pub events: u64,
    /// Simulated microseconds of all worlds.
    pub simulated_micros: u64,
    /// Decisions that were not dull.
    pub decisions: u64,
    /// Worlds that were run a second time.
    pub run_again: u64,
    /// In how many worlds each goal was reached.
    pub goals: BTreeMap<Goal, u64>,
    /// The exclusive or of every world's trace hash and seed: equal sweeps have equal digests.
    pub digest: u64,
    /// Failures of one kind together, by property and signature.
    pub failures: BTreeMap<(String, String), FailureGroup>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// How many worlds failed like this.
    pub count: u64,
    /// The lowest seed of them.
    pub first_seed: u64,
    /// Its message.
    pub message: String,
    /// Its plan, as it ran.
    pub plan: Plan,
}

impl Sweep {
    /// Runs the world of one seed over the catalog that ships, and adds it.
    pub fn run_seed(&mut self, seed: u64) {
        let plan = Plan::from_seed(seed);
        let report = run(&plan, View::Hash, audited);
        if seed.is_multiple_of(SAME_AGAIN_EVERY) {
            self.run_again += 1;
            let again = run(&report.plan, View::Hash, audited);
            self.compare(seed, &report, &again);
        }
        self.add(seed, report);
    }

    /// Adds what came of one seed.
    pub fn add(&mut self, seed: u64, report: Report) {
        self.worlds += 1;
        self.events += report.events;
        self.simulated_micros += u64::try_from(report.simulated.as_micros()).unwrap_or(u64::MAX);
        self.decisions += report.plan.decisions.len() as u64;
        self.digest ^= crate::decide::mix(report.trace_hash ^ seed);
        for goal in report.goals.iter() {
            *self.goals.entry(goal).or_default() += 1;
        }
        if let Some(failure) = report.failure() {
            let violation = &failure.violation;
            let kind = (violation.property.to_owned(), signature(&violation.message));
            let message = violation.message.clone();
            self.add_failure(kind, seed, message, report.plan);
        }
    }

    /// Compares two runs of one plan: `same-again`.
    pub fn compare(&mut self, seed: u64, first: &Report, again: &Report) {
        if first.trace_hash == again.trace_hash {
            return;
        }
        let kind = ("same-again".to_owned(), "traces differ".to_owned());
        let message = format!(
            "the trace is {:016x}, and {:016x} when its plan runs again",
            first.trace_hash, again.trace_hash
        );
        self.add_failure(kind, seed, message, first.plan.clone());
    }

    fn add_failure(&mut self, kind: (String, String), seed: u64, message: String, plan: Plan) {
        let group = FailureGroup {
            count: 1,
            first_seed: seed,
            message,
            plan,
        };
        self.merge_failure(kind, group);
    }

    fn merge_failure(&mut self, kind: (String, String), group: FailureGroup) {
        match self.failures.get_mut(&kind) {
            None => drop(self.failures.insert(kind, group)),
            Some(known) => {
                let count = known.count + group.count;
                if group.first_seed < known.first_seed {
                    *known = group;
                }
                known.count = count;
            }
        }
    }

    /// The goals that no world reached.
    pub fn goals_missed(&self) -> Vec<Goal> {
        let missed = |goal: &&Goal| !self.goals.contains_key(goal);
        Goal::ALL.iter().filter(missed).copied().collect()
    }

    /// The goals that some world reached.
    pub fn goals_reached(&self) -> Goals {
        let mut goals = Goals::default();
        self.goals.keys().for_each(|goal| goals.reach(*goal));
        goals
    }
}

impl AddAssign for Sweep {
    fn add_assign(&mut self, other: Sweep) {
        self.worlds += other.worlds;
        self.events += other.events;
        self.simulated_micros += other.simulated_micros;
        self.decisions += other.decisions;
        self.run_again += other.run_again;
        self.digest ^= other.digest;
        for (goal, count) in other.goals {
            *self.goals.entry(goal).or_default() += count;
        }
        for (kind, group) in other.failures {
            self.merge_failure(kind, group);
        }
    }
}

/// The catalog that ships, with every reference written down, for one world.
pub fn audited(setup: &DirectorySetup) -> Catalog<Audited> {
    Catalog::new(CatalogOptions {
        hash_key: setup.hash_key,
        shards: SHARDS,
        container: Kind::Hash,
        token_key: setup.token_key.clone(),
        database: setup.realtime,
        dialogues_max: 32_766,
        ledger: Book::default(),
    })
}

/// What failures of one kind have in common: the message without its numbers, and only its first line.
pub fn signature(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let mut signature = String::with_capacity(first.len());
    let mut in_number = false;
    let mut characters = first.chars().peekable();
    while let Some(character) = characters.next() {
        let goes_on = characters.peek().is_some_and(char::is_ascii_digit);
        let is_inside = in_number && goes_on && ".:".contains(character);
        let is_number = character.is_ascii_digit() || is_inside;
        if is_number && !in_number {
            signature.push('#');
        }
        if !is_number {
            signature.push(character);
        }
        in_number = is_number;
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_no_numbers() {
        assert_eq!(
            signature("server 0: p1 at 192.0.2.10:4569 was refused\nmore"),
            "server #: p# at # was refused"
        );
    }

    #[test]
    fn sweeps_add_up_to_the_same_whatever_the_order() {
        let mut whole = Sweep::default();
        let mut parts = [Sweep::default(), Sweep::default()];
        for seed in 0..6 {
            whole.run_seed(seed);
            parts[(seed % 2) as usize].run_seed(seed);
        }
        let [even, odd] = parts;
        let (mut forth, mut back) = (even.clone(), odd.clone());
        forth += odd;
        back += even;
        assert_eq!(forth, whole);
        assert_eq!(back, whole);
    }
}
