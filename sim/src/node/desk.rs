//! What a thread of a server does: it takes a [`Job`], does it, and says what came of it ([`Done`]). Between the two nothing of the
//! world is touched, so that the world can go on while the thread is in the middle of it.

use core::net::SocketAddr;

use iaxproof::catalog::{Answer, Question, Unregistered, Write};
use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::{Directory, Lookup, QueryId, Role, StoreId};
use iaxproof::engine::event::{CallId, Event};
use iaxproof::engine::options::EndpointOptions;
use iaxproof::engine::settings::{Configuration, Name};
use iaxproof::engine::{
    Calling, Endpoint, Error, RegistrantId, Registration, Route, Standing, Transmit, WorkerId,
    Workers,
};
use iaxproof::time::Instant;

use super::server::{Act, act};
use crate::accounts;
use crate::administer::{Administer, Observe};
use crate::coverage::Circumstance;
use crate::fact::{AccountState, Beside};
use crate::goals::Goal;

/// Something for a thread to do.
#[derive(Debug)]
pub struct Job<D> {
    /// In which life of its server.
    pub(crate) incarnation: u32,
    /// When it was taken up.
    pub(crate) now: Instant,
    /// The directory of that life.
    pub(crate) directory: D,
    pub(crate) task: Task,
    /// What other threads of the server were in the middle of when it was taken up.
    pub(crate) beside: Beside,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Task {
    // A worker's.
    /// A process begins.
    Begin(Box<EndpointOptions>, [u8; 32]),
    /// What came by the worker's socket.
    Datagram(Datagram),
    /// What another worker handed over. It goes back where it is nothing to this one, if it may.
    Handed(Datagram, Option<WorkerId>),
    TimeOut,
    Act(CallId, Act),
    /// Sends audio back where it came from.
    Echo(CallId, Vec<u8>),
    /// Calls the peer of an account, for itself or for a caller.
    Dial {
        account: u8,
        caller: Option<CallId>,
    },
    /// Bridges a caller and a call.
    Bridge([CallId; 2]),
    Unbridge(CallId),
    /// Connects the other sides of two bridged calls with each other; the first leads.
    Transfer([CallId; 2]),
    /// Keeps up a registration elsewhere, the nth of its server.
    Register(u8, Box<Registration>),
    /// Gives up all such registrations that there are by then.
    GiveUp,
    /// Asks the peers of these accounts whether they are there.
    Qualify(Vec<u8>),
    /// Takes up what a reload left for the endpoint.
    Adopt,
    Answered(QueryId),
    Stored(StoreId),
    // The reloader's.
    Reload(Box<Reload>),
    // The pruner's.
    Prune(u8),
    Unregister(u8),
    // The database's.
    Answer(QueryId, Box<Answer>),
    Store {
        write: Write,
        is_stored: bool,
    },
}

impl Task {
    /// Whether it is one of the worker's that leaves the process what it is.
    pub(crate) const fn is_of_worker(&self) -> bool {
        use Task::{Answer, Begin, Prune, Reload, Store, Unregister};
        !matches!(
            self,
            Begin(..) | Reload(_) | Prune(_) | Unregister(_) | Answer(..) | Store { .. }
        )
    }

    /// Its word, for people.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Task::Begin(..) => "begin",
            Task::Datagram(_) => "datagram",
            Task::Handed(..) => "handed over",
            Task::TimeOut => "timer",
            Task::Act(..) => "act",
            Task::Echo(..) => "echo",
            Task::Dial { .. } => "dial",
            Task::Bridge(_) => "bridge",
            Task::Unbridge(_) => "unbridge",
            Task::Transfer(_) => "transfer",
            Task::Register(..) => "register",
            Task::GiveUp => "give up",
            Task::Qualify(_) => "qualify",
            Task::Adopt => "adopt",
            Task::Answered(_) => "answered",
            Task::Stored(_) => "stored",
            Task::Reload(_) => "reload",
            Task::Prune(_) => "prune",
            Task::Unregister(_) => "unregister",
            Task::Answer(..) => "answer",
            Task::Store { .. } => "store",
        }
    }
}

