//! Reference-counted objects and the containers that link them (astobj2's `ao2_alloc`, `ao2_ref`,
//! `ao2_link`, `ao2_find`, `ao2_iterator`). This folder has never heard of IAX.
//!
//! A table of shared objects that come and go while others use them: a reload, an eviction or a timer unlinks an object, and whoever
//! found it before keeps it until the last reference is dropped.
//!
//! ```
//! use iaxproof::registry::ledger::NoLedger;
//! use iaxproof::registry::{HashKey, Object, Ref, Registry, Std};
//!
//! struct Session(&'static str);
//!
//! impl Object<Std> for Session {
//!     const KIND: &'static str = "session";
//!     fn release(&self) {} // it owns no reference
//! }
//!
//! // In production the two halves of the key are random: names come from the network.
//! let sessions: Registry<String, Session, Std> = Registry::hash(NoLedger, HashKey(1, 2), 16);
//! for (token, user) in [("17", "alice"), ("23", "bob")] {
//!     let session = Ref::new(sessions.ledger(), Session(user));
//!     sessions.link(token.into(), session).expect("the tokens differ");
//! }
//!
//! let in_use = sessions.find("17").expect("it is linked");
//! let watched = in_use.downgrade();
//! for session in &sessions {
//!     // No lock is held here, so what is iterated may be changed.
//!     drop(sessions.unlink(if session.0 == "alice" { "17" } else { "23" }));
//! }
//! assert!(sessions.is_empty());
//! assert_eq!(in_use.0, "alice");
//! drop(in_use);
//! assert!(watched.upgrade().is_none());
//! ```
//!
//! # Building on it
//!
//! Two rules, which the checking families report where they are broken:
//! - a thread holds one lock of the family at a time, and no call of a container is made under one;
//! - no reference is dropped under a lock, for it may be the last one and run a destructor. So a [`Ref`] that an object owns is taken out
//!   of its lock first, in [`Object::release`] too.
//!
//! # Checking what was built
//!
//! Write it once over `F: Family`, take locks by [`Family::mutex`] and counters by [`Family::atomic`], and nothing else that is shared. A
//! server then names [`Std`]; a test names [`Audited`], which reports broken rules and keeps a [`Book`](ledger::Book) of who holds
//! what; and with the families of the package `iaxproof-models` the same source runs under loom and shuttle, which visit every
//! interleaving. `examples/session-cache` in the repository is such a cache with such a test, in under sixty lines.
//!
//! # The parts
//!
//! - [`family`]: the lock, the counter and the life of an object behind one trait, so that the same source
//!   runs on the plain operations of `std` and under the explorers.
//! - [`object`]: [`Ref`], [`Weak`] and the two counts.
//! - [`ledger`]: who took which reference where.
//! - [`slot`]: a place for a reference within an object.
//! - [`hash`]: the keyed hash of the containers.
//! - `chain`, `table`: links, shards and growth.
//! - [`iter`]: iteration that holds no lock between items.
//! - [`Registry`], here: the one interface over the sharded hash table and the single linked list.
//!
//! # The protocol
//!
//! Every operation locks one shard, looks, counts what it will return, and unlocks. No operation holds two locks, and a
//! reference that leaves a container goes back after its lock was released, because it may be the last one and run a
//! destructor. The proofs rest on both.

pub mod family;
pub mod hash;
pub mod iter;
pub mod ledger;
pub mod object;
pub mod slot;

mod chain;
mod table;

use core::borrow::Borrow;
use core::fmt;
use core::ops::ControlFlow;

pub use family::{Audited, Family, Std};
pub use hash::{HashKey, Hashed};
pub use object::{Object, Ref, Weak};
pub use slot::Slot;
pub use table::SHARDS_MAX;

use chain::Link;
use iter::{FindAll, Iter};
use ledger::Ledger;
use table::{Placement, Shard, top_bits};

/// A container of objects under keys. Each link owns one reference.
///
/// There are two kinds, chosen when it is made: the sharded hash table, and the single linked list that chan_iax2 had before
/// August 2007, which is kept as the baseline of the numbers. They differ in nothing but speed and order.
///
/// The key's borrowed form `Q` must hash and compare as the key does.
///
/// ```
/// use iaxproof::registry::ledger::NoLedger;
/// use iaxproof::registry::{HashKey, Object, Ref, Registry, Std};
///
/// struct Extension(u16);
/// impl Object<Std> for Extension {
///     const KIND: &'static str = "extension";
///     fn release(&self) {}
/// }
///
/// let registry: Registry<String, Extension, Std> = Registry::hash(NoLedger, HashKey(1, 2), 16);
/// assert!(registry.link("kitchen".into(), Ref::new(&NoLedger, Extension(101))).is_ok());
/// assert_eq!(registry.find("kitchen").map(|e| e.0), Some(101));
///
/// // A key that is taken: the new object is given back, and with it what stands there.
/// let refused = registry.link("kitchen".into(), Ref::new(&NoLedger, Extension(102))).unwrap_err();
/// assert_eq!((refused.existing.0, refused.refused.0), (101, 102));
/// // Or it takes the place, and no lookup misses in between.
/// let before = registry.replace("kitchen".into(), refused.refused);
/// assert_eq!(before.map(|e| e.0), Some(101));
/// ```
pub struct Registry<K: Send + 'static, T: Object<F>, F: Family> {
    ledger: F::Ledger,
    placement: Placement,
    #[expect(
        clippy::type_complexity,
        reason = "a lock around a shard, boxed: a name would hide which lock"
    )]
    shards: Box<[F::Mutex<Shard<K, T, F>>]>,
}

