//! Call numbers through the endpoint (X-NUM-*; property numbers-conserved).

use std::collections::BTreeSet;

use crate::bench::*;
use iaxproof::engine::EndpointOptions;
use iaxproof::engine::settings::General;
use iaxproof::wire::{Body, CallNumber, IaxCommand};

fn bench(pool: core::ops::RangeInclusive<u16>) -> Bench {
    let options = EndpointOptions {
        call_numbers: pool,
        ..EndpointOptions::default()
    };
    Bench::with(options, General::default(), false)
}

/// Registers and acknowledges; gives the number that the endpoint used.
fn dialogue(bench: &mut Bench, last: u8, source: u16) -> Option<CallNumber> {
    let mut client = Client::new(last, source);
    client.regreq(bench, "open", 60);
    let answer = client.last().source;
    let granted = client.words() == ["REGACK"];
    if granted {
        let mut octets = client.iax(IaxCommand::Ack, &[]);
        octets[8] = 1;
        octets[9] = 1;
        bench.deliver(client.address, &octets);
    }
    granted.then_some(answer)
}

/// X-NUM-2: not again with the same address within a minute, but with another at once.
#[test]
fn a_number_is_quarantined_per_address() {
    let mut bench = bench(2..=4);
    let first: BTreeSet<_> = (0..3)
        .filter_map(|i| dialogue(&mut bench, 1, 500 + i))
        .collect();
    assert_eq!(first.len(), 3);
    assert_eq!(bench.counts().numbers_quarantined, 3);
    assert_eq!(dialogue(&mut bench, 1, 600), None);
    assert!(dialogue(&mut bench, 2, 600).is_some());
    bench.until(59.9);
    assert_eq!(dialogue(&mut bench, 1, 601), None);
    bench.until(60.0);
    assert!(dialogue(&mut bench, 1, 602).is_some());
    assert_eq!(bench.counts().dropped.refused, 2);
}

/// X-NUM-1: 0 and 1 are never drawn; no number lives twice; the pool is conserved.
#[test]
fn live_numbers_are_unique_and_the_pool_is_conserved() {
    let mut bench = bench(2..=40);
    let mut seen = BTreeSet::new();
    for i in 0..39 {
        let mut client = Client::new(1, 500 + i);
        client.regreq(&mut bench, "alice", 60);
        assert!(matches!(
            client.last().body,
            Body::Iax {
                command: IaxCommand::RegAuth,
                ..
            }
        ));
        assert!(seen.insert(client.destination));
        let counts = bench.counts();
        assert_eq!(counts.numbers_allocated, usize::from(i) + 1);
        assert_eq!(counts.numbers_allocated + counts.numbers_free, 39);
    }
    assert!(seen.iter().all(|number| (2..=40).contains(&number.get())));
    let mut late = Client::new(2, 500);
    late.regreq(&mut bench, "alice", 60);
    assert_eq!(late.words(), ["REGREJ"]);
}

/// X-NUM-3: a limit per IP address, whatever the port.
#[test]
fn dialogues_are_limited_per_ip_address() {
    let general = General {
        dialogues_per_ip_max: 2,
        ..General::default()
    };
    let mut bench = Bench::with(EndpointOptions::default(), general, false);
    let open = |bench: &mut Bench, last: u8, port: u16| {
        let mut client = Client::new(last, 500);
        client.address.set_port(port);
        client.new_call(bench, "alice", "100");
        client
    };
    let mut first = open(&mut bench, 1, 1000);
    assert_eq!(first.words(), ["AUTHREQ"]);
    assert_eq!(open(&mut bench, 1, 1001).words(), ["AUTHREQ"]);
    assert_eq!(open(&mut bench, 1, 1002).words(), ["REJECT"]);
    assert_eq!(open(&mut bench, 2, 1000).words(), ["AUTHREQ"]);
    first.send_iax(&mut bench, IaxCommand::Hangup, &[]);
    assert_eq!(open(&mut bench, 1, 1003).words(), ["AUTHREQ"]);
}
