//! `iaxproof sim`: sweeps seeds through the simulated world. [`sweep`] runs them, [`world`] one of them.

mod seeds;
mod sweep;
pub(crate) mod world;

use std::path::{Path, PathBuf};

use clap::Args;
use iaxproof_models::Design;
use iaxproof_sim::goals::Goal;
use iaxproof_sim::report::View;
use iaxproof_sim::sweep::FailureGroup;

use crate::error::Error;
use crate::prove::design;
use crate::replay::command;
use crate::report::{Report, Row, Verdict, grouped};

use self::seeds::Seeds;
use self::sweep::{Found, Without, Worlds};

/// Run one simulated world for each seed of a range.
#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// The seeds, without the last.
    #[arg(long, value_name = "A..B")]
    seeds: Seeds,
    /// How many threads.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// The design to run: shipped, or a specimen that must fail.
    #[arg(long, value_name = "NAME", default_value = "shipped", value_parser = design)]
    design: Design,
    /// Give every server threads that stop in the middle of what they do.
    #[arg(long)]
    threads: bool,
    /// What the same worlds do without: faults of the network, the databases and the processes, or stalls of threads.
    #[arg(long, value_name = "WHAT", conflicts_with = "print_plan")]
    without: Option<Without>,
    /// Stop at the first failure, and say how many worlds that took.
    #[arg(long, conflicts_with = "print_plan")]
    until_found: bool,
    /// Run each seed alone and print its plan, with all that was decided on the way.
    #[arg(long)]
    print_plan: bool,
    /// Where the plans of failures go; else target/iaxproof-plans, or the folder for temporary files.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl SimArgs {
    const fn worlds(&self) -> Worlds {
        Worlds {
            design: self.design,
            threads: self.threads,
            without: self.without,
            until_found: self.until_found,
        }
    }
}

/// Sweeps and prints.
///
/// # Errors
///
/// Where a plan cannot be written.
pub(crate) fn run(args: &SimArgs, json: bool) -> Result<Verdict, Error> {
    if args.print_plan {
        return print_plans(args);
    }
    let found = sweep::sweep(&args.seeds.0, args.jobs, args.worlds())?;
    let out = args.out.clone().unwrap_or_else(usual_place);
    let report = Report::new(rows(&found, args.design, &out)?);
    if json {
        report.print(true);
    } else {
        print_found(&found, args);
        report.print(false);
    }
    Ok(report.verdict)
}

fn print_plans(args: &SimArgs) -> Result<Verdict, Error> {
    for seed in args.seeds.0.clone() {
        let report = world::run(&args.worlds().plan(seed), View::Hash, args.design);
        let report = report.map_err(|why| Error::Broke(format!("seed {seed} panics: {why}")))?;
        println!("{}", report.plan);
    }
    Ok(Verdict::Held)
}

fn print_found(found: &Found, args: &SimArgs) {
    let (sweep, seconds) = (&found.sweep, found.elapsed.as_secs_f64());
    let simulated = sweep.simulated_micros as f64 / 1e6;
    println!(
        "{} worlds in {seconds:.1} s: {:.0} worlds/s, {:.0} events/s, {:.0} s of simulated time a second",
        grouped(sweep.worlds),
        sweep.worlds as f64 / seconds,
        sweep.events as f64 / seconds,
        simulated / seconds,
    );
    println!(
        "{} of them ran again from the plan that the first run wrote down; digest {:016x}",
        grouped(sweep.run_again),
        sweep.digest
    );
    if let Some(first) = found.first().filter(|_| args.until_found) {
        let worlds = first + 1 - args.seeds.0.start;
        println!("found in the world number {}", grouped(worlds));
    }
    let missed: Vec<&str> = sweep.goals_missed().into_iter().map(Goal::text).collect();
    match missed.is_empty() {
        true => println!("every goal was reached"),
        false => println!("goals never reached: {}", missed.join("; ")),
    }
}

/// One row where all held; else one for each kind of failure, with the plan of its first world written down.
fn rows(found: &Found, design: Design, out: &Path) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for ((property, _), group) in &found.sweep.failures {
        let mut row = failed(found, property, group, design, out)?;
        row.word = format!(
            "FAILED {property} in {} worlds: {}",
            grouped(group.count),
            group.message.lines().next().unwrap_or_default()
        );
        rows.push(row);
    }
    rows.extend(
        found
            .panics
            .iter()
            .map(|(seed, words)| panicked(found, *seed, words)),
    );
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

fn failed(
    found: &Found,
    property: &str,
    group: &FailureGroup,
    design: Design,
    out: &Path,
) -> Result<Row, Error> {
    Ok(Row {
        what: format!("seed {} on {}", group.first_seed, design.name()),
        verdict: Verdict::Failed,
        property: Some(property.to_owned()),
        replay: Some(replay(group, design, out)?),
        ..held(found)
    })
}

fn panicked(found: &Found, seed: u64, words: &str) -> Row {
    Row {
        what: format!("seed {seed}"),
        word: format!("BROKE: the world panics: {words}"),
        verdict: Verdict::Broke,
        ..held(found)
    }
}

/// The command that runs a failure again: by its token, or by the file that its plan is written to.
fn replay(group: &FailureGroup, design: Design, out: &Path) -> Result<String, Error> {
    let name = format!("{}-{}.toml", design.name(), group.first_seed);
    let file = out.join(name);
    std::fs::create_dir_all(out).map_err(Error::io("cannot make", out))?;
    std::fs::write(&file, group.plan.to_string()).map_err(Error::io("cannot write", &file))?;
    Ok(command(&group.plan, &file, design))
}

/// `target/iaxproof-plans` where there is a target folder, else in the folder for temporary files.
pub(crate) fn usual_place() -> PathBuf {
    let target = Path::new("target");
    let parent = match target.is_dir() {
        true => target.to_owned(),
        false => std::env::temp_dir(),
    };
    parent.join("iaxproof-plans")
}

/// The sweep of `iaxproof check`: what ships, in this many worlds.
///
/// # Errors
///
/// Where a plan cannot be written.
pub(crate) fn sweep_shipped(worlds: u64, jobs: usize) -> Result<Vec<Row>, Error> {
    let found = sweep::sweep(&(0..worlds), jobs, Worlds::of(Design::Shipped))?;
    rows(&found, Design::Shipped, &usual_place())
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
        ..failed(&found, property, group, design, &usual_place())?
    })
}
