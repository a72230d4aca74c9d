//! What `iaxproof prove` explored and what it came to, as a file that `iaxproof verify` reads. It is a pure function of the
//! build and the scenarios, but for whether a limit came first: no time is in it, and what a limit cut short is not counted. Its
//! hash names it.
//!
//! [`sources`] is what the command was built from, [`write`] where a certificate goes, [`read`] how one is refused.

mod read;
pub(crate) mod sources;
pub(crate) mod write;

use std::fmt;

use iaxproof_models::{Design, End};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::prove::child::{Lost, Told};
use crate::prove::{CAVEATS, Proof, enumeration};
use crate::report::{Verdict, grouped};

use self::sources::Build;

/// The layout of the file.
pub(crate) const SCHEMA: u32 = 1;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificate {
    schema: u32,
    /// How many there are below, so that one that was cut out is missed.
    scenarios: usize,
    /// What all this does not cover.
    pub(crate) caveats: Vec<String>,
    pub(crate) build: Build,
    pub(crate) scenario: Vec<Entry>,
}

/// One scenario on one design, under both explorers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) design: Design,
    pub(crate) property: String,
    /// The file that it stands in.
    source: String,
    /// The hash of that file.
    source_hash: String,
    threads: usize,
    /// `none`, or loom's preemption bound as `B = 3`.
    bound: String,
    pub(crate) word: String,
    outcomes: Vec<String>,
    pub(crate) loom: Explored,
    pub(crate) shuttle: Explored,
}

/// What one explorer did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explored {
    /// How it enumerates.
    by: String,
    pub(crate) end: Ended,
    /// Only where it came to an end by itself: how far it gets in a time is the machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    executions: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps_max: Option<usize>,
}

/// How an exploration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ended {
    /// Every interleaving, within the bound.
    Exhausted,
    /// A limit came first.
    Stopped,
    /// A property failed.
    Failed,
    /// The child died. Never in a file.
    Lost,
}

/// The name of a certificate: the first octets of the SHA-256 of its text, as `sha256sum` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Name(String);

impl Name {
    /// The name of this text: the beginning of its SHA-256.
    pub(crate) fn of(text: &str) -> Self {
        let digest = Sha256::digest(text);
        let octets = digest.iter().take(8);
        Name(octets.map(|octet| format!("{octet:02x}")).collect())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Certificate {
    /// Of those proofs that held, or `None` where none did.
    pub(crate) fn of(proofs: &[Proof]) -> Option<Self> {
        let held = proofs
            .iter()
            .filter(|proof| proof.word().1 == Verdict::Held);
        let scenario: Vec<Entry> = held.map(Entry::of).collect();
        (!scenario.is_empty()).then(|| Certificate {
            schema: SCHEMA,
            scenarios: scenario.len(),
            caveats: CAVEATS.map(str::to_owned).to_vec(),
            build: Build::this(),
            scenario,
        })
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        let body = toml::to_string_pretty(self).expect("plain strings and numbers serialise");
        format!("{HEAD}{body}")
    }

    /// The certificate in a few lines: how many of each word, what was explored, and by what.
    pub(crate) fn summary(&self) -> String {
        let mut words: Vec<&str> = self.scenario.iter().map(|entry| &entry.word[..]).collect();
        words.sort_unstable();
        let groups = words.chunk_by(|a, b| a == b);
        let counts = groups.map(|group| format!("{} {}", group.len(), group[0]));
        let counts: Vec<String> = counts.collect();
        let explored = self.scenario.iter().flat_map(|e| [&e.loom, &e.shuttle]);
        let executions = explored.filter_map(|explored| explored.executions).sum();
        format!(
            "  {} scenarios: {}; {} executions that were counted to their end\n{}",
            self.scenario.len(),
            counts.join(", "),
            grouped(executions),
            self.build
        )
    }
}

const HEAD: &str = "\
# What `iaxproof prove` explored and what it came to. `iaxproof verify FILE` explores it again and must come to the same.
# Hashes are the first eight octets of a SHA-256. What a limit stopped has no number of executions.

";

impl Entry {
    /// What a proof came to, whatever that is.
    pub(crate) fn of(proof: &Proof) -> Self {
        let scenario = proof.scenario;
        let source = sources::of(scenario.name);
        let outcomes = proof.loom.as_ref().map(|told| &told.exploration.outcomes);
        let bound = scenario.preemptions_max;
        Entry {
            name: scenario.name.to_owned(),
            design: proof.design,
            property: scenario.property.to_owned(),
            source: source.file.to_owned(),
            source_hash: source.hash.to_owned(),
            threads: scenario.threads,
            bound: bound.map_or("none".to_owned(), |most| format!("B = {most}")),
            word: proof.word().0,
            outcomes: outcomes.map_or(Vec::new(), |seen| seen.keys().cloned().collect()),
            loom: Explored::of("dynamic partial-order reduction", &proof.loom),
            shuttle: Explored::of(enumeration(scenario), &proof.shuttle),
        }
    }
}

impl Explored {
    fn of(by: &str, told: &Result<Told, Lost>) -> Self {
        let end = match told.as_ref().map(|told| &told.exploration.end) {
            Ok(End::Exhausted) => Ended::Exhausted,
            Ok(End::Failed(_)) => Ended::Failed,
            Ok(End::Stopped(_)) | Err(Lost::TimedOut) => Ended::Stopped,
            Err(Lost::Broke(_)) => Ended::Lost,
        };
        let whole = told.as_ref().ok().filter(|_| end != Ended::Stopped);
        Explored {
            by: by.to_owned(),
            end,
            executions: whole.map(|told| told.exploration.executions),
            steps_max: whole.map(|told| told.exploration.steps_max),
        }
    }

    /// The same, stopped: what a clock decides is not in it.
    pub(crate) fn without_counts(&self) -> Self {
        Explored {
            by: self.by.clone(),
            end: Ended::Stopped,
            executions: None,
            steps_max: None,
        }
    }
}
