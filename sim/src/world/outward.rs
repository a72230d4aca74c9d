//! Servers that register outward: what their applications do about it, and what the registrar does.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::Registration;
use iaxproof::engine::directory::Directory;
use iaxproof::engine::settings::{Name, Secret};
use iaxproof::time::Instant;

use super::flush::arm;
use super::{Happening, World};
use crate::administer::{Administer, Observe};
use crate::fact::{Fact, Mark};
use crate::node::desk::Task;
use crate::node::registrar::{GRANT, Mind, Outbox, Registrar, secret, username};
use crate::plan::{Actor, Plan};
use crate::schedule::Role;

/// How long after healing every registration must stand: who was refused or not answered a moment before asks again after 5/6 of what
/// was granted last, and the exchange takes a moment.
pub const RETURNED: Duration = Duration::from_secs(55);
/// How long it takes until the operators know that the registrar moved.
const NEWS: Duration = Duration::from_secs(3);

/// The registrar of a world, and who registers there.
#[derive(Debug)]
pub(super) struct Outward {
    registrar: Registrar,
    timer: Option<Instant>,
    outbox: Outbox,
}

impl Outward {
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let address = SocketAddr::from(([198, 51, 100, 1], 4_569));
        (plan.topology.registrants > 0).then(|| Outward {
            registrar: Registrar::new(address),
            timer: None,
            outbox: Outbox::default(),
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.registrar.address
    }
}

impl<D: Directory + Administer + Observe + Clone> World<D> {
    pub(super) fn begin_outward(&mut self) {
        if self.outward.is_none() {
            return;
        }
        (0..self.plan.topology.servers).for_each(|server| self.register_outward(server));
        let due = self.heal_at + RETURNED;
        self.queue.schedule(due, Happening::RegistrantsDue);
    }

    /// A server's application has its registrations kept up.
    pub(super) fn register_outward(&mut self, server: u8) {
        let Some(outward) = &self.outward else {
            return;
        };
        let address = outward.address();
        for nth in 0..self.plan.topology.registrants {
            let who = (server, nth);
            let name = Name::new(&username(who)).expect("the name is short");
            let registration = Registration {
                secrets: vec![Secret::new(&secret(who))],
                refresh: GRANT,
                ..Registration::new(address, name)
            };
            let register = Task::Register(nth, Box::new(registration));
            self.give(server, Role::Worker(0), register);
        }
    }

    /// A server's application gives its registrations up.
    pub(super) fn give_up_outward(&mut self, server: u8) {
        if self.outward.is_some() {
            self.give(server, Role::Worker(0), Task::GiveUp);
        }
    }

    /// Operators know where the registrar is now.
    pub(super) fn follow_registrar(&mut self) {
        for server in 0..self.plan.topology.servers {
            self.give_up_outward(server);
            self.register_outward(server);
        }
    }

    pub(super) fn see_registrants_due(&mut self) {
        let healed_at = self.heal_at;
        self.see(&Fact::RegistrantsDue { healed_at });
        (0..self.plan.topology.servers).for_each(|server| self.look_at(server));
    }

    pub(super) fn registrar_arrive(&mut self, source: SocketAddr, datagram: &[u8]) {
        let (now, is_calm) = (self.queue.now(), self.is_calm());
        let Some(outward) = &mut self.outward else {
            return;
        };
        let mut mind = Mind {
            decisions: &mut self.decisions,
            is_calm,
            permille: self.plan.options.registrar_permille,
        };
        let Outward {
            registrar, outbox, ..
        } = outward;
        registrar.handle_datagram(now, source, datagram, &mut mind, outbox);
        self.flush_registrar();
    }

    pub(super) fn registrar_time_out(&mut self) {
        let now = self.queue.now();
        let Some(outward) = self.outward.as_mut().filter(|it| it.timer == Some(now)) else {
            return;
        };
        outward.timer = None;
        outward.registrar.handle_timeout(now, &mut outward.outbox);
        self.flush_registrar();
    }

    fn flush_registrar(&mut self) {
        let now = self.queue.now();
        let Some(outward) = &mut self.outward else {
            return;
        };
        let due = outward.registrar.poll_timeout();
        let timer = Happening::Timer(Actor::Registrar);
        arm(&mut self.queue, &mut outward.timer, due, timer);
        let outbox = core::mem::take(&mut outward.outbox);
        let source = outward.address();
        self.observers.join(outbox.goals);
        if outbox.has_moved {
            self.queue.schedule(now + NEWS, Happening::RegistrarMoved);
        }
        for ((server, nth), until) in outbox.granted {
            self.see(&Fact::Granted { server, nth, until });
        }
        for (destination, datagram) in outbox.transmits {
            let actor = Actor::Registrar;
            self.transmit(actor, source, destination, datagram, Mark::Plain);
        }
    }
}
