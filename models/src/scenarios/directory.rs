//! A design as an endpoint sees it: reload, eviction, expiry, answers and calls in flight, on every design.

use core::time::Duration;
use std::sync::Arc;

use iaxproof::catalog::Answer;
use iaxproof::engine::directory::{Directory, Expiry, Generation, Lookup, Refused, Role, Written};
use iaxproof_sim::administer::Administer;

use crate::context::fault;
use crate::explorer::Explorer;
use crate::scenarios::{Reach, Scenario, designs};
use crate::subject::{
    KITCHEN, NOW, accepted, accepted_with_database, address, asked, cached, configuration, fresh,
    kept, one_serial, row,
};
use crate::{AnyDirectory, AnyHandle, Design};

fn reload_never_hides<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(accepted::<E>(design, &[KITCHEN]));
    let other = Arc::clone(&subject);
    let (serial, ()) = E::beside(
        move || {
            let handle = kept(&*other, KITCHEN);
            one_serial(&*other, &fresh(other.settings(&handle)))
        },
        || subject.reload(configuration(1, &[KITCHEN])),
    );
    format!("the call uses configuration {serial}")
}

fn call_keeps_its_settings<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(accepted::<E>(design, &[KITCHEN]));
    let other = Arc::clone(&subject);
    let handle = kept(&*subject, KITCHEN);
    let (serial, ()) = E::beside(
        move || {
            let snapshot = fresh(other.settings(&handle));
            let first = one_serial(&*other, &snapshot);
            let _ = fresh(other.contact(&handle, NOW));
            let second = one_serial(&*other, &snapshot);
            if first != second {
                fault("reload-atomic", "one call read two configurations");
            }
            first
        },
        || subject.reload(configuration(1, &[KITCHEN])),
    );
    format!("the call uses configuration {serial}")
}

fn absent_name_goes<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(accepted_with_database::<E>(design, &[KITCHEN]));
    let other = Arc::clone(&subject);
    let (found, ()) = E::beside(
        move || match other.find(Role::Peer, KITCHEN) {
            Lookup::Found(handle) => {
                let snapshot = fresh(other.settings(&handle));
                let _ = fresh(other.contact(&handle, NOW));
                format!("found with {}", one_serial(&*other, &snapshot))
            }
            _ => "asked".into(),
        },
        || subject.reload(configuration(1, &[])),
    );
    found
}

fn eviction_keeps_the_call<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(cached::<E>(design, Some(address(1))));
    let other = Arc::clone(&subject);
    let (found, pruned) = E::beside(
        move || match other.find(Role::Peer, KITCHEN) {
            Lookup::Found(handle) => {
                let serial = one_serial(&*other, &fresh(other.settings(&handle)));
                format!("found with {serial}")
            }
            _ => "asked".into(),
        },
        || subject.prune(Role::Peer, KITCHEN),
    );
    format!("{found}, evicted {pruned}")
}

fn old_expiry_does_nothing<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(accepted::<E>(design, &[KITCHEN]));
    let handle = kept(&*subject, KITCHEN);
    let deadline = NOW + Duration::from_secs(60);
    let old = registered(subject.register(&handle, address(1), deadline));
    let (other, timer) = (Arc::clone(&subject), handle.clone());
    let (expiry, new) = E::beside(
        move || fresh(other.expire(&timer, old, deadline)),
        || registered(subject.register(&handle, address(2), deadline + Duration::from_secs(60))),
    );
    let contact = fresh(subject.contact(&handle, deadline));
    if contact.map(|contact| (contact.address, contact.generation)) != Some((address(2), new)) {
        fault(
            "registration-kept",
            &format!("the newer registration is gone: {contact:?}"),
        );
    }
    match expiry {
        Expiry::Expired => "expired before the newer one".into(),
        Expiry::Superseded => "did nothing".into(),
    }
}

/// The generation of a registration that must not be refused.
#[track_caller]
fn registered(result: Result<Written, Refused>) -> Generation {
    match result {
        Ok(written) => written.generation(),
        Err(Refused::Stale(_)) => fault(
            "no-use-after-destroy",
            "a REGREQ writes to a destroyed entry",
        ),
        Err(Refused::Unlinked | Refused::Busy) => {
            fault("registration-kept", "a linked entry refused a REGREQ")
        }
    }
}

