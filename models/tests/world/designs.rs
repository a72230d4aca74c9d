//! The designs that must be caught, in the same simulated world as the one that ships.

use iaxproof::registry::Audited;
use iaxproof_models::specimen::{RebuildInPlace, Specimen2007};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::world::{DirectorySetup, run};

/// The seeds that the hunt takes at most.
const SEEDS: u64 = 500;

fn list_2007(setup: &DirectorySetup) -> Specimen2007<Audited> {
    Specimen2007::new(setup.token_key.clone(), setup.realtime)
}

fn rebuild_in_place(setup: &DirectorySetup) -> RebuildInPlace<Audited> {
    RebuildInPlace::new(
        Default::default(),
        setup.hash_key,
        setup.token_key.clone(),
        setup.realtime,
    )
}

/// The first world that breaks this property.
fn hunt(property: &str, world: impl Fn(&Plan) -> Report) -> Option<Report> {
    let reports = (0..SEEDS).map(|seed| world(&Plan::from_seed(seed)));
    let breaks = |report: &Report| {
        report
            .failure()
            .is_some_and(|f| f.violation.property == property)
    };
    reports.into_iter().find(breaks)
}

#[test]
fn a_world_finds_the_crash_of_2007_and_its_plan_replays() {
    let world = |plan: &Plan| run(plan, View::Hash, list_2007);
    let found = hunt("no-use-after-destroy", world).expect("the list of 2007 uses what it freed");
    let plan: Plan = found.plan.to_string().parse().unwrap();
    for _ in 0..10 {
        let again = world(&plan);
        assert_eq!(
            (again.trace_hash, &again.verdict),
            (found.trace_hash, &found.verdict)
        );
    }
}

/// One thread runs a world, so nobody looks in between; but what is written to an entry that was evicted is lost.
#[test]
fn a_world_finds_what_rebuild_in_place_loses() {
    let world = |plan: &Plan| run(plan, View::Hash, rebuild_in_place);
    let found = hunt("registration-kept", world).expect("rebuild in place loses a registration");
    assert!(found.failure().is_some());
}
