//! A range of seeds on the command line: `A..B`, without B.

use std::ops::Range;
use std::str::FromStr;

/// At least one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?}: expected A..B, such as 0..10000, with A below B");
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
        match (number(from), number(to)) {
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
        for wrong in ["", "7", "5..5", "6..5", "a..b", "1...2", "-1..2"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }
}
