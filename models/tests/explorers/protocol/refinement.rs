//! The shipped code takes no other steps than the protocol's: traces of the scenarios are replayed through it. And a trace that is not what
//! the code did, or code that is not what the protocol is, is refused.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use iaxproof::registry::{HashKey, Object, Ref, Registry, Slot};
use iaxproof_models::explore::{Stop, traces};
use iaxproof_models::protocol::Table;
use iaxproof_models::protocol::replay::Replayer;
use iaxproof_models::protocol::trace::{Change, Event, Trace};
use iaxproof_models::{Account, Design, End, Engine, Explorer, Shuttle, keep_linked, scenarios};

use crate::probe::{Probe, probe};

/// The executions that a test spends on one exploration.
const EXECUTIONS_MAX: u64 = 40;
/// An exchange is lost to another upgrade only in later ones.
const EXECUTIONS_OF_UPGRADES_MAX: u64 = 3_000;

fn stop(executions_max: u64) -> Stop {
    let executions = AtomicU64::new(0);
    Box::new(move || executions.fetch_add(1, Ordering::Relaxed) >= executions_max)
}

#[test]
fn every_scenario_takes_steps_of_the_protocol_and_every_step_is_taken() {
    let mut steps: BTreeMap<String, u64> = BTreeMap::new();
    for scenario in scenarios() {
        let is_of_upgrades = scenario.name == "two_upgrades_race_the_last_drop";
        let executions_max = if is_of_upgrades {
            EXECUTIONS_OF_UPGRADES_MAX
        } else {
            EXECUTIONS_MAX
        };
        for engine in [Engine::Loom, Engine::Shuttle] {
            let stop = stop(executions_max);
            let seen = scenario.explore(Design::Shipped, engine, stop).unwrap();
            if let End::Failed(finding) = &seen.end {
                panic!("{} by {engine:?}: {}", scenario.name, finding.message);
            }
            assert!(seen.followed.traces > 0, "{}", scenario.name);
            for (step, times) in seen.followed.steps {
                *steps.entry(step).or_default() += times;
            }
        }
    }
    println!("{steps:?}");
    for step in Table::shipped().steps {
        assert!(
            steps.contains_key(step.name),
            "no trace takes {}",
            step.name
        );
    }
}

/// A few traces of each scenario.
fn some_traces() -> Vec<Trace> {
    scenarios()
        .flat_map(|scenario| scenario.traces(1, 6))
        .collect()
}

fn replayer() -> Replayer {
    Replayer::new(&Table::shipped())
}

/// What may be missing from a trace unseen: what changes nothing, and what was only said of the run.
fn changes_nothing(event: &Event) -> bool {
    matches!(
        event,
        Event::Used { .. }
            | Event::Missed { .. }
            | Event::Marked
            | Event::Count {
                change: Change::Load,
                ..
            }
    )
}

#[test]
fn a_trace_that_lacks_an_event_is_refused() {
    let replayer = replayer();
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    for trace in some_traces() {
        assert_eq!(replayer.replay(&trace).map(drop), Ok(()));
        for nth in 0..trace.events.len() {
            let mut less = trace.clone();
            let gone = less.events.remove(nth);
            if changes_nothing(&gone.event) {
                continue;
            }
            let kind = format!("{:?}", gone.event);
            let kind = kind.split(' ').next().unwrap_or_default().to_owned();
            *refused.entry(kind).or_default() += 1;
            assert!(
                replayer.replay(&less).is_err(),
                "without {nth}, {gone:?}, before {:?}",
                trace.events[nth..].iter().take(5).collect::<Vec<_>>()
            );
        }
    }
    println!("{refused:?}");
    assert!(refused.len() >= 10, "{refused:?}");
}

#[test]
fn a_count_that_was_not_seen_is_refused() {
    let replayer = replayer();
    for trace in some_traces() {
        for nth in 0..trace.events.len() {
            let mut other = trace.clone();
            match &mut other.events[nth].event {
                Event::Count {
                    change, observed, ..
                } if *change != Change::Load => *observed += 1,
                _ => continue,
            }
            assert!(replayer.replay(&other).is_err(), "{:?}", other.events[nth]);
        }
    }
}

