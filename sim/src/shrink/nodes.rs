//! A plan without one of its nodes. Names and addresses follow from indices, so the nodes after it are renumbered, and with them whom an
//! operation, a partition or a decision is about. The world that comes of it is another one: whether it fails in the same way is seen
//! when it runs.

use crate::decide::Domain;
use crate::plan::{Actor, Decision, Operation, Partition, Plan, What};
use crate::schedule::ThreadId;

/// The plan without a node; `None` where it has no such node.
pub(super) fn without(plan: &Plan, gone: Actor) -> Option<Plan> {
    let mut less = plan.clone();
    match gone {
        Actor::Client(index) if index < plan.topology.clients => less.topology.clients -= 1,
        Actor::Server(index) if index < plan.topology.servers => less.topology.servers -= 1,
        _ => return None,
    }
    let left = Left { plan, gone };
    less.operations = all(&plan.operations, |it| left.operation(it));
    less.partitions = all(&plan.partitions, |it| left.partition(it));
    less.decisions = all(&plan.decisions, |it| left.decision(it));
    less.decisions.sort_unstable_by_key(|it| it.key);
    for list in less.topology.lists() {
        *list = all(list, |it| left.client(it));
    }
    for configuration in &mut less.configurations {
        for list in configuration.lists() {
            *list = all(list, |it| left.client(it));
        }
    }
    Some(less)
}

/// The plan without a server and those who use it: everybody else uses the server that they used.
pub(super) fn without_server_and_clients(plan: &Plan, server: u8) -> Option<Plan> {
    let clients = (0..plan.topology.clients).rev();
    let mut theirs = clients.filter(|it| plan.topology.server_of(*it) == server);
    let less = theirs.try_fold(plan.clone(), |less, client| {
        without(&less, Actor::Client(client))
    });
    without(&less?, Actor::Server(server))
}

fn all<T: Copy>(list: &[T], renumber: impl Fn(T) -> Option<T>) -> Vec<T> {
    list.iter().copied().filter_map(renumber).collect()
}

/// What is left, as it is named then.
#[derive(Clone, Copy)]
struct Left<'p> {
    plan: &'p Plan,
    gone: Actor,
}

impl Left<'_> {
    fn actor(self, actor: Actor) -> Option<Actor> {
        Some(match (actor, self.gone) {
            (Actor::Client(it), Actor::Client(gone)) => Actor::Client(after(it, gone)?),
            (Actor::Server(it), Actor::Server(gone)) => Actor::Server(after(it, gone)?),
            _ => actor,
        })
    }

    fn client(self, client: u8) -> Option<u8> {
        match self.actor(Actor::Client(client))? {
            Actor::Client(client) => Some(client),
            _ => None,
        }
    }

    fn operation(self, mut operation: Operation) -> Option<Operation> {
        operation.actor = self.actor(operation.actor)?;
        match &mut operation.what {
            What::CallPeer { client }
            | What::Dial { client }
            | What::Prune { client }
            | What::Unregister { client }
            | What::EditRow { client, .. } => *client = self.client(*client)?,
            _ => {}
        }
        Some(operation)
    }

    fn partition(self, partition: Partition) -> Option<Partition> {
        Some(Partition {
            from: self.actor(partition.from)?,
            to: self.actor(partition.to)?,
            ..partition
        })
    }

    fn decision(self, mut decision: Decision) -> Option<Decision> {
        let who = &mut decision.key.who;
        *who = match decision.key.domain {
            Domain::Network => self.way(*who)?,
            Domain::Callee | Domain::Cipher | Domain::Move | Domain::Qualify => {
                u16::from(self.client(u8::try_from(*who).ok()?)?)
            }
            Domain::Question
            | Domain::Write
            | Domain::Application
            | Domain::Dialled
            | Domain::Restart
            | Domain::Transfer => self.server(*who)?,
            Domain::Stall | Domain::Resume | Domain::Rank => self.thread(*who)?,
            Domain::Registrar => *who,
        };
        Some(decision)
    }

    fn server(self, server: u16) -> Option<u16> {
        match self.actor(Actor::Server(u8::try_from(server).ok()?))? {
            Actor::Server(server) => Some(u16::from(server)),
            _ => None,
        }
    }

    fn thread(self, thread: u16) -> Option<u16> {
        let of_server = ThreadId::per_server(self.plan.topology.workers()) as u16;
        Some(self.server(thread / of_server)? * of_server + thread % of_server)
    }

    /// As the network numbers ways: from and to, or beyond those an end of the registrar's and its direction.
    fn way(self, way: u16) -> Option<u16> {
        let nodes = self.plan.topology.nodes() as u16;
        let (before, beyond) = (nodes * nodes, (nodes - 1) * (nodes - 1));
        match way.checked_sub(before) {
            None => Some(self.node(way / nodes)? * (nodes - 1) + self.node(way % nodes)?),
            Some(end) => Some(beyond + 2 * self.server(end / 2)? + end % 2),
        }
    }

    fn node(self, node: u16) -> Option<u16> {
        let servers = u16::from(self.plan.topology.servers);
        let gone = match self.gone {
            Actor::Server(index) => u16::from(index),
            Actor::Client(index) => servers + u16::from(index),
            Actor::Registrar => return Some(node),
        };
        match node.cmp(&gone) {
            core::cmp::Ordering::Less => Some(node),
            core::cmp::Ordering::Equal => None,
            core::cmp::Ordering::Greater => Some(node - 1),
        }
    }
}

