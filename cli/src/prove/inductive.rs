//! `iaxproof prove --inductive`: the protocol for any number of threads and objects, judged by a solver. Never «proved»: what is
//! judged is the table of steps, and traces tie the code to it.

use iaxproof_models::protocol::inductive::{Failure, NOT_RUN, Outcome, prove};
use iaxproof_models::protocol::smt::Kind;
use iaxproof_models::protocol::solver::Solver;
use iaxproof_models::protocol::{Invariant, Table};

use crate::clock::Stopwatch;
use crate::progress::Progress;
use crate::report::{Report, Row, Verdict, grouped};
use crate::table::{Align, Table as Columns};

/// Asks the solver everything and prints what it says.
pub(super) fn run(json: bool) -> Verdict {
    let judged = judge();
    match &judged.asked {
        Some(asked) if !json => show(&judged.row, asked),
        _ => print(&judged.row, json),
    }
    judged.row.verdict
}

/// The row alone, for a report of more.
pub(super) fn row_alone() -> Row {
    judge().row
}

/// What the solver said, if there is one.
struct Judged {
    row: Row,
    asked: Option<Asked>,
}

/// What was asked.
struct Asked {
    table: Table,
    invariant: Invariant,
    outcome: Outcome,
    retries: u32,
}

fn judge() -> Judged {
    let watch = Stopwatch::start();
    let Some(mut solver) = Solver::find() else {
        return Judged {
            row: not_run(),
            asked: None,
        };
    };
    let (table, invariant) = (Table::shipped(), Invariant::shipped());
    let mut progress: Option<Progress> = None;
    let outcome = prove(&table, &invariant, &mut solver, |_, of| {
        let progress = progress.get_or_insert_with(|| Progress::new("inductive", of as u64));
        progress.advance(1);
    });
    drop(progress);
    Judged {
        row: row(&outcome, &solver, watch.elapsed().as_secs_f64()),
        asked: Some(Asked {
            table,
            invariant,
            outcome,
            retries: solver.retries,
        }),
    }
}

fn print(row: &Row, json: bool) {
    if json {
        Report::new(vec![row.clone()]).print(true);
    } else {
        println!("{}", row.word);
    }
}

fn not_run() -> Row {
    Row {
        what: WHAT.to_owned(),
        by: "no solver".to_owned(),
        word: NOT_RUN.to_owned(),
        verdict: Verdict::Incomplete,
        property: None,
        count: 0,
        unit: UNIT.to_owned(),
        seconds: 0.0,
        replay: None,
    }
}

const WHAT: &str = "the protocol, for any number of threads and objects";
const UNIT: &str = "questions";

fn row(outcome: &Outcome, solver: &Solver, seconds: f64) -> Row {
    let is_real = |failure: &Failure| failure.counterexample.is_some();
    let (word, verdict) = match &outcome.failures[..] {
        [] => ("inductive".to_owned(), Verdict::Held),
        failures if failures.iter().any(is_real) => ("FAILED".to_owned(), Verdict::Failed),
        failures => (
            format!("INCOMPLETE: {} not answered", failures.len()),
            Verdict::Incomplete,
        ),
    };
    Row {
        by: solver.version().to_owned(),
        property: (verdict == Verdict::Failed).then(|| "inductive".to_owned()),
        word,
        verdict,
        count: outcome.total() as u64,
        seconds,
        ..not_run()
    }
}

fn show(row: &Row, asked: &Asked) {
    let Asked {
        table,
        invariant,
        outcome,
        retries,
    } = asked;
    let mut columns = Columns::new([("sentence", Align::Left), ("says", Align::Left)]);
    for conjunct in &invariant.0 {
        columns.push([conjunct.name.to_owned(), conjunct.about.to_owned()]);
    }
    print!("{columns}");
    let kinds = outcome.asked.iter().map(|(kind, count)| {
        let word = match kind {
            Kind::Initiation => "holds at the start",
            Kind::Consecution => "kept by a step",
            Kind::Safety => "a step is safe",
            Kind::Theorem => "follows",
        };
        format!("{count} {word}")
    });
    println!(
        "{} sentences, {} steps; {}",
        invariant.0.len(),
        table.steps.len(),
        kinds.collect::<Vec<_>>().join(", ")
    );
    outcome.failures.iter().for_each(show_failure);
    println!(
        "{}: {} questions, {retries} asked again, {:.1} s: {}",
        row.by,
        grouped(row.count),
        row.seconds,
        row.word
    );
    println!("{NOT_COVERED}");
}

fn show_failure(failure: &Failure) {
    println!("\nFAILED {}: {:?}", failure.query, failure.answer);
    match &failure.counterexample {
        Some(values) => println!("  {}", values.join("\n  ")),
        None => println!("  no counterexample with a few of everything"),
    }
}

const NOT_COVERED: &str = "
What is inductive is the protocol: models/src/protocol/steps.md. That the code takes no other steps is what the traces of the scenarios
show, and they are of a few threads. Not in the protocol: memory order, growth and order of iteration, generations of timers,
overflow of a count, liveness.";
