//! The program on turmoil: a host and a client for each pair, UDP sockets of turmoil's. Its clock goes on by ticks, in each of which every
//! node is run; so a datagram may come a tick later than its latency, and how long the ticks are is the caller's.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use turmoil::net::UdpSocket;

use crate::program::{LATENCY, PAYLOAD_LEN, PORT, Program, payload};

/// Plays it.
///
/// # Panics
///
/// Where a datagram is not delivered, changed, or late.
pub(crate) fn run(program: Program, tick: Duration) {
    let mut sim = turmoil::Builder::new()
        .rng_seed(1)
        .tick_duration(tick)
        .min_message_latency(LATENCY)
        .max_message_latency(LATENCY)
        .simulation_duration(2 * latest(program, tick))
        .build();
    let delivered = Rc::new(Cell::new(0));
    for pair in 0..program.pairs {
        let had = Rc::clone(&delivered);
        sim.host(format!("server-{pair}"), move || {
            serve(pair, Rc::clone(&had))
        });
    }
    for pair in 0..program.pairs {
        let had = Rc::clone(&delivered);
        sim.client(format!("client-{pair}"), play(program, pair, had));
    }
    sim.run().expect("every client gets its answers");
    assert_eq!(delivered.get(), program.datagrams());
    let simulated = sim.elapsed();
    assert!(
        (program.duration()..=latest(program, tick)).contains(&simulated),
        "{simulated:?}"
    );
}

/// When it is over where every datagram waits for one more tick, and the last for a few.
fn latest(program: Program, tick: Duration) -> Duration {
    program.duration() + tick * (2 * program.rounds + 4)
}

async fn serve(pair: u8, delivered: Rc<Cell<u64>>) -> turmoil::Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    for round in 0.. {
        let mut datagram = [0; PAYLOAD_LEN + 1];
        let (len, from) = socket.recv_from(&mut datagram).await?;
        delivered.set(delivered.get() + 1);
        assert_eq!(datagram[..len], payload(pair, round));
        socket.send_to(&datagram[..len], from).await?;
    }
    Ok(())
}

async fn play(program: Program, pair: u8, delivered: Rc<Cell<u64>>) -> turmoil::Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let server = (turmoil::lookup(format!("server-{pair}")), PORT);
    for round in 0..program.rounds {
        socket.send_to(&payload(pair, round), server).await?;
        let mut datagram = [0; PAYLOAD_LEN + 1];
        let (len, _) = socket.recv_from(&mut datagram).await?;
        delivered.set(delivered.get() + 1);
        assert_eq!(datagram[..len], payload(pair, round));
    }
    Ok(())
}
