//! What is put on trial is what the library has: every atomic operation of `src` is a site, every site is met by a scenario about
//! objects, and the trial of a weaker ordering sees what it must. The command `prove --orderings` tries all of them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use iaxproof_models::orderings::{self, Access, Count, Judge, Kind, Order, Trial, Weakening};
use iaxproof_models::scenarios::about_objects;
use iaxproof_models::{End, Exploration};

/// The executions that a test spends on one exploration.
const EXECUTIONS_MAX: u64 = 2_000;

fn explore(at: usize, weakening: Option<Weakening>) -> (Exploration, Vec<Kind>) {
    let left = std::cell::Cell::new(EXECUTIONS_MAX);
    let stop = move || left.replace(left.get().saturating_sub(1)) == 0;
    let scenario = &about_objects()[at];
    scenario
        .on_trial(Trial { weakening }, Box::new(stop))
        .unwrap()
}

#[test]
fn every_site_of_the_source_is_met_and_nothing_else_is() {
    let mut met = BTreeSet::new();
    for at in 0..about_objects().len() {
        met.extend(explore(at, None).1);
    }
    let read: BTreeSet<Kind> = orderings::sites().iter().map(|site| site.kind).collect();
    // The clone of a weak reference is of one kind with its making.
    assert_eq!(met, read);
}

#[test]
fn no_two_sites_that_can_be_weaker_are_alike() {
    let sites = orderings::sites();
    let can_be_weaker = sites.iter().filter(|site| !site.kind.weaker().is_empty());
    let kinds: Vec<Kind> = can_be_weaker.map(|site| site.kind).collect();
    let different: BTreeSet<Kind> = kinds.iter().copied().collect();
    assert_eq!(different.len(), kinds.len(), "{kinds:?}");
    assert!(!kinds.is_empty());
}

/// As many orderings as a plain look at the text finds, and none in any other file.
#[test]
fn no_ordering_of_the_library_is_left_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut named = Vec::new();
    for path in rust_files(&root.join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        let words = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
        let orderings = words.map(|word| format!("Ordering::{word}"));
        let count: usize = orderings.iter().map(|it| shipped.matches(it).count()).sum();
        if count > 0 {
            let path = path.strip_prefix(&root).unwrap().display().to_string();
            named.push((path, count));
        }
    }
    let all = orderings::sites().len();
    assert_eq!(named, [(orderings::FILE.to_owned(), all)]);
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files = paths.into_iter().flat_map(|path| match path.is_dir() {
        true => rust_files(&path),
        false => vec![path],
    });
    let files = files.filter(|path| path.extension().is_some_and(|it| it == "rs"));
    files.collect()
}

/// Each judge sees a decrement that releases nothing by its own means, and nobody sees it where the site is another.
#[test]
fn each_judge_sees_a_weaker_ordering_alone() {
    let decrement = Kind {
        count: Count::Strong,
        access: Access::FetchSub,
        order: Order::Release,
    };
    let message = |kind, judge| {
        let to = Order::Relaxed;
        match explore(0, Some(Weakening { kind, to, judge })).0.end {
            End::Failed(finding) => format!("{}: {}", finding.property, finding.message),
            held => format!("{held:?}"),
        }
    };
    let by_loom = message(decrement, Judge::Loom);
    assert!(
        by_loom.starts_with("no-use-after-destroy: Causality violation"),
        "{by_loom}"
    );
    let by_clocks = message(decrement, Judge::Clocks);
    assert!(
        by_clocks.starts_with("no-use-after-destroy: the use of probe"),
        "{by_clocks}"
    );
    let weak = Kind {
        count: Count::Weak,
        ..decrement
    };
    // Of the weak count only one reference is ever out in this scenario, so that its ordering decides nothing.
    for judge in [Judge::Loom, Judge::Clocks] {
        assert_eq!(message(weak, judge), "Exhausted");
    }
}
