//! Call transfer between three endpoints (RFC 5456 §6.5; X-TX-1, X-TX-2, X-TX-3, X-TX-4, X-TX-5, X-ENC-5, X-SEQ-11, X-NUM-2).

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::Rc;

use crate::bench::address;
use crate::net_bench::Net;
use crate::three_bench::Three;
use iaxproof::engine::settings::TransferPolicy::{self, Allowed, MediaOnly, Refused};
use iaxproof::engine::{CallId, EndReason, Error, Event};
use iaxproof::wire::{Body, Frame, IaxCommand};

/// What became of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The ends talk without the middle, which holds nothing.
    Direct,
    /// They talk through the middle.
    Through,
}

fn up(policies: [TransferPolicy; 3]) -> Three {
    let mut three = Three::with(policies);
    three.answer();
    three.talk(3);
    three
}

fn transfer(three: &mut Three) -> Result<(), Error> {
    let (near, far) = (three.near, three.far);
    three
        .net
        .at("middle", |now, it| it.transfer(now, near, far))
}

/// Lets both ends talk, and says by which way what they say comes. Fails where either hears nothing, or the two differ.
fn outcome(three: &mut Three) -> Outcome {
    let before = ["left", "right"].map(|node| three.heard(node).len());
    three.net.ladder.clear();
    three.talk(10);
    let heard = ["left", "right"].map(|node| three.heard(node).len());
    for (before, after) in before.into_iter().zip(heard) {
        assert!(after - before >= 9, "{}", three.net.ladder);
    }
    let ladder = &three.net.ladder;
    let is_direct = ladder.contains("left   -> right") && ladder.contains("right  -> left");
    let is_through = ladder.contains("left   -> middle Mini");
    assert!(is_direct != is_through, "{ladder}");
    if !is_direct {
        return Outcome::Through;
    }
    let counts = three.net.node("middle").endpoint.counts();
    assert_eq!(counts.calls, 0, "the middle holds nothing");
    Outcome::Direct
}

/// Lets both ends hang up, and sees that nothing is left anywhere.
fn end(three: &mut Three) {
    three.hang_up_left();
    three.net.pass(Duration::from_secs(80));
    for node in ["left", "middle", "right"] {
        let counts = three.net.node(node).endpoint.counts();
        assert_eq!((counts.dialogues(), counts.timers), (0, 0), "{node}");
        assert_eq!(counts.numbers_allocated + counts.numbers_free, 32_766);
    }
}

/// RFC 5456 §6.5, Figure 4, all of it.
#[test]
fn the_ends_find_each_other_and_the_middle_goes() {
    let mut three = up([Allowed; 3]);
    three.net.ladder.clear();
    transfer(&mut three).expect("both allow it");
    three.net.pass(Duration::from_millis(300));
    three.talk(3);
    insta::assert_snapshot!(three.net.ladder);
    assert_eq!(outcome(&mut three), Outcome::Direct);
    let (near, far, left) = (three.near, three.far, three.left);
    for call in [near, far] {
        let reason = EndReason::Transferred;
        assert!(three.told("middle", |event| *event == Event::Ended { call, reason }));
    }
    let counts = three.net.node("middle").endpoint.counts();
    assert_eq!(counts.dropped.leg_messages, 0, "none hangs the other up");
    let moved = Event::Transferred {
        call: left,
        address: address(3),
        media_only: false,
    };
    assert!(three.told("left", |event| *event == moved));
    end(&mut three);
}

