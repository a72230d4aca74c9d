//! Any octets as a list of steps against the shipped endpoint over the shipped catalog: datagrams raw, built from fields, or
//! echoed from what the endpoint sent, with time, operators and database in between. After each step the endpoint must be
//! sound, and at the end nothing may be left.
//!
//! `step` says how octets are read.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::catalog::Catalog;
use iaxproof::engine::directory::{Role, TokenKey};
use iaxproof::engine::event::Event;
use iaxproof::engine::options::{EVENTS_MAX, EndpointOptions};
use iaxproof::engine::reliable::QUEUE_MAX;
use iaxproof::engine::reliable::window::OUTSTANDING_MAX;
use iaxproof::engine::settings::Secret;
use iaxproof::engine::{Calling, Dial, Endpoint, Error, Transmit};
use iaxproof::registry::{Audited, HashKey};
use iaxproof::time::Instant;
use iaxproof::wire::{Cause, Digit, Frame};

use super::datagram::{Memory, build};
use super::step::{Step, What, decode};
use crate::accounts;
use crate::administer::Observe;
use crate::checkers::Checkers;
use crate::database::Database;
use crate::fact::{Beside, Fact, Limits, Mark, Passage};
use crate::plan::{Actor, ConfigurationPlan, Options, RowEdit, Topology};
use crate::sweep::audited;
use crate::world::DirectorySetup;

/// How many call numbers the endpoint has: few, so that they run out.
const POOL: u16 = 12;
/// How long after the last step everything must be over: the longest registration and its grace, and every wait of a dialogue.
const AFTERMATH: Duration = Duration::from_secs(300);
/// How many things an operator, a database or an application does.
const OPERATIONS: u8 = 15;
/// The most timers that may be due at one instant, many times over.
const TIMERS_AT_ONCE_MAX: usize = 10_000;

/// What an input came to, so that tests can see that a session was what it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Registrations granted.
    pub registered: u32,
    /// Registrations released.
    pub released: u32,
    /// Calls offered.
    pub offered: u32,
    /// Calls placed.
    pub placed: u32,
    /// Calls that were placed and accepted.
    pub accepted: u32,
    /// Calls that were placed and answered.
    pub answered: u32,
    /// Calls over, whoever placed them.
    pub ended: u32,
    /// Frames of audio, digits and texts that came through.
    pub media: u32,
    /// Logins refused.
    pub refused: u32,
    /// Datagrams that the endpoint sent.
    pub sent: u32,
}

/// The body of the fuzz target.
///
/// # Panics
///
/// Where the endpoint or the catalog is unsound.
pub fn endpoint(octets: &[u8]) {
    play(&decode(octets));
}

/// Plays steps against a fresh endpoint.
///
/// # Panics
///
/// Where the endpoint or the catalog is unsound.
pub fn play(steps: &[Step]) -> Played {
    let catalog = audited(&DirectorySetup {
        number: 0,
        hash_key: HashKey(1, 2),
        token_key: TokenKey([7; 32]),
        realtime: true,
    });
    let mut bench = Bench::new(&catalog);
    for step in steps {
        bench.play(step);
    }
    bench.pass(AFTERMATH);
    let played = bench.end();
    assert_empties(&catalog);
    played
}

fn assert_empties(catalog: &Catalog<Audited>) {
    catalog.reload(iaxproof::engine::settings::Configuration::default());
    for account in 0..topology().clients {
        let name = accounts::name(account);
        let _ = catalog.prune(Role::Peer, &name);
        let _ = catalog.prune(Role::User, &name);
    }
    let report = catalog.ledger_report();
    assert_eq!(catalog.live_objects(), 0, "no-leak: {report}");
}

/// Accounts 0 to 3, of which 2 is a row and 3 has no secret.
fn topology() -> Topology {
    Topology {
        servers: 1,
        clients: 4,
        realtime: vec![2],
        sharing: Vec::new(),
        ..Topology::default()
    }
}

struct Bench<'a> {
    now: Instant,
    catalog: &'a Catalog<Audited>,
    endpoint: Endpoint<&'a Catalog<Audited>>,
    database: Database,
    serial: u64,
    checkers: Checkers,
    limits: Limits,
    memories: BTreeMap<SocketAddr, Memory>,
    sent: Vec<Vec<u8>>,
    last_call: Option<iaxproof::engine::CallId>,
    played: Played,
}

impl<'a> Bench<'a> {
    fn new(catalog: &'a Catalog<Audited>) -> Self {
        let options = EndpointOptions {
            call_numbers: 2..=1 + POOL,
            asks_application: true,
            ..EndpointOptions::default()
        };
        let limits = Limits {
            pool: usize::from(POOL),
            dialogues_max: options.dialogues_max,
            quarantine_max: options.quarantine_max,
            registrations_max: options.registrations_max,
            events_max: EVENTS_MAX,
            outstanding_max: OUTSTANDING_MAX,
            queue_max: QUEUE_MAX,
        };
        let mut bench = Bench {
            now: Instant::from_secs(1),
            catalog,
            endpoint: Endpoint::new(options, [9; 32], catalog),
            database: Database::of_rows(&topology(), Options::default()),
            serial: 0,
            checkers: Checkers::new(&topology()).without_an_operator(),
            limits,
            memories: BTreeMap::new(),
            sent: Vec::new(),
            last_call: None,
            played: Played::default(),
        };
        bench.reload(0);
        bench
    }

