//! Several processes over one file, as far as their realtime threads go.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::Path;

use iaxproof::catalog::{CatalogOptions, Kind};
use iaxproof::config;
use iaxproof::engine::directory::{Directory, Expiry, Lookup, Storing, TokenKey, Written};
use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{HashKey, Ref, Std};

use super::*;

type Handle = Ref<iaxproof::catalog::Entry<Std>, Std>;

/// A process with this file, as far as its realtime thread goes.
fn process(path: &Path) -> Desk<fn(Done), Std> {
    let catalog = Catalog::new(CatalogOptions {
        hash_key: HashKey(1, 2),
        shards: 1,
        container: Kind::Hash,
        token_key: TokenKey([3; 32]),
        database: true,
        dialogues_max: 8,
        ledger: NoLedger,
    });
    let caching = Caching::of(&config::Realtime {
        cache_friends: true,
        ..config::Realtime::default()
    });
    Desk {
        store: Store::open(path).unwrap(),
        catalog: Arc::new(catalog),
        clock: Clock::start(),
        tape: Tape::default(),
        tell: drop,
        cached: Cached::new(caching),
        ignores_expiry: caching.ignores_expiry,
        unwritten: Outage::default(),
        unread: Outage::default(),
    }
}

impl Desk<fn(Done), Std> {
    fn find(&mut self, name: &str) -> Handle {
        match self.catalog.find(Role::Peer, name) {
            Lookup::Found(entry) => entry,
            Lookup::Asked(query) => {
                self.turn();
                match self.catalog.take_answer(query) {
                    Lookup::Found(entry) => entry,
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    /// It registers at this port for a minute.
    fn register(&mut self, peer: &Handle, port: u16) -> Generation {
        let address = SocketAddr::from(([192, 0, 2, 1], port));
        let deadline = self.clock.now() + Duration::from_secs(60);
        match self.catalog.register(peer, address, deadline) {
            Ok(Written::Asked(generation)) => {
                self.turn();
                assert_eq!(self.catalog.take_stored(peer, generation), Storing::Stored);
                generation
            }
            other => panic!("{other:?}"),
        }
    }

    fn stored_port(&mut self) -> Option<u16> {
        let kept = self.store.registration("alice").unwrap().unwrap();
        kept.contact.map(|(address, _)| address.port())
    }
}

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iax.db");
    drop(Store::open(&path).unwrap());
    let row = "INSERT INTO iaxpeers (name, type) VALUES ('alice', 'peer')";
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute(row, []).unwrap();
    (folder, path)
}

/// The hazard of rows that are cached by several servers.
#[test]
fn a_contact_that_lapses_here_leaves_the_one_of_another_server_alone() {
    let (_folder, path) = file();
    let (mut one, mut other) = (process(&path), process(&path));
    let here = one.find("alice");
    let generation = one.register(&here, 1);
    let there = other.find("alice");
    other.register(&there, 2);
    let later = one.clock.now() + Duration::from_secs(61);
    let expired = one.catalog.expire(&here, generation, later);
    assert!(matches!(expired, Ok(Expiry::Expired)));
    one.turn();
    assert_eq!(one.stored_port(), Some(2));
    // What somebody asks for counts, whoever wrote before.
    let here = one.find("alice");
    one.register(&here, 3);
    assert_eq!(one.stored_port(), Some(3));
    let Ok(Written::Asked(_)) = other.catalog.release(&there) else {
        panic!("there is a contact to release");
    };
    other.turn();
    assert_eq!(one.stored_port(), None);
}

/// Nothing is acknowledged that is not stored, and after a failure what was in force is not forced on the others.
#[test]
fn what_is_stated_again_after_a_failure_leaves_the_one_of_another_server_alone() {
    let (_folder, path) = file();
    let (mut one, mut other) = (process(&path), process(&path));
    let here = one.find("alice");
    one.register(&here, 1);
    let lock = rusqlite::Connection::open(&path).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let address = SocketAddr::from(([192, 0, 2, 1], 9));
    let deadline = one.clock.now() + Duration::from_secs(60);
    let asked = one.catalog.register(&here, address, deadline);
    one.turn();
    let Ok(Written::Asked(generation)) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(one.catalog.take_stored(&here, generation), Storing::Failed);
    lock.execute_batch("COMMIT").unwrap();
    let there = other.find("alice");
    other.register(&there, 2);
    assert!(one.turn(), "what is in force is stated again");
    assert_eq!(one.stored_port(), Some(2));
}