/// X-TX-3: TXREADY names the call number of who sends it, as TXCNT and TXACC go by it; TXREL that of the far end, for its receiver to
/// address.
#[test]
fn readiness_names_its_own_number_and_release_the_far_ends() {
    let mut three = up([Allowed; 3]);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let seeing = Rc::clone(&seen);
    three.net.loses = Box::new(move |_, from, octets| {
        if let Ok(Frame::Full(frame)) = Frame::parse(octets)
            && let Body::Iax { command, ies } = frame.body
            && matches!(command, IaxCommand::TxReady | IaxCommand::TxRel)
        {
            let ends = (from, command, frame.destination.get());
            seeing.borrow_mut().push((ends, ies.call_number()));
        }
        false
    });
    transfer(&mut three).expect("both allow it");
    three.net.pass(Duration::from_millis(300));
    let number = |call: CallId| call.local().get();
    let (left, near) = (number(three.left), number(three.near));
    let (far, right) = (number(three.far), number(three.right));
    let ready = IaxCommand::TxReady;
    let release = IaxCommand::TxRel;
    let mut seen = seen.take();
    seen.sort_by_key(|((from, command, to), _)| (*from, command.octet(), *to));
    let mut expected = [
        ((address(1), ready, near), Some(left)),
        ((address(2), release, left), Some(right)),
        ((address(2), release, right), Some(left)),
        ((address(3), ready, far), Some(right)),
    ];
    expected.sort_by_key(|((from, command, to), _)| (*from, command.octet(), *to));
    assert_eq!(seen, expected);
}

/// The audio alone goes its own way; what is signalled still passes the middle. So it is where one of its two calls says so: that of its
/// settings, or the one that it made.
#[test]
fn the_audio_alone_can_leave() {
    let middle = [Allowed, MediaOnly, Allowed];
    let ways = [
        (middle, middle),
        (middle, [Allowed; 3]),
        ([Allowed; 3], middle),
        ([MediaOnly; 3], [MediaOnly; 3]),
    ];
    for (settings, calls) in ways {
        let mut three = Three::on(Three::net(settings), calls);
        three.answer();
        three.talk(3);
        transfer(&mut three).expect("both allow it");
        three.net.pass(Duration::from_millis(300));
        three.net.ladder.clear();
        three.talk(10);
        assert!(three.net.ladder.contains("left   -> right  Mini"));
        assert!(three.net.ladder.contains("right  -> left   Mini"));
        assert!(!three.net.ladder.contains("middle Mini"));
        let right = three.right;
        let media = |event: &Event| {
            matches!(
                event,
                Event::Transferred {
                    media_only: true,
                    ..
                }
            )
        };
        for node in ["left", "middle", "right"] {
            assert!(three.told(node, media), "{node}");
        }
        let heard = ["left", "right"].map(|node| three.heard(node).len());
        assert_eq!(heard, [13, 13]);
        three
            .net
            .at("right", |now, it| it.send_text(now, right, "still here"))
            .expect("sends");
        three.net.pass(Duration::from_millis(100));
        assert!(three.told("left", |event| matches!(event, Event::Text { .. })));
        end(&mut three);
    }
}

/// Two calls that are taken apart are not transferred: not a moment later, and what has left of their audio comes back. They can be
/// bridged and transferred again.
#[test]
fn calls_that_are_taken_apart_stay() {
    for (policy, ms) in [(Allowed, 0), (Allowed, 20), (Allowed, 30), (MediaOnly, 300)] {
        let mut three = up([policy; 3]);
        transfer(&mut three).expect("both allow it");
        three.net.pass(Duration::from_millis(ms));
        let (near, far) = (three.near, three.far);
        let middle = &mut three.net;
        middle
            .at("middle", |now, it| it.unbridge(now, near))
            .expect("bridged");
        three.net.pass(Duration::from_secs(1));
        let heard = |three: &mut Three| NODES.map(|node| three.heard(node).len());
        let [left, middle, right] = heard(&mut three);
        three.talk(10);
        three.net.pass(Duration::from_millis(100));
        let [left_now, middle_now, right_now] = heard(&mut three);
        assert_eq!((left_now, right_now), (left, right), "{policy:?} {ms}");
        assert!(middle_now - middle >= 19, "{}", three.net.ladder);
        for call in [near, far] {
            let failed = Event::TransferFailed { call };
            assert!(three.told("middle", |event| *event == failed));
        }
        three
            .net
            .at("middle", |now, it| it.bridge(now, near, far))
            .expect("both go on");
        transfer(&mut three).expect("nothing is left of the first");
        three.net.pass(Duration::from_secs(1));
        if policy == Allowed {
            assert_eq!(outcome(&mut three), Outcome::Direct);
        }
        end(&mut three);
    }
}

