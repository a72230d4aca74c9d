//! Worlds of many seeds hold, and replay.

use iaxproof_sim::goals::Goal;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;
use iaxproof_sim::sweep::{Sweep, audited};
use iaxproof_sim::world::run;

/// How many seeds the sweep of the tests takes.
const SEEDS: u64 = 300;

#[test]
fn every_property_holds_in_every_world_and_the_goals_are_reached() {
    let mut sweep = Sweep::default();
    (0..SEEDS).for_each(|seed| sweep.run_seed(seed));
    let failures = sweep.failures.iter().map(|((property, signature), group)| {
        format!(
            "{property}: {} worlds, first seed {}: {} ({signature})",
            group.count, group.first_seed, group.message
        )
    });
    let failures: Vec<_> = failures.collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(sweep.worlds, SEEDS);
    let rare = [Goal::MiniMisdelivered];
    let missed: Vec<_> = sweep
        .goals_missed()
        .into_iter()
        .filter(|goal| !rare.contains(goal))
        .collect();
    assert!(missed.is_empty(), "no world reached: {missed:?}");
    for point in [
        "no dialogue, NEW, no fault",
        "no dialogue, REGREQ, after a restart",
        "registration Challenged, REGREQ, after a loss",
        "registration Storing, REGREQ, sent again",
        "call AuthWait, AUTHREP, after a reload",
        "call Up, HANGUP, twice",
        "call Up, mini frame, late",
        "call encrypted, TEXT, damaged",
        "call Up, VOICE, from a new port",
        "call transfer middle, TXREADY, no fault",
        "registrant AuthSent, REGACK, no fault",
        "Poking, PONG, no fault",
    ] {
        let is_reached = sweep.points.contains_key(&point.parse().unwrap());
        assert!(is_reached, "no world reached {point}");
    }
    let count = sweep.points.len();
    assert!((700..4_000).contains(&count), "{count} points");
}

#[test]
fn a_world_replays_from_the_text_of_its_plan_with_the_same_trace() {
    for seed in 0..30 {
        let report = run(&Plan::from_seed(seed), View::Hash, audited);
        assert!(!report.plan.explore);
        let text = report.plan.to_string();
        let plan: Plan = text.parse().unwrap();
        assert_eq!(plan, report.plan);
        let again = run(&plan, View::Timeline, audited);
        assert_eq!(again.trace_hash, report.trace_hash, "seed {seed}");
        assert_eq!(again.plan, report.plan, "seed {seed}");
        assert_eq!(again.coverage, report.coverage, "seed {seed}");
    }
}

#[test]
fn another_decision_is_another_trace() {
    let report = run(&Plan::from_seed(5), View::Hash, audited);
    let mut other = report.plan.clone();
    other.decisions.push("network 2 3 = 1".parse().unwrap());
    let other = run(&other, View::Hash, audited);
    assert_ne!(other.trace_hash, report.trace_hash);
}

#[test]
fn every_world_is_as_long_as_it_has_to_be() {
    for seed in 0..30 {
        let report = run(&Plan::from_seed(seed), View::Hash, audited);
        assert!(report.simulated.as_secs() >= 60, "seed {seed}");
        assert!(report.events > 100, "seed {seed}: {}", report.events);
    }
}
