//! The containers by their laws, on both kinds: lists of operations against an ordered map, iteration across growth and
//! unlinking, and what the ledger says at rest. Everything runs on [`Audited`], which also reports a thread
//! that takes a second lock or gives a reference back under one.

#![expect(
    clippy::disallowed_types,
    reason = "the test counts destructors apart from what it tests"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, HashKey, Hashed, Object, Ref, Registry};
use quickcheck::{Arbitrary, Gen, quickcheck};

/// An object that counts its own end.
struct Probe {
    value: u32,
    destroyed: Arc<AtomicUsize>,
}

impl Object<Audited> for Probe {
    const KIND: &'static str = "probe";
    fn release(&self) {
        self.destroyed.fetch_add(1, Ordering::Relaxed);
    }
}

/// A key whose hash tells little: `MASK` chooses how many bits of it are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<const MASK: u64>(u64);

impl<const MASK: u64> Hashed for Key<MASK> {
    fn hash(&self, key: &HashKey) -> u64 {
        self.0.hash(key) & MASK
    }
}

/// Names that collide entirely, at the extremes of the hash, in the top bits only, and not at all.
const ALL_ZERO: u64 = 0;
const TOP: u64 = 1 << 63;
const LOW: u64 = 0xff;
const ALL: u64 = u64::MAX;

struct Bench<const MASK: u64> {
    book: Book,
    destroyed: Arc<AtomicUsize>,
    made: usize,
    registry: Registry<Key<MASK>, Probe, Audited>,
}

impl<const MASK: u64> Bench<MASK> {
    fn new(shards: usize) -> Self {
        let book = Book::default();
        let registry = match shards {
            0 => Registry::list(book.clone()),
            _ => Registry::hash(book.clone(), HashKey(11, 29), shards),
        };
        Bench {
            book,
            destroyed: Arc::default(),
            made: 0,
            registry,
        }
    }

    fn make(&mut self, value: u32) -> Ref<Probe, Audited> {
        self.made += 1;
        let destroyed = self.destroyed.clone();
        Ref::new(&self.book, Probe { value, destroyed })
    }

    /// Count = links + holders, and nothing but the linked and held objects is alive.
    fn is_balanced(&self, held: usize) -> bool {
        let alive = self.made - self.destroyed.load(Ordering::Relaxed);
        self.book.references() == self.registry.len() + held && self.book.live_objects() == alive
    }

    /// Ends the container; every object must end with it.
    fn ends_clean(self) -> bool {
        drop(self.registry);
        let destroyed = self.destroyed.load(Ordering::Relaxed);
        destroyed == self.made && self.book.open_pages().is_empty()
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Link(u64, u32),
    Replace(u64, u32),
    Unlink(u64),
    Find(u64),
    Clear,
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let key = u64::arbitrary(g) % 24;
        let value = u32::arbitrary(g);
        match u8::arbitrary(g) % 32 {
            0 => Operation::Clear,
            1..=11 => Operation::Link(key, value),
            12..=18 => Operation::Replace(key, value),
            19..=25 => Operation::Unlink(key),
            _ => Operation::Find(key),
        }
    }
}

/// Runs one operation on both; true where they answer alike.
fn agrees<const MASK: u64>(
    bench: &mut Bench<MASK>,
    map: &mut BTreeMap<u64, u32>,
    operation: &Operation,
) -> bool {
    match *operation {
        Operation::Link(key, value) => {
            let object = bench.make(value);
            let refused = bench.registry.link(Key(key), object).err();
            let existing = refused.map(|duplicate| {
                assert_eq!(duplicate.refused.value, value, "gives ours back");
                duplicate.existing.value
            });
            let expected = map.get(&key).copied();
            map.entry(key).or_insert(value);
            existing == expected
        }
        Operation::Replace(key, value) => {
            let object = bench.make(value);
            let old = bench.registry.replace(Key(key), object);
            old.map(|o| o.value) == map.insert(key, value)
        }
        Operation::Unlink(key) => {
            bench.registry.unlink(&Key(key)).map(|o| o.value) == map.remove(&key)
        }
        Operation::Find(key) => {
            bench.registry.find(&Key(key)).map(|o| o.value) == map.get(&key).copied()
        }
        Operation::Clear => {
            bench.registry.clear();
            map.clear();
            true
        }
    }
}

fn matches_a_map<const MASK: u64>(shards: usize, operations: &[Operation]) -> bool {
    let mut bench = Bench::<MASK>::new(shards);
    let mut map = BTreeMap::new();
    let alike = operations.iter().all(|operation| {
        agrees(&mut bench, &mut map, operation)
            && bench.registry.len() == map.len()
            && bench.is_balanced(0)
    });
    let mut values: Vec<u32> = bench.registry.iter().map(|o| o.value).collect();
    let mut expected: Vec<u32> = map.into_values().collect();
    values.sort_unstable();
    expected.sort_unstable();
    alike && values == expected && bench.ends_clean()
}

quickcheck! {
    fn the_list_is_a_map(operations: Vec<Operation>) -> bool {
        matches_a_map::<ALL>(0, &operations)
    }

    fn the_table_is_a_map(operations: Vec<Operation>) -> bool {
        matches_a_map::<ALL>(1, &operations) && matches_a_map::<ALL>(4, &operations)
    }

    fn the_table_is_a_map_where_hashes_collide(operations: Vec<Operation>) -> bool {
        matches_a_map::<ALL_ZERO>(4, &operations)
            && matches_a_map::<TOP>(4, &operations)
            && matches_a_map::<LOW>(4, &operations)
    }
}
