//! The same plan with less in it: to see whether a failure needs what was taken out.

use super::{Options, Plan};
use crate::decide::{Domain, Key};
use crate::schedule::ThreadId;

impl Plan {
    /// Takes out what the network, the databases and the processes do wrong, a NAT that forgets an address too. Clients, callers and
    /// operators do what they did.
    pub fn take_faults_out(&mut self) {
        self.options = Options {
            loss_permille: 0,
            duplicate_permille: 0,
            delay_permille: 0,
            corrupt_permille: 0,
            truncate_permille: 0,
            slow_permille: 0,
            fail_permille: 0,
            registrar_permille: 0,
            deaf_permille: 0,
            ..self.options.clone()
        };
        self.partitions.clear();
        self.operations.retain(|it| !it.what.is_fault());
    }

    /// Takes out that threads stop in the middle of what they do.
    pub fn take_stalls_out(&mut self) {
        self.options.stalls_max = 0;
    }

    /// Leaves each server one worker. Decisions about the others' stalls go, and those about the threads behind them are renumbered.
    pub fn take_workers_out(&mut self) {
        let threads = |plan: &Plan| ThreadId::per_server(plan.topology.workers()) as u16;
        let before = threads(self);
        self.topology.workers = 0;
        let now = threads(self);
        self.decisions.retain_mut(|decision| {
            let Key { domain, who, .. } = &mut decision.key;
            if !matches!(domain, Domain::Stall | Domain::Resume | Domain::Rank) {
                return true;
            }
            let (server, place) = (*who / before, *who % before);
            *who = server * now + place;
            place < now
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_go_with_their_stalls_and_the_threads_behind_them_are_renumbered() {
        let mut plan = Plan::from_seed(1);
        plan.topology.workers = 3;
        // Of server 0 its reloader, and its third worker; of server 1 its first worker.
        let decisions = [
            "stall 1 9 = 1",
            "stall 5 9 = 1",
            "stall 6 9 = 2",
            "write 6 0 = 1",
        ];
        plan.decisions = decisions.iter().map(|it| it.parse().unwrap()).collect();
        plan.take_workers_out();
        assert_eq!(plan.topology.workers, 0);
        let left: Vec<_> = plan.decisions.iter().map(ToString::to_string).collect();
        assert_eq!(left, ["stall 1 9 = 1", "stall 4 9 = 2", "write 6 0 = 1"]);
    }

    #[test]
    fn what_is_taken_out_is_all_that_changes() {
        let (mut faults, mut restarts) = (0, 0);
        for seed in 0..100 {
            let whole = Plan::threaded_from_seed(seed);
            let (mut calm, mut still) = (whole.clone(), whole.clone());
            calm.take_faults_out();
            still.take_stalls_out();
            faults += usize::from(calm.options.loss_permille != whole.options.loss_permille);
            restarts += whole.operations.len() - calm.operations.len();
            assert!(calm.partitions.is_empty() && calm.options.fail_permille == 0);
            assert_eq!(calm.options.stalls_max, whole.options.stalls_max);
            assert_eq!(calm.options.moody_permille, whole.options.moody_permille);
            assert_eq!(still.options.stalls_max, 0);
            still.options.stalls_max = whole.options.stalls_max;
            assert_eq!(still, whole);
        }
        assert!(faults > 20 && restarts > 5, "{faults} {restarts}");
    }
}
