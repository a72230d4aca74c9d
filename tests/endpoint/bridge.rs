//! Two calls bridged: what comes on one goes out on the other.

use core::time::Duration;

use crate::bench::*;
use crate::three_bench::Three;
use iaxproof::engine::settings::TransferPolicy;
use iaxproof::engine::{CallId, EndReason, Error, Event};
use iaxproof::wire::{
    Body, Cause, Control, Digit, Format, Frame, FullFrame, IaxCommand, InformationElement,
};

const ULAW: Format = Format::ULAW;

/// Two calls from two addresses, bridged.
fn joined(bench: &mut Bench) -> [(Client, CallId); 2] {
    let pair = [(1, 500), (2, 600)].map(|(last, source)| {
        let client = Client::linked(bench, last, source);
        (client, bench.call())
    });
    let [(_, a), (_, b)] = &pair;
    bench.endpoint.bridge(bench.now, *a, *b).expect("bridged");
    pair
}

fn voice(data: &[u8]) -> Body<'_> {
    Body::Voice { format: ULAW, data }
}

/// The times of the audio that left for this address; a mini frame's are its low 16 bits.
fn times(bench: &Bench, to: &Client) -> Vec<(bool, u32)> {
    let time = |octets: &[u8]| match Frame::parse(octets).expect("a frame") {
        Frame::Full(frame) => {
            let is_voice = matches!(frame.body, Body::Voice { .. });
            is_voice.then_some((true, frame.timestamp.0))
        }
        Frame::Mini(mini) => Some((false, u32::from(mini.timestamp()))),
        _ => None,
    };
    let to_them = bench.sent.iter().filter(|(_, whom, _)| *whom == to.address);
    to_them.filter_map(|(_, _, octets)| time(octets)).collect()
}

/// Whatever moment a piece arrives, it is as far from the last as its sender meant; the first says the format.
#[test]
fn audio_goes_over_with_its_own_steps() {
    let mut bench = Bench::new();
    let [(mut a, _), (b, _)] = joined(&mut bench);
    bench.until(1.0);
    a.timestamp = 40_000;
    a.send(&mut bench, voice(&[1; 160]));
    for (at, low) in [
        (1.025, 40_025),
        (1.09, 40_045),
        (1.09, 40_065),
        (1.1, 40_085),
    ] {
        bench.until(at);
        let mini = a.mini(low, &[2; 160]);
        a.deliver(&mut bench, &mini);
    }
    let expected = [
        (true, 1000),
        (false, 1020),
        (false, 1040),
        (false, 1060),
        (false, 1080),
    ];
    assert_eq!(times(&bench, &b), expected);
    let is_audio = |event: &Event| matches!(event, Event::Voice { .. });
    assert!(!bench.events.iter().any(is_audio), "nobody else hears it");
}

/// A clock that leaves ours by more than 160 ms is followed no longer, and full frames never go back (RFC 5456 §7).
#[test]
fn a_wild_clock_is_compared_anew() {
    let mut bench = Bench::new();
    let [(mut a, _), (b, _)] = joined(&mut bench);
    bench.until(1.0);
    a.timestamp = 40_000;
    a.send(&mut bench, voice(&[1; 160]));
    for (at, low) in [(1.5, 40_020), (1.52, 40_040), (1.54, 9), (1.56, 29)] {
        bench.until(at);
        let mini = a.mini(low, &[2; 160]);
        a.deliver(&mut bench, &mini);
    }
    let expected = [
        (true, 1000),
        (false, 1500),
        (false, 1520),
        (false, 1540),
        (false, 1560),
    ];
    assert_eq!(times(&bench, &b), expected);
}

/// A piece that the network brought late keeps its own time.
#[test]
fn a_late_piece_keeps_its_time() {
    let mut bench = Bench::new();
    let [(mut a, _), (b, _)] = joined(&mut bench);
    bench.until(1.0);
    a.send(&mut bench, voice(&[1; 160]));
    let start = a.timestamp as u16;
    for late in [20, 60, 40] {
        let mini = a.mini(start + late, &[2; 160]);
        a.deliver(&mut bench, &mini);
    }
    let minis = [(false, 1020), (false, 1060), (false, 1040)];
    assert_eq!(times(&bench, &b)[1..], minis);
}

