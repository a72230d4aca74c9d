//! What makes a plan plainer: numbers get smaller or rounder, lists of clients and configurations shorter, operations come sooner. Every edit
//! only ever lowers a number or shortens a list, so they come to an end.

use crate::plan::{Options, Plan, SECONDS_MIN, What};

/// One change of a plan. It leaves alone what is no longer there.
pub(super) type Edit = Box<dyn Fn(&mut Plan)>;

/// How long a pause between two operations may be, in milliseconds, and how long a partition; the shortest that serves stays.
const PAUSES_MS: [u32; 6] = [0, 100, 1_000, 5_000, 10_000, 20_000];
/// How long after the one before an operation comes instead of a decision, in milliseconds: between two datagrams of one exchange, which
/// take 10 each, or as long as datagrams are late, retransmissions take and databases are slow.
const MOMENTS_MS: [u32; 13] = [
    5, 15, 25, 35, 45, 55, 65, 75, 200, 1_000, 3_000, 10_000, 30_000,
];
/// How many decisions, and how many operations, are traded: these are for plans that are small already.
const TRADES_MAX: usize = 6;
/// What times are rounded to, in milliseconds, coarse first.
const ROUND_MS: [u32; 4] = [10_000, 1_000, 100, 10];
/// The values that a decision may be lowered to.
const VALUES: [u32; 6] = [1, 2, 3, 4, 5, 6];
/// The seconds of registrations.
const REFRESH_S: u16 = 60;

/// What may be tried on this plan, what changes most first.
pub(super) fn edits(plan: &Plan) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    of_options(&mut edits);
    of_topology(plan, &mut edits);
    of_configurations(plan, &mut edits);
    of_operations(plan, &mut edits);
    of_partitions(plan, &mut edits);
    of_decisions(plan, &mut edits);
    of_times(plan, &mut edits);
    edits
}

/// What may be tried with fewer decisions: an operation comes at another time instead, and all that is later moves with it.
pub(super) fn trades(plan: &Plan) -> Vec<Edit> {
    let alone = (0..plan.decisions.len()).map(|nth| nth..nth + 1);
    let ranges = core::iter::once(0..plan.decisions.len()).chain(alone);
    let mut trades: Vec<Edit> = Vec::new();
    for range in ranges.take(TRADES_MAX) {
        for nth in 0..plan.operations.len().min(TRADES_MAX) {
            for pause in MOMENTS_MS {
                let range = range.clone();
                trades.push(Box::new(move |plan| {
                    if range.end <= plan.decisions.len() {
                        plan.decisions.drain(range.clone());
                        come_after(plan, nth, pause);
                    }
                }));
            }
        }
    }
    trades
}

/// Moves an operation to `pause` after the one before it, and those behind it as far.
fn come_after(plan: &mut Plan, nth: usize, pause: u32) {
    let before = nth.checked_sub(1).map_or(0, |it| at(plan, it));
    let to = before.saturating_add(pause);
    let from = at(plan, nth);
    for operation in plan.operations.iter_mut().skip(nth) {
        operation.at_ms = operation.at_ms.saturating_sub(from).saturating_add(to);
    }
}

fn lower<T: PartialOrd>(number: &mut T, to: T) {
    if to < *number {
        *number = to;
    }
}

fn of_options(edits: &mut Vec<Edit>) {
    edits.push(Box::new(|plan| plan.options = Options::default()));
    edits.push(Box::new(|plan| {
        plan.options = plan.options.without_rates();
    }));
    edits.push(Box::new(|plan| plan.options.call_numbers = 0));
    edits.push(Box::new(|plan| plan.options.unvalidated_max = 0));
    edits.push(Box::new(|plan| plan.options.rotations = 0));
    edits.push(Box::new(|plan| plan.seed = 0));
}

