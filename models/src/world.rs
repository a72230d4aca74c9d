//! One world on one design, whatever its engine: what each design is made of.

use iaxproof::catalog::Catalog;
use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, Family};
use iaxproof_sim::plan::{self, Plan};
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::schedule::Schedule;
use iaxproof_sim::world::{self, DirectorySetup};

use crate::any::{self, AnyDirectory, Setup};
use crate::specimen::{RebuildInPlace, Specimen2007};
use crate::threads::{on_shuttle, on_strands};
use crate::{Account, Design, Shuttle, Strands};

/// Into how many shards the hash tables of a world's catalog are cut.
const SHARDS: usize = 4;

/// Runs a plan on the engine that it names, over a design. What ships alone knows of several workers: in the designs of before, one thread
/// read the socket.
pub fn run(plan: &Plan, view: View, design: Design) -> Report {
    let mut plan = plan.clone();
    if design != Design::Shipped {
        plan.take_workers_out();
    }
    run_as_it_is(&plan, view, design)
}

fn run_as_it_is(plan: &Plan, view: View, design: Design) -> Report {
    match plan.engine.as_str() {
        plan::STRANDS => strands(plan, view, schedule(plan, design), design),
        plan::SHUTTLE => on_shuttle(plan, view, schedule(plan, design), move |setup| {
            empty::<Shuttle>(design, setup, Account::numbered(setup.number))
        }),
        _ => world::run(plan, view, |setup| {
            empty::<Audited>(design, setup, Book::default())
        }),
    }
}

fn strands(plan: &Plan, view: View, schedule: Schedule, design: Design) -> Report {
    on_strands(plan, view, schedule, |setup| {
        empty::<Strands>(design, setup, Account::numbered(setup.number))
    })
}

/// The schedule of a plan. Where it must be known how many steps threads take, the same world runs first without preemption, on our
/// coroutines whatever the engine: so both engines draw the same.
fn schedule(plan: &Plan, design: Design) -> Schedule {
    if !plan.options.scheduler.counts() || !Schedule::is_drawn(plan) {
        return Schedule::new(plan, &[]);
    }
    let mut calm = plan.clone();
    calm.take_stalls_out();
    let counted = strands(&calm, View::Hash, Schedule::new(&calm, &[]), design);
    Schedule::new(plan, &counted.steps)
}

fn empty<F: Family>(design: Design, setup: &DirectorySetup, ledger: F::Ledger) -> AnyDirectory
where
    Catalog<F>: Into<AnyDirectory>,
    Specimen2007<F>: Into<AnyDirectory>,
    RebuildInPlace<F>: Into<AnyDirectory>,
{
    let setup = Setup {
        hash_key: setup.hash_key,
        shards: SHARDS,
        token_key: setup.token_key.clone(),
        has_database: setup.realtime,
        ledger,
    };
    any::empty::<F>(design, setup)
}
