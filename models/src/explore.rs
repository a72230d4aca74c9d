//! Runs one scenario under one explorer until it is exhausted, stopped or broken.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler};

use crate::context;
use crate::finding::{self, Finding};
use crate::matrix::Cell;
use crate::orderings::{self, Kind, Met, Trial};
use crate::protocol::trace::Trace;
use crate::reduce::Reduced;
use crate::rules;
pub(crate) use crate::tally::Follow;
use crate::tally::{Shared, Tally, execute, locked};
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
    /// How many executions were replayed through the protocol, and how often each of its steps was taken.
    #[serde(default)]
    pub followed: Followed,
    /// How it ended.
    pub end: End,
}

/// What was seen of the protocol's steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// How many executions.
    pub traces: u64,
    /// How often each step was taken.
    pub steps: BTreeMap<String, u64>,
}

/// The body of a scenario: one execution, which gives its outcome. It uses the families' operations alone, and an outcome
/// that does not depend on what the operations left unordered.
pub type Body = fn() -> String;

/// Where the body of a scenario comes from.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// It is written out.
    Written(Body),
    /// It is made of a cell of the matrix.
    Generated(fn(&'static Cell) -> String, &'static Cell),
}

impl Source {
    /// What must be known before an execution begins, and may not be asked within one.
    fn prepare(self) {
        if let Source::Generated(_, cell) = self {
            cell.prepare();
        }
    }

    pub(crate) fn run(self) -> String {
        match self {
            Source::Written(body) => body(),
            Source::Generated(play, cell) => play(cell),
        }
    }
}

impl From<Body> for Source {
    fn from(body: Body) -> Self {
        Source::Written(body)
    }
}

/// Asked between executions: true ends the exploration, INCOMPLETE.
pub type Stop = Box<dyn Fn() -> bool + Send>;

/// Explores with loom, on a thread of its own. `preemptions_max` is the bound B of a bounded proof, `None` for all interleavings.
pub fn with_loom(body: Body, preemptions_max: Option<usize>, stop: Stop) -> Exploration {
    loom_following(body.into(), preemptions_max, stop, Follow::No)
}

/// As [`with_loom`]; a share of the executions is replayed through the protocol.
pub(crate) fn loom_following(
    body: Source,
    preemptions_max: Option<usize>,
    stop: Stop,
    follow: Follow,
) -> Exploration {
    body.prepare();
    let tally = follow.tally();
    let end = loom_with(body, preemptions_max, stop, &tally, || {});
    summary(Engine::Loom, &tally, end)
}

/// As [`with_loom`], with an ordering on trial. Also gives the kinds of sites that were met.
pub(crate) fn loom_on_trial(
    body: Source,
    preemptions_max: Option<usize>,
    stop: Stop,
    trial: Trial,
) -> (Exploration, Vec<Kind>) {
    body.prepare();
    let (tally, met) = (Follow::No.tally(), Met::default());
    let kept = Arc::clone(&met);
    let end = loom_with(body, preemptions_max, stop, &tally, || {
        orderings::begin(trial, kept);
    });
    let kinds = core::mem::take(&mut *locked(&met));
    let exploration = summary(Engine::Loom, &tally, end);
    (exploration, kinds.into_iter().collect())
}

/// Explores with loom on a thread of its own, which does `first` first.
fn loom_with(
    body: Source,
    preemptions_max: Option<usize>,
    stop: Stop,
    tally: &Shared,
    first: impl FnOnce() + Send + 'static,
) -> End {
    let shared = Arc::clone(tally);
    on_its_own_thread(move || {
        first();
        let stop = Mutex::new(stop);
        loom_builder(preemptions_max).check(move || {
            if locked(&stop)() {
                finding::report(stopped());
            }
            execute(&shared, body);
        });
        End::Exhausted
    })
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
    /// This many schedules by priorities that are drawn from this seed and change at so many points (PCT): tested, not proved.
    Priorities {
        /// The seed of shuttle's generator.
        seed: u64,
        /// At how many points.
        depth: usize,
        /// How many executions.
        executions: usize,
    },
}