fn of_topology(plan: &Plan, edits: &mut Vec<Edit>) {
    edits.push(Box::new(Plan::take_workers_out));
    for registrants in [0, 1] {
        edits.push(Box::new(move |plan| {
            lower(&mut plan.topology.registrants, registrants);
        }));
    }
    let mut topology = plan.topology.clone();
    for (nth, list) in topology.lists().into_iter().enumerate() {
        for client in list.iter().copied() {
            edits.push(Box::new(move |plan| {
                plan.topology.lists()[nth].retain(|it| *it != client);
            }));
        }
    }
}

fn of_configurations(plan: &Plan, edits: &mut Vec<Edit>) {
    for nth in (0..plan.configurations.len()).rev() {
        edits.push(Box::new(move |plan| drop_configuration(plan, nth)));
        edits.push(Box::new(move |plan| {
            if let Some(configuration) = plan.configurations.get_mut(nth) {
                lower(&mut configuration.registration_s, REFRESH_S);
                configuration.reject_delay_ms = 0;
            }
        }));
        let mut configuration = plan.configurations[nth].clone();
        for (which, list) in configuration.lists().into_iter().enumerate() {
            for client in list.iter().copied() {
                edits.push(Box::new(move |plan| {
                    if let Some(configuration) = plan.configurations.get_mut(nth) {
                        configuration.lists()[which].retain(|it| *it != client);
                    }
                }));
            }
        }
    }
}

/// Takes out a configuration that no server accepts. Where it is the first, which all begin with, they begin with the next.
fn drop_configuration(plan: &mut Plan, gone: usize) {
    let mut used: Vec<&mut u8> = reloads(plan).collect();
    if used.iter().any(|it| usize::from(**it) == gone) {
        return;
    }
    for configuration in used.iter_mut().filter(|it| usize::from(***it) > gone) {
        **configuration -= 1;
    }
    if gone < plan.configurations.len() {
        plan.configurations.remove(gone);
    }
}

fn reloads(plan: &mut Plan) -> impl Iterator<Item = &mut u8> {
    let operations = plan.operations.iter_mut();
    operations.filter_map(|operation| match &mut operation.what {
        What::Reload { configuration } => Some(configuration),
        _ => None,
    })
}

fn of_operations(plan: &Plan, edits: &mut Vec<Edit>) {
    for nth in 0..plan.operations.len() {
        edits.push(Box::new(move |plan| {
            let operation = plan.operations.get_mut(nth);
            match operation.map(|operation| &mut operation.what) {
                Some(What::Register { refresh_s }) => lower(refresh_s, REFRESH_S),
                Some(What::Talk { frames } | What::Type { frames }) => lower(frames, 1),
                Some(What::Reload { configuration }) => *configuration = 0,
                _ => {}
            }
        }));
    }
}

fn of_partitions(plan: &Plan, edits: &mut Vec<Edit>) {
    for nth in 0..plan.partitions.len() {
        for length in PAUSES_MS {
            edits.push(Box::new(move |plan| {
                if let Some(partition) = plan.partitions.get_mut(nth) {
                    lower(
                        &mut partition.end_ms,
                        partition.start_ms.saturating_add(length),
                    );
                }
            }));
        }
        for unit in ROUND_MS {
            edits.push(Box::new(move |plan| {
                if let Some(partition) = plan.partitions.get_mut(nth) {
                    partition.start_ms -= partition.start_ms % unit;
                    partition.end_ms -= partition.end_ms % unit;
                }
            }));
        }
    }
}

fn of_decisions(plan: &Plan, edits: &mut Vec<Edit>) {
    for nth in 0..plan.decisions.len() {
        for value in VALUES {
            edits.push(Box::new(move |plan| {
                if let Some(decision) = plan.decisions.get_mut(nth) {
                    lower(&mut decision.value, value);
                }
            }));
        }
    }
}

