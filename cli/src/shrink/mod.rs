//! `iaxproof shrink`: makes the plan of a world that fails small, writes it down with a test beside it ([`write`]), and says what it
//! needs. A world with threads is run again on shuttle's, the reference.

mod write;

use std::path::PathBuf;

use clap::Args;
use iaxproof_models::Design;
use iaxproof_sim::plan::{Plan, SHUTTLE, STRANDS};
use iaxproof_sim::report::View;
use iaxproof_sim::shrink::{Counts, Kind, RUNS_MAX, Refusal, Shrunk, shrink};
use serde_json::json;

use crate::clock::Stopwatch;
use crate::error::Error;
use crate::progress::Progress;
use crate::prove::design;
use crate::replay::{command, read, world_of};
use crate::report::{Verdict, grouped};
use crate::sim::world;

use self::write::{Written, write};

/// Make the plan of a world that fails small.
#[derive(Debug, Args)]
pub(crate) struct ShrinkArgs {
    /// The token of a world, or a file that holds one or a plan.
    what: String,
    /// The design that the world runs on.
    #[arg(long, value_name = "NAME", default_value = "shipped", value_parser = design)]
    design: Design,
    /// Where the small plan goes, and beside it its test; else NAME.small.toml in target/iaxproof-plans, or in the folder for temporary
    /// files.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How many worlds are run at most.
    #[arg(long, value_name = "RUNS", default_value_t = RUNS_MAX)]
    #[arg(value_parser = clap::value_parser!(u64).range(2..))]
    budget: u64,
}

/// What shuttle's threads say about a small plan of a world with threads.
#[derive(Debug)]
enum Reference {
    Agrees,
    Says(String),
}

/// Shrinks, writes and prints. [`Verdict::Incomplete`] where the budget came first, [`Verdict::Broke`] where shuttle sees another world.
///
/// # Errors
///
/// [`Error::Usage`] for what is no world's plan, holds, or panics; else where a file cannot be written.
pub(crate) fn run(args: &ShrinkArgs, json: bool) -> Result<Verdict, Error> {
    let text = read(&args.what)?;
    let refused = |why: String| Error::Usage(format!("{}: {why}", args.what.trim()));
    let plan = world_of(&text).map_err(refused)?;
    let watch = Stopwatch::start();
    let shrunk = with_progress(&plan, args).map_err(|why| refused(why.to_string()))?;
    let seconds = watch.elapsed().as_secs_f64();
    let reference = reference(&shrunk, args.design);
    let written = write(args, &plan, &shrunk)?;
    let verdict = match (&reference, shrunk.is_minimal) {
        (Some(Reference::Says(_)), _) => Verdict::Broke,
        (_, false) => Verdict::Incomplete,
        (_, true) => Verdict::Held,
    };
    let found = Found {
        shrunk,
        reference,
        written,
        seconds,
        verdict,
    };
    match json {
        true => found.print_json(args),
        false => found.print(args),
    }
    Ok(verdict)
}

fn with_progress(plan: &Plan, args: &ShrinkArgs) -> Result<Shrunk, Refusal> {
    let mut progress = Progress::new("runs", args.budget);
    shrink(plan, args.budget, |plan| {
        progress.advance(1);
        world::run(plan, View::Hash, args.design)
    })
}

/// Runs a world of coroutines again on shuttle's threads.
fn reference(shrunk: &Shrunk, design: Design) -> Option<Reference> {
    if shrunk.plan.engine != STRANDS {
        return None;
    }
    let mut plan = shrunk.plan.clone();
    plan.engine = SHUTTLE.into();
    Some(match world::run(&plan, View::Hash, design) {
        Err(why) => Reference::Says(format!("it panics: {why}")),
        Ok(report) => match Kind::of(&report) {
            Some(kind) if kind == shrunk.kind => Reference::Agrees,
            Some(kind) => Reference::Says(format!("{}: {}", kind.property, kind.signature)),
            None => Reference::Says("it holds".to_owned()),
        },
    })
}

/// All there is to say.
#[derive(Debug)]
struct Found {
    shrunk: Shrunk,
    reference: Option<Reference>,
    written: Written,
    seconds: f64,
    verdict: Verdict,
}

impl Found {
    fn print(&self, args: &ShrinkArgs) {
        let shrunk = &self.shrunk;
        println!("{} FAILED: {}", shrunk.kind.property, shrunk.message);
        println!("{shrunk} in {:.1} s", self.seconds);
        println!("{}", self.minimal(args.budget));
        match &self.reference {
            None => {}
            Some(Reference::Agrees) => println!("shuttle agrees: it fails there in the same way"),
            Some(Reference::Says(what)) => println!("shuttle does NOT agree: {what}"),
        }
        println!("  plan: {}", self.written.plan.display());
        println!("  test: {}", self.written.test.display());
        println!("  replay: {}", self.replay(args.design));
    }

    fn minimal(&self, budget: u64) -> String {
        if self.shrunk.is_minimal {
            return "1-minimal: without any one of its nodes, operations, faults, choices or preemptions \
                    it holds or fails in another way"
                .to_owned();
        }
        format!(
            "INCOMPLETE: the budget of {} runs was used up before every part was tried; --budget raises it",
            grouped(budget)
        )
    }

    fn replay(&self, design: Design) -> String {
        command(&self.shrunk.plan, &self.written.plan, design)
    }

    fn print_json(&self, args: &ShrinkArgs) {
        let shrunk = &self.shrunk;
        let counts = |counts: Counts| -> serde_json::Map<String, serde_json::Value> {
            let named = counts.named().into_iter();
            named
                .map(|(name, count)| (name.to_owned(), count.into()))
                .collect()
        };
        let reference = self.reference.as_ref().map(|reference| match reference {
            Reference::Agrees => "agrees",
            Reference::Says(what) => what,
        });
        println!(
            "{}",
            json!({
                "verdict": self.verdict,
                "property": shrunk.kind.property,
                "signature": shrunk.kind.signature,
                "message": shrunk.message,
                "from": counts(shrunk.from),
                "to": counts(Counts::of(&shrunk.plan)),
                "runs": shrunk.runs,
                "seconds": self.seconds,
                "one_minimal": shrunk.is_minimal,
                "shuttle": reference,
                "plan": self.written.plan,
                "test": self.written.test,
                "replay": self.replay(args.design),
            })
        );
    }
}
