//! What was measured of cells, on two cores: which triples loom does not end within a minute, and which pairs take long.

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
    "answer_beside_expiry",
    "iterate_beside_iterate",
    "iterate_beside_visit",
    "prune_beside_prune",
    "reload_beside_answer",
    "reload_beside_expiry",
    "reload_beside_qualify",
    "visit_beside_visit",
];

/// The triples that loom does not end within a minute on one idle core, in alphabetical order.
const BOUNDED: &[&str] = &[
    "answer_beside_answer_beside_answer",
    "answer_beside_answer_beside_call_end",
    "answer_beside_answer_beside_call_start",
    "answer_beside_answer_beside_expiry",
    "answer_beside_answer_beside_qualify",
    "answer_beside_answer_beside_transfer",
    "answer_beside_call_start_beside_call_start",
    "answer_beside_expiry_beside_call_start",
    "answer_beside_expiry_beside_expiry",
    "answer_beside_expiry_beside_qualify",
    "answer_beside_expiry_beside_transfer",
    "call_start_beside_call_start_beside_call_end",
    "call_start_beside_call_start_beside_call_start",
    "call_start_beside_call_start_beside_transfer",
    "expiry_beside_call_start_beside_call_start",
    "expiry_beside_expiry_beside_call_start",
    "expiry_beside_expiry_beside_expiry",
    "expiry_beside_expiry_beside_qualify",
    "expiry_beside_qualify_beside_call_start",
    "expiry_beside_qualify_beside_qualify",
    "expiry_beside_qualify_beside_transfer",
    "find_beside_iterate_beside_iterate",
    "find_beside_iterate_beside_visit",
    "find_beside_visit_beside_visit",
    "iterate_beside_iterate_beside_iterate",
    "iterate_beside_iterate_beside_upgrade",
    "iterate_beside_iterate_beside_visit",
    "iterate_beside_upgrade_beside_upgrade",
    "iterate_beside_visit_beside_upgrade",
    "iterate_beside_visit_beside_visit",
    "link_beside_iterate_beside_iterate",
    "link_beside_iterate_beside_visit",
    "link_beside_visit_beside_visit",
    "prune_beside_answer_beside_answer",
    "prune_beside_answer_beside_call_start",
    "prune_beside_answer_beside_expiry",
    "prune_beside_call_start_beside_call_end",
    "prune_beside_call_start_beside_call_start",
    "prune_beside_call_start_beside_transfer",
    "prune_beside_expiry_beside_call_start",
    "prune_beside_expiry_beside_expiry",
    "prune_beside_expiry_beside_qualify",
    "prune_beside_prune_beside_call_end",
    "prune_beside_prune_beside_call_start",
    "prune_beside_prune_beside_expiry",
    "prune_beside_prune_beside_prune",
    "prune_beside_prune_beside_qualify",
    "prune_beside_prune_beside_transfer",
    "prune_beside_qualify_beside_call_start",
    "prune_beside_qualify_beside_qualify",
    "prune_beside_qualify_beside_transfer",
    "qualify_beside_call_start_beside_call_end",
    "qualify_beside_call_start_beside_call_start",
    "qualify_beside_call_start_beside_transfer",
    "qualify_beside_qualify_beside_call_end",
    "qualify_beside_qualify_beside_call_start",
    "qualify_beside_qualify_beside_qualify",
    "qualify_beside_qualify_beside_transfer",
    "reload_beside_answer_beside_answer",
    "reload_beside_answer_beside_call_end",
    "reload_beside_answer_beside_call_start",
    "reload_beside_answer_beside_expiry",
    "reload_beside_answer_beside_qualify",
    "reload_beside_answer_beside_transfer",
    "reload_beside_call_start_beside_call_start",
    "reload_beside_call_start_beside_transfer",
    "reload_beside_expiry_beside_call_start",
    "reload_beside_expiry_beside_expiry",
    "reload_beside_expiry_beside_qualify",
    "reload_beside_expiry_beside_transfer",
    "reload_beside_prune_beside_answer",
    "reload_beside_prune_beside_call_start",
    "reload_beside_prune_beside_expiry",
    "reload_beside_prune_beside_prune",
    "reload_beside_prune_beside_qualify",
    "reload_beside_prune_beside_transfer",
    "reload_beside_qualify_beside_call_end",
    "reload_beside_qualify_beside_call_start",
    "reload_beside_qualify_beside_qualify",
    "reload_beside_qualify_beside_transfer",
    "reload_beside_reload_beside_answer",
    "reload_beside_reload_beside_call_start",
    "reload_beside_reload_beside_expiry",
    "reload_beside_reload_beside_prune",
    "reload_beside_reload_beside_qualify",
    "replace_beside_iterate_beside_iterate",
    "replace_beside_iterate_beside_visit",
    "replace_beside_visit_beside_visit",
    "unlink_beside_iterate_beside_iterate",
    "unlink_beside_iterate_beside_visit",
    "unlink_beside_visit_beside_visit",
    "upgrade_beside_upgrade_beside_upgrade",
    "visit_beside_upgrade_beside_upgrade",
    "visit_beside_visit_beside_upgrade",
    "visit_beside_visit_beside_visit",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::cells;

    #[test]
    fn what_is_listed_is_found() {
        let threads = |name: &&str| cells().find(|it| it.name == *name).map(|it| it.threads);
        assert!(BOUNDED.is_sorted() && BOUNDED.iter().all(|it| threads(it) == Some(3)));
        assert!(SLOW_PAIRS.iter().all(|it| threads(it) == Some(2)));
        let bounded = cells().filter(|it| it.preemptions_max.is_some());
        assert_eq!(bounded.count(), BOUNDED.len());
    }
}
