//! Iterators: a lock is held only while the next item is fetched, and what the iterator stands on is kept alive
//! (astobj2: `ao2_iterator`).
//!
//! The place is a position, hash and link number, and not a pointer: it stays good when the link it names is unlinked,
//! replaced, or moved by growth. Positions are never used twice, so an object that is linked throughout is seen exactly
//! once. One that is linked or unlinked meanwhile is seen once or not at all.
//!
//! An iterator borrows its container, which therefore outlives it.

use core::borrow::Borrow;
use core::iter::FusedIterator;

use super::Registry;
use super::chain::Position;
use super::family::Family;
use super::hash::Hashed;
use super::object::{Object, Ref};
use super::table::Shard;

/// Every object of a container: shard by shard in the order of (hash, link number); in the list in the order of linking.
pub struct Iter<'a, K: Send + 'static, T: Object<F>, F: Family> {
    registry: &'a Registry<K, T, F>,
    shard: usize,
    after: Option<Position>,
    /// The object that was given out last.
    standing: Option<Ref<T, F>>,
}

impl<'a, K: Send + 'static, T: Object<F>, F: Family> Iter<'a, K, T, F> {
    pub(super) fn new(registry: &'a Registry<K, T, F>) -> Self {
        Iter {
            registry,
            shard: 0,
            after: None,
            standing: None,
        }
    }

    /// The next item and a reference to it, with all locks released.
    #[track_caller]
    fn fetch(&mut self) -> Option<Ref<T, F>> {
        while let Some(shard) = self.registry.shards.get(self.shard) {
            let next = F::lock(shard).take_next(self.after);
            if let Some((position, object)) = next {
                self.after = Some(position);
                return Some(object);
            }
            self.shard += 1;
            self.after = None;
        }
        None
    }
}

impl<K: Send + 'static, T: Object<F>, F: Family> Shard<K, T, F> {
    /// The next link behind `after`: where it stands, and a reference taken while the link still owns one.
    #[track_caller]
    fn take_next(&self, after: Option<Position>) -> Option<(Position, Ref<T, F>)> {
        let link = self.next_after(after)?;
        Some((link.position, link.object.clone()))
    }
}

impl<K: Send + 'static, T: Object<F>, F: Family> Iterator for Iter<'_, K, T, F> {
    type Item = Ref<T, F>;

    #[track_caller]
    fn next(&mut self) -> Option<Ref<T, F>> {
        // Where we stood is let go by the assignment, when `fetch` has released the lock.
        self.standing = self.fetch();
        let standing = self.standing.as_ref()?;
        Some(standing.clone())
    }
}

impl<K: Send + 'static, T: Object<F>, F: Family> FusedIterator for Iter<'_, K, T, F> {}

/// Every object under one key, in the order of linking (astobj2: `OBJ_MULTIPLE`).
pub struct FindAll<'a, K: Send + 'static, T: Object<F>, F: Family, Q: ?Sized> {
    registry: &'a Registry<K, T, F>,
    key: &'a Q,
    after: u64,
    standing: Option<Ref<T, F>>,
}

impl<'a, K: Send + 'static, T: Object<F>, F: Family, Q: ?Sized> FindAll<'a, K, T, F, Q> {
    pub(super) fn new(registry: &'a Registry<K, T, F>, key: &'a Q) -> Self {
        FindAll {
            registry,
            key,
            after: 0,
            standing: None,
        }
    }
}

impl<K, T, F, Q> FindAll<'_, K, T, F, Q>
where
    K: Borrow<Q> + Send + 'static,
    T: Object<F>,
    F: Family,
    Q: Hashed + Eq + ?Sized,
{
    #[track_caller]
    fn fetch(&mut self) -> Option<Ref<T, F>> {
        let (hash, shard) = self.registry.place(self.key);
        let shard = F::lock(shard);
        let is_next = |link: &super::chain::Link<K, T, F>| {
            link.position.number > self.after && link.key.borrow() == self.key
        };
        let link = shard.find(hash, is_next)?;
        let object = link.object.clone();
        self.after = link.position.number;
        Some(object)
    }
}

impl<K, T, F, Q> Iterator for FindAll<'_, K, T, F, Q>
where
    K: Borrow<Q> + Send + 'static,
    T: Object<F>,
    F: Family,
    Q: Hashed + Eq + ?Sized,
{
    type Item = Ref<T, F>;

    #[track_caller]
    fn next(&mut self) -> Option<Ref<T, F>> {
        self.standing = self.fetch();
        let standing = self.standing.as_ref()?;
        Some(standing.clone())
    }
}
