//! What replays the files of a fuzz target: its corpus and the inputs that once failed.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of `fuzz/`.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz")
        .join(name)
}

/// The octets of every file of a folder of `fuzz/`, by name; `.gitkeep` is no input.
pub(crate) fn inputs(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = folder(name);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != ".gitkeep")
        .collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(&path).unwrap());
    paths.into_iter().map(read).collect()
}

/// The corpus of a target, which has at least so many files.
pub(crate) fn corpus(target: &str, files_min: usize) -> Vec<(PathBuf, Vec<u8>)> {
    let corpus = inputs(&format!("corpus/{target}"));
    let files = corpus.len();
    assert!(files >= files_min, "the corpus lost files: {files}");
    corpus
}

/// Every file of a target's corpus, cut to every `step`th length, goes through its body.
pub(crate) fn beginnings_hold(target: &str, files_min: usize, step: usize, body: fn(&[u8])) {
    for (path, octets) in corpus(target, files_min) {
        for len in (0..=octets.len()).step_by(step) {
            holds(&path, &octets[..len], body);
        }
    }
}

/// Every input that once failed goes through the body of its target.
pub(crate) fn each_regression_holds(target: &str, body: fn(&[u8])) {
    for (path, octets) in inputs(&format!("regressions/{target}")) {
        holds(&path, &octets, body);
    }
}

/// Runs the body, and says for which file and length it panicked.
pub(crate) fn holds(path: &Path, octets: &[u8], body: fn(&[u8])) {
    let held = std::panic::catch_unwind(|| body(octets));
    let len = octets.len();
    assert!(held.is_ok(), "{}, {len} octets", path.display());
}
