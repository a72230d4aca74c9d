//! What a scenario needs of a design: the directory, and what reload, eviction and the database do to it.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::catalog::{Answer, Catalog, Row};
use iaxproof::engine::directory::{
    Contact, Directory, Generation, Lookup, QueryId, Role, Stale, TokenKey,
};
use iaxproof::engine::settings::{Configuration, General, Name, Secret, Settings};
use iaxproof::registry::HashKey;
use iaxproof::time::Instant;

use iaxproof_sim::administer::Administer;

use crate::any::{self, Setup};
use crate::context::fault;
use crate::explorer::Explorer;
use crate::{Account, AnyDirectory, Design};

/// An empty directory of a design, with or without a database behind it.
pub(crate) fn empty<E: Explorer>(design: Design, has_database: bool) -> AnyDirectory {
    E::directory(design, has_database)
}

/// An empty catalog, for what only ours has.
pub(crate) fn catalog<E: Explorer>(has_database: bool) -> Catalog<E> {
    any::catalog(setup(has_database))
}

/// How an explorer's directory is set up.
pub(crate) fn setup<E: Explorer>(has_database: bool) -> Setup<E> {
    Setup {
        hash_key: HashKey(1, 2),
        shards: 1,
        token_key: TokenKey([7; 32]),
        has_database,
        ledger: Account::default(),
    }
}

/// The one peer of most scenarios.
pub(crate) const KITCHEN: &str = "kitchen";

/// When the scenarios play.
pub(crate) const NOW: Instant = Instant::from_secs(100);

/// An address of the documentation's network.
pub(crate) fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4569))
}

/// The configuration of this serial; each peer's secret says the serial too, so that a mixture shows.
pub(crate) fn configuration(serial: u64, names: &[&str]) -> Configuration {
    let general = General {
        serial,
        ..General::default()
    };
    let entries = names.iter().map(|name| settings(serial, name)).collect();
    Configuration { general, entries }
}

/// A dynamic peer of the configuration of this serial.
pub(crate) fn settings(serial: u64, name: &str) -> Settings {
    let general = General {
        serial,
        ..General::default()
    };
    let name = Name::new(name).expect("a scenario's names are short");
    Settings {
        secrets: vec![Secret::new(&serial.to_string())],
        capability: general.capability,
        general,
        ..Settings::new(Role::Peer, name)
    }
}

/// A row of the database for a peer, with a stored contact if an address is given.
pub(crate) fn row(name: &str, at: Option<SocketAddr>) -> Row {
    let generation = Generation(1);
    let contact = |address| Contact {
        address,
        deadline: Some(NOW + Duration::from_secs(60)),
        generation,
    };
    Row {
        settings: settings(0, name),
        contact: at.map(contact),
        generation,
    }
}

/// A directory that has accepted configuration 0 with these peers.
pub(crate) fn accept<D: Administer>(directory: D, names: &[&str]) -> D {
    directory.reload(configuration(0, names));
    directory
}

/// A directory without a database that has accepted configuration 0 with these peers.
pub(crate) fn accepted<E: Explorer>(design: Design, names: &[&str]) -> AnyDirectory {
    accept(empty::<E>(design, false), names)
}

/// The same with a database: it is asked for other names, and registrations are stored.
pub(crate) fn accepted_with_database<E: Explorer>(design: Design, names: &[&str]) -> AnyDirectory {
    accept(empty::<E>(design, true), names)
}

/// A directory whose only peer is a cached row.
pub(crate) fn cached<E: Explorer>(design: Design, at: Option<SocketAddr>) -> AnyDirectory {
    let subject = accepted_with_database::<E>(design, &[]);
    cache(&subject, row(KITCHEN, at));
    subject
}

/// Looks a row up, so that it is cached.
pub(crate) fn cache<D: Directory + Administer>(subject: &D, row: Row) {
    let query = asked(subject.find(row.settings.role, row.settings.name.as_str()));
    subject.answer(query, Answer::Row(row), NOW);
    let answer = subject.take_answer(query);
    assert!(
        matches!(answer, Lookup::Found(_)),
        "a row that was answered is found"
    );
}

/// The question that a lookup became.
pub(crate) fn asked<H>(lookup: Lookup<H>) -> QueryId {
    match lookup {
        Lookup::Asked(query) => query,
        _ => fault(
            "reload-atomic",
            "a name that is not linked did not become a question",
        ),
    }
}

/// The handle of a name that is linked before and after, so that no lookup may miss it.
pub(crate) fn kept<D: Directory>(subject: &D, name: &str) -> D::Handle {
    match subject.find(Role::Peer, name) {
        Lookup::Found(handle) => handle,
        _ => fault(
            "reload-atomic",
            "a name that is in the old and in the new configuration was not found",
        ),
    }
}

/// What a design gives for a handle that is held: stale is a use after destroy.
#[track_caller]
pub(crate) fn fresh<T>(result: Result<T, Stale>) -> T {
    match result {
        Ok(value) => value,
        Err(Stale) => fault(
            "no-use-after-destroy",
            "the entry was destroyed while its handle was held",
        ),
    }
}

/// The serial that a snapshot's secret and its general settings agree on.
pub(crate) fn one_serial<D: Directory>(subject: &D, snapshot: &D::Snapshot) -> u64 {
    let (secret, general) = fresh(subject.read(snapshot, |settings| {
        (
            settings.secrets.first().map(|s| s.expose().to_vec()),
            settings.general.serial,
        )
    }));
    if secret != Some(general.to_string().into_bytes()) {
        let message = format!(
            "a secret of another configuration stands beside general settings of {general}"
        );
        fault("reload-atomic", &message);
    }
    general
}
