//! What an endpoint asks of the place where peers and users are kept.
//!
//! The endpoint names no family and no container: it is generic over [`Directory`]. A handle is never
//! dereferenced; everything is read and written through methods, because a design other than ours may hand out handles that
//! go stale. [`Stale`] is how such a design says so. `shared`: by reference it is one too.

mod shared;

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

pub use crate::engine::admission::{Ticket, TokenKey, TokenKeys};
use crate::engine::settings::{General, Name, Settings};
use crate::engine::workers::WorkerId;
use crate::time::Instant;
use crate::wire::CallNumber;

/// A place where peers (whom we call, and who register) and users (who call us) are found (chan_iax2's two containers).
pub trait Directory {
    /// A hold on one entry. In ours it is counted: the entry stays while the handle exists.
    type Handle: Clone + fmt::Debug;
    /// A hold on one settings snapshot. A call uses one snapshot for as long as it lives.
    type Snapshot: Clone + fmt::Debug;

    /// The peer or user of this exact, case-sensitive name. May become a question to the database.
    fn find(&self, role: Role, name: &str) -> Lookup<Self::Handle>;
    /// What the database answered to `query`. Given once; afterwards the query is forgotten.
    fn take_answer(&self, query: QueryId) -> Lookup<Self::Handle>;
    /// The peer whose contact (registered or fixed) is this address.
    fn find_peer_at(&self, address: SocketAddr, now: Instant) -> Option<Self::Handle>;

    /// The settings of an entry as they are now.
    ///
    /// # Errors
    ///
    /// [`Stale`] where the entry was destroyed under the handle.
    fn settings(&self, handle: &Self::Handle) -> Result<Self::Snapshot, Stale>;
    /// Reads a snapshot.
    ///
    /// # Errors
    ///
    /// [`Stale`] where the snapshot was destroyed under its holder.
    fn read<R>(
        &self,
        snapshot: &Self::Snapshot,
        read: impl FnOnce(&Settings) -> R,
    ) -> Result<R, Stale>;

    /// Where the peer can be reached at `now`, if anywhere.
    ///
    /// # Errors
    ///
    /// [`Stale`] where the entry was destroyed under the handle.
    fn contact(&self, handle: &Self::Handle, now: Instant) -> Result<Option<Contact>, Stale>;
    /// Writes a contact that a REGREQ brought; it lapses at `deadline`. Raises the generation. May become a question to
    /// the store: until it is answered, the former contact holds.
    ///
    /// # Errors
    ///
    /// [`Refused::Unlinked`] where the name no longer stands on this entry: look it up again.
    fn register(
        &self,
        handle: &Self::Handle,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Written, Refused>;
    /// Takes the contact away because a REGREL asked for it. Raises the generation. May become a question to the store.
    ///
    /// # Errors
    ///
    /// As for [`Directory::register`].
    fn release(&self, handle: &Self::Handle) -> Result<Written, Refused>;
    /// What the store said to the change that `generation` names. An answer is given once.
    fn take_stored(&self, handle: &Self::Handle, generation: Generation) -> Storing {
        let _ = (handle, generation);
        Storing::Failed
    }
    /// Nobody waits any more for what the store says to this change. Where the store has not answered, the change will
    /// not come into force, and is undone should it be stored after all. Never [`Storing::Waiting`].
    fn withdraw(&self, handle: &Self::Handle, generation: Generation) -> Storing {
        let _ = (handle, generation);
        Storing::Failed
    }
    /// The next peer whose contact came from the store and has no expiry timer yet. Each is given once.
    fn poll_restored(&self) -> Option<Restored<Self::Handle>> {
        None
    }
    /// An expiry timer of `generation` fired. Does nothing where the generation has moved on. A timer whose entry
    /// was evicted looks the name up again, in what is linked, without asking the database.
    ///
    /// # Errors
    ///
    /// [`Stale`] where the entry was destroyed under the timer.
    fn expire(
        &self,
        handle: &Self::Handle,
        generation: Generation,
        now: Instant,
    ) -> Result<Expiry, Stale>;

    /// What the last POKE said about the peer (chan_iax2: `qualify`).
    ///
    /// # Errors
    ///
    /// [`Stale`] where the entry was destroyed under the handle.
    fn reachability(&self, handle: &Self::Handle) -> Result<Reachability, Stale>;
    /// Keeps what a POKE said about the contact that `generation` wrote; does nothing where the contact has moved on. A poke
    /// whose entry was evicted looks the name up again, in what is linked, without asking the database.
    ///
    /// # Errors
    ///
    /// [`Stale`] where the entry was destroyed under the poke.
    fn note_reachability(
        &self,
        handle: &Self::Handle,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Stale>;
    /// From now on this worker asks the peer whether it is there: of several, the last to say so. The row of a peer that another worker
    /// watches may be read anew.
    fn watch(&self, handle: &Self::Handle, worker: WorkerId) {
        let _ = (handle, worker);
    }
    /// Who said so last, of the entry that the name stands on now; `None` where nobody did.
    fn watcher(&self, handle: &Self::Handle) -> Option<WorkerId> {
        let _ = handle;
        None
    }

    /// As which user an opener from this address calls that names none, if there is one (chan_iax2: a user whose access list
    /// admits the address).
    fn find_guest(&self, ip: IpAddr) -> Option<Self::Handle> {
        let _ = ip;
        None
    }

    /// What the newest accepted configuration says about everything: for those whose name is unknown, who shall be
    /// refused no sooner and no later than others.
    fn general(&self) -> General {
        General::default()
    }

    /// The key of the call tokens (IAX2 security document §3).
    fn token_key(&self) -> TokenKey;
    /// What call tokens are issued and checked with at `now`.
    fn token_keys(&self, now: Instant) -> TokenKeys {
        let _ = now;
        TokenKeys {
            current: self.token_key(),
            previous: None,
            life: self.general().token_life,
        }
    }

    /// Media of this address and call number are this worker's, by whichever socket they come. Of several claims the youngest counts.
    fn claim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
        let _ = (from, worker);
    }
    /// They are not any more; a younger claim of another worker stays.
    fn unclaim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
        let _ = (from, worker);
    }
    /// Who claims media of this address and call number.
    fn claimant(&self, from: (SocketAddr, CallNumber)) -> Option<WorkerId> {
        let _ = from;
        None
    }
    /// Who claims media of this address, each once.
    fn claimants(&self, remote: SocketAddr) -> Vec<WorkerId> {
        let _ = remote;
        Vec::new()
    }

