//! One command line, run to its end.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]

use std::path::Path;
use std::process::Command;

pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn iaxproof(line: &[&str]) -> Ended {
    ended(command().args(line))
}

/// The same where programs are looked for in this folder alone.
pub(crate) fn iaxproof_with_programs_of(folder: &Path, line: &[&str]) -> Ended {
    ended(command().env("PATH", folder).args(line))
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_iaxproof"))
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The last line of what was printed, as JSON.
pub(crate) fn json(ended: &Ended) -> serde_json::Value {
    let last = ended.stdout.lines().last().unwrap();
    serde_json::from_str(last).unwrap()
}