impl<K: Send + 'static, T: Object<F>, F: Family> Registry<K, T, F> {
    /// An empty hash table of `shards` shards, rounded up to a power of two and kept within 1..=[`SHARDS_MAX`].
    pub fn hash(ledger: F::Ledger, key: HashKey, shards: usize) -> Self {
        Self::placed(ledger, Placement::hash(key, shards))
    }

    /// An empty linked list. Every operation walks it.
    pub fn list(ledger: F::Ledger) -> Self {
        Self::placed(ledger, Placement::List)
    }

    fn placed(ledger: F::Ledger, placement: Placement) -> Self {
        let shard = |_| F::mutex(Shard::new(placement));
        Registry {
            ledger,
            placement,
            shards: (0..placement.shards()).map(shard).collect(),
        }
    }

    /// The ledger that objects of this container are written in.
    pub fn ledger(&self) -> &F::Ledger {
        &self.ledger
    }

    /// How many links there are: the sum over the shards, each counted at its own moment.
    pub fn len(&self) -> usize {
        let mut links = 0;
        for shard in &self.shards {
            links += F::lock(shard).links();
        }
        links
    }

    /// Whether there is no link, as [`Registry::len`] counts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every object, with no lock held between items (astobj2: `ao2_iterator`).
    pub fn iter(&self) -> Iter<'_, K, T, F> {
        Iter::new(self)
    }

    /// Shows every object to `visitor` until it breaks, with no lock held (astobj2: `ao2_callback`, `CMP_STOP`).
    #[track_caller]
    pub fn visit<B>(
        &self,
        mut visitor: impl FnMut(&Ref<T, F>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for object in self {
            visitor(&object)?;
        }
        ControlFlow::Continue(())
    }

    /// Unlinks everything that is linked when its shard's turn comes. The references go back after each shard's lock.
    pub fn clear(&self) {
        for shard in &self.shards {
            let chains = F::lock(shard).take_all();
            drop(chains);
        }
    }
}

impl<K: Hashed + Eq + Send + 'static, T: Object<F>, F: Family> Registry<K, T, F> {
    /// Links `object` under `key`, unless something is linked there (astobj2: `ao2_link`).
    ///
    /// # Errors
    ///
    /// [`Duplicate`] with what stands under the key, and with `object`, which is given back.
    #[track_caller]
    pub fn link(&self, key: K, object: Ref<T, F>) -> Result<(), Duplicate<T, F>> {
        match self.link_unless(key, object, |_| true) {
            None => Ok(()),
            Some(duplicate) => Err(duplicate),
        }
    }

    /// Links `object` under `key`, unless this very object is linked there; other objects may share the key
    /// (astobj2: `AO2_CONTAINER_ALLOC_OPT_DUPS_OBJ_REJECT`). Returns whether it was linked.
    #[track_caller]
    pub fn link_object(&self, key: K, object: &Ref<T, F>) -> bool {
        let is_same = |link: &Link<K, T, F>| link.object.same_object(object);
        self.link_unless(key, object.clone(), is_same).is_none()
    }

    /// Links `object` under `key` behind whatever is linked there, itself included (astobj2: duplicates allowed).
    pub fn link_another(&self, key: K, object: Ref<T, F>) {
        let (hash, shard) = self.place(&key);
        F::lock(shard).insert(hash, key, object);
    }

    /// Puts `object` in the place of what is linked under `key`, in one step: no lookup misses in between. Where several are linked it
    /// takes the place of the first. Returns the object that stood there, if one did.
    pub fn replace(&self, key: K, object: Ref<T, F>) -> Option<Ref<T, F>> {
        let (hash, shard) = self.place(&key);
        let mut shard = F::lock(shard);
        match shard.find_mut(hash, |link| link.key == key) {
            // The new object takes over the position, so an iterator meets the key once.
            Some(link) => Some(link.replace(object)),
            None => {
                shard.insert(hash, key, object);
                None
            }
        }
    }

    #[track_caller]
    fn link_unless(
        &self,
        key: K,
        object: Ref<T, F>,
        is_duplicate: impl Fn(&Link<K, T, F>) -> bool,
    ) -> Option<Duplicate<T, F>> {
        let (hash, shard) = self.place(&key);
        let mut shard = F::lock(shard);
        let Some(link) = shard.find(hash, |link| link.key == key && is_duplicate(link)) else {
            shard.insert(hash, key, object);
            return None;
        };
        let existing = link.object.clone();
        Some(Duplicate {
            existing,
            refused: object,
        })
    }
}

