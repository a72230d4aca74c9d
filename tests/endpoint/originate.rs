//! Calls that we place (RFC 5456 §6.2, Figure 2): tokens, challenges, what ends them.

use core::time::Duration;

use crate::bench::{Bench, Client, address, entries, entry};
use crate::net_bench::Net;
use iaxproof::catalog::Answer;
use iaxproof::engine::settings::{Configuration, General, Secret, Settings};
use iaxproof::engine::{CallId, Calling, Dial, EndReason, Error, Event};
use iaxproof::engine::{EndpointOptions, directory::Role};
use iaxproof::wire::{
    AuthMethods, Body, CallNumber, Cause, Control, Format, Frame, FullFrame, IaxCommand,
    InformationElement, SeqNo,
};

/// Where the other side is.
const CALLEE: u8 = 9;

fn dial() -> Dial {
    Dial {
        username: Some("alice".to_owned()),
        secrets: vec![Secret::new("wonder")],
        ..Dial::new(address(CALLEE), "100")
    }
}

/// A call that is placed, and the side that it is placed to.
fn placed(dial: Dial) -> (Bench, Client, CallId) {
    let mut bench = Bench::new();
    let call = bench.endpoint.call(bench.now, dial).expect("placed");
    bench.drain();
    let mut callee = Client::new(CALLEE, 777);
    callee.take(&mut bench);
    let first = FullFrame::parse(&callee.received[0]).expect("NEW");
    (callee.destination, callee.iseqno) = (first.source, SeqNo(1));
    (bench, callee, call)
}

/// CALLTOKEN as chan_iax2 sends it: from call number 1, both counters as of nobody.
fn call_token(callee: &Client, source: u16, token: &[u8]) -> Vec<u8> {
    let mut stateless = Client::new(CALLEE, source);
    (stateless.destination, stateless.iseqno) = (callee.destination, SeqNo(1));
    stateless.iax(
        IaxCommand::CallToken,
        &[InformationElement::CallToken(token)],
    )
}

fn accept(bench: &mut Bench, callee: &mut Client) {
    let format = InformationElement::Format(Format::ULAW.mask() as u32);
    callee.send_iax(bench, IaxCommand::Accept, &[format]);
}

fn ended(bench: &Bench) -> Option<EndReason> {
    bench.events.iter().find_map(|event| match event {
        Event::Ended { reason, .. } => Some(*reason),
        _ => None,
    })
}

/// X-TOK-1, X-TOK-2, X-SEQ-6, X-SEQ-8: the empty token is last, and the request with the token starts over at 1 ms or later.
#[test]
fn a_call_is_placed_with_a_token_authenticated_answered_and_hung_up() {
    let (mut bench, mut callee, call) = placed(dial());
    let token = call_token(&callee, 1, b"t");
    callee.deliver(&mut bench, &token);
    callee.send_iax(
        &mut bench,
        IaxCommand::AuthReq,
        &[
            InformationElement::AuthMethods(AuthMethods::MD5),
            InformationElement::Challenge(b"159541092"),
            InformationElement::Username(b"alice"),
        ],
    );
    accept(&mut bench, &mut callee);
    for control in [Control::Ringing, Control::Answer] {
        callee.send(&mut bench, Body::Control { control, data: &[] });
    }
    let spoken = bench.endpoint.send_voice(bench.now, call, &[0x7f; 4]);
    assert_eq!(spoken, Ok(()));
    bench.drain();
    callee.take(&mut bench);
    let hung_up = bench
        .endpoint
        .hangup(bench.now, call, Cause::NORMAL_CLEARING);
    assert_eq!(hung_up, Ok(()));
    bench.drain();
    callee.take(&mut bench);
    callee.ack(&mut bench);
    insta::assert_snapshot!(bench.ladder);
    bench.assert_at_rest();
}

