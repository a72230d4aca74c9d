//! Limits that all workers share, each with the attack that it is for (X-NUM-3, X-NUM-4; CVE-2009-2346).

use crate::bench::*;
use iaxproof::catalog::{Answer, Catalog, Pruned, Write};
use iaxproof::engine::directory::{Directory, Generation, Role};
use iaxproof::engine::settings::{Configuration, General, IpRange, Name, Settings};
use iaxproof::engine::{Endpoint, EndpointOptions};
use iaxproof::time::Instant;
use iaxproof::wire::{Cause, IaxCommand};

fn range(text: &str) -> IpRange {
    text.parse().expect("a range of the test")
}

fn bench(general: General) -> Bench {
    Bench::with(EndpointOptions::default(), general, false)
}

/// A call of `alice` that is never authenticated; what it was answered.
fn knock(bench: &mut Bench, last: u8, port: u16) -> (Client, Vec<String>) {
    let mut client = Client::new(last, 500);
    client.address.set_port(port);
    client.regreq(bench, "alice", 60);
    let words = client.words();
    (client, words)
}

fn calls_until_refused(bench: &mut Bench, last: u8) -> (Vec<Client>, usize) {
    let mut clients = Vec::new();
    for port in 1000.. {
        let (client, words) = knock(bench, last, port);
        if words != ["REGAUTH"] {
            assert_eq!(words, ["REGREJ"], "stateless");
            assert_eq!(bench.counts().dialogues(), clients.len());
            break;
        }
        clients.push(client);
    }
    let count = clients.len();
    (clients, count)
}

/// X-NUM-3: the narrowest range counts, before what holds for all.
#[test]
fn the_narrowest_range_decides_how_many_dialogues_an_address_has() {
    let general = || General {
        dialogues_per_ip_max: 5,
        dialogues_per_range_max: vec![
            (range("192.0.2.0/24"), 3),
            (range("192.0.2.4/30"), 1),
            (range("192.0.0.0/16"), 4),
        ],
        ..General::default()
    };
    for (last, max) in [(1, 3), (5, 1)] {
        let mut bench = bench(general());
        let (_clients, count) = calls_until_refused(&mut bench, last);
        assert_eq!(count, max, "192.0.2.{last}");
    }
    let mut bench = bench(General {
        dialogues_per_range_max: Vec::new(),
        ..general()
    });
    assert_eq!(calls_until_refused(&mut bench, 1).1, 5);
}

fn limited(max: Option<usize>) -> Configuration {
    let limited = Settings {
        dialogues_per_ip_max: max,
        ..entry(Role::Peer, "open", "")
    };
    let others = entries().into_iter().filter(|e| e.name.as_str() != "open");
    Configuration {
        general: General {
            dialogues_per_ip_max: 2,
            ..General::default()
        },
        entries: others.chain([limited]).collect(),
    }
}

/// X-NUM-3: a registered peer's own limit holds at its address while it is registered there, across reload.
#[test]
fn a_registered_peer_brings_its_own_limit_to_its_address() {
    let mut bench = bench(General::default());
    bench.reload(limited(Some(4)));
    let register = |bench: &mut Bench, last: u8| {
        let mut client = Client::new(last, 900);
        client.regreq(bench, "open", 60);
        client.ack(bench);
        assert_eq!(client.words().last().map(String::as_str), Some("REGACK"));
    };
    let hang_up = |bench: &mut Bench, clients: Vec<Client>| {
        for mut client in clients {
            client.send_iax(bench, IaxCommand::Hangup, &[]);
        }
        assert_eq!(bench.endpoint.directory().admitted().dialogues, 0);
    };
    let (clients, before) = calls_until_refused(&mut bench, 1);
    assert_eq!(before, 2);
    hang_up(&mut bench, clients);
    register(&mut bench, 1);
    for (max, expected) in [
        (Some(4), 4),
        (Some(3), 3),
        (None, 2),
        (Some(1), 1),
        (Some(4), 4),
    ] {
        bench.reload(limited(max));
        let (clients, count) = calls_until_refused(&mut bench, 1);
        assert_eq!(count, expected);
        hang_up(&mut bench, clients);
    }
    // It moves, and then lapses.
    register(&mut bench, 2);
    for (last, expected) in [(1, 2), (2, 4)] {
        let (clients, count) = calls_until_refused(&mut bench, last);
        assert_eq!(count, expected);
        hang_up(&mut bench, clients);
    }
    bench.until(71.0);
    let (clients, count) = calls_until_refused(&mut bench, 2);
    assert_eq!(count, 2);
    hang_up(&mut bench, clients);
    assert_eq!(bench.endpoint.directory().admitted(), Default::default());
}

