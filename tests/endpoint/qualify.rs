//! Peers that are asked whether they are there (chan_iax2: `qualify`; RFC 5456 §6.7.1), and the POKEs that others send us.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeSet;

use crate::bench::{Bench, Client, address, encode, entries, entry, iax};
use crate::net_bench::Net;
use iaxproof::catalog::{Answer, Pruned, Row, Unregistered};
use iaxproof::engine::directory::{Contact, Directory, Generation, Lookup, Reachability, Role};
use iaxproof::engine::qualify::POKES_PER_TIMEOUT_MAX;
use iaxproof::engine::rate::POKES_PER_SECOND_MAX;
use iaxproof::engine::settings::{Configuration, General, Host, Qualify, Settings};
use iaxproof::engine::{Calling, EndpointOptions, Error, Event, Registration};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, InformationElement, InformationElements, SeqNo,
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The intervals that were measured: 5 s and 4 s.
fn measured() -> Qualify {
    Qualify {
        interval_ok: ms(5_000),
        interval_not_ok: ms(4_000),
        ..Qualify::default()
    }
}

fn qualified(qualify: Qualify) -> Vec<Settings> {
    let with = |entry: Settings| Settings {
        qualify: Some(qualify),
        ..entry
    };
    entries().into_iter().map(with).collect()
}

fn load(bench: &Bench, entries: Vec<Settings>) {
    let general = General::default();
    let configuration = Configuration { general, entries };
    bench.endpoint.directory().reload(configuration);
}

/// A bench whose peers are qualified.
fn bench(qualify: Qualify) -> Bench {
    let bench = Bench::new();
    load(&bench, qualified(qualify));
    bench
}

/// `open` at 192.0.2.`last`, registered a moment ago for a minute; what came of it is taken.
fn registered(bench: &mut Bench, last: u8) -> Client {
    let mut phone = Client::new(last, 500);
    phone.regreq(bench, "open", 60);
    phone.ack(bench);
    phone
}

/// The POKE that came last.
fn poke(bench: &Bench, to: SocketAddr) -> FullFrame<'_> {
    let mut sent = bench.sent.iter().rev();
    let poke = sent.find(|(_, whom, octets)| *whom == to && iax(octets) == Some(IaxCommand::Poke));
    FullFrame::parse(&poke.expect("a POKE is out").2).expect("a full frame")
}

/// The answer to the POKE that came last, from a call number of our choice.
fn pong(bench: &Bench, to: SocketAddr, source: u16) -> Vec<u8> {
    let poke = poke(bench, to);
    encode(&Frame::Full(FullFrame {
        source: CallNumber::from_word(source),
        destination: poke.source,
        retransmission: false,
        timestamp: poke.timestamp,
        oseqno: SeqNo(0),
        iseqno: SeqNo(1),
        body: Body::Iax {
            command: IaxCommand::Pong,
            ies: InformationElements::EMPTY,
        },
    }))
}

fn answer(bench: &mut Bench, from: SocketAddr) {
    let octets = pong(bench, from, 1);
    bench.deliver(from, &octets);
}

/// When POKEs went out for the first time.
fn pokes(bench: &Bench, to: SocketAddr) -> Vec<f64> {
    let sent = bench
        .sent
        .iter()
        .filter(|(_, whom, octets)| *whom == to && iax(octets) == Some(IaxCommand::Poke));
    let mut sources = BTreeSet::new();
    let mut times = Vec::new();
    for (at, _, octets) in sent {
        let poke = FullFrame::parse(octets).expect("we send frames");
        if sources.insert(poke.source) {
            times.push(at.saturating_since(Instant::from_secs(1000)).as_secs_f64());
        }
    }
    times
}

fn news(bench: &Bench) -> Vec<Reachability> {
    let mut news = Vec::new();
    for event in &bench.events {
        if let Event::Reachability { reachability, .. } = event {
            news.push(*reachability);
        }
    }
    news
}

fn reachability(bench: &Bench, name: &str) -> Reachability {
    let directory = bench.endpoint.directory();
    let Lookup::Found(peer) = directory.find(Role::Peer, name) else {
        panic!("{name} is there");
    };
    directory.reachability(&peer).expect("never stale")
}

