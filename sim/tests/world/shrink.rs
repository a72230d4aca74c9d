//! Shrinking, over worlds that only look at their plan: what is needed stays, what is not goes, and another failure does not count.

use iaxproof::time::Instant;
use iaxproof_sim::checkers::Violation;
use iaxproof_sim::plan::{Actor, Plan, What};
use iaxproof_sim::report::{Failure, Report, Verdict};
use iaxproof_sim::shrink::{Counts, Shrunk, shrink};

/// The report of a world that ends at once.
fn report(plan: &Plan, message: Option<String>) -> Report {
    let failed = |message| {
        Verdict::Failed(Failure {
            violation: Violation {
                property: "no-leak",
                message,
            },
            at: Instant::ZERO,
            event: 1,
        })
    };
    let mut plan = plan.clone();
    plan.explore = false;
    Report {
        verdict: message.map_or(Verdict::Held, failed),
        events: 1,
        ..Report::empty(plan)
    }
}

/// A plan with decisions.
fn plan(seed: u64) -> Plan {
    let mut plan = Plan::from_seed(seed);
    let texts = (0..60).map(|nth| format!("network 2 {nth} = 1"));
    plan.decisions = texts
        .map(|text| text.parse().expect("a decision"))
        .collect();
    plan
}

fn has(plan: &Plan, nth: u32) -> bool {
    plan.decisions.iter().any(|it| it.key.nth == nth)
}

fn of(plan: &Plan, wanted: impl Fn(&What) -> bool) -> usize {
    plan.operations.iter().filter(|it| wanted(&it.what)).count()
}

fn shrunk(from: &Plan, mut says: impl FnMut(&Plan) -> Option<String>) -> Shrunk {
    let made = shrink(from, 10_000, |plan| Ok(report(plan, says(plan))));
    let made = made.expect("a small plan");
    assert!(made.is_minimal, "{made}");
    made
}

#[test]
fn what_is_needed_together_stays_and_all_else_goes() {
    for seed in 0..40 {
        let is_register = |what: &What| matches!(what, What::Register { .. });
        let needed = |plan: &Plan| has(plan, 7) && has(plan, 41) && of(plan, is_register) >= 2;
        let made = shrunk(&plan(seed), |plan| needed(plan).then(|| "left".to_owned()));
        let expected = Counts {
            nodes: 3,
            operations: 2,
            faults: 2,
            ..Counts::default()
        };
        assert_eq!(Counts::of(&made.plan), expected, "seed {seed}: {made}");
        assert_eq!(made.plan.heal_ms, 60_000);
        assert_eq!(made.plan.configurations.len(), 1);
        assert_eq!(made.plan.options, Default::default());
    }
}

#[test]
fn one_of_two_is_enough() {
    let needed = |plan: &Plan| has(plan, 3) || has(plan, 4);
    let made = shrunk(&plan(1), |plan| needed(plan).then(String::new));
    assert_eq!(made.plan.decisions.len(), 1, "{made}");
    assert!(made.plan.operations.is_empty());
}

#[test]
fn another_failure_does_not_count_and_another_number_does() {
    let made = shrunk(&plan(1), |plan| {
        // With fewer than four decisions something else goes wrong.
        let count = plan.decisions.len();
        Some(match count {
            0..4 => "another".to_owned(),
            _ => format!("{count} objects are left"),
        })
    });
    assert_eq!(made.plan.decisions.len(), 4, "{made}");
    assert_eq!(made.message, "4 objects are left");
    assert_eq!(made.kind.signature, "# objects are left");
}

#[test]
fn a_client_that_is_needed_is_renumbered_when_those_before_it_go() {
    let seeds = (0..).map(plan);
    let mut plans = seeds.filter(|plan| plan.topology.clients == 4 && plan.topology.servers == 1);
    let from = plans.next().unwrap();
    let made = shrunk(&from, |plan| {
        let last = plan.topology.clients - 1;
        let mut operations = plan.operations.iter();
        let any = operations.any(|it| it.actor == Actor::Client(last));
        any.then(String::new)
    });
    assert_eq!(made.plan.topology.clients, 2, "{made}");
    assert_eq!(made.plan.operations.len(), 1);
    assert_eq!(made.plan.operations[0].actor, Actor::Client(1));
}

#[test]
fn what_panics_on_the_way_is_not_taken_over() {
    let from = plan(1);
    let made = shrink(&from, 10_000, |plan| match plan.operations.len() {
        0..3 => Err("a panic".to_owned()),
        _ => Ok(report(plan, Some(String::new()))),
    });
    assert_eq!(made.unwrap().plan.operations.len(), 3);
}
