//! The directory that ships: peers, users and the address index over the registry. It alone knows both IAX and families.
//!
//! - [`Catalog`], here: the containers and what everything else is made of.
//! - [`entry`]: one peer or user, a single object for as long as its name is linked.
//! - `status`: what an entry says of itself.
//! - [`published`]: one immutable settings object.
//! - `directory`: what an endpoint asks.
//! - [`admission`]: what all workers share about those who knock: counts, limits, token keys.
//! - `claims`: which worker's the media of an address are.
//! - [`change`], [`parked`]: changes of a contact that wait for the store, and what the store has of names that are not
//!   linked.
//! - `address`: from an address to the peers that are there.
//! - `guest`: as whom one calls who names nobody.
//! - `reload`: an accepted configuration comes into force.
//! - [`realtime`]: entries that live in a database.
//!
//! # The two rules
//!
//! No thread holds two locks, and no reference is dropped under one. So whoever changes an entry does the rest after
//! its lock: drops what came out, settles the address index, queues the write.
//!
//! An entry says itself, under its lock, whether its name stands on it (`linked`); leaving the container comes after.
//! Whoever meets an entry that is in the container and no longer linked takes it out and goes on as if it had not been there,
//! so nobody waits for the thread that unlinked it.
//!
//! # Deviations
//!
//! - Limits count live dialogues; chan_iax2 counts call numbers that rest as well, so that its counts of an address fall
//!   60 s after the calls ended.
//! - A name that is not in memory is asked for a call token as its address says; chan_iax2 reads the row before. So a name with
//!   `requirecalltoken=no` can be told from one that does not exist by who sends no token: the price of that setting.
//! - chan_iax2 counts calls that wait for AUTHREP for users alone; here a name that nobody has is limited as well, by the
//!   limit of `[general]`.

pub mod entry;
pub mod published;
pub mod realtime;

mod address;
pub mod admission;
pub mod change;
mod claims;
mod directory;
mod guest;
pub mod parked;
mod reload;
mod status;

use core::fmt;
use core::net::SocketAddr;

pub use entry::Entry;
pub use published::Published;
pub use realtime::{Answer, Question, Row, Write};
pub use status::{Counters, EntryStatus, Origin};

use address::AddressIndex;
use admission::Gate;
use claims::Claims;
use entry::{Moved, Proposed, Unlinked};
use parked::Parked;
use realtime::Realtime;
use reload::Accepted;

use crate::engine::directory::{Generation, Role, StoreId, TokenKey};
use crate::engine::settings::{Name, Settings};
use crate::registry::iter::Iter;
use crate::registry::{Family, HashKey, Hashed, Ref, Registry};
use crate::time::Instant;

/// Peers, users, the address index and the token key.
pub struct Catalog<F: Family> {
    peers: Registry<Name, Entry<F>, F>,
    users: Registry<Name, Entry<F>, F>,
    addresses: AddressIndex<F>,
    realtime: Realtime<F>,
    parked: Parked<F>,
    accepted: F::Mutex<Accepted>,
    gate: Gate<F>,
    claims: Claims<F>,
    has_database: bool,
    ledger: F::Ledger,
}

/// How a catalog is built.
#[derive(Clone, Debug)]
pub struct CatalogOptions<F: Family> {
    /// The key of the containers' hash: random in production, from the seed in a world.
    pub hash_key: HashKey,
    /// Into how many shards each hash table is cut; see [`Registry::hash`].
    pub shards: usize,
    /// Which kind of container.
    pub container: Kind,
    /// The key of the call tokens.
    pub token_key: TokenKey,
    /// Whether there is a database: it is asked for names that are not linked, and a registration counts once it is
    /// stored there, of peers of the configuration as of rows.
    pub database: bool,
    /// Live dialogues in all, of all workers (chan_iax2: its call numbers, 32,766).
    pub dialogues_max: usize,
    /// Where references are written down.
    pub ledger: F::Ledger,
}

/// Which kind of container a catalog uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The sharded hash table.
    #[default]
    Hash,
    /// The single linked list of before August 2007, for the numbers.
    List,
}

/// What came of a wish to evict a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruned {
    /// It was a cached row and is gone.
    Evicted,
    /// It is of the configuration and stays.
    Static,
    /// It is a cached row and stays: its last contact is not stored yet, somebody waits for an answer about its name, or
    /// calls of the user wait for AUTHREP.
    NotStored,
    /// No such name is linked.
    Unknown,
}

/// What came of a wish to take a contact away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unregistered {
    /// It is gone.
    Done,
    /// It is gone once [`Catalog::stored`] is called for this change; after [`Catalog::not_stored`] it stays.
    Storing(StoreId),
    /// Too many changes of this contact wait for the database: try again.
    Busy,
    /// The name is not linked, or has no registered contact.
    NotRegistered,
}

impl<F: Family> Catalog<F> {
    /// An empty catalog; the first [`Catalog::reload`] fills it.
    pub fn new(options: CatalogOptions<F>) -> Self {
        Catalog {
            peers: options.container(),
            users: options.container(),
            addresses: AddressIndex::new(options.container()),
            realtime: Realtime::new(),
            parked: Parked::new(),
            accepted: F::mutex(Accepted::new()),
            gate: Gate::new(options.token_key, options.dialogues_max),
            claims: Claims::new(),
            has_database: options.database,
            ledger: options.ledger,
        }
    }

