//! `docs/conform.md`, a line for each check, written from the table so that it cannot say anything else.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::check::Check;
use super::{checks, select};

/// What a chapter is about.
const CHAPTERS: &[(&str, &str)] = &[
    ("6", "What need not be"),
    ("6.1", "Registration"),
    ("6.2", "Setting up and ending a call"),
    ("6.3", "Call control"),
    ("6.4", "In mid-call"),
    ("6.5", "Transfer"),
    ("6.7", "Probes"),
    ("6.8", "Dialling"),
    ("6.9", "Acknowledgements and refusals"),
    ("6.10", "Media messages"),
    ("7", "Reliable delivery"),
    ("7.2", "Timers"),
    ("7.4", "Encryption"),
    ("8.1", "Frames"),
    ("8.2", "Frame types"),
    ("8.6", "Information elements"),
    ("9.6", "A call as an example"),
    ("10", "Security"),
    ("12", "Implementation"),
    ("X-CALL", "Calls, as deployed peers make them"),
    ("X-ENC", "Encryption, likewise"),
    ("X-FRM", "Frames, likewise"),
    ("X-IE", "Information elements, likewise"),
    ("X-INV", "INVAL, likewise"),
    ("X-MISC", "The rest, likewise"),
    ("X-NUM", "Call numbers, likewise"),
    ("X-POKE", "POKE, likewise"),
    ("X-REG", "Registration, likewise"),
    ("X-SEQ", "Sequence numbers, likewise"),
    ("X-TOK", "Call tokens, likewise"),
    ("X-TX", "Transfer, likewise"),
];

/// `6.1` of `6.1.2`, `7` of `7`.
fn chapter(check: &Check) -> String {
    let parts: Vec<&str> = check.section().split('.').take(2).collect();
    parts.join(".")
}

fn title(chapter: &str) -> &'static str {
    let found = CHAPTERS.iter().find(|(name, _)| *name == chapter);
    found
        .map(|(_, title)| *title)
        .unwrap_or_else(|| panic!("{chapter} has no title"))
}

/// The page.
fn page() -> String {
    let all = select::select(checks::all(), &[], &[]).unwrap();
    let rows: BTreeSet<&str> = all.iter().flat_map(|check| check.rows()).collect();
    let mut out = format!(
        "# `iaxproof conform`: {} checks of {} requirements\n\n\
         Written from the table in `cli/src/conform/checks` by a test; `UPDATE_PAGES=1 cargo test -p iaxproof-cli --bin iaxproof page` \
         writes it anew.\n\n\
         An id is a section of RFC 5456 and a number: `6.1.2-5` is the fifth statement with MUST, SHOULD or MAY there, `6.1.4-i2` the second \
         one without such a word. A letter tells several checks of one statement apart. Ids that begin with `X-` are of what is not in the \
         RFC and what deployed peers need; their levels are ours. Where a MUST is not met, the check fails; where a SHOULD is not met, \
         it warns; where the target does what Asterisk does against the RFC, it warns too and says so. *Slow* checks wait for timers of the \
         target, which `--quick` leaves out.\n",
        all.len(),
        rows.len()
    );
    for group in all.chunk_by(|a, b| chapter(a) == chapter(b)) {
        section(&mut out, group);
    }
    asterisk(&mut out, &all);
    out
}

/// What was seen of the implementation that all others follow.
fn asterisk(out: &mut String, all: &[&Check]) {
    out.push_str(
        "\n## Asterisk 22.10.1\n\n\
         Of all checks it passes 264, warns in 17 or 18, and fails these, whose failure says so. The server was fetched and judged by \
         `ASTERISK=1 cargo test -p iaxproof-cli --test foreign asterisk`.\n\n| check | instead |\n| --- | --- |\n",
    );
    for (check, what) in all
        .iter()
        .filter_map(|check| Some((check, check.asterisk?)))
    {
        writeln!(out, "| `{}` | {what} |", check.id).unwrap();
    }
    out.push_str(
        "\nSeen besides: one of `X-FRM-6b`, `X-FRM-8` and `X-FRM-10c` failed in five of nine runs, each time for an answer that did not come \
         while other checks ran; two of nine runs ended it by a segmentation fault, which was not reduced to a frame. `7.4-1h` failed in \
         two of four: what its key makes of any octets is a frame to it, and at times one that it answers. It lets itself be transferred, and \
         asks nobody to transfer.\n",
    );
}

fn section(out: &mut String, group: &[&Check]) {
    let chapter = chapter(group[0]);
    writeln!(out, "\n## {chapter} {}\n", title(&chapter)).unwrap();
    out.push_str("| check | level | statement | shows too |\n| --- | --- | --- | --- |\n");
    for check in group {
        let slow = if check.is_slow { ", slow" } else { "" };
        writeln!(
            out,
            "| `{}` | {}{slow} | {} | {} |",
            check.id,
            check.level.word(),
            check.statement,
            check.covers.join(", ")
        )
        .unwrap();
    }
}

/// Sources whose comments name rules.
const SOURCES: [&str; 6] = ["src", "sim", "models", "cli/src", "tests", "cli/tests"];

/// The ids of rules that are not in the RFC, as `X-REG-3`, in a text.
fn ids(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let of = |word: &str| {
        let mut parts = word.strip_prefix("X-")?.splitn(3, '-');
        let (kind, number) = (parts.next()?, parts.next()?);
        let digits = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let is_kind = !kind.is_empty() && kind.bytes().all(|c| c.is_ascii_uppercase());
        (is_kind && digits.parse::<u8>().is_ok()).then(|| format!("X-{kind}-{digits}"))
    };
    words.filter_map(of).collect()
}

/// All Rust sources below a folder.
fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().is_some_and(|it| it == "rs") {
            true => found.push(path),
            false if path.is_dir() => sources(&path, found),
            false => {}
        }
    }
}

/// Whoever meets an id in a comment finds what it says.
#[test]
fn every_rule_that_a_source_names_stands_in_the_docs() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let mut told = ids(&read(&root.join("docs/conform.md")));
    told.extend(ids(&read(&root.join("docs/deployed.md"))));
    let mut files = Vec::new();
    SOURCES
        .iter()
        .for_each(|it| sources(&root.join(it), &mut files));
    let named: BTreeSet<String> = files.iter().flat_map(|path| ids(&read(path))).collect();
    assert!(named.len() > 50, "{}", named.len());
    let missing: Vec<&String> = named.difference(&told).collect();
    assert!(missing.is_empty(), "nowhere in docs/: {missing:?}");
}

/// `UPDATE_PAGES=1` writes the page anew.
#[test]
fn the_page_says_what_the_table_says() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conform.md");
    let written = page();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(PATH, &written).unwrap();
    }
    let held = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        held == written,
        "docs/conform.md is not what the table says: UPDATE_PAGES=1 writes it anew"
    );
}
