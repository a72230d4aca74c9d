//! The operations on an entry of the catalog: a cached row of the database, with a registration that is stored where the cell has an operation
//! that is about registrations. Without one a contact would only multiply what loom has to look at: `reload_beside_answer` does not end in
//! ten million executions with it.

use core::time::Duration;
use std::sync::Arc;

use iaxproof::catalog::{Answer, Row};
use iaxproof::engine::directory::{Contact, Directory, Expiry, Generation, Lookup, QueryId, Role};
use iaxproof::engine::settings::{Configuration, Qualify};
use iaxproof::time::Instant;
use iaxproof_sim::administer::Administer;

use crate::explorer::Explorer;
use crate::matrix::stage::{Job, Stage};
use crate::matrix::{Cell, Operation, calls};
use crate::subject::{
    KITCHEN, NOW, accepted_with_database, address, asked, cache, configuration, fresh, row,
};
use crate::{AnyDirectory, Design};

/// A catalog whose only peer is a cached row.
pub(super) fn directory<E: Explorer>(cell: &Cell) -> AnyDirectory {
    let subject = accepted_with_database::<E>(Design::Shipped, &[]);
    cache(&subject, stored(cell));
    subject
}

/// The peer's row.
fn stored(cell: &Cell) -> Row {
    let mut row = row(KITCHEN, has_contact(cell).then(|| address(1)));
    row.contact = row.contact.map(|contact| Contact {
        deadline: Some(due()),
        ..contact
    });
    row.settings.qualify = cell.has(Operation::Qualify).then(Qualify::default);
    row.settings.username = Some("0".to_owned());
    row
}

/// Whether the peer registered at an address.
fn has_contact(cell: &Cell) -> bool {
    use Operation::{CallEnd, CallStart, Expiry, Qualify, Transfer};
    [Expiry, Qualify, CallStart, CallEnd, Transfer]
        .into_iter()
        .any(|it| cell.has(it))
}

/// What the operation's thread runs.
pub(super) fn job<E: Explorer>(stage: &Stage<E>, operation: Operation) -> Job {
    let directory = Arc::clone(stage.directory());
    match operation {
        Operation::Reload => Box::new(move || {
            directory.reload(file());
            "reloads".to_owned()
        }),
        Operation::Prune => Box::new(move || {
            let evicted = directory.prune(Role::Peer, KITCHEN);
            if evicted { "evicts" } else { "evicts nothing" }.to_owned()
        }),
        Operation::Expiry => {
            let handle = stage.handle();
            Box::new(move || {
                let expiry = fresh(directory.expire(&handle, Generation(1), due()));
                match expiry {
                    Expiry::Expired => "expires",
                    Expiry::Superseded => "does not expire",
                }
                .to_owned()
            })
        }
        Operation::Qualify => calls::poke_timer(directory),
        Operation::CallStart => calls::start(directory),
        Operation::CallEnd => calls::end(directory),
        Operation::Transfer => calls::transfer(directory),
        other => unreachable!("{} is no operation on an entry", other.name()),
    }
}

/// The database's answer to a lookup that is under way, and that lookup. Who asked takes what came when the threads have ended.
pub(super) fn answer(directory: &Arc<AnyDirectory>, cell: &Cell) -> (QueryId, Job) {
    let directory = Arc::clone(directory);
    let query = asked(directory.find(Role::Peer, KITCHEN));
    let mut row = stored(cell);
    row.settings.qualify = None;
    let job = move || {
        directory.answer(query, Answer::Row(row), NOW);
        "answers".to_owned()
    };
    (query, Box::new(job))
}

/// What came of a lookup.
pub(super) fn came_of(directory: &AnyDirectory, query: QueryId) -> &'static str {
    match directory.take_answer(query) {
        Lookup::Found(_) => "answered",
        _ => "not answered",
    }
}

/// When the registration ends: after the next POKE.
fn due() -> Instant {
    NOW + Duration::from_secs(3_600)
}

/// A file that names the peer.
fn file() -> Configuration {
    let mut file = configuration(1, &[KITCHEN]);
    for entry in &mut file.entries {
        entry.username = Some("1".to_owned());
    }
    file
}

/// How the peer stands.
pub(super) fn stands(directory: &AnyDirectory) -> String {
    let Lookup::Found(handle) = directory.find(Role::Peer, KITCHEN) else {
        return "no entry".to_owned();
    };
    match fresh(directory.contact(&handle, NOW)) {
        Some(contact) => format!("at {}", contact.address),
        None => "away".to_owned(),
    }
}
