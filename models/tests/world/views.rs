//! Views of worlds with threads, and of worlds that fail.

use std::collections::{BTreeMap, BTreeSet};

use iaxproof_models::{Design, world};
use iaxproof_sim::plan::{Plan, SHUTTLE};
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::views::{EventLog, What};

/// Worlds that each test looks at.
const SEEDS: u64 = 8;

fn seen(plan: &Plan, design: Design) -> (Report, EventLog) {
    let mut report = world::run(plan, View::Events, design);
    let log = report.log.take().expect("a log was asked for");
    (report, log)
}

#[test]
fn a_world_with_threads_that_is_looked_at_is_the_same_world() {
    for seed in 0..SEEDS {
        let strands = Plan::threaded_from_seed(seed);
        let mut shuttle = strands.clone();
        shuttle.engine = SHUTTLE.into();
        for plan in [strands, shuttle] {
            let plain = world::run(&plan, View::Hash, Design::Shipped);
            let (looked_at, log) = seen(&plan, Design::Shipped);
            let of = format!("seed {seed} on {}", plan.engine);
            assert_eq!(looked_at.trace_hash, plain.trace_hash, "{of}");
            assert_eq!(looked_at.verdict, plain.verdict, "{of}");
            assert!(log.entries.is_sorted_by_key(|it| (it.event, it.at)), "{of}");
        }
    }
}

#[test]
fn steps_of_threads_are_in_the_middle_of_their_jobs_and_counts_add_up() {
    for seed in 0..SEEDS {
        let (_, log) = seen(&Plan::threaded_from_seed(seed), Design::Shipped);
        let (mut busy, mut counts) = (BTreeSet::new(), BTreeMap::new());
        let mut steps = 0;
        let last = log.entries.iter().position(|it| it.text == "shut down");
        for entry in &log.entries[..last.unwrap()] {
            let thread = entry.thread;
            match &entry.what {
                What::JobBegan => assert!(busy.insert(thread), "{entry:?}"),
                What::JobEnded => assert!(busy.remove(&thread), "{entry:?}"),
                What::Step {
                    object,
                    references: Some(references),
                    ..
                } => {
                    steps += 1;
                    assert!(busy.contains(&thread), "{entry:?}");
                    let before = counts.insert(object.clone(), *references);
                    let off = before.map_or(0, |before: usize| before.abs_diff(*references));
                    assert!(off <= 1, "{before:?} then {entry:?}");
                }
                _ => {}
            }
        }
        assert!(steps > 100, "seed {seed}: {steps}");
    }
}

#[test]
fn a_failure_has_the_number_of_its_event_in_the_log() {
    let mut found = 0;
    for seed in 0..3 * SEEDS {
        let (report, log) = seen(&Plan::from_seed(seed), Design::Specimen2007);
        let failed = log.entries.iter().find(|it| it.what.word() == "failed");
        let of_log = failed.map(|it| (it.event, it.at));
        assert_eq!(
            of_log,
            report.failure().map(|it| (it.event, it.at)),
            "seed {seed}"
        );
        found += u32::from(failed.is_some());
    }
    assert!(found > 0, "no world fails");
}

#[test]
fn a_stall_is_told_when_it_begins_and_is_in_the_middle_of_a_job() {
    let mut seen_while_time_passes = 0;
    for seed in 0..4 * SEEDS {
        let (report, log) = seen(&Plan::threaded_from_seed(seed), Design::Shipped);
        let decided = report.plan.decisions.iter().map(ToString::to_string);
        let decided = decided.filter(|it| it.starts_with("stall ")).count();
        let stalls = log.entries.iter().enumerate();
        let stalls: Vec<_> = stalls.filter(|(_, it)| it.what == What::Stalled).collect();
        assert_eq!(stalls.len(), decided, "seed {seed}");
        for (nth, stall) in stalls {
            let of_thread = |it: &&iaxproof_sim::views::Entry| it.thread == stall.thread;
            let before = log.entries[..nth].iter().rev().find(of_thread).unwrap();
            assert_eq!(
                (before.event, before.at),
                (stall.event, stall.at),
                "seed {seed}"
            );
            assert_ne!(before.what, What::JobEnded, "seed {seed}");
            let after = log.entries[nth + 1..].iter().find(of_thread).unwrap();
            seen_while_time_passes += u32::from(after.at > stall.at);
        }
    }
    assert!(seen_while_time_passes > 0);
}
