//! PING, LAGRQ and POKE (RFC 5456 §6.7).

use crate::bench::*;
use iaxproof::engine::Event;
use iaxproof::wire::{CallNumber, FullFrame, IaxCommand, SeqNo, Timestamp};

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
