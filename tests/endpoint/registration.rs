//! The registrar: RFC 5456 §6.1 and the flows of §9.1.

use core::time::Duration;

use crate::bench::*;
use iaxproof::catalog::Catalog;
use iaxproof::engine::directory::Lookup;
use iaxproof::engine::directory::{Directory, Role};
use iaxproof::engine::settings::{Configuration, General};
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::registry::Audited;
use iaxproof::wire::{Body, IaxCommand, InformationElement};

fn is_reachable(bench: &Bench, name: &str) -> bool {
    let catalog: &Catalog<Audited> = bench.endpoint.directory();
    let Lookup::Found(peer) = catalog.find(Role::Peer, name) else {
        return false;
    };
    catalog
        .contact(&peer, bench.now)
        .expect("never stale")
        .is_some()
}

/// RFC 5456 §9.1.1 with a call token before it.
#[test]
fn a_registration_is_challenged_and_granted() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    client.ack(&mut bench);
    insta::assert_snapshot!(bench.ladder);
    assert!(is_reachable(&bench, "alice"));
    assert_eq!(bench.counts().dialogues(), 0);
}

/// X-REG-3: the contact lapses ten seconds after the granted period, and the timer's hold on the peer ends with it.
#[test]
fn a_registration_lapses_ten_seconds_after_what_was_granted() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 5);
    client.ack(&mut bench);
    bench.until(69.9);
    assert!(is_reachable(&bench, "alice"));
    assert_eq!(bench.counts().expiry_timers, 1);
    bench.until(70.0);
    assert!(!is_reachable(&bench, "alice"));
    assert!(matches!(bench.events.last(), Some(Event::Expired { .. })));
    bench.assert_at_rest();
}

#[test]
fn a_second_registration_takes_the_place_of_the_first_timer() {
    let mut bench = Bench::new();
    let mut first = Client::new(1, 500);
    first.register(&mut bench, "alice", "wonder", 60);
    first.ack(&mut bench);
    bench.until(50.0);
    let mut second = Client::new(2, 501);
    second.register(&mut bench, "alice", "wonder", 60);
    second.ack(&mut bench);
    assert_eq!(bench.counts().expiry_timers, 1);
    bench.until(119.9);
    assert!(is_reachable(&bench, "alice"));
    bench.until(120.1);
    assert!(!is_reachable(&bench, "alice"));
    bench.assert_at_rest();
}

/// The granted period is REFRESH within the configured bounds, as seconds (X-REG-3).
#[test]
fn the_granted_period_is_clamped() {
    let general = General {
        registration_min: Duration::from_secs(60),
        registration_max: Duration::from_secs(3600),
        ..General::default()
    };
    for (asked, granted) in [(0, 60), (61, 61), (4000, 3600)] {
        let mut bench = Bench::with(EndpointOptions::default(), general.clone(), false);
        let mut client = Client::new(1, 500);
        client.register(&mut bench, "alice", "wonder", asked);
        let Body::Iax { command, ies } = client.last().body else {
            panic!("REGACK should come");
        };
        assert_eq!(
            (command, ies.refresh()),
            (IaxCommand::RegAck, Some(granted))
        );
    }
}

/// Who names no period takes it to be a minute (RFC 5456 §6.1.1), also where shorter ones are granted.
#[test]
fn a_request_without_refresh_is_granted_a_minute() {
    let general = |min, max| General {
        registration_min: Duration::from_secs(min),
        registration_max: Duration::from_secs(max),
        ..General::default()
    };
    for (min, max, granted) in [(2, 3600, 60), (90, 3600, 90), (2, 30, 30)] {
        let mut bench = Bench::with(EndpointOptions::default(), general(min, max), false);
        let mut client = Client::new(1, 500);
        client.regreq(&mut bench, "alice", 2);
        let result = client.result("wonder");
        let ies = [
            InformationElement::Username(b"alice"),
            InformationElement::Md5Result(&result),
        ];
        client.send_iax(&mut bench, IaxCommand::RegReq, &ies);
        let Body::Iax { command, ies } = client.last().body else {
            panic!("REGACK should come");
        };
        let expected = (IaxCommand::RegAck, Some(granted));
        assert_eq!((command, ies.refresh()), expected);
    }
}

/// RFC 5456 §9.1.2.
#[test]
fn a_wrong_secret_is_refused_with_cause_29() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "blunder", 60);
    insta::assert_snapshot!(bench.ladder);
    assert!(!is_reachable(&bench, "alice"));
}

