//! Where a PostgreSQL is and by which secret: the address that the option of `serve` names, in libpq's form, and the places where libpq looks
//! for a password. A password in the address itself is refused: whoever lists the processes of the machine reads it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::words;

/// The variables of libpq that hold a password, or name its file.
const PASSWORD: &str = "PGPASSWORD";
const FILE: &str = "PGPASSFILE";
/// libpq's file in the home of the user.
const FILE_AT_HOME: &str = ".pgpass";
/// PostgreSQL's port.
const PORT: u16 = 5432;
/// How an address looks.
const EXPECTED: &str = "postgres://USER@HOST:PORT/DATABASE is wanted, or postgres://USER@/DATABASE?host=/run/postgresql";

/// A database to connect to.
pub(in crate::store) struct Target {
    /// With the password.
    pub(super) config: Config,
    /// What operators call it: the address, of what is not secret.
    pub(in crate::store) name: String,
}

impl Target {
    /// Reads an address, and looks for a password.
    ///
    /// # Errors
    ///
    /// In words without any secret, where it is none, or asks for what is not built.
    pub(in crate::store) fn read(address: &str) -> Result<Self, String> {
        let parsed: Result<Config, tokio_postgres::Error> = address.parse();
        let mut config =
            parsed.map_err(|error| format!("--database: {}: {EXPECTED}", words(&error)))?;
        if config.get_password().is_some() {
            return Err(format!(
                "--database: no password there, for everybody can read the command line: {PASSWORD}, {FILE} or ~/{FILE_AT_HOME} has it"
            ));
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err("--database: no TLS is built in: the loopback, a Unix socket or a tunnel is encrypted or need not be".to_owned());
        }
        let user = config.get_user().map(str::to_owned);
        let host = config.get_hosts().first().cloned();
        let (Some(user), Some(host)) = (user, host) else {
            return Err(format!("--database: a user and a host: {EXPECTED}"));
        };
        let port = config.get_ports().first().copied().unwrap_or(PORT);
        let database = config.get_dbname().unwrap_or(&user).to_owned();
        let host = shown(&host);
        if let Some(password) = password([&host, &port.to_string(), &database, &user]) {
            config.password(password);
        }
        let name = format!("postgres://{user}@{host}:{port}/{database}");
        Ok(Target { config, name })
    }

    /// Whether it is on this machine, so that nobody listens in.
    pub(super) fn is_near(&self) -> bool {
        let is_near = |host: &Host| match host {
            Host::Tcp(name) if name == "localhost" => true,
            Host::Tcp(name) => name
                .parse()
                .is_ok_and(|ip: core::net::IpAddr| ip.is_loopback()),
            Host::Unix(_) => true,
        };
        self.config.get_hosts().iter().all(is_near)
    }
}

fn shown(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    }
}

/// The password for host, port, database and user, where libpq would look for it.
fn password(wanted: [&str; 4]) -> Option<String> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Some(password).filter(|password| !password.is_empty());
    }
    let named = std::env::var_os(FILE).map(PathBuf::from);
    let at_home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(FILE_AT_HOME));
    let path = named.or_else(at_home)?;
    let text = private(&path)?;
    text.lines().find_map(|line| of_line(line, wanted))
}

/// What is in a file of secrets. One that others may read is passed over, as libpq does, and so is one that is not there.
fn private(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, "others may read this file of passwords: it is not used (chmod 0600)");
        return None;
    }
    std::fs::read_to_string(path).ok()
}

/// The password of a line `host:port:database:user:password`, where `*` is anything and `\` lets the next character be itself.
fn of_line(line: &str, wanted: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in wanted {
        let (field, behind) = field(rest);
        rest = behind?;
        if field != wanted && field != "*" {
            return None;
        }
    }
    Some(field(rest).0)
}

/// A field without its escapes, and what stands behind its colon.
fn field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ':' => return (field, text.get(at + 1..)),
            '\\' => field.extend(characters.next().map(|(_, next)| next)),
            other => field.push(other),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_without_what_is_secret() {
        let read = |address: &str| Target::read(address).map(|target| target.name);
        assert_eq!(
            read("postgres://iax@db.example/phones").unwrap(),
            "postgres://iax@db.example:5432/phones"
        );
        assert_eq!(
            read("postgresql://iax@/phones?host=/run/postgresql&port=5433").unwrap(),
            "postgres://iax@/run/postgresql:5433/phones"
        );
        for (address, why) in [
            (
                "postgres://iax:hush-hush@db.example/phones",
                "no password there",
            ),
            (
                "postgres://iax@db.example/phones?password=hush-hush",
                "no password there",
            ),
            ("postgres://iax@db.example/phones?sslmode=require", "no TLS"),
            ("postgres:///phones", "a user and a host"),
            (
                "postgres://iax@db.example/phones?colour=hush-hush",
                "colour",
            ),
            ("postgres://iax:hush-hush@db.example:many/phones", "port"),
        ] {
            let said = read(address).unwrap_err();
            assert!(said.contains(why), "{said}");
            assert!(!said.contains("hush-hush"), "{said}");
        }
    }

    #[test]
    fn what_is_near_is_not_listened_to() {
        let is_near = |address: &str| Target::read(address).unwrap().is_near();
        assert!(is_near("postgres://iax@localhost/x") && is_near("postgres://iax@[::1]/x"));
        assert!(is_near("postgres://iax@127.0.0.1/x") && is_near("postgres://iax@/x?host=/run"));
        assert!(!is_near("postgres://iax@db.example/x"));
        assert!(!is_near("postgres://iax@localhost,db.example/x"));
    }

    #[test]
    fn a_line_of_passwords_is_read_as_libpq_does() {
        let wanted = ["db.example", "5432", "phones", "iax"];
        let password = |line| of_line(line, wanted);
        assert_eq!(
            password("db.example:5432:phones:iax:hush").as_deref(),
            Some("hush")
        );
        assert_eq!(
            password("*:*:*:iax:a\\:b\\\\c:rest").as_deref(),
            Some("a:b\\c")
        );
        assert_eq!(password("*:*:*:*:").as_deref(), Some(""));
        for other in [
            "# *:*:*:*:hush",
            "db.example:5433:phones:iax:hush",
            "*:*:*:other:hush",
            "*:*:*:iax",
            "",
        ] {
            assert_eq!(password(other), None, "{other}");
        }
    }
}
