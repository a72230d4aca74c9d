//! One peer or user: a single object for as long as its name is linked.
//!
//! Its lock guards everything that changes. A method locks once, changes or copies, and returns what is left to do after the
//! lock: references to drop, hints to settle, a write for the database. No method calls the registry under the lock.

use core::fmt;
use core::net::SocketAddr;

use super::published::Published;
use super::realtime::Write;
use super::status::{Counters, EntryStatus, Origin};
use crate::engine::directory::{Contact, Generation, Noted, Reachability, Role};
use crate::engine::settings::{Host, Name};
use crate::registry::{Family, Object, Ref};
use crate::time::Instant;

/// A peer or a user.
pub struct Entry<F: Family> {
    name: Name,
    role: Role,
    state: F::Mutex<EntryState<F>>,
}

struct EntryState<F: Family> {
    status: EntryStatus,
    /// Which acceptance of a configuration `settings` belongs to, counted by the catalog.
    epoch: u64,
    /// The address of a peer that does not register.
    fixed: Option<SocketAddr>,
    /// Whether the entry waits among those whose contact is to be written.
    queued: bool,
    /// Invariant: present until the destructor.
    settings: Option<Ref<Published, F>>,
}

/// What a change of a contact leaves to do after the lock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) generation: Generation,
    pub(super) from: Option<SocketAddr>,
    pub(super) to: Option<SocketAddr>,
    /// Whether the entry is now to be queued for the database.
    pub(super) to_queue: bool,
}

/// A write came to an entry that its name no longer stands on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unlinked;

/// Why an entry was not evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Static,
    NotStored,
    Unlinked,
}

/// What a sweep has to do with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It belongs to this epoch or a later one.
    Current,
    /// A name of the file that the accepted configuration does not have.
    Absent,
    /// A cached row with general settings of an older configuration.
    Outdated,
}

impl<F: Family> Entry<F> {
    /// A linked entry of the accepted configuration.
    pub(super) fn from_configuration(settings: Ref<Published, F>, epoch: u64) -> Self {
        Self::with(Origin::Static, settings, epoch, None, Generation::default())
    }

    /// A linked entry of a database row: `contact` and `generation` are what the database stored.
    pub(super) fn from_row(
        settings: Ref<Published, F>,
        epoch: u64,
        contact: Option<Contact>,
        generation: Generation,
    ) -> Self {
        Self::with(Origin::Realtime, settings, epoch, contact, generation)
    }

    fn with(
        origin: Origin,
        settings: Ref<Published, F>,
        epoch: u64,
        contact: Option<Contact>,
        generation: Generation,
    ) -> Self {
        let (name, role) = (settings.settings().name.clone(), settings.settings().role);
        let fixed = fixed_address(&settings);
        let at_fixed = fixed.map(|address| Contact {
            address,
            deadline: None,
            generation,
        });
        let status = EntryStatus {
            origin,
            linked: true,
            contact: at_fixed.or(contact),
            generation,
            stored: generation,
            reachability: Reachability::Unknown,
            counters: Counters::default(),
        };
        let state = EntryState {
            status,
            epoch,
            fixed,
            queued: false,
            settings: Some(settings),
        };
        Entry {
            name,
            role,
            state: F::mutex(state),
        }
    }

    /// The name, which never changes.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Peer or user.
    pub fn role(&self) -> Role {
        self.role
    }

    /// All that changes, as it is now.
    pub fn status(&self) -> EntryStatus {
        F::lock(&self.state).status
    }

    /// The settings as they are now; `None` only while the entry is being destroyed.
    #[track_caller]
    pub(super) fn settings(&self) -> Option<Ref<Published, F>> {
        let state = F::lock(&self.state);
        let settings = state.settings.as_ref()?;
        // Counted while the lock is held: the entry still owns a reference, so the settings are alive.
        Some(settings.clone())
    }

    /// Where the peer can be reached at `now`.
    pub(super) fn contact(&self, now: Instant) -> Option<Contact> {
        self.status().contact.filter(|contact| holds(contact, now))
    }

