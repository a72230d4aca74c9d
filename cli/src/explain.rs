//! `iaxproof explain`: the two things whose order decides whether a world fails, with their lines of the source, or else the faults that do.

use clap::Args;
use iaxproof_models::Design;
use iaxproof_sim::explain::{Decisive, DecisiveFault, Explanation, Happened, explain};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::shrink::{Kind, Refusal};
use iaxproof_sim::views::Entry;
use serde_json::{Value, json};

use crate::error::Error;
use crate::progress::Progress;
use crate::prove::design;
use crate::replay::{read, world_of};
use crate::report::Verdict;
use crate::sim::world;

/// Say which two things decide, by their order, that a world fails. Shrink it first.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The token of a world, or a file that holds one or a plan.
    what: String,
    /// The design that the world runs on.
    #[arg(long, value_name = "NAME", default_value = "shipped", value_parser = design)]
    design: Design,
}

/// Explains and prints. [`Verdict::Incomplete`] where neither an order of two things nor a fault decides.
///
/// # Errors
///
/// [`Error::Usage`] for what is no world's plan, holds, or panics.
pub(crate) fn run(args: &ExplainArgs, json: bool) -> Result<Verdict, Error> {
    let text = read(&args.what)?;
    let refused = |why: String| Error::Usage(format!("{}: {why}", args.what.trim()));
    let plan = world_of(&text).map_err(refused)?;
    let mut progress = Progress::until("worlds", None, None);
    let explanation = explain(&plan, |plan, view| {
        progress.advance(1);
        world::run(plan, view, args.design)
    });
    let explanation = explanation.map_err(|why| match why {
        Refusal::Holds => refused("nothing to explain: the world of this plan holds".to_owned()),
        why => refused(why.to_string()),
    })?;
    match json {
        true => println!("{}", as_json(&explanation, args.design)),
        false => print(&explanation, args.design),
    }
    let is_explained = explanation.decisive.is_some() || !explanation.faults.is_empty();
    Ok(match is_explained {
        true => Verdict::Held,
        false => Verdict::Incomplete,
    })
}

fn print(explanation: &Explanation, design: Design) {
    println!(
        "{} FAILED: {}",
        explanation.kind.property, explanation.message
    );
    let runs = explanation.runs;
    match (&explanation.decisive, explanation.faults.as_slice()) {
        (Some(decisive), _) => {
            println!("the order of two things decides ({runs} worlds):");
            print_order(decisive, design);
        }
        (None, []) => {
            println!(
                "no order of two things and no fault decides ({runs} worlds); is the plan shrunk?"
            );
        }
        (None, faults) => {
            println!("no order of two things decides, and a fault does ({runs} worlds):");
            faults.iter().for_each(|fault| print_fault(fault, design));
        }
    }
}

fn print_order(decisive: &Decisive, design: Design) {
    println!("  1. {}", words(&decisive.first));
    println!("  2. {}", words(&decisive.second));
    println!("1 before 2 fails: {}", replay(&decisive.fails, design));
    let otherwise = otherwise(decisive.otherwise.as_ref());
    println!(
        "2 before 1 {otherwise}: {}",
        replay(&decisive.holds, design)
    );
}

fn print_fault(decisive: &DecisiveFault, design: Design) {
    println!("  {}", decisive.fault);
    if let Some(parts) = &decisive.parts {
        println!("  it shows in {parts}");
    }
    println!("with it fails: {}", replay(&decisive.fails, design));
    let otherwise = otherwise(decisive.otherwise.as_ref());
    println!(
        "without it {otherwise}: {}",
        replay(&decisive.holds, design)
    );
    for moved in &decisive.moved {
        let becomes = if moved.fails {
            "fails too"
        } else {
            "does not fail so"
        };
        println!("moved to {} it {becomes}", moved.to);
    }
}

/// What becomes of the plan that does not fail in this way.
fn otherwise(kind: Option<&Kind>) -> String {
    match kind {
        None => "holds".to_owned(),
        Some(kind) => format!("fails in another way ({})", kind.property),
    }
}

/// What happened, in a line.
fn words(happened: &Happened) -> String {
    match happened {
        Happened::Next(thread) => format!("{thread}: the step that it does not come to"),
        Happened::Operation(operation) => format!(
            "{}, {:.3} s: {:?}",
            operation.actor,
            f64::from(operation.at_ms) / 1_000.0,
            operation.what
        ),
        Happened::Entry(entry) => {
            let seconds = entry.at.as_micros() as f64 / 1e6;
            format!(
                "{}, {seconds:.6} s, event {}: {}",
                who(entry),
                entry.event,
                entry.text
            )
        }
    }
}

fn who(entry: &Entry) -> String {
    let thread = entry.thread.map(|thread| thread.to_string());
    let actor = || entry.actor.map(|actor| actor.to_string());
    thread
        .or_else(actor)
        .unwrap_or_else(|| "the world".to_owned())
}

/// The command that runs a plan, where the plan is small enough for a line.
fn replay(plan: &Plan, design: Design) -> String {
    let Some(token) = plan.token() else {
        return "(a plan too large for a token)".to_owned();
    };
    match design {
        Design::Shipped => format!("iaxproof replay {token}"),
        other => format!("iaxproof replay {token} --design {}", other.name()),
    }
}

fn as_json(explanation: &Explanation, design: Design) -> Value {
    let decisive = explanation.decisive.as_ref().map(|decisive| {
        json!({
            "first": words(&decisive.first),
            "second": words(&decisive.second),
            "fails": replay(&decisive.fails, design),
            "holds": replay(&decisive.holds, design),
            "otherwise": decisive.otherwise.as_ref().map(|kind| &kind.property),
        })
    });
    let faults = explanation.faults.iter().map(|decisive| {
        let moved = decisive.moved.iter();
        let moved = moved.map(|it| json!({ "to": it.to.to_string(), "fails": it.fails }));
        json!({
            "fault": decisive.fault.to_string(),
            "shows_in": decisive.parts.as_ref().map(ToString::to_string),
            "fails": replay(&decisive.fails, design),
            "holds": replay(&decisive.holds, design),
            "otherwise": decisive.otherwise.as_ref().map(|kind| &kind.property),
            "moved": moved.collect::<Vec<_>>(),
        })
    });
    json!({
        "property": explanation.kind.property,
        "message": explanation.message,
        "decisive": decisive,
        "faults": faults.collect::<Vec<_>>(),
        "runs": explanation.runs,
    })
}
