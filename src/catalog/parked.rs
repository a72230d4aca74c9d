//! What the store has of names that are not linked: registrations wait here for their name's return.
//!
//! So a restart, a configuration that lacks a name for a while, or a row that was evicted and is of the file when its name comes
//! back, loses no registration: whoever links the name begins with what is parked. A registration that lapses meanwhile is of no use any more, and its name's next entry begins with
//! nothing.
//!
//! The *floor* is the newest generation of all entries that went. An entry begins there, so that its writes are newer than
//! what the store has of its name.
//!
//! A registration that was taken away is kept too, as such, where the database is being asked for its name: the row may have been read
//! before, and is older than what is kept. It goes when the name is linked.

use std::collections::{BTreeMap, VecDeque};

use super::Catalog;
use super::change::Place;
use super::entry::{Beginning, Entry, Remains, Seen};
use super::realtime::{ENTRIES_MAX, Write};
use crate::engine::directory::{Contact, Generation, Restored, Role, StoreId};
use crate::engine::settings::Name;
use crate::registry::{Family, Ref};
use crate::time::Instant;

/// The most names that wait for their return. Beyond it the one that lapses first is forgotten.
pub const PARKED_MAX: usize = ENTRIES_MAX;

/// Registrations of names that are not linked.
pub(super) struct Parked<F: Family>(F::Mutex<State>);

#[derive(Default)]
struct State {
    floor: Generation,
    names: BTreeMap<Name, Parking>,
    /// Names whose parked contact is to be written again.
    to_write: VecDeque<Name>,
    /// Names that were linked with a stored contact, whose expiry nobody has taken on yet.
    to_adopt: VecDeque<Name>,
}

struct Parking {
    contact: Option<Contact>,
    /// Under which the store has it, or is to have it.
    generation: Generation,
    /// Whether the store has exactly this.
    is_stored: bool,
    /// What comes back if the store does not take the contact away.
    former: Option<Contact>,
}

impl Parking {
    fn place(&self) -> Place {
        let contact = self.contact?;
        Some((contact.address, contact.deadline?))
    }
}

impl<F: Family> Parked<F> {
    pub(super) fn new() -> Self {
        Parked(F::mutex(State::default()))
    }

    /// The next parked contact for the database.
    pub(super) fn take_write(&self) -> Option<Write> {
        let mut state = F::lock(&self.0);
        loop {
            let name = state.to_write.pop_front()?;
            if let Some(parking) = state.names.get(&name).filter(|parking| !parking.is_stored) {
                return Some(Write {
                    generation: parking.generation,
                    contact: parking.place(),
                    name,
                });
            }
        }
    }

    /// The database has stored the write of a name that is not linked. `is_asked` says whether it was being asked for that name's row
    /// before.
    pub(super) fn stored(&self, name: &str, generation: Generation, is_asked: bool) {
        let mut state = F::lock(&self.0);
        let Some((key, has_contact)) = state.to_be_stored(name, generation) else {
            return;
        };
        match state.names.get_mut(&key) {
            Some(parking) if has_contact || is_asked => {
                parking.is_stored = true;
                parking.former = None;
            }
            _ => drop(state.names.remove(&key)),
        }
    }

    /// The database has not stored it, or does not know.
    pub(super) fn not_stored(&self, name: &str, generation: Generation) {
        let mut state = F::lock(&self.0);
        let Some((key, _)) = state.to_be_stored(name, generation) else {
            return;
        };
        match state.names.get(&key).and_then(|parking| parking.former) {
            Some(former) => drop(state.park(&key, Some(former), true)),
            None => state.to_write.push_back(key),
        }
    }

    /// Takes a parked contact away once that is stored; `None` where there is none.
    pub(super) fn unregister(&self, name: &str) -> Option<StoreId> {
        let mut state = F::lock(&self.0);
        let name = state.names.get_key_value(name)?.0.clone();
        let former = Some(state.names.get(&name)?.contact?);
        let generation = state.park(&name, None, true);
        if let Some(parking) = state.names.get_mut(&name) {
            parking.former = former;
        }
        Some(StoreId { name, generation })
    }
}

impl State {
    /// A name whose parking waits for this write to be stored, and whether there is a contact in it.
    fn to_be_stored(&self, name: &str, generation: Generation) -> Option<(Name, bool)> {
        let (key, parking) = self.names.get_key_value(name)?;
        let is_it = parking.generation == generation && !parking.is_stored;
        is_it.then(|| (key.clone(), parking.contact.is_some()))
    }

    /// Keeps that the store has no contact of this generation.
    fn keep_absence(&mut self, name: &Name, generation: Generation) {
        let absence = Parking {
            contact: None,
            generation,
            is_stored: true,
            former: None,
        };
        self.keep(name, absence);
    }

    fn keep(&mut self, name: &Name, parking: Parking) {
        self.names.insert(name.clone(), parking);
        if self.names.len() > PARKED_MAX {
            self.forget_one();
        }
    }

