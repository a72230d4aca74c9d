//! How long a sweep may take, on the command line: `90s`, `10m`, `2h`.

use std::str::FromStr;
use std::time::Duration;

/// The units, and their seconds.
const UNITS: [(char, u64); 3] = [('s', 1), ('m', 60), ('h', 3_600)];

/// The longest budget, in seconds: a year.
const SECONDS_MAX: u64 = 365 * 24 * 3_600;

/// Some wall-clock time, at least a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget(pub(crate) Duration);

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = UNITS.iter().find_map(|(unit, seconds)| {
            let number = text.trim().strip_suffix(*unit)?;
            number.parse::<u64>().ok()?.checked_mul(*seconds)
        });
        match seconds {
            Some(seconds) if (1..=SECONDS_MAX).contains(&seconds) => {
                Ok(Budget(Duration::from_secs(seconds)))
            }
            _ => Err(format!(
                "{text:?}: expected a whole number of seconds, minutes or hours, such as 90s, 10m or 2h, a year at most"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_has_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7_200), (" 1s ", 1)] {
            let budget = Budget(Duration::from_secs(seconds));
            assert_eq!(text.parse(), Ok(budget), "{text}");
        }
        let wrong = [
            "",
            "10",
            "m",
            "0s",
            "1.5h",
            "-1s",
            "10 m",
            "1d",
            "9000h",
            "99999999999999999h",
        ];
        for wrong in wrong {
            let refused = wrong.parse::<Budget>().unwrap_err();
            assert!(refused.contains("90s, 10m or 2h"), "{wrong}: {refused}");
        }
    }
}
