//! `iaxproof replay`: runs one execution again, from its token or from the file of its plan, and shows it step by step: the
//! interleaving of a schedule, the timeline of a world. [`again`] runs it many times. A recording of a server is [`record`]'s.

mod again;

use std::ops::Range;
use std::path::Path;

use clap::Args;
use iaxproof_models::{Design, token};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::plan::expect::{Comparison, RecordedTrace};
use iaxproof_sim::plan::token::TOKEN_PREFIX;
use iaxproof_sim::report::{Report, View};
use serde_json::json;

use crate::error::Error;
use crate::prove::design;
use crate::record;
use crate::record::file::is_recording;
use crate::report::Verdict;
use crate::sim::world;
use crate::view::ViewArgs;

/// How the token of a schedule begins.
const SCHEDULE: &str = "P1-";

/// Run one execution again and show it step by step.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A token, or a file that holds a token or a plan, or a recording of `iaxproof serve --record`.
    what: String,
    /// The design that a world runs on; the token of a schedule names its own.
    #[arg(long, value_name = "NAME", default_value = "shipped", value_parser = design)]
    design: Design,
    /// Run it so often in this process instead of showing it, and say whether all runs had one trace.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    times: Option<u64>,
    #[command(flatten)]
    views: ViewArgs,
}

/// Replays and prints, or leaves it to [`record::replay`]. [`Verdict::Failed`] where it reproduces a failure, [`Verdict::Broke`] where a plan holds that became another
/// story than it says.
///
/// # Errors
///
/// [`Error::Usage`] for what is neither a token nor a file with one, nor a plan.
pub(crate) fn run(args: &ReplayArgs, json: bool) -> Result<Verdict, Error> {
    let recording = Path::new(args.what.trim());
    if is_recording(recording) {
        return match args.times.is_some() || args.views.is_any() {
            true => Err(Error::Usage(
                "a recording has no views, and is replayed once".to_owned(),
            )),
            false => record::replay::run(recording, json),
        };
    }
    let text = read(&args.what)?;
    let refused = |why: String| Error::Usage(format!("{}: {why}", args.what.trim()));
    let is_schedule = text.starts_with(SCHEDULE);
    match (is_schedule, args.times) {
        (_, Some(_)) if args.views.is_any() => Err(refused("--times shows no view".to_owned())),
        (true, _) if args.views.is_any() => Err(refused("only worlds have views".to_owned())),
        (true, Some(times)) => again::schedule(&text, times, json),
        (false, Some(times)) => {
            let plan = world_of(&text).map_err(refused)?;
            again::world(&plan, args.design, times, json)
        }
        (true, None) => schedule(&text, json).map_err(refused),
        (false, None) => timeline(&world_of(&text).map_err(refused)?, args, json),
    }
}

/// The text of a token or a plan: what was given, or what the file of that name holds.
///
/// # Errors
///
/// [`Error::Usage`] for what is neither a token nor a file that can be read.
pub(crate) fn read(what: &str) -> Result<String, Error> {
    let text = what.trim();
    if text.starts_with(SCHEDULE) || text.starts_with(TOKEN_PREFIX) {
        return Ok(text.to_owned());
    }
    let held = std::fs::read_to_string(Path::new(text)).map_err(|error| {
        Error::Usage(format!(
            "{text}: neither a token (P1-... or W1-...) nor a file that can be read: {error}"
        ))
    })?;
    Ok(held.trim().to_owned())
}

/// The plan of a world, from its token or its text.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn world_of(text: &str) -> Result<Plan, String> {
    if text.starts_with(SCHEDULE) {
        return Err("a schedule, and not a world's token (W1-...) or plan".to_owned());
    }
    let plan = match text.starts_with(TOKEN_PREFIX) {
        true => Plan::from_token(text),
        false => text.parse(),
    };
    plan.map_err(|error| error.to_string())
}

/// The command that runs a world again: by its token, or by the file that holds its plan.
pub(crate) fn command(plan: &Plan, file: &Path, design: Design) -> String {
    let what = plan.token();
    let what = what.unwrap_or_else(|| file.display().to_string());
    match design {
        Design::Shipped => format!("iaxproof replay {what}"),
        other => format!("iaxproof replay {what} --design {}", other.name()),
    }
}

