//! How spans of time are spread: percentiles by the nearest rank, so that each of them is a span that was measured.

use core::time::Duration;

use serde::Serialize;

/// Spans of time, from the shortest to the longest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spread(Vec<Duration>);

/// What is said of a [`Spread`]: milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Percentiles {
    pub(super) count: usize,
    pub(super) p50_ms: f64,
    pub(super) p90_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) p999_ms: f64,
    pub(super) max_ms: f64,
}

impl Spread {
    /// The spread of these.
    pub(super) fn of(mut spans: Vec<Duration>) -> Self {
        spans.sort_unstable();
        Spread(spans)
    }

    /// The shortest span that so many of a thousand do not exceed; nothing where there are no spans.
    pub(super) fn per_mille(&self, share: usize) -> Duration {
        let rank = (self.0.len() * share).div_ceil(1_000).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    /// The percentiles that are shown.
    pub(super) fn percentiles(&self) -> Percentiles {
        let millis = |share| millis(self.per_mille(share));
        Percentiles {
            count: self.0.len(),
            p50_ms: millis(500),
            p90_ms: millis(900),
            p99_ms: millis(990),
            p999_ms: millis(999),
            max_ms: millis(1_000),
        }
    }
}

/// A span in milliseconds.
pub(super) fn millis(span: Duration) -> f64 {
    span.as_micros() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(spans: impl IntoIterator<Item = u64>) -> Spread {
        Spread::of(spans.into_iter().map(Duration::from_millis).collect())
    }

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let shown = spread((1..=1_000).rev()).percentiles();
        let expected = Percentiles {
            count: 1_000,
            p50_ms: 500.0,
            p90_ms: 900.0,
            p99_ms: 990.0,
            p999_ms: 999.0,
            max_ms: 1_000.0,
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn few_spans_and_none() {
        let two = spread([7, 3]);
        let shares = [0, 500, 501, 1_000].map(|share| two.per_mille(share).as_millis());
        assert_eq!(shares, [3, 3, 7, 7]);
        let none = spread([]).percentiles();
        assert_eq!((none.count, none.p50_ms, none.max_ms), (0, 0.0, 0.0));
    }
}
