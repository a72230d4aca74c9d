//! What changes the contact of an entry: registration and release, the store's answers, time, the operator, and what a POKE said.

use core::net::SocketAddr;

use super::{Entry, EntryState, Moved, Proposed, Settled, Unlinked, holds};
use crate::catalog::change::{Answered, Place};
use crate::catalog::realtime::Write;
use crate::engine::directory::{Contact, Generation, Noted, Reachability, Storing};
use crate::engine::workers::WorkerId;
use crate::registry::Family;
use crate::time::Instant;

impl<F: Family> Entry<F> {
    /// Writes the contact of a REGREQ.
    pub(in crate::catalog) fn register(
        &self,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Proposed, Unlinked> {
        self.write(|state| {
            let proposed = state.propose(self.is_stored, Some((address, deadline)), true);
            if !matches!(proposed, Proposed::Busy) {
                state.status.counters.registrations += 1;
            }
            proposed
        })
    }

    /// Takes the contact away for a REGREL.
    pub(in crate::catalog) fn release_contact(&self) -> Result<Proposed, Unlinked> {
        self.write(|state| {
            let proposed = state.propose(self.is_stored, None, true);
            if !matches!(proposed, Proposed::Busy) {
                state.status.counters.releases += 1;
            }
            proposed
        })
    }

    /// What became of a change that waited for the store.
    pub(in crate::catalog) fn take_stored(&self, generation: Generation) -> Storing {
        F::lock(&self.state).changes.take(generation)
    }

    /// Nobody waits for a change any more.
    pub(in crate::catalog) fn withdraw(&self, generation: Generation) -> Storing {
        F::lock(&self.state).changes.withdraw(generation)
    }

    /// Takes the contact away where `generation` wrote it and its time is over; `None` where there is nothing to do.
    pub(in crate::catalog) fn expire(
        &self,
        generation: Generation,
        now: Instant,
    ) -> Result<Option<Moved>, Unlinked> {
        self.write(|state| {
            let contact = state.status.contact?;
            if contact.generation != generation || holds(&contact, now) {
                return None;
            }
            state.status.counters.expiries += 1;
            Some(state.move_home(self.is_stored))
        })
    }

    /// Takes a registered contact away for the operator; `None` where there is none.
    pub(in crate::catalog) fn unregister(&self) -> Result<Option<Proposed>, Unlinked> {
        self.write(|state| {
            state.status.contact?.deadline?;
            Some(state.propose(self.is_stored, None, false))
        })
    }

    /// Keeps what a POKE said about the contact of `generation`; does nothing where the contact has moved on.
    pub(in crate::catalog) fn note_reachability(
        &self,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Unlinked> {
        self.write(|state| {
            let contact = state.status.contact;
            if contact.is_none_or(|contact| contact.generation != generation) {
                return Noted::Superseded;
            }
            state.status.reachability = reachability;
            Noted::Kept
        })
    }

    /// This worker asks the peer whether it is there, and no other.
    pub(in crate::catalog) fn set_watcher(&self, worker: WorkerId) -> Result<(), Unlinked> {
        self.write(|state| state.watcher = Some(worker))
    }

    /// Which worker that is, if one said so.
    pub(in crate::catalog) fn watcher(&self) -> Result<Option<WorkerId>, Unlinked> {
        self.write(|state| state.watcher)
    }

    /// The write that the database is owed; the entry no longer waits for it.
    pub(in crate::catalog) fn take_write(&self) -> Option<Write> {
        let mut state = F::lock(&self.state);
        state.queued = false;
        if !state.status.linked {
            return None;
        }
        let in_force = state.registered();
        let EntryState {
            status, changes, ..
        } = &mut *state;
        let (generation, contact) = changes.take_write(&mut status.generation, in_force)?;
        Some(Write {
            name: self.name.clone(),
            generation,
            contact,
        })
    }

    /// The database answered the write of this generation.
    pub(in crate::catalog) fn answer_write(
        &self,
        generation: Generation,
        is_stored: bool,
    ) -> Result<Settled, Unlinked> {
        self.write(|state| {
            if is_stored && state.changes.is_sent(generation) {
                state.status.stored = generation;
            }
            match state.changes.answer(generation, is_stored) {
                Answered::Apply(place) => Settled::Moved(state.apply(place, generation)),
                Answered::Nothing => Settled::Queue(state.queue()),
            }
        })
    }
}

impl<F: Family> EntryState<F> {
    /// A change that somebody asked for: in force at once, or once it is stored.
    fn propose(&mut self, is_stored: bool, place: Place, is_awaited: bool) -> Proposed {
        if !is_stored {
            let place = place.map(|(address, deadline)| (address, Some(deadline)));
            return Proposed::Done(self.move_to(false, place.or(self.home())));
        }
        let generation = Generation(self.status.generation.0 + 1);
        if !self.changes.propose(generation, place, is_awaited) {
            return Proposed::Busy;
        }
        self.status.generation = generation;
        let to_queue = self.queue();
        Proposed::Asked {
            generation,
            to_queue,
        }
    }

    /// A new contact, or none, under a new generation; the database is to know where `is_stored`.
    pub(super) fn move_to(
        &mut self,
        is_stored: bool,
        place: Option<(SocketAddr, Option<Instant>)>,
    ) -> Moved {
        let generation = Generation(self.status.generation.0 + 1);
        self.status.generation = generation;
        if is_stored {
            self.changes.owe(generation);
        }
        self.place(place, generation)
    }

    /// A stored change comes into force.
    fn apply(&mut self, place: Place, generation: Generation) -> Moved {
        let place = place.map(|(address, deadline)| (address, Some(deadline)));
        self.place(place.or(self.home()), generation)
    }

    /// One contact takes the place of the one before (X-REG-6). What a POKE said holds for the same address on.
    fn place(
        &mut self,
        place: Option<(SocketAddr, Option<Instant>)>,
        generation: Generation,
    ) -> Moved {
        let status = &mut self.status;
        let from = status.contact.map(|contact| contact.address);
        if from != place.map(|(address, _)| address) {
            status.reachability = Reachability::Unknown;
        }
        status.contact = place.map(|(address, deadline)| Contact {
            address,
            deadline,
            generation,
        });
        Moved {
            generation,
            from,
            to: place.map(|(address, _)| address),
            to_queue: self.queue(),
            has_limit: self.limit().is_some(),
        }
    }

    /// Whether the entry is now to be queued for the database.
    pub(super) fn queue(&mut self) -> bool {
        let is_wanted = self.changes.has_write() && self.status.linked;
        is_wanted && !core::mem::replace(&mut self.queued, true)
    }

    /// Where the settings say the peer is: its fixed address, or nowhere.
    fn home(&self) -> Option<(SocketAddr, Option<Instant>)> {
        self.fixed.map(|address| (address, None))
    }

    fn move_home(&mut self, is_stored: bool) -> Moved {
        self.move_to(is_stored, self.home())
    }

    /// The host of the settings is now `fixed`. A registered contact stays with a host that stays dynamic.
    pub(super) fn move_host(
        &mut self,
        is_stored: bool,
        fixed: Option<SocketAddr>,
    ) -> Option<Moved> {
        let changed = self.fixed != fixed;
        self.fixed = fixed;
        changed.then(|| {
            self.changes.cancel();
            self.move_home(is_stored)
        })
    }
}
