//! Who found a defect, and at what cost: an explorer, worlds, or a fuzz target. A report of the bent command has a row for each failure;
//! here they are told apart by who saw them.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::child::{Ended, How};
use crate::report::{Report, Row, grouped};

use super::hunt::PROPERTY_FAILED;
use super::line;

/// One that found it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finder {
    /// Which: `loom`, `shuttle`, `worlds`, `worlds with threads`, `fuzz target frame`.
    pub(super) name: String,
    /// Where: the scenario or the seed.
    pub(super) place: String,
    /// After how many executions, worlds or inputs.
    pub(super) count: u64,
    /// What is counted.
    pub(super) unit: String,
    /// How long that took.
    pub(super) seconds: f64,
}

impl Finder {
    fn of(line: &[String], row: Row) -> Self {
        let seed = seed_of(&row.what);
        Finder {
            name: name(line, &row),
            // A sweep goes on after its first failure: what counts is how many worlds that took.
            count: seed.map_or(row.count, |seed| seed + 1 - first_seed(line)),
            place: seed.map_or(row.what, |seed| format!("seed {seed}")),
            unit: row.unit,
            seconds: row.seconds,
        }
    }

    /// The seed of the world that failed.
    pub(super) fn seed(&self) -> Option<u64> {
        seed_of(&self.place)
    }

    /// One that ran the plan of another again, on the threads of another engine.
    pub(super) fn again(first: &Finder, seconds: f64) -> Self {
        Finder {
            name: "world on shuttle's threads".to_owned(),
            count: 1,
            unit: "world".to_owned(),
            seconds,
            ..first.clone()
        }
    }

    fn text(&self) -> String {
        format!(
            "{}, {}: {} {}, {:.1} s",
            self.place,
            self.name,
            grouped(self.count),
            self.unit,
            self.seconds
        )
    }
}

fn name(line: &[String], row: &Row) -> String {
    match line.first().map(String::as_str) {
        Some("sim") if line::is_threaded_sim(line) => "worlds with threads".to_owned(),
        Some("sim") => "worlds".to_owned(),
        Some("fuzz") => format!("{} {}", row.by, line.get(1).map_or("", String::as_str)),
        _ => row.by.clone(),
    }
}

fn seed_of(what: &str) -> Option<u64> {
    what.strip_prefix("seed ")?.split(' ').next()?.parse().ok()
}

fn first_seed(line: &[String]) -> u64 {
    let seeds = line::value(line, "--seeds").and_then(|seeds| seeds.split_once(".."));
    seeds.and_then(|(first, _)| first.parse().ok()).unwrap_or(0)
}

/// All that found the property broken, each once, where the child ended as a finding does.
pub(super) fn finders(line: &[String], ended: &Ended, property: &str) -> Vec<Finder> {
    if ended.how != How::Exit(PROPERTY_FAILED) {
        return Vec::new();
    }
    let last = ended.stdout.lines().last().unwrap_or_default();
    let Ok(report) = serde_json::from_str::<Report>(last) else {
        return Vec::new();
    };
    let rows = report.rows.into_iter();
    let rows = rows.filter(|row| row.property.as_deref() == Some(property));
    let mut found: Vec<Finder> = rows.map(|row| Finder::of(line, row)).collect();
    // Of the ways in which worlds fail, the one of the first seed.
    found.sort_by_key(Finder::seed);
    let mut names = BTreeSet::new();
    found.retain(|finder| names.insert(finder.name.clone()));
    found
}

/// What they are called, each once.
pub(super) fn names(finders: &[Finder]) -> BTreeSet<&str> {
    finders.iter().map(|finder| finder.name.as_str()).collect()
}

/// All of them in one line.
pub(super) fn text(finders: &[Finder]) -> String {
    let each: Vec<String> = finders.iter().map(Finder::text).collect();
    each.join("; ")
}

