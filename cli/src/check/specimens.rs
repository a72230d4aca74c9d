//! The designs that must fail. A specimen that holds means that the checks are blind, and breaks the check.

use iaxproof_models::{Design, scenarios, token};

use crate::error::Error;
use crate::prove::{self, Failure, Limits, Proof, Work};
use crate::report::{Row, Verdict};
use crate::sim;

/// Which scenario must fail on which design, on which property, and what that means in words.
const MUST_FAIL: [(Design, &str, &str, &str); 4] = [
    (
        Design::Specimen2007,
        "reload_drops_an_absent_name_under_a_call",
        "no-use-after-destroy",
        "destroyed while in use",
    ),
    (
        Design::Specimen2007,
        "eviction_keeps_the_call_in_flight",
        "no-use-after-destroy",
        "destroyed while in use",
    ),
    (
        Design::Specimen2007,
        "reload_never_hides_a_kept_name",
        "reload-atomic",
        "a kept name missed",
    ),
    (
        Design::RebuildInPlace,
        "call_keeps_its_settings_across_reload",
        "reload-atomic",
        "two configurations mixed",
    ),
];

/// Explores the specimens; prints each first failure with its interleaving, and replays it.
///
/// # Errors
///
/// Where a child cannot be started.
pub(crate) fn schedules(limits: Limits, quiet: bool) -> Result<Vec<Row>, Error> {
    let named = |name: &str| scenarios().find(|scenario| scenario.name == name);
    let work: Vec<Work> = MUST_FAIL
        .iter()
        .filter_map(|(design, name, ..)| Some(Work::of(named(name)?, *design)))
        .collect();
    if work.len() != MUST_FAIL.len() {
        return Err(Error::Broke("a specimen's scenario is gone".to_owned()));
    }
    let proofs = prove::prove_all(&work, limits)?;
    let judged = proofs.iter().zip(&MUST_FAIL);
    Ok(judged
        .map(|(proof, (_, _, property, words))| row(proof, property, words, quiet))
        .collect())
}

fn row(proof: &Proof, property: &str, words: &str, quiet: bool) -> Row {
    let expected = proof
        .failures()
        .filter(|failure| failure.finding.property == property);
    // The one with a token is the one that replays.
    let shown = expected.max_by_key(|failure| failure.told.token.is_some());
    let Some(failure) = shown else {
        return blind(proof, property);
    };
    if !quiet {
        println!(
            "\n{}: {}\n\n{}",
            proof.name(),
            failure.finding.message,
            failure.finding.table
        );
    }
    let (word, verdict) = match replays(&failure) {
        Ok(()) => (format!("{words}, as it must be"), Verdict::Held),
        Err(why) => (why, Verdict::Broke),
    };
    Row {
        what: proof.name(),
        by: proof.engines_that_failed(),
        word,
        verdict,
        property: Some(property.to_owned()),
        count: failure.told.exploration.executions,
        unit: "executions".to_owned(),
        seconds: failure.told.seconds,
        replay: Some(proof.replay(&failure)),
    }
}

/// Replays the token twice: the same property, and both times the same trace.
fn replays(failure: &Failure<'_>) -> Result<(), String> {
    let Some(text) = &failure.told.token else {
        return Err("FAILED as it must, but without a token".to_owned());
    };
    let once = || token::replay_token(text).map_err(|error| error.to_string());
    let (first, second) = (once()?, once()?);
    let found = first.finding.as_ref().map(|f| f.property.as_str());
    if found != Some(failure.finding.property.as_str()) {
        return Err("its token does not replay".to_owned());
    }
    match first.trace_hash == second.trace_hash {
        true => Ok(()),
        false => Err("its token replays with another trace".to_owned()),
    }
}

fn blind(proof: &Proof, property: &str) -> Row {
    let mut rows = proof.rows();
    let mut row = rows.swap_remove(0);
    row.word = format!(
        "BLIND: {property} must fail here and did not ({})",
        row.word
    );
    row.verdict = Verdict::Broke;
    row
}

/// How many worlds a specimen gets to fail in.
const WORLDS: u64 = 200;

/// Runs worlds on the list of 2007: one must destroy what is in use, and its plan must replay.
///
/// # Errors
///
/// Where the plan cannot be written.
pub(crate) fn worlds() -> Result<Vec<Row>, Error> {
    let row = sim::specimen_fails(Design::Specimen2007, "no-use-after-destroy", WORLDS)?;
    Ok(vec![row])
}
