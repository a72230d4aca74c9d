//! A phone: an endpoint with a catalog of its own that registers, calls, lets itself be called, talks and hangs up, and now and then
//! is switched off without a word, so that its registration lapses and its calls find nobody.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::engine::directory::{Role, TokenKey};
use iaxproof::engine::settings::{
    Configuration, Encryption, General, Name, Secret, Settings, TransferPolicy,
};
use iaxproof::engine::{
    CallId, Dial, Endpoint, EndpointOptions, Event, RegistrantId, RegistrantState, Registration,
};
use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{HashKey, Std};
use iaxproof::time::Instant;
use iaxproof::wire::{Cause, Digit};

use super::pace::Dice;
use super::tally::{Count, Tally};
use super::town::Town;

/// The most calls that one phone places or takes at once.
const CALLS_MAX: usize = 3;
/// The longest rest between two things that a phone does by itself, in milliseconds of its time.
const REST_MS_MAX: usize = 6_000;
/// Octets of one frame of audio.
const VOICE: [u8; 160] = [0x55; 160];
/// The call numbers of one phone: few, so that they are used again.
const NUMBERS: core::ops::RangeInclusive<u16> = 2..=200;

/// A phone.
#[derive(Debug)]
pub(super) struct Phone {
    peer: usize,
    name: Name,
    pub(super) address: SocketAddr,
    server: SocketAddr,
    pub(super) endpoint: Endpoint<Catalog<Std>>,
    registrant: Option<RegistrantId>,
    calls: Vec<CallId>,
    due: Instant,
}

impl Phone {
    /// Switched on, and silent.
    pub(super) fn new(town: &Town, peer: usize, dice: &mut Dice) -> Self {
        let name = town.name(peer);
        Phone {
            peer,
            address: town.phone(peer),
            server: server(town, peer, dice),
            endpoint: endpoint(&name, dice),
            name,
            registrant: None,
            calls: Vec::new(),
            due: Instant::ZERO,
        }
    }

    /// Does something, if it is time for it.
    pub(super) fn act(&mut self, now: Instant, town: &Town, dice: &mut Dice) -> bool {
        let is_due = now >= self.due;
        if is_due {
            self.due = now + Duration::from_millis(1 + dice.below(REST_MS_MAX) as u64);
            self.do_one(now, town, dice);
        }
        is_due
    }

    fn do_one(&mut self, now: Instant, town: &Town, dice: &mut Dice) {
        match dice.below(16) {
            0 => *self = Phone::new(town, self.peer, dice),
            1 => self.unregister(now),
            2..=5 => self.register(now, dice),
            6..=8 => self.call(now, town, dice),
            9..=10 => self.hang_up(now, dice),
            _ => self.talk(now, dice),
        }
    }

    fn register(&mut self, now: Instant, dice: &mut Dice) {
        if self.registrant.is_some() {
            return;
        }
        let registration = Registration {
            secrets: vec![Secret::new(self.name.as_str())],
            refresh: Duration::from_secs(10 + dice.below(50) as u64),
            ..Registration::new(self.server, self.name.clone())
        };
        self.registrant = self.endpoint.register(now, registration).ok();
    }

    fn unregister(&mut self, now: Instant) {
        if let Some(registrant) = self.registrant {
            // It may be on its way out.
            let _is_there = self.endpoint.unregister(now, registrant);
        }
    }

    /// Calls somebody by the server: the echo, or a peer that may not be there or not exist.
    fn call(&mut self, now: Instant, town: &Town, dice: &mut Dice) {
        if self.calls.len() >= CALLS_MAX {
            return;
        }
        let number = match dice.below(8) {
            0 => "echo".to_owned(),
            1 => "nobody".to_owned(),
            _ => town.name(dice.below(town.peers)).to_string(),
        };
        let policies = [TransferPolicy::Allowed, TransferPolicy::Refused];
        let dial = Dial {
            username: Some(self.name.to_string()),
            secrets: vec![Secret::new(self.name.as_str())],
            encryption: dice.pick(&[Encryption::Off, Encryption::Offered]),
            transfer: dice.pick(&policies),
            ..Dial::new(self.server, &number)
        };
        self.calls.extend(self.endpoint.call(now, dial));
    }

