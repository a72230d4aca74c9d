//! What a sweep knows when it is over, in lines to read and as JSON: how much it ran and how fast, which goals it reached and
//! whether more are to be had, and how rare a failure must be that it did not see.

use iaxproof_sim::goals::Goal;
use iaxproof_sim::plan::expect::Hash;
use iaxproof_sim::sweep::failure_rate_bound;
use serde::{Deserialize, Serialize};

use crate::report::grouped;

use super::sweep::{Cut, Found};

/// What a sweep knows.
#[derive(Debug, Serialize)]
pub(crate) struct Known {
    /// From the first seed, to the one after the last.
    seeds: [u64; 2],
    /// Why it ended before its range, where it did.
    cut: Option<Cut>,
    worlds: u64,
    /// How many of them ran a second time.
    run_again: u64,
    /// How many were run again by a second process.
    run_elsewhere: u64,
    events: u64,
    simulated_seconds: f64,
    seconds: f64,
    digest: Hash,
    goals_reached: usize,
    goals_missed: Vec<&'static str>,
    last_new_goal: Option<NewGoal>,
    /// How many goals the last tenth of the seeds added.
    goals_new_in_last_tenth: usize,
    /// Points of state, message and fault.
    points_reached: usize,
    last_new_point: Option<NewPoint>,
    /// How many of them the last tenth of the seeds added.
    points_new_in_last_tenth: usize,
    /// The first seed that failed.
    first_failure: Option<FirstFailure>,
    /// Where every world held: with 95 % confidence, the share of worlds that fail is below this.
    failure_rate_below: Option<f64>,
}

/// A goal, and the seed that was the first to reach it.
#[derive(Debug, Serialize)]
struct NewGoal {
    goal: &'static str,
    seed: u64,
}

/// A point of state, message and fault, and the seed that was the first to reach it.
#[derive(Debug, Serialize)]
struct NewPoint {
    point: String,
    seed: u64,
}

/// The first seed that failed. No seed before it did, whatever the number of threads.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstFailure {
    pub(crate) seed: u64,
    /// Nothing where its world panicked.
    pub(crate) property: Option<String>,
}

impl FirstFailure {
    fn of(found: &Found) -> Option<Self> {
        let seed = found.first()?;
        let mut failures = found.sweep.failures.iter();
        let failed = failures.find(|(_, group)| group.first_seed == seed);
        Some(FirstFailure {
            seed,
            property: failed.map(|((property, _), _)| property.clone()),
        })
    }
}

impl Known {
    /// What `found` comes to.
    pub(crate) fn of(found: &Found) -> Self {
        let sweep = &found.sweep;
        let missed = sweep.goals_missed();
        let last_new_goal = sweep.last_new_goal().map(|(goal, seed)| NewGoal {
            goal: goal.text(),
            seed,
        });
        let is_clean = found.is_clean() && sweep.worlds > 0;
        Known {
            seeds: [found.seeds.start, found.seeds.end],
            cut: found.cut,
            worlds: sweep.worlds,
            run_again: sweep.run_again,
            run_elsewhere: found.elsewhere,
            events: sweep.events,
            simulated_seconds: sweep.simulated_micros as f64 / 1e6,
            seconds: found.elapsed.as_secs_f64(),
            digest: Hash(sweep.digest),
            goals_reached: sweep.goals.len(),
            goals_missed: missed.into_iter().map(Goal::text).collect(),
            last_new_goal,
            goals_new_in_last_tenth: sweep.goals_new_from(last_tenth(found)),
            points_reached: sweep.points.len(),
            last_new_point: sweep.last_new_point().map(|(point, seed)| NewPoint {
                point: point.to_string(),
                seed,
            }),
            points_new_in_last_tenth: sweep.points_new_from(last_tenth(found)),
            first_failure: FirstFailure::of(found),
            failure_rate_below: is_clean.then(|| failure_rate_bound(sweep.worlds)),
        }
    }

    /// The lines.
    pub(crate) fn print(&self, found: &Found) {
        let rate = self.worlds as f64 / self.seconds.max(f64::MIN_POSITIVE);
        println!(
            "{} worlds in {:.1} s: {rate:.1} worlds/s, {}",
            grouped(self.worlds),
            self.seconds,
            found.rates()
        );
        let [from, to] = self.seeds;
        println!("seeds {from}..{to}{}", self.why_no_further());
        println!(
            "{} of them ran again from the plan that the first run wrote down, {} in another process; digest {:016x}",
            grouped(self.run_again),
            grouped(self.run_elsewhere),
            self.digest.0
        );
        if let (Some(Cut::Failure), Some(first)) = (self.cut, found.first()) {
            println!("found in the world number {}", grouped(first + 1 - from));
        }
        self.print_goals();
        println!("{}", self.points());
        if let Some(bound) = self.failure_rate_below {
            println!(
                "no world failed: if these are a fair sample, fewer than {} % of all do, with 95 % confidence (1 in {})",
                digits(100.0 * bound),
                grouped((1.0 / bound) as u64)
            );
        }
    }

