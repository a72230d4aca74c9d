//! A sweep: one world for each seed of a range, on several threads. Sweeps add up in any order, so what is found does
//! not depend on how many threads there are, nor on which of them runs what.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use iaxproof_models::Design;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;
use iaxproof_sim::schedule::Scheduler;
use iaxproof_sim::sweep::{SAME_AGAIN_EVERY, Sweep, signature};
use serde::{Deserialize, Serialize};

use crate::clock::Stopwatch;
use crate::error::Error;
use crate::progress::Progress;
use crate::report::grouped;

use super::elsewhere::ELSEWHERE_EVERY;
use super::seeds::Seeds;
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
    /// How stalls of threads are drawn; as the seed says where that is not said.
    pub(crate) scheduler: Option<Scheduler>,
    /// Whether the first failure ends the sweep.
    pub(crate) until_found: bool,
    /// After how long no more are taken up; at least one is run.
    pub(crate) budget: Option<Duration>,
}

/// What worlds can do without, so that it shows whether a failure needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
            scheduler: None,
            until_found: false,
            budget: None,
        }
    }

    /// The plan of a seed.
    pub(crate) fn plan(self, seed: u64) -> Plan {
        let mut plan = match self.threads {
            true => Plan::threaded_from_seed(seed),
            false => Plan::from_seed(seed),
        };
        if let Some(scheduler) = self.scheduler {
            plan.options.scheduler = scheduler;
        }
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
    /// Panics of one kind together, by signature.
    pub(crate) panics: BTreeMap<String, PanicGroup>,
    /// The traces of the seeds that a second process is to run again.
    pub(crate) hashes: BTreeMap<u64, u64>,
    /// How many it has run.
    pub(crate) elsewhere: u64,
    /// Wall-clock time.
    pub(crate) elapsed: Duration,
    /// The seeds that were taken up.
    pub(crate) seeds: Range<u64>,
    /// Why it ended before its range, where it did.
    pub(crate) cut: Option<Cut>,
}

/// Worlds that panicked alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PanicGroup {
    /// How many.
    pub(crate) count: u64,
    /// The lowest seed of them.
    pub(crate) first_seed: u64,
    /// Its last words.
    pub(crate) words: String,
}

/// Why a sweep ended before its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cut {
    /// A world failed, and one was enough.
    Failure,
    /// Its time was over.
    Budget,
}

/// Runs one world for each seed.
///
/// # Errors
///
/// [`Error::Broke`] where a thread of ours panicked.
pub(crate) fn sweep(seeds: &Range<u64>, jobs: usize, worlds: Worlds) -> Result<Found, Error> {
    let shared = Mutex::new(Shared::new(seeds, worlds));
    // A function of its own, so that the lock is not held while the chunk runs.
    let take = || locked(&shared).take();
    let worker = || {
        let mut found = Found::default();
        while let Some(chunk) = take() {
            let before = found.tally();
            chunk.clone().for_each(|seed| found.run(seed, worlds));
            let done = found.tally().since(before);
            locked(&shared).add(done, &chunk, worlds.until_found && !found.is_clean());
        }
        found
    };
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(worker)).collect();
        let parts = workers.into_iter().map(|worker| worker.join());
        let parts = parts.map(|part| part.map_err(|_| Error::Broke("a thread panicked".into())));
        parts.collect::<Result<Vec<_>, Error>>()
    })?;
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut all = Found {
        elapsed: shared.watch.elapsed(),
        seeds: seeds.start..shared.next,
        cut: shared.cut.filter(|_| shared.next < seeds.end),
        ..Found::default()
    };
    parts.into_iter().for_each(|part| all.add(part));
    Ok(all)
}

/// What the threads of a sweep share. What is taken up in order and run to its end leaves no seed out.
struct Shared {
    next: u64,
    end: u64,
    cut: Option<Cut>,
    budget: Option<Duration>,
    watch: Stopwatch,
    progress: Progress,
    done: Tally,
}

/// What a progress line says of worlds.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    events: u64,
    simulated_micros: u64,
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn new(seeds: &Range<u64>, worlds: Worlds) -> Self {
        let total = (!Seeds(seeds.clone()).is_open()).then_some(seeds.end - seeds.start);
        Shared {
            next: seeds.start,
            end: seeds.end,
            cut: None,
            budget: worlds.budget,
            watch: Stopwatch::start(),
            progress: Progress::until("worlds", total, worlds.budget),
            done: Tally::default(),
        }
    }

    /// The next seeds, if there are any.
    fn take(&mut self) -> Option<Range<u64>> {
        let to = self.end.min(self.next.saturating_add(CHUNK));
        let chunk = self.next..to;
        self.next = to;
        (!chunk.is_empty()).then_some(chunk)
    }

    /// These have been run; nothing more is taken up where that was enough.
    fn add(&mut self, done: Tally, chunk: &Range<u64>, is_enough: bool) {
        let elapsed = self.watch.elapsed();
        let is_over = self.budget.is_some_and(|budget| elapsed >= budget);
        if is_enough || is_over {
            self.end = self.next;
            let why = if is_enough { Cut::Failure } else { Cut::Budget };
            self.cut = self.cut.or(Some(why));
        }
        self.done.events += done.events;
        self.done.simulated_micros += done.simulated_micros;
        self.progress.note(self.done.rates(elapsed));
        self.progress.advance(chunk.end - chunk.start);
    }
}

