//! What a schedule is drawn from while a world explores: the portfolio, of which each seed has one way. Nothing here is known when a plan
//! replays: what came of it is a list of stalls and ranks.

use serde::{Deserialize, Serialize};

use super::Role;
use crate::decide::{Dice, mix};
use crate::plan::Plan;

/// How the schedule of a world is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheduler {
    /// Stalls, before each step with the same chance, whoever's step it is.
    #[default]
    Stalls,
    /// Stalls with a chance for each role: reloaders, pruners and databases have few steps, and some seeds leave workers alone.
    Roles,
    /// Ranks, and stalls before so many steps of the threads, which a run without them has counted ("A Randomized Scheduler with
    /// Probabilistic Guarantees of Finding Bugs", Burckhardt and others, 2010). The thread is drawn first, so that who has few steps
    /// is stalled as often as who has many; time passes when nobody can go on.
    Pct,
}

impl Scheduler {
    /// All, in the order of their numbers in tokens.
    pub const ALL: [Scheduler; 3] = [Scheduler::Stalls, Scheduler::Roles, Scheduler::Pct];

    /// Its name, in plans and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Scheduler::Stalls => "stalls",
            Scheduler::Roles => "roles",
            Scheduler::Pct => "pct",
        }
    }

    /// Whether it must know how many steps each thread takes.
    pub const fn counts(self) -> bool {
        matches!(self, Scheduler::Pct)
    }
}

/// Sets the dice of schedules apart from others of the same seed.
const ROLES: u64 = 0x726f_6c65_735f_5f5f;
const PLACES: u64 = ROLES ^ 7;

/// How threads of one role stall.
#[derive(Clone, Debug)]
pub(super) struct Victim {
    /// Steps, of ten thousand, before which one of them stalls.
    pub(super) rate: u64,
    /// How many stalls there are still to be.
    pub(super) left: u16,
}

/// Which threads of a server stall at all, and how: one for each of their places.
pub(super) fn victims(seed: u64, per_server: usize) -> Vec<Victim> {
    let mut dice = Dice::new(mix(seed ^ ROLES));
    let mut victims: Vec<_> = (0..per_server)
        .map(|place| victim(Role::is_worker(place), &mut dice))
        .collect();
    if victims.iter().all(|it| it.left == 0) {
        victims[1].left = 2;
    }
    victims
}

fn victim(is_worker: bool, dice: &mut Dice) -> Victim {
    let is_on = dice.chance(if is_worker { 50 } else { 60 });
    let rate = match is_worker {
        true => dice.pick(&[2, 5, 10, 20, 50, 100]),
        false => dice.pick(&[10, 30, 100, 300, 1_000]),
    };
    let left = dice.pick(&[1, 2, 3, 4, 6, 8]);
    let left = if is_on { left } else { 0 };
    Victim { rate, left }
}

/// Who goes first, and where somebody stalls.
#[derive(Clone, Debug, Default)]
pub(super) struct Priorities {
    /// By thread, each another one from 1; the highest goes first.
    pub(super) ranks: Vec<u32>,
    /// A thread, and the number of its step.
    pub(super) places: Vec<(usize, u32)>,
}

/// Those of a plan whose threads take so many steps.
pub(super) fn priorities(plan: &Plan, steps: &[u32]) -> Priorities {
    let mut dice = Dice::new(mix(plan.seed ^ PLACES));
    let ranks = shuffled(steps.len(), &mut dice);
    let places = places(plan, steps, &mut dice);
    Priorities { ranks, places }
}

fn shuffled(len: usize, dice: &mut Dice) -> Vec<u32> {
    let mut all: Vec<u32> = (1..).take(len).collect();
    for nth in (1..len).rev() {
        let other = dice.within(0, u32::try_from(nth).unwrap_or(0));
        all.swap(nth, other as usize);
    }
    all
}

fn places(plan: &Plan, steps: &[u32], dice: &mut Dice) -> Vec<(usize, u32)> {
    let has_steps = |it: &usize| steps[*it] > 0;
    let threads: Vec<usize> = (0..steps.len()).filter(has_steps).collect();
    let mut victims = threads.clone();
    victims.retain(|_| dice.chance(60));
    if victims.is_empty() {
        victims = threads;
    }
    let count = match victims.is_empty() {
        true => 0,
        false => plan.options.stalls_max,
    };
    let place = |_| {
        let thread = dice.pick(&victims);
        (thread, dice.within(0, steps[thread] - 1))
    };
    (0..count).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_seeds_leave_a_role_alone_and_none_leaves_all_alone() {
        let mut alone = [0; 5];
        for seed in 0..1_000 {
            let victims = victims(seed, alone.len());
            assert!(victims.iter().any(|it| it.left > 0), "seed {seed}");
            for (count, victim) in alone.iter_mut().zip(victims) {
                *count += u32::from(victim.left == 0);
            }
        }
        assert!(alone.iter().all(|it| (200..700).contains(it)), "{alone:?}");
    }

    #[test]
    fn who_has_few_steps_is_stalled_as_often_as_who_has_many_and_within_its_steps() {
        let steps = [10_000, 50, 0, 50];
        let mut stalls = [0; 4];
        for seed in 0..1_000 {
            let plan = Plan::threaded_from_seed(seed);
            let Priorities { mut ranks, places } = priorities(&plan, &steps);
            ranks.sort_unstable();
            assert_eq!(ranks, [1, 2, 3, 4]);
            let drawn = places;
            assert_eq!(drawn.len(), usize::from(plan.options.stalls_max));
            for (thread, nth) in drawn {
                assert!(nth < steps[thread], "seed {seed}");
                stalls[thread] += 1;
            }
        }
        assert_eq!(stalls[2], 0);
        let (least, most) = (stalls[1].min(stalls[0]), stalls[1].max(stalls[0]));
        assert!(least * 10 > most * 8, "{stalls:?}");
    }
}
