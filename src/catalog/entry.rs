//! One peer or user: a single object for as long as its name is linked.
//!
//! Its lock guards everything that changes. A method locks once, changes or copies, and returns what is left to do after the
//! lock: references to drop, hints to settle, a write for the database. No method calls the registry under the lock.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use super::change::{Answered, Changes, Place};
use super::published::Published;
use super::realtime::Write;
use super::status::{Counters, EntryStatus, Origin};
use crate::engine::directory::{Contact, Generation, Noted, Reachability, Role, Storing};
use crate::engine::settings::{Host, Name, Requirement};
use crate::registry::{Family, Object, Ref};
use crate::time::Instant;

/// A peer or a user.
pub struct Entry<F: Family> {
    name: Name,
    role: Role,
    /// Whether a registration counts once the store has it.
    is_stored: bool,
    state: F::Mutex<EntryState<F>>,
}

struct EntryState<F: Family> {
    status: EntryStatus,
    /// Which acceptance of a configuration `settings` belongs to, counted by the catalog.
    epoch: u64,
    /// The address of a peer that does not register.
    fixed: Option<SocketAddr>,
    /// What waits for the store.
    changes: Changes,
    /// Whether an opener of this name has shown a valid token.
    has_shown_token: bool,
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
    /// Whether the settings limit the dialogues of the contact's address.
    pub(super) has_limit: bool,
}

/// A change of a contact that somebody asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Proposed {
    /// It is in force.
    Done(Moved),
    /// The store is asked.
    Asked {
        generation: Generation,
        /// Whether the entry is now to be queued for the database.
        to_queue: bool,
    },
    /// Too many changes wait for the store.
    Busy,
}

/// What the store's answer leaves to do after the lock.
#[derive(Clone, Copy, Debug)]
pub(super) enum Settled {
    /// A change came into force.
    Moved(Moved),
    /// Nothing, or the entry is to be queued for the database.
    Queue(bool),
}

/// What is kept of an entry that goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remains {
    pub(super) contact: Option<Contact>,
    /// Whether the store may have something else.
    pub(super) is_owed: bool,
}

/// What is left to do for an entry that was linked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// Whether its contact will lapse.
    pub(super) is_registered: bool,
    /// Whether the entry is now to be queued for the database.
    pub(super) to_queue: bool,
}

/// A write came to an entry that its name no longer stands on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unlinked;

/// Where an entry begins: with what the store has of its name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beginning {
    pub(super) contact: Option<Contact>,
    pub(super) generation: Generation,
    /// Whether the store may have something else.
    pub(super) is_owed: bool,
    /// Whether registrations are stored.
    pub(super) is_stored: bool,
}

