//! Any octets as a plan, for a fuzzer: each flip of a bit is another world near by.
//!
//! Eight octets of a seed; one that says whether the world has threads and whether decisions are listed; where they are, their number
//! and the decisions, eight octets each; the rest is what the generator's dice are told, two octets a roll
//! ([`Dice::told`]). What is missing is 0, so no octets are seed 0, and eight are the world of a seed. Nothing is refused: what means
//! nothing is left out.

use std::collections::BTreeMap;

use arbitrary::Unstructured;

use super::generate::below_the_top;
use super::{Decision, ENGINE, Plan, STRANDS};
use crate::decide::{Dice, Domain, Key};

/// The world has threads.
const WITH_THREADS: u8 = 1;
/// Nothing is drawn while it runs: the decisions are listed.
const LISTED: u8 = 2;
/// The octets of a decision: domain, value, who (two) and nth (four, the lowest first).
const DECISION_LEN: usize = 8;

impl Plan {
    /// The plan of any octets. Every seed's world is one of them, with threads and without, explored or as it ran.
    pub fn from_bytes(octets: &[u8]) -> Plan {
        let mut octets = Unstructured::new(octets);
        let seed = below_the_top(next(&mut octets));
        let mode: u8 = next(&mut octets);
        let decisions = (mode & LISTED != 0).then(|| listed(&mut octets));
        let told = octets.take_rest().chunks_exact(2);
        let told = told.map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let mut plan = Plan::expand(seed, Dice::told(seed, told));
        if mode & WITH_THREADS != 0 {
            plan = plan.with_threads();
        }
        if let Some(decisions) = decisions {
            plan.explore = false;
            plan.decisions = decisions;
        }
        plan
    }

    /// The octets that become this plan. `None` where its seed does not expand to it, for a hand was at it, or where it has more
    /// decisions than octets can say.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let threads = match self.engine.as_str() {
            ENGINE => 0,
            STRANDS => WITH_THREADS,
            _ => return None,
        };
        let listed = if self.explore { 0 } else { LISTED };
        let mut octets = self.seed.to_le_bytes().to_vec();
        octets.push(threads | listed);
        if !self.explore {
            let count = u16::try_from(self.decisions.len()).ok()?;
            octets.extend(count.to_le_bytes());
            for decision in &self.decisions {
                octets.extend(written(decision)?);
            }
        }
        (Plan::from_bytes(&octets) == *self).then_some(octets)
    }
}

/// The next number; what is missing of it is 0.
fn next<'a, T: arbitrary::Arbitrary<'a> + Default>(octets: &mut Unstructured<'a>) -> T {
    octets.arbitrary().unwrap_or_default()
}

fn listed(octets: &mut Unstructured<'_>) -> Vec<Decision> {
    let count = usize::from(next::<u16>(octets));
    let mut listed = BTreeMap::new();
    for _ in 0..count {
        let Ok(field) = octets.bytes(DECISION_LEN) else {
            break;
        };
        if let Some(Decision { key, value }) = read(field) {
            listed.entry(key).or_insert(value);
        }
    }
    let decision = |(key, value)| Decision { key, value };
    listed.into_iter().map(decision).collect()
}

/// A decision; none where it is dull.
fn read(field: &[u8]) -> Option<Decision> {
    let &[domain, value, who, who_high, n, t, h, high] = field else {
        return None;
    };
    let key = Key {
        domain: Domain::ALL[usize::from(domain) % Domain::ALL.len()],
        who: u16::from_le_bytes([who, who_high]),
        nth: u32::from_le_bytes([n, t, h, high]),
    };
    let value = u32::from(value);
    (value != 0).then_some(Decision { key, value })
}

fn written(decision: &Decision) -> Option<[u8; DECISION_LEN]> {
    let Key { domain, who, nth } = decision.key;
    let domain = Domain::ALL.iter().position(|it| *it == domain)?;
    let [who, who_high] = who.to_le_bytes();
    let [n, t, h, high] = nth.to_le_bytes();
    let value = u8::try_from(decision.value).ok()?;
    Some([
        u8::try_from(domain).ok()?,
        value,
        who,
        who_high,
        n,
        t,
        h,
        high,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::mix;
    use crate::report::View;
    use crate::sweep::audited;
    use crate::world::run;

    #[test]
    fn eight_octets_are_the_world_of_a_seed() {
        for seed in [0, 7, 20_000] {
            assert_eq!(
                Plan::from_bytes(&u64::to_le_bytes(seed)),
                Plan::from_seed(seed)
            );
            let threaded = Plan::threaded_from_seed(seed);
            let octets = threaded.to_bytes().expect("what a seed expands to");
            assert_eq!(octets.len(), 9);
            assert_eq!(Plan::from_bytes(&octets), threaded);
        }
        assert_eq!(Plan::from_bytes(&[]), Plan::from_seed(0));
    }

    #[test]
    fn a_world_as_it_ran_reads_back_and_runs_the_same() {
        for seed in 0..20 {
            let ran = run(&Plan::from_seed(seed), View::Hash, audited);
            let octets = ran.plan.to_bytes().expect("what a seed came to");
            let again = run(&Plan::from_bytes(&octets), View::Hash, audited);
            assert_eq!(again.trace_hash, ran.trace_hash, "seed {seed}");
        }
    }

    #[test]
    fn a_plan_that_a_hand_was_at_has_no_octets() {
        let mut plan = Plan::from_seed(3);
        plan.operations.truncate(4);
        assert_eq!(plan.to_bytes(), None);
    }

    #[test]
    fn one_roll_is_told_and_the_others_stay() {
        let plan = Plan::from_seed(3);
        let bent = |told: &[u8]| {
            let octets = [&u64::to_le_bytes(3), &[0][..], told].concat();
            Plan::from_bytes(&octets)
        };
        // The first roll says whether there is a second server, the second how many clients there are.
        let (fewer, more) = (bent(&[0, 0, 1, 0]), bent(&[0, 0, 3, 0]));
        assert_eq!((fewer.topology.clients, more.topology.clients), (2, 4));
        assert_eq!(fewer.topology.servers, plan.topology.servers);
        assert_eq!(bent(&[0, 0, 0, 0, 0, 0]), plan);
    }

    #[test]
    fn octets_of_any_kind_are_a_plan_that_holds_together() {
        let mut state = 1;
        for len in 0..2_000 {
            let octets: Vec<u8> = (0..len % 400)
                .map(|_| {
                    state = mix(state);
                    (state >> 32) as u8
                })
                .collect();
            let plan = Plan::from_bytes(&octets);
            assert_eq!(plan.validate(), Ok(()), "{octets:?}");
            assert!(plan.is_large_enough(), "{octets:?}");
        }
    }
}
