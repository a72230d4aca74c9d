//! What the checkers know of calls that a server places goes red where it is broken: made-up stories, each with one step that must
//! not happen, and the same without it.

use std::net::SocketAddr;

use iaxproof::engine::directory::{Contact, Generation, QueryId, Reachability};
use iaxproof::engine::event::{CallId, EndReason, Event};
use iaxproof::engine::settings::Name;
use iaxproof::engine::{Calling, Error};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, Control, Format, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements, SeqNo, Timestamp,
};
use iaxproof_sim::checkers::Checker;
use iaxproof_sim::checkers::bounded::{Bounded, OPENERS_MAX};
use iaxproof_sim::checkers::call_ends::CallEnds;
use iaxproof_sim::checkers::delivered_in_order::DeliveredInOrder;
use iaxproof_sim::checkers::numbers_conserved::NumbersConserved;
use iaxproof_sim::checkers::reachable::Reachable;
use iaxproof_sim::fact::{Beside, ContactSeen, Fact, Limits, Mark, Passage, Taken};
use iaxproof_sim::plan::Actor;
use iaxproof_sim::trace::digest;

use crate::story::{CLIENT, SERVER, at, call, client, number, server};

fn frame(source: u16, destination: u16, oseqno: u8, body: Body<'_>) -> Vec<u8> {
    let frame = FullFrame {
        source: number(source),
        destination: number(destination),
        retransmission: false,
        timestamp: Timestamp(5),
        oseqno: SeqNo(oseqno),
        iseqno: SeqNo(0),
        body,
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

fn plain(source: u16, destination: u16, oseqno: u8, command: IaxCommand) -> Vec<u8> {
    let ies = InformationElements::EMPTY;
    frame(source, destination, oseqno, Body::Iax { command, ies })
}

/// A NEW of the server with this token.
fn new(token: &[u8]) -> Vec<u8> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CallToken(token));
    let body = Body::Iax {
        command: IaxCommand::New,
        ies: ies.view(),
    };
    frame(7, 0, 0, body)
}

/// Shows a datagram of the client as it arrives, or one of the server as it leaves.
fn pass<C: Checker>(
    checker: &mut C,
    now: Instant,
    from: Actor,
    octets: &[u8],
) -> Result<(), String> {
    let address = |is_server| if is_server { server() } else { client() };
    let passage = Passage {
        from,
        to: Some(if from == SERVER { CLIENT } else { SERVER }),
        source: address(from == SERVER),
        destination: address(from != SERVER),
        datagram: octets,
        frame: Frame::parse(octets).ok(),
        is_sealed: false,
        mark: Mark::Plain,
    };
    let fact = match from {
        SERVER => Fact::Sent(passage),
        _ => Fact::Arrived(passage),
    };
    checker.observe(now, &fact)
}

fn tell<C: Checker>(checker: &mut C, event: &Event) -> Result<(), String> {
    checker.observe(at(1), &Fact::Told { server: 0, event })
}

fn dial<C: Checker>(checker: &mut C, outcome: Result<Calling, Error>) -> Result<(), String> {
    dial_beside(checker, outcome, Beside::Nobody)
}

fn dial_beside<C: Checker>(
    checker: &mut C,
    outcome: Result<Calling, Error>,
    beside: Beside,
) -> Result<(), String> {
    let fact = Fact::Dialled {
        server: 0,
        account: 1,
        outcome,
        beside,
    };
    checker.observe(at(1), &fact)
}

fn limits() -> Limits {
    Limits {
        pool: 100,
        dialogues_max: 10,
        quarantine_max: 20,
        registrations_max: 30,
        events_max: 40,
        outstanding_max: 5,
        queue_max: 6,
    }
}

fn ended() -> Event {
    Event::Ended {
        call: call(),
        reason: EndReason::NoAnswer,
    }
}

fn accepted() -> Event {
    Event::Accepted {
        call: call(),
        format: Format::ULAW,
    }
}

/// What is told of a call that was placed, one event after another.
fn told(events: &[Event]) -> bool {
    let mut checker = CallEnds::default();
    dial(&mut checker, Ok(Calling::Call(call()))).expect("a call may be placed");
    let mut told = events.iter().map(|event| tell(&mut checker, event));
    told.all(|result| result.is_ok())
}