/// iax2 §6.1, measured: the POKE leaves before the REGACK. X-POKE-2: the PONG is acknowledged to its source number, 1.
#[test]
fn a_registration_is_followed_by_a_poke() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    bench.until(0.02);
    answer(&mut bench, phone.address);
    assert_eq!(
        reachability(&bench, "open"),
        Reachability::Reachable(ms(20))
    );
    assert_eq!(bench.counts().dialogues(), 0);
    assert_eq!(bench.counts().watched, 1);
    let out = [IaxCommand::RegReq, IaxCommand::RegRel].map(Some);
    assert!(
        bench
            .sent
            .iter()
            .all(|(_, _, octets)| !out.contains(&iax(octets)))
    );
    insta::assert_snapshot!(bench.ladder);
}

/// Whoever has not shown that it receives is not sent what it did not ask for.
#[test]
fn an_unproven_address_is_not_poked() {
    let mut bench = Bench::new();
    let general = General {
        token_optional: vec!["0.0.0.0/0".parse().expect("a range")],
        ..General::default()
    };
    let entries = qualified(Qualify::default());
    bench
        .endpoint
        .directory()
        .reload(Configuration { general, entries });
    let mut phone = Client::new(7, 500);
    let ies = [InformationElement::Username(b"open")];
    phone.send_iax(&mut bench, IaxCommand::RegReq, &ies);
    assert_eq!(phone.words(), ["REGACK"]);
    bench.until(10.0);
    assert!(pokes(&bench, phone.address).is_empty());
    assert_eq!(bench.counts().watched, 0);
}

/// iax2 §6.9, measured with intervals of 5 s and 4 s: a POKE every 5.0 s while it is answered, each from a new call number.
#[test]
fn an_answering_peer_is_poked_in_its_time() {
    let mut bench = bench(measured());
    let phone = registered(&mut bench, 7);
    for second in [0.0, 5.0, 10.0, 15.0, 20.0] {
        bench.until(second);
        answer(&mut bench, phone.address);
    }
    assert_eq!(pokes(&bench, phone.address), [0.0, 5.0, 10.0, 15.0, 20.0]);
    assert_eq!(bench.times(phone.address, IaxCommand::Poke).len(), 5);
    assert_eq!(news(&bench), [Reachability::Reachable(ms(0))]);
}

/// iax2 §6.9, measured likewise: silent, it is unreachable 4.17 s after the POKE, the next POKE comes 4.0 s later and then
/// one every 7.33 s; each is repeated after 0.5 s.
#[test]
fn a_silent_peer_is_poked_in_its_time() {
    let mut bench = bench(measured());
    let phone = registered(&mut bench, 7);
    bench.until(4.166);
    assert_eq!(reachability(&bench, "open"), Reachability::Unknown);
    bench.until(4.167);
    assert_eq!(reachability(&bench, "open"), Reachability::Unreachable);
    bench.until(24.0);
    let expected = [0.0, 8.167, 15.5, 22.833];
    let times = pokes(&bench, phone.address);
    assert_eq!(times.len(), expected.len(), "{times:?}");
    for (time, expected) in times.iter().zip(expected) {
        assert!((time - expected).abs() < 0.001, "{times:?}");
    }
    let all = bench.times(phone.address, IaxCommand::Poke);
    assert!((all[1] - 0.5).abs() < 0.001 && (all[3] - 8.667).abs() < 0.001);
    assert_eq!(news(&bench), [Reachability::Unreachable]);
    answer(&mut bench, phone.address);
    let back = reachability(&bench, "open");
    assert!(matches!(back, Reachability::Reachable(_)), "{back:?}");
}

/// iax2 §7.1: with `qualify=yes` a POKE goes out at 0, 0.5, 5.5 and 15.5 s. X-POKE-2: unreachable at 20 s + maxms; the next
/// POKE 10 s later, and that one waits 5/6 of 10 s.
#[test]
fn the_defaults_are_chan_iax2s() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    bench.until(21.999);
    assert_eq!(
        bench.times(phone.address, IaxCommand::Poke),
        [0.0, 0.5, 5.5, 15.5]
    );
    assert_eq!(reachability(&bench, "open"), Reachability::Unknown);
    bench.until(22.0);
    assert_eq!(reachability(&bench, "open"), Reachability::Unreachable);
    assert_eq!(bench.counts().dialogues(), 0);
    bench.until(50.4);
    let times = pokes(&bench, phone.address);
    assert_eq!(times.len(), 3);
    assert!((times[1] - 32.0).abs() < 0.001);
    assert!((times[2] - 50.333).abs() < 0.001);
}

