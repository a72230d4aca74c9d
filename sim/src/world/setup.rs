//! What the directories of a world are to have, and a world on one stack, which makes them itself.

#[expect(clippy::disallowed_types, reason = "as the functions that name it say")]
use std::sync::Arc;

use iaxproof::engine::directory::{Directory, TokenKey};
use iaxproof::registry::HashKey;

use super::World;
use crate::administer::{Administer, Observe};
use crate::decide::mix;
use crate::node::desk::Desk;
use crate::plan::{Actor, Operation, Plan, What};
use crate::report::{Report, View};

/// What a world wants of a directory.
#[derive(Clone, Debug)]
pub struct DirectorySetup {
    /// Which of the world's directories it is.
    pub number: u32,
    /// The key of its hash tables.
    pub hash_key: HashKey,
    /// The key of its call tokens.
    pub token_key: TokenKey,
    /// Whether it has a database.
    pub realtime: bool,
}

/// Runs a plan to its end on one stack, in directories that `make` makes, empty, one per process of a server.
#[expect(
    clippy::disallowed_types,
    reason = "processes of a world share their directory by it; the directory itself does not"
)]
pub fn run<D: Directory + Administer + Observe>(
    plan: &Plan,
    view: View,
    make: impl Fn(&DirectorySetup) -> D,
) -> Report {
    let mut world = World::new(plan, view, directories(plan, make));
    let mut desks: Vec<Desk<Arc<D>>> = Vec::new();
    desks.resize_with(world.threads(), Desk::default);
    world.begin();
    loop {
        world.work(&mut desks);
        if !world.advance() {
            break;
        }
    }
    drop(desks);
    world.end()
}

/// The directories of each server's processes, as `make` makes them.
#[expect(
    clippy::disallowed_types,
    reason = "processes of a world share their directory by it; the directory itself does not"
)]
pub fn directories<D>(plan: &Plan, make: impl Fn(&DirectorySetup) -> D) -> Vec<Vec<Arc<D>>> {
    let shared = |setup: &DirectorySetup| Arc::new(make(setup));
    let of_server = |setups: &Vec<DirectorySetup>| setups.iter().map(shared).collect();
    setups(plan).iter().map(of_server).collect()
}

/// What the directories of a plan are to have: one for each process of each server. A process that begins anew begins with an empty
/// one.
fn setups(plan: &Plan) -> Vec<Vec<DirectorySetup>> {
    let of_server = |server| {
        let processes = 0..=restarts(plan, server);
        processes.map(|nth| setup(plan, server, nth)).collect()
    };
    (0..plan.topology.servers).map(of_server).collect()
}

/// Whether a server has a database. Where a process dies, registrations are stored: those of the configuration too.
pub(super) fn has_database(plan: &Plan, server: u8) -> bool {
    !plan.topology.realtime.is_empty() || restarts(plan, server) > 0
}

/// How often a server's process dies.
fn restarts(plan: &Plan, server: u8) -> u64 {
    let dies = |operation: &&Operation| {
        operation.what == What::Restart && operation.actor == Actor::Server(server)
    };
    plan.operations.iter().filter(dies).count() as u64
}

/// What the `process`th process of a server has.
fn setup(plan: &Plan, server: u8, process: u64) -> DirectorySetup {
    let first = 0x5e7 + u64::from(server) * 16 + process * 0x100;
    let word = |nth: u64| mix(plan.seed ^ mix(first + nth));
    let mut key = [0; 32];
    for (nth, chunk) in (2..).zip(key.chunks_mut(8)) {
        chunk.copy_from_slice(&word(nth).to_le_bytes());
    }
    DirectorySetup {
        number: u32::try_from(first).unwrap_or(u32::MAX),
        hash_key: HashKey(word(0), word(1)),
        token_key: TokenKey(key),
        realtime: has_database(plan, server),
    }
}
