//! Registrations that a database keeps: REGACK promises what is stored, and nothing else (registration-kept).

use crate::bench::*;
use core::time::Duration;
use iaxproof::catalog::{Catalog, Pruned, Unregistered, Write};

use iaxproof::engine::Event;
use iaxproof::engine::directory::{Contact, Directory, Generation, Lookup, Role};
use iaxproof::engine::settings::{Configuration, General, Name};
use iaxproof::registry::Audited;
use iaxproof::time::Instant;
use iaxproof::wire::{Body, IaxCommand, InformationElement};

fn bench() -> Bench {
    Bench::with_store(General::default(), &[])
}

fn contact(bench: &Bench, name: &str) -> Option<Contact> {
    let catalog: &Catalog<Audited> = bench.endpoint.directory();
    match catalog.find(Role::Peer, name) {
        Lookup::Found(handle) => catalog.contact(&handle, bench.now).expect("never stale"),
        _ => None,
    }
}

fn take(bench: &mut Bench, client: &mut Client) -> Vec<String> {
    client.take(bench);
    client.words()
}

/// Finishes the handshake of a client whose last frame is final.
fn finish(bench: &mut Bench, client: &mut Client, word: &str) {
    client.take(bench);
    client.ack(bench);
    assert_eq!(client.words().last().map(String::as_str), Some(word));
}

fn registered(bench: &Bench) -> usize {
    let is_it = |event: &&Event| matches!(event, Event::Registered { .. });
    bench.events.iter().filter(is_it).count()
}

#[test]
fn regack_waits_for_the_store_and_the_former_contact_holds() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    assert_eq!(client.words(), ["REGAUTH", "ACK"]);
    assert_eq!((contact(&bench, "alice"), registered(&bench)), (None, 0));
    assert_eq!(bench.counts().waiting_for_directory, 1);
    assert_eq!(bench.answer_writes(true).len(), 1);
    finish(&mut bench, &mut client, "REGACK");
    assert_eq!(contact(&bench, "alice").unwrap().address, address(1));
    assert_eq!((registered(&bench), bench.counts().expiry_timers), (1, 1));

    bench.until(1.0);
    let mut other = Client::new(2, 600);
    other.register(&mut bench, "alice", "wonder", 60);
    assert_eq!(contact(&bench, "alice").unwrap().address, address(1));
    bench.answer_writes(true);
    finish(&mut bench, &mut other, "REGACK");
    assert_eq!(contact(&bench, "alice").unwrap().address, address(2));
    bench.until(72.0);
    assert_eq!(contact(&bench, "alice"), None);
    let writes = bench.answer_writes(true);
    assert_eq!(writes.len(), 1, "expiry writes too");
    assert_eq!(writes[0].contact, None);
    bench.assert_at_rest();
}

#[test]
fn a_repeated_regreq_starts_no_second_write() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    let result = client.result("wonder");
    let ies = [
        InformationElement::Username(b"alice"),
        InformationElement::Md5Result(&result),
    ];
    let octets = client.iax(IaxCommand::RegReq, &ies);
    client.words();
    client.deliver(&mut bench, &octets);
    client.deliver(&mut bench, &octets);
    // A new frame with the same request, not a repeat of the old one.
    client.send_iax(&mut bench, IaxCommand::RegReq, &ies);
    assert_eq!(client.words(), ["ACK", "ACK", "ACK"]);
    assert_eq!(bench.answer_writes(true).len(), 1);
    assert_eq!(take(&mut bench, &mut client), ["REGACK"]);
    assert_eq!(bench.answer_writes(true).len(), 0);
}

#[test]
fn a_write_that_fails_is_refused_and_what_is_in_force_is_written_again() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    bench.answer_writes(true);
    finish(&mut bench, &mut client, "REGACK");
    let mut other = Client::new(2, 600);
    other.register(&mut bench, "alice", "wonder", 60);
    let failed = bench.answer_writes(false);
    finish(&mut bench, &mut other, "REGREJ");
    assert_eq!(contact(&bench, "alice").unwrap().address, address(1));
    let again = bench.answer_writes(true);
    assert_eq!(again[0].contact.map(|(at, _)| at), Some(address(1)));
    assert!(again[0].generation > failed[0].generation);
    assert!(bench.answer_writes(true).is_empty());
    let failures = |event: &&Event| matches!(event, Event::LoginFailed { .. });
    assert_eq!(bench.events.iter().filter(failures).count(), 0);
}

