//! One world: a plan, run to its end by one scheduler, with checkers looking on.
//!
//! Two phases. Until the plan's `heal_ms` faults happen and properties of safety are checked. Then everything heals; by
//! [`SETTLE`] every call must be up or gone, then all is hung up and lapses, and at the end nothing may be left.

mod bare;
mod carrier;
mod flush;
mod judgement;
mod operations;
mod outward;
mod passage;
mod qualified;
mod setup;
mod threads;

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::catalog::{Question, Write};
use iaxproof::engine::directory::Directory;
use iaxproof::engine::event::CallId;
use iaxproof::engine::options::{EVENTS_MAX, EndpointOptions};
use iaxproof::engine::reliable::QUEUE_MAX;
use iaxproof::engine::reliable::window::OUTSTANDING_MAX;
use iaxproof::time::Instant;

pub use self::bare::{Arrival, Bare};
use self::outward::Outward;
pub use self::outward::RETURNED;
pub use self::qualified::QUALIFIED;
pub use self::setup::{DirectorySetup, directories, run};
use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::checkers::Violation;
use crate::clock::Queue;
use crate::database::{QuestionFate, WriteFate};
use crate::decide::Decisions;
use crate::fact::{ContactSeen, Fact, Limits, Mark};
use crate::network::Network;
use crate::node::callee::Moods;
use crate::node::client::{Client, Outbox};
use crate::node::dialogue::Identity;
use crate::node::server::{Act, Server, endpoint_options};
use crate::observers::Observers;
use crate::plan::{Actor, Options, Plan};
use crate::report::{Report, View};
use crate::schedule::ThreadId;

use self::threads::Inbox;

/// How long after healing every peer is called once more: what is reachable must answer.
pub const CALM: Duration = Duration::from_secs(5);
/// How long after healing every call must be up or gone: a PING every 21 s, given up after 32 s, and a HANGUP that lingers 10 s.
pub const SETTLE: Duration = Duration::from_secs(75);
/// How long after that nothing may be left: calls are hung up and registrations lapse.
pub const REST: Duration = Duration::from_secs(75);

/// The most events of one world, many times what a world has. Reaching it is a failure of `call-ends`, not a pass.
pub const EVENTS_OF_A_WORLD_MAX: u64 = 100_000;

/// What is scheduled.
#[derive(Debug)]
enum Happening {
    Operation(usize),
    Arrival {
        /// The number of the datagram, for views.
        number: u64,
        from: Actor,
        to: Actor,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: Vec<u8>,
        mark: Mark,
    },
    Timer(Actor),
    /// A worker's.
    TimeOut {
        server: u8,
        worker: u8,
    },
    Answer(Process, Question, QuestionFate),
    Stored(Process, Write, WriteFate),
    Act(Process, CallId, Act),
    RegistrarMoved,
    RegistrantsDue,
    QualifiedDue,
    /// Time passes: a thread that stalled goes on.
    Wake,
    /// When all is calm every server calls each of its accounts.
    CalmDial(u8),
    Settle,
    HangUpAll,
    Rest,
}

/// One life of a server: what is for another is for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    server: u8,
    incarnation: u32,
}

/// A world. Whoever runs it lets its threads work whenever they have something to do ([`World::take`], [`World::apply`]), and time
/// pass when they have not ([`World::advance`]).
pub struct World<D> {
    plan: Plan,
    queue: Queue<Happening>,
    servers: Vec<Server<D>>,
    threads: Vec<Inbox>,
    clients: Vec<Client>,
    client_timers: Vec<Option<Instant>>,
    network: Network,
    decisions: Decisions,
    observers: Observers,
    outbox: Outbox,
    /// The registrar, where there is one.
    outward: Option<Outward>,
    /// By worker.
    limits: Vec<Limits>,
    heal_at: Instant,
    spoofed: u16,
    /// When a thread that stalls is to be woken next.
    next_wake: Option<Instant>,
    /// What was last seen, by server.
    contacts: Vec<Vec<ContactSeen>>,
    looks: u64,
}

impl<D: Directory + Administer + Observe + Clone> World<D> {
    /// The world of a plan, with the directories of each server's processes in their order, all empty.
    pub fn new(plan: &Plan, view: View, directories: Vec<Vec<D>>) -> Self {
        let servers = (0..).zip(directories);
        let servers: Vec<_> = servers
            .map(|(index, directories)| {
                Server::new(index, server_address(index), directories, plan)
            })
            .collect();
        World {
            queue: Queue::default(),
            threads: ThreadId::all(&plan.topology).map(Inbox::new).collect(),
            contacts: vec![Vec::new(); servers.len()],
            servers,
            clients: (0..plan.topology.clients)
                .map(|c| client(plan, c))
                .collect(),
            client_timers: vec![None; usize::from(plan.topology.clients)],
            network: Network::new(plan),
            decisions: Decisions::of(plan).keeping_when(),
            observers: Observers::new(plan, view),
            outbox: Outbox::default(),
            outward: Outward::new(plan),
            limits: (0..plan.topology.workers())
                .map(|worker| limits(&endpoint_options(plan, worker)))
                .collect(),
            heal_at: Instant::from_millis(u64::from(plan.heal_ms)),
            spoofed: 0,
            next_wake: None,
            looks: 0,
            plan: plan.clone(),
        }
    }

