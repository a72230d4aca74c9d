//! An endpoint on real sockets and a real clock: what the server's worker and the client are both made of.
//!
//! - [`Node`], here: waits, receives, fires timers, sends. [`sockets`]: which socket a datagram came by, and leaves by.
//!   [`batch`]: many datagrams at once. [`crew`]: several nodes at the same addresses. [`taps`]: who listens in.
//!
//! Left to others: what events mean (`serve`, `client`), and peers and users (a [`Directory`]).

mod batch;
pub(crate) mod crew;
pub(crate) mod sockets;
pub(crate) mod taps;

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use iaxproof::engine::directory::Directory;
use iaxproof::engine::{Endpoint, EndpointOptions, Route, WorkerId};
use iaxproof::time::Instant;
use mio::{Events, Poll, Token, Waker};

use self::batch::{BATCH_MAX, Batch};
use self::crew::{Crew, Handed};
use self::sockets::Sockets;
use self::taps::{Moment, Passing, Taps};
use crate::clock::Clock;
use crate::error::{Advised, Error};
use crate::record::Tape;
use crate::record::input::Input;
use crate::record::output::Output;

/// IAX2's port (RFC 5456 §5).
pub(crate) const PORT: u16 = 4569;
/// Batches that are read before timers and the application have their turn.
const BATCHES_PER_TURN: usize = 2;
/// Datagrams of other workers' sockets that are handled before that.
const HANDED_PER_TURN: usize = BATCHES_PER_TURN * BATCH_MAX;
/// The longest rest, so that a lost wake-up is no standstill.
const REST_MAX: Duration = Duration::from_secs(1);
/// The token of the waker; sockets have their index.
const WAKER: Token = Token(usize::MAX);

/// An endpoint with its sockets. Belongs to one thread.
#[derive(Debug)]
pub(crate) struct Node<D: Directory> {
    /// The endpoint. After a command the next [`Node::turn`] sends what it queued.
    pub(crate) endpoint: Endpoint<D>,
    /// Who listens in.
    pub(crate) taps: Taps,
    /// Where it is recorded what the endpoint is given.
    pub(crate) tape: Tape,
    worker: WorkerId,
    clock: Clock,
    poll: Poll,
    ready: Events,
    sockets: Sockets,
    waker: Arc<Waker>,
    /// `None` only while its datagrams are handled.
    batch: Option<Box<Batch>>,
    crew: Option<Crew>,
    /// Datagrams that were to be another worker's, and had no room there.
    not_handed: u64,
}

/// What a turn did that others may have to follow up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turned {
    /// A frame was handled, or a timer fired, that may have left a question or a write for the database. Audio does not.
    pub(crate) has_business: bool,
    /// How many datagrams came.
    pub(crate) datagrams: usize,
}

