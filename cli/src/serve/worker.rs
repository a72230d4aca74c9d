//! A worker: a thread that owns sockets and an endpoint. It rests until a datagram, a deadline, or a message
//! of another thread, and never waits for anything else.

use core::time::Duration;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use iaxproof::catalog::Catalog;
use iaxproof::config::Registration;
use iaxproof::engine::{Event, WorkerId};
use iaxproof::registry::Family;
use iaxproof::time::Instant;
use mio::Waker;

use super::application::Application;
use super::business::Business;
use super::control::question::{Ask, Insight};
use super::dialplan::Dialplan;
use super::keys::Keys;
use super::reading::{Histogram, Reading};
use super::service::{self, Pulse};
use crate::error::Error;
use crate::net::Node;
use crate::record::alias::Known;
use crate::record::input::Input;
use crate::record::output::Output;
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
pub(crate) struct Worker<F: Family> {
    node: Node<Arc<Catalog<F>>>,
    business: Business,
    messages: Receiver<Message>,
    realtime: Option<Bell>,
    /// The first worker's.
    keys: Option<Keys>,
    /// What happened so far.
    reading: Reading,
    pulse: Pulse,
    is_stopping: bool,
}

impl<F: Family> Worker<F> {
    /// A worker that has not begun.
    pub(crate) fn new(
        node: Node<Arc<Catalog<F>>>,
        application: Application,
        messages: Receiver<Message>,
        realtime: Option<Bell>,
        pulse: Pulse,
    ) -> Self {
        let is_first = node.worker() == WorkerId(0);
        let keys = is_first.then(|| Keys::new(node.now()));
        Worker {
            node,
            business: Business::new(application, is_first),
            messages,
            realtime,
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
            self.turn(self.business.due())?;
        }
        if self.keys.is_some() {
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
        self.keep_key_fresh(now)?;
        has_business |= self.take_messages(now);
        self.do_business(now);
        self.node.tape.flush();
        if let Some(realtime) = self.realtime.as_ref().filter(|_| has_business) {
            realtime.ring();
        }
        Ok(())
    }

    fn keep_key_fresh(&mut self, now: Instant) -> Result<(), Error> {
        let fresh = self.keys.as_mut().map(|keys| keys.fresh(now)).transpose()?;
        if let Some(key) = fresh.flatten() {
            self.node.tape.announce(|| Known::TokenKey(key.clone()));
            let input = || Input::TokenKey {
                now,
                key: key.clone(),
            };
            self.node.tape.begin(input);
            let catalog = self.node.endpoint.directory();
            catalog.rotate_token_key(key.clone(), now);
            self.node.finish();
            tracing::debug!("the key of the call tokens is a new one");
        }
        Ok(())
    }

    fn take_messages(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Ok(message) = self.messages.try_recv() {
            any = true;
            self.take(now, message);
        }
        any
    }

    fn take(&mut self, now: Instant, message: Message) {
        match message {
            Message::Done(Done::Answered(query)) => {
                self.node.tape.begin(|| Input::Answered { now, query });
                self.node.endpoint.handle_answer(now, query);
            }
            Message::Done(Done::Stored(change)) => {
                let input = || Input::Stored {
                    now,
                    change: change.clone(),
                };
                self.node.tape.begin(input);
                self.node.endpoint.handle_stored(now, &change);
            }
            Message::Reloaded(registrations) => {
                let input = || Input::Reloaded {
                    now,
                    registrations: registrations.clone(),
                };
                self.node.tape.begin(input);
                let endpoint = &mut self.node.endpoint;
                self.business.reloaded(now, endpoint, registrations);
            }
            Message::Dialplan(dialplan) => {
                self.node.tape.begin(|| Input::extensions(&dialplan));
                self.business.follow(dialplan);
            }
            Message::Asked(ask) => return self.insight(now).answer(ask),
            Message::Changed => return,
            Message::Stop => {
                self.is_stopping = true;
                return;
            }
        }
        self.node.finish();
    }

    fn do_business(&mut self, now: Instant) {
        let is_due = self.business.due().is_some_and(|due| due <= now);
        let first = match is_due {
            true => None,
            false => self.node.endpoint.poll_event(),
        };
        if !is_due && first.is_none() {
            return;
        }
        let (node, reading) = (&mut self.node, &mut self.reading);
        node.tape.begin(|| Input::Turn { now });
        let (tape, taps) = (&mut node.tape, &mut node.taps);
        let hear = |event: &Event| {
            reading.note(event);
            tape.note(|| Output::Told(event.clone()));
            if let Event::Ended { call, .. } = event {
                taps.over(*call);
            }
        };
        self.business.turn(now, &mut node.endpoint, first, hear);
        node.finish();
    }

    /// What may be told of this worker.
    fn insight(&mut self, now: Instant) -> Insight<'_, F> {
        Insight {
            now,
            endpoint: &self.node.endpoint,
            is_recorded: self.node.tape.is_live(),
            taps: &mut self.node.taps,
            application: self.business.application(),
            registrants: self.business.registrants(),
            reading: &self.reading,
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
        self.node.tape.begin(|| Input::Stopping { now });
        self.business.stop(now, &mut self.node.endpoint);
        self.node.finish();
        let end = now + FAREWELL;
        while self.has_company() && self.node.now() < end {
            self.turn(Some(end))?;
        }
        // What nobody acknowledged in time: a registration that the store still has is withdrawn.
        let now = self.node.now();
        self.node.tape.begin(|| Input::Shutdown { now });
        self.node.endpoint.shutdown(now);
        self.node.finish();
        self.node.tape.flush();
        Ok(())
    }
}
