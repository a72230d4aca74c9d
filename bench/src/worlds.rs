//! Worlds with the engine, as `iaxproof sim` runs them, one after another on one core.

use iaxproof_models::{Design, world};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::{Verdict, View};

use crate::Work;

/// What worlds they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Everything on one stack.
    Stack,
    /// Servers with threads that stall.
    Threads,
}

/// Runs the worlds of the first so many seeds.
///
/// # Panics
///
/// Where one fails.
pub(crate) fn run(kind: Kind, seeds: u64) -> Work {
    let mut events = 0;
    for seed in 0..seeds {
        let plan = match kind {
            Kind::Stack => Plan::from_seed(seed),
            Kind::Threads => Plan::threaded_from_seed(seed),
        };
        let report = world::run(&plan, View::Hash, Design::Shipped);
        assert_eq!(report.verdict, Verdict::Held, "seed {seed}");
        events += report.events;
    }
    Work {
        events,
        worlds: Some(seeds),
    }
}
