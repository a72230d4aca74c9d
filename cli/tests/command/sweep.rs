//! `iaxproof sim` with a budget and in shards, and `iaxproof merge`, end to end.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use serde_json::Value;

use crate::line::iaxproof;

/// Runs it with these words, and `--json`.
fn json(line: &str, code: i32) -> Value {
    let line: Vec<&str> = line.split_whitespace().collect();
    let ended = iaxproof(&[&["--json"], &line[..]].concat());
    assert_eq!(
        ended.code, code,
        "{line:?}: {}{}",
        ended.stdout, ended.stderr
    );
    serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
}

/// What two reports of one sweep have in common: all but times.
fn timeless(mut report: Value) -> Value {
    report["sweep"]["seconds"] = Value::Null;
    for row in report["rows"].as_array_mut().unwrap() {
        row["seconds"] = Value::Null;
    }
    report
}

/// Three shards of the worlds of 2007, in files.
fn shards(folder: &Path, range: &str) -> String {
    let file = |index: u64| folder.join(format!("{index}.json")).display().to_string();
    let files = [1, 2, 3].map(|index| {
        let file = file(index);
        let line = format!("sim --seeds {range} --design 2007 --shard {index}/3 --out {file}");
        let report = json(&line, 42);
        assert_eq!(report["verdict"], "failed");
        file
    });
    files.join(" ")
}

#[test]
fn merged_shards_report_what_one_sweep_reports() {
    let folder = tempfile::tempdir().unwrap();
    let (place, out) = (
        folder.path(),
        folder.path().join("plans").display().to_string(),
    );
    let files = shards(place, "0..48");
    let merged = json(&format!("merge {files} --out {out}"), 42);
    let whole = json(&format!("sim --seeds 0..48 --design 2007 --out {out}"), 42);
    assert_eq!(merged["sweep"]["seeds"], serde_json::json!([0, 48]));
    assert_eq!(timeless(merged), timeless(whole));
    // And in words.
    let line = format!("merge {files} --out {out}");
    let ended = iaxproof(&line.split_whitespace().collect::<Vec<_>>());
    for words in [
        "3 shards, seconds added up",
        "48 worlds in ",
        "seeds 0..48\n",
        "3 of them ran again from the plan",
        "goals never reached: ",
        " points of state x message x fault reached, the last new one in seed ",
        "no-use-after-destroy",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    assert!(
        !ended.stdout.contains("no world failed"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_shard_too_few_is_a_usage_error_that_names_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = shards(folder.path(), "0..48");
    let line: Vec<&str> = files.split_whitespace().take(2).collect();
    let ended = iaxproof(&[&["merge"], &line[..]].concat());
    assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
    let words = "2.json: the seeds 32..48 after it are missing";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn a_budget_that_ends_a_sweep_is_no_failure_and_says_how_far_it_came() {
    let report = json("sim --budget 1s", 0);
    let sweep = &report["sweep"];
    assert_eq!(
        (&report["verdict"], &sweep["cut"]),
        (&"held".into(), &"budget".into())
    );
    let worlds = sweep["worlds"].as_u64().unwrap();
    assert_eq!(sweep["seeds"], serde_json::json!([0, worlds]));
    let bound = sweep["failure_rate_below"].as_f64().unwrap();
    let product = bound * worlds as f64;
    assert!((2.5..3.0).contains(&product), "{bound} of {worlds}");
    let ended = iaxproof(&["sim", "--seeds", "70..", "--budget", "1s"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    for words in [
        "seeds 70..",
        ", where its budget was over",
        " s of simulated time a second",
        "goals reached, the last new one in seed ",
        "with 95 % confidence (1 in ",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
}

#[test]
fn what_is_no_shard_or_no_budget_is_a_usage_error_in_words() {
    let refused = [
        ("sim", "--seeds <A..B>"),
        ("sim --seeds 5..", "need a --budget"),
        ("sim --budget 10", "90s, 10m or 2h"),
        ("sim --seeds 0..4 --shard 5/4 --out x", "i/n"),
        (
            "sim --seeds 0..4 --shard 1/5 --out x",
            "4 seeds cannot be cut into 5",
        ),
        ("sim --seeds 0..4 --shard 1/2", "--out"),
        (
            "sim --seeds 0..4 --budget 1s --shard 1/2 --out x",
            "cannot be used with",
        ),
        ("merge", "<FILE>..."),
        ("merge no/such/file", "no/such/file"),
    ];
    for (line, words) in refused {
        let ended = iaxproof(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(ended.code, 2, "{line:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(words), "{line:?}: {}", ended.stderr);
    }
}
