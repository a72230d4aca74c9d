//! A server as the world sees it: its directory, a database and an application that answers calls, echoes what it hears and places
//! calls. The shipped endpoint itself is at the [`desk`](super::desk) of the server's worker.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use iaxproof::catalog::Write;
use iaxproof::engine::counts::Counts;
use iaxproof::engine::directory::{Directory, Generation, QueryId, StoreId};
use iaxproof::engine::event::{CallId, Event};
use iaxproof::engine::options::{EndpointOptions, STORE_WAIT};
use iaxproof::engine::{Endpoint, WorkerId, Workers};
use iaxproof::time::Instant;
use iaxproof::wire::{CallNumber, Cause};

use super::client::voice_origin;
use super::dialler::{Awaited, Placed};
use crate::accounts::account_of_name;
use crate::database::Database;
use crate::decide::{Decisions, Domain, Key, mix};
use crate::fact::Doubt;
use crate::goals::{Goal, Goals};
use crate::plan::{Options, Plan};

/// What the application does with one call: a decision.
const MOODS: u32 = 7;
const RING_THEN_ANSWER: u32 = 0;
const REFUSE: u32 = 1;
const RING_LONG: u32 = 2;
const ANSWER_THEN_HANG_UP: u32 = 3;
const ACCEPT_THEN_HANG_UP: u32 = 5;
const ACCEPT_LATE: u32 = 6;

/// How long it thinks about a call that it accepts late, in milliseconds.
const THOUGHT: u64 = 3_000;

/// What the application says in a call that it placed.
pub(super) const DIALLER_VOICE: &[u8] = b"the application calls";

/// A server.
pub(crate) struct Server<D> {
    pub(crate) address: SocketAddr,
    pub(crate) directory: D,
    pub(crate) database: Database,
    pub(crate) application: Application,
    /// When the timers of its endpoints are scheduled for, by worker.
    pub(crate) timers: Vec<Option<Instant>>,
    /// What the endpoints counted after their last jobs, by worker.
    pub(crate) counts: Vec<Counts>,
    pub(crate) open_questions: usize,
    pub(crate) unregistering: Unregistering,
    pub(crate) configurations: u64,
    /// The configuration in force.
    pub(crate) configuration: usize,
    /// How often its process died.
    pub(crate) incarnation: u32,
    /// The directories of the processes to come, the last one first.
    spare: Vec<D>,
    pub(crate) writes: Writes,
}

/// Contacts that the operator took away, until the database has stored that they are gone.
#[derive(Debug, Default)]
pub(crate) struct Unregistering {
    waiting: BTreeMap<StoreId, u8>,
    /// What the database stored before the operator's thread came to say that it waits for it.
    stored: BTreeSet<StoreId>,
}

impl Unregistering {
    /// The operator waits for a write. Whether it is stored already.
    pub(crate) fn wait(&mut self, id: StoreId, account: u8) -> bool {
        let is_stored = self.stored.remove(&id);
        if !is_stored {
            self.waiting.insert(id, account);
        }
        is_stored
    }

    /// A write was answered. Whose contact is gone now, where the operator waited for that.
    pub(crate) fn answered(&mut self, id: StoreId, is_stored: bool) -> Option<u8> {
        let account = self.waiting.remove(&id);
        if account.is_none() && is_stored {
            self.stored.insert(id);
        }
        account.filter(|_| is_stored)
    }
}

/// What is written to the database of a server.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    /// Not answered.
    pub(crate) sent: Vec<Write>,
    /// By account, the latest registration that is stored.
    registered: BTreeMap<u8, Generation>,
    /// When each of these was sent.
    since: BTreeMap<StoreId, Instant>,
    /// By account, what the database last had when that was in force, and all that was written since.
    pub(crate) doubts: BTreeMap<u8, Vec<Doubt>>,
    /// Accounts of which the database stored what was not wanted any more.
    late: BTreeSet<u8>,
}

