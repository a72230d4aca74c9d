//! What a decision is about is told by a number: the 58th datagram of a link, the 224th step of a thread. In a world with less in it the
//! same datagram or step has another number. Here it is found again, by its time.

use core::time::Duration;

use iaxproof::time::Instant;

use crate::decide::{Decision, Domain, Key};

/// When something was asked for, and how many of its kind were at that same time before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    at: Instant,
    nth: usize,
}

/// The decisions with their moments, in the order of these. What was not asked for is left out.
pub(super) fn moments(decisions: &[Decision], asked: &[(Key, Instant)]) -> Vec<(Decision, Moment)> {
    let with = |it: &Decision| Some((*it, Moment::of(it.key, asked)?));
    let mut all: Vec<_> = decisions.iter().filter_map(with).collect();
    all.sort_by_key(|(_, moment)| *moment);
    all
}

impl Moment {
    fn of(key: Key, asked: &[(Key, Instant)]) -> Option<Moment> {
        let (_, at) = *asked.iter().find(|(it, _)| *it == stall_of(key))?;
        let before = alike(key, asked).filter(|(it, when)| *when == at && it.nth < key.nth);
        Some(Moment {
            at,
            nth: before.count(),
        })
    }

    pub(super) fn is_before(self, then: Instant) -> bool {
        self.at < then
    }

    /// The same, where all comes at another time: `then` instead of `now`.
    pub(super) fn moved(self, now: Instant, then: Instant) -> Moment {
        let later = self.at + then.saturating_since(now);
        let at = later - now.saturating_since(then);
        Moment { at, ..self }
    }

    /// The same, after so many of its kind at that time.
    pub(super) fn at_step(self, nth: usize) -> Moment {
        Moment { nth, ..self }
    }

    /// The same, where all that is later than `than` comes sooner.
    pub(super) fn sooner(self, than: Instant, by: Duration) -> Moment {
        match self.at > than {
            true => self.moved(self.at, self.at - by),
            false => self,
        }
    }

    /// The key of what was asked at that moment in another world; where nothing was, at the time that is nearest.
    pub(super) fn find(self, key: Key, asked: &[(Key, Instant)]) -> Option<Key> {
        let times = alike(key, asked).map(|(_, at)| *at);
        let nearest = times.min_by_key(|at| distance(*at, self.at))?;
        let mut then = alike(key, asked).filter(|(_, at)| *at == nearest);
        let (found, _) = then.nth(self.nth)?;
        Some(Key {
            nth: found.nth,
            ..key
        })
    }
}

/// What else was asked of the same kind, in its order.
fn alike(key: Key, asked: &[(Key, Instant)]) -> impl Iterator<Item = &(Key, Instant)> {
    let key = stall_of(key);
    asked
        .iter()
        .filter(move |(it, _)| (it.domain, it.who) == (key.domain, key.who))
}

/// How a stall ends is asked only where there is one.
fn stall_of(key: Key) -> Key {
    let domain = match key.domain {
        Domain::Resume => Domain::Stall,
        domain => domain,
    };
    Key { domain, ..key }
}

fn distance(one: Instant, other: Instant) -> Duration {
    one.max(other).saturating_since(one.min(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(domain: Domain, nth: u32) -> Key {
        Key {
            domain,
            who: 3,
            nth,
        }
    }

    /// Steps of one thread at these seconds, and a datagram at each.
    fn asked(seconds: &[u64]) -> Vec<(Key, Instant)> {
        let at = |(nth, second): (u32, &u64)| {
            let at = Instant::from_secs(*second);
            [Domain::Stall, Domain::Network].map(|domain| (key(domain, nth), at))
        };
        (0..).zip(seconds).flat_map(at).collect()
    }

    #[test]
    fn a_step_is_found_again_by_its_time_and_place() {
        let decision = Decision {
            key: key(Domain::Stall, 4),
            value: 6,
        };
        let moments = moments(&[decision], &asked(&[1, 1, 2, 7, 7, 7, 9]));
        let [(_, moment)] = moments[..] else {
            panic!("one decision, one moment");
        };
        let found = |seconds: &[u64]| {
            let found = moment.find(decision.key, &asked(seconds));
            found.map(|it| it.nth)
        };
        assert_eq!(found(&[7, 7, 7, 9]), Some(1));
        assert_eq!(found(&[1, 1, 1, 1, 2, 7, 7, 7, 9]), Some(6));
        // Nothing at that time: the nearest, where it has as many.
        assert_eq!(found(&[1, 6, 6, 9]), Some(2));
        assert_eq!(found(&[1, 6, 9]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn moments_come_in_the_order_of_their_times_and_the_end_of_a_stall_with_it() {
        let all = [
            (Domain::Network, 2),
            (Domain::Resume, 1),
            (Domain::Stall, 9),
        ];
        let decisions = all.map(|(domain, nth)| Decision {
            key: key(domain, nth),
            value: 1,
        });
        let moments = moments(&decisions, &asked(&[1, 2, 3]));
        let order: Vec<_> = moments.iter().map(|(it, _)| it.key).collect();
        assert_eq!(order, [key(Domain::Resume, 1), key(Domain::Network, 2)]);
    }
}