fn of_times(plan: &Plan, edits: &mut Vec<Edit>) {
    let heal_min_ms = SECONDS_MIN as u32 * 1_000;
    edits.push(Box::new(move |plan| lower(&mut plan.heal_ms, heal_min_ms)));
    for unit in ROUND_MS {
        edits.push(Box::new(move |plan| plan.heal_ms -= plan.heal_ms % unit));
    }
    for nth in 0..plan.operations.len() {
        for pause in PAUSES_MS {
            edits.push(Box::new(move |plan| come_sooner(plan, nth, pause)));
        }
        for unit in ROUND_MS {
            edits.push(Box::new(move |plan| round(plan, nth, unit)));
        }
    }
}

/// Moves an operation, and all that is later, up to `pause` after the one before it.
fn come_sooner(plan: &mut Plan, nth: usize, pause: u32) {
    let before = nth.checked_sub(1).map_or(0, |it| at(plan, it));
    let from = at(plan, nth);
    let by = from.saturating_sub(before.saturating_add(pause));
    for operation in plan.operations.iter_mut().skip(nth) {
        operation.at_ms = operation.at_ms.saturating_sub(by);
    }
    for partition in &mut plan.partitions {
        if partition.start_ms >= from {
            partition.start_ms -= by;
            partition.end_ms = partition.end_ms.saturating_sub(by);
        }
    }
}

/// Rounds the time of one operation down, where it stays behind the one before it.
fn round(plan: &mut Plan, nth: usize, unit: u32) {
    let before = nth.checked_sub(1).map_or(0, |it| at(plan, it));
    let rounded = at(plan, nth) / unit * unit;
    if let Some(operation) = plan.operations.get_mut(nth)
        && rounded >= before
    {
        operation.at_ms = rounded;
    }
}

fn at(plan: &Plan, nth: usize) -> u32 {
    let operation = plan.operations.get(nth);
    operation.map_or(0, |operation| operation.at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edit_that_changes_a_plan_makes_it_less() {
        for seed in 0..8 {
            let plan = Plan::from_seed(seed);
            for edit in edits(&plan) {
                let mut edited = plan.clone();
                edit(&mut edited);
                assert!(
                    edited == plan || weight(&edited) < weight(&plan),
                    "seed {seed}"
                );
            }
        }
    }

    /// Every number of a plan and the length of every list in one sum.
    fn weight(plan: &Plan) -> u64 {
        let text = plan.to_string();
        let numbers = text.split(|it: char| !it.is_ascii_digit());
        let sum: u64 = numbers.filter_map(|it| it.parse::<u64>().ok()).sum();
        sum + text.len() as u64
    }

    #[test]
    fn a_configuration_goes_only_where_nobody_accepts_it() {
        let mut plan = Plan::from_seed(1);
        plan.configurations = vec![plan.configurations[0].clone(); 3];
        plan.operations
            .retain(|it| !matches!(it.what, What::Reload { .. }));
        plan.operations[0].actor = crate::plan::Actor::Server(0);
        plan.operations[0].what = What::Reload { configuration: 2 };
        drop_configuration(&mut plan, 2);
        assert_eq!(plan.configurations.len(), 3);
        drop_configuration(&mut plan, 1);
        assert_eq!(plan.configurations.len(), 2);
        assert_eq!(plan.operations[0].what, What::Reload { configuration: 1 });
        assert_eq!(plan.validate(), Ok(()));
    }

    #[test]
    fn what_comes_sooner_takes_along_what_is_later() {
        let mut plan = Plan::from_seed(1);
        plan.operations.truncate(3);
        plan.partitions.truncate(1);
        for (operation, at_ms) in plan.operations.iter_mut().zip([5_000, 9_000, 9_500]) {
            operation.at_ms = at_ms;
        }
        (plan.partitions[0].start_ms, plan.partitions[0].end_ms) = (9_100, 9_400);
        come_sooner(&mut plan, 1, 1_000);
        let times: Vec<u32> = plan.operations.iter().map(|it| it.at_ms).collect();
        assert_eq!(times, [5_000, 6_000, 6_500]);
        assert_eq!(plan.partitions[0].start_ms, 6_100);
        assert_eq!(plan.partitions[0].end_ms, 6_400);
    }
}
