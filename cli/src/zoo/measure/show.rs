//! The tables of what was measured, and the same as one line of JSON.

use serde_json::{Value, json};

use crate::report::{Verdict, grouped};
use crate::table::{Align, Table};

use super::Measured;
use super::rank::Ranked;
use super::small::Small;

/// Prints all of it.
pub(super) fn print(measured: &[Measured], verdict: Verdict, json: bool) {
    if json {
        let rows: Vec<Value> = measured.iter().map(as_json).collect();
        println!("{}", json!({ "verdict": verdict, "measured": rows }));
        return;
    }
    print!("{}", searches(measured));
    if measured.iter().any(|it| !it.smalls.is_empty()) {
        print!("\n{}", plans(measured));
    }
    for row in measured {
        row.all_red()
            .for_each(|red| println!("RED: {}{}: {red}", row.name, by(row)));
    }
}

fn by(row: &Measured) -> String {
    match row.variant.as_str() {
        "" => String::new(),
        variant => format!(" {variant}"),
    }
}

fn searches(measured: &[Measured]) -> Table {
    let mut table = Table::new([
        ("defect", Align::Left),
        ("search", Align::Left),
        ("property", Align::Left),
        ("found", Align::Right),
        ("censored", Align::Right),
        ("median worlds", Align::Right),
        ("90 %", Align::Right),
        ("median time", Align::Right),
        ("90 %", Align::Right),
    ]);
    let worlds = |it: Option<Ranked>| it.map_or_else(String::new, |it| it.to_string());
    let time = |it: Option<Ranked>| it.map_or_else(String::new, |it| format!("{it:.1} s"));
    for row in measured {
        table.push([
            row.name.clone(),
            row.variant.clone(),
            row.property.clone(),
            format!("{} of {}", row.found(), row.trials.len()),
            format!("{} at {}", row.censored(), grouped(row.cap)),
            worlds(row.executions(50)),
            worlds(row.executions(90)),
            time(row.wall(50)),
            time(row.wall(90)),
        ]);
    }
    table
}

fn plans(measured: &[Measured]) -> Table {
    let mut table = Table::new([
        ("defect", Align::Left),
        ("trial", Align::Right),
        ("seed", Align::Right),
        ("one trace", Align::Right),
        ("shrunk in", Align::Right),
        ("operations", Align::Right),
        ("faults", Align::Right),
        ("preemptions", Align::Right),
    ]);
    for row in measured {
        for small in &row.smalls {
            table.push(plan(&row.name, small));
        }
    }
    table
}

fn plan(name: &str, small: &Small) -> [String; 8] {
    let left = |count: u64| match small.left {
        Some(_) => count.to_string(),
        None => "?".to_owned(),
    };
    let counts = small.left.map_or([0; 3], |left| {
        [left.operations, left.faults, left.preemptions]
    });
    let [operations, faults, preemptions] = counts.map(left);
    [
        name.to_owned(),
        small.trial.to_string(),
        small.seed.to_string(),
        format!("{} of {}", grouped(small.same), grouped(small.replays)),
        format!("{:.1} s", small.shrink_seconds),
        operations,
        faults,
        preemptions,
    ]
}

fn as_json(row: &Measured) -> Value {
    let ranked = |it: Option<Ranked>| it.map(Ranked::json);
    let trials: Vec<Value> = row
        .trials
        .iter()
        .map(|trial| {
            json!({
                "trial": trial.nth,
                "executions": trial.executions.json(),
                "seconds": trial.wall.json(),
                "seed": trial.found.as_ref().map(|found| found.seed),
                "red": trial.red,
            })
        })
        .collect();
    json!({
        "defect": row.name,
        "search": row.variant,
        "property": row.property,
        "cap": row.cap,
        "found": row.found(),
        "censored": row.censored(),
        "executions_median": ranked(row.executions(50)),
        "executions_90": ranked(row.executions(90)),
        "seconds_median": ranked(row.wall(50)),
        "seconds_90": ranked(row.wall(90)),
        "trials": trials,
        "plans": row.smalls,
        "red": row.all_red().collect::<Vec<_>>(),
        "verdict": row.verdict(),
    })
}
