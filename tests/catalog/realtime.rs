//! Entries of a database: questions out, answers in, writes out, and eviction that loses nothing (registration-kept).

use crate::bench::*;

use iaxproof::catalog::realtime::{ANSWERS_MAX, ENTRIES_MAX, QUESTIONS_MAX};
use iaxproof::catalog::{Answer, Origin, Pruned, Unregistered, Write};
use iaxproof::engine::directory::{
    Contact, Directory, Expiry, Generation, Lookup, QueryId, Refused, Role, Storing, Written,
};
use iaxproof::engine::settings::Name;

#[test]
fn a_lookup_that_misses_is_a_question_and_its_answer_is_given_once() {
    let (catalog, book) = audited(true);
    let question = ask(&catalog, Role::Peer, "alice");
    assert!(matches!(catalog.take_answer(question.id), Lookup::Asked(_)));
    catalog.answer(question.id, Answer::Row(row(peer("alice"))), at(0));
    let Lookup::Found(handle) = catalog.take_answer(question.id) else {
        panic!("the row is linked");
    };
    assert_realtime(&handle);
    assert!(found(&catalog, "alice").same_object(&handle));
    assert!(matches!(catalog.take_answer(question.id), Lookup::Failed));
    assert!(catalog.poll_question().is_none());
    drop(handle);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn a_name_that_is_nowhere_is_unknown_and_a_failing_database_says_so() {
    let (catalog, _book) = audited(true);
    for (answer, expected) in [(Answer::Absent, "Unknown"), (Answer::Failed, "Failed")] {
        let question = ask(&catalog, Role::User, "alice");
        catalog.answer(question.id, answer, at(0));
        let lookup = format!("{:?}", catalog.take_answer(question.id));
        assert_eq!(lookup, expected);
    }
}

#[test]
fn no_question_is_asked_without_a_database_or_for_what_is_no_name() {
    let without = plain(false);
    assert!(matches!(without.find(Role::Peer, "alice"), Lookup::Unknown));
    let with = plain(true);
    for name in ["", &"x".repeat(Name::LEN_MAX + 1)] {
        assert!(matches!(with.find(Role::Peer, name), Lookup::Unknown));
    }
    assert!(with.poll_question().is_none());
}

#[test]
fn a_row_of_another_name_or_role_is_refused() {
    let (catalog, book) = audited(true);
    for wrong in [peer("mallory"), settings(Role::User, "alice")] {
        let question = ask(&catalog, Role::Peer, "alice");
        catalog.answer(question.id, Answer::Row(row(wrong)), at(0));
        assert!(matches!(catalog.take_answer(question.id), Lookup::Failed));
    }
    assert_eq!(book.live_objects(), 0);
}

#[test]
fn a_second_answer_or_one_that_nobody_asked_for_changes_nothing() {
    let (catalog, book) = audited(true);
    catalog.answer(QueryId(77), Answer::Row(row(peer("alice"))), at(0));
    assert_eq!(book.live_objects(), 0);
    let question = ask(&catalog, Role::Peer, "alice");
    catalog.answer(question.id, Answer::Absent, at(0));
    catalog.answer(question.id, Answer::Row(row(peer("alice"))), at(0));
    assert!(matches!(catalog.take_answer(question.id), Lookup::Unknown));
    assert_eq!(book.live_objects(), 0);
}

#[test]
fn an_entry_goes_only_when_its_contact_is_stored_and_comes_back_with_it() {
    let (catalog, book) = audited(true);
    let first = load(&catalog, row(peer("alice")), at(0));
    let generation = catalog
        .register(&first, address(1), at(100))
        .unwrap()
        .generation();
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::NotStored);
    let write = catalog.poll_write().unwrap();
    assert_eq!(
        write,
        Write {
            name: Name::new("alice").unwrap(),
            generation,
            contact: Some((address(1), at(100))),
        }
    );
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::NotStored);
    catalog.stored("alice", generation);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Unknown);
    assert_eq!(catalog.address_hints(), 0);

    let row = row_at(peer("alice"), address(1), 100, generation.0);
    let second = load(&catalog, row, at(50));
    assert!(!second.same_object(&first));
    let contact = catalog.contact(&second, at(50)).unwrap().unwrap();
    let expected = Contact {
        address: address(1),
        deadline: Some(at(100)),
        generation,
    };
    assert_eq!(contact, expected);
    assert!(catalog.find_peer_at(address(1), at(50)).is_some());

    // The timer was armed with the first entry; it looks the name up again.
    assert_eq!(
        catalog.register(&first, address(2), at(200)),
        Err(Refused::Unlinked)
    );
    let expiry = catalog.expire(&first, generation, at(100));
    assert_eq!(expiry, Ok(Expiry::Expired));
    assert_eq!(second.status().contact, None);
    drop((first, second));
    store_all(&catalog);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn a_timer_of_an_evicted_entry_does_nothing_where_the_name_is_not_linked_or_renewed() {
    let (catalog, _book) = audited(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    let generation = catalog
        .register(&handle, address(1), at(100))
        .unwrap()
        .generation();
    store_all(&catalog);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
    let expiry = catalog.expire(&handle, generation, at(100));
    assert_eq!(expiry, Ok(Expiry::Superseded));
    assert!(catalog.poll_question().is_none(), "a timer asks nobody");

    let row = row_at(peer("alice"), address(1), 100, generation.0);
    let renewed = load(&catalog, row, at(50));
    register(&catalog, &renewed, address(1), at(150));
    let expiry = catalog.expire(&handle, generation, at(100));
    assert_eq!(expiry, Ok(Expiry::Superseded));
    assert!(catalog.contact(&renewed, at(100)).unwrap().is_some());
}

#[test]
fn a_contact_lapses_at_its_deadline_with_or_without_a_timer() {
    let (catalog, _book) = audited(true);
    let handle = load(&catalog, row_at(peer("alice"), address(1), 100, 7), at(99));
    let micro = core::time::Duration::from_micros(1);
    assert!(catalog.contact(&handle, at(100) - micro).unwrap().is_some());
    assert_eq!(catalog.contact(&handle, at(100)), Ok(None));
    assert!(catalog.find_peer_at(address(1), at(100)).is_none());
    let early = catalog.expire(&handle, Generation(7), at(100) - micro);
    assert_eq!(early, Ok(Expiry::Superseded));

    let (late, _book) = audited(true);
    let handle = load(&late, row_at(peer("alice"), address(1), 100, 7), at(100));
    assert_eq!(handle.status().contact, None);
    let next = late.register(&handle, address(1), at(200));
    let next = next.unwrap().generation();
    assert_eq!(next, Generation(8), "counts on from the row");
}

#[test]
fn a_release_that_is_not_stored_keeps_the_entry() {
    let (catalog, _book) = audited(true);
    let handle = load(&catalog, row_at(peer("alice"), address(1), 100, 3), at(0));
    assert_eq!(catalog.release(&handle), Ok(Written::Asked(Generation(4))));
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::NotStored);
    let write = catalog.poll_write().unwrap();
    assert_eq!((write.generation, write.contact), (Generation(4), None));
    catalog.not_stored("alice", Generation(4));
    assert_eq!(catalog.take_stored(&handle, Generation(4)), Storing::Failed);
    // Nobody knows what the database has now: it is told what is in force.
    let restated = catalog.poll_write().unwrap();
    let contact = Some((address(1), at(100)));
    assert_eq!(
        (restated.generation, restated.contact),
        (Generation(5), contact)
    );
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::NotStored);
    catalog.stored("alice", Generation(5));
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
}

