//! peer-reachability: a stated time after everything healed, a qualified peer that answers counts as reachable and one that does not as
//! unreachable, where its contact has stood long enough to be asked.
//!
//! A server with few call numbers may have none for a POKE: of such a one nothing is demanded.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::directory::Reachability;
use iaxproof::time::Instant;

use super::Checker;
use super::registrant_returns::NUMBERS_FEW;
use crate::fact::{ContactSeen, Fact, QualifiedSeen};

/// How long a contact must have stood: a POKE waits for 12.5 s in a world, and the next comes six seconds after one that was not answered.
pub const ASKED: Duration = Duration::from_secs(25);

/// Follows where peers are, and looks once at what is thought of them.
#[derive(Clone, Debug, Default)]
pub struct PeersReached {
    /// By server and account: where, and since when.
    places: BTreeMap<(u8, u8), (SocketAddr, Instant)>,
    is_scarce: bool,
}

impl PeersReached {
    fn seen(&mut self, now: Instant, server: u8, contacts: &[ContactSeen]) {
        for seen in contacts {
            let key = (server, seen.account);
            match seen.contact {
                None => drop(self.places.remove(&key)),
                Some(contact) => {
                    let place = self.places.entry(key).or_insert((contact.address, now));
                    if place.0 != contact.address {
                        *place = (contact.address, now);
                    }
                }
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

impl Checker for PeersReached {
    const PROPERTY: &'static str = "peer-reachability";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => self.places.retain(|(of, _), _| of != server),
            Fact::Counted { limits, .. } => self.is_scarce |= limits.pool < NUMBERS_FEW,
            Fact::Contacts { server, contacts } => self.seen(now, *server, contacts),
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