    /// Begins: every server has its first configuration, and what is planned is scheduled.
    pub fn begin(&mut self) {
        for server in 0..self.plan.topology.servers {
            self.begin_process(server, 0);
        }
        self.begin_outward();
        if !self.plan.topology.qualified.is_empty() {
            let due = self.heal_at + QUALIFIED;
            self.queue.schedule(due, Happening::QualifiedDue);
        }
        for (nth, operation) in self.plan.operations.iter().enumerate() {
            let at = Instant::from_millis(u64::from(operation.at_ms));
            // What is planned for later than healing is done when everything heals, so that the bounds hold.
            self.queue
                .schedule(at.min(self.heal_at), Happening::Operation(nth));
        }
        for account in 0..self.plan.topology.clients {
            self.queue
                .schedule(self.heal_at + CALM, Happening::CalmDial(account));
        }
        self.queue
            .schedule(self.heal_at + SETTLE, Happening::Settle);
        self.queue
            .schedule(self.heal_at + SETTLE, Happening::HangUpAll);
        self.queue
            .schedule(self.heal_at + SETTLE + REST, Happening::Rest);
    }

    /// Lets the next thing happen, and time pass until then. False where the world is over: nothing is left to happen, or a property
    /// is broken.
    pub fn advance(&mut self) -> bool {
        if self.observers.violation().is_some() {
            return false;
        }
        let next = self.queue.pop();
        self.decisions.set_now(self.queue.now());
        next.map(|happening| self.step(happening)).is_some()
    }

    /// The time it is.
    pub fn now(&self) -> Instant {
        self.queue.now()
    }

    /// Whether a property is broken.
    pub const fn has_failed(&self) -> bool {
        self.observers.violation().is_some()
    }

    /// The number of the event that happens, counted from 1.
    pub fn events(&self) -> u64 {
        self.observers.events()
    }

    /// How many entries the log has, where one is kept.
    pub fn recorded(&self) -> Option<usize> {
        self.observers.recorded()
    }

    /// Something happens at this time, if nothing does before: a thread that stalled goes on.
    pub fn wake_at(&mut self, at: Instant) {
        if self
            .next_wake
            .is_none_or(|next| at < next || next <= self.queue.now())
        {
            self.next_wake = Some(at);
            self.queue.schedule(at, Happening::Wake);
        }
    }

    /// A property is broken, and not one that a checker sees.
    pub fn fail(&mut self, property: &'static str, message: &str) {
        let message = message.to_owned();
        let violation = Violation { property, message };
        self.observers.fail(self.queue.now(), violation);
    }

    fn step(&mut self, happening: Happening) {
        self.observers.count_event();
        match happening {
            Happening::Operation(nth) => self.operate(self.plan.operations[nth]),
            Happening::Arrival {
                number,
                from,
                to,
                source,
                destination,
                datagram,
                mark,
            } => {
                self.observers.tell_arriving(number);
                self.arrive((from, to), (source, destination), &datagram, mark);
            }
            Happening::Timer(actor) => self.time_out(actor),
            Happening::TimeOut { server, worker } => self.worker_time_out(server, worker),
            Happening::Answer(process, ..)
            | Happening::Stored(process, ..)
            | Happening::Act(process, ..)
                if process != self.process(process.server) => {}
            Happening::Answer(process, question, fate) => {
                self.answer(process.server, &question, fate);
            }
            Happening::Stored(process, write, fate) => self.store(process.server, write, fate),
            Happening::Act(process, call, act) => self.act(process.server, call, act),
            Happening::Wake => {}
            Happening::CalmDial(account) => {
                let server = self.plan.topology.server_of(account);
                self.dial(server, account, None);
            }
            Happening::RegistrarMoved => self.follow_registrar(),
            Happening::RegistrantsDue => self.see_registrants_due(),
            Happening::QualifiedDue => self.see_qualified_due(),
            Happening::Settle => self.settle(),
            Happening::HangUpAll => self.hang_up_all(),
            Happening::Rest => self.rest(),
        }
    }

    /// The life that a server has now.
    fn process(&self, server: u8) -> Process {
        let incarnation = self.servers[usize::from(server)].incarnation;
        Process {
            server,
            incarnation,
        }
    }

    /// Whether everything has healed.
    fn is_calm(&self) -> bool {
        self.queue.now() >= self.heal_at
    }

    /// How clients make up their minds now.
    fn moods<'a>(options: &Options, decisions: &'a mut Decisions, is_calm: bool) -> Moods<'a> {
        Moods {
            decisions,
            is_calm,
            permille: options.callee_permille,
            encrypt_permille: options.encrypt_permille,
            deaf_permille: options.deaf_permille,
        }
    }

    #[track_caller]
    fn see(&mut self, fact: &Fact<'_>) {
        self.observers.see(self.queue.now(), fact);
    }

    /// What came of it, once its threads are done and their endpoints gone: the directories are emptied, and nothing may be left.
    pub fn end(mut self) -> Report {
        let now = self.queue.now();
        for server in 0..self.plan.topology.servers {
            self.shut_down(server);
        }
        self.observers.into_report(&self.plan, self.decisions, now)
    }
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
        can_encrypt: accounts::can_encrypt(account),
        is_trunked: accounts::is_trunked(account),
        knows_tokens: !topology.tokenless.contains(&index),
        must_encrypt: topology.forced.contains(&account) && accounts::can_encrypt(account),
        rotates_often: plan.options.rotations > 0,
        is_mute: topology.mute.contains(&index),
    };
    let address = accounts::client_address(index);
    let server = server_address(topology.server_of(index));
    Client::new(index, address, server, identity)
}

fn limits(options: &EndpointOptions) -> Limits {
    Limits {
        pool: options.workers.slice(&options.call_numbers).len(),
        dialogues_max: options.dialogues_max,
        quarantine_max: options.quarantine_max,
        registrations_max: options.registrations_max,
        events_max: EVENTS_MAX,
        outstanding_max: OUTSTANDING_MAX,
        queue_max: QUEUE_MAX,
    }
}