impl Writes {
    /// A write goes to the database.
    pub(crate) fn send(&mut self, now: Instant, write: &Write) {
        self.since.insert(write.id(), now);
        if let Some(account) = account_of_name(write.name.as_str()) {
            let doubts = self.doubts.entry(account).or_default();
            doubts.push(write.contact);
        }
        self.sent.push(write.clone());
    }

    /// Whether an account registered after this write, and the database has told so already.
    pub(crate) fn is_overtaken(&self, write: &Write) -> bool {
        let account = account_of_name(write.name.as_str());
        let latest = account.and_then(|account| self.registered.get(&account));
        latest.is_some_and(|latest| *latest > write.generation)
    }

    /// The accounts whose writes were sent so long ago that a registration does not wait for them any more.
    pub(crate) fn overdue(&self, now: Instant) -> Vec<u8> {
        let is_overdue = |(_, at): &(&StoreId, &Instant)| **at + STORE_WAIT <= now;
        let overdue = self.since.iter().filter(is_overdue);
        overdue
            .filter_map(|(id, _)| account_of_name(id.name.as_str()))
            .collect()
    }

    /// The database answered. Whether this undid what it had stored too late.
    pub(crate) fn answered(&mut self, write: &Write, is_stored: bool, is_in_force: bool) -> bool {
        self.sent.retain(|sent| sent.id() != write.id());
        self.since.remove(&write.id());
        let Some(account) = account_of_name(write.name.as_str()).filter(|_| is_stored) else {
            return false;
        };
        if write.contact.is_some() {
            let latest = self.registered.entry(account).or_default();
            *latest = write.generation.max(*latest);
        }
        if !is_in_force {
            self.late.insert(account);
            return false;
        }
        // Who registered may not have been told yet: its process can die before.
        // The next one may be on its way already: whoever brings the answer may have stood still.
        let doubts = self.doubts.entry(account).or_default();
        match doubts.iter().rposition(|doubt| *doubt == write.contact) {
            Some(nth) => drop(doubts.drain(..nth)),
            None => *doubts = vec![write.contact],
        }
        self.late.remove(&account)
    }
}

/// The accounts that are to be called once a question is answered, and for whom.
pub(super) type Waiting = VecDeque<(u8, Option<CallId>)>;

/// Answers calls and places them.
#[derive(Debug)]
pub(crate) struct Application {
    pub(super) server: u16,
    pub(super) options: Options,
    calls_seen: u32,
    /// What it is going to do with a call that it was asked about.
    moods: BTreeMap<CallId, u32>,
    pub(super) calls_placed: u32,
    pub(super) calls_bridged: u32,
    pub(crate) calls: BTreeMap<CallId, LiveCall>,
    /// By worker and its question.
    pub(super) asked: BTreeMap<(WorkerId, QueryId), Waiting>,
    pub(crate) awaited: BTreeMap<CallId, Awaited>,
}

/// A call between its offer and its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveCall {
    /// Where the other side is, from when that is known.
    pub(crate) from: Option<SocketAddr>,
    pub(super) origin: Option<(u8, CallNumber)>,
    /// Of a call that the application placed.
    pub(crate) placed: Option<Placed>,
    /// The call that it belongs with: of a caller, the call that was placed for it, and the other way round.
    pub(super) partner: Option<CallId>,
    pub(crate) is_bridged: bool,
}

/// What the application does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Accept,
    Ring,
    Answer,
    HangUp,
    /// Hangs up unless it was answered.
    GiveUp,
    Talk,
    /// Calls the peer of this account for the caller.
    Dial(u8),
    /// Bridges the call and its caller.
    Bridge,
    /// Takes the two apart.
    Unbridge,
    /// Connects the two other sides with each other, and leaves.
    Transfer,
}

