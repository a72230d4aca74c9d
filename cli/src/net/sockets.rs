//! UDP sockets side by side, and which of them a datagram leaves by: the one by which the other side was last heard, else
//! the first of its family.
//!
//! A socket is of one family: an IPv6 socket does not take IPv4, so an address has one spelling.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::io::ErrorKind;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::error::Error;

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
}

#[derive(Debug)]
struct Bound {
    socket: UdpSocket,
    local: SocketAddr,
    /// Whether there may be more to read: the system tells of new datagrams once.
    is_readable: bool,
}

impl Sockets {
    /// Binds a socket for each address.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] with the address that the system refused.
    pub(crate) fn bind(binds: &[SocketAddr], registry: &Registry) -> Result<Self, Error> {
        let bound = binds.iter().enumerate().map(|(index, address)| {
            Bound::new(*address, registry, Token(index))
                .map_err(|error| Error::Broke(format!("cannot listen on {address}: {error}")))
        });
        Ok(Sockets {
            bound: bound.collect::<Result<_, _>>()?,
            heard: BTreeMap::new(),
            next: 0,
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

    /// The next datagram: its length and where it came from. Sockets take turns.
    pub(crate) fn receive(&mut self, datagram: &mut [u8]) -> Option<(usize, SocketAddr)> {
        for _ in 0..self.bound.len() {
            let index = self.next;
            self.next = (index + 1) % self.bound.len();
            while self.bound[index].is_readable {
                match self.bound[index].socket.recv_from(datagram) {
                    Ok((len, from)) => {
                        self.note_heard(from, index);
                        return Some((len, from));
                    }
                    Err(error) => self.bound[index].note_error(&error),
                }
            }
        }
        None
    }

    /// Sends, or drops what the system does not take, as a network would.
    pub(crate) fn send(&self, to: SocketAddr, datagram: &[u8]) {
        let Some(bound) = self.way_to(to) else {
            tracing::debug!(%to, "no socket of that family");
            return;
        };
        if let Err(error) = bound.socket.send_to(datagram, to) {
            tracing::debug!(%to, %error, "not sent");
        }
    }

    fn way_to(&self, to: SocketAddr) -> Option<&Bound> {
        let index = self
            .heard
            .get(&to)
            .copied()
            .or_else(|| self.first_for(to))?;
        self.bound.get(index)
    }

    fn first_for(&self, address: SocketAddr) -> Option<usize> {
        let fits = |bound: &Bound| bound.local.is_ipv4() == address.is_ipv4();
        self.bound.iter().position(fits)
    }

    fn note_heard(&mut self, from: SocketAddr, index: usize) {
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

impl Bound {
    fn new(address: SocketAddr, registry: &Registry, token: Token) -> std::io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // A smaller buffer is no reason not to start.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::from(address))?;
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
