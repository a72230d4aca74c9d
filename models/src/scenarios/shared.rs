//! What workers share beyond entries: the store's answers to changes of a contact, and the places of dialogues.

use core::time::Duration;
use std::sync::Arc;

use iaxproof::catalog::{Catalog, Write};
use iaxproof::engine::directory::{Directory, Role, Storing, Written};
use iaxproof::engine::settings::Configuration;

use crate::context::fault;
use crate::explorer::Explorer;
use crate::scenarios::{Reach, Scenario, shipped};
use crate::subject::{
    KITCHEN, NOW, accept, address, cache, catalog, configuration, fresh, kept, row,
};

/// What a store has of the one peer: the newest write.
#[derive(Default)]
struct Store(Option<Write>);

impl Store {
    fn apply(&mut self, write: Write) {
        let is_newer = |stored: &Write| stored.generation < write.generation;
        if self.0.as_ref().is_none_or(is_newer) {
            self.0 = Some(write);
        }
    }

    /// Stores all that is to be written, one by one.
    fn drain<E: Explorer>(&mut self, catalog: &Catalog<E>) {
        while let Some(write) = catalog.poll_write() {
            self.apply(write.clone());
            catalog.stored(write.name.as_str(), write.generation);
        }
    }
}

/// The store's answer to a first REGREQ lands while its dialogue gives up after two seconds and a second REGREQ comes.
fn late_stored<E: Explorer>() -> String {
    let catalog = Arc::new(accept(catalog::<E>(true), &[KITCHEN]));
    let handle = kept(&*catalog, KITCHEN);
    let deadline = NOW + Duration::from_secs(60);
    let Ok(Written::Asked(first)) = catalog.register(&handle, address(1), deadline) else {
        fault("registration-kept", "a REGREQ did not ask the store")
    };
    let mut store = Store::default();
    let write = catalog.poll_write();
    let write = write.unwrap_or_else(|| fault("registration-kept", "there is nothing to write"));
    store.apply(write);
    let other = Arc::clone(&catalog);
    let ((), (withdrawn, second)) = E::beside(
        move || other.stored(KITCHEN, first),
        || {
            let withdrawn = catalog.withdraw(&handle, first);
            (withdrawn, catalog.register(&handle, address(2), deadline))
        },
    );
    let before = fresh(catalog.contact(&handle, NOW)).map(|contact| contact.address);
    if (withdrawn == Storing::Stored) != (before == Some(address(1))) {
        let message =
            format!("the first REGREQ came to {withdrawn:?}, and the contact is {before:?}");
        fault("registration-kept", &message);
    }
    store.drain(&catalog);
    let second = second.map_or(Storing::Failed, |written| {
        catalog.take_stored(&handle, written.generation())
    });
    let contact = fresh(catalog.contact(&handle, NOW)).map(|contact| contact.address);
    let stored = store.0.and_then(|write| write.contact).map(|(at, _)| at);
    if second != Storing::Stored || contact != Some(address(2)) || stored != contact {
        let message =
            format!("the second REGREQ came to {second:?}: contact {contact:?}, stored {stored:?}");
        fault("registration-kept", &message);
    }
    format!("the first {withdrawn:?}, the second Stored")
}

/// The same without a second REGREQ: what was refused is undone.
fn late_stored_undone<E: Explorer>() -> String {
    let catalog = Arc::new(accept(catalog::<E>(true), &[KITCHEN]));
    let handle = kept(&*catalog, KITCHEN);
    let deadline = NOW + Duration::from_secs(60);
    let first = catalog.register(&handle, address(1), deadline);
    let first = first.map(Written::generation).unwrap_or_default();
    let mut store = Store::default();
    catalog
        .poll_write()
        .into_iter()
        .for_each(|write| store.apply(write));
    let other = Arc::clone(&catalog);
    let ((), withdrawn) = E::beside(
        move || other.stored(KITCHEN, first),
        || catalog.withdraw(&handle, first),
    );
    store.drain(&catalog);
    let contact = fresh(catalog.contact(&handle, NOW)).map(|contact| contact.address);
    let stored = store.0.and_then(|write| write.contact).map(|(at, _)| at);
    let promised = (withdrawn == Storing::Stored).then(|| address(1));
    if contact != promised || stored != promised {
        let message = format!("{withdrawn:?}: contact {contact:?}, stored {stored:?}");
        fault("registration-kept", &message);
    }
    format!("the REGREQ {withdrawn:?}")
}

