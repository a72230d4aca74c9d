//! Transfers that somebody else would like (RFC 5456 §10; X-TX-1, X-TX-2, X-TX-4, X-TX-5, X-NUM-2, X-SEQ-1, X-SEQ-11): an end is
//! sent nowhere but by its own call, speaks little before it is answered, and believes the announced address alone.

use core::net::SocketAddr;

use crate::bench::*;
use iaxproof::engine::settings::General;
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::wire::InformationElement as Ie;
use iaxproof::wire::ie::ApparentAddress;
use iaxproof::wire::{Body, Cause, Format, FullFrame, IaxCommand, SeqNo};

const THIRD: u8 = 77;
const THEIRS: u16 = 900;

fn txreq(address: SocketAddr, number: u16) -> [Ie<'static>; 3] {
    let address = ApparentAddress(address);
    [
        Ie::ApparentAddr(address),
        Ie::CallNo(number),
        Ie::TransferId(5),
    ]
}

/// A call, whose other side is the middle.
fn called(bench: &mut Bench) -> Client {
    let mut middle = Client::linked(bench, 1, 500);
    middle.timestamp = 100;
    middle
}

fn ask(bench: &mut Bench, middle: &mut Client) {
    middle.send_iax(bench, IaxCommand::TxReq, &txreq(address(THIRD), THEIRS));
    middle.ack_if_any(bench);
}

trait AckIfAny {
    fn ack_if_any(&mut self, bench: &mut Bench);
}

impl AckIfAny for Client {
    /// Acknowledges what came and forgets it.
    fn ack_if_any(&mut self, bench: &mut Bench) {
        if !self.received.is_empty() {
            self.ack(bench);
            self.received.clear();
        }
    }
}

/// The third party, knowing our number as the middle does.
fn third(middle: &Client) -> Client {
    let mut third = Client::new(THIRD, THEIRS);
    third.destination = middle.destination;
    third
}

/// A call that is ready to be released.
fn ready(bench: &mut Bench) -> (Client, Client) {
    let mut middle = called(bench);
    ask(bench, &mut middle);
    let mut third = third(&middle);
    third.send_iax(bench, IaxCommand::TxAcc, &[Ie::TransferId(5)]);
    middle.take(bench);
    assert_eq!(
        iax(middle.received.last().expect("TXREADY")),
        Some(IaxCommand::TxReady)
    );
    middle.ack_if_any(bench);
    third.received.clear();
    (middle, third)
}

fn moved(bench: &mut Bench) -> (Client, Client) {
    let (mut middle, third) = ready(bench);
    middle.send_iax(bench, IaxCommand::TxRel, &[Ie::CallNo(THEIRS)]);
    assert_eq!(middle.words(), ["ACK"]);
    assert!(has_moved(bench));
    (middle, third)
}

fn has_moved(bench: &Bench) -> bool {
    let is_move = |event: &Event| matches!(event, Event::Transferred { .. });
    bench.events.iter().any(is_move)
}

fn sent_to(bench: &Bench, whom: SocketAddr) -> Vec<usize> {
    let to = bench.sent.iter().filter(|(_, to, _)| *to == whom);
    to.map(|(_, _, octets)| octets.len()).collect()
}

/// X-TX-5: a call names a victim as often as it likes; each time brings four small frames, and after eight none.
#[test]
fn a_victim_gets_few_and_small_frames() {
    let mut bench = Bench::new();
    let mut middle = called(&mut bench);
    for round in 0..20 {
        bench.until(6.0 * f64::from(round) + 1.0);
        middle.take(&mut bench);
        middle.ack_if_any(&mut bench);
        ask(&mut bench, &mut middle);
        for _ in 0..10 {
            ask(&mut bench, &mut middle);
        }
    }
    bench.until(125.0);
    let sent = sent_to(&bench, address(THIRD));
    assert_eq!(sent.len(), 8 * 4);
    assert!(sent.iter().all(|len| *len == 18), "{sent:?}");
    let times = bench.times(address(THIRD), IaxCommand::TxCnt);
    assert_eq!(times[..4], [1.0, 3.0, 4.0, 5.0]);
    assert_eq!(bench.times(address(1), IaxCommand::TxRej)[..1], [1.0]);
    assert!(!bench.times(address(1), IaxCommand::Unsupport).is_empty());
    assert_eq!(bench.counts().calls, 1);
}

