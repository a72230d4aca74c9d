//! registration-kept, with a real disk and real processes: a server is killed (SIGKILL) in the middle of a storm of
//! registrations, again and again. Every registration that was acknowledged before must be there in the next process, with
//! its contact and its deadline. Half of the phones are in the configuration, half in the database.
//!
//! In every second run the disk stands still for the last moments: another connection holds SQLite's lock, so no
//! transaction of the server ends, while it goes on receiving. A server that acknowledges before it has stored is caught by that.
//!
//! What the restarted server has is asked in two ways: its log says what it restored, and a call to each name must arrive
//! at the socket that registered.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod phones;
mod server;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use phones::*;
use rusqlite::Connection;
use server::*;

/// How often the server is killed: less often where nothing is optimised.
const RUNS: u64 = if cfg!(debug_assertions) { 4 } else { 20 };
/// Registrations that a server acknowledges at least before it is killed.
const STORM: u64 = 100;
/// How long the disk stands still: less than the server's patience with it.
const STANDSTILL_MS: u64 = 100;
const PHONES: usize = 160;
const SOCKETS: usize = 16;
const SECRET: &str = "of-the-storm";

#[test]
fn no_acknowledged_registration_is_lost_by_kill_9_in_a_storm() {
    let folder = tempfile::tempdir().unwrap();
    let (config, database) = (folder.path().join("iax.conf"), folder.path().join("iax.db"));
    let names: Vec<String> = (0..PHONES).map(|i| format!("phone{i}")).collect();
    let (of_file, of_database) = names.split_at(PHONES / 2);
    write_configuration(&config, of_file);
    write_rows(&database, of_database);
    let arguments = [
        "--config",
        config.to_str().unwrap(),
        "--database",
        database.to_str().unwrap(),
    ];
    let mut phones = Phones::new(&names, SOCKETS, SECRET);
    let mut in_flight = 0;
    for run in 0..RUNS {
        let server = Server::start(&[&arguments[..], &["--log", "warn"]].concat());
        phones.turn_to(server.address.parse().unwrap());
        storm(&mut phones, 150 + run * 97 % 450);
        let lock = (run % 2 == 1).then(|| stand_still(&mut phones, &database));
        // Dropping kills with SIGKILL and waits. What the server had sent before counts, read or not.
        drop(server);
        phones.take_all();
        drop(lock);
        in_flight += phones
            .phones
            .iter()
            .filter(|phone| !phone.later.is_empty())
            .count();
        let restarted = Server::start(&[&arguments[..], &["--log", "debug"]].concat());
        phones.turn_to(restarted.address.parse().unwrap());
        judge(&mut phones, &restarted, run);
    }
    let acknowledged = phones.acknowledged;
    assert!(
        acknowledged >= STORM * RUNS,
        "a storm, not {acknowledged} registrations"
    );
    assert!(in_flight > 0, "no kill came in the middle of anything");
    // Past the capture of the test's output: how often is part of what was shown.
    let said =
        format!("kill_storm: {RUNS} kills, {acknowledged} acknowledged registrations, none lost\n");
    std::io::stderr().write_all(said.as_bytes()).unwrap();
}

/// Registers for so long, and until there was a storm.
fn storm(phones: &mut Phones, millis: u64) {
    let (begin, before) = (unix_millis(), phones.acknowledged);
    let has_time = |millis| unix_millis() < begin + millis;
    while has_time(millis) || phones.acknowledged < before + STORM && has_time(20_000) {
        go_on(phones);
    }
}

/// Goes on with the storm while the server cannot write. Whoever drops the connection lets it write again.
fn stand_still(phones: &mut Phones, database: &Path) -> Connection {
    let lock = Connection::open(database).unwrap();
    lock.busy_timeout(LIMIT).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begin = unix_millis();
    while unix_millis() < begin + STANDSTILL_MS {
        go_on(phones);
    }
    lock
}

fn go_on(phones: &mut Phones) {
    phones.begin();
    phones.take_all();
    pause(Duration::from_micros(200));
}

/// Compares what the restarted server says and does with what was acknowledged.
fn judge(phones: &mut Phones, server: &Server, run: u64) {
    let known: Vec<String> = phones
        .phones
        .iter()
        .filter(|phone| phone.kept.is_some())
        .map(|phone| phone.name.clone())
        .collect();
    let total = known.len();
    let called = call_all(phones, &known, |called| {
        let mut names: Vec<&str> = called.iter().map(|it| it.number.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len() >= total
    });
    let log = server.log();
    let restored = restored(&log);
    let now = unix_millis();
    for phone in phones.phones.iter().filter(|phone| phone.kept.is_some()) {
        let name = phone.name.as_str();
        let at: Vec<SocketAddr> = called
            .iter()
            .filter(|it| it.number == name)
            .map(|it| it.at)
            .collect();
        let Some((contact, until)) = restored.get(name).copied() else {
            panic!("run {run}: {name} was acknowledged and is lost: {phone:?}");
        };
        let mut may_be = phone.kept.iter().chain(&phone.later);
        assert!(
            may_be.any(|attempt| attempt.allows(contact, until, now)),
            "run {run}: {name} is at {contact} until {until}: {phone:?}"
        );
        assert!(
            !at.is_empty() && at.iter().all(|at| *at == contact),
            "run {run}: a call to {name} went to {at:?}, not to {contact}\n{log}"
        );
    }
}

/// What the log says of stored registrations: name, contact, deadline in Unix milliseconds.
fn restored(log: &str) -> BTreeMap<&str, (SocketAddr, u64)> {
    let lines = log
        .lines()
        .filter(|line| line.contains("stored registration"));
    lines
        .map(|line| {
            let field = |name: &str| {
                let (_, rest) = line.split_once(name).unwrap();
                rest.split(' ').next().unwrap().trim_matches('"')
            };
            let contact = field("contact=").parse().unwrap();
            (field("name="), (contact, field("until=").parse().unwrap()))
        })
        .collect()
}

fn write_configuration(path: &Path, names: &[String]) {
    let mut text = format!(
        "[general]\nminregexpire = 60\nmaxregexpire = 3600\n[guest]\ntype = user\n\
         [phone](!)\ntype = friend\nhost = dynamic\nsecret = {SECRET}\n"
    );
    names
        .iter()
        .for_each(|name| text += &format!("[{name}](phone)\n"));
    std::fs::write(path, text).unwrap();
}

fn write_rows(path: &Path, names: &[String]) {
    let connection = Connection::open(path).unwrap();
    let table = "CREATE TABLE iaxpeers (name TEXT PRIMARY KEY, type TEXT, secret TEXT, host TEXT,
        ipaddr TEXT, port INTEGER, regseconds INTEGER)";
    connection.execute(table, []).unwrap();
    for name in names {
        let insert =
            "INSERT INTO iaxpeers (name, type, secret, host) VALUES (?1, 'friend', ?2, 'dynamic')";
        connection.execute(insert, [name.as_str(), SECRET]).unwrap();
    }
}
