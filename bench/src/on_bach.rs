//! The program on bach: a group for each node, UDP sockets of bach's, whose queues have a fixed latency.

use std::cell::Cell;
use std::rc::Rc;

use bach::environment::default::Runtime;
use bach::environment::net::queue::Fixed;
use bach::ext::*;
use bach::net::UdpSocket;

use crate::program::{LATENCY, PAYLOAD_LEN, PORT, Program, payload};

/// Plays it.
///
/// # Panics
///
/// Where a datagram is not delivered, changed, or late.
pub(crate) fn run(program: Program) {
    let queues = Fixed::default().with_net_latency(LATENCY);
    let mut runtime = Runtime::new()
        .with_seed(1)
        .with_net_queues(Some(Box::new(queues)));
    let delivered = Rc::new(Cell::new(0));
    runtime.run(|| {
        for pair in 0..program.pairs {
            let server = serve(pair, Rc::clone(&delivered));
            server.group(name(pair)).spawn();
            let client = play(program, pair, Rc::clone(&delivered));
            client.group(format!("client-{pair}")).primary().spawn();
        }
    });
    assert_eq!(delivered.get(), program.datagrams());
    assert_eq!(runtime.elapsed(), program.duration());
}

fn name(pair: u8) -> String {
    format!("server-{pair}")
}

async fn serve(pair: u8, delivered: Rc<Cell<u64>>) {
    let socket = UdpSocket::bind((name(pair), PORT)).await;
    let socket = socket.expect("nobody else has this port");
    for round in 0.. {
        let mut datagram = [0; PAYLOAD_LEN + 1];
        let received = socket.recv_from(&mut datagram).await;
        let (len, from) = received.expect("the socket is open");
        delivered.set(delivered.get() + 1);
        assert_eq!(datagram[..len], payload(pair, round));
        let sent = socket.send_to(&datagram[..len], from).await;
        assert_eq!(sent.expect("there is room"), len);
    }
}

async fn play(program: Program, pair: u8, delivered: Rc<Cell<u64>>) {
    let socket = UdpSocket::bind("0.0.0.0:0").await;
    let socket = socket.expect("there are ports");
    // Looked up once, and not for each datagram.
    let server = bach::net::try_lookup((name(pair), PORT)).expect("the server has a name");
    for round in 0..program.rounds {
        let sent = socket.send_to(&payload(pair, round), server).await;
        assert_eq!(sent.expect("there is room"), PAYLOAD_LEN);
        let mut datagram = [0; PAYLOAD_LEN + 1];
        let received = socket.recv_from(&mut datagram).await;
        let (len, _) = received.expect("the socket is open");
        delivered.set(delivered.get() + 1);
        assert_eq!(datagram[..len], payload(pair, round));
    }
}
