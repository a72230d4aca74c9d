//! The database of the server: SQLite, with Asterisk's tables of peers and users and a table of all registrations.
//!
//! - [`Store`], here: the file, its tables and the statements. [`columns`]: from a row to settings.
//!   [`failure`]: why it did not do what it was asked.
//! - [`cached`]: how long rows stay in memory.
//! - [`realtime`]: the one thread that uses it, so that no worker ever waits for a disk.
//!
//! # Tables
//!
//! | table | columns |
//! | --- | --- |
//! | `iaxpeers`, `iaxusers` | Asterisk's realtime columns; all but `name` may be missing. Made with the usual ones where they do not exist. A view will do |
//! | `iaxproof_registrations` | one row for each peer that ever registered: `ipaddr` and `port` (null once it is gone), `regseconds` (Unix time of the change), `deadline` (Unix time in milliseconds), `generation` |
//!
//! A write is applied where its generation is newer than that of the row, so writes of one name are kept in order, and a row
//! is never deleted, so that generations never go back.
//!
//! # Deviations
//!
//! - chan_iax2 keeps registrations of static peers in its own astdb and those of realtime peers in their row alone; here all are in
//!   one table, with their own deadline. `ipaddr`, `port` and `regseconds` of `iaxpeers` are written for other programs
//!   to read, and never read here.

pub(crate) mod cached;
pub(crate) mod columns;
mod failure;
pub(crate) mod realtime;

use core::net::SocketAddr;
use core::time::Duration;
use std::path::Path;

use iaxproof::engine::directory::Role;
use iaxproof::time::Instant;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use self::columns::Columns;
pub(crate) use self::failure::Failure;
use crate::clock::Clock;
use crate::error::Error;

/// How long another program may keep the file locked before we give a write up. Shorter than the registrar's patience.
const BUSY_WAIT: Duration = Duration::from_millis(500);

/// Makes what is not there yet.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS iaxpeers (
        name TEXT PRIMARY KEY NOT NULL, type TEXT NOT NULL DEFAULT 'friend', secret TEXT,
        host TEXT NOT NULL DEFAULT 'dynamic', ipaddr TEXT, port INTEGER, regseconds INTEGER, context TEXT);
    CREATE TABLE IF NOT EXISTS iaxusers (
        name TEXT PRIMARY KEY NOT NULL, type TEXT NOT NULL DEFAULT 'friend', secret TEXT, context TEXT);
    CREATE TABLE IF NOT EXISTS iaxproof_registrations (
        name TEXT PRIMARY KEY NOT NULL, ipaddr TEXT, port INTEGER, regseconds INTEGER NOT NULL,
        deadline INTEGER, generation INTEGER NOT NULL) WITHOUT ROWID;
";
const KEEP: &str = "
    INSERT INTO iaxproof_registrations (name, ipaddr, port, regseconds, deadline, generation)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (name) DO UPDATE SET ipaddr = ?2, port = ?3, regseconds = ?4, deadline = ?5, generation = ?6
    WHERE generation < ?6";
const MIRROR: &str = "UPDATE iaxpeers SET ipaddr = ?2, port = ?3, regseconds = ?4 WHERE name = ?1";
const REGISTRATIONS: &str =
    "SELECT name, ipaddr, port, regseconds, deadline, generation FROM iaxproof_registrations";

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

/// The open file.
#[derive(Debug)]
pub(crate) struct Store {
    name: String,
    connection: Connection,
    /// Whether `iaxpeers` is a table with the columns that Asterisk writes.
    mirrors: bool,
}

