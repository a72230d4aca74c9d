//! Shrinking of plans whose worlds are made up: which fail is said by each test.

use std::collections::BTreeMap;

use iaxproof::time::Instant;

use super::*;
use crate::decide::{Decision, Key};
use crate::plan::{Actor, Partition, What};

/// What a world of this plan would report that fails or holds.
fn report(plan: &Plan, fails: bool) -> Report {
    let mut report = Report::empty(plan.clone());
    if fails {
        report.fail("no-leak", "one is left");
    }
    report
}

/// Two operations and one decision.
fn plan() -> Plan {
    let mut plan = Plan::from_seed(1);
    plan.explore = false;
    plan.operations.truncate(2);
    plan.partitions.clear();
    plan.decisions = vec!["network 1 0 = 1".parse().unwrap()];
    assert_eq!((plan.operations.len(), plan.validate()), (2, Ok(())));
    plan
}

/// Knows a plan that was run just before and failed: only a proof runs it again.
#[derive(Default)]
struct Proofs {
    failed: Option<Plan>,
    begun: u64,
}

impl Proofs {
    fn saw(&mut self, plan: &Plan) {
        self.begun += u64::from(self.failed.as_ref() == Some(plan));
    }
}

/// Shrinks where `fails` says which plans do, and how many proofs have begun. The plan that was given is run twice.
fn shrunk(budget: u64, fails: impl Fn(&Plan, u64) -> bool) -> Shrunk {
    let (mut proofs, mut runs) = (Proofs::default(), 0);
    let shrunk = shrink(&plan(), budget, |plan| {
        runs += 1;
        proofs.saw(plan);
        let fails = fails(plan, proofs.begun.saturating_sub(1));
        if fails {
            proofs.failed = Some(plan.clone());
        }
        Ok(report(plan, fails))
    });
    let shrunk = shrunk.unwrap();
    assert_eq!(shrunk.runs, runs);
    shrunk
}

#[test]
fn a_decision_is_traded_for_another_time() {
    let shrunk = shrunk(5_000, |plan, _| match plan.operations.as_slice() {
        [first, second] => {
            let pause = second.at_ms - first.at_ms;
            !plan.decisions.is_empty() || pause == 25
        }
        _ => false,
    });
    assert!(shrunk.is_minimal);
    assert_eq!(shrunk.plan.decisions, []);
    assert_eq!(shrunk.plan.operations.len(), 2);
}

const STALL: Key = Key {
    domain: Domain::Stall,
    who: 3,
    nth: 0,
};
const LOSS: Key = Key {
    domain: Domain::Network,
    who: 0,
    nth: 0,
};
/// How many steps a thread takes for one operation.
const STEPS: u32 = 56;

/// The steps of one thread, as many at the time of each operation.
fn steps(plan: &Plan) -> Vec<(Key, Instant)> {
    let times = plan.operations.iter().map(|it| it.at_ms);
    let steps = times.flat_map(|at_ms| (0..STEPS).map(move |_| at_ms));
    let step = |(nth, at_ms): (u32, u32)| {
        let at = Instant::from_millis(at_ms.into());
        (Key { nth, ..STALL }, at)
    };
    (0..).zip(steps).map(step).collect()
}

#[test]
fn a_stall_is_found_again_when_an_operation_before_it_goes() {
    let mut given = plan();
    given.operations[1].at_ms = given.operations[0].at_ms + 500;
    given.decisions = vec!["stall 3 66 = 6".parse().unwrap()];
    let shrunk = shrink(&given, 5_000, |plan| {
        let last = plan.operations.len().checked_sub(1);
        let due = last.map(|last| STEPS * last as u32 + 10);
        let stalls_at = plan.decisions.first().map(|it| it.key.nth);
        let mut report = report(plan, due.is_some() && stalls_at == due);
        report.asked = steps(plan);
        Ok(report)
    });
    let shrunk = shrunk.unwrap();
    assert!(shrunk.is_minimal);
    assert_eq!(shrunk.plan.operations.len(), 1);
    assert_eq!(shrunk.plan.decisions[0].to_string(), "stall 3 10 = 1");
}

