//! The register that callers see goes red where an answer fits no order of what was done: made-up stories of one name, with the lookup
//! before, during and after what changes it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::net::SocketAddr;

use iaxproof::engine::directory::QueryId;
use iaxproof::engine::event::Event;
use iaxproof::engine::{Calling, Error};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement};
use iaxproof::wire::{SeqNo, Timestamp};
use iaxproof_sim::checkers::Checker;
use iaxproof_sim::checkers::linearizable::Linearizable;
use iaxproof_sim::fact::{Beside, Doubt, Fact, Mark, Passage};
use iaxproof_sim::plan::{RowEdit, Topology};

use crate::story::{CLIENT, SERVER, at, call, client, number, server};

/// Where the client is after it has moved.
fn elsewhere() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 99], 4569))
}

fn octets(source: u16, destination: u16, command: IaxCommand) -> Vec<u8> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Username(b"p1"));
    ies.push(InformationElement::Refresh(60));
    let frame = FullFrame {
        source: number(source),
        destination: number(destination),
        retransmission: false,
        timestamp: Timestamp(5),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command,
            ies: ies.view(),
        },
    };
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

/// One name's story, told to the checker.
#[derive(Clone)]
struct Story(Linearizable);

type Told = Result<(), String>;

impl Story {
    fn new() -> Self {
        Story(Linearizable::new(&Topology {
            servers: 1,
            clients: 2,
            ..Topology::default()
        }))
    }

    fn tell(&mut self, now: Instant, fact: &Fact<'_>) -> Told {
        self.0.observe(now, fact)
    }

    /// What comes from this address.
    fn arrives(&mut self, now: u64, from: SocketAddr, source: u16, command: IaxCommand) {
        let octets = octets(source, 0, command);
        let passage = Passage {
            from: CLIENT,
            to: Some(SERVER),
            source: from,
            destination: server(),
            datagram: &octets,
            frame: Frame::parse(&octets).ok(),
            is_sealed: false,
            mark: Mark::Plain,
        };
        self.tell(at(now), &Fact::Arrived(passage)).unwrap();
    }

    /// What leaves for this address.
    fn leaves(
        &mut self,
        now: u64,
        to: SocketAddr,
        numbers: (u16, u16),
        command: IaxCommand,
    ) -> Told {
        let octets = octets(numbers.0, numbers.1, command);
        let passage = Passage {
            from: SERVER,
            to: Some(CLIENT),
            source: server(),
            destination: to,
            datagram: &octets,
            frame: Frame::parse(&octets).ok(),
            is_sealed: false,
            mark: Mark::Plain,
        };
        self.tell(at(now), &Fact::Sent(passage))
    }

    fn dial(&mut self, now: u64, outcome: Result<Calling, Error>) -> Told {
        let fact = Fact::Dialled {
            server: 0,
            account: 1,
            outcome,
            beside: Beside::Nobody,
        };
        self.tell(at(now), &fact)
    }

    /// A call that goes there.
    fn finds(&self, now: u64, address: SocketAddr) -> Told {
        let mut after = self.clone();
        after.dial(now, Ok(Calling::Call(call())))?;
        after.leaves(now, address, (7, 0), IaxCommand::New)
    }

    /// A call whose caller is told that there is nobody.
    fn misses(&self, now: u64) -> Told {
        self.clone().dial(now, Err(Error::NoContact))
    }

    /// What it may be for a caller: there, elsewhere, nowhere.
    fn may_be(&self, now: u64) -> [bool; 3] {
        [
            self.finds(now, client()).is_ok(),
            self.finds(now, elsewhere()).is_ok(),
            self.misses(now).is_ok(),
        ]
    }

    /// p1 registered at 10 s for 60 s.
    fn registered() -> Self {
        let mut story = Story::new();
        story.arrives(10, client(), 2, IaxCommand::RegReq);
        story
            .leaves(10, client(), (7, 2), IaxCommand::RegAck)
            .unwrap();
        story
    }
}

const THERE: [bool; 3] = [true, false, false];
const NOWHERE: [bool; 3] = [false, false, true];
const ANYTHING: [bool; 3] = [true; 3];

#[test]
fn what_was_acknowledged_is_found_until_it_lapses() {
    assert_eq!(Story::new().may_be(1), NOWHERE);
    let story = Story::registered();
    assert_eq!(story.may_be(10), THERE);
    assert_eq!(story.may_be(69), THERE);
    assert_eq!(story.may_be(75), [true, false, true]);
    assert_eq!(story.may_be(80), NOWHERE);
}

#[test]
fn what_was_missed_once_has_lapsed_for_all_who_ask_later() {
    let mut story = Story::registered();
    story.dial(75, Err(Error::NoContact)).unwrap();
    assert_eq!(story.may_be(76), NOWHERE);
}

