//! The body of the fuzz target `world`. `fuzz/` wraps it in libFuzzer; plain `cargo test` replays corpus and regressions.

use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;

use crate::{Design, world};

/// Any octets as a world, with threads or without: every property must hold in it ([`Plan::from_bytes`]).
///
/// # Panics
///
/// Where one does not; the message has the plan, for `iaxproof replay`.
pub fn run_world(octets: &[u8]) {
    let report = world::run(&Plan::from_bytes(octets), View::Hash, Design::Shipped);
    if let Some(failure) = report.failure() {
        let violation = &failure.violation;
        panic!(
            "{}: {}\nKeep this plan in a file, and `iaxproof replay FILE` shows it:\n{}",
            violation.property, violation.message, report.plan
        );
    }
}
