//! The network: what becomes of one datagram is one keyed decision; partitions are planned.

use core::time::Duration;

use iaxproof::time::Instant;

use crate::decide::{Decisions, Domain, Key};
use crate::fact::Mark;
use crate::plan::{Actor, Options, Partition, Plan, Topology};

/// How long a datagram takes where nothing is wrong.
const TRANSIT: Duration = Duration::from_millis(10);
/// How much later the second copy of a datagram comes.
const SECOND_COPY: Duration = Duration::from_millis(35);
/// How long late datagrams take, in milliseconds.
pub(crate) const LATE_MS: [u64; 7] = [20, 60, 150, 400, 1_200, 3_000, 6_000];
/// In how many places a datagram can be changed or cut.
const PLACES: u32 = 32;

const DROP: u32 = 1;
const DUPLICATE: u32 = 2;
const LATE: u32 = 3;
const CORRUPT: u32 = LATE + LATE_MS.len() as u32;
const TRUNCATE: u32 = CORRUPT + PLACES;
const CHOICES: u32 = TRUNCATE + PLACES;

/// What becomes of one datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It arrives after this time.
    Deliver(Duration),
    /// It arrives after the first time and once more after the second.
    Duplicate(Duration, Duration),
    /// It is lost.
    Drop,
    /// It arrives like this.
    Damage(Duration, Vec<u8>),
}

/// The ways between the nodes of one world.
#[derive(Debug)]
pub(crate) struct Network {
    options: Options,
    partitions: Vec<Partition>,
    heal_at: Instant,
    servers: u16,
    nodes: u16,
    sent: Vec<u32>,
}

impl Network {
    pub(crate) fn new(plan: &Plan) -> Self {
        let nodes = plan.topology.nodes();
        Network {
            options: plan.options.clone(),
            partitions: plan.partitions.clone(),
            heal_at: Instant::from_millis(u64::from(plan.heal_ms)),
            servers: u16::from(plan.topology.servers),
            nodes: u16::try_from(nodes).unwrap_or(u16::MAX),
            sent: vec![0; nodes * nodes + 2 * usize::from(plan.topology.servers)],
        }
    }

    /// What becomes of the next datagram from one node to another. After everything healed, all is delivered.
    pub(crate) fn judge(
        &mut self,
        now: Instant,
        (from, to): (Actor, Actor),
        datagram: &[u8],
        decisions: &mut Decisions,
    ) -> (Verdict, Mark) {
        if now >= self.heal_at {
            return (Verdict::Deliver(TRANSIT), Mark::Plain);
        }
        if self.is_partitioned(now, from, to) {
            return (Verdict::Drop, Mark::Partitioned);
        }
        let who = self.way(from, to);
        let sent = &mut self.sent[usize::from(who)];
        let key = Key {
            domain: Domain::Network,
            who,
            nth: *sent,
        };
        *sent += 1;
        let options = &self.options;
        let choice = decisions.decide(key, CHOICES, |bits| draw(options, bits));
        verdict(choice, datagram)
    }

    /// Whether a partition stands between two nodes.
    fn is_partitioned(&self, now: Instant, from: Actor, to: Actor) -> bool {
        let now_ms = now.as_millis();
        self.partitions.iter().any(|partition| {
            let during = u64::from(partition.start_ms)..u64::from(partition.end_ms);
            partition.from == from && partition.to == to && during.contains(&now_ms)
        })
    }

    /// The number of a way. Those of the registrar come after all others, so that a world has the others' with and without it.
    fn way(&self, from: Actor, to: Actor) -> u16 {
        let beyond = self.nodes * self.nodes;
        match (from, to) {
            (Actor::Registrar, other) => beyond + 2 * self.index(other),
            (other, Actor::Registrar) => beyond + 2 * self.index(other) + 1,
            (from, to) => self.index(from) * self.nodes + self.index(to),
        }
    }

    const fn index(&self, actor: Actor) -> u16 {
        match actor {
            Actor::Server(index) => index as u16,
            Actor::Client(index) => self.servers + index as u16,
            Actor::Registrar => 0,
        }
    }
}

/// From whom to whom a way between servers and clients leads, by its number; `None` for those of the registrar.
pub(crate) fn ends_of(topology: &Topology, way: u16) -> Option<(Actor, Actor)> {
    let nodes = u16::try_from(topology.nodes()).ok()?;
    let node = |index: u16| match u8::try_from(index).ok()? {
        client if client >= topology.servers => Some(Actor::Client(client - topology.servers)),
        server => Some(Actor::Server(server)),
    };
    let is_theirs = way < nodes * nodes;
    is_theirs.then_some((node(way / nodes)?, node(way % nodes)?))
}

/// Whether a choice is that the datagram is lost.
pub(crate) const fn is_loss(choice: u32) -> bool {
    choice == DROP
}