#[test]
fn a_request_takes_effect_once_between_its_coming_and_its_answer() {
    let mut story = Story::registered();
    story.arrives(20, elsewhere(), 4, IaxCommand::RegReq);
    assert_eq!(story.may_be(21), [true, true, false]);
    let mut seen = story.clone();
    seen.dial(22, Ok(Calling::Call(call()))).unwrap();
    seen.leaves(22, elsewhere(), (7, 0), IaxCommand::New)
        .unwrap();
    assert_eq!(seen.may_be(23), [false, true, false]);
    assert!(
        seen.leaves(24, elsewhere(), (8, 4), IaxCommand::RegRej)
            .is_err()
    );
    story
        .leaves(24, elsewhere(), (8, 4), IaxCommand::RegAck)
        .unwrap();
    assert_eq!(story.may_be(25), [false, true, false]);
    // The lapse of the first registration is not that of the second.
    assert_eq!(story.may_be(81), [false, true, false]);
}

#[test]
fn what_was_refused_has_no_effect() {
    let mut story = Story::registered();
    story.arrives(20, elsewhere(), 4, IaxCommand::RegReq);
    story
        .leaves(21, elsewhere(), (8, 4), IaxCommand::RegRej)
        .unwrap();
    assert_eq!(story.may_be(22), THERE);
}

#[test]
fn a_release_and_an_operator_take_the_contact_out() {
    let mut released = Story::registered();
    released.arrives(20, client(), 3, IaxCommand::RegRel);
    assert_eq!(released.may_be(20), [true, false, true]);
    released
        .leaves(21, client(), (8, 3), IaxCommand::RegAck)
        .unwrap();
    assert_eq!(released.may_be(22), NOWHERE);

    let mut unregistered = Story::registered();
    let fact = Fact::Unregistered {
        server: 0,
        account: 1,
    };
    unregistered.tell(at(20), &fact).unwrap();
    assert_eq!(unregistered.may_be(21), NOWHERE);
}

#[test]
fn a_restart_keeps_what_was_acknowledged_and_leaves_open_what_was_not() {
    let restart = |story: &mut Story, doubts: &[(u8, Doubt)]| {
        let fact = Fact::Restarted {
            server: 0,
            address: server(),
            doubts,
        };
        story.tell(at(30), &fact).unwrap();
    };
    let mut kept = Story::registered();
    restart(&mut kept, &[]);
    assert_eq!(kept.may_be(31), THERE);
    let mut open = Story::registered();
    open.arrives(29, elsewhere(), 4, IaxCommand::RegReq);
    restart(&mut open, &[]);
    assert_eq!(open.may_be(31), [true, true, false]);
    let mut doubted = Story::registered();
    restart(&mut doubted, &[(1, None)]);
    assert_eq!(doubted.may_be(31), ANYTHING);
}

#[test]
fn a_row_that_is_edited_leaves_anything_until_the_name_registers_again() {
    let mut story = Story::registered();
    let row = RowEdit::Plain;
    let fact = Fact::RowEdited {
        server: 0,
        account: 1,
        row,
    };
    story.tell(at(20), &fact).unwrap();
    assert_eq!(story.may_be(21), ANYTHING);
    story.arrives(22, elsewhere(), 4, IaxCommand::RegReq);
    story
        .leaves(22, elsewhere(), (8, 4), IaxCommand::RegAck)
        .unwrap();
    assert_eq!(story.may_be(23), [false, true, false]);
}

/// A lookup that asks the database overlaps with what happens until the answer.
#[test]
fn a_lookup_may_take_its_time() {
    let query = QueryId(1);
    let mut story = Story::registered();
    story.dial(20, Ok(Calling::Asked(query))).unwrap();
    story.arrives(21, elsewhere(), 4, IaxCommand::RegReq);
    story
        .leaves(22, elsewhere(), (8, 4), IaxCommand::RegAck)
        .unwrap();
    let answered = |address: Option<SocketAddr>| {
        let mut story = story.clone();
        let call = match address {
            Some(address) => {
                story.leaves(23, address, (7, 0), IaxCommand::New).unwrap();
                Ok(call())
            }
            None => Err(Error::NoContact),
        };
        let event = &Event::Called { query, call };
        story.tell(at(23), &Fact::Told { server: 0, event }).is_ok()
    };
    let answers = [Some(client()), Some(elsewhere()), None].map(answered);
    assert_eq!(answers, [true, true, false]);
}

#[test]
fn worlds_with_threads_are_not_judged() {
    let mut story = Story(Linearizable::new(&Topology::default()).unjudged());
    assert_eq!(story.dial(1, Ok(Calling::Call(call()))), Ok(()));
    assert_eq!(story.leaves(1, client(), (7, 0), IaxCommand::New), Ok(()));
}
