//! Reload (reload-atomic, registration-kept): settings are swapped pointer by pointer, names never blink, contacts stay.

use crate::bench::*;
use std::thread;

use iaxproof::catalog::{Catalog, Origin};
use iaxproof::engine::directory::{Directory, Expiry, Lookup, Refused, Role};
use iaxproof::engine::settings::{Configuration, Host, Settings};
use iaxproof::registry::{Audited, Family};

#[test]
fn a_reload_keeps_entry_and_contact_and_swaps_the_settings() {
    let (catalog, book) = audited(false);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let handle = found(&catalog, "alice");
    let generation = catalog
        .register(&handle, address(1), at(100))
        .unwrap()
        .generation();
    let snapshot = catalog.settings(&handle).unwrap();

    catalog.reload(configuration(2, vec![peer("alice"), peer("bob")]));

    assert!(found(&catalog, "alice").same_object(&handle), "one entry");
    assert_eq!(serials(&catalog, &handle), (2, "2".into()));
    let old = catalog.read(&snapshot, |s| s.general.serial);
    assert_eq!(old, Ok(1), "who began with a snapshot keeps it");
    let contact = catalog.contact(&handle, at(50)).unwrap().unwrap();
    assert_eq!(
        (contact.address, contact.generation),
        (address(1), generation)
    );
    assert_eq!(handle.status().counters.publications, 1);

    drop((handle, snapshot));
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn an_absent_name_is_unlinked_with_its_contact() {
    let (catalog, book) = audited(false);
    let friend = vec![peer("alice"), settings(Role::User, "alice")];
    catalog.reload(configuration(1, friend));
    let handle = found(&catalog, "alice");
    let generation = catalog
        .register(&handle, address(1), at(100))
        .unwrap()
        .generation();

    catalog.reload(configuration(2, vec![settings(Role::User, "alice")]));

    assert!(!catalog.find(Role::Peer, "alice").is_found());
    assert!(
        catalog.find(Role::User, "alice").is_found(),
        "the user stays"
    );
    assert!(catalog.find_peer_at(address(1), at(50)).is_none());
    assert_eq!(catalog.contact(&handle, at(50)), Ok(None));
    assert_eq!(catalog.address_hints(), 0);
    let written = catalog.register(&handle, address(1), at(200));
    assert_eq!(written, Err(Refused::Unlinked));
    assert_eq!(catalog.release(&handle), Err(Refused::Unlinked));
    let expiry = catalog.expire(&handle, generation, at(100));
    assert_eq!(expiry, Ok(Expiry::Superseded));
    assert_eq!(
        serials(&catalog, &handle),
        (1, "1".into()),
        "readers may finish"
    );

    drop(handle);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn a_name_that_comes_back_is_a_new_entry_without_contact() {
    let (catalog, book) = audited(false);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let old = found(&catalog, "alice");
    catalog.register(&old, address(1), at(100)).unwrap();
    catalog.reload(configuration(2, vec![]));
    catalog.reload(configuration(3, vec![peer("alice")]));
    let new = found(&catalog, "alice");
    assert!(!new.same_object(&old));
    assert_eq!(catalog.contact(&new, at(50)), Ok(None));
    drop((old, new));
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn a_host_that_changes_moves_the_contact() {
    let (catalog, book) = audited(false);
    catalog.reload(configuration(1, vec![fixed_peer("alice", address(1))]));
    let handle = found(&catalog, "alice");
    let here = |last| {
        let peer = catalog.find_peer_at(address(last), at(0));
        peer.is_some_and(|peer| peer.same_object(&handle))
    };
    assert!(here(1));
    catalog.reload(configuration(2, vec![fixed_peer("alice", address(2))]));
    assert!(!here(1) && here(2));
    catalog.reload(configuration(3, vec![peer("alice")]));
    assert!(!here(1) && !here(2));
    let generation = catalog
        .register(&handle, address(3), at(100))
        .unwrap()
        .generation();
    catalog.reload(configuration(4, vec![peer("alice")]));
    assert!(here(3), "a reload that changes nothing keeps the contact");
    catalog.reload(configuration(5, vec![fixed_peer("alice", address(1))]));
    assert!(here(1) && !here(3));
    let expiry = catalog.expire(&handle, generation, at(100));
    assert_eq!(
        expiry,
        Ok(Expiry::Superseded),
        "the move raised the generation"
    );
    drop(handle);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn each_settings_object_carries_the_general_settings_of_its_file() {
    let (catalog, _book) = audited(false);
    let mut wrong = configuration(1, vec![peer("alice")]);
    wrong.entries[0].general = general(99);
    catalog.reload(wrong);
    assert_eq!(
        serials(&catalog, &found(&catalog, "alice")),
        (1, "1".into())
    );
}

#[test]
fn settings_end_with_their_last_holder() {
    let (catalog, book) = audited(false);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let snapshot = catalog.settings(&found(&catalog, "alice")).unwrap();
    assert_eq!(book.live_objects(), 2);
    catalog.reload(configuration(2, vec![peer("alice")]));
    assert_eq!(book.live_objects(), 3, "the old settings are still held");
    drop(snapshot);
    assert_eq!(book.live_objects(), 2);
    catalog.reload(configuration(3, vec![]));
    assert_eq!(book.live_objects(), 0, "{}", book.report());
}

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// All four names, of which the last comes and goes, and hosts that change with the serial.
fn alternating(serial: u64) -> Configuration {
    let kept = if serial.is_multiple_of(2) { 4 } else { 3 };
    let dress = |(i, name): (usize, &&str)| Settings {
        host: match (serial + i as u64) % 3 {
            0 => Host::Fixed(address(i as u8)),
            _ => Host::Dynamic,
        },
        ..peer(name)
    };
    let names = NAMES[..kept].iter().enumerate().map(dress);
    configuration(serial, names.collect())
}

/// Looks names up, registers and reads while reloads run: no name of every file is missed, no snapshot mixes two files.
fn use_names<F: Family>(catalog: &Catalog<F>, rounds: u64) {
    for round in 0..rounds {
        let name = NAMES[(round % 3) as usize];
        let Lookup::Found(handle) = catalog.find(Role::Peer, name) else {
            panic!("{name} is in every file and was missed");
        };
        let (general, own) = serials(catalog, &handle);
        assert_eq!(general.to_string(), own, "one file per snapshot");
        let written = catalog.register(&handle, address((round % 7) as u8), at(100));
        assert!(written.is_ok(), "the entry of a kept name stays linked");
        drop(catalog.find_peer_at(address((round % 7) as u8), at(50)));
        if let Lookup::Found(last) = catalog.find(Role::Peer, "dave") {
            // It may be unlinked by now; then the write says so.
            let written = catalog.register(&last, address(9), at(100));
            assert!(matches!(written, Ok(_) | Err(Refused::Unlinked)));
        }
    }
}

fn reload_under_load<F: Family>(catalog: &Catalog<F>, reloads: u64, rounds: u64) {
    catalog.reload(alternating(0));
    thread::scope(|scope| {
        scope.spawn(|| (1..=reloads).for_each(|serial| catalog.reload(alternating(serial))));
        scope.spawn(|| use_names(catalog, rounds));
        use_names(catalog, rounds);
    });
}

#[test]
fn names_of_every_file_are_found_throughout_reloads() {
    let catalog = plain(false);
    reload_under_load(&catalog, 10_000, 50_000);
}

#[test]
fn nothing_leaks_and_no_hint_is_stale_after_reloads_under_load() {
    let (catalog, book) = audited(false);
    reload_under_load(&catalog, 1_000, 4_000);
    for name in NAMES {
        if let Lookup::Found(handle) = catalog.find(Role::Peer, name) {
            assert_eq!(handle.status().origin, Origin::Static);
        }
    }
    assert_hints_exact(&catalog);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

/// At rest there is one hint per linked contact, and it leads there.
fn assert_hints_exact(catalog: &Catalog<Audited>) {
    let contacts = catalog.entries(Role::Peer).filter_map(|entry| {
        let contact = entry.status().contact?;
        let mut there = Vec::new();
        there.extend(
            catalog
                .peers_at(&contact.address, at(0))
                .map(|e| e.number()),
        );
        assert!(there.contains(&entry.number()), "the contact is hinted at");
        Some(())
    });
    assert_eq!(contacts.count(), catalog.address_hints());
}

#[test]
fn a_reload_that_meets_another_leaves_the_newest_in_force() {
    let catalog = plain(false);
    thread::scope(|scope| {
        for thread in 0..3_u64 {
            let catalog = &catalog;
            scope.spawn(move || {
                (0..500).for_each(|n| catalog.reload(alternating(3 * n + thread)));
            });
        }
    });
    let serials: Vec<_> = NAMES[..3]
        .iter()
        .map(|name| serials(&catalog, &found(&catalog, name)))
        .collect();
    assert!(
        serials.windows(2).all(|pair| pair[0] == pair[1]),
        "{serials:?}"
    );
    assert_eq!(
        catalog.len(Role::Peer),
        if serials[0].0 % 2 == 0 { 4 } else { 3 },
        "the names are those of one file"
    );
}

/// Short for what the tests ask most.
trait Found {
    fn is_found(&self) -> bool;
}

impl<H> Found for Lookup<H> {
    fn is_found(&self) -> bool {
        matches!(self, Lookup::Found(_))
    }
}