/// X-TOK-3, X-TOK-8, X-TOK-11: the source of a CALLTOKEN says nothing, its octets come back unchanged, and each token
/// has the NEW sent once.
#[test]
fn each_token_is_answered_once_from_whatever_source() {
    let (mut bench, mut callee, _) = placed(dial());
    let token: Vec<u8> = (0..=254).collect();
    for source in [1, 0, 777] {
        let octets = call_token(&callee, source, &token);
        callee.received.clear();
        callee.deliver(&mut bench, &octets);
        let expected = usize::from(source == 1);
        assert_eq!(callee.received.len(), expected, "from {source}");
        if source == 1 {
            let resent = callee.last();
            assert_eq!((resent.oseqno, resent.iseqno), (SeqNo(0), SeqNo(0)));
            assert_eq!(resent.destination, CallNumber::ZERO);
            let Body::Iax { ies, .. } = resent.body else {
                panic!("NEW should come again");
            };
            assert_eq!(ies.call_token(), Some(token.as_slice()));
        }
    }
    for i in 0..100u8 {
        let octets = call_token(&callee, 1, &[i, 1, 2]);
        callee.deliver(&mut bench, &octets);
    }
    assert_eq!(bench.times(address(CALLEE), IaxCommand::New).len(), 5);
}

/// X-TOK-14: once the call has an answer, a CALLTOKEN resets nothing.
#[test]
fn a_token_after_the_first_answer_changes_nothing() {
    let (mut bench, mut callee, _) = placed(dial());
    accept(&mut bench, &mut callee);
    for source in [1, 777] {
        let octets = call_token(&callee, source, b"late");
        callee.deliver(&mut bench, &octets);
    }
    assert_eq!(bench.times(address(CALLEE), IaxCommand::New).len(), 1);
}

/// X-CALL-8: REJECT from call number 1 is the answer, and is acknowledged there.
#[test]
fn a_stateless_reject_ends_the_call() {
    let (mut bench, mut callee, _) = placed(dial());
    let mut stateless = Client::new(CALLEE, 1);
    (stateless.destination, stateless.iseqno) = (callee.destination, SeqNo(1));
    let reject = stateless.iax(IaxCommand::Reject, &[]);
    callee.received.clear();
    callee.deliver(&mut bench, &reject);
    assert_eq!(ended(&bench), Some(EndReason::RemoteHangup(None)));
    assert_eq!(callee.last().destination, CallNumber::STATELESS);
    assert_eq!(callee.words(), ["ACK"]);
    bench.assert_at_rest();
}

/// A token that opened a dialogue is refused when it is repeated late: that refusal is not the call's (iax2 §5.2).
#[test]
fn a_stateless_reject_after_the_first_answer_is_not_ours() {
    let (mut bench, mut callee, _) = placed(dial());
    accept(&mut bench, &mut callee);
    let mut stateless = Client::new(CALLEE, 1);
    (stateless.destination, stateless.iseqno) = (callee.destination, SeqNo(1));
    let reject = stateless.iax(IaxCommand::Reject, &[]);
    callee.deliver(&mut bench, &reject);
    assert_eq!(ended(&bench), None);
    assert_eq!(bench.counts().dropped.misaddressed, 1);
}

/// X-NUM-6: the first answer binds; who answers from another number, or from another address, is not heard.
#[test]
fn the_first_answer_binds_the_call() {
    let (mut bench, mut callee, _) = placed(dial());
    let mut stranger = Client::new(8, 777);
    stranger.destination = callee.destination;
    accept(&mut bench, &mut stranger);
    assert!(bench.events.is_empty());
    accept(&mut bench, &mut callee);
    let mut orphan = Client::new(CALLEE, 778);
    (orphan.destination, orphan.iseqno) = (callee.destination, SeqNo(1));
    orphan.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert_eq!(ended(&bench), None);
    callee.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert_eq!(ended(&bench), Some(EndReason::RemoteHangup(None)));
    bench.assert_at_rest();
}

/// Nothing was received that could be repeated, so nothing is acknowledged to whoever says so.
#[test]
fn a_first_answer_with_a_number_of_the_past_is_not_acknowledged() {
    let (mut bench, mut callee, _) = placed(dial());
    callee.oseqno = SeqNo(200);
    callee.received.clear();
    accept(&mut bench, &mut callee);
    assert_eq!(callee.words(), Vec::<String>::new());
    assert!(bench.events.is_empty());
}

