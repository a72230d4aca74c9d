//! Entries that live in a database (Asterisk: realtime). A lookup that misses is a question out and an answer in, never a
//! blocking query; contacts go out as writes, and the database says when one is stored.
//!
//! One thread, the realtime thread, polls questions and writes and brings answers; any thread may look up.
//!
//! # What keeps a stale row out
//!
//! A row that the database read before an entry's last contact was stored must never be linked after that entry
//! was evicted. Two rules see to it. A lookup that misses first reserves its question, then looks once more, and only then
//! sends the question. An entry is not evicted while a question for its name is reserved, sent, or being answered. So a
//! question that is open when an entry goes was sent after it went, and its row has what was stored.
//!
//! Nor is it evicted while an answer for its name waits to be taken: a reload renews its settings instead, and who
//! takes the answer begins with those in force.
//!
//! # Deviations
//!
//! - Rows are always linked; there are no objects outside the containers. How long one stays is the caller's, who evicts it (chan_iax2:
//!   `rtcachefriends`, `rtautoclear`).
//! - A row whose contact has lapsed is linked without it, and the row is not cleared in the database: a row that was read
//!   late would clear a newer registration (chan_iax2 clears it).
//! - The database is asked by name only. A peer that was evicted is found by address again once its name was looked up
//!   (chan_iax2 asks by address and port as well).

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use super::entry::{Beginning, Entry, Kept, Settled, Unlinked};
use super::status::Origin;
use super::{Catalog, Pruned};
use crate::engine::directory::{Contact, Generation, Lookup, QueryId, Role, StoreId};
use crate::engine::settings::{Name, Settings};
use crate::registry::{Family, Ref};
use crate::time::Instant;

/// The most questions that wait for the database. Names come from the network: beyond it a lookup fails at once.
pub const QUESTIONS_MAX: usize = 1024;

/// The most answers that wait to be taken. Beyond it the oldest is forgotten, and taking it fails.
pub const ANSWERS_MAX: usize = 1024;

/// The most entries of one role with which a row is still cached. Beyond it some stored rows are evicted first, and where none can
/// be, the lookup fails.
pub const ENTRIES_MAX: usize = 1 << 17;

/// How many rows are evicted at once when the container is full, so that the walk is paid for by many admissions.
const EVICTIONS_AT_ONCE: usize = ENTRIES_MAX / 64;

/// A lookup that the database is to answer, by [`Catalog::answer`] under the same `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Names the lookup.
    pub id: QueryId,
    /// Which table.
    pub role: Role,
    /// The exact name.
    pub name: Name,
}

/// What the database says to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "an answer is built once, moved once and taken apart"
)]
pub enum Answer {
    /// The row of that name.
    Row(Row),
    /// There is no such row.
    Absent,
    /// The database failed, or took too long.
    Failed,
}

/// A database row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The settings. Their general part is replaced by that of the accepted configuration, and on what the row is silent
    /// ([`Settings::said`]) its defaults hold.
    pub settings: Settings,
    /// The stored contact, if there is one.
    pub contact: Option<Contact>,
    /// The generation of the last [`Write`] that was stored, also where it took the contact away; 0 for a row that was never written.
    /// The entry counts on from here, so that writes of one name stay in order.
    pub generation: Generation,
}

/// A contact for the database. Writes of one name apply in the order of their generations: one that is not newer than what
/// is stored changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which peer.
    pub name: Name,
    /// Counts the changes of the contact.
    pub generation: Generation,
    /// Where the peer registered and until when; `None` where it has no registration.
    pub contact: Option<(SocketAddr, Instant)>,
}

/// Questions and writes on their way.
pub(super) struct Realtime<F: Family> {
    questions: F::Mutex<Questions<F>>,
    /// Peers whose contact is to be written, each once. At most as many as there are entries: one that waits cannot be
    /// evicted.
    writes: F::Mutex<VecDeque<Ref<Entry<F>, F>>>,
}

