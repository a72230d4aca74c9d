//! What is read of the containers and what stands in logs and reports: counts, names, and no contents.

use crate::bench::*;
use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{Object, Ref, Slot, Std};

#[test]
fn the_ledger_of_a_container_is_the_one_that_it_was_given() {
    let mut bench = Bench::<ALL>::new(4);
    let object = bench.make(1);
    assert!(bench.registry.link(Key(1), object).is_ok());
    assert_eq!(bench.registry.ledger().references(), 1);
}

#[test]
fn a_container_is_empty_until_something_is_linked() {
    for shards in [0, 4] {
        let mut bench = Bench::<ALL>::new(shards);
        assert!(bench.registry.is_empty());
        let object = bench.make(1);
        assert!(bench.registry.link(Key(1), object).is_ok());
        assert!(!bench.registry.is_empty());
    }
}

#[test]
fn texts_name_objects_and_show_nothing_of_them() {
    let mut bench = Bench::<ALL>::new(4);
    let (first, second) = (bench.make(1), bench.make(2));
    assert!(bench.registry.link(Key(1), first.clone()).is_ok());
    let refused = bench
        .registry
        .link(Key(1), second)
        .expect_err("the key is taken");
    assert_eq!(refused.to_string(), "the key is taken by another probe");
    assert_eq!(
        format!("{refused:?}"),
        "Duplicate { existing: ObjectNumber(1), refused: ObjectNumber(2) }"
    );
    assert_eq!(
        format!("{:?}", bench.registry),
        "Registry { shards: 4, .. }"
    );
    assert_eq!(format!("{:?}", bench.book), "Book { live_objects: 2, .. }");
    let weak = first.downgrade();
    assert_eq!(format!("{weak:?}"), "Weak(ObjectNumber(1))");
    assert_eq!(
        format!("{:?}", Slot::new(first)),
        "Slot(Some(ObjectNumber(1)))"
    );
}

/// What says of itself what it is.
#[derive(Debug)]
struct Telling;

impl Object<Std> for Telling {
    const KIND: &'static str = "telling";
    fn release(&self) {}
}

#[test]
fn a_reference_reads_as_what_it_stands_on() {
    let object: Ref<Telling, Std> = Ref::new(&NoLedger, Telling);
    assert_eq!(format!("{object:?}"), "Telling");
}

#[test]
fn a_weak_reference_is_told_from_that_of_another_object() {
    let mut bench = Bench::<ALL>::new(4);
    let (first, second) = (bench.make(1), bench.make(1));
    assert!(first.is_target_of(&first.downgrade()));
    assert!(!first.is_target_of(&second.downgrade()));
}