    /// Whether the address index should lead from `address` to this entry.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        let status = self.status();
        status.linked && status.contact.is_some_and(|c| c.address == address)
    }

    /// Whether the peer can be reached at `address` at `now` under its name.
    pub(super) fn is_reachable_at(&self, address: SocketAddr, now: Instant) -> bool {
        let status = self.status();
        let contact = status.contact.filter(|contact| holds(contact, now));
        status.linked && contact.is_some_and(|c| c.address == address)
    }

    /// Writes the contact of a REGREQ.
    pub(super) fn register(
        &self,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Moved, Unlinked> {
        self.write(|state| {
            state.status.counters.registrations += 1;
            state.move_to(Some((address, Some(deadline))))
        })
    }

    /// Takes the contact away for a REGREL.
    pub(super) fn release_contact(&self) -> Result<Moved, Unlinked> {
        self.write(|state| {
            state.status.counters.releases += 1;
            state.move_home()
        })
    }

    /// Takes the contact away where `generation` wrote it and its time is over; `None` where there is nothing to do.
    pub(super) fn expire(
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
            Some(state.move_home())
        })
    }

    /// Takes a registered contact away for the operator; `None` where there is none.
    pub(super) fn unregister(&self) -> Result<Option<Moved>, Unlinked> {
        self.write(|state| {
            state.status.contact?.deadline?;
            Some(state.move_home())
        })
    }

    /// Keeps what a POKE said about the contact of `generation`; does nothing where the contact has moved on.
    pub(super) fn note_reachability(
        &self,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Unlinked> {
        self.write(|state| {
            if state.status.generation != generation {
                return Noted::Superseded;
            }
            state.status.reachability = reachability;
            Noted::Kept
        })
    }

    /// Puts settings of the accepted configuration in place: the entry is static from now on, and its contact stays unless its host
    /// changes. Returns what stood there, to be dropped after the lock, and the move.
    #[expect(clippy::type_complexity, reason = "two things to do after the lock")]
    pub(super) fn publish(
        &self,
        settings: Ref<Published, F>,
        epoch: u64,
    ) -> Result<(Option<Ref<Published, F>>, Option<Moved>), Unlinked> {
        let fixed = fixed_address(&settings);
        self.write(|state| {
            state.status.origin = Origin::Static;
            state.status.counters.publications += 1;
            state.epoch = epoch;
            let old = state.settings.replace(settings);
            (old, state.move_host(fixed))
        })
    }

    /// Puts a cached row's settings in place with newer general settings. Gives back what is to be dropped: the old
    /// settings, or these where the entry became static or newer meanwhile.
    pub(super) fn refresh(
        &self,
        settings: Ref<Published, F>,
        epoch: u64,
    ) -> Result<Option<Ref<Published, F>>, Unlinked> {
        self.write(|state| {
            if state.standing(epoch) != Standing::Outdated {
                return Some(settings);
            }
            state.epoch = epoch;
            state.settings.replace(settings)
        })
    }

    /// What a sweep of `epoch` has to do here.
    pub(super) fn standing(&self, epoch: u64) -> Standing {
        F::lock(&self.state).standing(epoch)
    }

    /// Marks the entry unlinked and takes its contact away, where it is still absent from `epoch`. Returns the address
    /// whose hint is to go.
    pub(super) fn remove(&self, epoch: u64) -> Option<Moved> {
        let mut state = F::lock(&self.state);
        if !state.status.linked || state.standing(epoch) != Standing::Absent {
            return None;
        }
        state.status.linked = false;
        state.fixed = None;
        Some(state.move_to(None))
    }

    /// Marks a cached row unlinked, where the database has stored all of it. The contact stays for those who hold the entry.
    pub(super) fn evict(&self) -> Result<Option<SocketAddr>, Kept> {
        let mut state = F::lock(&self.state);
        let status = &mut state.status;
        match status.origin {
            _ if !status.linked => Err(Kept::Unlinked),
            Origin::Static => Err(Kept::Static),
            Origin::Realtime if status.stored != status.generation => Err(Kept::NotStored),
            Origin::Realtime => {
                status.linked = false;
                Ok(status.contact.map(|contact| contact.address))
            }
        }
    }

    /// The write that the database is owed; the entry no longer waits for it.
    pub(super) fn take_write(&self) -> Option<Write> {
        let mut state = F::lock(&self.state);
        state.queued = false;
        let status = &state.status;
        let contact = status.contact.and_then(|c| Some((c.address, c.deadline?)));
        (status.stored < status.generation).then(|| Write {
            name: self.name.clone(),
            generation: status.generation,
            contact,
        })
    }

    /// The database has stored everything up to `generation`.
    pub(super) fn stored(&self, generation: Generation) {
        let mut state = F::lock(&self.state);
        let known = generation.min(state.status.generation);
        state.status.stored = state.status.stored.max(known);
    }

    /// The database did not store `generation`: whether the entry is to be queued again.
    pub(super) fn not_stored(&self, generation: Generation) -> bool {
        let mut state = F::lock(&self.state);
        let is_owed = generation > state.status.stored;
        is_owed && !core::mem::replace(&mut state.queued, true)
    }

    /// Changes the entry where its name stands on it.
    fn write<R>(&self, change: impl FnOnce(&mut EntryState<F>) -> R) -> Result<R, Unlinked> {
        let mut state = F::lock(&self.state);
        if !state.status.linked {
            return Err(Unlinked);
        }
        Ok(change(&mut state))
    }
}