/// Late is not gone: the next POKE comes sooner.
#[test]
fn a_late_answer_counts_as_lagged() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    bench.until(3.0);
    answer(&mut bench, phone.address);
    assert_eq!(news(&bench), [Reachability::Lagged(ms(3_000))]);
    bench.until(13.0);
    assert_eq!(pokes(&bench, phone.address), [0.0, 13.0]);
}

/// X-REG-6: who registers from elsewhere is asked there, and what the former place says does not count.
#[test]
fn another_address_is_asked_afresh_and_the_same_one_in_its_time() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    answer(&mut bench, phone.address);
    bench.until(10.0);
    let _renewed = registered(&mut bench, 7);
    assert_eq!(pokes(&bench, phone.address), [0.0]);
    assert_eq!(reachability(&bench, "open"), Reachability::Reachable(ms(0)));
    // A renewal leaves the watch as it was: it is due a minute after its last answer.
    bench.until(60.0);
    assert_eq!(pokes(&bench, phone.address), [0.0, 60.0]);
    let late = pong(&bench, phone.address, 1);

    let moved = registered(&mut bench, 8);
    assert_eq!(pokes(&bench, moved.address), [60.0]);
    assert_eq!(reachability(&bench, "open"), Reachability::Unknown);
    bench.deliver(phone.address, &late);
    assert_eq!(reachability(&bench, "open"), Reachability::Unknown);
    answer(&mut bench, moved.address);
    assert_eq!(reachability(&bench, "open"), Reachability::Reachable(ms(0)));
    assert_eq!(bench.counts().watched, 1);
}

/// A peer that has no contact any more is not asked, however it lost it, and nothing is held for it.
#[test]
fn a_peer_without_a_contact_is_not_poked() {
    let releases = |bench: &mut Bench| {
        let mut phone = Client::new(7, 600);
        let ies = [InformationElement::Username(b"open")];
        phone.open(bench, IaxCommand::RegRel, &ies);
        phone.ack(bench);
    };
    let lapses = |bench: &mut Bench| bench.until(70.0);
    let operator = |bench: &mut Bench| {
        let done = bench.endpoint.directory().unregister("open");
        assert_eq!(done, Unregistered::Done);
        bench.until(61.0);
    };
    let dropped = |bench: &mut Bench| {
        load(bench, Vec::new());
        bench.until(71.0);
    };
    let ways: [&dyn Fn(&mut Bench); 4] = [&releases, &lapses, &operator, &dropped];
    for (way, lose) in ways.into_iter().enumerate() {
        for has_answered in [true, false] {
            let mut bench = bench(Qualify::default());
            let phone = registered(&mut bench, 7);
            if has_answered {
                answer(&mut bench, phone.address);
            }
            lose(&mut bench);
            if way < 2 {
                assert_eq!(bench.counts().watched, 0, "taken away by this endpoint");
            }
            let until_now = pokes(&bench, phone.address).len();
            bench.until(200.0);
            assert_eq!(pokes(&bench, phone.address).len(), until_now, "way {way}");
            assert_eq!(bench.counts().watched, 0);
            bench.assert_at_rest();
        }
    }
}

/// Another worker's registration: the contact is not this endpoint's to ask.
#[test]
fn a_contact_that_another_wrote_is_not_poked() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    answer(&mut bench, phone.address);
    let directory = bench.endpoint.directory();
    let Lookup::Found(open) = directory.find(Role::Peer, "open") else {
        panic!("open is there");
    };
    let deadline = bench.now + ms(600_000);
    let written = directory.register(&open, address(8), deadline);
    assert!(written.is_ok());
    drop(open);
    bench.until(60.0);
    assert_eq!(pokes(&bench, phone.address), [0.0]);
    assert!(pokes(&bench, address(8)).is_empty());
    assert_eq!(bench.counts().watched, 0);
}

