//! Replays the corpus and the regressions of the fuzz target `config`.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The octets of every file of a folder of `fuzz/`, by name; `.gitkeep` is no input.
fn inputs(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz")
        .join(folder);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != ".gitkeep")
        .collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(&path).unwrap());
    paths.into_iter().map(read).collect()
}

#[test]
fn every_text_of_the_corpus_and_each_of_its_beginnings_holds() {
    let corpus = inputs("corpus/config");
    assert!(
        corpus.len() >= 20,
        "the corpus lost files: {}",
        corpus.len()
    );
    for (path, octets) in corpus {
        for len in 0..=octets.len() {
            let cut = octets.get(..len).unwrap();
            let held = std::panic::catch_unwind(|| iaxproof_sim::fuzz::config(cut));
            assert!(held.is_ok(), "{} cut to {len} octets", path.display());
        }
    }
}

#[test]
fn every_regression_holds() {
    for (path, octets) in inputs("regressions/config") {
        let held = std::panic::catch_unwind(|| iaxproof_sim::fuzz::config(&octets));
        assert!(held.is_ok(), "{}", path.display());
    }
}
