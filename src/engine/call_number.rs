//! Our call numbers: drawn at random from a pool, unique among live dialogues (RFC 5456 §8.1.1), and after use kept
//! from the same remote address for a minute.
//!
//! Every operation costs a few tree look-ups, however many dialogues live: a number is drawn from the vector of free
//! ones and drawn again where it is quarantined for that address.
//!
//! # Deviations
//!
//! - chan_iax2 quarantines a number for all addresses, so that its pool runs dry at 16,382 dialogues a minute. A late
//!   frame carries its sender's address, so the address is part of the quarantine here (X-NUM-2).

use core::fmt;
use core::net::SocketAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use super::random::Random;
use crate::time::Instant;
use crate::wire::CallNumber;

/// How long a number is kept from the address that used it (chan_iax2: `MIN_REUSE_TIME`).
pub const QUARANTINE: Duration = Duration::from_secs(60);
/// How often a number is drawn again before the opener is refused.
const DRAWS_MAX: usize = 64;

/// The pool, and what may not be used yet.
pub(super) struct CallNumbers {
    // Invariant: free and allocated numbers together are the pool, each once.
    free: Vec<u16>,
    pool_len: usize,
    quarantine: BTreeSet<(SocketAddr, u16)>,
    // Invariant: the same pairs as in `quarantine`, in the order of their release.
    releases: VecDeque<(Instant, SocketAddr, u16)>,
    quarantine_max: usize,
    /// Allocated numbers that are kept with a third party too: each may come to one more record.
    reserved: usize,
}

/// How many, not which: the pool has 32,766 numbers.
impl fmt::Debug for CallNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallNumbers")
            .field("free", &self.free.len())
            .field("allocated", &self.allocated())
            .field("quarantined", &self.quarantined())
            .finish()
    }
}

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exhausted {
    /// All are allocated.
    Pool,
    /// As many are quarantined as may be, or nearly all of those free for this address.
    Quarantine,
}

impl CallNumbers {
    /// A full pool.
    ///
    /// # Panics
    ///
    /// Where the range holds 0, 1 or a number of more than 15 bits.
    pub(super) fn new(pool: RangeInclusive<u16>, quarantine_max: usize) -> Self {
        assert!(
            *pool.start() > CallNumber::STATELESS.get() && *pool.end() <= CallNumber::MAX.get(),
            "call numbers are drawn from 2..=32767"
        );
        let free: Vec<u16> = pool.collect();
        CallNumbers {
            pool_len: free.len(),
            free,
            quarantine: BTreeSet::new(),
            releases: VecDeque::new(),
            quarantine_max,
            reserved: 0,
        }
    }

    /// Draws a number for a dialogue with this address.
    pub(super) fn allocate(
        &mut self,
        now: Instant,
        random: &mut Random,
        remote: SocketAddr,
    ) -> Result<CallNumber, Exhausted> {
        self.release_due(now);
        if !self.has_room() {
            return Err(Exhausted::Quarantine);
        }
        // Those drawn in vain are moved to the front, so that none is drawn twice.
        for drawn in 0..DRAWS_MAX.min(self.free.len()) {
            let index = drawn + random.below(self.free.len() - drawn);
            if !self.quarantine.contains(&(remote, self.free[index])) {
                return Ok(CallNumber::from_word(self.free.swap_remove(index)));
            }
            self.free.swap(drawn, index);
        }
        Err(match self.free.len() {
            0 => Exhausted::Pool,
            _ => Exhausted::Quarantine,
        })
    }

    fn has_room(&self) -> bool {
        self.quarantine.len() + self.allocated() + self.reserved < self.quarantine_max
    }

    /// Keeps a number that is allocated with a third party too, to which its dialogue may be moved. `false` where it was used
    /// with it within a minute, or there is no room.
    pub(super) fn reserve(&mut self, now: Instant, number: CallNumber, third: SocketAddr) -> bool {
        self.release_due(now);
        let is_free = !self.quarantine.contains(&(third, number.get())) && self.has_room();
        self.reserved += usize::from(is_free);
        is_free
    }

    /// Lets a number that was kept with a third party go there: its dialogue was not moved.
    pub(super) const fn unreserve(&mut self) {
        self.reserved -= 1;
    }

    /// The dialogue of a number that was kept with a third party has moved there: it stays allocated, and is not to be used
    /// with the address that it left.
    pub(super) fn leave(&mut self, now: Instant, number: CallNumber, left: SocketAddr) {
        self.release_due(now);
        self.reserved -= 1;
        self.seclude(now, number, left);
    }

    fn seclude(&mut self, now: Instant, number: CallNumber, remote: SocketAddr) {
        self.quarantine.insert((remote, number.get()));
        self.releases
            .push_back((now + QUARANTINE, remote, number.get()));
    }

