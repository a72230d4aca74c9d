//! `iaxproof prove`: explores the scenarios of `iaxproof-models` exhaustively, each under loom and under shuttle's
//! depth-first search, each exploration in a child process, and says what that proves and what it does not. With `--inductive`
//! a solver judges the protocol instead; with `--orderings` the memory orderings are tried weaker.

pub(crate) mod child;
mod followed;
mod inductive;
mod journal;
mod matrix;
mod orderings;
mod proof;
mod show;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use iaxproof_models::matrix::cells;
use iaxproof_models::{Design, Engine, Scenario, scenario, scenarios};

use crate::certificate::write::Place;
use crate::error::Error;
use crate::progress::Progress;
use crate::report::{Report, Row, Verdict};

use self::child::{Lost, Told};
use self::journal::Journal;
pub(crate) use self::proof::{Failure, Proof};
pub(crate) use self::show::{CAVEATS, enumeration};

/// Explore scenarios exhaustively under loom and shuttle.
#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// Scenarios by name; all where none is named.
    names: Vec<String>,
    /// Only say what there is.
    #[arg(long)]
    list: bool,
    /// Have a solver judge the protocol for any number of threads and objects, instead of exploring scenarios.
    #[arg(long, conflicts_with_all = ["names", "list", "design"])]
    inductive: bool,
    /// Explore the matrix: what can be done with one line or one entry, each beside each other. Goes on where an earlier run was stopped.
    #[arg(long, conflicts_with_all = ["names", "design"])]
    matrix: bool,
    /// Everything: the scenarios, the matrix, and the protocol for any number of threads.
    #[arg(long, conflicts_with_all = ["names", "design", "inductive", "list"])]
    all: bool,
    /// With --matrix or --all: forget what earlier runs of this build explored.
    #[arg(long)]
    anew: bool,
    /// Try every memory ordering of the registry a step weaker: one of the scenarios named must then fail; those about objects, where
    /// none is named.
    #[arg(long, conflicts_with_all = ["list", "inductive", "design", "matrix", "all"])]
    orderings: bool,
    /// The design to explore: shipped, or a specimen that must fail.
    #[arg(long, value_name = "NAME", default_value = "shipped", value_parser = design)]
    design: Design,
    /// Where the certificate of what held goes; else, named by its hash, in target/iaxproof-certificates, or in the folder for
    /// temporary files.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "inductive", "orderings"])]
    certificate: Option<PathBuf>,
    #[command(flatten)]
    limits: Limits,
}

/// How long an explorer may take, and how many at a time.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Limits {
    /// Time for loom on one scenario; past it the scenario is INCOMPLETE.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    pub(crate) loom_seconds: u64,
    /// Time for shuttle's search on one scenario; past it: «exhausted by loom alone».
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) dfs_seconds: u64,
    /// How many child processes at a time.
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) jobs: usize,
}

/// What the second explorer gets at most for a cell of the matrix that loom explores within a bound.
const BOUNDED_CELL_SECONDS: u64 = 5;

/// A design by its name, for the command line.
///
/// # Errors
///
/// A sentence that lists the names.
pub(crate) fn design(name: &str) -> Result<Design, String> {
    Design::from_name(name).ok_or_else(|| "expected shipped, 2007 or rebuild-in-place".to_owned())
}

/// Proves what is asked for, prints it, and writes the certificate of what held.
///
/// # Errors
///
/// [`Error::Usage`] for a scenario that does not exist or does not run on the design.
pub(crate) fn run(args: &ProveArgs, json: bool) -> Result<Verdict, Error> {
    if args.inductive {
        return Ok(inductive::run(json));
    }
    let selected = args.select()?;
    if args.orderings {
        let selected = if args.names.is_empty() {
            orderings::by_default()
        } else {
            selected
        };
        return orderings::run(
            &selected,
            Duration::from_secs(args.limits.loom_seconds),
            json,
        );
    }
    if args.list {
        show::list(&selected, json);
        return Ok(Verdict::Held);
    }
    let place = Place::prepare(args.certificate.as_deref())?;
    let work = selected
        .iter()
        .map(|scenario| Work::of(scenario, args.design));
    let proofs = explore(&work.collect::<Vec<_>>(), args.limits, &args.journal()?)?;
    let mut rows: Vec<Row> = proofs.iter().flat_map(Proof::rows).collect();
    let is_all = args.names.is_empty() && !args.matrix && args.design == Design::Shipped;
    let followed = is_all.then(|| followed::row(&proofs));
    rows.extend(followed.clone());
    rows.extend((args.all && json).then(inductive::row_alone));
    let mut report = Report::new(rows);
    report.certificate = place.certify(&proofs)?;
    if json {
        report.print(true);
        return Ok(report.verdict);
    }
    show::all(&proofs, followed.as_ref());
    report.print_certificate();
    let inductive = args.all.then(|| inductive::run(false));
    Ok(inductive.map_or(report.verdict, |it| it.max(report.verdict)))
}

