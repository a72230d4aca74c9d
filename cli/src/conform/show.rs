//! What is printed: a line for each check and, where one does not pass, what was expected and the datagrams; or one line of
//! JSON; or the list of all checks.

use core::net::SocketAddr;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::check::{Check, Verdict};
use super::run::Judged;
use crate::table::{Align, Table};

/// All that was tried, at one target.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) target: SocketAddr,
    /// The gravest of all.
    pub(super) verdict: Verdict,
    pub(super) counts: Counts,
    pub(super) seconds: f64,
    pub(super) checks: Vec<Judged>,
}

/// How many came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) pass: usize,
    pub(super) skipped: usize,
    pub(super) warning: usize,
    pub(super) fail: usize,
    pub(super) broke: usize,
}

impl Counts {
    fn of(checks: &[Judged]) -> Self {
        let of = |verdict| checks.iter().filter(|it| it.verdict == verdict).count();
        Counts {
            pass: of(Verdict::Pass),
            skipped: of(Verdict::Skipped),
            warning: of(Verdict::Warning),
            fail: of(Verdict::Fail),
            broke: of(Verdict::Broke),
        }
    }
}

impl Report {
    /// Of these checks. Where none was tried, nothing passed.
    pub(super) fn new(target: SocketAddr, seconds: f64, checks: Vec<Judged>) -> Self {
        let verdicts = checks.iter().map(|judged| judged.verdict);
        let tried = verdicts.filter(|verdict| *verdict != Verdict::Skipped);
        Report {
            target,
            verdict: tried.max().unwrap_or(Verdict::Skipped),
            counts: Counts::of(&checks),
            seconds,
            checks,
        }
    }

    /// Prints it for people, or for programs.
    pub(super) fn print(&self, json: bool) {
        if json {
            let line = serde_json::to_string(self).expect("plain strings and numbers serialise");
            println!("{line}");
            return;
        }
        for judged in &self.checks {
            print!("{}", lines(judged));
        }
        println!("{}", self.sum());
    }

    fn sum(&self) -> String {
        let Counts {
            pass,
            skipped,
            warning,
            fail,
            broke,
        } = self.counts;
        let mut sum = format!(
            "{}: {} checks in {:.1} s: {pass} passed, {fail} failed, {warning} warned, {skipped} skipped",
            self.target,
            self.checks.len(),
            self.seconds
        );
        if broke > 0 {
            sum += &format!(", {broke} broke");
        }
        sum
    }
}

/// The line of a check, and what did not pass with its datagrams.
fn lines(judged: &Judged) -> String {
    let Judged {
        check,
        verdict,
        reason,
        frames,
        ..
    } = judged;
    let mut lines = format!(
        "{:<8} {:<11} {}\n",
        verdict.word(),
        check.id,
        check.statement
    );
    if let Some(reason) = reason {
        lines += &format!("         {reason} ({})\n", check.source());
    }
    if *verdict > Verdict::Skipped {
        for frame in frames {
            lines += &format!("         {frame}\n");
        }
    }
    lines
}

/// What there is to choose from.
pub(super) fn list(checks: &[&'static Check], json: bool) {
    if json {
        let lines: Vec<Listed> = checks.iter().map(|check| Listed(check)).collect();
        let line = serde_json::to_string(&lines).expect("plain strings serialise");
        println!("{line}");
        return;
    }
    let mut table = Table::new([
        ("check", Align::Left),
        ("level", Align::Left),
        ("", Align::Left),
        ("statement", Align::Left),
    ]);
    for check in checks {
        let slow = if check.is_slow { "slow" } else { "" };
        table.push([check.id, check.level.word(), slow, check.statement].map(str::to_owned));
    }
    print!("{table}");
    println!("{} checks", checks.len());
}

struct Listed(&'static Check);

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        check(&self.0, serializer)
    }
}

/// A check as an object.
pub(super) fn check<S: Serializer>(
    check: &&'static Check,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("id", check.id)?;
    map.serialize_entry("section", check.section())?;
    map.serialize_entry("source", &check.source())?;
    map.serialize_entry("level", check.level.word())?;
    map.serialize_entry("statement", check.statement)?;
    map.serialize_entry("covers", &check.rows().collect::<Vec<_>>())?;
    map.serialize_entry("slow", &check.is_slow)?;
    map.end()
}
