//! A datagram from one node to another.

use core::net::{IpAddr, SocketAddr};
use iaxproof::engine::directory::Directory;

use super::World;
use super::carrier::{Carrier, Departure};
use crate::administer::{Administer, Observe};
use crate::decide::mix;
use crate::fact::Mark;
use crate::goals::Goal;
use crate::node::client::Client;
use crate::node::desk::{Datagram, Task};
use crate::node::dialogue::Phase;
use crate::plan::Actor;
use crate::schedule::Role;

impl<D: Directory + Administer + Observe + Clone> World<D> {
    /// A node gives a datagram to the network.
    pub(super) fn transmit(
        &mut self,
        from: Actor,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: Vec<u8>,
        mark: Mark,
    ) {
        let to = self.who_is_at(destination);
        let opened = self.opened((from, to), destination, &datagram);
        let departure = Departure {
            from,
            to,
            source,
            destination,
            datagram,
            opened,
            mark,
        };
        if self.carrier().send(departure) == Mark::Partitioned {
            self.note_partition(from, to);
        }
    }

    const fn carrier(&mut self) -> Carrier<'_> {
        Carrier {
            queue: &mut self.queue,
            network: &mut self.network,
            decisions: &mut self.decisions,
            observers: &mut self.observers,
        }
    }

    /// What a sealed datagram says: the client among its ends has the keys, also where it went on from another port.
    fn opened(
        &self,
        (from, to): (Actor, Option<Actor>),
        destination: SocketAddr,
        datagram: &[u8],
    ) -> Option<Vec<u8>> {
        if let Actor::Client(index) = from {
            let client = self.clients.get(usize::from(index))?;
            return client.opened(true, datagram);
        }
        let client = match to {
            Some(Actor::Client(index)) => self.clients.get(usize::from(index)),
            _ => {
                let mut clients = self.clients.iter();
                clients.find(|client| client.address.ip() == destination.ip())
            }
        };
        client?.opened(false, datagram)
    }

    pub(super) fn note_partition(&mut self, from: Actor, to: Option<Actor>) {
        let ends = [Some(from), to];
        let clients = ends.into_iter().flatten().filter_map(|actor| match actor {
            Actor::Client(index) => Some(&self.clients[usize::from(index)]),
            Actor::Server(_) | Actor::Registrar => None,
        });
        let is_up = |client: &Client| client.calls().any(|(_, call)| call.phase == Phase::Up);
        if clients.into_iter().any(is_up) {
            self.observers.reach(Goal::PartitionCutCall);
        }
    }

    pub(super) fn who_is_at(&self, address: SocketAddr) -> Option<Actor> {
        let servers = (0..).zip(&self.servers);
        let clients = (0..).zip(&self.clients);
        let mut servers = servers.map(|(index, node)| (Actor::Server(index), node.address));
        let mut clients = clients.map(|(index, node)| (Actor::Client(index), node.address));
        servers
            .find(|(_, at)| *at == address)
            .or_else(|| clients.find(|(_, at)| *at == address))
            .map(|(actor, _)| actor)
            .or_else(|| {
                let registrar = self.outward.as_ref();
                registrar
                    .filter(|it| it.address() == address)
                    .map(|_| Actor::Registrar)
            })
    }

    pub(super) fn arrive(
        &mut self,
        (from, to): (Actor, Actor),
        (source, destination): (SocketAddr, SocketAddr),
        datagram: &[u8],
        mark: Mark,
    ) {
        if self.who_is_at(destination) != Some(to) {
            // The node went on from another address meanwhile.
            return;
        }
        let opened = self.opened((from, Some(to)), destination, datagram);
        let (ends, ways) = ((from, to), (source, destination));
        self.carrier()
            .arrive(ends, ways, datagram, opened.as_deref(), mark);
        match to {
            Actor::Server(server) => {
                let datagram = Datagram {
                    source,
                    octets: datagram.to_vec(),
                    circumstance: self.observers.arriving_as(),
                };
                let worker = socket_of(source, self.plan.topology.workers());
                self.give(server, Role::Worker(worker), Task::Datagram(datagram));
            }
            Actor::Client(index) => {
                let client = &mut self.clients[usize::from(index)];
                let now = self.queue.now();
                let is_calm = now >= self.heal_at;
                let mut moods = Self::moods(&self.plan.options, &mut self.decisions, is_calm);
                client.handle_datagram(now, source, datagram, &mut moods, &mut self.outbox);
                self.flush_client(index);
            }
            Actor::Registrar => self.registrar_arrive(source, datagram),
        }
    }
}

/// By which worker's socket comes what this address sends: always by the same, as with `SO_REUSEPORT`, and nobody chose which.
fn socket_of(source: SocketAddr, workers: u8) -> u8 {
    let ip = match source.ip() {
        IpAddr::V4(ip) => u64::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip) as u64,
    };
    let hash = mix(ip ^ (u64::from(source.port()) << 32));
    (hash % u64::from(workers)) as u8
}
