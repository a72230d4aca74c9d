//! linearizable: what callers find is what one register for each name would say, in which a REGREQ writes a contact somewhere between its
//! coming and its REGACK, a REGREL takes it out likewise, and an accepted contact lapses somewhere in the ten seconds after its period.
//!
//! Seen from outside alone: datagrams at the server's socket, what the operator is told, and where a call goes or that its caller is told that
//! there is nobody. So it is no look into the directory as `registration-kept` is, and a lookup may overlap with what it looks for: one that asks
//! the database does. Where a process died, a REGREQ that was under way has taken effect or not. What changes a contact by hand (a row, a
//! configuration without the name) leaves anything until the name registers again.
//!
//! Not judged are worlds whose servers have threads: there the moment of an operator's deed is not known from outside. Nor is the bench of the
//! fuzzers, which tells nothing of its operator and also calls addresses that no lookup gave.
//!
//! - `register`: what one name has, and when it lapses.

mod register;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::engine::directory::QueryId;
use iaxproof::engine::event::{CallId, Event};
use iaxproof::engine::{Calling, Error};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use self::register::{Deed, Place, Register, Seen};
use super::Checker;
use super::registration_kept::{REFRESH_DEFAULT_S, account_of, request_of};
use crate::fact::{AccountState, Doubt, Fact, Passage};
use crate::plan::{Actor, RowEdit, Topology};

type Name = (u8, u8);
type Dialogue = (u8, SocketAddr, CallNumber);

/// Follows what every name has.
#[derive(Clone, Debug, Default)]
pub struct Linearizable {
    names: BTreeMap<Name, Register>,
    realtime: BTreeSet<u8>,
    /// The names without a row.
    absent_rows: BTreeSet<Name>,
    /// REGREQs and REGRELs that were not answered.
    requests: BTreeMap<Dialogue, Request>,
    acknowledged: BTreeSet<(Dialogue, CallNumber)>,
    /// Lookups whose answer the database has.
    asked: BTreeMap<(u8, QueryId), Look>,
    /// Lookups that found somebody; where is seen in the NEW.
    placed: BTreeMap<(u8, CallNumber), Look>,
    /// NEWs of the job that is told of: the event about a call comes after its NEW.
    news: BTreeMap<(u8, CallNumber), SocketAddr>,
    registered: u64,
    is_unjudged: bool,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    name: Name,
    is_release: bool,
    number: u64,
    /// `None` where too many were under way.
    call: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Look {
    name: Name,
    call: u64,
}

impl Linearizable {
    /// For names of this topology.
    pub fn new(topology: &Topology) -> Self {
        Linearizable {
            realtime: topology.realtime.iter().copied().collect(),
            ..Linearizable::default()
        }
    }

    /// Nothing is judged: the moment of an operator's deed is not known, or the deed is not told at all.
    #[must_use]
    pub fn unjudged(mut self) -> Self {
        self.is_unjudged = true;
        self
    }

    fn name(&mut self, now: Instant, name: Name) -> &mut Register {
        let register = self.names.entry(name).or_default();
        register.pass(now);
        register
    }

    fn arrived(&mut self, now: Instant, server: u8, passage: &Passage<'_>, frame: &FullFrame<'_>) {
        let Some((is_release, account)) = request_of(frame) else {
            return;
        };
        let (key, name) = ((server, passage.source, frame.source), (server, account));
        let known = self.requests.get(&key).copied();
        if known.is_some_and(|it| it.name == name && it.is_release == is_release) {
            return;
        }
        if let Some(other) = self.requests.remove(&key) {
            self.abandon(now, &other);
        }
        self.registered += 1;
        let number = self.registered;
        let deed = match is_release {
            true => Deed::Release,
            false => Deed::Register(passage.source, number),
        };
        let call = self.name(now, name).follower.call(deed);
        let request = Request {
            name,
            is_release,
            number,
            call,
        };
        self.requests.insert(key, request);
    }

