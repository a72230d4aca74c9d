//! One world on one design, and what becomes of its panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use iaxproof_models::Design;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::{Report, View};

/// Runs a plan on a design.
///
/// # Errors
///
/// The message of a panic: the endpoint or a directory broke.
pub(crate) fn run(plan: &Plan, view: View, design: Design) -> Result<Report, String> {
    let run = || iaxproof_models::world::run(plan, view, design);
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| message(&*payload))
}

fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