/// Digits, text and signals go over, and the application hears of them; what only means something to its own side stays.
#[test]
fn digits_text_and_signals_go_over() {
    let mut bench = Bench::new();
    let [(mut a, call), (mut b, _)] = joined(&mut bench);
    let five = Digit::new(b'5').expect("a digit");
    let signal = |control| Body::Control {
        control,
        data: b"class",
    };
    a.send(&mut bench, Body::DtmfBegin(five));
    a.send(&mut bench, Body::DtmfEnd(five));
    a.send(&mut bench, Body::Text(b"hello"));
    a.send(&mut bench, signal(Control::Hold));
    a.send(&mut bench, signal(Control::Option));
    b.take(&mut bench);
    assert_eq!(
        b.words(),
        [
            "DTMF begin 5",
            "DTMF end 5",
            "TEXT \"hello\\x00\"",
            "CONTROL HOLD, 5 octets"
        ]
    );
    assert!(bench.events.contains(&Event::Dtmf { call, digit: five }));
}

/// Another format than the agreed one stays here: the other side could not play it.
#[test]
fn another_format_is_not_passed_on() {
    let mut bench = Bench::new();
    let [(mut a, _), (b, _)] = joined(&mut bench);
    let (format, data) = (Format::GSM, &[1; 33][..]);
    a.send(&mut bench, Body::Voice { format, data });
    assert!(times(&bench, &b).is_empty());
    assert_eq!(bench.counts().dropped.leg_messages, 1);
}

/// AST-2007-014: what is too long for a frame of ours is not sent, whoever brings it.
#[test]
fn what_is_too_long_is_not_passed_on() {
    let mut bench = Bench::new();
    let [(mut a, _), (mut b, _)] = joined(&mut bench);
    let long = vec![7; 60_000];
    a.send(&mut bench, voice(&long));
    a.send(&mut bench, Body::Text(&long));
    let mini = a.mini(40, &long);
    a.deliver(&mut bench, &mini);
    b.take(&mut bench);
    assert!(b.words().is_empty());
    assert_eq!(bench.counts().dropped.leg_messages, 3);
}

/// The end of one is the end of the other, with its cause, and both are told.
#[test]
fn who_hangs_up_hangs_up_both() {
    let mut bench = Bench::new();
    let [(mut a, first), (mut b, second)] = joined(&mut bench);
    let busy = [InformationElement::CauseCode(Cause::USER_BUSY)];
    a.send_iax(&mut bench, IaxCommand::Hangup, &busy);
    b.take(&mut bench);
    let Body::Iax { command, ies } = b.last().body else {
        panic!("HANGUP should come");
    };
    let got = (command, ies.cause_code());
    assert_eq!(got, (IaxCommand::Hangup, Some(Cause::USER_BUSY)));
    b.ack(&mut bench);
    let ended = |call, reason| Event::Ended { call, reason };
    let remote = EndReason::RemoteHangup(Some(Cause::USER_BUSY));
    assert!(bench.events.contains(&ended(first, remote)));
    assert!(
        bench
            .events
            .contains(&ended(second, EndReason::LocalHangup))
    );
    bench.until(60.0);
    bench.assert_at_rest();
}

/// So is a hang-up of ours, at once, and silence: cause 27.
#[test]
fn our_hangup_and_silence_end_both() {
    let mut bench = Bench::new();
    let [(mut a, _), (mut b, second)] = joined(&mut bench);
    let cause = Cause::CALL_REJECTED;
    bench
        .endpoint
        .hangup(bench.now, second, cause)
        .expect("lives");
    bench.drain();
    a.take(&mut bench);
    b.take(&mut bench);
    assert_eq!(
        (a.words(), b.words()),
        (vec!["HANGUP".into()], vec!["HANGUP".into()])
    );

    let mut bench = Bench::new();
    let [(mut a, _), (mut b, _)] = joined(&mut bench);
    for secs in 1..80 {
        bench.until(f64::from(secs));
        a.take(&mut bench);
        if a.received
            .iter()
            .any(|octets| FullFrame::parse(octets).is_ok())
        {
            a.received.retain(|octets| FullFrame::parse(octets).is_ok());
            a.ack(&mut bench);
        }
        a.received.clear();
        b.take(&mut bench);
    }
    let sent = bench.sent.iter().filter(|(_, to, _)| *to == a.address);
    let causes: Vec<_> = sent
        .filter_map(|(_, _, octets)| match FullFrame::parse(octets).ok()?.body {
            Body::Iax {
                command: IaxCommand::Hangup,
                ies,
            } => ies.cause_code(),
            _ => None,
        })
        .collect();
    assert_eq!(causes, [Cause::DESTINATION_OUT_OF_ORDER]);
}