const NODES: [&str; 3] = ["left", "middle", "right"];

/// 6.5-2, X-ENC-5: who may not be transferred is not; who is bridged to nobody neither.
#[test]
fn what_may_not_be_transferred_is_not_begun() {
    let mut three = up([Refused; 3]);
    let near = three.near;
    assert_eq!(transfer(&mut three), Err(Error::NotTransferable(near)));
    let far = three.far;
    three
        .net
        .at("middle", |now, it| it.unbridge(now, far))
        .expect("bridged");
    assert_eq!(transfer(&mut three), Err(Error::NotBridged(near)));
    let mut three = up([Allowed; 3]);
    transfer(&mut three).expect("both allow it");
    assert_eq!(transfer(&mut three), Err(Error::NotTransferable(near)));
}

/// 6-3, 6.9.5-1: an end whose settings refuse says UNSUPPORT and stays; the middle tells the other end, and asks no more.
#[test]
fn an_end_that_refuses_keeps_the_call() {
    for policies in [[Refused, Allowed, Allowed], [Allowed, Allowed, Refused]] {
        let mut three = up(policies);
        transfer(&mut three).expect("the middle allows it");
        three.net.pass(Duration::from_secs(1));
        assert!(three.net.ladder.contains("UNSUPPORT"));
        for call in [three.near, three.far] {
            let failed = Event::TransferFailed { call };
            assert!(three.told("middle", |event| *event == failed));
        }
        assert_eq!(outcome(&mut three), Outcome::Through);
        assert!(matches!(
            transfer(&mut three),
            Err(Error::NotTransferable(_))
        ));
        end(&mut three);
    }
}

/// An end that takes everything but TXREL refuses nothing and is moved nowhere: the wish for media alone holds there too.
#[test]
fn an_end_that_lets_media_go_alone_does_not_move() {
    let mut three = up([Allowed, Allowed, MediaOnly]);
    transfer(&mut three).expect("the middle allows it");
    three.net.pass(Duration::from_millis(300));
    let moved = |event: &Event| matches!(event, Event::Transferred { .. });
    assert!(!three.told("right", moved));
}

/// The third party cannot be reached: TXCNT at 0, 2, 3 and 4 s, TXREJ at 5 s, and all can be tried again (6.5.2-3).
#[test]
fn ends_that_cannot_reach_each_other_go_on_through_the_middle() {
    let mut three = up([Allowed; 3]);
    let between_ends = |from: core::net::SocketAddr, octets: &[u8]| {
        from != address(2) && matches!(iax(octets), Some(IaxCommand::TxCnt | IaxCommand::TxAcc))
    };
    three.net.loses = Box::new(move |_, from, octets| between_ends(from, octets));
    three.net.ladder.clear();
    let start = three.net.now;
    transfer(&mut three).expect("both allow it");
    three.net.pass(Duration::from_secs(9));
    let times: Vec<f64> = three
        .net
        .ladder
        .lines()
        .filter(|line| line.contains("left   -x right  ") && line.contains("TXCNT"))
        .map(|line| line[..7].trim().parse().expect("a time"))
        .collect();
    let after = |secs: f64| start.as_micros() as f64 / 1e6 - 1000.0 + 0.01 + secs;
    let expected = [0.0, 2.0, 3.0, 4.0].map(after);
    assert_eq!(times.len(), 4);
    assert!(
        times
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 0.002)
    );
    assert!(three.net.ladder.contains("TXREJ"));
    assert_eq!(outcome(&mut three), Outcome::Through);
    three.net.loses = Box::new(|_, _, _| false);
    transfer(&mut three).expect("nothing is left of the first");
    three.net.pass(Duration::from_millis(300));
    assert_eq!(outcome(&mut three), Outcome::Direct);
    end(&mut three);
}