    fn hang_up(&mut self, now: Instant, dice: &mut Dice) {
        if !self.calls.is_empty() {
            let call = self.calls.swap_remove(dice.below(self.calls.len()));
            self.end(now, call, Cause::NORMAL_CLEARING);
        }
    }

    /// Hangs everything up.
    pub(super) fn stop(&mut self, now: Instant) {
        for call in core::mem::take(&mut self.calls) {
            self.end(now, call, Cause::NORMAL_CLEARING);
        }
    }

    fn end(&mut self, now: Instant, call: CallId, cause: Cause) {
        // It may have ended by itself.
        let _was_up = self.endpoint.hangup(now, call, cause);
    }

    /// Audio, digits and texts on all calls; those that are not up take none.
    fn talk(&mut self, now: Instant, dice: &mut Dice) {
        for call in self.calls.clone() {
            let _is_up = match dice.below(4) {
                0 => {
                    let digit = Digit::new(b'5').expect("it is a digit");
                    self.endpoint.send_dtmf(now, call, digit)
                }
                1 => self.endpoint.send_text(now, call, "on a summer's day"),
                _ => self.endpoint.send_voice(now, call, &VOICE),
            };
        }
    }

    /// Fires what is due.
    pub(super) fn fire(&mut self, now: Instant) -> bool {
        let is_due = self
            .endpoint
            .poll_timeout()
            .is_some_and(|(at, _)| at <= now);
        if is_due {
            self.endpoint.handle_timeout(now);
        }
        is_due
    }

    /// Does what its events ask for.
    pub(super) fn hear(&mut self, now: Instant, dice: &mut Dice, tally: &Tally) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Incoming { call, .. } => self.take(now, call, dice),
                Event::Answered { .. } => tally.note(Count::Calls),
                Event::Ended { call, .. } => self.calls.retain(|other| *other != call),
                Event::RegistrantChanged {
                    state: RegistrantState::Unregistered,
                    ..
                } => self.registrant = None,
                _ => {}
            }
        }
    }

    fn take(&mut self, now: Instant, call: CallId, dice: &mut Dice) {
        if self.calls.len() >= CALLS_MAX || dice.once_in(8) {
            return self.end(now, call, Cause::USER_BUSY);
        }
        if dice.once_in(2) {
            let _is_there = self.endpoint.ring(now, call);
        }
        let _is_there = self.endpoint.answer(now, call);
        self.calls.push(call);
    }
}

/// Mostly the server of its own thread: whose row, and whose dialogues, others see too.
fn server(town: &Town, peer: usize, dice: &mut Dice) -> SocketAddr {
    let home = town.worker_of(peer);
    let other = dice.below(town.workers);
    town.server(if dice.once_in(4) { other } else { home })
}

fn endpoint(name: &Name, dice: &mut Dice) -> Endpoint<Catalog<Std>> {
    let catalog = Catalog::new(CatalogOptions {
        hash_key: HashKey(dice.draw(), dice.draw()),
        shards: 1,
        container: Kind::Hash,
        token_key: TokenKey(dice.octets()),
        database: false,
        dialogues_max: 64,
        ledger: NoLedger,
    });
    // Servers call it by its own name.
    let user = Settings {
        secrets: vec![Secret::new(name.as_str())],
        encryption: Encryption::Offered,
        ..Settings::new(Role::User, name.clone())
    };
    catalog.reload(Configuration {
        general: General::default(),
        entries: vec![user],
    });
    let options = EndpointOptions {
        call_numbers: NUMBERS,
        ..EndpointOptions::default()
    };
    Endpoint::new(options, dice.octets(), catalog)
}
