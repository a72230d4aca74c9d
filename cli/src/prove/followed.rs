//! What the traces of the proofs show of the protocol: how many were replayed through it, and whether each of its steps was taken.

use std::collections::BTreeSet;

use iaxproof_models::Exploration;
use iaxproof_models::protocol::Table;

use crate::report::{Row, Verdict};

use super::Proof;

/// The row for all scenarios of what ships. A step that no trace takes ties the protocol to nothing.
pub(super) fn row(proofs: &[Proof]) -> Row {
    let explorations: Vec<&Exploration> = proofs.iter().flat_map(Proof::explorations).collect();
    let traces = explorations.iter().map(|it| it.followed.traces).sum();
    let taken = explorations.iter().flat_map(|it| it.followed.steps.keys());
    let taken: BTreeSet<&str> = taken.map(String::as_str).collect();
    let steps = Table::shipped().steps;
    let missing = steps.iter().map(|step| step.name);
    let missing: Vec<&str> = missing.filter(|name| !taken.contains(name)).collect();
    let (word, verdict) = if missing.is_empty() {
        (format!("all {} steps taken", steps.len()), Verdict::Held)
    } else {
        let missing = missing.join(", ");
        (
            format!("INCOMPLETE: no trace takes {missing}"),
            Verdict::Incomplete,
        )
    };
    Row {
        what: "the protocol's steps".to_owned(),
        by: "traces, replayed".to_owned(),
        word,
        verdict,
        property: None,
        count: traces,
        unit: "traces".to_owned(),
        seconds: 0.0,
        replay: None,
    }
}
