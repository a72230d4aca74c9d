//! The realtime thread: takes questions and writes from the catalog, asks the database, brings the answers back. Workers never
//! wait for a database; they ring, and go on.
//!
//! Writes that came while the last commit was under way go into the next one together. Nobody hears of a write before
//! it is on the disk.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};

use iaxproof::catalog::{Answer, Catalog, Pruned, Question, Row, Write};
use iaxproof::engine::directory::{Contact, Generation, QueryId, Role, StoreId};
use iaxproof::engine::settings::Name;
use iaxproof::registry::Family;
use iaxproof::time::Instant;

use super::cached::{Cached, Caching, Whereabouts};
use super::columns::Columns;
use super::{Change, Failure, Registration, Store};
use crate::clock::Clock;
use crate::error::{Advised, Error};
use crate::log::Outage;
use crate::record::Tape;
use crate::record::alias::Known;
use crate::record::input::Input;
use crate::record::output::Output;

/// The most writes of one transaction.
const WRITES_PER_COMMIT: usize = 1024;
/// Questions that are answered between two commits.
const QUESTIONS_PER_TURN: usize = 256;
/// How long the thread rests where nobody rings.
const REST: Duration = Duration::from_secs(1);
/// How long it rests after a failure, before it tries the same again.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(100);
/// How often a failing write is tried again when the server stops.
const LAST_TRIES: usize = 20;

/// How long a stored contact is used whose period is over, where it is to be used: each look-up begins that anew.
const EXPIRY_IGNORED: Duration = Duration::from_secs(60);

/// What the thread has done, for the worker that waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// The catalog has the answer to this question.
    Answered(QueryId),
    /// The catalog knows whether this change is stored.
    Stored(StoreId),
}

/// The running thread.
#[derive(Debug)]
pub(crate) struct Realtime {
    thread: JoinHandle<()>,
    stops: Arc<AtomicBool>,
}

impl Realtime {
    /// Starts the thread; `tell` is called there.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system has no thread for us.
    pub(crate) fn spawn<F: Family>(
        (store, caching): (Store, Caching),
        catalog: Arc<Catalog<F>>,
        clock: Clock,
        tape: Tape,
        tell: impl Fn(Done) + Send + 'static,
    ) -> Result<Self, Error> {
        let stops = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            store,
            catalog,
            clock,
            tape,
            tell,
            cached: Cached::new(caching),
            ignores_expiry: caching.ignores_expiry,
            unwritten: Outage::default(),
            unread: Outage::default(),
        };
        let until = Arc::clone(&stops);
        let thread = std::thread::Builder::new()
            .name("realtime".to_owned())
            .spawn(move || desk.run(&until))
            .map_err(|error| Error::Broke(format!("no realtime thread: {}", Advised(&error))))?;
        Ok(Realtime { thread, stops })
    }

    /// For a worker, who rings it.
    pub(crate) fn bell(&self) -> Bell {
        Bell(self.thread.thread().clone())
    }

    /// Writes what is left and ends the thread.
    pub(crate) fn stop(self) {
        self.stops.store(true, Ordering::Release);
        self.bell().ring();
        if self.thread.join().is_err() {
            tracing::error!("the realtime thread had panicked");
        }
    }
}

/// Wakes the realtime thread.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Thread);

impl Bell {
    /// There may be something to ask or to write.
    pub(crate) fn ring(&self) {
        self.0.unpark();
    }
}

/// Evicts a row that has stayed long enough.
fn evict<F: Family>(catalog: &Catalog<F>, tape: &mut Tape, role: Role, name: &Name) -> Pruned {
    tape.begin(|| {
        let name = name.as_str().to_owned();
        Input::Prune { role, name }
    });
    let pruned = catalog.prune(role, name.as_str());
    tape.note(|| Output::Pruned(pruned));
    tape.end();
    pruned
}

