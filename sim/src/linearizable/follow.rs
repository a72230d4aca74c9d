//! The same judgement while a history is still being made: every way in which it may stand is kept, and the history is refused at the first
//! answer that none of them gives. For objects of which few operations are under way at once.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::Sequential;

/// The most operations that may be under way at one moment.
pub const UNDER_WAY_MAX: usize = 6;

/// One way in which an object may stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way<S: Sequential<Outcome: Ord + Clone + fmt::Debug>> {
    state: S,
    /// What has taken effect and has not returned, with the answer that it will give.
    ahead: BTreeMap<u64, S::Outcome>,
}

/// All ways in which an object may stand after what was seen of it.
#[derive(Clone, Debug)]
pub struct Follower<S: Sequential<Outcome: Ord + Clone + fmt::Debug>> {
    ways: BTreeSet<Way<S>>,
    under_way: BTreeMap<u64, S::Operation>,
    called: u64,
}

impl<S: Sequential<Outcome: Ord + Clone + fmt::Debug>> Follower<S> {
    /// Of an object in this state.
    pub fn new(state: S) -> Self {
        let ahead = BTreeMap::new();
        Follower {
            ways: BTreeSet::from([Way { state, ahead }]),
            under_way: BTreeMap::new(),
            called: 0,
        }
    }

    /// An operation begins; gives its name. `None` where [`UNDER_WAY_MAX`] are under way: who asks must then say what may have come
    /// of this one.
    pub fn call(&mut self, operation: S::Operation) -> Option<u64> {
        if self.under_way.len() >= UNDER_WAY_MAX {
            return None;
        }
        self.called += 1;
        self.under_way.insert(self.called, operation);
        Some(self.called)
    }

    /// The operation returns with this answer; false where no way gives it. Then nothing more can be said.
    pub fn returned(&mut self, name: u64, seen: &S::Outcome) -> bool {
        self.go_on();
        self.under_way.remove(&name);
        let ways = core::mem::take(&mut self.ways).into_iter();
        let fits = ways.filter_map(|mut way| {
            let given = way.ahead.remove(&name)?;
            S::is_answer(&given, seen).then_some(way)
        });
        self.ways = fits.collect();
        !self.ways.is_empty()
    }

    /// The operation will never return, and may have taken effect or not.
    pub fn abandoned(&mut self, name: u64) {
        self.go_on();
        self.under_way.remove(&name);
        let ways = core::mem::take(&mut self.ways).into_iter();
        let without = ways.map(|mut way| {
            way.ahead.remove(&name);
            way
        });
        self.ways = without.collect();
    }

    /// The operation is over and took no effect; false where what was seen needs it.
    pub fn refused(&mut self, name: u64) -> bool {
        self.under_way.remove(&name);
        self.ways.retain(|way| !way.ahead.contains_key(&name));
        !self.ways.is_empty()
    }

    /// Something is done to the object at this moment.
    pub fn now(&mut self, operation: &S::Operation) {
        self.go_on();
        let ways = core::mem::take(&mut self.ways).into_iter();
        let after = ways.map(|mut way| {
            way.state.apply(operation);
            way
        });
        self.ways = after.collect();
    }

    /// The states that it may be in.
    pub fn states(&self) -> impl Iterator<Item = &S> {
        self.ways.iter().map(|way| &way.state)
    }

    /// Lets everything that is under way take effect, in every order and number.
    fn go_on(&mut self) {
        let mut left: Vec<Way<S>> = self.ways.iter().cloned().collect();
        while let Some(way) = left.pop() {
            for (name, operation) in &self.under_way {
                if way.ahead.contains_key(name) {
                    continue;
                }
                let mut next = way.clone();
                let answer = next.state.apply(operation);
                next.ahead.insert(*name, answer);
                if self.ways.insert(next.clone()) {
                    left.push(next);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that is set, and read.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Cell(u8);

    impl Sequential for Cell {
        type Operation = Option<u8>;
        type Outcome = u8;

        fn apply(&mut self, set: &Option<u8>) -> u8 {
            self.0 = set.unwrap_or(self.0);
            self.0
        }
    }

    fn reads(follower: &mut Follower<Cell>, seen: u8) -> bool {
        let read = follower.call(None).unwrap();
        follower.returned(read, &seen)
    }

    #[test]
    fn what_is_under_way_may_have_taken_effect_and_then_has() {
        let mut follower = Follower::new(Cell(0));
        let set = follower.call(Some(1)).unwrap();
        assert!(reads(&mut follower, 0));
        assert!(reads(&mut follower, 1));
        // Seen once, it does not go back.
        assert!(!reads(&mut follower.clone(), 0));
        assert!(follower.returned(set, &1));
        assert!(reads(&mut follower, 1));
    }

    #[test]
    fn what_returned_has_taken_effect() {
        let mut follower = Follower::new(Cell(0));
        let set = follower.call(Some(1)).unwrap();
        assert!(follower.returned(set, &1));
        assert!(!reads(&mut follower, 0));
    }

    #[test]
    fn what_was_abandoned_is_either_and_what_was_refused_is_not() {
        let begun = || {
            let mut follower = Follower::new(Cell(0));
            let set = follower.call(Some(1)).unwrap();
            (follower, set)
        };
        for seen in [0, 1] {
            let (mut follower, set) = begun();
            follower.abandoned(set);
            assert!(reads(&mut follower, seen));
            assert!(!reads(&mut follower, 1 - seen));
        }
        let (mut follower, set) = begun();
        assert!(follower.refused(set));
        assert!(!reads(&mut follower, 1));
        let (mut follower, set) = begun();
        assert!(reads(&mut follower, 1));
        assert!(!follower.refused(set));
    }

    #[test]
    fn a_limit_is_said() {
        let mut follower = Follower::new(Cell(0));
        for value in 0..UNDER_WAY_MAX {
            assert!(follower.call(Some(value as u8)).is_some());
        }
        assert_eq!(follower.call(None), None);
    }
}
