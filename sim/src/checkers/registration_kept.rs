//! registration-kept: after a REGACK the peer is reachable where it registered until the granted period is over, and not after ten
//! seconds more, unless it was released, replaced by a newer REGREQ, unregistered by the operator, or absent from the accepted
//! configuration. Eviction of a cached row keeps it, and so does a restart.
//!
//! The promise is the REGACK as it leaves the server, whether or not the client sees it.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::engine::directory::{Contact, Generation};
use iaxproof::engine::event::Event;
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use super::Checker;
use crate::accounts::account_of_name;
use crate::fact::{ContactSeen, Doubt, Fact, Passage};
use crate::plan::{Actor, RowEdit, Topology};

/// How much longer than granted a registration may be kept (chan_iax2).
pub const GRACE: Duration = Duration::from_secs(10);

/// What a REGACK grants that names no period (RFC 5456 §6.1.1).
pub(super) const REFRESH_DEFAULT_S: u16 = 60;

/// Holds every directory to every REGACK.
#[derive(Clone, Debug)]
pub struct RegistrationKept {
    realtime: BTreeSet<u8>,
    absent_rows: BTreeSet<(u8, u8)>,
    /// Those that a configuration lacks and that were registered before.
    absent: BTreeSet<(u8, u8)>,
    /// What each account may be found as.
    expected: BTreeMap<(u8, u8), Expected>,
    /// Whether the last request of a dialogue was a release, and of which account.
    requests: BTreeMap<(u8, SocketAddr, CallNumber), (bool, u8)>,
    /// Where servers have threads: the dialogues whose login was on its way when the operator took the account or its contact away. Which
    /// came first is open until the REGACK says nothing of it.
    overtaken: Option<BTreeSet<(u8, SocketAddr, CallNumber)>>,
    /// Where servers have several workers: the newest registration of each account that was told. Another worker may tell an older one later.
    newest: Option<BTreeMap<(u8, u8), Generation>>,
    /// What each account was expected as before the last REGACK.
    before: BTreeMap<(u8, u8), Expected>,
    /// What the database may have had when a process began anew, by account.
    doubts: BTreeMap<(u8, u8), Vec<Doubt>>,
    /// REGACKs that were seen: a repeat promises nothing new.
    acknowledged: BTreeSet<(u8, SocketAddr, CallNumber, CallNumber)>,
}

/// What a lookup should give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// No contact.
    Nothing,
    /// This contact.
    Held {
        address: SocketAddr,
        /// Until when it must be there.
        until: Instant,
    },
    /// Its row was changed by hand: anything, until it registers again.
    Anything,
}

impl RegistrationKept {
    /// For accounts of this topology.
    pub fn new(topology: &Topology) -> Self {
        RegistrationKept {
            realtime: topology.realtime.iter().copied().collect(),
            absent_rows: BTreeSet::new(),
            absent: BTreeSet::new(),
            expected: BTreeMap::new(),
            requests: BTreeMap::new(),
            overtaken: None,
            newest: (topology.workers() > 1).then(BTreeMap::new),
            before: BTreeMap::new(),
            doubts: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
        }
    }

    /// As of a world whose servers have threads: what an operator does may come between a request and its answer.
    #[must_use]
    pub fn with_threads(mut self) -> Self {
        self.overtaken = Some(BTreeSet::new());
        self
    }

    fn unregistered(&mut self, server: u8, account: u8) {
        self.expected.insert((server, account), Expected::Nothing);
        self.overtake((server, account));
    }

    /// The logins of an account that are on their way may be acknowledged though the contact is gone by then.
    fn overtake(&mut self, (server, account): (u8, u8)) {
        let requests = self.requests.iter();
        let waiting = requests.filter(|((of, ..), (_, whose))| *of == server && *whose == account);
        if let Some(overtaken) = &mut self.overtaken {
            overtaken.extend(waiting.map(|(dialogue, _)| *dialogue));
        }
    }

    fn arrived(&mut self, server: u8, passage: &Passage<'_>, frame: &FullFrame<'_>) {
        if let Some(request) = request_of(frame) {
            let key = (server, passage.source, frame.source);
            self.requests.insert(key, request);
        }
    }

    fn sent(&mut self, now: Instant, server: u8, passage: &Passage<'_>, frame: &FullFrame<'_>) {
        let Body::Iax {
            command: IaxCommand::RegAck,
            ies,
        } = frame.body
        else {
            return;
        };
        let address = passage.destination;
        let dialogue = (server, address, frame.source, frame.destination);
        let request = self.requests.get(&(server, address, frame.destination));
        let (Some(&(is_release, account)), true) = (request, self.acknowledged.insert(dialogue))
        else {
            return;
        };
        let account = ies.username().and_then(account_of).unwrap_or(account);
        let refresh = ies.refresh().unwrap_or(REFRESH_DEFAULT_S);
        let key = (server, account);
        let request = (server, address, frame.destination);
        let is_overtaken = self
            .overtaken
            .as_ref()
            .is_some_and(|it| it.contains(&request));
        let expected = if is_overtaken || self.absent_rows.contains(&key) {
            Expected::Anything
        } else if is_release {
            Expected::Nothing
        } else {
            Expected::Held {
                address,
                until: now + Duration::from_secs(u64::from(refresh)),
            }
        };
        let before = self.expected.insert(key, expected);
        self.before.insert(key, before.unwrap_or(Expected::Nothing));
    }

    /// The registration that a REGACK was for. Where a newer one was acknowledged before, that one counts.
    fn registered(&mut self, key: (u8, u8), generation: Generation) {
        let Some(newest) = &mut self.newest else {
            return;
        };
        let newest = newest.entry(key).or_insert(generation);
        if generation < *newest
            && let Some(before) = self.before.get(&key)
        {
            self.expected.insert(key, *before);
        }
        *newest = generation.max(*newest);
    }