impl<F: Family> EntryState<F> {
    /// A new contact, or none, under a new generation. What a POKE said holds for the same address on.
    fn move_to(&mut self, place: Option<(SocketAddr, Option<Instant>)>) -> Moved {
        let status = &mut self.status;
        let from = status.contact.map(|contact| contact.address);
        let generation = Generation(status.generation.0 + 1);
        status.generation = generation;
        if from != place.map(|(address, _)| address) {
            status.reachability = Reachability::Unknown;
        }
        status.contact = place.map(|(address, deadline)| Contact {
            address,
            deadline,
            generation,
        });
        let is_owed = status.origin == Origin::Realtime && status.linked;
        Moved {
            generation,
            from,
            to: place.map(|(address, _)| address),
            to_queue: is_owed && !core::mem::replace(&mut self.queued, true),
        }
    }

    /// Back to where the settings say the peer is: its fixed address, or nowhere.
    fn move_home(&mut self) -> Moved {
        self.move_to(self.fixed.map(|address| (address, None)))
    }

    /// The host of the settings is now `fixed`. A registered contact stays with a host that stays dynamic.
    fn move_host(&mut self, fixed: Option<SocketAddr>) -> Option<Moved> {
        let changed = self.fixed != fixed;
        self.fixed = fixed;
        changed.then(|| self.move_home())
    }

    fn standing(&self, epoch: u64) -> Standing {
        match self.status.origin {
            _ if self.epoch >= epoch => Standing::Current,
            Origin::Static => Standing::Absent,
            Origin::Realtime => Standing::Outdated,
        }
    }
}

/// The address of a peer that does not register.
fn fixed_address(settings: &Published) -> Option<SocketAddr> {
    match (settings.settings().role, settings.settings().host) {
        (Role::Peer, Host::Fixed(address)) => Some(address),
        _ => None,
    }
}

/// Whether the contact's time is not over.
fn holds(contact: &Contact, now: Instant) -> bool {
    contact.deadline.is_none_or(|deadline| now < deadline)
}

impl<F: Family> Object<F> for Entry<F> {
    const KIND: &'static str = "entry";

    fn release(&self) {
        let settings = F::lock(&self.state).settings.take();
        // After the lock: this may be the last reference to the settings.
        drop(settings);
    }
}

impl<F: Family> fmt::Debug for Entry<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
