//! A worker: a thread that owns sockets and an endpoint. It rests until a datagram, a deadline, or a message
//! of another thread, and never waits for anything else.

use core::time::Duration;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use iaxproof::catalog::Catalog;
use iaxproof::config::Registration;
use iaxproof::engine::directory::Role;
use iaxproof::engine::{Endpoint, Event, WorkerId};
use iaxproof::registry::Std;
use iaxproof::time::Instant;
use mio::Waker;

use super::application::Application;
use super::control::question::{Ask, Insight};
use super::dialplan::Dialplan;
use super::keys::Keys;
use super::logins::FailedLogins;
use super::reading::{Histogram, Reading};
use super::registrants::Registrants;
use super::service::{self, Pulse};
use crate::error::Error;
use crate::net::Node;
use crate::store::realtime::{Bell, Done};

/// How long a stopping server waits for the other sides to acknowledge.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bounds of the histogram of datagrams that come in one turn.
const BATCHES: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// What other threads tell the worker.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// The realtime thread has done something that somebody waits for.
    Done(Done),
    /// A configuration is in force, and asks for these registrations elsewhere.
    Reloaded(Vec<Registration>),
    /// Calls go by this from now on.
    Dialplan(Arc<Dialplan>),
    /// Somebody wants to know something.
    Asked(Ask),
    /// The catalog was changed by the operator: there may be something to write.
    Changed,
    /// Hang up and end.
    Stop,
}

/// The other end of the worker's messages.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    sender: Sender<Message>,
    waker: Arc<Waker>,
}

impl Ring {
    /// Messages go to `sender`, and `waker` ends the worker's rest.
    pub(crate) fn new(sender: Sender<Message>, waker: Arc<Waker>) -> Self {
        Ring { sender, waker }
    }

    /// Leaves a message. A worker that has ended takes none.
    pub(crate) fn send(&self, message: Message) {
        if self.sender.send(message).is_ok()
            && let Err(error) = self.waker.wake()
        {
            tracing::error!(%error, "the worker cannot be woken");
        }
    }
}

/// The rings of all workers.
#[derive(Clone, Debug)]
pub(crate) struct Rings(Vec<Ring>);

impl Rings {
    /// In the order of the workers.
    pub(crate) fn new(rings: Vec<Ring>) -> Self {
        Rings(rings)
    }

    /// One by one.
    pub(crate) fn iter(&self) -> core::slice::Iter<'_, Ring> {
        self.0.iter()
    }

    /// How many.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Leaves a message with each.
    pub(crate) fn send(&self, message: &Message) {
        for ring in &self.0 {
            ring.send(message.clone());
        }
    }
}

/// The worker.
#[derive(Debug)]
pub(crate) struct Worker {
    node: Node<Arc<Catalog<Std>>>,
    application: Application,
    messages: Receiver<Message>,
    realtime: Option<Bell>,
    logins: FailedLogins,
    registrants: Registrants,
    /// The first worker's.
    keys: Option<Keys>,
    /// What happened so far.
    reading: Reading,
    pulse: Pulse,
    is_stopping: bool,
}

impl Worker {
    /// A worker that has not begun.
    pub(crate) fn new(
        node: Node<Arc<Catalog<Std>>>,
        application: Application,
        messages: Receiver<Message>,
        realtime: Option<Bell>,
        pulse: Pulse,
    ) -> Self {
        let keys = is_first(&node).then(|| Keys::new(node.now()));
        Worker {
            node,
            application,
            messages,
            realtime,
            logins: FailedLogins::default(),
            registrants: Registrants::default(),
            keys,
            reading: Reading {
                batches: Histogram::new(&BATCHES),
                ..Reading::default()
            },
            pulse,
            is_stopping: false,
        }
    }

