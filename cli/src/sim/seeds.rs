//! Which seeds, on the command line: a range `A..B` without B, or `A..` without an end.

use std::ops::Range;
use std::str::FromStr;

/// At least one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Range<u64>);

/// Where a range without an end ends.
const OPEN: u64 = u64::MAX;

impl Seeds {
    /// All from this one on.
    pub(crate) const fn from(first: u64) -> Self {
        Seeds(first..OPEN)
    }

    /// Whether there is no end.
    pub(crate) const fn is_open(&self) -> bool {
        self.0.end == OPEN
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?}: expected A..B, such as 0..10000, with A below B; or A.. with --budget"
            )
        };
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
        let end = match to.trim().is_empty() {
            true => Some(OPEN),
            false => number(to).filter(|end| *end < OPEN),
        };
        match (number(from), end) {
            (Some(from), Some(to)) if from < to => Ok(Seeds(from..to)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_at_least_one_seed() {
        assert_eq!("3..10_000".parse(), Ok(Seeds(3..10_000)));
        assert_eq!("3..".parse(), Ok(Seeds::from(3)));
        assert!(Seeds::from(3).is_open() && !Seeds(3..4).is_open());
        for wrong in [
            "", "7", "5..5", "6..5", "a..b", "1...2", "-1..2", "..4", "..",
        ] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }
}
