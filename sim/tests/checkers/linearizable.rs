//! Histories of link, replace, unlink and find, recorded on real threads, match a sequential map (linearizable).

#![expect(
    clippy::disallowed_types,
    reason = "the recorder's clock, apart from what it records"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{HashKey, Object, Ref, Registry, Std};
use iaxproof_sim::linearizable::{Linearization, Sequential, Span, linearize};

/// A number that can be linked.
struct Value(u32);

impl Object<Std> for Value {
    const KIND: &'static str = "value";
    fn release(&self) {}
}

type Container = Registry<u64, Value, Std>;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Link(u64, u32),
    Replace(u64, u32),
    Unlink(u64),
    Find(u64),
}

/// What the container should look like. Every operation answers with what stood under the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Map(BTreeMap<u64, u32>);

impl Sequential for Map {
    type Operation = Operation;
    type Outcome = Option<u32>;

    fn apply(&mut self, operation: &Operation) -> Option<u32> {
        match *operation {
            Operation::Link(key, value) => {
                let existing = self.0.get(&key).copied();
                self.0.entry(key).or_insert(value);
                existing
            }
            Operation::Replace(key, value) => self.0.insert(key, value),
            Operation::Unlink(key) => self.0.remove(&key),
            Operation::Find(key) => self.0.get(&key).copied(),
        }
    }
}

fn perform(container: &Container, operation: Operation) -> Option<u32> {
    let make = |value| Ref::new(container.ledger(), Value(value));
    let stood = match operation {
        Operation::Link(key, value) => container.link(key, make(value)).err().map(|d| d.existing),
        Operation::Replace(key, value) => container.replace(key, make(value)),
        Operation::Unlink(key) => container.unlink(&key),
        Operation::Find(key) => container.find(&key),
    };
    stood.map(|object| object.0)
}

/// The `n`th operation of a run: keys and kinds spread by a small generator, values all different.
fn operation(n: u64) -> Operation {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let (key, value) = (mixed % 2, n as u32);
    match (mixed >> 4) % 4 {
        0 => Operation::Link(key, value),
        1 => Operation::Replace(key, value),
        2 => Operation::Unlink(key),
        _ => Operation::Find(key),
    }
}

const THREADS: u64 = 3;
const PER_THREAD: u64 = 6;

/// Lets the threads loose on one container and writes down what each saw.
fn record(container: &Container, round: u64) -> Vec<Span<Map>> {
    let (clock, ready) = (AtomicU64::new(0), AtomicU64::new(0));
    let now = || clock.fetch_add(1, Ordering::SeqCst);
    let work = |thread: u64| {
        // All at once, and awake: a sleeping barrier would let them go one after another.
        ready.fetch_add(1, Ordering::SeqCst);
        while ready.load(Ordering::SeqCst) < THREADS {
            thread::yield_now();
        }
        let numbers = (0..PER_THREAD).map(|n| (round * THREADS + thread) * PER_THREAD + n);
        let spans = numbers.map(|n| {
            let (called, operation) = (now(), operation(n));
            let outcome = perform(container, operation);
            let returned = now();
            Span {
                called,
                returned,
                operation,
                outcome,
            }
        });
        spans.collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads = [0, 1, 2].map(|thread| scope.spawn(move || work(thread)));
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no thread panics"))
            .collect()
    })
}

/// Whether two operations of different threads were under way at once.
fn overlaps(history: &[Span<Map>]) -> bool {
    let pairs = history
        .iter()
        .flat_map(|a| history.iter().map(move |b| (a, b)));
    pairs
        .filter(|(a, b)| a.called < b.called && b.called < a.returned)
        .count()
        > 0
}

fn histories_match_a_map(container: impl Fn() -> Container, rounds: u64) {
    let (mut round, mut overlapping) = (0, 0);
    // On a machine with other work threads may take turns for long.
    while round < rounds || (overlapping == 0 && round < 20 * rounds) {
        let history = record(&container(), round);
        overlapping += u64::from(overlaps(&history));
        let verdict = linearize(Map::default(), &history);
        assert!(
            matches!(verdict, Linearization::Found(_)),
            "round {round}: {verdict:?} for {history:#?}"
        );
        round += 1;
    }
    assert!(
        overlapping > 0,
        "no two operations overlapped, so nothing was tested"
    );
}

#[test]
fn histories_of_the_table_match_a_map() {
    histories_match_a_map(|| Registry::hash(NoLedger, HashKey(1, 2), 2), 2_000);
}

#[test]
fn histories_of_the_list_match_a_map() {
    histories_match_a_map(|| Registry::list(NoLedger), 2_000);
}

/// The check can fail: a replacement made of an unlink and a link shows a lookup the gap between them.
#[test]
fn a_replacement_in_two_steps_is_found_out() {
    let container: Container = Registry::list(NoLedger);
    let span = |called, returned, operation, outcome| Span::<Map> {
        called,
        returned,
        operation,
        outcome,
    };
    let mut history = vec![span(
        0,
        1,
        Operation::Link(1, 10),
        perform(&container, Operation::Link(1, 10)),
    )];
    let old = perform(&container, Operation::Unlink(1));
    history.push(span(
        3,
        4,
        Operation::Find(1),
        perform(&container, Operation::Find(1)),
    ));
    assert_eq!(perform(&container, Operation::Link(1, 11)), None);
    history.push(span(2, 5, Operation::Replace(1, 11), old));
    assert_eq!(
        linearize(Map::default(), &history),
        Linearization::Impossible(vec![1])
    );

    let container: Container = Registry::list(NoLedger);
    let mut history = vec![span(
        0,
        1,
        Operation::Link(1, 10),
        perform(&container, Operation::Link(1, 10)),
    )];
    let old = perform(&container, Operation::Replace(1, 11));
    history.push(span(
        3,
        4,
        Operation::Find(1),
        perform(&container, Operation::Find(1)),
    ));
    history.push(span(2, 5, Operation::Replace(1, 11), old));
    assert_eq!(
        linearize(Map::default(), &history),
        Linearization::Found(vec![0, 2, 1])
    );
}
