//! The defects of Asterisk's driver that the zoo began with, and where each is: a table at the end of `docs/zoo.md`, written from
//! `zoo/history/asterisk.toml`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

use super::defect::Defect;

/// Letters and digits of a commit as the files name it.
const COMMIT_LEN: usize = 10;

/// The file of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    rows: Vec<Row>,
}

/// Where it was mended, when, what it was, the files that bring it back, and what stands in its way here.
#[derive(Debug, Deserialize)]
struct Row(String, String, String, Vec<String>, String);

fn read() -> Vec<Row> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../zoo/history/asterisk.toml");
    let text = std::fs::read_to_string(file).unwrap();
    toml::from_str::<History>(&text).unwrap().rows
}

/// The table, with a link to each defect by `anchor`.
pub(super) fn section(out: &mut String, defects: &[Defect], anchor: fn(&str) -> String) {
    let rows = read();
    let rebuilt = rows.iter().filter(|Row(.., files, _)| !files.is_empty());
    write!(
        out,
        "\n## The defects of chan_iax2 and astobj2, and where each is\n\n\
         By their commits in asterisk/asterisk, and by advisory. Of {} rows {} are rebuilt above, some of them in kind: what a row was about is \
         another thing here. What stands in a row's way in this structure is named too; where no defect is, no edit bends it away, or \
         nothing that is promised breaks where one does.\n\n\
         | commit, advisory | when | what it was | rebuilt as | what stands in its way |\n| --- | --- | --- | --- | --- |\n",
        rows.len(),
        rebuilt.count()
    )
    .unwrap();
    let titles: BTreeMap<&str, &str> = defects
        .iter()
        .map(|it| (it.name.as_str(), it.title.as_str()))
        .collect();
    for Row(commits, when, what, files, structure) in &rows {
        let link = |file: &String| {
            let title = titles[file.as_str()];
            format!("[{title}](#{})", anchor(title))
        };
        let links: Vec<String> = files.iter().map(link).collect();
        let links = match links.is_empty() {
            true => "-".to_owned(),
            false => links.join("; "),
        };
        writeln!(
            out,
            "| {commits} | {when} | {what} | {links} | {structure} |"
        )
        .unwrap();
    }
}

/// The commits that a text names.
fn commits(text: &str) -> Vec<&str> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric());
    let is_commit = |word: &&str| {
        word.len() == COMMIT_LEN
            && word.chars().all(|it| it.is_ascii_hexdigit())
            && word.chars().any(|it| it.is_ascii_digit())
    };
    words.filter(is_commit).collect()
}

/// Each row has a defect or says why there is none, and a commit that a defect names has a row which names the defect.
#[test]
fn the_history_and_the_files_know_each_other() {
    /// What the files name and the history began without.
    const LATER: [&str; 1] = ["3978cb6f1c"];
    let (rows, defects) = (read(), super::page::all());
    assert!(rows.len() >= 70, "{} rows", rows.len());
    for Row(commit, when, what, files, structure) in &rows {
        let is_told = [commit, when, what, structure]
            .iter()
            .all(|it| !it.is_empty());
        assert!(is_told, "{commit}: a column is empty");
        let unknown = files
            .iter()
            .find(|file| !defects.iter().any(|it| it.name == **file));
        assert_eq!(unknown, None, "{commit}");
        assert!(
            !files.is_empty() || structure.split_whitespace().count() >= 15,
            "{commit}: no defect, and few words why"
        );
    }
    for defect in &defects {
        for commit in commits(&defect.source) {
            let is_known = rows.iter().any(|Row(commits, ..)| commits.contains(commit));
            assert!(
                is_known || LATER.contains(&commit),
                "{}: {commit} has no row in zoo/history",
                defect.name
            );
        }
    }
}

#[test]
fn commits_are_told_from_words() {
    let text = "asterisk 04614238c5 (AST-2008-010), 2008-07-22, and ed94be12f0: accessible";
    assert_eq!(commits(text), ["04614238c5", "ed94be12f0"]);
}
