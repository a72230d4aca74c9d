//! Answering calls: RFC 5456 §6.2 and the flows of §9.2 and §9.3.

use core::time::Duration;

use crate::bench::*;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Configuration, General};
use iaxproof::engine::{EndpointOptions, Error, Event};
use iaxproof::wire::{Body, Cause, Control, Format, IaxCommand, InformationElement, SeqNo};

/// RFC 5456 §9.3 with authentication: NEW, AUTHREQ, AUTHREP, ACCEPT, RINGING, ANSWER, HANGUP.
#[test]
fn a_call_is_authenticated_rung_answered_and_hung_up() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    client.authrep(&mut bench, "wonder");
    client.ack(&mut bench);
    let call = bench.call();
    bench.endpoint.ring(bench.now, call).unwrap();
    bench.drain();
    client.take(&mut bench);
    client.ack(&mut bench);
    bench.endpoint.answer(bench.now, call).unwrap();
    bench.drain();
    client.take(&mut bench);
    client.ack(&mut bench);
    let cause = [InformationElement::CauseCode(Cause::NORMAL_CLEARING)];
    client.send_iax(&mut bench, IaxCommand::Hangup, &cause);
    insta::assert_snapshot!(bench.ladder);
    bench.assert_at_rest();
}

fn reject_cause(client: &Client) -> Option<Cause> {
    match client.last().body {
        Body::Iax {
            command: IaxCommand::Reject,
            ies,
        } => ies.cause_code(),
        _ => None,
    }
}

/// X-CALL-4: an unknown user is challenged like a known one and refused like a wrong secret.
#[test]
fn wrong_secrets_and_unknown_users_are_refused_alike() {
    let shapes = ["alice", "nobdy"].map(|name| {
        let mut bench = Bench::new();
        let mut client = Client::new(1, 500);
        client.new_call(&mut bench, name, "100");
        client.authrep(&mut bench, "blunder");
        assert_eq!(reject_cause(&client), Some(Cause::FACILITY_NOT_SUBSCRIBED));
        let failed = bench.events.iter();
        assert_eq!(
            failed
                .filter(|event| matches!(event, Event::LoginFailed { .. }))
                .count(),
            1
        );
        let shape = |(_, _, octets): &(_, _, Vec<u8>)| (iax(octets), octets.len());
        bench.sent.iter().map(shape).collect::<Vec<_>>()
    });
    assert_eq!(shapes[0], shapes[1]);
}

/// The challenge is gone after one use: a right answer behind a wrong one comes too late.
#[test]
fn a_challenge_takes_one_answer() {
    let general = General {
        reject_delay: Duration::from_secs(1),
        ..General::default()
    };
    let mut bench = Bench::with(EndpointOptions::default(), general, false);
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    let right = client.result("wonder");
    client.authrep(&mut bench, "blunder");
    client.send_iax(
        &mut bench,
        IaxCommand::AuthRep,
        &[InformationElement::Md5Result(&right)],
    );
    assert_eq!(client.words(), ["AUTHREQ", "ACK", "ACK"]);
    bench.until(1.0);
    client.take(&mut bench);
    assert_eq!(client.words(), ["REJECT"]);
}

#[test]
fn refusals_have_their_causes() {
    let refuse = |name: &str, extension: &str, change: &[InformationElement<'_>]| {
        let mut bench = Bench::new();
        let mut client = Client::new(1, 500);
        let ies = [&new_call(name, extension)[..], change].concat();
        client.open(&mut bench, IaxCommand::New, &ies);
        if !name.is_empty() && reject_cause(&client).is_none() {
            client.authrep(&mut bench, "wonder");
        }
        reject_cause(&client).expect("REJECT should come")
    };
    assert_eq!(refuse("alice", "101", &[]), Cause::NO_ROUTE_DESTINATION);
    let gsm = InformationElement::Capability2(Format::GSM.into());
    assert_eq!(refuse("alice", "100", &[gsm]), Cause::BEARER_UNAVAILABLE);
    let version = InformationElement::Version(3);
    assert_eq!(
        refuse("alice", "100", &[version]),
        Cause::FACILITY_NOT_SUBSCRIBED
    );
}

/// X-CALL-1, CVE-2008-1923: nothing reaches the application, and no media goes out, before the caller has named our number.
#[test]
fn a_call_without_secret_starts_when_the_caller_proves_its_address() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "open", "100");
    assert_eq!(iax(&client.received[0]), Some(IaxCommand::Accept));
    assert!(bench.events.is_empty());
    let ours = client.destination;
    // An ACK and a frame that do not name our number prove nothing.
    client.destination = number(0);
    client.ack(&mut bench);
    client.send_iax(&mut bench, IaxCommand::Ping, &[]);
    client.destination = number(if ours.get() == 9 { 8 } else { 9 });
    client.ack(&mut bench);
    assert!(bench.events.is_empty());
    client.destination = ours;
    client.ack(&mut bench);
    let event = bench.events.last();
    assert!(
        matches!(event, Some(Event::Incoming { number, .. }) if number == "100"),
        "{event:?}"
    );
}

/// A configuration that changes in the middle of a call changes nothing for it (reload-atomic).
#[test]
fn a_call_reads_one_configuration() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    bench.endpoint.directory().reload(Configuration {
        general: General {
            serial: 9,
            ..General::default()
        },
        entries: vec![entry(Role::User, "alice", "changed")],
    });
    client.authrep(&mut bench, "wonder");
    let serials: Vec<_> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Authenticated { serial, .. } | Event::Incoming { serial, .. } => Some(*serial),
            _ => None,
        })
        .collect();
    assert_eq!(serials, [0, 0]);
}

