//! What a subcommand found: rows, printed as one table or, with `--json`, as one line of JSON. The zoo reads the same line
//! from the command it has built.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

#[cfg(feature = "evidence")]
use crate::certificate::write::Written;
#[cfg(feature = "soak")]
use crate::table::{Align, Table};

/// How a run, or one row of it, ended. The order is by weight: the verdict of a report is its gravest row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// What was asked holds.
    Held,
    /// A limit stopped the search before it was done.
    Incomplete,
    /// The harness itself did not do its work.
    Broke,
    /// A property failed.
    Failed,
}

impl Verdict {
    /// 0 held, 42 a property failed, 3 incomplete, 1 anything else broke.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Verdict::Held => 0,
            Verdict::Incomplete => 3,
            Verdict::Broke => 1,
            Verdict::Failed => 42,
        })
    }
}

/// One thing that was run.
#[cfg(feature = "soak")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was run: a scenario, a sweep, a file.
    pub(crate) what: String,
    /// Which explorer or engine ran it.
    pub(crate) by: String,
    /// The word for it, in design's sense: `proved`, `tested`, `FAILED`.
    pub(crate) word: String,
    /// What the row does to the exit code.
    pub(crate) verdict: Verdict,
    /// The property that failed, where one did.
    pub(crate) property: Option<String>,
    /// How many executions, worlds or frames.
    pub(crate) count: u64,
    /// What `count` counts.
    pub(crate) unit: String,
    /// Wall-clock time.
    pub(crate) seconds: f64,
    /// The command that shows it again.
    pub(crate) replay: Option<String>,
}

/// Everything that a subcommand ran.
#[cfg(feature = "soak")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The gravest verdict of all rows.
    pub(crate) verdict: Verdict,
    /// In the order in which they are to be read.
    pub(crate) rows: Vec<Row>,
    /// What was proved, where anything was: no row says *proved* without one.
    #[cfg(feature = "evidence")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<Written>,
}

#[cfg(feature = "soak")]
impl Report {
    /// A report of these rows. A report without rows has checked nothing, which is never a pass.
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        let gravest = rows.iter().map(|row| row.verdict).max();
        Report {
            verdict: gravest.unwrap_or(Verdict::Broke),
            rows,
            #[cfg(feature = "evidence")]
            certificate: None,
        }
    }

    /// Prints the table, or one line of JSON.
    pub(crate) fn print(&self, json: bool) {
        if json {
            let line = serde_json::to_string(self).expect("plain strings and numbers serialise");
            println!("{line}");
        } else {
            print!("{}", self.table());
            self.print_replays();
            #[cfg(feature = "evidence")]
            self.print_certificate();
        }
    }

    /// Prints what the certificate is, where there is one.
    #[cfg(feature = "evidence")]
    pub(crate) fn print_certificate(&self) {
        if let Some(certificate) = &self.certificate {
            certificate.print();
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            ("what", Align::Left),
            ("by", Align::Left),
            ("word", Align::Left),
            ("count", Align::Right),
            ("", Align::Left),
            ("time", Align::Right),
        ]);
        for row in &self.rows {
            table.push([
                row.what.clone(),
                row.by.clone(),
                row.word.clone(),
                grouped(row.count),
                row.unit.clone(),
                format!("{:.1} s", row.seconds),
            ]);
        }
        table
    }

    fn print_replays(&self) {
        for row in &self.rows {
            if let Some(replay) = &row.replay {
                println!("  {}: {replay}", row.what);
            }
        }
    }
}

/// A number with its thousands apart: `28,519`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let shown = [0, 999, 1_000, 28_519, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "28,519", "1,234,567"]);
    }

    #[test]
    #[cfg(feature = "soak")]
    fn a_report_without_rows_is_no_pass() {
        assert_eq!(Report::new(Vec::new()).verdict, Verdict::Broke);
    }

    #[test]
    fn a_failure_outweighs_what_is_incomplete() {
        let gravest = [
            Verdict::Held,
            Verdict::Failed,
            Verdict::Incomplete,
            Verdict::Broke,
        ];
        assert_eq!(gravest.into_iter().max(), Some(Verdict::Failed));
    }
}
