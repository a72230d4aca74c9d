//! `iaxproof soak`, a few seconds of it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;

use crate::line::{iaxproof, json};

/// The row of this name.
fn row<'a>(report: &'a Value, what: &str) -> &'a Value {
    let rows = report["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["what"] == what);
    row.unwrap_or_else(|| panic!("no row {what} in {report}"))
}

#[test]
#[cfg(target_os = "linux")]
fn a_short_soak_does_everything_and_leaves_nothing() {
    for family in ["audited", "std"] {
        let line = ["soak", "--minutes", "0.1", "--family", family, "--json"];
        let ended = iaxproof(&line);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        let report = json(&ended);
        assert_eq!(report["verdict"], "held");
        for what in ["reloads", "evictions", "expiries", "calls answered"] {
            assert!(row(&report, what)["count"].as_u64().unwrap() > 0, "{what}");
        }
        for what in ["address hints at the end", "names at the end"] {
            assert_eq!(row(&report, what)["count"], 0, "{what}");
        }
        assert_eq!(row(&report, "memory, last quarter")["word"], "flat");
        let counted = report.to_string().contains("objects at the end");
        assert_eq!(counted, family == "audited", "{report}");
    }
}

#[test]
fn a_soak_too_short_for_everything_is_no_pass() {
    let ended = iaxproof(&["soak", "--minutes", "0.0005"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("NEVER"), "{}", ended.stdout);
}

#[test]
fn what_is_out_of_range_is_a_mistake_in_use() {
    for words in [
        ["--minutes", "0"],
        ["--minutes", "nan"],
        ["--workers", "0"],
        ["--peers", "901"],
    ] {
        let ended = iaxproof(&["soak", words[0], words[1]]);
        assert_eq!(ended.code, 2, "{words:?}: {}", ended.stderr);
    }
}
