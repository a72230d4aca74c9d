//! The statements, which are the same for all databases, and their values.

use core::net::{IpAddr, SocketAddr};

use super::driver::{Step, Table, Value};
use super::{Change, Registration};

/// What is made where it is missing.
pub(super) const TABLES: [Table; 3] = [
    Table {
        name: "iaxpeers",
        columns: "name TEXT PRIMARY KEY NOT NULL, type TEXT NOT NULL DEFAULT 'friend', secret TEXT,
            host TEXT NOT NULL DEFAULT 'dynamic', ipaddr TEXT, port INTEGER, regseconds BIGINT, context TEXT",
        is_ours: false,
    },
    Table {
        name: "iaxusers",
        columns: "name TEXT PRIMARY KEY NOT NULL, type TEXT NOT NULL DEFAULT 'friend', secret TEXT, context TEXT",
        is_ours: false,
    },
    Table {
        name: "iaxproof_registrations",
        columns: "name TEXT PRIMARY KEY NOT NULL, ipaddr TEXT, port BIGINT, regseconds BIGINT NOT NULL, deadline BIGINT,
            generation BIGINT NOT NULL, server BIGINT NOT NULL DEFAULT 0, written BIGINT NOT NULL DEFAULT 0",
        is_ours: true,
    },
];
/// What the table of registrations did not have at first.
const HAS_SERVER: &str = "SELECT server, written FROM iaxproof_registrations WHERE name = ''";
const ADD_SERVER: [&str; 2] = [
    "ALTER TABLE iaxproof_registrations ADD COLUMN server BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE iaxproof_registrations ADD COLUMN written BIGINT NOT NULL DEFAULT 0",
];
/// `$8`: up to which deadline the row of another server gives way.
const KEEP: &str = "
    INSERT INTO iaxproof_registrations AS kept
        (name, ipaddr, port, regseconds, deadline, generation, server, written)
    VALUES (CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT),
        CAST($6 AS BIGINT), CAST($7 AS BIGINT), CAST($6 AS BIGINT))
    ON CONFLICT (name) DO UPDATE SET ipaddr = excluded.ipaddr, port = excluded.port,
        regseconds = excluded.regseconds, deadline = excluded.deadline,
        generation = CASE WHEN kept.generation < excluded.generation
            THEN excluded.generation ELSE kept.generation + 1 END,
        server = excluded.server, written = excluded.written
    WHERE CASE WHEN kept.server = excluded.server THEN kept.written < excluded.written
        ELSE COALESCE(kept.deadline, 0) <= CAST($8 AS BIGINT) END";
/// Only where that was applied: the row is this very write's.
const MIRROR: &str = "
    UPDATE iaxpeers SET ipaddr = CAST($1 AS TEXT), port = CAST($2 AS BIGINT), regseconds = CAST($3 AS BIGINT)
    WHERE name = CAST($4 AS TEXT) AND EXISTS (SELECT 1 FROM iaxproof_registrations AS kept
        WHERE kept.name = CAST($4 AS TEXT) AND kept.server = CAST($5 AS BIGINT) AND kept.written = CAST($6 AS BIGINT))";
const REGISTRATION: &str = "SELECT name, ipaddr, port, regseconds, deadline, generation
    FROM iaxproof_registrations WHERE name = CAST($1 AS TEXT)";
/// All registrations, in the order of their names.
pub(super) const REGISTRATIONS: &str = "SELECT name, ipaddr, port, regseconds, deadline, generation
    FROM iaxproof_registrations ORDER BY name";

/// Whether the table of registrations has all columns, asked as something that is allowed or not.
pub(super) const fn has_server() -> Step {
    plain(HAS_SERVER)
}

/// Adds them.
pub(super) fn add_server() -> [Step; 2] {
    ADD_SERVER.map(plain)
}

/// Asks for the registration of this name.
pub(super) fn registration(name: &str) -> Step {
    Step {
        statement: REGISTRATION,
        values: vec![name.into()],
    }
}

/// Keeps a registration, where it may take the place of what is kept.
pub(super) fn keep(change: &Change, server: i64) -> Step {
    let it = &change.registration;
    let address = it.contact.map(|(address, _)| address);
    Step {
        statement: KEEP,
        values: vec![
            it.name.as_str().into(),
            address
                .map(|address| address.ip().to_string())
                .as_deref()
                .into(),
            address.map(|address| u64::from(address.port())).into(),
            it.regseconds.into(),
            it.contact.map(|(_, deadline)| deadline).into(),
            it.generation.into(),
            server.into(),
            gives_way(change).into(),
        ],
    }
}

/// Writes Asterisk's columns, where [`keep`] has kept that. chan_iax2 writes 0 where the peer is gone.
pub(super) fn mirror(change: &Change, server: i64) -> Step {
    let it = &change.registration;
    let address = it.contact.map(|(address, _)| address);
    Step {
        statement: MIRROR,
        values: vec![
            address
                .map_or(String::new(), |address| address.ip().to_string())
                .as_str()
                .into(),
            address
                .map_or(0, |address| u64::from(address.port()))
                .into(),
            address.map_or(0, |_| it.regseconds).into(),
            it.name.as_str().into(),
            server.into(),
            it.generation.into(),
        ],
    }
}

/// Up to which deadline the contact that another server wrote gives way.
fn gives_way(change: &Change) -> i64 {
    match change.registration.contact {
        _ if change.is_asked => i64::MAX,
        Some(_) => -1,
        // The end of this second.
        None => {
            let millis = (change.registration.regseconds + 1).saturating_mul(1_000);
            i64::try_from(millis).unwrap_or(i64::MAX)
        }
    }
}

/// A row of the registrations. An address that nobody can read counts as none.
pub(super) fn read(row: &[Value]) -> Option<Registration> {
    let [name, ip, port, regseconds, deadline, generation] = row else {
        return None;
    };
    let ip: Option<IpAddr> = ip.text().and_then(|ip| ip.parse().ok());
    let port = port.number().and_then(|port| u16::try_from(port).ok());
    let address = ip.zip(port).map(SocketAddr::from);
    Some(Registration {
        name: name.text()?.to_owned(),
        contact: address.zip(deadline.number()),
        regseconds: regseconds.number().unwrap_or(0),
        generation: generation.number().unwrap_or(0),
    })
}

const fn plain(statement: &'static str) -> Step {
    Step {
        statement,
        values: Vec::new(),
    }
}
