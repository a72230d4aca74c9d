//! One world: a plan, run to its end by one scheduler, with checkers looking on.
//!
//! Two phases. Until the plan's `heal_ms` faults happen and properties of safety are checked. Then everything heals; by
//! [`SETTLE`] every call must be up or gone, then all is hung up and lapses, and at the end nothing may be left.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::catalog::{Answer, Question, Write};
use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::{Directory, Lookup, Role, TokenKey};
use iaxproof::engine::event::{CallId, Event};
use iaxproof::engine::options::{EVENTS_MAX, EndpointOptions};
use iaxproof::engine::reliable::QUEUE_MAX;
use iaxproof::engine::reliable::window::OUTSTANDING_MAX;
use iaxproof::registry::HashKey;
use iaxproof::time::Instant;
use iaxproof::wire::Frame;

use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::clock::Queue;
use crate::database::{QuestionFate, WriteFate};
use crate::decide::{Decisions, Source, mix};
use crate::fact::{AccountState, ContactSeen, Fact, Limits, Mark, Passage, Settlement};
use crate::goals::{Goal, Goals};
use crate::network::{Network, Verdict};
use crate::node::client::{Client, Outbox};
use crate::node::dialogue::{Identity, Phase};
use crate::node::server::{Act, Server, endpoint_options};
use crate::observers::Observers;
use crate::plan::{Actor, Operation, Plan, What};
use crate::report::{Report, View};
use crate::spoof;

/// How long after healing every call must be up or gone: a PING every 21 s, given up after 32 s, and a HANGUP that lingers 10 s.
pub const SETTLE: Duration = Duration::from_secs(75);
/// How long after that nothing may be left: calls are hung up and registrations lapse.
pub const REST: Duration = Duration::from_secs(75);

/// The most events of one world. Reaching it is a failure of `call-ends`, not a pass.
pub const EVENTS_OF_A_WORLD_MAX: u64 = 2_000_000;

/// What a world wants of a directory.
#[derive(Clone, Debug)]
pub struct DirectorySetup {
    /// The key of its hash tables.
    pub hash_key: HashKey,
    /// The key of its call tokens.
    pub token_key: TokenKey,
    /// Whether it has a database.
    pub realtime: bool,
}

/// Runs a plan to its end in directories that `make` makes, empty, one per server.
pub fn run<D: Directory + Administer + Observe>(
    plan: &Plan,
    view: View,
    make: impl Fn(&DirectorySetup) -> D,
) -> Report {
    let setup = |server| setup(plan, server);
    let directories: Vec<D> = (0..plan.topology.servers)
        .map(|server| make(&setup(server)))
        .collect();
    let mut world = World::new(plan, view, &directories);
    world.begin();
    while world.observers.violation().is_none()
        && let Some(happening) = world.queue.pop()
    {
        world.step(happening);
    }
    let (decisions, mut observers, now) = world.end();
    for (server, directory) in (0..).zip(&directories) {
        shut_down(now, server, directory, plan, &mut observers);
    }
    observers.into_report(plan, decisions, now)
}

fn setup(plan: &Plan, server: u8) -> DirectorySetup {
    let word = |nth: u64| mix(plan.seed ^ mix(0x5e7 + u64::from(server) * 16 + nth));
    let mut key = [0; 32];
    for (nth, chunk) in (2..).zip(key.chunks_mut(8)) {
        chunk.copy_from_slice(&word(nth).to_le_bytes());
    }
    DirectorySetup {
        hash_key: HashKey(word(0), word(1)),
        token_key: TokenKey(key),
        realtime: !plan.topology.realtime.is_empty(),
    }
}

