//! The report of a soak: what broke, what was done, what is left, and the memory.

use std::any::Any;

use super::SoakArgs;
use super::memory::{Judgement, Memory};
use super::remains::{Objects, Remains};
use super::tally::{Count, Failure, Tally};
use crate::report::{Report, Row, Verdict};

/// Lines of the ledger that are printed: of many leaks one is as good as another.
const REPORT_LINES_MAX: usize = 100;

/// How a soak ended.
#[derive(Debug)]
pub(super) struct Ended {
    counts: Vec<(Count, u64)>,
    failure: Option<Failure>,
    memory: Memory,
    /// What is left; nobody knows where a thread did not end.
    pub(super) remains: Option<Remains>,
    seconds: f64,
}

/// What a row says.
struct Word {
    word: &'static str,
    verdict: Verdict,
    property: Option<&'static str>,
}

const TESTED: Word = Word::held("tested");

impl Word {
    const fn held(word: &'static str) -> Self {
        Word {
            word,
            verdict: Verdict::Held,
            property: None,
        }
    }

    const fn incomplete(word: &'static str) -> Self {
        Word {
            verdict: Verdict::Incomplete,
            ..Word::held(word)
        }
    }

    const fn failed(property: &'static str) -> Self {
        Word {
            word: "FAILED",
            verdict: Verdict::Failed,
            property: Some(property),
        }
    }
}

impl Ended {
    pub(super) fn new(
        tally: &Tally,
        failure: Option<Failure>,
        memory: Memory,
        seconds: f64,
    ) -> Self {
        Ended {
            counts: Count::ALL.map(|count| (count, tally.of(count))).into(),
            failure,
            memory,
            remains: None,
            seconds,
        }
    }

    /// Somebody panicked when the threads had ended. What broke before comes first.
    pub(super) fn broke(&mut self, who: &str, payload: &(dyn Any + Send)) {
        self.failure
            .get_or_insert_with(|| Failure::panic(who, payload));
    }

    /// The table. What broke is told on standard error, in words.
    pub(super) fn report(&self, args: &SoakArgs) -> Report {
        let mut rows = vec![self.whole()];
        rows.extend(
            self.counts
                .iter()
                .map(|(count, done)| self.done(*count, *done)),
        );
        rows.extend(self.remains.iter().flat_map(|remains| self.left(remains)));
        rows.extend(self.memory());
        for row in &mut rows {
            row.by = format!(
                "{} workers, {} peers, {}",
                args.workers,
                args.peers,
                args.family.word()
            );
            if row.verdict == Verdict::Failed {
                row.replay = Some(args.line());
            }
        }
        Report::new(rows)
    }

    fn row(&self, what: &str, count: u64, unit: &str, word: Word) -> Row {
        Row {
            what: what.to_owned(),
            by: String::new(),
            word: word.word.to_owned(),
            verdict: word.verdict,
            property: word.property.map(str::to_owned),
            count,
            unit: unit.to_owned(),
            seconds: self.seconds,
            replay: None,
        }
    }

    fn whole(&self) -> Row {
        let operations = self.counts.iter().map(|(_, done)| done).sum();
        let word = match &self.failure {
            Some(Failure { property, message }) => {
                eprintln!("{property}: {message}");
                Word::failed(property)
            }
            None => TESTED,
        };
        self.row("soak", operations, "operations", word)
    }

    /// What was never done was not tested.
    fn done(&self, count: Count, done: u64) -> Row {
        let word = match (done, &self.failure) {
            (0, None) => Word::incomplete("NEVER"),
            _ => TESTED,
        };
        self.row(count.word(), done, "", word)
    }

    fn left(&self, remains: &Remains) -> Vec<Row> {
        let of = |what: &str, count: usize| {
            let word = match count {
                0 => TESTED,
                _ => Word::failed("no-leak"),
            };
            self.row(what, count as u64, "left", word)
        };
        let mut rows = vec![
            of("names at the end", remains.entries),
            of("address hints at the end", remains.hints),
            of("dialogues counted at the end", remains.dialogues),
        ];
        if let Some(Objects { count, report }) = &remains.objects {
            for line in report.lines().take(REPORT_LINES_MAX) {
                eprintln!("{line}");
            }
            rows.push(of("objects at the end", *count));
        }
        rows
    }

