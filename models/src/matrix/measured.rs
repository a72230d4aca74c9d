//! What was measured of cells, on two cores: which are not over within a minute on either explorer, and which pairs take long.

/// loom's preemption bound for a cell that is not explored to its end.
const BOUND: usize = 2;

/// The bound of the cell of this name; `None` for all interleavings.
pub(super) fn bound_of(name: &str) -> Option<usize> {
    BOUNDED.binary_search(&name).is_ok().then_some(BOUND)
}

/// Whether a pair takes more than about five seconds.
pub(super) fn is_slow(name: &str) -> bool {
    SLOW_PAIRS.contains(&name)
}

/// The pairs that `iaxproof check` leaves to `iaxproof prove --matrix`.
const SLOW_PAIRS: &[&str] = &[
    "answer_beside_answer",
    "answer_beside_call_start",
    "answer_beside_expiry",
    "iterate_beside_iterate",
    "iterate_beside_visit",
    "prune_beside_prune",
    "reload_beside_answer",
    "reload_beside_expiry",
    "reload_beside_qualify",
    "visit_beside_visit",
];

/// In alphabetical order. None yet: until they are measured, a triple that takes longer than its limit is INCOMPLETE.
const BOUNDED: &[&str] = &[];