    const fn why_no_further(&self) -> &'static str {
        match self.cut {
            None => "",
            Some(Cut::Failure) => ", where the first failure ended it",
            Some(Cut::Budget) => ", where its budget was over",
        }
    }

    fn print_goals(&self) {
        print!(
            "{} of {} goals reached",
            self.goals_reached,
            Goal::ALL.len()
        );
        if let Some(NewGoal { goal, seed }) = &self.last_new_goal {
            print!(
                ", the last new one in seed {seed} ({goal}); {} new in the last tenth of the seeds",
                self.goals_new_in_last_tenth
            );
        }
        println!();
        match self.goals_missed.is_empty() {
            true => println!("every goal was reached"),
            false => println!("goals never reached: {}", self.goals_missed.join("; ")),
        }
    }

    /// How much was tried beyond the goals.
    fn points(&self) -> String {
        let reached = grouped(self.points_reached as u64);
        let last = self.last_new_point.as_ref().map(|NewPoint { point, seed }| {
            let new = grouped(self.points_new_in_last_tenth as u64);
            format!(
                ", the last new one in seed {seed} ({point}); {new} new in the last tenth of the seeds"
            )
        });
        format!(
            "{reached} points of state x message x fault reached{}",
            last.unwrap_or_default()
        )
    }
}

/// Where the last tenth of the seeds begins.
const fn last_tenth(found: &Found) -> u64 {
    let len = found.seeds.end - found.seeds.start;
    found.seeds.end - len.div_ceil(10)
}

/// Three digits that say something, however small it is.
fn digits(number: f64) -> String {
    let decimals = (2.0 - number.log10().floor()).clamp(0.0, 15.0);
    format!("{number:.*}", decimals as usize)
}

#[cfg(test)]
mod tests {
    use iaxproof_sim::sweep::Reached;

    use super::*;

    #[test]
    fn small_shares_keep_their_digits() {
        let shown = [95.0, 2.953, 0.299_1, 0.000_299_57].map(digits);
        assert_eq!(shown, ["95.0", "2.95", "0.299", "0.000300"]);
    }

    #[test]
    fn a_clean_sweep_knows_its_bound_and_how_its_goals_still_grow() {
        let mut found = Found {
            seeds: 100..200,
            ..Found::default()
        };
        found.sweep.worlds = 100;
        for (goal, first_seed) in [
            (Goal::Expired, 189),
            (Goal::Evicted, 190),
            (Goal::Released, 101),
        ] {
            let reached = Reached {
                worlds: 1,
                first_seed,
            };
            found.sweep.goals.insert(goal, reached);
        }
        let known = Known::of(&found);
        assert_eq!(known.goals_new_in_last_tenth, 1);
        assert_eq!(known.last_new_goal.unwrap().seed, 190);
        assert_eq!(
            (known.goals_reached, known.goals_missed.len()),
            (3, Goal::ALL.len() - 3)
        );
        assert!((known.failure_rate_below.unwrap() - 0.029_513).abs() < 1e-6);
    }

    #[test]
    fn a_sweep_says_how_many_points_it_reached_and_whether_they_still_grow() {
        let mut found = Found {
            seeds: 0..1_000,
            ..Found::default()
        };
        let none = "0 points of state x message x fault reached";
        assert_eq!(Known::of(&found).points(), none);
        for (point, first_seed) in [
            ("no dialogue, NEW, no fault", 0),
            ("call Up, HANGUP, late", 899),
            ("call Up, HANGUP, twice", 900),
        ] {
            let point = point.parse().unwrap();
            found.sweep.points.insert(point, first_seed);
        }
        assert_eq!(
            Known::of(&found).points(),
            "3 points of state x message x fault reached, the last new one in seed 900 (call Up, HANGUP, twice); 1 new in \
             the last tenth of the seeds"
        );
    }

    #[test]
    fn nothing_run_bounds_nothing() {
        assert_eq!(Known::of(&Found::default()).failure_rate_below, None);
    }
}