impl Store {
    /// Opens or makes the file. A commit is on the disk when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where SQLite cannot use the file.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        Self::try_open(path).map_err(|error| {
            Error::Broke(format!(
                "cannot use the database {}: {error}",
                path.display()
            ))
        })
    }

    fn try_open(path: &Path) -> Result<Self, Failure> {
        let of_opening = |error| failure::of_opening(path, error);
        let connection = Connection::open(path).map_err(of_opening)?;
        prepare(&connection).map_err(of_opening)?;
        // A view cannot be updated, and a table of somebody else's may lack the columns.
        let mirrors = connection.prepare(MIRROR).is_ok();
        Ok(Store {
            name: path.display().to_string(),
            connection,
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
    /// SQLite's, where the file cannot be read.
    pub(crate) fn row(&self, role: Role, name: &str) -> Result<Option<Columns>, Failure> {
        let mut select = self.connection.prepare_cached(match role {
            Role::Peer => "SELECT * FROM iaxpeers WHERE name = ?1",
            Role::User => "SELECT * FROM iaxusers WHERE name = ?1",
        })?;
        Ok(select.query_row([name], Columns::of).optional()?)
    }

    /// What is kept of a peer's registration.
    ///
    /// # Errors
    ///
    /// As for [`Store::row`].
    pub(crate) fn registration(&self, name: &str) -> Result<Option<Registration>, Failure> {
        let select = format!("{REGISTRATIONS} WHERE name = ?1");
        let mut select = self.connection.prepare_cached(&select)?;
        Ok(select.query_row([name], registration).optional()?)
    }

    /// All that is kept, by name.
    ///
    /// # Errors
    ///
    /// As for [`Store::row`].
    pub(crate) fn registrations(&self) -> Result<Vec<Registration>, Failure> {
        let select = format!("{REGISTRATIONS} ORDER BY name");
        let mut select = self.connection.prepare(&select)?;
        let rows = select.query_map([], registration)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps all of these or none. They are on the disk when this returns; one that is not newer than what is kept
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// SQLite's, where the file cannot be written; nothing was kept then, or nobody knows.
    pub(crate) fn keep(&mut self, registrations: &[Registration]) -> Result<(), Failure> {
        let mirrors = self.mirrors;
        let transaction = self.connection.transaction()?;
        for registration in registrations {
            keep(&transaction, registration, mirrors)?;
        }
        Ok(transaction.commit()?)
    }
}

/// Waits for others, commits to the disk, and makes what is not there yet.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(SCHEMA)
}

fn keep(transaction: &Transaction<'_>, it: &Registration, mirrors: bool) -> rusqlite::Result<()> {
    let ip = it.contact.map(|(address, _)| address.ip().to_string());
    let port = it.contact.map(|(address, _)| address.port());
    let deadline = it.contact.map(|(_, deadline)| integer(deadline));
    let (regseconds, generation) = (integer(it.regseconds), integer(it.generation));
    let mut insert = transaction.prepare_cached(KEEP)?;
    let is_newer =
        0 < insert.execute(params![it.name, ip, port, regseconds, deadline, generation])?;
    if mirrors && is_newer {
        let mut update = transaction.prepare_cached(MIRROR)?;
        // chan_iax2 writes 0 where the peer is gone.
        let regseconds = it.contact.map_or(0, |_| regseconds);
        let ip = ip.unwrap_or_default();
        update.execute(params![it.name, ip, port.unwrap_or(0), regseconds])?;
    }
    Ok(())
}

/// A row of the registrations. An address that nobody can read counts as none.
fn registration(row: &Row<'_>) -> rusqlite::Result<Registration> {
    let (ip, port): (Option<String>, Option<u16>) = (row.get(1)?, row.get(2)?);
    let deadline: Option<i64> = row.get(4)?;
    let address = ip.and_then(|ip| Some(SocketAddr::new(ip.parse().ok()?, port?)));
    Ok(Registration {
        name: row.get(0)?,
        contact: address.zip(deadline.map(natural)),
        regseconds: natural(row.get(3)?),
        generation: natural(row.get(5)?),
    })
}

/// SQLite's integers have a sign.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
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
        Store::open(&path).unwrap().keep(&all).unwrap();
        let store = Store::open(&path).unwrap();
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
        store.keep(&[kept("alice", Some(4570), 7)]).unwrap();
        store
            .keep(&[kept("alice", Some(1), 6), kept("alice", None, 7)])
            .unwrap();
        let alice = store.registration("alice").unwrap();
        assert_eq!(alice, Some(kept("alice", Some(4570), 7)));
        store.keep(&[kept("alice", None, 8)]).unwrap();
        assert_eq!(store.registration("alice").unwrap().unwrap().contact, None);
    }

    #[test]
    fn asterisk_columns_are_written_where_there_is_a_row_for_them() {
        let mut store = Store::open(Path::new(":memory:")).unwrap();
        let insert = "INSERT INTO iaxpeers (name, type, secret) VALUES ('alice', 'friend', 'x')";
        store.connection.execute(insert, []).unwrap();
        let read = |store: &Store| {
            let select = "SELECT ipaddr || ':' || port || ' ' || regseconds FROM iaxpeers";
            store
                .connection
                .query_row(select, [], |row| row.get::<_, String>(0))
        };
        store
            .keep(&[kept("alice", Some(4570), 1), kept("bob", Some(1), 1)])
            .unwrap();
        assert_eq!(read(&store).unwrap(), "192.0.2.1:4570 1700000000");
        store.keep(&[kept("alice", None, 2)]).unwrap();
        assert_eq!(read(&store).unwrap(), ":0 0");
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
        store.keep(&[kept("alice", Some(4570), 1)]).unwrap();
        assert!(store.registration("alice").unwrap().is_some());
    }
}