#[test]
fn a_store_that_takes_two_seconds_is_refused_and_its_late_stored_is_undone() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    let write = bench.endpoint.directory().poll_write().unwrap();
    client.words();
    bench.until(1.999);
    assert_eq!(take(&mut bench, &mut client), Vec::<String>::new());
    bench.until(2.0);
    finish(&mut bench, &mut client, "REGREJ");
    assert!(bench.endpoint.directory().poll_write().is_none());
    bench.answer_write(&write, true);
    assert_eq!((contact(&bench, "alice"), registered(&bench)), (None, 0));
    let undo = bench.endpoint.directory().poll_write().unwrap();
    assert_eq!(undo.contact, None);
    assert!(undo.generation > write.generation);
    // The undoing itself is tried until it is stored.
    bench.answer_write(&undo, false);
    let again = bench.endpoint.directory().poll_write().unwrap();
    assert_eq!(again, undo);
    bench.answer_write(&again, true);
    assert!(bench.endpoint.directory().poll_write().is_none());
    bench.assert_at_rest();
}

/// A worker that was held up for long promises no more than what it stored at first.
#[test]
fn a_regack_that_comes_late_promises_what_is_left() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    let write = bench.endpoint.directory().poll_write().unwrap();
    client.words();
    // Its timers are late too.
    bench.now = bench.now + Duration::from_secs(14);
    bench.answer_write(&write, true);
    bench.drain();
    client.take(&mut bench);
    let Body::Iax { ies, .. } = client.last().body else {
        panic!("a REGACK should come");
    };
    let deadline = contact(&bench, "alice").unwrap().deadline.unwrap();
    assert_eq!(ies.refresh(), Some(56));
    assert_eq!(deadline, bench.now + Duration::from_secs(56));
}

#[test]
fn a_request_that_was_never_polled_leaves_nothing_to_undo() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    client.words();
    bench.until(2.0);
    finish(&mut bench, &mut client, "REGREJ");
    assert!(bench.endpoint.directory().poll_write().is_none());
    bench.assert_at_rest();
}

#[test]
fn a_caller_that_goes_away_is_withdrawn() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    let write = bench.endpoint.directory().poll_write().unwrap();
    client.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert_eq!(bench.counts().dialogues(), 0);
    bench.answer_write(&write, true);
    assert_eq!(contact(&bench, "alice"), None);
    assert_eq!(bench.answer_writes(true)[0].contact, None);
    bench.assert_at_rest();
}

#[test]
fn writes_of_one_name_apply_in_the_order_of_their_requests() {
    let mut bench = bench();
    let mut first = Client::new(1, 500);
    let mut second = Client::new(2, 600);
    first.register(&mut bench, "alice", "wonder", 60);
    second.register(&mut bench, "alice", "wonder", 60);
    let mut release = Client::new(3, 700);
    let ies = [InformationElement::Username(b"alice")];
    release.open(&mut bench, IaxCommand::RegRel, &ies);
    let result = release.result("wonder");
    let ies = [ies[0], InformationElement::Md5Result(&result)];
    release.send_iax(&mut bench, IaxCommand::RegRel, &ies);
    for at in [Some(address(1)), Some(address(2)), None] {
        let writes = bench.answer_writes(true);
        assert_eq!(writes.len(), 1);
        assert_eq!(writes[0].contact.map(|(at, _)| at), at);
        assert_eq!(contact(&bench, "alice").map(|c| c.address), at);
    }
    for client in [&mut first, &mut second, &mut release] {
        finish(&mut bench, client, "REGACK");
    }
    assert_eq!(registered(&bench), 2);
    assert!(bench.answer_writes(true).is_empty());
    bench.assert_at_rest();
}

#[test]
fn requests_that_come_faster_than_the_store_writes_are_refused() {
    let mut bench = bench();
    let max = iaxproof::catalog::change::CHANGES_MAX;
    for n in 0..=max as u8 {
        let mut client = Client::new(1 + n, 500);
        client.register(&mut bench, "alice", "wonder", 60);
        let words = client.words();
        let last = words.last().map(String::as_str);
        let refused = usize::from(n) == max;
        assert_eq!(last, Some(if refused { "REGREJ" } else { "ACK" }));
    }
}

#[test]
fn an_operator_s_unregister_is_done_when_it_is_stored() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    bench.answer_writes(true);
    finish(&mut bench, &mut client, "REGACK");
    let Unregistered::Storing(_) = bench.endpoint.directory().unregister("alice") else {
        panic!("the database is asked");
    };
    bench.answer_writes(false);
    assert!(contact(&bench, "alice").is_some());
    bench.answer_writes(true);
    let Unregistered::Storing(id) = bench.endpoint.directory().unregister("alice") else {
        panic!("the database is asked");
    };
    assert!(contact(&bench, "alice").is_some());
    let writes = bench.answer_writes(true);
    assert_eq!(writes[0].id(), id);
    assert_eq!(contact(&bench, "alice"), None);
    // The timer of the contact is stale and does nothing.
    bench.until(80.0);
    let expired = |event: &Event| matches!(event, Event::Expired { .. });
    assert!(!bench.events.iter().any(expired));
    assert!(bench.answer_writes(true).is_empty());
    bench.assert_at_rest();
}

