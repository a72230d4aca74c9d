//! The transition system of the registry's protocol: that its invariant holds for any number of threads, and that nothing in it is idle.
//!
//! Where no solver is installed the questions are not asked, and the tests say so; search and page need none.

mod bent;
mod defects;
mod parrots;
mod refinement;

use iaxproof_models::protocol::invariant::Invariant;
use iaxproof_models::protocol::page::page;
use iaxproof_models::protocol::search::{World, search};
use iaxproof_models::protocol::smt::enabled;
use iaxproof_models::protocol::solver::{Answer, Solver};
use iaxproof_models::protocol::{Bounds, Scope, Table, inductive};

/// How many states a search expands.
const STATES_MAX: usize = 8_000;

/// The solver, or the word that it is missing.
fn solver() -> Option<Solver> {
    let found = Solver::find();
    if found.is_none() {
        eprintln!("{}", inductive::NOT_RUN);
    }
    found
}

#[test]
fn the_invariant_holds_for_any_number_of_threads_and_objects() {
    let Some(mut solver) = solver() else { return };
    let (table, invariant) = (Table::shipped(), Invariant::shipped());
    let outcome = inductive::prove(&table, &invariant, &mut solver, |_, _| ());
    assert!(outcome.failures.is_empty(), "{:#?}", outcome.failures);
    assert!(outcome.total() > 400, "{:?}", outcome.asked);
    println!(
        "{} questions, {} asked again",
        outcome.total(),
        solver.retries
    );
}

#[test]
fn every_step_can_be_taken_in_a_state_of_the_invariant() {
    let Some(mut solver) = solver() else { return };
    let (table, invariant) = (Table::shipped(), Invariant::shipped());
    let scope = Scope::Finite(Bounds::SMALL);
    for step in &table.steps {
        let answer = solver.ask(&enabled(&table, &invariant, step, scope));
        assert_eq!(answer, Answer::Sat, "{}", step.name);
    }
}

/// A step that can never be taken would be safe for nothing.
#[test]
fn a_step_that_cannot_be_taken_is_seen() {
    let Some(mut solver) = solver() else { return };
    let mut table = Table::shipped();
    let step = table.step_mut("look").unwrap();
    step.guards
        .push(iaxproof_models::protocol::expr::Expr::parse(
            "(destroyed (raw t))",
        ));
    let step = table.step("look").unwrap();
    let text = enabled(
        &table,
        &Invariant::shipped(),
        step,
        Scope::Finite(Bounds::SMALL),
    );
    assert_eq!(solver.ask(&text), Answer::Unsat);
}

#[test]
fn what_is_reached_from_the_start_keeps_the_invariant_and_takes_every_step() {
    let table = Table::shipped();
    let seen = search(&table, &Invariant::shipped(), &World::small(1), STATES_MAX);
    assert_eq!(seen.broken, None);
    assert_eq!(seen.states, STATES_MAX);
    for step in &table.steps {
        assert!(seen.taken.contains_key(step.name), "{}", step.name);
    }
}

/// `UPDATE_PAGES=1` writes the page anew.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "who means the page to change says so; no run sees it"
)]
fn the_page_says_what_is_proved() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/protocol/steps.md");
    let written = page(&Table::shipped(), &Invariant::shipped());
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(PATH, &written).unwrap();
    }
    let held = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        held == written,
        "steps.md is not what the table says: UPDATE_PAGES=1 writes it anew"
    );
}
