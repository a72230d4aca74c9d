//! `iaxproof sim`: sweeps seeds through the simulated world. [`sweep`] runs them, [`world`] one of them; [`known`] says what came
//! of it, [`shard`] writes that to a file, and [`merge`] adds such files up; [`corpus`] is the folder shared with the fuzzer.

mod budget;
mod corpus;
pub(crate) mod elsewhere;
pub(crate) mod known;
pub(crate) mod merge;
pub(crate) mod seeds;
mod shard;
mod sweep;
pub(crate) mod world;

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::Args;
use iaxproof_models::Design;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;
use iaxproof_sim::schedule::Scheduler;
use iaxproof_sim::sweep::FailureGroup;
use serde::Serialize;

use crate::error::Error;
use crate::prove::design;
use crate::replay::command;
use crate::report::{Report, Row, Verdict, grouped};
use crate::whole::{self, folder_of};

use self::budget::Budget;
use self::corpus::{Corpus, CorpusKnown};
use self::known::Known;
use self::seeds::{Seeds, Shard};
use self::shard::{Of, ShardResult};
use self::sweep::{Found, PanicGroup, Without, Worlds};

/// Run one simulated world for each seed of a range.
#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// The seeds, without the last; with --budget there may be no last.
    #[arg(long, value_name = "A..B", required_unless_present = "budget")]
    seeds: Option<Seeds>,
    /// Take up no more seeds after this long, such as 90s, 10m or 2h.
    #[arg(long, value_name = "TIME", conflicts_with = "print_plan")]
    budget: Option<Budget>,
    /// Run the I-th of N slices of the seeds, counted from 1, and write what came of it to the file of --out, for `iaxproof merge`.
    #[arg(long, value_name = "I/N", requires_all = ["seeds", "out"], conflicts_with_all = ["budget", "until_found", "print_plan"])]
    shard: Option<Shard>,
    /// How many threads.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// The design to run: shipped, or a specimen that must fail.
    #[arg(long, value_name = "NAME", default_value = "shipped", value_parser = design)]
    design: Design,
    /// Give every server threads that stop in the middle of what they do.
    #[arg(long)]
    threads: bool,
    /// How stalls of threads are drawn: stalls (any step alike), roles (a rate for each kind of thread), pct (ranks, and places
    /// among the steps that a first run counts), or portfolio: roles or pct, as the seed says.
    #[arg(long, value_name = "HOW", default_value = "portfolio", value_parser = scheduler, requires = "threads")]
    scheduler: Drawn,
    /// What the same worlds do without: faults of the network, the databases and the processes, or stalls of threads.
    #[arg(long, value_name = "WHAT", conflicts_with = "print_plan")]
    without: Option<Without>,
    /// Run the worlds of this folder first, a file each in the fuzzer's format, and add those of seeds that are the first to reach a goal,
    /// or to fail in some way, to it.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["shard", "without", "until_found", "print_plan"])]
    corpus: Option<PathBuf>,
    /// Stop at the first failure, and say how many worlds that took.
    #[arg(long, conflicts_with = "print_plan")]
    until_found: bool,
    /// Run each seed alone and print its plan, with all that was decided on the way.
    #[arg(long)]
    print_plan: bool,
    /// Where the plans of failures go; else target/iaxproof-plans, or the folder for temporary files. With --shard, the file
    /// of its result, and they go beside it.
    #[arg(long, value_name = "DIR or FILE")]
    out: Option<PathBuf>,
}

/// How stalls are drawn; nothing where each seed says it.
#[derive(Clone, Copy, Debug)]
struct Drawn(Option<Scheduler>);

/// What a name on the command line means.
fn scheduler(name: &str) -> Result<Drawn, String> {
    let known = Scheduler::ALL.into_iter().find(|it| it.name() == name);
    match known {
        None if name != "portfolio" => Err("expected stalls, roles, pct or portfolio".into()),
        _ => Ok(Drawn(known)),
    }
}

impl SimArgs {
    fn worlds(&self) -> Worlds {
        Worlds {
            design: self.design,
            threads: self.threads,
            without: self.without,
            scheduler: self.scheduler.0,
            until_found: self.until_found,
            budget: self.budget.map(|budget| budget.0),
        }
    }

    /// The seeds of the whole sweep; from 0 on where none are named.
    fn seeds(&self) -> Result<Seeds, Error> {
        let seeds = self.seeds.clone().unwrap_or(Seeds::from(0));
        match seeds.is_open() && self.budget.is_none() {
            true => Err(Error::Usage(format!(
                "--seeds {}..: seeds without an end need a --budget, such as 10m",
                seeds.0.start
            ))),
            false => Ok(seeds),
        }
    }
}

