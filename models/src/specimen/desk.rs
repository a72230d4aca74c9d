//! Questions to the database and writes for it. Plain data: each specimen keeps it under a lock of its own.

use std::collections::{BTreeMap, VecDeque};

use iaxproof::catalog::{Question, Write};
use iaxproof::engine::directory::{Lookup, QueryId, Role};
use iaxproof::engine::settings::Name;

/// The most questions that wait, as in the design that ships.
const QUESTIONS_MAX: usize = iaxproof::catalog::realtime::QUESTIONS_MAX;

/// What is on its way. `H` is the design's handle.
pub(super) struct Desk<H> {
    questions_made: u64,
    open: BTreeMap<QueryId, Question>,
    to_send: VecDeque<QueryId>,
    answers: BTreeMap<QueryId, Lookup<H>>,
    writes: VecDeque<Write>,
}

impl<H> Desk<H> {
    pub(super) fn new() -> Self {
        Desk {
            questions_made: 0,
            open: BTreeMap::new(),
            to_send: VecDeque::new(),
            answers: BTreeMap::new(),
            writes: VecDeque::new(),
        }
    }

    /// A lookup that missed becomes a question.
    pub(super) fn ask(&mut self, role: Role, name: &str) -> Lookup<H> {
        let Some(name) = Name::new(name) else {
            return Lookup::Unknown;
        };
        if self.open.len() >= QUESTIONS_MAX {
            return Lookup::Failed;
        }
        self.questions_made += 1;
        let id = QueryId(self.questions_made);
        self.open.insert(id, Question { id, role, name });
        self.to_send.push_back(id);
        Lookup::Asked(id)
    }

    pub(super) fn poll_question(&mut self) -> Option<Question> {
        let id = self.to_send.pop_front()?;
        self.open.get(&id).cloned()
    }

    /// The question, where it is still open.
    pub(super) fn open(&self, id: QueryId) -> Option<Question> {
        self.open.get(&id).cloned()
    }

    /// Keeps an answer for whoever asked; gives back one that nobody waits for.
    pub(super) fn close(&mut self, id: QueryId, answer: Lookup<H>) -> Option<Lookup<H>> {
        if self.open.remove(&id).is_none() {
            return Some(answer);
        }
        self.answers.insert(id, answer)
    }

    pub(super) fn take_answer(&mut self, id: QueryId) -> Lookup<H> {
        match self.answers.remove(&id) {
            Some(answer) => answer,
            None if self.open.contains_key(&id) => Lookup::Asked(id),
            None => Lookup::Failed,
        }
    }

    pub(super) fn queue(&mut self, write: Write) {
        self.writes.push_back(write);
    }

    pub(super) fn poll_write(&mut self) -> Option<Write> {
        self.writes.pop_front()
    }
}
