//! The server that strangers come to, its database, and the rules that it is held to after each datagram.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::catalog::Catalog;
use iaxproof::engine::directory::TokenKey;
use iaxproof::engine::options::EVENTS_MAX;
use iaxproof::engine::reliable::QUEUE_MAX;
use iaxproof::engine::reliable::window::OUTSTANDING_MAX;
use iaxproof::engine::{Endpoint, EndpointOptions};
use iaxproof::registry::{Audited, HashKey};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use super::caller::Caller;
use super::handover::Third;
use super::judge::empties;
use super::step::{DATAGRAMS_MAX, Step, WHATS, What};
use super::town::{ADDRESSES, SOMEBODY, TOKEN_LIFE, Town, UNVALIDATED_MAX, Whose};
use crate::checkers::Checkers;
use crate::fact::{Fact, Limits, Mark, Passage};
use crate::plan::{Actor, Topology};
use crate::sweep::audited;
use crate::world::DirectorySetup;

/// How long after the last step everything must be over: a registration and its grace, and every wait of a dialogue.
const AFTERMATH: Duration = Duration::from_secs(300);

/// What came of the visits, so that tests can see that they were what they should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visits {
    /// Datagrams of strangers.
    pub came: u32,
    /// Datagrams of the server.
    pub sent: u32,
    /// Registrations granted.
    pub registered: u32,
    /// Calls that reached the application.
    pub offered: u32,
    /// Calls that went over to another stranger.
    pub handed_over: u32,
    /// Logins refused.
    pub refused: u32,
    /// The most dialogues at once.
    pub dialogues: u32,
}

/// A run that held.
pub(super) struct Run {
    pub(super) visits: Visits,
    /// The server's datagrams, as they look from outside.
    pub(super) shapes: Vec<String>,
}

/// A dialogue as its opener sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    pub(super) whose: Whose,
    pub(super) has_proved: bool,
}

pub(super) struct Bench<'a> {
    pub(super) now: Instant,
    pub(super) town: &'a Town,
    pub(super) catalog: &'a Catalog<Audited>,
    pub(super) endpoint: Endpoint<&'a Catalog<Audited>>,
    pub(super) checkers: Checkers,
    limits: Limits,
    pub(super) callers: [Caller; ADDRESSES.len()],
    pub(super) opened: BTreeMap<(SocketAddr, CallNumber), Opened>,
    pub(super) tokens: BTreeMap<SocketAddr, Vec<(Instant, Vec<u8>)>>,
    /// Who a call is to go to.
    pub(super) third: Option<Third>,
    pub(super) dialogues: u16,
    pub(super) run: Run,
}

impl<'a> Bench<'a> {
    /// Plays the steps, and lets all that they began come to its end.
    pub(super) fn run(town: &Town, steps: &[Step]) -> Run {
        let catalog = audited(&DirectorySetup {
            number: 0,
            hash_key: HashKey(1, 2),
            token_key: TokenKey([7; 32]),
            realtime: town.has_rows,
        });
        let mut bench = Bench::new(town, &catalog);
        for step in steps {
            bench.play(step);
        }
        bench.pass(AFTERMATH);
        let run = bench.end();
        empties(&catalog);
        run
    }

    fn new(town: &'a Town, catalog: &'a Catalog<Audited>) -> Self {
        catalog.reload(town.configuration());
        let options = EndpointOptions {
            asks_application: true,
            ..EndpointOptions::default()
        };
        Bench {
            now: Instant::from_secs(1),
            town,
            catalog,
            limits: Limits {
                pool: options.call_numbers.clone().count(),
                dialogues_max: options.dialogues_max,
                quarantine_max: options.quarantine_max,
                registrations_max: options.registrations_max,
                events_max: EVENTS_MAX,
                outstanding_max: OUTSTANDING_MAX,
                queue_max: QUEUE_MAX,
            },
            endpoint: Endpoint::new(options, [9; 32], catalog),
            checkers: Checkers::new(&nobody()).without_an_operator(),
            callers: Default::default(),
            opened: BTreeMap::new(),
            tokens: BTreeMap::new(),
            third: None,
            dialogues: 0,
            run: Run {
                visits: Visits::default(),
                shapes: Vec::new(),
            },
        }
    }

    fn play(&mut self, step: &Step) {
        let waits_ms = [0, 20, 1_000, 12_000, 70_000];
        let wait = waits_ms[usize::from(step.wait) % waits_ms.len()];
        self.pass(Duration::from_millis(wait));
        let who = usize::from(step.from) % ADDRESSES.len();
        for _ in 0..step.times.max(1) {
            if self.run.visits.came < DATAGRAMS_MAX {
                self.come(who, step);
            }
        }
    }

    fn come(&mut self, who: usize, step: &Step) {
        match WHATS[usize::from(step.what) % WHATS.len()] {
            What::New => self.open(who, IaxCommand::New, step),
            What::RegReq => self.open(who, IaxCommand::RegReq, step),
            What::RegRel => self.open(who, IaxCommand::RegRel, step),
            What::Poke => self.open(who, IaxCommand::Poke, step),
            What::Proof => self.prove(who, step.secret),
            What::Ack => self.say(who, IaxCommand::Ack),
            What::Hangup => self.say(who, IaxCommand::Hangup),
            What::Voice => {
                let voice = self.callers[who].speak();
                self.arrive(who, &voice);
            }
            What::Visit => self.visit(who, step),
            What::HandOver => self.pass_over(who, step),
        }
    }