/// X-FRM-8: what comes before the call is started is sequenced, acknowledged and dropped.
#[test]
fn content_before_the_start_is_acknowledged_and_dropped() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    let challenge = client.received.pop().unwrap();
    client.send(&mut bench, Body::Text(b"early"));
    client.send(
        &mut bench,
        Body::Control {
            control: Control::Ringing,
            data: &[],
        },
    );
    assert_eq!(client.words(), ["ACK", "ACK"]);
    client.received.push(challenge);
    client.authrep(&mut bench, "wonder");
    assert!(
        bench
            .events
            .iter()
            .all(|event| !matches!(event, Event::Text { .. }))
    );
    client.send(&mut bench, Body::Text(b"now"));
    assert!(matches!(bench.events.last(), Some(Event::Text { text, .. }) if text == b"now"));
}

#[test]
fn commands_out_of_place_are_errors_that_change_nothing() {
    let mut bench = Bench::new();
    let _client = Client::linked(&mut bench, 1, 500);
    let (call, now) = (bench.call(), bench.now);
    bench.endpoint.answer(now, call).unwrap();
    let before = bench.counts();
    let ring = bench.endpoint.ring(now, call);
    assert!(matches!(
        ring,
        Err(Error::WrongState {
            state: "up",
            command: "ring",
            ..
        })
    ));
    let long = vec![0; 5000];
    let voice = bench.endpoint.send_voice(now, call, &long);
    assert_eq!(
        voice,
        Err(Error::TooLong {
            len: 5000,
            max: 4096
        })
    );
    assert_eq!(bench.counts(), before);
    bench.endpoint.hangup(now, call, Cause::USER_BUSY).unwrap();
    assert!(bench.endpoint.hangup(now, call, Cause::USER_BUSY).is_err());
    bench.until(20.0);
    assert_eq!(
        bench.endpoint.ring(bench.now, call),
        Err(Error::NoSuchCall(call))
    );
}

/// X-IE-10: a NEW with CALLINGANI2, in the four octets that chan_iax2 sends or in another number of them, is a NEW as without.
#[test]
fn a_new_with_callingani2_is_a_new() {
    for data in [&[0, 0, 0, 7][..], &[7], &[0; 8]] {
        let mut bench = Bench::new();
        let mut client = Client::new(1, 500);
        let ani2 = InformationElement::Unknown { code: 57, data };
        let ies = [&new_call("alice", "100")[..], &[ani2]].concat();
        client.open(&mut bench, IaxCommand::New, &ies);
        client.authrep(&mut bench, "wonder");
        assert_eq!(client.words().last().unwrap(), "ACCEPT", "{data:?}");
    }
}

/// X-MISC-1: what is not built here is named, and the call lives on.
#[test]
fn unknown_messages_get_unsupport() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    for octet in [0x00, 0x1f, 0x20, 0x23, 0x24, 0x29, 0x7f] {
        client.send_iax(&mut bench, IaxCommand::from_octet(octet), &[]);
        let Body::Iax { command, ies } = client.last().body else {
            panic!("UNSUPPORT should come");
        };
        assert_eq!(
            (command, ies.iax_unknown()),
            (IaxCommand::Unsupport, Some(octet))
        );
    }
    client.received.clear();
    client.send_iax(&mut bench, IaxCommand::Unsupport, &[]);
    assert_eq!(client.words(), ["ACK"]);
    assert_eq!(bench.counts().calls, 1);
}

/// The same inputs give the same octets.
#[test]
fn two_runs_are_the_same_octet_for_octet() {
    let run = || {
        let mut bench = Bench::new();
        let mut client = Client::linked(&mut bench, 1, 500);
        bench.until(30.0);
        client.take(&mut bench);
        client.oseqno = SeqNo(200);
        client.send_iax(&mut bench, IaxCommand::Ping, &[]);
        bench.until(100.0);
        bench.sent
    };
    assert_eq!(run(), run());
}

/// Challenges, results, tokens and secrets are in no `Debug`.
#[test]
fn secrets_are_not_printed() {
    let general = General {
        reject_delay: Duration::from_secs(1),
        ..General::default()
    };
    let mut bench = Bench::with(EndpointOptions::default(), general, false);
    let mut client = Client::new(1, 500);
    let token = client.token(&mut bench, IaxCommand::New, &[]);
    client.new_call(&mut bench, "alice", "100");
    let Body::Iax { ies, .. } = client.last().body else {
        panic!("AUTHREQ should come");
    };
    let challenge = ies.challenge().expect("a challenge").to_vec();
    let before = format!("{:?}", bench.endpoint);
    let result = client.result("wonder");
    client.authrep(&mut bench, "wonder");
    bench
        .endpoint
        .send_text(bench.now, bench.call(), "hush")
        .unwrap();
    let printed = format!("{before} {:?}", bench.endpoint);
    assert!(
        printed.contains("TEXT") && printed.contains("CallLeg"),
        "{printed}"
    );
    for secret in [&token[..], &challenge, &result, b"wonder"] {
        let as_text = String::from_utf8_lossy(secret).into_owned();
        let as_list = format!("{secret:?}");
        let as_list = as_list.trim_matches(['[', ']']);
        assert!(!printed.contains(&as_text), "{as_text}");
        assert!(!printed.contains(as_list), "{as_text}");
    }
}
