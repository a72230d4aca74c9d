//! Features that came to worlds after their generator: each draws from dice of its own, so that what a seed meant before it
//! still means, and one feature shifts no other.

use super::{Actor, Operation, Partition, Plan, WORKERS_MAX, What};
use crate::accounts::WITHOUT_SECRET;
use crate::decide::{Dice, mix};

/// The dice of one feature: a number that no other has.
fn dice(plan: &Plan, feature: u64) -> Dice {
    Dice::new(mix(plan.seed ^ mix(0xfea7_0000 + feature)))
}

impl Plan {
    /// Adds to the plan of a seed what is drawn apart.
    pub(super) fn add_features(&mut self) {
        self.add_registrants();
        self.add_qualified();
        self.add_tokenless();
        self.add_forced();
        self.add_flapping();
        self.add_workers();
    }

    /// Servers register at a registrar, which may be cut off too.
    fn add_registrants(&mut self) {
        let mut dice = dice(self, 1);
        if !dice.chance(35) {
            return;
        }
        self.topology.registrants = dice.pick(&[1, 1, 2]);
        self.options.registrar_permille = dice.pick(&[0, 200, 500, 900]);
        if dice.chance(50) {
            let server = Actor::Server(below(&mut dice, self.topology.servers));
            let ends = [server, Actor::Registrar];
            let (from, to) = dice.pick(&[(ends[0], ends[1]), (ends[1], ends[0])]);
            let start_ms = dice.within(0, (self.heal_ms - 5_000) / 10) * 10;
            let long_ms = dice.pick(&[3_000, 20_000, 60_000]);
            self.partitions.push(Partition {
                from,
                to,
                start_ms,
                end_ms: (start_ms + long_ms).min(self.heal_ms),
            });
        }
    }

    fn add_qualified(&mut self) {
        let mut dice = dice(self, 2);
        if !dice.chance(35) {
            return;
        }
        self.topology.qualified = self.some_clients(&mut dice, 60);
        self.topology.mute = self.some_clients(&mut dice, 15);
        self.options.deaf_permille = dice.pick(&[0, 100, 500]);
    }

    /// Clients without tokens, and strangers without tokens too.
    fn add_tokenless(&mut self) {
        let mut dice = dice(self, 3);
        if !dice.chance(25) {
            return;
        }
        self.topology.tokenless = self.some_clients(&mut dice, 50);
        self.options.unvalidated_max = dice.pick(&[0, 1, 3]);
        let Some(&client) = self.topology.tokenless.first() else {
            return;
        };
        // Whoever registers an account without a secret and a token registers it, wherever he says that he is.
        let kinds: &[u8] =
            match self.topology.account_of(client) == WITHOUT_SECRET || client == WITHOUT_SECRET {
                true => &[6],
                false => &[6, 7],
            };
        for _ in 0..dice.within(2, 8) {
            self.operations.push(Operation {
                at_ms: dice.within(100, self.heal_ms / 10) * 10,
                actor: Actor::Client(client),
                what: What::Spoof {
                    kind: dice.pick(kinds),
                },
            });
        }
    }

    fn add_forced(&mut self) {
        let mut dice = dice(self, 4);
        if !dice.chance(30) {
            return;
        }
        self.topology.forced = self.some_clients(&mut dice, 60);
        let can_encrypt = |client: &u8| crate::accounts::can_encrypt(*client);
        self.topology.forced.retain(can_encrypt);
        self.options.rotations = dice.pick(&[0, 1]);
    }

    /// Clients behind a link that goes down again and again, for longer than a POKE waits: most of them are asked whether they are there.
    fn add_flapping(&mut self) {
        let mut dice = dice(self, 5);
        if !dice.chance(25) {
            return;
        }
        for client in self.some_clients(&mut dice, 50) {
            if dice.chance(80) && !self.topology.qualified.contains(&client) {
                self.topology.qualified.push(client);
            }
            self.cut_again_and_again(&mut dice, client);
        }
        self.topology.qualified.sort_unstable();
    }

    /// Several workers behind the address of the one server, where each has call numbers enough for some calls.
    fn add_workers(&mut self) {
        let mut dice = dice(self, 6);
        if !dice.chance(30) {
            return;
        }
        let workers = dice.pick(&[2, 2, 2, 3, WORKERS_MAX]);
        let numbers = self.options.call_numbers;
        let has_numbers = numbers == 0 || numbers >= 2 * u16::from(workers);
        if has_numbers && self.topology.servers == 1 {
            self.topology.workers = workers;
        }
    }

    fn cut_again_and_again(&mut self, dice: &mut Dice, client: u8) {
        let server = Actor::Server(self.topology.server_of(client));
        let ends = [Actor::Client(client), server];
        let mut start_ms = dice.within(800, 1_600) * 10;
        loop {
            let end_ms = start_ms + dice.within(2_000, 3_000) * 10;
            if end_ms > self.heal_ms {
                return;
            }
            let (from, to) = dice.pick(&[(ends[0], ends[1]), (ends[1], ends[0])]);
            self.partitions.push(Partition {
                from,
                to,
                start_ms,
                end_ms,
            });
            start_ms = end_ms + dice.within(600, 1_000) * 10;
        }
    }

    fn some_clients(&self, dice: &mut Dice, percent: u32) -> Vec<u8> {
        let clients = 0..self.topology.clients;
        clients.filter(|_| dice.chance(percent)).collect()
    }
}

fn below(dice: &mut Dice, count: u8) -> u8 {
    u8::try_from(dice.within(0, u32::from(count) - 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_in_some_worlds_and_none_is_in_all() {
        let has: [fn(&Plan) -> bool; 7] = [
            |plan| plan.topology.registrants > 0,
            |plan| !plan.topology.qualified.is_empty(),
            |plan| !plan.topology.mute.is_empty(),
            |plan| !plan.topology.tokenless.is_empty(),
            |plan| !plan.topology.forced.is_empty(),
            |plan| plan.options.rotations > 0,
            |plan| plan.topology.workers > 0,
        ];
        for has in has {
            let count = (0..1_000).map(Plan::from_seed).filter(has).count();
            assert!((50..500).contains(&count), "{count} of 1000");
        }
    }

    #[test]
    fn strangers_without_a_token_come_with_clients_without_a_token() {
        for plan in (0..1_000).map(Plan::from_seed) {
            let mut operations = plan.operations.iter();
            let is_theirs = |what: What| matches!(what, What::Spoof { kind } if kind >= 6);
            let any = operations.any(|operation| is_theirs(operation.what));
            assert_eq!(any, !plan.topology.tokenless.is_empty());
        }
    }
}