/// A datagram that came.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) source: SocketAddr,
    pub(crate) octets: Vec<u8>,
    /// For the coverage of the world.
    pub(crate) circumstance: Option<Circumstance>,
}

/// A datagram for another worker of the server.
#[derive(Debug)]
pub(crate) struct Handing {
    pub(crate) to: WorkerId,
    pub(crate) datagram: Datagram,
    /// Who takes it back where it is nothing to that one.
    pub(crate) back_to: Option<WorkerId>,
    /// What it is an example of.
    pub(crate) goal: Goal,
}

/// A configuration that is accepted.
#[derive(Debug)]
pub(crate) struct Reload {
    pub(crate) configuration: Configuration,
    /// The accounts that it is about; not looked up yet.
    pub(crate) accounts: Vec<AccountState>,
}

impl Reload {
    /// Puts it in force, and looks every name of it up.
    pub(crate) fn perform<D: Directory + Administer>(self, directory: &D) -> Vec<AccountState> {
        directory.reload(self.configuration);
        let mut accounts = self.accounts;
        for state in &mut accounts {
            state.is_found = state.is_present && is_found(directory, state.account);
        }
        accounts
    }
}

fn is_found<D: Directory>(directory: &D, account: u8) -> bool {
    let name = accounts::name(account);
    [Role::Peer, Role::User]
        .into_iter()
        .all(|role| matches!(directory.find(role, &name), Lookup::Found(_)))
}

/// What came of a job.
#[derive(Debug, Default)]
pub struct Done {
    pub(crate) incarnation: u32,
    pub(crate) beside: Beside,
    /// When it was taken up.
    pub(crate) since: Instant,
    pub(crate) outcome: Outcome,
    pub(crate) transmits: Vec<Transmit>,
    pub(crate) events: Vec<Event>,
    pub(crate) questions: Vec<Question>,
    pub(crate) writes: Vec<Write>,
    /// Of a worker: what its endpoint counts, and when it wants to be woken.
    pub(crate) endpoint: Option<(Counts, Option<Instant>)>,
    /// Of a worker: what it hands over.
    pub(crate) handings: Vec<Handing>,
    /// Of a datagram: what it was, and where its dialogue stood.
    pub(crate) covered: Option<(Standing, Circumstance)>,
}

/// What a task is to tell of itself.
#[derive(Debug, Default)]
pub(crate) enum Outcome {
    #[default]
    Nothing,
    Dialled {
        account: u8,
        caller: Option<CallId>,
        outcome: Result<Calling, Error>,
    },
    Bridged([CallId; 2]),
    Unbridged(CallId),
    Transferring,
    Registers(u8, RegistrantId),
    GivesUp(Vec<RegistrantId>),
    Reloaded(Vec<AccountState>),
    Pruned {
        account: u8,
        peer: bool,
        user: bool,
    },
    Unregistered(u8, Unregistered),
    Answered(QueryId),
    Stored {
        write: Write,
        is_stored: bool,
        is_in_force: bool,
        /// Whether its peer is linked and has a contact, be it another.
        is_registered: bool,
    },
}

/// The desk of one thread. A worker's has the endpoint.
pub struct Desk<D: Directory> {
    endpoint: Option<Endpoint<D>>,
    workers: Workers,
    /// What it keeps up elsewhere. Who asks that it is given up does not know: the worker may not have come to begin it yet.
    registrants: Vec<RegistrantId>,
}

impl<D: Directory> Default for Desk<D> {
    fn default() -> Self {
        Desk {
            endpoint: None,
            workers: Workers::ALONE,
            registrants: Vec::new(),
        }
    }
}

