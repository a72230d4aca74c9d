//! From a seed to a plan. Swarm: each seed draws which faults and features are on at all, so that rare
//! combinations meet; what is on, happens often.

use super::{
    Actor, ConfigurationPlan, ENGINE, FAULTS_MIN, NODES_MIN, OPERATIONS_MIN, Operation, Options,
    Partition, Plan, RowEdit, SCHEMA, SECONDS_MIN, STRANDS, Topology, VERSION, What,
};
use crate::decide::Dice;
use crate::schedule::Scheduler;

/// How schedules are drawn, each way in one of two seeds. Drawing every step alike takes up to five times as many worlds as either, so it
/// has no share.
const PORTFOLIO: [Scheduler; 2] = [Scheduler::Pct, Scheduler::Roles];

/// Sets the dice of threads apart from those of all else.
const THREADS: u64 = 0x0074_6872_6561_6473;

impl Plan {
    /// The plan of a seed: at least [`NODES_MIN`] nodes, [`OPERATIONS_MIN`] operations, [`SECONDS_MIN`] seconds and [`FAULTS_MIN`]
    /// faults. Seeds lose their meaning when this function changes; plans do not.
    pub fn from_seed(seed: u64) -> Plan {
        let seed = below_the_top(seed);
        Self::expand(seed, Dice::new(seed))
    }

    /// The plan that these dice give to a seed.
    pub(super) fn expand(seed: u64, mut dice: Dice) -> Plan {
        let topology = topology(&mut dice);
        let heal_ms = dice.within(60, 110) * 1_000;
        let configurations = configurations(&mut dice, &topology);
        let mut plan = Plan {
            schema: SCHEMA,
            engine: ENGINE.into(),
            version: VERSION.into(),
            seed,
            explore: true,
            heal_ms,
            options: options(&mut dice),
            operations: operations(&mut dice, &topology, heal_ms, configurations.len()),
            partitions: partitions(&mut dice, &topology, heal_ms),
            configurations,
            topology,
            decisions: Vec::new(),
            expect: None,
        };
        transfers(&mut plan);
        plan.add_features();
        plan.operations.sort_by_key(|operation| operation.at_ms);
        assert!(plan.is_large_enough(), "a seed's world is never too small");
        plan
    }

    /// The plan of a seed for a world with threads: what it is without them, how often threads stall, and how
    /// their stalls are drawn.
    pub fn threaded_from_seed(seed: u64) -> Plan {
        Self::from_seed(seed).with_threads()
    }

    /// The same world with threads.
    pub(super) fn with_threads(mut self) -> Plan {
        let mut dice = Dice::new(self.seed ^ THREADS);
        self.engine = STRANDS.into();
        // Rare stalls of many steps, or many of few.
        self.options.stall_rate = dice.pick(&[2, 5, 10, 20, 50, 100]);
        self.options.stalls_max = dice.pick(&[1, 2, 3, 4, 6, 8]);
        self.options.scheduler = dice.pick(&PORTFOLIO);
        self
    }

    /// Whether the plan is at least as large as every seed's.
    pub fn is_large_enough(&self) -> bool {
        self.topology.nodes() >= NODES_MIN
            && self.operations.len() >= OPERATIONS_MIN
            && u64::from(self.heal_ms) >= SECONDS_MIN * 1_000
            && self.partitions.len() >= FAULTS_MIN
    }
}

/// The seed without its highest bit: TOML has no numbers as large.
pub(super) const fn below_the_top(seed: u64) -> u64 {
    seed & (u64::MAX >> 1)
}

fn topology(dice: &mut Dice) -> Topology {
    let servers = u8::from(dice.chance(20)) + 1;
    let clients = small(dice.within(2, 4));
    let some = |dice: &mut Dice, percent| -> Vec<u8> {
        let percent = if dice.chance(60) { percent } else { 0 };
        (0..clients).filter(|_| dice.chance(percent)).collect()
    };
    Topology {
        servers,
        clients,
        realtime: some(dice, 60),
        sharing: some(dice, 30),
        ..Topology::default()
    }
}

/// A rate that is off for most seeds.
fn swarm(dice: &mut Dice, percent: u32, permille_max: u32) -> u16 {
    let rate = dice.within(1, permille_max);
    if dice.chance(percent) {
        u16::try_from(rate).unwrap_or(u16::MAX)
    } else {
        0
    }
}