#[test]
fn the_operator_s_unregister_raises_the_generation_and_is_written() {
    let (catalog, _book) = audited(true);
    assert_eq!(catalog.unregister("alice"), Unregistered::NotRegistered);
    let handle = load(&catalog, row(peer("alice")), at(0));
    assert_eq!(catalog.unregister("alice"), Unregistered::NotRegistered);
    let generation = catalog
        .register(&handle, address(1), at(100))
        .unwrap()
        .generation();
    store_all(&catalog);
    let unregistered = catalog.unregister("alice");
    assert!(catalog.contact(&handle, at(1)).unwrap().is_some());
    let write = catalog.poll_write().unwrap();
    assert_eq!(unregistered, Unregistered::Storing(write.id()));
    assert_eq!(write.contact, None);
    assert!(write.generation > generation);
    catalog.stored("alice", write.generation);
    assert_eq!(catalog.contact(&handle, at(1)), Ok(None));
    let expiry = catalog.expire(&handle, generation, at(100));
    assert_eq!(expiry, Ok(Expiry::Superseded));
}

/// Whoever queues an entry for later counts it (`1561187fc4`: the scheduler's reference to a peer was not counted).
#[test]
fn what_waits_to_be_written_is_kept_until_it_is() {
    let (catalog, book) = audited(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    catalog.register(&handle, address(1), at(100)).unwrap();
    drop(handle);
    // The file takes the name over and drops it again: nothing but the queue knows the entry now.
    catalog.reload(configuration(1, vec![peer("alice")]));
    catalog.reload(configuration(2, vec![]));
    assert_eq!((catalog.len(Role::Peer), book.live_objects()), (0, 2));
    assert_eq!(catalog.poll_write(), None, "the name is gone");
    assert_eq!(book.live_objects(), 0);
    assert_ends_clean(catalog, &book);
}

#[test]
fn writes_of_one_name_go_one_by_one_and_never_go_back() {
    let (catalog, _book) = audited(true);
    let handle = load(&catalog, row(peer("alice")), at(0));
    catalog.register(&handle, address(1), at(100)).unwrap();
    catalog.register(&handle, address(2), at(110)).unwrap();
    assert_eq!(catalog.poll_write().unwrap().generation, Generation(1));
    assert_eq!(catalog.poll_write(), None, "one of a name at a time");
    catalog.stored("alice", Generation(1));
    let contact = catalog.contact(&handle, at(1)).unwrap().unwrap();
    assert_eq!(contact.address, address(1));
    assert_eq!(catalog.poll_write().unwrap().generation, Generation(2));
    // Answers to what was not asked, or a second time, change nothing.
    catalog.not_stored("alice", Generation(1));
    catalog.stored("alice", Generation(99));
    assert_eq!(handle.status().stored, Generation(1));
    catalog.stored("alice", Generation(2));
    let contact = catalog.contact(&handle, at(1)).unwrap().unwrap();
    assert_eq!(contact.address, address(2));
    assert_eq!(catalog.poll_write(), None);
}

#[test]
fn what_is_linked_wins_over_an_answer() {
    let (catalog, book) = audited(true);
    let question = ask(&catalog, Role::Peer, "alice");
    catalog.reload(configuration(1, vec![peer("alice")]));
    let row = row_at(peer("alice"), address(1), 100, 5);
    catalog.answer(question.id, Answer::Row(row), at(0));
    let Lookup::Found(handle) = catalog.take_answer(question.id) else {
        panic!("the static entry is the answer");
    };
    assert_eq!(handle.status().origin, Origin::Static);
    assert_eq!(handle.status().contact, None);
    assert_eq!(serials(&catalog, &handle), (1, "1".into()));
    drop(handle);
    assert_at_rest(&catalog, &book);

    // Also where the database knows nothing of the name, or fails.
    for answer in [Answer::Absent, Answer::Failed] {
        catalog.reload(configuration(2, vec![]));
        let question = ask(&catalog, Role::Peer, "alice");
        catalog.reload(configuration(3, vec![peer("alice")]));
        catalog.answer(question.id, answer, at(0));
        assert!(matches!(catalog.take_answer(question.id), Lookup::Found(_)));
    }
    assert_ends_clean(catalog, &book);
}

#[test]
fn a_reload_between_question_and_answer_gives_the_newer_general_settings() {
    let (catalog, _book) = audited(true);
    catalog.reload(configuration(1, vec![]));
    let question = ask(&catalog, Role::Peer, "alice");
    catalog.reload(configuration(2, vec![]));
    catalog.answer(question.id, Answer::Row(row(peer("alice"))), at(0));
    let Lookup::Found(handle) = catalog.take_answer(question.id) else {
        panic!("the row is linked");
    };
    assert_eq!(serials(&catalog, &handle).0, 2);
}

#[test]
fn a_reload_between_answer_and_taking_it_gives_the_newer_general_settings() {
    let (catalog, _book) = audited(true);
    catalog.reload(configuration(1, vec![]));
    let question = ask(&catalog, Role::User, "alice");
    let answer = Answer::Row(row(settings(Role::User, "alice")));
    catalog.answer(question.id, answer, at(0));
    assert_eq!(catalog.prune(Role::User, "alice"), Pruned::NotStored);
    catalog.reload(configuration(2, vec![]));
    let Lookup::Found(handle) = catalog.take_answer(question.id) else {
        panic!("the row is linked");
    };
    assert_eq!(serials(&catalog, &handle).0, 2);
    assert_eq!(catalog.prune(Role::User, "alice"), Pruned::Evicted);
}

#[test]
fn a_reload_evicts_what_is_stored_and_renews_what_is_not() {
    let (catalog, book) = audited(true);
    catalog.reload(configuration(1, vec![]));
    let stored = load(&catalog, row_at(peer("alice"), address(1), 100, 3), at(0));
    let pending = load(&catalog, row(peer("bob")), at(0));
    register(&catalog, &pending, address(2), at(100));
    catalog.register(&pending, address(2), at(120)).unwrap();

    catalog.reload(configuration(2, vec![]));

    assert!(!stored.status().linked && pending.status().linked);
    assert!(matches!(
        catalog.find(Role::Peer, "alice"),
        Lookup::Asked(_)
    ));
    assert!(found(&catalog, "bob").same_object(&pending));
    assert_eq!(serials(&catalog, &pending).0, 2);
    assert_eq!(serials(&catalog, &stored).0, 1, "who holds it reads on");
    assert!(catalog.contact(&pending, at(1)).unwrap().is_some());
    drop((stored, pending));
    store_all(&catalog);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn a_cached_name_that_the_file_takes_over_keeps_its_contact() {
    let (catalog, _book) = audited(true);
    let handle = load(&catalog, row_at(peer("alice"), address(1), 100, 3), at(0));
    catalog.reload(configuration(1, vec![peer("alice")]));
    assert!(found(&catalog, "alice").same_object(&handle));
    assert_eq!(handle.status().origin, Origin::Static);
    assert!(catalog.contact(&handle, at(1)).unwrap().is_some());
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Static);
    catalog.reload(configuration(2, vec![]));
    assert_eq!(catalog.contact(&handle, at(1)), Ok(None));
    assert!(matches!(
        catalog.find(Role::Peer, "alice"),
        Lookup::Asked(_)
    ));
}

/// The row of the second question was read before the registration was stored; evicting in between would bring it in.
#[test]
fn an_entry_is_not_evicted_while_a_question_for_its_name_is_open() {
    let (catalog, _book) = audited(true);
    let late = ask(&catalog, Role::Peer, "alice");
    let handle = load(&catalog, row(peer("alice")), at(0));
    catalog.register(&handle, address(1), at(100)).unwrap();
    store_all(&catalog);
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::NotStored);
    catalog.reload(configuration(1, vec![]));
    catalog.answer(late.id, Answer::Row(row(peer("alice"))), at(0));
    let Lookup::Found(answer) = catalog.take_answer(late.id) else {
        panic!("the linked entry is the answer");
    };
    assert!(answer.same_object(&handle));
    assert!(catalog.contact(&answer, at(1)).unwrap().is_some());
    assert_eq!(catalog.prune(Role::Peer, "alice"), Pruned::Evicted);
}

