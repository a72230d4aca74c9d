//! The containers by their laws, on both kinds: lists of operations against an ordered map, several objects under one key,
//! every hash there is, and what the ledger says at rest.

#![expect(
    clippy::disallowed_types,
    reason = "a container that its own objects' destructors reach"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bench::*;
use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, HashKey, Hashed, Object, Ref, Registry, SHARDS_MAX};
use quickcheck::{Arbitrary, Gen, quickcheck};

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

/// Several objects under one key: linked, found and unlinked in the order of linking, whatever else is there.
#[derive(Clone, Debug)]
enum Several {
    LinkAnother(u64),
    /// Links the object of this number, of those made so far, unless it is linked under the key.
    LinkObject(u64, usize),
    Unlink(u64),
    UnlinkObject(u64, usize),
}

impl Arbitrary for Several {
    fn arbitrary(g: &mut Gen) -> Self {
        let (key, n) = (u64::arbitrary(g) % 3, usize::arbitrary(g) % 8);
        match u8::arbitrary(g) % 6 {
            0 | 1 => Several::LinkAnother(key),
            2 | 3 => Several::LinkObject(key, n),
            4 => Several::Unlink(key),
            _ => Several::UnlinkObject(key, n),
        }
    }
}

fn keeps_the_order_of_linking<const MASK: u64>(shards: usize, operations: &[Several]) -> bool {
    let mut bench = Bench::<MASK>::new(shards);
    let mut objects: Vec<Ref<Probe, Audited>> = (0..8).map(|n| bench.make(n)).collect();
    let mut lists: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for operation in operations {
        match *operation {
            Several::LinkAnother(key) => {
                let value = objects.len() as u32;
                let object = bench.make(value);
                bench.registry.link_another(Key(key), object.clone());
                objects.push(object);
                lists.entry(key).or_default().push(value);
            }
            Several::LinkObject(key, n) => {
                let list = lists.entry(key).or_default();
                let is_new = !list.contains(&(n as u32));
                list.extend(is_new.then_some(n as u32));
                assert_eq!(bench.registry.link_object(Key(key), &objects[n]), is_new);
            }
            Several::Unlink(key) => {
                let list = lists.entry(key).or_default();
                let first = (!list.is_empty()).then(|| list.remove(0));
                assert_eq!(bench.registry.unlink(&Key(key)).map(|o| o.value), first);
            }
            Several::UnlinkObject(key, n) => {
                let list = lists.entry(key).or_default();
                let place = list.iter().position(|value| *value == n as u32);
                let expected = place.map(|place| list.remove(place));
                let unlinked = bench.registry.unlink_object(&Key(key), &objects[n]);
                assert_eq!(unlinked.map(|o| o.value), expected);
            }
        }
        let alike = (0..3).all(|key| {
            let list = lists.get(&key).cloned().unwrap_or_default();
            let key = Key(key);
            let all = bench.registry.find_all(&key).map(|o| o.value);
            Vec::from_iter(all) == list
        });
        if !alike || !bench.is_balanced(objects.len()) {
            return false;
        }
    }
    drop(objects);
    bench.ends_clean()
}

quickcheck! {
    fn several_under_one_key_keep_the_order_of_linking(operations: Vec<Several>) -> bool {
        keeps_the_order_of_linking::<ALL>(0, &operations)
            && keeps_the_order_of_linking::<ALL>(4, &operations)
            && keeps_the_order_of_linking::<ALL_ZERO>(4, &operations)
    }
}

/// A key that is its own hash, so that a test can choose the extremes (`23a798fecc`: a hash of INT_MIN fell out of range).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Exactly(u64);

impl Hashed for Exactly {
    fn hash(&self, _: &HashKey) -> u64 {
        self.0
    }
}

#[test]
fn every_hash_has_a_place_for_every_number_of_shards() {
    let extremes = [
        0,
        1,
        u64::MAX,
        u64::MAX - 1,
        1 << 63,
        (1 << 63) - 1,
        1 << 31,
        !(1 << 31),
    ];
    for shards in [0, 1, 2, 3, 64, SHARDS_MAX, usize::MAX] {
        let registry =
            Registry::<Exactly, Probe, Audited>::hash(Book::default(), HashKey(0, 0), shards);
        for (n, hash) in extremes.into_iter().enumerate() {
            let destroyed = Arc::default();
            let value = n as u32;
            let object = Ref::new(registry.ledger(), Probe { value, destroyed });
            assert!(registry.link(Exactly(hash), object).is_ok());
        }
        for (n, hash) in extremes.into_iter().enumerate() {
            assert_eq!(
                registry.find(&Exactly(hash)).map(|o| o.value),
                Some(n as u32)
            );
        }
        assert_eq!(registry.iter().count(), extremes.len());
    }
}

/// A container of one long chain must not end by recursion.
#[test]
fn a_long_chain_ends_without_deep_recursion() {
    let mut bench = Bench::<ALL_ZERO>::new(1);
    for key in 0..5_000 {
        let object = bench.make(key);
        bench.registry.link_another(Key(u64::from(key)), object);
    }
    let made = bench.made;
    let small_stack = std::thread::Builder::new().stack_size(32 << 10);
    let end = move || bench.ends_clean();
    let ended = small_stack.spawn(end).expect("a thread").join();
    assert!(ended.is_ok_and(|clean| clean), "{made} objects");
}

/// An object whose destructor uses the container it was in.
struct Reentrant(std::sync::Weak<Registry<u64, Reentrant, Audited>>);

impl Object<Audited> for Reentrant {
    const KIND: &'static str = "reentrant";
    fn release(&self) {
        if let Some(registry) = self.0.upgrade() {
            drop(registry.find(&1));
            drop(registry.unlink(&2));
        }
    }
}

#[test]
fn a_destructor_may_use_the_container_that_let_its_object_go() {
    let registry = Arc::new(Registry::hash(Book::default(), HashKey(0, 0), 1));
    let make = || Ref::new(registry.ledger(), Reentrant(Arc::downgrade(&registry)));
    for key in 1..=3 {
        assert!(registry.link(key, make()).is_ok());
    }
    drop(registry.replace(1, make()));
    assert!(registry.find(&2).is_none(), "the destructor unlinked it");
    drop(registry.link(1, make()));
    assert!(registry.link(2, make()).is_ok());
    registry.clear();
    assert!(registry.is_empty());
}

#[test]
fn the_ledger_names_the_line_that_took_a_reference() {
    let mut bench = Bench::<ALL>::new(4);
    let object = bench.make(1);
    assert!(bench.registry.link(Key(1), object).is_ok());
    let (found, line) = (bench.registry.find(&Key(1)), line!());
    let (next, line_of_iter) = (bench.registry.iter().next(), line!());
    let report = bench.book.report();
    for line in [line, line_of_iter] {
        let place = format!("held since {}:{line}:", file!());
        assert!(report.contains(&place), "{place} in\n{report}");
    }
    drop((found, next));
    assert!(bench.ends_clean());
}
