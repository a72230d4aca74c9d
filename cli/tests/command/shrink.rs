//! `iaxproof shrink` end to end: what it prints and writes, its exit codes, and that what it prints runs.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use serde_json::Value;

use crate::line::{iaxproof, json};

/// The file with the plan of a world that crashes on the design of 2007.
fn failing(folder: &Path, threads: &[&str]) -> String {
    let out = folder.to_str().unwrap();
    let sweep = [
        "sim", "--seeds", "0..24", "--design", "2007", "--json", "--out", out,
    ];
    let ended = iaxproof(&[&sweep, threads].concat());
    assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
    let mut files = std::fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap().path();
    file.to_str().unwrap().to_owned()
}

/// Runs a printed `iaxproof replay ...`.
fn replayed(command: &str) -> Value {
    let line: Vec<&str> = command.split_whitespace().skip(1).collect();
    let ended = iaxproof(&[&["--json"], &line[..]].concat());
    assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
    json(&ended)
}

#[test]
fn a_world_shrinks_to_a_plan_and_a_test_and_replays() {
    let folder = tempfile::tempdir().unwrap();
    let plan = failing(folder.path(), &[]);
    let out = folder.path().join("made/small.toml");
    let out = out.to_str().unwrap();
    let line = ["shrink", &plan, "--design", "2007", "--json", "--out", out];
    let ended = iaxproof(&line);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let report = json(&ended);
    assert_eq!(report["verdict"], "held");
    assert_eq!(report["one_minimal"], true);
    assert_eq!(report["shuttle"], Value::Null);
    let (from, to) = (&report["from"], &report["to"]);
    assert!(from["operations"].as_u64() >= Some(20), "{report}");
    assert!(to["operations"].as_u64() <= Some(6), "{report}");

    // The command that is printed, and the file.
    let replay = report["replay"].as_str().unwrap();
    let by_command = replayed(replay);
    let by_file = replayed(&format!("iaxproof replay {out} --design 2007"));
    assert_eq!(by_command, by_file);
    assert_eq!(by_command["property"], report["property"]);

    let property = report["property"].as_str().unwrap();
    let held = std::fs::read_to_string(out).unwrap();
    assert!(
        held.starts_with(&format!("# {property} fails on 2007:")),
        "{held}"
    );
    let test = std::fs::read_to_string(report["test"].as_str().unwrap()).unwrap();
    assert!(test.contains("#[test]\nfn world_small() {"), "{test}");
    assert!(test.contains(&held), "{test}");
    let asserted = format!("assert_eq!(failed, Some({property:?}));");
    assert!(test.contains(&asserted), "{test}");
}

#[test]
fn the_printed_words_say_what_was_needed_and_shuttle_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let plan = failing(folder.path(), &["--threads"]);
    let out = folder.path().join("small.toml");
    let out = out.to_str().unwrap();
    let ended = iaxproof(&["shrink", &plan, "--design", "2007", "--out", out]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    for words in [
        " operations -> ",
        " runs in ",
        "1-minimal: ",
        "shuttle agrees",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    let mut lines = ended.stdout.lines();
    let command = lines.find_map(|line| line.strip_prefix("  replay: "));
    replayed(command.unwrap());
}

/// What is kept of what it wrote, as `models` compiles and runs it: the name of the files, and the design.
const WRITTEN: [(&str, &str); 2] = [
    ("list_of_2007", "2007"),
    ("settings_rewritten_under_a_call", "rebuild-in-place"),
];

/// `RECORD_WRITTEN=1` keeps what is written now, where a change is meant.
#[test]
fn the_test_that_is_written_is_the_one_that_models_compiles() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/world/written");
    let folder = tempfile::tempdir().unwrap();
    for (name, design) in WRITTEN {
        let plan = kept.join(format!("{name}.toml"));
        let out = folder.path().join(format!("{name}.toml"));
        let [plan, out] = [plan, out].map(|path| path.to_str().unwrap().to_owned());
        let ended = iaxproof(&["shrink", &plan, "--design", design, "--out", &out]);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        for file in [format!("{name}.toml"), format!("{name}.rs")] {
            let written = std::fs::read_to_string(folder.path().join(&file)).unwrap();
            if std::env::var_os("RECORD_WRITTEN").is_some() {
                std::fs::write(kept.join(&file), &written).unwrap();
            }
            assert_eq!(
                std::fs::read_to_string(kept.join(&file)).unwrap(),
                written,
                "{file}"
            );
        }
    }
}

