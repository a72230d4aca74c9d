//! The corpus of the fuzz target `world` is made of worlds of seeds, drawn and as they ran, and replays with every input that once failed.

use std::fs;

use iaxproof_models::fuzz::run_world;
use iaxproof_models::{Design, world};
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;

use crate::replay;

/// The seeds whose worlds are the corpus.
const SEEDS: [u64; 4] = [2, 3, 5, 7];

/// Each seed's world with threads and without, drawn and as it ran.
fn worlds() -> Vec<(String, Vec<u8>)> {
    let mut worlds = Vec::new();
    for seed in SEEDS {
        for (word, plan) in [
            ("stack", Plan::from_seed(seed)),
            ("strands", Plan::threaded_from_seed(seed)),
        ] {
            let ran = world::run(&plan, View::Hash, Design::Shipped).plan;
            for (state, plan) in [("drawn", plan), ("ran", ran)] {
                let octets = plan.to_bytes().expect("what a seed came to");
                worlds.push((format!("{word}-{seed}-{state}"), octets));
            }
        }
    }
    worlds
}

/// As they ran they may be of an older build: they are worlds all the same.
#[test]
fn the_corpus_is_these_worlds() {
    let drawn = worlds()
        .into_iter()
        .filter(|(name, _)| name.ends_with("drawn"));
    for (name, octets) in drawn {
        let path = replay::folder("corpus/world").join(name);
        let stored = fs::read(&path).unwrap_or_default();
        assert!(
            stored == octets,
            "write {} anew (see below)",
            path.display()
        );
    }
}

#[test]
fn corpus_and_regressions_replay() {
    for (path, octets) in replay::corpus("world", 4 * SEEDS.len()) {
        replay::holds(&path, &octets, run_world);
    }
    replay::each_regression_holds("world", run_world);
}

#[test]
fn some_beginnings_are_worlds_that_hold() {
    replay::beginnings_hold("world", 4 * SEEDS.len(), 97, run_world);
}

/// Writes the corpus: `cargo test -p iaxproof-models --test world -- --ignored write_the_corpus`.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn write_the_corpus() {
    for (name, octets) in worlds() {
        fs::write(replay::folder("corpus/world").join(name), octets)
            .expect("the corpus can be written");
    }
}
