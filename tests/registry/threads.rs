//! The containers on real threads, a bounded number of operations: a replaced name is never missed, every object is
//! destroyed once, and the ledger balances. The interleavings one by one are `models/`' work.

#![expect(
    clippy::disallowed_types,
    reason = "the test counts objects apart from what it tests"
)]

use core::sync::atomic::Ordering;
use std::thread;

use crate::bench::*;
use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{HashKey, Object, Ref, Registry, Std};

/// A number that marks its own end.
struct Value(u64);

impl Object<Std> for Value {
    const KIND: &'static str = "value";
    fn release(&self) {}
}

fn replaced_names_are_never_missed(registry: &Registry<u64, Value, Std>) {
    const ROUNDS: u64 = 100_000;
    // How long the replacer waits on a busy machine for a reader that has seen it at work.
    const ROUNDS_MAX: u64 = 100_000_000;
    let has_seen = core::sync::atomic::AtomicBool::new(false);
    let make = |value| Ref::new(registry.ledger(), Value(value));
    for key in 0..3 {
        assert!(registry.link(key, make(0)).is_ok());
    }
    thread::scope(|scope| {
        let replacer = scope.spawn(|| {
            for round in 1..=ROUNDS_MAX {
                if round > ROUNDS && has_seen.load(Ordering::Relaxed) {
                    break;
                }
                let old = registry.replace(round % 3, make(round));
                assert!(
                    old.is_some_and(|old| old.0 < round),
                    "something stood there"
                );
            }
        });
        let (mut seen, mut last) = (0, [0; 3]);
        for key in (0..3).cycle() {
            if replacer.is_finished() {
                break;
            }
            let Some(object) = registry.find(&key) else {
                panic!("key {key} is always linked and was missed");
            };
            let last = &mut last[key as usize];
            assert!(object.0 >= *last, "a lookup went back in time");
            seen += u64::from(object.0 > *last);
            *last = object.0;
            has_seen.store(seen > 0, Ordering::Relaxed);
        }
        assert!(seen > 0, "no replacement was seen, so nothing was tested");
    });
    assert_eq!(registry.len(), 3);
}

#[test]
fn replaced_names_are_never_missed_in_the_table() {
    replaced_names_are_never_missed(&Registry::hash(NoLedger, HashKey(1, 2), 2));
}

#[test]
fn replaced_names_are_never_missed_in_the_list() {
    replaced_names_are_never_missed(&Registry::list(NoLedger));
}

/// Four threads link, replace, unlink, find and iterate over three keys of one container.
fn balances_under_load(shards: usize) {
    const ROUNDS: u64 = 4_000;
    let bench = Bench::<ALL>::new(shards);
    let (registry, book) = (&bench.registry, &bench.book);
    let made = &core::sync::atomic::AtomicUsize::new(0);
    let make = || {
        made.fetch_add(1, Ordering::Relaxed);
        let destroyed = bench.destroyed.clone();
        Ref::new(
            book,
            Probe {
                value: 0,
                destroyed,
            },
        )
    };
    thread::scope(|scope| {
        for thread in 0..4 {
            let make = &make;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mixed = (round * 4 + thread).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                    let key = Key(mixed % 3);
                    match (mixed >> 8) % 6 {
                        0 => drop(registry.link(key, make())),
                        1 => drop(registry.replace(key, make())),
                        2 => drop(registry.unlink(&key)),
                        3 => drop(registry.iter().last()),
                        _ => assert_eq!(registry.find(&key).map_or(0, |object| object.value), 0),
                    }
                }
            });
        }
    });
    let alive = made.load(Ordering::Relaxed) - bench.destroyed.load(Ordering::Relaxed);
    assert_eq!(alive, bench.registry.len());
    assert_eq!(bench.book.references(), bench.registry.len());
    bench.registry.clear();
    let destroyed = bench.destroyed.load(Ordering::Relaxed);
    assert_eq!(destroyed, made.load(Ordering::Relaxed), "each once");
    assert!(
        bench.book.open_pages().is_empty(),
        "{}",
        bench.book.report()
    );
}

#[test]
fn the_table_balances_under_load() {
    balances_under_load(1);
}

#[test]
fn the_list_balances_under_load() {
    balances_under_load(0);
}
