//! `iaxproof replay`: runs one execution again, from its token or from the file of its plan, and shows it step by step: the
//! interleaving of a schedule, the timeline of a world.

use std::path::Path;

use clap::Args;
use iaxproof_models::{Design, token};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::plan::token::TOKEN_PREFIX;
use iaxproof_sim::report::View;
use serde_json::json;

use crate::error::Error;
use crate::prove::design;
use crate::report::Verdict;
use crate::sim::world;

/// How the token of a schedule begins.
const SCHEDULE: &str = "P1-";

/// Run one execution again and show it step by step.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A token, or a file that holds a token or a plan.
    what: String,
    /// The design that a world runs on; the token of a schedule names its own.
    #[arg(long, value_name = "NAME", default_value = "shipped", value_parser = design)]
    design: Design,
}

/// Replays and prints. [`Verdict::Failed`] where it reproduces a failure.
///
/// # Errors
///
/// [`Error::Usage`] for what is neither a token nor a file with one, nor a plan.
pub(crate) fn run(args: &ReplayArgs, json: bool) -> Result<Verdict, Error> {
    let text = args.what.trim();
    if text.starts_with(SCHEDULE) || text.starts_with(TOKEN_PREFIX) {
        return token_or_plan(text, args.design, json).map_err(Error::Usage)?;
    }
    let held = std::fs::read_to_string(Path::new(text)).map_err(|error| {
        Error::Usage(format!(
            "{text}: neither a token (P1-... or W1-...) nor a file that can be read: {error}"
        ))
    })?;
    token_or_plan(held.trim(), args.design, json)
        .map_err(|error| Error::Usage(format!("{text}: {error}")))?
}

/// The outer error is a text that is no token and no plan.
fn token_or_plan(text: &str, design: Design, json: bool) -> Result<Result<Verdict, Error>, String> {
    if text.starts_with(SCHEDULE) {
        return schedule(text, json).map(Ok);
    }
    let plan = match text.starts_with(TOKEN_PREFIX) {
        true => Plan::from_token(text),
        false => text.parse(),
    };
    let plan: Plan = plan.map_err(|error| error.to_string())?;
    Ok(timeline(&plan, design, json))
}

/// The timeline of a world.
fn timeline(plan: &Plan, design: Design, json: bool) -> Result<Verdict, Error> {
    let report = world::run(plan, View::Timeline, design)
        .map_err(|why| Error::Broke(format!("the world panics: {why}")))?;
    let failure = report.failure();
    let verdict = match failure {
        Some(_) => Verdict::Failed,
        None => Verdict::Held,
    };
    if json {
        println!(
            "{}",
            json!({
                "verdict": verdict,
                "property": failure.map(|failure| failure.violation.property),
                "message": failure.map(|failure| &failure.violation.message),
                "events": report.events,
                "trace_hash": format!("{:016x}", report.trace_hash),
            })
        );
        return Ok(verdict);
    }
    print!("{}", report.timeline_text());
    match failure {
        Some(failure) => println!(
            "{} FAILED at {} in event {}: {}",
            failure.violation.property, failure.at, failure.event, failure.violation.message
        ),
        None => println!("held: {} events", report.events),
    }
    println!("trace {:016x}", report.trace_hash);
    Ok(verdict)
}

/// The interleaving of a schedule.
fn schedule(token: &str, json: bool) -> Result<Verdict, String> {
    let replay = token::replay_token(token).map_err(|error| error.to_string())?;
    let verdict = match &replay.finding {
        Some(_) => Verdict::Failed,
        None => Verdict::Held,
    };
    if json {
        println!(
            "{}",
            json!({
                "verdict": verdict,
                "property": replay.finding.as_ref().map(|finding| &finding.property),
                "message": replay.finding.as_ref().map(|finding| &finding.message),
                "outcome": replay.outcome,
                "trace_hash": format!("{:016x}", replay.trace_hash),
            })
        );
        return Ok(verdict);
    }
    println!("{}", replay.table);
    match &replay.finding {
        Some(finding) => println!("{} FAILED: {}", finding.property, finding.message),
        None => println!(
            "held: {}",
            replay.outcome.as_deref().unwrap_or("no outcome")
        ),
    }
    println!("trace {:016x}", replay.trace_hash);
    Ok(verdict)
}
