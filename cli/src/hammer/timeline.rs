//! The storm over time: registrations in each of a few intervals, with the longest gap of the call that ended there; and its plot.

use core::fmt::Write;
use core::time::Duration;

use iaxproof::time::Instant;
use serde::Serialize;

use super::spread::millis;
use crate::report::grouped;

/// Intervals that are drawn at most.
const ROWS_MAX: u128 = 20;
/// The widest bar, in characters.
const BAR: u64 = 40;
/// Widths of an interval that people read well, in milliseconds; more is a multiple of the last.
const WIDTHS: [u64; 10] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000,
];

/// One interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Interval {
    /// When it begins, from the beginning of the storm.
    pub(super) at_seconds: f64,
    pub(super) registrations: u64,
    pub(super) per_second: f64,
    /// The longest gap of the call that ended here.
    pub(super) longest_gap_ms: Option<f64>,
}

/// Cuts the time of the storm into intervals.
pub(super) fn cut(
    begin: Instant,
    end: Instant,
    granted: &[Instant],
    gaps: impl Iterator<Item = (Instant, Duration)>,
) -> Vec<Interval> {
    let span = end.saturating_since(begin);
    let width = width(span);
    let count = (span.as_millis().div_ceil(width.as_millis())).max(1) as usize;
    let index = |at: Instant| {
        let since = at.saturating_since(begin).as_micros();
        ((since / width.as_micros()) as usize).min(count - 1)
    };
    let is_within = |at: Instant| begin <= at && at <= end;
    let (mut registrations, mut longest) = (vec![0_u64; count], vec![None; count]);
    for at in granted.iter().filter(|at| is_within(**at)) {
        registrations[index(*at)] += 1;
    }
    for (at, gap) in gaps.filter(|(at, _)| is_within(*at)) {
        let longest = &mut longest[index(at)];
        *longest = (*longest).max(Some(gap));
    }
    let rows = registrations.into_iter().zip(longest).enumerate();
    rows.map(|(i, (registrations, longest))| {
        let from = width * i as u32;
        let lasts = width
            .min(span.saturating_sub(from))
            .max(Duration::from_millis(1));
        Interval {
            at_seconds: from.as_secs_f64(),
            registrations,
            per_second: registrations as f64 / lasts.as_secs_f64(),
            longest_gap_ms: longest.map(millis),
        }
    })
    .collect()
}

/// How wide an interval is: as many as can be drawn.
fn width(span: Duration) -> Duration {
    let widths = WIDTHS.into_iter().map(Duration::from_millis);
    let last = Duration::from_millis(WIDTHS[WIDTHS.len() - 1]);
    let fits = |width: &Duration| span.as_millis() <= width.as_millis() * ROWS_MAX;
    let many = span.as_millis().div_ceil(last.as_millis() * ROWS_MAX);
    widths.clone().find(fits).unwrap_or(last * many as u32)
}

/// The plot, a line for each interval.
pub(super) fn plot(intervals: &[Interval], has_call: bool) -> String {
    let fastest = intervals.iter().map(|it| it.per_second).fold(1.0, f64::max);
    let longest = intervals.iter().map(|it| it.registrations).max();
    let numbers = grouped(longest.unwrap_or_default()).len().max(7);
    let mut text = format!(
        "{:>9}  {:40}  {:>numbers$}",
        "", "registrations a second", ""
    );
    text += if has_call { "  longest gap\n" } else { "\n" };
    for interval in intervals {
        let bar = (interval.per_second / fastest * BAR as f64).round() as usize;
        let rate = grouped(interval.per_second.round() as u64);
        let at = interval.at_seconds;
        let _ = write!(
            text,
            "{at:>7.1} s  {:40}  {rate:>numbers$}",
            "#".repeat(bar)
        );
        match interval.longest_gap_ms {
            _ if !has_call => {}
            Some(gap) => {
                let _ = write!(text, "  {gap:>8.1} ms");
            }
            None => text += "    silence",
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(10_000 + millis)
    }

    fn cut_up(end: u64, granted: &[u64], gaps: &[(u64, u64)]) -> Vec<Interval> {
        let granted: Vec<Instant> = granted.iter().map(|millis| at(*millis)).collect();
        let gaps = gaps
            .iter()
            .map(|(ended, gap)| (at(*ended), Duration::from_millis(*gap)));
        cut(at(0), at(end), &granted, gaps)
    }

    #[test]
    fn each_registration_and_each_gap_is_in_one_interval() {
        let rows = cut_up(
            250,
            &[0, 99, 100, 250],
            &[(5, 20), (90, 30), (110, 20), (260, 900)],
        );
        let counts: Vec<u64> = rows.iter().map(|row| row.registrations).collect();
        assert_eq!(counts, [2, 1, 1]);
        let gaps: Vec<Option<f64>> = rows.iter().map(|row| row.longest_gap_ms).collect();
        assert_eq!(gaps, [Some(30.0), Some(20.0), None]);
        // The last one is half as long.
        let rates: Vec<f64> = rows.iter().map(|row| row.per_second).collect();
        assert_eq!(rates, [20.0, 10.0, 20.0]);
    }

    #[test]
    fn what_ends_the_storm_is_in_its_last_interval() {
        let rows = cut_up(200, &[200], &[]);
        let counts: Vec<u64> = rows.iter().map(|row| row.registrations).collect();
        assert_eq!(counts, [0, 1]);
    }

    #[test]
    fn there_are_never_more_intervals_than_can_be_drawn() {
        for seconds in [0, 1, 2, 3, 59, 600, 3_600, 86_400] {
            let rows = cut_up(seconds * 1_000, &[], &[]).len();
            assert!((1..=20).contains(&rows), "{seconds} s: {rows}");
        }
    }

    #[test]
    fn the_plot_has_bars_rates_and_gaps() {
        let granted: Vec<u64> = (0..100).map(|i| i % 50).chain(100..125).collect();
        let rows = cut_up(200, &granted, &[(10, 21)]);
        let expected = [
            format!("{:11}registrations a second{:29}longest gap\n", "", ""),
            format!("    0.0 s  {}    1,000      21.0 ms\n", "#".repeat(40)),
            format!("    0.1 s  {:40}      250    silence\n", "#".repeat(10)),
        ];
        assert_eq!(plot(&rows, true), expected.concat());
        assert!(!plot(&rows, false).contains("silence"));
    }
}
