//! A relay in front of a real server that bends what passes: so each defect is one place of one message, and all else is as
//! the server says it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use iaxproof::wire::{Body, Frame, IaxCommand};

/// Which way a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    FromServer,
}

/// Changes a datagram; whether it goes on at all.
pub(crate) type Bend = fn(Way, &mut Vec<u8>) -> bool;

/// The same, by somebody who remembers what passed between the server and one client.
pub(crate) type Bender = Arc<Mutex<dyn FnMut(Way, &mut Vec<u8>) -> bool + Send>>;

/// An address that is the server's, but bent. It lives as long as the process.
pub(crate) fn bent(server: &str, bend: Bend) -> String {
    bent_by(server, move || Arc::new(Mutex::new(bend)))
}

/// The same, with a bender for each client.
pub(crate) fn bent_by(server: &str, bender: impl Fn() -> Bender + Send + 'static) -> String {
    let front = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
    let address = front.local_addr().unwrap().to_string();
    let server: SocketAddr = server.parse().unwrap();
    std::thread::spawn(move || forward(&front, server, bender));
    address
}

fn forward(front: &Arc<UdpSocket>, server: SocketAddr, bender: impl Fn() -> Bender) {
    let mut ways: BTreeMap<SocketAddr, (Arc<UdpSocket>, Bender)> = BTreeMap::new();
    let mut octets = [0; 4_096];
    while let Ok((len, from)) = front.recv_from(&mut octets) {
        let (back, bender) = ways.entry(from).or_insert_with(|| {
            let bender = bender();
            let back = way_back(front, from, server, Arc::clone(&bender));
            (back, bender)
        });
        let mut datagram = octets[..len].to_vec();
        if (bender.lock().unwrap())(Way::ToServer, &mut datagram) {
            let _ = back.send(&datagram);
        }
    }
}

/// A socket of the relay's for one client.
fn way_back(
    front: &Arc<UdpSocket>,
    client: SocketAddr,
    server: SocketAddr,
    bender: Bender,
) -> Arc<UdpSocket> {
    let back = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
    back.connect(server).unwrap();
    let (front, socket) = (Arc::clone(front), Arc::clone(&back));
    std::thread::spawn(move || {
        let mut octets = [0; 4_096];
        while let Ok(len) = socket.recv(&mut octets) {
            let mut datagram = octets[..len].to_vec();
            if (bender.lock().unwrap())(Way::FromServer, &mut datagram) {
                let _ = front.send_to(&datagram, client);
            }
        }
    });
    back
}

/// The IAX message that a datagram is.
pub(crate) fn command(datagram: &[u8]) -> Option<IaxCommand> {
    match Frame::parse(datagram) {
        Ok(Frame::Full(frame)) => match frame.body {
            Body::Iax { command, .. } => Some(command),
            _ => None,
        },
        _ => None,
    }
}

/// Where the data of the element with this code begins, if the message has it.
pub(crate) fn element(datagram: &[u8], code: u8) -> Option<usize> {
    let mut at = 12;
    while at + 2 <= datagram.len() {
        if datagram[at] == code {
            return Some(at + 2);
        }
        at += 2 + usize::from(datagram[at + 1]);
    }
    None
}
