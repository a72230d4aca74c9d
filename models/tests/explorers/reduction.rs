//! Our enumerator against shuttle's depth-first search: wherever the latter comes to its end, both see the same outcomes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;

use iaxproof_models::explore::Enumeration;
use iaxproof_models::scenarios::Reach;
use iaxproof_models::{Design, End, Exploration, Scenario, scenarios};

fn explore(scenario: &Scenario, enumeration: Enumeration) -> Exploration {
    let seen = scenario
        .enumerate(Design::Shipped, enumeration, Box::new(|| false))
        .unwrap();
    assert_eq!(seen.end, End::Exhausted, "{}", scenario.name);
    seen
}

#[test]
fn reduction_loses_no_outcome_and_saves_executions() {
    let (mut all, mut reduced) = (0, 0);
    for scenario in scenarios().filter(|scenario| scenario.reach == Reach::DepthFirst) {
        let slow = explore(scenario, Enumeration::DepthFirst);
        let fast = explore(scenario, Enumeration::Reduced);
        let outcomes = |seen: &Exploration| seen.outcomes.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(outcomes(&fast), outcomes(&slow), "{}", scenario.name);
        (all, reduced) = (all + slow.executions, reduced + fast.executions);
    }
    assert!(all > 0 && reduced < all, "{reduced} executions of {all}");
}