/// Sweeps and prints.
///
/// # Errors
///
/// Where a plan or a result cannot be written.
pub(crate) fn run(args: &SimArgs, json: bool) -> Result<Verdict, Error> {
    let seeds = args.seeds()?;
    match (args.shard, &args.out) {
        _ if args.print_plan => print_plans(args, &seeds),
        (Some(shard), Some(file)) => run_shard(args, &seeds, shard, file, json),
        _ => {
            let corpus = args.corpus.as_deref();
            let corpus = corpus.map(|folder| Corpus::run(folder, args.jobs, args.design));
            let mut corpus = corpus.transpose()?;
            let found = sweep_twice(&seeds.0, args.jobs, args.worlds())?;
            if let Some(corpus) = &mut corpus {
                corpus.grow(&found, args.worlds())?;
            }
            let out = args.out.clone().unwrap_or_else(usual_place);
            report_with(corpus.as_ref(), &found, args.worlds(), &out, json)
        }
    }
}

/// A sweep, and its share of seeds run again by a second process.
fn sweep_twice(seeds: &Range<u64>, jobs: usize, worlds: Worlds) -> Result<Found, Error> {
    let mut found = sweep::sweep(seeds, jobs, worlds)?;
    elsewhere::compare(&mut found, worlds)?;
    Ok(found)
}

/// One slice of the seeds. Its result is a file, and what is printed is for people.
fn run_shard(
    args: &SimArgs,
    seeds: &Seeds,
    shard: Shard,
    file: &Path,
    json: bool,
) -> Result<Verdict, Error> {
    let slice = shard.slice(&seeds.0).map_err(Error::Usage)?;
    let found = sweep_twice(&slice, args.jobs, args.worlds())?;
    let of = Of::this_build(args.worlds(), seeds.0.clone());
    ShardResult::new(of, shard, &found).write(file)?;
    if !json {
        println!(
            "shard {shard} of the seeds {:?}, result in {}",
            seeds.0,
            file.display()
        );
    }
    report(&found, args.worlds(), folder_of(file), json)
}

fn print_plans(args: &SimArgs, seeds: &Seeds) -> Result<Verdict, Error> {
    for seed in seeds.0.clone() {
        let report = world::run(&args.worlds().plan(seed), View::Hash, args.design);
        let report = report.map_err(|why| Error::Broke(format!("seed {seed} panics: {why}")))?;
        println!("{}", report.plan);
    }
    Ok(Verdict::Held)
}

/// A report, and what the sweep knows.
#[derive(Serialize)]
struct ReportOfSweep {
    #[serde(flatten)]
    report: Report,
    sweep: Known,
    #[serde(skip_serializing_if = "Option::is_none")]
    corpus: Option<CorpusKnown>,
}

/// Prints what was found, with the plans of failures in `out`.
fn report(found: &Found, worlds: Worlds, out: &Path, json: bool) -> Result<Verdict, Error> {
    report_with(None, found, worlds, out, json)
}

/// The same, with what came of a corpus before it.
fn report_with(
    corpus: Option<&Corpus>,
    found: &Found,
    worlds: Worlds,
    out: &Path,
    json: bool,
) -> Result<Verdict, Error> {
    let mut all = Vec::new();
    if let Some(corpus) = corpus {
        all.extend(corpus.rows(worlds.design, out)?);
    }
    all.extend(rows(found, worlds, out)?);
    let report = Report::new(all);
    let sweep = Known::of(found);
    let corpus = corpus.map(|corpus| corpus.known(found));
    let verdict = report.verdict;
    if json {
        let report = ReportOfSweep {
            report,
            sweep,
            corpus,
        };
        let line = serde_json::to_string(&report);
        println!("{}", line.expect("plain strings and numbers serialise"));
    } else {
        if let Some(corpus) = corpus {
            corpus.print();
        }
        sweep.print(found);
        report.print(false);
    }
    Ok(verdict)
}

/// One row where all held; else one for each kind of failure, with the plan of its first world written down.
fn rows(found: &Found, worlds: Worlds, out: &Path) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for ((property, _), group) in &found.sweep.failures {
        let name = format!("seed {}", group.first_seed);
        rows.push(failed(found, property, group, &name, worlds.design, out)?);
    }
    for group in found.panics.values() {
        // It did not live to write its plan down: this is the one that it began with.
        let plan = worlds.plan(group.first_seed);
        let name = format!("seed {}", group.first_seed);
        rows.push(panicked(found, group, &plan, &name, worlds.design, out)?);
    }
    if rows.is_empty() {
        rows.push(held(found));
    }
    Ok(rows)
}

