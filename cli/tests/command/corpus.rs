//! `iaxproof sim --corpus`: what a sweep and the fuzzer find goes into one folder, and both begin with it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::line::{iaxproof, json};

/// A sweep with a corpus, and plans beside it.
fn sweep(words: &str, place: &Path, code: i32) -> Value {
    let [corpus, plans] = ["corpus", "plans"].map(|name| place.join(name).display().to_string());
    let line = format!("--json sim {words} --corpus {corpus} --out {plans}");
    let ended = iaxproof(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(ended.code, code, "{line}: {}{}", ended.stdout, ended.stderr);
    json(&ended)
}

fn names(place: &Path) -> Vec<String> {
    let files = fs::read_dir(place.join("corpus")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_sweep_adds_its_firsts_and_the_next_one_has_nothing_to_add() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let first = sweep("--seeds 0..8", place, 0);
    let added = first["corpus"]["added"].as_u64().unwrap();
    assert!((2..=8).contains(&added), "{first}");
    assert_eq!(first["corpus"]["worlds"], 0);
    let before = names(place);
    assert_eq!(before.len() as u64, added);
    assert!(
        before
            .iter()
            .any(|it| it[16..].starts_with("-registered-and-")),
        "{before:?}"
    );

    let again = sweep("--seeds 0..8", place, 0);
    let corpus = &again["corpus"];
    assert_eq!(
        (&corpus["worlds"], &corpus["added"]),
        (&added.into(), &0.into())
    );
    // As they ran they reach what they reached as seeds.
    assert_eq!(corpus["goals_reached"], first["sweep"]["goals_reached"]);
    assert_eq!(names(place), before);
    // Another seed alone reaches less.
    let other = sweep("--seeds 3..4", place, 0);
    assert!(
        other["corpus"]["goals_of_no_seed"].as_u64().unwrap() > 0,
        "{other}"
    );
    assert_eq!(other["sweep"]["worlds"], 1);
}

#[test]
fn a_world_of_the_fuzzer_that_fails_is_reported_with_its_plan() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    // Of 2007, the first sweep says which of its worlds fail.
    sweep("--seeds 0..48 --design 2007", place, 42);
    let names = names(place);
    let failing = names
        .iter()
        .find(|it| it.contains("-fails-no-use-after-destroy"));
    let failing = failing.unwrap_or_else(|| panic!("{names:?}"));
    let octets = fs::read(place.join("corpus").join(failing)).unwrap();

    // The fuzzer names its files by their hash, and there are notes too.
    let elsewhere = tempfile::tempdir().unwrap();
    let corpus = elsewhere.path().join("corpus");
    fs::create_dir(&corpus).unwrap();
    fs::write(corpus.join("0123abcd"), octets).unwrap();
    fs::write(corpus.join("README.md"), "what is here").unwrap();
    let report = sweep("--seeds 0..1 --design 2007", elsewhere.path(), 42);
    let row = &report["rows"][0];
    assert_eq!(row["what"], "0123abcd on 2007");
    assert_eq!(row["property"], "no-use-after-destroy");
    assert!(
        row["replay"].as_str().unwrap().contains("--design 2007"),
        "{row}"
    );
    assert!(elsewhere.path().join("plans/2007-0123abcd.toml").is_file());
    // On what ships it holds.
    let added = report["corpus"]["added"].as_u64().unwrap();
    let report = sweep("--seeds 0..1", elsewhere.path(), 0);
    assert_eq!(report["corpus"]["worlds"], 1 + added);
}

#[test]
fn a_corpus_has_the_worlds_of_seeds_alone() {
    for words in [
        "--shard 1/2 --out x",
        "--without faults",
        "--until-found",
        "--print-plan",
    ] {
        let line = format!("sim --seeds 0..1 --corpus x {words}");
        let ended = iaxproof(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(ended.code, 2, "{line}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("--corpus"), "{}", ended.stderr);
    }
}
