//! Names that move between the database and the file: whoever links the name next begins with the registration that the store has
//! (registration-kept).

use crate::bench::*;
use iaxproof::catalog::{Answer, Origin, Pruned, Unregistered};
use iaxproof::engine::directory::{Directory, Lookup, Role};

/// The row was evicted, and the name is of the file when it comes back.
#[test]
fn a_row_that_was_evicted_and_becomes_an_entry_of_the_file_keeps_its_registration() {
    let (catalog, book) = audited(true);
    catalog.reload(configuration(1, vec![]));
    let handle = load(&catalog, row(peer("alice")), at(0));
    let generation = register(&catalog, &handle, address(1), at(100));
    drop(handle);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    catalog.reload(configuration(2, vec![peer("alice")]));
    let status = status(&catalog, "alice");
    assert_eq!(status.origin, Origin::Static);
    let contact = status
        .contact
        .map(|it| (it.address, it.deadline, it.generation));
    assert_eq!(contact, Some((address(1), Some(at(100)), generation)));
    // Somebody is to see to its expiry, and the store has nothing to learn.
    let restored = catalog
        .poll_restored()
        .map(|it| (it.deadline, it.generation));
    assert_eq!(restored, Some((at(100), generation)));
    assert!(catalog.poll_write().is_none());
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

/// A reload evicts what is cached; the next one has the name in the file.
#[test]
fn two_reloads_lose_nothing_either() {
    let catalog = plain(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    register(&catalog, &handle, address(1), at(100));
    drop(handle);
    catalog.reload(configuration(1, vec![]));
    assert_eq!(catalog.len(Role::Peer), 0);
    catalog.reload(configuration(2, vec![peer("alice")]));
    let contact = status(&catalog, "alice").contact;
    assert_eq!(contact.map(|it| it.address), Some(address(1)));
}

/// What was released before the eviction does not come back, and neither does what the operator took away after it.
#[test]
fn a_registration_that_is_gone_does_not_come_back() {
    let catalog = plain(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    register(&catalog, &handle, address(1), at(100));
    let released = catalog.release(&handle);
    store_all(&catalog);
    assert!(released.is_ok());
    drop(handle);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    catalog.reload(configuration(1, vec![peer("alice")]));
    assert_eq!(status(&catalog, "alice").contact, None);

    let catalog = plain(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    register(&catalog, &handle, address(1), at(100));
    drop(handle);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    let unregistered = catalog.unregister("alice");
    assert!(matches!(unregistered, Unregistered::Storing(_)));
    store_all(&catalog);
    catalog.reload(configuration(1, vec![peer("alice")]));
    assert_eq!(status(&catalog, "alice").contact, None);
}

/// The database was slow: what it says was read before the registration was taken away, and is told after.
#[test]
fn a_row_that_was_read_before_the_registration_went_does_not_bring_it_back() {
    let catalog = plain(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    let generation = register(&catalog, &handle, address(1), at(100));
    drop(handle);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    let read = row_at(peer("alice"), address(1), 100, generation.0);
    let question = ask(&catalog, Role::Peer, "alice");
    let unregistered = catalog.unregister("alice");
    assert!(matches!(unregistered, Unregistered::Storing(_)));
    store_all(&catalog);
    assert_eq!(catalog.parked("alice"), Some(None));
    catalog.answer(question.id, Answer::Row(read), at(0));
    let status = status(&catalog, "alice");
    assert_eq!(status.contact, None);
    assert!(status.generation > generation);
    assert_eq!(catalog.poll_write(), None, "the store has it so already");
}

/// As above, and the name was of the file meanwhile.
#[test]
fn a_row_that_was_read_before_a_release_does_not_undo_it() {
    let catalog = plain(true);
    let question = ask(&catalog, Role::Peer, "alice");
    let read = row_at(peer("alice"), address(1), 100, 1);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let Lookup::Found(handle) = catalog.find(Role::Peer, "alice") else {
        panic!("alice is of the file");
    };
    assert_eq!(register(&catalog, &handle, address(1), at(100)).0, 1);
    assert!(catalog.release(&handle).is_ok());
    store_all(&catalog);
    drop(handle);
    catalog.reload(configuration(2, vec![]));
    catalog.answer(question.id, Answer::Row(read), at(0));
    assert_eq!(status(&catalog, "alice").contact, None);
}

/// What was taken away while nobody asked is not remembered: a row that is read now has it.
#[test]
fn what_the_store_has_taken_away_is_forgotten_where_nobody_asks() {
    let catalog = plain(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    register(&catalog, &handle, address(1), at(100));
    drop(handle);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    assert!(matches!(
        catalog.unregister("alice"),
        Unregistered::Storing(_)
    ));
    store_all(&catalog);
    assert_eq!(catalog.parked("alice"), None);
}

/// The file drops a name while a second contact is on its way to the store: what comes back is the one in force, under a generation that
/// is newer than both.
#[test]
fn what_is_owed_of_a_name_that_went_is_written_anew() {
    let catalog = plain(true);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let handle = found(&catalog, "alice");
    register(&catalog, &handle, address(1), at(100));
    assert!(catalog.register(&handle, address(2), at(200)).is_ok());
    let sent = catalog.poll_write().expect("the second contact is written");
    catalog.reload(configuration(2, vec![]));
    let write = catalog.poll_write().expect("the store is told again");
    assert!(write.generation > sent.generation, "{write:?}");
    assert_eq!(write.contact, Some((address(1), at(100))));
}

/// Where nobody asks for its name, nothing is known of a row that went without a contact.
#[test]
fn a_row_without_a_contact_leaves_nothing_behind() {
    let catalog = plain(true);
    drop(load(&catalog, row(peer("alice")), at(0)));
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    assert_eq!(catalog.parked("alice"), None);
}

/// Without a database there is nobody to keep anything for.
#[test]
fn nothing_waits_for_a_name_where_nothing_is_stored() {
    let catalog = plain(false);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let handle = found(&catalog, "alice");
    assert!(catalog.register(&handle, address(1), at(100)).is_ok());
    drop(handle);
    catalog.reload(configuration(2, vec![]));
    assert_eq!(catalog.parked("alice"), None);
}

/// The file gives a host to a peer that the operator is taking away: that change is over, and the store is owed no more than the host.
#[test]
fn a_change_that_a_new_host_overtakes_is_owed_to_nobody() {
    let catalog = plain(true);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let handle = found(&catalog, "alice");
    register(&catalog, &handle, address(1), at(100));
    drop(handle);
    let unregistered = catalog.unregister("alice");
    assert!(matches!(unregistered, Unregistered::Storing(_)));
    catalog.reload(configuration(2, vec![fixed_peer("alice", address(2))]));
    store_all(&catalog);
    catalog.reload(configuration(3, vec![]));
    assert_eq!(catalog.parked("alice"), None);
    assert_eq!(catalog.poll_write(), None);
}