    /// Keeps a contact under its name; a write of it goes out where the store may have something else.
    fn park(&mut self, name: &Name, contact: Option<Contact>, is_owed: bool) -> Generation {
        if is_owed {
            self.floor = Generation(self.floor.0 + 1);
            self.to_write.push_back(name.clone());
        }
        let generation = match contact {
            Some(contact) if !is_owed => contact.generation,
            _ => self.floor,
        };
        let parking = Parking {
            contact,
            generation,
            is_stored: !is_owed,
            former: None,
        };
        self.keep(name, parking);
        generation
    }

    fn forget_one(&mut self) {
        let deadline = |parking: &Parking| parking.contact.and_then(|contact| contact.deadline);
        let first = self.names.iter().min_by_key(|(_, p)| deadline(p));
        if let Some(name) = first.map(|(name, _)| name.clone()) {
            self.names.remove(&name);
        }
    }
}

impl<F: Family> Catalog<F> {
    /// Takes in what the store had when the process began: contact and generation as they were written. Called for each
    /// stored registration before the first [`Catalog::reload`], which links the names; a name that is not in the
    /// configuration waits for its return until its registration lapses. Deadlines are not prolonged.
    pub fn restore(&self, stored: Write, now: Instant) {
        let Write {
            name,
            generation,
            contact,
        } = stored;
        let mut state = F::lock(&self.parked.0);
        state.floor = state.floor.max(generation);
        if let Some((address, deadline)) = contact.filter(|(_, deadline)| now < *deadline) {
            let contact = Contact {
                address,
                deadline: Some(deadline),
                generation,
            };
            state.park(&name, Some(contact), false);
        }
    }

    /// Raises the floor to the newest generation of an entry that is to go, and parks its registration in place of what is parked,
    /// which is older. That comes before the entry goes: whoever links the name as soon as it is free finds it. Should the entry stay
    /// after all, nobody looks at what is parked under a name that is linked. Returns what was seen of the entry: it may only go as it
    /// was then.
    pub(super) fn raise_floor(&self, entry: &Ref<Entry<F>, F>) -> Seen {
        let seen = Seen::of(&entry.status());
        let Seen {
            generation,
            contact,
        } = seen;
        if self.has_database && entry.role() == Role::Peer {
            let is_asked = self.realtime.is_asked(Role::Peer, entry.name().as_str());
            let mut state = F::lock(&self.parked.0);
            state.floor = state.floor.max(generation);
            let registered = contact.filter(|contact| contact.deadline.is_some());
            match registered {
                Some(_) => drop(state.park(entry.name(), registered, false)),
                None if is_asked => state.keep_absence(entry.name(), generation),
                None => drop(state.names.remove(entry.name())),
            }
        }
        seen
    }

    /// Keeps what the store has of an entry that went.
    pub(super) fn park(&self, entry: &Ref<Entry<F>, F>, remains: Remains) {
        let is_of_use = remains.contact.is_some() || remains.is_owed;
        if !self.has_database || !is_of_use || entry.role() == Role::User {
            return;
        }
        F::lock(&self.parked.0).park(entry.name(), remains.contact, remains.is_owed);
    }

    /// What an entry of this name begins with, given what a row says.
    pub(super) fn beginning(
        &self,
        name: &Name,
        contact: Option<Contact>,
        generation: Generation,
    ) -> Beginning {
        let mut beginning = Beginning {
            contact,
            generation,
            is_owed: false,
            is_stored: self.has_database,
        };
        if !self.has_database {
            return beginning;
        }
        let state = F::lock(&self.parked.0);
        if let Some(parking) = state.names.get(name)
            && parking.generation >= generation
        {
            beginning.contact = parking.contact.or(parking.former);
            beginning.is_owed = !parking.is_stored;
        }
        beginning.generation = generation.max(state.floor);
        beginning
    }

    /// An entry was linked: what was parked under its name is its own now, and somebody is to see to its expiry.
    pub(super) fn begun(&self, entry: &Ref<Entry<F>, F>) {
        if !self.has_database || entry.role() == Role::User {
            return;
        }
        let begun = entry.begin();
        {
            let mut state = F::lock(&self.parked.0);
            state.names.remove(entry.name());
            if begun.is_registered && state.to_adopt.len() < ENTRIES_MAX {
                state.to_adopt.push_back(entry.name().clone());
            }
        }
        if begun.to_queue {
            self.realtime.queue_write(entry.clone());
        }
    }

    /// Where the peer of a name that is not linked would be found once it is; `None` where nothing is known but what the
    /// database has.
    pub fn parked(&self, name: &str) -> Option<Option<Contact>> {
        let state = F::lock(&self.parked.0);
        let parking = state.names.get(name)?;
        Some(parking.contact.or(parking.former))
    }

    /// The next peer whose stored contact has no expiry timer.
    pub(super) fn next_restored(&self) -> Option<Restored<Ref<Entry<F>, F>>> {
        loop {
            let name = F::lock(&self.parked.0).to_adopt.pop_front()?;
            let Some(handle) = self.linked(Role::Peer, name.as_str()) else {
                continue;
            };
            let Some(contact) = handle.status().contact else {
                continue;
            };
            if let Some(deadline) = contact.deadline {
                return Some(Restored {
                    handle,
                    name,
                    deadline,
                    generation: contact.generation,
                });
            }
        }
    }
}
