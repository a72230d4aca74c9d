//! Runs one scenario under one explorer until it is exhausted, stopped or broken.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use shuttle::scheduler::{DfsScheduler, RandomScheduler};

use crate::context;
use crate::finding::{self, Finding};
use crate::reduce::Reduced;
use crate::rules;
use crate::tape::{self, Choices, SearchEnd};

/// The explorers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// loom 0.7: partial-order reduction and weak memory.
    Loom,
    /// shuttle's depth-first search: sequentially consistent, without reduction.
    Shuttle,
}

/// How an exploration ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// Every interleaving was visited.
    Exhausted,
    /// A limit came first: INCOMPLETE.
    Stopped(String),
    /// A rule was broken.
    Failed(Finding),
}

/// What one explorer saw of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exploration {
    /// The explorer.
    pub engine: Engine,
    /// How many executions were begun; counted here, not by the explorer.
    pub executions: u64,
    /// The most steps that one execution took.
    pub steps_max: usize,
    /// The most threads that one execution had, the first included.
    pub threads_max: usize,
    /// The outcomes, and how many executions had each.
    pub outcomes: BTreeMap<String, u64>,
    /// How it ended.
    pub end: End,
}

/// The body of a scenario: one execution, which gives its outcome. It uses the families' operations alone, and an outcome
/// that does not depend on what the operations left unordered.
pub type Body = fn() -> String;

/// Asked between executions: true ends the exploration, INCOMPLETE.
pub type Stop = Box<dyn Fn() -> bool + Send>;

#[derive(Default)]
struct Tally {
    executions: u64,
    steps_max: usize,
    threads_max: usize,
    outcomes: BTreeMap<String, u64>,
}

type Shared = Arc<Mutex<Tally>>;

/// Explores with loom, on a thread of its own. `preemptions_max` is the bound B of a bounded proof, `None` for all interleavings.
pub fn with_loom(body: Body, preemptions_max: Option<usize>, stop: Stop) -> Exploration {
    let tally = Shared::default();
    let shared = Arc::clone(&tally);
    let end = on_its_own_thread(move || {
        let stop = Mutex::new(stop);
        loom_builder(preemptions_max).check(move || {
            if locked(&stop)() {
                finding::report(stopped());
            }
            execute(&shared, body);
        });
        End::Exhausted
    });
    summary(Engine::Loom, &tally, end)
}

/// How the second explorer enumerates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enumeration {
    /// shuttle's own depth-first search.
    DepthFirst,
    /// Ours, with partial-order reduction.
    Reduced,
    /// This many schedules at random from this seed: tested, not proved.
    Random {
        /// The seed of shuttle's generator.
        seed: u64,
        /// How many executions.
        executions: usize,
    },
}

/// Explores on shuttle's threads, on a thread of the operating system of its own.
pub fn with_shuttle(body: Body, enumeration: Enumeration, stop: Stop) -> Exploration {
    let tally = Shared::default();
    let shared = Arc::clone(&tally);
    let end = on_its_own_thread(move || {
        let (ended, end) = mpsc::channel();
        let body = move || execute(&shared, body);
        match enumeration {
            Enumeration::DepthFirst => {
                let inner = DfsScheduler::new(None, false);
                tape::run(tape::Search::new(inner, stop, ended), body)
            }
            Enumeration::Random { seed, executions } => {
                let inner = RandomScheduler::new_from_seed(seed, executions);
                tape::run(tape::Search::new(inner, stop, ended), body)
            }
            Enumeration::Reduced => tape::run(Reduced::new(stop, ended), body),
        };
        match end.recv() {
            Ok(SearchEnd::Exhausted) if matches!(enumeration, Enumeration::Random { .. }) => {
                End::Stopped("all random schedules are run".into())
            }
            Ok(SearchEnd::Exhausted) => End::Exhausted,
            Ok(SearchEnd::Stopped) => End::Stopped(STOPPED.into()),
            Err(_) => End::Stopped("shuttle ended without saying why".into()),
        }
    });
    summary(Engine::Shuttle, &tally, end)
}