#[test]
fn open_questions_have_a_limit() {
    let (catalog, book) = audited(true);
    let name = |n: usize| format!("name{n}");
    for n in 0..QUESTIONS_MAX {
        assert!(matches!(
            catalog.find(Role::Peer, &name(n)),
            Lookup::Asked(_)
        ));
    }
    assert!(matches!(
        catalog.find(Role::Peer, "one more"),
        Lookup::Failed
    ));
    let first = catalog.poll_question().unwrap();
    assert!(matches!(
        catalog.find(Role::Peer, "one more"),
        Lookup::Failed
    ));
    catalog.answer(first.id, Answer::Absent, at(0));
    assert!(matches!(
        catalog.find(Role::Peer, "one more"),
        Lookup::Asked(_)
    ));
    assert_ends_clean(catalog, &book);
}

#[test]
fn answers_that_nobody_takes_have_a_limit() {
    let (catalog, book) = audited(true);
    let mut questions = Vec::new();
    for n in 0..=ANSWERS_MAX {
        let name = format!("name{n}");
        let question = ask(&catalog, Role::Peer, &name);
        catalog.answer(question.id, Answer::Row(row(peer(&name))), at(0));
        questions.push(question.id);
    }
    assert!(matches!(catalog.take_answer(questions[0]), Lookup::Failed));
    for id in &questions[1..] {
        assert!(matches!(catalog.take_answer(*id), Lookup::Found(_)));
    }
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn cached_rows_have_a_limit_and_stored_ones_make_room() {
    let catalog = plain(true);
    let pending = load(&catalog, row(peer("pending")), at(0));
    catalog.register(&pending, address(1), at(100)).unwrap();
    for n in 0..ENTRIES_MAX + 10 {
        load(&catalog, row(peer(&format!("name{n}"))), at(0));
        assert!(catalog.len(Role::Peer) <= ENTRIES_MAX);
    }
    assert!(
        catalog.len(Role::Peer) > ENTRIES_MAX / 2,
        "the most stay cached"
    );
    assert!(found(&catalog, "pending").same_object(&pending));
}

/// Where all are of the file there is nobody to make room, and the container stays within its limit.
#[test]
fn cached_rows_have_a_limit_where_nobody_can_go_too() {
    let catalog = plain(true);
    let all = (0..ENTRIES_MAX).map(|n| peer(&format!("name{n}")));
    catalog.reload(configuration(1, all.collect()));
    let question = ask(&catalog, Role::Peer, "alice");
    catalog.answer(question.id, Answer::Row(row(peer("alice"))), at(0));
    assert!(matches!(catalog.take_answer(question.id), Lookup::Failed));
    assert_eq!(catalog.len(Role::Peer), ENTRIES_MAX);
}
