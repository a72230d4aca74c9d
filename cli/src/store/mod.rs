//! The database of the server, with Asterisk's tables of peers and users and a table of all registrations: SQLite, or PostgreSQL where
//! several servers share it.
//!
//! - [`Store`], here: what is decided. [`statements`]: the tables, and what is said to them. [`place`]: which database, by the option of `serve`.
//! - [`driver`]: what a database must be able to do, as [`sqlite`] and `postgres` are. [`failure`]: why one did not.
//! - [`columns`]: from a row to settings. [`cached`]: how long rows stay in memory.
//! - [`realtime`]: the one thread that uses it, so that no worker ever waits for a disk.
//!
//! # Tables
//!
//! | table | columns |
//! | --- | --- |
//! | `iaxpeers`, `iaxusers` | Asterisk's realtime columns; all but `name` may be missing. Made with the usual ones where they do not exist. A view will do |
//! | `iaxproof_registrations` | one row for each peer that ever registered: `ipaddr` and `port` (null once it is gone), `regseconds` (Unix time of the change), `deadline` (Unix time in milliseconds), `generation`; `server` and `written`: which process wrote it, as its which write of this name |
//!
//! # Several servers
//!
//! A row is never deleted and its `generation` only grows, so that whoever reads it again knows whether it is news. What one process writes
//! is applied in the order of its own generations (`written`): a transaction that was given up and comes late changes nothing.
//!
//! A process takes a name over from another by what somebody asked of it alone: a registration, a release, an order of the operator. What
//! it only finds out by itself, that a contact that it knows has lapsed or that one is to be stated again after a write that failed, it
//! writes over its own: the peer may have registered elsewhere since, and that counts. Another's contact that has lapsed it may clear.
//! Deadlines are Unix time, so the servers' clocks must agree to a few seconds.
//!
//! # Deviations
//!
//! - chan_iax2 keeps registrations of static peers in its own astdb and those of realtime peers in their row alone; here all are in
//!   one table, with their own deadline. `ipaddr`, `port` and `regseconds` of `iaxpeers` are written for other programs
//!   to read, and never read here.

pub(crate) mod cached;
pub(crate) mod columns;
mod driver;
mod failure;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
pub(crate) mod realtime;
mod sqlite;
mod statements;

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::directory::Role;
use iaxproof::time::Instant;

use self::columns::Columns;
use self::driver::{Driver, Step};
pub(crate) use self::failure::Failure;
use crate::clock::Clock;

/// What is kept of one peer's registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// The peer.
    pub(crate) name: String,
    /// Where it is, and Unix time in milliseconds at which that lapses; `None` where it is nowhere.
    pub(crate) contact: Option<(SocketAddr, u64)>,
    /// Unix time in seconds of the change.
    pub(crate) regseconds: u64,
    /// Counts the changes.
    pub(crate) generation: u64,
}

/// A registration that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// What is to be kept.
    pub(crate) registration: Registration,
    /// Whether somebody asked for it, and it is no statement of what is in force anyway: see "Several servers".
    pub(crate) is_asked: bool,
}

impl Registration {
    /// Where the peer is and until when, on this process's clock.
    ///
    /// The date may have been set since: forward, and the registration lapses too soon, which the peer mends when it registers
    /// again; back, and it would be good for hours that nobody granted. So it never is for longer than it was when it was stored.
    pub(crate) fn place(&self, clock: &Clock) -> Option<(SocketAddr, Instant)> {
        let (address, deadline) = self.contact?;
        let granted = deadline.saturating_sub(self.regseconds.saturating_mul(1_000));
        let latest = clock.now() + Duration::from_millis(granted);
        Some((address, clock.instant_of(deadline).min(latest)))
    }
}

/// The open database.
#[derive(Debug)]
pub(crate) struct Store {
    driver: Box<dyn Driver>,
    /// What operators call it.
    name: String,
    /// This process among all that write to it.
    server: i64,
    /// Whether `iaxpeers` is a table with the columns that Asterisk writes.
    mirrors: bool,
}

impl Store {
    /// Takes a database into use. `server` is this process, by a number that no other has.
    fn new(mut driver: Box<dyn Driver>, name: String, server: i64) -> Result<Self, Failure> {
        driver.make(&statements::TABLES)?;
        if !driver.allows(&statements::has_server())? {
            driver.apply(&statements::add_server())?;
        }
        // A view cannot be updated, and a table of somebody else's may lack the columns.
        let mirrors = driver.allows(&statements::mirror(&Change::nothing(), server))?;
        Ok(Store {
            driver,
            name,
            server,
            mirrors,
        })
    }

    /// What operators call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Leaves Asterisk's columns of `iaxpeers` alone (`rtupdate=no`).
    pub(crate) fn update_nothing_else(&mut self) {
        self.mirrors = false;
    }

    /// The row of a peer or user, by its exact name.
    ///
    /// # Errors
    ///
    /// The database's, where it cannot be read.
    pub(crate) fn row(&mut self, role: Role, name: &str) -> Result<Option<Columns>, Failure> {
        let table = match role {
            Role::Peer => "iaxpeers",
            Role::User => "iaxusers",
        };
        Ok(self.driver.row(table, name)?.map(Columns::of))
    }

