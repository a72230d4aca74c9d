//! Peers that are asked whether they are there: what the application does about it, and what is thought of them in the end.

use core::time::Duration;

use iaxproof::engine::directory::{Directory, Lookup, Role};

use super::World;
use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::fact::{Fact, QualifiedSeen};

/// How long after healing it must be known which peers answer: of a contact that has stood for 25 s then.
pub const QUALIFIED: Duration = Duration::from_secs(40);

impl<D: Directory + Administer + Observe + Clone> World<D> {
    /// The accounts of a server that are qualified.
    pub(super) fn qualified_of(&self, server: u8) -> impl Iterator<Item = u8> + use<'_, D> {
        let topology = &self.plan.topology;
        let qualified = topology.qualified.iter().copied();
        qualified.filter(move |account| topology.server_of(*account) == server)
    }

    /// Shows what is thought of those of the configuration. Those of the database are watched when they are cached only.
    pub(super) fn see_qualified_due(&mut self) {
        for server in 0..self.plan.topology.servers {
            let peers: Vec<_> = self
                .qualified_of(server)
                .filter(|account| !self.is_unwatched(*account))
                .filter_map(|account| self.qualified_seen(server, account))
                .collect();
            let peers = &peers;
            self.see(&Fact::QualifiedDue { server, peers });
        }
    }

    /// An open peer that registers without a token has not shown that it receives, and is not asked.
    fn is_unwatched(&self, account: u8) -> bool {
        let topology = &self.plan.topology;
        let is_open = account == accounts::WITHOUT_SECRET;
        let is_tokenless = topology.uses(&topology.tokenless, account);
        topology.is_realtime(account) || (is_open && is_tokenless)
    }

    fn qualified_seen(&self, server: u8, account: u8) -> Option<QualifiedSeen> {
        let directory = &self.servers[usize::from(server)].directory;
        let Lookup::Found(handle) = directory.find(Role::Peer, &accounts::name(account)) else {
            return None;
        };
        let client = self.client_there(server, account);
        Some(QualifiedSeen {
            account,
            answers: client.is_some_and(|client| !client.is_mute()),
            reachability: directory.reachability(&handle).ok()?,
        })
    }
}