/// Nothing goes where nothing can be meant: nowhere, to many, back to the middle, or to who has a call with us under that number.
#[test]
fn an_address_that_cannot_be_meant_is_refused() {
    let mut bench = Bench::new();
    let other = Client::linked(&mut bench, 9, 333);
    let mut middle = called(&mut bench);
    let before = bench.sent.len();
    let port = |ip: [u8; 4], port| SocketAddr::from((ip, port));
    for (address, number) in [
        (port([0, 0, 0, 0], 4569), THEIRS),
        (port([255, 255, 255, 255], 4569), THEIRS),
        (port([224, 0, 0, 1], 4569), THEIRS),
        (port([192, 0, 2, 77], 0), THEIRS),
        (middle.address, THEIRS),
        (other.address, other.source.get()),
    ] {
        middle.send_iax(&mut bench, IaxCommand::TxReq, &txreq(address, number));
        assert_eq!(middle.words(), ["ACK", "TXREJ"], "{address} {number}");
    }
    let to_middle = |(_, to, _): &(_, SocketAddr, _)| *to == address(1);
    assert!(bench.sent[before..].iter().all(to_middle));
}

/// RFC 5456 §6.5.1: without address or number, or with one that is nobody's, TXREQ means nothing.
#[test]
fn half_a_request_is_no_request() {
    let mut bench = Bench::new();
    let mut middle = called(&mut bench);
    let whole = txreq(address(THIRD), THEIRS);
    for ies in [
        &whole[..1],
        &whole[1..],
        &txreq(address(THIRD), 0),
        &txreq(address(THIRD), 1),
        &txreq(address(THIRD), 0x8001),
    ] {
        middle.send_iax(&mut bench, IaxCommand::TxReq, ies);
        assert_eq!(middle.words(), ["ACK"]);
    }
    bench.until(4.0);
    assert!(sent_to(&bench, address(THIRD)).is_empty());
}

/// TXREQ counts from the other side of the call alone: from elsewhere it is nobody's.
#[test]
fn a_stranger_moves_nobody() {
    let mut bench = Bench::new();
    let middle = called(&mut bench);
    let mut stranger = Client::new(66, middle.source.get());
    (stranger.destination, stranger.oseqno) = (middle.destination, middle.oseqno);
    stranger.send_iax(
        &mut bench,
        IaxCommand::TxReq,
        &txreq(address(THIRD), THEIRS),
    );
    bench.until(5.0);
    assert!(sent_to(&bench, address(THIRD)).is_empty());
}

/// X-TX-1: of the third party TXCNT and TXACC count, from its address, with both numbers and the identity; before TXREQ nothing is
/// answered.
#[test]
fn nobody_answers_for_the_third_party() {
    let mut bench = Bench::new();
    let mut middle = called(&mut bench);
    let acc = [Ie::TransferId(5)];
    let mut early = third(&middle);
    early.send_iax(&mut bench, IaxCommand::TxCnt, &acc);
    assert!(early.words().is_empty(), "nobody was announced yet");
    ask(&mut bench, &mut middle);
    early.take(&mut bench);
    assert_eq!(early.words(), ["TXCNT", "TXACC"], "now it is");
    let forgers = [
        (66, THEIRS, 5, 0),
        (THIRD, 901, 5, 0),
        (THIRD, THEIRS, 6, 0),
        (THIRD, THEIRS, 5, 1),
    ];
    for (last, source, id, off) in forgers {
        for command in [IaxCommand::TxAcc, IaxCommand::TxCnt] {
            let mut forger = Client::new(last, source);
            let ours = middle.destination.get() + off;
            forger.destination = number(ours);
            forger.send_iax(&mut bench, command, &[Ie::TransferId(id)]);
            let answers = forger.words();
            assert!(
                !answers.contains(&"TXACC".to_owned()),
                "{last} {source} {id} {off}"
            );
        }
        middle.take(&mut bench);
        assert!(middle.words().is_empty());
    }
    let mut third = third(&middle);
    third.received.clear();
    third.send_iax(&mut bench, IaxCommand::TxCnt, &[]);
    assert!(
        third.words().contains(&"TXACC".to_owned()),
        "X-TX-2: no identity is none wrong"
    );
}