    /// What is kept of a peer's registration.
    ///
    /// # Errors
    ///
    /// As for [`Store::row`].
    pub(crate) fn registration(&mut self, name: &str) -> Result<Option<Registration>, Failure> {
        let rows = self.driver.select(&statements::registration(name))?;
        Ok(rows.first().and_then(|row| statements::read(row)))
    }

    /// All that is kept, by name.
    ///
    /// # Errors
    ///
    /// As for [`Store::row`].
    pub(crate) fn registrations(&mut self) -> Result<Vec<Registration>, Failure> {
        let rows = self.driver.all(statements::REGISTRATIONS)?;
        let registrations = rows.iter().filter_map(|row| statements::read(row));
        Ok(registrations.collect())
    }

    /// Keeps all of these or none. They are on the disk when this returns; what is older than what is kept, or may not take its place,
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// The database's, where it cannot be written; nothing was kept then, or nobody knows.
    pub(crate) fn keep(&mut self, changes: &[Change]) -> Result<(), Failure> {
        // Rows are locked in one order by all servers, so that none waits for the other.
        let mut changes: Vec<&Change> = changes.iter().collect();
        changes.sort_by(|a, b| a.registration.name.cmp(&b.registration.name));
        let steps = changes.into_iter().flat_map(|change| {
            let mirror = || statements::mirror(change, self.server);
            let keep = statements::keep(change, self.server);
            [Some(keep), self.mirrors.then(mirror)]
        });
        let steps: Vec<Step> = steps.flatten().collect();
        self.driver.apply(&steps)
    }
}

impl Change {
    /// Of a name that nobody has.
    const fn nothing() -> Self {
        Change {
            registration: Registration {
                name: String::new(),
                contact: None,
                regseconds: 0,
                generation: 0,
            },
            is_asked: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;

    fn kept(name: &str, port: Option<u16>, generation: u64) -> Registration {
        let contact =
            port.map(|port| (SocketAddr::from(([192, 0, 2, 1], port)), 1_700_000_070_123));
        Registration {
            name: name.to_owned(),
            contact,
            regseconds: 1_700_000_000,
            generation,
        }
    }

    /// Somebody asked for all of these.
    fn keep(store: &mut Store, registrations: &[Registration]) {
        let asked = registrations.iter().map(|registration| Change {
            registration: registration.clone(),
            is_asked: true,
        });
        store.keep(&asked.collect::<Vec<_>>()).unwrap();
    }

    #[test]
    fn what_was_kept_is_there_in_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("iax.db");
        let (bob, alice) = (kept("bob", None, 3), kept("alice", Some(4570), 7));
        let v6 = Registration {
            contact: Some(("[2001:db8::1]:4569".parse().unwrap(), 9)),
            ..kept("zoe", None, 1)
        };
        let all = [bob.clone(), alice.clone(), v6.clone()];
        keep(&mut Store::open(&path).unwrap(), &all);
        let mut store = Store::open(&path).unwrap();
        assert_eq!(store.registrations().unwrap(), [alice.clone(), bob, v6]);
        assert_eq!(store.registration("alice").unwrap(), Some(alice));
        assert_eq!(store.registration("nobody").unwrap(), None);
    }

    #[test]
    fn a_date_that_was_set_prolongs_no_registration() {
        let clock = Clock::start();
        let now = clock.unix_millis_of(clock.now());
        let registration = Registration {
            contact: Some((SocketAddr::from(([192, 0, 2, 1], 4569)), now + 70_000)),
            regseconds: now / 1_000,
            ..kept("alice", None, 1)
        };
        let left = |hours: i64| {
            let clock = clock.with_date_set(3_600 * hours);
            let (_, deadline) = registration.place(&clock).unwrap();
            deadline.saturating_since(clock.now()).as_secs()
        };
        assert!((69..=70).contains(&left(0)), "{}", left(0));
        assert!((69..=71).contains(&left(-3)), "{}", left(-3));
        assert_eq!(left(3), 0);
    }

    #[test]
    fn a_write_that_is_not_newer_changes_nothing() {
        let mut store = Store::open(Path::new(":memory:")).unwrap();
        keep(&mut store, &[kept("alice", Some(4570), 7)]);
        keep(
            &mut store,
            &[kept("alice", Some(1), 6), kept("alice", None, 7)],
        );
        let alice = store.registration("alice").unwrap();
        assert_eq!(alice, Some(kept("alice", Some(4570), 7)));
        keep(&mut store, &[kept("alice", None, 8)]);
        assert_eq!(store.registration("alice").unwrap().unwrap().contact, None);
    }

    #[test]
    fn asterisk_columns_are_written_where_there_is_a_row_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("iax.db");
        let mut store = Store::open(&path).unwrap();
        let beside = Connection::open(&path).unwrap();
        let insert = "INSERT INTO iaxpeers (name, type, secret) VALUES ('alice', 'friend', 'x')";
        beside.execute(insert, []).unwrap();
        let read = || {
            let select = "SELECT ipaddr || ':' || port || ' ' || regseconds FROM iaxpeers";
            beside
                .query_row(select, [], |row| row.get::<_, String>(0))
                .unwrap()
        };
        keep(
            &mut store,
            &[kept("alice", Some(4570), 1), kept("bob", Some(1), 1)],
        );
        assert_eq!(read(), "192.0.2.1:4570 1700000000");
        keep(&mut store, &[kept("alice", None, 2)]);
        assert_eq!(read(), ":0 0");
    }

