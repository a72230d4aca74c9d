//! The hash table's parts: how a key finds its place, and one shard with its buckets.
//!
//! The top bits of the hash choose the shard, the next bits the bucket. When a shard has more links than buckets it
//! doubles: bucket *b* becomes 2*b* and 2*b* + 1, cut where the next bit of the hash turns to 1. So growth never reorders
//! links, and an iterator that resumes by position is right before and after. A shard never shrinks; its size follows the most
//! links it ever had, which those who link bound.
//!
//! The single linked list is the same shard with one bucket that never doubles, where every hash is zero: positions are then in the
//! order of link numbers.

use super::chain::{Chain, Link, Position};
use super::family::Family;
use super::hash::HashKey;
use super::ledger::Seat;
use super::object::{Object, Ref};

/// The most shards of one table. More than any machine has cores.
pub const SHARDS_MAX: usize = 1 << 10;

/// The most buckets of one shard as a power of two. Beyond it chains grow instead.
const BUCKET_BITS_MAX: u32 = 24;

/// How a key finds its place.
#[derive(Clone, Copy)]
pub(super) enum Placement {
    /// By its hash under `key`; the top `shard_bits` choose the shard.
    Hash { key: HashKey, shard_bits: u32 },
    /// All in one chain.
    List,
}

impl Placement {
    /// A table of `shards` shards, rounded up to a power of two and kept within 1..=[`SHARDS_MAX`].
    pub(super) fn hash(key: HashKey, shards: usize) -> Self {
        let shards = shards.clamp(1, SHARDS_MAX).next_power_of_two();
        let shard_bits = shards.trailing_zeros();
        Placement::Hash { key, shard_bits }
    }

    pub(super) fn shards(self) -> usize {
        1 << self.shard_bits()
    }

    pub(super) fn shard_bits(self) -> u32 {
        match self {
            Placement::Hash { shard_bits, .. } => shard_bits,
            Placement::List => 0,
        }
    }

    fn bucket_bits_max(self) -> u32 {
        match self {
            Placement::Hash { .. } => BUCKET_BITS_MAX,
            Placement::List => 0,
        }
    }
}

/// The top `bits` of `hash` as an index. For no bits at all that is 0.
pub(super) fn top_bits(hash: u64, bits: u32) -> usize {
    // Two shifts, for a shift by all 64 bits would be none.
    ((hash >> 1) >> (63 - bits)) as usize
}

/// One shard: what its lock guards.
pub(super) struct Shard<K, T: Object<F>, F: Family> {
    /// Invariant: 2^`bucket_bits` chains; a link stands in the chain that its hash names.
    buckets: Vec<Chain<K, T, F>>,
    bucket_bits: u32,
    bucket_bits_max: u32,
    /// How many top bits of the hash chose this shard and say nothing within it.
    shard_bits: u32,
    links: usize,
    links_made: u64,
}

impl<K, T: Object<F>, F: Family> Shard<K, T, F> {
    pub(super) fn new(placement: Placement) -> Self {
        Shard {
            buckets: vec![Chain::EMPTY],
            bucket_bits: 0,
            bucket_bits_max: placement.bucket_bits_max(),
            shard_bits: placement.shard_bits(),
            links: 0,
            links_made: 0,
        }
    }

    /// How many links stand here.
    pub(super) fn links(&self) -> usize {
        self.links
    }

    /// The first link of this hash that `wanted` accepts.
    pub(super) fn find(
        &self,
        hash: u64,
        wanted: impl Fn(&Link<K, T, F>) -> bool,
    ) -> Option<&Link<K, T, F>> {
        self.buckets[self.bucket(hash)].find(hash, wanted)
    }

    /// As [`Shard::find`], to be changed.
    pub(super) fn find_mut(
        &mut self,
        hash: u64,
        wanted: impl Fn(&Link<K, T, F>) -> bool,
    ) -> Option<&mut Link<K, T, F>> {
        let bucket = self.bucket(hash);
        self.buckets[bucket].find_mut(hash, wanted)
    }

