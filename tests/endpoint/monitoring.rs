//! PING, LAGRQ and POKE (RFC 5456 §6.7).

use crate::bench::*;
use iaxproof::engine::counts::Counts;
use iaxproof::engine::options::EVENTS_MAX;
use iaxproof::engine::{Event, TimerKind};
use iaxproof::wire::{
    Body, CallNumber, Format, Frame, FullFrame, IaxCommand, MiniFrame, SeqNo, Timestamp,
};

/// A PING every 21 s and a LAGRQ every 10 s, while the other side acknowledges.
#[test]
fn a_live_call_is_probed() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    for second in 1..=65 {
        bench.until(f64::from(second));
        client.take(&mut bench);
        if !client.received.is_empty() {
            client.ack(&mut bench);
            client.received.clear();
        }
    }
    assert_eq!(
        bench.times(client.address, IaxCommand::Ping),
        [21.0, 42.0, 63.0]
    );
    assert_eq!(
        bench.times(client.address, IaxCommand::LagRq),
        [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    );
    assert_eq!(bench.counts().calls, 1);
}

#[test]
fn ping_and_lagrq_are_answered_with_their_time() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    for (question, answer) in [
        (IaxCommand::Ping, IaxCommand::Pong),
        (IaxCommand::LagRq, IaxCommand::LagRp),
    ] {
        client.send_iax(&mut bench, question, &[]);
        assert_eq!(
            client.received.len(),
            1,
            "the answer carries the acknowledgement"
        );
        assert_eq!(iax(&client.received[0]), Some(answer));
        assert_eq!(client.last().timestamp, Timestamp(client.timestamp));
        client.ack(&mut bench);
        client.received.clear();
    }
    bench.ladder.clear();
    client.send_iax(&mut bench, IaxCommand::Ping, &[]);
    insta::assert_snapshot!(bench.ladder);
}

/// X-POKE-1: no state, no token; the same time-stamp and size.
#[test]
fn a_poke_is_answered_without_state() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.iseqno = SeqNo(7);
    let octets = client.iax(IaxCommand::Poke, &[]);
    for _ in 0..100 {
        client.deliver(&mut bench, &octets);
    }
    assert_eq!(client.received.len(), 100);
    let pong = client.last();
    assert_eq!(iax(&client.received[0]), Some(IaxCommand::Pong));
    assert_eq!(
        (pong.source, pong.oseqno, pong.iseqno),
        (CallNumber::STATELESS, SeqNo(0), SeqNo(8))
    );
    assert_eq!(pong.timestamp, FullFrame::parse(&octets).unwrap().timestamp);
    assert_eq!(client.received[0].len(), octets.len());
    assert_eq!((bench.counts().dialogues(), bench.counts().timers), (0, 0));
    // The poker acknowledges to call 1, which is swallowed (X-NUM-1).
    client.destination = CallNumber::STATELESS;
    client.received.clear();
    client.send_iax(&mut bench, IaxCommand::Ack, &[]);
    assert!(client.words().is_empty());
}

/// A PONG that answers no PING of ours does not change how long is waited.
#[test]
fn a_forged_pong_measures_nothing() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    bench.until(5.0);
    client.timestamp = 4_975;
    client.send_iax(&mut bench, IaxCommand::Pong, &[]);
    bench.endpoint.ring(bench.now, bench.call()).unwrap();
    bench.drain();
    bench.until(6.9);
    let rings = |bench: &Bench| {
        bench
            .sent
            .iter()
            .filter(|(_, _, octets)| octets[10] == 4)
            .count()
    };
    assert_eq!(rings(&bench), 1);
    bench.until(7.0);
    assert_eq!(rings(&bench), 2);
    assert!(
        bench
            .events
            .iter()
            .all(|event| !matches!(event, Event::Ended { .. }))
    );
}

/// What nobody takes is dropped beyond a limit, and counted.
#[test]
fn events_that_are_left_lying_are_dropped_and_counted() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let voice = Body::Voice {
        format: Format::ULAW,
        data: &[9],
    };
    client.send(&mut bench, voice);
    let mini = MiniFrame::new(number(500), 40, &[9]).expect("short data");
    let mini = encode(&Frame::Mini(mini));
    for _ in 0..EVENTS_MAX + 3 {
        let now = bench.now;
        bench.endpoint.handle_datagram(now, address(1), &mini);
    }
    let counts = bench.counts();
    let seen = (counts.events_waiting, counts.dropped.events);
    assert_eq!(seen, (EVENTS_MAX, 3));
}

/// Each kind of dialogue has a number.
#[test]
fn dialogues_of_all_kinds_are_counted_together() {
    let counts = Counts {
        calls: 1,
        registrations: 20,
        requests: 300,
        pokes: 4_000,
        ..Counts::default()
    };
    assert_eq!(counts.dialogues(), 4_321);
}

#[test]
fn a_timer_is_called_by_its_name() {
    let names = [TimerKind::Poke, TimerKind::Expiry].map(|kind| kind.to_string());
    assert_eq!(names, ["Poke", "Expiry"]);
}
