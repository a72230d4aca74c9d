//! Progress on standard error: a bar with rate and time left on a terminal, a plain line now and then otherwise.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::clock::Stopwatch;
use crate::report::grouped;

/// How often a plain line is printed where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// How far one piece of work has come.
#[derive(Debug)]
pub(crate) struct Progress {
    label: String,
    total: u64,
    done: u64,
    watch: Stopwatch,
    line_due: Duration,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Nothing of `total` is done yet.
    pub(crate) fn new(label: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| bar(label, total));
        Progress {
            label: label.to_owned(),
            total,
            done: 0,
            watch: Stopwatch::start(),
            line_due: LINE_INTERVAL,
            bar,
        }
    }

    /// `count` more are done.
    pub(crate) fn advance(&mut self, count: u64) {
        self.done += count;
        match &self.bar {
            Some(bar) => bar.inc(count),
            None if self.watch.elapsed() >= self.line_due => self.line(),
            None => {}
        }
    }

    fn line(&mut self) {
        let elapsed = self.watch.elapsed();
        self.line_due = elapsed + LINE_INTERVAL;
        let rate = self.done as f64 / elapsed.as_secs_f64();
        let left = self.total.saturating_sub(self.done) as f64 / rate.max(f64::MIN_POSITIVE);
        eprintln!(
            "{}: {} of {}, {rate:.1}/s, {left:.0} s left",
            self.label,
            grouped(self.done),
            grouped(self.total)
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left",
    );
    let bar = ProgressBar::new(total).with_message(label.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
