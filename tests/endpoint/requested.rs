//! Calls that the application is asked about before they are accepted: what it does not know is refused by REJECT, as chan_iax2
//! refuses what its dial plan does not have.

use crate::bench::*;
use iaxproof::catalog::Answer;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::General;
use iaxproof::engine::{CallId, EndReason, EndpointOptions, Error, Event};
use iaxproof::wire::{Body, Cause, IaxCommand, InformationElement, InformationElements};

fn bench() -> Bench {
    bench_with(false)
}

fn bench_with(realtime: bool) -> Bench {
    let options = EndpointOptions {
        asks_application: true,
        ..EndpointOptions::default()
    };
    Bench::with(options, General::default(), realtime)
}

/// The call that the application was asked about last.
fn requested(bench: &Bench) -> CallId {
    let call = bench.events.iter().rev().find_map(|event| match event {
        Event::Requested { call, .. } => Some(*call),
        _ => None,
    });
    call.expect("the application is asked")
}

fn is_offered(bench: &Bench) -> bool {
    let mut events = bench.events.iter();
    events.any(|event| matches!(event, Event::Incoming { .. }))
}

fn reject(client: &Client) -> InformationElements<'_> {
    match client.last().body {
        Body::Iax {
            command: IaxCommand::Reject,
            ies,
        } => ies,
        body => panic!("{body} instead of REJECT"),
    }
}

/// A call of `alice` that waits for the application.
fn asking(bench: &mut Bench) -> Client {
    let mut client = Client::new(1, 500);
    client.new_call(bench, "alice", "100");
    client.authrep(bench, "wonder");
    client
}

#[test]
fn an_authenticated_call_is_accepted_and_offered_when_the_application_takes_it() {
    let mut bench = bench();
    let mut client = asking(&mut bench);
    assert_eq!(client.words(), ["AUTHREQ", "ACK"]);
    assert!(!is_offered(&bench));
    let call = requested(&bench);
    assert!(bench.endpoint.ring(bench.now, call).is_err());
    assert!(bench.endpoint.answer(bench.now, call).is_err());
    bench.endpoint.accept(bench.now, call).unwrap();
    bench.drain();
    client.take(&mut bench);
    assert_eq!(client.words(), ["ACCEPT"]);
    assert!(is_offered(&bench));
    assert!(matches!(
        bench.endpoint.accept(bench.now, call),
        Err(Error::WrongState { .. })
    ));
}

#[test]
fn an_extension_that_the_application_does_not_know_is_refused_with_cause_3_and_never_accepted() {
    let mut bench = bench();
    let mut client = asking(&mut bench);
    let call = requested(&bench);
    let cause = Cause::NO_ROUTE_DESTINATION;
    bench.endpoint.hangup(bench.now, call, cause).unwrap();
    bench.drain();
    client.take(&mut bench);
    assert_eq!(reject(&client).cause_code(), Some(cause));
    let words = reject(&client).cause();
    assert_eq!(words, Some(&b"No such context/extension"[..]));
    assert_eq!(client.words(), ["AUTHREQ", "ACK", "REJECT"]);
    client.received.clear();
    bench.until(30.0);
    client.take(&mut bench);
    let again = client.words();
    assert!(again.iter().all(|word| word == "REJECT"), "{again:?}");
    bench.until(60.0);
    assert!(!is_offered(&bench));
    let ended = Event::Ended {
        call,
        reason: EndReason::LocalHangup,
    };
    assert_eq!(bench.events.last(), Some(&ended));
    bench.assert_at_rest();
}

/// X-CALL-1: the application says that there is such an extension, and hears no more until the caller has proved its address.
#[test]
fn a_call_without_a_secret_is_accepted_at_once_and_offered_when_the_address_is_proven() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "open", "100");
    let call = requested(&bench);
    bench.endpoint.accept(bench.now, call).unwrap();
    bench.drain();
    client.take(&mut bench);
    assert_eq!(client.words(), ["ACK", "ACCEPT"]);
    assert!(!is_offered(&bench));
    assert!(bench.endpoint.answer(bench.now, call).is_err());
    client.received.push(bench.sent.last().unwrap().2.clone());
    client.ack(&mut bench);
    assert!(is_offered(&bench));
}

/// An application that never says anything does not hold a call number for ever.
#[test]
fn a_call_that_nobody_decides_about_is_refused_after_a_minute() {
    let mut bench = bench();
    let mut client = asking(&mut bench);
    let call = requested(&bench);
    for second in 1..60 {
        bench.until(f64::from(second));
        client.take(&mut bench);
        // PING and LAGRQ want their acknowledgement.
        client.ack(&mut bench);
    }
    assert!(!client.words().contains(&"REJECT".to_owned()));
    bench.until(60.1);
    client.take(&mut bench);
    let cause = reject(&client).cause_code();
    assert_eq!(cause, Some(Cause::TEMPORARY_FAILURE));
    assert!(bench.endpoint.accept(bench.now, call).is_err());
    client.ack(&mut bench);
    bench.assert_at_rest();
}

#[test]
fn a_caller_that_goes_while_the_application_thinks_is_gone() {
    let mut bench = bench();
    let mut client = asking(&mut bench);
    let call = requested(&bench);
    client.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    let ended = Event::Ended {
        call,
        reason: EndReason::RemoteHangup(None),
    };
    assert_eq!(bench.events.last(), Some(&ended));
    let late = bench.endpoint.accept(bench.now, call);
    assert_eq!(late, Err(Error::NoSuchCall(call)));
    bench.assert_at_rest();
}

/// What the user's settings do not allow is refused without asking.
#[test]
fn the_application_is_not_asked_about_what_the_settings_refuse() {
    for (number, capability) in [("101", None), ("100", Some(1 << 1))] {
        let mut bench = bench();
        let mut client = Client::new(1, 500);
        let mut ies = new_call("alice", number);
        ies.extend(capability.map(InformationElement::Capability));
        if let Some(mask) = capability {
            ies[3] = InformationElement::Format(mask);
            ies.retain(|ie| *ie != InformationElement::Capability(6));
        }
        client.open(&mut bench, IaxCommand::New, &ies);
        client.authrep(&mut bench, "wonder");
        reject(&client);
        let mut events = bench.events.iter();
        assert!(!events.any(|event| matches!(event, Event::Requested { .. })));
    }
}

/// Whether there is such a peer: at once where the directory knows, and by an event where the database was asked.
#[test]
fn peers_are_looked_for_before_a_call_is_accepted() {
    let mut bench = bench();
    assert_eq!(bench.endpoint.look_for_peer("alice"), Ok(None));
    let nobody = bench.endpoint.look_for_peer("nobody");
    assert_eq!(nobody, Err(Error::UnknownPeer));

    let mut bench = bench_with(true);
    let query = bench.endpoint.look_for_peer("row").unwrap().unwrap();
    let directory = bench.endpoint.directory();
    let question = directory.poll_question().unwrap();
    assert_eq!((question.id, question.role), (query, Role::Peer));
    directory.answer(question.id, Answer::Absent, bench.now);
    bench.endpoint.handle_answer(bench.now, query);
    bench.drain();
    let found = Err(Error::UnknownPeer);
    let event = Event::LookedFor { query, found };
    assert_eq!(bench.events.last(), Some(&event));
}