    fn abandon(&mut self, now: Instant, request: &Request) {
        let register = self.name(now, request.name);
        match request.call {
            Some(call) => register.follower.abandoned(call),
            None => register.blur(),
        }
    }

    fn sent(
        &mut self,
        now: Instant,
        server: u8,
        passage: &Passage<'_>,
        frame: &FullFrame<'_>,
    ) -> Result<(), String> {
        let Body::Iax { command, ies } = frame.body else {
            return Ok(());
        };
        let dialogue = (server, passage.destination, frame.destination);
        match command {
            IaxCommand::New => match self.placed.remove(&(server, frame.source)) {
                Some(look) => self.found(now, look, Seen::At(passage.destination)),
                None => {
                    let key = (server, frame.source);
                    self.news.insert(key, passage.destination);
                    Ok(())
                }
            },
            IaxCommand::RegRej => match self.requests.remove(&dialogue) {
                Some(request) => self.refused(now, &request),
                None => Ok(()),
            },
            IaxCommand::RegAck if self.acknowledged.insert((dialogue, frame.source)) => {
                let Some(request) = self.requests.remove(&dialogue) else {
                    return Ok(());
                };
                let account = ies.username().and_then(account_of);
                let is_another = account.is_some_and(|account| account != request.name.1);
                let refresh = ies.refresh().unwrap_or(REFRESH_DEFAULT_S);
                if is_another {
                    self.abandon(now, &request);
                    self.name(now, (server, account.unwrap_or_default())).blur();
                    return Ok(());
                }
                self.acknowledge(now, &request, Duration::from_secs(refresh.into()))
            }
            _ => Ok(()),
        }
    }

    fn acknowledge(
        &mut self,
        now: Instant,
        request: &Request,
        period: Duration,
    ) -> Result<(), String> {
        let is_open = self.absent_rows.contains(&request.name);
        let register = self.name(now, request.name);
        let fits = match request.call {
            Some(call) => register.follower.returned(call, &Seen::Any),
            None => true,
        };
        if !request.is_release {
            register.lapses_after(request.number, now + period);
        }
        if is_open || request.call.is_none() {
            register.blur();
        }
        self.verdict(fits, request.name, "the REGACK")
    }

    fn refused(&mut self, now: Instant, request: &Request) -> Result<(), String> {
        let register = self.name(now, request.name);
        let fits = request
            .call
            .is_none_or(|call| register.follower.refused(call));
        self.verdict(fits, request.name, "the REGREJ")
    }

    fn look(&mut self, now: Instant, name: Name) -> Option<Look> {
        let call = self.name(now, name).follower.call(Deed::Look)?;
        Some(Look { name, call })
    }

    fn dialled(
        &mut self,
        now: Instant,
        name: Name,
        outcome: Result<Calling, Error>,
    ) -> Result<(), String> {
        let Some(look) = self.look(now, name) else {
            return Ok(());
        };
        match outcome {
            Ok(Calling::Call(call)) => self.place(now, name.0, call, look),
            Ok(Calling::Asked(query)) => {
                self.asked.insert((name.0, query), look);
                Ok(())
            }
            Err(Error::NoContact) => self.found(now, look, Seen::Nobody),
            Err(_) => self.found(now, look, Seen::Any),
        }
    }

    /// A call is on its way; where to is seen when its NEW leaves.
    fn place(&mut self, now: Instant, server: u8, call: CallId, look: Look) -> Result<(), String> {
        match self.placed.insert((server, call.local()), look) {
            Some(other) => self.found(now, other, Seen::Any),
            None => Ok(()),
        }
    }

    /// What the database said.
    fn called(
        &mut self,
        now: Instant,
        server: u8,
        query: QueryId,
        outcome: Result<CallId, Error>,
    ) -> Result<(), String> {
        let Some(look) = self.asked.remove(&(server, query)) else {
            return Ok(());
        };
        match outcome {
            Ok(call) => match self.news.remove(&(server, call.local())) {
                Some(address) => self.found(now, look, Seen::At(address)),
                None => self.place(now, server, call, look),
            },
            Err(Error::NoContact) => self.found(now, look, Seen::Nobody),
            Err(_) => self.found(now, look, Seen::Any),
        }
    }

