//! The registry's containers: find, link, unlink, replace and iteration against each other, on one shard.

use std::sync::Arc;

use iaxproof::registry::{HashKey, Object, Ref, Registry};

use crate::context::{fault, keep_linked};
use crate::explorer::Explorer;
use crate::scenarios::{Reach, Scenario, shipped};
use crate::{Account, note, notes};

/// What is linked: a number that tells the objects apart.
struct Item(u64);

impl<E: Explorer> Object<E> for Item {
    const KIND: &'static str = "item";
    fn release(&self) {
        note(format!("destroys {}", self.0));
    }
}

type Table<E> = Arc<Registry<u64, Item, E>>;

fn item<E: Explorer>(number: u64) -> Ref<Item, E> {
    Ref::new(&Account::default(), Item(number))
}

/// A hash table of one shard with these objects under their own numbers.
fn table<E: Explorer>(numbers: &[u64]) -> Table<E> {
    filled(
        Registry::hash(Account::default(), HashKey(1, 2), 1),
        numbers,
    )
}

fn list<E: Explorer>(numbers: &[u64]) -> Table<E> {
    filled(Registry::list(Account::default()), numbers)
}

fn filled<E: Explorer>(registry: Registry<u64, Item, E>, numbers: &[u64]) -> Table<E> {
    for number in numbers {
        let linked = registry.link(*number, item(*number));
        assert!(linked.is_ok(), "the numbers of a scenario differ");
    }
    Arc::new(registry)
}

fn find_races_unlink<E: Explorer>() -> String {
    let registry = table::<E>(&[1]);
    let other = Arc::clone(&registry);
    let (found, taken) = E::beside(
        move || other.find(&1).map(|held| held.0),
        || registry.unlink(&1).map(|held| held.0),
    );
    format!("found {found:?}, took {taken:?}; {}", notes().join(", "))
}

fn replace_never_hides<E: Explorer>() -> String {
    let registry: Table<E> = table(&[]);
    let _ = registry.link(1, item(10));
    keep_linked(true);
    let other = Arc::clone(&registry);
    let (found, old) = E::beside(
        move || match other.find(&1) {
            Some(held) => held.0,
            None => fault(
                "reload-atomic",
                "a key that is linked before and after was not found",
            ),
        },
        || registry.replace(1, item(11)).map(|held| held.0),
    );
    keep_linked(false);
    format!("found {found}, replaced {old:?}")
}

fn one_unlink_takes<E: Explorer>() -> String {
    let registry = table::<E>(&[1]);
    let other = Arc::clone(&registry);
    let (theirs, mine) = E::beside(
        move || other.unlink(&1).is_some(),
        || registry.unlink(&1).is_some(),
    );
    if theirs == mine {
        fault(
            "linearizable",
            "an object that was linked once was not taken exactly once",
        );
    }
    format!("A {mine}, B {theirs}")
}

fn one_link_stands<E: Explorer>() -> String {
    let registry = table::<E>(&[]);
    let other = Arc::clone(&registry);
    let (theirs, mine) = E::beside(
        move || other.link(1, item(20)).is_ok(),
        || registry.link(1, item(10)).is_ok(),
    );
    if theirs == mine {
        fault(
            "linearizable",
            "of two links under one key not exactly one was let in",
        );
    }
    let stands = registry.find(&1).map(|held| held.0);
    format!("A {mine}, B {theirs}, {stands:?} stands")
}

/// One thread iterates over three objects while the other unlinks one and links a fourth.
fn iterate<E: Explorer>(registry: Table<E>) -> String {
    let other = Arc::clone(&registry);
    let (seen, ()) = E::beside(
        move || other.iter().map(|held| held.0).collect::<Vec<_>>(),
        || {
            drop(registry.unlink(&1));
            let _ = registry.link(4, item(4));
        },
    );
    for stays in [2, 3] {
        let times = seen.iter().filter(|number| **number == stays).count();
        if times != 1 {
            let message = format!("{stays} was linked throughout and seen {times} times: {seen:?}");
            fault("iterate-once", &message);
        }
    }
    let mut seen = seen;
    seen.sort_unstable();
    format!("{seen:?}")
}

fn iterate_table<E: Explorer>() -> String {
    iterate::<E>(table(&[1, 2, 3]))
}

fn iterate_list<E: Explorer>() -> String {
    iterate::<E>(list(&[1, 2, 3]))
}

/// Unlinking what an iterator stands on, and destroying it elsewhere.
fn iterator_keeps<E: Explorer>() -> String {
    let registry = table::<E>(&[1]);
    let other = Arc::clone(&registry);
    let (seen, ()) = E::beside(
        move || {
            let mut iterator = other.iter();
            let held = iterator.next();
            let more = iterator.next().is_some();
            (held.map(|held| held.0), more)
        },
        || drop(registry.unlink(&1)),
    );
    format!("{seen:?}; {}", notes().join(", "))
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "find_races_unlink",
        property: "no-use-after-destroy",
        about: "a lookup and an unlink of one key; whoever is last destroys",
        threads: 2,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &[
            "found None, took Some(1); A: destroys 1",
            "found Some(1), took Some(1); A: destroys 1",
            "found Some(1), took Some(1); B: destroys 1",
        ],
        bodies: shipped!(find_races_unlink),
    },
    Scenario {
        name: "replace_never_hides",
        property: "reload-atomic",
        about: "a lookup while the object under its key is replaced",
        threads: 2,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &["found 10, replaced Some(10)", "found 11, replaced Some(10)"],
        bodies: shipped!(replace_never_hides),
    },
    Scenario {
        name: "one_of_two_unlinks_takes_the_object",
        property: "linearizable",
        about: "two threads unlink one key",
        threads: 2,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &["A false, B true", "A true, B false"],
        bodies: shipped!(one_unlink_takes),
    },
    Scenario {
        name: "one_of_two_links_stands",
        property: "linearizable",
        about: "two threads link their own object under one key",
        threads: 2,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &[
            "A false, B true, Some(20) stands",
            "A true, B false, Some(10) stands",
        ],
        bodies: shipped!(one_link_stands),
    },
    Scenario {
        name: "iteration_sees_a_linked_object_once_while_another_is_unlinked",
        property: "iterate-once",
        about: "an iteration over the hash table while one of three objects is unlinked and a fourth linked",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["[1, 2, 3, 4]", "[1, 2, 3]", "[2, 3, 4]", "[2, 3]"],
        bodies: shipped!(iterate_table),
    },
    Scenario {
        name: "list_iteration_sees_a_linked_object_once_while_another_is_unlinked",
        property: "iterate-once",
        about: "the same over the linked list",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["[1, 2, 3, 4]", "[1, 2, 3]", "[2, 3, 4]", "[2, 3]"],
        bodies: shipped!(iterate_list),
    },
    Scenario {
        name: "iterator_keeps_what_it_stands_on",
        property: "no-use-after-destroy",
        about: "the object that an iterator returned is unlinked before it goes on",
        threads: 2,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &[
            "(None, false); A: destroys 1",
            "(Some(1), false); A: destroys 1",
            "(Some(1), false); B: destroys 1",
        ],
        bodies: shipped!(iterator_keeps),
    },
];