/// A frame from number 0 is nobody's, but an INVAL built from our NEW has it (iax2 §7.6).
#[test]
fn an_inval_without_a_number_ends_the_call_and_nothing_else_from_there_counts() {
    let (mut bench, callee, _) = placed(dial());
    let mut nobody = Client::new(CALLEE, 0);
    nobody.destination = callee.destination;
    let format = InformationElement::Format(Format::ULAW.mask() as u32);
    let octets = nobody.iax(IaxCommand::Accept, &[format]);
    bench.deliver(address(CALLEE), &octets);
    assert!(bench.events.is_empty());
    let octets = nobody.iax(IaxCommand::Inval, &[]);
    bench.deliver(address(CALLEE), &octets);
    assert_eq!(ended(&bench), Some(EndReason::Invalidated));
    bench.assert_at_rest();
}

/// X-SEQ-9.
#[test]
fn an_unanswered_new_is_given_up_at_32_s() {
    let (mut bench, _, _) = placed(dial());
    bench.until(31.9);
    assert_eq!(
        bench.times(address(CALLEE), IaxCommand::New),
        [0.0, 2.0, 12.0, 22.0]
    );
    assert_eq!(ended(&bench), None);
    bench.until(32.0);
    assert_eq!(ended(&bench), Some(EndReason::Unreachable));
    bench.assert_at_rest();
}

#[test]
fn a_token_that_grew_old_is_asked_for_again() {
    let (mut bench, mut callee, _) = placed(dial());
    let token = call_token(&callee, 1, b"t");
    callee.deliver(&mut bench, &token);
    bench.until(50.0);
    callee.take(&mut bench);
    let tokens: Vec<Vec<u8>> = callee
        .received
        .iter()
        .map(|octets| match FullFrame::parse(octets).expect("NEW").body {
            Body::Iax { ies, .. } => ies.call_token().expect("a token").to_vec(),
            other => panic!("only NEW goes out, not {other}"),
        })
        .collect();
    let (none, some): (Vec<u8>, Vec<u8>) = (Vec::new(), b"t".to_vec());
    let expected = [&none, &some, &some, &none, &none, &none, &none];
    assert!(tokens.iter().eq(expected), "{tokens:?}");
    assert_eq!(ended(&bench), Some(EndReason::Unreachable));
    bench.assert_at_rest();
}

/// Only the opener is sent anew for its token's sake: what an answered call sends again is what it sent.
#[test]
fn a_call_that_is_answered_never_starts_over() {
    let (mut bench, mut callee, call) = placed(dial());
    let token = call_token(&callee, 1, b"t");
    callee.deliver(&mut bench, &token);
    accept(&mut bench, &mut callee);
    assert_eq!(bench.endpoint.send_text(bench.now, call, "hello"), Ok(()));
    bench.until(31.0);
    assert_eq!(bench.times(address(CALLEE), IaxCommand::New).len(), 2);
    assert_eq!(ended(&bench), None);
    bench.until(33.0);
    assert_eq!(ended(&bench), Some(EndReason::Unreachable));
}

/// X-CALL-2: any frame of the other side ends the wait.
#[test]
fn a_call_that_nothing_answers_is_given_up_here() {
    let impatient = || Dial {
        answer_wait: Some(Duration::from_secs(4)),
        ..dial()
    };
    let (mut bench, _, _) = placed(impatient());
    bench.until(20.0);
    assert_eq!(ended(&bench), Some(EndReason::NoAnswer));
    bench.assert_at_rest();

    let (mut bench, mut callee, _) = placed(impatient());
    callee.ack(&mut bench);
    bench.until(20.0);
    assert_eq!(ended(&bench), None);
}

#[test]
fn a_call_that_is_never_accepted_is_given_up_after_a_minute() {
    let (mut bench, mut callee, _) = placed(dial());
    // All that comes is acknowledged, and nothing is said.
    for second in 1..=60 {
        assert_eq!(ended(&bench), None, "second {second}");
        callee.take(&mut bench);
        for octets in core::mem::take(&mut callee.received) {
            callee.received = vec![octets];
            callee.ack(&mut bench);
        }
        callee.received.clear();
        bench.until(f64::from(second));
    }
    bench.until(80.0);
    assert_eq!(ended(&bench), Some(EndReason::NoAnswer));
    bench.assert_at_rest();
}

