//! When reliable frames are sent again (RFC 5456 §7.2; X-SEQ-*).

use crate::bench::*;
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::wire::{Body, Digit, FullFrame, IaxCommand, SeqNo, Timestamp};

/// X-SEQ-9: a fresh dialogue sends at 0, 2, 12 and 22 s and is gone at 32 s.
#[test]
fn a_fresh_dialogue_follows_chan_iax2() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    bench.until(31.999);
    assert_eq!(bench.counts().dialogues(), 1);
    bench.until(60.0);
    assert_eq!(
        bench.times(client.address, IaxCommand::RegAuth),
        [0.0, 2.0, 12.0, 22.0]
    );
    bench.assert_at_rest();
    let firsts: Vec<_> = bench
        .sent
        .iter()
        .filter_map(|(_, _, octets)| FullFrame::parse(octets).ok())
        .filter(|frame| {
            matches!(
                frame.body,
                Body::Iax {
                    command: IaxCommand::RegAuth,
                    ..
                }
            )
        })
        .map(|frame| (frame.oseqno, frame.timestamp, frame.retransmission))
        .collect();
    let once = (SeqNo(0), Timestamp(1));
    assert_eq!(
        firsts,
        [false, true, true, true].map(|again| (once.0, once.1, again))
    );
}

/// X-SEQ-9: after a round trip of 20 ms, at 0, 0.1, 1.1 and 11.1 s, and gone 21.1 s after the first.
#[test]
fn a_measured_round_trip_shortens_the_waits() {
    let options = EndpointOptions {
        ping_interval: core::time::Duration::from_secs(100),
        lagrq_interval: core::time::Duration::from_secs(1000),
        ..EndpointOptions::default()
    };
    let mut bench = Bench::with(options, Default::default(), false);
    let mut client = Client::linked(&mut bench, 1, 500);
    bench.until(100.0);
    client.take(&mut bench);
    let (timestamp, command) = (
        client.last().timestamp,
        iax(client.received.last().unwrap()),
    );
    assert_eq!(command, Some(IaxCommand::Ping));
    bench.until(100.020);
    let mut pong = client.iax(IaxCommand::Pong, &[]);
    pong[4..8].copy_from_slice(&timestamp.0.to_be_bytes());
    client.deliver(&mut bench, &pong);
    let call = bench.call();
    bench.endpoint.ring(bench.now, call).unwrap();
    bench.drain();
    bench.until(190.0);
    let rings: Vec<_> = bench
        .sent
        .iter()
        .filter(|(_, _, octets)| octets[10] == 4)
        .map(|(at, ..)| (at.as_millis() - 1_100_020) as f64 / 1000.0)
        .collect();
    assert_eq!(rings, [0.0, 0.1, 1.1, 11.1]);
    assert!(matches!(bench.events.last(), Some(Event::Ended { .. })));
    assert_eq!(bench.counts().calls, 0);
}

#[test]
fn a_call_is_gone_twenty_one_seconds_after_a_frame_that_a_near_peer_ignored() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    bench.until(21.0);
    client.take(&mut bench);
    let octets = client.received.last().expect("PING").clone();
    assert_eq!(iax(&octets), Some(IaxCommand::Ping));
    let mut pong = client.iax(IaxCommand::Pong, &[]);
    pong[4..8].copy_from_slice(&octets[4..8]);
    client.deliver(&mut bench, &pong);
    client.received.clear();
    bench.endpoint.ring(bench.now, bench.call()).unwrap();
    bench.drain();
    bench.until(42.09);
    assert_eq!(bench.counts().calls, 1);
    bench.until(42.1);
    assert_eq!(bench.counts().calls, 0);
}

/// X-SEQ-2, X-SEQ-3: repeats are acknowledged and dropped; a gap is asked for once per expected number (X-SEQ-7).
#[test]
fn repeats_are_acknowledged_and_gaps_asked_for() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let digit = |bench: &Bench| {
        let digits = bench.events.iter();
        digits
            .filter(|event| matches!(event, Event::Dtmf { .. }))
            .count()
    };
    let first = client.frame(Body::DtmfEnd(Digit::new(b'1').unwrap()));
    let second = client.frame(Body::DtmfEnd(Digit::new(b'2').unwrap()));
    let third = client.frame(Body::DtmfEnd(Digit::new(b'3').unwrap()));
    client.deliver(&mut bench, &first);
    client.deliver(&mut bench, &first);
    assert_eq!((client.words(), digit(&bench)), (vec!["ACK".into(); 2], 1));
    client.deliver(&mut bench, &third);
    client.deliver(&mut bench, &third);
    assert_eq!(
        (client.words(), digit(&bench)),
        (vec!["VNAK".to_owned()], 1)
    );
    client.deliver(&mut bench, &second);
    client.deliver(&mut bench, &third);
    assert_eq!((client.words(), digit(&bench)), (vec!["ACK".into(); 2], 3));
}

/// The order check holds over the wrap: 300 digits, none lost.
#[test]
fn sequence_numbers_wrap() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    for i in 0..300_u32 {
        let digit = Digit::new(b'0' + (i % 10) as u8).unwrap();
        client.send(&mut bench, Body::DtmfEnd(digit));
        assert_eq!(client.words(), ["ACK"], "digit {i}");
    }
    let digits = bench.events.iter();
    assert_eq!(
        digits
            .filter(|event| matches!(event, Event::Dtmf { .. }))
            .count(),
        300
    );
}

/// X-SEQ-7: a VNAK brings back what is outstanding, once in a while; X-SEQ-4: one beyond the window brings nothing.
#[test]
fn a_vnak_brings_back_what_is_outstanding_and_a_flood_little() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let (call, now) = (bench.call(), bench.now);
    for text in ["a", "b", "c"] {
        bench.endpoint.send_text(now, call, text).unwrap();
    }
    bench.drain();
    let before = bench.sent.len();
    let vnak = |client: &mut Client, bench: &mut Bench, iseqno: u8| {
        let mut octets = client.iax(IaxCommand::Vnak, &[]);
        octets[9] = iseqno;
        bench.deliver(client.address, &octets);
    };
    vnak(&mut client, &mut bench, 200);
    assert_eq!(bench.sent.len(), before);
    let second = client.iseqno.next().0;
    vnak(&mut client, &mut bench, second);
    assert_eq!(
        bench.sent.len(),
        before + 2,
        "the first is acknowledged, two come back"
    );
    for _ in 0..1000 {
        vnak(&mut client, &mut bench, second);
    }
    assert_eq!(bench.sent.len(), before + 2);
}

/// X-SEQ-5: never more than 127 on the wire; the queue behind them has an end, and drains in order.
#[test]
fn the_window_and_the_queue_are_bounded() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let (call, now) = (bench.call(), bench.now);
    let mut accepted = 0;
    while bench
        .endpoint
        .send_text(now, call, &accepted.to_string())
        .is_ok()
    {
        accepted += 1;
        assert!(accepted < 10_000);
    }
    bench.drain();
    let counts = bench.counts();
    assert_eq!(counts.frames_outstanding, 127);
    assert_eq!(counts.frames_outstanding + counts.frames_queued, accepted);
    while bench.counts().frames_outstanding > 0 {
        client.take(&mut bench);
        client.ack(&mut bench);
    }
    let texts = bench
        .sent
        .iter()
        .filter_map(|(_, _, octets)| match FullFrame::parse(octets) {
            Ok(FullFrame {
                body: Body::Text(text),
                ..
            }) => Some(text.to_vec()),
            _ => None,
        });
    let expected = (0..accepted).map(|i| format!("{i}\0").into_bytes());
    assert!(texts.eq(expected));
}
