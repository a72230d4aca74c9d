//! One scenario under both explorers, and what that makes of it.

use iaxproof_models::proof::{self, Word};
use iaxproof_models::{Design, End, Engine, Exploration, Finding, Scenario};

use crate::report::{Row, Verdict};

use super::child::{Lost, Told};

/// What both explorers said of one scenario on one design.
pub(crate) struct Proof {
    pub(crate) scenario: &'static Scenario,
    pub(crate) design: Design,
    pub(crate) loom: Result<Told, Lost>,
    pub(crate) shuttle: Result<Told, Lost>,
}

/// A failure that an explorer found.
pub(crate) struct Failure<'a> {
    pub(crate) engine: Engine,
    pub(crate) told: &'a Told,
    pub(crate) finding: &'a Finding,
}

impl Proof {
    /// What the explorers found, loom first.
    pub(crate) fn failures(&self) -> impl Iterator<Item = Failure<'_>> {
        [(Engine::Loom, &self.loom), (Engine::Shuttle, &self.shuttle)]
            .into_iter()
            .filter_map(|(engine, told)| {
                let told = told.as_ref().ok()?;
                match &told.exploration.end {
                    End::Failed(finding) => Some(Failure {
                        engine,
                        told,
                        finding,
                    }),
                    End::Exhausted | End::Stopped(_) => None,
                }
            })
    }

    /// What the explorers saw, of those that said something.
    pub(crate) fn explorations(&self) -> impl Iterator<Item = &Exploration> {
        let told = [&self.loom, &self.shuttle].into_iter().flatten();
        told.map(|told| &told.exploration)
    }

    /// The word where nothing failed, and what it does to the exit code. A child that died is never a pass.
    pub(crate) fn word(&self) -> (String, Verdict) {
        let (loom, shuttle) = match (&self.loom, &self.shuttle) {
            (Ok(loom), Ok(shuttle)) => (loom, shuttle),
            (Err(lost), _) => return lost_word("loom", lost),
            (_, Err(lost)) => return lost_word("shuttle", lost),
        };
        let word = proof::word(
            self.scenario,
            self.design,
            &loom.exploration,
            Some(&shuttle.exploration),
        );
        let verdict = match &word {
            Word::Proved | Word::ExhaustedByLoomAlone | Word::Bounded(_) => Verdict::Held,
            Word::Incomplete(_) => Verdict::Incomplete,
            // Outcomes that differ are no property of the design: the harness has lost something.
            Word::Failed(_) if self.failures().next().is_none() => Verdict::Broke,
            Word::Failed(_) => Verdict::Failed,
        };
        (word.to_string(), verdict)
    }

    /// The explorers that found a failure, as `loom, shuttle`.
    pub(crate) fn engines_that_failed(&self) -> String {
        let names: Vec<&str> = self.failures().map(|f| engine_name(f.engine)).collect();
        names.join(", ")
    }

    /// One row, or one for each explorer that found a failure.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let failed: Vec<Row> = self.failures().map(|f| self.failed_row(&f)).collect();
        if failed.is_empty() {
            vec![self.row()]
        } else {
            failed
        }
    }

    fn row(&self) -> Row {
        let (word, verdict) = self.word();
        let told: Vec<&Told> = [&self.loom, &self.shuttle].into_iter().flatten().collect();
        Row {
            what: self.name(),
            by: "loom, shuttle".to_owned(),
            word,
            verdict,
            property: None,
            count: told.iter().map(|told| told.exploration.executions).sum(),
            unit: "executions".to_owned(),
            seconds: told.iter().map(|told| told.seconds).sum(),
            replay: None,
        }
    }

    fn failed_row(&self, failure: &Failure<'_>) -> Row {
        Row {
            what: self.name(),
            by: engine_name(failure.engine).to_owned(),
            word: format!("FAILED {}", failure.finding.property),
            verdict: Verdict::Failed,
            property: Some(failure.finding.property.clone()),
            count: failure.told.exploration.executions,
            unit: "executions".to_owned(),
            seconds: failure.told.seconds,
            replay: Some(self.replay(failure)),
        }
    }

    /// The command that shows a failure again: its token, or the proof itself where only loom's memory model shows it.
    pub(crate) fn replay(&self, failure: &Failure<'_>) -> String {
        match &failure.told.token {
            Some(token) => format!("iaxproof replay {token}"),
            None => format!(
                "iaxproof prove {} --design {}",
                self.scenario.name,
                self.design.name()
            ),
        }
    }

    /// The scenario, and its design where it is not the one that ships.
    pub(crate) fn name(&self) -> String {
        match self.design {
            Design::Shipped => self.scenario.name.to_owned(),
            other => format!("{} ({})", self.scenario.name, other.name()),
        }
    }
}

