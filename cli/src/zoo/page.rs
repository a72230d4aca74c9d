//! `docs/zoo.md`, a section for each defect and the history that they come from, written from the files of `zoo/` so that it cannot say
//! anything else.

use std::fmt::Write;
use std::path::Path;

use super::defect::{Defect, Need};
use super::history;
use super::line;

/// How many defects there are at least.
const DEFECTS_MIN: usize = 75;

/// The page.
fn page(defects: &[Defect]) -> String {
    let mut out = format!(
        "# The zoo: {} defects, and how each breaks\n\n\
         Written from the files of `zoo/` by a test; `UPDATE_PAGES=1 cargo test -p iaxproof-cli --bin iaxproof page` writes it anew.\n\n\
         Each was put back into a copy of the sources, where the commands named here must find it (`iaxproof zoo`). One that takes \
         threads must be found by two that do not know of each other: loom and shuttle are two explorers, worlds with threads \
         run on coroutines of ours, and the plan that fails again on shuttle's threads.\n\n",
        defects.len()
    );
    out.push_str("| defect | property | found by |\n| --- | --- | --- |\n");
    for defect in defects {
        let Defect {
            title, property, ..
        } = defect;
        let anchor = anchor(title);
        writeln!(
            out,
            "| [{title}](#{anchor}) | {property} | {} |",
            finders(defect)
        )
        .unwrap();
    }
    for defect in defects {
        section(&mut out, defect);
    }
    history::section(&mut out, defects, anchor);
    out
}

fn section(out: &mut String, defect: &Defect) {
    let Defect {
        title,
        source,
        property,
        name,
        ..
    } = defect;
    let story = defect
        .story
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    write!(out, "\n## {title}\n\n{story}\n\n").unwrap();
    for (nth, step) in defect.interleaving.iter().enumerate() {
        writeln!(out, "{}. {step}", nth + 1).unwrap();
    }
    write!(
        out,
        "\n- Source: {source}.\n- Breaks: *{property}*.\n- Found by {}: {}.{}\n- File: [`zoo/{name}.toml`](../zoo/{name}.toml).\n",
        finders(defect),
        commands(defect),
        needs(defect)
    )
    .unwrap();
}

fn commands(defect: &Defect) -> String {
    let lines = defect.lines_bent().into_iter();
    let lines = lines.map(|line| format!("`iaxproof {}`", line.join(" ")));
    lines.collect::<Vec<_>>().join(", ")
}

fn needs(defect: &Defect) -> &'static str {
    let has = |need| defect.needs.contains(&need);
    match (has(Need::Fault), has(Need::Preemption)) {
        (true, true) => {
            "\n- Needs a fault and a thread that stops in the middle: without either, no world fails."
        }
        (true, false) => "\n- Needs a fault: without one, no world fails.",
        (false, true) => {
            "\n- Needs a thread that stops in the middle: without one, no world fails."
        }
        (false, false) => "",
    }
}

/// Who must find it, each once.
fn finders(defect: &Defect) -> String {
    let mut names: Vec<String> = Vec::new();
    for line in &defect.seen_by {
        let name = match line[0].as_str() {
            "prove" => "loom and shuttle".to_owned(),
            "sim" if line::is_threaded_sim(line) => "worlds with threads".to_owned(),
            "sim" => "worlds".to_owned(),
            "fuzz" => format!("fuzz target {}", line[1]),
            other => other.to_owned(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The name that a heading has in a link.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

/// Every defect of the sources' `zoo/`.
pub(super) fn all() -> Vec<Defect> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = super::all_files(&sources.join("zoo")).unwrap();
    files
        .iter()
        .map(|file| Defect::read(file).unwrap())
        .collect()
}

/// `UPDATE_PAGES=1` writes the page anew.
#[test]
fn the_page_says_what_the_files_say() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/zoo.md");
    let written = page(&all());
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(PATH, &written).unwrap();
    }
    let held = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        held == written,
        "docs/zoo.md is not what zoo/ says: UPDATE_PAGES=1 writes it anew"
    );
}

#[test]
fn there_are_many_and_each_has_a_story_and_an_order() {
    let defects = all();
    assert!(defects.len() >= DEFECTS_MIN, "{} defects", defects.len());
    let titles: std::collections::BTreeSet<_> = defects.iter().map(|it| &it.title).collect();
    assert_eq!(titles.len(), defects.len(), "two have one title");
    for defect in &defects {
        let words = defect.story.split_whitespace().count();
        assert!(words >= 15, "{}: a story of {words} words", defect.name);
        assert!(defect.interleaving.len() >= 2, "{}", defect.name);
    }
}

#[test]
fn a_heading_is_linked_as_readers_of_markdown_do() {
    assert_eq!(anchor("A peer's row, twice"), "a-peers-row-twice");
}
