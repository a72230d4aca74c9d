//! The client: one call, or one registration, over the same endpoint as the server's.
//!
//! - [`call`]: `iaxproof call`, and its words for the end of one. [`register`]: `iaxproof register`. [`heard`]: the recording of a call. [`outcome`]: exit codes. [`secret`]: where secrets come
//!   from. [`interrupt`]: ctrl-C ends a call, not the process.
//! - Here: what the subcommands share.

pub(crate) mod call;
mod heard;
pub(crate) mod interrupt;
mod outcome;
pub(crate) mod register;
pub(crate) mod secret;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;
use std::net::ToSocketAddrs;
use std::sync::Arc;

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::engine::EndpointOptions;
use iaxproof::engine::directory::TokenKey;
use iaxproof::registry::{HashKey, Std};

use crate::clock::Clock;
use crate::error::Error;
use crate::net::{Node, PORT, random};

/// A client's endpoint has no peers and no users: who calls it is refused.
pub(crate) type ClientNode = Node<Arc<Catalog<Std>>>;

/// `HOST` or `HOST:PORT`; an IPv6 address with a port stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = |address: SocketAddr| Target {
            host: address.ip().to_string(),
            port: address.port(),
        };
        if let Ok(with_port) = text.parse() {
            return Ok(address(with_port));
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(address((ip, PORT).into()));
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (text, Some(PORT)),
        };
        match port {
            Some(port) if !host.is_empty() => Ok(Target {
                host: host.to_owned(),
                port,
            }),
            _ => Err("HOST or HOST:PORT is wanted".to_owned()),
        }
    }
}

impl Target {
    /// Its first address.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where the name has none.
    pub(crate) fn resolve(&self) -> Result<SocketAddr, Error> {
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        let mut found = found.map_err(|error| Error::Usage(format!("{}: {error}", self.host)))?;
        let nowhere = || Error::Usage(format!("{} has no address", self.host));
        found.next().ok_or_else(nowhere)
    }
}

/// An endpoint for one dialogue with `remote`, on a port that the system chooses.
///
/// # Errors
///
/// [`Error::Broke`] where the operating system refuses a socket.
pub(crate) fn node(clock: Clock, remote: SocketAddr) -> Result<ClientNode, Error> {
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let catalog = Catalog::new(CatalogOptions {
        hash_key: HashKey(0, 0),
        shards: 1,
        container: Kind::Hash,
        token_key: TokenKey(random()?),
        database: false,
        dialogues_max: 32_766,
        ledger: Default::default(),
    });
    let options = EndpointOptions::default();
    let seed = random()?;
    Node::new(
        clock,
        &[(any, 0).into()],
        (options, seed),
        Arc::new(catalog),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_or_without_a_port() {
        let target = |host: &str, port| {
            Ok(Target {
                host: host.to_owned(),
                port,
            })
        };
        assert_eq!("pbx.example".parse(), target("pbx.example", 4569));
        assert_eq!("pbx.example:4570".parse(), target("pbx.example", 4570));
        assert_eq!("192.0.2.1:4570".parse(), target("192.0.2.1", 4570));
        assert_eq!("::1".parse(), target("::1", 4569));
        assert_eq!("[::1]".parse(), target("::1", 4569));
        assert_eq!("[::1]:4570".parse(), target("::1", 4570));
        assert!("pbx.example:iax".parse::<Target>().is_err());
        assert!(":4569".parse::<Target>().is_err());
    }
}