/// The text of a plan for the threads of the other engine, where it has one for those of the first.
pub(super) fn on_shuttle(plan: &str) -> Option<String> {
    const ENGINE: &str = "engine = \"strands\"";
    let bent = plan.replacen(ENGINE, "engine = \"shuttle\"", 1);
    plan.contains(ENGINE).then_some(bent)
}

/// Whether a replay failed on the property.
pub(super) fn replay_found(ended: &Ended, property: &str) -> bool {
    #[derive(Deserialize)]
    struct Replayed {
        property: Option<String>,
    }
    let last = ended.stdout.lines().last().unwrap_or_default();
    let replayed = serde_json::from_str::<Replayed>(last);
    let found = replayed.is_ok_and(|replayed| replayed.property.as_deref() == Some(property));
    ended.how == How::Exit(PROPERTY_FAILED) && found
}

/// The command line that replays this plan, on the design of the line that found it.
pub(super) fn replay(found_by: &[String], plan: &Path) -> Vec<String> {
    let design = line::value(found_by, "--design");
    let design = design.map(|name| ["--design".to_owned(), name.to_owned()]);
    let line = ["replay".to_owned(), plan.display().to_string()].into_iter();
    line.chain(design.into_iter().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn ended(rows: &str) -> Ended {
        Ended {
            how: How::Exit(PROPERTY_FAILED),
            stdout: format!("{{\"verdict\":\"failed\",\"rows\":[{rows}]}}\n"),
            stderr: String::new(),
            elapsed: Duration::ZERO,
        }
    }

    fn row(what: &str, by: &str, property: &str) -> String {
        format!(
            "{{\"what\":\"{what}\",\"by\":\"{by}\",\"word\":\"FAILED\",\"verdict\":\"failed\",\"property\":\"{property}\",\
             \"count\":200,\"unit\":\"things\",\"seconds\":1.25,\"replay\":null}}"
        )
    }

    #[test]
    fn two_explorers_are_two_finders() {
        let rows = [row("s", "loom", "no-leak"), row("s", "shuttle", "no-leak")].join(",");
        let found = finders(&words("prove s"), &ended(&rows), "no-leak");
        assert_eq!(names(&found), BTreeSet::from(["loom", "shuttle"]));
        assert!(text(&found).starts_with("s, loom: 200 things, 1.2 s; s, shuttle"));
        assert!(finders(&words("prove s"), &ended(&rows), "bounded").is_empty());
    }

    #[test]
    fn of_a_sweep_the_first_seed_that_fails_on_the_property_counts() {
        let rows = [
            row("seed 3 on shipped", "world", "bounded"),
            row("seed 19 on shipped", "world", "no-leak"),
            row("seed 14 on shipped", "world", "no-leak"),
        ];
        let line = words("sim --threads --seeds 10..500");
        let found = finders(&line, &ended(&rows.join(",")), "no-leak");
        assert_eq!(
            text(&found),
            "seed 14, worlds with threads: 5 things, 1.2 s"
        );
        let second = Finder::again(&found[0], 0.5);
        assert_eq!(names(&[found[0].clone(), second]).len(), 2);
    }

    #[test]
    fn a_fuzz_target_is_named() {
        let found = finders(
            &words("fuzz frame"),
            &ended(&row("fuzz frame", "fuzz target", "no-panic")),
            "no-panic",
        );
        assert_eq!(names(&found), BTreeSet::from(["fuzz target frame"]));
    }

    #[test]
    fn a_plan_of_one_engine_is_made_one_of_the_other() {
        let plan = "schema = 3\nengine = \"strands\"\nseed = 1\n";
        let other = on_shuttle(plan).expect("it has threads");
        assert_eq!(other, "schema = 3\nengine = \"shuttle\"\nseed = 1\n");
        assert_eq!(on_shuttle(&other.replace("shuttle", "stack")), None);
        let line = words("sim --threads --design 2007");
        assert_eq!(
            replay(&line, Path::new("p")).join(" "),
            "replay p --design 2007"
        );
    }
}
