//! The program on a world of ours without its engine: the queue, the network with its decisions, checkers, goals and the trace hash, all of
//! them as in every world.

use iaxproof_sim::plan::{Actor, Options, Plan, Topology};
use iaxproof_sim::report::{Report, Verdict, View};
use iaxproof_sim::world::{Arrival, Bare};

use crate::program::{Program, payload};

/// Plays it.
///
/// # Panics
///
/// Where a datagram is not delivered, changed, or late.
pub(crate) fn run(program: Program) {
    let mut bare = Bare::new(&plan(program), View::Hash);
    let mut delivered = 0;
    for pair in 0..program.pairs {
        ping(&mut bare, pair, 0);
    }
    // Of each node, how many datagrams it had.
    let mut had = [[0u32; 2]; u8::MAX as usize];
    while let Some(Arrival {
        to,
        source,
        datagram,
    }) = bare.receive()
    {
        delivered += 1;
        match to {
            Actor::Server(pair) => {
                let [round, _] = &mut had[usize::from(pair)];
                assert_eq!(datagram, payload(pair, *round));
                *round += 1;
                let from = bare.address(to).expect("a server has an address");
                bare.send(to, from, source, datagram);
            }
            Actor::Client(pair) => {
                let [_, round] = &mut had[usize::from(pair)];
                assert_eq!(datagram, payload(pair, *round));
                *round += 1;
                if *round < program.rounds {
                    ping(&mut bare, pair, *round);
                }
            }
            Actor::Registrar => unreachable!("there is none"),
        }
    }
    assert_eq!(delivered, program.datagrams());
    check(program, &bare.end());
}

fn ping(bare: &mut Bare, pair: u8, round: u32) {
    let client = Actor::Client(pair);
    let [from, to] = [client, Actor::Server(pair)]
        .map(|node| bare.address(node).expect("every node has an address"));
    bare.send(client, from, to, payload(pair, round).to_vec());
}

fn check(program: Program, report: &Report) {
    assert_eq!(report.verdict, Verdict::Held);
    assert_eq!(report.events, program.datagrams());
    assert_eq!(report.simulated, program.duration());
}

/// A server and a client for each pair. Every datagram has its decision, drawn and dull, for the network heals long after all is over.
fn plan(program: Program) -> Plan {
    Plan {
        explore: true,
        heal_ms: 86_400_000,
        topology: Topology {
            servers: program.pairs,
            clients: program.pairs,
            ..Topology::default()
        },
        options: Options::default(),
        partitions: Vec::new(),
        ..Plan::from_seed(1)
    }
}
