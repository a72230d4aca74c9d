//! Whether a history of overlapping operations is one that a sequential object could have produced (Wing and Gong's search,
//! with Lowe's memory of what was tried).
//!
//! A pure function of the history: worlds, explorers and stress tests record, and ask here. Operations that never
//! returned are left out by the recorder; those that returned carry when they were called and when they returned, in any
//! unit that grows.

use std::collections::BTreeSet;

/// The most operations of one history: one bit each.
pub const OPERATIONS_MAX: usize = 128;

/// A sequential object: what the concurrent one should look like.
pub trait Sequential: Clone + Ord {
    /// What can be asked of it.
    type Operation;
    /// What it answers.
    type Outcome: PartialEq;

    /// Does one operation at one moment.
    fn apply(&mut self, operation: &Self::Operation) -> Self::Outcome;
}

/// One operation as it was seen from outside.
#[derive(Clone, Debug)]
pub struct Span<S: Sequential> {
    /// When it was called.
    pub called: u64,
    /// When it returned; not before `called`.
    pub returned: u64,
    /// What was asked.
    pub operation: S::Operation,
    /// What was answered.
    pub outcome: S::Outcome,
}

/// What the search says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linearization {
    /// The operations took effect one after another in this order (indices into the history).
    Found(Vec<usize>),
    /// No order explains the answers.
    Impossible,
    /// The history has more than [`OPERATIONS_MAX`] operations: nothing is said.
    TooLong,
}

/// Looks for an order of the operations that agrees with time (one that returned before another was called comes first)
/// and with what `initial` answers.
pub fn linearize<S: Sequential>(initial: S, history: &[Span<S>]) -> Linearization {
    if history.len() > OPERATIONS_MAX {
        return Linearization::TooLong;
    }
    let mut search = Search {
        history,
        tried: BTreeSet::new(),
        order: Vec::new(),
    };
    if search.complete(&initial, Done(0)) {
        Linearization::Found(search.order)
    } else {
        Linearization::Impossible
    }
}

/// The operations that have taken effect, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Done(u128);

impl Done {
    fn has(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }

    fn with(self, index: usize) -> Self {
        Done(self.0 | 1 << index)
    }
}

struct Search<'a, S: Sequential> {
    history: &'a [Span<S>],
    /// States from which the rest could not be completed.
    tried: BTreeSet<(Done, S)>,
    order: Vec<usize>,
}

impl<S: Sequential> Search<'_, S> {
    /// Whether the operations that are not done can follow from `state`. Where they can, `order` is how.
    fn complete(&mut self, state: &S, done: Done) -> bool {
        if self.order.len() == self.history.len() {
            return true;
        }
        if !self.tried.insert((done, state.clone())) {
            return false;
        }
        let horizon = self.horizon(done);
        (0..self.history.len()).any(|index| {
            let is_next = !done.has(index) && self.history[index].called <= horizon;
            is_next && self.step(state, done, index)
        })
    }

    /// Lets one operation take effect next.
    fn step(&mut self, state: &S, done: Done, index: usize) -> bool {
        let mut state = state.clone();
        let span = &self.history[index];
        if state.apply(&span.operation) != span.outcome {
            return false;
        }
        self.order.push(index);
        let completed = self.complete(&state, done.with(index));
        if !completed {
            self.order.pop();
        }
        completed
    }

    /// When the first of the operations that are not done returned: one called later cannot come before it.
    fn horizon(&self, done: Done) -> u64 {
        let open = self.history.iter().enumerate();
        let returns = open.filter(|(index, _)| !done.has(*index));
        returns
            .map(|(_, span)| span.returned)
            .min()
            .unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell that is written and read.
    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct Register(u8);

    #[derive(Clone, Copy, Debug)]
    enum Access {
        Write(u8),
        Read,
    }

    impl Sequential for Register {
        type Operation = Access;
        type Outcome = Option<u8>;

        fn apply(&mut self, access: &Access) -> Option<u8> {
            match *access {
                Access::Write(value) => {
                    self.0 = value;
                    None
                }
                Access::Read => Some(self.0),
            }
        }
    }

    fn span(called: u64, returned: u64, operation: Access, outcome: Option<u8>) -> Span<Register> {
        Span {
            called,
            returned,
            operation,
            outcome,
        }
    }

    #[test]
    fn overlapping_operations_may_take_effect_in_either_order() {
        for seen in [0, 1] {
            let history = [
                span(0, 10, Access::Write(1), None),
                span(5, 6, Access::Read, Some(seen)),
            ];
            let order = if seen == 1 { vec![0, 1] } else { vec![1, 0] };
            assert_eq!(
                linearize(Register(0), &history),
                Linearization::Found(order)
            );
        }
    }

    #[test]
    fn an_operation_that_returned_takes_effect_before_one_called_later() {
        let history = [
            span(0, 1, Access::Write(1), None),
            span(2, 3, Access::Read, Some(0)),
        ];
        assert_eq!(linearize(Register(0), &history), Linearization::Impossible);
    }

    /// Two readers who see two writes in opposite orders: each alone is fine, together they are not.
    #[test]
    fn readers_must_agree_on_the_order() {
        let mut history = vec![
            span(0, 20, Access::Write(1), None),
            span(0, 20, Access::Write(2), None),
            span(1, 2, Access::Read, Some(1)),
            span(3, 4, Access::Read, Some(2)),
        ];
        assert!(matches!(
            linearize(Register(0), &history),
            Linearization::Found(_)
        ));
        history.push(span(5, 6, Access::Read, Some(1)));
        assert_eq!(linearize(Register(0), &history), Linearization::Impossible);
    }

    #[test]
    fn a_history_that_is_too_long_is_not_judged() {
        let history = vec![span(0, 1, Access::Read, Some(0)); OPERATIONS_MAX + 1];
        assert_eq!(linearize(Register(0), &history), Linearization::TooLong);
    }
}