/// X-REG-5: unknown names and peers that do not register show the same frames as a wrong secret, but for random numbers.
#[test]
fn a_stranger_cannot_tell_an_unknown_name_from_a_wrong_secret() {
    let trace = |name: &str| {
        let general = General {
            reject_delay: Duration::from_secs(1),
            ..General::default()
        };
        let mut bench = Bench::with(EndpointOptions::default(), general, false);
        let mut client = Client::new(1, 500);
        client.register(&mut bench, name, "blunder", 60);
        bench.until(5.0);
        let shape =
            |(at, _, octets): &(_, _, Vec<u8>)| (format!("{at}"), iax(octets), octets.len());
        bench.sent.iter().map(shape).collect::<Vec<_>>()
    };
    let known = trace("alice");
    assert!(
        known.iter().any(|(at, command, _)| {
            at == "1001.000000" && *command == Some(IaxCommand::RegRej)
        })
    );
    assert_eq!(known, trace("nobdy"));
    assert_eq!(known, trace("fixed"));
}

/// X-CALL-7: acknowledged at once, refused after `reject_delay`.
#[test]
fn a_failed_login_waits_for_its_refusal() {
    let general = General {
        reject_delay: Duration::from_secs(1),
        ..General::default()
    };
    let mut bench = Bench::with(EndpointOptions::default(), general, false);
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    client.received.clear();
    client.send_iax(
        &mut bench,
        IaxCommand::RegReq,
        &[InformationElement::Username(b"alice")],
    );
    assert_eq!(client.words(), ["ACK"]);
    bench.until(0.999);
    client.take(&mut bench);
    assert!(client.words().is_empty());
    bench.until(1.0);
    client.take(&mut bench);
    assert_eq!(client.words(), ["REGREJ"]);
}

/// X-REG-4.
#[test]
fn there_is_one_challenge_per_dialogue() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    assert_eq!(client.words(), ["REGAUTH"]);
    client.send_iax(
        &mut bench,
        IaxCommand::RegReq,
        &[InformationElement::Username(b"alice")],
    );
    assert_eq!(client.words(), ["REGREJ"]);
}

#[test]
fn a_peer_without_secret_is_granted_at_once_and_a_nameless_request_refused() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "open", 60);
    assert_eq!(client.words(), ["REGACK"]);
    let mut nameless = Client::new(2, 500);
    nameless.regreq(&mut bench, "", 60);
    assert_eq!(nameless.words(), ["REGREJ"]);
}

/// RFC 5456 §9.1.3: a release in a dialogue of its own.
#[test]
fn a_release_takes_the_contact_away() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    client.ack(&mut bench);
    bench.ladder.clear();
    let mut release = Client::new(1, 501);
    release.open(
        &mut bench,
        IaxCommand::RegRel,
        &[InformationElement::Username(b"alice")],
    );
    let result = release.result("wonder");
    let ies = [
        InformationElement::Username(b"alice"),
        InformationElement::Md5Result(&result),
    ];
    release.send_iax(&mut bench, IaxCommand::RegRel, &ies);
    release.ack(&mut bench);
    insta::assert_snapshot!(bench.ladder);
    assert!(!is_reachable(&bench, "alice"));
    bench.assert_at_rest();
}

/// A peer that a reload takes away between challenge and answer is refused, and nothing holds it.
#[test]
fn a_peer_that_a_reload_removed_is_looked_up_again_and_refused() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    bench.endpoint.directory().reload(Configuration::default());
    let result = client.result("wonder");
    client.received.clear();
    let ies = [
        InformationElement::Username(b"alice"),
        InformationElement::Md5Result(&result),
    ];
    client.send_iax(&mut bench, IaxCommand::RegReq, &ies);
    assert_eq!(client.words(), ["REGREJ"]);
    assert_eq!(bench.book.live_objects(), 0, "{}", bench.book.report());
}

/// A peer that a reload replaced meanwhile is registered if the result proves the secret of now.
#[test]
fn a_peer_that_came_back_meanwhile_is_verified_again() {
    for (secret_now, answer) in [("wonder", "REGACK"), ("changed", "REGREJ")] {
        let mut bench = Bench::new();
        let mut client = Client::new(1, 500);
        client.regreq(&mut bench, "alice", 60);
        bench.endpoint.directory().reload(Configuration::default());
        bench.endpoint.directory().reload(Configuration {
            general: General::default(),
            entries: vec![entry(Role::Peer, "alice", secret_now)],
        });
        let result = client.result("wonder");
        client.received.clear();
        let ies = [
            InformationElement::Username(b"alice"),
            InformationElement::Md5Result(&result),
        ];
        client.send_iax(&mut bench, IaxCommand::RegReq, &ies);
        assert_eq!(client.words(), [answer]);
    }
}

/// A challenge that nobody answers does not hold a call number for ever, though every frame is acknowledged.
#[test]
fn a_challenge_is_waited_for_no_longer_than_a_minute() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    client.ack(&mut bench);
    for second in 1..=60 {
        bench.until(f64::from(second));
        client.take(&mut bench);
        client.ack(&mut bench);
    }
    client.take(&mut bench);
    client.ack(&mut bench);
    assert_eq!(bench.times(address(1), IaxCommand::RegRej), [60.0]);
    bench.assert_at_rest();
}
