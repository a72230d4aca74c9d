//! One world on one design: what each design is made of.

use std::panic::{AssertUnwindSafe, catch_unwind};

use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, Std};
use iaxproof_models::specimen::{RebuildInPlace, Specimen2007};
use iaxproof_models::{Design, threads};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::{sweep, world};

/// Runs a plan on a design.
///
/// # Errors
///
/// The message of a panic: the endpoint or a directory broke.
pub(crate) fn run(plan: &Plan, view: View, design: Design) -> Result<Report, String> {
    let run =
        || threads::run(plan, view, design).unwrap_or_else(|| on_one_stack(plan, view, design));
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| message(&*payload))
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

fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
