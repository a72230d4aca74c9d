//! What the server did, held against the rules: after each of its datagrams, at each event, and when all is over.

use core::net::SocketAddr;

use iaxproof::catalog::Catalog;
use iaxproof::catalog::admission::Admitted;
use iaxproof::catalog::{Answer, Row};
use iaxproof::engine::directory::{Generation, Role};
use iaxproof::engine::event::Event;
use iaxproof::engine::settings::{Configuration, General};
use iaxproof::engine::{Counts, Transmit};
use iaxproof::registry::Audited;
use iaxproof::wire::{Body, Frame, FullFrame, IaxCommand};

use super::bench::{Bench, Opened, Run, here};
use super::town::{ACCOUNTS, ADDRESSES, SOMEBODY};
use super::{KEPT_OUT, shape};
use crate::administer::Observe;
use crate::fact::{Fact, Mark, Passage};
use crate::plan::Actor;

/// What the application says to each call that is offered: more than an address gets that has proved nothing.
const SPOKEN: usize = 400;

impl Bench<'_> {
    pub(super) fn transmitted(&mut self, transmit: &Transmit) {
        self.run.visits.sent += 1;
        let (destination, datagram) = (transmit.destination, &transmit.payload);
        let frame = Frame::parse(datagram).expect("what the endpoint sends is a frame");
        self.run
            .shapes
            .push(shape::of(self.now, destination, &frame));
        if let Frame::Full(full) = &frame {
            self.weigh(destination, full);
        }
        self.check(&Fact::Sent(Passage {
            from: Actor::Server(0),
            to: None,
            source: here(),
            destination,
            datagram,
            frame: Some(frame),
            is_sealed: false,
            mark: Mark::Plain,
        }));
    }

    /// Whether the settings let in whom the server lets in. Nobody sees what goes to [`SOMEBODY`].
    fn weigh(&mut self, to: SocketAddr, frame: &FullFrame<'_>) {
        let Body::Iax { command, ies } = frame.body else {
            return;
        };
        if let (IaxCommand::CallToken, Some(token)) = (command, ies.call_token()) {
            let given = self.tokens.entry(to).or_default();
            given.push((self.now, token.to_vec()));
        }
        if let Some(third) = &mut self.third {
            third.hear(to, frame);
        }
        if let Some(Opened { whose, has_proved }) = self.opened.get(&(to, frame.destination)) {
            let may = match command {
                IaxCommand::RegAck => whose.may_register(to, *has_proved),
                IaxCommand::Accept => whose.may_call(to, *has_proved),
                _ => true,
            };
            assert!(
                may,
                "{KEPT_OUT}: {whose:?} gets {command} at {to}, and may not come from there"
            );
        }
        let callers = ADDRESSES.iter().zip(&mut self.callers);
        for (_, caller) in callers.filter(|(at, _)| **at == to && to != SOMEBODY) {
            caller.hear(frame);
        }
    }

    pub(super) fn told(&mut self, event: &Event) {
        self.check(&Fact::Told { server: 0, event });
        match event {
            Event::Registered { .. } => self.run.visits.registered += 1,
            Event::LoginFailed { .. } => self.run.visits.refused += 1,
            Event::Transferred { .. } => self.run.visits.handed_over += 1,
            Event::Requested { call, .. } => {
                let _ = self.endpoint.accept(self.now, *call);
            }
            Event::Incoming { call, from, .. } => {
                assert!(
                    *from != SOMEBODY,
                    "{KEPT_OUT}: a call is offered from {from}, where nobody has seen an answer"
                );
                self.run.visits.offered += 1;
                // It may have been hung up in the same datagram's wake.
                let _ = self.endpoint.answer(self.now, *call);
                let _ = self.endpoint.send_voice(self.now, *call, &[0x55; SPOKEN]);
            }
            _ => {}
        }
    }

    pub(super) fn serve_database(&mut self) -> bool {
        let mut any = false;
        while let Some(question) = self.catalog.poll_question() {
            any = true;
            let row = self.town.row(question.name.as_str());
            let answer = row.map_or(Answer::Absent, |account| {
                Answer::Row(Row {
                    settings: account.settings(question.role, &General::default()),
                    contact: None,
                    generation: Generation::default(),
                })
            });
            self.catalog.answer(question.id, answer, self.now);
            self.endpoint.handle_answer(self.now, question.id);
        }
        while let Some(write) = self.catalog.poll_write() {
            any = true;
            self.catalog.stored(write.name.as_str(), write.generation);
            self.endpoint.handle_stored(self.now, &write.id());
        }
        any
    }

    pub(super) fn check(&mut self, fact: &Fact<'_>) {
        if let Err(violation) = self.checkers.observe(self.now, fact) {
            panic!("{}: {}", violation.property, violation.message);
        }
    }

    /// Everything is over, and nothing is left.
    pub(super) fn end(mut self) -> Run {
        let counts = self.endpoint.counts();
        assert_eq!(counts.dialogues(), 0, "call-ends");
        self.check(&Fact::AtRest {
            server: 0,
            counts: &counts,
            references: Observe::references(self.catalog),
        });
        is_forgotten(&counts, self.catalog.admitted());
        self.run
    }
}

/// Of those who came there is nothing left that grows with their number.
fn is_forgotten(counts: &Counts, admitted: Admitted) {
    let kept = [
        ("expiry timers", counts.expiry_timers),
        ("events", counts.events_waiting),
        ("dialogues of all workers", admitted.dialogues),
        ("dialogues without a token", admitted.unvalidated),
        ("addresses", admitted.addresses),
        ("addresses with a limit", admitted.addresses_with_limit),
        ("names that nobody has", admitted.names_of_nobody),
    ];
    for (what, count) in kept {
        assert!(count == 0, "no-leak: {count} {what} are kept at rest");
    }
}

pub(super) fn empties(catalog: &Catalog<Audited>) {
    catalog.reload(Configuration::default());
    for account in ACCOUNTS {
        for role in [Role::Peer, Role::User] {
            let _ = catalog.prune(role, account.name);
        }
    }
    let report = catalog.ledger_report();
    assert!(catalog.live_objects() == 0, "no-leak: {report}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rest at which something is left is told, by what it is.
    #[test]
    fn what_is_kept_is_told() {
        is_forgotten(&Counts::default(), Admitted::default());
        let kept = Admitted {
            names_of_nobody: 3,
            ..Admitted::default()
        };
        let told = std::panic::catch_unwind(|| is_forgotten(&Counts::default(), kept));
        let words = told.expect_err("three are kept");
        let words = words.downcast_ref::<String>().map(String::as_str);
        assert_eq!(
            words,
            Some("no-leak: 3 names that nobody has are kept at rest")
        );
    }
}
