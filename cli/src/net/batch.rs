//! Many datagrams with one call of the system (`recvmmsg`, `sendmmsg`), by the crate `nix`.
//!
//! Audio is handled before registrations that came with it: a registration waits for milliseconds without harm, and who listens
//! hears them. Both are of different dialogues, so no order within one is lost.

use core::net::SocketAddr;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::AsRawFd;

use iaxproof::engine::Transmit;
use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, SockaddrLike, SockaddrStorage, recvmmsg, sendmmsg,
};

/// Datagrams of one call of the system.
pub(crate) const BATCH_MAX: usize = 32;
/// Octets of the largest datagram.
const DATAGRAM_MAX: usize = u16::MAX as usize;
/// The IAX frame type and the subclasses of REGREQ and REGREL (RFC 5456 §8.3, §8.4), where a full frame has them.
const IAX: u8 = 6;
const REGISTRATIONS: [u8; 2] = [13, 17];

/// Datagrams that came, with the room for them.
pub(crate) struct Batch {
    buffers: Vec<Box<[u8]>>,
    received: Vec<Received>,
}

/// One datagram of a batch.
#[derive(Clone, Copy, Debug)]
struct Received {
    from: SocketAddr,
    len: usize,
}

impl Batch {
    /// An empty one, with room for [`BATCH_MAX`].
    pub(crate) fn new() -> Self {
        Batch {
            buffers: vec![vec![0; DATAGRAM_MAX].into(); BATCH_MAX],
            received: Vec::with_capacity(BATCH_MAX),
        }
    }

    /// Takes what waits at a socket.
    pub(crate) fn receive(&mut self, socket: &impl AsRawFd) -> std::io::Result<()> {
        self.received.clear();
        let slices = self.buffers.iter_mut().map(|it| [IoSliceMut::new(it)]);
        let mut slices: Vec<[IoSliceMut<'_>; 1]> = slices.collect();
        let flags = MsgFlags::MSG_DONTWAIT;
        let fd = socket.as_raw_fd();
        let mut headers = headers();
        let messages = recvmmsg(fd, &mut headers, slices.iter_mut(), flags, None)?;
        // Who sent one has an address of the socket's family.
        let received =
            messages.filter_map(|it| Some((it.address.and_then(socket_address)?, it.bytes)));
        self.received
            .extend(received.map(|(from, len)| Received { from, len }));
        Ok(())
    }

    /// What came, audio first.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let all = || {
            let received = self.received.iter().zip(&self.buffers);
            received.map(|(it, buffer)| (it.from, &buffer[..it.len]))
        };
        let later = |(_, octets): &(SocketAddr, &[u8])| is_registration(octets);
        all()
            .filter(move |it| !later(it))
            .chain(all().filter(later))
    }

    /// How many were received.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.received.len()
    }
}

impl core::fmt::Debug for Batch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a batch of {}", self.received.len())
    }
}

/// What the system writes addresses and lengths into. Made anew each time, for it cannot go to another thread.
fn headers() -> MultiHeaders<SockaddrStorage> {
    MultiHeaders::preallocate(BATCH_MAX, None)
}

fn is_registration(datagram: &[u8]) -> bool {
    matches!(datagram, [first, .., _] if first & 0x80 != 0)
        && datagram.get(10) == Some(&IAX)
        && datagram
            .get(11)
            .is_some_and(|it| REGISTRATIONS.contains(it))
}

fn socket_address(address: SockaddrStorage) -> Option<SocketAddr> {
    match address.family()? {
        AddressFamily::Inet => address
            .as_sockaddr_in()
            .map(|it| SocketAddr::V4((*it).into())),
        AddressFamily::Inet6 => address
            .as_sockaddr_in6()
            .map(|it| SocketAddr::V6((*it).into())),
        _ => None,
    }
}

/// Sends by one socket, and says how many the system took: the first of those that are left it refused.
pub(crate) fn send(socket: &impl AsRawFd, transmits: &[Transmit]) -> std::io::Result<usize> {
    let slices = transmits.iter().map(|it| [IoSlice::new(&it.payload)]);
    let slices: Vec<[IoSlice<'_>; 1]> = slices.collect();
    let addresses = transmits.iter().map(|it| Some(it.destination.into()));
    let addresses: Vec<Option<SockaddrStorage>> = addresses.collect();
    let flags = MsgFlags::MSG_DONTWAIT;
    let mut headers = headers();
    let sent = sendmmsg(
        socket.as_raw_fd(),
        &mut headers,
        &slices,
        addresses,
        [],
        flags,
    )?;
    Ok(sent.count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn pair() -> [UdpSocket; 2] {
        [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    fn regreq() -> Vec<u8> {
        let mut octets = vec![0x80, 1, 0, 0, 0, 0, 0, 1, 0, 0];
        octets.extend([IAX, 13]);
        octets
    }

    #[test]
    fn audio_comes_before_registrations_and_each_keeps_its_order() {
        let [from, to] = pair();
        let address = to.local_addr().unwrap();
        let sent: [&[u8]; 5] = [&regreq(), &[0, 1, 2], &[0, 1, 3], &[0x80], &[]];
        for octets in sent {
            from.send_to(octets, address).unwrap();
        }
        let mut batch = Batch::new();
        while batch.len() < sent.len() {
            batch.receive(&to).unwrap();
        }
        let came: Vec<&[u8]> = batch.datagrams().map(|(_, octets)| octets).collect();
        assert_eq!(came, [sent[1], sent[2], sent[3], sent[4], sent[0]]);
        assert!(
            batch
                .datagrams()
                .all(|(it, _)| it == from.local_addr().unwrap())
        );
        let empty = batch.receive(&to).unwrap_err();
        assert_eq!(
            (empty.kind(), batch.len()),
            (std::io::ErrorKind::WouldBlock, 0)
        );
    }

    #[test]
    fn what_is_sent_together_comes() {
        let [from, to] = pair();
        let destination = to.local_addr().unwrap();
        let transmits = [1, 2, 3].map(|it| Transmit {
            destination,
            payload: vec![it; usize::from(it)],
        });
        assert_eq!(send(&from, &transmits).unwrap(), 3);
        let mut buffer = [0; 8];
        let came = [1, 2, 3].map(|_| to.recv(&mut buffer).unwrap());
        assert_eq!(came, [1, 2, 3]);
    }
}