    fn found(&mut self, now: Instant, look: Look, seen: Seen) -> Result<(), String> {
        let register = self.name(now, look.name);
        let before: Vec<Place> = register.follower.states().cloned().collect();
        let fits = register.follower.returned(look.call, &seen);
        let what = format!("a call that finds {seen:?}, where it could be {before:?},");
        self.verdict(fits, look.name, &what)
    }

    fn verdict(&mut self, fits: bool, name: Name, what: &str) -> Result<(), String> {
        if fits {
            return Ok(());
        }
        let (server, account) = name;
        Err(format!(
            "server {server}: p{account}: {what} fits no order of what was done to its registration"
        ))
    }

    fn blur(&mut self, now: Instant, name: Name) {
        self.name(now, name).blur();
    }

    fn reloaded(&mut self, now: Instant, server: u8, accounts: &[AccountState]) {
        for state in accounts {
            let name = (server, state.account);
            if !state.is_present && !self.realtime.contains(&state.account) {
                self.blur(now, name);
            }
        }
    }

    fn restarted(&mut self, now: Instant, server: u8, doubts: &[(u8, Doubt)]) {
        let lost = |(of, ..): &Dialogue| *of == server;
        let requests: Vec<Dialogue> = self.requests.keys().copied().filter(lost).collect();
        for request in requests {
            if let Some(request) = self.requests.remove(&request) {
                self.abandon(now, &request);
            }
        }
        let asked = self.asked.iter().filter(|((of, _), _)| *of == server);
        let placed = self.placed.iter().filter(|((of, _), _)| *of == server);
        let looks: Vec<Look> = asked
            .map(|it| *it.1)
            .chain(placed.map(|it| *it.1))
            .collect();
        for look in looks {
            self.name(now, look.name).follower.abandoned(look.call);
        }
        self.asked.retain(|(of, _), _| *of != server);
        self.placed.retain(|(of, _), _| *of != server);
        self.acknowledged.retain(|((of, ..), _)| *of != server);
        for (account, _) in doubts {
            self.blur(now, (server, *account));
        }
    }
}

impl Checker for Linearizable {
    const PROPERTY: &'static str = "linearizable";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        if self.is_unjudged {
            return Ok(());
        }
        match fact {
            Fact::Arrived(passage) => {
                if let (Some(Actor::Server(server)), Some(Frame::Full(frame))) =
                    (passage.to, &passage.frame)
                {
                    self.arrived(now, server, passage, frame);
                }
            }
            Fact::Sent(passage) => {
                if let (Actor::Server(server), Some(Frame::Full(frame))) =
                    (passage.from, &passage.frame)
                {
                    return self.sent(now, server, passage, frame);
                }
            }
            Fact::Dialled {
                server,
                account,
                outcome,
                ..
            } => return self.dialled(now, (*server, *account), *outcome),
            Fact::Told {
                server,
                event: Event::Called { query, call },
            } => return self.called(now, *server, *query, *call),
            Fact::Counted { .. } => self.news.clear(),
            Fact::Reloaded { server, accounts } => self.reloaded(now, *server, accounts),
            Fact::Restarted { server, doubts, .. } => self.restarted(now, *server, doubts),
            Fact::Blurred { server, account } => self.blur(now, (*server, *account)),
            Fact::Unregistered { server, account } => {
                let register = self.name(now, (*server, *account));
                register.follower.now(&Deed::Release);
            }
            Fact::RowEdited {
                server,
                account,
                row,
            } => {
                let name = (*server, *account);
                if *row == RowEdit::Absent {
                    self.absent_rows.insert(name);
                } else {
                    self.absent_rows.remove(&name);
                }
                self.blur(now, name);
            }
            _ => {}
        }
        Ok(())
    }
}