struct Questions<F: Family> {
    questions_made: u64,
    /// Reserved, sent, or being answered.
    open: BTreeMap<QueryId, Question>,
    to_send: VecDeque<QueryId>,
    /// Answered and not taken.
    answers: BTreeMap<QueryId, Answered<F>>,
    /// How many questions of `open` and `answers` are for one name.
    asked: BTreeMap<Role, BTreeMap<Name, usize>>,
}

/// A question and what it came to.
struct Answered<F: Family> {
    question: Question,
    lookup: Lookup<Ref<Entry<F>, F>>,
}

impl Write {
    /// Names the change, for [`Endpoint::handle_stored`](crate::engine::Endpoint::handle_stored).
    pub fn id(&self) -> StoreId {
        StoreId {
            name: self.name.clone(),
            generation: self.generation,
        }
    }
}

impl<F: Family> Realtime<F> {
    pub(super) fn new() -> Self {
        Realtime {
            questions: F::mutex(Questions {
                questions_made: 0,
                open: BTreeMap::new(),
                to_send: VecDeque::new(),
                answers: BTreeMap::new(),
                asked: BTreeMap::new(),
            }),
            writes: F::mutex(VecDeque::new()),
        }
    }

    /// Opens a question that is not sent yet; `None` where too many are open.
    fn reserve(&self, role: Role, name: Name) -> Option<QueryId> {
        let mut questions = F::lock(&self.questions);
        if questions.open.len() >= QUESTIONS_MAX {
            return None;
        }
        questions.questions_made += 1;
        let id = QueryId(questions.questions_made);
        let names = questions.asked.entry(role).or_default();
        *names.entry(name.clone()).or_default() += 1;
        questions.open.insert(id, Question { id, role, name });
        Some(id)
    }

    fn send(&self, id: QueryId) {
        F::lock(&self.questions).to_send.push_back(id);
    }

    fn withdraw(&self, id: QueryId) {
        let mut questions = F::lock(&self.questions);
        if let Some(question) = questions.open.remove(&id) {
            questions.forget(&question);
        }
    }

    pub(super) fn is_asked(&self, role: Role, name: &str) -> bool {
        let questions = F::lock(&self.questions);
        let names = questions.asked.get(&role);
        names.is_some_and(|names| names.contains_key(name))
    }

    fn poll_question(&self) -> Option<Question> {
        let mut questions = F::lock(&self.questions);
        loop {
            let id = questions.to_send.pop_front()?;
            // One that was answered before it was polled is no question any more.
            if let Some(question) = questions.open.get(&id) {
                return Some(question.clone());
            }
        }
    }

    fn open_question(&self, id: QueryId) -> Option<Question> {
        F::lock(&self.questions).open.get(&id).cloned()
    }

    /// Closes the question with what it came to. Gives back the answer that nobody will take: one too many, or a second
    /// one to a question.
    fn close_with(
        &self,
        id: QueryId,
        lookup: Lookup<Ref<Entry<F>, F>>,
    ) -> Option<Lookup<Ref<Entry<F>, F>>> {
        let mut questions = F::lock(&self.questions);
        let Some(question) = questions.open.remove(&id) else {
            return Some(lookup);
        };
        questions.answers.insert(id, Answered { question, lookup });
        if questions.answers.len() <= ANSWERS_MAX {
            return None;
        }
        let (_, oldest) = questions.answers.pop_first()?;
        questions.forget(&oldest.question);
        Some(oldest.lookup)
    }

    /// The answer, or where the question stands without one.
    pub(super) fn take_answer(&self, id: QueryId) -> Lookup<Ref<Entry<F>, F>> {
        let mut questions = F::lock(&self.questions);
        match questions.answers.remove(&id) {
            Some(answered) => {
                questions.forget(&answered.question);
                answered.lookup
            }
            None if questions.open.contains_key(&id) => Lookup::Asked(id),
            None => Lookup::Failed,
        }
    }

    pub(super) fn queue_write(&self, entry: Ref<Entry<F>, F>) {
        F::lock(&self.writes).push_back(entry);
    }

    fn next_to_write(&self) -> Option<Ref<Entry<F>, F>> {
        F::lock(&self.writes).pop_front()
    }
}

