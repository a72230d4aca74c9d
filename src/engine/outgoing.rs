//! Calls that the application places: to an address, or to a peer of the directory.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use super::call::CallLeg;
use super::dialogue::Machine;
use super::directory::{Directory, Lookup, QueryId, Reachability, Role};
use super::{CallId, Dial, Endpoint, Error, Event};
use crate::time::Instant;

/// Calls that wait for the directory to say where their peer is.
pub const WAITING_CALLS_MAX: usize = 1_024;

/// What [`Endpoint::call_peer`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calling {
    /// The call is on its way.
    Call(CallId),
    /// The database was asked first; [`Event::Called`] says under this name what came of it.
    Asked(QueryId),
}

/// What waits for a peer, by the question that was asked for it.
#[derive(Debug, Default)]
pub(super) struct WaitingCalls {
    by_query: BTreeMap<QueryId, Vec<Wanted>>,
    len: usize,
}

/// What the application wants of a peer.
#[derive(Debug)]
enum Wanted {
    /// A call to this number there.
    Call(String),
    /// To know whether there is one.
    Word,
}

impl WaitingCalls {
    fn add(&mut self, query: QueryId, wanted: Wanted) -> Result<(), Error> {
        if self.len >= WAITING_CALLS_MAX {
            return Err(Error::LookupFailed);
        }
        self.len += 1;
        self.by_query.entry(query).or_default().push(wanted);
        Ok(())
    }

    pub(super) fn has(&self, query: QueryId) -> bool {
        self.by_query.contains_key(&query)
    }

    fn take(&mut self, query: QueryId) -> Vec<Wanted> {
        let wanted = self.by_query.remove(&query).unwrap_or_default();
        self.len -= wanted.len();
        wanted
    }
}

impl<D: Directory> Endpoint<D> {
    /// Places a call (RFC 5456 §6.2.2). [`Event::Accepted`], [`Event::Control`], [`Event::Answered`] and
    /// [`Event::Ended`] say how it goes on.
    ///
    /// # Errors
    ///
    /// Where a text of `dial` is too long, it names no format, or no call number is free.
    pub fn call(&mut self, now: Instant, dial: Dial) -> Result<CallId, Error> {
        self.place_call(now, dial, None)
    }

    /// Places a call to a peer of the directory, as its settings say: to its contact, or to its default address.
    ///
    /// # Errors
    ///
    /// Where the peer is unknown or nowhere, its last POKE was answered late or not at all, or as for [`Endpoint::call`].
    pub fn call_peer(&mut self, now: Instant, name: &str, number: &str) -> Result<Calling, Error> {
        match self.context.directory.find(Role::Peer, name) {
            Lookup::Asked(query) => {
                let wanted = Wanted::Call(number.to_owned());
                self.waiting_calls.add(query, wanted)?;
                Ok(Calling::Asked(query))
            }
            lookup => self.call_found(now, lookup, number).map(Calling::Call),
        }
    }

    /// Whether the directory has a peer of this name; the question where the database was asked first, and
    /// [`Event::LookedFor`] says under it what came of it.
    ///
    /// # Errors
    ///
    /// Where the peer is unknown, or the lookup failed.
    pub fn look_for_peer(&mut self, name: &str) -> Result<Option<QueryId>, Error> {
        match self.context.directory.find(Role::Peer, name) {
            Lookup::Asked(query) => {
                self.waiting_calls.add(query, Wanted::Word)?;
                Ok(Some(query))
            }
            lookup => found(lookup).map(|_| None),
        }
    }

    /// The directory answered a question that calls wait for.
    pub(super) fn answer_waiting_calls(
        &mut self,
        now: Instant,
        query: QueryId,
        lookup: &Lookup<D::Handle>,
    ) {
        for wanted in self.waiting_calls.take(query) {
            let lookup = lookup.clone();
            let event = match wanted {
                Wanted::Call(number) => Event::Called {
                    query,
                    call: self.call_found(now, lookup, &number),
                },
                Wanted::Word => Event::LookedFor {
                    query,
                    found: found(lookup).map(drop),
                },
            };
            self.context.tell(event);
        }
    }

    fn call_found(
        &mut self,
        now: Instant,
        lookup: Lookup<D::Handle>,
        number: &str,
    ) -> Result<CallId, Error> {
        let handle = found(lookup)?;
        let directory = &self.context.directory;
        let contact = directory.contact(&handle, now).ok().flatten();
        let snapshot = directory.settings(&handle);
        let dial = snapshot.and_then(|snapshot| {
            let dial = directory.read(&snapshot, |settings| {
                let contact = contact.map(|contact| contact.address);
                let remote = contact.or(settings.default_address)?;
                let is_qualified = settings.qualify.is_some();
                Some((Dial::to_peer(settings, remote, number), is_qualified))
            })?;
            let is_there = match dial {
                Some((_, true)) => may_be_called(directory.reachability(&handle)?),
                _ => true,
            };
            Ok((dial.map(|(dial, _)| dial), snapshot, is_there))
        });
        match dial {
            Ok((None, ..)) => Err(Error::NoContact),
            Ok((_, _, false)) => Err(Error::PeerUnreachable),
            Ok((Some(dial), snapshot, true)) => self.place_call(now, dial, Some(snapshot)),
            Err(_) => {
                self.context.tell_stale("calling a peer");
                Err(Error::LookupFailed)
            }
        }
    }

    fn place_call(
        &mut self,
        now: Instant,
        dial: Dial,
        snapshot: Option<D::Snapshot>,
    ) -> Result<CallId, Error> {
        dial.check()?;
        let remote: SocketAddr = dial.remote;
        let mut id = None;
        self.place(now, remote, |local, serial| {
            let call = *id.insert(CallId::new(local, serial));
            Machine::Call(Box::new(CallLeg::outgoing(call, dial, snapshot)))
        })?;
        id.ok_or(Error::NoCallNumber)
    }
}

fn found<H>(lookup: Lookup<H>) -> Result<H, Error> {
    match lookup {
        Lookup::Found(handle) => Ok(handle),
        Lookup::Unknown => Err(Error::UnknownPeer),
        Lookup::Asked(_) | Lookup::Failed => Err(Error::LookupFailed),
    }
}

/// Who is qualified and has not answered in time is not called (chan_iax2). Who was not asked yet may be there.
const fn may_be_called(reachability: Reachability) -> bool {
    matches!(
        reachability,
        Reachability::Unknown | Reachability::Reachable(_)
    )
}