/// A choice, each kind as often as the options say.
fn draw(options: &Options, bits: u64) -> u32 {
    let permille = (bits % 1_000) as u16;
    let detail = (bits >> 32) as u32;
    let kinds = [
        (options.loss_permille, DROP),
        (options.duplicate_permille, DUPLICATE),
        (options.delay_permille, LATE + detail % LATE_MS.len() as u32),
        (options.corrupt_permille, CORRUPT + detail % PLACES),
        (options.truncate_permille, TRUNCATE + detail % PLACES),
    ];
    let mut below = 0;
    for (rate, choice) in kinds {
        below += rate;
        if permille < below {
            return choice;
        }
    }
    0
}

fn verdict(choice: u32, datagram: &[u8]) -> (Verdict, Mark) {
    match choice {
        DROP => (Verdict::Drop, Mark::Lost),
        DUPLICATE => {
            let second = TRANSIT + SECOND_COPY;
            (Verdict::Duplicate(TRANSIT, second), Mark::Twice)
        }
        LATE..CORRUPT => {
            let late = Duration::from_millis(LATE_MS[(choice - LATE) as usize]);
            (Verdict::Deliver(TRANSIT + late), Mark::Late)
        }
        CORRUPT..TRUNCATE => (corrupted(choice - CORRUPT, datagram), Mark::Damaged),
        TRUNCATE..CHOICES => (truncated(choice - TRUNCATE, datagram), Mark::Damaged),
        _ => (Verdict::Deliver(TRANSIT), Mark::Plain),
    }
}

/// One octet, somewhere, has its bits changed.
fn corrupted(place: u32, datagram: &[u8]) -> Verdict {
    let mut octets = datagram.to_vec();
    let at = octets.len() * place as usize / PLACES as usize;
    if let Some(octet) = octets.get_mut(at) {
        *octet ^= 1 << (place % 8);
    }
    Verdict::Damage(TRANSIT, octets)
}

fn truncated(place: u32, datagram: &[u8]) -> Verdict {
    let len = datagram.len() * place as usize / PLACES as usize;
    Verdict::Damage(TRANSIT, datagram[..len].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Source;

    const ENDS: (Actor, Actor) = (Actor::Client(0), Actor::Server(0));

    #[test]
    fn nothing_is_wrong_where_no_fault_is_on() {
        let mut plan = Plan::from_seed(1);
        plan.options = Options::default();
        plan.partitions.clear();
        let mut network = Network::new(&plan);
        let mut decisions = Decisions::new(Source::Seed(1));
        for _ in 0..100 {
            let (verdict, _) = network.judge(Instant::ZERO, ENDS, b"abc", &mut decisions);
            assert_eq!(verdict, Verdict::Deliver(TRANSIT));
        }
        assert!(decisions.into_taken().is_empty());
    }

    #[test]
    fn the_number_of_a_way_says_its_ends() {
        let plan = Plan::from_seed(1);
        let network = Network::new(&plan);
        let servers = (0..plan.topology.servers).map(Actor::Server);
        let clients = (0..plan.topology.clients).map(Actor::Client);
        let all: Vec<Actor> = servers.chain(clients).collect();
        for (from, to) in all
            .iter()
            .flat_map(|from| all.iter().map(move |to| (*from, *to)))
        {
            let way = network.way(from, to);
            assert_eq!(ends_of(&plan.topology, way), Some((from, to)));
        }
        let registrars = network.way(Actor::Registrar, Actor::Server(0));
        assert_eq!(ends_of(&plan.topology, registrars), None);
    }

    #[test]
    fn a_partition_has_one_direction_and_an_end() {
        let mut plan = Plan::from_seed(1);
        plan.options = Options::default();
        plan.partitions = vec![Partition {
            from: ENDS.0,
            to: ENDS.1,
            start_ms: 1_000,
            end_ms: 2_000,
        }];
        let mut network = Network::new(&plan);
        let mut decisions = Decisions::new(Source::Seed(1));
        let mut is_lost = |ms, ends| {
            let now = Instant::from_millis(ms);
            network.judge(now, ends, b"abc", &mut decisions).0 == Verdict::Drop
        };
        assert!(is_lost(1_000, ENDS) && is_lost(1_999, ENDS));
        assert!(!is_lost(999, ENDS) && !is_lost(2_000, ENDS));
        assert!(!is_lost(1_500, (ENDS.1, ENDS.0)));
    }

    #[test]
    fn every_choice_has_a_verdict_and_damage_stays_inside() {
        for choice in 0..CHOICES {
            for len in [0, 1, 4, 100] {
                let (verdict, _) = verdict(choice, &vec![0; len]);
                if let Verdict::Damage(_, octets) = verdict {
                    assert!(octets.len() <= len);
                }
            }
        }
    }
}