    fn memory(&self) -> Vec<Row> {
        let at = |percent: usize| Some((percent, self.memory.at(percent)?));
        let samples = [0, 25, 50, 100].into_iter().filter_map(at);
        let mut rows: Vec<Row> = samples
            .map(|(percent, kib)| {
                let what = format!("memory at {percent} %");
                self.row(&what, kib, "KiB", Word::held("measured"))
            })
            .collect();
        let word = match self.memory.judge() {
            Judgement::Flat => Word::held("flat"),
            Judgement::Grows => Word::failed("memory-flat"),
            Judgement::Unknown => Word::incomplete("INCOMPLETE"),
        };
        if word.verdict == Verdict::Incomplete {
            eprintln!("memory was not judged: no /proc/self/status, or the soak ended too soon");
        }
        rows.push(self.row("memory, last quarter", self.memory.len(), "samples", word));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::FamilyName;

    const ARGS: SoakArgs = SoakArgs {
        minutes: 0.5,
        workers: 2,
        peers: 8,
        seed: 3,
        family: FamilyName::Audited,
    };

    fn ended() -> Ended {
        let tally = Tally::default();
        Count::ALL.into_iter().for_each(|count| tally.note(count));
        let flat = Memory::of((0..20).map(|_| 20_000));
        Ended {
            remains: Some(Remains {
                objects: Some(Objects::default()),
                ..Remains::default()
            }),
            ..Ended::new(&tally, None, flat, 30.0)
        }
    }

    /// The verdict, and the properties that failed.
    fn judged(ended: &Ended) -> (Verdict, Vec<String>) {
        let report = ended.report(&ARGS);
        let rows = report.rows.iter();
        let failed = rows.filter(|row| row.verdict == Verdict::Failed);
        let properties = failed.filter_map(|row| row.property.clone()).collect();
        (report.verdict, properties)
    }

    #[test]
    fn a_soak_that_left_nothing_holds() {
        assert_eq!(judged(&ended()), (Verdict::Held, vec![]));
    }

    #[test]
    fn whatever_is_left_is_a_failure() {
        let leaks = [
            Remains {
                hints: 1,
                ..Remains::default()
            },
            Remains {
                entries: 1,
                ..Remains::default()
            },
            Remains {
                dialogues: 1,
                ..Remains::default()
            },
            Remains {
                objects: Some(Objects {
                    count: 1,
                    report: String::new(),
                }),
                ..Remains::default()
            },
        ];
        for remains in leaks {
            let leaky = Ended {
                remains: Some(remains),
                ..ended()
            };
            assert_eq!(judged(&leaky), (Verdict::Failed, vec!["no-leak".into()]));
        }
    }

    #[test]
    fn memory_that_grows_fails_and_memory_that_nobody_saw_is_incomplete() {
        let grows = Ended {
            memory: Memory::of((0..20).map(|at| 20_000 + 2_000 * at)),
            ..ended()
        };
        assert_eq!(
            judged(&grows),
            (Verdict::Failed, vec!["memory-flat".into()])
        );
        let unseen = Ended {
            memory: Memory::default(),
            ..ended()
        };
        assert_eq!(judged(&unseen), (Verdict::Incomplete, vec![]));
    }

    #[test]
    fn what_broke_is_named_and_the_command_with_it() {
        let broke = Ended {
            failure: Some(Failure {
                property: "no-panic",
                message: String::new(),
            }),
            ..ended()
        };
        assert_eq!(judged(&broke), (Verdict::Failed, vec!["no-panic".into()]));
        let line = "iaxproof soak --minutes 0.5 --workers 2 --peers 8 --seed 3 --family audited";
        assert_eq!(broke.report(&ARGS).rows[0].replay.as_deref(), Some(line));
    }

    #[test]
    fn what_was_never_done_was_not_tested() {
        let idle = Ended {
            counts: vec![(Count::Calls, 0)],
            ..ended()
        };
        assert_eq!(judged(&idle), (Verdict::Incomplete, vec![]));
    }
}
