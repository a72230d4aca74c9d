//! One world on one design, whatever its engine: what each design is made of.

use iaxproof::catalog::Catalog;
use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, Family};
use iaxproof_sim::plan::{self, Plan};
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::world::{self, DirectorySetup};

use crate::any::{self, AnyDirectory, Setup};
use crate::specimen::{RebuildInPlace, Specimen2007};
use crate::threads::{on_shuttle, on_strands};
use crate::{Account, Design, Shuttle, Strands};

/// Into how many shards the hash tables of a world's catalog are cut.
const SHARDS: usize = 4;

/// Runs a plan on the engine that it names, over a design.
pub fn run(plan: &Plan, view: View, design: Design) -> Report {
    match plan.engine.as_str() {
        plan::STRANDS => on_strands(plan, view, |setup| {
            empty::<Strands>(design, setup, Account::numbered(setup.number))
        }),
        plan::SHUTTLE => on_shuttle(plan, view, move |setup| {
            empty::<Shuttle>(design, setup, Account::numbered(setup.number))
        }),
        _ => world::run(plan, view, |setup| {
            empty::<Audited>(design, setup, Book::default())
        }),
    }
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