/// Empties a directory whose endpoint is gone, and says what is left.
fn shut_down<D: Administer + Observe>(
    now: Instant,
    server: u8,
    directory: &D,
    plan: &Plan,
    observers: &mut Observers,
) {
    if observers.violation().is_some() {
        return;
    }
    directory.reload(iaxproof::engine::settings::Configuration::default());
    for client in 0..plan.topology.clients {
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
    observers.see(
        now,
        &Fact::ShutDown {
            server,
            live_objects,
            report: &report,
        },
    );
}

/// What is scheduled.
#[derive(Debug)]
enum Happening {
    Operation(usize),
    Arrival {
        from: Actor,
        to: Actor,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: Vec<u8>,
        mark: Mark,
    },
    Timer(Actor),
    Answer(u8, Question, QuestionFate),
    Stored(u8, Write, WriteFate),
    Act(u8, CallId, Act),
    Settle,
    HangUpAll,
    Rest,
}

struct World<'d, D: Directory> {
    plan: &'d Plan,
    queue: Queue<Happening>,
    servers: Vec<Server<'d, D>>,
    clients: Vec<Client>,
    client_timers: Vec<Option<Instant>>,
    network: Network,
    decisions: Decisions,
    observers: Observers,
    outbox: Outbox,
    limits: Limits,
    heal_at: Instant,
    spoofed: u16,
    contacts: Vec<ContactSeen>,
}

impl<'d, D: Directory + Administer + Observe> World<'d, D> {
    fn new(plan: &'d Plan, view: View, directories: &'d [D]) -> Self {
        let servers = (0..).zip(directories);
        let servers = servers
            .map(|(index, directory)| Server::new(index, server_address(index), directory, plan));
        let source = if plan.explore {
            Source::Seed(plan.seed)
        } else {
            let listed = plan.decisions.iter().map(|d| (d.key, d.value));
            Source::Listed(listed.collect::<BTreeMap<_, _>>())
        };
        World {
            plan,
            queue: Queue::default(),
            servers: servers.collect(),
            clients: (0..plan.topology.clients)
                .map(|c| client(plan, c))
                .collect(),
            client_timers: vec![None; usize::from(plan.topology.clients)],
            network: Network::new(plan),
            decisions: Decisions::new(source),
            observers: Observers::new(plan, view),
            outbox: Outbox::default(),
            limits: limits(&endpoint_options(plan)),
            heal_at: Instant::from_millis(u64::from(plan.heal_ms)),
            spoofed: 0,
            contacts: Vec::new(),
        }
    }

    fn begin(&mut self) {
        for server in 0..self.plan.topology.servers {
            self.reload(server, 0);
        }
        for (nth, operation) in self.plan.operations.iter().enumerate() {
            let at = Instant::from_millis(u64::from(operation.at_ms));
            // What is planned for later than healing is done when everything heals, so that the bounds hold.
            self.queue
                .schedule(at.min(self.heal_at), Happening::Operation(nth));
        }
        self.queue
            .schedule(self.heal_at + SETTLE, Happening::Settle);
        self.queue
            .schedule(self.heal_at + SETTLE, Happening::HangUpAll);
        self.queue
            .schedule(self.heal_at + SETTLE + REST, Happening::Rest);
    }

    fn step(&mut self, happening: Happening) {
        self.observers.count_event();
        match happening {
            Happening::Operation(nth) => self.operate(self.plan.operations[nth]),
            Happening::Arrival {
                from,
                to,
                source,
                destination,
                datagram,
                mark,
            } => self.arrive((from, to), (source, destination), &datagram, mark),
            Happening::Timer(actor) => self.time_out(actor),
            Happening::Answer(server, question, fate) => self.answer(server, &question, fate),
            Happening::Stored(server, write, fate) => self.stored(server, &write, fate),
            Happening::Act(server, call, act) => {
                let now = self.queue.now();
                self.servers[usize::from(server)].act(now, call, act);
                self.flush_server(server);
            }
            Happening::Settle => self.settle(),
            Happening::HangUpAll => self.hang_up_all(),
            Happening::Rest => self.rest(),
        }
    }

    /// Whether everything has healed.
    fn is_calm(&self) -> bool {
        self.queue.now() >= self.heal_at
    }