impl<F: Family> Questions<F> {
    /// One question less for its name.
    fn forget(&mut self, question: &Question) {
        let Some(names) = self.asked.get_mut(&question.role) else {
            return;
        };
        match names.get_mut(&question.name) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(names.remove(&question.name)),
        }
    }
}

/// What the realtime thread calls.
impl<F: Family> Catalog<F> {
    /// The next question for the database. Each is given once and wants one [`Catalog::answer`], be it
    /// [`Answer::Failed`].
    pub fn poll_question(&self) -> Option<Question> {
        self.realtime.poll_question()
    }

    /// The database answered. A row is linked, unless its name is linked already: then that entry is the answer. A second
    /// answer to one question, or one to a question that was never asked, changes nothing.
    pub fn answer(&self, id: QueryId, answer: Answer, now: Instant) {
        let Some(question) = self.realtime.open_question(id) else {
            return;
        };
        let lookup = match answer {
            Answer::Row(row) => self.admit(&question, row, now),
            Answer::Absent => self.linked_or(&question, Lookup::Unknown),
            Answer::Failed => self.linked_or(&question, Lookup::Failed),
        };
        drop(self.realtime.close_with(id, lookup));
    }

    /// The next contact for the database. Each wants a [`Catalog::stored`] or a [`Catalog::not_stored`], and after either
    /// one [`Endpoint::handle_stored`](crate::engine::Endpoint::handle_stored) with its [`Write::id`]. Of one name at most one
    /// write is out at a time, so any number may be stored in one transaction.
    pub fn poll_write(&self) -> Option<Write> {
        while let Some(entry) = self.realtime.next_to_write() {
            if let Some(write) = entry.take_write() {
                return Some(write);
            }
        }
        self.parked.take_write()
    }

    /// The database has stored the write of this generation. Only now does a registration or release that asked for it come
    /// into force.
    pub fn stored(&self, name: &str, generation: Generation) {
        self.answer_write(name, generation, true);
    }

    /// The database has not stored the write of this generation, or does not know: the change does not come into force, and
    /// what is in force is written again.
    pub fn not_stored(&self, name: &str, generation: Generation) {
        self.answer_write(name, generation, false);
    }

    fn answer_write(&self, name: &str, generation: Generation, is_stored: bool) {
        while let Some(entry) = self.peers.find(name) {
            match entry.answer_write(generation, is_stored) {
                Ok(Settled::Moved(moved)) => {
                    self.follow(&entry, moved);
                    return;
                }
                Ok(Settled::Queue(to_queue)) => {
                    if to_queue {
                        self.realtime.queue_write(entry);
                    }
                    return;
                }
                Err(Unlinked) => self.forget(&entry),
            }
        }
        match is_stored {
            true => {
                let is_asked = self.realtime.is_asked(Role::Peer, name);
                self.parked.stored(name, generation, is_asked);
            }
            false => self.parked.not_stored(name, generation),
        }
    }

    /// Evicts a cached row, if nothing of it would be lost: the next lookup asks the database (chan_iax2: `iax2 prune
    /// realtime`).
    pub fn prune(&self, role: Role, name: &str) -> Pruned {
        match self.container(role).find(name) {
            Some(entry) => self.evict(&entry),
            None => Pruned::Unknown,
        }
    }

    /// Asks the database for a name that is not linked.
    pub(super) fn ask(&self, role: Role, name: &str) -> Lookup<Ref<Entry<F>, F>> {
        let Some(asked) = Name::new(name).filter(|_| self.has_database) else {
            return Lookup::Unknown;
        };
        let Some(id) = self.realtime.reserve(role, asked) else {
            return Lookup::Failed;
        };
        // The second look: see "What keeps a stale row out".
        if let Some(entry) = self.container(role).find(name) {
            self.realtime.withdraw(id);
            return Lookup::Found(entry);
        }
        self.realtime.send(id);
        Lookup::Asked(id)
    }

