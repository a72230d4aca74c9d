//! `iaxproof replay`: runs one execution again, from its token or from the file of its plan, and shows it step by step.

use std::path::Path;

use clap::Args;
use iaxproof_models::token;
use serde_json::json;

use crate::error::Error;
use crate::report::Verdict;

/// How the token of a schedule begins.
const SCHEDULE: &str = "P1-";

/// Run one execution again and show it step by step.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A token, or a file that holds a token or a plan.
    what: String,
}

/// Replays and prints. [`Verdict::Failed`] where it reproduces a failure.
///
/// # Errors
///
/// [`Error::Usage`] for what is neither a token nor a file with one.
pub(crate) fn run(args: &ReplayArgs, json: bool) -> Result<Verdict, Error> {
    let text = args.what.trim();
    if text.starts_with(SCHEDULE) {
        return schedule(text, json);
    }
    let file = Path::new(text);
    let held = std::fs::read_to_string(file).map_err(|error| {
        Error::Usage(format!(
            "{text}: neither a token (P1-...) nor a file that can be read: {error}"
        ))
    })?;
    schedule(held.trim(), json)
}

/// The interleaving of a schedule.
fn schedule(token: &str, json: bool) -> Result<Verdict, Error> {
    let replay = token::replay_token(token).map_err(|error| Error::Usage(error.to_string()))?;
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