#[test]
fn a_stall_is_found_again_when_a_loss_before_it_goes() {
    let mut given = plan();
    given.operations.truncate(1);
    given.decisions = decided(&["network 0 0 = 1", "stall 3 12 = 1"]);
    let shrunk = shrink(&given, 5_000, |plan| {
        // What is lost is sent again: two steps more before the tenth.
        let is_lost = plan.decisions.iter().any(|it| it.key.who == 0);
        let due = if is_lost { 12 } else { 10 };
        let stalls = plan.decisions.iter().filter(|it| it.key.who == 3);
        let stalls: Vec<u32> = stalls.map(|it| it.key.nth).collect();
        let mut report = report(plan, stalls == [due] && plan.operations.len() == 1);
        let late = |nth| Instant::from_millis(if nth < due - 10 { 0 } else { 500 });
        let steps = (0..STEPS).map(|nth| (Key { nth, ..STALL }, late(nth)));
        report.asked = steps.collect();
        report.asked.push((LOSS, Instant::ZERO));
        Ok(report)
    });
    let decisions = shrunk.unwrap().plan.decisions;
    assert_eq!(decisions, ["stall 3 10 = 1".parse().unwrap()]);
}

#[test]
fn a_proof_asks_again_what_was_remembered() {
    // With one operation it fails from the first proof on.
    let shrunk = shrunk(5_000, |plan, proofs| {
        plan.operations.len() + proofs.min(1) as usize >= 2
    });
    assert!(shrunk.is_minimal);
    assert_eq!(shrunk.plan.operations.len(), 1);
}

#[test]
fn what_does_not_fail_when_it_is_to_be_proved_is_not_called_minimal() {
    let shrunk = shrunk(5_000, |plan, proofs| {
        proofs == 0 && plan.operations.len() == 2
    });
    assert!(!shrunk.is_minimal);
    assert_eq!(shrunk.runs, 5_000);
}

#[test]
fn a_budget_is_used_up_to_its_last_run_and_no_further() {
    let fails = |plan: &Plan, _| plan.operations.len() == 2;
    let whole = shrunk(5_000, fails);
    assert!(whole.is_minimal && whole.runs < 5_000);
    for budget in 2..=whole.runs {
        let cut = shrunk(budget, fails);
        assert_eq!((cut.runs, cut.is_minimal), (budget, budget == whole.runs));
    }
    let more = shrunk(whole.runs + 1, fails);
    assert_eq!((more.runs, more.is_minimal), (whole.runs, true));
}

/// The decisions of these texts.
fn decided(texts: &[&str]) -> Vec<Decision> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Three datagrams on the way from the server to the first client, one a second; which are lost.
fn lost(plan: &Plan) -> Vec<bool> {
    let by_partition = |ms: u32| {
        let during = |it: &Partition| (it.start_ms..it.end_ms).contains(&ms);
        plan.partitions.iter().any(during)
    };
    let by_decision = |nth: u32| plan.decisions.iter().any(|it| it.key == on_the_way(nth));
    let lost = |nth: u32| by_partition(1_000 * nth) || by_decision(nth);
    (1..=3).map(lost).collect()
}

/// The key of a datagram of them.
fn on_the_way(nth: u32) -> Key {
    Key {
        nth,
        who: 1,
        ..LOSS
    }
}

