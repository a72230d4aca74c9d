//! What a ledger is told, word by word, by a family of the test's own: the proofs follow each reference by these words.

#![expect(
    unsafe_code,
    reason = "a family owns how an object's memory ends; this one leaves that to `Std`"
)]
#![expect(
    clippy::disallowed_types,
    reason = "the family is std's, and so is what it writes in"
)]

use core::panic::Location;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use iaxproof::registry::ledger::{Ledger, Seat};
use iaxproof::registry::{Family, HashKey, Object, Ref, Registry, Slot, Std};

/// `Std` with [`Notes`].
#[derive(Clone, Copy, Debug)]
struct Noted;

// SAFETY: all is `Std`'s, which keeps the contract.
unsafe impl Family for Noted {
    type Mutex<T: Send + 'static> = <Std as Family>::Mutex<T>;
    type Guard<'a, T: Send + 'static> = <Std as Family>::Guard<'a, T>;
    type AtomicUsize = <Std as Family>::AtomicUsize;
    type Life = ();
    type Ledger = Notes;

    fn mutex<T: Send + 'static>(value: T) -> Self::Mutex<T> {
        Std::mutex(value)
    }
    fn lock<T: Send + 'static>(mutex: &Self::Mutex<T>) -> Self::Guard<'_, T> {
        Std::lock(mutex)
    }
    fn atomic(value: usize) -> Self::AtomicUsize {
        Std::atomic(value)
    }
    fn load(atomic: &Self::AtomicUsize, ordering: Ordering) -> usize {
        Std::load(atomic, ordering)
    }
    fn fetch_add(atomic: &Self::AtomicUsize, value: usize, ordering: Ordering) -> usize {
        Std::fetch_add(atomic, value, ordering)
    }
    fn fetch_sub(atomic: &Self::AtomicUsize, value: usize, ordering: Ordering) -> usize {
        Std::fetch_sub(atomic, value, ordering)
    }
    fn compare_exchange(
        atomic: &Self::AtomicUsize,
        current: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        Std::compare_exchange(atomic, current, new, success, failure)
    }
    fn life() {}
    fn touch((): &()) {}
    fn destroy((): &()) {}
    fn giving_back() {}
    fn is_stopped() -> bool {
        false
    }
    fn fault(message: &str) -> ! {
        panic!("{message}")
    }
    unsafe fn end_value<T: 'static>(value: NonNull<T>) {
        // SAFETY: the caller's promise is the same.
        unsafe { Std::end_value(value) }
    }
    unsafe fn end_memory<T: 'static>(memory: NonNull<T>) {
        // SAFETY: the caller's promise is the same.
        unsafe { Std::end_memory(memory) }
    }
}

/// Every word, in its order. Objects and tickets have the numbers of their making.
#[derive(Clone, Debug, Default)]
struct Notes(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    objects: u32,
    tickets: u32,
    words: Vec<String>,
}

impl Notes {
    fn ink(&self) -> MutexGuard<'_, Written> {
        self.0.lock().expect("nobody panics while it writes")
    }

    fn write(&self, word: String) {
        self.ink().words.push(word);
    }

    fn ticket(&self, word: impl FnOnce(u32) -> String) -> u32 {
        let mut written = self.ink();
        written.tickets += 1;
        let ticket = written.tickets;
        written.words.push(word(ticket));
        ticket
    }

    /// What was written since the last look.
    fn read(&self) -> Vec<String> {
        core::mem::take(&mut self.ink().words)
    }
}

impl Ledger for Notes {
    type Object = u32;
    type Ticket = u32;

    fn open(&self, _: &'static str, _: &'static Location<'static>) -> u32 {
        let mut written = self.ink();
        written.objects += 1;
        written.objects
    }
    fn take(&self, object: u32, count: usize, _: &'static Location<'static>) -> u32 {
        self.ticket(|ticket| format!("take {ticket}: object {object} has {count}"))
    }
    fn copy(&self, object: u32, from: u32, count: usize, _: &'static Location<'static>) -> u32 {
        self.ticket(|ticket| format!("copy {ticket} of {from}: object {object} has {count}"))
    }
    fn give(&self, object: u32, ticket: u32, count: usize, _: &'static Location<'static>) {
        self.write(format!("give {ticket}: object {object} has {count}"));
    }
    fn destroy(&self, object: u32) {
        self.write(format!("destroy {object}"));
    }
    fn free(&self, object: u32) {
        self.write(format!("free {object}"));
    }
    fn seated(&self, ticket: u32, seat: Seat) {
        let seat = match seat {
            Seat::Link(_) => "a link",
            Seat::Slot(_) => "a slot",
            Seat::ToBe => "a slot to be",
        };
        self.write(format!("seat {ticket} in {seat}"));
    }
    fn unseated(&self, ticket: u32) {
        self.write(format!("unseat {ticket}"));
    }
    fn reseated(&self, new: u32, old: u32) {
        self.write(format!("seat {new} for {old}"));
    }
    fn missed(&self, _: u64) {
        self.write("miss".to_owned());
    }
}