/// iax2 §6.9, measured: calls to a peer that is lagged or unreachable are refused here. One that was not asked yet is called.
#[test]
fn a_peer_that_does_not_answer_in_time_is_not_called() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    let call = |bench: &mut Bench| {
        let called = bench.endpoint.call_peer(bench.now, "open", "100");
        bench.drain();
        called
    };
    assert!(matches!(call(&mut bench), Ok(Calling::Call(_))));
    bench.until(3.0);
    answer(&mut bench, phone.address);
    assert_eq!(call(&mut bench), Err(Error::PeerUnreachable), "lagged");
    bench.until(40.0);
    assert_eq!(reachability(&bench, "open"), Reachability::Unreachable);
    assert_eq!(call(&mut bench), Err(Error::PeerUnreachable));
    // The mark is nothing to a peer that is not qualified.
    load(&bench, entries());
    assert!(matches!(call(&mut bench), Ok(Calling::Call(_))));
    load(&bench, qualified(Qualify::default()));
    assert_eq!(call(&mut bench), Err(Error::PeerUnreachable));
    bench.until(45.2);
    answer(&mut bench, phone.address);
    assert!(matches!(call(&mut bench), Ok(Calling::Call(_))));
}

/// A reload that takes `qualify` away: the peer is asked no more, and may be called again whatever the last POKE said.
#[test]
fn a_peer_that_is_not_qualified_any_more_is_not_poked() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    bench.until(22.0);
    assert_eq!(reachability(&bench, "open"), Reachability::Unreachable);
    load(&bench, entries());
    bench.until(32.0);
    assert_eq!(pokes(&bench, phone.address), [0.0]);
    assert_eq!(
        news(&bench),
        [Reachability::Unreachable, Reachability::Unknown]
    );
    assert_eq!(bench.counts().watched, 0);
    // The timer is gone; the application says it again after a reload.
    load(&bench, qualified(Qualify::default()));
    assert_eq!(bench.endpoint.qualify(bench.now, "open"), Ok(()));
    bench.drain();
    assert_eq!(pokes(&bench, phone.address), [0.0, 32.0]);
}

/// A peer that registers elsewhere after that is let go at once, and not when its next POKE is due.
#[test]
fn a_peer_that_is_not_qualified_any_more_is_let_go_as_it_moves() {
    let mut bench = bench(Qualify::default());
    registered(&mut bench, 7);
    assert_eq!(bench.counts().watched, 1);
    load(&bench, entries());
    assert_eq!(bench.counts().watched, 1);
    registered(&mut bench, 8);
    assert_eq!(bench.counts().watched, 0);
}

#[test]
fn the_application_has_peers_asked() {
    let mut bench = bench(Qualify::default());
    let qualify = |bench: &mut Bench, name| {
        let done = bench.endpoint.qualify(bench.now, name);
        bench.drain();
        done
    };
    assert_eq!(qualify(&mut bench, "nobody"), Err(Error::UnknownPeer));
    assert_eq!(qualify(&mut bench, "alice"), Err(Error::NoContact));
    assert_eq!(qualify(&mut bench, "fixed"), Ok(()));
    assert_eq!(pokes(&bench, address(200)), [0.0]);
    bench.until(1.0);
    // Once more, as after a reload: the POKE that is out makes way.
    assert_eq!(qualify(&mut bench, "fixed"), Ok(()));
    assert_eq!(pokes(&bench, address(200)), [0.0, 1.0]);
    assert_eq!(bench.counts().pokes, 1);
    answer(&mut bench, address(200));
    assert_eq!(
        reachability(&bench, "fixed"),
        Reachability::Reachable(ms(0))
    );
    load(&bench, Vec::new());
    bench.until(61.0);
    bench.assert_at_rest();
}

/// X-POKE-2 with those who keep state for a POKE (yate), and with those who want a token for it.
#[test]
fn every_kind_of_pong_counts() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    let octets = pong(&bench, phone.address, 321);
    bench.sent.clear();
    bench.deliver(phone.address, &octets);
    assert_eq!(reachability(&bench, "open"), Reachability::Reachable(ms(0)));
    let ack = FullFrame::parse(&bench.sent[0].2).unwrap();
    assert_eq!(iax(&bench.sent[0].2), Some(IaxCommand::Ack));
    assert_eq!(ack.destination, CallNumber::from_word(321));

    bench.until(60.0);
    let mut wary = Client::new(7, 1);
    (wary.destination, wary.iseqno) = (poke(&bench, wary.address).source, SeqNo(1));
    let ies = [InformationElement::CallToken(b"t")];
    wary.send_iax(&mut bench, IaxCommand::CallToken, &ies);
    let Body::Iax { ies, .. } = poke(&bench, wary.address).body else {
        panic!("a POKE is an IAX frame");
    };
    assert_eq!(ies.call_token(), Some(b"t".as_slice()));
    bench.until(60.5);
    answer(&mut bench, wary.address);
    assert_eq!(
        reachability(&bench, "open"),
        Reachability::Reachable(ms(500))
    );
}

