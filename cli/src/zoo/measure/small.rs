//! What becomes of a failing plan: replayed many times it has one trace, and shrunk it has little in it. For rows that say what they need.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::child::{Ended, How};
use crate::error::Error;

use super::super::hunt::{Hunt, PROPERTY_FAILED, not_expected};
use super::trial::{FoundPlan, Trial};

/// How often a failing plan is run again.
const REPLAYS: u64 = 1_000;
/// How long these may take.
const REPLAYS_LIMIT: Duration = Duration::from_secs(30 * 60);
/// How long shrinking is waited for: it is red long before.
const SHRINK_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How long it may take, in seconds.
const SHRINK_SECONDS_MAX: f64 = 10.0;
/// How many operations, faults and preemptions may be left.
const OPERATIONS_MAX: u64 = 6;
const FAULTS_MAX: u64 = 2;
const PREEMPTIONS_MAX: u64 = 2;

/// What became of the plan of one trial.
#[derive(Debug, Serialize)]
pub(super) struct Small {
    pub(super) trial: u64,
    pub(super) seed: u64,
    /// How many replays had the trace of the first.
    pub(super) same: u64,
    pub(super) replays: u64,
    /// Nothing where it could not be shrunk.
    pub(super) left: Option<Left>,
    /// Wall-clock time of shrinking, as the process took it.
    pub(super) shrink_seconds: f64,
    /// What is not as it must be.
    pub(super) red: Vec<String>,
}

/// How much is left of a plan.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Left {
    pub(super) operations: u64,
    pub(super) faults: u64,
    pub(super) preemptions: u64,
}

/// What is read of the report of `replay --times`.
#[derive(Deserialize)]
struct Replayed {
    times: u64,
    same: u64,
}

/// What is read of the report of `shrink`.
#[derive(Deserialize)]
struct Shrunk {
    to: Left,
}

/// Replays and shrinks the plan that a trial found.
///
/// # Errors
///
/// Where a process cannot be started.
pub(super) fn look(hunt: &Hunt, trial: &Trial, found: &FoundPlan) -> Result<Small, Error> {
    let mut red = Vec::new();
    let (same, replays) = replay(hunt, found, &mut red)?;
    let (left, seconds) = shrink(hunt, found, &mut red)?;
    red.extend(left.into_iter().flat_map(|left| too_much(left, seconds)));
    Ok(Small {
        trial: trial.nth,
        seed: found.seed,
        same,
        replays,
        left,
        shrink_seconds: seconds,
        red,
    })
}

fn replay(hunt: &Hunt, found: &FoundPlan, red: &mut Vec<String>) -> Result<(u64, u64), Error> {
    let times = REPLAYS.to_string();
    let line = words("replay", found, &["--times", &times]);
    let ended = hunt.quietly(&line, REPLAYS_LIMIT)?;
    let report: Option<Replayed> = last_line(&ended);
    let same = report.map_or(0, |it| if it.times == REPLAYS { it.same } else { 0 });
    if ended.how != How::Exit(PROPERTY_FAILED) || same != REPLAYS {
        red.push(not_expected(&line, &ended, "to fail with one trace"));
    }
    Ok((same, REPLAYS))
}

fn shrink(
    hunt: &Hunt,
    found: &FoundPlan,
    red: &mut Vec<String>,
) -> Result<(Option<Left>, f64), Error> {
    let small = found.file.with_extension("small.toml");
    let line = words("shrink", found, &["--out", &small.display().to_string()]);
    let ended = hunt.quietly(&line, SHRINK_LIMIT)?;
    if ended.how != How::Exit(0) {
        red.push(not_expected(&line, &ended, "to end 1-minimal"));
    }
    let report: Option<Shrunk> = last_line(&ended);
    Ok((report.map(|it| it.to), ended.elapsed.as_secs_f64()))
}

fn words(command: &str, found: &FoundPlan, more: &[&str]) -> Vec<String> {
    let file = found.file.display().to_string();
    let line = [command, &file, "--design", &found.design];
    let words = line.iter().chain(more);
    words.map(|word| (*word).to_owned()).collect()
}

fn last_line<T: serde::de::DeserializeOwned>(ended: &Ended) -> Option<T> {
    serde_json::from_str(ended.stdout.lines().last()?).ok()
}

/// What is more than it may be.
fn too_much(left: Left, seconds: f64) -> Vec<String> {
    let counts = [
        (left.operations, OPERATIONS_MAX, "operations"),
        (left.faults, FAULTS_MAX, "faults"),
        (left.preemptions, PREEMPTIONS_MAX, "preemptions"),
    ];
    let counts = counts.into_iter().filter(|(left, max, _)| left > max);
    let mut red: Vec<String> = counts
        .map(|(left, max, what)| format!("{left} {what} are left, of {max} at most"))
        .collect();
    if seconds > SHRINK_SECONDS_MAX {
        red.push(format!(
            "shrinking took {seconds:.1} s, of {SHRINK_SECONDS_MAX} s at most"
        ));
    }
    red
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_too_much_is_named() {
        let left = Left {
            operations: 6,
            faults: 2,
            preemptions: 2,
        };
        assert_eq!(too_much(left, 10.0), Vec::<String>::new());
        let more = Left {
            operations: 7,
            faults: 3,
            preemptions: 4,
        };
        assert_eq!(
            too_much(more, 10.1),
            [
                "7 operations are left, of 6 at most",
                "3 faults are left, of 2 at most",
                "4 preemptions are left, of 2 at most",
                "shrinking took 10.1 s, of 10 s at most"
            ]
        );
    }
}