    /// A configuration without the account hides its contact; a later one with it may bring back what was stored.
    fn reloaded(&mut self, key: (u8, u8), is_present: bool) {
        if self.realtime.contains(&key.1) {
            return;
        }
        let expected = self.expected.entry(key).or_insert(Expected::Nothing);
        if is_present {
            if self.absent.remove(&key) {
                *expected = Expected::Anything;
            }
        } else {
            if *expected != Expected::Nothing || self.doubts.contains_key(&key) {
                self.absent.insert(key);
            }
            *expected = Expected::Nothing;
            // Its next entry counts anew.
            if let Some(newest) = &mut self.newest {
                newest.remove(&key);
            }
            self.overtake(key);
        }
    }

    /// A process began anew. What was acknowledged must be there, or what was written later and not acknowledged.
    fn restarted(&mut self, server: u8, doubts: &[(u8, Doubt)]) {
        self.acknowledged.retain(|(of, ..)| *of != server);
        if let Some(newest) = &mut self.newest {
            newest.retain(|(of, _), _| *of != server);
        }
        // What was open before stays open, where nobody has looked since: a process may die before it is looked at.
        for (account, at) in doubts {
            let of_account = self.doubts.entry((server, *account)).or_default();
            of_account.push(*at);
        }
    }

    /// The first look after a restart settles what the database had.
    fn resolve(&mut self, server: u8, seen: &ContactSeen) {
        let key = (server, seen.account);
        let Some(doubts) = self.doubts.remove(&key) else {
            return;
        };
        let at = seen
            .contact
            .and_then(|contact| Some((contact.address, contact.deadline?)));
        if !doubts.contains(&at) {
            return;
        }
        let expected = at.map_or(Expected::Nothing, |(address, deadline)| Expected::Held {
            address,
            until: deadline - GRACE,
        });
        self.expected.insert(key, expected);
    }

    fn judge(&self, now: Instant, server: u8, seen: &ContactSeen) -> Result<(), String> {
        let expected = self.expected.get(&(server, seen.account));
        let who = || format!("server {server}: p{}", seen.account);
        match (expected.unwrap_or(&Expected::Nothing), seen.contact) {
            (Expected::Anything, _) | (Expected::Nothing, None) => Ok(()),
            (Expected::Nothing, Some(contact)) => Err(format!(
                "{} is at {} though nothing registered it there",
                who(),
                contact.address
            )),
            (Expected::Held { address, until }, contact) => {
                judge_held(now, *address, *until, contact, seen).map_err(|what| who() + &what)
            }
        }
    }
}

fn judge_held(
    now: Instant,
    address: SocketAddr,
    until: Instant,
    contact: Option<Contact>,
    seen: &ContactSeen,
) -> Result<(), String> {
    let Some(contact) = contact else {
        if now < until {
            return Err(format!(
                " is not found, though it was acknowledged until {until}"
            ));
        }
        return Ok(());
    };
    if contact.address != address {
        return Err(format!(
            " is at {}, though it was last acknowledged at {address}",
            contact.address
        ));
    }
    if now >= until + GRACE {
        return Err(format!(" is still found, though it lapsed at {until}"));
    }
    if contact.deadline.is_none_or(|deadline| deadline < until) {
        return Err(format!(
            " lapses too early, though it was acknowledged until {until}"
        ));
    }
    if now < until && !seen.is_found_by_address {
        return Err(format!(" is not found by its address {address}"));
    }
    Ok(())
}

pub(super) fn account_of(name: &[u8]) -> Option<u8> {
    account_of_name(core::str::from_utf8(name).ok()?)
}

/// Of a REGREQ or a REGREL: whether it is the latter, and for whom.
pub(super) fn request_of(frame: &FullFrame<'_>) -> Option<(bool, u8)> {
    let Body::Iax { command, ies } = frame.body else {
        return None;
    };
    let is_release = match command {
        IaxCommand::RegReq => false,
        IaxCommand::RegRel => true,
        _ => return None,
    };
    Some((is_release, ies.username().and_then(account_of)?))
}

impl Checker for RegistrationKept {
    const PROPERTY: &'static str = "registration-kept";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Arrived(passage) => {
                if let (Some(Actor::Server(server)), Some(Frame::Full(frame))) =
                    (passage.to, &passage.frame)
                {
                    self.arrived(server, passage, frame);
                }
            }
            Fact::Sent(passage) => {
                if let (Actor::Server(server), Some(Frame::Full(frame))) =
                    (passage.from, &passage.frame)
                {
                    self.sent(now, server, passage, frame);
                }
            }
            Fact::Told {
                server,
                event:
                    Event::Registered {
                        name, generation, ..
                    },
            } => {
                if let Some(account) = account_of_name(name.as_str()) {
                    self.registered((*server, account), *generation);
                }
            }
            Fact::Reloaded { server, accounts } => {
                for state in *accounts {
                    self.reloaded((*server, state.account), state.is_present);
                }
            }
            Fact::Restarted { server, doubts, .. } => self.restarted(*server, doubts),
            Fact::Blurred { server, account } => {
                self.expected
                    .insert((*server, *account), Expected::Anything);
            }
            Fact::Unregistered { server, account } => self.unregistered(*server, *account),
            Fact::RowEdited {
                server,
                account,
                row,
            } => {
                let key = (*server, *account);
                if *row == RowEdit::Absent {
                    self.absent_rows.insert(key);
                    self.expected.insert(key, Expected::Anything);
                } else {
                    self.absent_rows.remove(&key);
                }
            }
            Fact::Contacts { server, contacts } => {
                for seen in *contacts {
                    self.resolve(*server, seen);
                    self.judge(now, *server, seen)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
