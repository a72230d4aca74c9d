//! How long a row of the database stays in memory (chan_iax2: `rtcachefriends`, `rtautoclear`; iax2-protocol §8.3): counted from when it was
//! read, not from a registration.
//!
//! # Deviations
//!
//! - Without `rtcachefriends` chan_iax2 has an object of its own for each look-up, in no container. Here the row is linked like any other and
//!   evicted a second later: while it is there, two look-ups find one peer.
//! - A row whose contact is not stored yet, or that somebody asks for, stays until the next try: nothing is lost by evicting.

use core::time::Duration;
use std::collections::VecDeque;

use iaxproof::catalog::Pruned;
use iaxproof::config;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::Name;
use iaxproof::time::Instant;

/// How long a row stays that is not to be cached; and how long one waits for the next try that could not be evicted.
const MOMENT: Duration = Duration::from_secs(1);
/// Rows that are waited for; of more, the oldest is evicted at once.
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

/// The rows that were read, in the order in which they are to go.
#[derive(Debug)]
pub(super) struct Cached {
    stay: Option<Duration>,
    waiting: VecDeque<(Instant, Role, Name)>,
}

impl Cached {
    pub(super) fn new(caching: Caching) -> Self {
        Cached {
            stay: caching.stay,
            waiting: VecDeque::new(),
        }
    }

    /// A row was read.
    pub(super) fn note(&mut self, now: Instant, role: Role, name: Name) {
        if let Some(stay) = self.stay {
            self.waiting.push_back((now + stay, role, name));
        }
    }

    /// Evicts what has stayed long enough.
    pub(super) fn clear(&mut self, now: Instant, mut evict: impl FnMut(Role, &Name) -> Pruned) {
        // Who stays is tried again behind all that wait now.
        for _ in 0..self.waiting.len() {
            let is_due = |(at, ..): &(Instant, Role, Name)| *at <= now;
            let is_full = self.waiting.len() > WAITING_MAX;
            if !self.waiting.front().is_some_and(|it| is_full || is_due(it)) {
                return;
            }
            let Some((_, role, name)) = self.waiting.pop_front() else {
                return;
            };
            if evict(role, &name) == Pruned::NotStored {
                self.waiting.push_back((now + MOMENT, role, name));
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
    fn cleared(cached: &mut Cached, seconds: u64, answer: Pruned) -> Vec<String> {
        let evicted = RefCell::new(Vec::new());
        cached.clear(Instant::from_secs(seconds), |role, name| {
            evicted.borrow_mut().push(format!("{role:?} {name}"));
            answer
        });
        evicted.into_inner()
    }

    #[test]
    fn a_row_stays_for_as_long_as_the_file_says() {
        for (mut cached, goes_at) in [
            (cached(false, None), Some(1)),
            (cached(false, Some(120)), Some(1)),
            (cached(true, Some(120)), Some(120)),
            (cached(true, None), None),
        ] {
            cached.note(Instant::ZERO, Role::Peer, name("alice"));
            let mut seconds = (0..1_000).filter(|at| {
                let gone = cleared(&mut cached, *at, Pruned::Evicted);
                !gone.is_empty()
            });
            assert_eq!((seconds.next(), seconds.next()), (goes_at, None));
        }
    }

    #[test]
    fn what_cannot_go_is_tried_again() {
        let mut cached = cached(true, Some(5));
        cached.note(Instant::ZERO, Role::Peer, name("alice"));
        cached.note(Instant::from_secs(1), Role::User, name("bob"));
        assert_eq!(cleared(&mut cached, 5, Pruned::NotStored), ["Peer alice"]);
        assert_eq!(
            cleared(&mut cached, 6, Pruned::Evicted),
            ["User bob", "Peer alice"]
        );
        assert!(cleared(&mut cached, 100, Pruned::Evicted).is_empty());
    }
}
