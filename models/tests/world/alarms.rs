//! Worlds at which a checker once cried wolf, made small. Each is about one moment between threads; where the sources change, a stall may
//! come before another step, so those that tell one are tried before many.

use iaxproof_models::{Design, world};
use iaxproof_sim::decide::Domain;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;

/// What breaks in the world of a plan.
fn broken(plan: &Plan) -> Option<String> {
    let report = world::run(plan, View::Hash, Design::Shipped);
    let failure = report.failure();
    failure.map(|it| format!("{}: {}", it.violation.property, it.violation.message))
}

/// What breaks where the thread of the plan's stall stalls before this step instead.
fn broken_at(plan: &Plan, nth: u32) -> Option<String> {
    let mut plan = plan.clone();
    let mut stalls = plan.decisions.iter_mut();
    let stall = stalls.find(|it| it.key.domain == Domain::Stall);
    stall.expect("the plan has a stall").key.nth = nth;
    broken(&plan)
}

fn plan(token: &str) -> Plan {
    Plan::from_token(token).expect("a token of this schema")
}

/// The database brings what a write of the dead process left, and the operator takes that away before anybody looks; a POKE is out.
#[test]
fn a_watch_that_a_restart_began_may_outlive_a_contact_that_nobody_saw() {
    let plan = plan("W1-AwEAAQAA4NQDAQIAAQEABQEAAQEAATwAAAADAAUAPEcCDgACCgAAAQwDFAI");
    for nth in 0..60 {
        assert_eq!(broken_at(&plan, nth), None, "stall 3 {nth}");
    }
}

/// The registrar moved: the REGREL of the former registration is late, and takes back the newer one until that is renewed.
#[test]
fn a_late_release_takes_back_what_was_registered_anew() {
    let plan = plan("W1-AwEAAQAAuIsEAgEAAAEAAAE8AAAAAgADAB6QTgIOAAQKAAMNCgAGAQoABwsOBAAB");
    assert_eq!(broken(&plan), None);
}

/// An octet of a sealed AUTHREP was changed that says nothing, so the proof is right.
#[test]
fn a_proof_that_is_right_though_it_was_damaged_encrypts_the_call() {
    let plan = plan("W1-AwEAAQAA4NQDAgIAAAAIAQEAATwAAAABAAUCAAIADQIOBgEAAQ");
    assert_eq!(broken(&plan), None);
}

/// A reload brings a name back, and stands still before it links it: who asks meanwhile is refused, one second later.
#[test]
fn a_name_is_there_when_the_reload_has_ended_and_not_since_it_began() {
    let plan = plan("W1-AwEAAQAA4NQDAQQAAAAAAAM8AAAAPAABAAB46AcAAAMAAwAejAECCAGETQIIAgABDAHyAQM");
    for nth in 150..350 {
        assert_eq!(broken_at(&plan, nth), None, "stall 1 {nth}");
    }
}