/// X-TX-1: what else the third party says is dropped, and acknowledges nothing.
#[test]
fn a_third_party_hangs_nobody_up() {
    let mut bench = Bench::new();
    let mut middle = called(&mut bench);
    ask(&mut bench, &mut middle);
    let call = bench.call();
    bench.endpoint.ring(bench.now, call).expect("rings");
    bench.drain();
    let waiting = bench.counts().frames_outstanding;
    assert_eq!(waiting, 1);
    let mut third = third(&middle);
    third.iseqno = SeqNo(7);
    for command in [
        IaxCommand::Hangup,
        IaxCommand::TxRel,
        IaxCommand::Inval,
        IaxCommand::Ack,
    ] {
        third.send_iax(&mut bench, command, &[Ie::CauseCode(Cause::USER_BUSY)]);
    }
    third.send_iax(&mut bench, IaxCommand::TxCnt, &[]);
    assert_eq!(
        (bench.counts().calls, bench.counts().frames_outstanding),
        (1, waiting)
    );
}

/// Nobody is moved before the third party answered, nor by another number than was announced.
#[test]
fn a_release_that_does_not_fit_is_only_acknowledged() {
    let mut bench = Bench::new();
    let mut middle = called(&mut bench);
    ask(&mut bench, &mut middle);
    middle.send_iax(&mut bench, IaxCommand::TxRel, &[Ie::CallNo(THEIRS)]);
    assert!(!has_moved(&bench));
    let mut bench = Bench::new();
    let (mut middle, _) = ready(&mut bench);
    middle.send_iax(&mut bench, IaxCommand::TxRel, &[Ie::CallNo(THEIRS + 1)]);
    middle.send_iax(&mut bench, IaxCommand::TxRel, &[]);
    assert!(!has_moved(&bench));
    middle.send_iax(&mut bench, IaxCommand::TxRel, &[Ie::CallNo(THEIRS)]);
    assert!(has_moved(&bench));
}

/// 6.5.7-1: TXREJ ends the attempt whenever it comes, and the call goes on.
#[test]
fn a_rejection_ends_the_attempt() {
    let mut bench = Bench::new();
    let (mut middle, mut third) = ready(&mut bench);
    middle.send_iax(&mut bench, IaxCommand::TxRej, &[]);
    middle.send_iax(&mut bench, IaxCommand::TxRel, &[Ie::CallNo(THEIRS)]);
    assert!(!has_moved(&bench));
    third.send_iax(&mut bench, IaxCommand::TxCnt, &[]);
    assert!(third.words().is_empty(), "X-INV-2");
    bench.until(5.0);
    assert_eq!(bench.counts().calls, 1);
    ask(&mut bench, &mut middle);
    assert_eq!(bench.times(address(THIRD), IaxCommand::TxCnt).len(), 2);
}

/// What is held for later is bounded, and forgotten with the attempt.
#[test]
fn a_flood_of_early_frames_is_bounded() {
    let mut bench = Bench::new();
    let (mut middle, mut third) = ready(&mut bench);
    let format = Format::ULAW;
    third.send(
        &mut bench,
        Body::Voice {
            format,
            data: &[1; 160],
        },
    );
    for low in 0..1000 {
        let mini = third.mini(low * 20, &[1; 160]);
        third.deliver(&mut bench, &mini);
    }
    middle.send_iax(&mut bench, IaxCommand::TxRel, &[Ie::CallNo(THEIRS)]);
    let heard = bench
        .events
        .iter()
        .filter(|event| matches!(event, Event::Voice { .. }));
    assert_eq!(heard.count(), 32);
}

