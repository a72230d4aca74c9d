//! What a plan says about itself: what becomes of it, which goals it reaches, and the trace that it had, with a hash every
//! [`CHECKPOINT_EVENTS`] events, so that a plan that became another story says where it did.

use core::ops::Range;

use serde::{Deserialize, Serialize};

use crate::goals::Goal;
use crate::report::Report;

/// The verdict of a world in which every property holds.
pub const HELD: &str = "held";
/// From one checkpoint of a trace to the next.
pub const CHECKPOINT_EVENTS: u64 = 64;

/// What is expected of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// [`HELD`], or the property that fails.
    pub verdict: String,
    /// The goals that are reached at least, in their words.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "goals")]
    pub goals: Vec<Goal>,
    /// The trace, where one was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<RecordedTrace>,
}

/// The trace of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedTrace {
    /// The plan's engine: a hash is one engine's.
    pub engine: String,
    /// The version that ran it.
    pub version: String,
    /// How many events there were.
    pub events: u64,
    /// The hash of all.
    pub hash: Hash,
    /// The hash after each [`CHECKPOINT_EVENTS`] events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<Hash>,
}

/// A hash, written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub u64);

/// How a run compares with the trace that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is the same.
    StillApplies,
    /// It is another from one of these events on.
    Diverged {
        /// The events, counted from 1, between the last checkpoint that agrees and the first that does not; the end of the longer
        /// run where none is left.
        events: Range<u64>,
        /// Their lines in the report's timeline.
        lines: Range<usize>,
    },
}

impl Expect {
    /// What became of a run, with its trace, as what is expected from now on.
    pub fn of(report: &Report) -> Self {
        Expect {
            verdict: verdict(report).into(),
            goals: report.goals.iter().collect(),
            trace: Some(RecordedTrace::of(report)),
        }
    }

    /// What of the verdict and the goals is not as expected, in words; nothing where all is. The trace is
    /// [`compare`](RecordedTrace::compare)'s.
    pub fn unmet(&self, report: &Report) -> Vec<String> {
        let mut unmet = Vec::new();
        let became = verdict(report);
        if became != self.verdict {
            unmet.push(format!("expected {}, became {became}", self.verdict));
        }
        let missed = self.goals.iter().filter(|goal| !report.goals.has(**goal));
        unmet.extend(missed.map(|goal| format!("goal not reached: {goal}")));
        unmet
    }
}

fn verdict(report: &Report) -> &'static str {
    report
        .failure()
        .map_or(HELD, |failure| failure.violation.property)
}

impl RecordedTrace {
    /// The trace of a run.
    pub fn of(report: &Report) -> Self {
        let checkpoints = report.checkpoints.iter();
        RecordedTrace {
            engine: report.plan.engine.clone(),
            version: super::VERSION.into(),
            events: report.events,
            hash: Hash(report.trace_hash),
            checkpoints: checkpoints.map(|it| Hash(it.hash)).collect(),
        }
    }

    /// Whether a run has this trace, and where it leaves it.
    pub fn compare(&self, report: &Report) -> Comparison {
        let seen = &report.checkpoints;
        let both = self.checkpoints.iter().zip(seen);
        let same = both.take_while(|(was, is)| was.0 == is.hash).count();
        let ends = same == self.checkpoints.len() && same == seen.len();
        if ends && self.hash.0 == report.trace_hash && self.events == report.events {
            return Comparison::StillApplies;
        }
        let first = same as u64 * CHECKPOINT_EVENTS + 1;
        let end = self.events.max(report.events).max(first) + 1;
        let begins = same.checked_sub(1).map_or(0, |before| seen[before].line);
        let lines = report.timeline.as_ref().map_or(begins, Vec::len);
        Comparison::Diverged {
            events: first..end.min(first + CHECKPOINT_EVENTS),
            lines: begins..seen.get(same).map_or(lines, |next| next.line),
        }
    }
}

/// A text that is no hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no hash: expected 16 hexadecimal digits")]
pub struct NoHash(String);

