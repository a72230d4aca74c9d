//! Signals within a call, both ways: CONTROL, digits, text, silence (RFC 5456 §6.3, §6.4, §8.2; X-FRM-1, X-FRM-6 to X-FRM-8,
//! X-MISC-1, X-MISC-2).

use crate::bench::*;
use iaxproof::engine::{CallId, EndReason, Error, Event};
use iaxproof::wire::InformationElement as Ie;
use iaxproof::wire::{
    Body, Cause, Control, Digit, Format, Frame, FullFrame, Html, IaxCommand, NoiseLevel,
};

fn linked() -> (Bench, Client, CallId) {
    let mut bench = Bench::new();
    let client = Client::linked(&mut bench, 1, 500);
    let call = bench.call();
    bench.events.clear();
    (bench, client, call)
}

/// The only event since the last time, if there is one.
fn told(bench: &mut Bench) -> Option<Event> {
    let events = core::mem::take(&mut bench.events);
    assert!(events.len() <= 1, "{events:?}");
    events.into_iter().next()
}

fn digit(digit: u8) -> Digit {
    Digit::new(digit).expect("a digit")
}

/// The signals of chan_iax2's allow-list, but OPTION, CONNECTED LINE and REDIRECTING.
const PASSING: [u8; 22] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 24, 28, 30, 31, 0xff,
];

/// X-FRM-1, X-FRM-6: every subclass is acknowledged, none brings UNSUPPORT, and what may pass becomes an event with its data.
/// ANSWER counts from the called side alone.
#[test]
fn every_control_is_acknowledged_and_those_that_may_pass_are_told() {
    let (mut bench, mut client, call) = linked();
    for octet in 0..=255 {
        let control = Control::from_octet(octet);
        let data = &b"jazz"[..];
        client.send(&mut bench, Body::Control { control, data });
        assert_eq!(client.words(), ["ACK"], "{control}");
        let passes = PASSING.contains(&control.octet()) && control != Control::Answer;
        let data = data.to_vec();
        let event = passes.then_some(Event::Control {
            call,
            control,
            data,
        });
        assert_eq!(told(&mut bench), event, "{octet:#x}");
    }
    assert_eq!(bench.counts().calls, 1);
}

/// The same list holds for what we send; RINGING and ANSWER are the commands of those names.
#[test]
fn what_may_not_pass_is_not_sent() {
    for octet in 0..=0x7f {
        let (mut bench, mut client, call) = linked();
        let control = Control::from_octet(octet);
        let sent = bench
            .endpoint
            .send_control(bench.now, call, control, b"jazz");
        bench.drain();
        client.take(&mut bench);
        let words = client.words();
        match PASSING.contains(&octet) {
            false => {
                assert_eq!(sent, Err(Error::ControlRefused { control }));
                assert!(words.is_empty());
            }
            // Nothing was held.
            true if control == Control::Unhold => assert!(sent.is_ok() && words.is_empty()),
            true => {
                assert_eq!(sent, Ok(()), "{control}");
                assert!(
                    words[0].starts_with(&format!("CONTROL {control}")),
                    "{words:?}"
                );
            }
        }
    }
}

/// RFC 5456 §6.4.2, §6.4.3: HOLD carries its class, and UNHOLD goes out once for it (CVE-2012-2947: none is as good).
#[test]
fn hold_and_unhold_go_in_pairs() {
    let (mut bench, mut client, call) = linked();
    for (control, class) in [
        (Control::Unhold, &b""[..]),
        (Control::Hold, b"jazz"),
        (Control::Unhold, b""),
        (Control::Unhold, b""),
        (Control::Hold, b""),
    ] {
        let sent = bench.endpoint.send_control(bench.now, call, control, class);
        assert_eq!(sent, Ok(()));
    }
    bench.drain();
    client.take(&mut bench);
    let words = ["CONTROL HOLD, 4 octets", "CONTROL UNHOLD", "CONTROL HOLD"];
    assert_eq!(client.words(), words);
    let control = Control::Hold;
    client.send(&mut bench, Body::Control { control, data: &[] });
    let data = Vec::new();
    let event = Event::Control {
        call,
        control,
        data,
    };
    assert_eq!(told(&mut bench), Some(event));
}

