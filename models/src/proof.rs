//! Two explorations compared, and the word for what they show.
//!
//! - *proved*: both explorers visited every interleaving and saw the same outcomes.
//! - *exhausted by loom alone*: loom did, shuttle's search was not run to its end; what it saw, loom saw too.
//! - *bounded (B=n)*: loom visited every interleaving with at most n preemptions.
//! - *INCOMPLETE*: a limit stopped loom.
//! - *failed*: a rule was broken, the outcomes differ, or an outcome of the table was not seen.

use core::fmt;
use std::collections::BTreeSet;

use crate::explore::{End, Exploration};
use crate::finding::Finding;
use crate::scenarios::{Design, Scenario};

/// What two explorations show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Both exhausted, equal outcomes.
    Proved,
    /// Loom exhausted; the other was cut short or not run.
    ExhaustedByLoomAlone,
    /// Loom exhausted within this many preemptions.
    Bounded(usize),
    /// A limit stopped it; which.
    Incomplete(String),
    /// A property failed.
    Failed(Box<Finding>),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Proved => f.write_str("proved"),
            Word::ExhaustedByLoomAlone => f.write_str("exhausted by loom alone"),
            Word::Bounded(preemptions_max) => write!(f, "bounded (B={preemptions_max})"),
            Word::Incomplete(why) => write!(f, "INCOMPLETE: {why}"),
            Word::Failed(finding) => write!(f, "failed: {}: {}", finding.property, finding.message),
        }
    }
}

/// The word for a scenario on a design. `shuttle` is `None` where the second explorer was not run.
pub fn word(
    scenario: &Scenario,
    design: Design,
    loom: &Exploration,
    shuttle: Option<&Exploration>,
) -> Word {
    let finding = failure(loom).or_else(|| shuttle.and_then(failure));
    if let Some(finding) = finding {
        return Word::Failed(Box::new(finding.clone()));
    }
    if let End::Stopped(why) = &loom.end {
        return Word::Incomplete(why.clone());
    }
    if let Some(message) = disagreement(scenario, design, loom, shuttle) {
        return Word::Failed(Box::new(Finding::new("outcomes", &message)));
    }
    match (
        scenario.preemptions_max,
        shuttle.map(|exploration| &exploration.end),
    ) {
        (Some(preemptions_max), _) => Word::Bounded(preemptions_max),
        (None, Some(End::Exhausted)) => Word::Proved,
        (None, _) => Word::ExhaustedByLoomAlone,
    }
}

fn failure(exploration: &Exploration) -> Option<&Finding> {
    match &exploration.end {
        End::Failed(finding) => Some(finding),
        End::Exhausted | End::Stopped(_) => None,
    }
}

/// Where the outcomes are not what they must be: the table's for what ships, and the same for both explorers.
fn disagreement(
    scenario: &Scenario,
    design: Design,
    loom: &Exploration,
    shuttle: Option<&Exploration>,
) -> Option<String> {
    let seen = outcomes(loom);
    let table: BTreeSet<&str> = scenario.outcomes.iter().copied().collect();
    let is_listed = !table.is_empty();
    if design == Design::Shipped && is_listed && seen != table {
        return Some(format!("loom saw {seen:?}, the table says {table:?}"));
    }
    let other = shuttle?;
    let theirs = outcomes(other);
    let agree = match other.end {
        End::Exhausted if scenario.preemptions_max.is_none() => theirs == seen,
        // A bound or a limit cut one of the two: what the smaller one saw must be in the larger.
        End::Exhausted => seen.is_subset(&theirs),
        _ => scenario.preemptions_max.is_some() || theirs.is_subset(&seen),
    };
    (!agree).then(|| format!("loom saw {seen:?}, shuttle saw {theirs:?}"))
}

fn outcomes(exploration: &Exploration) -> BTreeSet<&str> {
    exploration.outcomes.keys().map(String::as_str).collect()
}
