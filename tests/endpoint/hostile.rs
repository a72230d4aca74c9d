//! Frames that belong to nobody, and octets that are no frames (RFC 5456 §6.9.2, §10; X-INV-*, X-NUM-5).

use crate::bench::*;
use iaxproof::engine::rate::INVALS_PER_SECOND_MAX;
use iaxproof::wire::{Body, Control, IaxCommand, InformationElement, SeqNo};
use proptest::prelude::*;

/// X-INV-2: which unmatched frames are answered, and how.
#[test]
fn unmatched_frames_are_answered_by_their_kind() {
    let mut table = String::new();
    for destination in [0, 77] {
        for octet in 0..=0x29 {
            let mut bench = Bench::new();
            let mut client = Client::new(1, 500);
            client.destination = number(destination);
            let command = IaxCommand::from_octet(octet);
            client.send_iax(&mut bench, command, &[]);
            let words = client.words().join(" ");
            table += &format!("{command} to {destination}: {words}\n");
            assert_eq!(bench.counts().dialogues(), 0);
        }
        let mut bench = Bench::new();
        let mut client = Client::new(1, 500);
        client.destination = number(destination);
        client.send(
            &mut bench,
            Body::Control {
                control: Control::Answer,
                data: &[],
            },
        );
        table += &format!(
            "CONTROL ANSWER to {destination}: {}\n",
            client.words().join(" ")
        );
    }
    insta::assert_snapshot!(table);
}

#[test]
fn invals_are_limited_per_address() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.destination = number(77);
    for _ in 0..1000 {
        client.send_iax(&mut bench, IaxCommand::Ping, &[]);
    }
    assert_eq!(client.words().len(), INVALS_PER_SECOND_MAX as usize);
    let mut other = Client::new(2, 500);
    other.destination = number(77);
    other.send_iax(&mut bench, IaxCommand::Ping, &[]);
    assert_eq!(other.words(), ["INVAL"]);
    bench.until(1.0);
    client.send_iax(&mut bench, IaxCommand::Ping, &[]);
    assert_eq!(client.words(), ["INVAL"]);
    assert_eq!(bench.counts().dropped.unmatched, 1002);
}

/// X-NUM-5: with the right source and a wrong destination, nothing happens to the call; CVE-2008-1897.
#[test]
fn a_wrong_destination_acts_on_nothing() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let ours = client.destination;
    bench.endpoint.ring(bench.now, bench.call()).unwrap();
    bench.drain();
    client.take(&mut bench);
    client.destination = number(if ours.get() == 77 { 78 } else { 77 });
    client.ack(&mut bench);
    client.received.clear();
    client.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert!(client.words().is_empty());
    let counts = bench.counts();
    assert_eq!((counts.calls, counts.frames_outstanding), (1, 1));
    assert_eq!(counts.dropped.misaddressed, 2);
}

/// X-SEQ-4: a forged ISeqno beyond what was sent acknowledges nothing.
#[test]
fn a_forged_acknowledgement_leaves_the_queue_alone() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    bench.endpoint.ring(bench.now, bench.call()).unwrap();
    bench.drain();
    client.take(&mut bench);
    let right = client.iseqno;
    client.iseqno = SeqNo(right.0.wrapping_add(1));
    client.ack(&mut bench);
    assert_eq!(bench.counts().frames_outstanding, 1);
    client.iseqno = right;
    client.ack(&mut bench);
    assert_eq!(bench.counts().frames_outstanding, 0);
}

/// X-SEQ-12: an old dialogue's frames do not disturb one that has the same source number now.
#[test]
fn frames_of_an_earlier_call_are_ignored() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let late = client.iax(IaxCommand::Hangup, &[]);
    let goodbye = client.iax(IaxCommand::Inval, &[]);
    bench.deliver(client.address, &goodbye);
    let again = Client::linked(&mut bench, 1, 500);
    assert_ne!(again.destination, client.destination);
    bench.deliver(client.address, &late);
    assert_eq!(bench.counts().calls, 1);
}

/// X-IE-2: information elements that overrun are neither answered nor acknowledged.
#[test]
fn an_overrunning_element_is_dropped() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let mut octets = client.iax(IaxCommand::Hangup, &[InformationElement::Cause(b"x")]);
    octets[13] = 200;
    client.deliver(&mut bench, &octets);
    assert!(client.words().is_empty());
    assert_eq!(
        (bench.counts().calls, bench.counts().dropped.undecodable),
        (1, 1)
    );
}

/// Media of nobody is silent.
#[test]
fn unmatched_media_is_dropped_in_silence() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    let mini = client.mini(5, &[0; 160]);
    client.deliver(&mut bench, &mini);
    client.deliver(&mut bench, &[0, 0, 0x80, 5, 0, 0, 1, 2]);
    client.deliver(&mut bench, &[0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 244, 0, 5, 9]);
    assert!(client.words().is_empty());
    assert_eq!(bench.counts().dropped.media, 3);
}

proptest! {
    /// Whatever octets come, from a stranger or into a live call: no panic, the pool is conserved, and a stranger gets
    /// at most three times what it sent.
    #[test]
    fn garbage_does_no_harm(
        datagrams in proptest::collection::vec(
            (any::<bool>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)),
            0..60,
        )
    ) {
        let mut bench = Bench::new();
        let mut client = Client::linked(&mut bench, 1, 500);
        let stranger = address(9);
        let mut sent_by_stranger = 0;
        for (is_stranger, is_aimed, mut octets) in datagrams {
            if is_aimed && octets.len() >= 12 {
                octets[..2].copy_from_slice(&(0x8000_u16 | 500).to_be_bytes());
                octets[2..4].copy_from_slice(&client.destination.get().to_be_bytes());
                octets[8..10].copy_from_slice(&[client.oseqno.0, client.iseqno.0]);
                octets[10] %= 13;
            }
            let from = if is_stranger { stranger } else { client.address };
            sent_by_stranger += if is_stranger { octets.len() } else { 0 };
            bench.deliver(from, &octets);
            client.take(&mut bench);
        }
        let to_stranger: usize = bench
            .sent
            .iter()
            .filter(|(_, to, _)| *to == stranger)
            .map(|(_, _, octets)| octets.len())
            .sum();
        prop_assert!(to_stranger <= 3 * sent_by_stranger);
        let counts = bench.counts();
        prop_assert_eq!(counts.numbers_allocated + counts.numbers_free, 32_766);
        prop_assert_eq!(counts.numbers_allocated, counts.dialogues());
        bench.until(200.0);
        bench.assert_at_rest();
    }
}
