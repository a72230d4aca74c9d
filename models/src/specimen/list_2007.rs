//! The design of before August 2007: linked lists under a lock, and raw handles to what they link.
//!
//! A lookup gives a pointer and lets go of the lock; nothing counts it. A reload, a prune and the expiry of a cached row
//! take an object out of its list and free it, whoever still uses it. Here the heap is a table of slots: a pointer is the
//! number of a slot and which object of that slot it meant, so a pointer that is stale is told, and the fault recorded.
//! Each use of a pointer is one access of the heap, as each field is in C.

use core::fmt;
use core::net::SocketAddr;
use std::collections::BTreeMap;

use iaxproof::catalog::{Answer, Question, Row, Write};
use iaxproof::engine::directory::{
    Contact, Directory, Expiry, Generation, Lookup, Noted, QueryId, Reachability, Refused, Role,
    Stale, TokenKey, Written,
};
use iaxproof::engine::settings::{Configuration, General, Name, Settings};
use iaxproof::registry::Family;
use iaxproof::time::Instant;
use iaxproof_sim::administer::PeerVisitor;

use super::desk::Desk;
use super::heap::{Entry, Heap, Pointer, holds};

/// The pre-2007 directory.
pub struct Specimen2007<F: Family> {
    peers: F::Mutex<List>,
    users: F::Mutex<List>,
    heap: F::Mutex<Heap>,
    desk: F::Mutex<Desk<Pointer>>,
    general: F::Mutex<General>,
    /// What was stored when the process began (chan_iax2: astdb), for names that a reload builds.
    stored: F::Mutex<BTreeMap<Name, Contact>>,
    token_key: TokenKey,
    has_database: bool,
}

/// A linked list of names.
type List = Vec<(Name, Pointer)>;

impl<F: Family> Specimen2007<F> {
    /// An empty directory. `has_database` says whether a name that is not linked is asked for.
    pub fn new(token_key: TokenKey, has_database: bool) -> Self {
        Specimen2007 {
            peers: F::mutex(List::new()),
            users: F::mutex(List::new()),
            heap: F::mutex(Heap::default()),
            desk: F::mutex(Desk::new()),
            general: F::mutex(General::default()),
            stored: F::mutex(BTreeMap::new()),
            token_key,
            has_database,
        }
    }

    /// Takes what is kept out of its list, writes the new settings where the old ones are, and puts it back; then frees what
    /// the configuration does not name, cached rows included.
    pub fn reload(&self, configuration: Configuration) {
        let Configuration { general, entries } = configuration;
        *F::lock(&self.general) = general.clone();
        let mut kept = Vec::new();
        for settings in entries {
            let settings = Settings {
                general: general.clone(),
                ..settings
            };
            kept.push((settings.role, settings.name.clone()));
            self.build(settings);
        }
        for role in [Role::Peer, Role::User] {
            let names = || {
                kept.iter()
                    .filter(|(of, _)| *of == role)
                    .map(|(_, name)| name)
            };
            let mut gone = Vec::new();
            F::lock(self.list(role)).retain(|(name, pointer)| {
                let stays = names().any(|kept| kept == name);
                if !stays {
                    gone.push(*pointer);
                }
                stays
            });
            gone.into_iter().for_each(|pointer| self.free(pointer));
        }
    }

    fn build(&self, settings: Settings) {
        let (role, name) = (settings.role, settings.name.clone());
        let pointer = match self.take(role, name.as_str()) {
            Some(pointer) => {
                // A fault of the write is on record; the pointer goes back as it would in C.
                let _ = self.access(pointer, "rebuild", |entry| entry.rebuild(settings));
                pointer
            }
            None => {
                let mut entry = Entry::new(settings, false);
                entry.contact = entry.contact.or_else(|| self.seed(role, &name));
                F::lock(&self.heap).allocate(entry)
            }
        };
        F::lock(self.list(role)).push((name, pointer));
    }

    /// What the database had of a name when the process began.
    pub fn restore(&self, stored: Write, now: Instant) {
        let Some((address, deadline)) = stored.contact.filter(|(_, deadline)| now < *deadline)
        else {
            return;
        };
        let contact = Contact {
            address,
            deadline: Some(deadline),
            generation: stored.generation,
        };
        F::lock(&self.stored).insert(stored.name, contact);
    }

