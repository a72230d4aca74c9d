//! One trial: a sweep of the bent command over seeds of its own, to the first failure or to the cap.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::child::{Ended, How};
use crate::error::Error;
use crate::sim::known::FirstFailure;
use crate::sim::plan_file;

use super::super::defect::Defect;
use super::super::hunt::{Hunt, PROPERTY_FAILED, not_expected};
use super::super::line;
use super::rank::Ranked;

/// How long one trial may take: a cap of worlds with threads takes minutes.
const TRIAL_LIMIT: Duration = Duration::from_secs(60 * 60);

/// What came of one.
#[derive(Debug)]
pub(super) struct Trial {
    /// Which, from 0.
    pub(super) nth: u64,
    /// How many worlds that took, or the cap.
    pub(super) executions: Ranked,
    /// Wall-clock time of the process, in seconds.
    pub(super) wall: Ranked,
    /// The world that fails, on the property that is broken.
    pub(super) found: Option<FoundPlan>,
    /// Why it is neither found nor cut off.
    pub(super) red: Option<String>,
}

/// A failing world.
#[derive(Clone, Debug)]
pub(super) struct FoundPlan {
    pub(super) seed: u64,
    /// Its plan.
    pub(super) file: PathBuf,
    /// The design that it fails on.
    pub(super) design: String,
}

/// What is read of a sweep's report.
#[derive(Deserialize)]
struct SweepReport {
    sweep: Sweep,
}

#[derive(Deserialize)]
struct Sweep {
    first_failure: Option<FirstFailure>,
}

/// Runs trial `nth`: `cap` seeds that no other trial has.
///
/// # Errors
///
/// Where the process cannot be started.
pub(super) fn run(
    hunt: &Hunt,
    defect: &Defect,
    search: &[String],
    nth: u64,
    cap: u64,
) -> Result<Trial, Error> {
    let seeds = nth * cap..(nth + 1) * cap;
    let out = hunt.folder().join(&defect.name).join(nth.to_string());
    let line = line_of(search, &seeds, &out);
    let ended = hunt.quietly(&line, TRIAL_LIMIT)?;
    let first = first_failure(&ended, &defect.property);
    let first = first.map_err(|why| why.unwrap_or_else(|| unexpected(&line, &ended)));
    let is_found = matches!(first, Ok(Some(_)));
    let (first, red) = match first {
        Ok(first) => (first, None),
        Err(red) => (None, Some(red)),
    };
    let design = line::value(search, "--design").unwrap_or("shipped");
    Ok(Trial {
        nth,
        executions: Ranked {
            value: first.map_or(cap, |seed| seed + 1 - seeds.start) as f64,
            is_cut: !is_found,
        },
        wall: Ranked {
            value: ended.elapsed.as_secs_f64(),
            is_cut: !is_found,
        },
        found: first.map(|seed| FoundPlan {
            seed,
            file: plan_file(&out, design, seed),
            design: design.to_owned(),
        }),
        red,
    })
}

/// The row's own line, to the first failure among these seeds.
fn line_of(search: &[String], seeds: &Range<u64>, out: &Path) -> Vec<String> {
    let line = line::without(search, "--until-found");
    let more = ["--until-found", "--out", &out.display().to_string()].map(str::to_owned);
    line::with(&line::over(&line, seeds), &more)
}

/// The first seed that fails; `None` where all hold. The error says where it fails instead, and nothing where there is no such report.
fn first_failure(ended: &Ended, property: &str) -> Result<Option<u64>, Option<String>> {
    match (&ended.how, reported(ended)) {
        (How::Exit(0), Some(None)) => Ok(None),
        (How::Exit(PROPERTY_FAILED), Some(Some(first))) => match first.property.as_deref() {
            Some(other) if other == property => Ok(Some(first.seed)),
            other => Err(Some(format!(
                "seed {} fails first, and not on {property} but on {}",
                first.seed,
                other.unwrap_or("a panic")
            ))),
        },
        _ => Err(None),
    }
}

/// What a sweep reports as its first failure; the outer `None` is no report.
fn reported(ended: &Ended) -> Option<Option<FirstFailure>> {
    let report = ended.stdout.lines().last().unwrap_or_default();
    let report = serde_json::from_str::<SweepReport>(report).ok()?;
    Some(report.sweep.first_failure)
}

/// Why a sweep should have held and has not; `None` where it has.
pub(super) fn not_held(line: &[String], ended: &Ended) -> Option<String> {
    let first = match (&ended.how, reported(ended)) {
        (How::Exit(0), _) => return None,
        (How::Exit(PROPERTY_FAILED), Some(Some(first))) => first,
        _ => return Some(unexpected(line, ended)),
    };
    Some(format!(
        "`{}` was expected to hold, and seed {} fails on {}",
        line.join(" "),
        first.seed,
        first.property.as_deref().unwrap_or("a panic")
    ))
}

fn unexpected(line: &[String], ended: &Ended) -> String {
    not_expected(line, ended, "to hold or to fail, and to say where")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i32, first_failure: &str) -> Ended {
        Ended {
            how: How::Exit(code),
            stdout: format!("words\n{{\"sweep\":{{\"first_failure\":{first_failure}}}}}\n"),
            stderr: String::new(),
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn only_the_property_that_is_broken_counts_as_found() {
        let of = |code, first: &str| first_failure(&ended(code, first), "no-leak");
        assert_eq!(of(0, "null"), Ok(None));
        assert_eq!(of(42, r#"{"seed":7,"property":"no-leak"}"#), Ok(Some(7)));
        let other = of(42, r#"{"seed":7,"property":"same-again"}"#);
        let said = "seed 7 fails first, and not on no-leak but on same-again";
        assert_eq!(other, Err(Some(said.to_owned())));
        let panic = of(42, r#"{"seed":7,"property":null}"#).unwrap_err();
        assert!(panic.is_some_and(|it| it.ends_with("on a panic")));
        for (code, first) in [(42, "null"), (1, "null"), (0, "tea")] {
            assert_eq!(of(code, first), Err(None), "{code} {first}");
        }
    }

    #[test]
    fn a_sweep_that_should_hold_says_where_it_fails() {
        let line = ["sim".to_owned()];
        let of = |code, first: &str| not_held(&line, &ended(code, first));
        assert_eq!(of(0, "null"), None);
        let fails = of(42, r#"{"seed":7,"property":"no-leak"}"#);
        let said = "`sim` was expected to hold, and seed 7 fails on no-leak";
        assert_eq!(fails.as_deref(), Some(said));
        assert!(of(2, "null").is_some_and(|it| it.contains("exit code 2")));
    }
}