    fn play(&mut self, step: &Step) {
        let waits_ms = [0, 1, 20, 1_000, 10_000, 60_000];
        let wait = waits_ms[usize::from(step.wait) % waits_ms.len()];
        self.pass(Duration::from_millis(wait));
        let remote = remote(step.remote);
        let memory = self.memories.entry(remote).or_default();
        let datagram = match &step.what {
            What::Raw(octets) => octets.clone(),
            What::Full(fields) => build(fields, memory),
            What::Mini {
                source,
                timestamp,
                len,
            } => super::datagram::mini(*source, *timestamp, *len),
            What::Reflect { nth, at, change } => self.reflected(*nth, *at, *change),
            What::Operate { what, account } => {
                self.operate(*what, account % topology().clients);
                return;
            }
        };
        self.arrive(remote, &datagram);
    }

    fn arrive(&mut self, remote: SocketAddr, datagram: &[u8]) {
        let passage = Passage {
            from: Actor::Client(0),
            to: Some(Actor::Server(0)),
            source: remote,
            destination: here(),
            datagram,
            frame: Frame::parse(datagram).ok(),
            is_sealed: false,
            // Whatever comes is taken for damaged: these clients keep to no rule of their own.
            mark: Mark::Damaged,
        };
        self.check(&Fact::Arrived(passage));
        self.endpoint.handle_datagram(self.now, remote, datagram);
        self.drain();
    }

    fn reflected(&self, nth: u8, at: u8, change: u8) -> Vec<u8> {
        let from_last = usize::from(nth) % self.sent.len().max(1);
        let mut octets = match self.sent.iter().rev().nth(from_last) {
            Some(octets) => octets.clone(),
            None => Vec::new(),
        };
        let at = usize::from(at) % octets.len().max(1);
        if let Some(octet) = octets.get_mut(at) {
            *octet ^= change;
        }
        octets
    }

    fn operate(&mut self, what: u8, account: u8) {
        let name = accounts::name(account);
        match what % OPERATIONS {
            0 => self.reload(account),
            1 => drop(self.catalog.unregister(&name)),
            2 => {
                let _ = self.catalog.prune(Role::Peer, &name);
            }
            3 => drop(self.database.edit(account, RowEdit::Changed)),
            4 => drop(self.database.edit(account, RowEdit::Absent)),
            5 => drop(self.database.edit(account, RowEdit::Plain)),
            7 => self.call_peer(account),
            8 => self.call(account, None),
            9 => self.call(account, Some(Duration::from_secs(3))),
            what => self.command(what, account),
        }
        self.drain();
    }

    /// The application does something with its newest call.
    fn command(&mut self, what: u8, account: u8) {
        let (now, endpoint) = (self.now, &mut self.endpoint);
        let Some(call) = self.last_call else {
            return;
        };
        // A call that is over, or not so far, refuses: that is part of the game.
        let _ = match what {
            6 => endpoint.hangup(now, call, Cause::NORMAL_CLEARING),
            10 => endpoint.ring(now, call),
            11 => endpoint.answer(now, call),
            12 => endpoint.send_voice(now, call, &vec![0x55; 100 << account]),
            13 => Digit::new(b'0' + account)
                .map_or(Ok(()), |digit| endpoint.send_dtmf(now, call, digit)),
            _ => endpoint.send_text(now, call, "a text"),
        };
    }

    /// Calls the peer of an account, whose contact, if there is one, is one of the four addresses.
    fn call_peer(&mut self, account: u8) {
        let name = accounts::name(account);
        let outcome = self.endpoint.call_peer(self.now, &name, "phone");
        self.placed(account, outcome);
    }

    /// Calls an address as an account.
    fn call(&mut self, account: u8, answer_wait: Option<Duration>) {
        let dial = Dial {
            username: Some(accounts::name(account)),
            secrets: vec![Secret::new(&accounts::secret(account))],
            answer_wait,
            ..Dial::new(remote(account), "phone")
        };
        let outcome = self.endpoint.call(self.now, dial).map(Calling::Call);
        self.placed(account, outcome);
    }

    fn placed(&mut self, account: u8, outcome: Result<Calling, Error>) {
        if let Ok(Calling::Call(call)) = outcome {
            self.played.placed += 1;
            self.last_call = Some(call);
        }
        self.check(&Fact::Dialled {
            server: 0,
            account,
            outcome,
            beside: Beside::Nobody,
        });
    }

