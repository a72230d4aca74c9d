//! Replays the corpus and the regressions of the fuzz target `config`.

use crate::replay;
use iaxproof_sim::fuzz::config;

#[test]
fn every_text_of_the_corpus_and_each_of_its_beginnings_holds() {
    replay::beginnings_hold("config", 20, 1, config);
}

#[test]
fn every_regression_holds() {
    replay::each_regression_holds("config", config);
}