/// The timeline of a world, and whether it is what its plan expects.
fn timeline(plan: &Plan, args: &ReplayArgs, json: bool) -> Result<Verdict, Error> {
    let view = match args.views.is_any() {
        true => View::Events,
        false => View::Timeline,
    };
    let report = world::run(plan, view, args.design)
        .map_err(|why| Error::Broke(format!("the world panics: {why}")))?;
    args.views.write(&report, args.what.trim())?;
    let Judged {
        verdict,
        unmet,
        comparison,
    } = judge(plan, &report);
    if json {
        print_json(
            &report,
            verdict,
            comparison.as_ref().map(|it| &it.1),
            &unmet,
        );
        return Ok(verdict);
    }
    print!("{}", report.timeline_text());
    if let Some((trace, Comparison::Diverged { lines, .. })) = &comparison {
        println!("\nwhere it is no longer what {} recorded:", by(trace));
        print!("{}", interval(&report, lines.clone()));
    }
    match report.failure() {
        Some(failure) => println!(
            "{} FAILED at {} in event {}: {}",
            failure.violation.property, failure.at, failure.event, failure.violation.message
        ),
        None => println!("held: {} events", report.events),
    }
    println!("trace {:016x}", report.trace_hash);
    unmet
        .iter()
        .for_each(|what| println!("NOT AS EXPECTED: {what}"));
    if let Some((trace, comparison)) = &comparison {
        println!("{}", words(trace, comparison));
    }
    Ok(verdict)
}

/// A world beside what its plan expects.
struct Judged<'p> {
    verdict: Verdict,
    unmet: Vec<String>,
    comparison: Option<(&'p RecordedTrace, Comparison)>,
}

fn judge<'p>(plan: &'p Plan, report: &Report) -> Judged<'p> {
    let expected = plan.expect.as_ref();
    let unmet = expected.map_or_else(Vec::new, |expect| expect.unmet(report));
    let trace = expected.and_then(|expect| expect.trace.as_ref());
    let comparison = trace.map(|trace| (trace, trace.compare(report)));
    let is_same = matches!(&comparison, None | Some((_, Comparison::StillApplies)));
    let verdict = match report.failure() {
        Some(_) => Verdict::Failed,
        None if is_same && unmet.is_empty() => Verdict::Held,
        None => Verdict::Broke,
    };
    Judged {
        verdict,
        unmet,
        comparison,
    }
}

fn print_json(report: &Report, verdict: Verdict, trace: Option<&Comparison>, unmet: &[String]) {
    let failure = report.failure();
    let diverged = match trace {
        Some(Comparison::Diverged { events, .. }) => Some([events.start, events.end - 1]),
        _ => None,
    };
    println!(
        "{}",
        json!({
            "verdict": verdict,
            "property": failure.map(|failure| failure.violation.property),
            "message": failure.map(|failure| &failure.violation.message),
            "events": report.events,
            "trace_hash": format!("{:016x}", report.trace_hash),
            "still_applies": trace.map(|trace| *trace == Comparison::StillApplies),
            "diverged_at_events": diverged,
            "unmet": unmet,
        })
    );
}

/// Who recorded a trace.
fn by(trace: &RecordedTrace) -> String {
    format!("{} {}", trace.engine, trace.version)
}

fn words(trace: &RecordedTrace, comparison: &Comparison) -> String {
    match comparison {
        Comparison::StillApplies => format!("still applies: the trace that {} recorded", by(trace)),
        Comparison::Diverged { events, .. } => format!(
            "diverged at event {}: up to there it has the trace that {} recorded, and by event {} it has not",
            events.start,
            by(trace),
            events.end - 1,
        ),
    }
}

/// Some lines of a timeline.
fn interval(report: &Report, lines: Range<usize>) -> String {
    let all = report.timeline.as_deref().unwrap_or_default();
    let timeline = all.get(lines).unwrap_or_default().to_vec();
    let some = Report {
        timeline: Some(timeline),
        ..Report::empty(report.plan.clone())
    };
    some.timeline_text()
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