/// X-TX-4: to the middle the acknowledgement alone; to the third party everything from 0, audio with its format first.
#[test]
fn the_new_side_is_counted_from_nothing() {
    let mut bench = Bench::new();
    let (mut middle, third) = moved(&mut bench);
    let before = bench.sent.len();
    let call = bench.call();
    bench
        .endpoint
        .send_voice(bench.now, call, &[1; 160])
        .expect("goes");
    bench.drain();
    let [(_, to, octets)] = &bench.sent[before..] else {
        panic!("one frame");
    };
    assert_eq!(*to, third.address);
    let frame = FullFrame::parse(octets).expect("a full frame");
    assert_eq!((frame.oseqno, frame.iseqno), (SeqNo(0), SeqNo(0)));
    assert_eq!(frame.destination, third.source);
    assert!(frame.timestamp.0 < 100, "{frame}");
    // The middle has no more part in the call, not even by INVAL.
    middle.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    middle.send_iax(&mut bench, IaxCommand::Inval, &[]);
    assert_eq!(bench.counts().calls, 1);
}

/// X-SEQ-11: just after a transfer the first TXREADY, TXREL or UNQUELCH counts whatever its number; nothing else does, and never
/// later or in a call that was not transferred.
#[test]
fn only_the_first_after_a_transfer_has_any_number() {
    let mut bench = Bench::new();
    let (_, mut third) = moved(&mut bench);
    third.oseqno = SeqNo(9);
    third.send(&mut bench, Body::Text(b"ahead"));
    assert_eq!(third.words(), ["VNAK"]);
    third.send_iax(&mut bench, IaxCommand::Unquelch, &[]);
    assert_eq!(third.words(), ["ACK"]);
    third.oseqno = SeqNo(9);
    third.send_iax(&mut bench, IaxCommand::Unquelch, &[]);
    assert_eq!(third.words(), ["VNAK"]);
    let mut bench = Bench::new();
    let mut plain = called(&mut bench);
    plain.oseqno = SeqNo(99);
    plain.send_iax(&mut bench, IaxCommand::Unquelch, &[]);
    assert_eq!(plain.words(), ["VNAK"]);
}

/// X-SEQ-1: a TXCNT that is still on its way acknowledges nothing, whatever it counts.
#[test]
fn a_late_txcnt_acknowledges_nothing() {
    let mut bench = Bench::new();
    let (_, mut third) = moved(&mut bench);
    let call = bench.call();
    bench
        .endpoint
        .send_voice(bench.now, call, &[1; 160])
        .expect("goes");
    bench.drain();
    third.iseqno = SeqNo(1);
    third.send_iax(&mut bench, IaxCommand::TxCnt, &[Ie::TransferId(5)]);
    assert_eq!(bench.counts().frames_outstanding, 1);
}

fn with_one_number() -> Bench {
    let options = EndpointOptions {
        call_numbers: 2..=2,
        ..EndpointOptions::default()
    };
    Bench::with(options, General::default(), false)
}

/// Whether a call of this address is let in.
fn is_let_in(bench: &mut Bench, last: u8, source: u16) -> bool {
    let mut client = Client::new(last, source);
    client.new_call(bench, "alice", "100");
    let words = client.words();
    words.last().is_some_and(|word| word == "AUTHREQ")
}

/// X-NUM-2: our number was another call's with the third party less than a minute ago: its late frames would be this call's.
#[test]
fn a_number_is_not_taken_where_it_was_just_used() {
    let mut bench = with_one_number();
    let mut old = Client::linked(&mut bench, THIRD, 800);
    old.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    bench.until(30.0);
    let mut middle = called(&mut bench);
    middle.send_iax(
        &mut bench,
        IaxCommand::TxReq,
        &txreq(address(THIRD), THEIRS),
    );
    assert_eq!(middle.words(), ["ACK", "TXREJ"]);
    assert!(sent_to(&bench, address(THIRD)).len() < 20);
    middle.ack_if_any(&mut bench);
    bench.until(61.0);
    middle.take(&mut bench);
    middle.ack_if_any(&mut bench);
    ask(&mut bench, &mut middle);
    assert_eq!(bench.times(address(THIRD), IaxCommand::TxCnt).len(), 1);
}

/// X-NUM-2: after a transfer the number is kept from the middle for a minute from then, and from the third party for one from
/// the end.
#[test]
fn a_number_is_kept_from_both_that_had_it() {
    let mut bench = with_one_number();
    let (_, mut third) = moved(&mut bench);
    bench.until(10.0);
    third.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    third.oseqno = SeqNo(0);
    assert_eq!(bench.counts().calls, 0, "{}", bench.ladder);
    bench.until(59.0);
    assert!(!is_let_in(&mut bench, 1, 510));
    bench.until(61.0);
    assert!(!is_let_in(&mut bench, THIRD, 910));
    assert!(is_let_in(&mut bench, 1, 511));
}