    /// The ledger that entries and settings are written in.
    pub fn ledger(&self) -> &F::Ledger {
        &self.ledger
    }

    /// Every linked entry of a role, with no lock held between items.
    pub fn entries(&self, role: Role) -> Iter<'_, Name, Entry<F>, F> {
        self.container(role).iter()
    }

    /// The entry of a name in memory, for an operator who looks on; the database is not asked.
    pub fn entry(&self, role: Role, name: &str) -> Option<Ref<Entry<F>, F>> {
        self.container(role).find(name)
    }

    /// How many names of a role are linked.
    pub fn len(&self, role: Role) -> usize {
        self.container(role).len()
    }

    /// How many hints the address index holds: at rest, one for each linked peer that has a contact.
    pub fn address_hints(&self) -> usize {
        self.addresses.len()
    }

    /// How many claims of workers there are: at rest none.
    pub fn claims(&self) -> usize {
        self.claims.len()
    }

    /// The peers that can be reached at `address` at `now`, the longest there first; several where they share it.
    pub fn peers_at<'a>(
        &'a self,
        address: &'a SocketAddr,
        now: Instant,
    ) -> impl Iterator<Item = Ref<Entry<F>, F>> + 'a {
        self.addresses.peers_at(address, now)
    }

    /// Takes a registered contact away because the operator says so (chan_iax2: `iax2 unregister`). Raises the
    /// generation, so that the timer of the contact does nothing. Where registrations are stored, the contact stays until the
    /// database has stored that it is gone.
    pub fn unregister(&self, name: &str) -> Unregistered {
        while let Some(entry) = self.peers.find(name) {
            match entry.unregister() {
                Ok(Some(proposed)) => return self.unregistered(&entry, proposed),
                Ok(None) => return Unregistered::NotRegistered,
                Err(Unlinked) => self.forget(&entry),
            }
        }
        match self.parked.unregister(name) {
            Some(id) => Unregistered::Storing(id),
            None => Unregistered::NotRegistered,
        }
    }

    fn unregistered(&self, entry: &Ref<Entry<F>, F>, proposed: Proposed) -> Unregistered {
        match proposed {
            Proposed::Done(moved) => {
                self.follow(entry, moved);
                Unregistered::Done
            }
            Proposed::Asked {
                generation,
                to_queue,
            } => {
                if to_queue {
                    self.realtime.queue_write(entry.clone());
                }
                Unregistered::Storing(StoreId {
                    name: entry.name().clone(),
                    generation,
                })
            }
            Proposed::Busy => Unregistered::Busy,
        }
    }

    fn container(&self, role: Role) -> &Registry<Name, Entry<F>, F> {
        match role {
            Role::Peer => &self.peers,
            Role::User => &self.users,
        }
    }

    /// A settings object.
    #[track_caller]
    fn published(&self, settings: Settings) -> Ref<Published, F> {
        Ref::new(&self.ledger, Published::new(settings))
    }

    /// The entry that the name stands on.
    fn linked(&self, role: Role, name: &str) -> Option<Ref<Entry<F>, F>> {
        loop {
            let entry = self.container(role).find(name)?;
            if entry.status().linked {
                return Some(entry);
            }
            self.forget(&entry);
        }
    }

    /// Does what a change of a contact left to do after the entry's lock. The new address is settled first, so that the peer can
    /// be found at one of the two throughout.
    fn follow(&self, entry: &Ref<Entry<F>, F>, moved: Moved) -> Generation {
        let left = moved.from.filter(|from| Some(*from) != moved.to);
        for address in [moved.to, left].into_iter().flatten() {
            self.addresses.settle(address, entry);
        }
        if moved.has_limit {
            for address in [moved.to, left].into_iter().flatten() {
                self.settle_limit(entry, address.ip());
            }
        }
        if moved.to_queue {
            self.realtime.queue_write(entry.clone());
        }
        moved.generation
    }

    /// Makes the hint for the contact that an entry was linked with.
    fn settle_contact(&self, entry: &Ref<Entry<F>, F>) {
        if let Some(contact) = entry.status().contact {
            self.addresses.settle(contact.address, entry);
            if entry.has_limit() {
                self.settle_limit(entry, contact.address.ip());
            }
        }
    }

    /// Takes an entry that was marked unlinked out of its container and out of the address index.
    fn unlink(&self, entry: &Ref<Entry<F>, F>, address: Option<SocketAddr>) {
        self.forget(entry);
        if let Some(address) = address {
            self.addresses.settle(address, entry);
            if entry.has_limit() {
                self.settle_limit(entry, address.ip());
            }
        }
    }

    /// Takes an entry that was marked unlinked out of its container, if nobody did so before.
    fn forget(&self, entry: &Ref<Entry<F>, F>) {
        let container = self.container(entry.role());
        drop(container.unlink_object(entry.name().as_str(), entry));
    }
}

impl<F: Family> CatalogOptions<F> {
    fn container<K: Send + 'static>(&self) -> Registry<K, Entry<F>, F> {
        match self.container {
            Kind::Hash => Registry::hash(self.ledger.clone(), self.hash_key, self.shards),
            Kind::List => Registry::list(self.ledger.clone()),
        }
    }
}

impl Hashed for Name {
    fn hash(&self, key: &HashKey) -> u64 {
        self.as_str().hash(key)
    }
}

impl<F: Family> fmt::Debug for Catalog<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("peers", &self.peers)
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}
