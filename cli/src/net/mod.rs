//! An endpoint on real sockets and a real clock: what the server's worker and the client are both made of.
//!
//! - [`Node`], here: waits, receives, fires timers, sends. [`sockets`]: which socket a datagram came by, and leaves by.
//!
//! Left to others: what events mean (`serve`, `client`), and peers and users (a [`Directory`]).

pub(crate) mod sockets;

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use iaxproof::engine::directory::Directory;
use iaxproof::engine::{Endpoint, EndpointOptions};
use iaxproof::time::Instant;
use mio::{Events, Poll, Token, Waker};

use self::sockets::Sockets;
use crate::clock::Clock;
use crate::error::Error;

/// IAX2's port (RFC 5456 §5).
pub(crate) const PORT: u16 = 4569;
/// Datagrams that are read before timers and the application have their turn.
const DATAGRAMS_PER_TURN: usize = 64;
/// The longest rest, so that a lost wake-up is no standstill.
const REST_MAX: Duration = Duration::from_secs(1);
/// The token of the waker; sockets have their index.
const WAKER: Token = Token(usize::MAX);

/// An endpoint with its sockets. Belongs to one thread.
#[derive(Debug)]
pub(crate) struct Node<D: Directory> {
    /// The endpoint. After a command the next [`Node::turn`] sends what it queued.
    pub(crate) endpoint: Endpoint<D>,
    clock: Clock,
    poll: Poll,
    ready: Events,
    sockets: Sockets,
    waker: Arc<Waker>,
    datagram: Box<[u8]>,
}

/// What a turn did that others may have to follow up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turned {
    /// A frame was handled, or a timer fired, that may have left a question or a write for the database. Audio does not.
    pub(crate) has_business: bool,
}

impl<D: Directory> Node<D> {
    /// Binds the sockets.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the operating system refuses a socket; it names the address.
    pub(crate) fn new(
        clock: Clock,
        binds: &[SocketAddr],
        options: EndpointOptions,
        directory: D,
    ) -> Result<Self, Error> {
        let poll = Poll::new().map_err(refused("no polling"))?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(refused("no waker"))?;
        let options = EndpointOptions {
            unix_time_at_zero: clock.unix_at_zero(),
            ..options
        };
        Ok(Node {
            endpoint: Endpoint::new(options, random()?, directory),
            clock,
            sockets: Sockets::bind(binds, poll.registry())?,
            poll,
            ready: Events::with_capacity(64),
            waker: Arc::new(waker),
            datagram: vec![0; usize::from(u16::MAX)].into(),
        })
    }

    /// The time.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Ends the rest of this node's thread from another thread.
    pub(crate) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Where the sockets are bound, with the ports that the system chose.
    pub(crate) fn locals(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.locals()
    }

    /// Rests until something comes, a deadline of the endpoint, or `until`; then handles what there is. Events are left
    /// for the caller to poll.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the operating system cannot wait.
    pub(crate) fn turn(&mut self, until: Option<Instant>) -> Result<Turned, Error> {
        self.send_all();
        self.rest(until)?;
        let mut turned = self.receive();
        let now = self.now();
        if self
            .endpoint
            .poll_timeout()
            .is_some_and(|(at, _)| at <= now)
        {
            self.endpoint.handle_timeout(now);
            turned.has_business = true;
        }
        self.send_all();
        Ok(turned)
    }

    fn rest(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let now = self.now();
        let deadline = self.endpoint.poll_timeout().map(|(at, _)| at);
        let next = [deadline, until].into_iter().flatten().min();
        let rest = next.map_or(REST_MAX, |next| next.saturating_since(now).min(REST_MAX));
        let rest = if self.sockets.any_readable() {
            Duration::ZERO
        } else {
            rest
        };
        match self.poll.poll(&mut self.ready, Some(rest)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                return Err(refused("cannot wait for datagrams")(error));
            }
            _ => {}
        }
        let sockets = self.ready.iter().filter(|event| event.token() != WAKER);
        sockets.for_each(|event| self.sockets.note_readable(event.token()));
        Ok(())
    }

    /// Handles waiting datagrams, and sends what each asks for before the next is read.
    fn receive(&mut self) -> Turned {
        let mut turned = Turned::default();
        for _ in 0..DATAGRAMS_PER_TURN {
            let Some((len, from)) = self.sockets.receive(&mut self.datagram) else {
                break;
            };
            let datagram = &self.datagram[..len];
            turned.has_business |= is_full(datagram);
            let now = self.clock.now();
            self.endpoint.handle_datagram(now, from, datagram);
            self.send_all();
        }
        turned
    }

    /// Sends what a command queued, where no further turn follows.
    pub(crate) fn flush(&mut self) {
        self.send_all();
    }

    fn send_all(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.sockets.send(transmit.destination, &transmit.payload);
        }
    }
}

/// Whether a datagram is a full frame: mini and trunk frames carry media alone (RFC 5456 §8.1.1).
fn is_full(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & 0x80 != 0)
}

/// Octets from the operating system's generator.
///
/// # Errors
///
/// [`Error::Broke`] where it has none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets)
        .map_err(|error| Error::Broke(format!("no randomness from the system: {error}")))?;
    Ok(octets)
}

fn refused(what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error::Broke(format!("{what}: {error}"))
}
