//! One peer or user: a single object for as long as its name is linked.
//!
//! Its lock guards everything that changes. A method locks once, changes or copies, and returns what is left to do after the
//! lock: references to drop, hints to settle, a write for the database. No method calls the registry under the lock.
//!
//! - [`Entry`], here: what it is, and what is read of it.
//! - `contact`: what a registration, its store and its time change.
//! - `life`: how it begins, gets settings and goes.
//! - `outcome`: what those methods leave to do.

mod contact;
mod life;
mod outcome;

use core::fmt;
use core::net::{IpAddr, SocketAddr};

pub(super) use outcome::{
    Beginning, Begun, Kept, Moved, Proposed, Remains, Seen, Settled, Standing, Unlinked,
};

use super::change::{Changes, Place};
use super::published::Published;
use super::status::{Counters, EntryStatus, Origin};
use crate::engine::directory::{Contact, Reachability, Role};
use crate::engine::settings::{Host, Name, Requirement};
use crate::engine::workers::WorkerId;
use crate::registry::{Family, Object, Ref, Slot};
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
    /// Which worker asks the peer whether it is there, where there are several.
    watcher: Option<WorkerId>,
    /// Whether the entry waits among those whose contact is to be written.
    queued: bool,
    /// Invariant: present until the destructor.
    settings: Slot<Published, F>,
}

impl<F: Family> Entry<F> {
    /// A linked entry.
    pub(in crate::catalog) fn new(
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
            watcher: None,
            queued: false,
            settings: Slot::new(settings),
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
    pub(in crate::catalog) fn settings(&self) -> Option<Ref<Published, F>> {
        let state = F::lock(&self.state);
        let settings = state.settings.as_ref()?;
        // Counted while the lock is held: the entry still owns a reference, so the settings are alive.
        Some(settings.clone())
    }

    /// Where the peer can be reached at `now`.
    pub(in crate::catalog) fn contact(&self, now: Instant) -> Option<Contact> {
        self.status().contact.filter(|contact| holds(contact, now))
    }

    /// Whether the address index should lead from `address` to this entry.
    pub(in crate::catalog) fn is_at(&self, address: SocketAddr) -> bool {
        let status = self.status();
        status.linked && status.contact.is_some_and(|c| c.address == address)
    }

    /// Whether the peer can be reached at `address` at `now` under its name.
    pub(in crate::catalog) fn is_reachable_at(&self, address: SocketAddr, now: Instant) -> bool {
        let status = self.status();
        let contact = status.contact.filter(|contact| holds(contact, now));
        status.linked && contact.is_some_and(|c| c.address == address)
    }

    /// Whether the settings limit the dialogues of the contact's address.
    pub(in crate::catalog) fn has_limit(&self) -> bool {
        F::lock(&self.state).limit().is_some()
    }

    /// The limit of dialogues that a registered peer brings to this address.
    pub(in crate::catalog) fn own_limit_at(&self, ip: IpAddr) -> Option<usize> {
        let state = F::lock(&self.state);
        let (address, _) = state.registered().filter(|_| state.status.linked)?;
        state.limit().filter(|_| address.ip().to_canonical() == ip)
    }

    /// What is asked of the name's openers, and whether it has ever shown a token.
    pub(in crate::catalog) fn token_requirement(&self) -> (Requirement, bool) {
        let state = F::lock(&self.state);
        let settings = state.settings.as_ref();
        let requirement = settings.map(|settings| settings.settings().call_token);
        (requirement.unwrap_or_default(), state.has_shown_token)
    }

    /// The name has shown a valid token.
    pub(in crate::catalog) fn note_token(&self) {
        F::lock(&self.state).has_shown_token = true;
    }

    /// One more call waits for AUTHREP; false where the settings allow no more.
    pub(in crate::catalog) fn begin_challenge(&self) -> bool {
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
    pub(in crate::catalog) fn end_challenge(&self) {
        let mut state = F::lock(&self.state);
        state.status.challenged = state.status.challenged.saturating_sub(1);
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
    fn limit(&self) -> Option<usize> {
        self.settings.as_ref()?.settings().dialogues_per_ip_max
    }

    /// Where the peer is registered; a fixed address is none.
    fn registered(&self) -> Place {
        let contact = self.status.contact?;
        Some((contact.address, contact.deadline?))
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
