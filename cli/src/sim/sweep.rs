//! A sweep: one world for each seed of a range, on several threads. Sweeps add up in any order, so what is found does
//! not depend on how many threads there are, nor on which of them runs what.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use iaxproof_models::Design;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;
use iaxproof_sim::sweep::{SAME_AGAIN_EVERY, Sweep};

use crate::clock::Stopwatch;
use crate::error::Error;
use crate::progress::Progress;

use super::world;

/// How many seeds a thread takes at a time.
const CHUNK: u64 = 16;

/// Which worlds a sweep runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worlds {
    /// What they run on.
    pub(crate) design: Design,
    /// Whether they have threads.
    pub(crate) threads: bool,
    /// What they do without.
    pub(crate) without: Option<Without>,
    /// Whether the first failure ends the sweep.
    pub(crate) until_found: bool,
}

/// What worlds can do without, so that it shows whether a failure needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Without {
    /// Nothing happens to datagrams, databases and processes.
    Faults,
    /// No thread stops in the middle of what it does.
    Stalls,
}

impl Worlds {
    /// Worlds without threads.
    pub(crate) const fn of(design: Design) -> Self {
        Worlds {
            design,
            threads: false,
            without: None,
            until_found: false,
        }
    }

    /// The plan of a seed.
    pub(crate) fn plan(self, seed: u64) -> Plan {
        let mut plan = match self.threads {
            true => Plan::threaded_from_seed(seed),
            false => Plan::from_seed(seed),
        };
        match self.without {
            None => {}
            Some(Without::Faults) => plan.take_faults_out(),
            Some(Without::Stalls) => plan.take_stalls_out(),
        }
        plan
    }
}

/// What a sweep found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What the worlds added up to.
    pub(crate) sweep: Sweep,
    /// The seeds whose worlds panicked, and their last words.
    pub(crate) panics: BTreeMap<u64, String>,
    /// Wall-clock time.
    pub(crate) elapsed: Duration,
}

/// Runs one world for each seed.
///
/// # Errors
///
/// [`Error::Broke`] where a thread of ours panicked.
pub(crate) fn sweep(seeds: &Range<u64>, jobs: usize, worlds: Worlds) -> Result<Found, Error> {
    let watch = Stopwatch::start();
    let next = AtomicU64::new(seeds.start);
    // What is taken up in order and run to its end leaves no seed out before the first failure.
    let end = AtomicU64::new(seeds.end);
    let progress = Mutex::new(Progress::new("worlds", seeds.end - seeds.start));
    let worker = || {
        let mut found = Found::default();
        loop {
            let from = next.fetch_add(CHUNK, Ordering::Relaxed);
            if from >= end.load(Ordering::Relaxed) {
                return found;
            }
            let to = seeds.end.min(from + CHUNK);
            (from..to).for_each(|seed| found.run(seed, worlds));
            if worlds.until_found && !found.is_clean() {
                end.fetch_min(to, Ordering::Relaxed);
            }
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.advance(to - from);
        }
    };
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(worker)).collect();
        let parts = workers.into_iter().map(|worker| worker.join());
        let parts = parts.map(|part| part.map_err(|_| Error::Broke("a thread panicked".into())));
        parts.collect::<Result<Vec<_>, Error>>()
    })?;
    let mut all = Found::default();
    for part in parts {
        all.sweep += part.sweep;
        all.panics.extend(part.panics);
    }
    all.elapsed = watch.elapsed();
    Ok(all)
}

impl Found {
    fn is_clean(&self) -> bool {
        self.sweep.failures.is_empty() && self.panics.is_empty()
    }

    /// The first seed that failed.
    pub(crate) fn first(&self) -> Option<u64> {
        let failures = self.sweep.failures.values().map(|group| group.first_seed);
        failures.chain(self.panics.keys().copied()).min()
    }

    fn run(&mut self, seed: u64, worlds: Worlds) {
        if let Err(words) = self.try_run(seed, worlds) {
            self.panics.insert(seed, words);
        }
    }

    fn try_run(&mut self, seed: u64, worlds: Worlds) -> Result<(), String> {
        let design = worlds.design;
        let report = world::run(&worlds.plan(seed), View::Hash, design)?;
        if seed.is_multiple_of(SAME_AGAIN_EVERY) {
            // Not from the seed but from the plan that the first run wrote down: both must give one trace.
            let again = world::run(&report.plan, View::Hash, design)?;
            self.sweep.run_again += 1;
            self.sweep.compare(seed, &report, &again);
        }
        self.sweep.add(seed, report);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_does_not_depend_on_the_threads() {
        let of = |jobs| sweep(&(0..48), jobs, Worlds::of(Design::Specimen2007)).unwrap();
        let (one, three) = (of(1), of(3));
        assert_eq!(one.sweep, three.sweep);
        assert_eq!((one.sweep.worlds, one.sweep.run_again), (48, 3));
        assert!(!one.sweep.failures.is_empty(), "the specimen fails");
        assert!(one.panics.is_empty() && three.panics.is_empty());
    }
}
