//! Whether a history of overlapping operations is one that a sequential object could have produced (Wing and Gong's search,
//! with Lowe's memory of what was tried). A history may be as long as it likes; what is limited is how many operations overlap, and
//! beyond a limit nothing is said, which is never a pass.
//!
//! A pure function of the history: worlds, explorers and stress tests record, and ask here. Operations that never
//! returned are left out by the recorder where they can have had no effect; else it says that they returned at [`u64::MAX`], and its
//! [`Sequential::is_answer`] that any answer will do. All others carry when they were called and when they returned, in any
//! unit that grows.
//!
//! - `search`: the search.
//! - [`follow`]: the same while the history is being made.

pub mod follow;
mod search;

use std::collections::BTreeMap;

pub use follow::Follower;
use search::Search;

/// The most operations that may be under way at one moment.
pub const PENDING_MAX: usize = 64;
/// The most states that one search goes through.
pub const STATES_MAX: usize = 4_000_000;

/// A sequential object: what the concurrent one should look like.
pub trait Sequential: Clone + Ord {
    /// What can be asked of it.
    type Operation;
    /// What it answers.
    type Outcome: PartialEq;

    /// Does one operation at one moment.
    fn apply(&mut self, operation: &Self::Operation) -> Self::Outcome;

    /// Whether what was seen is the answer that is given: more than equal where part of either is not known.
    fn is_answer(given: &Self::Outcome, seen: &Self::Outcome) -> bool {
        given == seen
    }
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
    /// No order explains the answers. Where the longest one ends, these could come next, and none fits.
    Impossible(Vec<usize>),
    /// A limit came first, this one: nothing is said.
    Unjudged(&'static str),
}

/// Looks for an order of the operations that agrees with time (one that returned before another was called comes first)
/// and with what `initial` answers.
pub fn linearize<S: Sequential>(initial: S, history: &[Span<S>]) -> Linearization {
    let all: Vec<usize> = (0..history.len()).collect();
    linearize_part(initial, history, &all)
}

/// Judges the operations on each key by themselves, where a key's object answers for that key alone: the whole is linearizable where
/// each of them is (Herlihy and Wing, locality). Gives the number of keys.
///
/// # Errors
///
/// The first key whose operations no order explains, or about which nothing is said.
pub fn linearize_each<S: Sequential, K: Ord>(
    history: &[Span<S>],
    key: impl Fn(&S::Operation) -> K,
    initial: impl Fn(&K) -> S,
) -> Result<usize, (K, Linearization)> {
    let mut parts: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (index, span) in history.iter().enumerate() {
        parts.entry(key(&span.operation)).or_default().push(index);
    }
    let count = parts.len();
    for (key, part) in parts {
        match linearize_part(initial(&key), history, &part) {
            Linearization::Found(_) => {}
            other => return Err((key, other)),
        }
    }
    Ok(count)
}

fn linearize_part<S: Sequential>(initial: S, history: &[Span<S>], part: &[usize]) -> Linearization {
    match lanes(history, part) {
        Some(lanes) => Search::new(history, lanes).run(initial),
        None => Linearization::Unjudged("too many operations are under way at once"),
    }
}

/// The operations in as few lanes as can be, so that within one each returned before the next was called: as threads would
/// have done them. `None` where there are more than [`PENDING_MAX`].
fn lanes<S: Sequential>(history: &[Span<S>], part: &[usize]) -> Option<Vec<Vec<usize>>> {
    let mut by_call = part.to_vec();
    by_call.sort_by_key(|index| (history[*index].called, history[*index].returned));
    let mut lanes: Vec<Vec<usize>> = Vec::new();
    for index in by_call {
        let is_free = |lane: &Vec<usize>| {
            let last = lane.last().map(|last| history[*last].returned);
            last.is_none_or(|returned| returned < history[index].called)
        };
        match lanes.iter().position(is_free) {
            Some(lane) => lanes[lane].push(index),
            None if lanes.len() < PENDING_MAX => lanes.push(vec![index]),
            None => return None,
        }
    }
    Some(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::mix;

    /// A cell that is written and read.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    fn is_impossible(history: &[Span<Register>]) -> bool {
        matches!(
            linearize(Register(0), history),
            Linearization::Impossible(_)
        )
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
        assert!(is_impossible(&history));
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
        assert!(is_impossible(&history));
    }

    #[test]
    fn what_is_too_wide_is_not_judged() {
        let wide = |width| vec![span(0, 1, Access::Read, Some(0)); width];
        let verdict = linearize(Register(0), &wide(PENDING_MAX));
        assert!(matches!(verdict, Linearization::Found(_)), "{verdict:?}");
        let verdict = linearize(Register(0), &wide(PENDING_MAX + 1));
        assert!(matches!(verdict, Linearization::Unjudged(_)), "{verdict:?}");
    }

    /// Two threads write and read by turns, and one operation overlaps all of it.
    #[test]
    fn a_history_may_be_long() {
        let rounds = 0..5_000;
        let pair = |round: u64| {
            let (at, value) = (10 * round, (round % 7) as u8 + 1);
            [
                span(at, at + 5, Access::Write(value), None),
                span(at + 3, at + 8, Access::Read, Some(value)),
            ]
        };
        let mut history: Vec<_> = rounds.flat_map(pair).collect();
        history.push(span(0, 60_000, Access::Write(0), None));
        let verdict = linearize(Register(0), &history);
        assert!(matches!(verdict, Linearization::Found(_)));
        history.push(span(40_001, 40_002, Access::Read, Some(9)));
        let Linearization::Impossible(stuck) = linearize(Register(0), &history) else {
            panic!("nobody writes 9");
        };
        assert!(stuck.contains(&(history.len() - 1)), "{stuck:?}");
    }

    /// By every order there is: what the search says of small histories.
    #[test]
    fn the_search_says_what_trying_every_order_says() {
        let mut possible = 0;
        for seed in 0..3_000 {
            let history = drawn(seed);
            let expected = any_order(&Register(0), &history, &mut Vec::new());
            possible += u32::from(expected);
            let verdict = linearize(Register(0), &history);
            assert_eq!(
                matches!(verdict, Linearization::Found(_)),
                expected,
                "{seed}: {verdict:?} for {history:?}"
            );
        }
        assert!((500..2_500).contains(&possible), "{possible}");
    }

    fn drawn(seed: u64) -> Vec<Span<Register>> {
        let roll = |nth: u64, below: u64| mix(seed << 16 | nth) % below;
        let one = |nth: u64| {
            let called = roll(nth, 12);
            let returned = called + roll(nth + 100, 5);
            let value = roll(nth + 200, 3) as u8;
            match roll(nth + 300, 2) {
                0 => span(called, returned, Access::Write(value), None),
                _ => span(called, returned, Access::Read, Some(value)),
            }
        };
        (0..6).map(one).collect()
    }

    fn any_order(state: &Register, history: &[Span<Register>], taken: &mut Vec<usize>) -> bool {
        let left = |taken: &[usize], index: &usize| !taken.contains(index);
        if taken.len() == history.len() {
            return true;
        }
        (0..history.len()).any(|index| {
            let mut open = (0..history.len()).filter(|it| left(taken, it));
            let is_next = open.all(|it| history[it].returned >= history[index].called);
            let mut state = state.clone();
            if !left(taken, &index)
                || !is_next
                || state.apply(&history[index].operation) != history[index].outcome
            {
                return false;
            }
            taken.push(index);
            let is_possible = any_order(&state, history, taken);
            taken.pop();
            is_possible
        })
    }

    /// Two registers under one roof: each is judged alone, and the one that does not hold is named.
    #[test]
    fn each_key_is_judged_by_itself() {
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
        struct Of(Register);
        impl Sequential for Of {
            type Operation = (char, Access);
            type Outcome = Option<u8>;
            fn apply(&mut self, (_, access): &(char, Access)) -> Option<u8> {
                self.0.apply(access)
            }
        }
        let span = |called, key, access, outcome| Span::<Of> {
            called,
            returned: called + 1,
            operation: (key, access),
            outcome,
        };
        let mut history = vec![
            span(0, 'a', Access::Write(1), None),
            span(2, 'b', Access::Read, Some(0)),
            span(4, 'a', Access::Read, Some(1)),
        ];
        let judged =
            |history: &[Span<Of>]| linearize_each(history, |(key, _)| *key, |_| Of(Register(0)));
        assert_eq!(judged(&history), Ok(2));
        history.push(span(6, 'b', Access::Read, Some(1)));
        assert_eq!(
            judged(&history),
            Err(('b', Linearization::Impossible(vec![3])))
        );
    }
}
