//! reload-atomic: a lookup of a name that is there before and after a reload never misses, and one call never mixes two configurations.
//!
//! Seen from outside too: whose account was there and unchanged from the opener of a dialogue on is not refused in it. That is judged for
//! accounts of the configuration, where nothing was damaged on the way and the database stored what it was given: where it does not, a
//! registration is refused, and so is one where too many wait for the database. And who must call encrypted and does not ask for it is refused.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::catalog::change::CHANGES_MAX;
use iaxproof::engine::event::{CallId, Event};
use iaxproof::engine::options::ADMISSION_WAIT;
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Cause, EncryptionMethods, Frame, FullFrame, IaxCommand, InformationElements,
};

use super::Checker;
use crate::accounts::account_of_name;
use crate::fact::{AccountState, Fact, Mark, Passage};
use crate::plan::{Actor, Topology};

/// How long a change of a contact waits for the store at most, with the login before it: as long as a write takes for each that may wait.
const CROWD: Duration = Duration::from_secs(40);

/// Follows accounts, calls and logins.
#[derive(Clone, Debug, Default)]
pub struct ReloadAtomic {
    /// Since when an account of the configuration is as its client knows it.
    steady_since: BTreeMap<(u8, u8), Instant>,
    serials: BTreeMap<(u8, CallId), u64>,
    logins: BTreeMap<(u8, SocketAddr, CallNumber), Login>,
    damaged: BTreeSet<SocketAddr>,
    /// Accounts that must call encrypted.
    forced: Vec<u8>,
    /// Accounts whose contact the database did not store, or not in time.
    not_stored: BTreeSet<(u8, u8)>,
}

#[derive(Clone, Copy, Debug)]
struct Login {
    account: u8,
    opened: Instant,
    /// Whether it changes the contact.
    is_registration: bool,
    /// Whether it is a call in clear of who must call encrypted.
    lacks_cipher: bool,
    /// Whether it may have been refused because it waited too long.
    is_excused: bool,
}

impl ReloadAtomic {
    /// Of a world of this topology.
    pub fn new(topology: &Topology) -> Self {
        ReloadAtomic {
            forced: topology.forced.clone(),
            ..ReloadAtomic::default()
        }
    }

    fn reloaded(
        &mut self,
        now: Instant,
        server: u8,
        accounts: &[AccountState],
    ) -> Result<(), String> {
        for state in accounts {
            let key = (server, state.account);
            if state.is_plain && state.is_present {
                self.steady_since.entry(key).or_insert(now);
            } else {
                self.steady_since.remove(&key);
            }
            if state.is_present && !state.is_found {
                return Err(format!(
                    "server {server}: a lookup of p{} missed, though the configuration has it",
                    state.account
                ));
            }
        }
        Ok(())
    }

    /// From now on an account that is to change may be refused.
    fn reloading(&mut self, server: u8, accounts: &[AccountState]) {
        let changes = accounts.iter().filter(|it| !(it.is_plain && it.is_present));
        for state in changes {
            self.steady_since.remove(&(server, state.account));
        }
    }

    /// A thread stalled: what waited for it may have waited too long.
    fn late(&mut self, server: u8) {
        let logins = self.logins.iter_mut();
        for (_, login) in logins.filter(|((of, ..), _)| *of == server) {
            login.is_excused = true;
        }
    }

    /// What a call was authenticated and admitted by must be of one configuration.
    fn used(&mut self, server: u8, call: CallId, serial: u64) -> Result<(), String> {
        let first = *self.serials.entry((server, call)).or_insert(serial);
        if first == serial {
            return Ok(());
        }
        Err(format!(
            "server {server}: call {call} began with configuration {first} and goes on with {serial}"
        ))
    }

    fn arrived(&mut self, now: Instant, server: u8, passage: &Passage<'_>, frame: &FullFrame<'_>) {
        let Body::Iax { command, ies } = frame.body else {
            return;
        };
        let is_opener = command.opens_dialogue() && frame.destination == CallNumber::ZERO;
        if let (true, Some(account)) = (is_opener, account_of(ies)) {
            let key = (server, passage.source, frame.source);
            let asks = ies.encryption().unwrap_or_default();
            let login = Login {
                account,
                opened: now,
                is_registration: matches!(command, IaxCommand::RegReq | IaxCommand::RegRel),
                lacks_cipher: self.forced.contains(&account)
                    && command == IaxCommand::New
                    && !asks.contains(EncryptionMethods::AES128),
                is_excused: false,
            };
            self.logins.entry(key).or_insert(login);
        }
    }

