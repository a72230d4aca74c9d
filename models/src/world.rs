//! One world on one design, whatever its engine: what each design is made of.

use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, Std};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::{sweep, world};

use crate::specimen::{RebuildInPlace, Specimen2007};
use crate::{Design, threads};

/// Runs a plan on the engine that it names, over a design.
pub fn run(plan: &Plan, view: View, design: Design) -> Report {
    threads::run(plan, view, design).unwrap_or_else(|| on_one_stack(plan, view, design))
}

fn on_one_stack(plan: &Plan, view: View, design: Design) -> Report {
    match design {
        Design::Shipped => world::run(plan, view, sweep::audited),
        Design::Specimen2007 => world::run(plan, view, |setup| {
            Specimen2007::<Std>::new(setup.token_key.clone(), setup.realtime)
        }),
        Design::RebuildInPlace => world::run(plan, view, |setup| {
            let ledger = Book::default();
            let (hash_key, token_key) = (setup.hash_key, setup.token_key.clone());
            RebuildInPlace::<Audited>::new(ledger, hash_key, token_key, setup.realtime)
        }),
    }
}