/// The name of an explorer in reports.
pub(crate) fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Loom => "loom",
        Engine::Shuttle => "shuttle",
    }
}

fn lost_word(engine: &str, lost: &Lost) -> (String, Verdict) {
    match lost {
        Lost::Broke(how) => (format!("BROKE: {engine}'s child: {how}"), Verdict::Broke),
        Lost::TimedOut => (
            format!("INCOMPLETE: {engine}'s child did not end"),
            Verdict::Incomplete,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iaxproof_models::explore::Followed;
    use iaxproof_models::scenarios;

    fn told(engine: Engine, end: End) -> Result<Told, Lost> {
        let scenario = scenarios().next().unwrap();
        let outcomes = scenario.outcomes.iter().map(|o| ((*o).to_owned(), 1));
        Ok(Told {
            met: Vec::new(),
            exploration: Exploration {
                engine,
                executions: 7,
                steps_max: 1,
                threads_max: scenario.threads,
                outcomes: outcomes.collect(),
                followed: Followed::default(),
                end,
            },
            token: None,
            seconds: 0.5,
        })
    }

    fn finding() -> End {
        End::Failed(Finding {
            property: "no-leak".to_owned(),
            message: "m".to_owned(),
            trace_hash: 0,
            table: String::new(),
            choices: Vec::new(),
        })
    }

    fn verdict(loom: Result<Told, Lost>, shuttle: Result<Told, Lost>) -> Verdict {
        let proof = Proof {
            scenario: scenarios().next().unwrap(),
            design: Design::Shipped,
            loom,
            shuttle,
        };
        let rows = proof.rows();
        rows.iter().map(|row| row.verdict).max().unwrap()
    }

    #[test]
    fn a_child_that_is_lost_is_never_a_pass() {
        let loom = |end| told(Engine::Loom, end);
        let shuttle = |end| told(Engine::Shuttle, end);
        let exhausted = || End::Exhausted;
        assert_eq!(
            verdict(loom(exhausted()), shuttle(exhausted())),
            Verdict::Held
        );
        let broke = || Err(Lost::Broke("signal 6".to_owned()));
        assert_eq!(verdict(broke(), shuttle(exhausted())), Verdict::Broke);
        assert_eq!(verdict(loom(exhausted()), broke()), Verdict::Broke);
        let late = verdict(Err(Lost::TimedOut), shuttle(exhausted()));
        assert_eq!(late, Verdict::Incomplete);
        assert_eq!(verdict(broke(), shuttle(finding())), Verdict::Failed);
        let stopped = loom(End::Stopped("time".to_owned()));
        assert_eq!(verdict(stopped, shuttle(exhausted())), Verdict::Incomplete);
    }

    #[test]
    fn outcomes_that_differ_from_the_table_are_no_pass() {
        let mut loom = told(Engine::Loom, End::Exhausted).unwrap();
        loom.exploration.outcomes.insert("another".to_owned(), 1);
        let verdict = verdict(Ok(loom), told(Engine::Shuttle, End::Exhausted));
        assert_eq!(verdict, Verdict::Broke);
    }
}