    /// Accepts a configuration; all but the first lack an account.
    fn reload(&mut self, lacking: u8) {
        let plan = ConfigurationPlan {
            registration_s: 120,
            reject_delay_ms: if lacking == 1 { 1_000 } else { 0 },
            absent: (1..=lacking).collect(),
            changed: Vec::new(),
        };
        let configuration = accounts::configuration(&topology(), 0, &plan, 0, self.serial);
        self.serial += 1;
        self.catalog.reload(configuration);
    }

    /// Lets time pass, with every timer on the way.
    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        let mut at_once = 0;
        while let Some((due, _)) = self
            .endpoint
            .poll_timeout()
            .filter(|(due, _)| *due <= until)
        {
            at_once = if due > self.now { 0 } else { at_once + 1 };
            assert!(
                at_once < TIMERS_AT_ONCE_MAX,
                "timers are due at {due} for ever"
            );
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    /// Takes what the endpoint wants done until it wants no more, and looks at it.
    fn drain(&mut self) {
        loop {
            let before = self.played.sent;
            while let Some(transmit) = self.endpoint.poll_transmit() {
                self.transmitted(transmit);
            }
            let mut is_idle = before == self.played.sent;
            while let Some(event) = self.endpoint.poll_event() {
                is_idle = false;
                self.told(&event);
            }
            is_idle &= !self.serve_database();
            if is_idle {
                break;
            }
        }
        let counts = self.endpoint.counts();
        let limits = self.limits;
        self.check(&Fact::Counted {
            server: 0,
            worker: 0,
            counts: &counts,
            limits: &limits,
        });
    }

    fn transmitted(&mut self, transmit: Transmit) {
        self.played.sent += 1;
        let datagram = transmit.payload;
        let frame = Frame::parse(&datagram);
        let frame = frame.expect("what the endpoint sends is a frame");
        self.memories
            .entry(transmit.destination)
            .or_default()
            .note(&frame);
        let passage = Passage {
            from: Actor::Server(0),
            to: None,
            source: here(),
            destination: transmit.destination,
            datagram: &datagram,
            frame: Some(frame),
            is_sealed: false,
            mark: Mark::Plain,
        };
        self.check(&Fact::Sent(passage));
        self.sent.push(datagram);
    }

    fn told(&mut self, event: &Event) {
        self.check(&Fact::Told { server: 0, event });
        match event {
            Event::Registered { .. } => self.played.registered += 1,
            Event::Released { .. } => self.played.released += 1,
            Event::LoginFailed { .. } => self.played.refused += 1,
            Event::Called { call: Ok(call), .. } => {
                self.played.placed += 1;
                self.last_call = Some(*call);
            }
            Event::Accepted { .. } => self.played.accepted += 1,
            Event::Answered { .. } => self.played.answered += 1,
            Event::Ended { .. } => self.played.ended += 1,
            Event::Requested { call, .. } => {
                let _ = self.endpoint.accept(self.now, *call);
            }
            Event::Incoming { call, .. } => {
                self.played.offered += 1;
                self.last_call = Some(*call);
                // It may have been hung up in the same datagram's wake.
                let _ = self.endpoint.ring(self.now, *call);
                let _ = self.endpoint.answer(self.now, *call);
            }
            Event::Voice { call, data, .. } => {
                self.played.media += 1;
                let _ = self.endpoint.send_voice(self.now, *call, data);
            }
            Event::Dtmf { .. } => self.played.media += 1,
            Event::Text { .. } => self.played.media += 1,
            _ => {}
        }
    }

    fn serve_database(&mut self) -> bool {
        let mut any = false;
        while let Some(question) = self.catalog.poll_question() {
            any = true;
            let answer = self.database.read(&question);
            self.catalog.answer(question.id, answer, self.now);
            self.endpoint.handle_answer(self.now, question.id);
        }
        while let Some(write) = self.catalog.poll_write() {
            any = true;
            self.database.store(&write);
            self.catalog.stored(write.name.as_str(), write.generation);
            self.endpoint.handle_stored(self.now, &write.id());
        }
        any
    }

    fn check(&mut self, fact: &Fact<'_>) {
        // Typed text is numbered in worlds alone.
        if matches!(
            fact,
            Fact::Told {
                event: Event::Text { .. },
                ..
            }
        ) {
            return;
        }
        if let Err(violation) = self.checkers.observe(self.now, fact) {
            panic!("{}: {}", violation.property, violation.message);
        }
    }

    /// Everything is over.
    fn end(mut self) -> Played {
        let counts = self.endpoint.counts();
        assert_eq!(counts.dialogues(), 0, "call-ends");
        assert_eq!(counts.expiry_timers, 0, "registrations lapse");
        let references = self.catalog.references().unwrap_or_default();
        assert_eq!(references.held, references.links, "no-leak at rest");
        self.check(&Fact::AtRest {
            server: 0,
            counts: &counts,
            references: None,
        });
        self.played
    }
}

/// One of the four addresses.
fn remote(nth: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1 + nth % 4], 4_569))
}

fn here() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 4_569))
}
