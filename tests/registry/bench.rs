//! What the tests of the containers share: objects that count their end, keys that collide, and a container with its book.
//! Everything runs on [`Audited`], which also reports a thread that takes a second lock or gives a reference back under one.

#![expect(
    clippy::disallowed_types,
    reason = "the test counts destructors apart from what it tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, HashKey, Hashed, Object, Ref, Registry};

/// An object that counts its own end.
pub(crate) struct Probe {
    pub(crate) value: u32,
    pub(crate) destroyed: Arc<AtomicUsize>,
}

impl Object<Audited> for Probe {
    const KIND: &'static str = "probe";
    fn release(&self) {
        self.destroyed.fetch_add(1, Ordering::Relaxed);
    }
}

/// A key whose hash tells little: `MASK` chooses how many bits of it are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key<const MASK: u64>(pub(crate) u64);

impl<const MASK: u64> Hashed for Key<MASK> {
    fn hash(&self, key: &HashKey) -> u64 {
        self.0.hash(key) & MASK
    }
}

/// Names that collide entirely, at the extremes of the hash, in the top bits only, and not at all.
pub(crate) const ALL_ZERO: u64 = 0;
pub(crate) const TOP: u64 = 1 << 63;
pub(crate) const LOW: u64 = 0xff;
pub(crate) const ALL: u64 = u64::MAX;

pub(crate) struct Bench<const MASK: u64> {
    pub(crate) book: Book,
    pub(crate) destroyed: Arc<AtomicUsize>,
    pub(crate) made: usize,
    pub(crate) registry: Registry<Key<MASK>, Probe, Audited>,
}

impl<const MASK: u64> Bench<MASK> {
    pub(crate) fn new(shards: usize) -> Self {
        let book = Book::default();
        let registry = match shards {
            0 => Registry::list(book.clone()),
            _ => Registry::hash(book.clone(), HashKey(11, 29), shards),
        };
        Bench {
            book,
            destroyed: Arc::default(),
            made: 0,
            registry,
        }
    }

    pub(crate) fn make(&mut self, value: u32) -> Ref<Probe, Audited> {
        self.made += 1;
        let destroyed = self.destroyed.clone();
        Ref::new(&self.book, Probe { value, destroyed })
    }

    /// Count = links + holders, and nothing but the linked and held objects is alive.
    pub(crate) fn is_balanced(&self, held: usize) -> bool {
        let alive = self.made - self.destroyed.load(Ordering::Relaxed);
        self.book.references() == self.registry.len() + held && self.book.live_objects() == alive
    }

    /// Ends the container; every object must end with it.
    pub(crate) fn ends_clean(self) -> bool {
        drop(self.registry);
        let destroyed = self.destroyed.load(Ordering::Relaxed);
        destroyed == self.made && self.book.open_pages().is_empty()
    }
}
