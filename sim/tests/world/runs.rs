//! Worlds of many seeds hold, and replay.

use iaxproof_sim::goals::Goal;
use iaxproof_sim::plan::{ENGINE, Plan};
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

/// A client challenged its caller, whose secret is another since a reload, so that the client can open nothing of what is sealed; and one of
/// these frames reads as a TEXT.
#[test]
fn what_cannot_be_opened_is_not_read_as_a_text() {
    let token = "W1-AwEAAQDD7gHg1AMBAwAAAgAAAjwAAAB46AcAAQEOAAcAHgAFADwAAwA80A8CCAHQDwMCAAcC0A8FAB4ABQIAAwLQDwMN\
                 AAAHAQADDQEAAw0CqBQCDAEAAgUBAQYIAAAB";
    let plan = Plan {
        engine: ENGINE.into(),
        ..Plan::from_token(token).expect("a token of this schema")
    };
    let report = run(&plan, View::Timeline, audited);
    assert_eq!(report.failure(), None);
    let lines = report.timeline.expect("asked for");
    let is_it = |line: &str| line.contains("21356 -> 1009 R") && line.contains("TEXT");
    assert!(lines.iter().any(|line| is_it(&line.text)));
}
