//! What is known of the target: its address, who may log in there, which extensions it has. The defaults are what
//! `iaxproof serve` has without `--config`.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::Args;
use iaxproof::engine::settings::Secret;

use crate::client::Target;
use crate::client::secret::VARIABLE;
use crate::error::Error;

/// The user that `serve` has without `--config`.
const USER: &str = "alice";
/// Its secret, which stands in `cli/src/serve/iax.conf`.
const USER_SECRET: &str = "alice-secret";
/// The one there whose calls may be encrypted.
const SECOND: &str = "dave";
const SECOND_SECRET: &str = "dave-secret";

/// What the target is, and what it has.
#[derive(Clone, Debug, Args)]
pub(super) struct SubjectArgs {
    /// What is judged: HOST or HOST:PORT.
    #[arg(long, value_name = "ADDR", required_unless_present = "list")]
    target: Option<Target>,
    /// A user that calls and registers, has a secret and may register from this machine.
    #[arg(long, value_name = "NAME", default_value = USER)]
    user: String,
    /// Read its secret from the first line of this file. Without it, IAXPROOF_SECRET is used; alice has that of `serve`.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A user without a secret; '' where there is none: then calls log in as --user.
    #[arg(long, value_name = "NAME", default_value = "guest")]
    guest: String,
    /// An extension that answers and keeps the call up.
    #[arg(long, value_name = "EXTEN", default_value = "echo")]
    extension: String,
    /// An extension that answers and sends back audio and text; '' where there is none.
    #[arg(long, value_name = "EXTEN", default_value = "echo")]
    echo: String,
    /// An extension that answers and sends audio of its own accord; '' where there is none.
    #[arg(long, value_name = "EXTEN", default_value = "music")]
    music: String,
    /// An extension that calls --user where it is registered, by default its name; '' where there is none.
    #[arg(long, value_name = "EXTEN")]
    reach: Option<String>,
    /// A second user as --user, but one whose calls may be encrypted; '' where there is none. It may be the same.
    #[arg(long, value_name = "NAME", default_value = SECOND)]
    second: String,
    /// Read its secret from the first line of this file. Without it, dave has that of `serve`, and --user its own.
    #[arg(long, value_name = "FILE")]
    second_secret_file: Option<PathBuf>,
    /// An extension that calls --second where it is registered, by default its name; '' where there is none.
    #[arg(long, value_name = "EXTEN")]
    second_reach: Option<String>,
    /// An extension that there is not.
    #[arg(long, value_name = "EXTEN", default_value = "no-such-extension")]
    unknown: String,
    /// How long an answer may take, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    timeout: u64,
    /// How long we listen where nothing may come, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(20..=60_000))]
    quiet: u64,
}

/// How long we wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// For an answer.
    pub(super) answer: Duration,
    /// Where nothing may come.
    pub(super) quiet: Duration,
}

/// A user whose calls may be encrypted.
#[derive(Debug)]
pub(super) struct Second {
    pub(super) name: String,
    /// None: what needs a login is skipped.
    pub(super) secret: Option<Secret>,
    pub(super) reach: Option<String>,
    /// As those of [`Subject`], for this user; unused where it is the same.
    logins: Mutex<()>,
    contact: Mutex<()>,
}

/// The target, as all checks see it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) address: SocketAddr,
    pub(super) user: String,
    /// None: what needs a login is skipped.
    pub(super) secret: Option<Secret>,
    pub(super) guest: Option<String>,
    pub(super) extension: String,
    pub(super) echo: Option<String>,
    pub(super) music: Option<String>,
    pub(super) reach: Option<String>,
    pub(super) second: Option<Second>,
    pub(super) unknown: String,
    pub(super) waits: Waits,
    /// Held while a login of a call is open: a server has few of them for one user (X-NUM-4).
    pub(super) logins: Mutex<()>,
    /// Held by who changes where the user is registered, or relies on it: there is one contact (X-REG-6).
    pub(super) contact: Mutex<()>,
}

impl Subject {
    /// What is held while a login of `--second` is open.
    pub(super) fn logins_of<'a>(&'a self, second: &'a Second) -> &'a Mutex<()> {
        match second.name == self.user {
            true => &self.logins,
            false => &second.logins,
        }
    }

    /// What is held by who changes where `--second` is registered, or relies on it.
    pub(super) fn contact_of<'a>(&'a self, second: &'a Second) -> &'a Mutex<()> {
        match second.name == self.user {
            true => &self.contact,
            false => &second.contact,
        }
    }
}

impl SubjectArgs {
    /// Looks the target up and reads the secret.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where the target has no address, [`Error::Io`] where the file cannot be read.
    pub(super) fn subject(&self) -> Result<Subject, Error> {
        let target = self.target.as_ref();
        let target = target.ok_or_else(|| Error::Usage("--target is wanted".to_owned()))?;
        let reach = self.reach.as_ref().unwrap_or(&self.user);
        Ok(Subject {
            address: target.resolve()?,
            user: self.user.clone(),
            secret: self.secret()?,
            guest: some(&self.guest),
            extension: self.extension.clone(),
            echo: some(&self.echo),
            music: some(&self.music),
            reach: some(reach),
            second: self.second()?,
            unknown: self.unknown.clone(),
            waits: Waits {
                answer: Duration::from_millis(self.timeout),
                quiet: Duration::from_millis(self.quiet),
            },
            logins: Mutex::new(()),
            contact: Mutex::new(()),
        })
    }

    fn secret(&self) -> Result<Option<Secret>, Error> {
        match (&self.secret_file, std::env::var(VARIABLE)) {
            (Some(path), _) => read(path),
            (None, Ok(text)) => Ok(first_line(&text)),
            (None, Err(_)) => Ok((self.user == USER).then(|| Secret::new(USER_SECRET))),
        }
    }

    fn second(&self) -> Result<Option<Second>, Error> {
        let Some(name) = some(&self.second) else {
            return Ok(None);
        };
        let secret = match &self.second_secret_file {
            Some(path) => read(path)?,
            None if name == self.user => self.secret()?,
            None => (name == SECOND).then(|| Secret::new(SECOND_SECRET)),
        };
        Ok(Some(Second {
            reach: some(self.second_reach.as_ref().unwrap_or(&name)),
            name,
            secret,
            logins: Mutex::new(()),
            contact: Mutex::new(()),
        }))
    }
}

fn read(path: &Path) -> Result<Option<Secret>, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::io("cannot read", path))?;
    Ok(first_line(&text))
}

fn first_line(text: &str) -> Option<Secret> {
    let line = text.lines().next().unwrap_or_default();
    (!line.is_empty()).then(|| Secret::new(line))
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
