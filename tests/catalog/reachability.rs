//! What a POKE said of a contact: kept while the contact stays where it is, and not when it has moved.

use core::time::Duration;

use crate::bench::*;
use iaxproof::catalog::Pruned;
use iaxproof::engine::directory::{Directory, Generation, Noted, Reachability, Role};
use iaxproof::engine::workers::WorkerId;
use iaxproof::registry::Std;

const REACHABLE: Reachability = Reachability::Reachable(Duration::from_millis(20));

#[test]
fn it_holds_for_the_address_and_not_for_the_next() {
    let catalog = plain(false);
    catalog.reload(configuration(0, vec![peer("alice")]));
    let alice = found(&catalog, "alice");
    let first = catalog
        .register(&alice, address(1), at(70))
        .unwrap()
        .generation();
    let note = |generation| catalog.note_reachability(&alice, generation, REACHABLE);
    assert_eq!(note(first), Ok(Noted::Kept));
    let renewed = catalog
        .register(&alice, address(1), at(80))
        .unwrap()
        .generation();
    assert_eq!(catalog.reachability(&alice), Ok(REACHABLE));
    assert_eq!(note(first), Ok(Noted::Superseded));

    let moved = catalog
        .register(&alice, address(2), at(90))
        .unwrap()
        .generation();
    assert_eq!(catalog.reachability(&alice), Ok(Reachability::Unknown));
    assert_eq!(note(renewed), Ok(Noted::Superseded));
    assert_eq!(catalog.reachability(&alice), Ok(Reachability::Unknown));
    assert_eq!(note(moved), Ok(Noted::Kept));
}

/// A poke holds the entry that it was made for. The word about an evicted row's contact goes to the row's next entry.
#[test]
fn an_evicted_row_is_followed_by_name() {
    let catalog = plain(true);
    let stored = || row_at(peer("alice"), address(1), 100, 3);
    let evicted: Handle<Std> = load(&catalog, stored(), at(0));
    let note = || catalog.note_reachability(&evicted, Generation(3), REACHABLE);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    assert_eq!(note(), Ok(Noted::Superseded), "nobody has the name");
    let next = load(&catalog, stored(), at(0));
    assert!(!evicted.same_object(&next));
    assert_eq!(note(), Ok(Noted::Kept));
    assert_eq!(catalog.reachability(&next), Ok(REACHABLE));
}

/// Of workers that ask a peer, the last to say so counts, and its word is followed by name like the answer.
#[test]
fn the_last_worker_to_ask_a_peer_is_the_one() {
    let catalog = plain(true);
    let stored = || row_at(peer("alice"), address(1), 100, 3);
    let evicted: Handle<Std> = load(&catalog, stored(), at(0));
    assert_eq!(catalog.watcher(&evicted), None);
    for worker in [WorkerId(0), WorkerId(2), WorkerId(1)] {
        catalog.watch(&evicted, worker);
        assert_eq!(catalog.watcher(&evicted), Some(worker));
    }
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    catalog.watch(&evicted, WorkerId(0));
    assert_eq!(catalog.watcher(&evicted), None, "nobody has the name");
    let next = load(&catalog, stored(), at(0));
    assert_eq!(catalog.watcher(&evicted), None, "another entry");
    catalog.watch(&evicted, WorkerId(2));
    assert_eq!(catalog.watcher(&next), Some(WorkerId(2)));
}