fn answer_after_reload<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(accepted_with_database::<E>(design, &[]));
    let query = asked(subject.find(Role::Peer, KITCHEN));
    let other = Arc::clone(&subject);
    E::beside(
        move || other.answer(query, Answer::Row(row(KITCHEN, None)), NOW),
        || subject.reload(configuration(1, &[])),
    );
    let Lookup::Found(handle) = subject.take_answer(query) else {
        fault("registration-kept", "a row that was answered was not found")
    };
    let found = general_serial(&subject, &handle);
    // At rest whoever is linked has the newer general settings.
    match subject.find(Role::Peer, KITCHEN) {
        Lookup::Found(linked) if general_serial(&subject, &linked) != 1 => fault(
            "reload-atomic",
            "a row kept the general settings of before the reload",
        ),
        Lookup::Found(_) => format!("the answer has configuration {found}, linked"),
        _ => format!("the answer has configuration {found}, evicted"),
    }
}

fn general_serial(subject: &AnyDirectory, handle: &AnyHandle) -> u64 {
    let snapshot = fresh(subject.settings(handle));
    fresh(subject.read(&snapshot, |settings| settings.general.serial))
}

fn write_to_an_evicted<E: Explorer>(design: Design) -> String {
    let subject = Arc::new(cached::<E>(design, None));
    let handle = kept(&*subject, KITCHEN);
    let deadline = NOW + Duration::from_secs(60);
    let other = Arc::clone(&subject);
    let (written, evicted) = E::beside(
        move || other.register(&handle, address(1), deadline),
        || subject.prune(Role::Peer, KITCHEN),
    );
    let written = match written {
        Ok(_) => true,
        Err(Refused::Unlinked | Refused::Busy) => false,
        Err(Refused::Stale(_)) => fault(
            "no-use-after-destroy",
            "a REGREQ writes to a destroyed entry",
        ),
    };
    if written == evicted {
        let message = format!("a REGREQ was accepted: {written}, and the entry evicted: {evicted}");
        fault("registration-kept", &message);
    }
    format!("written {written}, evicted {evicted}")
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "reload_never_hides_a_kept_name",
        property: "reload-atomic",
        about: "a lookup of a name that is in the old and the new configuration, while the reload runs",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "the call uses configuration 0",
            "the call uses configuration 1",
        ],
        bodies: designs!(reload_never_hides),
    },
    Scenario {
        name: "call_keeps_its_settings_across_reload",
        property: "reload-atomic",
        about: "a call reads its settings twice while a reload runs",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &[
            "the call uses configuration 0",
            "the call uses configuration 1",
        ],
        bodies: designs!(call_keeps_its_settings),
    },
    Scenario {
        name: "reload_drops_an_absent_name_under_a_call",
        property: "no-use-after-destroy",
        about: "a call is set up while a reload drops its peer",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["asked", "found with 0"],
        bodies: designs!(absent_name_goes),
    },
    Scenario {
        name: "eviction_keeps_the_call_in_flight",
        property: "no-use-after-destroy",
        about: "a call is set up while its cached row is evicted",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["asked, evicted true", "found with 0, evicted true"],
        bodies: designs!(eviction_keeps_the_call),
    },
    Scenario {
        name: "expiry_of_an_old_generation_does_nothing",
        property: "registration-kept",
        about: "the timer of a registration fires while a newer REGREQ is written",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["did nothing", "expired before the newer one"],
        bodies: designs!(old_expiry_does_nothing),
    },
    Scenario {
        name: "answer_lands_after_reload",
        property: "reload-atomic",
        about: "the database answers a lookup while a reload runs; a row whose answer waits is not evicted, so one outcome",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: Some(3),
        outcomes: &["the answer has configuration 1, linked"],
        bodies: designs!(answer_after_reload),
    },
    Scenario {
        name: "write_to_an_evicted_entry_is_refused",
        property: "registration-kept",
        about: "a REGREQ is written to a handle while its cached row is evicted",
        threads: 2,
        reach: Reach::Reduced,
        preemptions_max: None,
        outcomes: &["written false, evicted true", "written true, evicted false"],
        bodies: designs!(write_to_an_evicted),
    },
];