impl Enumeration {
    /// Whether schedules are drawn, so that their end is no exhaustion.
    fn is_drawn(self) -> bool {
        matches!(
            self,
            Enumeration::Random { .. } | Enumeration::Priorities { .. }
        )
    }
}

/// Explores on shuttle's threads, on a thread of the operating system of its own.
pub fn with_shuttle(body: Body, enumeration: Enumeration, stop: Stop) -> Exploration {
    shuttle_following(body.into(), enumeration, stop, Follow::No)
}

/// As [`with_shuttle`]; a share of the executions is replayed through the protocol.
pub(crate) fn shuttle_following(
    body: Source,
    enumeration: Enumeration,
    stop: Stop,
    follow: Follow,
) -> Exploration {
    body.prepare();
    let tally = follow.tally();
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
            Enumeration::Priorities {
                seed,
                depth,
                executions,
            } => {
                let inner = PctScheduler::new_from_seed(seed, depth, executions);
                tape::run(tape::Search::new(inner, stop, ended), body)
            }
            Enumeration::Reduced => tape::run(Reduced::new(stop, ended), body),
        };
        match end.recv() {
            Ok(SearchEnd::Exhausted) if enumeration.is_drawn() => {
                End::Stopped("all schedules that were drawn are run".into())
            }
            Ok(SearchEnd::Exhausted) => End::Exhausted,
            Ok(SearchEnd::Stopped) => End::Stopped(STOPPED.into()),
            Err(_) => End::Stopped("shuttle ended without saying why".into()),
        }
    });
    summary(Engine::Shuttle, &tally, end)
}

/// Traces of so many executions of the body, on shuttle's threads and in an order that `seed` decides. Fewer, where one breaks a rule.
pub fn traces(body: Body, seed: u64, executions: usize) -> Vec<Trace> {
    traces_of(body.into(), seed, executions)
}

/// As [`traces`].
pub(crate) fn traces_of(body: Source, seed: u64, executions: usize) -> Vec<Trace> {
    body.prepare();
    let tally = Arc::new(Mutex::new(Tally {
        traces: Some(Vec::new()),
        ..Tally::default()
    }));
    let shared = Arc::clone(&tally);
    on_its_own_thread(move || {
        let (ended, _end) = mpsc::channel();
        let inner = RandomScheduler::new_from_seed(seed, executions);
        let search = tape::Search::new(inner, Box::new(|| false), ended);
        tape::run(search, move || execute(&shared, body));
        End::Exhausted
    });
    let traces = locked(&tally).traces.take();
    traces.unwrap_or_default()
}

/// Runs a body that begins no thread: one execution of shuttle's, for what it says. Whether it broke a rule is not asked.
pub(crate) fn once(body: impl Fn() + Send + Sync + 'static) {
    on_its_own_thread(move || {
        tape::run(tape::Replay::new(&Choices::default()), move || {
            context::begin();
            body();
            context::end();
        });
        End::Exhausted
    });
}

/// What one execution along a tape did.
pub(crate) struct Rerun {
    pub(crate) outcome: Option<String>,
    pub(crate) finding: Option<Finding>,
    pub(crate) trace_hash: u64,
    pub(crate) table: String,
}

/// Runs one execution along a tape under shuttle.
pub(crate) fn along_tape(body: Source, choices: Choices, follow: Follow) -> Rerun {
    body.prepare();
    let tally = follow.tally();
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
    match failed_or_refused(end, &mut locked(&tally)) {
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

/// The end; where no rule was broken, an execution that the protocol does not allow is a failure too.
fn failed_or_refused(end: End, tally: &mut Tally) -> End {
    match (end, tally.refused.take()) {
        (End::Exhausted | End::Stopped(_), Some(finding)) => End::Failed(finding),
        (end, _) => end,
    }
}

fn summary(engine: Engine, tally: &Shared, end: End) -> Exploration {
    let mut tally = locked(tally);
    Exploration {
        end: failed_or_refused(end, &mut tally),
        engine,
        executions: tally.executions,
        steps_max: tally.steps_max,
        threads_max: tally.threads_max,
        outcomes: core::mem::take(&mut tally.outcomes),
        followed: core::mem::take(&mut tally.followed),
    }
}
