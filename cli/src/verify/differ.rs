//! Where a certificate and this build differ: which scenario, which field, what was expected, what was seen.

use std::collections::BTreeMap;

use serde::Serialize;
use toml::Value;

use crate::certificate::sources::Build;
use crate::certificate::{Certificate, Ended, Entry};
use crate::prove::{CAVEATS, Proof};
use crate::report::{Row, Verdict};

use super::VerifyArgs;

/// One field that is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// As in the file: `loom.executions`.
    field: String,
    /// What the certificate says.
    expected: String,
    /// What is here.
    seen: String,
}

impl Difference {
    fn word(&self) -> String {
        let Difference {
            field,
            expected,
            seen,
        } = self;
        format!("DIFFERS: {field}: expected {expected}, seen {seen}")
    }
}

/// What certificate and command were built from, and what both say that they do not cover, where it is not the same.
pub(super) fn build(certificate: &Certificate) -> Vec<Difference> {
    let caveats = |said: &[String]| BTreeMap::from([("caveats", said.to_vec())]);
    let ours = CAVEATS.map(str::to_owned);
    [
        differences(&certificate.build, &Build::this()),
        differences(&caveats(&certificate.caveats), &caveats(&ours)),
    ]
    .concat()
}

/// A sentence on what is compared.
pub(super) fn compared(build: &[Difference], other_sources: bool) -> String {
    let all = "counts, outcomes and words";
    let told = |d: &Difference| format!("  {}: {}, here {}\n", d.field, d.expected, d.seen);
    let list: String = build.iter().map(told).collect();
    let sources = build.iter().any(is_of_sources);
    match (sources, build.is_empty()) {
        (false, true) => format!("The same build. Compared: {all}.\n"),
        (false, false) => format!(
            "ANOTHER TOOLCHAIN, the same sources. Compared: {all}, which are no compiler's.\n{list}"
        ),
        (true, _) if other_sources => {
            format!("OTHER SOURCES, as was said. Compared: {all} alone.\n{list}")
        }
        (true, _) => format!(
            "OTHER SOURCES: this certificate is of other code than this command. Compared: {all} too; \
             with --other-sources, these alone.\n{list}"
        ),
    }
}

/// The compiler decides nothing that is compared.
fn is_of_sources(difference: &Difference) -> bool {
    difference.field != "toolchain"
}

/// A row for each difference that makes the certificate one of other code.
pub(super) fn build_rows(build: &[Difference], args: &VerifyArgs) -> Vec<Row> {
    let judged = build.iter().filter(|difference| is_of_sources(difference));
    let command = format!("iaxproof verify {}", args.certificate.display());
    judged
        .map(|difference| row("build", difference.word(), Verdict::Failed, &command))
        .collect()
}

/// The row of a scenario that this build has not.
pub(super) fn gone(entry: &Entry, args: &VerifyArgs) -> Row {
    let difference = Difference {
        field: "name".to_owned(),
        expected: format!("{} on {}", entry.name, entry.design.name()),
        seen: "no such scenario".to_owned(),
    };
    row(
        &entry.name,
        difference.word(),
        Verdict::Failed,
        &command(entry, args),
    )
}

/// What became of one scenario: a row that it is met, or one for each difference.
pub(super) fn rows(entry: &Entry, proof: &Proof, args: &VerifyArgs) -> Vec<Row> {
    let (word, verdict) = proof.word();
    let seen = Entry::of(proof);
    let own = proof.rows();
    let with = |word: String, verdict, again: String| Row {
        what: proof.name(),
        count: own.iter().map(|row| row.count).sum(),
        unit: "executions".to_owned(),
        seconds: own.iter().map(|row| row.seconds).sum(),
        by: "loom, shuttle".to_owned(),
        ..row("", word, verdict, &again)
    };
    if matches!(verdict, Verdict::Incomplete | Verdict::Broke) {
        return vec![with(word, verdict, command(entry, args))];
    }
    if let Some(cut) = cut_short(entry, &seen) {
        return vec![with(cut, Verdict::Incomplete, command(entry, args))];
    }
    // A failure has a token of its own, which shows more than the certificate.
    let again = proof
        .failures()
        .next()
        .map(|failure| proof.replay(&failure));
    let again = again.unwrap_or_else(|| command(entry, args));
    let differing = differences(&comparable(entry, &seen), &comparable(&seen, entry));
    let judged = differing
        .iter()
        .filter(|it| !(args.other_sources && it.field.starts_with("source")));
    let rows: Vec<Row> = judged
        .map(|it| with(it.word(), Verdict::Failed, again.clone()))
        .collect();
    match rows.is_empty() {
        true => vec![Row {
            replay: None,
            ..with(format!("met: {word}"), Verdict::Held, String::new())
        }],
        false => rows,
    }
}

/// Where this run did not get to the end that the certificate says, nothing differs, and nothing is met.
fn cut_short(entry: &Entry, seen: &Entry) -> Option<String> {
    let cut = entry.shuttle.end == Ended::Exhausted && seen.shuttle.end == Ended::Stopped;
    cut.then(|| "INCOMPLETE: shuttle was stopped, in the certificate it came to its end".to_owned())
}

/// The entry without what the clock decides: where a limit stopped the second explorer in one of the two, its end and what
/// follows from it.
fn comparable(entry: &Entry, other: &Entry) -> Entry {
    let stopped = [entry, other]
        .iter()
        .any(|it| it.shuttle.end == Ended::Stopped);
    let mut entry = entry.clone();
    if stopped {
        entry.shuttle = entry.shuttle.without_counts();
        if entry.word == "proved" {
            "exhausted by loom alone".clone_into(&mut entry.word);
        }
    }
    entry
}

fn command(entry: &Entry, args: &VerifyArgs) -> String {
    let other = match args.other_sources {
        true => " --other-sources",
        false => "",
    };
    format!(
        "iaxproof verify {} {}{other}",
        args.certificate.display(),
        entry.name
    )
}

fn row(what: &str, word: String, verdict: Verdict, again: &str) -> Row {
    Row {
        what: what.to_owned(),
        by: "verify".to_owned(),
        word,
        verdict,
        property: None,
        count: 0,
        unit: String::new(),
        seconds: 0.0,
        replay: Some(again.to_owned()),
    }
}

/// Every field of one that the other has not, or has otherwise.
fn differences<T: Serialize>(expected: &T, seen: &T) -> Vec<Difference> {
    let (expected, seen) = (fields(expected), fields(seen));
    let names = expected
        .keys()
        .chain(seen.keys().filter(|name| !expected.contains_key(*name)));
    let value =
        |of: &BTreeMap<String, String>, name| of.get(name).cloned().unwrap_or("nothing".to_owned());
    let both = names.map(|name| Difference {
        field: name.clone(),
        expected: value(&expected, name),
        seen: value(&seen, name),
    });
    both.filter(|it| it.expected != it.seen).collect()
}

/// Each field by its path, as the file has it.
fn fields<T: Serialize>(of: &T) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let value = Value::try_from(of).expect("plain strings and numbers serialise");
    flatten("", &value, &mut all);
    all
}

fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let Value::Table(table) = value else {
        into.insert(path.to_owned(), value.to_string());
        return;
    };
    for (name, value) in table {
        let path = match path {
            "" => name.clone(),
            _ => format!("{path}.{name}"),
        };
        flatten(&path, value, into);
    }
}