#[test]
fn what_is_lost_one_after_the_other_is_lost_to_one_partition() {
    let mut given = plan();
    given.topology.servers = 1;
    given.decisions = decided(&["network 1 1 = 1", "network 1 3 = 1"]);
    let shrunk = shrink(&given, 5_000, |plan| {
        let lost = lost(plan);
        let mut report = report(plan, lost[0] && lost[2]);
        let asked = (1..=3).map(|nth| (on_the_way(nth), Instant::from_secs(nth.into())));
        report.asked = asked.collect();
        Ok(report)
    });
    let plan = shrunk.unwrap().plan;
    assert_eq!((plan.decisions.len(), plan.partitions.len()), (0, 1));
    let partition = plan.partitions[0];
    assert_eq!(
        (partition.from, partition.to),
        (Actor::Server(0), Actor::Client(0))
    );
}

/// The step of a thread of the first server that an operation must come just before; where nothing is lost, it comes at ten seconds.
fn beside_a_step(plan: &Plan, losses: usize) -> Report {
    let calm = plan.decisions.is_empty();
    let due = if calm { 10_000 } else { 30_000 };
    let is_beside = match plan.operations.as_slice() {
        [operation] => (due - 20..due).contains(&operation.at_ms),
        _ => false,
    };
    let is_whole = calm || plan.decisions.len() == losses;
    let mut report = report(plan, is_beside && is_whole);
    let losses =
        (0..losses as u32).map(|nth| (Key { nth, ..LOSS }, Instant::from_secs(nth.into())));
    report.asked = losses.collect();
    report
        .asked
        .push((Key { nth: 0, ..STALL }, Instant::from_millis(due.into())));
    report
}

#[test]
fn an_operation_comes_when_what_it_meets_comes_without_faults() {
    let mut given = plan();
    given.operations.truncate(1);
    given.operations[0].actor = Actor::Server(0);
    given.operations[0].what = What::Reload { configuration: 0 };
    given.operations[0].at_ms = 29_990;
    let losses = ["network 0 0 = 1", "network 0 1 = 1", "network 0 2 = 1"];
    given.decisions = decided(&losses);
    let shrunk = shrink(&given, 5_000, |plan| Ok(beside_a_step(plan, 3))).unwrap();
    assert!(shrunk.is_minimal);
    assert_eq!(shrunk.plan.decisions, []);
    assert!((9_980..10_000).contains(&shrunk.plan.operations[0].at_ms));
}

/// As a candidate, to find decisions again, and as what must hold by proof.
#[test]
fn no_world_is_run_again_and_again() {
    let mut given = plan();
    given.operations.truncate(1);
    given.operations[0].actor = Actor::Server(0);
    given.operations[0].what = What::Reload { configuration: 0 };
    given.operations[0].at_ms = 29_990;
    given.decisions = decided(&["network 0 0 = 1", "network 0 1 = 1", "network 0 2 = 1"]);
    let mut times = BTreeMap::<String, usize>::new();
    let shrunk = shrink(&given, 5_000, |plan| {
        *times.entry(plan.to_string()).or_default() += 1;
        Ok(beside_a_step(plan, 3))
    });
    assert!(shrunk.unwrap().is_minimal);
    let most = times.into_values().max();
    assert!(most.is_some_and(|most| most <= 3), "{most:?}");
}

/// A datagram that is lost is sent again two seconds later, and lost again where that is decided; an operation must come five seconds after
/// one arrives, and the third datagram of another way must be lost then.
fn after_an_arrival(plan: &Plan) -> Report {
    let has = |key: Key| plan.decisions.iter().any(|it| it.key == key);
    let arrives = (0..2).find(|nth| !has(Key { nth: *nth, ..LOSS }));
    let arrives_ms = arrives.unwrap_or(2) * 2_000;
    let is_beside = plan
        .operations
        .iter()
        .any(|it| it.at_ms == arrives_ms + 5_000);
    // One a second: as many are before the operation as there are seconds.
    let due = arrives_ms / 1_000 + 5;
    let mut report = report(plan, is_beside && has(on_the_way(due)));
    let sent = (0..=arrives.unwrap_or(2)).map(|nth| (Key { nth, ..LOSS }, 2 * nth));
    let others = (0..20).map(|nth| (on_the_way(nth), nth));
    let all = sent.chain(others);
    report.asked = all
        .map(|(key, s)| (key, Instant::from_secs(s.into())))
        .collect();
    report
}

