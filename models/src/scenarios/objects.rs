//! Counted objects by themselves: last drop, clone, weak upgrade, and a chain of objects.

use iaxproof::registry::{Object, Ref, Slot, Weak};

use crate::context::note;
use crate::explorer::Explorer;
use crate::scenarios::{Reach, Scenario, shipped};
use crate::{Account, notes};

/// An object that says which thread destroys it.
struct Probe;

impl<E: Explorer> Object<E> for Probe {
    const KIND: &'static str = "probe";
    fn release(&self) {
        note("destroys");
    }
}

/// An object that owns another one behind a lock, as an entry owns its settings.
struct Owner<E: Explorer>(E::Mutex<Slot<Probe, E>>);

impl<E: Explorer> Object<E> for Owner<E> {
    const KIND: &'static str = "owner";
    fn release(&self) {
        let owned = E::lock(&self.0).take();
        drop(owned);
    }
}

fn probe<E: Explorer>() -> Ref<Probe, E> {
    Ref::new(&Account::default(), Probe)
}

fn touch<E: Explorer>(probe: &Ref<Probe, E>) {
    let _: &Probe = probe;
}

fn last_drop<E: Explorer>() -> String {
    let mine = probe::<E>();
    let theirs = mine.clone();
    let use_and_drop = |held: Ref<Probe, E>| {
        touch(&held);
        drop(held);
    };
    E::beside(move || use_and_drop(theirs), move || use_and_drop(mine));
    notes().join(", ")
}

fn three_drop<E: Explorer>() -> String {
    let mine = probe::<E>();
    let (first, second) = (mine.clone(), mine.clone());
    let one = E::spawn(move || drop(first));
    let two = E::spawn(move || drop(second.clone()));
    touch(&mine);
    drop(mine);
    E::join(one);
    E::join(two);
    notes().join(", ")
}

fn upgrade<E: Explorer>() -> String {
    let strong = probe::<E>();
    let weak = strong.downgrade();
    let (brought, ()) = E::beside(
        move || weak.upgrade().map(|held| touch(&held)).is_some(),
        move || drop(strong),
    );
    format!("upgraded: {brought}; {}", notes().join(", "))
}

fn two_upgrades<E: Explorer>() -> String {
    let strong = probe::<E>();
    let (first, second) = (strong.downgrade(), strong.downgrade());
    let live = |weak: Weak<Probe, E>| weak.upgrade().map(|held| touch(&held)).is_some();
    let one = E::spawn(move || live(first));
    let two = E::spawn(move || live(second));
    drop(strong);
    let (one, two) = (E::join(one), E::join(two));
    format!("{one} {two}")
}

fn chain<E: Explorer>() -> String {
    let inner = probe::<E>();
    let owner: Ref<Owner<E>, E> = Ref::new(&Account::default(), Owner(E::mutex(Slot::new(inner))));
    let reader = owner.clone();
    let (found, ()) = E::beside(
        move || {
            let held = E::lock(&reader.0).as_ref().cloned();
            held.map(|held| touch(&held)).is_some()
        },
        move || {
            let taken = E::lock(&owner.0).take();
            drop(taken);
        },
    );
    format!("read: {found}; {}", notes().join(", "))
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "last_drop_runs_the_destructor_once",
        property: "destroyed-once",
        about: "two threads use an object and give their reference back",
        threads: 2,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &["A: destroys", "B: destroys"],
        bodies: shipped!(last_drop),
    },
    Scenario {
        name: "three_drops_and_a_clone_run_the_destructor_once",
        property: "destroyed-once",
        about: "three threads give a reference back, one of them clones first",
        threads: 3,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &["A: destroys", "B: destroys", "C: destroys"],
        bodies: shipped!(three_drop),
    },
    Scenario {
        name: "upgrade_never_brings_back",
        property: "no-use-after-destroy",
        about: "a weak reference is upgraded while the last strong one goes",
        threads: 2,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &[
            "upgraded: false; A: destroys",
            "upgraded: true; A: destroys",
            "upgraded: true; B: destroys",
        ],
        bodies: shipped!(upgrade),
    },
    Scenario {
        name: "two_upgrades_race_the_last_drop",
        property: "no-leak",
        about: "two weak references are upgraded while the last strong one goes",
        threads: 3,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &["false false", "false true", "true false", "true true"],
        bodies: shipped!(two_upgrades),
    },
    Scenario {
        name: "snapshot_outlives_its_swap",
        property: "no-use-after-destroy",
        about: "a reader clones what an object owns under its lock while another thread takes it out and drops it",
        threads: 2,
        reach: Reach::DepthFirst,
        preemptions_max: None,
        outcomes: &[
            "read: false; A: destroys",
            "read: true; A: destroys",
            "read: true; B: destroys",
        ],
        bodies: shipped!(chain),
    },
];
