//! How a world stands: what checkers are shown after each event of a server, and at the end.

use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::{Contact, Directory, Reachability, Role};
use iaxproof::engine::settings::Configuration;
use iaxproof::time::Instant;
use iaxproof::wire::CallNumber;

use super::World;
use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::fact::{ContactSeen, Fact, Settlement};
use crate::node::client::Client;
use crate::node::dialogue::{Dialogue, Phase};
use crate::plan::ENGINE;

/// At every how manieth look an unchanged contact is looked up by its address.
const ADDRESS_LOOKS_EVERY: u64 = 8;

impl<D: Directory + Administer + Observe + Clone> World<D> {
    /// Shows the checkers how a server stands.
    pub(super) fn look_at(&mut self, server: u8) {
        let now = self.queue.now();
        self.look_at_unvalidated(server);
        let before = core::mem::take(&mut self.contacts[usize::from(server)]);
        let contacts = self.gather_contacts(now, server, &before);
        self.see(&Fact::Contacts {
            server,
            contacts: &contacts,
        });
        self.contacts[usize::from(server)] = contacts;
        self.looks += 1;
        self.show_objects(server);
        for report in self.servers[usize::from(server)].directory.faults() {
            self.see(&Fact::Fault {
                server,
                report: &report,
            });
        }
    }

    /// What a directory counts, for people. With threads its references are not asked for: the answer takes locks, and would be a
    /// step of the schedule.
    fn show_objects(&mut self, server: u8) {
        if self.observers.recorded().is_none() {
            return;
        }
        let directory = &self.servers[usize::from(server)].directory;
        let is_alone = self.plan.engine == ENGINE;
        let references = is_alone.then(|| directory.references()).flatten();
        let live = directory.live_objects();
        let references = references.map(|it| it.held);
        self.observers
            .tell_objects(self.queue.now(), server, live, references);
    }

    fn look_at_unvalidated(&mut self, server: u8) {
        let max = usize::from(self.plan.options.unvalidated_max);
        let count = self.servers[usize::from(server)].directory.unvalidated();
        if let Some(count) = count.filter(|_| max > 0) {
            self.see(&Fact::Unvalidated { server, count, max });
        }
    }

    /// Where every account of a server is. What has not changed is looked up by its address now and then only.
    fn gather_contacts(
        &self,
        now: Instant,
        server: u8,
        before: &[ContactSeen],
    ) -> Vec<ContactSeen> {
        let node = &self.servers[usize::from(server)];
        let is_thorough = self.looks.is_multiple_of(ADDRESS_LOOKS_EVERY);
        let mut contacts = Vec::with_capacity(before.len());
        node.directory
            .visit_peers(now, &mut |name, contact, reachability| {
                let Some(account) = accounts::account_of_name(name.as_str()) else {
                    return;
                };
                let mut seen = ContactSeen {
                    account,
                    contact,
                    reachability,
                    is_found_by_address: true,
                };
                let is_same = |it: &ContactSeen| (it.account, it.contact) == (account, contact);
                let was_found = before
                    .iter()
                    .any(|it| is_same(it) && it.is_found_by_address);
                if is_thorough || !was_found {
                    let address = contact.map(|contact| contact.address);
                    let is_found = |at| node.directory.find_peer_at(at, now).is_some();
                    seen.is_found_by_address = address.is_none_or(is_found);
                }
                contacts.push(seen);
            });
        for account in 0..self.plan.topology.clients {
            let is_here = self.plan.topology.server_of(account) == server;
            if is_here && !contacts.iter().any(|seen| seen.account == account) {
                contacts.push(ContactSeen {
                    account,
                    contact: self.contact_to_come(now, server, account),
                    reachability: Reachability::Unknown,
                    is_found_by_address: true,
                });
            }
        }
        contacts.sort_unstable_by_key(|seen| seen.account);
        contacts
    }

    /// Where an account that is not linked would be found when it is looked up.
    fn contact_to_come(&self, now: Instant, server: u8, account: u8) -> Option<Contact> {
        let node = &self.servers[usize::from(server)];
        let row = node.database.contact(account, now);
        if !self.plan.topology.is_realtime(account) || !node.database.has_row(account) {
            return None;
        }
        let parked = node.directory.parked(&accounts::name(account));
        let holds = |contact: &Contact| contact.deadline.is_none_or(|deadline| now < deadline);
        parked.map_or(row, |contact| contact.filter(holds))
    }