/// X-NUM-3: those without a token have a limit of their own, wherever they come from.
#[test]
fn dialogues_without_a_token_are_limited_together() {
    let mut bench = bench(General {
        token_optional: vec![range("0.0.0.0/0")],
        dialogues_unvalidated_max: 3,
        ..General::default()
    });
    let bare = |bench: &mut Bench, last: u8| {
        let mut client = Client::new(last, 500);
        client.send_iax(bench, IaxCommand::New, &new_call("alice", "100"));
        (client.words(), client)
    };
    let mut first = bare(&mut bench, 1).1;
    assert_eq!(bare(&mut bench, 2).0, ["AUTHREQ"]);
    assert_eq!(bare(&mut bench, 3).0, ["AUTHREQ"]);
    assert_eq!(bench.endpoint.directory().admitted().unvalidated, 3);
    assert_eq!(bare(&mut bench, 4).0, ["REJECT"]);
    // A token opens still.
    assert_eq!(knock(&mut bench, 4, 4569).1, ["REGAUTH"]);
    first.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert_eq!(bare(&mut bench, 5).0, ["AUTHREQ"]);
    bench.until(200.0);
    assert_eq!(bench.endpoint.directory().admitted(), Default::default());
    bench.assert_at_rest();
}

/// Two workers, one catalog: what one admits counts for the other.
#[test]
fn workers_share_the_limits() {
    let general = General {
        dialogues_per_ip_max: 2,
        ..General::default()
    };
    let home = bench(general);
    let catalog: &Catalog<_> = home.endpoint.directory();
    let worker = |slice| {
        let options = EndpointOptions {
            call_numbers: slice,
            ..EndpointOptions::default()
        };
        Bench::over(Endpoint::new(options, SEED, catalog), home.book.clone())
    };
    let (mut left, mut right) = (worker(2..=100), worker(101..=200));
    let open = |bench: &mut Bench<&Catalog<_>>, port: u16| {
        let mut client = Client::new(1, 500);
        client.address.set_port(port);
        client.regreq(bench, "alice", 60);
        (client.words(), client)
    };
    let mut first = open(&mut left, 1000).1;
    assert_eq!(open(&mut right, 1001).0, ["REGAUTH"]);
    assert_eq!(open(&mut right, 1002).0, ["REGREJ"]);
    first.send_iax(&mut left, IaxCommand::Hangup, &[]);
    assert_eq!(open(&mut right, 1003).0, ["REGAUTH"]);
    assert_eq!(catalog.admitted().dialogues, 2);
}

/// An endpoint that goes gives back what its dialogues hold, so that the others have it.
#[test]
fn an_endpoint_that_is_shut_down_gives_its_places_back() {
    let home = Bench::with(EndpointOptions::default(), General::default(), true);
    let catalog: &Catalog<_> = home.endpoint.directory();
    let entries = vec![
        entry(Role::Peer, "open", ""),
        entry(Role::User, "alice", "wonder"),
    ];
    catalog.reload(Configuration {
        general: General::default(),
        entries,
    });
    let endpoint = Endpoint::new(EndpointOptions::default(), SEED, catalog);
    let mut bench = Bench::over(endpoint, home.book.clone());
    for (name, sources) in [("alice", 500..503), ("nobody", 503..506)] {
        for source in sources {
            let mut client = Client::new(1, source);
            client.new_call(&mut bench, name, "100");
        }
    }
    while let Some(question) = catalog.poll_question() {
        catalog.answer(question.id, Answer::Absent, bench.now);
        bench.endpoint.handle_answer(bench.now, question.id);
    }
    let mut peer = Client::new(2, 600);
    peer.regreq(&mut bench, "open", 60);
    let write = catalog.poll_write().expect("the store is asked");
    let admitted = catalog.admitted();
    assert_eq!((admitted.dialogues, admitted.names_of_nobody), (7, 1));
    bench.endpoint.shutdown(bench.now);
    assert_eq!(bench.counts().dialogues(), 0);
    assert_eq!(catalog.admitted(), Default::default());
    let user = catalog.entries(Role::User).next().expect("alice");
    assert_eq!(user.status().challenged, 0);
    drop(user);
    // The registration was not acknowledged, and does not come into force any more.
    catalog.stored(write.name.as_str(), write.generation);
    let peer = catalog.entries(Role::Peer).next().expect("open");
    assert_eq!(peer.status().contact, None);
}

/// What a call that waits for AUTHREP is answered.
fn call(bench: &mut Bench, name: &str, port: u16) -> Client {
    let mut client = Client::new(1, 500);
    client.address.set_port(port);
    client.new_call(bench, name, "100");
    client
}

fn is_at_limit(client: &mut Client) -> bool {
    let iaxproof::wire::Body::Iax { command, ies } = client.last().body else {
        panic!("an IAX frame should come");
    };
    let is_at_limit = command == IaxCommand::Reject;
    if is_at_limit {
        assert_eq!(ies.cause_code(), Some(Cause::CALL_REJECTED));
    }
    is_at_limit
}

