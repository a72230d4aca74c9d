//! What is counted of the registrations.

use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::time::Instant;

use super::dialogue::Outcome;

/// Refusals that are told apart: a server may say something else each time.
const REFUSALS_MAX: usize = 64;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// When each was granted.
    pub(super) granted: Vec<Instant>,
    /// How long each took that was granted.
    pub(super) latencies: Vec<Duration>,
    /// Granted without a challenge.
    pub(super) unchallenged: u64,
    /// How many were refused, by the reason.
    pub(super) refusals: BTreeMap<String, u64>,
    /// Datagrams that were sent before.
    pub(super) retransmissions: u64,
    /// Datagrams that came.
    pub(super) heard: u64,
    /// Those that are no full frame.
    pub(super) strange: u64,
}

impl Tally {
    /// A registration ended.
    pub(super) fn note(&mut self, now: Instant, began: Instant, outcome: Outcome) {
        match outcome {
            Outcome::Granted { was_challenged } => {
                self.granted.push(now);
                self.latencies.push(now.saturating_since(began));
                self.unchallenged += u64::from(!was_challenged);
            }
            Outcome::Refused(why) => {
                let is_new = !self.refusals.contains_key(&why);
                let is_full = is_new && self.refusals.len() >= REFUSALS_MAX;
                let why = if is_full {
                    "other reasons".to_owned()
                } else {
                    why
                };
                *self.refusals.entry(why).or_default() += 1;
            }
        }
    }

    /// Registrations that ended.
    pub(super) fn ended(&self) -> u64 {
        self.granted.len() as u64 + self.refused()
    }

    /// Those of them that were not granted.
    pub(super) fn refused(&self) -> u64 {
        self.refusals.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart_up_to_a_limit() {
        let mut tally = Tally::default();
        for i in 0..REFUSALS_MAX + 9 {
            let why = Outcome::Refused(format!("REGREJ, {i}"));
            tally.note(Instant::ZERO, Instant::ZERO, why);
        }
        assert_eq!(tally.refusals.len(), REFUSALS_MAX + 1);
        assert_eq!(tally.refusals["other reasons"], 9);
        assert_eq!(tally.ended(), (REFUSALS_MAX + 9) as u64);
    }
}