fn stored(name: &str, last: u8, deadline: u64, generation: u64) -> Write {
    Write {
        name: Name::new(name).expect("a name of the test"),
        generation: Generation(generation),
        contact: Some((address(last), Instant::from_secs(deadline))),
    }
}

#[test]
fn a_restart_brings_contacts_back_with_the_deadline_that_they_had() {
    let mut bench = Bench::with_store(General::default(), &[stored("alice", 7, 1040, 9)]);
    let restored = contact(&bench, "alice").unwrap();
    assert_eq!(restored.address, address(7));
    assert_eq!(restored.deadline, Some(Instant::from_secs(1040)));
    let found = bench
        .endpoint
        .directory()
        .find_peer_at(address(7), bench.now);
    assert!(found.is_some());
    assert_eq!(bench.counts().expiry_timers, 1);
    drop(found);
    bench.until(39.999);
    assert!(contact(&bench, "alice").is_some());
    bench.until(40.0);
    assert_eq!(contact(&bench, "alice"), None);
    assert!(matches!(bench.events.last(), Some(Event::Expired { .. })));
    let writes = bench.answer_writes(true);
    assert!(writes[0].generation > Generation(9), "counts on");
    bench.assert_at_rest();
}

#[test]
fn what_lapsed_before_the_restart_stays_away_and_its_generation_counts() {
    let mut bench = Bench::with_store(General::default(), &[stored("alice", 7, 1000, 9)]);
    assert_eq!(contact(&bench, "alice"), None);
    assert_eq!(bench.counts().expiry_timers, 0);
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    assert_eq!(bench.answer_writes(true)[0].generation, Generation(10));
}

fn without_alice() -> Configuration {
    let entries = entries().into_iter().filter(|e| e.name.as_str() != "alice");
    Configuration {
        general: General::default(),
        entries: entries.collect(),
    }
}

fn with_alice() -> Configuration {
    Configuration {
        general: General::default(),
        entries: entries(),
    }
}

#[test]
fn the_registration_of_a_missing_name_waits_for_its_return() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    bench.answer_writes(true);
    finish(&mut bench, &mut client, "REGACK");
    bench.until(5.0);
    bench.reload(without_alice());
    assert_eq!(contact(&bench, "alice"), None);
    assert!(bench.answer_writes(true).is_empty(), "the store keeps it");
    bench.reload(with_alice());
    let back = contact(&bench, "alice").unwrap();
    assert_eq!(back.address, address(1));
    assert_eq!(back.deadline, Some(Instant::from_secs(1070)));
    assert_eq!(bench.counts().expiry_timers, 1);
    bench.until(70.0);
    assert_eq!(contact(&bench, "alice"), None);

    // One that lapses meanwhile does not come back.
    bench.answer_writes(true);
    let mut client = Client::new(2, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    bench.answer_writes(true);
    finish(&mut bench, &mut client, "REGACK");
    bench.reload(without_alice());
    bench.until(141.0);
    bench.reload(with_alice());
    assert_eq!(contact(&bench, "alice"), None);
}

#[test]
fn a_name_that_goes_while_its_write_is_under_way_leaves_the_store_as_it_was() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    let write = bench.endpoint.directory().poll_write().unwrap();
    bench.reload(without_alice());
    bench.answer_write(&write, true);
    assert_eq!(take(&mut bench, &mut client).last().unwrap(), "REGREJ");
    let undo = bench.endpoint.directory().poll_write().unwrap();
    assert_eq!((undo.name, undo.contact), (write.name, None));
    assert!(undo.generation > write.generation);
    bench.endpoint.directory().stored("alice", undo.generation);
    bench.reload(with_alice());
    assert_eq!(contact(&bench, "alice"), None);
    assert!(bench.endpoint.directory().poll_write().is_none());
}

#[test]
fn an_operator_can_unregister_a_name_that_waits_for_its_return() {
    let bench = Bench::with_store(General::default(), &[stored("bob", 7, 1040, 9)]);
    let catalog = bench.endpoint.directory();
    let Unregistered::Storing(id) = catalog.unregister("bob") else {
        panic!("the database is asked");
    };
    let write = catalog.poll_write().unwrap();
    assert_eq!((write.id(), write.contact), (id, None));
    catalog.stored("bob", write.generation);
    assert!(catalog.poll_write().is_none());
    assert_eq!(catalog.unregister("bob"), Unregistered::NotRegistered);
    assert_eq!(catalog.prune(Role::Peer, "bob"), Pruned::Unknown);
}

#[test]
fn a_peer_that_becomes_fixed_loses_its_stored_registration() {
    let mut bench = Bench::with_store(General::default(), &[stored("fixed", 7, 1040, 9)]);
    assert_eq!(contact(&bench, "fixed").unwrap().address, address(200));
    let writes = bench.answer_writes(true);
    assert_eq!(writes[0].contact, None);
    assert!(writes[0].generation > Generation(9));
}