impl<D: Directory> Node<D> {
    /// Binds the sockets. The randomness of the endpoint is that of the seed.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the operating system refuses a socket; it names the address.
    pub(crate) fn new(
        clock: Clock,
        binds: &[SocketAddr],
        (options, seed): (EndpointOptions, [u8; 32]),
        directory: D,
    ) -> Result<Self, Error> {
        let poll = Poll::new().map_err(refused("no polling"))?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(refused("no waker"))?;
        let options = EndpointOptions {
            unix_time_at_zero: clock.unix_at_zero(),
            ..options
        };
        Ok(Node {
            worker: options.workers.me(),
            taps: Taps::default(),
            tape: Tape::default(),
            clock,
            sockets: Sockets::bind(binds, !options.workers.is_alone(), poll.registry())?,
            endpoint: Endpoint::new(options, seed, directory),
            poll,
            ready: Events::with_capacity(64),
            waker: Arc::new(waker),
            batch: Some(Box::new(Batch::new())),
            crew: None,
            not_handed: 0,
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

    /// Which worker of several this is.
    pub(crate) fn worker(&self) -> WorkerId {
        self.worker
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
            self.tape.begin(|| Input::Timeout { now });
            self.endpoint.handle_timeout(now);
            self.tape.end();
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

    /// This worker knows the others now.
    pub(crate) fn join(&mut self, crew: Crew) {
        self.crew = Some(crew);
    }

    /// Handles waiting datagrams. The clock is read once for each batch.
    fn receive(&mut self) -> Turned {
        let mut turned = Turned::default();
        let Some(mut batch) = self.batch.take() else {
            return turned;
        };
        for _ in 0..BATCHES_PER_TURN {
            let Some(socket) = self.sockets.receive(&mut batch) else {
                break;
            };
            let now = self.now();
            for (from, datagram) in batch.datagrams() {
                turned.datagrams += 1;
                turned.has_business |= self.take(now, socket, from, datagram);
            }
            self.send_all();
        }
        self.batch = Some(batch);
        turned.has_business |= self.take_handed();
        turned
    }

    /// A datagram came by one of our sockets. Whether it may have left a question or a write.
    fn take(&mut self, now: Instant, socket: usize, from: SocketAddr, datagram: &[u8]) -> bool {
        self.sockets.note_heard(from, socket);
        self.overhear(now, from, datagram, Moment::Came);
        self.tape.begin(|| {
            let octets = datagram.into();
            Input::Came { now, from, octets }
        });
        let route = self.endpoint.route(from, datagram);
        if route != Route::Here {
            self.tape.note(|| Output::Routed(route.clone()));
        }
        let has_business = match route {
            Route::Here => self.handle(now, from, datagram),
            Route::There(owner) => {
                self.hand(owner, socket, from, datagram);
                false
            }
            Route::Shared(others) => {
                for other in others {
                    self.hand(other, socket, from, datagram);
                }
                self.handle(now, from, datagram)
            }
        };
        self.finish();
        has_business
    }

    /// An input is done: where it is recorded, so is what it leaves to be sent.
    pub(crate) fn finish(&mut self) {
        self.tape.end();
        if self.tape.is_live() {
            self.queue_all();
        }
    }

    fn handle(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> bool {
        self.overhear(now, from, datagram, Moment::Handled);
        self.endpoint.handle_datagram(now, from, datagram);
        is_full(datagram)
    }

    fn hand(&mut self, to: WorkerId, socket: usize, from: SocketAddr, datagram: &[u8]) {
        let Some(crew) = &self.crew else {
            return;
        };
        let handed = Handed {
            from,
            socket,
            octets: datagram.into(),
            back_to: Some(crew.me()),
        };
        self.not_handed += u64::from(!crew.hand(to, handed));
    }

    /// Handles what other workers received for us. What is nothing to us goes back to who has it from the network.
    fn take_handed(&mut self) -> bool {
        let mut has_business = false;
        for _ in 0..HANDED_PER_TURN {
            let Some(handed) = self.crew.as_ref().and_then(Crew::take) else {
                return has_business;
            };
            let (now, from) = (self.now(), handed.from);
            self.tape.begin(|| Input::Handed {
                now,
                from,
                octets: handed.octets.clone(),
                is_last: handed.back_to.is_none(),
            });
            match handed.back_to {
                Some(back_to) if !self.endpoint.keeps(from, &handed.octets) => {
                    self.tape.note(|| Output::Kept(false));
                    self.give_back(back_to, handed);
                }
                _ => {
                    self.sockets.note_heard(from, handed.socket);
                    has_business |= self.handle(now, from, &handed.octets);
                }
            }
            self.tape.end();
            self.send_all();
        }
        // There may be more: the waker has been used up.
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the worker cannot be woken");
        }
        has_business
    }

    fn give_back(&mut self, to: WorkerId, handed: Handed) {
        let handed = Handed {
            back_to: None,
            ..handed
        };
        let crew = self.crew.as_ref();
        let is_taken = crew.is_some_and(|crew| crew.hand(to, handed));
        self.not_handed += u64::from(!is_taken);
    }

    /// Sends what a command queued, where no further turn follows.
    pub(crate) fn flush(&mut self) {
        self.send_all();
    }

    /// Tells who listens in of a datagram from or to `remote`.
    fn overhear(&mut self, at: Instant, remote: SocketAddr, octets: &[u8], moment: Moment) {
        if self.taps.is_empty() {
            return;
        }
        if let Some(local) = self.sockets.local_of(remote) {
            self.taps.hear(&Passing {
                at,
                moment,
                local,
                remote,
                octets,
            });
        }
    }

    fn send_all(&mut self) {
        self.queue_all();
        self.sockets.flush();
    }

    fn queue_all(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.tape.note(|| Output::Sent(transmit.clone()));
            let (to, octets) = (transmit.destination, &transmit.payload);
            if !self.taps.is_empty() {
                self.overhear(self.now(), to, octets, Moment::Sent);
            }
            self.sockets.send(transmit);
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
    move |error| Error::Broke(format!("{what}: {}", Advised(&error)))
}