/// X-NUM-4 (ISS 2006): a flood of NEW that nobody follows up. chan_iax2 counts down for the call that it refuses, so that
/// every second NEW beyond the limit is challenged.
#[test]
fn calls_that_wait_for_authrep_are_limited_and_the_refused_one_counts_nothing_down() {
    let mut bench = bench(General::default());
    let mut waiting: Vec<_> = (0..3)
        .map(|n| call(&mut bench, "alice", 1000 + n))
        .collect();
    assert!(!waiting.iter_mut().any(is_at_limit));
    for n in 0..6 {
        let mut refused = call(&mut bench, "alice", 1100 + n);
        assert!(is_at_limit(&mut refused), "attempt {n}");
        refused.ack(&mut bench);
    }
    let challenged = |bench: &Bench| {
        let catalog = bench.endpoint.directory();
        let user = catalog
            .entries(Role::User)
            .find(|e| e.name().as_str() == "alice");
        user.map(|user| user.status().challenged)
    };
    assert_eq!(challenged(&bench), Some(3));

    // It survives a reload.
    bench.reload(Configuration {
        general: General::default(),
        entries: entries(),
    });
    assert!(is_at_limit(&mut call(&mut bench, "alice", 1200)));

    // AUTHREP, good or bad, and the end of the call, each counts down once.
    waiting[0].authrep(&mut bench, "wonder");
    assert_eq!(challenged(&bench), Some(2));
    waiting[0].ack(&mut bench);
    waiting[0].send_iax(&mut bench, IaxCommand::Hangup, &[]);
    waiting[1].authrep(&mut bench, "wrong");
    waiting[2].send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert_eq!(challenged(&bench), Some(0));
    for n in 0..3 {
        assert!(!is_at_limit(&mut call(&mut bench, "alice", 1300 + n)));
    }
    bench.until(200.0);
    assert_eq!(challenged(&bench), Some(0));
    bench.assert_at_rest();
}

#[test]
fn zero_means_that_any_number_may_wait() {
    let mut bench = bench(General::default());
    let unlimited = Settings {
        auth_requests_max: 0,
        ..entry(Role::User, "alice", "wonder")
    };
    bench.reload(Configuration {
        general: General::default(),
        entries: vec![unlimited],
    });
    for n in 0..20 {
        assert!(!is_at_limit(&mut call(&mut bench, "alice", 1000 + n)));
    }
}

/// X-CALL-4: a name that nobody has is refused at the same call as one that somebody has.
#[test]
fn the_limit_of_waiting_calls_does_not_tell_who_exists() {
    let mut bench = bench(General::default());
    for n in 0..5 {
        let known = is_at_limit(&mut call(&mut bench, "alice", 1000 + n));
        let unknown = is_at_limit(&mut call(&mut bench, "nobody", 2000 + n));
        assert_eq!((known, unknown), (n >= 3, n >= 3), "call {n}");
    }
    assert_eq!(bench.endpoint.directory().admitted().names_of_nobody, 1);
    bench.until(200.0);
    assert_eq!(bench.endpoint.directory().admitted(), Default::default());
}

/// A row whose user has waiting calls is not evicted, or the count would begin anew.
#[test]
fn eviction_does_not_reset_the_count() {
    let catalog = Bench::with(EndpointOptions::default(), General::default(), true);
    let catalog = catalog.endpoint.directory();
    let iaxproof::engine::directory::Lookup::Asked(id) = catalog.find(Role::User, "alice") else {
        panic!("the database is asked");
    };
    let row = iaxproof::catalog::Row {
        settings: entry(Role::User, "alice", "wonder"),
        contact: None,
        generation: Generation(0),
    };
    catalog.answer(id, Answer::Row(row), Instant::ZERO);
    let iaxproof::engine::directory::Lookup::Found(user) = catalog.take_answer(id) else {
        panic!("the row is linked");
    };
    assert!(catalog.begin_challenge(Some(&user), b"alice"));
    assert_eq!(catalog.prune(Role::User, "alice"), Pruned::NotStored);
    catalog.end_challenge(Some(&user), b"alice");
    assert_eq!(catalog.prune(Role::User, "alice"), Pruned::Evicted);
}

/// A contact that came back with a restart brings the peer's limit with it.
#[test]
fn a_restored_contact_brings_its_limit() {
    let stored = Write {
        name: Name::new("open").expect("a name of the test"),
        generation: Generation(4),
        contact: Some((address(1), Instant::from_secs(1040))),
    };
    let mut bench = Bench::with(EndpointOptions::default(), General::default(), true);
    bench.endpoint.directory().restore(stored, bench.now);
    bench.reload(limited(Some(4)));
    assert_eq!(calls_until_refused(&mut bench, 1).1, 4);
}
