//! `register =>`: the places where we register (chan_iax2: `iax2_register`).

use core::net::SocketAddr;

use super::error::Place;
use super::value::{self, Expected, PORT};
use crate::engine::settings::Secret;

/// A registration that we are to keep up with somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// As whom.
    pub username: String,
    /// What a challenge is answered with.
    pub secret: Option<Secret>,
    /// Where.
    pub remote: Remote,
    /// The line that asks for it.
    pub place: Place,
}

/// A place in the network: known, or known once somebody has looked its name up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remote {
    /// An address.
    Address(SocketAddr),
    /// A name.
    Name(HostName),
}

/// A host that is given by name. Nothing here asks the DNS: whoever reads the configuration does, see
/// [`Parsed::resolve`](super::Parsed::resolve).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// The name.
    pub name: String,
    /// The port.
    pub port: u16,
}

impl Remote {
    /// An address or a name, each perhaps with a port.
    pub(super) fn read(text: &str, port: u16) -> Option<Remote> {
        let named = || {
            let (name, port) = value::host_name(text, port)?;
            Some(Remote::Name(HostName {
                name: name.to_owned(),
                port,
            }))
        };
        value::address(text, port)
            .map(Remote::Address)
            .or_else(named)
    }
}

const EXPECTED: Expected = "user[:secret]@host[:port]";

/// Reads `user[:secret]@host[:port]`; `None` where the secret is a key of RSA in brackets, `[key]`. A secret may hold `@`, a user
/// may not hold `:`.
pub(super) fn read(text: &str, place: Place) -> Result<Option<Registration>, Expected> {
    let (login, host) = text.rsplit_once('@').ok_or(EXPECTED)?;
    let (username, secret) = match login.split_once(':') {
        Some((username, secret)) => (username, secret),
        None => (login, ""),
    };
    if username.is_empty() {
        return Err(EXPECTED);
    }
    let remote = Remote::read(host, PORT).ok_or(EXPECTED)?;
    if secret.starts_with('[') && secret.ends_with(']') {
        return Ok(None);
    }
    let secret = match secret {
        "" => None,
        secret => Some(value::secret(secret)?),
    };
    Ok(Some(Registration {
        username: value::text(username)?,
        secret,
        remote,
        place,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(text: &str) -> Option<(String, bool, Remote)> {
        let place = Place {
            file: "test".to_owned(),
            line: 1,
        };
        let read = read(text, place).unwrap()?;
        Some((read.username, read.secret.is_some(), read.remote))
    }

    #[test]
    fn logins_and_hosts_in_all_their_spellings() {
        let address = |text: &str| Remote::Address(text.parse().unwrap());
        let name = HostName {
            name: "pbx.example".to_owned(),
            port: 5036,
        };
        for (text, secret, remote) in [
            ("ann@192.0.2.1", false, address("192.0.2.1:4569")),
            ("ann:s@[2001:db8::1]:7", true, address("[2001:db8::1]:7")),
            ("ann:s@cr:t@192.0.2.1", true, address("192.0.2.1:4569")),
            ("ann:s@pbx.example:5036", true, Remote::Name(name)),
        ] {
            assert_eq!(registration(text), Some(("ann".to_owned(), secret, remote)));
        }
        assert_eq!(registration("ann:[key]@192.0.2.1"), None);
        for text in ["ann", "@192.0.2.1", "ann@", "ann@a b", "ann@host:port"] {
            let place = Place {
                file: "test".to_owned(),
                line: 1,
            };
            assert_eq!(read(text, place), Err(EXPECTED), "{text}");
        }
    }
}