#[test]
fn a_challenge_that_cannot_be_answered_hangs_up() {
    let challenges = [
        (AuthMethods::MD5, Vec::new()),
        (AuthMethods::RSA, vec![Secret::new("wonder")]),
        (AuthMethods::PLAINTEXT, vec![Secret::new("wonder")]),
    ];
    for (methods, secrets) in challenges {
        let (mut bench, mut callee, _) = placed(Dial { secrets, ..dial() });
        callee.received.clear();
        callee.send_iax(
            &mut bench,
            IaxCommand::AuthReq,
            &[
                InformationElement::AuthMethods(methods),
                InformationElement::Challenge(b"159541092"),
            ],
        );
        assert_eq!(callee.words(), ["HANGUP"], "{methods:?}");
        bench.until(40.0);
        assert_eq!(ended(&bench), Some(EndReason::Unauthenticated));
        bench.assert_at_rest();
    }
}

#[test]
fn an_accept_with_a_format_that_we_cannot_do_is_rejected() {
    for mask in [
        0,
        Format::GSM.mask(),
        Format::ULAW.mask() | Format::ALAW.mask(),
    ] {
        let (mut bench, mut callee, _) = placed(dial());
        callee.received.clear();
        let format = InformationElement::Format(mask as u32);
        callee.send_iax(&mut bench, IaxCommand::Accept, &[format]);
        assert_eq!(callee.words(), ["REJECT"], "{mask:#x}");
        bench.until(60.0);
        assert_eq!(ended(&bench), Some(EndReason::NoFormat));
        bench.assert_at_rest();
    }
}

#[test]
fn a_call_that_is_hung_up_before_any_answer_ends_with_its_linger() {
    let (mut bench, mut callee, call) = placed(dial());
    let hangup = bench
        .endpoint
        .hangup(bench.now, call, Cause::NORMAL_CLEARING);
    assert_eq!(hangup, Ok(()));
    bench.drain();
    assert_eq!(bench.times(address(CALLEE), IaxCommand::Hangup), []);
    // The answer that was on its way brings the number that HANGUP goes to.
    accept(&mut bench, &mut callee);
    assert_eq!(bench.times(address(CALLEE), IaxCommand::Hangup), [0.0]);
    bench.until(40.0);
    assert_eq!(ended(&bench), Some(EndReason::LocalHangup));
    bench.assert_at_rest();
}

#[test]
fn who_places_a_call_does_not_ring_or_answer_it() {
    let (mut bench, mut callee, call) = placed(dial());
    accept(&mut bench, &mut callee);
    assert!(matches!(
        bench.endpoint.answer(bench.now, call),
        Err(Error::WrongState {
            command: "answer",
            ..
        })
    ));
    assert!(matches!(
        bench.endpoint.ring(bench.now, call),
        Err(Error::WrongState {
            command: "ring",
            ..
        })
    ));
}

#[test]
fn a_dial_that_no_frame_can_say_is_refused() {
    let mut bench = Bench::new();
    let long = Dial::new(address(CALLEE), &"1".repeat(80));
    let refused = bench.endpoint.call(bench.now, long);
    assert_eq!(refused, Err(Error::TooLong { len: 80, max: 79 }));
    let mute = Dial {
        capability: iaxproof::wire::FormatSet::EMPTY,
        ..dial()
    };
    assert_eq!(bench.endpoint.call(bench.now, mute), Err(Error::NoFormat));
    bench.assert_at_rest();
}

fn joined() -> Net {
    let fixed = |name, last| Settings {
        host: iaxproof::engine::settings::Host::Fixed(address(last)),
        username: Some("alice".to_owned()),
        ..entry(Role::Peer, name, "wonder")
    };
    let mut net = Net::new();
    let general = General::default();
    let mut all = entries();
    all.push(fixed("callee", 2));
    net.add(
        "caller",
        1,
        Configuration {
            general: general.clone(),
            entries: all,
        },
    );
    net.add(
        "callee",
        2,
        Configuration {
            general,
            entries: entries(),
        },
    );
    net
}

