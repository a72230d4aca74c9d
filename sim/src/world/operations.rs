//! What clients and operators do in a world.

use core::net::SocketAddr;
use iaxproof::catalog::Unregistered;
use iaxproof::engine::directory::Directory;
use iaxproof::engine::{CallId, Calling, Error, WorkerId};

use super::{CALM, Happening, World, server_address};
use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::decide::{Domain, Key};
use crate::fact::{AccountState, Beside, Fact, Mark};
use crate::goals::Goal;
use crate::node::client::Client;
use crate::node::desk::{Reload, Task};
use crate::node::dialler::{Awaited, Placed};
use crate::node::server::{Act, endpoint_options, endpoint_seed};
use crate::plan::{Actor, Operation, What};
use crate::schedule::Role;
use crate::spoof;

impl<D: Directory + Administer + Observe + Clone> World<D> {
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
                    What::CallByDigits => client.call_by_digits(now),
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
            }
        }
    }

    pub(super) fn administer(&mut self, server: u8, what: What) {
        match what {
            What::Dial { client } => self.dial(server, client, None),
            What::Reload { configuration } => {
                let reload = self.reload(server, usize::from(configuration));
                self.give(server, Role::Reloader, Task::Reload(Box::new(reload)));
            }
            What::Prune { client } => self.give(server, Role::Pruner, Task::Prune(client)),
            What::Unregister { client } => {
                self.give(server, Role::Pruner, Task::Unregister(client));
            }
            What::Restart => self.restart(server),
            What::EditRow { client, row } => {
                let node = &mut self.servers[usize::from(server)];
                if node.database.edit(client, row) {
                    self.see(&Fact::RowEdited {
                        server,
                        account: client,
                        row,
                    });
                    // Where a row that is not cached can be reached is another matter now.
                    self.touched(server);
                }
            }
            _ => {}
        }
    }

    /// The application calls the peer of an account, for itself or for a caller.
    pub(super) fn dial(&mut self, server: u8, account: u8, caller: Option<CallId>) {
        // Both legs of a bridge are one worker's.
        let workers = self.plan.topology.workers();
        let worker = caller.map_or(account % workers, |call| self.worker_of(call));
        self.give(server, Role::Worker(worker), Task::Dial { account, caller });
    }

    /// Whose a call is.
    fn worker_of(&self, call: CallId) -> u8 {
        let options = endpoint_options(&self.plan, 0);
        let owner = options.workers.owner(&options.call_numbers, call.local());
        owner.map_or(0, |owner| owner.0 as u8)
    }

    /// What came of it.
    pub(super) fn dialled(
        &mut self,
        (server, worker): (u8, u8),
        (account, caller): (u8, Option<CallId>),
        outcome: Result<Calling, Error>,
        beside: Beside,
    ) {
        self.see(&Fact::Dialled {
            server,
            account,
            outcome,
            beside,
        });
        match outcome {
            Ok(Calling::Call(call)) => self.follow_call(server, account, call, caller),
            Ok(Calling::Asked(query)) => {
                self.observers.reach(Goal::DialledAsked);
                let node = &mut self.servers[usize::from(server)];
                let query = (WorkerId(worker.into()), query);
                node.application.asked(query, account, caller);
            }
            Err(error) => self.dialled_nobody(server, error, caller),
        }
    }

    /// The application does something with one call.
    pub(super) fn act(&mut self, server: u8, call: CallId, act: Act) {
        let application = &self.servers[usize::from(server)].application;
        let task = match act {
            Act::Dial(account) => {
                let caller = Some(call);
                Task::Dial { account, caller }
            }
            Act::Bridge => match application.partner(call) {
                Some(caller) => Task::Bridge([caller, call]),
                None => return,
            },
            Act::Unbridge => Task::Unbridge(call),
            Act::Transfer => match application.partner(call) {
                // Either of the two leads.
                Some(caller) if call.local().get().is_multiple_of(2) => {
                    Task::Transfer([call, caller])
                }
                Some(caller) => Task::Transfer([caller, call]),
                None => return,
            },
            Act::GiveUp if application.is_answered(call) => return,
            act => Task::Act(call, act),
        };
        self.give(server, Role::Worker(self.worker_of(call)), task);
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

    /// A call and its caller are bridged.
    pub(super) fn bridged(&mut self, server: u8, calls: [CallId; 2]) {
        let node = &mut self.servers[usize::from(server)];
        node.application.set_bridged(calls);
        self.see(&Fact::Bridged { server, calls });
        self.observers.reach(Goal::Bridged);
    }

    /// A call and its caller are apart again.
    pub(super) fn unbridged(&mut self, server: u8, call: CallId) {
        let node = &mut self.servers[usize::from(server)];
        node.application.set_apart(call);
        self.see(&Fact::Unbridged { server, call });
        self.observers.reach(Goal::Unbridged);
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
        let is_due = now >= self.heal_at + CALM && !self.is_ambiguous(server, account, call);
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

    /// Whether the client that is called cannot tell this call from one of before. A process that begins anew may use a number again, and
    /// so may one for which the client went on from another port: numbers rest for one address.
    fn is_ambiguous(&self, server: u8, account: u8, call: CallId) -> bool {
        let client = self.client_there(server, account);
        client.is_some_and(|client| client.knows(self.queue.now(), call.local()))
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

    pub(super) fn unregistered(&mut self, server: u8, account: u8, how: Unregistered) {
        let node = &mut self.servers[usize::from(server)];
        let is_done = match how {
            Unregistered::Done => true,
            Unregistered::Storing(id) => node.unregistering.wait(id, account),
            Unregistered::Busy | Unregistered::NotRegistered => false,
        };
        if is_done {
            self.see(&Fact::Unregistered { server, account });
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
        node.restart(server, &self.plan);
        for stored in node.database.stored() {
            if stored.contact.is_some_and(|(_, deadline)| now < deadline) {
                self.observers.reach(Goal::RestartedRegistered);
            }
            node.directory.restore(stored, now);
        }
        let (address, nth) = (node.address, node.configuration);
        self.clear(server);
        self.see(&Fact::Restarted {
            server,
            address,
            doubts: &doubts,
        });
        self.begin_process(server, nth);
        self.register_outward(server);
    }

    /// A process begins: it serves when its configuration is in force.
    pub(super) fn begin_process(&mut self, server: u8, nth: usize) {
        let reload = self.reload(server, nth);
        let node = &self.servers[usize::from(server)];
        let accounts = reload.perform(&node.directory);
        let incarnation = node.incarnation;
        self.see(&Fact::Reloaded {
            server,
            accounts: &accounts,
        });
        for worker in 0..self.plan.topology.workers() {
            let seed = endpoint_seed(&self.plan, server, incarnation, worker);
            let options = Box::new(endpoint_options(&self.plan, worker));
            self.give(server, Role::Worker(worker), Task::Begin(options, seed));
        }
        self.reloaded(server);
    }

    /// A configuration is in force: the first worker takes up what it left, and the application has its peers asked.
    pub(super) fn reloaded(&mut self, server: u8) {
        self.give(server, Role::Worker(0), Task::Adopt);
        let accounts: Vec<_> = self.qualified_of(server).collect();
        self.give_workers(server, || Task::Qualify(accounts.clone()));
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

    pub(super) fn pruned(&mut self, server: u8, account: u8, peer: bool, user: bool) {
        let now = self.queue.now();
        let node = &self.servers[usize::from(server)];
        if peer || user {
            if peer && node.database.contact(account, now).is_some() {
                self.observers.reach(Goal::EvictedRegistered);
            }
            self.see(&Fact::Evicted { server, account });
        } else if self.plan.topology.is_realtime(account) {
            self.observers.reach(Goal::EvictionRefused);
        }
    }

    /// A configuration that a server accepts.
    fn reload(&mut self, server: u8, nth: usize) -> Reload {
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
        let state = |account| AccountState {
            account,
            is_present: !plan.absent.contains(&account),
            is_plain: plan.is_plain(account),
            is_found: false,
        };
        let accounts = accounts::of_configuration(topology, server);
        let unvalidated_max = self.plan.options.unvalidated_max;
        Reload {
            configuration: accounts::configuration(topology, server, plan, unvalidated_max, serial),
            accounts: accounts.map(state).collect(),
        }
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
