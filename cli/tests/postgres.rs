//! Two servers over one PostgreSQL: a phone that registers at one is called through the other, and a database that stops, comes back,
//! is slow or mute is seen and harms nobody else.
//!
//! Only where `POSTGRES=1`, with Debian's package postgresql, by a command that has it:
//! `POSTGRES=1 cargo test -p iaxproof-cli --features postgres --test postgres`. The test starts a cluster of its own, in a temporary folder, on
//! the loopback; where root runs it, as the user `postgres`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod directory;
mod server;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use directory::*;
use server::*;

/// Of the role that the servers log in as. It must be seen nowhere.
const PASSWORD: &str = "hush-of-the-database";
/// Tables as Asterisk's schema for PostgreSQL has them: types of all kinds, and an enumeration.
const TABLES: &str = "
    CREATE TYPE type_values AS ENUM ('friend', 'user', 'peer');
    CREATE TYPE yesno_values AS ENUM ('yes', 'no');
    CREATE TABLE iaxpeers (id SERIAL PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, type type_values, username VARCHAR(40),
        secret VARCHAR(40), host VARCHAR(40), ipaddr VARCHAR(40), port INTEGER, regseconds INTEGER, forceencryption yesno_values);";

/// Whether the test was asked for; if not, that is said where nothing captures it.
fn is_asked_for(test: &str) -> bool {
    let asked = std::env::var_os("POSTGRES").is_some_and(|it| it == "1");
    if !asked {
        let _ = writeln!(std::io::stderr(), "skipped: {test}: it is for POSTGRES=1");
    }
    asked
}

/// A cluster that runs, until this is dropped.
struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cluster = Cluster {
            programs: programs(),
            folder: tempfile::tempdir().unwrap(),
            port: listener.local_addr().unwrap().port(),
        };
        drop(listener);
        let data = cluster.data();
        std::fs::create_dir(&data).unwrap();
        if is_root() {
            done(Command::new("chmod").arg("755").arg(cluster.folder.path()));
            done(Command::new("chown").arg("postgres").arg(&data));
        }
        let auth = ["--auth-local=trust", "--auth-host=scram-sha-256"];
        done(
            cluster
                .program("initdb")
                .args(auth)
                .args(["-U", "postgres", "-N"]),
        );
        cluster.start();
        cluster.sql(
            "postgres",
            &format!("CREATE ROLE iax LOGIN PASSWORD '{PASSWORD}'"),
        );
        cluster.sql("postgres", "CREATE DATABASE phones OWNER iax");
        cluster
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of PostgreSQL's programs on this cluster.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                let ids = ["--reuid=postgres", "--regid=postgres", "--init-groups"];
                command.args(ids).arg("--").arg(program);
                command
            }
            false => Command::new(program),
        };
        command.arg("-D").arg(self.data()).current_dir(self.data());
        command
    }

    fn start(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={}",
            self.port,
            self.data().display()
        );
        let mut start = self.program("pg_ctl");
        done(start.args(["-w", "-s", "-l", "log", "-o", &options, "start"]));
    }

    fn stop(&self) {
        done(
            self.program("pg_ctl")
                .args(["-w", "-s", "-m", "immediate", "stop"]),
        );
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        let port = self.port.to_string();
        command
            .arg("-h")
            .arg(self.data())
            .args(["-p", &port, "-U", "postgres", "-d", database]);
        command.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        command
    }

    /// What a statement of the administrator's gives.
    fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database, sql).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {stderr}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Holds a lock for so many seconds; it is held when this returns.
    fn lock(&self, table: &str, seconds: u32) -> Child {
        let sql = format!(
            "BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds}); COMMIT"
        );
        let child = self
            .psql("phones", &sql)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let locks = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL";
        wait_until("the lock", || self.sql("phones", locks) != "0");
        child
    }

    fn address(&self) -> String {
        format!("postgres://iax@127.0.0.1:{}/phones", self.port)
    }

    fn serve(&self, config: &str, more: &[&str]) -> Server {
        let address = self.address();
        let args = ["--config", config, "--database", &address];
        let args = [&args[..], more].concat();
        Server::start_with("127.0.0.1:0", &args, &[("PGPASSWORD", PASSWORD)])
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = self
            .program("pg_ctl")
            .args(["-s", "-m", "immediate", "stop"])
            .status();
        drop(stopped);
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Debian keeps the server's programs beside the path, by version.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let folders = versions.map(|entry| entry.unwrap().path().join("bin"));
    let found = folders
        .filter(|folder| folder.join("initdb").exists())
        .max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    found
        .or_else(on_path)
        .expect("POSTGRES=1 wants PostgreSQL: apt-get install postgresql")
}

fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// A cluster with a phone's row and one of nobody's.
fn with_rows() -> (Cluster, tempfile::TempDir, String) {
    let cluster = Cluster::new();
    cluster.sql("phones", &format!("SET ROLE iax; {TABLES}"));
    let rows = ["alice", "bob"]
        .map(|name| format!("('{name}', 'peer', 'guest', '{SECRET}', 'dynamic', 'no')"));
    let insert =
        "INSERT INTO iaxpeers (name, type, username, secret, host, forceencryption) VALUES";
    cluster.sql("phones", &format!("{insert} {}", rows.join(", ")));
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path());
    (cluster, folder, config)
}

fn contact(cluster: &Cluster, name: &str) -> String {
    let select = format!("SELECT ipaddr || ':' || port FROM iaxpeers WHERE name = '{name}'");
    cluster.sql("phones", &select)
}

#[test]
fn a_phone_is_called_through_the_server_that_it_did_not_register_with() {
    if !is_asked_for("two servers on one PostgreSQL") {
        return;
    }
    let (cluster, folder, config) = with_rows();
    let trace = ["--log", "trace"];
    let (one, other) = (
        cluster.serve(&config, &trace),
        cluster.serve(&config, &trace),
    );
    let heard = folder.path().join("heard.wav");
    let nobody = ["call", &other.address, "alice/echo", "--record"];
    let nobody = [&nobody[..], &[heard.to_str().unwrap()]].concat();
    assert_eq!(client(&nobody, None).code, 6);
    let first = phone("alice", &one, folder.path());
    assert_eq!(contact(&cluster, "alice"), first.address);
    pause(Duration::from_millis(2_100));
    is_echoed(&other, "alice/echo", folder.path());
    first.wait_for("incoming call");
    // It moves to the other server, and is called there through the one.
    drop(first);
    let second = phone("alice", &other, folder.path());
    assert_eq!(contact(&cluster, "alice"), second.address);
    pause(Duration::from_millis(2_100));
    is_echoed(&one, "alice/echo", folder.path());
    second.wait_for("incoming call");
    // Both come back with what was stored last.
    for server in [one, other] {
        let id = server.id();
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap();
        let seen = String::from_utf8_lossy(&line).into_owned() + &server.log();
        assert!(!seen.contains(PASSWORD) && !seen.contains(SECRET), "{seen}");
        drop(server);
        let again = cluster.serve(&config, &[]);
        is_echoed(&again, "alice/echo", folder.path());
    }
}

#[test]
fn a_database_that_goes_and_comes_is_seen_and_harms_no_call() {
    if !is_asked_for("a PostgreSQL that stops and starts") {
        return;
    }
    let (cluster, folder, config) = with_rows();
    let server = cluster.serve(&config, &[]);
    assert_eq!(register(&server, "bob").code, 0);
    // A connection that was cut while nobody used it is made again, and nobody hears of it.
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'iaxproof'";
    cluster.sql("phones", cut);
    pause(Duration::from_millis(1_200));
    assert_eq!(register(&server, "bob").code, 0);
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    cluster.stop();
    pause(Duration::from_millis(1_200));
    for _ in 0..3 {
        let refused = register(&server, "bob");
        assert_ne!(refused.code, 0, "{refused:?}");
    }
    is_echoed(&server, "echo", folder.path());
    let log = server.log();
    let told = "the database does not answer";
    assert_eq!(log.matches(told).count(), 1, "{log}");
    assert!(log.contains(&cluster.address()), "{log}");
    cluster.start();
    let is_back = || register(&server, "bob").code == 0;
    wait_until("the database to be used again", is_back);
    assert!(server.log().contains("the database answers again"));
    let (one, log) = (cluster.address(), server.log());
    assert!(!log.contains(PASSWORD), "{log}");
    cluster.stop();
    let nowhere = client(
        &["serve", "--bind", "127.0.0.1:0", "--database", &one],
        None,
    );
    assert_eq!(nowhere.code, 1, "{nowhere:?}");
    let why = format!("cannot use the database {one}: ");
    assert!(nowhere.stderr.contains(&why), "{nowhere:?}");
    assert!(nowhere.stderr.contains("refused"), "{nowhere:?}");
}

