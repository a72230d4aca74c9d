//! What each command of `iaxproof ctl` does. It runs in the thread of the connection, and waits for workers for so long and no longer.

use core::time::Duration;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel, sync_channel};

use iaxproof::catalog;
use iaxproof::engine::directory::{Role, StoreId};
use iaxproof::registry::Family;
use iaxproof::time::Instant;

use super::catalog::{peers, references, users};
use super::question::{Ask, Part, Question};
use crate::clock::Clock;
use crate::ctl::protocol::{
    Answer, Call, Command, PATIENCE, Pruned, Reloaded, Stats, Unregistered,
};
use crate::net::taps::trace::{HEARD_MAX, Heard};
use crate::serve::admin::Reloader;
use crate::serve::operator::Operator;
use crate::serve::reading::Reading;
use crate::serve::worker::{Message, Rings};

/// How often we look whether the database has stored something.
const LOOK: Duration = Duration::from_millis(10);

/// What answers need.
#[derive(Debug)]
pub(crate) struct Desk<F: Family> {
    operator: Arc<Operator<F>>,
    clock: Clock,
    reloader: Arc<Reloader<F>>,
    rings: Rings,
    started: Instant,
}

/// An answer, and what is to follow it.
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) frames: Option<Receiver<Heard>>,
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        Answered {
            answer,
            frames: None,
        }
    }
}

/// A worker did not answer in time.
#[derive(Debug)]
pub(crate) struct Silent;

impl From<Silent> for Answer {
    fn from(_: Silent) -> Self {
        let seconds = PATIENCE.as_secs();
        Answer::Error(format!(
            "a worker did not answer in {seconds} s, or is stopping"
        ))
    }
}

impl<F: Family> Desk<F> {
    /// For the server of these workers.
    pub(crate) fn new(
        operator: Arc<Operator<F>>,
        clock: Clock,
        reloader: Arc<Reloader<F>>,
        rings: Rings,
    ) -> Self {
        let started = clock.now();
        Desk {
            operator,
            clock,
            reloader,
            rings,
            started,
        }
    }

    /// The clock of times that are told.
    pub(super) const fn clock(&self) -> Clock {
        self.clock
    }

    /// Does what a command says.
    pub(super) fn answer(&self, command: Command) -> Answered {
        let now = self.clock.now();
        let answer = match command {
            Command::Reload => self.reload(),
            Command::Peers => Answer::Peers(peers(self.operator.catalog(), now)),
            Command::Users => Answer::Users(users(self.operator.catalog())),
            Command::Calls => self.joined(Question::Calls, Answer::Calls, calls_of),
            Command::Registry => self.joined(Question::Registry, Answer::Registry, registry_of),
            Command::Prune { name } => Answer::Pruned(self.prune(name)),
            Command::Unregister { name } => Answer::Unregistered(self.unregister(name)),
            Command::Stats => match self.stats() {
                Ok(stats) => Answer::Stats(Box::new(stats)),
                Err(silent) => silent.into(),
            },
            Command::Trace { call } => return self.trace(&call),
        };
        answer.into()
    }

    fn reload(&self) -> Answer {
        match self.reloader.reload() {
            Ok(serial) => Answer::Reloaded(Reloaded {
                serial,
                peers: self.operator.catalog().len(Role::Peer),
                users: self.operator.catalog().len(Role::User),
            }),
            Err(error) => Answer::Error(format!(
                "{error}\nrefused: the former configuration stays in force"
            )),
        }
    }

    fn prune(&self, name: String) -> Pruned {
        let prune = |role| match self.operator.prune(role, &name) {
            catalog::Pruned::Evicted => "evicted",
            catalog::Pruned::Static => "static",
            catalog::Pruned::NotStored => "not stored",
            catalog::Pruned::Unknown => "unknown",
        };
        let [peer, user] = [Role::Peer, Role::User].map(|role| prune(role).to_owned());
        tracing::info!(?name, ?peer, ?user, "pruned by the operator");
        Pruned { name, peer, user }
    }

