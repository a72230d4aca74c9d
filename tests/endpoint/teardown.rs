//! How calls end (RFC 5456 §6.2.4, §6.2.5, §6.9.2; X-SEQ-10, X-INV-1).

use crate::bench::*;
use iaxproof::engine::{EndReason, Event};
use iaxproof::wire::{Cause, IaxCommand, InformationElement};

fn reason(bench: &Bench) -> Option<EndReason> {
    bench.events.iter().find_map(|event| match event {
        Event::Ended { reason, .. } => Some(*reason),
        _ => None,
    })
}

/// An unacknowledged HANGUP goes out at 0 and 2 s and the call is gone at 10 s (chan_iax2).
#[test]
fn a_hangup_lingers_ten_seconds() {
    let mut bench = Bench::new();
    let client = Client::linked(&mut bench, 1, 500);
    let call = bench.call();
    bench
        .endpoint
        .hangup(bench.now, call, Cause::NORMAL_CLEARING)
        .unwrap();
    bench.drain();
    bench.until(9.999);
    assert_eq!((bench.counts().calls, reason(&bench)), (1, None));
    bench.until(60.0);
    assert_eq!(bench.times(client.address, IaxCommand::Hangup), [0.0, 2.0]);
    assert_eq!(reason(&bench), Some(EndReason::LocalHangup));
    bench.assert_at_rest();
}

#[test]
fn the_acknowledgement_of_a_hangup_ends_the_call() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let call = bench.call();
    bench
        .endpoint
        .hangup(bench.now, call, Cause::USER_BUSY)
        .unwrap();
    bench.drain();
    client.take(&mut bench);
    client.ack(&mut bench);
    assert_eq!(reason(&bench), Some(EndReason::LocalHangup));
    bench.assert_at_rest();
}

#[test]
fn hangup_and_reject_are_acknowledged_at_once_and_end_the_call() {
    for command in [IaxCommand::Hangup, IaxCommand::Reject] {
        let mut bench = Bench::new();
        let mut client = Client::linked(&mut bench, 1, 500);
        let cause = [InformationElement::CauseCode(Cause::USER_BUSY)];
        let octets = client.iax(command, &cause);
        client.deliver(&mut bench, &octets);
        assert_eq!(client.words(), ["ACK"]);
        assert_eq!(
            reason(&bench),
            Some(EndReason::RemoteHangup(Some(Cause::USER_BUSY)))
        );
        bench.assert_at_rest();
        // Said again, because the ACK was lost: the pair is dead now (RFC 5456 §6.2.5).
        client.deliver(&mut bench, &octets);
        assert_eq!(client.words(), ["INVAL"]);
    }
}

/// X-INV-1: both numbers must be right; sequence numbers mean nothing.
#[test]
fn inval_ends_the_call_silently_if_it_names_both_numbers() {
    let mut bench = Bench::new();
    let mut client = Client::linked(&mut bench, 1, 500);
    let ours = client.destination;
    for wrong in [0, 1, if ours.get() == 77 { 78 } else { 77 }] {
        client.destination = number(wrong);
        client.send_iax(&mut bench, IaxCommand::Inval, &[]);
        assert_eq!(bench.counts().calls, 1, "destination {wrong}");
    }
    client.destination = ours;
    client.received.clear();
    client.oseqno.0 = 99;
    client.send_iax(&mut bench, IaxCommand::Inval, &[]);
    assert!(client.words().is_empty());
    assert_eq!(reason(&bench), Some(EndReason::Invalidated));
    bench.assert_at_rest();
}

/// RFC 5456 §6.6, §7: nothing is said when the other side does not acknowledge.
#[test]
fn a_silent_peer_is_given_up() {
    let mut bench = Bench::new();
    let client = Client::linked(&mut bench, 1, 500);
    bench.until(120.0);
    assert_eq!(reason(&bench), Some(EndReason::Unreachable));
    assert!(bench.times(client.address, IaxCommand::Hangup).is_empty());
    // The first LAGRQ leaves at 10 s and is given up 32 s later.
    let last = bench.sent.last().expect("something was sent").0;
    assert!(last <= iaxproof::time::Instant::from_secs(1042));
    bench.assert_at_rest();
}

/// The refused dialogue ends when its REJECT is acknowledged, and keeps nothing.
#[test]
fn a_rejected_call_ends_with_its_acknowledgement() {
    let mut bench = Bench::new();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "999");
    client.authrep(&mut bench, "wonder");
    client.ack(&mut bench);
    assert_eq!(reason(&bench), None);
    bench.assert_at_rest();
}