    fn operate(&mut self, operation: Operation) {
        let now = self.queue.now();
        match operation.actor {
            Actor::Client(index) => {
                let client = &mut self.clients[usize::from(index)];
                match operation.what {
                    What::Register { refresh_s } => client.register(now, refresh_s),
                    What::Release => client.release(now),
                    What::Call => client.call(now),
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
            Actor::Server(server) => {
                self.administer(server, operation.what);
                self.flush_server(server);
            }
        }
    }

    fn administer(&mut self, server: u8, what: What) {
        match what {
            What::Reload { configuration } => self.reload(server, usize::from(configuration)),
            What::Prune { client } => self.prune(server, client),
            What::Unregister { client } => self.unregister(server, client),
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

    fn unregister(&mut self, server: u8, account: u8) {
        let directory = self.servers[usize::from(server)].directory;
        if directory.unregister(&accounts::name(account)) {
            self.see(&Fact::Unregistered { server, account });
        }
    }

    fn prune(&mut self, server: u8, account: u8) {
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
    fn reload(&mut self, server: u8, nth: usize) {
        let topology = &self.plan.topology;
        let node = &mut self.servers[usize::from(server)];
        let plan = &self.plan.configurations[nth];
        let serial = node.configurations;
        node.configurations += 1;
        if !node.application.calls.is_empty() {
            self.observers.reach(Goal::ReloadDuringCall);
        }
        if node.open_questions > 0 {
            self.observers.reach(Goal::ReloadDuringQuestion);
        }
        let configuration = accounts::configuration(topology, server, plan, serial);
        node.directory.reload(configuration);
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

    fn spoof(&mut self, index: u8, kind: u8) {
        let server = self.plan.topology.server_of(index);
        let destination = server_address(server);
        self.spoofed += 1;
        let source = SocketAddr::from(([203, 0, 113, 1], 10_000 + self.spoofed));
        let datagram = spoof::opener(kind, &accounts::name(index), self.spoofed);
        let actor = Actor::Client(index);
        self.transmit(actor, source, destination, datagram, Mark::Spoofed);
    }

    /// A node gives a datagram to the network.
    fn transmit(
        &mut self,
        from: Actor,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: Vec<u8>,
        mark: Mark,
    ) {
        let now = self.queue.now();
        let to = self.who_is_at(destination);
        let (verdict, network_mark) = match to {
            Some(to) => {
                let ends = (from, to);
                let decisions = &mut self.decisions;
                self.network.judge(now, ends, &datagram, decisions)
            }
            None => (Verdict::Drop, Mark::Lost),
        };
        let mark = if mark == Mark::Plain {
            network_mark
        } else {
            mark
        };
        let passage = Passage {
            from,
            to,
            source,
            destination,
            datagram: &datagram,
            frame: Frame::parse(&datagram).ok(),
            mark,
        };
        if mark == Mark::Partitioned {
            self.note_partition(from, to);
        }
        self.observers.see(now, &Fact::Sent(passage));
        let Some(to) = to else {
            return;
        };
        let mut arrival = |delay, datagram| {
            let arrival = Happening::Arrival {
                from,
                to,
                source,
                destination,
                datagram,
                mark,
            };
            self.queue.schedule(now + delay, arrival);
        };
        match verdict {
            Verdict::Drop => {}
            Verdict::Deliver(delay) => arrival(delay, datagram),
            Verdict::Damage(delay, damaged) => arrival(delay, damaged),
            Verdict::Duplicate(first, second) => {
                arrival(first, datagram.clone());
                arrival(second, datagram);
            }
        }
    }

    fn note_partition(&mut self, from: Actor, to: Option<Actor>) {
        let ends = [Some(from), to];
        let clients = ends.into_iter().flatten().filter_map(|actor| match actor {
            Actor::Client(index) => Some(&self.clients[usize::from(index)]),
            Actor::Server(_) => None,
        });
        let is_up = |client: &Client| client.calls().any(|(_, call)| call.phase == Phase::Up);
        if clients.into_iter().any(is_up) {
            self.observers.reach(Goal::PartitionCutCall);
        }
    }

    fn who_is_at(&self, address: SocketAddr) -> Option<Actor> {
        let servers = (0..).zip(&self.servers);
        let clients = (0..).zip(&self.clients);
        let mut servers = servers.map(|(index, node)| (Actor::Server(index), node.address));
        let mut clients = clients.map(|(index, node)| (Actor::Client(index), node.address));
        servers
            .find(|(_, at)| *at == address)
            .or_else(|| clients.find(|(_, at)| *at == address))
            .map(|(actor, _)| actor)
    }

    fn arrive(
        &mut self,
        (from, to): (Actor, Actor),
        (source, destination): (SocketAddr, SocketAddr),
        datagram: &[u8],
        mark: Mark,
    ) {
        if self.who_is_at(destination) != Some(to) {
            // The node went on from another address meanwhile.
            return;
        }
        let now = self.queue.now();
        let passage = Passage {
            from,
            to: Some(to),
            source,
            destination,
            datagram,
            frame: Frame::parse(datagram).ok(),
            mark,
        };
        self.observers.see(now, &Fact::Arrived(passage));
        match to {
            Actor::Server(server) => {
                let node = &mut self.servers[usize::from(server)];
                node.endpoint.handle_datagram(now, source, datagram);
                self.flush_server(server);
            }
            Actor::Client(index) => {
                let client = &mut self.clients[usize::from(index)];
                client.handle_datagram(now, source, datagram, &mut self.outbox);
                self.flush_client(index);
            }
        }
    }

    fn time_out(&mut self, actor: Actor) {
        let now = self.queue.now();
        match actor {
            Actor::Server(server) => {
                let node = &mut self.servers[usize::from(server)];
                if node.timer != Some(now) {
                    return;
                }
                node.timer = None;
                node.endpoint.handle_timeout(now);
                self.flush_server(server);
            }
            Actor::Client(index) => {
                let timer = &mut self.client_timers[usize::from(index)];
                if *timer != Some(now) {
                    return;
                }
                *timer = None;
                let client = &mut self.clients[usize::from(index)];
                client.handle_timeout(now, &mut self.outbox);
                self.flush_client(index);
            }
        }
    }

    /// The database answers a question.
    fn answer(&mut self, server: u8, question: &Question, fate: QuestionFate) {
        let now = self.queue.now();
        let node = &mut self.servers[usize::from(server)];
        let answer = match fate {
            QuestionFate::Late => node.database.read(question),
            QuestionFate::Read(answer) => *answer,
            QuestionFate::Fails => {
                self.observers.reach(Goal::QuestionFailed);
                Answer::Failed
            }
        };
        node.open_questions = node.open_questions.saturating_sub(1);
        node.directory.answer(question.id, answer, now);
        node.endpoint.handle_answer(now, question.id);
        self.flush_server(server);
    }

    /// A write reaches the database.
    fn stored(&mut self, server: u8, write: &Write, fate: WriteFate) {
        let node = &mut self.servers[usize::from(server)];
        if fate != WriteFate::Fails {
            node.database.store(write);
        }
        let (name, generation) = (write.name.as_str(), write.generation);
        if fate == WriteFate::Stored {
            node.directory.stored(name, generation);
        } else {
            self.observers.reach(Goal::WriteFailed);
            node.directory.not_stored(name, generation);
        }
        self.flush_server(server);
    }

    /// Takes what a server wants done until it wants no more, then looks at it.
    fn flush_server(&mut self, server: u8) {
        loop {
            let transmitted = self.flush_transmits(server);
            let told = self.flush_events(server);
            let asked = self.flush_directory(server);
            if !transmitted && !told && !asked {
                break;
            }
        }
        self.look_at(server);
        self.arm_server(server);
    }

    fn flush_transmits(&mut self, server: u8) -> bool {
        let mut any = false;
        let index = usize::from(server);
        while let Some(transmit) = self.servers[index].endpoint.poll_transmit() {
            any = true;
            let source = self.servers[index].address;
            let actor = Actor::Server(server);
            self.transmit(
                actor,
                source,
                transmit.destination,
                transmit.payload,
                Mark::Plain,
            );
        }
        any
    }

    fn flush_events(&mut self, server: u8) -> bool {
        let mut any = false;
        let (now, is_calm) = (self.queue.now(), self.is_calm());
        while let Some(event) = self.servers[usize::from(server)].endpoint.poll_event() {
            any = true;
            self.see(&Fact::Told {
                server,
                event: &event,
            });
            let node = &mut self.servers[usize::from(server)];
            let mut goals = Goals::default();
            let acts = node
                .application
                .take(&event, is_calm, &mut self.decisions, &mut goals);
            if let Event::Voice { call, data, .. } = &event {
                node.echo(now, *call, data);
            }
            self.note_event(&event, goals);
            for (delay, call, act) in acts {
                self.queue
                    .schedule(now + delay, Happening::Act(server, call, act));
            }
        }
        any
    }

    fn note_event(&mut self, event: &Event, goals: Goals) {
        self.observers.join(goals);
        if let Event::Registered { name, .. } = event
            && accounts::account_of_name(name.as_str())
                .is_some_and(|account| self.plan.topology.is_realtime(account))
        {
            self.observers.reach(Goal::RealtimeRegistered);
        }
    }

    /// Questions and writes go to the database.
    fn flush_directory(&mut self, server: u8) -> bool {
        let mut any = false;
        let (now, is_calm) = (self.queue.now(), self.is_calm());
        let node = &mut self.servers[usize::from(server)];
        while let Some(question) = node.directory.poll_question() {
            any = true;
            node.open_questions += 1;
            let (delay, fate) = node.database.ask(&question, is_calm, &mut self.decisions);
            let answer = Happening::Answer(server, question, fate);
            self.queue.schedule(now + delay, answer);
        }
        while let Some(write) = node.directory.poll_write() {
            any = true;
            let (delay, fate) = node.database.write(is_calm, &mut self.decisions);
            let stored = Happening::Stored(server, write, fate);
            self.queue.schedule(now + delay, stored);
        }
        any
    }

    /// Shows the checkers how a server stands.
    fn look_at(&mut self, server: u8) {
        let now = self.queue.now();
        let counts = self.servers[usize::from(server)].endpoint.counts();
        let limits = self.limits;
        self.see(&Fact::Counted {
            server,
            counts: &counts,
            limits: &limits,
        });
        let mut contacts = core::mem::take(&mut self.contacts);
        contacts.clear();
        self.gather_contacts(now, server, &mut contacts);
        self.see(&Fact::Contacts {
            server,
            contacts: &contacts,
        });
        self.contacts = contacts;
        for report in self.servers[usize::from(server)].directory.faults() {
            self.see(&Fact::Fault {
                server,
                report: &report,
            });
        }
    }

    fn gather_contacts(&self, now: Instant, server: u8, contacts: &mut Vec<ContactSeen>) {
        let node = &self.servers[usize::from(server)];
        node.directory.visit_peers(now, &mut |name, contact| {
            let Some(account) = accounts::account_of_name(name.as_str()) else {
                return;
            };
            let address = contact.map(|contact| contact.address);
            let is_found = |at| node.directory.find_peer_at(at, now).is_some();
            contacts.push(ContactSeen {
                account,
                contact,
                is_found_by_address: address.is_none_or(is_found),
            });
        });
        for account in 0..self.plan.topology.clients {
            let is_here = self.plan.topology.server_of(account) == server;
            if is_here && !contacts.iter().any(|seen| seen.account == account) {
                contacts.push(ContactSeen {
                    account,
                    contact: node.database.contact(account, now),
                    is_found_by_address: true,
                });
            }
        }
        contacts.sort_unstable_by_key(|seen| seen.account);
    }

    fn arm_server(&mut self, server: u8) {
        let node = &mut self.servers[usize::from(server)];
        let due = node.endpoint.poll_timeout().map(|(at, _)| at);
        arm(&mut self.queue, &mut node.timer, due, Actor::Server(server));
    }

    fn flush_client(&mut self, index: u8) {
        let client = &mut self.clients[usize::from(index)];
        client.flush(&mut self.outbox);
        let (source, destination) = (client.address, client.server());
        let due = client.poll_timeout();
        let timer = &mut self.client_timers[usize::from(index)];
        arm(&mut self.queue, timer, due, Actor::Client(index));
        for taken in core::mem::take(&mut self.outbox.taken) {
            self.see(&Fact::Took(taken));
        }
        self.observers.join(core::mem::take(&mut self.outbox.goals));
        for datagram in core::mem::take(&mut self.outbox.transmits) {
            let actor = Actor::Client(index);
            self.transmit(actor, source, destination, datagram, Mark::Plain);
        }
    }

    /// Every call must be up on both sides or gone on both.
    fn settle(&mut self) {
        let mut unsettled = Vec::new();
        for (index, client) in self.clients.iter().enumerate() {
            let calls = client.calls().filter(|(_, call)| call.phase != Phase::Up);
            for (local, call) in calls {
                unsettled.push(format!(
                    "call {local} of client {index} is {:?}",
                    call.phase
                ));
            }
            let up = client.calls().count();
            let offered = self
                .servers
                .iter()
                .flat_map(|node| node.application.calls.values());
            let theirs = offered.filter(|call| call.from == client.address).count();
            if up != theirs {
                unsettled.push(format!(
                    "client {index} has {up} calls up, and its server {theirs}"
                ));
            }
        }
        let settlement = Settlement {
            healed_at: self.heal_at,
            unsettled,
        };
        self.see(&Fact::Settled(&settlement));
    }

    fn hang_up_all(&mut self) {
        let now = self.queue.now();
        for index in 0..self.plan.topology.clients {
            let client = &mut self.clients[usize::from(index)];
            client.stop_renewing();
            client.hang_up_all(now);
            self.flush_client(index);
        }
    }

    fn rest(&mut self) {
        for server in 0..self.plan.topology.servers {
            self.look_at(server);
            let node = &self.servers[usize::from(server)];
            let (counts, references): (Counts, _) =
                (node.endpoint.counts(), node.directory.references());
            self.see(&Fact::AtRest {
                server,
                counts: &counts,
                references,
            });
        }
        // What is left are timers of registrations that have not lapsed: the endpoints go now.
        self.queue = self.queue.at_rest();
    }

    fn see(&mut self, fact: &Fact<'_>) {
        self.observers.see(self.queue.now(), fact);
    }

    fn end(self) -> (Decisions, Observers, Instant) {
        (self.decisions, self.observers, self.queue.now())
    }
}

/// Schedules a timer, if it is due earlier than what is scheduled.
fn arm(
    queue: &mut Queue<Happening>,
    timer: &mut Option<Instant>,
    due: Option<Instant>,
    actor: Actor,
) {
    let due = due.map(|at| at.max(queue.now()));
    if *timer == due {
        return;
    }
    *timer = due;
    if let Some(at) = due {
        queue.schedule(at, Happening::Timer(actor));
    }
}

fn is_found<D: Directory>(directory: &D, account: u8) -> bool {
    let name = accounts::name(account);
    [Role::Peer, Role::User]
        .into_iter()
        .all(|role| matches!(directory.find(role, &name), Lookup::Found(_)))
}

fn server_address(index: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + index], 4569))
}

fn client(plan: &Plan, index: u8) -> Client {
    let topology = &plan.topology;
    let account = topology.account_of(index);
    let identity = Identity {
        name: accounts::name(account),
        secret: accounts::secret(account),
    };
    let address = SocketAddr::from(([192, 0, 2, 10 + index], 4_569));
    let server = server_address(topology.server_of(index));
    Client::new(index, address, server, identity)
}

fn limits(options: &EndpointOptions) -> Limits {
    Limits {
        pool: options.call_numbers.clone().count(),
        dialogues_max: options.dialogues_max,
        quarantine_max: options.quarantine_max,
        registrations_max: options.registrations_max,
        events_max: EVENTS_MAX,
        outstanding_max: OUTSTANDING_MAX,
        queue_max: QUEUE_MAX,
    }
}