impl Tally {
    const fn since(self, before: Self) -> Self {
        Tally {
            events: self.events - before.events,
            simulated_micros: self.simulated_micros - before.simulated_micros,
        }
    }

    fn rates(self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        format!(
            "{} events/s, {} s of simulated time a second",
            grouped((self.events as f64 / seconds) as u64),
            grouped((self.simulated_micros as f64 / 1e6 / seconds) as u64),
        )
    }
}

impl Found {
    /// Whether every world held.
    pub(crate) fn is_clean(&self) -> bool {
        self.sweep.failures.is_empty() && self.panics.is_empty()
    }

    /// Adds what another part of a sweep found. Which seeds and how long is the whole's to say.
    pub(crate) fn add(&mut self, part: Found) {
        self.sweep += part.sweep;
        self.hashes.extend(part.hashes);
        self.elsewhere += part.elsewhere;
        for (signature, group) in part.panics {
            self.add_panic(signature, group);
        }
    }

    /// Adds worlds that panicked alike to those that are known.
    pub(super) fn add_panic(&mut self, signature: String, group: PanicGroup) {
        match self.panics.get_mut(&signature) {
            None => drop(self.panics.insert(signature, group)),
            Some(known) => {
                let count = known.count + group.count;
                if group.first_seed < known.first_seed {
                    *known = group;
                }
                known.count = count;
            }
        }
    }

    const fn tally(&self) -> Tally {
        Tally {
            events: self.sweep.events,
            simulated_micros: self.sweep.simulated_micros,
        }
    }

    /// Events and simulated time, by wall-clock time.
    pub(crate) fn rates(&self) -> String {
        self.tally().rates(self.elapsed)
    }

    /// The first seed that failed.
    pub(crate) fn first(&self) -> Option<u64> {
        let failures = self.sweep.failures.values().map(|group| group.first_seed);
        let panics = self.panics.values().map(|group| group.first_seed);
        failures.chain(panics).min()
    }

    fn run(&mut self, seed: u64, worlds: Worlds) {
        if let Err(words) = self.try_run(seed, worlds) {
            let group = PanicGroup {
                count: 1,
                first_seed: seed,
                words,
            };
            self.add_panic(signature(&group.words), group);
        }
    }

    fn try_run(&mut self, seed: u64, worlds: Worlds) -> Result<(), String> {
        let design = worlds.design;
        let report = world::run(&worlds.plan(seed), View::Hash, design)?;
        if seed.is_multiple_of(ELSEWHERE_EVERY) {
            self.hashes.insert(seed, report.trace_hash);
        }
        if seed.is_multiple_of(SAME_AGAIN_EVERY) {
            // Not from the seed but from the plan that the first run wrote down: both must give one trace.
            let again = world::run(&report.plan, View::Hash, design)?;
            self.sweep.run_again += 1;
            let run = |plan: &Plan, view| iaxproof_models::world::run(plan, view, design);
            self.sweep.compare(seed, &report, &again, run);
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
        assert_eq!((one.seeds, one.cut), (0..48, None));
    }

    #[test]
    fn a_budget_ends_a_sweep_after_seeds_without_a_gap() {
        let worlds = Worlds {
            budget: Some(Duration::from_millis(1)),
            ..Worlds::of(Design::Shipped)
        };
        let found = sweep(&Seeds::from(100).0, 2, worlds).unwrap();
        assert_eq!((found.cut, found.seeds.start), (Some(Cut::Budget), 100));
        // Each thread does at least one chunk, and none begins another.
        assert!((1..=2).contains(&(found.sweep.worlds / CHUNK)), "{found:?}");
        let same = sweep(&found.seeds, 1, Worlds::of(Design::Shipped)).unwrap();
        assert_eq!((same.sweep, same.cut), (found.sweep, None));
        // One that has time enough is not cut.
        let worlds = Worlds {
            budget: Some(Duration::from_secs(600)),
            ..worlds
        };
        let found = sweep(&(0..20), 2, worlds).unwrap();
        assert_eq!(
            (found.cut, found.seeds, found.sweep.worlds),
            (None, 0..20, 20)
        );
    }

    #[test]
    fn panics_of_one_kind_are_counted_and_not_listed() {
        let mut found = Found::default();
        for (seed, words) in [(9, "index 7 of 3"), (4, "index 1 of 3"), (5, "no entry")] {
            let group = PanicGroup {
                count: 1,
                first_seed: seed,
                words: words.to_owned(),
            };
            found.add_panic(signature(words), group);
        }
        let groups = found.panics.values();
        let groups: Vec<_> = groups
            .map(|it| (it.count, it.first_seed, &*it.words))
            .collect();
        assert_eq!(groups, [(2, 4, "index 1 of 3"), (1, 5, "no entry")]);
        assert_eq!(found.first(), Some(4));
    }
}