    /// Links behind all others of this hash.
    pub(super) fn insert(&mut self, hash: u64, key: K, object: Ref<T, F>) {
        if self.links >= self.buckets.len() && self.bucket_bits < self.bucket_bits_max {
            self.double();
        }
        self.links_made += 1;
        self.links += 1;
        let position = Position {
            hash,
            number: self.links_made,
        };
        object.seated(Seat::Link(hash));
        let bucket = self.bucket(hash);
        self.buckets[bucket].insert(Link::new(position, key, object));
    }

    /// Takes out the first link of this hash that `wanted` accepts.
    pub(super) fn remove(
        &mut self,
        hash: u64,
        wanted: impl Fn(&Link<K, T, F>) -> bool,
    ) -> Option<Box<Link<K, T, F>>> {
        let bucket = self.bucket(hash);
        let link = self.buckets[bucket].remove(hash, wanted)?;
        self.links -= 1;
        link.object.unseated();
        Some(link)
    }

    /// The first link behind `after`, or the first of all.
    pub(super) fn next_after(&self, after: Option<Position>) -> Option<&Link<K, T, F>> {
        let first_bucket = after.map_or(0, |position| self.bucket(position.hash));
        self.buckets[first_bucket..]
            .iter()
            .flat_map(Chain::links)
            .find(|link| Some(link.position) > after)
    }

    /// Empties the shard into one vector of chains, for the caller to drop after the lock.
    pub(super) fn take_all(&mut self) -> Vec<Chain<K, T, F>> {
        self.links = 0;
        let links = self.buckets.iter().flat_map(Chain::links);
        links.for_each(|link| link.object.unseated());
        self.buckets.iter_mut().map(Chain::take).collect()
    }

    fn bucket(&self, hash: u64) -> usize {
        top_bits(hash << self.shard_bits, self.bucket_bits)
    }

    /// Twice the buckets; the order of all links stays as it is.
    fn double(&mut self) {
        let next_bit = 1 << (63 - self.shard_bits - self.bucket_bits);
        let halves = self.buckets.drain(..).flat_map(|mut low| {
            let high = low.split_off(next_bit);
            [low, high]
        });
        self.buckets = halves.collect();
        self.bucket_bits += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::family::Std;
    use super::super::ledger::NoLedger;
    use super::*;

    struct Nothing;
    impl Object<Std> for Nothing {
        const KIND: &'static str = "nothing";
        fn release(&self) {}
    }

    fn filled(placement: Placement, hashes: impl Iterator<Item = u64>) -> Shard<u64, Nothing, Std> {
        let mut shard = Shard::new(placement);
        for hash in hashes {
            shard.insert(hash, hash, Ref::new(&NoLedger, Nothing));
        }
        shard
    }

    fn longest(shard: &Shard<u64, Nothing, Std>) -> usize {
        let lengths = shard.buckets.iter().map(|chain| chain.links().count());
        lengths.max().unwrap_or(0)
    }

    /// Names that somebody chose without the key: their chains are as short as chance makes them.
    #[test]
    fn growth_keeps_chains_short() {
        let key = HashKey(17, 4);
        let placement = Placement::hash(key, 1);
        // Few first: where nothing tells names apart, so many take minutes.
        for links in [1_000, 50_000_u64] {
            let names = (0..links).map(|n| key.hash_bytes(&n.to_le_bytes()));
            let shard = filled(placement, names);
            assert_eq!(shard.buckets.len() as u64, links.next_power_of_two());
            assert!(longest(&shard) <= 10, "{}", longest(&shard));
        }
    }

    #[test]
    fn growth_keeps_the_order_of_hash_and_number() {
        let hashes = (0..1_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xffff);
        let shard = filled(Placement::hash(HashKey(0, 0), 1), hashes.chain([0, 0, 0]));
        let mut after = None;
        for _ in 0..shard.links() {
            let next = shard.next_after(after).map(|link| link.position);
            assert!(next > after, "{next:?} after {after:?}");
            after = next;
        }
        assert!(shard.next_after(after).is_none());
    }

    #[test]
    fn the_list_never_doubles() {
        let shard = filled(Placement::List, core::iter::repeat_n(0, 100));
        assert_eq!((shard.buckets.len(), longest(&shard)), (1, 100));
    }
}
