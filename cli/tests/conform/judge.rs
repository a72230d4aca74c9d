//! Runs `iaxproof conform` and reads what it prints.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::server::client;

/// How it ended, and what it said.
pub(crate) struct Judgement {
    pub(crate) code: i32,
    pub(crate) report: Value,
    pub(crate) stdout: String,
}

impl Judgement {
    /// The verdict on each check.
    pub(crate) fn verdicts(&self) -> BTreeMap<&str, &str> {
        let checks = self.report["checks"].as_array().unwrap().iter();
        checks
            .map(|check| (text(&check["id"]), text(&check["verdict"])))
            .collect()
    }

    /// One check.
    pub(crate) fn check(&self, id: &str) -> &Value {
        let mut checks = self.report["checks"].as_array().unwrap().iter();
        checks.find(|check| check["id"] == id).unwrap()
    }

    /// What is not as it should be, with reason and frames, to be read in a failure.
    pub(crate) fn complaints(&self) -> String {
        let checks = self.report["checks"].as_array().unwrap().iter();
        let bad = checks.filter(|check| check["verdict"] == "fail" || check["verdict"] == "broke");
        bad.map(|check| serde_json::to_string_pretty(check).unwrap())
            .collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Judges `target`.
pub(crate) fn judge(target: &str, args: &[&str]) -> Judgement {
    let line = [&["conform", "--json", "--target", target], args].concat();
    let ended = client(&line, None);
    let report = serde_json::from_str(&ended.stdout);
    Judgement {
        code: ended.code,
        report: report.unwrap_or_else(|_| panic!("{ended:?}")),
        stdout: ended.stdout,
    }
}