#[test]
fn what_a_loss_held_up_comes_sooner_without_it() {
    let mut given = plan();
    given.operations.truncate(1);
    given.operations[0].at_ms = 9_000;
    let losses = ["network 0 0 = 1", "network 0 1 = 1", "network 1 9 = 1"];
    given.decisions = decided(&losses);
    let shrunk = shrink(&given, 5_000, |plan| Ok(after_an_arrival(plan))).unwrap();
    assert_eq!(shrunk.plan.decisions, ["network 1 5 = 1".parse().unwrap()]);
    assert_eq!(shrunk.plan.operations[0].at_ms, 5_000);
}

#[test]
fn what_is_done_by_nobody_counts_as_a_fault() {
    let mut plan = Plan::from_seed(1);
    plan.decisions.clear();
    plan.operations.truncate(3);
    plan.partitions.truncate(1);
    let partitions = plan.partitions.len();
    plan.operations[0].what = What::Rebind;
    plan.operations[1].what = What::Restart;
    plan.operations[2].what = What::Release;
    let counts = Counts::of(&plan);
    assert_eq!((counts.operations, counts.faults), (1, 2 + partitions));
}

#[test]
fn rows_of_the_database_stand_in_for_a_process_that_dies() {
    let mut given = plan();
    given.decisions.clear();
    given.operations.truncate(1);
    given.operations[0].actor = Actor::Server(0);
    given.operations[0].what = What::Restart;
    given.topology.realtime.clear();
    let client = given.topology.clients - 1;
    let shrunk = shrink(&given, 5_000, |plan| {
        let is_stored = plan.topology.realtime.contains(&client);
        Ok(report(plan, is_stored || !plan.operations.is_empty()))
    });
    let shrunk = shrunk.unwrap();
    assert!(shrunk.is_minimal);
    assert_eq!(shrunk.plan.operations, []);
    assert_eq!(
        shrunk.plan.topology.realtime,
        [shrunk.plan.topology.clients - 1]
    );
}

#[test]
fn a_thread_that_stands_still_for_longer_stands_in_for_a_loss() {
    let mut given = plan();
    given.operations.clear();
    given.decisions = decided(&["network 0 0 = 1", "stall 3 0 = 2"]);
    let shrunk = shrink(&given, 5_000, |plan| {
        let value = |who| {
            let decisions = plan.decisions.iter();
            let of = |it: &&Decision| it.key.who == who;
            decisions.filter(of).map(|it| it.value).sum::<u32>()
        };
        let mut report = report(plan, value(3) >= if value(0) > 0 { 2 } else { 5 });
        report.asked = vec![
            (LOSS, Instant::ZERO),
            (Key { nth: 0, ..STALL }, Instant::ZERO),
        ];
        Ok(report)
    });
    assert_eq!(
        shrunk.unwrap().plan.decisions,
        ["stall 3 0 = 5".parse().unwrap()]
    );
}

#[test]
fn a_thread_stalls_at_another_step_instead_of_a_loss() {
    let mut given = plan();
    given.operations.clear();
    given.decisions = decided(&["network 0 0 = 1", "stall 3 2 = 2"]);
    let shrunk = shrink(&given, 5_000, |plan| {
        let has = |text: &str| plan.decisions.contains(&text.parse().unwrap());
        let with_loss = has("network 0 0 = 1") && has("stall 3 2 = 2");
        let mut report = report(plan, with_loss || has("stall 3 7 = 6"));
        let steps = (0..STEPS).map(|nth| (Key { nth, ..STALL }, Instant::ZERO));
        report.asked = [(LOSS, Instant::ZERO)].into_iter().chain(steps).collect();
        Ok(report)
    });
    assert_eq!(
        shrunk.unwrap().plan.decisions,
        ["stall 3 7 = 6".parse().unwrap()]
    );
}