impl<D: Directory + Administer + Observe + Clone> Desk<D> {
    /// Does a job.
    pub fn perform(&mut self, job: Job<D>) -> Done {
        let mut done = Done {
            incarnation: job.incarnation,
            beside: job.beside,
            since: job.now,
            ..Done::default()
        };
        let (now, directory) = (job.now, job.directory);
        done.outcome = match job.task {
            Task::Begin(options, seed) => {
                // The old one goes first: it belongs to a process that is dead.
                self.endpoint = None;
                self.registrants.clear();
                self.workers = options.workers;
                self.endpoint = Some(Endpoint::new(*options, seed, directory.clone()));
                Outcome::Nothing
            }
            Task::Reload(reload) => Outcome::Reloaded(reload.perform(&directory)),
            Task::Prune(account) => prune(&directory, account),
            Task::Unregister(account) => {
                let name = accounts::name(account);
                Outcome::Unregistered(account, directory.unregister(&name))
            }
            Task::Answer(query, answer) => {
                directory.answer(query, *answer, now);
                Outcome::Answered(query)
            }
            Task::Store { write, is_stored } => store(&directory, write, is_stored),
            Task::Datagram(datagram) => self.take(now, datagram, &mut done),
            Task::Handed(datagram, back_to) => self.take_handed(now, datagram, back_to, &mut done),
            task => self.work(now, task),
        };
        self.collect(&directory, &mut done);
        done
    }

    /// Handles what came by this worker's socket, or hands it to whom it is for.
    fn take(&mut self, now: Instant, datagram: Datagram, done: &mut Done) -> Outcome {
        let Some(endpoint) = &self.endpoint else {
            return Outcome::Nothing;
        };
        let me = self.workers.me();
        let hand = |to, back_to, goal| Handing {
            to,
            datagram: datagram.clone(),
            back_to,
            goal,
        };
        match endpoint.route(datagram.source, &datagram.octets) {
            Route::Here => {}
            Route::There(owner) => {
                done.handings.push(hand(owner, Some(me), Goal::HandedOver));
                return Outcome::Nothing;
            }
            Route::Shared(others) => {
                let hand = |other| hand(other, None, Goal::TrunkOfSeveral);
                done.handings.extend(others.into_iter().map(hand));
            }
        }
        self.handle(now, &datagram, done)
    }

    /// Handles what another worker handed over, or gives it back.
    fn take_handed(
        &mut self,
        now: Instant,
        datagram: Datagram,
        back_to: Option<WorkerId>,
        done: &mut Done,
    ) -> Outcome {
        let keeps = |endpoint: &Endpoint<D>| endpoint.keeps(datagram.source, &datagram.octets);
        match back_to {
            Some(to) if !self.endpoint.as_ref().is_some_and(keeps) => {
                done.handings.push(Handing {
                    to,
                    datagram,
                    back_to: None,
                    goal: Goal::HandedBack,
                });
                Outcome::Nothing
            }
            _ => self.handle(now, &datagram, done),
        }
    }

    fn handle(&mut self, now: Instant, datagram: &Datagram, done: &mut Done) -> Outcome {
        if let Some(endpoint) = &mut self.endpoint {
            let (source, octets) = (datagram.source, &datagram.octets);
            let covered = datagram
                .circumstance
                .map(|it| (endpoint.standing(source, octets), it));
            done.covered = covered;
            endpoint.handle_datagram(now, source, octets);
        }
        Outcome::Nothing
    }