    pub(super) fn evict(&self, entry: &Ref<Entry<F>, F>) -> Pruned {
        if self.realtime.is_asked(entry.role(), entry.name().as_str()) {
            return Pruned::NotStored;
        }
        loop {
            // Before the entry goes: whoever links the name next counts on from here.
            let seen = self.raise_floor(entry);
            match entry.evict(seen) {
                Ok(address) => {
                    self.unlink(entry, address);
                    return Pruned::Evicted;
                }
                Err(Kept::Static) => return Pruned::Static,
                Err(Kept::NotStored) => return Pruned::NotStored,
                Err(Kept::Unlinked) => return Pruned::Unknown,
                Err(Kept::Changed) => {}
            }
        }
    }

    fn linked_or(
        &self,
        question: &Question,
        otherwise: Lookup<Ref<Entry<F>, F>>,
    ) -> Lookup<Ref<Entry<F>, F>> {
        let linked = self.container(question.role).find(question.name.as_str());
        linked.map_or(otherwise, Lookup::Found)
    }

    /// Links a row, or finds what is linked under its name.
    fn admit(&self, question: &Question, row: Row, now: Instant) -> Lookup<Ref<Entry<F>, F>> {
        let is_it = row.settings.name == question.name && row.settings.role == question.role;
        if !is_it {
            return self.linked_or(question, Lookup::Failed);
        }
        loop {
            if let Some(entry) = self.linked(question.role, question.name.as_str()) {
                return Lookup::Found(entry);
            }
            if !self.has_room(question.role) {
                return Lookup::Failed;
            }
            let entry = self.entry_of(&row, now);
            let container = self.container(question.role);
            if container.link(question.name.clone(), entry.clone()).is_ok() {
                self.settle_contact(&entry);
                self.begun(&entry);
                self.catch_up(&entry);
                return Lookup::Found(entry);
            }
        }
    }

    fn entry_of(&self, row: &Row, now: Instant) -> Ref<Entry<F>, F> {
        let (epoch, general) = self.accepted();
        let settings = row.settings.clone().of_row_under(general);
        let holds = |contact: &Contact| contact.deadline.is_some_and(|deadline| now < deadline);
        let is_peer = row.settings.role == Role::Peer;
        let contact = row.contact.filter(|contact| is_peer && holds(contact));
        let generation = contact.map_or(row.generation, |c| c.generation.max(row.generation));
        let beginning = if is_peer {
            self.beginning(&row.settings.name, contact, generation)
        } else {
            Beginning::default()
        };
        let settings = self.published(settings);
        Ref::new(
            self.ledger(),
            Entry::new(Origin::Realtime, settings, epoch, beginning),
        )
    }

    /// Whether one more row can be cached, after evicting some where need be.
    fn has_room(&self, role: Role) -> bool {
        let container = self.container(role);
        if container.len() < ENTRIES_MAX {
            return true;
        }
        let cached = container
            .iter()
            .filter(|entry| entry.status().origin == Origin::Realtime);
        let evicted = cached.filter(|entry| self.evict(entry) == Pruned::Evicted);
        evicted.take(EVICTIONS_AT_ONCE).count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogOptions, Kind};
    use crate::engine::directory::TokenKey;
    use crate::engine::settings::{Configuration, General};
    use crate::registry::ledger::NoLedger;
    use crate::registry::{HashKey, Std};

    /// Between the look that missed and the question, somebody linked the name.
    #[test]
    fn a_question_that_the_second_look_answers_is_withdrawn() {
        let catalog = Catalog::<Std>::new(CatalogOptions {
            hash_key: HashKey(3, 5),
            shards: 1,
            container: Kind::Hash,
            token_key: TokenKey([7; 32]),
            database: true,
            dialogues_max: 1,
            ledger: NoLedger,
        });
        let alice = Name::new("alice").expect("a name of the test");
        catalog.reload(Configuration {
            general: General::default(),
            entries: vec![Settings::new(Role::Peer, alice)],
        });
        let answer = catalog.ask(Role::Peer, "alice");
        assert!(matches!(answer, Lookup::Found(_)));
        assert!(!catalog.realtime.is_asked(Role::Peer, "alice"));
    }
}
