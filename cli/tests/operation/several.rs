//! Two servers over one file of SQLite; `cli/tests/postgres.rs` has the same for PostgreSQL.

use crate::directory::*;
use crate::server::*;

#[test]
fn a_phone_is_called_through_the_server_that_it_did_not_register_with() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("iax.db");
    let rows = format!(
        "CREATE TABLE iaxpeers (name TEXT, type TEXT, host TEXT, username TEXT, secret TEXT,
            ipaddr TEXT, port INTEGER, regseconds INTEGER);
         INSERT INTO iaxpeers (name, type, host, username, secret)
            VALUES ('alice', 'peer', 'dynamic', 'guest', '{SECRET}');"
    );
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch(&rows).unwrap();
    let config = configuration(folder.path());
    let args = [
        "--config",
        &config,
        "--database",
        database.to_str().unwrap(),
    ];
    let (one, other) = (Server::start(&args), Server::start(&args));
    // Through the other one before there is anybody: it must not go on believing that.
    let call = ["call", &other.address, "alice/echo", "--seconds", "1"];
    let heard = folder.path().join("heard.wav");
    let call = [&call[..], &["--record", heard.to_str().unwrap()]].concat();
    assert_eq!(client(&call, None).code, 6);
    let phone = phone("alice", &one, folder.path());
    wait_until("the row to be read anew", || client(&call, None).code == 0);
    phone.wait_for("incoming call");
    is_echoed(&other, "alice/echo", folder.path());
    let port: u16 = connection
        .query_row("SELECT port FROM iaxpeers", [], |row| row.get(0))
        .unwrap();
    assert!(phone.address.ends_with(&format!(":{port}")));
}
