//! `iaxproof check`: all the evidence but the zoo's bent sources, which need a compiler.
//!
//! First the designs that must fail, so that it is seen that the checks can: the linked lists of before August 2007 and the
//! live settings rewritten in place. Then the same scenarios on what ships, the quick pairs of the matrix, a sweep of worlds, the captures and the
//! seeds of the fuzzers. One table at the end, and what the certificate of the proofs says.

pub(crate) mod files;
mod specimens;

use clap::Args;
use iaxproof_models::matrix::{self, Operation};
use iaxproof_models::{Design, scenarios};

use crate::certificate::write::Place;
use crate::error::Error;
use crate::prove::{self, Limits, Proof, Work};
use crate::report::{Report, Row, Verdict};
use crate::sim;

/// How many worlds the sweep runs.
const WORLDS: u64 = 10_000;

/// The word of a proof that both explorers end.
const PROVED: &str = "proved";

/// How many pairs the matrix has.
const PAIRS: usize = Operation::ALL.len() * (Operation::ALL.len() + 1) / 2;

/// Run all the evidence but the zoo's bent sources: specimens, proofs, worlds, captures.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// How many child processes and threads at a time.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
}

/// Runs everything and prints one table.
///
/// # Errors
///
/// Where a child cannot be started or a file not be read.
pub(crate) fn run(args: &CheckArgs, json: bool) -> Result<Verdict, Error> {
    let limits = Limits {
        loom_seconds: 120,
        dfs_seconds: 60,
        jobs: args.jobs,
    };
    let place = Place::prepare(None)?;
    let mut rows = Vec::new();
    eprintln!("check: designs that must fail");
    rows.extend(specimens::schedules(limits, json)?);
    rows.extend(specimens::worlds()?);
    eprintln!("check: what ships, under loom and shuttle");
    let proofs = shipped(limits)?;
    rows.extend(proofs.iter().flat_map(Proof::rows));
    eprintln!("check: the matrix");
    let cells = quick_pairs(limits)?;
    rows.extend(of_cells(&cells));
    let proofs: Vec<Proof> = proofs.into_iter().chain(cells).collect();
    eprintln!("check: worlds");
    rows.extend(sim::sweep_shipped(WORLDS, args.jobs)?);
    eprintln!("check: captures and seeds");
    rows.extend(files::rows()?);
    let mut report = Report::new(rows);
    report.certificate = place.certify(&proofs)?;
    report.print(json);
    if !json {
        println!(
            "Not part of this: real defects put back into the sources, which need a compiler: `iaxproof zoo`."
        );
    }
    Ok(report.verdict)
}

fn quick_pairs(limits: Limits) -> Result<Vec<Proof>, Error> {
    let work = matrix::quick_pairs().map(|s| Work::of(s, Design::Shipped));
    prove::prove_all(&work.collect::<Vec<_>>(), limits)
}

/// One row for all cells that are proved, and one for each other.
fn of_cells(cells: &[Proof]) -> Vec<Row> {
    let (proved, other): (Vec<&Proof>, Vec<&Proof>) =
        cells.iter().partition(|proof| proof.word().0 == PROVED);
    let rows: Vec<Row> = proved.iter().flat_map(|proof| proof.rows()).collect();
    let all = Row {
        what: format!("the matrix: {} of {} pairs", proved.len(), PAIRS),
        by: "loom, shuttle".to_owned(),
        word: PROVED.to_owned(),
        verdict: Verdict::Held,
        property: None,
        count: rows.iter().map(|row| row.count).sum(),
        unit: "executions".to_owned(),
        seconds: rows.iter().map(|row| row.seconds).sum(),
        replay: None,
    };
    let others = other.into_iter().flat_map(Proof::rows);
    let all = (!proved.is_empty()).then_some(all);
    all.into_iter().chain(others).collect()
}

fn shipped(limits: Limits) -> Result<Vec<Proof>, Error> {
    let work = scenarios().map(|s| Work::of(s, Design::Shipped));
    prove::prove_all(&work.collect::<Vec<_>>(), limits)
}
