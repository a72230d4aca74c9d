//! What clients and operators do in a world.

use core::net::SocketAddr;
use iaxproof::catalog::Unregistered;
use iaxproof::engine::directory::{Directory, Lookup, Role};
use iaxproof::engine::{CallId, Calling, Error};

use super::{CALM, Happening, World, server_address};
use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::decide::{Domain, Key};
use crate::fact::{AccountState, Fact, Mark};
use crate::goals::Goal;
use crate::node::client::Client;
use crate::node::dialler::{Awaited, Placed};
use crate::node::server::Act;
use crate::plan::{Actor, Operation, What};
use crate::spoof;

impl<D: Directory + Administer + Observe> World<'_, D> {
    pub(super) fn operate(&mut self, operation: Operation) {
        let now = self.queue.now();
        match operation.actor {
            Actor::Client(index) => {
                let is_calm = self.is_calm();
                let client = &mut self.clients[usize::from(index)];
                match operation.what {
                    What::Register { refresh_s } => client.register(now, refresh_s),
                    What::Release => client.release(now),
                    What::Call | What::CallPeer { .. } => {
                        let options = &self.plan.options;
                        let mut moods = Self::moods(options, &mut self.decisions, is_calm);
                        client.call(now, called_account(operation.what), &mut moods);
                    }
                    What::Talk { frames } => client.speak(now, frames, false),
                    What::Type { frames } => client.speak(now, frames, true),
                    What::HangUp => client.hang_up(now),
                    What::Rebind => {
                        client.rebind(now);
                        self.observers.reach(Goal::Rebound);
                    }
                    What::Spoof { kind } => self.spoof(index, kind),
                    _ => {}
                }
                self.flush_client(index);
            }
            // It does what it decides about requests, and nothing by itself.
            Actor::Registrar => {}
            Actor::Server(server) => {
                self.administer(server, operation.what);
                self.flush_server(server);
            }
        }
    }

    pub(super) fn administer(&mut self, server: u8, what: What) {
        match what {
            What::Dial { client } => self.dial(server, client, None),
            What::Reload { configuration } => self.reload(server, usize::from(configuration)),
            What::Prune { client } => self.prune(server, client),
            What::Unregister { client } => self.unregister(server, client),
            What::Restart => self.restart(server),
            What::EditRow { client, row } => {
                let node = &mut self.servers[usize::from(server)];
                if node.database.edit(client, row) {
                    self.see(&Fact::RowEdited {
                        server,
                        account: client,
                        row,
                    });
                }
            }
            _ => {}
        }
    }

    /// The application calls the peer of an account, for itself or for a caller.
    pub(super) fn dial(&mut self, server: u8, account: u8, caller: Option<CallId>) {
        let now = self.queue.now();
        let node = &mut self.servers[usize::from(server)];
        let outcome = node
            .endpoint
            .call_peer(now, &accounts::name(account), "phone");
        self.see(&Fact::Dialled {
            server,
            account,
            outcome,
        });
        match outcome {
            Ok(Calling::Call(call)) => self.follow_call(server, account, call, caller),
            Ok(Calling::Asked(query)) => {
                self.observers.reach(Goal::DialledAsked);
                let node = &mut self.servers[usize::from(server)];
                node.application.asked(query, account, caller);
            }
            Err(error) => self.dialled_nobody(server, error, caller),
        }
    }

    /// There is nobody to call: a caller is told.
    pub(super) fn dialled_nobody(&mut self, server: u8, error: Error, caller: Option<CallId>) {
        match error {
            Error::UnknownPeer | Error::NoContact => self.observers.reach(Goal::DialledNobody),
            Error::PeerUnreachable => self.observers.reach(Goal::DialledUnreachable),
            _ => {}
        }
        if let Some(caller) = caller {
            let act = Happening::Act(self.process(server), caller, Act::HangUp);
            self.queue.schedule(self.queue.now(), act);
        }
    }

    /// Bridges a call and its caller.
    pub(super) fn bridge(&mut self, server: u8, call: CallId) {
        let now = self.queue.now();
        let node = &mut self.servers[usize::from(server)];
        let Some(caller) = node.application.partner(call) else {
            return;
        };
        // One of the two may be over already.
        if node.endpoint.bridge(now, caller, call).is_ok() {
            node.application.set_bridged([caller, call]);
            let calls = [caller, call];
            self.see(&Fact::Bridged { server, calls });
            self.observers.reach(Goal::Bridged);
        }
    }

    /// Takes a call and its caller apart again.
    pub(super) fn unbridge(&mut self, server: u8, call: CallId) {
        let now = self.queue.now();
        let node = &mut self.servers[usize::from(server)];
        if node.endpoint.unbridge(now, call).is_ok() {
            node.application.set_apart(call);
            self.see(&Fact::Unbridged { server, call });
            self.observers.reach(Goal::Unbridged);
        }
    }

    /// Connects the other sides of a call and its caller with each other; either of the two leads.
    pub(super) fn transfer(&mut self, server: u8, call: CallId) {
        let now = self.queue.now();
        let node = &mut self.servers[usize::from(server)];
        let Some(caller) = node.application.partner(call) else {
            return;
        };
        let (first, second) = match call.local().get() % 2 {
            0 => (call, caller),
            _ => (caller, call),
        };
        // They may be apart already, or one of them encrypted.
        if node.endpoint.transfer(now, first, second).is_ok() {
            self.observers.reach(Goal::TransferBegun);
        }
    }

    /// A call was placed: the application follows it. When all is calm, a peer that is there must answer.
    pub(super) fn follow_call(
        &mut self,
        server: u8,
        account: u8,
        call: CallId,
        caller: Option<CallId>,
    ) {
        let (now, is_calm) = (self.queue.now(), self.is_calm());
        // A process that begins anew may use a number of a call that the client has not given up yet, where there are few.
        let is_anew = self.servers[usize::from(server)].incarnation > 0;
        let is_ambiguous = is_anew && self.plan.options.call_numbers > 0;
        let is_due = now >= self.heal_at + CALM && !is_ambiguous;
        // Who must be called encrypted has a secret to prove, and where that was changed it does not answer.
        let is_forced = self.plan.topology.forced.contains(&account);
        let is_plain = !is_forced || self.is_plain(server, account);
        let must_answer = is_due && is_plain && self.is_there(server, account);
        self.observers.reach(Goal::Dialled);
        let application = &mut self.servers[usize::from(server)].application;
        if must_answer {
            let is_answered = false;
            let awaited = Awaited {
                account,
                is_answered,
            };
            application.awaited.insert(call, awaited);
        }
        let acts = application.placed(call, caller, is_calm, &mut self.decisions);
        for (delay, call, act) in acts {
            let act = Happening::Act(self.process(server), call, act);
            self.queue.schedule(now + delay, act);
        }
    }

    /// Whether the account of the configuration that is in force has the secret that its client knows. Of a row it is not known which
    /// secret is cached.
    fn is_plain(&self, server: u8, account: u8) -> bool {
        let nth = self.servers[usize::from(server)].configuration;
        !self.plan.topology.is_realtime(account) && self.plan.configurations[nth].is_plain(account)
    }

    /// Whether a client of the server is where an account was last seen.
    fn is_there(&self, server: u8, account: u8) -> bool {
        self.client_there(server, account).is_some()
    }

    /// The client of the server that is where an account was last seen.
    pub(super) fn client_there(&self, server: u8, account: u8) -> Option<&Client> {
        let seen = self.contacts[usize::from(server)].iter();
        let contact = seen.filter(|seen| seen.account == account);
        let contact = contact.filter_map(|seen| seen.contact).next()?;
        let server = server_address(server);
        let mut clients = self.clients.iter();
        clients.find(|client| client.address == contact.address && client.server() == server)
    }

    /// Every server calls each of its accounts.
    pub(super) fn dial_all(&mut self) {
        for account in 0..self.plan.topology.clients {
            let server = self.plan.topology.server_of(account);
            self.dial(server, account, None);
            self.flush_server(server);
        }
    }

    pub(super) fn unregister(&mut self, server: u8, account: u8) {
        let node = &mut self.servers[usize::from(server)];
        match node.directory.unregister(&accounts::name(account)) {
            Unregistered::Done => self.see(&Fact::Unregistered { server, account }),
            Unregistered::Storing(id) => drop(node.unregistering.insert(id, account)),
            Unregistered::Busy | Unregistered::NotRegistered => {}
        }
    }

    /// A server's process dies, and begins anew with what its database has and the configuration that was in force.
    fn restart(&mut self, server: u8) {
        let now = self.queue.now();
        let lands = self.decide_landing(server);
        let node = &mut self.servers[usize::from(server)];
        if !node.application.calls.is_empty() {
            self.observers.reach(Goal::RestartedDuringCall);
        }
        let sent = core::mem::take(&mut node.writes.sent);
        for write in sent.iter().filter(|_| lands) {
            node.database.store(write);
            self.observers.reach(Goal::RestartLanded);
        }
        let doubts = core::mem::take(&mut node.writes.doubts).into_iter();
        let doubts: Vec<_> = doubts
            .flat_map(|(account, all)| all.into_iter().map(move |at| (account, at)))
            .collect();
        node.restart(server, self.plan);
        for stored in node.database.stored() {
            if stored.contact.is_some_and(|(_, deadline)| now < deadline) {
                self.observers.reach(Goal::RestartedRegistered);
            }
            node.directory.restore(stored, now);
        }
        let (address, nth) = (node.address, node.configuration);
        self.see(&Fact::Restarted {
            server,
            address,
            doubts: &doubts,
        });
        self.reload(server, nth);
        self.register_outward(server);
    }

    /// Whether what is on its way to the database gets there though its process dies.
    fn decide_landing(&mut self, server: u8) -> bool {
        let key = Key {
            domain: Domain::Restart,
            who: u16::from(server),
            nth: self.servers[usize::from(server)].incarnation,
        };
        let draw = |bits: u64| (bits & 1) as u32;
        !self.is_calm() && self.decisions.decide(key, 2, draw) == 1
    }

    pub(super) fn prune(&mut self, server: u8, account: u8) {
        let now = self.queue.now();
        let node = &self.servers[usize::from(server)];
        let name = accounts::name(account);
        let is_realtime = self.plan.topology.is_realtime(account);
        let peer = node.directory.prune(Role::Peer, &name);
        let user = node.directory.prune(Role::User, &name);
        if peer || user {
            if peer && node.database.contact(account, now).is_some() {
                self.observers.reach(Goal::EvictedRegistered);
            }
            self.see(&Fact::Evicted { server, account });
        } else if is_realtime {
            self.observers.reach(Goal::EvictionRefused);
        }
    }

    /// Accepts a configuration, and looks every name of it up.
    pub(super) fn reload(&mut self, server: u8, nth: usize) {
        let topology = &self.plan.topology;
        let node = &mut self.servers[usize::from(server)];
        let plan = &self.plan.configurations[nth];
        let serial = node.configurations;
        node.configurations += 1;
        node.configuration = nth;
        if !node.application.calls.is_empty() {
            self.observers.reach(Goal::ReloadDuringCall);
        }
        if node.application.calls.values().any(|live| live.is_bridged) {
            self.observers.reach(Goal::ReloadDuringBridge);
        }
        let mut calls = node.application.calls.values();
        let waits = |placed: Placed| !placed.is_answered;
        if calls.any(|live| live.placed.is_some_and(waits)) {
            self.observers.reach(Goal::ReloadDuringDial);
        }
        if node.open_questions > 0 {
            self.observers.reach(Goal::ReloadDuringQuestion);
        }
        let configuration = accounts::configuration(
            topology,
            server,
            plan,
            self.plan.options.unvalidated_max,
            serial,
        );
        node.directory.reload(configuration);
        node.endpoint.adopt();
        self.qualify(server);
        let node = &self.servers[usize::from(server)];
        let mut states = Vec::new();
        for account in accounts::of_configuration(topology, server) {
            let is_present = !plan.absent.contains(&account);
            states.push(AccountState {
                account,
                is_present,
                is_plain: plan.is_plain(account),
                is_found: is_present && is_found(node.directory, account),
            });
        }
        self.see(&Fact::Reloaded {
            server,
            accounts: &states,
        });
    }

    pub(super) fn spoof(&mut self, index: u8, kind: u8) {
        let server = self.plan.topology.server_of(index);
        let destination = server_address(server);
        self.spoofed += 1;
        let source = SocketAddr::from(([203, 0, 113, 1], 10_000 + self.spoofed));
        let datagram = spoof::opener(kind, &accounts::name(index), self.spoofed);
        let actor = Actor::Client(index);
        self.transmit(actor, source, destination, datagram, Mark::Spoofed);
    }
}

/// The account that is called by way of the server, where it is not the extension that echoes.
const fn called_account(what: What) -> Option<u8> {
    match what {
        What::CallPeer { client } => Some(client),
        _ => None,
    }
}

fn is_found<D: Directory>(directory: &D, account: u8) -> bool {
    let name = accounts::name(account);
    [Role::Peer, Role::User]
        .into_iter()
        .all(|role| matches!(directory.find(role, &name), Lookup::Found(_)))
}
