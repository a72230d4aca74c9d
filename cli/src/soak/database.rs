//! The database's thread: a table in memory whose rows come and go, that answers questions with a row, with nothing, or not at all, and
//! stores contacts or does not; sometimes late.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use iaxproof::catalog::{Answer, Question, Row, Write};
use iaxproof::engine::directory::{Contact, Generation, Role};
use iaxproof::engine::settings::Name;
use iaxproof::registry::Family;

use super::World;
use super::pace::Dice;
use super::post::{News, Post};
use super::tally::Count;
use super::town::Home;
use super::worker::REST;
use crate::clock::{Stopwatch, pause};

/// One job in so many is late.
const LATE_ONCE_IN: usize = 8;
/// How late at most, in milliseconds: longer than a REGREQ waits for the store, at the pace of the endpoints.
const LATE_MS_MAX: usize = 40;
/// One row in so many is not there now.
const ABSENT_ONCE_IN: usize = 4;
/// One question, and one write, in so many fails.
const FAILS_ONCE_IN: usize = 24;

/// The database.
pub(super) struct Database<F: Family> {
    world: Arc<World<F>>,
    post: Post,
    dice: Dice,
    watch: Stopwatch,
    table: BTreeMap<Name, (Generation, Option<Contact>)>,
    /// What is told later, by when and by count.
    late: BTreeMap<(Duration, u64), Job>,
    jobs: u64,
}

/// Something that was read or written, and is to be told.
#[derive(Debug)]
enum Job {
    Answer(Question, Box<Answer>),
    Written { write: Write, is_stored: bool },
}

impl<F: Family> Database<F> {
    /// One that nobody has asked yet.
    pub(super) fn new(world: Arc<World<F>>, post: Post, dice: Dice) -> Self {
        Database {
            world,
            post,
            dice,
            watch: Stopwatch::start(),
            table: BTreeMap::new(),
            late: BTreeMap::new(),
            jobs: 0,
        }
    }

    /// Works until nobody asks any more, and leaves nothing untold.
    pub(super) fn run(mut self) {
        while !self.world.is_closed() || !self.late.is_empty() {
            let has_taken = self.take();
            let has_told = self.tell_due();
            if !has_taken && !has_told {
                pause(REST);
            }
        }
    }

    fn take(&mut self) -> bool {
        let before = self.jobs;
        while let Some(question) = self.world.catalog.poll_question() {
            let answer = self.read(&question);
            self.put(Job::Answer(question, Box::new(answer)));
        }
        while let Some(write) = self.world.catalog.poll_write() {
            let is_stored = self.write(&write);
            self.put(Job::Written { write, is_stored });
        }
        self.jobs > before
    }

    /// Reads now; what is told late may be old by then.
    fn read(&mut self, question: &Question) -> Answer {
        let peer = self.world.town.peer(question.name.as_str());
        let peer = peer.filter(|peer| Home::of(*peer).has_row());
        let Some(peer) = peer.filter(|_| !self.dice.once_in(ABSENT_ONCE_IN)) else {
            return Answer::Absent;
        };
        if self.dice.once_in(FAILS_ONCE_IN) {
            return Answer::Failed;
        }
        let stored = self.table.get(&question.name).copied();
        let (generation, contact) = stored.unwrap_or_default();
        let is_peer = question.role == Role::Peer;
        Answer::Row(Row {
            settings: self
                .world
                .town
                .settings(&mut self.dice, question.role, peer),
            contact: contact.filter(|_| is_peer),
            generation: if is_peer { generation } else { Generation(0) },
        })
    }

    /// Writes, unless it fails; and one that it calls failed may have been written all the same.
    fn write(&mut self, write: &Write) -> bool {
        let fails = self.dice.once_in(FAILS_ONCE_IN);
        if !fails || self.dice.once_in(2) {
            let row = self.table.entry(write.name.clone()).or_default();
            if write.generation > row.0 {
                let contact = write.contact.map(|(address, deadline)| Contact {
                    address,
                    deadline: Some(deadline),
                    generation: write.generation,
                });
                *row = (write.generation, contact);
            }
        }
        !fails
    }

    fn put(&mut self, job: Job) {
        self.jobs += 1;
        let wait = match self.dice.once_in(LATE_ONCE_IN) {
            true => Duration::from_millis(self.dice.below(LATE_MS_MAX) as u64),
            false => Duration::ZERO,
        };
        self.late
            .insert((self.watch.elapsed() + wait, self.jobs), job);
    }

    fn tell_due(&mut self) -> bool {
        let now = self.watch.elapsed();
        let mut any = false;
        while let Some(first) = self.late.first_entry().filter(|it| it.key().0 <= now) {
            any = true;
            let job = first.remove();
            self.tell(job);
        }
        any
    }

    fn tell(&self, job: Job) {
        let (catalog, tally) = (&self.world.catalog, &self.world.tally);
        let news = match job {
            Job::Answer(question, answer) => {
                catalog.answer(question.id, *answer, self.world.pace.now());
                tally.note(Count::Answers);
                News::Answered(question.id)
            }
            Job::Written { write, is_stored } => {
                match is_stored {
                    true => catalog.stored(write.name.as_str(), write.generation),
                    false => catalog.not_stored(write.name.as_str(), write.generation),
                }
                tally.note(Count::Writes);
                News::Stored(write.id())
            }
        };
        self.post.tell_all(&news);
    }
}