    fn unregister(&self, name: String) -> Unregistered {
        let outcome = match self.operator.unregister(&name) {
            catalog::Unregistered::Done => "done",
            catalog::Unregistered::Busy => "busy",
            catalog::Unregistered::NotRegistered => "not registered",
            catalog::Unregistered::Storing(id) => match self.is_stored(&id) {
                true => "done",
                false => "storing",
            },
        };
        tracing::info!(?name, outcome, "unregistered by the operator");
        let outcome = outcome.to_owned();
        Unregistered { name, outcome }
    }

    /// Waits until the database has stored that a contact is gone.
    fn is_stored(&self, id: &StoreId) -> bool {
        // A worker rings the realtime thread.
        self.rings
            .iter()
            .take(1)
            .for_each(|ring| ring.send(Message::Changed));
        let end = self.clock.now() + PATIENCE / 2;
        while self.clock.now() < end {
            let catalog = self.operator.catalog();
            let peer = catalog.entry(Role::Peer, id.name.as_str());
            let contact = peer.and_then(|peer| peer.status().contact);
            if contact.is_none_or(|contact| contact.generation > id.generation) {
                return true;
            }
            std::thread::park_timeout(LOOK);
        }
        false
    }

    /// Figures of the whole server.
    ///
    /// # Errors
    ///
    /// [`Silent`] where a worker does not answer.
    pub(crate) fn stats(&self) -> Result<Stats, Silent> {
        let parts = self.ask(&Question::Reading)?;
        let mut counts = Reading::default();
        for part in parts {
            if let Part::Reading(reading) = part {
                counts.join(&reading);
            }
        }
        Ok(Stats {
            uptime_seconds: self.clock.now().saturating_since(self.started).as_secs(),
            workers: self.rings.len(),
            peers: self.operator.catalog().len(Role::Peer),
            users: self.operator.catalog().len(Role::User),
            addresses: self.operator.catalog().address_hints(),
            references: references(self.operator.catalog()),
            counts,
        })
    }

    fn trace(&self, call: &str) -> Answered {
        let (to, heard) = sync_channel(HEARD_MAX);
        let parts = match self.ask(&Question::Trace(call.to_owned(), to)) {
            Ok(parts) => parts,
            Err(silent) => return Answer::from(silent).into(),
        };
        let found = parts.into_iter().find_map(|part| match part {
            Part::Tracing(found) => found,
            _ => None,
        });
        match found {
            Some(call) => Answered {
                answer: Answer::Tracing(call),
                frames: Some(heard),
            },
            None => Answer::Error(format!("no call {call}: see `iaxproof ctl calls`")).into(),
        }
    }

    /// The rows of all workers.
    fn joined<T>(
        &self,
        question: Question,
        answer: impl FnOnce(Vec<T>) -> Answer,
        rows: impl FnMut(Part) -> Vec<T>,
    ) -> Answer {
        match self.ask(&question) {
            Ok(parts) => answer(parts.into_iter().flat_map(rows).collect()),
            Err(silent) => silent.into(),
        }
    }

    /// Asks every worker, and waits for all of them, in the order in which they answer.
    fn ask(&self, question: &Question) -> Result<Vec<Part>, Silent> {
        let (reply, parts) = channel();
        for (worker, ring) in self.rings.iter().enumerate() {
            let (question, reply) = (question.clone(), reply.clone());
            ring.send(Message::Asked(Ask {
                question,
                worker,
                reply,
            }));
        }
        drop(reply);
        let end = self.clock.now() + PATIENCE;
        let rest = || end.saturating_since(self.clock.now());
        let all = self.rings.iter().map(|_| parts.recv_timeout(rest()));
        all.collect::<Result<_, _>>().map_err(|_| Silent)
    }
}

fn calls_of(part: Part) -> Vec<Call> {
    match part {
        Part::Calls(calls) => calls,
        _ => Vec::new(),
    }
}

fn registry_of(part: Part) -> Vec<crate::ctl::protocol::Registration> {
    match part {
        Part::Registry(registry) => registry,
        _ => Vec::new(),
    }
}
