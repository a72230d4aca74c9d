//! Which seeds, on the command line: a range `A..B` without B, or `A..` without an end; one slice of a range, `i/n`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

/// The `index`-th of `of` slices of a range, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    /// Which.
    pub(crate) index: u64,
    /// Of how many.
    pub(crate) of: u64,
}

impl Shard {
    /// Its seeds: the slices of a range are as long as each other but for one seed, and follow each other without a gap.
    ///
    /// # Errors
    ///
    /// Where the range has fewer seeds than it is to be cut into slices.
    pub(crate) fn slice(self, whole: &Range<u64>) -> Result<Range<u64>, String> {
        let len = whole.end - whole.start;
        if self.of > len {
            return Err(format!(
                "{self}: {len} seeds cannot be cut into {} slices",
                self.of
            ));
        }
        let cut = |nth: u64| {
            whole.start + (u128::from(len) * u128::from(nth) / u128::from(self.of)) as u64
        };
        Ok(cut(self.index - 1)..cut(self.index))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text
            .split_once('/')
            .and_then(|(index, of)| Some((index.trim().parse().ok()?, of.trim().parse().ok()?)));
        match numbers {
            Some((index, of)) if 1 <= index && index <= of => Ok(Shard { index, of }),
            _ => Err(format!(
                "{text:?}: expected i/n, such as 3/16, with i from 1 to n"
            )),
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

    #[test]
    fn the_slices_of_a_range_tile_it_and_are_equally_long() {
        for (whole, of) in [(0..10, 3), (7..1_000, 16), (5..9, 4), (0..OPEN - 1, 7)] {
            let slices = (1..=of).map(|index| Shard { index, of }.slice(&whole).unwrap());
            let slices: Vec<_> = slices.collect();
            let lens = slices.iter().map(|slice| slice.end - slice.start);
            let (shortest, longest) = (lens.clone().min().unwrap(), lens.max().unwrap());
            assert!(longest - shortest <= 1 && shortest > 0, "{slices:?}");
            assert!(slices.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!(
                (slices[0].start, slices.last().unwrap().end),
                (whole.start, whole.end)
            );
        }
        assert!(Shard { index: 1, of: 5 }.slice(&(0..4)).is_err());
    }

    #[test]
    fn a_shard_is_one_of_so_many_counted_from_one() {
        assert_eq!("3/16".parse(), Ok(Shard { index: 3, of: 16 }));
        for wrong in ["", "3", "0/4", "5/4", "1/0", "a/b", "1/2/3", "-1/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
