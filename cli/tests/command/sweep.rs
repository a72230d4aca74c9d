//! `iaxproof sim` with a budget, end to end.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;

use serde_json::Value;

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn iaxproof(line: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_iaxproof"))
        .args(line)
        .output()
        .unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

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
fn what_is_no_budget_is_a_usage_error_in_words() {
    let refused = [
        ("sim", "--seeds <A..B>"),
        ("sim --seeds 5..", "need a --budget"),
        ("sim --budget 10", "90s, 10m or 2h"),
    ];
    for (line, words) in refused {
        let ended = iaxproof(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(ended.code, 2, "{line:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(words), "{line:?}: {}", ended.stderr);
    }
}