#[test]
fn call_ends_sees_a_call_that_ends_twice_is_answered_twice_or_speaks_too_early() {
    let answered = Event::Answered { call: call() };
    let ringing = Event::Control {
        call: call(),
        control: Control::Ringing,
        data: Vec::new(),
    };
    let whole = [accepted(), ringing.clone(), answered.clone(), ended()];
    assert!(told(&whole));
    assert!(!told(&[ended(), ended()]));
    assert!(!told(core::slice::from_ref(&answered)));
    assert!(!told(&[accepted(), answered.clone(), answered]));
    assert!(!told(core::slice::from_ref(&ringing)));
    assert!(!told(&[accepted(), ended(), ringing]));
}

/// The same of a call that the application is asked about.
#[test]
fn call_ends_sees_a_call_that_is_offered_twice_or_speaks_before_it_is() {
    let told = |events: &[Event]| {
        let mut checker = CallEnds::default();
        let mut told = events.iter().map(|event| tell(&mut checker, event));
        told.all(|result| result.is_ok())
    };
    let (from, format, serial) = (client(), Format::ULAW, 0);
    let user = Name::new("alice").expect("a name of the test");
    let number = "echo".to_owned();
    let requested = Event::Requested {
        call: call(),
        from,
        user: user.clone(),
        number: number.clone(),
        format,
        serial,
    };
    let incoming = Event::Incoming {
        call: call(),
        from,
        user,
        number,
        format,
        serial,
    };
    let text = Event::Text {
        call: call(),
        text: b"hello".to_vec(),
    };
    assert!(told(&[
        requested.clone(),
        incoming.clone(),
        text.clone(),
        ended()
    ]));
    assert!(told(&[requested.clone(), ended()]));
    assert!(!told(&[requested.clone(), incoming.clone(), incoming]));
    assert!(!told(&[requested.clone(), text]));
    assert!(!told(&[requested, ended(), ended()]));
}

#[test]
fn call_ends_sees_a_call_or_a_question_that_nobody_hears_of_again() {
    let at_rest = |calling, events: &[Event]| {
        let mut checker = CallEnds::default();
        dial(&mut checker, Ok(calling)).unwrap();
        for event in events {
            tell(&mut checker, event).unwrap();
        }
        let counts = Default::default();
        let fact = Fact::AtRest {
            server: 0,
            counts: &counts,
            references: None,
        };
        checker.observe(at(1), &fact).is_ok()
    };
    let query = QueryId(5);
    let answer = |call| Event::Called { query, call };
    assert!(at_rest(Calling::Call(call()), &[ended()]));
    assert!(!at_rest(Calling::Call(call()), &[]));
    let asked = Calling::Asked(query);
    assert!(at_rest(asked, &[answer(Err(Error::UnknownPeer))]));
    assert!(at_rest(asked, &[answer(Ok(call())), ended()]));
    assert!(!at_rest(asked, &[]));
    assert!(!at_rest(asked, &[answer(Ok(call()))]));
}

/// Two calls are bridged and one ends; how the other stands at this time.
fn bridged(is_apart: bool, ends: &[u64], now: u64) -> Result<(), String> {
    counted(&mut bridged_until(is_apart, ends)?, now)
}

fn bridged_until(is_apart: bool, ends: &[u64]) -> Result<CallEnds, String> {
    let other = CallId::new(number(8), 2);
    let mut checker = CallEnds::default();
    for call in [call(), other] {
        dial(&mut checker, Ok(Calling::Call(call)))?;
    }
    let calls = [call(), other];
    checker.observe(at(1), &Fact::Bridged { server: 0, calls })?;
    if is_apart {
        let (server, call) = (0, other);
        checker.observe(at(1), &Fact::Unbridged { server, call })?;
    }
    for (seconds, call) in ends.iter().zip(calls) {
        let reason = EndReason::NoAnswer;
        let event = &Event::Ended { call, reason };
        checker.observe(at(*seconds), &Fact::Told { server: 0, event })?;
    }
    Ok(checker)
}

fn counted(checker: &mut CallEnds, now: u64) -> Result<(), String> {
    let (counts, limits) = (Default::default(), limits());
    let fact = Fact::Counted {
        server: 0,
        worker: 0,
        counts: &counts,
        limits: &limits,
    };
    checker.observe(at(now), &fact)
}

#[test]
fn call_ends_sees_a_call_that_outlives_the_one_that_it_was_bridged_to() {
    assert_eq!(bridged(false, &[], 100), Ok(()));
    assert_eq!(bridged(false, &[2], 14), Ok(()));
    assert!(bridged(false, &[2], 15).is_err());
    assert_eq!(bridged(false, &[2, 3], 100), Ok(()));
    assert_eq!(bridged(true, &[2], 100), Ok(()));
}

