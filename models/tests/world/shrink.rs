//! Plans of worlds on the designs that must fail get small, fail as before, and have nothing in them that is not needed. Whether
//! something is needed is tried here anew, by another hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use iaxproof_models::{Design, world};
use iaxproof_sim::decide::Domain;
use iaxproof_sim::plan::{Actor, Plan};
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::shrink::{Counts, Kind, RUNS_MAX, Refusal, Shrunk, shrink};

/// The seeds of which the first that fails is shrunk.
const SEEDS: u64 = 300;

fn run(plan: &Plan, design: Design) -> Report {
    world::run(plan, View::Hash, design)
}

/// The plan of the first seed from `from` on that fails.
fn failing(design: Design, make: fn(u64) -> Plan, from: u64) -> Plan {
    let mut plans = (from..from + SEEDS).map(make);
    plans
        .find(|plan| run(plan, design).failure().is_some())
        .unwrap()
}

fn shrunk(plan: &Plan, design: Design) -> Shrunk {
    shrink(plan, RUNS_MAX, |plan| Ok(run(plan, design))).unwrap()
}

/// Every plan that lacks one thing: an operation, a partition, a decision, or the last client.
fn with_one_less(plan: &Plan) -> Vec<Plan> {
    let lists = [
        plan.operations.len(),
        plan.partitions.len(),
        plan.decisions.len(),
    ];
    let mut all = Vec::new();
    for (list, len) in lists.into_iter().enumerate() {
        for nth in 0..len {
            let mut less = plan.clone();
            match list {
                0 => drop(less.operations.remove(nth)),
                1 => drop(less.partitions.remove(nth)),
                _ => drop(less.decisions.remove(nth)),
            }
            all.push(less);
        }
    }
    all.push(without_the_last_client(plan));
    all.retain(|less| less.validate().is_ok());
    all
}

/// Decisions about it stay: a way of another number of nodes is another way.
fn without_the_last_client(plan: &Plan) -> Plan {
    let mut less = plan.clone();
    less.topology.clients -= 1;
    let gone = Actor::Client(less.topology.clients);
    less.operations.retain(|it| it.actor != gone);
    less.partitions
        .retain(|it| it.from != gone && it.to != gone);
    less
}

/// Shrinks, and checks all that is said of the result.
fn checked(plan: &Plan, design: Design) -> Shrunk {
    let kind = Kind::of(&run(plan, design)).unwrap();
    let shrunk = shrunk(plan, design);
    assert!(shrunk.is_minimal, "{shrunk}");
    assert_eq!(shrunk.kind, kind);
    assert_eq!(shrunk.plan.validate(), Ok(()));
    let again = run(&shrunk.plan, design);
    assert_eq!(Kind::of(&again).as_ref(), Some(&kind), "{shrunk}");
    assert_eq!(again.plan, shrunk.plan, "what runs is what is written");
    for less in with_one_less(&shrunk.plan) {
        let fails = Kind::of(&run(&less, design));
        assert_ne!(fails.as_ref(), Some(&kind), "{shrunk}\n{less}");
    }
    let text = shrunk.plan.to_string();
    assert_eq!(text.parse().as_ref(), Ok(&shrunk.plan));
    shrunk
}

/// The first failures of a design, shrunk: how much is left of each.
fn counts(design: Design, make: fn(u64) -> Plan, failures: usize) -> Vec<Counts> {
    let mut from = 0;
    let mut all = Vec::new();
    for _ in 0..failures {
        let plan = failing(design, make, from);
        from = plan.seed + 1;
        let shrunk = checked(&plan, design);
        println!("{}: {shrunk}\n{}", shrunk.kind.property, shrunk.plan);
        assert!(shrunk.from.operations >= 20, "{shrunk}");
        assert!(shrunk.plan.token().is_some(), "{}", shrunk.plan);
        all.push(Counts::of(&shrunk.plan));
    }
    all
}

#[test]
fn a_failure_of_2007_needs_four_operations_at_most() {
    for to in counts(Design::Specimen2007, Plan::from_seed, 6) {
        assert!(to.operations <= 4 && to.faults <= 3, "{to:?}");
        assert_eq!(to.preemptions, 0);
    }
}

#[test]
fn a_failure_of_rebuild_in_place_needs_four_operations_at_most() {
    for to in counts(Design::RebuildInPlace, Plan::from_seed, 2) {
        assert!(to.operations <= 4 && to.faults <= 3, "{to:?}");
    }
}

#[test]
fn a_world_with_threads_shrinks_to_few_preemptions_and_fails_on_shuttle_too() {
    for design in [Design::Specimen2007, Design::RebuildInPlace] {
        let plan = failing(design, Plan::threaded_from_seed, 0);
        let shrunk = checked(&plan, design);
        println!("{}: {shrunk}\n{}", shrunk.kind.property, shrunk.plan);
        let to = Counts::of(&shrunk.plan);
        assert!(to.operations <= 6 && to.faults <= 2, "{to:?}");
        assert!(to.preemptions <= 2, "{to:?}");
        let mut reference = shrunk.plan.clone();
        reference.engine = iaxproof_sim::plan::SHUTTLE.into();
        assert_eq!(Kind::of(&run(&reference, design)), Some(shrunk.kind));
    }
}

/// A seed whose world with threads breaks `reload-atomic` on the design that rewrites live settings in place, and only where a thread
/// stops in the middle of it.
const NEEDS_A_STALL: u64 = 381;

#[test]
fn of_a_race_between_threads_one_stall_is_kept() {
    let design = Design::RebuildInPlace;
    let shrunk = checked(&Plan::threaded_from_seed(NEEDS_A_STALL), design);
    assert_eq!(shrunk.kind.property, "reload-atomic");
    assert_eq!(Counts::of(&shrunk.plan).preemptions, 1, "{shrunk}");
    let mut calm = shrunk.plan;
    calm.decisions.retain(|it| it.key.domain != Domain::Stall);
    assert_eq!(Kind::of(&run(&calm, design)), None);
}

#[test]
fn what_holds_or_panics_is_refused() {
    let holds = shrink(&Plan::from_seed(1), RUNS_MAX, |plan| {
        Ok(run(plan, Design::Shipped))
    });
    assert_eq!(holds, Err(Refusal::Holds));
    let panics = shrink(&Plan::from_seed(1), RUNS_MAX, |_| Err("words".into()));
    assert_eq!(panics, Err(Refusal::Panics("words".into())));
}

#[test]
fn a_budget_is_kept_and_what_was_not_tried_is_not_called_minimal() {
    let design = Design::Specimen2007;
    let plan = failing(design, Plan::from_seed, 0);
    let whole = shrunk(&plan, design);
    for budget in [2, 20, whole.runs - 1, whole.runs] {
        let mut runs = 0;
        let cut = shrink(&plan, budget, |plan| {
            runs += 1;
            Ok(run(plan, design))
        });
        let cut = cut.unwrap();
        assert_eq!((cut.runs, runs), (budget, budget));
        assert_eq!(cut.is_minimal, budget == whole.runs, "{cut}");
        assert_eq!(Kind::of(&run(&cut.plan, design)), Some(cut.kind));
    }
}