/// `send_control` is where a call is answered, too: the state follows.
#[test]
fn answering_by_signal_is_answering() {
    let (mut bench, _client, call) = linked();
    let mut send = |control| bench.endpoint.send_control(bench.now, call, control, &[]);
    assert_eq!(send(Control::Ringing), Ok(()));
    assert_eq!(send(Control::Answer), Ok(()));
    assert!(matches!(
        send(Control::Ringing),
        Err(Error::WrongState { .. })
    ));
    assert!(matches!(
        send(Control::Answer),
        Err(Error::WrongState { .. })
    ));
}

/// X-FRM-7: 0x0c begins a digit, 0x01 ends it, both ways.
#[test]
fn digits_begin_and_end() {
    let (mut bench, mut client, call) = linked();
    let five = digit(b'5');
    client.send(&mut bench, Body::DtmfBegin(five));
    let begin = Event::DtmfBegin { call, digit: five };
    assert_eq!(told(&mut bench), Some(begin));
    client.send(&mut bench, Body::DtmfEnd(five));
    assert_eq!(told(&mut bench), Some(Event::Dtmf { call, digit: five }));
    client.received.clear();
    let hash = digit(b'#');
    bench
        .endpoint
        .send_dtmf_begin(bench.now, call, hash)
        .expect("begins");
    bench
        .endpoint
        .send_dtmf(bench.now, call, hash)
        .expect("ends");
    bench.drain();
    client.take(&mut bench);
    assert_eq!(client.words(), ["DTMF begin #", "DTMF end #"]);
}

/// RFC 5456 §8.2.7: text goes out with its NUL, and comes to the application without.
#[test]
fn text_travels_with_its_nul() {
    let (mut bench, mut client, call) = linked();
    for (sent, expected) in [
        (&b"hello\0"[..], &b"hello"[..]),
        (b"hello", b"hello"),
        (b"hello\0\0", b"hello\0"),
        (b"", b""),
        (b"\xff\0", b"\xff"),
    ] {
        client.send(&mut bench, Body::Text(sent));
        let text = expected.to_vec();
        assert_eq!(told(&mut bench), Some(Event::Text { call, text }));
    }
    bench
        .endpoint
        .send_text(bench.now, call, "hello")
        .expect("sent");
    bench.drain();
    client.take(&mut bench);
    assert_eq!(client.last().body, Body::Text(b"hello\0"));
}

