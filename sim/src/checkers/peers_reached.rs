//! peer-reachability: a stated time after everything healed, a qualified peer that answers counts as reachable and one that does not as
//! unreachable, where its contact has stood long enough to be asked. And at any time a peer counts as what the endpoint last told of it, for
//! as long as its contact stands.
//!
//! A server with few call numbers may have none for a POKE: of such a one nothing is demanded.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::directory::Reachability;
use iaxproof::engine::event::Event;
use iaxproof::time::Instant;

use super::Checker;
use super::registrant_returns::NUMBERS_FEW;
use crate::accounts::account_of_name;
use crate::fact::{ContactSeen, Fact, QualifiedSeen};

/// How long a contact must have stood: a POKE waits for 12.5 s in a world, and the next comes six seconds after one that was not answered.
pub const ASKED: Duration = Duration::from_secs(25);

/// Follows where peers are, and looks once at what is thought of them.
#[derive(Clone, Debug, Default)]
pub struct PeersReached {
    /// By server and account: where, and since when.
    places: BTreeMap<(u8, u8), (SocketAddr, Instant)>,
    /// What the application was last told of a peer.
    told: BTreeMap<(u8, u8), Reachability>,
    is_scarce: bool,
}

impl PeersReached {
    fn seen(&mut self, now: Instant, server: u8, seen: &ContactSeen) -> Result<(), String> {
        let key = (server, seen.account);
        let address = seen.contact.map(|contact| contact.address);
        let stood = self.places.get(&key).map(|(address, _)| *address);
        if stood.is_some() && stood != address {
            self.places.remove(&key);
            self.told.remove(&key);
        }
        if let Some(address) = address {
            self.places.entry(key).or_insert((address, now));
        }
        // Of a row that was read again, or a contact that came anew, nothing is thought yet.
        if seen.reachability == Reachability::Unknown {
            self.told.remove(&key);
        }
        match self.told.get(&key) {
            Some(told) if !is_alike(*told, seen.reachability) => Err(format!(
                "server {server}: p{} counts as {:?}, and {told:?} was the last that was told of it",
                seen.account, seen.reachability
            )),
            _ => Ok(()),
        }
    }

    fn told(&mut self, server: u8, name: &str, reachability: Reachability) {
        if let Some(account) = account_of_name(name) {
            let key = (server, account);
            match reachability {
                Reachability::Unknown => drop(self.told.remove(&key)),
                told => drop(self.told.insert(key, told)),
            }
        }
    }

    fn judge(&self, now: Instant, server: u8, peer: &QualifiedSeen) -> Result<(), String> {
        let place = self.places.get(&(server, peer.account));
        let Some((address, _)) = place.filter(|(_, since)| now >= *since + ASKED) else {
            return Ok(());
        };
        let is_right = match peer.reachability {
            Reachability::Reachable(_) => peer.answers,
            Reachability::Unreachable => !peer.answers,
            Reachability::Unknown | Reachability::Lagged(_) => false,
        };
        if is_right || self.is_scarce {
            return Ok(());
        }
        let answers = if peer.answers {
            "answers"
        } else {
            "does not answer"
        };
        Err(format!(
            "server {server}: p{} at {address} {answers}, and counts as {:?}",
            peer.account, peer.reachability
        ))
    }
}

/// The time of an answer is not told where it changes nothing.
fn is_alike(one: Reachability, other: Reachability) -> bool {
    core::mem::discriminant(&one) == core::mem::discriminant(&other)
}

impl Checker for PeersReached {
    const PROPERTY: &'static str = "peer-reachability";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => {
                self.places.retain(|(of, _), _| of != server);
                self.told.retain(|(of, _), _| of != server);
            }
            Fact::Counted { limits, .. } => self.is_scarce |= limits.pool < NUMBERS_FEW,
            Fact::Told {
                server,
                event: Event::Reachability { name, reachability },
            } => self.told(*server, name.as_str(), *reachability),
            Fact::Contacts { server, contacts } => {
                let mut contacts = contacts.iter();
                return contacts.try_for_each(|seen| self.seen(now, *server, seen));
            }
            Fact::QualifiedDue { server, peers } => {
                return peers
                    .iter()
                    .try_for_each(|peer| self.judge(now, *server, peer));
            }
            _ => {}
        }
        Ok(())
    }
}