/// The lookup of before it was mended: the lock goes back, and then the reference is counted.
#[test]
fn a_count_after_the_unlock_is_refused() {
    let mut bent = 0;
    for mut trace in some_traces() {
        let counts_under_the_lock = trace.events.windows(3).position(|three| {
            let [count, took, unlock] = three else {
                return false;
            };
            matches!(
                count.event,
                Event::Count {
                    change: Change::Add,
                    ..
                }
            ) && matches!(took.event, Event::Took { from: Some(_), .. })
                && matches!(unlock.event, Event::Unlock { .. })
        });
        if let Some(nth) = counts_under_the_lock {
            trace.events[nth..nth + 3].rotate_right(1);
            let why = replayer().replay(&trace).unwrap_err();
            assert!(why.contains("«read» may not be taken"), "{why}");
            bent += 1;
        }
    }
    assert!(bent > 20, "{bent}");
}

#[test]
fn a_ledger_that_says_something_else_at_the_end_is_refused() {
    for trace in some_traces() {
        let mut other = trace.clone();
        let Some(rest) = other.rest.last_mut() else {
            continue;
        };
        rest.freed = !rest.freed;
        assert!(replayer().replay(&other).is_err());
        let mut other = trace.clone();
        other.rest[0].held.insert(u32::MAX);
        assert!(replayer().replay(&other).is_err());
    }
}

/// Why the protocol does not allow what the body does.
fn refusal(body: fn() -> String) -> String {
    let traces = traces(body, 1, 1);
    assert_eq!(traces.len(), 1, "the body breaks no rule of the families");
    let refused = replayer().replay(&traces[0]);
    refused.expect_err("the protocol does not allow it")
}

/// `zoo/replace-is-unlink-then-link.toml`: one lookup in many would miss; the protocol refuses every run.
#[test]
fn a_replacement_that_is_an_unlink_and_then_a_link_is_refused() {
    fn body<E: Explorer>() -> String {
        let registry: Registry<u64, Probe, E> =
            Registry::hash(Account::default(), HashKey(1, 2), 1);
        let _ = registry.link(1, probe());
        keep_linked(true);
        drop(registry.unlink(&1));
        let _ = registry.link(1, probe());
        keep_linked(false);
        String::new()
    }
    let why = refusal(body::<Shuttle>);
    assert!(why.contains("«take» may not be taken"), "{why}");
}

/// An object whose settings lie behind a lock that is not the family's.
struct Open<E: Explorer>(Mutex<Slot<Probe, E>>);

impl<E: Explorer> Object<E> for Open<E> {
    const KIND: &'static str = "open";
    fn release(&self) {
        drop(slot(&self.0).take());
    }
}

fn slot<E: Explorer>(mutex: &Mutex<Slot<Probe, E>>) -> MutexGuard<'_, Slot<Probe, E>> {
    mutex.lock().expect("no thread panics")
}

#[test]
fn settings_that_are_read_without_the_lock_are_refused() {
    fn body<E: Explorer>() -> String {
        let settings = Mutex::new(Slot::new(probe()));
        let open: Ref<Open<E>, E> = Ref::new(&Account::default(), Open(settings));
        let read = slot(&open.0).as_ref().cloned();
        drop(read);
        String::new()
    }
    let why = refusal(body::<Shuttle>);
    assert!(why.contains("«read» may not be taken"), "{why}");
}

/// An object with two slots: the protocol knows of one.
struct Pair<E: Explorer>(E::Mutex<[Slot<Probe, E>; 2]>);

impl<E: Explorer> Object<E> for Pair<E> {
    const KIND: &'static str = "pair";
    fn release(&self) {
        let both = E::lock(&self.0).each_mut().map(Slot::take);
        drop(both);
    }
}

#[test]
fn what_the_protocol_does_not_know_is_refused() {
    fn body<E: Explorer>() -> String {
        let probes = [probe(), probe()];
        let slots = probes.map(Slot::new);
        let pair: Ref<Pair<E>, E> = Ref::new(&Account::default(), Pair(E::mutex(slots)));
        drop(pair);
        String::new()
    }
    let why = refusal(body::<Shuttle>);
    assert!(why.contains("two slots"), "{why}");
}

/// The bodies above are refused for what they do, and not for being bodies of a test.
#[test]
fn what_the_protocol_allows_is_not_refused() {
    fn body<E: Explorer>() -> String {
        let registry: Arc<Registry<u64, Probe, E>> =
            Arc::new(Registry::hash(Account::default(), HashKey(1, 2), 1));
        let kept = probe();
        let _ = registry.link(1, kept.clone());
        let other = Arc::clone(&registry);
        E::beside(move || drop(other.find(&1)), move || drop(kept));
        String::new()
    }
    for trace in traces(body::<Shuttle>, 1, 20) {
        assert_eq!(replayer().replay(&trace).map(drop), Ok(()));
    }
}
