//! One chain of links, sorted by [`Position`]: a bucket of the hash table, or the whole of the linked list.
//!
//! A chain never gives a reference back by itself while it is in use: what is taken out comes back as a link, and
//! the caller lets it go after the lock.

use super::family::Family;
use super::object::{Object, Ref};

/// Where a link stands: chains are sorted by it and iterators resume by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// The hash of the key; zero for all in the list.
    pub(super) hash: u64,
    /// Counts the links made in this shard, so that no two links ever share a position.
    pub(super) number: u64,
}

/// That `object` stands under `key`. Owns one reference, which is astobj2's "the container's reference".
pub(super) struct Link<K, T: Object<F>, F: Family> {
    pub(super) position: Position,
    pub(super) key: K,
    pub(super) object: Ref<T, F>,
    next: Chain<K, T, F>,
}

/// Links in ascending order of position.
pub(super) struct Chain<K, T: Object<F>, F: Family>(Option<Box<Link<K, T, F>>>);

impl<K, T: Object<F>, F: Family> Link<K, T, F> {
    pub(super) fn new(position: Position, key: K, object: Ref<T, F>) -> Box<Self> {
        Box::new(Link {
            position,
            key,
            object,
            next: Chain::EMPTY,
        })
    }

    /// Puts `object` in the place of what is linked, which is handed over.
    pub(super) fn replace(&mut self, object: Ref<T, F>) -> Ref<T, F> {
        object.reseated(&self.object);
        core::mem::replace(&mut self.object, object)
    }
}

impl<K, T: Object<F>, F: Family> Chain<K, T, F> {
    pub(super) const EMPTY: Self = Chain(None);

    /// The links in order.
    pub(super) fn links(&self) -> Links<'_, K, T, F> {
        Links(self)
    }

    /// The first link that `wanted` accepts among those of this hash.
    pub(super) fn find(
        &self,
        hash: u64,
        wanted: impl Fn(&Link<K, T, F>) -> bool,
    ) -> Option<&Link<K, T, F>> {
        self.links()
            .skip_while(|link| link.position.hash < hash)
            .take_while(|link| link.position.hash == hash)
            .find(|link| wanted(link))
    }

    /// As [`Chain::find`], to be changed.
    pub(super) fn find_mut(
        &mut self,
        hash: u64,
        wanted: impl Fn(&Link<K, T, F>) -> bool,
    ) -> Option<&mut Link<K, T, F>> {
        let slot = self.seek(|link| stops_at(link, hash, &wanted));
        let link = slot.0.as_deref_mut()?;
        (link.position.hash == hash).then_some(link)
    }

    /// Puts a link where its position belongs.
    pub(super) fn insert(&mut self, mut link: Box<Link<K, T, F>>) {
        let slot = self.seek(|other| other.position > link.position);
        link.next = slot.take();
        slot.0 = Some(link);
    }

    /// Takes out the first link that `wanted` accepts among those of this hash.
    pub(super) fn remove(
        &mut self,
        hash: u64,
        wanted: impl Fn(&Link<K, T, F>) -> bool,
    ) -> Option<Box<Link<K, T, F>>> {
        let slot = self.seek(|link| stops_at(link, hash, &wanted));
        slot.0.as_ref().filter(|l| l.position.hash == hash)?;
        slot.pop()
    }

    /// Cuts the chain before the first link whose hash has this bit, and returns what follows. All links agree in the
    /// bits above it, so those that have it come last.
    pub(super) fn split_off(&mut self, bit: u64) -> Self {
        self.seek(|link| link.position.hash & bit != 0).take()
    }

    /// Takes the first link out.
    pub(super) fn pop(&mut self) -> Option<Box<Link<K, T, F>>> {
        let mut link = self.0.take()?;
        *self = link.next.take();
        Some(link)
    }

    /// The whole chain; leaves an empty one.
    pub(super) fn take(&mut self) -> Self {
        core::mem::replace(self, Self::EMPTY)
    }

    /// The place of the first link that `stop` accepts, or the end.
    fn seek(&mut self, stop: impl Fn(&Link<K, T, F>) -> bool) -> &mut Self {
        let mut slot = self;
        while slot.0.as_deref().is_some_and(|link| !stop(link)) {
            slot = &mut slot.0.as_mut().expect("the loop saw a link").next;
        }
        slot
    }
}

/// Whether a search for `wanted` among the links of `hash` ends here, found or not.
fn stops_at<K, T: Object<F>, F: Family>(
    link: &Link<K, T, F>,
    hash: u64,
    wanted: impl Fn(&Link<K, T, F>) -> bool,
) -> bool {
    link.position.hash > hash || (link.position.hash == hash && wanted(link))
}

/// Link by link: the compiler's own way would recurse once per link.
impl<K, T: Object<F>, F: Family> Drop for Chain<K, T, F> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

/// Walks a chain.
pub(super) struct Links<'a, K, T: Object<F>, F: Family>(&'a Chain<K, T, F>);

impl<'a, K, T: Object<F>, F: Family> Iterator for Links<'a, K, T, F> {
    type Item = &'a Link<K, T, F>;

    fn next(&mut self) -> Option<Self::Item> {
        let link = self.0.0.as_deref()?;
        self.0 = &link.next;
        Some(link)
    }
}
