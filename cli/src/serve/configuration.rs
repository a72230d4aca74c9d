//! Where the configuration comes from: a file in Asterisk's syntax, or the one that is built in.

use core::net::SocketAddr;
use std::path::{Path, PathBuf};

use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{Configuration, General, Name, Secret, Settings};

use crate::error::Error;

/// A place that a configuration is read from, again and again.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// What is in the binary.
    BuiltIn,
    /// This file.
    File(PathBuf),
}

impl Source {
    /// The file, if one is named.
    pub(crate) fn of(path: Option<&Path>) -> Self {
        path.map_or(Source::BuiltIn, |path| Source::File(path.to_owned()))
    }

    /// Reads the configuration; `serial` counts those that were accepted.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with file, line and reason; nothing of a file with an error is used.
    pub(crate) fn load(&self, serial: u64) -> Result<Configuration, Error> {
        match self {
            Source::BuiltIn => Ok(built_in(serial)),
            Source::File(path) => Err(Error::Usage(format!(
                "{}: the server does not read files yet",
                path.display()
            ))),
        }
    }

    /// Says on standard output where the server listens, a line each, and how to try what is built in.
    pub(crate) fn greet(&self, locals: impl Iterator<Item = SocketAddr>) {
        let locals: Vec<SocketAddr> = locals.collect();
        for local in &locals {
            println!("listening on {local}");
        }
        if let (Source::BuiltIn, Some(local)) = (self, locals.first()) {
            println!("{}", how_to_try(*local));
        }
    }
}

fn built_in(serial: u64) -> Configuration {
    let mut entries = vec![Settings::new(
        Role::User,
        Name::new("guest").expect("short"),
    )];
    for phone in ["alice", "bob", "carol"] {
        for role in [Role::Peer, Role::User] {
            let name = Name::new(phone).expect("short");
            let mut settings = Settings::new(role, name);
            settings.secrets = vec![Secret::new(&format!("{phone}-secret"))];
            entries.push(settings);
        }
    }
    let general = General {
        serial,
        ..General::default()
    };
    Configuration { general, entries }
}

fn how_to_try(local: SocketAddr) -> String {
    format!(
        "three phones (alice, bob, carol; the secret of alice is alice-secret), the extensions echo and music
  iaxproof call {local} music --record heard.wav --seconds 5
  iaxproof call {local} echo --send some.wav --record heard.wav
  IAXPROOF_SECRET=alice-secret iaxproof register {local} alice"
    )
}
