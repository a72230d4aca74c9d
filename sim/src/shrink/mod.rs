//! From a plan whose world fails to a small one that fails in the same way: [`shrink`].
//!
//! Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002): parts of the plan are taken out,
//! large ones first, and stay out where the world still fails with the same property and the same signature. Nodes go first, with all
//! that they do, then operations from the last to the first (a HANGUP before its call), partitions, decisions; then numbers get smaller.
//!
//! - `element`: what a plan can do without. `nodes`: taking a node out renumbers the others.
//! - `lists`: what a plan says about many at once.
//! - `align`: where a decision is in another world.
//! - `instead`: what stands in for a fault. `fewer`: fewer faults, and an operation at another time instead.
//! - `edits`: what makes a plan no shorter but plainer. `search`: tries candidates.
//!
//! How a world is run is the caller's: on one stack or with threads, on what ships or on a specimen. No thread and no clock here.

mod align;
mod edits;
mod element;
mod fewer;
mod instead;
mod lists;
mod nodes;
mod search;
#[cfg(test)]
mod tests;

use core::fmt;

use crate::decide::Domain;
use crate::plan::Plan;
use crate::report::Report;

pub use self::element::{Element, elements, without};
use self::search::Search;

/// How many worlds shrinking runs at most, where the caller does not say.
pub const RUNS_MAX: u64 = 12_000;

/// How a world fails: what must stay the same while its plan gets smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The property.
    pub property: String,
    /// What was seen, without its numbers ([`crate::sweep::signature`]).
    pub signature: String,
}

impl Kind {
    /// How the world of a report failed.
    pub fn of(report: &Report) -> Option<Kind> {
        let violation = &report.failure()?.violation;
        Some(Kind {
            property: violation.property.to_owned(),
            signature: crate::sweep::signature(&violation.message),
        })
    }
}

/// A small plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The plan, with nothing left to explore.
    pub plan: Plan,
    /// How its world fails, and that of the plan that was given.
    pub kind: Kind,
    /// What was seen in its world.
    pub message: String,
    /// Whether it was tried, after all else, to take out each of its [`elements`] alone, and the world then failed no longer or in another
    /// way. False where the budget was used up before.
    pub is_minimal: bool,
    /// How many worlds were run.
    pub runs: u64,
    /// How much there was in the plan that was given, as it ran.
    pub from: Counts,
}

/// `5 nodes -> 3, 14 operations -> 3, 9 faults -> 1, 6 choices -> 0, 4 preemptions -> 1; 212 runs`.
impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from.named(), Counts::of(&self.plan).named());
        for ((name, from), (_, to)) in from.iter().zip(to) {
            let comma = if *name == "nodes" { "" } else { ", " };
            write!(f, "{comma}{from} {name} -> {to}")?;
        }
        write!(f, "; {} runs", self.runs)
    }
}

/// How much there is in a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Servers and clients.
    pub nodes: usize,
    /// What is done.
    pub operations: usize,
    /// Partitions, and what network, addresses, databases and processes do that they should not.
    pub faults: usize,
    /// What applications, clients and the registrar choose.
    pub choices: usize,
    /// Stalls of threads, and ranks.
    pub preemptions: usize,
}

impl Counts {
    /// Those of a plan. What it leaves to explore is not counted.
    pub fn of(plan: &Plan) -> Self {
        let done = plan.operations.iter();
        let faults = done.filter(|it| it.what.is_fault()).count();
        let mut counts = Counts {
            nodes: plan.topology.nodes(),
            operations: plan.operations.len() - faults,
            faults: plan.partitions.len() + faults,
            ..Counts::default()
        };
        for decision in &plan.decisions {
            *counts.of_domain(decision.key.domain) += 1;
        }
        counts
    }

    const fn of_domain(&mut self, domain: Domain) -> &mut usize {
        match domain {
            Domain::Network | Domain::Question | Domain::Write | Domain::Restart => {
                &mut self.faults
            }
            Domain::Application
            | Domain::Dialled
            | Domain::Callee
            | Domain::Cipher
            | Domain::Transfer
            | Domain::Move
            | Domain::Registrar
            | Domain::Qualify => &mut self.choices,
            Domain::Stall | Domain::Resume | Domain::Rank => &mut self.preemptions,
        }
    }

    /// Each with its name.
    pub const fn named(&self) -> [(&'static str, usize); 5] {
        [
            ("nodes", self.nodes),
            ("operations", self.operations),
            ("faults", self.faults),
            ("choices", self.choices),
            ("preemptions", self.preemptions),
        ]
    }
}

/// Why a plan is not shrunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its world does not fail.
    #[error("nothing to shrink: the world of this plan holds")]
    Holds,
    /// Its world breaks off.
    #[error("not to be shrunk: the world of this plan panics: {0}")]
    Panics(String),
    /// Its world is not the same again.
    #[error(
        "not to be shrunk: the plan that the first run wrote down does not fail in the same way"
    )]
    Unsteady,
}

/// Makes a plan small. `run` runs a plan's world; its error is the message of a panic. It is called `budget` times at most.
///
/// # Errors
///
/// Where the plan's world does not fail, or not twice in the same way.
pub fn shrink(
    plan: &Plan,
    budget: u64,
    run: impl FnMut(&Plan) -> Result<Report, String>,
) -> Result<Shrunk, Refusal> {
    let (mut search, from) = Search::begin(plan, budget, run)?;
    let mut is_minimal = false;
    while !is_minimal && !search.is_cut() {
        search.reduce();
        is_minimal = search.prove();
    }
    Ok(search.end(from, is_minimal))
}