    fn visit(&mut self, who: usize, step: &Step) {
        self.call(who, step);
        self.say(who, IaxCommand::Hangup);
        self.say(who, IaxCommand::Ack);
    }

    /// A call that goes over to the next stranger, who has shown before that it is there.
    fn pass_over(&mut self, who: usize, step: &Step) {
        let next = (who + 1) % (ADDRESSES.len() - 1);
        self.visit(next, step);
        let offered = self.run.visits.offered;
        self.call(who, step);
        if self.run.visits.offered > offered {
            self.hand_over(who, next);
        }
    }

    /// A whole call but for its end: a token, a NEW that shows it, the proof where one is asked for, and an ACK.
    fn call(&mut self, who: usize, step: &Step) {
        for token in [1, 3] {
            self.open(who, IaxCommand::New, &Step { token, ..*step });
        }
        if self.callers[who].is_challenged() {
            self.prove(who, step.secret);
        }
        self.say(who, IaxCommand::Ack);
    }

    fn prove(&mut self, who: usize, secret: u8) {
        let proof = self.callers[who].prove(secret, self.town.secrets_are_known);
        self.note_opened(who);
        self.arrive(who, &proof);
    }

    pub(super) fn open(&mut self, who: usize, command: IaxCommand, step: &Step) {
        self.dialogues += 1;
        let opener = self.callers[who].open(command, step, self.dialogues);
        self.note_opened(who);
        self.arrive(who, &opener);
    }

    fn say(&mut self, who: usize, command: IaxCommand) {
        let octets = self.callers[who].say(command);
        self.arrive(who, &octets);
    }

    fn note_opened(&mut self, who: usize) {
        let caller = &self.callers[who];
        let opened = Opened {
            whose: caller.whose(),
            has_proved: caller.has_proved,
        };
        self.opened
            .insert((ADDRESSES[who], caller.source()), opened);
    }

    pub(super) fn arrive(&mut self, who: usize, datagram: &[u8]) {
        let source = ADDRESSES[who];
        self.run.visits.came += 1;
        let frame = Frame::parse(datagram).ok();
        let may_open = match &frame {
            Some(Frame::Full(frame)) => self.may_open(source, frame),
            _ => false,
        };
        self.check(&Fact::Arrived(Passage {
            from: Actor::Client(0),
            to: Some(Actor::Server(0)),
            source,
            destination: here(),
            datagram,
            frame,
            is_sealed: false,
            // Strangers keep to no rule of their own.
            mark: Mark::Damaged,
        }));
        let before = self.endpoint.counts().dialogues();
        self.endpoint.handle_datagram(self.now, source, datagram);
        let after = self.endpoint.counts().dialogues();
        assert!(
            after <= before || may_open,
            "bounded: a dialogue is opened for {source}, which has shown no token"
        );
        self.run.visits.dialogues = self.run.visits.dialogues.max(after as u32);
        self.drain();
    }

    /// Whether a request shows a token that was given to its address and is not too old, or needs none. A POKE opens nothing, whatever it
    /// shows.
    fn may_open(&self, source: SocketAddr, frame: &FullFrame<'_>) -> bool {
        let Body::Iax { command, ies } = frame.body else {
            return false;
        };
        let given = self.tokens.get(&source).into_iter().flatten();
        let mut good = given.filter(|(at, _)| self.now < *at + TOKEN_LIFE);
        let mut is_good = |shown: &[u8]| good.any(|(_, token)| token == shown);
        command != IaxCommand::Poke && ies.call_token().map_or(source == SOMEBODY, &mut is_good)
    }

    /// Lets time pass, with every timer on the way.
    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some((due, _)) = self
            .endpoint
            .poll_timeout()
            .filter(|(due, _)| *due <= until)
        {
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    /// Takes what the endpoint wants done until it wants no more.
    fn drain(&mut self) {
        loop {
            let mut is_idle = true;
            while let Some(transmit) = self.endpoint.poll_transmit() {
                is_idle = false;
                self.transmitted(&transmit);
            }
            while let Some(event) = self.endpoint.poll_event() {
                is_idle = false;
                self.told(&event);
            }
            if is_idle && !self.serve_database() {
                break;
            }
        }
        let (counts, limits) = (self.endpoint.counts(), self.limits);
        self.check(&Fact::Counted {
            server: 0,
            worker: 0,
            counts: &counts,
            limits: &limits,
        });
        self.check(&Fact::Unvalidated {
            server: 0,
            count: self.catalog.admitted().unvalidated,
            max: UNVALIDATED_MAX,
        });
    }
}

/// None of the accounts that checkers know: the rules are this bench's own.
fn nobody() -> Topology {
    Topology {
        servers: 1,
        ..Topology::default()
    }
}

pub(super) fn here() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 4_569))
}
