//! How long a row of the database stays in memory (chan_iax2: `rtcachefriends`, `rtautoclear`): counted from when it was
//! read, not from a registration.
//!
//! # Deviations
//!
//! - Without `rtcachefriends` chan_iax2 has an object of its own for each look-up, in no container. Here the row is linked like any other and
//!   evicted a second later: while it is there, two look-ups find one peer.
//! - A row whose contact is not stored yet, or that somebody asks for, stays until the next try: nothing is lost by evicting.
//! - The row of a peer that registers, and is registered nowhere as far as this process knows, or no longer, goes a second later also where
//!   rows are cached: it may have registered with another server of the same database since. chan_iax2 calls it unreachable until the row
//!   is cleared, which without `rtautoclear` is never.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::BinaryHeap;

use iaxproof::catalog::Pruned;
use iaxproof::config;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::Name;
use iaxproof::time::Instant;

/// How long a row stays that is not to be cached; and how long one waits for the next try that could not be evicted.
const MOMENT: Duration = Duration::from_secs(1);
/// Rows that are waited for; of more, the next is evicted at once.
const WAITING_MAX: usize = 1 << 18;

/// How rows are to be treated. Read when the server starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caching {
    /// How long one stays in memory; `None` for as long as there is room.
    stay: Option<Duration>,
    /// Whether a stored address is used although its period is over (`rtignoreregexpire`).
    pub(super) ignores_expiry: bool,
}

impl Caching {
    /// As the configuration says.
    pub(crate) fn of(realtime: &config::Realtime) -> Self {
        Caching {
            stay: match realtime.cache_friends {
                true => realtime.auto_clear,
                false => Some(MOMENT),
            },
            ignores_expiry: realtime.ignore_expiry,
        }
    }
}

/// Where the peer of a row is, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// It does not register.
    Fixed,
    /// Registered until then.
    Until(Instant),
    /// Nowhere.
    Nowhere,
}

/// The rows that were read, in the order in which they are looked at.
#[derive(Debug)]
pub(super) struct Cached {
    stay: Option<Duration>,
    waiting: BinaryHeap<Reverse<Waiting>>,
}

/// A row, when it is looked at next, and when it is to go at the latest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    at: Instant,
    end: Option<Instant>,
    role: Role,
    name: Name,
}

impl Cached {
    /// No row is in memory yet.
    pub(super) fn new(caching: Caching) -> Self {
        Cached {
            stay: caching.stay,
            waiting: BinaryHeap::new(),
        }
    }

    /// A row was read.
    pub(super) fn note(&mut self, now: Instant, role: Role, name: Name) {
        let end = self.stay.map(|stay| now + stay);
        let first = match role {
            Role::Peer => Some(now + MOMENT),
            Role::User => None,
        };
        self.wait(
            Waiting {
                at: now,
                end,
                role,
                name,
            },
            first,
        );
    }

    /// Looks at a row again at `at` or at its end, whichever is first; never, where it has neither.
    fn wait(&mut self, row: Waiting, at: Option<Instant>) {
        if let Some(at) = [at, row.end].into_iter().flatten().min() {
            self.waiting.push(Reverse(Waiting { at, ..row }));
        }
    }