    /// Every call must be up on both sides or gone on both.
    pub(super) fn settle(&mut self) {
        let mut unsettled = Vec::new();
        for (index, client) in self.clients.iter().enumerate() {
            let calls = client.calls().filter(|(_, call)| call.phase != Phase::Up);
            for (local, call) in calls {
                unsettled.push(format!(
                    "call {local} of client {index} is {:?}",
                    call.phase
                ));
            }
            for (local, call) in client.calls() {
                if call.peer != client.server() && !self.has_other_end(client, local, call) {
                    unsettled.push(format!(
                        "call {local} of client {index} went over to {}, where it is not",
                        call.peer
                    ));
                }
            }
            let at_server = |call: &Dialogue| call.peer == client.server();
            let up = client.calls().filter(|(_, call)| at_server(call)).count();
            let offered = self
                .servers
                .iter()
                .flat_map(|node| node.application.calls.values());
            let theirs = offered
                .filter(|call| call.from == Some(client.address))
                .count();
            if up != theirs {
                unsettled.push(format!(
                    "client {index} has {up} calls up, and its server {theirs}"
                ));
            }
        }
        for (server, node) in self.servers.iter().enumerate() {
            let awaited = node.application.awaited.iter();
            for (call, awaited) in awaited.filter(|(_, awaited)| !awaited.is_answered) {
                unsettled.push(format!(
                    "call {call} of server {server} to p{}, placed when all was calm, was not answered",
                    awaited.account
                ));
            }
        }
        let settlement = Settlement {
            healed_at: self.heal_at,
            unsettled,
        };
        self.see(&Fact::Settled(&settlement));
    }

    /// Whether a call that went over is up on the other side too.
    fn has_other_end(&self, client: &Client, local: CallNumber, call: &Dialogue) -> bool {
        let mut others = self.clients.iter();
        let Some(other) = others.find(|other| other.address == call.peer) else {
            return false;
        };
        other.calls().any(|(number, theirs)| {
            let ends = (number, theirs.reliable.remote(), theirs.peer);
            ends == (call.reliable.remote(), local, client.address)
        })
    }

    pub(super) fn hang_up_all(&mut self) {
        let now = self.queue.now();
        for index in 0..self.plan.topology.clients {
            let client = &mut self.clients[usize::from(index)];
            client.stop_renewing();
            client.hang_up_all(now);
            self.flush_client(index);
        }
        (0..self.plan.topology.servers).for_each(|server| self.give_up_outward(server));
    }

    pub(super) fn rest(&mut self) {
        for server in 0..self.plan.topology.servers {
            self.look_at(server);
            let node = &self.servers[usize::from(server)];
            let counts = node.counts.iter().copied();
            let counts = counts.fold(Counts::default(), |all, counts| all + counts);
            let references = node.directory.references();
            self.see(&Fact::AtRest {
                server,
                counts: &counts,
                references,
            });
        }
        // What is left are timers of registrations that have not lapsed: the endpoints go now.
        self.queue = self.queue.at_rest();
    }

    /// Empties a directory whose endpoint is gone, and says what is left.
    pub(super) fn shut_down(&mut self, server: u8) {
        if self.observers.violation().is_some() {
            return;
        }
        let directory = self.servers[usize::from(server)].directory.clone();
        // What is on its way to the database gets there.
        let sent = core::mem::take(&mut self.servers[usize::from(server)].writes.sent);
        let asked = core::iter::from_fn(|| directory.poll_write());
        for write in sent.into_iter().chain(asked.collect::<Vec<_>>()) {
            directory.stored(write.name.as_str(), write.generation);
        }
        directory.reload(Configuration::default());
        for client in 0..self.plan.topology.clients {
            let name = accounts::name(client);
            directory.prune(Role::Peer, &name);
            directory.prune(Role::User, &name);
        }
        let live_objects = directory.live_objects();
        let report = if live_objects > 0 {
            directory.ledger_report()
        } else {
            String::new()
        };
        self.see(&Fact::ShutDown {
            server,
            live_objects,
            report: &report,
        });
    }
}
