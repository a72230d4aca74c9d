//! Where a secret comes from: a file, the environment, or the terminal. Never the command line, which every user of the
//! machine can read.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use iaxproof::engine::settings::Secret;

use crate::error::Error;

/// The variable that may hold the secret.
pub(crate) const VARIABLE: &str = "IAXPROOF_SECRET";

/// How the secret is given.
#[derive(Clone, Debug, Args)]
pub(super) struct SecretArgs {
    /// Read the secret from the first line of this file. Without it, IAXPROOF_SECRET is used, then standard input.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretArgs {
    /// The secret of `user`; none where what is given is empty.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file or the terminal cannot be read.
    pub(super) fn read(&self, user: &str) -> Result<Vec<Secret>, Error> {
        let text = match (&self.secret_file, std::env::var(VARIABLE)) {
            (Some(path), _) => from_file(path)?,
            (None, Ok(text)) => text,
            (None, Err(_)) => from_input(user)?,
        };
        let text = text.lines().next().unwrap_or_default();
        Ok(match text {
            "" => Vec::new(),
            text => vec![Secret::new(text)],
        })
    }
}

fn from_file(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(Error::io("cannot read", path))
}

/// Asks without an echo on a terminal, and reads a line elsewhere.
fn from_input(user: &str) -> Result<String, Error> {
    let input = std::io::stdin();
    let read = if input.is_terminal() {
        rpassword::prompt_password(format!("secret of {user}: "))
    } else {
        let mut line = String::new();
        input.lock().read_line(&mut line).map(|_| line)
    };
    read.map_err(Error::io("cannot read", Path::new("standard input")))
}