fn options(dice: &mut Dice) -> Options {
    Options {
        loss_permille: swarm(dice, 50, 250),
        duplicate_permille: swarm(dice, 40, 200),
        delay_permille: swarm(dice, 50, 300),
        corrupt_permille: swarm(dice, 10, 60),
        truncate_permille: swarm(dice, 10, 60),
        slow_permille: swarm(dice, 50, 600),
        fail_permille: swarm(dice, 25, 300),
        moody_permille: swarm(dice, 40, 500),
        impatient_permille: swarm(dice, 40, 500),
        callee_permille: swarm(dice, 60, 900),
        encrypt_permille: swarm(dice, 40, 1_000),
        call_numbers: if dice.chance(15) {
            u16::try_from(dice.within(3, 10)).unwrap_or(10)
        } else {
            0
        },
        ..Options::default()
    }
}

fn configurations(dice: &mut Dice, topology: &Topology) -> Vec<ConfigurationPlan> {
    let count = dice.within(1, 4);
    let some = |dice: &mut Dice, percent| -> Vec<u8> {
        (0..topology.clients)
            .filter(|_| dice.chance(percent))
            .collect()
    };
    (0..count)
        .map(|nth| ConfigurationPlan {
            registration_s: dice.pick(&[60, 60, 90, 120]),
            reject_delay_ms: dice.pick(&[0, 0, 1_000]),
            // The first one has everybody: a world in which nobody can log in says little.
            absent: if nth == 0 { Vec::new() } else { some(dice, 20) },
            changed: if nth == 0 { Vec::new() } else { some(dice, 10) },
        })
        .collect()
}

/// What sets the dice of transfers apart from those of the rest: a seed whose servers leave no bridge has the plan that it had before
/// there were transfers.
const TRANSFER_DICE: u64 = 0x7e1e_7a25;

/// In some worlds servers leave bridges to their ends: then clients call each other more often, and may not reach each other.
fn transfers(plan: &mut Plan) {
    let mut dice = Dice::new(plan.seed ^ TRANSFER_DICE);
    plan.options.transfer_permille = swarm(&mut dice, 40, 1_000);
    if plan.options.transfer_permille == 0 {
        return;
    }
    let client = |dice: &mut Dice| small(dice.within(0, u32::from(plan.topology.clients) - 1));
    for _ in 0..dice.within(1, 4) {
        let (actor, other) = (Actor::Client(client(&mut dice)), client(&mut dice));
        let at_ms = moment(&mut dice, 8_000, plan.heal_ms - 10_000);
        let mut push = |after_ms, what| {
            let at_ms = at_ms + after_ms;
            plan.operations.push(Operation { at_ms, actor, what });
        };
        push(0, What::CallPeer { client: other });
        for after_ms in [1_500, 4_000] {
            push(after_ms, What::Talk { frames: 12 });
            push(after_ms, What::Type { frames: 6 });
        }
        if dice.chance(50) {
            push(moment(&mut dice, 6_000, 40_000), What::HangUp);
        }
    }
    if dice.chance(40) {
        let clients = plan.topology.clients;
        let from = client(&mut dice);
        let to = (from + small(dice.within(1, u32::from(clients) - 1))) % clients;
        let start_ms = moment(&mut dice, 8_000, plan.heal_ms - 10_000);
        let end_ms = start_ms + moment(&mut dice, 2_000, 30_000);
        plan.partitions.push(Partition {
            from: Actor::Client(from),
            to: Actor::Client(to),
            start_ms,
            end_ms: end_ms.min(plan.heal_ms),
        });
    }
}

/// When something is done: any time before everything heals, to 10 ms.
fn moment(dice: &mut Dice, from_ms: u32, until_ms: u32) -> u32 {
    dice.within(from_ms / 10, until_ms / 10) * 10
}

fn operations(
    dice: &mut Dice,
    topology: &Topology,
    heal_ms: u32,
    configurations: usize,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for index in 0..topology.clients {
        operations.push(Operation {
            at_ms: moment(dice, 0, 5_000),
            actor: Actor::Client(index),
            what: What::Register {
                refresh_s: dice.pick(&[60, 60, 120, 30]),
            },
        });
    }
    let wraps = dice.chance(4);
    let dials = dice.chance(60);
    let features = Features {
        wraps,
        bridges: dice.chance(50),
    };
    let wanted = dice.within(20, 36) as usize;
    while operations.len() < wanted {
        let at_ms = moment(dice, 1_000, heal_ms);
        if dials && dice.chance(20) {
            let client = small(dice.within(0, u32::from(topology.clients) - 1));
            operations.push(Operation {
                at_ms,
                actor: Actor::Server(topology.server_of(client)),
                what: What::Dial { client },
            });
        } else if dice.chance(25) {
            let server = small(dice.within(0, u32::from(topology.servers) - 1));
            let what = of_operator(dice, topology, configurations);
            operations.push(Operation {
                at_ms,
                actor: Actor::Server(server),
                what,
            });
        } else {
            of_client(dice, topology, at_ms, features, &mut operations);
        }
    }
    operations
}

