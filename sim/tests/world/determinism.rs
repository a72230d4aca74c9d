//! Whoever makes a run unrepeatable is found, with the event at which two runs part and the line that told it. Each of the usual ways is
//! planted here: it has a hand in the key of the call tokens, so that what servers send depends on it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "what the lints forbid is planted here, to see that a run forbids it too"
)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use iaxproof::engine::directory::TokenKey;
use iaxproof_sim::again::first_difference;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::sweep::{Sweep, audited};
use iaxproof_sim::world::{DirectorySetup, run};

/// What is planted: a number that should be the same in each run, and is not.
type Flaw = fn() -> u64;

/// The order in which a hash with a random key gives its members.
fn order_of_a_hash() -> u64 {
    let members: HashSet<u64> = (0..64).collect();
    let order = members.into_iter();
    order.fold(0, |order, member| {
        order.wrapping_mul(67).wrapping_add(member)
    })
}

fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("after 1970").subsec_nanos().into()
}

/// A counter that outlives a run.
fn counter_of_the_process() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    COUNTER.fetch_add(1, Ordering::Relaxed)
}

/// Where an object lies.
fn address_as_key() -> u64 {
    let object: &'static u64 = Box::leak(Box::new(0));
    std::ptr::from_ref(object).addr() as u64
}

const FLAWS: [(&str, Flaw); 4] = [
    ("the order of a hash", order_of_a_hash),
    ("the wall clock", wall_clock),
    ("a counter of the process", counter_of_the_process),
    ("an address as a key", address_as_key),
];

/// Runs a plan with a flaw in each server's key of call tokens.
fn flawed(plan: &Plan, view: View, flaw: Flaw) -> Report {
    run(plan, view, |setup| {
        let TokenKey(mut key) = setup.token_key.clone();
        let flaw = flaw().to_le_bytes();
        key.iter_mut()
            .zip(flaw)
            .for_each(|(octet, it)| *octet ^= it);
        audited(&DirectorySetup {
            token_key: TokenKey(key),
            ..setup.clone()
        })
    })
}

#[test]
fn each_planted_flaw_is_found_with_the_event_at_which_two_runs_part() {
    for (name, flaw) in FLAWS {
        let mut sweep = Sweep::default();
        sweep.run_with(0, |plan, view| flawed(plan, view, flaw));
        let mut groups = sweep.failures.iter();
        let (kind, group) = groups
            .next()
            .unwrap_or_else(|| panic!("{name} is not found"));
        assert_eq!(kind.0, "same-again", "{name}");
        for word in ["they part in event ", ", octet ", "sim/src/world/"] {
            assert!(group.message.contains(word), "{name}: {}", group.message);
        }
        // What is not of the keys is the same: the worlds hold.
        assert_eq!(groups.next(), None, "{name}");
    }
}

#[test]
fn two_runs_part_in_the_first_event_in_which_a_token_is_sent() {
    let plan = Plan::from_seed(0);
    let difference = first_difference(&plan, |plan, view| {
        flawed(plan, view, counter_of_the_process)
    });
    let difference = difference.expect("the runs differ");
    let log = flawed(&plan, View::Events, counter_of_the_process)
        .log
        .expect("a log");
    let tokens = log
        .entries
        .iter()
        .filter(|entry| entry.text.contains("CALLTOKEN"));
    let sent = tokens
        .map(|entry| entry.event)
        .find(|event| *event >= difference.event);
    assert_eq!(sent, Some(difference.event), "{difference}");
}

#[test]
fn runs_without_a_flaw_do_not_part() {
    for seed in 0..4 {
        let plan = Plan::from_seed(seed);
        let difference = first_difference(&plan, |plan, view| flawed(plan, view, || 7));
        assert_eq!(difference, None, "seed {seed}");
    }
}