impl ProveArgs {
    /// The scenarios that are wanted.
    fn select(&self) -> Result<Vec<&'static Scenario>, Error> {
        match (self.all, self.matrix) {
            (true, _) => Ok(scenarios().chain(cells()).collect()),
            (false, true) => Ok(cells().collect()),
            (false, false) => select(&self.names, self.design),
        }
    }

    /// What was explored before: a matrix takes long.
    fn journal(&self) -> Result<Journal, Error> {
        match self.all || self.matrix {
            true => Journal::open(self.anew),
            false => Ok(Journal::none()),
        }
    }
}

fn select(names: &[String], design: Design) -> Result<Vec<&'static Scenario>, Error> {
    let runs_on = |scenario: &&Scenario| scenario.designs().any(|other| other == design);
    if names.is_empty() {
        return Ok(scenarios().filter(runs_on).collect());
    }
    let by_name = |name: &String| {
        let scenario = scenario(name).ok_or_else(|| {
            Error::Usage(format!(
                "no scenario is named {name}: `iaxproof prove --list` says what there is"
            ))
        })?;
        Some(scenario).filter(runs_on).ok_or_else(|| {
            Error::Usage(format!(
                "{name} does not run on the design {}",
                design.name()
            ))
        })
    };
    names.iter().map(by_name).collect()
}

/// A scenario on a design.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    scenario: &'static Scenario,
    design: Design,
    /// Whether the second explorer is known to come to an end, in a few seconds on an idle machine.
    has_an_end: bool,
}

impl Work {
    /// Of which nothing is known yet.
    pub(crate) const fn of(scenario: &'static Scenario, design: Design) -> Self {
        Work {
            scenario,
            design,
            has_an_end: false,
        }
    }

    /// The second explorer has come to its end here before, or has not.
    pub(crate) const fn known_to_end(self, has_an_end: bool) -> Self {
        Work { has_an_end, ..self }
    }
}

/// Explores each scenario on its design under both explorers, some children at a time, and gives the proofs in order.
///
/// # Errors
///
/// [`Error::Io`] where no child can be started.
pub(crate) fn prove_all(work: &[Work], limits: Limits) -> Result<Vec<Proof>, Error> {
    explore(work, limits, &Journal::none())
}

/// As [`prove_all`], but for what the journal remembers.
fn explore(work: &[Work], limits: Limits, journal: &Journal) -> Result<Vec<Proof>, Error> {
    let tasks = (0..work.len()).flat_map(|i| [(i, Engine::Loom), (i, Engine::Shuttle)]);
    let queue: Mutex<VecDeque<(usize, Engine)>> = Mutex::new(tasks.collect());
    let progress = Mutex::new(Progress::new("prove", 2 * work.len() as u64));
    let worker = || -> Result<Vec<Answer>, Error> {
        let mut answers = Vec::new();
        while let Some((i, engine)) = locked(&queue).pop_front() {
            let Work {
                scenario, design, ..
            } = work[i];
            let limit = limits.of(engine, work[i]);
            let told = match journal.said(scenario, design, engine, limit) {
                Some(told) => Ok(told),
                None => ask(journal, scenario, design, engine, limit)?,
            };
            answers.push(Answer { i, engine, told });
            locked(&progress).advance(1);
        }
        Ok(answers)
    };
    let answers = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..limits.jobs.max(1))
            .map(|_| scope.spawn(worker))
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        let joined = joined.map(|end| end.map_err(|_| Error::Broke("a worker panicked".into()))?);
        joined.collect::<Result<Vec<_>, Error>>()
    })?;
    Ok(pair(work, answers.into_iter().flatten().collect()))
}

/// Asks a child, and keeps what it says.
fn ask(
    journal: &Journal,
    scenario: &Scenario,
    design: Design,
    engine: Engine,
    limit: Duration,
) -> Result<Result<Told, Lost>, Error> {
    let told = child::ask(scenario, design, engine, limit)?;
    if let Ok(told) = &told {
        journal.keep(scenario, design, engine, limit, told)?;
    }
    Ok(told)
}

/// What was said of the `i`th piece of work by one explorer.
struct Answer {
    i: usize,
    engine: Engine,
    told: Result<Told, Lost>,
}

/// Puts the two answers of each piece of work together.
fn pair(work: &[Work], mut answers: Vec<Answer>) -> Vec<Proof> {
    answers.sort_by_key(|answer| (answer.i, answer.engine == Engine::Shuttle));
    let mut answers = answers.into_iter().map(|answer| answer.told);
    let mut next = || answers.next().unwrap_or(Err(Lost::TimedOut));
    let proof = |work: &Work| Proof {
        scenario: work.scenario,
        design: work.design,
        loom: next(),
        shuttle: next(),
    };
    work.iter().map(proof).collect()
}

impl Limits {
    /// Where loom is bounded in a cell of the matrix, the other explorer is only to look for what loom does not see: it need not come to its
    /// end, but where it is known to.
    fn of(self, engine: Engine, work: Work) -> Duration {
        let scenario = work.scenario;
        let is_bounded_cell = scenario.is_cell() && scenario.preemptions_max.is_some();
        Duration::from_secs(match engine {
            Engine::Loom => self.loom_seconds,
            Engine::Shuttle if is_bounded_cell && !work.has_an_end => {
                self.dfs_seconds.min(BOUNDED_CELL_SECONDS)
            }
            Engine::Shuttle => self.dfs_seconds,
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