    /// What the endpoint does.
    fn work(&mut self, now: Instant, task: Task) -> Outcome {
        let Some(endpoint) = &mut self.endpoint else {
            return Outcome::Nothing;
        };
        match task {
            Task::TimeOut => endpoint.handle_timeout(now),
            Task::Act(call, what) => act(endpoint, now, call, what),
            Task::Echo(call, data) => {
                // A call that is not answered yet, or is over, takes none.
                let _ = endpoint.send_voice(now, call, &data);
            }
            Task::Dial { account, caller } => {
                let outcome = endpoint.call_peer(now, &accounts::name(account), "phone");
                return Outcome::Dialled {
                    account,
                    caller,
                    outcome,
                };
            }
            // One of the two may be over already.
            Task::Bridge([caller, call]) if endpoint.bridge(now, caller, call).is_ok() => {
                return Outcome::Bridged([caller, call]);
            }
            Task::Unbridge(call) if endpoint.unbridge(now, call).is_ok() => {
                return Outcome::Unbridged(call);
            }
            // They may be apart already, or one of them encrypted.
            Task::Transfer([first, second]) if endpoint.transfer(now, first, second).is_ok() => {
                return Outcome::Transferring;
            }
            Task::Register(nth, registration) => {
                let id = endpoint.register(now, *registration);
                let id = id.expect("a world has few registrations");
                self.registrants.push(id);
                return Outcome::Registers(nth, id);
            }
            Task::GiveUp => {
                let mut ids = core::mem::take(&mut self.registrants);
                // What was given up before is gone.
                ids.retain(|id| endpoint.unregister(now, *id).is_ok());
                return Outcome::GivesUp(ids);
            }
            Task::Qualify(accounts) if self.workers.is_alone() => qualify(now, endpoint, &accounts),
            Task::Qualify(_) => qualify_own(now, endpoint),
            Task::Adopt => endpoint.adopt(),
            Task::Answered(query) => endpoint.handle_answer(now, query),
            Task::Stored(id) => endpoint.handle_stored(now, &id),
            _ => {}
        }
        Outcome::Nothing
    }

    /// What is wanted of others now.
    fn collect(&mut self, directory: &D, done: &mut Done) {
        if let Some(endpoint) = &mut self.endpoint {
            done.transmits
                .extend(core::iter::from_fn(|| endpoint.poll_transmit()));
            done.events
                .extend(core::iter::from_fn(|| endpoint.poll_event()));
            // An event may have been waiting for room.
            done.transmits
                .extend(core::iter::from_fn(|| endpoint.poll_transmit()));
            let due = endpoint.poll_timeout().map(|(at, _)| at);
            done.endpoint = Some((endpoint.counts(), due));
        }
        done.questions
            .extend(core::iter::from_fn(|| directory.poll_question()));
        done.writes
            .extend(core::iter::from_fn(|| directory.poll_write()));
    }
}

/// Asks these. Who is nowhere, or not in this configuration, is not asked.
fn qualify<D: Directory>(now: Instant, endpoint: &mut Endpoint<D>, accounts: &[u8]) {
    for account in accounts {
        let _ = endpoint.qualify(now, &accounts::name(*account));
    }
}

/// Asks, of all that are linked, those that are this worker's. A row that is not cached is asked when it is read.
fn qualify_own<D: Directory + Observe>(now: Instant, endpoint: &mut Endpoint<D>) {
    for peer in endpoint.directory().linked_peers() {
        // Who has no contact is not asked.
        let _ = endpoint.qualify_own(now, peer);
    }
}

fn prune<D: Administer>(directory: &D, account: u8) -> Outcome {
    let name = accounts::name(account);
    Outcome::Pruned {
        account,
        peer: directory.prune(Role::Peer, &name),
        user: directory.prune(Role::User, &name),
    }
}

fn store<D: Directory + Administer + Observe>(
    directory: &D,
    write: Write,
    is_stored: bool,
) -> Outcome {
    let (name, generation) = (write.name.as_str(), write.generation);
    if is_stored {
        directory.stored(name, generation);
    } else {
        directory.not_stored(name, generation);
    }
    let place = place_of(directory, &write.name);
    Outcome::Stored {
        is_stored,
        is_in_force: place == Some(write.contact),
        is_registered: matches!(place, Some(Some(_))),
        write,
    }
}

/// Where a peer is that is linked, if anywhere.
fn place_of<D: Observe>(directory: &D, name: &Name) -> Option<Option<(SocketAddr, Instant)>> {
    let mut place = None;
    directory.visit_peers(Instant::ZERO, &mut |linked, contact, _| {
        if linked == name {
            place = Some(contact.and_then(|it| Some((it.address, it.deadline?))));
        }
    });
    place
}
