//! Sees in what happens which message comes under which faults. In which state it finds its dialogue a worker says, when it takes it up.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use iaxproof::engine::Standing;
use iaxproof::wire::Frame;

use super::{Coverage, Fault, Faults, Message, Point};
use crate::fact::{Fact, Mark, Passage};
use crate::plan::Actor;

/// A message and what was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circumstance {
    message: Message,
    faults: Faults,
}

impl Circumstance {
    /// This was wrong too.
    pub(crate) const fn add(&mut self, fault: Fault) {
        self.faults.add(fault);
    }
}

/// What happened on one way since the last datagram of it.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    faults: Faults,
    source: Option<SocketAddr>,
}

/// Looks on.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoverageWatch {
    pub(crate) reached: Coverage,
    /// By server and sender.
    ways: BTreeMap<(u8, Actor), Way>,
    arriving: Option<Circumstance>,
}

impl CoverageWatch {
    pub(crate) fn observe(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::Sent(passage) => self.sent(passage),
            Fact::Arrived(passage) => self.arrived(passage),
            Fact::Restarted { server, .. } => self.happened(*server, Fault::AfterRestart),
            Fact::Reloaded { server, .. } => self.happened(*server, Fault::AfterReload),
            Fact::Unregistered { server, .. } | Fact::Evicted { server, .. } => {
                self.happened(*server, Fault::AfterRemoval);
            }
            Fact::NotStored { server, .. } => self.happened(*server, Fault::AfterFailedWrite),
            _ => {}
        }
    }

    /// What arrives at a server now, for its worker.
    pub(crate) const fn arriving(&mut self) -> Option<Circumstance> {
        self.arriving.take()
    }

    /// A worker found a message's dialogue there.
    pub(crate) fn reach(
        &mut self,
        standing: Standing,
        Circumstance { message, faults }: Circumstance,
    ) {
        for fault in faults.iter() {
            self.reached.reach(Point::new(standing, message, fault));
        }
    }

    fn happened(&mut self, server: u8, fault: Fault) {
        let ways = self.ways.iter_mut();
        let of_server = ways.filter(|((whose, _), _)| *whose == server);
        of_server.for_each(|(_, way)| way.faults.add(fault));
    }

    fn sent(&mut self, passage: &Passage<'_>) {
        let fault = match passage.mark {
            Mark::Lost => Fault::AfterLoss,
            Mark::Partitioned => Fault::AfterPartition,
            _ => return,
        };
        if let Some(Actor::Server(server)) = passage.to {
            let way = self.ways.entry((server, passage.from)).or_default();
            way.faults.add(fault);
        }
    }

    fn arrived(&mut self, passage: &Passage<'_>) {
        let Some(Actor::Server(server)) = passage.to else {
            return;
        };
        let way = self.ways.entry((server, passage.from)).or_default();
        let mut faults = core::mem::take(&mut way.faults);
        if passage.mark != Mark::Spoofed {
            let before = way.source.replace(passage.source);
            if before.is_some_and(|before| before != passage.source) {
                faults.add(Fault::Rebound);
            }
        }
        faults.join(faults_of(passage));
        self.arriving = Some(Circumstance {
            message: Message::of(passage.frame.as_ref()),
            faults,
        });
    }
}

/// What is wrong with a datagram itself.
fn faults_of(passage: &Passage<'_>) -> Faults {
    let mut faults = Faults::default();
    match passage.mark {
        Mark::Late => faults.add(Fault::Late),
        Mark::Twice => faults.add(Fault::Twice),
        Mark::Damaged => faults.add(Fault::Damaged),
        Mark::Spoofed => faults.add(Fault::Spoofed),
        Mark::Plain | Mark::Lost | Mark::Partitioned => {}
    }
    if matches!(&passage.frame, Some(Frame::Full(full)) if full.retransmission) {
        faults.add(Fault::SentAgain);
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Actor = Actor::Client(0);
    const SERVER: Actor = Actor::Server(0);

    fn passage(from: Actor, port: u16, mark: Mark) -> Passage<'static> {
        Passage {
            from,
            to: Some(SERVER),
            source: ([10, 0, 0, 9], port).into(),
            destination: ([10, 0, 0, 1], 4569).into(),
            datagram: &[],
            frame: None,
            is_sealed: false,
            mark,
        }
    }

    /// What is wrong with a datagram that arrives now.
    fn faults(watch: &mut CoverageWatch, from: Actor, port: u16, mark: Mark) -> Vec<Fault> {
        watch.observe(&Fact::Arrived(passage(from, port, mark)));
        let arriving = watch.arriving().expect("it arrives at a server");
        assert_eq!(watch.arriving(), None);
        arriving.faults.iter().collect()
    }

    #[test]
    fn what_happened_on_a_way_is_of_the_next_datagram_there_alone() {
        let mut watch = CoverageWatch::default();
        let lost = |mark| Fact::Sent(passage(CLIENT, 1, mark));
        watch.observe(&lost(Mark::Lost));
        watch.observe(&lost(Mark::Partitioned));
        let other = faults(&mut watch, Actor::Client(1), 1, Mark::Late);
        assert_eq!(other, [Fault::Late]);
        let next = faults(&mut watch, CLIENT, 1, Mark::Plain);
        assert_eq!(next, [Fault::AfterLoss, Fault::AfterPartition]);
        let after = faults(&mut watch, CLIENT, 1, Mark::Plain);
        assert_eq!(after, [Fault::Nothing]);
        let spoofed = faults(&mut watch, CLIENT, 2, Mark::Spoofed);
        assert_eq!(spoofed, [Fault::Spoofed]);
        let moved = faults(&mut watch, CLIENT, 3, Mark::Twice);
        assert_eq!(moved, [Fault::Twice, Fault::Rebound]);
    }

    #[test]
    fn what_happened_to_a_server_is_of_the_next_datagram_of_each_way() {
        let mut watch = CoverageWatch::default();
        for from in [CLIENT, Actor::Client(1)] {
            faults(&mut watch, from, 1, Mark::Plain);
        }
        let none: &[_] = &[];
        for (fact, fault) in [
            (
                Fact::Reloaded {
                    server: 0,
                    accounts: &[],
                },
                Fault::AfterReload,
            ),
            (
                Fact::Restarted {
                    server: 0,
                    address: ([10, 0, 0, 1], 4569).into(),
                    doubts: none,
                },
                Fault::AfterRestart,
            ),
            (
                Fact::Evicted {
                    server: 0,
                    account: 0,
                },
                Fault::AfterRemoval,
            ),
            (
                Fact::NotStored {
                    server: 0,
                    account: 0,
                },
                Fault::AfterFailedWrite,
            ),
        ] {
            watch.observe(&fact);
            for from in [CLIENT, Actor::Client(1)] {
                assert_eq!(faults(&mut watch, from, 1, Mark::Plain), [fault]);
            }
        }
        let elsewhere = Fact::Evicted {
            server: 1,
            account: 0,
        };
        watch.observe(&elsewhere);
        let next = faults(&mut watch, CLIENT, 1, Mark::Plain);
        assert_eq!(next, [Fault::Nothing]);
    }
}
