//! The scenarios on what ships: those that both explorers exhaust within a few thousand executions are proved here, of the
//! larger ones the first executions are run. `iaxproof prove` runs all of them to their end.

use core::sync::atomic::{AtomicU64, Ordering};

use iaxproof_models::explore::Stop;
use iaxproof_models::proof::{Word, word};
use iaxproof_models::{Design, End, Engine, Exploration, Scenario, scenarios};

/// The executions that a test spends on one exploration.
const EXECUTIONS_MAX: u64 = 3_000;

fn explore(scenario: &Scenario, engine: Engine) -> Exploration {
    let executions = AtomicU64::new(0);
    let stop: Stop = Box::new(move || executions.fetch_add(1, Ordering::Relaxed) >= EXECUTIONS_MAX);
    scenario
        .explore(Design::Shipped, engine, stop)
        .expect("every scenario runs on what ships")
}

#[test]
fn what_ships_holds_in_every_scenario() {
    let mut proved = Vec::new();
    for scenario in scenarios() {
        let loom = explore(scenario, Engine::Loom);
        let shuttle = explore(scenario, Engine::Shuttle);
        match word(scenario, Design::Shipped, &loom, Some(&shuttle)) {
            Word::Proved => proved.push(scenario.name),
            Word::Failed(finding) => {
                panic!("{}: {}\n{}", scenario.name, finding.message, finding.table)
            }
            // The test's own limit, not a proof.
            Word::ExhaustedByLoomAlone | Word::Bounded(_) | Word::Incomplete(_) => {}
        }
    }
    assert!(proved.len() >= 10, "{} proved: {proved:?}", proved.len());
}

#[test]
fn a_limit_makes_it_incomplete() {
    let scenario = scenarios()
        .find(|s| s.name == "upgrade_never_brings_back")
        .unwrap();
    for engine in [Engine::Loom, Engine::Shuttle] {
        let executions = AtomicU64::new(0);
        let stop: Stop = Box::new(move || executions.fetch_add(1, Ordering::Relaxed) >= 5);
        let seen = scenario.explore(Design::Shipped, engine, stop).unwrap();
        assert!(matches!(seen.end, End::Stopped(_)), "{:?}", seen.end);
        assert!(seen.executions <= 6, "{}", seen.executions);
        if engine == Engine::Loom {
            assert!(matches!(
                word(scenario, Design::Shipped, &seen, None),
                Word::Incomplete(_)
            ));
        }
    }
}

#[test]
fn an_outcome_that_was_not_seen_is_a_failure() {
    let scenario = scenarios().find(|s| s.name == "find_races_unlink").unwrap();
    let mut loom = explore(scenario, Engine::Loom);
    let shuttle = explore(scenario, Engine::Shuttle);
    assert_eq!(
        word(scenario, Design::Shipped, &loom, Some(&shuttle)),
        Word::Proved
    );
    let lost = loom.outcomes.pop_first();
    assert!(lost.is_some());
    assert!(matches!(
        word(scenario, Design::Shipped, &loom, Some(&shuttle)),
        Word::Failed(_)
    ));
}

#[test]
fn names_are_unique_and_fit_a_token() {
    let mut names: Vec<_> = scenarios().map(|scenario| scenario.name).collect();
    assert!(
        names
            .iter()
            .all(|name| name.len() <= 80 && !name.contains('-'))
    );
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), scenarios().count());
}
