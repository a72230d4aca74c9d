//! The command line end to end: what it prints, and the exit codes 0, 42, 2 and 3.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use crate::line::{Ended, iaxproof, json};

/// A scenario that is exhausted in no time.
const SMALL: &str = "last_drop_runs_the_destructor_once";
/// A scenario that the list of 2007 fails and what ships holds.
const SCENARIO: &str = "reload_drops_an_absent_name_under_a_call";

/// The token in the first row that has one.
fn token(report: &serde_json::Value) -> String {
    let rows = report["rows"].as_array().unwrap();
    let commands = rows.iter().filter_map(|row| row["replay"].as_str());
    let mut tokens = commands.filter_map(|command| command.strip_prefix("iaxproof replay "));
    tokens.next().unwrap().to_owned()
}

/// Replays ten times, and gives the one trace hash that all ten had.
fn replayed(line: &[&str]) -> String {
    let hashes: BTreeSet<String> = (0..10)
        .map(|_| {
            let ended = iaxproof(&[&["replay", "--json"], line].concat());
            assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
            json(&ended)["trace_hash"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(hashes.len(), 1, "{hashes:?}");
    hashes.into_iter().next().unwrap()
}

#[test]
fn a_scenario_is_proved_on_what_ships() {
    let ended = iaxproof(&["prove", SMALL]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let line = ended.stdout.lines().find(|line| line.starts_with(SMALL));
    assert!(line.unwrap().ends_with("proved"), "{}", ended.stdout);
    assert!(ended.stdout.contains("Not covered"), "{}", ended.stdout);
}

#[test]
fn a_schedule_that_fails_replays_ten_times_of_ten_with_one_trace() {
    let ended = iaxproof(&["prove", SCENARIO, "--design", "2007", "--json"]);
    assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
    let report = json(&ended);
    assert_eq!(report["verdict"], "failed");
    assert_eq!(report["rows"][0]["property"], "no-use-after-destroy");
    let token = token(&report);
    let hash = replayed(&[&token]);
    let shown = iaxproof(&["replay", &token]).stdout;
    assert!(shown.contains("no-use-after-destroy FAILED"), "{shown}");
    assert!(shown.contains(&format!("trace {hash}")), "{shown}");
}

#[test]
fn a_world_that_fails_replays_from_its_plan_ten_times_of_ten_with_one_trace() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().to_str().unwrap();
    let sweep = [
        "sim", "--seeds", "0..24", "--design", "2007", "--json", "--out",
    ];
    let ended = iaxproof(&[&sweep[..], &[out]].concat());
    assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
    let token = token(&json(&ended));
    let line: Vec<&str> = token.split_whitespace().collect();
    replayed(&line);
    // The same plan on what ships holds.
    let shipped = iaxproof(&["replay", line[0]]);
    assert_eq!(shipped.code, 0, "{}{}", shipped.stdout, shipped.stderr);
    assert!(shipped.stdout.contains("held"), "{}", shipped.stdout);
}

#[test]
fn worlds_hold_on_what_ships_and_a_printed_plan_replays() {
    let ended = iaxproof(&["sim", "--seeds", "0..8"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("8 worlds in"), "{}", ended.stdout);
    let plan = iaxproof(&["sim", "--seeds", "3..4", "--print-plan"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), plan.stdout).unwrap();
    let replay = iaxproof(&["replay", file.path().to_str().unwrap()]);
    assert_eq!(replay.code, 0, "{}{}", replay.stdout, replay.stderr);
}

/// A file that holds this.
fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// What `replay` makes of a plan.
fn replay(plan: &str) -> Ended {
    let file = file(plan);
    iaxproof(&["replay", file.path().to_str().unwrap()])
}

#[test]
fn a_plan_that_was_recorded_still_applies_diverges_or_is_of_another_schema() {
    let bare = iaxproof(&["plan", "3", "--threads"]);
    assert_eq!(bare.code, 0, "{}", bare.stderr);
    assert!(bare.stdout.starts_with("# A plan"), "{}", bare.stdout);
    assert!(bare.stdout.contains("explore = true"), "{}", bare.stdout);
    let held = file(&bare.stdout);
    let recorded = iaxproof(&["plan", held.path().to_str().unwrap(), "--record"]).stdout;
    let same = replay(&recorded);
    assert_eq!(same.code, 0, "{}{}", same.stdout, same.stderr);
    assert!(same.stdout.contains("still applies: "), "{}", same.stdout);
    // Keys and challenges are others: the very first frames are.
    let other = recorded.replace("\nseed = 3\n", "\nseed = 4\n");
    let other = replay(&other);
    assert_ne!(other.code, 0, "{}{}", other.stdout, other.stderr);
    assert!(
        other.stdout.contains("\ndiverged at event 1: "),
        "{}",
        other.stdout
    );
    let old = replay(&recorded.replace("\nschema = 3\n", "\nschema = 2\n"));
    assert_eq!(old.code, 2, "{}{}", old.stdout, old.stderr);
    let words = "schema too old: this plan or token has schema 2, this build reads schema 3";
    assert!(old.stderr.contains(words), "{}", old.stderr);
    let goal = recorded.replace(
        "goals = [",
        "goals = [\"row evicted\", \"registered outward\", ",
    );
    let words = "NOT AS EXPECTED: goal not reached: ";
    let missed = replay(&goal);
    assert_eq!(missed.code, 1, "{}{}", missed.stdout, missed.stderr);
    assert!(missed.stdout.contains(words), "{}", missed.stdout);
}

#[test]
fn a_limit_that_stops_a_proof_is_incomplete_and_never_a_pass() {
    let ended = iaxproof(&["prove", SMALL, "--loom-seconds", "0"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("INCOMPLETE"), "{}", ended.stdout);
}

#[test]
fn what_does_not_exist_is_a_usage_error_in_words() {
    let refused: [(&[&str], &str); 7] = [
        (&[], "Usage"),
        (&["prove", "no_such_scenario"], "no_such_scenario"),
        (&["prove", SCENARIO, "--design", "2008"], "rebuild-in-place"),
        (&["replay", "P1-nonsense"], "P1-"),
        (&["replay", "W1-nonsense"], "token"),
        (&["replay", "no/such/file"], "no/such/file"),
        (&["sim", "--seeds", "5..5"], "A..B"),
    ];
    for (line, words) in refused {
        let ended = iaxproof(line);
        assert_eq!(ended.code, 2, "{line:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(words), "{line:?}: {}", ended.stderr);
    }
}

#[test]
fn the_list_says_what_each_scenario_is() {
    let ended = iaxproof(&["prove", "--list"]);
    assert_eq!(ended.code, 0);
    assert!(ended.stdout.contains(SCENARIO), "{}", ended.stdout);
    assert!(ended.stdout.contains("no-use-after-destroy"));
}
