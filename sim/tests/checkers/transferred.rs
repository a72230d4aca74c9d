//! What the checkers know of calls that went over to their ends goes red where it is broken: made-up stories, each with one step that
//! must not happen, and the same without it.

use std::net::SocketAddr;

use iaxproof::engine::Calling;
use iaxproof::engine::event::{CallId, EndReason, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, InformationElements, SeqNo, Timestamp,
};
use iaxproof_sim::checkers::Checker;
use iaxproof_sim::checkers::call_ends::{ALONE, ALONE_RELEASED, CallEnds};
use iaxproof_sim::checkers::delivered_in_order::DeliveredInOrder;
use iaxproof_sim::fact::{Beside, Fact, Limits, Mark, Passage, Taken};
use iaxproof_sim::plan::Actor;
use iaxproof_sim::trace::digest;

const ENDS: [Actor; 2] = [Actor::Client(1), Actor::Client(2)];

fn address(actor: Actor) -> SocketAddr {
    match actor {
        Actor::Client(index) => SocketAddr::from(([192, 0, 2, 10 + index], 4569)),
        Actor::Server(index) => SocketAddr::from(([10, 0, 0, 1 + index], 4569)),
        Actor::Registrar => SocketAddr::from(([198, 51, 100, 1], 4569)),
    }
}

fn text(oseqno: u8) -> Vec<u8> {
    let frame = FullFrame {
        source: CallNumber::from_word(1001),
        destination: CallNumber::from_word(2001),
        retransmission: false,
        timestamp: Timestamp(20 + u32::from(oseqno)),
        oseqno: SeqNo(oseqno),
        iseqno: SeqNo(0),
        body: Body::Text(b"to the other end"),
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

/// The first client sends three texts to the second, which takes these of them.
fn taken(takes: &[u8]) -> Result<(), String> {
    let mut checker = DeliveredInOrder::default();
    for oseqno in 0..3 {
        let datagram = text(oseqno);
        let passage = Passage {
            from: ENDS[0],
            to: Some(ENDS[1]),
            source: address(ENDS[0]),
            destination: address(ENDS[1]),
            datagram: &datagram,
            frame: Frame::parse(&datagram).ok(),
            is_sealed: false,
            mark: Mark::Plain,
        };
        checker.observe(Instant::ZERO, &Fact::Sent(passage))?;
    }
    takes.iter().try_for_each(|oseqno| {
        let datagram = text(*oseqno);
        let frame = FullFrame::parse(&datagram).map_err(|error| error.to_string())?;
        let taken = Taken {
            taker: address(ENDS[1]),
            local: frame.destination,
            sender: address(ENDS[0]),
            remote: frame.source,
            digest: digest(&frame),
        };
        checker.observe(Instant::ZERO, &Fact::Took(taken))
    })
}

#[test]
fn delivered_in_order_follows_what_ends_send_each_other() {
    assert_eq!(taken(&[0, 1, 2]), Ok(()));
    assert_eq!(taken(&[0]), Ok(()), "the rest may still come");
    assert!(taken(&[1]).is_err(), "the first is lost");
    assert!(taken(&[0, 2]).is_err());
    assert!(taken(&[0, 0]).is_err());
}

/// A server sends these in one call, with these sequence numbers.
fn sends(commands: [(IaxCommand, u8); 2]) -> Result<(), String> {
    let server = Actor::Server(0);
    let mut checker = CallEnds::default();
    commands.into_iter().try_for_each(|(command, oseqno)| {
        let frame = FullFrame {
            source: CallNumber::from_word(7),
            destination: CallNumber::from_word(1001),
            retransmission: false,
            timestamp: Timestamp(20),
            oseqno: SeqNo(oseqno),
            iseqno: SeqNo(0),
            body: Body::Iax {
                command,
                ies: InformationElements::EMPTY,
            },
        };
        let passage = Passage {
            from: server,
            to: Some(ENDS[0]),
            source: address(server),
            destination: address(ENDS[0]),
            datagram: &[],
            frame: Some(Frame::Full(frame)),
            is_sealed: false,
            mark: Mark::Plain,
        };
        checker.observe(Instant::ZERO, &Fact::Sent(passage))
    })
}

#[test]
fn call_ends_sees_a_call_go_on_that_was_let_go() {
    use IaxCommand::{Ack, Ping, TxRel, TxReq};
    assert_eq!(sends([(TxReq, 255), (Ping, 0)]), Ok(()));
    assert_eq!(sends([(TxRel, 255), (Ack, 0)]), Ok(()));
    assert_eq!(sends([(TxRel, 255), (TxRel, 255)]), Ok(()));
    let said_before = [(TxRel, 0), (Ping, 255)];
    assert_eq!(sends(said_before), Ok(()), "it was lost");
    assert!(sends([(TxRel, 255), (Ping, 0)]).is_err());
}

/// Of two bridged calls one ends for this reason; how the other stands so many seconds later.
fn alone(reason: EndReason, seconds: u64) -> Result<(), String> {
    let [call, other] = [7, 8].map(|number| {
        let number = CallNumber::from_word(number);
        CallId::new(number, u64::from(number.get()))
    });
    let mut checker = CallEnds::default();
    for call in [call, other] {
        let outcome = Ok(Calling::Call(call));
        let (server, account) = (0, 0);
        let fact = Fact::Dialled {
            server,
            account,
            outcome,
            beside: Beside::Nobody,
        };
        checker.observe(Instant::ZERO, &fact)?;
    }
    let calls = [call, other];
    checker.observe(Instant::ZERO, &Fact::Bridged { server: 0, calls })?;
    let event = &Event::Ended { call, reason };
    checker.observe(Instant::ZERO, &Fact::Told { server: 0, event })?;
    let limits = Limits {
        pool: 100,
        dialogues_max: 100,
        quarantine_max: 100,
        registrations_max: 100,
        events_max: 100,
        outstanding_max: 100,
        queue_max: 100,
    };
    let fact = Fact::Counted {
        server: 0,
        worker: 0,
        counts: &Default::default(),
        limits: &limits,
    };
    checker.observe(Instant::from_secs(seconds), &fact)
}

#[test]
fn call_ends_gives_a_leg_that_was_let_go_as_long_as_its_txrel_is_sent() {
    assert!(alone(EndReason::LocalHangup, ALONE.as_secs() + 1).is_err());
    let (transferred, secs) = (EndReason::Transferred, ALONE_RELEASED.as_secs());
    assert_eq!(alone(transferred, ALONE.as_secs() + 1), Ok(()));
    assert_eq!(alone(transferred, secs), Ok(()));
    assert!(alone(transferred, secs + 1).is_err());
}
