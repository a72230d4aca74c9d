//! `iaxproof explain`: the two things whose order decides whether a world fails, with their lines of the source.

use clap::Args;
use iaxproof_models::Design;
use iaxproof_sim::explain::{Decisive, Explanation, Happened, explain};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::shrink::Refusal;
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

/// Explains and prints. [`Verdict::Incomplete`] where no order of two things decides.
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
    Ok(match explanation.decisive {
        Some(_) => Verdict::Held,
        None => Verdict::Incomplete,
    })
}

fn print(explanation: &Explanation, design: Design) {
    println!(
        "{} FAILED: {}",
        explanation.kind.property, explanation.message
    );
    let Some(decisive) = &explanation.decisive else {
        println!(
            "no order of two things decides ({} worlds); is the plan shrunk?",
            explanation.runs
        );
        return;
    };
    let Decisive {
        first,
        second,
        fails,
        holds,
    } = decisive;
    println!(
        "the order of two things decides ({} worlds):",
        explanation.runs
    );
    println!("  1. {}", words(first));
    println!("  2. {}", words(second));
    println!("1 before 2 fails: {}", replay(fails, design));
    println!("2 before 1 holds: {}", replay(holds, design));
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
        })
    });
    json!({
        "property": explanation.kind.property,
        "message": explanation.message,
        "decisive": decisive,
        "runs": explanation.runs,
    })
}