/// Whether music of two seconds comes without a hole while something else is going on.
fn is_smooth(server: &Server, folder: &Path, meanwhile: impl FnOnce()) {
    let heard = folder.join("music.wav");
    let mut call = iaxproof()
        .args([
            "call",
            &server.address,
            "music",
            "--seconds",
            "2",
            "--record",
        ])
        .arg(&heard)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    meanwhile();
    assert!(end(&mut call).success());
    let heard = samples(&heard);
    let is_all = (heard.len() as f64 - 16_000.0).abs() < 2_000.0;
    let silent = heard
        .chunks_exact(400)
        .skip(4)
        .filter(|part| energy(part) < 1e4);
    assert!(is_all && silent.count() < 3, "{} samples", heard.len());
}

#[test]
fn a_slow_or_mute_database_holds_up_nobody_else() {
    if !is_asked_for("a PostgreSQL that is slow") {
        return;
    }
    let (cluster, folder, config) = with_rows();
    let server = cluster.serve(&config, &[]);
    assert_eq!(register(&server, "bob").code, 0);
    pause(Duration::from_millis(2_100));
    // Its row cannot be read for some seconds, nor a registration be stored.
    for table in ["iaxpeers", "iaxproof_registrations"] {
        is_smooth(&server, folder.path(), || {
            let mut lock = cluster.lock(table, 3);
            let refused = register(&server, "bob");
            assert_ne!(refused.code, 0, "{refused:?}{}", server.log());
            assert!(end(&mut lock).success());
        });
        wait_until("the database", || register(&server, "bob").code == 0);
    }
    let log = server.log();
    assert!(
        log.contains("does not answer") && log.contains("answers again"),
        "{log}"
    );
    // Its end of our connection says nothing more: another one is made.
    let ours = "SELECT pid FROM pg_stat_activity WHERE application_name = 'iaxproof'";
    let pid = cluster.sql("phones", ours);
    done(Command::new("kill").args(["-STOP", &pid]));
    pause(Duration::from_millis(1_200));
    is_smooth(&server, folder.path(), || {
        wait_until("another connection", || register(&server, "bob").code == 0);
    });
    assert!(
        server.log().contains("no answer in 1000 ms"),
        "{}",
        server.log()
    );
    done(Command::new("kill").args(["-CONT", &pid]));
}

#[test]
fn a_role_that_may_not_make_tables_or_write_columns_does_with_what_is_there() {
    if !is_asked_for("a PostgreSQL that allows little") {
        return;
    }
    let (cluster, folder, config) = with_rows();
    // The first server makes what is missing.
    drop(cluster.serve(&config, &[]));
    for sql in [
        "ALTER TABLE iaxpeers OWNER TO postgres",
        "GRANT SELECT ON iaxpeers TO iax",
        "ALTER DATABASE phones OWNER TO postgres",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ] {
        cluster.sql("phones", sql);
    }
    let server = cluster.serve(&config, &[]);
    let phone = phone("alice", &server, folder.path());
    let other = cluster.serve(&config, &[]);
    is_echoed(&other, "alice/echo", folder.path());
    phone.wait_for("incoming call");
    assert_eq!(contact(&cluster, "alice"), "");
}