struct Desk<T, F: Family> {
    store: Store,
    catalog: Arc<Catalog<F>>,
    clock: Clock,
    tape: Tape,
    tell: T,
    cached: Cached,
    ignores_expiry: bool,
    /// Commits that fail, and rows that cannot be read.
    unwritten: Outage,
    unread: Outage,
}

impl<T: Fn(Done), F: Family> Desk<T, F> {
    fn run(mut self, stops: &AtomicBool) {
        while !stops.load(Ordering::Acquire) {
            let had_work = self.turn();
            match had_work {
                _ if self.unwritten.lasts() => std::thread::park_timeout(REST_AFTER_FAILURE),
                true => {}
                false => std::thread::park_timeout(REST),
            }
        }
        for _ in 0..LAST_TRIES {
            if !self.turn() {
                return;
            }
        }
    }

    /// Whether there was anything to do.
    fn turn(&mut self) -> bool {
        let writes: Vec<Write> = core::iter::from_fn(|| self.poll_write())
            .take(WRITES_PER_COMMIT)
            .collect();
        let questions: Vec<Question> = core::iter::from_fn(|| self.poll_question())
            .take(QUESTIONS_PER_TURN)
            .collect();
        // The disk may be slow, and others are recorded meanwhile.
        self.tape.flush();
        if !writes.is_empty() {
            self.commit(&writes);
        }
        for question in &questions {
            let (answer, now) = (self.answer(question), self.clock.now());
            if matches!(answer, Answer::Row(_)) {
                self.cached.note(now, question.role, question.name.clone());
            }
            self.pass_on(question.id, answer, now);
            (self.tell)(Done::Answered(question.id));
        }
        let (catalog, now, tape) = (&self.catalog, self.clock.now(), &mut self.tape);
        let whereabouts = |name: &str| whereabouts(catalog, name, now);
        let evict = |role, name: &Name| evict(catalog, tape, role, name);
        self.cached.clear(now, whereabouts, evict);
        self.tape.flush();
        !writes.is_empty() || !questions.is_empty()
    }

    fn poll_write(&mut self) -> Option<Write> {
        self.tape.begin(|| Input::PollWrite {});
        let write = self.catalog.poll_write();
        if write.is_some() {
            self.tape.note(|| Output::ToWrite(write.clone()));
        }
        self.tape.end();
        write
    }

    fn poll_question(&mut self) -> Option<Question> {
        self.tape.begin(|| Input::PollQuestion {});
        let question = self.catalog.poll_question();
        if question.is_some() {
            self.tape.note(|| Output::ToAsk(question.clone()));
        }
        self.tape.end();
        question
    }

    fn pass_on(&mut self, query: QueryId, answer: Answer, now: Instant) {
        self.tape.announce(|| Known::of_answer(&answer));
        self.tape.begin(|| {
            let answer = Box::new(answer.clone());
            Input::Answer { query, answer, now }
        });
        self.catalog.answer(query, answer, now);
        self.tape.end();
    }

    /// The catalog hears what became of a write.
    fn settle(&mut self, write: &Write, is_stored: bool) {
        let (name, generation) = (write.name.as_str(), write.generation);
        self.tape.begin(|| Input::Wrote {
            name: write.name.clone(),
            generation,
            is_stored,
        });
        match is_stored {
            true => self.catalog.stored(name, generation),
            false => self.catalog.not_stored(name, generation),
        }
        self.tape.end();
    }

    /// One transaction for all. Only after it does anybody hear of a write.
    fn commit(&mut self, writes: &[Write]) {
        let changes: Vec<Change> = writes.iter().map(|write| self.change_of(write)).collect();
        let kept = self.store.keep(&changes);
        self.note(kept.as_ref().err());
        for write in writes {
            self.settle(write, kept.is_ok());
            (self.tell)(Done::Stored(write.id()));
        }
    }

    fn change_of(&self, write: &Write) -> Change {
        let contact = write.contact;
        let registration = Registration {
            name: write.name.as_str().to_owned(),
            contact: contact.map(|(address, at)| (address, self.clock.unix_millis_of(at))),
            regseconds: self.clock.unix_millis_of(self.clock.now()) / 1_000,
            generation: write.generation.0,
        };
        Change {
            registration,
            is_asked: self.is_asked(write),
        }
    }

