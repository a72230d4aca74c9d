//! `iaxproof replay --times`: as often as it is run, one trace.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::line::{iaxproof, json};

/// A scenario that the list of 2007 fails.
const SCENARIO: &str = "reload_drops_an_absent_name_under_a_call";

/// Runs `iaxproof replay` once and many times: both must say the same.
fn replayed(line: &[&str], code: i32) {
    let once = iaxproof(&[&["replay", "--json"], line].concat());
    let many = iaxproof(&[&["replay", "--json", "--times", "20"], line].concat());
    assert_eq!((once.code, many.code), (code, code), "{}", many.stderr);
    let (once, many) = (json(&once), json(&many));
    for what in ["verdict", "property", "message", "trace_hash"] {
        assert_eq!(once[what], many[what], "{what}");
    }
    assert_eq!((&many["times"], &many["same"]), (&20.into(), &20.into()));
    let words = iaxproof(&[&["replay", "--times", "20"], line].concat());
    let said = format!("20 of 20: trace {}\n", many["trace_hash"].as_str().unwrap());
    assert!(words.stdout.ends_with(&said), "{}", words.stdout);
}

#[test]
fn a_world_has_one_trace_as_often_as_it_is_replayed() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().to_str().unwrap();
    for threads in [&[][..], &["--threads"]] {
        let sweep = [
            "sim",
            "--seeds",
            "0..48",
            "--design",
            "2007",
            "--until-found",
            "--json",
            "--out",
            out,
        ];
        let ended = iaxproof(&[&sweep, threads].concat());
        assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
        let first = json(&ended)["sweep"]["first_failure"]["seed"].to_string();
        let plan = format!("{out}/2007-{first}.toml");
        replayed(&[&plan, "--design", "2007"], 42);
        replayed(&[&plan], 0);
    }
}

#[test]
fn a_schedule_has_one_trace_as_often_as_it_is_replayed() {
    let ended = iaxproof(&["prove", SCENARIO, "--design", "2007", "--json"]);
    let report = json(&ended);
    let rows = report["rows"].as_array().unwrap();
    let mut commands = rows.iter().filter_map(|row| row["replay"].as_str());
    let token = commands.find_map(|it| it.strip_prefix("iaxproof replay "));
    replayed(&[token.unwrap()], 42);
}

#[test]
fn a_plan_that_became_another_story_is_so_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.toml");
    let scenario = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../sim/scenarios/hangup-lost.toml"
    );
    let text = std::fs::read_to_string(scenario).unwrap();
    let wrong = text.replace("verdict = \"held\"", "verdict = \"call-ends\"");
    assert_ne!(text, wrong);
    std::fs::write(&file, wrong).unwrap();
    let file = file.to_str().unwrap();
    for line in [&["replay", file][..], &["replay", file, "--times", "2"]] {
        let ended = iaxproof(line);
        assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    }
    let views = iaxproof(&["replay", file, "--times", "2", "--html", "x.html"]);
    assert_eq!(views.code, 2, "{}{}", views.stdout, views.stderr);
}
