//! What carries a datagram from one node to another: the network decides what becomes of it, those who look on see it go and come, and
//! the queue has it meanwhile. It knows of nodes only who they are.

use core::net::SocketAddr;

use iaxproof::time::Instant;
use iaxproof::wire::Frame;

use super::Happening;
use crate::clock::Queue;
use crate::decide::Decisions;
use crate::fact::{Fact, Mark, Passage};
use crate::goals::Goal;
use crate::network::{Network, Verdict};
use crate::observers::Observers;
use crate::plan::Actor;

/// The parts of a world that its datagrams go through.
pub(super) struct Carrier<'a> {
    pub(super) queue: &'a mut Queue<Happening>,
    pub(super) network: &'a mut Network,
    pub(super) decisions: &'a mut Decisions,
    pub(super) observers: &'a mut Observers,
}

/// A datagram that is to go.
pub(super) struct Departure {
    pub(super) from: Actor,
    /// `None` where nobody is at its destination.
    pub(super) to: Option<Actor>,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) datagram: Vec<u8>,
    /// What it says, where it is sealed.
    pub(super) opened: Option<Vec<u8>>,
    /// What is special about it before the network has it.
    pub(super) mark: Mark,
}

impl Carrier<'_> {
    /// A datagram goes; what became of it.
    pub(super) fn send(&mut self, departure: Departure) -> Mark {
        let now = self.queue.now();
        let (verdict, mark) = self.judge(now, &departure);
        self.see_sent(now, &departure, mark);
        let datagram = departure.datagram;
        let Some(to) = departure.to else {
            return mark;
        };
        let number = self.observers.last_sent();
        let mut arrival = |delay, datagram| {
            let arrival = Happening::Arrival {
                number,
                from: departure.from,
                to,
                source: departure.source,
                destination: departure.destination,
                datagram,
                mark,
            };
            self.queue.schedule(now + delay, arrival);
        };
        match verdict {
            Verdict::Drop => {}
            Verdict::Deliver(delay) => arrival(delay, datagram),
            Verdict::Damage(delay, damaged) => arrival(delay, damaged),
            Verdict::Duplicate(first, second) => {
                arrival(first, datagram.clone());
                arrival(second, datagram);
            }
        }
        mark
    }

    fn judge(&mut self, now: Instant, departure: &Departure) -> (Verdict, Mark) {
        let (verdict, by_network) = match departure.to {
            Some(to) => {
                let ends = (departure.from, to);
                self.network
                    .judge(now, ends, &departure.datagram, self.decisions)
            }
            None => (Verdict::Drop, Mark::Lost),
        };
        match departure.mark {
            Mark::Plain => (verdict, by_network),
            mark => (verdict, mark),
        }
    }

    fn see_sent(&mut self, now: Instant, departure: &Departure, mark: Mark) {
        let opened = departure.opened.as_deref();
        let passage = Passage {
            from: departure.from,
            to: departure.to,
            source: departure.source,
            destination: departure.destination,
            datagram: &departure.datagram,
            frame: Frame::parse(opened.unwrap_or(&departure.datagram)).ok(),
            is_sealed: opened.is_some(),
            mark,
        };
        let is_again =
            |frame: &Frame<'_>| matches!(frame, Frame::Full(full) if full.retransmission);
        if passage.is_sealed && passage.frame.as_ref().is_some_and(is_again) {
            self.observers.reach(Goal::SealedAgain);
        }
        self.observers.see(now, &Fact::Sent(passage));
    }

    /// A datagram comes; `opened` is what it says, where it is sealed.
    pub(super) fn arrive(
        &mut self,
        (from, to): (Actor, Actor),
        (source, destination): (SocketAddr, SocketAddr),
        datagram: &[u8],
        opened: Option<&[u8]>,
        mark: Mark,
    ) {
        let passage = Passage {
            from,
            to: Some(to),
            source,
            destination,
            datagram,
            frame: Frame::parse(opened.unwrap_or(datagram)).ok(),
            is_sealed: opened.is_some(),
            mark,
        };
        let now = self.queue.now();
        self.observers.see(now, &Fact::Arrived(passage));
    }
}
