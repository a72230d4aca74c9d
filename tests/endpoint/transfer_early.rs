//! TXCNTs that overtake the TXREQ which says whose they are (RFC 5456 §6.5.2; X-TX-1, X-TX-2, X-TX-5): held, few and not for long,
//! and nothing is believed before that TXREQ has come.

use core::cell::RefCell;
use core::net::SocketAddr;
use core::time::Duration;
use std::rc::Rc;

use crate::bench::*;
use crate::three_bench::Three;
use iaxproof::engine::Event;
use iaxproof::engine::options::{EARLY_TXCNT_WAIT, EARLY_TXCNTS_MAX};
use iaxproof::engine::settings::TransferPolicy::Allowed;
use iaxproof::wire::IaxCommand;
use iaxproof::wire::InformationElement as Ie;
use iaxproof::wire::ie::ApparentAddress;

const THIRD: u8 = 77;
const THEIRS: u16 = 900;
const ID: [Ie<'static>; 1] = [Ie::TransferId(5)];

/// A call, whose other side is the middle.
fn called(bench: &mut Bench) -> Client {
    let mut middle = Client::linked(bench, 1, 500);
    middle.timestamp = 100;
    middle
}

fn ask(bench: &mut Bench, middle: &mut Client, third: SocketAddr, number: u16) {
    let ies = [
        Ie::ApparentAddr(ApparentAddress(third)),
        Ie::CallNo(number),
        Ie::TransferId(5),
    ];
    middle.send_iax(bench, IaxCommand::TxReq, &ies);
}

/// Somebody who knows the number that a client of ours has for us.
fn stranger(middle: &Client, last: u8, source: u16) -> Client {
    let mut stranger = Client::new(last, source);
    stranger.destination = middle.destination;
    stranger
}

/// What goes to the third party once TXREQ has named it.
fn answers(bench: &mut Bench, third: &mut Client, middle: &mut Client) -> Vec<String> {
    third.received.clear();
    ask(bench, middle, address(THIRD), THEIRS);
    third.take(bench);
    third.words()
}

/// It is answered as soon as TXREQ has come, after our own TXCNT.
#[test]
fn a_txcnt_that_overtakes_its_txreq_counts_when_that_comes() {
    for ies in [&ID[..], &[]] {
        let mut bench = Bench::new();
        let mut middle = called(&mut bench);
        let mut third = stranger(&middle, THIRD, THEIRS);
        for _ in 0..3 {
            third.send_iax(&mut bench, IaxCommand::TxCnt, ies);
        }
        assert!(third.words().is_empty(), "nobody was announced yet");
        assert_eq!(bench.counts().dropped.unmatched, 0);
        bench.until(EARLY_TXCNT_WAIT.as_secs_f64() - 0.1);
        let answers = answers(&mut bench, &mut third, &mut middle);
        assert_eq!(answers, ["TXCNT", "TXACC"], "once, however often it came");
    }
}

/// By its address, its number and its identity, in the call that it named; and not for ever.
#[test]
fn only_the_announced_one_is_answered() {
    let cases = [
        (THIRD + 1, THEIRS, 5, 0, 0.0),
        (THIRD, THEIRS + 1, 5, 0, 0.0),
        (THIRD, THEIRS, 6, 0, 0.0),
        (THIRD, THEIRS, 5, 1, 0.0),
        (THIRD, THEIRS, 5, 0, EARLY_TXCNT_WAIT.as_secs_f64()),
    ];
    for (last, source, id, off, after) in cases {
        let mut bench = Bench::new();
        let other = Client::linked(&mut bench, 9, 333);
        let mut middle = called(&mut bench);
        let mut early = stranger(&middle, last, source);
        if off > 0 {
            early.destination = other.destination;
        }
        early.send_iax(&mut bench, IaxCommand::TxCnt, &[Ie::TransferId(id)]);
        bench.until(after);
        let mut third = stranger(&middle, THIRD, THEIRS);
        let answers = answers(&mut bench, &mut third, &mut middle);
        assert_eq!(answers, ["TXCNT"], "{last} {source} {id} {off} {after}");
    }
}

/// What else comes from where TXREQ has not pointed yet is nothing, and what names no call is held nowhere.
#[test]
fn nothing_is_believed_before_txreq() {
    let mut bench = Bench::new();
    let mut middle = called(&mut bench);
    let mut third = stranger(&middle, THIRD, THEIRS);
    for command in [IaxCommand::TxAcc, IaxCommand::TxCnt] {
        third.send_iax(&mut bench, command, &ID);
    }
    assert_eq!(bench.counts().dropped.unmatched, 1, "TXACC answers nothing");
    let before = middle.oseqno;
    let answers = answers(&mut bench, &mut third, &mut middle);
    assert_eq!(answers, ["TXCNT", "TXACC"]);
    middle.take(&mut bench);
    assert!(middle.oseqno != before);
    assert!(
        !middle.words().contains(&"TXREADY".to_owned()),
        "no TXACC has come for our TXCNT"
    );
    let moved = |event: &Event| matches!(event, Event::Transferred { .. });
    assert!(!bench.events.iter().any(moved));

    let mut bench = Bench::new();
    let mut nobody = Client::new(THIRD, THEIRS);
    nobody.destination = number(4321);
    nobody.send_iax(&mut bench, IaxCommand::TxCnt, &ID);
    assert!(nobody.words().is_empty(), "X-INV-2");
    assert_eq!(bench.counts().dropped.unmatched, 1, "no such call");
}

/// A flood takes no more than its few places, brings nobody an answer, and TXACC goes to one alone.
#[test]
fn a_flood_of_early_txcnts_is_bounded() {
    let flood = 1_000;
    for (nth, is_held) in [
        (0, false),
        (flood - EARLY_TXCNTS_MAX - 1, false),
        (flood - EARLY_TXCNTS_MAX, true),
        (flood - 1, true),
    ] {
        let mut bench = Bench::new();
        let mut middle = called(&mut bench);
        let before = bench.sent.len();
        let port = |nth: usize| SocketAddr::from(([198, 51, 100, 7], 10_000 + nth as u16));
        for nth in 0..flood {
            let mut forger = stranger(&middle, THIRD, THEIRS);
            forger.address = port(nth);
            forger.send_iax(&mut bench, IaxCommand::TxCnt, &ID);
        }
        assert_eq!(bench.sent.len(), before, "nobody is answered");
        ask(&mut bench, &mut middle, port(nth), THEIRS);
        let accs = |to| bench.times(to, IaxCommand::TxAcc).len();
        let sum: usize = (0..flood).map(|nth| accs(port(nth))).sum();
        let its = accs(port(nth));
        assert_eq!((its, sum), (usize::from(is_held), usize::from(is_held)));
    }
}

/// One of the two TXREQs comes late, after the TXCNT that the other brought: the ends find each other at once, and not when TXCNT is
/// repeated.
#[test]
fn a_late_txreq_costs_no_more_than_its_delay() {
    let mut three = Three::with([Allowed; 3]);
    three.answer();
    three.talk(3);
    let late = Rc::new(RefCell::new(Vec::new()));
    let held = Rc::clone(&late);
    three.net.loses = Box::new(move |_, _, octets| {
        let is_late = iax(octets) == Some(IaxCommand::TxReq) && held.borrow().is_empty();
        if is_late {
            *held.borrow_mut() = octets.to_vec();
        }
        is_late
    });
    let (near, far) = (three.near, three.far);
    three
        .net
        .at("middle", |now, it| it.transfer(now, near, far))
        .expect("both allow it");
    three.net.pass(Duration::from_millis(300));
    let octets = late.take();
    three.net.at("left", |now, it| {
        it.handle_datagram(now, address(2), &octets);
    });
    three.net.pass(Duration::from_millis(100));
    for node in ["left", "right"] {
        let moved = |event: &Event| matches!(event, Event::Transferred { .. });
        assert!(three.told(node, moved), "{}", three.net.ladder);
    }
}
