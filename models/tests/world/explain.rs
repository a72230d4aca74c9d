//! What decides by its order that a world fails is found: two steps of threads, or an operation and what it must come before.

use iaxproof_models::{Design, world};
use iaxproof_sim::decide::Domain;
use iaxproof_sim::explain::{Decisive, Happened, explain};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;
use iaxproof_sim::shrink::{Kind, RUNS_MAX, Refusal, shrink};
use iaxproof_sim::views::Entry;

/// A seed whose world with threads breaks `reload-atomic` on the design that rewrites live settings in place.
const THREADED: u64 = 381;
/// A seed whose world without threads fails on the list of before August 2007.
const ON_ONE_STACK: u64 = 12;

fn small(plan: &Plan, design: Design) -> Plan {
    let run = |plan: &Plan| Ok(world::run(plan, View::Hash, design));
    shrink(plan, RUNS_MAX, run).expect("it fails").plan
}

/// The pair that decides. Which of its plans fails and which holds is tried here anew.
fn decisive(plan: &Plan, design: Design) -> Decisive {
    let run = |plan: &Plan, view| Ok(world::run(plan, view, design));
    let explanation = explain(plan, run).expect("it fails");
    let decisive = explanation.decisive.expect("something decides");
    let kind = |plan: &Plan| Kind::of(&world::run(plan, View::Hash, design));
    assert_eq!(kind(&decisive.fails).as_ref(), Some(&explanation.kind));
    assert_ne!(kind(&decisive.holds).as_ref(), Some(&explanation.kind));
    decisive
}

fn entry(happened: &Happened) -> &Entry {
    match happened {
        Happened::Entry(entry) => entry,
        other => panic!("no entry of a log: {other:?}"),
    }
}

#[test]
fn two_steps_of_two_threads_decide_a_race() {
    let design = Design::RebuildInPlace;
    let mut plan = Plan::threaded_from_seed(THREADED);
    plan.options.scheduler = iaxproof_sim::schedule::Scheduler::Stalls;
    let plan = small(&plan, design);
    let found = decisive(&plan, design);
    let (first, second) = (entry(&found.first), entry(&found.second));
    assert_ne!(first.thread, second.thread);
    let in_the_design = |entry: &Entry| entry.text.contains("rebuild_in_place.rs:");
    assert!(
        in_the_design(first) || in_the_design(second),
        "{first:?} {second:?}"
    );
    // The plans differ in how long one stall lasts, by one step.
    let lasts = |plan: &Plan| {
        let mut resumes = plan.decisions.iter();
        let resume = resumes.find(|it| it.key.domain == Domain::Resume);
        resume.map_or(0, |it| it.value)
    };
    assert_eq!(lasts(&found.fails), lasts(&found.holds) + 1);
}

#[test]
fn an_operation_and_what_it_must_come_before_decide_a_world_without_threads() {
    let design = Design::Specimen2007;
    let plan = small(&Plan::from_seed(ON_ONE_STACK), design);
    let found = decisive(&plan, design);
    let is_operation = |it: &Happened| matches!(it, Happened::Operation(_));
    assert!(
        is_operation(&found.first) != is_operation(&found.second),
        "{found:?}"
    );
    let times = |plan: &Plan| -> Vec<u32> { plan.operations.iter().map(|it| it.at_ms).collect() };
    let (fails, holds) = (times(&found.fails), times(&found.holds));
    let moved = fails.iter().zip(&holds).filter(|(a, b)| a != b);
    let moved: Vec<_> = moved.map(|(a, b)| a.abs_diff(*b)).collect();
    assert_eq!(moved, [1]);
}

#[test]
fn what_holds_is_not_explained() {
    let run = |plan: &Plan, view| Ok(world::run(plan, view, Design::Shipped));
    let refused = explain(&Plan::from_seed(1), run).expect_err("it holds");
    assert_eq!(refused, Refusal::Holds);
}