/// What one execution along a tape did.
pub(crate) struct Rerun {
    pub(crate) outcome: Option<String>,
    pub(crate) finding: Option<Finding>,
    pub(crate) trace_hash: u64,
    pub(crate) table: String,
}

/// Runs one execution along a tape under shuttle.
pub(crate) fn along_tape(body: Body, choices: Choices) -> Rerun {
    let tally = Shared::default();
    let shared = Arc::clone(&tally);
    let last = Arc::new(Mutex::new((0, String::new())));
    let picture = Arc::clone(&last);
    let end = on_its_own_thread(move || {
        tape::run(tape::Replay::new(&choices), move || {
            execute(&shared, body);
            *locked(&picture) =
                context::with(|c| (crate::step::trace_hash(&c.steps), crate::table::print(c)));
        });
        End::Exhausted
    });
    let outcome = locked(&tally).outcomes.keys().next().cloned();
    let (trace_hash, table) = locked(&last).clone();
    match end {
        End::Failed(finding) => Rerun {
            outcome: None,
            trace_hash: finding.trace_hash,
            table: finding.table.clone(),
            finding: Some(finding),
        },
        _ => Rerun {
            outcome,
            finding: None,
            trace_hash,
            table,
        },
    }
}

/// Every field is set here: loom's own defaults come from environment variables, which must not cut an exploration.
fn loom_builder(preemptions_max: Option<usize>) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.max_threads = LOOM_THREADS_MAX;
    builder.max_branches = BRANCHES_MAX;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = preemptions_max;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = usize::MAX;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder
}

/// Loom's own limit, the first included.
const LOOM_THREADS_MAX: usize = 5;

/// Far above what a scenario needs; reaching it is INCOMPLETE.
const BRANCHES_MAX: usize = 50_000;

const STOPPED: &str = "the time allowed is over";

fn stopped() -> Finding {
    Finding::new(rules::LIMIT, STOPPED)
}

/// One execution, from begin to end.
fn execute(tally: &Shared, body: Body) {
    context::begin();
    locked(tally).executions += 1;
    let outcome = finding::contain(|| {
        let outcome = body();
        context::end();
        outcome
    });
    let (steps, threads) = context::with(|c| (c.steps.len(), c.threads()));
    let mut tally = locked(tally);
    tally.steps_max = tally.steps_max.max(steps);
    tally.threads_max = tally.threads_max.max(threads);
    *tally.outcomes.entry(outcome).or_default() += 1;
}

/// Runs the explorer on a thread that is given up where it finds something.
fn on_its_own_thread(explore: impl FnOnce() -> End + Send + 'static) -> End {
    finding::prepare();
    let (sink, findings) = mpsc::channel();
    let (done, end) = mpsc::channel();
    std::thread::Builder::new()
        .name("explorer".into())
        .stack_size(8 * 1024 * 1024)
        .spawn(move || {
            finding::deliver_to(sink);
            let _ = done.send(explore());
            finding::deliver_nowhere();
        })
        .expect("the operating system has a thread for the explorer");
    wait(&findings, &end)
}

/// A finding, or else the end: the finding's sender lives until one of them came.
fn wait(findings: &Receiver<Finding>, end: &Receiver<End>) -> End {
    match findings.recv() {
        Ok(finding) if finding.property == rules::LIMIT => End::Stopped(finding.message),
        Ok(finding) => End::Failed(finding),
        Err(_) => end
            .recv()
            .unwrap_or_else(|_| End::Stopped("the explorer ended without a word".into())),
    }
}

fn summary(engine: Engine, tally: &Shared, end: End) -> Exploration {
    let mut tally = locked(tally);
    Exploration {
        engine,
        executions: tally.executions,
        steps_max: tally.steps_max,
        threads_max: tally.threads_max,
        outcomes: core::mem::take(&mut tally.outcomes),
        end,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