    /// Gives a number back when its dialogue with `remote` ends.
    pub(super) fn free(&mut self, now: Instant, number: CallNumber, remote: SocketAddr) {
        self.release_due(now);
        self.free.push(number.get());
        self.seclude(now, number, remote);
    }

    fn release_due(&mut self, now: Instant) {
        while let Some(&(at, remote, number)) = self.releases.front()
            && at <= now
        {
            self.releases.pop_front();
            self.quarantine.remove(&(remote, number));
        }
    }

    pub(super) fn allocated(&self) -> usize {
        self.pool_len - self.free.len()
    }

    pub(super) fn free_len(&self) -> usize {
        self.free.len()
    }

    pub(super) fn quarantined(&self) -> usize {
        self.quarantine.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 1);
    const B: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 2);

    #[test]
    fn a_number_comes_back_to_another_address_at_once_and_to_its_own_after_a_minute() {
        let mut random = Random::new([7; 32]);
        let mut numbers = CallNumbers::new(2..=3, 10);
        let start = Instant::from_secs(100);
        let first = numbers.allocate(start, &mut random, A).unwrap();
        let second = numbers.allocate(start, &mut random, A).unwrap();
        assert_ne!(first, second);
        assert_eq!(
            numbers.allocate(start, &mut random, B),
            Err(Exhausted::Pool)
        );
        numbers.free(start, first, A);
        let almost = start + QUARANTINE - Duration::from_micros(1);
        assert_eq!(
            numbers.allocate(almost, &mut random, A),
            Err(Exhausted::Quarantine)
        );
        assert_eq!(numbers.allocate(almost, &mut random, B), Ok(first));
        numbers.free(almost, first, B);
        assert_eq!(
            numbers.allocate(start + QUARANTINE, &mut random, A),
            Ok(first)
        );
        assert_eq!((numbers.allocated(), numbers.free_len()), (2, 0));
    }

    #[test]
    fn a_moved_number_is_kept_from_both_addresses() {
        let mut random = Random::new([7; 32]);
        let mut numbers = CallNumbers::new(2..=2, 10);
        let start = Instant::from_secs(100);
        let number = numbers.allocate(start, &mut random, A).unwrap();
        assert!(numbers.reserve(start, number, B));
        numbers.leave(start, number, A);
        assert_eq!((numbers.allocated(), numbers.quarantined()), (1, 1));
        assert!(!numbers.reserve(start, number, A), "it was just there");
        let end = start + Duration::from_secs(30);
        numbers.free(end, number, B);
        let refused = |numbers: &mut CallNumbers, random: &mut Random, at, remote| {
            numbers.allocate(at, random, remote) == Err(Exhausted::Quarantine)
        };
        assert!(refused(&mut numbers, &mut random, end, A));
        let after = start + QUARANTINE;
        assert!(refused(&mut numbers, &mut random, after, B));
        assert_eq!(numbers.allocate(after, &mut random, A), Ok(number));
    }

    #[test]
    fn reservations_count_against_the_records() {
        let mut random = Random::new([7; 32]);
        let mut numbers = CallNumbers::new(2..=100, 3);
        let first = numbers.allocate(Instant::ZERO, &mut random, A).unwrap();
        let second = numbers.allocate(Instant::ZERO, &mut random, A).unwrap();
        assert!(numbers.reserve(Instant::ZERO, first, B));
        assert!(!numbers.reserve(Instant::ZERO, second, B));
        numbers.unreserve();
        assert!(numbers.reserve(Instant::ZERO, second, B));
    }

    #[test]
    fn the_records_of_the_quarantine_are_limited() {
        let mut random = Random::new([7; 32]);
        let mut numbers = CallNumbers::new(2..=100, 3);
        for _ in 0..3 {
            let number = numbers.allocate(Instant::ZERO, &mut random, A).unwrap();
            numbers.free(Instant::ZERO, number, A);
        }
        let refused = numbers.allocate(Instant::ZERO, &mut random, B);
        assert_eq!(
            (refused, numbers.quarantined()),
            (Err(Exhausted::Quarantine), 3)
        );
        let later = Instant::ZERO + QUARANTINE;
        assert!(numbers.allocate(later, &mut random, B).is_ok());
        assert_eq!(numbers.quarantined(), 0);
    }

    #[test]
    fn every_number_of_the_pool_is_drawn_once() {
        let mut random = Random::new([1; 32]);
        let mut numbers = CallNumbers::new(2..=32767, 100_000);
        let drawn: BTreeSet<u16> =
            core::iter::from_fn(|| numbers.allocate(Instant::ZERO, &mut random, A).ok())
                .map(CallNumber::get)
                .collect();
        assert!(drawn.into_iter().eq(2..=32767));
        assert_eq!((numbers.allocated(), numbers.free_len()), (32_766, 0));
    }
}
