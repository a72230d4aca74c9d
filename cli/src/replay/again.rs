//! `iaxproof replay --times N`: the same execution many times in one process. All runs must have one trace (`same-again`); the first that has
//! another ends it.

use iaxproof_models::{Design, token};
use iaxproof_sim::again::first_difference;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;
use serde_json::json;

use crate::error::Error;
use crate::progress::Progress;
use crate::report::{Verdict, grouped};
use crate::sim;

use super::judge;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    trace_hash: u64,
    verdict: Verdict,
    /// The property that failed, and what was seen.
    failure: Option<(String, String)>,
}

/// So many runs of one execution.
#[derive(Debug, PartialEq, Eq)]
struct Runs {
    times: u64,
    first: Run,
    /// How many had the trace of the first, up to the first that had another.
    same: u64,
    /// What that one had instead.
    other: Option<Run>,
}

/// A world, so often.
///
/// # Errors
///
/// [`Error::Broke`] where it panics.
pub(super) fn world(plan: &Plan, design: Design, times: u64, json: bool) -> Result<Verdict, Error> {
    let runs = runs(times, |nth| {
        let report = sim::world::run(plan, View::Hash, design)
            .map_err(|why| Error::Broke(format!("the world panics in run {nth}: {why}")))?;
        let failure = report.failure().map(|failure| {
            let violation = &failure.violation;
            (violation.property.to_owned(), violation.message.clone())
        });
        Ok(Run {
            trace_hash: report.trace_hash,
            verdict: judge(plan, &report).verdict,
            failure,
        })
    })?;
    let parts = runs.other.as_ref().map(|_| {
        let run = |plan: &Plan, view| iaxproof_models::world::run(plan, view, design);
        let difference = first_difference(plan, run);
        difference.map_or_else(
            || "further runs were alike".to_owned(),
            |difference| difference.to_string(),
        )
    });
    Ok(runs.print(parts.as_deref(), json))
}

/// A schedule, so often.
///
/// # Errors
///
/// [`Error::Usage`] for what is no token.
pub(super) fn schedule(text: &str, times: u64, json: bool) -> Result<Verdict, Error> {
    let runs = runs(times, |_| {
        let replay = token::replay_token(text);
        let replay = replay.map_err(|error| Error::Usage(format!("{text}: {error}")))?;
        let failure = replay
            .finding
            .map(|finding| (finding.property, finding.message));
        Ok(Run {
            trace_hash: replay.trace_hash,
            verdict: match failure {
                Some(_) => Verdict::Failed,
                None => Verdict::Held,
            },
            failure,
        })
    })?;
    Ok(runs.print(None, json))
}

fn runs(times: u64, mut run: impl FnMut(u64) -> Result<Run, Error>) -> Result<Runs, Error> {
    let mut progress = Progress::new("runs", times);
    let first = run(1)?;
    progress.advance(1);
    for nth in 2..=times {
        let again = run(nth)?;
        progress.advance(1);
        if again != first {
            return Ok(Runs {
                times,
                first,
                same: nth - 1,
                other: Some(again),
            });
        }
    }
    Ok(Runs {
        times,
        first,
        same: times,
        other: None,
    })
}

impl Runs {
    /// A run that differs is a property that fails.
    const fn verdict(&self) -> Verdict {
        match self.other {
            Some(_) => Verdict::Failed,
            None => self.first.verdict,
        }
    }

    fn print(&self, parts: Option<&str>, json: bool) -> Verdict {
        match json {
            true => self.print_json(parts),
            false => print!("{}", self.text(parts)),
        }
        self.verdict()
    }

    fn text(&self, parts: Option<&str>) -> String {
        let (times, hash) = (grouped(self.times), self.first.trace_hash);
        let seen = match &self.first.failure {
            Some((property, message)) => format!("{property} FAILED: {message}\n"),
            None => "held\n".to_owned(),
        };
        let Some(other) = &self.other else {
            return format!("{seen}{times} of {times}: trace {hash:016x}\n");
        };
        let parts = parts.map_or_else(String::new, |parts| format!("they part in {parts}\n"));
        format!(
            "{seen}same-again FAILED: run {} of {times} has the trace {:016x}, and those before it {hash:016x}\n{parts}",
            grouped(self.same + 1),
            other.trace_hash,
        )
    }

    fn print_json(&self, parts: Option<&str>) {
        let failure = self.first.failure.as_ref();
        println!(
            "{}",
            json!({
                "verdict": self.verdict(),
                "property": failure.map(|(property, _)| property),
                "message": failure.map(|(_, message)| message),
                "trace_hash": format!("{:016x}", self.first.trace_hash),
                "times": self.times,
                "same": self.same,
                "other_trace_hash": self.other.as_ref().map(|it| format!("{:016x}", it.trace_hash)),
                "parts": parts,
            })
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(trace_hash: u64) -> Run {
        Run {
            trace_hash,
            verdict: Verdict::Held,
            failure: None,
        }
    }

    #[test]
    fn the_first_run_with_another_trace_ends_it_and_is_a_failure() {
        let of = |other_at| runs(9, |nth| Ok(run(u64::from(nth >= other_at)))).unwrap();
        let all = of(10);
        assert_eq!((all.same, all.verdict()), (9, Verdict::Held));
        assert_eq!(all.text(None), "held\n9 of 9: trace 0000000000000000\n");
        let some = of(4);
        assert_eq!((some.same, some.verdict()), (3, Verdict::Failed));
        let text = some.text(Some("event 7"));
        assert_eq!(
            text,
            "held\nsame-again FAILED: run 4 of 9 has the trace 0000000000000001, and those before it \
             0000000000000000\nthey part in event 7\n"
        );
    }
}
