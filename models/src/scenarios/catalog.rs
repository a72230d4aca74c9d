//! What only the shipped catalog has: the address index as a hint, and reloads that overlap.

use core::time::Duration;
use std::sync::Arc;

use iaxproof::catalog::Catalog;
use iaxproof::engine::directory::{Directory, Role};

use crate::context::fault;
use crate::explorer::Explorer;
use crate::scenarios::{Reach, Scenario, shipped};
use crate::subject::{KITCHEN, NOW, accept, address, configuration, fresh, kept, one_serial};

/// The hints say what the contact says, once all is at rest.
fn compare_hints<E: Explorer>(catalog: &Catalog<E>) -> String {
    let contact = match catalog.entries(Role::Peer).next() {
        Some(entry) => entry.status().contact,
        None => None,
    };
    let hints = catalog.address_hints();
    if hints != usize::from(contact.is_some()) {
        fault(
            "no-leak",
            &format!("{hints} hints stand in the address index beside the contact {contact:?}"),
        );
    }
    let found = contact.is_none_or(|contact| catalog.find_peer_at(contact.address, NOW).is_some());
    if !found {
        fault(
            "registration-kept",
            "a peer with a contact is not found at its address",
        );
    }
    contact.map_or("no contact".into(), |contact| {
        format!("contact {}", contact.address.ip())
    })
}

/// Two workers write a contact of one peer, each from another address.
fn hint_race<E: Explorer>() -> String {
    let catalog = Arc::new(accept(crate::subject::catalog::<E>(false), &[KITCHEN]));
    let handle = kept(&*catalog, KITCHEN);
    let deadline = NOW + Duration::from_secs(60);
    let (other, theirs) = (Arc::clone(&catalog), handle.clone());
    let _ = E::beside(
        move || other.register(&theirs, address(1), deadline).is_ok(),
        || catalog.register(&handle, address(2), deadline).is_ok(),
    );
    compare_hints(&catalog)
}

/// The operator takes a contact away while a REGREQ moves it.
fn unregister_race<E: Explorer>() -> String {
    let catalog = Arc::new(accept(crate::subject::catalog::<E>(false), &[KITCHEN]));
    let handle = kept(&*catalog, KITCHEN);
    let deadline = NOW + Duration::from_secs(60);
    let _ = catalog.register(&handle, address(1), deadline);
    let (other, theirs) = (Arc::clone(&catalog), handle.clone());
    let _ = E::beside(
        move || other.register(&theirs, address(2), deadline).is_ok(),
        || catalog.unregister(KITCHEN),
    );
    compare_hints(&catalog)
}

/// A reload that drops the peer while a REGREQ writes its contact.
fn drop_race<E: Explorer>() -> String {
    let catalog = Arc::new(accept(crate::subject::catalog::<E>(false), &[KITCHEN]));
    let handle = kept(&*catalog, KITCHEN);
    let deadline = NOW + Duration::from_secs(60);
    let (other, theirs) = (Arc::clone(&catalog), handle.clone());
    let (written, ()) = E::beside(
        move || other.register(&theirs, address(1), deadline).is_ok(),
        || catalog.reload(configuration(1, &[])),
    );
    drop(handle);
    format!("written {written}, {}", compare_hints(&catalog))
}

/// Two reloads at once: at rest every entry has the settings of one of them, the last that was accepted.
fn two_reloads<E: Explorer>() -> String {
    let catalog = Arc::new(accept(crate::subject::catalog::<E>(false), &[KITCHEN]));
    let other = Arc::clone(&catalog);
    let _ = E::beside(
        move || other.reload(configuration(1, &[KITCHEN])),
        || catalog.reload(configuration(2, &[KITCHEN])),
    );
    let handle = kept(&*catalog, KITCHEN);
    let serial = one_serial(&*catalog, &fresh(catalog.settings(&handle)));
    format!("configuration {serial} is in force")
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "address_hint_race_leaves_no_stale_hint",
        property: "no-leak",
        about: "two REGREQs of one peer from two addresses",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["contact 192.0.2.1", "contact 192.0.2.2"],
        bodies: shipped!(hint_race),
    },
    Scenario {
        name: "unregister_leaves_no_stale_hint",
        property: "no-leak",
        about: "the operator unregisters a peer while a REGREQ moves it",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["contact 192.0.2.2", "no contact"],
        bodies: shipped!(unregister_race),
    },
    Scenario {
        name: "dropped_peer_leaves_no_hint",
        property: "no-leak",
        about: "a reload drops a peer while a REGREQ is written to it",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: Some(4),
        outcomes: &["written false, no contact", "written true, no contact"],
        bodies: shipped!(drop_race),
    },
    Scenario {
        name: "one_of_two_reloads_is_in_force",
        property: "reload-atomic",
        about: "two reloads at once; one thread applies both, or each its own",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["configuration 1 is in force", "configuration 2 is in force"],
        bodies: shipped!(two_reloads),
    },
];
