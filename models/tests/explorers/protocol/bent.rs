//! Nothing in table and invariant is idle: without any one guard, or any one sentence, some question fails, with a counterexample.

use iaxproof_models::protocol::invariant::{Invariant, theorems};
use iaxproof_models::protocol::smt::{Query, queries, step_queries};
use iaxproof_models::protocol::solver::{Answer, Solver};
use iaxproof_models::protocol::{Bounds, Scope, Table};

use super::solver;

pub(super) const SCOPE: Scope = Scope::Finite(Bounds::SMALL);

/// The first of these questions that fails. Those about the numbers of owners take long, so they come last.
fn first_failing(mut queries: Vec<Query>, solver: &mut Solver) -> Option<String> {
    queries.sort_by_key(is_long);
    let fails = |query: &Query| solver.ask(&query.text) == Answer::Sat;
    queries.into_iter().find(fails).map(|query| query.name())
}

fn is_long(query: &Query) -> bool {
    query.check.contains("idx")
}

/// For each sentence a question that fails without it, with a counterexample.
const NEEDED: &[(&str, &str)] = &[
    ("idx-range", "clone keeps unborn"),
    ("inv-idx", "one-means-alone follows"),
    ("idx-inv", "rest-within follows"),
    ("count", "rest-counted follows"),
    ("settings-in", "rest-within follows"),
    ("settings-out", "rest-owner follows"),
    ("unborn", "make keeps dead"),
    (
        "held",
        "destroy is safe: (not (held (E (st-of (victim t)))))",
    ),
    ("lock-out", "unlock is safe: (held (lk t))"),
    (
        "base",
        "unlock is safe: (=> ((_ is E) (lk t)) (and (not (destroyed (E-of (lk t)))) (not (freed (E-of (lk t))))))",
    ),
    (
        "raw",
        "look is safe: (and (not (destroyed (raw t))) (not (freed (raw t))))",
    ),
    ("guess", "upgrade keeps unborn"),
    ("dead", "destroy keeps due-strong"),
    ("due-strong", "make keeps dead"),
    ("due-weak", "make keeps dead"),
    ("ending", "make keeps dead"),
    (
        "open",
        "destroy is safe: (not (held (E (st-of (victim t)))))",
    ),
    ("whole", "downgrade keeps dead"),
    ("duty-strong", "rest-counted follows"),
    ("duty-weak", "rest-freed follows"),
    ("gone", "clone is safe: (not (freed o))"),
    ("freed", "clone is safe: (not (freed o))"),
    ("remains", "common-weak follows"),
    ("keep", "miss is safe: (not (keep n))"),
];

#[test]
fn every_sentence_of_the_invariant_is_needed() {
    let Some(mut solver) = solver() else { return };
    let (table, invariant) = (Table::shipped(), Invariant::shipped());
    for sentence in &invariant.0 {
        let needed = NEEDED.iter().find(|(name, _)| *name == sentence.name);
        let (_, question) = needed.expect("each sentence has a question that needs it");
        let asked = queries(&table, &invariant, &theorems(), SCOPE);
        assert_eq!(answer(asked, question, &mut solver), Answer::Unsat);
        let less = invariant.without(sentence.name);
        let asked = queries(&table, &less, &theorems(), SCOPE);
        let answer = answer(asked, question, &mut solver);
        assert_eq!(answer, Answer::Sat, "{question} without {}", sentence.name);
    }
}

fn answer(asked: Vec<Query>, name: &str, solver: &mut Solver) -> Answer {
    let query = asked.into_iter().find(|query| query.name() == name);
    solver.ask(&query.expect("a question of this name").text)
}

#[test]
fn every_guard_of_every_step_is_needed() {
    let Some(mut solver) = solver() else { return };
    let (table, invariant) = (Table::shipped(), Invariant::shipped());
    for step in &table.steps {
        for nth in 0..step.guards.len() {
            let mut bent = step.clone();
            let guard = bent.guards.remove(nth);
            let asked = step_queries(&table, &invariant, &bent, SCOPE);
            let failing = first_failing(asked, &mut solver);
            assert!(failing.is_some(), "{} does not need {guard:?}", step.name);
        }
    }
}