/// Why an entry was not evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Static,
    NotStored,
    Unlinked,
    /// Another change came meanwhile: ask again.
    Changed,
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
    /// A linked entry.
    pub(super) fn new(
        origin: Origin,
        settings: Ref<Published, F>,
        epoch: u64,
        beginning: Beginning,
    ) -> Self {
        let (name, role) = (settings.settings().name.clone(), settings.settings().role);
        let Beginning {
            contact,
            generation,
            is_owed,
            is_stored,
        } = beginning;
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
            challenged: 0,
            counters: Counters::default(),
        };
        let mut changes = Changes::default();
        // What the store has of a peer that does not register any more is to go.
        if is_owed || (fixed.is_some() && contact.is_some()) {
            changes.owe_anew();
        }
        let state = EntryState {
            status,
            epoch,
            fixed,
            changes,
            has_shown_token: false,
            queued: false,
            settings: Some(settings),
        };
        Entry {
            name,
            role,
            is_stored: is_stored && role == Role::Peer,
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
    pub(super) fn release_contact(&self) -> Result<Proposed, Unlinked> {
        self.write(|state| {
            let proposed = state.propose(self.is_stored, None, true);
            if !matches!(proposed, Proposed::Busy) {
                state.status.counters.releases += 1;
            }
            proposed
        })
    }

    /// What is left to do after the entry was linked.
    pub(super) fn begin(&self) -> Begun {
        let mut state = F::lock(&self.state);
        Begun {
            is_registered: state.registered().is_some(),
            to_queue: state.queue(),
        }
    }

    /// Whether the settings limit the dialogues of the contact's address.
    pub(super) fn has_limit(&self) -> bool {
        F::lock(&self.state).limit().is_some()
    }

    /// The limit of dialogues that a registered peer brings to this address.
    pub(super) fn own_limit_at(&self, ip: IpAddr) -> Option<usize> {
        let state = F::lock(&self.state);
        let (address, _) = state.registered().filter(|_| state.status.linked)?;
        state.limit().filter(|_| address.ip().to_canonical() == ip)
    }

    /// What is asked of the name's openers, and whether it has ever shown a token.
    pub(super) fn token_requirement(&self) -> (Requirement, bool) {
        let state = F::lock(&self.state);
        let settings = state.settings.as_ref();
        let requirement = settings.map(|settings| settings.settings().call_token);
        (requirement.unwrap_or_default(), state.has_shown_token)
    }

    /// The name has shown a valid token.
    pub(super) fn note_token(&self) {
        F::lock(&self.state).has_shown_token = true;
    }

    /// One more call waits for AUTHREP; false where the settings allow no more.
    pub(super) fn begin_challenge(&self) -> bool {
        let mut state = F::lock(&self.state);
        let settings = state.settings.as_ref();
        let max = settings.map_or(0, |settings| settings.settings().auth_requests_max);
        if max > 0 && state.status.challenged >= max {
            return false;
        }
        state.status.challenged += 1;
        true
    }

    /// One call less waits for AUTHREP.
    pub(super) fn end_challenge(&self) {
        let mut state = F::lock(&self.state);
        state.status.challenged = state.status.challenged.saturating_sub(1);
    }

    /// What became of a change that waited for the store.
    pub(super) fn take_stored(&self, generation: Generation) -> Storing {
        F::lock(&self.state).changes.take(generation)
    }

    /// Nobody waits for a change any more.
    pub(super) fn withdraw(&self, generation: Generation) -> Storing {
        F::lock(&self.state).changes.withdraw(generation)
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
            Some(state.move_home(self.is_stored))
        })
    }

    /// Takes a registered contact away for the operator; `None` where there is none.
    pub(super) fn unregister(&self) -> Result<Option<Proposed>, Unlinked> {
        self.write(|state| {
            state.status.contact?.deadline?;
            Some(state.propose(self.is_stored, None, false))
        })
    }

    /// Keeps what a POKE said about the contact of `generation`; does nothing where the contact has moved on.
    pub(super) fn note_reachability(
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
            (old, state.move_host(self.is_stored, fixed))
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

    /// Marks the entry unlinked and takes its contact away, where it is still absent from `epoch` and `generation` is its
    /// newest. Returns the address whose hint is to go, and what is to be kept.
    pub(super) fn remove(
        &self,
        epoch: u64,
        generation: Generation,
    ) -> Result<(Moved, Remains), Kept> {
        let mut state = F::lock(&self.state);
        if !state.status.linked || state.standing(epoch) != Standing::Absent {
            return Err(Kept::Unlinked);
        }
        if state.status.generation != generation {
            return Err(Kept::Changed);
        }
        state.changes.cancel();
        let remains = Remains {
            contact: state.status.contact.filter(|c| c.deadline.is_some()),
            is_owed: self.is_stored && !state.changes.is_settled(),
        };
        state.status.linked = false;
        state.fixed = None;
        Ok((state.move_to(false, None), remains))
    }

    /// Marks a cached row unlinked, where the database has stored all of it and `generation` is its newest. The contact
    /// stays for those who hold the entry.
    pub(super) fn evict(&self, generation: Generation) -> Result<Option<SocketAddr>, Kept> {
        let mut state = F::lock(&self.state);
        let is_settled = state.changes.is_settled();
        let status = &mut state.status;
        match status.origin {
            _ if !status.linked => Err(Kept::Unlinked),
            Origin::Static => Err(Kept::Static),
            // The count of calls that wait for AUTHREP would be lost with it.
            Origin::Realtime if !is_settled || status.challenged > 0 => Err(Kept::NotStored),
            Origin::Realtime if status.generation != generation => Err(Kept::Changed),
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
    pub(super) fn answer_write(
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
    fn move_to(&mut self, is_stored: bool, place: Option<(SocketAddr, Option<Instant>)>) -> Moved {
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

    /// What a POKE said holds for the same address on.
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

    fn limit(&self) -> Option<usize> {
        self.settings.as_ref()?.settings().dialogues_per_ip_max
    }

    /// Whether the entry is now to be queued for the database.
    fn queue(&mut self) -> bool {
        let is_wanted = self.changes.has_write() && self.status.linked;
        is_wanted && !core::mem::replace(&mut self.queued, true)
    }

    /// Where the peer is registered; a fixed address is none.
    fn registered(&self) -> Place {
        let contact = self.status.contact?;
        Some((contact.address, contact.deadline?))
    }

    /// Where the settings say the peer is: its fixed address, or nowhere.
    fn home(&self) -> Option<(SocketAddr, Option<Instant>)> {
        self.fixed.map(|address| (address, None))
    }

    fn move_home(&mut self, is_stored: bool) -> Moved {
        self.move_to(is_stored, self.home())
    }

    /// The host of the settings is now `fixed`. A registered contact stays with a host that stays dynamic.
    fn move_host(&mut self, is_stored: bool, fixed: Option<SocketAddr>) -> Option<Moved> {
        let changed = self.fixed != fixed;
        self.fixed = fixed;
        changed.then(|| {
            self.changes.cancel();
            self.move_home(is_stored)
        })
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
