//! `iaxproof prove --inductive` with the solver that is installed, with none, and with those that do not do their work.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::line::{Ended, iaxproof, iaxproof_with_programs_of, json};

/// A z3 that always says the same.
fn with_a_solver_that_says(answer: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("z3");
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo parrot; exit; fi\n\
         while read -r line; do case \"$line\" in '(check-sat)') echo {answer};; '(eval'*) echo 1;; esac; done\n"
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    iaxproof_with_programs_of(folder.path(), &["prove", "--inductive", "--json"])
}

#[test]
fn the_protocol_is_inductive() {
    if Command::new("z3").arg("--version").output().is_err() {
        eprintln!("inductive: NOT RUN (no solver found)");
        return;
    }
    let ended = iaxproof(&["prove", "--inductive"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains(": inductive\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("proved"), "{}", ended.stdout);
}

#[test]
fn without_a_solver_it_is_not_run_and_incomplete() {
    let empty = tempfile::tempdir().unwrap();
    let ended = iaxproof_with_programs_of(empty.path(), &["prove", "--inductive"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout, "inductive: NOT RUN (no solver found)\n");
}

#[test]
fn a_solver_that_does_not_know_is_never_a_pass() {
    for answer in ["unknown", "'(error \"line 1\")'", "timeout"] {
        let ended = with_a_solver_that_says(answer);
        assert_eq!(ended.code, 3, "{answer}: {}{}", ended.stdout, ended.stderr);
        let row = &json(&ended)["rows"][0];
        assert!(row["word"].as_str().unwrap().starts_with("INCOMPLETE"));
    }
}

#[test]
fn a_counterexample_is_a_failure() {
    let ended = with_a_solver_that_says("sat");
    assert_eq!(ended.code, 42, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(json(&ended)["rows"][0]["by"], "parrot");
}
