//! A world without its engine: what is left of a [`World`](super::World) where servers, clients, databases and operators are taken out,
//! and whoever holds it does what its nodes do. Its datagrams go the way of any world's: the same queue and network, decisions by the
//! same keys, all of the checkers and goals looking on, a trace hash. So it tells what that machinery costs, beside simulators that have
//! no engine either.

use core::net::SocketAddr;

use iaxproof::time::Instant;

use super::carrier::{Carrier, Departure};
use super::{Happening, server_address};
use crate::accounts::client_address;
use crate::clock::Queue;
use crate::decide::Decisions;
use crate::fact::Mark;
use crate::network::Network;
use crate::observers::Observers;
use crate::plan::{Actor, Plan};
use crate::report::{Report, View};

/// A world whose nodes are whoever holds it.
#[derive(Debug)]
pub struct Bare {
    plan: Plan,
    queue: Queue<Happening>,
    network: Network,
    decisions: Decisions,
    observers: Observers,
    nodes: Vec<(Actor, SocketAddr)>,
}

/// A datagram that reached its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Whom it reached.
    pub to: Actor,
    /// Where it came from.
    pub source: SocketAddr,
    /// Its octets.
    pub datagram: Vec<u8>,
}

impl Bare {
    /// The servers and clients of a plan, its network with all that goes wrong there, and nothing that is done by itself.
    pub fn new(plan: &Plan, view: View) -> Self {
        let topology = &plan.topology;
        let servers = (0..topology.servers).map(|n| (Actor::Server(n), server_address(n)));
        let clients = (0..topology.clients).map(|n| (Actor::Client(n), client_address(n)));
        Bare {
            queue: Queue::default(),
            network: Network::new(plan),
            decisions: Decisions::of(plan),
            observers: Observers::new(plan, view),
            nodes: servers.chain(clients).collect(),
            plan: plan.clone(),
        }
    }

    /// Where a node is, if there is such a node.
    pub fn address(&self, actor: Actor) -> Option<SocketAddr> {
        let mut nodes = self.nodes.iter();
        nodes.find(|(node, _)| *node == actor).map(|(_, at)| *at)
    }

    /// The time it is.
    pub const fn now(&self) -> Instant {
        self.queue.now()
    }

    /// A node gives a datagram to the network.
    pub fn send(&mut self, from: Actor, source: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        let departure = Departure {
            from,
            to: self.who_is_at(to),
            source,
            destination: to,
            datagram,
            opened: None,
            mark: Mark::Plain,
        };
        self.carrier().send(departure);
    }

    /// The next datagram that arrives, and time has passed until then. `None` where none is on its way, or a property is broken.
    pub fn receive(&mut self) -> Option<Arrival> {
        if self.observers.violation().is_some() {
            return None;
        }
        let Happening::Arrival {
            number,
            from,
            to,
            source,
            destination,
            datagram,
            mark,
        } = self.queue.pop()?
        else {
            unreachable!("nothing but datagrams is scheduled here");
        };
        self.observers.count_event();
        self.observers.tell_arriving(number);
        let (ends, ways) = ((from, to), (source, destination));
        self.carrier().arrive(ends, ways, &datagram, None, mark);
        Some(Arrival {
            to,
            source,
            datagram,
        })
    }

    /// What came of it.
    pub fn end(self) -> Report {
        let now = self.queue.now();
        self.observers.into_report(&self.plan, self.decisions, now)
    }

    fn who_is_at(&self, address: SocketAddr) -> Option<Actor> {
        let mut nodes = self.nodes.iter();
        nodes.find(|(_, at)| *at == address).map(|(node, _)| *node)
    }

    const fn carrier(&mut self) -> Carrier<'_> {
        Carrier {
            queue: &mut self.queue,
            network: &mut self.network,
            decisions: &mut self.decisions,
            observers: &mut self.observers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Options;
    use crate::report::Verdict;

    const CLIENT: Actor = Actor::Client(0);
    const SERVER: Actor = Actor::Server(0);

    fn plan(loss_permille: u16) -> Plan {
        let mut plan = Plan::from_seed(1);
        plan.partitions.clear();
        plan.options = Options {
            loss_permille,
            ..Options::default()
        };
        plan
    }

    /// Sends so many datagrams from client to server, and answers each; how many answers came, and the report.
    fn ping(plan: &Plan, count: u8) -> (usize, Report) {
        let mut bare = Bare::new(plan, View::Hash);
        let [client, server] =
            [CLIENT, SERVER].map(|node| bare.address(node).expect("it is there"));
        for nth in 0..count {
            bare.send(CLIENT, client, server, vec![nth; 40]);
        }
        let mut answers = 0;
        while let Some(Arrival {
            to,
            source,
            datagram,
        }) = bare.receive()
        {
            match to {
                SERVER => bare.send(SERVER, server, source, datagram),
                _ => answers += 1,
            }
        }
        (answers, bare.end())
    }

    #[test]
    fn all_arrives_where_nothing_is_wrong_after_the_time_that_it_takes() {
        let (answers, report) = ping(&plan(0), 50);
        assert_eq!((answers, report.events), (50, 100));
        assert_eq!(report.verdict, Verdict::Held);
        assert_eq!(report.simulated.as_millis(), 20);
        assert_eq!(report.plan.decisions, []);
    }

    #[test]
    fn what_was_lost_is_in_the_plan_and_lost_again() {
        let (answers, report) = ping(&plan(300), 100);
        assert!((20..80).contains(&answers), "{answers}");
        assert!(!report.plan.decisions.is_empty());
        let (answers_again, again) = ping(&report.plan, 100);
        assert_eq!(
            (answers_again, again.trace_hash),
            (answers, report.trace_hash)
        );
        assert_ne!(ping(&plan(0), 100).1.trace_hash, report.trace_hash);
    }

    #[test]
    fn nobody_gets_what_goes_where_nobody_is() {
        let mut bare = Bare::new(&plan(0), View::Hash);
        let client = bare.address(CLIENT).expect("it is there");
        let nobody = SocketAddr::from(([203, 0, 113, 1], 4_569));
        bare.send(CLIENT, client, nobody, vec![7; 40]);
        assert_eq!(bare.receive(), None);
        assert_eq!(bare.address(Actor::Client(200)), None);
    }
}