impl<D> Server<D> {
    /// A server whose processes use these directories one after the other, each empty.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub(crate) fn new(index: u8, address: SocketAddr, directories: Vec<D>, plan: &Plan) -> Self {
        let mut spare = directories;
        spare.reverse();
        Server {
            address,
            directory: spare.pop().expect("a server has a process"),
            database: Database::new(index, plan),
            application: Application::new(u16::from(index), plan),
            timers: vec![None; usize::from(plan.topology.workers())],
            counts: vec![Counts::default(); usize::from(plan.topology.workers())],
            open_questions: 0,
            unregistering: Unregistering::default(),
            configurations: 0,
            configuration: 0,
            incarnation: 0,
            spare,
            writes: Writes::default(),
        }
    }

    /// The process dies, and the next one begins with an empty directory. Nothing is left but the database.
    ///
    /// # Panics
    ///
    /// Where the plan has more processes than were prepared.
    pub(crate) fn restart(&mut self, index: u8, plan: &Plan) {
        self.incarnation += 1;
        self.directory = self.spare.pop().expect("each process was prepared");
        let (seen, placed) = (self.application.calls_seen, self.application.calls_placed);
        let bridged = self.application.calls_bridged;
        self.application = Application::new(u16::from(index), plan);
        // Decisions about calls go on where they were.
        (self.application.calls_seen, self.application.calls_placed) = (seen, placed);
        self.application.calls_bridged = bridged;
        self.timers.fill(None);
        self.counts.fill(Counts::default());
        self.open_questions = 0;
        self.unregistering = Unregistering::default();
        self.writes = Writes::default();
    }
}

/// Does one thing with one call. A call that is gone is no mistake: the other side may have hung up.
pub(super) fn act<D: Directory>(endpoint: &mut Endpoint<D>, now: Instant, call: CallId, act: Act) {
    let done = match act {
        Act::Accept => endpoint.accept(now, call),
        Act::Ring => endpoint.ring(now, call),
        Act::Answer => endpoint.answer(now, call),
        Act::HangUp => endpoint.hangup(now, call, Cause::USER_BUSY),
        Act::GiveUp => endpoint.hangup(now, call, Cause::NO_ANSWER),
        Act::Talk => endpoint.send_voice(now, call, DIALLER_VOICE),
        // These concern two calls, or the directory: they are tasks of their own.
        Act::Dial(_) | Act::Bridge | Act::Unbridge | Act::Transfer => Ok(()),
    };
    let _ = done;
}

impl Application {
    fn new(server: u16, plan: &Plan) -> Self {
        Application {
            server,
            options: plan.options.clone(),
            calls_seen: 0,
            moods: BTreeMap::new(),
            calls_placed: 0,
            calls_bridged: 0,
            calls: BTreeMap::new(),
            asked: BTreeMap::new(),
            awaited: BTreeMap::new(),
        }
    }

    /// What to do about an event, and when.
    pub(crate) fn take(
        &mut self,
        event: &Event,
        is_calm: bool,
        decisions: &mut Decisions,
        goals: &mut Goals,
    ) -> Vec<(Duration, CallId, Act)> {
        match event {
            Event::Requested { call, number, .. } => {
                let is_for_peer = account_of_name(number).is_some();
                let acts = if is_for_peer {
                    &[(0, Act::Accept)]
                } else {
                    self.consider(*call, is_calm, decisions, goals)
                };
                in_time(*call, acts)
            }
            Event::Incoming {
                call, from, number, ..
            } => {
                let live = LiveCall {
                    from: Some(*from),
                    origin: None,
                    placed: None,
                    partner: None,
                    is_bridged: false,
                };
                self.calls.insert(*call, live);
                if let Some(account) = account_of_name(number) {
                    return vec![(Duration::ZERO, *call, Act::Dial(account))];
                }
                in_time(*call, self.welcome(*call, goals))
            }
            Event::Voice { call, data, .. } => {
                self.hear(*call, data, goals);
                Vec::new()
            }
            event => {
                if let Event::Ended { call, .. } = event {
                    self.moods.remove(call);
                }
                self.follow(event, is_calm, decisions, goals)
            }
        }
    }

    pub(crate) fn is_answered(&self, call: CallId) -> bool {
        let placed = self.calls.get(&call).and_then(|live| live.placed);
        placed.is_some_and(|placed| placed.is_answered)
    }