/// Nobody else says that the peer is there: not another address, not another number, not another time.
#[test]
fn forged_pongs_say_nothing() {
    let mut bench = bench(Qualify::default());
    let phone = registered(&mut bench, 7);
    let honest = pong(&bench, phone.address, 1);
    bench.deliver(address(66), &honest);
    for (place, octet) in [(2, 0x40), (3, 1), (7, 9), (4, 1)] {
        let mut forged = honest.clone();
        forged[place] ^= octet;
        bench.deliver(phone.address, &forged);
    }
    // An INVAL does not say that it is gone either.
    let poke = poke(&bench, phone.address);
    let mut inval = Client::new(7, 1);
    inval.destination = poke.source;
    inval.send_iax(&mut bench, IaxCommand::Inval, &[]);
    assert_eq!(reachability(&bench, "open"), Reachability::Unknown);
    bench.deliver(phone.address, &honest);
    assert_eq!(reachability(&bench, "open"), Reachability::Reachable(ms(0)));
    // Once more says nothing more.
    bench.until(1.0);
    bench.deliver(phone.address, &honest);
    assert_eq!(reachability(&bench, "open"), Reachability::Reachable(ms(0)));
}

/// After a long stall many POKEs are due at once: they go out in bounded portions.
#[test]
fn not_all_pokes_go_out_at_once() {
    let count = 2 * POKES_PER_TIMEOUT_MAX + 50;
    let mut bench = Bench::new();
    let peers = (0..count).map(|i| Settings {
        host: Host::Fixed(SocketAddr::from((
            [198, 51, (i / 250) as u8, (i % 250) as u8],
            4569,
        ))),
        qualify: Some(measured()),
        ..entry(Role::Peer, &format!("peer{i}"), "")
    });
    load(&bench, peers.collect());
    for i in 0..count {
        let asked = bench.endpoint.qualify(bench.now, &format!("peer{i}"));
        assert_eq!(asked, Ok(()));
    }
    bench.drain();
    let polled = bench.sent.clone();
    for (_, whom, _) in polled {
        answer(&mut bench, whom);
    }
    bench.sent.clear();
    bench.now = bench.now + ms(5_000);
    for expected in [100, 200, 250] {
        bench.endpoint.handle_timeout(bench.now);
        bench.drain();
        assert_eq!(bench.sent.len(), expected);
        bench.now = bench.now + ms(100);
    }
    assert_eq!(bench.counts().watched, count);
}

/// Where no call number is free, the watch waits for the next time.
#[test]
fn a_poke_without_a_call_number_waits() {
    let mut bench = Bench::with(
        EndpointOptions {
            dialogues_max: 0,
            ..EndpointOptions::default()
        },
        General::default(),
        false,
    );
    load(&bench, qualified(measured()));
    assert_eq!(bench.endpoint.qualify(bench.now, "fixed"), Ok(()));
    bench.until(30.0);
    assert!(bench.sent.is_empty());
    let counts = bench.counts();
    assert_eq!((counts.watched, counts.pokes, counts.timers), (1, 0, 1));
}

/// A cached row is evicted while its POKE is out, or while the next is due: the answer is for nobody, and nothing is held.
#[test]
fn the_row_of_a_watch_is_evicted() {
    for is_out in [true, false] {
        let mut bench = Bench::with(EndpointOptions::default(), General::default(), true);
        let settings = Settings {
            qualify: Some(measured()),
            host: Host::Fixed(address(7)),
            ..entry(Role::Peer, "row", "")
        };
        let asked = bench.endpoint.qualify(bench.now, "row");
        assert_eq!(asked, Ok(()), "asked the database");
        let question = bench.endpoint.directory().poll_question().expect("asked");
        let row = Row {
            settings,
            contact: None,
            generation: Generation(0),
        };
        let directory = bench.endpoint.directory();
        directory.answer(question.id, Answer::Row(row), bench.now);
        bench.endpoint.handle_answer(bench.now, question.id);
        bench.drain();
        assert_eq!(pokes(&bench, address(7)), [0.0]);
        if !is_out {
            answer(&mut bench, address(7));
        }
        let pruned = bench.endpoint.directory().prune(Role::Peer, "row");
        assert_eq!(pruned, Pruned::Evicted);
        bench.until(5.0);
        if !is_out {
            answer(&mut bench, address(7));
        }
        assert_eq!(bench.counts().watched, 0);
        assert_eq!(bench.counts().dialogues(), 0);
        bench.assert_at_rest();
    }
}