fn of_operator(dice: &mut Dice, topology: &Topology, configurations: usize) -> What {
    let client = small(dice.within(0, u32::from(topology.clients) - 1));
    match dice.within(0, 10) {
        10 => What::Restart,
        0..=3 => What::Reload {
            configuration: small(dice.within(0, configurations as u32 - 1)),
        },
        4..=6 => What::Prune { client },
        7 => What::Unregister { client },
        _ => What::EditRow {
            client,
            row: dice.pick(&[RowEdit::Plain, RowEdit::Changed, RowEdit::Absent]),
        },
    }
}

/// What clients do in some worlds only.
#[derive(Clone, Copy, Debug)]
struct Features {
    /// They type so much that sequence numbers wrap.
    wraps: bool,
    /// They call each other.
    bridges: bool,
}

/// One thing that a client does, or a call with what belongs to it.
fn of_client(
    dice: &mut Dice,
    topology: &Topology,
    at_ms: u32,
    features: Features,
    operations: &mut Vec<Operation>,
) {
    let actor = Actor::Client(small(dice.within(0, u32::from(topology.clients) - 1)));
    let mut push = |at_ms, what| operations.push(Operation { at_ms, actor, what });
    match dice.within(0, 19) {
        0..=2 => push(
            at_ms,
            What::Register {
                refresh_s: dice.pick(&[30, 60, 120]),
            },
        ),
        3 => push(at_ms, What::Release),
        4 => push(at_ms, What::Rebind),
        5 => push(
            at_ms,
            What::Spoof {
                kind: small(dice.within(0, 5)),
            },
        ),
        6 => push(at_ms, What::HangUp),
        _ => {
            let other = small(dice.within(0, u32::from(topology.clients) - 1));
            if features.bridges && dice.chance(40) {
                push(at_ms, What::CallPeer { client: other });
            } else {
                push(at_ms, What::Call);
            }
            let talk = at_ms + moment(dice, 500, 3_000);
            push(
                talk,
                What::Talk {
                    frames: dice.pick(&[3, 6, 12]),
                },
            );
            if features.wraps {
                push(talk, What::Type { frames: 300 });
            } else if dice.chance(40) {
                push(
                    talk,
                    What::Type {
                        frames: dice.pick(&[1, 4, 20]),
                    },
                );
            }
            if dice.chance(60) {
                push(at_ms + moment(dice, 2_000, 30_000), What::HangUp);
            }
        }
    }
}

fn partitions(dice: &mut Dice, topology: &Topology, heal_ms: u32) -> Vec<Partition> {
    let count = dice.within(1, 3);
    (0..count)
        .map(|_| {
            let client = small(dice.within(0, u32::from(topology.clients) - 1));
            let ends = (
                Actor::Client(client),
                Actor::Server(topology.server_of(client)),
            );
            let (from, to) = if dice.chance(50) {
                ends
            } else {
                (ends.1, ends.0)
            };
            let start_ms = moment(dice, 0, heal_ms - 5_000);
            let long_ms = if dice.chance(30) { 60_000 } else { 8_000 };
            Partition {
                from,
                to,
                start_ms,
                end_ms: (start_ms + moment(dice, 500, long_ms)).min(heal_ms),
            }
        })
        .collect()
}

/// A small number as an index.
fn small(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_makes_a_world_of_the_least_size_or_more() {
        for seed in 0..20_000 {
            let plan = Plan::from_seed(seed);
            assert!(plan.is_large_enough(), "seed {seed}");
            assert_eq!(plan.validate(), Ok(()), "seed {seed}");
            assert!(
                plan.partitions.iter().all(|p| p.start_ms < p.end_ms),
                "seed {seed}"
            );
        }
    }

    #[test]
    fn a_plan_that_lacks_one_thing_is_too_small() {
        let plan = Plan::from_seed(3);
        let lacks = |bend: fn(&mut Plan)| {
            let mut bent = plan.clone();
            bend(&mut bent);
            !bent.is_large_enough()
        };
        assert!(lacks(|p| p.topology.clients = 1));
        assert!(lacks(|p| p.operations.truncate(19)));
        assert!(lacks(|p| p.heal_ms = 59_999));
        assert!(lacks(|p| p.partitions.clear()));
    }
}
