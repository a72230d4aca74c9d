//! registration-kept, as a caller sees it: a peer that is registered is called where it registered.
//!
//! What is judged is a call that is placed without a question to the database, for a question takes its time and the contact may
//! change meanwhile; and one that nothing else was under way beside, for the same reason. Where all that was under way brings contacts, a
//! peer that had one has one at any moment.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use iaxproof::engine::{Calling, Error};
use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};

use super::Checker;
use crate::fact::{Beside, Fact, Passage};
use crate::plan::Actor;

/// Where a peer is, and until when; `None` for ever.
type Place = (SocketAddr, Option<Instant>);

/// Follows contacts and the calls to them.
#[derive(Clone, Debug, Default)]
pub struct Reachable {
    contacts: BTreeMap<(u8, u8), Option<Place>>,
    /// Where the request of a call must go.
    placed: BTreeMap<(u8, CallNumber), SocketAddr>,
}

impl Reachable {
    fn dialled(
        &mut self,
        now: Instant,
        server: u8,
        account: u8,
        outcome: Result<Calling, Error>,
        beside: Beside,
    ) -> Result<(), String> {
        let contact = self.contacts.get(&(server, account)).copied().flatten();
        let holds = |deadline: Option<Instant>| deadline.is_none_or(|deadline| now < deadline);
        let address = contact.filter(|(_, deadline)| holds(*deadline));
        match (address, outcome) {
            (Some((address, _)), Ok(Calling::Call(call))) if beside == Beside::Nobody => {
                self.placed.insert((server, call.local()), address);
                Ok(())
            }
            (Some((address, _)), Err(Error::NoContact)) if beside != Beside::Anything => {
                Err(format!(
                    "server {server}: p{account} is registered at {address} and cannot be called"
                ))
            }
            _ => Ok(()),
        }
    }

    fn sent(
        &mut self,
        server: u8,
        passage: &Passage<'_>,
        frame: &FullFrame<'_>,
    ) -> Result<(), String> {
        let is_new = matches!(
            frame.body,
            Body::Iax {
                command: IaxCommand::New,
                ..
            }
        );
        let placed = self.placed.remove(&(server, frame.source));
        match placed.filter(|_| is_new) {
            Some(address) if address != passage.destination => Err(format!(
                "server {server}: a call to who registered at {address} goes to {}",
                passage.destination
            )),
            _ => Ok(()),
        }
    }
}

impl Checker for Reachable {
    const PROPERTY: &'static str = "registration-kept";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => {
                self.placed.retain(|(of, _), _| of != server);
                Ok(())
            }
            Fact::Contacts { server, contacts } => {
                for seen in *contacts {
                    let contact = seen.contact.map(|it| (it.address, it.deadline));
                    self.contacts.insert((*server, seen.account), contact);
                }
                Ok(())
            }
            Fact::Dialled {
                server,
                account,
                outcome,
                beside,
            } => self.dialled(now, *server, *account, *outcome, *beside),
            Fact::Sent(passage) => match (passage.from, &passage.frame) {
                (Actor::Server(server), Some(Frame::Full(frame))) => {
                    self.sent(server, passage, frame)
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
