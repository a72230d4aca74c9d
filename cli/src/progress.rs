//! Progress on standard error: how much is done, how fast, and how long it takes yet. A bar on a terminal, a plain line now
//! and then otherwise.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::clock::Stopwatch;
use crate::report::grouped;

/// How often a plain line is printed where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Into how many parts a bar is cut.
const BAR_PARTS: u64 = 1_000;

/// How far one piece of work has come.
#[derive(Debug)]
pub(crate) struct Progress {
    work: Work,
    note: String,
    watch: Stopwatch,
    line_due: Duration,
    bar: Option<ProgressBar>,
}

/// Some work, which ends when all is done or when its time is over.
#[derive(Clone, Debug)]
struct Work {
    label: String,
    total: Option<u64>,
    limit: Option<Duration>,
    done: u64,
}

impl Progress {
    /// Nothing of `total` is done yet.
    pub(crate) fn new(label: &str, total: u64) -> Self {
        Self::until(label, Some(total), None)
    }

    /// Nothing is done yet; it ends after `total` or after `limit`, whichever comes first.
    pub(crate) fn until(label: &str, total: Option<u64>, limit: Option<Duration>) -> Self {
        let work = Work {
            label: label.to_owned(),
            total,
            limit,
            done: 0,
        };
        Progress {
            work,
            note: String::new(),
            watch: Stopwatch::start(),
            line_due: LINE_INTERVAL,
            bar: std::io::stderr().is_terminal().then(bar),
        }
    }

    /// What else is to be said, from the next [`advance`](Self::advance) on.
    pub(crate) fn note(&mut self, note: String) {
        self.note = note;
    }

    /// `count` more are done.
    pub(crate) fn advance(&mut self, count: u64) {
        self.work.done += count;
        let elapsed = self.watch.elapsed();
        match &self.bar {
            Some(bar) => {
                bar.set_position((self.work.share(elapsed) * BAR_PARTS as f64) as u64);
                bar.set_message(self.text(elapsed));
            }
            None if elapsed >= self.line_due => {
                self.line_due = elapsed + LINE_INTERVAL;
                eprintln!("{}", self.text(elapsed));
            }
            None => {}
        }
    }

    fn text(&self, elapsed: Duration) -> String {
        let separator = if self.note.is_empty() { "" } else { "; " };
        format!("{}{separator}{}", self.work.text(elapsed), self.note)
    }
}

impl Work {
    fn rate(&self, elapsed: Duration) -> f64 {
        self.done as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// How long it takes yet, at the rate so far.
    fn left(&self, elapsed: Duration) -> Duration {
        let of_total = self.total.map(|total| {
            let left = total.saturating_sub(self.done) as f64 / self.rate(elapsed);
            Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX)
        });
        let of_limit = self.limit.map(|limit| limit.saturating_sub(elapsed));
        let both = [of_total, of_limit].into_iter().flatten();
        both.min().unwrap_or(Duration::MAX)
    }

    /// How much of it is done, of 1.
    fn share(&self, elapsed: Duration) -> f64 {
        let left = self.left(elapsed).as_secs_f64();
        let elapsed = elapsed.as_secs_f64();
        elapsed / (elapsed + left).max(f64::MIN_POSITIVE)
    }

    fn text(&self, elapsed: Duration) -> String {
        let total = self
            .total
            .map_or_else(String::new, |total| format!(" of {}", grouped(total)));
        format!(
            "{}: {}{total}, {:.1}/s, {} left",
            self.label,
            grouped(self.done),
            self.rate(elapsed),
            span(self.left(elapsed))
        )
    }
}

/// A time in its largest unit and the next: `2 h 5 min`, `10 min 0 s`, `7 s`; a question mark for ever.
fn span(time: Duration) -> String {
    if time == Duration::MAX {
        return "?".to_owned();
    }
    let seconds = time.as_secs_f64().round() as u64;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{} h {minutes} min", grouped(hours)),
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:20} {msg}");
    let bar = ProgressBar::new(BAR_PARTS);
    bar.enable_steady_tick(Duration::from_millis(200));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(total: Option<u64>, limit: Option<u64>, done: u64, elapsed: u64) -> String {
        let work = Work {
            label: "worlds".to_owned(),
            total,
            limit: limit.map(Duration::from_secs),
            done,
        };
        work.text(Duration::from_secs(elapsed))
    }

    #[test]
    fn what_is_left_is_what_ends_first() {
        let of_total = "worlds: 1,000 of 5,000, 100.0/s, 40 s left";
        assert_eq!(text(Some(5_000), None, 1_000, 10), of_total);
        assert_eq!(text(Some(5_000), Some(600), 1_000, 10), of_total);
        let of_limit = "worlds: 1,000 of 5,000, 100.0/s, 20 s left";
        assert_eq!(text(Some(5_000), Some(30), 1_000, 10), of_limit);
        let endless = "worlds: 1,000, 100.0/s, 9 min 50 s left";
        assert_eq!(text(None, Some(600), 1_000, 10), endless);
    }

    #[test]
    fn nothing_done_is_no_division_by_nothing() {
        let text = text(Some(5), None, 0, 0);
        assert_eq!(text, "worlds: 0 of 5, 0.0/s, ? left");
    }

    #[test]
    fn a_time_has_two_units_at_most() {
        let spans = [7, 600, 7_500].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(spans, ["7 s", "10 min 0 s", "2 h 5 min"]);
    }
}