/// An index, after another one is gone.
fn after(index: u8, gone: u8) -> Option<u8> {
    (index != gone).then(|| index - u8::from(index > gone))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two servers and three clients: nodes 0 and 1, and 2 to 4.
    fn plan(decisions: &[&str]) -> Plan {
        let mut plan = Plan::from_seed(1);
        plan.explore = false;
        plan.topology.servers = 2;
        plan.topology.clients = 3;
        plan.topology.realtime = vec![0, 1, 2];
        plan.operations = vec![
            Operation {
                at_ms: 10,
                actor: Actor::Client(1),
                what: What::Call,
            },
            Operation {
                at_ms: 20,
                actor: Actor::Client(2),
                what: What::Call,
            },
            Operation {
                at_ms: 30,
                actor: Actor::Server(1),
                what: What::Dial { client: 1 },
            },
        ];
        plan.partitions.clear();
        plan.decisions = decisions.iter().map(|it| it.parse().unwrap()).collect();
        plan
    }

    fn decisions(plan: &Plan) -> Vec<String> {
        plan.decisions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_client_goes_with_all_that_it_does_and_the_others_are_renumbered() {
        // From client 2 to server 1; from client 1 to server 0; from the registrar to server 1.
        let plan = plan(&[
            "network 21 5 = 1",
            "network 15 5 = 1",
            "network 27 0 = 1",
            "callee 2 0 = 1",
        ]);
        let less = without(&plan, Actor::Client(1)).unwrap();
        assert_eq!(less.topology.clients, 2);
        assert_eq!(less.topology.realtime, [0, 1]);
        assert_eq!(less.operations.len(), 1);
        assert_eq!(less.operations[0].actor, Actor::Client(1));
        let expected = ["network 13 5 = 1", "network 18 0 = 1", "callee 1 0 = 1"];
        assert_eq!(decisions(&less), expected);
    }

    #[test]
    fn a_server_goes_with_its_threads() {
        let plan = plan(&["restart 1 0 = 1", "stall 3 9 = 1", "stall 6 9 = 2"]);
        let less = without(&plan, Actor::Server(0)).unwrap();
        assert_eq!(less.topology.servers, 1);
        assert_eq!(less.operations[2].actor, Actor::Server(0));
        assert_eq!(decisions(&less), ["restart 0 0 = 1", "stall 2 9 = 2"]);
        assert_eq!(without(&plan, Actor::Server(2)), None);
    }

    #[test]
    fn a_server_goes_with_its_clients_and_the_others_stay_where_they_are() {
        // From client 2 to server 0 and back; from client 1 to server 1.
        let decisions_of = ["network 20 5 = 1", "network 4 5 = 1", "network 16 5 = 1"];
        let less = without_server_and_clients(&plan(&decisions_of), 1).unwrap();
        assert_eq!((less.topology.servers, less.topology.clients), (1, 2));
        assert_eq!(less.operations.len(), 1);
        assert_eq!(less.operations[0].actor, Actor::Client(1));
        // Nodes 0, 1 and 2 are the server and the two clients.
        assert_eq!(decisions(&less), ["network 2 5 = 1", "network 6 5 = 1"]);
    }
}