    /// What to do about a call that asks to be accepted.
    fn consider(
        &mut self,
        call: CallId,
        is_calm: bool,
        decisions: &mut Decisions,
        goals: &mut Goals,
    ) -> &'static [(u64, Act)] {
        let mood = self.decide(is_calm, decisions);
        self.moods.insert(call, mood);
        match mood {
            REFUSE => {
                goals.reach(Goal::CallRejected);
                &[(0, Act::HangUp)]
            }
            ACCEPT_LATE => &[(THOUGHT, Act::Accept)],
            _ => &[(0, Act::Accept)],
        }
    }

    fn decide(&mut self, is_calm: bool, decisions: &mut Decisions) -> u32 {
        let key = Key {
            domain: Domain::Application,
            who: self.server,
            nth: self.calls_seen,
        };
        self.calls_seen += 1;
        let rate = u64::from(self.options.moody_permille);
        let draw = |bits: u64| {
            if bits % 1_000 < rate {
                (bits >> 32) as u32 % MOODS
            } else {
                RING_THEN_ANSWER
            }
        };
        if is_calm {
            RING_THEN_ANSWER
        } else {
            decisions.decide(key, MOODS, draw)
        }
    }

    /// What to do with a call that it has accepted.
    fn welcome(&mut self, call: CallId, goals: &mut Goals) -> &'static [(u64, Act)] {
        match self.moods.remove(&call).unwrap_or(RING_THEN_ANSWER) {
            RING_THEN_ANSWER | ACCEPT_LATE => &[(0, Act::Ring), (200, Act::Answer)],
            ACCEPT_THEN_HANG_UP => {
                goals.reach(Goal::CallRefused);
                &[(0, Act::HangUp)]
            }
            RING_LONG => &[(0, Act::Ring), (8_000, Act::Answer)],
            ANSWER_THEN_HANG_UP => {
                goals.reach(Goal::CallRefused);
                &[(0, Act::Answer), (12_000, Act::HangUp)]
            }
            _ => &[(0, Act::Answer)],
        }
    }

    /// Audio carries its origin. The first frame of a call is reliable; a later one of another origin was misdelivered, which the
    /// protocol cannot exclude.
    fn hear(&mut self, call: CallId, data: &[u8], goals: &mut Goals) {
        let Some(live) = self.calls.get_mut(&call) else {
            return;
        };
        let origin = voice_origin(data);
        if live.placed.is_some() && origin.is_some() {
            goals.reach(Goal::DialledSpoke);
        }
        let first = live.origin.or(origin);
        if origin.is_some() && origin != first {
            goals.reach(Goal::MiniMisdelivered);
        }
        live.origin = first;
    }
}

fn in_time(call: CallId, acts: &[(u64, Act)]) -> Vec<(Duration, CallId, Act)> {
    let in_time = |(ms, act): &(u64, Act)| (Duration::from_millis(*ms), call, *act);
    acts.iter().map(in_time).collect()
}

/// How the endpoint of this worker of each server is set up.
pub(crate) fn endpoint_options(plan: &Plan, worker: u8) -> EndpointOptions {
    let mut options = EndpointOptions {
        asks_application: true,
        workers: Workers::new(WorkerId(worker.into()), plan.topology.workers().into()),
        ..EndpointOptions::default()
    };
    if plan.options.call_numbers > 0 {
        options.call_numbers = 2..=1 + plan.options.call_numbers;
    }
    options
}

/// Where the numbers and challenges of a worker of a process come from.
pub(crate) fn endpoint_seed(plan: &Plan, index: u8, incarnation: u32, worker: u8) -> [u8; 32] {
    let seed = match (u64::from(worker) << 32) + u64::from(incarnation) {
        0 => plan.seed,
        nth => plan.seed ^ mix(nth),
    };
    let mut octets = [0; 32];
    for (nth, chunk) in octets.chunks_mut(8).enumerate() {
        let word = mix(seed ^ mix(u64::from(index) * 4 + nth as u64));
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    octets
}