/// The count of live dialogues of an address goes with the call.
#[test]
fn the_count_of_an_address_moves_along() {
    let general = General {
        dialogues_per_ip_max: 1,
        ..General::default()
    };
    let mut bench = Bench::with(EndpointOptions::default(), general, false);
    moved(&mut bench);
    assert!(!is_let_in(&mut bench, THIRD, 910));
    assert!(is_let_in(&mut bench, 1, 510));
}

/// A call that ends in the midst leaves nothing reserved.
#[test]
fn a_call_that_ends_in_the_midst_leaves_nothing() {
    for is_ours in [false, true] {
        let mut bench = Bench::new();
        let (mut middle, _) = ready(&mut bench);
        if is_ours {
            let call = bench.call();
            bench
                .endpoint
                .hangup(bench.now, call, Cause::USER_BUSY)
                .expect("lives");
            bench.drain();
            middle.take(&mut bench);
            middle.send_iax(&mut bench, IaxCommand::TxRel, &[Ie::CallNo(THEIRS)]);
            assert!(!has_moved(&bench));
            middle.ack(&mut bench);
        } else {
            middle.send_iax(&mut bench, IaxCommand::Hangup, &[]);
        }
        bench.until(60.0);
        bench.assert_at_rest();
        let mut again = Client::linked(&mut bench, 1, 501);
        ask(&mut bench, &mut again);
        assert_eq!(bench.times(address(THIRD), IaxCommand::TxCnt).len(), 2);
    }
}

/// Two calls are not sent to one number of one address, for its frames could not be told apart; when the first is hung up,
/// even before that is acknowledged, the second may.
#[test]
fn one_third_party_is_kept_for_one_call() {
    let mut bench = Bench::new();
    let (_middle, _) = ready(&mut bench);
    let first = bench.call();
    let mut second = Client::linked(&mut bench, 2, 600);
    second.send_iax(
        &mut bench,
        IaxCommand::TxReq,
        &txreq(address(THIRD), THEIRS),
    );
    assert_eq!(second.words(), ["ACK", "TXREJ"]);
    bench
        .endpoint
        .hangup(bench.now, first, Cause::USER_BUSY)
        .expect("lives");
    bench.drain();
    second.send_iax(
        &mut bench,
        IaxCommand::TxReq,
        &txreq(address(THIRD), THEIRS),
    );
    assert_eq!(second.words(), ["ACK"]);
    assert_eq!(bench.times(address(THIRD), IaxCommand::TxCnt).len(), 2);
}

/// The middle's leg believes TXREADY where it names what was asked for.
#[test]
fn a_readiness_for_something_else_is_none() {
    let mut bench = Bench::new();
    let mut legs = [(1, 500), (2, 600)].map(|(last, source)| {
        let client = Client::linked(&mut bench, last, source);
        (client, bench.call())
    });
    let [a, b] = [legs[0].1, legs[1].1];
    bench.endpoint.bridge(bench.now, a, b).expect("bridged");
    bench.endpoint.transfer(bench.now, a, b).expect("begun");
    bench.drain();
    let mut id = 0;
    for (client, _) in &mut legs {
        client.take(&mut bench);
        let Body::Iax { command, ies } = client.last().body else {
            panic!("TXREQ should come");
        };
        assert_eq!(command, IaxCommand::TxReq);
        id = ies.transfer_id().expect("an id");
    }
    for (client, _) in &mut legs {
        let own = client.source.get();
        for wrong in [
            [Ie::TransferId(id ^ 1), Ie::CallNo(own)],
            [Ie::TransferId(id), Ie::CallNo(own + 1)],
        ] {
            client.received.clear();
            client.send_iax(&mut bench, IaxCommand::TxReady, &wrong);
            assert_eq!(client.words(), ["ACK"]);
        }
        // As chan_iax2 says it (X-TX-2).
        client.send_iax(&mut bench, IaxCommand::TxReady, &[Ie::CallNo(own)]);
    }
    for (client, _) in &mut legs {
        client.take(&mut bench);
        assert!(client.words().contains(&"TXREL".to_owned()));
    }
}