fn iax(octets: &[u8]) -> Option<IaxCommand> {
    match Frame::parse(octets).ok()? {
        Frame::Full(frame) => match frame.body {
            Body::Iax { command, .. } => Some(command),
            _ => None,
        },
        _ => None,
    }
}

/// Loses the datagrams that `loses` says, counted from now.
fn lose(net: &mut Net, loses: impl Fn(usize) -> bool + 'static) -> Rc<Cell<usize>> {
    let sent = Rc::new(Cell::new(0));
    let counter = Rc::clone(&sent);
    net.loses = Box::new(move |_, _, _| {
        let nth = counter.replace(counter.get() + 1);
        loses(nth)
    });
    sent
}

/// How many datagrams a transfer takes when none is lost.
fn datagrams_of_a_transfer() -> usize {
    let mut three = up([Allowed; 3]);
    let sent = lose(&mut three.net, |_| false);
    transfer(&mut three).expect("both allow it");
    three.net.pass(Duration::from_millis(300));
    sent.get()
}

/// Whichever frame of a transfer is lost, both ends come to one of the two outcomes, and to the same.
#[test]
fn each_frame_may_be_lost() {
    let all = datagrams_of_a_transfer();
    assert!(all >= 14, "{all}");
    let mut seen = Vec::new();
    for lost in 0..all {
        let mut three = up([Allowed; 3]);
        lose(&mut three.net, move |nth| nth == lost);
        transfer(&mut three).expect("both allow it");
        for _ in 0..12 {
            three.talk(5);
            three.net.pass(Duration::from_secs(5));
        }
        let outcome = outcome(&mut three);
        assert_eq!(outcome, Outcome::Direct, "the {lost}th comes again");
        seen.push(outcome);
        end(&mut three);
    }
    assert_eq!(seen.len(), all);
}

/// The same of any two.
#[test]
fn each_two_frames_may_be_lost() {
    let all = datagrams_of_a_transfer();
    for first in 0..all {
        for second in first + 1..all + 4 {
            let mut three = up([Allowed; 3]);
            lose(&mut three.net, move |nth| nth == first || nth == second);
            transfer(&mut three).expect("both allow it");
            three.net.pass(Duration::from_secs(60));
            outcome(&mut three);
        }
    }
}

/// What the third party sends before our TXREL has come is held, in order, and counts afterwards.
#[test]
fn what_comes_too_early_is_held() {
    let mut three = up([Allowed; 3]);
    // The first TXREL to the right end is lost; until it comes again, two seconds later, the left one talks to it.
    let is_first = Cell::new(true);
    three.net.loses = Box::new(move |_, _, octets| {
        let is_txrel = iax(octets) == Some(IaxCommand::TxRel);
        let number = match Frame::parse(octets) {
            Ok(Frame::Full(frame)) => frame.destination,
            _ => return false,
        };
        let _ = number;
        is_txrel && is_first.replace(false)
    });
    transfer(&mut three).expect("both allow it");
    three.net.pass(Duration::from_millis(100));
    let before = ["left", "right"].map(|node| three.heard(node).len());
    three.talk(5);
    three.net.pass(Duration::from_secs(4));
    let after = ["left", "right"].map(|node| three.heard(node).len());
    // Who moved first speaks to one who does not listen yet, and all of it is heard; what the other says goes to a middle that
    // has gone.
    let gained = [after[0] - before[0], after[1] - before[1]];
    assert!(gained.contains(&5), "{gained:?}\n{}", three.net.ladder);
    assert_eq!(outcome(&mut three), Outcome::Direct);
    end(&mut three);
}

/// A hang-up of an end in the midst of it ends the call for all, whenever it comes.
#[test]
fn a_hangup_in_the_midst_ends_all() {
    for ms in 0..12 {
        let mut three = up([Allowed; 3]);
        transfer(&mut three).expect("both allow it");
        three.net.pass(Duration::from_millis(ms * 10));
        end(&mut three);
    }
}