    /// Works until it is told to stop, and hangs up.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the operating system cannot wait for datagrams.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        while !self.is_stopping {
            self.turn(self.application.due())?;
        }
        if is_first(&self.node) {
            service::stopping();
        }
        let done = self.say_farewell();
        self.pulse.rest();
        done
    }

    fn turn(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let turned = self.node.turn(until)?;
        let mut has_business = turned.has_business;
        if turned.datagrams > 0 {
            self.reading.datagrams += turned.datagrams as u64;
            self.reading.batches.note(turned.datagrams as u64);
        }
        let now = self.node.now();
        self.pulse.beat(now);
        if let Some(keys) = &mut self.keys {
            keys.keep_fresh(now, self.node.endpoint.directory())?;
        }
        has_business |= self.take_messages(now);
        self.application.play(now, &mut self.node.endpoint);
        // A command may leave events: they are handled in the same turn.
        while let Some(event) = self.node.endpoint.poll_event() {
            self.handle(now, event);
        }
        if let Some(realtime) = self.realtime.as_ref().filter(|_| has_business) {
            realtime.ring();
        }
        Ok(())
    }

    fn take_messages(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Ok(message) = self.messages.try_recv() {
            any = true;
            match message {
                Message::Done(Done::Answered(query)) => {
                    self.node.endpoint.handle_answer(now, query);
                }
                Message::Done(Done::Stored(change)) => {
                    self.node.endpoint.handle_stored(now, &change);
                }
                Message::Reloaded(registrations) => {
                    self.reloaded(now, registrations);
                }
                Message::Dialplan(dialplan) => self.application.follow(dialplan),
                Message::Asked(ask) => self.insight(now).answer(ask),
                Message::Changed => {}
                Message::Stop => self.is_stopping = true,
            }
        }
        any
    }

    /// The first worker does what one is enough for.
    fn reloaded(&mut self, now: Instant, registrations: Vec<Registration>) {
        let is_first = is_first(&self.node);
        let endpoint = &mut self.node.endpoint;
        if is_first {
            // Names that are there (again) may have brought stored contacts.
            endpoint.adopt();
            self.registrants.apply(now, endpoint, registrations);
        }
        qualify_all(now, endpoint);
    }

    /// What may be told of this worker.
    fn insight(&mut self, now: Instant) -> Insight<'_> {
        Insight {
            now,
            endpoint: &self.node.endpoint,
            taps: &mut self.node.taps,
            application: &self.application,
            registrants: &self.registrants,
            reading: &self.reading,
        }
    }

    fn handle(&mut self, now: Instant, event: Event) {
        self.reading.note(&event);
        if let Event::Ended { call, .. } = event {
            self.node.taps.over(call);
        }
        match event {
            Event::Registered {
                name,
                address,
                deadline,
                ..
            } => {
                let seconds = deadline.saturating_since(now).as_secs_f64().round() as u64;
                tracing::info!(?name, %address, seconds, "registered");
            }
            Event::Released { name } => tracing::info!(?name, "unregistered"),
            Event::Expired { name } => tracing::info!(?name, "registration expired"),
            Event::LoginFailed { address, role } => self.logins.note(now, address, role),
            Event::RegistrantChanged { id, state } => self.registrants.note(id, state),
            Event::Reachability { name, reachability } => {
                tracing::info!(?name, ?reachability, "qualified");
            }
            Event::StaleHandle { what } => tracing::error!(what, "a handle had gone stale"),
            event => self.application.handle(now, &mut self.node.endpoint, event),
        }
    }

    /// Whether anybody waits for an acknowledgement: a call that was hung up, a registration that is being stored, or
    /// one of ours that is given up.
    fn has_company(&self) -> bool {
        let counts = self.node.endpoint.counts();
        counts.calls > 0 || counts.registrations > 0 || counts.requests > 0
    }

    /// Hangs up, and goes on until nobody is left to acknowledge, or for [`FAREWELL`].
    fn say_farewell(&mut self) -> Result<(), Error> {
        let now = self.node.now();
        self.application.stop(now, &mut self.node.endpoint);
        self.registrants.stop(now, &mut self.node.endpoint);
        let end = now + FAREWELL;
        while self.has_company() && self.node.now() < end {
            self.turn(Some(end))?;
        }
        // What nobody acknowledged in time: a registration that the store still has is withdrawn.
        self.node.endpoint.shutdown(self.node.now());
        Ok(())
    }
}

/// Whether it is the one worker of several for what is to be done once.
fn is_first(node: &Node<Arc<Catalog<Std>>>) -> bool {
    node.worker() == WorkerId(0)
}

/// Has every peer asked whether it is there that is to be, as chan_iax2 does after each load.
fn qualify_all(now: Instant, endpoint: &mut Endpoint<Arc<Catalog<Std>>>) {
    let catalog = Arc::clone(endpoint.directory());
    for peer in catalog.entries(Role::Peer) {
        // Whoever has no contact yet is asked when it registers.
        let _is_asked = endpoint.qualify_own(now, peer);
    }
}
