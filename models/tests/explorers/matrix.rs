//! The matrix: that it has every cell, that the first executions of each hold, and that an outcome which no order of the operations
//! gives would be seen. `iaxproof prove --matrix` explores the cells to their end.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeSet;

use iaxproof_models::explore::{Enumeration, Stop};
use iaxproof_models::matrix::{Operation, cell, cells, quick_pairs};
use iaxproof_models::proof::{Word, word};
use iaxproof_models::{Design, End, Engine, Exploration, Scenario, scenarios};

/// The executions that a test spends on one exploration of a pair, and of a triple.
const EXECUTIONS_MAX: [u64; 2] = [150, 20];

fn explore(cell: &Scenario, engine: Engine) -> Exploration {
    let executions = AtomicU64::new(0);
    let most = EXECUTIONS_MAX[cell.threads - 2];
    let stop: Stop = Box::new(move || executions.fetch_add(1, Ordering::Relaxed) >= most);
    cell.explore(Design::Shipped, engine, stop).unwrap()
}

#[test]
fn each_operation_stands_beside_each_and_by_threes_with_those_of_its_object() {
    let all = Operation::ALL;
    for (at, a) in all.into_iter().enumerate() {
        for b in all.into_iter().skip(at) {
            assert!(cell(&[b, a]).is_some(), "{a:?} {b:?}");
        }
    }
    let triple = |a, b, c| cell(&[a, b, c]).is_some();
    assert!(triple(Operation::Unlink, Operation::Find, Operation::Find));
    assert!(triple(
        Operation::Transfer,
        Operation::Reload,
        Operation::Prune
    ));
    assert!(!triple(
        Operation::Find,
        Operation::Reload,
        Operation::Prune
    ));
    let count = |threads| cells().filter(|cell| cell.threads == threads).count();
    // 16 * 17 / 2; twice 8 * 9 * 10 / 6.
    assert_eq!((count(2), count(3)), (136, 240));
    assert_eq!(
        quick_pairs().count(),
        127,
        "each slow pair is one of the matrix"
    );
}

#[test]
fn names_are_their_own_and_fit_a_token() {
    let all = || cells().chain(scenarios()).map(|scenario| scenario.name);
    assert!(all().all(|name| name.len() <= 80 && !name.contains('-')));
    assert_eq!(all().collect::<BTreeSet<_>>().len(), all().count());
}

#[test]
fn the_first_executions_of_each_cell_hold() {
    let mut proved = 0;
    for cell in cells() {
        let loom = explore(cell, Engine::Loom);
        let shuttle = explore(cell, Engine::Shuttle);
        match word(cell, Design::Shipped, &loom, Some(&shuttle)) {
            Word::Proved => proved += 1,
            Word::Failed(finding) => {
                panic!("{}: {}\n{}", cell.name, finding.message, finding.table)
            }
            // The test's own limit, not a proof.
            Word::ExhaustedByLoomAlone | Word::Bounded(_) | Word::Incomplete(_) => {}
        }
    }
    assert!(proved >= 50, "{proved} proved");
}

/// Cells of which shuttle runs all interleavings, some thousand, and which have outcomes that take more than who begins.
const COMPARED: [[Operation; 3]; 4] = {
    use Operation::{Find, Link, Replace, Unlink};
    [
        [Find, Find, Link],
        [Find, Link, Unlink],
        [Find, Link, Replace],
        [Link, Unlink, Unlink],
    ]
};

/// All interleavings against the enumerator's share of them.
#[test]
fn reduction_loses_no_outcome_of_a_cell() {
    for operations in COMPARED {
        let cell = cell(&operations).unwrap();
        let with = |enumeration| {
            let seen = cell.enumerate(Design::Shipped, enumeration, Box::new(|| false));
            let seen = seen.unwrap();
            (seen.end, seen.outcomes.into_keys().collect::<BTreeSet<_>>())
        };
        let (end, outcomes) = with(Enumeration::DepthFirst);
        assert!(outcomes.len() >= 3, "{}: {outcomes:?}", cell.name);
        assert_eq!(
            (&end, with(Enumeration::Reduced)),
            (&End::Exhausted, (end.clone(), outcomes))
        );
    }
}

/// That a cell sees both orders of what excludes each other: without the second the judge would judge nothing.
#[test]
fn the_outcomes_are_those_of_the_orders() {
    let cell = cell(&[Operation::Link, Operation::Unlink]).unwrap();
    let seen = cell
        .explore(Design::Shipped, Engine::Shuttle, Box::new(|| false))
        .unwrap();
    let seen: Vec<&str> = seen.outcomes.keys().map(String::as_str).collect();
    let orders = [
        "links 20; unlinks 20; no line",
        "links 20; unlinks nothing; line 20",
    ];
    assert_eq!(seen, orders);
}