    /// Whether so many registrations of an account came of late that one more may be refused: [`CHANGES_MAX`] wait for the store at most,
    /// and an operator may be among those who do.
    fn is_crowded(&self, now: Instant, server: u8, account: u8) -> bool {
        let is_of_late = |login: &Login| login.is_registration && now <= login.opened + CROWD;
        let logins = self.logins.iter().filter(|((of, ..), _)| *of == server);
        let of_late = logins.filter(|(_, it)| it.account == account && is_of_late(it));
        of_late.count() >= CHANGES_MAX
    }

    fn sent(
        &self,
        now: Instant,
        server: u8,
        passage: &Passage<'_>,
        frame: &FullFrame<'_>,
    ) -> Result<(), String> {
        let key = (server, passage.destination, frame.destination);
        let Some(login) = self.logins.get(&key).filter(|_| is_refusal(frame)) else {
            return Ok(());
        };
        let since = self.steady_since.get(&(server, login.account));
        let was_steady = since.is_some_and(|since| *since <= login.opened);
        // Who leaves a challenge unanswered for so long is refused, and his answer may have been lost.
        let has_waited = now >= login.opened + ADMISSION_WAIT;
        let is_excused = login.lacks_cipher
            || has_waited
            || login.is_excused
            || self.damaged.contains(&passage.destination)
            || self.not_stored.contains(&(server, login.account))
            || (login.is_registration && self.is_crowded(now, server, login.account));
        if !was_steady || is_excused {
            return Ok(());
        }
        Err(format!(
            "server {server}: p{} at {} was refused, though its account was there all the time",
            login.account, passage.destination
        ))
    }
}

fn account_of(ies: InformationElements<'_>) -> Option<u8> {
    account_of_name(core::str::from_utf8(ies.username()?).ok()?)
}

/// A refusal of name or secret, in a dialogue of its own.
fn is_refusal(frame: &FullFrame<'_>) -> bool {
    match frame.body {
        Body::Iax {
            command: IaxCommand::Reject | IaxCommand::RegRej,
            ies,
        } => {
            let causes = [Cause::FACILITY_REJECTED, Cause::FACILITY_NOT_SUBSCRIBED];
            frame.source != CallNumber::STATELESS
                && ies
                    .cause_code()
                    .is_some_and(|cause| causes.contains(&cause))
        }
        _ => false,
    }
}

impl Checker for ReloadAtomic {
    const PROPERTY: &'static str = "reload-atomic";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => {
                self.serials.retain(|(of, _), _| of != server);
                self.logins.retain(|(of, ..), _| of != server);
                Ok(())
            }
            Fact::Late { server } => {
                self.late(*server);
                Ok(())
            }
            Fact::Reloading { server, accounts } => {
                self.reloading(*server, accounts);
                Ok(())
            }
            Fact::Reloaded { server, accounts } => self.reloaded(now, *server, accounts),
            Fact::NotStored { server, account } => {
                self.not_stored.insert((*server, *account));
                Ok(())
            }
            Fact::Told {
                server,
                event:
                    Event::Authenticated { call, serial, .. }
                    | Event::Requested { call, serial, .. }
                    | Event::Incoming { call, serial, .. },
            } => self.used(*server, *call, *serial),
            Fact::Arrived(passage) => {
                if let (Some(Actor::Server(server)), Some(Frame::Full(frame))) =
                    (passage.to, &passage.frame)
                {
                    self.arrived(now, server, passage, frame);
                }
                Ok(())
            }
            Fact::Sent(passage) => {
                if passage.mark == Mark::Damaged {
                    self.damaged.insert(passage.source);
                    self.damaged.insert(passage.destination);
                }
                match (passage.from, &passage.frame) {
                    (Actor::Server(server), Some(Frame::Full(frame))) => {
                        self.sent(now, server, passage, frame)
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