    /// A place for one more dialogue with this address, where the limits that all workers share allow it (X-NUM-3).
    fn admit(&self, ip: IpAddr, is_validated: bool) -> Option<Ticket> {
        Some(Ticket::new(ip, is_validated))
    }
    /// The dialogue of this place ended.
    fn leave(&self, ticket: Ticket) {
        drop(ticket);
    }
    /// Whether an opener of this name from this address is refused that shows no call token (X-TOK-7, X-TOK-10). What is in
    /// memory decides; the database is not asked.
    fn is_token_required(&self, role: Role, name: &str, ip: IpAddr) -> bool {
        let _ = (role, name, ip);
        true
    }
    /// This name has shown a valid token (X-TOK-5; chan_iax2: `requirecalltoken=auto` becomes `yes`).
    fn note_token(&self, role: Role, name: &str) {
        let _ = (role, name);
    }
    /// A call of this user is to wait for AUTHREP; false where too many do (X-NUM-4; chan_iax2: `maxauthreq`). A name that
    /// nobody has comes without a handle, and has a limit too.
    fn begin_challenge(&self, user: Option<&Self::Handle>, name: &[u8]) -> bool {
        let _ = (user, name);
        true
    }
    /// A call that [`Directory::begin_challenge`] counted does not wait any more.
    fn end_challenge(&self, user: Option<&Self::Handle>, name: &[u8]) {
        let _ = (user, name);
    }
}

/// Which of the two containers (chan_iax2: `peers`, `users`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Whom we call, and who may register.
    Peer,
    /// Who may call us.
    User,
}

/// What a lookup gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<H> {
    /// The entry.
    Found(H),
    /// No such name, in memory or in the database.
    Unknown,
    /// The database was asked; the answer comes by [`Directory::take_answer`] under this name.
    Asked(QueryId),
    /// The database failed or is asked too much; nothing is known about the name.
    Failed,
}

impl<H> Lookup<H> {
    /// The same with another kind of handle.
    pub fn map<T>(self, handle: impl FnOnce(H) -> T) -> Lookup<T> {
        match self {
            Lookup::Found(found) => Lookup::Found(handle(found)),
            Lookup::Unknown => Lookup::Unknown,
            Lookup::Asked(query) => Lookup::Asked(query),
            Lookup::Failed => Lookup::Failed,
        }
    }
}

/// Names one question to the database; never reused by one directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u64);

/// Counts the changes of one entry's contact. A timer that carries an old generation does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// Where a peer can be reached, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Address and port of the peer.
    pub address: SocketAddr,
    /// When the contact lapses; `None` for a fixed host.
    pub deadline: Option<Instant>,
    /// The generation that wrote it.
    pub generation: Generation,
}

/// What became of a change of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in force; there is nothing to store.
    Done(Generation),
    /// The store was asked. The change comes into force when the store says that it is stored; the answer comes by
    /// [`Directory::take_stored`].
    Asked(Generation),
}

impl Written {
    /// Which change of the contact it is.
    pub const fn generation(self) -> Generation {
        match self {
            Written::Done(generation) | Written::Asked(generation) => generation,
        }
    }
}

/// Names one change of a peer's contact that the store was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId {
    /// The peer.
    pub name: Name,
    /// The change.
    pub generation: Generation,
}

/// How a change stands that the store was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storing {
    /// The store has not answered.
    Waiting,
    /// It is stored, and in force.
    Stored,
    /// It is not stored, and will not come into force.
    Failed,
}

/// A peer whose contact came from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored<H> {
    /// The peer.
    pub handle: H,
    /// Its name.
    pub name: Name,
    /// When its contact lapses.
    pub deadline: Instant,
    /// Which change of the contact it is.
    pub generation: Generation,
}

/// What an expiry timer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The contact was taken away.
    Expired,
    /// A newer registration, a release or an operator came first; nothing was done.
    Superseded,
}

/// What the last POKE of a contact said (chan_iax2: `qualify`). A contact at another address is unknown again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reachability {
    /// Not asked yet, or not asked at all.
    #[default]
    Unknown,
    /// It answered in time, after this long.
    Reachable(Duration),
    /// It answered, but too late: after this long.
    Lagged(Duration),
    /// It did not answer.
    Unreachable,
}

/// What became of a word about a peer's reachability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It was kept.
    Kept,
    /// The contact that it was about has moved on, or the entry is gone; nothing was done.
    Superseded,
}

/// The handle outlived its entry: what the pre-2007 design can answer and ours cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entry was destroyed while this handle was held")]
pub struct Stale;

/// Why a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The name no longer stands on this entry; look it up again.
    #[error("the entry is no longer linked under its name")]
    Unlinked,
    /// Too many changes of this contact wait for the store.
    #[error("too many changes of this contact wait for the store")]
    Busy,
    /// The entry was destroyed.
    #[error(transparent)]
    Stale(#[from] Stale),
}
