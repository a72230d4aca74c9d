//! What the tests of the catalog share: names, settings, rows and a catalog to put them in.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::catalog::{
    Answer, Catalog, CatalogOptions, Entry, EntryStatus, Kind, Origin, Question, Row,
};
use iaxproof::engine::directory::{Contact, Directory, Generation, Lookup, Role, TokenKey};
use iaxproof::engine::settings::{Configuration, General, Host, Name, Secret, Settings};
use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, Family, HashKey, Ref, Std};
use iaxproof::time::Instant;

pub(crate) type Handle<F> = Ref<Entry<F>, F>;

pub(crate) fn options<F: Family>(ledger: F::Ledger, realtime: bool) -> CatalogOptions<F> {
    CatalogOptions {
        hash_key: HashKey(3, 5),
        shards: 4,
        container: Kind::Hash,
        token_key: TokenKey([7; 32]),
        database: realtime,
        dialogues_max: 32_766,
        ledger,
    }
}

/// A catalog on the audited family, and its book.
pub(crate) fn audited(realtime: bool) -> (Catalog<Audited>, Book) {
    let book = Book::default();
    (Catalog::new(options(book.clone(), realtime)), book)
}

/// A catalog as production has it.
pub(crate) fn plain(realtime: bool) -> Catalog<Std> {
    Catalog::new(options(Default::default(), realtime))
}

pub(crate) fn at(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

pub(crate) fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4569))
}

pub(crate) fn general(serial: u64) -> General {
    General {
        serial,
        registration_max: Duration::from_secs(60 + serial),
        ..General::default()
    }
}

pub(crate) fn settings(role: Role, name: &str) -> Settings {
    let name = Name::new(name).expect("a name of the test");
    Settings {
        capability: General::default().capability,
        ..Settings::new(role, name)
    }
}

pub(crate) fn peer(name: &str) -> Settings {
    settings(Role::Peer, name)
}

pub(crate) fn fixed_peer(name: &str, address: SocketAddr) -> Settings {
    Settings {
        host: Host::Fixed(address),
        ..peer(name)
    }
}

/// A configuration whose every entry says its serial: as its general settings and as its secret.
pub(crate) fn configuration(serial: u64, entries: Vec<Settings>) -> Configuration {
    let signed = |entry: Settings| Settings {
        secrets: vec![Secret::new(&serial.to_string())],
        ..entry
    };
    Configuration {
        general: general(serial),
        entries: entries.into_iter().map(signed).collect(),
    }
}

pub(crate) fn found<F: Family>(catalog: &Catalog<F>, name: &str) -> Handle<F> {
    match catalog.find(Role::Peer, name) {
        Lookup::Found(handle) => handle,
        other => panic!("{name} should be found, not {other:?}"),
    }
}

/// The serials that the settings of a handle were built with: the general one and the entry's own.
pub(crate) fn serials<F: Family>(catalog: &Catalog<F>, handle: &Handle<F>) -> (u64, String) {
    let snapshot = catalog.settings(handle).expect("never stale");
    let settings = snapshot.settings();
    let secret = settings.secrets.first().map(Secret::expose);
    let own = String::from_utf8(secret.unwrap_or_default().to_vec()).expect("digits");
    (settings.general.serial, own)
}

pub(crate) fn status<F: Family>(catalog: &Catalog<F>, name: &str) -> EntryStatus {
    found(catalog, name).status()
}

/// A row as the database has it when it was never written.
pub(crate) fn row(settings: Settings) -> Row {
    Row {
        settings,
        contact: None,
        generation: Generation(0),
    }
}

/// A row with a stored contact.
pub(crate) fn row_at(
    settings: Settings,
    address: SocketAddr,
    deadline: u64,
    generation: u64,
) -> Row {
    let generation = Generation(generation);
    Row {
        settings,
        contact: Some(Contact {
            address,
            deadline: Some(at(deadline)),
            generation,
        }),
        generation,
    }
}

/// Asks for a name that is not linked, and returns the question as the database gets it.
pub(crate) fn ask<F: Family>(catalog: &Catalog<F>, role: Role, name: &str) -> Question {
    let Lookup::Asked(id) = catalog.find(role, name) else {
        panic!("{name} should be a question");
    };
    let question = catalog.poll_question().expect("the question goes out");
    assert_eq!((question.id, question.name.as_str()), (id, name));
    question
}

/// Brings a row in by way of a lookup, its question and its answer.
pub(crate) fn load<F: Family>(catalog: &Catalog<F>, row: Row, now: Instant) -> Handle<F> {
    let question = ask(catalog, row.settings.role, row.settings.name.as_str());
    catalog.answer(question.id, Answer::Row(row), now);
    match catalog.take_answer(question.id) {
        Lookup::Found(handle) => handle,
        other => panic!("the row should be linked, not {other:?}"),
    }
}

/// Registers, and has the database store it; gives the generation.
pub(crate) fn register<F: Family>(
    catalog: &Catalog<F>,
    handle: &Handle<F>,
    address: SocketAddr,
    deadline: Instant,
) -> Generation {
    let written = catalog.register(handle, address, deadline);
    store_all(catalog);
    written.expect("the name stands on the entry").generation()
}

/// Says `Stored` to everything that is to be written.
pub(crate) fn store_all<F: Family>(catalog: &Catalog<F>) {
    while let Some(write) = catalog.poll_write() {
        catalog.stored(write.name.as_str(), write.generation);
    }
}

/// At rest: one reference per link and hint and per settings object, and the book agrees.
pub(crate) fn assert_at_rest(catalog: &Catalog<Audited>, book: &Book) {
    let entries = catalog.len(Role::Peer) + catalog.len(Role::User);
    let expected = entries + catalog.address_hints() + entries;
    assert_eq!(book.references(), expected, "{}", book.report());
    assert_eq!(book.live_objects(), 2 * entries, "{}", book.report());
}

/// After the catalog nothing is left.
pub(crate) fn assert_ends_clean(catalog: Catalog<Audited>, book: &Book) {
    drop(catalog);
    assert!(book.open_pages().is_empty(), "{}", book.report());
}

pub(crate) fn assert_realtime<F: Family>(handle: &Handle<F>) {
    assert_eq!(handle.status().origin, Origin::Realtime);
}