/// The store's answer to a renewal from another address lands while the operator evicts the cached row. Then the name comes back with
/// the configuration.
fn stored_while_evicted<E: Explorer>() -> String {
    let catalog = Arc::new(accept(catalog::<E>(true), &[]));
    cache(&*catalog, row(KITCHEN, Some(address(1))));
    let handle = kept(&*catalog, KITCHEN);
    let deadline = NOW + Duration::from_secs(60);
    let renewal = catalog.register(&handle, address(2), deadline);
    let renewal = renewal.map(Written::generation).unwrap_or_default();
    let _written = catalog.poll_write();
    drop(handle);
    let other = Arc::clone(&catalog);
    let ((), pruned) = E::beside(
        move || other.stored(KITCHEN, renewal),
        || catalog.prune(Role::Peer, KITCHEN),
    );
    catalog.reload(configuration(1, &[KITCHEN]));
    let handle = kept(&*catalog, KITCHEN);
    let contact = fresh(catalog.contact(&handle, NOW)).map(|contact| contact.address);
    if contact != Some(address(2)) {
        let message =
            format!("{pruned:?}: what was stored last is gone, the contact is {contact:?}");
        fault("registration-kept", &message);
    }
    format!("{pruned:?}")
}

fn one_dialogue_each() -> Configuration {
    let mut configuration = configuration(0, &[]);
    configuration.general.dialogues_per_ip_max = 1;
    configuration
}

/// A worker ends its dialogue and opens another, while another worker opens one with the same address.
fn ticket_race<E: Explorer>() -> String {
    let catalog = Arc::new(catalog::<E>(false));
    catalog.reload(one_dialogue_each());
    let ip = address(1).ip();
    let Some(ticket) = catalog.admit(ip, true) else {
        fault("bounded", "the first dialogue was refused")
    };
    let other = Arc::clone(&catalog);
    let (first, second) = E::beside(
        move || {
            other.leave(ticket);
            other.admit(ip, true)
        },
        || catalog.admit(ip, false),
    );
    let word = match (&first, &second) {
        (Some(_), None) => "the first worker",
        (None, Some(_)) => "the second worker",
        (Some(_), Some(_)) => fault("bounded", "two dialogues where one is the limit"),
        (None, None) => fault("bounded", "a place that was given back was not given out"),
    };
    [first, second]
        .into_iter()
        .flatten()
        .for_each(|ticket| catalog.leave(ticket));
    let admitted = catalog.admitted();
    if admitted != Default::default() {
        fault("bounded", &format!("at rest {admitted:?}"));
    }
    format!("{word} has the place")
}

/// Two calls of one user are challenged while one is allowed, and end.
fn challenge_race<E: Explorer>() -> String {
    let catalog = Arc::new(catalog::<E>(false));
    let mut configuration = configuration(0, &[KITCHEN]);
    configuration.entries[0].auth_requests_max = 1;
    catalog.reload(configuration);
    let handle = kept(&*catalog, KITCHEN);
    let (other, theirs) = (Arc::clone(&catalog), handle.clone());
    let (first, second) = E::beside(
        move || {
            let is_counted = other.begin_challenge(Some(&theirs), b"kitchen");
            if is_counted {
                other.end_challenge(Some(&theirs), b"kitchen");
            }
            is_counted
        },
        || catalog.begin_challenge(Some(&handle), b"kitchen"),
    );
    let challenged = handle.status().challenged;
    if challenged != usize::from(second) {
        fault("bounded", &format!("{challenged} calls are counted"));
    }
    format!("challenged: {first}, {second}")
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "late_stored_against_a_newer_registration",
        property: "registration-kept",
        about: "the store's answer to a REGREQ lands while that is given up and a newer one is written",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "the first Failed, the second Stored",
            "the first Stored, the second Stored",
        ],
        bodies: shipped!(late_stored),
    },
    Scenario {
        name: "late_stored_is_undone",
        property: "registration-kept",
        about: "the store's answer to a REGREQ lands while that is given up",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["the REGREQ Failed", "the REGREQ Stored"],
        bodies: shipped!(late_stored_undone),
    },
    Scenario {
        name: "an_evicted_row_leaves_what_was_stored_last",
        property: "registration-kept",
        about: "the store's answer to a renewal lands while the row is evicted; the name comes back with the configuration",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: Some(3),
        outcomes: &["Evicted", "NotStored"],
        bodies: shipped!(stored_while_evicted),
    },
    Scenario {
        name: "a_ticket_is_given_back_once",
        property: "bounded",
        about: "two workers open a dialogue of one address while one place is given back",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "the first worker has the place",
            "the second worker has the place",
        ],
        bodies: shipped!(ticket_race),
    },
    Scenario {
        name: "a_challenge_is_counted_down_once",
        property: "bounded",
        about: "two workers challenge calls of one user where one may wait, and one call ends",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "challenged: false, true",
            "challenged: true, false",
            "challenged: true, true",
        ],
        bodies: shipped!(challenge_race),
    },
];
