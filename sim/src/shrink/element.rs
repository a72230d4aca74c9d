//! What a plan can do without, one by one.

use crate::plan::{Actor, Plan};

use super::nodes;

/// One part of a plan. A plan is 1-minimal where it fails no longer, or in another way, whichever of them is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// A server or a client, with all that it does and that is done about it.
    Node(Actor),
    /// An operation, by its index.
    Operation(usize),
    /// A partition, by its index.
    Partition(usize),
    /// A decision, by its index: the dull choice is made instead.
    Decision(usize),
}

/// Every element of a plan.
pub fn elements(plan: &Plan) -> Vec<Element> {
    let clients = (0..plan.topology.clients).map(Actor::Client);
    let servers = (0..plan.topology.servers).map(Actor::Server);
    let nodes = clients.chain(servers).map(Element::Node);
    let operations = (0..plan.operations.len()).map(Element::Operation);
    let partitions = (0..plan.partitions.len()).map(Element::Partition);
    let decisions = (0..plan.decisions.len()).map(Element::Decision);
    let all = nodes.chain(operations).chain(partitions).chain(decisions);
    all.collect()
}

/// The plan without one of its elements; `None` where what is left can be no world, as one of two nodes.
pub fn without(plan: &Plan, element: Element) -> Option<Plan> {
    let mut less = plan.clone();
    match element {
        Element::Node(actor) => less = nodes::without(plan, actor)?,
        Element::Operation(nth) => drop(less.operations.remove(nth)),
        Element::Partition(nth) => drop(less.partitions.remove(nth)),
        Element::Decision(nth) => drop(less.decisions.remove(nth)),
    }
    less.validate().is_ok().then_some(less)
}