/// RFC 5456 §6.4.4, §8.6.25: MUSICONHOLD with a class, without one, and none at all; UNQUELCH at once.
#[test]
fn silence_that_is_asked_for_is_told() {
    let (mut bench, mut client, call) = linked();
    let cases: [(&[Ie<'_>], Option<Vec<u8>>); 3] = [
        (&[], None),
        (&[Ie::MusicOnHold(b"")], Some(Vec::new())),
        (&[Ie::MusicOnHold(b"jazz")], Some(b"jazz".to_vec())),
    ];
    for (ies, music) in cases {
        client.send_iax(&mut bench, IaxCommand::Quelch, ies);
        assert_eq!(told(&mut bench), Some(Event::Quelched { call, music }));
        client.send_iax(&mut bench, IaxCommand::Unquelch, &[]);
        assert_eq!(told(&mut bench), Some(Event::Unquelched { call }));
        assert_eq!(client.words(), ["ACK", "ACK"]);
    }
}

/// RFC 5456 §6.4.4, §6.4.5: QUELCH goes out with or without music, UNQUELCH only behind one.
#[test]
fn silence_is_asked_for_and_taken_back_once() {
    let (mut bench, mut client, call) = linked();
    let now = bench.now;
    bench.endpoint.unquelch(now, call).expect("nothing to do");
    for music in [None, Some(""), Some("jazz")] {
        bench.endpoint.quelch(now, call, music).expect("asked");
        bench.endpoint.unquelch(now, call).expect("taken back");
        bench.endpoint.unquelch(now, call).expect("nothing to do");
    }
    let long = "x".repeat(256);
    let refused = bench.endpoint.quelch(now, call, Some(&long));
    assert_eq!(refused, Err(Error::TooLong { len: 256, max: 255 }));
    bench.drain();
    client.take(&mut bench);
    let music: Vec<_> = client
        .received
        .iter()
        .filter_map(|octets| match FullFrame::parse(octets).ok()?.body {
            Body::Iax {
                command: IaxCommand::Quelch,
                ies,
            } => Some(ies.music_on_hold().map(<[u8]>::to_vec)),
            _ => None,
        })
        .collect();
    assert_eq!(music, [None, Some(Vec::new()), Some(b"jazz".to_vec())]);
    let pair = ["QUELCH", "UNQUELCH"];
    assert_eq!(client.words(), [pair, pair, pair].as_flattened());
}

/// RFC 5456 §6.4.4: before ACCEPT nobody asks for silence, signals or digits, and nothing that comes counts (X-FRM-8).
#[test]
fn signals_need_a_started_call() {
    let mut bench = Bench::new();
    let call = bench
        .endpoint
        .call(bench.now, iaxproof::engine::Dial::new(address(9), "100"));
    let (call, now, five) = (call.expect("placed"), bench.now, digit(b'5'));
    let endpoint = &mut bench.endpoint;
    for refused in [
        endpoint.quelch(now, call, None),
        endpoint.unquelch(now, call),
        endpoint.send_dtmf_begin(now, call, five),
        endpoint.send_control(now, call, Control::Hold, &[]),
        endpoint.send_control(now, call, Control::Unhold, &[]),
        endpoint.send_voice_as(now, call, Format::ULAW, &[]),
    ] {
        assert!(
            matches!(refused, Err(Error::WrongState { .. })),
            "{refused:?}"
        );
    }
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    client.received.clear();
    client.send_iax(&mut bench, IaxCommand::Quelch, &[]);
    client.send(&mut bench, Body::DtmfBegin(five));
    assert_eq!(client.words(), ["ACK", "ACK"]);
    assert!(bench.events.is_empty());
}

/// RFC 5456 §8.2.8 to §8.2.10, X-FRM-6: what nobody here can use is acknowledged and dropped, and so are frame types without a
/// meaning.
#[test]
fn pictures_pages_and_noise_are_acknowledged_and_dropped() {
    let (mut bench, mut client, _) = linked();
    let (format, data, html) = (Format::PNG, &b"x"[..], Html::Url);
    let noise = NoiseLevel::new(40).expect("a level");
    let meaningless = [0x00, 0x0d, 0x11, 0x40].map(|kind| Body::from_parts(kind, 1, b"x"));
    let bodies = [
        Body::Image { format, data },
        Body::Html { html, data },
        Body::ComfortNoise(noise),
        Body::Null,
    ];
    for body in bodies.into_iter().chain(meaningless.into_iter().flatten()) {
        client.send(&mut bench, body);
        assert_eq!(client.words(), ["ACK"], "{body}");
        assert_eq!(told(&mut bench), None);
    }
}

/// RFC 5456 §6.9.5, X-MISC-1 (measured with Asterisk 22.10.1): IAX UNKNOWN names what was not understood, a C-coded subclass by
/// its value cut to eight bits; UNSUPPORT itself is acknowledged. TRANSFER is not understood either: it would let the called
/// side dial (RFC 5456 §6.4.6).
#[test]
fn what_is_not_understood_is_named() {
    let (mut bench, mut client, _) = linked();
    for (octet, reported) in [
        (0x00, 0x00),
        (0x1f, 0x1f),
        (0x20, 0x20),
        (0x22, 0x22),
        (0x27, 0x27),
        (0x29, 0x29),
        (0x2e, 0x2e),
        (0x3f, 0x3f),
        (0x7f, 0x7f),
        (0x85, 0x20),
        (0x8a, 0x00),
        (0xff, 0xff),
    ] {
        client.send_iax(&mut bench, IaxCommand::from_octet(octet), &[]);
        let Body::Iax { command, ies } = client.last().body else {
            panic!("UNSUPPORT should come");
        };
        let answer = (command, ies.iax_unknown());
        assert_eq!(
            answer,
            (IaxCommand::Unsupport, Some(reported)),
            "{octet:#x}"
        );
    }
    client.received.clear();
    client.send_iax(&mut bench, IaxCommand::Unsupport, &[Ie::IaxUnknown(0x1c)]);
    assert_eq!(client.words(), ["ACK"]);
    assert_eq!(bench.counts().calls, 1);
}

/// X-CALL-9: whatever the other side, yate for one, says that it cannot do, the call goes on; and where it then ends the call, that is all.
#[test]
fn a_call_outlives_each_unsupport_and_ends_when_the_other_side_ends_it() {
    use IaxCommand::{
        Dial, DpRep, DpReq, Hangup, Mwi, Provision, Transfer, TxAcc, TxCnt, TxMedia, TxReady,
        TxRej, TxRel, TxReq, Unsupport,
    };
    let (mut bench, mut client, call) = linked();
    for command in [
        Transfer, TxReady, TxReq, TxCnt, TxAcc, TxRel, TxRej, TxMedia, DpReq, DpRep, Dial, Mwi,
        Provision,
    ] {
        client.received.clear();
        let unknown = Ie::IaxUnknown(command.octet());
        client.send_iax(&mut bench, Unsupport, &[unknown]);
        assert_eq!(client.words(), ["ACK"], "{command}");
        assert_eq!(told(&mut bench), None, "{command}");
    }
    assert_eq!(bench.counts().calls, 1);
    client.send_iax(&mut bench, Hangup, &[]);
    let reason = EndReason::RemoteHangup(None);
    assert_eq!(told(&mut bench), Some(Event::Ended { call, reason }));
    assert_eq!(bench.counts().calls, 0);
}

/// RFC 5456 §8.1.2: a full VOICE frame switches the format, theirs and ours; mini frames follow in it.
#[test]
fn the_format_changes_within_a_call() {
    let (mut bench, mut client, call) = linked();
    let data = &[1, 2, 3][..];
    for format in [Format::ULAW, Format::GSM, Format::OPUS] {
        client.send(&mut bench, Body::Voice { format, data });
        let low = client.timestamp as u16 + 20;
        let mini = client.mini(low, data);
        client.deliver(&mut bench, &mini);
        let formats = core::mem::take(&mut bench.events)
            .into_iter()
            .map(|event| match event {
                Event::Voice { format, .. } => format,
                other => panic!("{other:?}"),
            });
        assert_eq!(formats.collect::<Vec<_>>(), [format, format]);
    }
    client.received.clear();
    let now = bench.now;
    for format in [None, None, Some(Format::GSM), Some(Format::GSM), None] {
        let sent = match format {
            None => bench.endpoint.send_voice(now, call, data),
            Some(format) => bench.endpoint.send_voice_as(now, call, format, data),
        };
        assert_eq!(sent, Ok(()));
    }
    bench.drain();
    client.take(&mut bench);
    let kinds: Vec<_> = client
        .received
        .iter()
        .map(|octets| match Frame::parse(octets) {
            Ok(Frame::Full(frame)) => frame.body.to_string(),
            _ => "mini".to_owned(),
        })
        .collect();
    let [ulaw, gsm] = ["VOICE ULAW, 3 octets", "VOICE GSM, 3 octets"];
    assert_eq!(kinds, [ulaw, "mini", gsm, "mini", ulaw]);
    bench
        .endpoint
        .hangup(now, call, Cause::NORMAL_CLEARING)
        .expect("hangs up");
}