#[test]
fn two_endpoints_call_talk_and_hang_up() {
    let mut net = joined();
    let placed = net.at("caller", |now, caller| {
        caller.call_peer(now, "callee", "100")
    });
    let Ok(Calling::Call(call)) = placed else {
        panic!("the peer is known: {placed:?}");
    };
    net.pass(Duration::from_millis(200));
    let incoming = net
        .node("callee")
        .events
        .iter()
        .find_map(|event| match event {
            Event::Incoming { call, .. } => Some(*call),
            _ => None,
        });
    let there = incoming.expect("the call is offered");
    net.at("callee", |now, callee| callee.ring(now, there))
        .expect("rings");
    net.at("callee", |now, callee| callee.answer(now, there))
        .expect("answers");
    net.pass(Duration::from_millis(50));
    assert!(
        net.node("caller")
            .events
            .contains(&Event::Answered { call })
    );
    for _ in 0..3 {
        net.at("caller", |now, caller| {
            caller.send_voice(now, call, b"hello")
        })
        .expect("talks");
        net.pass(Duration::from_millis(20));
    }
    net.at("callee", |now, callee| {
        callee.hangup(now, there, Cause::USER_BUSY)
    })
    .expect("hangs up");
    net.pass(Duration::from_secs(1));
    let reason = EndReason::RemoteHangup(Some(Cause::USER_BUSY));
    assert!(
        net.node("caller")
            .events
            .contains(&Event::Ended { call, reason })
    );
    let heard = net
        .node("callee")
        .events
        .iter()
        .filter(|e| matches!(e, Event::Voice { .. }));
    assert_eq!(heard.count(), 3);
    insta::assert_snapshot!(net.ladder);
}

#[test]
fn a_peer_that_is_nowhere_or_unknown_is_not_called() {
    let mut bench = Bench::new();
    let call = |bench: &mut Bench, name| bench.endpoint.call_peer(bench.now, name, "100");
    assert_eq!(call(&mut bench, "nobody"), Err(Error::UnknownPeer));
    assert_eq!(call(&mut bench, "alice"), Err(Error::NoContact));
    bench.assert_at_rest();
}

#[test]
fn a_registered_peer_is_called_where_it_is() {
    let mut bench = Bench::new();
    let mut phone = Client::new(3, 50);
    phone.register(&mut bench, "alice", "wonder", 60);
    phone.ack(&mut bench);
    let placed = bench.endpoint.call_peer(bench.now, "alice", "100");
    assert!(matches!(placed, Ok(Calling::Call(_))), "{placed:?}");
    bench.drain();
    assert_eq!(bench.times(address(3), IaxCommand::New), [0.0]);
}

#[test]
fn a_peer_of_the_database_is_called_when_the_answer_comes() {
    let mut bench = Bench::with(EndpointOptions::default(), General::default(), true);
    let placed = bench.endpoint.call_peer(bench.now, "alice", "100");
    let Ok(Calling::Asked(query)) = placed else {
        panic!("the database should be asked: {placed:?}");
    };
    let question = bench
        .endpoint
        .directory()
        .poll_question()
        .expect("a question");
    assert_eq!(question.id, query);
    bench
        .endpoint
        .directory()
        .answer(query, Answer::Absent, bench.now);
    bench.endpoint.handle_answer(bench.now, query);
    bench.drain();
    let call = Err(Error::UnknownPeer);
    assert_eq!(bench.events, [Event::Called { query, call }]);
}

/// The sender's last word is kept: what is queued behind NEW goes out with the first answer (X-TOK-13).
#[test]
fn no_signal_goes_out_before_the_first_answer() {
    let (mut bench, mut callee, call) = placed(dial());
    assert!(bench.endpoint.send_text(bench.now, call, "early").is_err());
    accept(&mut bench, &mut callee);
    assert_eq!(bench.endpoint.send_text(bench.now, call, "now"), Ok(()));
    bench.drain();
    callee.take(&mut bench);
    let last = Frame::parse(callee.received.last().expect("a frame"));
    assert!(matches!(
        last,
        Ok(Frame::Full(FullFrame {
            body: Body::Text(_),
            ..
        }))
    ));
}