    /// Whether somebody asked for a change. What is in force already lapsed by itself, or is stated again.
    fn is_asked(&self, write: &Write) -> bool {
        let name = write.name.as_str();
        let in_force = match self.catalog.entry(Role::Peer, name) {
            Some(entry) => entry.status().contact,
            None => self.catalog.parked(name).flatten(),
        };
        let in_force = in_force.and_then(|contact| Some((contact.address, contact.deadline?)));
        let is_over = write
            .contact
            .is_some_and(|(_, deadline)| deadline <= self.clock.now());
        write.contact != in_force && !is_over
    }

    fn note(&mut self, failure: Option<&Failure>) {
        let database = self.store.name();
        match failure {
            Some(error) if self.unwritten.begins() => {
                tracing::error!(database, %error, "registrations are not stored, and refused until they are");
            }
            None if self.unwritten.ends() => tracing::info!("registrations are stored again"),
            _ => {}
        }
    }

    /// A stored contact on this process's clock. One that is over may be used a little longer (chan_iax2: `rtignoreregexpire`).
    fn contact(&self, kept: &Registration) -> Option<Contact> {
        let (address, deadline) = kept.place(&self.clock)?;
        let deadline = match self.ignores_expiry {
            true => deadline.max(self.clock.now() + EXPIRY_IGNORED),
            false => deadline,
        };
        Some(Contact {
            address,
            deadline: Some(deadline),
            generation: Generation(kept.generation),
        })
    }

    fn answer(&mut self, question: &Question) -> Answer {
        let (role, name) = (question.role, question.name.as_str());
        let found = self.read(role, name);
        if found.is_ok() && self.unread.ends() {
            tracing::info!("the database answers again");
        }
        match found {
            Ok(Some((columns, kept))) => self.answer_of(question, &columns, kept.as_ref()),
            Ok(None) => Answer::Absent,
            Err(error) => {
                if self.unread.begins() {
                    let database = self.store.name();
                    tracing::error!(database, ?role, ?name, %error, "the database does not answer, and whoever is not in memory is refused until it does");
                }
                Answer::Failed
            }
        }
    }

    fn read(
        &mut self,
        role: Role,
        name: &str,
    ) -> Result<Option<(Columns, Option<Registration>)>, Failure> {
        let Some(columns) = self.store.row(role, name)? else {
            return Ok(None);
        };
        Ok(Some((columns, self.store.registration(name)?)))
    }

    fn answer_of(
        &self,
        question: &Question,
        columns: &Columns,
        kept: Option<&Registration>,
    ) -> Answer {
        let (role, name) = (question.role, question.name.as_str());
        match columns.settings(role) {
            Ok(Some(settings)) => {
                if let Some((contact, until)) = kept.and_then(|kept| kept.contact) {
                    tracing::debug!(?name, %contact, until, "stored registration");
                }
                Answer::Row(Row {
                    settings,
                    contact: kept.and_then(|kept| self.contact(kept)),
                    generation: Generation(kept.map_or(0, |kept| kept.generation)),
                })
            }
            Ok(None) => Answer::Absent,
            Err(why) => {
                tracing::warn!(?role, ?name, %why, "a row of the database cannot be used");
                Answer::Failed
            }
        }
    }
}

fn whereabouts<F: Family>(catalog: &Catalog<F>, name: &str, now: Instant) -> Whereabouts {
    let contact = catalog
        .entry(Role::Peer, name)
        .map(|entry| entry.status().contact);
    match contact.flatten().map(|contact| contact.deadline) {
        Some(None) => Whereabouts::Fixed,
        Some(Some(deadline)) if now < deadline => Whereabouts::Until(deadline),
        _ => Whereabouts::Nowhere,
    }
}

#[cfg(test)]
mod tests;