#[test]
fn what_cannot_be_bridged_is_refused() {
    let mut bench = Bench::new();
    let [(_, a), (_, b)] = joined(&mut bench);
    let now = bench.now;
    Client::linked(&mut bench, 3, 700);
    let c = bench.call();
    assert_eq!(bench.endpoint.bridge(now, a, c), Err(Error::Bridged(a)));
    assert_eq!(bench.endpoint.bridge(now, c, b), Err(Error::Bridged(b)));
    assert_eq!(bench.endpoint.bridge(now, c, c), Err(Error::Bridged(c)));
    assert_eq!(bench.endpoint.unbridge(now, c), Err(Error::NotBridged(c)));
    let gone = CallId::new(number(9), 9);
    assert_eq!(
        bench.endpoint.bridge(now, c, gone),
        Err(Error::NoSuchCall(gone))
    );
    let mut other = Client::new(4, 800);
    let mut ies = new_call("alice", "100");
    ies[3] = InformationElement::Format(Format::ALAW.mask() as u32);
    ies[4] = InformationElement::Capability(Format::ALAW.mask() as u32);
    other.open(&mut bench, IaxCommand::New, &ies);
    other.authrep(&mut bench, "wonder");
    let d = bench.call();
    assert_eq!(
        bench.endpoint.bridge(now, c, d),
        Err(Error::FormatsDiffer(c, d))
    );
    bench
        .endpoint
        .hangup(now, c, Cause::NORMAL_CLEARING)
        .expect("lives");
    let refused = bench.endpoint.bridge(now, c, d);
    assert!(matches!(refused, Err(Error::WrongState { .. })));
}

/// Taken apart, both go on, and the application hears them again.
#[test]
fn unbridged_calls_go_their_own_ways() {
    let mut bench = Bench::new();
    let [(mut a, _), (mut b, second)] = joined(&mut bench);
    bench.endpoint.unbridge(bench.now, second).expect("bridged");
    a.send(&mut bench, voice(&[1; 160]));
    assert!(times(&bench, &b).is_empty());
    assert!(matches!(bench.events.last(), Some(Event::Voice { .. })));
    a.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    b.take(&mut bench);
    assert!(b.words().is_empty());
    assert_eq!(bench.counts().calls, 1);
}

/// A call through a third: it rings, is answered, is heard and ends from end to end.
#[test]
fn a_call_through_the_middle_is_like_one() {
    let mut three = Three::bridged(TransferPolicy::Refused);
    let right = three.right;
    three
        .net
        .at("right", |now, it| it.ring(now, right))
        .expect("rings");
    three.net.pass(Duration::from_millis(50));
    three.answer();
    three.talk(10);
    three.hang_up_left();
    three.net.pass(Duration::from_secs(1));
    let left = three.left;
    assert!(three.told("left", |event| *event == Event::Answered { call: left }));
    let ringing = |event: &Event| {
        matches!(
            event,
            Event::Control {
                control: Control::Ringing,
                ..
            }
        )
    };
    assert!(three.told("left", ringing));
    for node in ["left", "right"] {
        let heard = three.heard(node);
        assert_eq!(heard.len(), 10);
        assert!(
            heard.windows(2).all(|pair| pair[1] - pair[0] == 20),
            "{heard:?}"
        );
    }
    let (call, reason) = (right, EndReason::RemoteHangup(Some(Cause::USER_BUSY)));
    assert!(three.told("right", |event| *event == Event::Ended { call, reason }));
    assert!(three.heard("middle").is_empty());
}
