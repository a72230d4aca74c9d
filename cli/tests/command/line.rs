//! One command line, run to its end.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]

use std::process::Command;

pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn iaxproof(line: &[&str]) -> Ended {
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

/// The last line of what was printed, as JSON.
pub(crate) fn json(ended: &Ended) -> serde_json::Value {
    let last = ended.stdout.lines().last().unwrap();
    serde_json::from_str(last).unwrap()
}