    fn seed(&self, role: Role, name: &Name) -> Option<Contact> {
        let stored = F::lock(&self.stored).remove(name);
        stored.filter(|_| role == Role::Peer)
    }

    /// Frees a cached row (chan_iax2: `iax2 prune realtime`), whoever uses it.
    pub fn prune(&self, role: Role, name: &str) -> bool {
        let Some(pointer) = self.linked(role, name) else {
            return false;
        };
        if !self
            .access(pointer, "prune", |entry| entry.is_cached)
            .unwrap_or(false)
        {
            return false;
        }
        self.destroy(role, name)
    }

    /// Takes a registered contact away.
    pub fn unregister(&self, name: &str) -> bool {
        let pointer = self.linked(Role::Peer, name);
        let had = pointer.map(|pointer| {
            self.access(pointer, "unregister", |entry| {
                let registered = entry
                    .contact
                    .is_some_and(|contact| contact.deadline.is_some());
                if registered {
                    entry.move_to(entry.fixed());
                }
                registered
            })
        });
        matches!(had, Some(Ok(true)))
    }

    /// The next question for the database.
    pub fn poll_question(&self) -> Option<Question> {
        F::lock(&self.desk).poll_question()
    }

    /// The database answered.
    pub fn answer(&self, id: QueryId, answer: Answer, now: Instant) {
        let Some(question) = F::lock(&self.desk).open(id) else {
            return;
        };
        let lookup = match (self.linked(question.role, question.name.as_str()), answer) {
            (Some(pointer), _) => Lookup::Found(pointer),
            (None, Answer::Row(row)) => Lookup::Found(self.admit(row, now)),
            (None, Answer::Absent) => Lookup::Unknown,
            (None, Answer::Failed) => Lookup::Failed,
        };
        F::lock(&self.desk).close(id, lookup);
    }

    fn admit(&self, row: Row, now: Instant) -> Pointer {
        let general = F::lock(&self.general).clone();
        let settings = Settings {
            general,
            ..row.settings
        };
        let (role, name) = (settings.role, settings.name.clone());
        let mut entry = Entry::new(settings, true);
        entry.contact = row.contact.filter(|contact| holds(contact, now));
        entry.generation = row.generation;
        let pointer = F::lock(&self.heap).allocate(entry);
        F::lock(self.list(role)).push((name, pointer));
        pointer
    }

    /// The next contact for the database.
    pub fn poll_write(&self) -> Option<Write> {
        F::lock(&self.desk).poll_write()
    }

    /// How many objects are not freed.
    pub fn live_objects(&self) -> usize {
        F::lock(&self.heap).slots.iter().flatten().count()
    }

    /// Every use of a freed object so far.
    pub fn faults(&self) -> Vec<String> {
        F::lock(&self.heap).faults.clone()
    }

    /// A line for each object that is not freed. Nobody knows who uses it.
    pub fn ledger_report(&self) -> String {
        let heap = F::lock(&self.heap);
        let lines = heap.slots.iter().flatten();
        lines
            .map(|(object, entry)| format!("entry #{object} {}\n", entry.settings.name))
            .collect()
    }

    /// Shows every linked peer with its contact.
    pub fn visit_peers(&self, now: Instant, visitor: PeerVisitor<'_>) {
        let list = F::lock(&self.peers).clone();
        for (name, pointer) in list {
            let seen = self.access(pointer, "show", |it| (it.contact_at(now), it.reachability));
            let (contact, reachability) = seen.unwrap_or((None, Reachability::Unknown));
            visitor(&name, contact, reachability);
        }
    }

    fn list(&self, role: Role) -> &F::Mutex<List> {
        match role {
            Role::Peer => &self.peers,
            Role::User => &self.users,
        }
    }

    /// One access of the heap through a pointer.
    fn access<R>(
        &self,
        pointer: Pointer,
        what: &str,
        work: impl FnOnce(&mut Entry) -> R,
    ) -> Result<R, Stale> {
        F::lock(&self.heap).at(pointer, what).map(work)
    }

    fn linked(&self, role: Role, name: &str) -> Option<Pointer> {
        let list = F::lock(self.list(role));
        list.iter()
            .find(|(of, _)| of.as_str() == name)
            .map(|(_, pointer)| *pointer)
    }

    fn take(&self, role: Role, name: &str) -> Option<Pointer> {
        let mut list = F::lock(self.list(role));
        let place = list.iter().position(|(of, _)| of.as_str() == name)?;
        Some(list.remove(place).1)
    }