impl<K: Send + 'static, T: Object<F>, F: Family> Registry<K, T, F> {
    /// The first object under `key` (astobj2: `ao2_find`).
    #[track_caller]
    pub fn find<Q>(&self, key: &Q) -> Option<Ref<T, F>>
    where
        K: Borrow<Q>,
        Q: Hashed + Eq + ?Sized,
    {
        let (hash, shard) = self.place(key);
        let shard = F::lock(shard);
        let Some(link) = shard.find(hash, |link| link.key.borrow() == key) else {
            self.missed(hash);
            return None;
        };
        // Counted while the lock is held: the link still owns a reference, so the object is alive.
        Some(link.object.clone())
    }

    /// Every object under `key`, with no lock held between items.
    pub fn find_all<'a, Q>(&'a self, key: &'a Q) -> FindAll<'a, K, T, F, Q>
    where
        K: Borrow<Q>,
        Q: Hashed + Eq + ?Sized,
    {
        FindAll::new(self, key)
    }

    /// Unlinks the first object under `key` and hands over the link's reference (astobj2: `ao2_find`, `OBJ_UNLINK`).
    pub fn unlink<Q>(&self, key: &Q) -> Option<Ref<T, F>>
    where
        K: Borrow<Q>,
        Q: Hashed + Eq + ?Sized,
    {
        self.unlink_if(key, |_| true)
    }

    /// Unlinks this very object from `key`, once, where it is linked there, and hands over the link's reference
    /// (astobj2: `ao2_unlink`).
    pub fn unlink_object<Q>(&self, key: &Q, object: &Ref<T, F>) -> Option<Ref<T, F>>
    where
        K: Borrow<Q>,
        Q: Hashed + Eq + ?Sized,
    {
        self.unlink_if(key, |link| link.object.same_object(object))
    }

    fn unlink_if<Q>(&self, key: &Q, wanted: impl Fn(&Link<K, T, F>) -> bool) -> Option<Ref<T, F>>
    where
        K: Borrow<Q>,
        Q: Hashed + Eq + ?Sized,
    {
        let (hash, shard) = self.place(key);
        let is_it = |link: &Link<K, T, F>| link.key.borrow() == key && wanted(link);
        let link = F::lock(shard).remove(hash, is_it);
        link.map(|link| link.object)
    }

    /// Tells the ledger; in the list all keys have one hash, which says nothing.
    fn missed(&self, hash: u64) {
        if let Placement::Hash { .. } = self.placement {
            self.ledger.missed(hash);
        }
    }

    /// The hash of a key and the shard it belongs to.
    fn place<Q: Hashed + ?Sized>(&self, key: &Q) -> (u64, &F::Mutex<Shard<K, T, F>>) {
        match &self.placement {
            Placement::Hash {
                key: secret,
                shard_bits,
            } => {
                let hash = key.hash(secret);
                (hash, &self.shards[top_bits(hash, *shard_bits)])
            }
            Placement::List => (0, &self.shards[0]),
        }
    }
}

impl<'a, K: Send + 'static, T: Object<F>, F: Family> IntoIterator for &'a Registry<K, T, F> {
    type Item = Ref<T, F>;
    type IntoIter = Iter<'a, K, T, F>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Gives every reference back, each with no lock held (`82cf65f89a`: astobj2's container destructor once leaked its nodes).
impl<K: Send + 'static, T: Object<F>, F: Family> Drop for Registry<K, T, F> {
    fn drop(&mut self) {
        if !F::is_stopped() {
            self.clear();
        }
    }
}

impl<K: Send + 'static, T: Object<F>, F: Family> fmt::Debug for Registry<K, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

/// A link was refused because the key is taken.
pub struct Duplicate<T: Object<F>, F: Family> {
    /// What is linked under the key.
    pub existing: Ref<T, F>,
    /// What was to be linked.
    pub refused: Ref<T, F>,
}

impl<T: Object<F>, F: Family> fmt::Debug for Duplicate<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplicate")
            .field("existing", &self.existing.number())
            .field("refused", &self.refused.number())
            .finish()
    }
}

impl<T: Object<F>, F: Family> fmt::Display for Duplicate<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key is taken by another {}", T::KIND)
    }
}

impl<T: Object<F>, F: Family> core::error::Error for Duplicate<T, F> {}