struct Thing;

impl Object<Noted> for Thing {
    const KIND: &'static str = "thing";
    fn release(&self) {}
}

type Things = Registry<u64, Thing, Noted>;

fn things() -> (Notes, [Things; 2]) {
    let notes = Notes::default();
    let hash = Registry::hash(notes.clone(), HashKey(1, 2), 4);
    (notes.clone(), [hash, Registry::list(notes)])
}

fn thing(notes: &Notes) -> Ref<Thing, Noted> {
    let thing = Ref::new(notes, Thing);
    notes.read();
    thing
}

#[test]
fn every_reference_is_written_with_the_count_that_it_makes() {
    let notes = Notes::default();
    let first = Ref::new(&notes, Thing);
    assert_eq!(notes.read(), ["take 1: object 1 has 1"]);
    let second = first.clone();
    assert_eq!(notes.read(), ["copy 2 of 1: object 1 has 2"]);
    let weak = second.downgrade();
    let third = weak.upgrade().unwrap();
    assert_eq!(notes.read(), ["take 3: object 1 has 3"]);
    assert_eq!(third.references(), 3);
    drop(second);
    assert_eq!(
        (notes.read(), third.references()),
        (vec!["give 2: object 1 has 2".to_owned()], 2)
    );
    drop((first, third));
    let end = [
        "give 1: object 1 has 1",
        "give 3: object 1 has 0",
        "destroy 1",
    ];
    assert_eq!(notes.read(), end);
    assert!(weak.upgrade().is_none() && notes.read().is_empty());
    drop(weak);
    assert_eq!(notes.read(), ["free 1"]);
}

#[test]
fn a_link_is_a_seat_and_who_leaves_it_is_told() {
    let (notes, kinds) = things();
    for things in kinds {
        let (first, second) = (thing(&notes), thing(&notes));
        assert!(things.link(1, first).is_ok());
        let seated = notes.read();
        assert!(
            matches!(&seated[..], [word] if word.ends_with("in a link")),
            "{seated:?}"
        );
        let before = things.replace(1, second).unwrap();
        let reseated = notes.read();
        assert!(
            matches!(&reseated[..], [word] if word.contains(" for ")),
            "{reseated:?}"
        );
        drop(before);
        notes.read();
        let out = things.unlink(&1).unwrap();
        assert!(matches!(&notes.read()[..], [word] if word.starts_with("unseat")));
        assert!(things.link(1, out).is_ok());
        notes.read();
        drop(things);
        let end = notes.read();
        assert!(
            end[0].starts_with("unseat"),
            "the container empties itself: {end:?}"
        );
        assert!(
            end.iter().any(|word| word.starts_with("destroy")),
            "{end:?}"
        );
    }
}

#[test]
fn a_slot_is_a_seat_and_gives_back_what_it_had() {
    let notes = Notes::default();
    let (first, second) = (thing(&notes), thing(&notes));
    let mut slot = Slot::new(first);
    assert_eq!(notes.read(), ["seat 1 in a slot to be"]);
    let before = slot.replace(second).expect("it had one");
    assert_eq!(
        (notes.read(), before.number()),
        (vec!["seat 2 for 1".to_owned()], 1)
    );
    let taken = slot.take().expect("it has one");
    assert_eq!(
        (notes.read(), taken.number()),
        (vec!["unseat 2".to_owned()], 2)
    );
    assert!(slot.take().is_none() && slot.as_ref().is_none() && notes.read().is_empty());
    assert!(slot.replace(taken).is_none());
    assert_eq!(notes.read(), ["seat 2 in a slot"]);
}

#[test]
fn a_lookup_that_finds_nothing_is_told_where_the_hash_says_something() {
    let (notes, [hash, list]) = things();
    assert!(hash.find(&7).is_none());
    assert_eq!(notes.read(), ["miss"]);
    assert!(list.find(&7).is_none());
    assert!(notes.read().is_empty());
    assert!(hash.link(7, thing(&notes)).is_ok());
    notes.read();
    let found = hash.find(&7).expect("it is linked");
    assert_eq!((found.references(), notes.read().len()), (2, 1));
}
