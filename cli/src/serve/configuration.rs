//! Where the configuration comes from: a file in Asterisk's syntax, or the one that is built in. Names of hosts are looked
//! up when it is read.

use core::net::{IpAddr, SocketAddr};
use std::io::Write as _;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};

use iaxproof::config::{self, HostName, NoFiles, Parsed};

use crate::config::refused;
use crate::error::Error;

/// What is in the binary.
const BUILT_IN: &str = include_str!("iax.conf");

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
    /// [`Error::Usage`] where the file cannot be read, or with file, line and reason: nothing of a file with an error is used.
    pub(crate) fn load(&self, serial: u64) -> Result<Parsed, Error> {
        let mut parsed = match self {
            Source::BuiltIn => built_in()?,
            Source::File(path) => {
                let read = crate::config::read(path)?;
                read.map_err(|refusal| refused(path, &refusal))?
            }
        };
        parsed.resolve(look_up);
        for unresolved in &parsed.unresolved {
            let (place, host) = (&unresolved.place, &unresolved.host.name);
            tracing::warn!(%place, ?host, "the host has no address: the peer does not exist until a reload finds one");
        }
        for notice in parsed.notices() {
            tracing::debug!("{notice}");
        }
        count(&mut parsed, serial);
        Ok(parsed)
    }

    /// Says on standard output where the server listens, a line each, and how to try what is built in. Gives it in one line.
    pub(crate) fn greet(&self, locals: impl Iterator<Item = SocketAddr>) -> String {
        let locals: Vec<SocketAddr> = locals.collect();
        let mut out = std::io::stdout().lock();
        // A server goes on where nobody reads this.
        for local in &locals {
            let _ = writeln!(out, "listening on {local}");
        }
        if let (Source::BuiltIn, Some(local)) = (self, locals.first()) {
            let _ = writeln!(out, "{}", how_to_try(*local));
        }
        let locals: Vec<String> = locals.iter().map(SocketAddr::to_string).collect();
        format!("listening on {}", locals.join(", "))
    }
}

/// Every settings object says which accepted configuration it is of.
fn count(parsed: &mut Parsed, serial: u64) {
    let configuration = &mut parsed.configuration;
    configuration.general.serial = serial;
    for entry in &mut configuration.entries {
        entry.general.serial = serial;
    }
}

fn built_in() -> Result<Parsed, Error> {
    let source = config::Source {
        name: "built-in".to_owned(),
        octets: BUILT_IN.as_bytes().to_vec(),
    };
    let parsed = config::read(source, &NoFiles);
    parsed.map_err(|refusal| Error::Broke(refusal.to_string()))
}

/// The first address of a name, asked of the system.
fn look_up(host: &HostName) -> Option<IpAddr> {
    let mut found = (host.name.as_str(), host.port).to_socket_addrs().ok()?;
    found.next().map(|address| address.ip())
}

fn how_to_try(local: SocketAddr) -> String {
    let at = match local.port() {
        crate::net::PORT => local.ip().to_string(),
        _ => local.to_string(),
    };
    format!(
        "\
four phones, alice, bob, carol and dave (their secrets are alice-secret and so on; calls with dave may be encrypted), and the extensions echo and music
  iaxproof call {at} echo                    then ctrl-C, and listen to iaxproof-call.wav
  iaxproof call {at} music --seconds 5 --record music.wav
  IAXPROOF_SECRET=alice-secret iaxproof register {at} alice"
    )
}

#[cfg(test)]
mod tests {
    use iaxproof::engine::directory::Role;

    use super::*;

    #[test]
    fn the_built_in_configuration_has_four_phones_and_a_guest_and_stays_on_loopback() {
        let parsed = Source::BuiltIn.load(7).unwrap();
        let names = |role| {
            let entries = parsed.configuration.entries.iter();
            let of_role = entries.filter(move |entry| entry.role == role);
            of_role.map(|entry| entry.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(Role::Peer), ["alice", "bob", "carol", "dave"]);
        assert_eq!(
            names(Role::User),
            ["guest", "alice", "bob", "carol", "dave"]
        );
        for entry in &parsed.configuration.entries {
            let allows = |ip: &str| entry.access.allows(ip.parse().unwrap());
            assert!(allows("127.0.0.1") && allows("::1"), "{}", entry.name);
            assert!(!allows("192.0.2.1") && !allows("2001:db8::1"));
            assert_eq!(entry.general.serial, 7);
        }
    }
}
