//! The whole proof: every question, asked in order; and for each that fails, a counterexample with a few of everything.

use super::finite::{Bounds, Scope, state_terms};
use super::invariant::{Invariant, theorems};
use super::smt::{self, Kind, Query};
use super::solver::{Answer, Solver};
use super::table::Table;

/// What is said where no solver can be started.
pub const NOT_RUN: &str = "inductive: NOT RUN (no solver found)";

/// For how many failures a counterexample is sought.
const COUNTEREXAMPLES_MAX: usize = 5;

/// A question that was not answered by "unsat".
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which question.
    pub query: String,
    /// What the solver said of any number of everything.
    pub answer: Answer,
    /// A state with a few of everything in which it fails, where the solver found one: the values that are not those of the start.
    pub counterexample: Option<Vec<String>>,
}

/// What became of the questions.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many of each kind were asked.
    pub asked: Vec<(Kind, usize)>,
    /// Those that failed; none, and the protocol is inductive.
    pub failures: Vec<Failure>,
}

impl Outcome {
    /// How many questions were asked in all.
    pub fn total(&self) -> usize {
        self.asked.iter().map(|(_, count)| count).sum()
    }
}

/// Asks all questions about the table and its invariant for any number of threads and objects. `progress` hears how many are done, and of
/// how many.
pub fn prove(
    table: &Table,
    invariant: &Invariant,
    solver: &mut Solver,
    mut progress: impl FnMut(usize, usize),
) -> Outcome {
    let queries = smt::queries(table, invariant, &theorems(), Scope::Any);
    let mut outcome = Outcome::default();
    for (nth, query) in queries.iter().enumerate() {
        let answer = solver.ask(&query.text);
        if answer != Answer::Unsat {
            outcome.failures.push(Failure {
                query: query.name(),
                answer,
                counterexample: (outcome.failures.len() < COUNTEREXAMPLES_MAX)
                    .then(|| counterexample(table, invariant, query, solver))
                    .flatten(),
            });
        }
        progress(nth + 1, queries.len());
    }
    outcome.asked = counts(&queries);
    outcome
}

/// A state with a few of everything in which this question fails.
fn counterexample(
    table: &Table,
    invariant: &Invariant,
    query: &Query,
    solver: &mut Solver,
) -> Option<Vec<String>> {
    let scope = Scope::Finite(Bounds::SMALL);
    let finite = smt::queries(table, invariant, &theorems(), scope);
    let same = finite.into_iter().find(|it| it.name() == query.name())?;
    let step = query.step.and_then(|name| table.step(name));
    let params = step.into_iter().flat_map(|step| &step.params);
    let mut terms: Vec<String> = params.map(|param| param.name.to_owned()).collect();
    terms.extend(state_terms(Bounds::SMALL));
    let found = solver.ask(&same.text) == Answer::Sat;
    found.then(|| {
        let values = solver.values(&terms);
        let tells = |value: &String| !DULL.iter().any(|dull| value.ends_with(dull));
        values.into_iter().filter(tells).collect()
    })
}

/// The ends of what is not worth a line.
const DULL: [&str; 4] = ["= nul", "= 0", "= false", "= Idle"];

fn counts(queries: &[Query]) -> Vec<(Kind, usize)> {
    let kinds = [
        Kind::Initiation,
        Kind::Consecution,
        Kind::Safety,
        Kind::Theorem,
    ];
    let count = |kind| queries.iter().filter(|query| query.kind == kind).count();
    kinds.into_iter().map(|kind| (kind, count(kind))).collect()
}