    #[test]
    fn views_over_one_table_of_friends_will_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("iax.db");
        let friends = "CREATE TABLE iaxfriends (name TEXT, type TEXT, secret TEXT);
            INSERT INTO iaxfriends VALUES ('alice', 'friend', 'wonder');
            CREATE VIEW iaxpeers AS SELECT * FROM iaxfriends;
            CREATE VIEW iaxusers AS SELECT * FROM iaxfriends;";
        Connection::open(&path)
            .unwrap()
            .execute_batch(friends)
            .unwrap();
        let mut store = Store::open(&path).unwrap();
        assert!(store.row(Role::User, "alice").unwrap().is_some());
        keep(&mut store, &[kept("alice", Some(4570), 1)]);
        assert!(store.registration("alice").unwrap().is_some());
    }

    /// Two processes and one file.
    fn two() -> (Store, Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("iax.db");
        let open = || Store::open(&path).unwrap();
        (open(), open(), folder)
    }

    #[test]
    fn a_peer_that_registers_elsewhere_is_there_whatever_the_generations_say() {
        let (mut one, mut other, _folder) = two();
        keep(&mut one, &[kept("alice", Some(1), 900)]);
        // The other one counts from what it read long ago.
        keep(&mut other, &[kept("alice", Some(2), 3)]);
        let alice = one.registration("alice").unwrap().unwrap();
        assert_eq!(
            (alice.contact, alice.generation),
            (kept("", Some(2), 0).contact, 901)
        );
        // It comes back: news for both.
        keep(&mut one, &[kept("alice", Some(3), 901)]);
        let alice = other.registration("alice").unwrap().unwrap();
        assert_eq!(
            (alice.contact, alice.generation),
            (kept("", Some(3), 0).contact, 902)
        );
        // And a release where it did not register last.
        keep(&mut other, &[kept("alice", None, 4)]);
        assert_eq!(one.registration("alice").unwrap().unwrap().contact, None);
    }

    #[test]
    fn what_a_process_finds_out_by_itself_changes_its_own_rows_alone() {
        let (mut one, mut other, _folder) = two();
        let found_out = |store: &mut Store, registration: Registration| {
            let is_asked = false;
            let change = Change {
                registration,
                is_asked,
            };
            store.keep(&[change]).unwrap();
        };
        let contact = |store: &mut Store| store.registration("alice").unwrap().unwrap().contact;
        keep(&mut one, &[kept("alice", Some(1), 1)]);
        keep(&mut other, &[kept("alice", Some(2), 2)]);
        let of_other = kept("", Some(2), 0).contact;
        // A contact that lapsed, and one that is stated again.
        found_out(&mut one, kept("alice", None, 50));
        found_out(&mut one, kept("alice", Some(1), 51));
        assert_eq!(contact(&mut one), of_other);
        // Another's that has lapsed is cleared, by whoever finds it.
        let late = Registration {
            regseconds: 1_700_000_070,
            ..kept("alice", None, 52)
        };
        found_out(&mut one, late);
        assert_eq!(contact(&mut other), None);
        // Its own it states as it likes.
        found_out(&mut one, kept("alice", Some(5), 53));
        assert_eq!(contact(&mut other), kept("", Some(5), 0).contact);
        // What the other one has forgotten in a transaction that comes late.
        keep(&mut one, &[kept("alice", Some(4), 52)]);
        assert_eq!(contact(&mut other), kept("", Some(5), 0).contact);
    }

    #[test]
    fn a_table_of_before_there_were_several_servers_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("iax.db");
        let former = "CREATE TABLE iaxproof_registrations (name TEXT PRIMARY KEY NOT NULL, ipaddr TEXT, port INTEGER,
                regseconds INTEGER NOT NULL, deadline INTEGER, generation INTEGER NOT NULL) WITHOUT ROWID;
            INSERT INTO iaxproof_registrations VALUES ('alice', '192.0.2.1', 4570, 1700000000, 1700000070123, 7);";
        Connection::open(&path)
            .unwrap()
            .execute_batch(former)
            .unwrap();
        let mut store = Store::open(&path).unwrap();
        let alice = store.registration("alice").unwrap();
        assert_eq!(alice, Some(kept("alice", Some(4570), 7)));
        keep(&mut store, &[kept("alice", Some(1), 8)]);
        assert_eq!(
            store.registration("alice").unwrap(),
            Some(kept("alice", Some(1), 8))
        );
    }
}