#[test]
fn call_ends_lets_a_worker_that_stood_still_deal_with_what_fell_due_and_no_longer() {
    // The job that stalled was taken up in time; the next one has the time at which it was over.
    let judged = |late: u64, taken_up: u64| {
        let mut checker = bridged_until(false, &[2])?;
        checker.observe(at(late), &Fact::Late { server: 0 })?;
        counted(&mut checker, taken_up)
    };
    assert_eq!(judged(16, 13), Ok(()));
    assert_eq!(judged(16, 16), Ok(()));
    assert!(judged(16, 17).is_err());
    assert!(judged(14, 15).is_err());
}

#[test]
fn delivered_in_order_sees_a_bridged_text_twice_too_early_and_made_up() {
    let read = |texts: &[&str]| {
        let mut checker = DeliveredInOrder::default();
        let mut facts = texts.iter().map(|text| {
            let fact = Fact::Read {
                client: 1,
                local: number(9),
                text: text.as_bytes(),
            };
            checker.observe(at(1), &fact)
        });
        facts.all(|result| result.is_ok())
    };
    assert!(read(&["text 0\0", "text 1", "text 3"]));
    assert!(!read(&["text 0", "text 0"]));
    assert!(!read(&["text 2", "text 1"]));
    assert!(!read(&["tex"]));
}

#[test]
fn bounded_does_not_count_a_request_of_ours_and_limits_its_repeats() {
    let mut checker = Bounded::default();
    for _ in 0..OPENERS_MAX {
        pass(&mut checker, at(1), SERVER, &new(b"")).unwrap();
    }
    assert!(pass(&mut checker, at(1), SERVER, &new(b"")).is_err());
    // Of another call it may go out again.
    tell(&mut checker, &ended()).unwrap();
    assert_eq!(pass(&mut checker, at(1), SERVER, &new(b"")), Ok(()));
    // Whatever else goes there is counted.
    let ping = plain(7, 9, 1, IaxCommand::Ping);
    assert!(pass(&mut checker, at(1), SERVER, &ping).is_err());
}

#[test]
fn bounded_takes_an_answer_to_a_request_of_ours_for_a_proof() {
    let ping = plain(7, 9, 1, IaxCommand::Ping);
    for (answered, is_proven) in [(7, true), (8, false)] {
        let mut checker = Bounded::default();
        pass(&mut checker, at(1), SERVER, &new(b"")).unwrap();
        let answer = plain(9, answered, 0, IaxCommand::Ack);
        pass(&mut checker, at(1), CLIENT, &answer).unwrap();
        let sent = (0..9).map(|_| pass(&mut checker, at(1), SERVER, &ping));
        assert_eq!(sent.filter(Result::is_err).count() == 0, is_proven);
    }
}

#[test]
fn numbers_conserved_lets_a_dialogue_of_ours_learn_the_other_number_once() {
    let ping = |theirs| plain(7, theirs, 1, IaxCommand::Ping);
    let mut checker = NumbersConserved::default();
    pass(&mut checker, at(1), SERVER, &new(b"")).unwrap();
    pass(&mut checker, at(2), SERVER, &new(b"token")).unwrap();
    // What came out of order is acknowledged, whoever sent it.
    let ack = plain(7, 8, 1, IaxCommand::Ack);
    pass(&mut checker, at(2), SERVER, &ack).unwrap();
    pass(&mut checker, at(3), SERVER, &ping(9)).unwrap();
    pass(&mut checker, at(3), SERVER, &new(b"token")).unwrap();
    assert!(pass(&mut checker, at(4), SERVER, &ping(10)).is_err());
}

#[test]
fn numbers_conserved_sees_a_number_dialled_again_within_a_minute() {
    for (later, holds) in [(59, false), (60, true)] {
        let mut checker = NumbersConserved::default();
        pass(&mut checker, at(1), SERVER, &new(b"")).unwrap();
        tell(&mut checker, &ended()).unwrap();
        let again = pass(&mut checker, at(1 + later), SERVER, &new(b""));
        assert_eq!(again.is_ok(), holds, "after {later} s");
    }
    // Nor may a call take the number of a registration.
    let mut checker = NumbersConserved::default();
    let answer = plain(7, 3, 0, IaxCommand::RegAck);
    pass(&mut checker, at(1), SERVER, &answer).unwrap();
    assert!(pass(&mut checker, at(2), SERVER, &new(b"")).is_err());
}

fn take(checker: &mut DeliveredInOrder, octets: &[u8]) -> Result<(), String> {
    take_at(checker, client(), octets)
}

