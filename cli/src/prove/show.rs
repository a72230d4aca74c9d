//! What `iaxproof prove` prints for people.

use iaxproof_models::scenarios::Reach;
use iaxproof_models::{End, Engine, Scenario};

use crate::report::{Row, grouped};
use crate::table::{Align, Table};

use super::Proof;
use super::child::{Lost, Told};
use super::proof::{Failure, engine_name};

/// The table of scenarios, or a line of JSON for each.
pub(crate) fn list(scenarios: &[&Scenario], json: bool) {
    if json {
        for scenario in scenarios {
            println!("{}", json_of(scenario));
        }
        return;
    }
    let mut table = Table::new([
        ("scenario", Align::Left),
        ("property", Align::Left),
        ("threads", Align::Right),
        ("what it is", Align::Left),
    ]);
    for scenario in scenarios {
        table.push([
            scenario.name.to_owned(),
            scenario.property.to_owned(),
            scenario.threads.to_string(),
            scenario.about.to_owned(),
        ]);
    }
    print!("{table}");
}

fn json_of(scenario: &Scenario) -> serde_json::Value {
    serde_json::json!({
        "name": scenario.name,
        "property": scenario.property,
        "threads": scenario.threads,
        "about": scenario.about,
        "designs": scenario.designs().map(|design| design.name()).collect::<Vec<_>>(),
    })
}

/// Everything: scenarios, cells, and what holds for both.
pub(super) fn all(all: &[Proof], followed: Option<&Row>) {
    let written: Vec<&Proof> = all
        .iter()
        .filter(|proof| !proof.scenario.is_cell())
        .collect();
    if !written.is_empty() {
        proofs(&written);
    }
    if written.len() < all.len() {
        super::matrix::print(all);
    }
    close(followed);
}

/// One line for each proof, then each failure with its interleaving.
fn proofs(proofs: &[&Proof]) {
    let mut table = Table::new([
        ("scenario", Align::Left),
        ("design", Align::Left),
        ("threads", Align::Right),
        ("bound", Align::Left),
        ("outcomes", Align::Right),
        ("loom", Align::Right),
        ("time", Align::Right),
        ("shuttle", Align::Right),
        ("time", Align::Right),
        ("by", Align::Left),
        ("word", Align::Left),
    ]);
    for proof in proofs {
        let bound = proof.scenario.preemptions_max;
        table.push([
            proof.scenario.name.to_owned(),
            proof.design.name().to_owned(),
            proof.scenario.threads.to_string(),
            bound.map_or("none".to_owned(), |preemptions| {
                format!("B = {preemptions}")
            }),
            outcomes(&proof.loom),
            executions(&proof.loom),
            seconds(&proof.loom),
            executions(&proof.shuttle),
            seconds(&proof.shuttle),
            enumeration(proof.scenario).to_owned(),
            proof.word().0.lines().next().unwrap_or_default().to_owned(),
        ]);
    }
    print!("{table}");
    proofs.iter().for_each(|proof| failures(proof));
    println!("{LEGEND}");
}

/// Each failure of a proof, with its interleaving.
pub(super) fn failures(proof: &Proof) {
    for failure in proof.failures() {
        print_failure(proof, &failure);
    }
}

/// What holds for all that was printed: the traces through the protocol, and what is not covered.
fn close(followed: Option<&Row>) {
    if let Some(row) = followed {
        println!(
            "\n{}: {} {}: {}",
            row.what,
            grouped(row.count),
            row.by,
            row.word
        );
    }
    println!("\n{}", CAVEATS.join("\n"));
}

/// How shuttle's threads are enumerated.
pub(crate) fn enumeration(scenario: &Scenario) -> &'static str {
    match scenario.reach {
        Reach::DepthFirst => "depth-first",
        Reach::Reduced => "reduced",
    }
}

/// How many outcomes an explorer saw; `?` where it was lost.
pub(super) fn outcomes(told: &Result<Told, Lost>) -> String {
    told.as_ref().map_or("?".to_owned(), |told| {
        told.exploration.outcomes.len().to_string()
    })
}

/// A number that a limit cut short has a `+`.
fn executions(told: &Result<Told, Lost>) -> String {
    let Ok(told) = told else {
        return "?".to_owned();
    };
    let cut = matches!(told.exploration.end, End::Stopped(_));
    grouped(told.exploration.executions) + if cut { "+" } else { "" }
}

fn seconds(told: &Result<Told, Lost>) -> String {
    told.as_ref()
        .map_or("?".to_owned(), |told| format!("{:.1} s", told.seconds))
}

fn print_failure(proof: &Proof, failure: &Failure<'_>) {
    println!(
        "\n{} on {}: {} FAILED, found by {} in execution {}\n  {}",
        proof.scenario.name,
        proof.design.name(),
        failure.finding.property,
        engine_name(failure.engine),
        grouped(failure.told.exploration.executions),
        failure.finding.message
    );
    // Both explorers tell the same story: one table is enough, and the token's is the one that replays.
    if failure.engine == Engine::Shuttle || proof.failures().count() == 1 {
        println!("\n{}", failure.finding.table);
    }
    println!("  replay: {}", proof.replay(failure));
}

/// What a proof does not cover.
pub(crate) const CAVEATS: [&str; 3] = [
    "Not covered: more threads, operations or objects than a scenario names.",
    "shuttle interleaves whole operations in one order for all threads, so orderings are loom's to check.",
    "loom explores no more of `Relaxed` operations on two objects than its own model holds: nothing here rests on such an order.",
];

const LEGEND: &str = "
A number with + was cut by its limit; shuttle's threads are enumerated depth-first, by its own search, or reduced, by
ours with partial-order reduction.";
