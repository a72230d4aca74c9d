//! Many seeds: worlds run one after another, their results added up. A sweep is a value; adding two is commutative, so
//! several threads may take seeds as they like and the sum is the same.

use core::ops::AddAssign;
use std::collections::BTreeMap;

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::registry::Audited;
use iaxproof::registry::ledger::Book;

use crate::again::first_difference;
use crate::coverage::Point;
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
    /// In which worlds each goal was reached.
    pub goals: BTreeMap<Goal, Reached>,
    /// The points of state, message and fault that were reached, and the lowest seed that did.
    pub points: BTreeMap<Point, u64>,
    /// The exclusive or of every world's trace hash and seed: equal sweeps have equal digests.
    pub digest: u64,
    /// Failures of one kind together, by property and signature.
    pub failures: BTreeMap<(String, String), FailureGroup>,
}

/// The worlds that reached a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// How many.
    pub worlds: u64,
    /// The lowest seed of them.
    pub first_seed: u64,
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
        self.run_with(seed, |plan, view| run(plan, view, audited));
    }

    /// Runs the world of one seed by `run`, and adds it. Of some seeds the plan that the first run wrote down is run again.
    pub fn run_with(&mut self, seed: u64, mut run: impl FnMut(&Plan, View) -> Report) {
        let plan = Plan::from_seed(seed);
        let report = run(&plan, View::Hash);
        if seed.is_multiple_of(SAME_AGAIN_EVERY) {
            self.run_again += 1;
            let again = run(&report.plan, View::Hash);
            self.compare(seed, &report, &again, run);
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
            let once = Reached {
                worlds: 1,
                first_seed: seed,
            };
            self.reach(goal, once);
        }
        for point in report.coverage.iter() {
            self.cover(point, seed);
        }
        if let Some(failure) = report.failure() {
            let violation = &failure.violation;
            let kind = (violation.property.to_owned(), signature(&violation.message));
            let message = violation.message.clone();
            self.add_failure(kind, seed, message, report.plan);
        }
    }

    /// Compares two runs of one plan: `same-again`. Where they differ, `run` runs it again to find the event at which they part.
    pub fn compare(
        &mut self,
        seed: u64,
        first: &Report,
        again: &Report,
        run: impl FnMut(&Plan, View) -> Report,
    ) {
        if first.trace_hash == again.trace_hash {
            return;
        }
        let parts = match first_difference(&first.plan, run) {
            Some(difference) => format!("they part in {difference}"),
            None => "further runs were alike".to_owned(),
        };
        let message = format!(
            "the trace is {:016x}, and {:016x} when its plan runs again: {parts}",
            first.trace_hash, again.trace_hash
        );
        self.differs(seed, "traces differ", message, first.plan.clone());
    }

    /// A plan that is not the same again: `same-again`, with all of this signature.
    pub fn differs(&mut self, seed: u64, signature: &str, message: String, plan: Plan) {
        let kind = ("same-again".to_owned(), signature.to_owned());
        self.add_failure(kind, seed, message, plan);
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

    fn reach(&mut self, goal: Goal, reached: Reached) {
        let known = self.goals.entry(goal).or_insert(Reached {
            worlds: 0,
            first_seed: reached.first_seed,
        });
        known.worlds += reached.worlds;
        known.first_seed = known.first_seed.min(reached.first_seed);
    }

    fn cover(&mut self, point: Point, seed: u64) {
        let first = self.points.entry(point).or_insert(seed);
        *first = seed.min(*first);
    }

    /// The point that took longest to be reached for the first time, and the seed that did it, where seeds go upwards.
    pub fn last_new_point(&self) -> Option<(Point, u64)> {
        let firsts = self.points.iter().map(|(point, seed)| (*point, *seed));
        firsts.max_by_key(|(_, seed)| *seed)
    }

    /// How many points no seed below this one reached.
    pub fn points_new_from(&self, seed: u64) -> usize {
        self.points.values().filter(|first| **first >= seed).count()
    }

    /// The goal that took longest to be reached for the first time, and the seed that did it, where seeds go upwards.
    pub fn last_new_goal(&self) -> Option<(Goal, u64)> {
        let firsts = self.goals.iter();
        firsts
            .map(|(goal, reached)| (*goal, reached.first_seed))
            .max_by_key(|(_, seed)| *seed)
    }

    /// How many goals no seed below this one reached.
    pub fn goals_new_from(&self, seed: u64) -> usize {
        let reached = self.goals.values();
        reached.filter(|it| it.first_seed >= seed).count()
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
        for (goal, reached) in other.goals {
            self.reach(goal, reached);
        }
        for (point, first_seed) in other.points {
            self.cover(point, first_seed);
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

/// The share of worlds that fail is below this with 95 % confidence, where so many random ones all held: the exact bound
/// of Clopper and Pearson, 1 - 0.05^(1/n), which the rule of three takes for 3/n.
pub fn failure_rate_bound(clean: u64) -> f64 {
    // Not as a power: it is too near to 1 for its difference to keep its digits.
    -(0.05f64.ln() / clean as f64).exp_m1()
}

/// The units of durations as they are shown.
const UNITS: [&str; 4] = ["ns", "µs", "ms", "s"];

/// What failures of one kind have in common: the message without its numbers and their units of time, and only its first line.
pub fn signature(message: &str) -> String {
    let mut rest = message.lines().next().unwrap_or_default();
    let mut signature = String::with_capacity(rest.len());
    while let Some(at) = rest.find(|it: char| it.is_ascii_digit()) {
        signature.push_str(&rest[..at]);
        signature.push('#');
        rest = behind_number(&rest[at..]);
    }
    signature + rest
}

/// What follows a number, or an address.
fn behind_number(text: &str) -> &str {
    let is_digit = |it: char| it.is_ascii_digit();
    let rest = text.trim_start_matches(is_digit);
    match rest.strip_prefix(['.', ':']) {
        Some(more) if more.starts_with(is_digit) => behind_number(more),
        _ => behind_unit(rest),
    }
}

fn behind_unit(text: &str) -> &str {
    let is_whole = |rest: &&str| !rest.starts_with(char::is_alphanumeric);
    let behind = |unit: &&str| text.strip_prefix(*unit).filter(is_whole);
    UNITS.iter().find_map(behind).unwrap_or(text)
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
        // As durations are shown: the unit goes with how long it was.
        let shown = |it: &str| signature(&format!("p1 counts as Reachable({it}), 3shy"));
        for long in ["20ms", "1.22s", "0ns", "7.5µs"] {
            assert_eq!(shown(long), "p# counts as Reachable(#), #shy");
        }
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

    #[test]
    fn a_sweep_knows_when_each_goal_was_first_reached() {
        let mut sweep = Sweep::default();
        assert_eq!(sweep.last_new_goal(), None);
        for (goal, first_seed) in [
            (Goal::Evicted, 7),
            (Goal::Expired, 3),
            (Goal::Evicted, 5),
            (Goal::Expired, 9),
        ] {
            let reached = Reached {
                worlds: 2,
                first_seed,
            };
            sweep.reach(goal, reached);
        }
        assert_eq!(sweep.last_new_goal(), Some((Goal::Evicted, 5)));
        assert_eq!([3, 4, 6].map(|seed| sweep.goals_new_from(seed)), [2, 1, 0]);
        assert!(sweep.goals.values().all(|reached| reached.worlds == 4));
    }

    #[test]
    fn a_sweep_knows_when_each_point_was_first_reached() {
        let [early, late] = ["call Up, HANGUP, late", "Poking, PONG, no fault"];
        let [early, late]: [Point; 2] = [early, late].map(|text| text.parse().unwrap());
        let mut sweep = Sweep::default();
        assert_eq!(sweep.last_new_point(), None);
        for (point, seed) in [(late, 9), (early, 3), (late, 7), (early, 5)] {
            sweep.cover(point, seed);
        }
        assert_eq!(sweep.last_new_point(), Some((late, 7)));
        assert_eq!([3, 4, 8].map(|seed| sweep.points_new_from(seed)), [2, 1, 0]);
    }

    #[test]
    fn the_bound_on_the_failure_rate_is_exact_and_near_to_the_rule_of_three() {
        // From tables of the binomial distribution.
        for (clean, bound) in [
            (1, 0.95),
            (10, 0.258_866),
            (59, 0.049_508),
            (300, 0.009_936),
        ] {
            assert!((failure_rate_bound(clean) - bound).abs() < 1e-6, "{clean}");
        }
        let many = 1_000_000_000_000;
        assert!((failure_rate_bound(many) * many as f64 - 2.995_732).abs() < 1e-5);
    }
}