fn take_at(checker: &mut DeliveredInOrder, taker: SocketAddr, octets: &[u8]) -> Result<(), String> {
    let frame = FullFrame::parse(octets).expect("it was encoded from a frame");
    let taken = Taken {
        taker,
        local: number(9),
        sender: server(),
        remote: frame.source,
        digest: digest(&frame),
    };
    checker.observe(at(3), &Fact::Took(taken))
}

#[test]
fn delivered_in_order_begins_with_any_of_our_requests_and_goes_on_behind_it() {
    let next = plain(7, 9, 1, IaxCommand::Ping);
    let story = |order: &[&[u8]]| {
        let mut checker = DeliveredInOrder::default();
        for octets in [&new(b""), &new(b"token"), &next] {
            pass(&mut checker, at(1), SERVER, octets).unwrap();
        }
        let mut took = order.iter().map(|octets| take(&mut checker, octets));
        took.all(|result| result.is_ok())
    };
    assert!(story(&[&new(b"token"), &next]));
    assert!(story(&[&new(b""), &next]));
    assert!(!story(&[&new(b"never sent"), &next]));
    assert!(!story(&[&next]));
    assert!(!story(&[&new(b"token"), &new(b"token")]));
}

#[test]
fn delivered_in_order_says_nothing_of_a_dialogue_that_a_client_took_along_to_where_its_number_is_used_again()
 {
    let elsewhere = SocketAddr::new(client().ip(), 4_570);
    let next = plain(7, 9, 1, IaxCommand::Hangup);
    let story = |is_called_here: bool, is_called_there: bool| {
        let mut checker = DeliveredInOrder::default();
        pass(&mut checker, at(1), SERVER, &new(b"")).unwrap();
        if is_called_here {
            take(&mut checker, &new(b"")).unwrap();
        }
        if is_called_there {
            send_to(&mut checker, elsewhere, &new(b"token"));
        }
        send_to(&mut checker, elsewhere, &next);
        take_at(&mut checker, elsewhere, &next).is_ok()
    };
    assert!(story(true, true));
    // The server sends what is of one dialogue to another address.
    assert!(!story(true, false));
    // The first frame of the only dialogue that there is was left out.
    assert!(!story(false, true));
}

/// The server sends the client something, to where it is now.
fn send_to(checker: &mut DeliveredInOrder, destination: SocketAddr, octets: &[u8]) {
    let passage = Passage {
        from: SERVER,
        to: Some(CLIENT),
        source: server(),
        destination,
        datagram: octets,
        frame: Frame::parse(octets).ok(),
        is_sealed: false,
        mark: Mark::Plain,
    };
    let sent = checker.observe(at(2), &Fact::Sent(passage));
    assert_eq!(sent, Ok(()));
}

/// A call to a peer that registered at this address with this deadline.
fn called(contact: SocketAddr, deadline: Instant, outcome: Result<Calling, Error>) -> Reachable {
    let mut checker = Reachable::default();
    let seen = ContactSeen {
        account: 1,
        contact: Some(Contact {
            address: contact,
            deadline: Some(deadline),
            generation: Generation(1),
        }),
        reachability: Reachability::Unknown,
        is_found_by_address: true,
    };
    let contacts = Fact::Contacts {
        server: 0,
        contacts: &[seen],
    };
    checker
        .observe(at(0), &contacts)
        .expect("a contact may be seen");
    dial(&mut checker, outcome).expect("the call may be placed");
    checker
}

#[test]
fn registration_kept_sees_a_call_that_goes_elsewhere_than_to_the_contact() {
    let placed = Ok(Calling::Call(call()));
    let mut checker = called(client(), at(60), placed);
    assert_eq!(pass(&mut checker, at(1), SERVER, &new(b"")), Ok(()));
    let mut checker = called(server(), at(60), placed);
    assert!(pass(&mut checker, at(1), SERVER, &new(b"")).is_err());
}

#[test]
fn registration_kept_sees_a_registered_peer_that_cannot_be_called() {
    let unknown = Err(Error::UnknownPeer);
    let mut checker = called(client(), at(60), unknown);
    assert!(dial(&mut checker, Err(Error::NoContact)).is_err());
    let mut checker = called(client(), at(1), unknown);
    assert_eq!(dial(&mut checker, Err(Error::NoContact)), Ok(()));
    // Who only brings contacts takes none away; of what else is under way nothing is known.
    let mut checker = called(client(), at(60), unknown);
    let no_contact = Err(Error::NoContact);
    assert_eq!(
        dial_beside(&mut checker, no_contact, Beside::Anything),
        Ok(())
    );
    assert!(dial_beside(&mut checker, no_contact, Beside::Contacts).is_err());
}
