//! Replays the corpus and the regressions of the fuzz target `frame`.

use crate::replay;
use iaxproof_sim::fuzz::frame;

#[test]
fn every_frame_of_the_corpus_and_each_of_its_beginnings_agrees() {
    replay::beginnings_hold("frame", 50, 1, frame);
}

#[test]
fn every_regression_agrees() {
    replay::each_regression_holds("frame", frame);
}