    fn destroy(&self, role: Role, name: &str) -> bool {
        let taken = self.take(role, name);
        taken.into_iter().for_each(|pointer| self.free(pointer));
        taken.is_some()
    }

    fn free(&self, pointer: Pointer) {
        // A second free is a fault on record.
        let _ = F::lock(&self.heap).free(pointer);
    }

    /// A new contact, and the write that it owes.
    fn write(
        &self,
        pointer: Pointer,
        what: &str,
        change: impl FnOnce(&mut Entry),
    ) -> Result<Generation, Stale> {
        let (generation, write) = self.access(pointer, what, |entry| {
            change(entry);
            (entry.generation, entry.write())
        })?;
        if let Some(write) = write {
            F::lock(&self.desk).queue(write);
        }
        Ok(generation)
    }
}

impl<F: Family> Directory for Specimen2007<F> {
    type Handle = Pointer;
    /// A pointer into the object, not a copy: a call reads the settings where they lie.
    type Snapshot = Pointer;

    fn find(&self, role: Role, name: &str) -> Lookup<Pointer> {
        match self.linked(role, name) {
            Some(pointer) => Lookup::Found(pointer),
            None if self.has_database => F::lock(&self.desk).ask(role, name),
            None => Lookup::Unknown,
        }
    }

    fn take_answer(&self, query: QueryId) -> Lookup<Pointer> {
        F::lock(&self.desk).take_answer(query)
    }

    fn find_peer_at(&self, address: SocketAddr, now: Instant) -> Option<Pointer> {
        let list = F::lock(&self.peers).clone();
        let is_there = |pointer: &Pointer| {
            let contact = self.access(*pointer, "address", |entry| entry.contact_at(now));
            contact
                .unwrap_or(None)
                .is_some_and(|contact| contact.address == address)
        };
        list.into_iter().map(|(_, pointer)| pointer).find(is_there)
    }

    fn settings(&self, handle: &Pointer) -> Result<Pointer, Stale> {
        self.access(*handle, "settings", |_| *handle)
    }

    fn read<R>(&self, snapshot: &Pointer, read: impl FnOnce(&Settings) -> R) -> Result<R, Stale> {
        self.access(*snapshot, "settings", |entry| read(&entry.settings))
    }

    fn contact(&self, handle: &Pointer, now: Instant) -> Result<Option<Contact>, Stale> {
        self.access(*handle, "contact", |entry| entry.contact_at(now))
    }

    fn register(
        &self,
        handle: &Pointer,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Written, Refused> {
        let place = Some((address, Some(deadline)));
        let written = self.write(*handle, "registration", |entry| entry.move_to(place))?;
        Ok(Written::Done(written))
    }

    fn release(&self, handle: &Pointer) -> Result<Written, Refused> {
        let written = self.write(*handle, "release", |entry| entry.move_to(entry.fixed()))?;
        Ok(Written::Done(written))
    }

    /// A cached row is freed with its contact (chan_iax2: `rtautoclear`).
    fn expire(
        &self,
        handle: &Pointer,
        generation: Generation,
        now: Instant,
    ) -> Result<Expiry, Stale> {
        let lapsed = self.access(*handle, "expiry", |entry| {
            let contact = entry.contact?;
            let due = contact.generation == generation && !holds(&contact, now);
            due.then(|| {
                (
                    entry.is_cached,
                    entry.settings.role,
                    entry.settings.name.clone(),
                )
            })
        })?;
        let Some((is_cached, role, name)) = lapsed else {
            return Ok(Expiry::Superseded);
        };
        self.write(*handle, "expiry", |entry| entry.move_to(entry.fixed()))?;
        if is_cached {
            self.destroy(role, name.as_str());
        }
        Ok(Expiry::Expired)
    }

    fn reachability(&self, handle: &Pointer) -> Result<Reachability, Stale> {
        self.access(*handle, "reachability", |entry| entry.reachability)
    }

    fn note_reachability(
        &self,
        handle: &Pointer,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Stale> {
        self.access(*handle, "reachability", |entry| {
            if entry.generation != generation {
                return Noted::Superseded;
            }
            entry.reachability = reachability;
            Noted::Kept
        })
    }

    fn token_key(&self) -> TokenKey {
        self.token_key.clone()
    }
}

impl<F: Family> fmt::Debug for Specimen2007<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Specimen2007").finish_non_exhaustive()
    }
}
