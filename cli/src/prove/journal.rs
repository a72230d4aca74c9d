//! What explorers have said so far, in a file, so that a long run goes on where it was stopped. The file is named by the build: another
//! build begins anew.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use iaxproof_models::{Design, End, Engine, Scenario};
use serde::{Deserialize, Serialize};

use crate::certificate::sources::Build;
use crate::error::Error;
use crate::whole;

use super::child::Told;

/// The answers of earlier runs, and where those of this one go.
pub(super) struct Journal {
    lines: BTreeMap<String, Line>,
    file: Option<(PathBuf, Mutex<File>)>,
}

/// One answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    /// Scenario, design and engine.
    what: String,
    /// How long the explorer might have taken.
    limit_seconds: u64,
    told: Told,
}

impl Journal {
    /// Nothing is remembered.
    pub(super) fn none() -> Self {
        Journal {
            lines: BTreeMap::new(),
            file: None,
        }
    }

    /// What this build has said before in `target/iaxproof-matrix`; nothing where that is not wanted.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be read or written.
    pub(super) fn open(begins_anew: bool) -> Result<Self, Error> {
        let folder = whole::usual_folder("iaxproof-matrix");
        fs::create_dir_all(&folder).map_err(Error::io("cannot make", &folder))?;
        Self::at(
            &folder.join(format!("{}.jsonl", Build::this().key())),
            begins_anew,
        )
    }

    fn at(path: &Path, begins_anew: bool) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        if begins_anew && path.exists() {
            fs::remove_file(path).map_err(Error::io("cannot remove", path))?;
        }
        let text = match path.exists() {
            true => fs::read_to_string(path).map_err(Error::io("cannot read", path))?,
            false => String::new(),
        };
        let mut file = options
            .open(path)
            .map_err(Error::io("cannot write", path))?;
        // The last line of a run that was killed may lack its end.
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")
                .map_err(Error::io("cannot write", path))?;
        }
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let lines = lines.map(|line: Line| (line.what.clone(), line)).collect();
        Ok(Journal {
            lines,
            file: Some((path.to_owned(), Mutex::new(file))),
        })
    }

    /// What was said before. An exploration that its limit stopped counts where it had as long as it has now.
    pub(super) fn said(
        &self,
        scenario: &Scenario,
        design: Design,
        engine: Engine,
        limit: Duration,
    ) -> Option<Told> {
        let line = self.lines.get(&what(scenario, design, engine))?;
        let is_over = !matches!(line.told.exploration.end, End::Stopped(_));
        let had_as_long = line.limit_seconds >= limit.as_secs();
        (is_over || had_as_long).then(|| line.told.clone())
    }

    /// Keeps an answer.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub(super) fn keep(
        &self,
        scenario: &Scenario,
        design: Design,
        engine: Engine,
        limit: Duration,
        told: &Told,
    ) -> Result<(), Error> {
        let Some((path, file)) = &self.file else {
            return Ok(());
        };
        let line = Line {
            what: what(scenario, design, engine),
            limit_seconds: limit.as_secs(),
            told: told.clone(),
        };
        let text = serde_json::to_string(&line).map_err(|e| Error::Broke(e.to_string()))?;
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{text}").map_err(Error::io("cannot write", path))
    }
}

fn what(scenario: &Scenario, design: Design, engine: Engine) -> String {
    format!("{} {} {engine:?}", scenario.name, design.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use iaxproof_models::Exploration;
    use iaxproof_models::explore::Followed;
    use iaxproof_models::scenarios;

    fn told(end: End) -> Told {
        Told {
            exploration: Exploration {
                engine: Engine::Loom,
                executions: 7,
                steps_max: 1,
                threads_max: 2,
                outcomes: BTreeMap::new(),
                followed: Followed::default(),
                end,
            },
            met: Vec::new(),
            token: None,
            seconds: 0.5,
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_was_said_is_read_again_but_for_a_line_that_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let all: Vec<_> = scenarios().take(2).collect();
        let journal = Journal::at(&path, false).unwrap();
        let ended = told(End::Exhausted);
        for scenario in &all {
            let kept = journal.keep(scenario, Design::Shipped, Engine::Loom, MINUTE, &ended);
            kept.unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 9]).unwrap();
        let said = |journal: &Journal, at: usize| {
            journal.said(all[at], Design::Shipped, Engine::Loom, MINUTE)
        };
        let again = Journal::at(&path, false).unwrap();
        assert_eq!(
            said(&again, 0).map(|told| told.exploration.executions),
            Some(7)
        );
        assert!(said(&again, 1).is_none());
        let kept = again.keep(all[1], Design::Shipped, Engine::Loom, MINUTE, &ended);
        kept.unwrap();
        assert!(said(&Journal::at(&path, false).unwrap(), 1).is_some());
        assert!(said(&Journal::at(&path, true).unwrap(), 0).is_none());
    }

    #[test]
    fn what_a_limit_stopped_is_asked_again_with_a_longer_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let scenario = scenarios().next().unwrap();
        let stopped = told(End::Stopped("the time allowed is over".to_owned()));
        let journal = Journal::at(&path, false).unwrap();
        let kept = journal.keep(scenario, Design::Shipped, Engine::Loom, MINUTE, &stopped);
        kept.unwrap();
        let again = Journal::at(&path, false).unwrap();
        let said = |limit| again.said(scenario, Design::Shipped, Engine::Loom, limit);
        assert!(said(MINUTE).is_some());
        assert!(said(2 * MINUTE).is_none());
    }
}
