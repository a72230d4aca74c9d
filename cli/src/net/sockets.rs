//! UDP sockets side by side, and which of them a datagram leaves by: the one by which the other side was last heard, else
//! the first of its family.
//!
//! A socket is of one family: an IPv6 socket does not take IPv4, so an address has one spelling.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::io::ErrorKind;

use iaxproof::engine::Transmit;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::batch::{self, BATCH_MAX, Batch};
use crate::error::{Advised, Error};

/// What the kernel is asked to keep for us while we do something else; it may give less.
const RECEIVE_BUFFER: usize = 4 << 20;
/// Remote addresses whose socket is remembered; at the limit all are forgotten, and heard again.
const HEARD_MAX: usize = 1 << 17;

/// The sockets of one endpoint.
#[derive(Debug)]
pub(crate) struct Sockets {
    bound: Vec<Bound>,
    /// By which socket an address was heard, where that is not the first of its family.
    heard: BTreeMap<SocketAddr, usize>,
    /// Which socket is read next, so that a flood of one leaves room for the others.
    next: usize,
    waiting: Waiting,
}

/// Datagrams that leave together by one socket.
#[derive(Debug)]
struct Waiting {
    transmits: Vec<Transmit>,
    by: usize,
}

#[derive(Debug)]
struct Bound {
    socket: UdpSocket,
    local: SocketAddr,
    /// Whether there may be more to read: the system tells of new datagrams once.
    is_readable: bool,
}

impl Sockets {
    /// Binds a socket for each address; `is_shared`: others of this process bind the same, and the system gives each of them what
    /// comes from some addresses.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] with the address that the system refused.
    pub(crate) fn bind(
        binds: &[SocketAddr],
        is_shared: bool,
        registry: &Registry,
    ) -> Result<Self, Error> {
        let bound = binds.iter().enumerate().map(|(index, address)| {
            Bound::new(*address, is_shared, registry, Token(index))
                .map_err(|error| refused(*address, &error))
        });
        Ok(Sockets {
            bound: bound.collect::<Result<_, _>>()?,
            heard: BTreeMap::new(),
            next: 0,
            waiting: Waiting {
                transmits: Vec::with_capacity(BATCH_MAX),
                by: 0,
            },
        })
    }

    /// Where the sockets are.
    pub(crate) fn locals(&self) -> impl Iterator<Item = SocketAddr> {
        self.bound.iter().map(|bound| bound.local)
    }

    /// The system said that there is something to read.
    pub(crate) fn note_readable(&mut self, token: Token) {
        if let Some(bound) = self.bound.get_mut(token.0) {
            bound.is_readable = true;
        }
    }

    /// Whether there may be something to read.
    pub(crate) fn any_readable(&self) -> bool {
        self.bound.iter().any(|bound| bound.is_readable)
    }

    /// Takes the next datagrams of one socket, and says of which; `None` where nothing waits. Sockets take turns.
    pub(crate) fn receive(&mut self, batch: &mut Batch) -> Option<usize> {
        for _ in 0..self.bound.len() {
            let index = self.next;
            self.next = (index + 1) % self.bound.len();
            while self.bound[index].is_readable {
                match batch.receive(&self.bound[index].socket) {
                    Ok(()) => return Some(index),
                    Err(error) => self.bound[index].note_error(&error),
                }
            }
        }
        None
    }

    /// Sends, or drops what the system does not take, as a network would. It may wait for others until [`Sockets::flush`].
    pub(crate) fn send(&mut self, transmit: Transmit) {
        let to = transmit.destination;
        let Some(index) = self.way_to(to) else {
            tracing::debug!(%to, "no socket of that family");
            return;
        };
        if index != self.waiting.by || self.waiting.transmits.len() >= BATCH_MAX {
            self.flush();
        }
        self.waiting.by = index;
        self.waiting.transmits.push(transmit);
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self) {
        let Waiting { transmits, by } = &mut self.waiting;
        let socket = &self.bound[*by].socket;
        let mut left = &transmits[..];
        while let Some(first) = left.first() {
            match batch::send(socket, left) {
                Ok(sent) => left = &left[sent.max(1)..],
                Err(error) => {
                    tracing::debug!(to = %first.destination, %error, "not sent");
                    left = &left[1..];
                }
            }
        }
        transmits.clear();
    }

    /// The socket by which this address is spoken to.
    pub(crate) fn local_of(&self, remote: SocketAddr) -> Option<SocketAddr> {
        let bound = self.bound.get(self.way_to(remote)?)?;
        Some(bound.local)
    }

    fn way_to(&self, to: SocketAddr) -> Option<usize> {
        let heard = self.heard.get(&to).copied();
        heard.or_else(|| self.first_for(to))
    }

    fn first_for(&self, address: SocketAddr) -> Option<usize> {
        let fits = |bound: &Bound| bound.local.is_ipv4() == address.is_ipv4();
        self.bound.iter().position(fits)
    }

    /// An address was heard by this socket.
    pub(crate) fn note_heard(&mut self, from: SocketAddr, index: usize) {
        if self.first_for(from) == Some(index) {
            if !self.heard.is_empty() {
                self.heard.remove(&from);
            }
            return;
        }
        if self.heard.len() >= HEARD_MAX {
            self.heard.clear();
        }
        self.heard.insert(from, index);
    }
}

/// Where several workers can listen: these addresses, with ports that the system chose where they have none. They must be nobody's, also not
/// those of another server with several workers.
///
/// # Errors
///
/// [`Error::Broke`] with the address that the system refused.
pub(crate) fn nobodys(binds: &[SocketAddr]) -> Result<Vec<SocketAddr>, Error> {
    let locals = binds.iter().map(|address| {
        let local = socket(*address, false).and_then(|socket| socket.local_addr());
        let local = local.map_err(|error| refused(*address, &error))?;
        Ok(local.as_socket().unwrap_or(*address))
    });
    locals.collect()
}

fn refused(address: SocketAddr, error: &std::io::Error) -> Error {
    let why = Advised(error);
    Error::Broke(format!("cannot listen on {address}: {why}"))
}

fn socket(address: SocketAddr, is_shared: bool) -> std::io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A smaller buffer is no reason not to start.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_reuse_port(is_shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    Ok(socket)
}

impl Bound {
    fn new(
        address: SocketAddr,
        is_shared: bool,
        registry: &Registry,
        token: Token,
    ) -> std::io::Result<Self> {
        let socket = socket(address, is_shared)?;
        let mut socket = UdpSocket::from_std(socket.into());
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Bound {
            local: socket.local_addr()?,
            socket,
            is_readable: true,
        })
    }

    /// Nothing more to read, or an error of an earlier datagram that is reported here and concerns no other.
    fn note_error(&mut self, error: &std::io::Error) {
        match error.kind() {
            ErrorKind::Interrupted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused => {}
            ErrorKind::WouldBlock => self.is_readable = false,
            _ => {
                tracing::warn!(local = %self.local, %error, "cannot receive");
                self.is_readable = false;
            }
        }
    }
}