fn held(found: &Found) -> Row {
    Row {
        what: "simulated worlds".to_owned(),
        by: "world".to_owned(),
        word: "held".to_owned(),
        verdict: Verdict::Held,
        property: None,
        count: found.sweep.worlds,
        unit: "worlds".to_owned(),
        seconds: found.elapsed.as_secs_f64(),
        replay: None,
    }
}

/// The row of one kind of failure; `name` is its first world's.
fn failed(
    found: &Found,
    property: &str,
    group: &FailureGroup,
    name: &str,
    design: Design,
    out: &Path,
) -> Result<Row, Error> {
    Ok(Row {
        what: format!("{name} on {}", design.name()),
        word: format!(
            "FAILED {property} in {} worlds: {}",
            grouped(group.count),
            group.message.lines().next().unwrap_or_default()
        ),
        verdict: Verdict::Failed,
        property: Some(property.to_owned()),
        replay: Some(replay(&group.plan, name, design, out)?),
        ..held(found)
    })
}

/// The row of worlds that panicked alike; `name` and `plan` are their first's.
fn panicked(
    found: &Found,
    group: &PanicGroup,
    plan: &Plan,
    name: &str,
    design: Design,
    out: &Path,
) -> Result<Row, Error> {
    Ok(Row {
        what: name.to_owned(),
        word: format!(
            "BROKE: the world panics, in {} worlds: {}",
            grouped(group.count),
            group.words.lines().next().unwrap_or_default()
        ),
        verdict: Verdict::Broke,
        replay: Some(replay(plan, name, design, out)?),
        ..held(found)
    })
}

/// The command that runs a failure again: by its token, or by the file that its plan is written to.
fn replay(plan: &Plan, name: &str, design: Design, out: &Path) -> Result<String, Error> {
    let name = name.strip_prefix("seed ").unwrap_or(name);
    let file = out.join(format!("{}-{name}.toml", design.name()));
    std::fs::create_dir_all(out).map_err(Error::io("cannot make", out))?;
    std::fs::write(&file, plan.to_string()).map_err(Error::io("cannot write", &file))?;
    Ok(command(plan, &file, design))
}

/// The file of the plan of a seed that fails.
pub(crate) fn plan_file(out: &Path, design: &str, seed: u64) -> PathBuf {
    out.join(format!("{design}-{seed}.toml"))
}

/// Where plans go where nobody says it.
pub(crate) fn usual_place() -> PathBuf {
    whole::usual_folder("iaxproof-plans")
}

/// The sweep of `iaxproof check`: what ships, in this many worlds.
///
/// # Errors
///
/// Where a plan cannot be written.
pub(crate) fn sweep_shipped(worlds: u64, jobs: usize) -> Result<Vec<Row>, Error> {
    let found = sweep_twice(&(0..worlds), jobs, Worlds::of(Design::Shipped))?;
    rows(&found, Worlds::of(Design::Shipped), &usual_place())
}

/// The worlds of `iaxproof check` that must fail: the first failure of `design` on `property`, of this many worlds.
///
/// # Errors
///
/// Where the plan cannot be written.
pub(crate) fn specimen_fails(design: Design, property: &str, worlds: u64) -> Result<Row, Error> {
    let found = sweep::sweep(&(0..worlds), 1, Worlds::of(design))?;
    let groups = found.sweep.failures.iter();
    let of_property = groups.filter(|((name, _), _)| name == property);
    let Some((_, group)) = of_property.min_by_key(|(_, group)| group.first_seed) else {
        return Ok(Row {
            what: format!("worlds on {}", design.name()),
            word: format!("BLIND: {property} must fail here and did not"),
            verdict: Verdict::Broke,
            ..held(&found)
        });
    };
    let again = world::run(&group.plan, View::Hash, design);
    let name = format!("seed {}", group.first_seed);
    let failure = again
        .ok()
        .and_then(|report| Some(report.failure()?.violation.property));
    let (word, verdict) = match failure == Some(property) {
        true => ("destroyed while in use, as it must be", Verdict::Held),
        false => ("its plan does not replay", Verdict::Broke),
    };
    Ok(Row {
        word: word.to_owned(),
        verdict,
        ..failed(&found, property, group, &name, design, &usual_place())?
    })
}