impl TryFrom<String> for Hash {
    type Error = NoHash;

    fn try_from(text: String) -> Result<Self, NoHash> {
        let hash = u64::from_str_radix(&text, 16).ok();
        hash.filter(|_| text.len() == 16)
            .map(Hash)
            .ok_or(NoHash(text))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        format!("{:016x}", hash.0)
    }
}

/// Goals as their words.
mod goals {
    use crate::goals::Goal;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        goals: &[Goal],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(goals.iter().map(|goal| goal.text()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Goal>, D::Error> {
        let texts: Vec<String> = Vec::deserialize(deserializer)?;
        let read = |text: &String| {
            let goal = Goal::ALL.iter().find(|goal| goal.text() == text);
            let unknown = || D::Error::custom(format!("{text:?} is no goal"));
            goal.copied().ok_or_else(unknown)
        };
        texts.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::report::View;
    use crate::sweep::audited;
    use crate::world::run;

    fn recorded(seed: u64) -> Plan {
        let report = run(&Plan::from_seed(seed), View::Hash, audited);
        let expect = Some(Expect::of(&report));
        Plan {
            expect,
            ..report.plan
        }
    }

    #[test]
    fn what_was_recorded_reads_back_and_still_applies() {
        let plan = recorded(3);
        let text = plan.to_string();
        assert_eq!(text.parse(), Ok(plan.clone()), "{text}");
        let expect = plan.expect.as_ref().unwrap();
        let trace = expect.trace.as_ref().unwrap();
        assert!(trace.checkpoints.len() as u64 >= (trace.events - 1) / CHECKPOINT_EVENTS);
        let report = run(&plan, View::Timeline, audited);
        assert_eq!(trace.compare(&report), Comparison::StillApplies);
        assert!(expect.unmet(&report).is_empty());
        // Which were recorded is no part of what was run.
        assert_eq!(report.plan.expect, None);
    }

    #[test]
    fn another_story_diverges_where_it_becomes_another() {
        let mut plan = recorded(3);
        let trace = plan.expect.take().unwrap().trace.unwrap();
        plan.decisions.remove(0);
        let report = run(&plan, View::Timeline, audited);
        let Comparison::Diverged { events, lines } = trace.compare(&report) else {
            panic!("it is another story");
        };
        let nth = usize::try_from((events.start - 1) / CHECKPOINT_EVENTS).unwrap();
        let seen = |nth: usize| report.checkpoints.get(nth).map(|it| it.hash);
        let was = |nth: usize| trace.checkpoints.get(nth).map(|it| it.0);
        assert!((0..nth).all(|nth| was(nth) == seen(nth)));
        assert_ne!(
            (was(nth), Some(trace.hash.0)),
            (seen(nth), Some(report.trace_hash))
        );
        assert!(!lines.is_empty() && lines.end <= report.timeline.unwrap().len());
    }

    #[test]
    fn a_trace_of_which_one_checkpoint_is_another_diverges_there() {
        let plan = recorded(3);
        let mut trace = plan.expect.clone().unwrap().trace.unwrap();
        trace.checkpoints[2].0 ^= 1;
        let report = run(&plan, View::Hash, audited);
        let Comparison::Diverged { events, .. } = trace.compare(&report) else {
            panic!("a hash is another");
        };
        assert_eq!(events, 129..193);
    }

    #[test]
    fn a_goal_that_is_not_reached_and_another_verdict_are_unmet() {
        let plan = recorded(3);
        let report = run(&plan, View::Hash, audited);
        let mut expect = plan.expect.unwrap();
        let mut others = Goal::ALL.iter().filter(|goal| !report.goals.has(**goal));
        let goal = others.next().unwrap();
        expect.goals.push(*goal);
        expect.verdict = "call-ends".into();
        let said = [
            "expected call-ends, became held".to_owned(),
            format!("goal not reached: {goal}"),
        ];
        assert_eq!(expect.unmet(&report), said);
    }
}
