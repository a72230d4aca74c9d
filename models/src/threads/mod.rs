//! Worlds with threads: the shipped registry, catalog and endpoint on threads that stop in the middle of what they do, while virtual
//! time, datagrams, timers and the database of [`iaxproof_sim::world`] go on.
//!
//! Two engines run the very same world, its [`Schedule`](iaxproof_sim::schedule::Schedule) deciding for both: [`Strands`], coroutines of ours, fast enough for a
//! search; and shuttle's threads, the reference on which what was found is run again.
//!
//! The world is the *driver*: it belongs to no thread, goes on when no thread can, and never waits for one.

mod driver;
mod shuttle_engine;
mod strands_engine;
mod turns;

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::registry::Family;
use iaxproof_sim::plan::{self, Plan};
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::world::DirectorySetup;

use crate::account::Account;
use crate::specimen::{RebuildInPlace, Specimen2007};
use crate::{Design, Shuttle, Strands};

pub(crate) use strands_engine::{block, point as strand_point, release};
pub(crate) use turns::{announce as point, is_world, panicked, stop};

/// Into how many shards the hash tables of a world's catalog are cut.
const SHARDS: usize = 4;

/// Runs a plan with threads on the engine that it names, over a design. `None` for a plan of a world without threads.
pub fn run(plan: &Plan, view: View, design: Design) -> Option<Report> {
    Some(match (plan.engine.as_str(), design) {
        (plan::STRANDS, Design::Shipped) => strands_engine::run(plan, view, shipped::<Strands>),
        (plan::STRANDS, Design::Specimen2007) => {
            strands_engine::run(plan, view, list_2007::<Strands>)
        }
        (plan::STRANDS, Design::RebuildInPlace) => {
            strands_engine::run(plan, view, rebuild_in_place::<Strands>)
        }
        (plan::SHUTTLE, Design::Shipped) => shuttle_engine::run(plan, view, shipped::<Shuttle>),
        (plan::SHUTTLE, Design::Specimen2007) => {
            shuttle_engine::run(plan, view, list_2007::<Shuttle>)
        }
        (plan::SHUTTLE, Design::RebuildInPlace) => {
            shuttle_engine::run(plan, view, rebuild_in_place::<Shuttle>)
        }
        _ => return None,
    })
}

/// The catalog that ships.
fn shipped<F: Family<Ledger = Account>>(setup: &DirectorySetup) -> Catalog<F> {
    Catalog::new(CatalogOptions {
        hash_key: setup.hash_key,
        shards: SHARDS,
        container: Kind::Hash,
        token_key: setup.token_key.clone(),
        database: setup.realtime,
        dialogues_max: 32_766,
        ledger: Account::numbered(setup.number),
    })
}

fn list_2007<F: Family>(setup: &DirectorySetup) -> Specimen2007<F> {
    Specimen2007::new(setup.token_key.clone(), setup.realtime)
}

fn rebuild_in_place<F: Family<Ledger = Account>>(setup: &DirectorySetup) -> RebuildInPlace<F> {
    let ledger = Account::numbered(setup.number);
    let token_key = setup.token_key.clone();
    RebuildInPlace::new(ledger, setup.hash_key, token_key, setup.realtime)
}
