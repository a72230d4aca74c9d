//! Everything at once on the family of production, by threads of the system: what AddressSanitizer and valgrind look at
//! (`tests/sanitizers.rs`). Objects own memory, so that a use of one that is gone is a use of memory that is free.
//!
//! Short, for valgrind runs one thread at a time and fifty times as slow; interleavings one by one are `models/`' work.

#![expect(
    clippy::disallowed_types,
    reason = "the test counts objects apart from what it tests"
)]

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{HashKey, Object, Ref, Registry, Slot, Std, Weak};

const THREADS: u64 = 4;
const ROUNDS: u64 = 20_000;
/// So few that threads meet on each.
const KEYS: u64 = 5;
/// References that one thread keeps beyond what it does with them.
const KEPT_MAX: usize = 8;

/// An object on the heap that owns more of it, and a place for a reference to another one.
struct Node {
    stamp: u64,
    /// As many times the stamp as the stamp says.
    text: Vec<u64>,
    next: Mutex<Option<Slot<Node, Std>>>,
    ended: Arc<AtomicUsize>,
}

impl Object<Std> for Node {
    const KIND: &'static str = "node";
    fn release(&self) {
        let slot = self.next.lock().expect("no section panics").take();
        drop(slot.and_then(|mut slot| slot.take()));
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Node {
    /// Reads all of it: what is gone would show.
    fn check(&self) {
        let is_whole = self.text.iter().all(|word| *word == self.stamp);
        assert!(is_whole && self.text.len() as u64 == 1 + self.stamp % 16);
    }

    /// Puts a reference in, and gives back what stood there.
    fn point_at(&self, other: Ref<Node, Std>) -> Option<Ref<Node, Std>> {
        let mut next = self.next.lock().expect("no section panics");
        match &mut *next {
            Some(slot) => slot.replace(other),
            None => {
                *next = Some(Slot::new(other));
                None
            }
        }
    }
}

/// One thread's part.
struct Storm<'a> {
    registry: &'a Registry<u64, Node, Std>,
    made: &'a AtomicUsize,
    ended: &'a Arc<AtomicUsize>,
    kept: Vec<Ref<Node, Std>>,
    watched: Vec<Weak<Node, Std>>,
}

impl Storm<'_> {
    fn make(&self, stamp: u64) -> Ref<Node, Std> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let node = Node {
            stamp,
            text: vec![stamp; 1 + (stamp % 16) as usize],
            next: Mutex::new(None),
            ended: Arc::clone(self.ended),
        };
        Ref::new(&NoLedger, node)
    }

    fn keep(&mut self, node: Ref<Node, Std>) {
        node.check();
        self.watched.push(node.downgrade());
        self.kept.push(node);
        if self.kept.len() > KEPT_MAX {
            self.kept.swap_remove(node_at(&self.kept));
            self.watched.swap_remove(0);
        }
    }

    fn step(&mut self, draw: u64) {
        let key = draw % KEYS;
        match (draw >> 8) % 8 {
            0 => drop(self.registry.link(key, self.make(draw))),
            1 => drop(self.registry.replace(key, self.make(draw))),
            2 => drop(self.registry.unlink(&key)),
            3 => self.registry.iter().for_each(|node| node.check()),
            4 => self.watched.iter().for_each(|weak| {
                weak.upgrade().inspect(|node| node.check());
            }),
            5 => self.point(key),
            6 => drop(self.kept.pop()),
            _ => {
                let found = self.registry.find(&key);
                found.into_iter().for_each(|node| self.keep(node));
            }
        }
    }

    /// A linked object holds a fresh one until another takes its place.
    fn point(&mut self, key: u64) {
        if let Some(node) = self.registry.find(&key) {
            let former = node.point_at(self.make(key));
            former.into_iter().for_each(|former| self.keep(former));
        }
    }
}

/// Some reference that is let go.
fn node_at(kept: &[Ref<Node, Std>]) -> usize {
    (kept[0].stamp % kept.len() as u64) as usize
}

fn nothing_is_used_after_its_end(registry: &Registry<u64, Node, Std>) {
    let (made, ended) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let mut storm = Storm {
                registry,
                made: &made,
                ended: &ended,
                kept: Vec::new(),
                watched: Vec::new(),
            };
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mixed = (round * THREADS + thread + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    storm.step(mixed >> 24);
                    // So that threads meet in the middle, also where one runs at a time.
                    if mixed.is_multiple_of(3) {
                        thread::yield_now();
                    }
                }
            });
        }
    });
    registry.clear();
    let (made, ended) = (made.into_inner(), ended.load(Ordering::Relaxed));
    assert!(made as u64 > ROUNDS, "the storm made {made} objects");
    assert_eq!(ended, made, "each ends once");
}

#[test]
fn storm_on_the_table() {
    nothing_is_used_after_its_end(&Registry::hash(NoLedger, HashKey(3, 4), 2));
}

#[test]
fn storm_on_the_list() {
    nothing_is_used_after_its_end(&Registry::list(NoLedger));
}
