//! What each explorer sees of a litmus test that loom is known to get wrong (tokio-rs/loom issue 166). It pins why a proof
//! needs two explorers, and goes red when an upgrade changes what one of them sees.

use std::collections::BTreeSet;

use iaxproof_models::End;
use iaxproof_models::explore::{Body, Enumeration, with_loom, with_shuttle};

/// One thread writes key 1, value 1, value 0, reads the key and writes key 0; the other reads value and then key.
macro_rules! litmus {
    ($explorer:ident, $store:ident, $load:ident) => {{
        use std::sync::Arc;

        use $explorer::sync::atomic::{AtomicUsize, Ordering};

        let cells = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let written = Arc::clone(&cells);
        let writer = $explorer::thread::spawn(move || {
            let (key, value) = &*written;
            key.store(1, Ordering::$store);
            value.store(1, Ordering::$store);
            value.store(0, Ordering::$store);
            let _ = key.load(Ordering::$load);
            key.store(0, Ordering::$store);
        });
        let (key, value) = &*cells;
        let seen = (value.load(Ordering::$load), key.load(Ordering::$load));
        writer.join().unwrap();
        format!("value {} key {}", seen.0, seen.1)
    }};
}

fn loom_sequential() -> String {
    litmus!(loom, SeqCst, SeqCst)
}

fn loom_release() -> String {
    litmus!(loom, Release, Acquire)
}

fn shuttle_sequential() -> String {
    litmus!(shuttle, SeqCst, SeqCst)
}

fn of_loom(body: Body) -> BTreeSet<String> {
    let seen = with_loom(body, None, Box::new(|| false));
    assert_eq!(seen.end, End::Exhausted);
    seen.outcomes.into_keys().collect()
}

const ALL: [&str; 4] = [
    "value 0 key 0",
    "value 0 key 1",
    "value 1 key 0",
    "value 1 key 1",
];

fn set(outcomes: &[&str]) -> BTreeSet<String> {
    outcomes.iter().map(ToString::to_string).collect()
}

#[test]
fn shuttle_sees_all_four_outcomes() {
    let seen = with_shuttle(
        shuttle_sequential,
        Enumeration::DepthFirst,
        Box::new(|| false),
    );
    assert_eq!(seen.end, End::Exhausted);
    assert_eq!(
        seen.outcomes.into_keys().collect::<BTreeSet<_>>(),
        set(&ALL)
    );
}

#[test]
fn loom_misses_one_outcome_where_all_is_sequentially_consistent() {
    let three = set(&["value 0 key 0", "value 0 key 1", "value 1 key 1"]);
    assert_eq!(of_loom(loom_sequential), three);
}

#[test]
fn loom_sees_all_four_outcomes_of_release_and_acquire() {
    assert_eq!(of_loom(loom_release), set(&ALL));
}