    /// Evicts what has stayed long enough, and peers that may be somewhere else by now.
    pub(super) fn clear(
        &mut self,
        now: Instant,
        whereabouts: impl Fn(&str) -> Whereabouts,
        mut evict: impl FnMut(Role, &Name) -> Pruned,
    ) {
        // Who stays is looked at again later, however many wait now.
        for _ in 0..self.waiting.len() {
            let is_full = self.waiting.len() > WAITING_MAX;
            let is_due = |Reverse(row): &Reverse<Waiting>| row.at <= now;
            if !self.waiting.peek().is_some_and(|it| is_full || is_due(it)) {
                return;
            }
            let Some(Reverse(row)) = self.waiting.pop() else {
                return;
            };
            let is_over = is_full || row.end.is_some_and(|end| end <= now);
            let stays_until = match row.role {
                _ if is_over => Some(now),
                Role::User => row.end,
                Role::Peer => match whereabouts(row.name.as_str()) {
                    Whereabouts::Fixed => row.end,
                    Whereabouts::Until(deadline) => Some(deadline),
                    Whereabouts::Nowhere => Some(now),
                },
            };
            if stays_until.is_some_and(|until| until <= now) {
                if evict(row.role, &row.name) == Pruned::NotStored {
                    // Also where its end is over.
                    let at = now + MOMENT;
                    self.waiting.push(Reverse(Waiting { at, ..row }));
                }
            } else {
                self.wait(row, stays_until);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn cached(cache_friends: bool, auto_clear: Option<u64>) -> Cached {
        Cached::new(Caching::of(&config::Realtime {
            cache_friends,
            auto_clear: auto_clear.map(Duration::from_secs),
            ..config::Realtime::default()
        }))
    }

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    /// Who is evicted when this many seconds have passed.
    fn cleared(
        cached: &mut Cached,
        seconds: u64,
        peers: Whereabouts,
        answer: Pruned,
    ) -> Vec<String> {
        let evicted = RefCell::new(Vec::new());
        let evict = |role, name: &Name| {
            evicted
                .borrow_mut()
                .push(format!("{role:?} {}", name.as_str()));
            answer
        };
        cached.clear(Instant::from_secs(seconds), |_| peers, evict);
        evicted.into_inner()
    }

    /// At which seconds it is evicted.
    fn goes_at(mut cached: Cached, role: Role, peers: Whereabouts) -> Vec<u64> {
        cached.note(Instant::ZERO, role, name("alice"));
        let goes = |at: &u64| !cleared(&mut cached, *at, peers, Pruned::Evicted).is_empty();
        (0..1_000).filter(goes).collect()
    }

    #[test]
    fn a_row_stays_for_as_long_as_the_file_says() {
        let for_good = Whereabouts::Until(Instant::from_secs(5_000));
        for (role, peers) in [
            (Role::User, Whereabouts::Nowhere),
            (Role::Peer, Whereabouts::Fixed),
            (Role::Peer, for_good),
        ] {
            assert_eq!(goes_at(cached(false, None), role, peers), [1]);
            assert_eq!(goes_at(cached(false, Some(120)), role, peers), [1]);
            assert_eq!(goes_at(cached(true, Some(120)), role, peers), [120]);
            assert_eq!(goes_at(cached(true, None), role, peers), [0; 0]);
        }
    }

    #[test]
    fn a_peer_that_is_nowhere_is_read_anew_and_one_whose_time_is_over_as_well() {
        for stay in [None, Some(120)] {
            let goes = goes_at(cached(true, stay), Role::Peer, Whereabouts::Nowhere);
            assert_eq!(goes, [1]);
            let mut cached = cached(true, stay);
            cached.note(Instant::ZERO, Role::Peer, name("alice"));
            // It renews once, and then no more.
            let renewed =
                |at| Whereabouts::Until(Instant::from_secs(if at < 60 { 60 } else { 110 }));
            let evicted = |at| cleared(&mut cached, at, renewed(at), Pruned::Evicted);
            let gone: Vec<u64> = [1, 59, 60, 109, 110, 111]
                .into_iter()
                .zip([1, 59, 60, 109, 110, 111].map(evicted))
                .filter(|(_, evicted)| !evicted.is_empty())
                .map(|(at, _)| at)
                .collect();
            assert_eq!(gone, [110]);
        }
    }

    #[test]
    fn what_cannot_go_is_tried_again() {
        let mut cached = cached(true, Some(5));
        let peers = Whereabouts::Fixed;
        cached.note(Instant::ZERO, Role::Peer, name("alice"));
        cached.note(Instant::from_secs(1), Role::User, name("bob"));
        let mut cleared = |seconds, answer| cleared(&mut cached, seconds, peers, answer);
        assert_eq!(cleared(5, Pruned::NotStored), ["Peer alice"]);
        assert_eq!(cleared(6, Pruned::Evicted), ["Peer alice", "User bob"]);
        assert!(cleared(100, Pruned::Evicted).is_empty());
    }
}
