//! `iaxproof prove --orderings`: that every ordering is needed, and that one which no scenario misses ends with 42.

use crate::line::{iaxproof, json};

#[test]
fn every_ordering_is_needed() {
    let ended = iaxproof(&["prove", "--orderings", "--json"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let report = json(&ended);
    let rows = report["rows"].as_array().unwrap();
    let tried = rows.iter().filter(|row| row["by"] != "-");
    // Two judges each: both decrements, and the load before either end.
    assert_eq!(tried.count(), 8, "{rows:#?}");
}

/// In this scenario no weak reference is ever out, so that nothing is needed around the weak count.
#[test]
fn an_ordering_that_no_scenario_misses_is_red() {
    let line = [
        "prove",
        "--orderings",
        "last_drop_runs_the_destructor_once",
        "--json",
    ];
    let ended = iaxproof(&line);
    assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
    let report = json(&ended);
    let rows = report["rows"].as_array().unwrap();
    let red = rows.iter().filter(|row| row["verdict"] == "failed");
    let red: Vec<&str> = red.map(|row| row["word"].as_str().unwrap()).collect();
    let unseen = red.iter().filter(|word| word.starts_with("NOT NEEDED"));
    assert_eq!(unseen.count(), 4, "{red:?}");
    let not_met = red.iter().filter(|word| word.starts_with("NOT TRIED"));
    assert!(not_met.count() > 0, "{red:?}");
}
