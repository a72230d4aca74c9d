//! no-leak, of the watches over qualified peers: each holds a peer, and ends with its contact, whoever took that away: the peer itself,
//! time, the operator, a reload, the eviction of its row. Until its poke timer fires a watch may outlive the contact, and
//! where another worker is told a newer one, or reads the row anew, there are two for as long. At rest no POKE is out but to whom may be watched.
//!
//! A server with few call numbers may have none for the POKE that would show that a row was evicted: its watches end when their contacts
//! would have lapsed, and are not judged before all is at rest.

use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::event::Event;
use iaxproof::time::Instant;

use super::Checker;
use super::registrant_returns::NUMBERS_FEW;
use crate::accounts::account_of_name;
use crate::fact::{ContactSeen, Fact};
use crate::plan::Topology;

/// How long a watch may outlive the contact: from one POKE to the next, and as long as that one waits. So long where a row was evicted,
/// for that shows when a POKE is answered or not.
pub const OUTLIVES: Duration = Duration::from_secs(29);

/// Remembers when each qualified peer had a contact last.
#[derive(Clone, Debug, Default)]
pub struct WatchesEnd {
    /// With the server of each.
    qualified: BTreeMap<u8, u8>,
    had: BTreeMap<(u8, u8), Instant>,
    /// What servers watch.
    watched: BTreeMap<(u8, u8), usize>,
    /// Whether servers have several workers.
    has_workers: bool,
    /// When a server was told a contact, or lost a row: another worker may watch what comes then.
    changes: Vec<(u8, Instant)>,
    is_scarce: bool,
}

impl WatchesEnd {
    /// Of the peers of this topology that are qualified.
    pub fn new(topology: &Topology) -> Self {
        WatchesEnd {
            qualified: topology
                .qualified
                .iter()
                .map(|account| (*account, topology.server_of(*account)))
                .collect(),
            has_workers: topology.workers() > 1,
            ..WatchesEnd::default()
        }
    }

    fn seen(&mut self, now: Instant, server: u8, contacts: &[ContactSeen]) {
        for seen in contacts.iter().filter(|seen| seen.contact.is_some()) {
            if self.qualified.contains_key(&seen.account) {
                self.had.insert((server, seen.account), now);
            }
        }
    }

    /// A process begins with what its database has, and that may be gone before anybody looks.
    fn restarted(&mut self, now: Instant, server: u8) {
        self.had.retain(|(of, _), _| *of != server);
        let its = self.qualified.iter().filter(|(_, of)| **of == server);
        self.had
            .extend(its.map(|(account, _)| ((server, *account), now)));
        self.watched.retain(|(of, _), _| *of != server);
    }

    fn may_be(&self, now: Instant, server: u8) -> usize {
        let here = self.had.iter().filter(|((of, _), _)| *of == server);
        here.filter(|(_, had)| now <= **had + OUTLIVES).count()
    }

    /// A worker that watches a contact learns when it asks again that another worker was told a newer one, or read the row anew.
    fn may_be_twice(&self, now: Instant, server: u8) -> usize {
        let is_fresh = |at: Instant| now <= at + OUTLIVES;
        let changes = self.changes.iter();
        changes
            .filter(|(of, at)| *of == server && is_fresh(*at))
            .count()
    }

    /// A contact of a server is another one, or will be read anew: from then on it may be another worker that watches.
    fn changed(&mut self, now: Instant, server: u8) {
        if self.has_workers {
            self.changes.push((server, now));
        }
    }

    fn count(&self, now: Instant, server: u8) -> Result<(), String> {
        let may_be = self.may_be(now, server) + self.may_be_twice(now, server);
        let its = self.watched.range((server, 0)..=(server, u8::MAX));
        let watched: usize = its.map(|(_, watched)| watched).sum();
        if watched <= may_be || self.is_scarce {
            return Ok(());
        }
        Err(format!(
            "server {server}: {watched} peers are watched, where {may_be} have a contact or had one a moment ago"
        ))
    }
}

impl Checker for WatchesEnd {
    const PROPERTY: &'static str = "no-leak";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => self.restarted(now, *server),
            Fact::Counted {
                server,
                worker,
                counts,
                limits,
            } => {
                self.watched.insert((*server, *worker), counts.watched);
                self.is_scarce |= limits.pool < NUMBERS_FEW;
            }
            Fact::AtRest { server, counts, .. } => {
                let may_be = self.may_be(now, *server);
                if counts.pokes > may_be {
                    let pokes = counts.pokes;
                    return Err(format!(
                        "server {server}: {pokes} POKEs are out at rest, where {may_be} peers may be asked"
                    ));
                }
            }
            // Where a thread stalls nobody looks for a while.
            Fact::Told {
                server,
                event: Event::Registered { name, .. },
            } => {
                let account = account_of_name(name.as_str());
                if let Some(account) = account.filter(|it| self.qualified.contains_key(it)) {
                    self.had.insert((*server, account), now);
                    self.changed(now, *server);
                }
            }
            Fact::Evicted { server, account } if self.qualified.contains_key(account) => {
                self.changed(now, *server);
            }
            // What is cached goes.
            Fact::Reloaded { server, .. } => {
                let its = self.qualified.values().filter(|of| *of == server);
                (0..its.count()).for_each(|_| self.changed(now, *server));
            }
            Fact::Contacts { server, contacts } => {
                self.seen(now, *server, contacts);
                return self.count(now, *server);
            }
            _ => {}
        }
        Ok(())
    }
}
