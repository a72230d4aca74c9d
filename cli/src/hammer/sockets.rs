//! Many sockets towards one server: each is a remote address of its own there, and a pool of call numbers.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io::ErrorKind;
use std::sync::Arc;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::Error;

/// Files that the process has open beside its sockets, and some to spare.
const FILES_BESIDE: u64 = 64;
/// Sockets that are told of at once; the others come next.
const EVENTS: usize = 1_024;
/// The first of the addresses of `--addresses`; the others follow it.
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 1);
/// The token of the waker; sockets have their index.
const WAKER: Token = Token(usize::MAX);

/// The sockets, connected to the server.
#[derive(Debug)]
pub(super) struct Sockets {
    bound: Vec<UdpSocket>,
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    /// The system had no room for so many datagrams of ours.
    pub(super) unsent: u64,
    /// Nobody listens there, the system says.
    pub(super) unreachable: u64,
}

impl Sockets {
    /// So many sockets, on as many addresses of the loopback as `addresses` says, where it says so.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system refuses files or sockets.
    pub(super) fn open(
        target: SocketAddr,
        count: u32,
        addresses: Option<u32>,
    ) -> Result<Self, Error> {
        allow_files(u64::from(count) + FILES_BESIDE)?;
        let broke = |error| Error::Broke(format!("no polling: {error}"));
        let poll = Poll::new().map_err(broke)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(broke)?;
        let bound = (0..count).map(|index| {
            let local = SocketAddr::new(local(target, index, addresses), 0);
            bind(local, target, &poll, Token(index as usize)).map_err(|error| {
                Error::Broke(format!(
                    "socket {} of {count} on {local}: {error}",
                    index + 1
                ))
            })
        });
        Ok(Sockets {
            bound: bound.collect::<Result<_, _>>()?,
            poll,
            events: Events::with_capacity(EVENTS),
            waker: Arc::new(waker),
            unsent: 0,
            unreachable: 0,
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.bound.len()
    }

    /// Ends the rest of the thread that waits.
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Rests so long at most, and says which sockets have something to read.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system cannot wait.
    pub(super) fn wait(&mut self, rest: Duration) -> Result<Vec<usize>, Error> {
        match self.poll.poll(&mut self.events, Some(rest)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                return Err(Error::Broke(format!("cannot wait for datagrams: {error}")));
            }
            _ => {}
        }
        let tokens = self.events.iter().map(|event| event.token());
        Ok(tokens
            .filter(|it| *it != WAKER)
            .map(|Token(index)| index)
            .collect())
    }

    /// The next datagram of a socket, for which this is called until there is none: the system tells of new ones once.
    pub(super) fn receive(&mut self, index: usize, datagram: &mut [u8]) -> Option<usize> {
        loop {
            match self.bound[index].recv(datagram) {
                Ok(len) => return Some(len),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.unreachable += 1,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Sends, or counts what the system does not take: it is as lost as on a network.
    pub(super) fn send(&mut self, index: usize, datagram: &[u8]) {
        match self.bound[index].send(datagram) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.unreachable += 1,
            Err(_) => self.unsent += 1,
            Ok(_) => {}
        }
    }
}

/// Where a socket is bound.
fn local(target: SocketAddr, index: u32, addresses: Option<u32>) -> IpAddr {
    match (addresses, target) {
        (Some(addresses), _) => {
            let bits = FIRST_ADDRESS.to_bits() + index % addresses;
            Ipv4Addr::from_bits(bits).into()
        }
        (None, SocketAddr::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
        (None, SocketAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn bind(
    local: SocketAddr,
    target: SocketAddr,
    poll: &Poll,
    token: Token,
) -> std::io::Result<UdpSocket> {
    let mut socket = UdpSocket::bind(local)?;
    socket.connect(target)?;
    poll.registry()
        .register(&mut socket, token, Interest::READABLE)?;
    Ok(socket)
}

/// Lets this process have so many files open.
fn allow_files(wanted: u64) -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    let is_enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= wanted);
    if is_enough(limit.current) {
        return Ok(());
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    let raised = Rlimit {
        current: Some(wanted),
        maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| {
        let allowed = limit.maximum.map_or(String::new(), |it| it.to_string());
        Error::Broke(format!(
            "{wanted} open files are wanted, and the system allows {allowed} ({error}): fewer --sockets, or a higher `ulimit -n -H`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_loopback_are_taken_in_turn() {
        let target: SocketAddr = "127.0.0.1:4569".parse().unwrap();
        let at = |index| local(target, index, Some(300)).to_string();
        let expected = ["127.64.0.1", "127.64.1.0", "127.64.1.44", "127.64.0.1"];
        assert_eq!([0, 255, 299, 300].map(at), expected);
        assert!(local(target, 7, None).is_unspecified());
    }

    #[test]
    fn more_files_than_any_system_has_are_refused_with_the_way_out() {
        allow_files(FILES_BESIDE).unwrap();
        let refused = allow_files(u64::MAX / 2).unwrap_err().to_string();
        assert!(refused.contains("--sockets"), "{refused}");
    }
}