/// Whether a plan becomes what is said of it, which is not what `fails` became.
fn is_other(becomes: &str, command: &str, fails: &Value) {
    let line: Vec<&str> = command.split_whitespace().skip(1).collect();
    let ended = iaxproof(&[&["--json"], &line[..]].concat());
    let other = json(&ended);
    if becomes == "holds" {
        assert_eq!((ended.code, &other["property"]), (0, &Value::Null));
        return;
    }
    let property = other["property"].as_str().unwrap();
    assert_eq!(becomes, format!("fails in another way ({property})"));
    assert_eq!(ended.code, 42);
    let kind = |it: &Value| (it["property"].clone(), without_numbers(&it["message"]));
    assert_ne!(kind(&other), kind(fails));
}

fn without_numbers(message: &Value) -> String {
    let message = message.as_str().unwrap();
    message.chars().filter(|it| !it.is_ascii_digit()).collect()
}

#[test]
fn a_small_world_is_explained_by_two_plans_of_which_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let plan = failing(folder.path(), &[]);
    let out = folder.path().join("small.toml");
    let out = out.to_str().unwrap();
    let shrunk = iaxproof(&["shrink", &plan, "--design", "2007", "--out", out]);
    assert_eq!(shrunk.code, 0, "{}{}", shrunk.stdout, shrunk.stderr);
    let ended = iaxproof(&["explain", out, "--design", "2007"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let line = |prefix: &str| {
        let mut lines = ended.stdout.lines();
        let line = lines.find_map(|line| line.strip_prefix(prefix));
        line.unwrap_or_else(|| panic!("{prefix}: {}", ended.stdout))
            .to_owned()
    };
    assert!(line("  1. ") != line("  2. "), "{}", ended.stdout);
    let fails = replayed(&line("1 before 2 fails: "));
    let other = line("2 before 1 ");
    let (becomes, command) = other.split_once(": ").unwrap();
    is_other(becomes, command, &fails);

    // What holds is not explained.
    let refused = iaxproof(&["explain", &plan]);
    assert_eq!(refused.code, 2, "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("holds"), "{}", refused.stderr);
}

#[test]
fn a_budget_that_is_used_up_is_incomplete_and_never_minimal() {
    let folder = tempfile::tempdir().unwrap();
    let plan = failing(folder.path(), &[]);
    let out = folder.path().join("small.toml");
    let out = out.to_str().unwrap();
    let line = [
        "shrink", &plan, "--design", "2007", "--budget", "9", "--out", out,
    ];
    let ended = iaxproof(&line);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("; 9 runs in"), "{}", ended.stdout);
    assert!(ended.stdout.contains("INCOMPLETE"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("1-minimal"), "{}", ended.stdout);
    // What it came to is written, and fails.
    replayed(&format!("iaxproof replay {out} --design 2007"));
}

#[test]
fn what_cannot_be_shrunk_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let plan = failing(folder.path(), &[]);
    let refused: [(&[&str], &str); 5] = [
        // What ships holds there.
        (&["shrink", &plan], "holds"),
        (&["shrink", "W1-nonsense"], "token"),
        (&["shrink", "P1-find_races_unlink-shipped-S"], "schedule"),
        (&["shrink", "no/such/file"], "no/such/file"),
        (&["shrink", &plan, "--budget", "1"], "--budget"),
    ];
    for (line, words) in refused {
        let ended = iaxproof(line);
        assert_eq!(ended.code, 2, "{line:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(words), "{line:?}: {}", ended.stderr);
    }
}
