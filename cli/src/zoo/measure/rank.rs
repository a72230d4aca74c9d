//! Percentiles of values of which some were cut off: of those only a bound is known. They stay in the count, as larger than all others.

use std::fmt;

/// A value, or a bound below it where its measuring was cut off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranked {
    pub(super) value: f64,
    pub(super) is_cut: bool,
}

impl Ranked {
    /// Whether it is known to be at most this.
    pub(super) fn is_within(self, limit: f64) -> bool {
        !self.is_cut && self.value <= limit
    }

    /// As JSON: the value, or the bound below it.
    pub(super) fn json(self) -> serde_json::Value {
        let name = if self.is_cut { "more_than" } else { "is" };
        serde_json::json!({ name: self.value })
    }
}

/// `12,345`, or `> 20,000`; with as many decimals as asked for where they are asked for.
impl fmt::Display for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.is_cut { "> " } else { "" };
        match f.precision() {
            Some(decimals) => write!(f, "{more}{:.decimals$}", self.value),
            None => write!(f, "{more}{}", crate::report::grouped(self.value as u64)),
        }
    }
}

/// The smallest value that at least so many of a hundred do not exceed (the nearest rank). A median is cut where more than half of the
/// values are; its bound is then the least of theirs.
pub(super) fn percentile(values: &[Ranked], of_hundred: usize) -> Option<Ranked> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| (a.is_cut.cmp(&b.is_cut)).then(a.value.total_cmp(&b.value)));
    let rank = (values.len() * of_hundred).div_ceil(100).max(1);
    let at = sorted.get(rank - 1)?;
    match at.is_cut {
        false => Some(*at),
        true => sorted.iter().find(|it| it.is_cut).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(known: &[f64], cut: usize) -> Vec<Ranked> {
        let is = |value: &f64| Ranked {
            value: *value,
            is_cut: false,
        };
        let more = Ranked {
            value: 100.0,
            is_cut: true,
        };
        // The cut ones first: the order they come in says nothing.
        let cut = std::iter::repeat_n(more, cut);
        cut.chain(known.iter().map(is)).collect()
    }

    fn median(known: &[f64], cut: usize) -> String {
        percentile(&values(known, cut), 50).unwrap().to_string()
    }

    #[test]
    fn a_median_is_cut_where_more_than_half_of_the_values_are() {
        assert_eq!(median(&[3.0, 1.0, 2.0], 0), "2");
        assert_eq!(median(&[3.0, 1.0, 2.0], 2), "3");
        assert_eq!(median(&[3.0, 1.0, 2.0], 3), "3");
        assert_eq!(median(&[3.0, 1.0, 2.0], 4), "> 100");
        assert_eq!(median(&[], 1), "> 100");
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn the_ninetieth_of_thirty_is_the_twenty_seventh() {
        let known: Vec<f64> = (1..=30).map(f64::from).collect();
        let ninetieth = |known: &[f64], cut| percentile(&values(known, cut), 90).unwrap();
        assert_eq!(ninetieth(&known, 0).to_string(), "27");
        assert_eq!(ninetieth(&known[..27], 3).to_string(), "27");
        let cut = ninetieth(&known[..26], 4);
        assert_eq!(format!("{cut:.1}"), "> 100.0");
        assert!(!cut.is_within(1_000.0) && ninetieth(&known, 0).is_within(27.0));
    }
}