/// A contact that comes with a row is asked at once, as one is that a registration brings; and not once more when the row is
/// evicted and comes back with the same contact.
#[test]
fn the_contact_of_a_row_is_asked_when_it_comes() {
    let mut bench = Bench::with(EndpointOptions::default(), General::default(), true);
    let deadline = bench.now + ms(60_000);
    let contact = Contact {
        address: address(7),
        deadline: Some(deadline),
        generation: Generation(3),
    };
    let bring = |bench: &mut Bench| {
        let mut client = Client::new(1, 500);
        client.regreq(bench, "row", 60);
        let directory = bench.endpoint.directory();
        let question = directory.poll_question().expect("asked");
        let settings = Settings {
            qualify: Some(measured()),
            ..entry(Role::Peer, "row", "wonder")
        };
        let row = Row {
            settings,
            contact: Some(contact),
            generation: Generation(3),
        };
        directory.answer(question.id, Answer::Row(row), bench.now);
        bench.endpoint.handle_answer(bench.now, question.id);
        bench.drain();
        client.take(bench);
        client.send_iax(bench, IaxCommand::Hangup, &[]);
    };
    bring(&mut bench);
    assert_eq!(pokes(&bench, address(7)), [0.0]);
    assert_eq!(bench.counts().watched, 1);
    answer(&mut bench, address(7));
    let pruned = bench.endpoint.directory().prune(Role::Peer, "row");
    assert_eq!(pruned, Pruned::Evicted);
    bench.until(1.0);
    bring(&mut bench);
    assert_eq!(pokes(&bench, address(7)), [0.0]);
    bench.until(6.0);
    assert_eq!(pokes(&bench, address(7)), [0.0, 5.0]);
}

/// X-POKE-1: so many a second and no more for one address; others are answered all the same.
#[test]
fn a_flood_of_pokes_is_answered_so_often() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    let octets = client.iax(IaxCommand::Poke, &[]);
    let most = POKES_PER_SECOND_MAX as usize;
    for _ in 0..3 * most {
        bench.deliver(client.address, &octets);
    }
    assert_eq!(bench.sent.len(), most);
    assert_eq!(bench.counts().dropped.refused, 2 * most as u64);
    bench.deliver(address(2), &octets);
    assert_eq!(bench.sent.len(), most + 1);
    bench.until(1.0);
    bench.deliver(client.address, &octets);
    assert_eq!(bench.sent.len(), most + 2);
    assert_eq!((bench.counts().dialogues(), bench.counts().timers), (0, 0));
    let sent = bench.sent.iter().map(|(_, _, reply)| reply.len());
    assert!(sent.max() <= Some(octets.len()));
}

/// Our poker and our stateless PONG, joined in memory: registration, POKE, silence, return.
#[test]
fn two_endpoints_register_and_poke() {
    let mut net = Net::new();
    net.add(
        "desk",
        9,
        Configuration {
            general: General::default(),
            entries: qualified(Qualify::default()),
        },
    );
    net.add("phone", 1, Configuration::default());
    let name = iaxproof::engine::settings::Name::new("open").expect("a name");
    let registration = Registration {
        is_spread: false,
        ..Registration::new(address(9), name)
    };
    let id = net.at("phone", |now, endpoint| {
        endpoint.register(now, registration)
    });
    assert!(id.is_ok());
    net.pass(ms(60_100));
    // All POKEs of the next while are lost.
    net.loses = Box::new(|_, _, octets| iax(octets) == Some(IaxCommand::Poke));
    net.pass(ms(90_000));
    net.loses = Box::new(|_, _, _| false);
    net.pass(ms(30_000));
    let news: Vec<_> = net
        .node("desk")
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Reachability { reachability, .. } => Some(*reachability),
            _ => None,
        })
        .collect();
    let reachable = Reachability::Reachable(ms(20));
    assert_eq!(news, [reachable, Reachability::Unreachable, reachable]);
    let pongs = net.node("phone").endpoint.counts();
    assert_eq!(pongs.numbers_allocated, 0);
    insta::assert_snapshot!(net.ladder);
}
