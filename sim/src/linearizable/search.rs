//! The search for an order. What has taken effect is a number for each lane, for a lane's operations follow one another; so a state is small
//! however long the history is, and at a moment at which nothing is under way only the object's state is left of the past.

use std::collections::BTreeSet;

use super::{Linearization, STATES_MAX, Sequential, Span};

/// How many operations of each lane have taken effect.
type Done = Box<[u32]>;

pub(super) struct Search<'a, S: Sequential> {
    history: &'a [Span<S>],
    lanes: Vec<Vec<usize>>,
    /// States that were come to; from those that were left again the rest could not be completed.
    tried: BTreeSet<(Done, S)>,
    /// How the search came to where it is.
    path: Vec<Place<S>>,
    /// The operations between the places.
    order: Vec<usize>,
    longest: Longest,
}

/// One state on the way.
struct Place<S> {
    state: S,
    done: Done,
    /// The lanes that may come next and were not tried, last first.
    untried: Vec<usize>,
}

/// The longest order so far, and what could come next there.
#[derive(Default)]
struct Longest {
    length: usize,
    next: Vec<usize>,
}

impl<'a, S: Sequential> Search<'a, S> {
    pub(super) fn new(history: &'a [Span<S>], lanes: Vec<Vec<usize>>) -> Self {
        Search {
            history,
            lanes,
            tried: BTreeSet::new(),
            path: Vec::new(),
            order: Vec::new(),
            longest: Longest::default(),
        }
    }

    /// Goes forward where it can and back where it must. No recursion: the history is longer than a green thread's stack is deep.
    pub(super) fn run(mut self, initial: S) -> Linearization {
        let total: usize = self.lanes.iter().map(Vec::len).sum();
        let nothing = vec![0; self.lanes.len()].into();
        self.enter(initial, nothing);
        while let Some(place) = self.path.last_mut() {
            if self.order.len() == total {
                return Linearization::Found(self.order);
            }
            if self.tried.len() > STATES_MAX {
                return Linearization::Unjudged("too many states are to be tried");
            }
            match place.untried.pop() {
                Some(lane) => self.step(lane),
                None => self.leave(),
            }
        }
        Linearization::Impossible(self.longest.next)
    }

    /// Lets the next operation of a lane take effect, where it fits and leads to a new state.
    fn step(&mut self, lane: usize) {
        let Some(place) = self.path.last() else {
            return;
        };
        let index = self.lanes[lane][place.done[lane] as usize];
        let mut state = place.state.clone();
        let span = &self.history[index];
        if !S::is_answer(&state.apply(&span.operation), &span.outcome) {
            return;
        }
        let mut done = place.done.clone();
        done[lane] += 1;
        if self.tried.insert((done.clone(), state.clone())) {
            self.order.push(index);
            self.enter(state, done);
        }
    }

    fn enter(&mut self, state: S, done: Done) {
        let mut untried = self.next(&done);
        if self.order.len() >= self.longest.length {
            let heads = untried.iter().filter_map(|lane| self.head(&done, *lane));
            self.longest = Longest {
                length: self.order.len(),
                next: heads.collect(),
            };
        }
        untried.reverse();
        self.path.push(Place {
            state,
            done,
            untried,
        });
    }

    fn leave(&mut self) {
        self.path.pop();
        self.order.pop();
    }

    /// The lanes whose next operation may come next, the one that returned first before the others: one that was called after another
    /// returned cannot come before it.
    fn next(&self, done: &Done) -> Vec<usize> {
        let heads = (0..self.lanes.len()).filter_map(|lane| Some((self.head(done, lane)?, lane)));
        let mut heads: Vec<_> = heads
            .map(|(index, lane)| (self.history[index].returned, index, lane))
            .collect();
        heads.sort_unstable();
        let horizon = heads.first().map_or(u64::MAX, |head| head.0);
        let may = heads
            .into_iter()
            .filter(|(_, index, _)| self.history[*index].called <= horizon);
        may.map(|(_, _, lane)| lane).collect()
    }

    /// The first operation of a lane that has not taken effect.
    fn head(&self, done: &Done, lane: usize) -> Option<usize> {
        self.lanes[lane].get(done[lane] as usize).copied()
    }
}
