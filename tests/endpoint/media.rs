//! Audio both ways (RFC 5456 §8.1.2, §6.10; X-FRM-4, X-FRM-5, X-SEQ-7).

use crate::bench::*;
use iaxproof::engine::Event;
use iaxproof::wire::{Body, Format, Frame, IaxCommand, Timestamp};

fn voices(bench: &Bench) -> Vec<u32> {
    bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Voice { timestamp, .. } => Some(timestamp.0),
            _ => None,
        })
        .collect()
}

/// 70 s of audio, 20 ms each: one full frame at the start, then mini frames over the wrap at 65.536 s.
#[test]
fn our_audio_goes_by_mini_frames_over_the_wrap() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let call = bench.call();
    for i in 0..3500 {
        bench.until(f64::from(i) * 0.02 + 0.005);
        bench
            .endpoint
            .send_voice(bench.now, call, &[i as u8; 160])
            .unwrap();
        bench.drain();
        client.take(&mut bench);
        if client.received.iter().any(|octets| octets[0] & 0x80 != 0) {
            client.received.retain(|octets| octets[0] & 0x80 != 0);
            client.ack(&mut bench);
        }
        client.received.clear();
    }
    let audio: Vec<_> = bench
        .sent
        .iter()
        .filter_map(|(_, _, octets)| match Frame::parse(octets).unwrap() {
            Frame::Full(frame) => match frame.body {
                Body::Voice { .. } => Some((true, frame.timestamp.0 & 0xffff)),
                _ => None,
            },
            Frame::Mini(mini) => Some((false, u32::from(mini.timestamp()))),
            _ => None,
        })
        .collect();
    assert_eq!(audio.len(), 3500);
    assert_eq!(audio.iter().filter(|(is_full, _)| *is_full).count(), 1);
    let mut highest = Timestamp(audio[0].1);
    let mut times = Vec::new();
    for (_, low) in &audio {
        highest = highest.expand_mini(*low as u16);
        times.push(highest.0);
    }
    assert!(times.is_sorted_by(|a, b| a < b));
    assert!(times.last().unwrap() > &69_000);
}

/// X-FRM-4: their mini frames are expanded over the wrap.
#[test]
fn their_mini_frames_are_expanded_over_the_wrap() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let format = Format::ULAW;
    client.timestamp = 65_490;
    client.send(
        &mut bench,
        Body::Voice {
            format,
            data: &[1; 160],
        },
    );
    for low in [65_515, 65_535, 19, 39] {
        let mini = client.mini(low, &[1; 160]);
        client.deliver(&mut bench, &mini);
    }
    assert_eq!(voices(&bench), [65_495, 65_515, 65_535, 65_555, 65_575]);
}

/// RFC 5456 §6.9.3: mini frames before the format is known ask for it, once per expected number.
#[test]
fn early_mini_frames_bring_one_vnak() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    for low in 0..1000 {
        let mini = client.mini(low, &[0; 160]);
        client.deliver(&mut bench, &mini);
    }
    assert_eq!(client.words(), ["VNAK"]);
    assert!(voices(&bench).is_empty());
    client.send(
        &mut bench,
        Body::Voice {
            format: Format::ULAW,
            data: &[0],
        },
    );
    let mini = client.mini(1020, &[0; 160]);
    client.deliver(&mut bench, &mini);
    assert_eq!(voices(&bench).len(), 2);
}

/// X-FRM-5: a format that is not known is acknowledged and dropped; what follows is delivered.
#[test]
fn an_unknown_format_does_not_stall_the_call() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let unknown = Format::from_bit(50).unwrap();
    assert!(unknown.name().is_none());
    client.send(
        &mut bench,
        Body::Voice {
            format: unknown,
            data: &[0],
        },
    );
    client.send(&mut bench, Body::Text(b"after"));
    assert_eq!(client.words(), ["ACK", "ACK"]);
    assert!(voices(&bench).is_empty());
    assert!(matches!(bench.events.last(), Some(Event::Text { .. })));
}

/// RFC 5456 §6.4.4, §6.4.5: silence while quelched, mini frames again afterwards.
#[test]
fn quelch_stops_our_audio() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let speak = |bench: &mut Bench| {
        let before = bench.sent.len();
        bench.until(bench.now.as_secs() as f64 - 999.0);
        let call = bench.call();
        bench
            .endpoint
            .send_voice(bench.now, call, &[0; 160])
            .unwrap();
        bench.drain();
        bench.sent[before..]
            .iter()
            .map(|(_, _, octets)| octets.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(speak(&mut bench), [172]);
    client.take(&mut bench);
    client.ack(&mut bench);
    client.send_iax(&mut bench, IaxCommand::Quelch, &[]);
    assert!(speak(&mut bench).is_empty());
    client.send_iax(&mut bench, IaxCommand::Unquelch, &[]);
    assert_eq!(speak(&mut bench), [164]);
}

/// X-MISC-3: after 49.7 days the time-stamp starts over and the call goes on.
#[test]
fn audio_survives_the_wrap_of_the_time_stamp() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    client.timestamp = u32::MAX - 25;
    client.send(
        &mut bench,
        Body::Voice {
            format: Format::ULAW,
            data: &[0],
        },
    );
    for low in [65_535, 19] {
        let mini = client.mini(low, &[0]);
        client.deliver(&mut bench, &mini);
    }
    assert_eq!(voices(&bench), [u32::MAX - 20, u32::MAX, 19]);
}
