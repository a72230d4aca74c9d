//! Tries the checks, several at a time: they wait most of the time. Those that wait for timers of the other side come first.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::check::{Check, Stop, Verdict};
use super::subject::Subject;
use super::trace::Trace;
use super::trial::Trial;

/// What became of one check, and by which datagrams.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Judged {
    #[serde(flatten, serialize_with = "super::show::check")]
    pub(super) check: &'static Check,
    pub(super) verdict: Verdict,
    /// What was expected, or why it was not tried.
    pub(super) reason: Option<String>,
    /// The datagrams, where it did not pass.
    pub(super) frames: Vec<String>,
    pub(super) seconds: f64,
}

/// Tries all of these, `jobs` at a time, and gives them back in their order. Without `slow` those that take seconds are skipped.
pub(super) fn run(
    checks: &[&'static Check],
    subject: &Subject,
    jobs: usize,
    slow: bool,
) -> Vec<Judged> {
    let mut queue: VecDeque<(usize, &'static Check)> = checks.iter().copied().enumerate().collect();
    let queued = queue.make_contiguous();
    queued.sort_by_key(|(_, check)| !check.is_slow);
    let queue = Mutex::new(queue);
    let judged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, checks.len().max(1)) {
            scope.spawn(|| {
                while let Some((nth, check)) = next(&queue) {
                    let result = match check.is_slow && !slow {
                        true => left_out(check),
                        false => judge(check, subject),
                    };
                    held(&judged).push((nth, result));
                }
            });
        }
    });
    let mut judged = judged.into_inner().unwrap_or_else(PoisonError::into_inner);
    judged.sort_by_key(|(nth, _)| *nth);
    judged.into_iter().map(|(_, judged)| judged).collect()
}

fn next(queue: &Mutex<VecDeque<(usize, &'static Check)>>) -> Option<(usize, &'static Check)> {
    held(queue).pop_front()
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn judge(check: &'static Check, subject: &Subject) -> Judged {
    let trace = Rc::new(Trace::new());
    let trial = Trial::new(subject, Rc::clone(&trace));
    // A check that panics is our mistake, and no reason to say nothing of the others.
    let outcome = catch_unwind(AssertUnwindSafe(|| (check.run)(&trial)));
    let outcome = outcome.unwrap_or_else(|_| Err(Stop::Broke("the check panicked".to_owned())));
    drop(trial);
    let seconds = trace.elapsed().as_secs_f64();
    let (verdict, reason) = Verdict::of(check, outcome);
    let lines = Rc::into_inner(trace).map(Trace::into_lines);
    Judged {
        check,
        verdict,
        reason,
        frames: match verdict {
            Verdict::Pass => Vec::new(),
            _ => lines.unwrap_or_default(),
        },
        seconds,
    }
}

fn left_out(check: &'static Check) -> Judged {
    Judged {
        check,
        verdict: Verdict::Skipped,
        reason: Some("it takes seconds, and --quick leaves such out".to_owned()),
        frames: Vec::new(),
        seconds: 0.0,
    }
}
