//! `iaxproof verify`: explores again what a certificate says was explored, and must come to the same. [`differ`] says where it
//! does not.

mod differ;

use std::path::PathBuf;

use clap::Args;
use iaxproof_models::{Scenario, scenario, scenarios};

use crate::certificate::{Certificate, Ended, Entry};
use crate::error::Error;
use crate::prove::{self, Limits, Work};
use crate::report::{Report, Row, Verdict};

/// Explore again what a certificate names: counts, outcomes and words must be the same.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// What `iaxproof prove` or `iaxproof check` wrote.
    certificate: PathBuf,
    /// Scenarios of it by name; all where none is named.
    names: Vec<String>,
    /// The certificate is of other sources: say so, and judge counts, outcomes and words alone.
    #[arg(long)]
    other_sources: bool,
    #[command(flatten)]
    limits: Limits,
}

/// Explores again and prints what is the same and what is not.
///
/// # Errors
///
/// [`Error::Usage`] for what is no certificate, and for names that are not in it.
pub(crate) fn run(args: &VerifyArgs, json: bool) -> Result<Verdict, Error> {
    let (certificate, hash) = Certificate::read(&args.certificate)?;
    let chosen = choose(&certificate, args)?;
    let build = differ::build(&certificate);
    if !json {
        println!("certificate {hash}\n{}", certificate.summary());
        println!("{}", differ::compared(&build, args.other_sources));
    }
    let mut rows = Vec::new();
    if !args.other_sources {
        rows.extend(differ::build_rows(&build, args));
    }
    rows.extend(again(&chosen, args)?);
    let report = Report::new(rows);
    report.print(json);
    if !json {
        println!("{}", left_out(&certificate, &chosen));
    }
    Ok(report.verdict)
}

/// The entries named.
fn choose<'c>(certificate: &'c Certificate, args: &VerifyArgs) -> Result<Vec<&'c Entry>, Error> {
    let entries = &certificate.scenario;
    let has = |name: &&String| entries.iter().any(|entry| entry.name == **name);
    if let Some(name) = args.names.iter().find(|name| !has(name)) {
        return Err(Error::Usage(format!(
            "{} has no scenario named {name}",
            args.certificate.display()
        )));
    }
    let is_chosen = |entry: &&Entry| args.names.is_empty() || args.names.contains(&entry.name);
    Ok(entries.iter().filter(is_chosen).collect())
}

/// Explores what this build has, and gives the rows of all in the certificate's order.
fn again(chosen: &[&Entry], args: &VerifyArgs) -> Result<Vec<Row>, Error> {
    let found: Vec<Option<Work>> = chosen.iter().map(|entry| find(entry)).collect();
    let work: Vec<_> = found.iter().copied().flatten().collect();
    let mut proofs = prove::prove_all(&work, args.limits)?.into_iter();
    let rows = chosen.iter().zip(found).flat_map(|(entry, found)| {
        match found.and_then(|_| proofs.next()) {
            Some(proof) => differ::rows(entry, &proof, args),
            None => vec![differ::gone(entry, args)],
        }
    });
    Ok(rows.collect())
}

/// What the certificate says came to its end gets the time to, also on a slower machine.
fn find(entry: &Entry) -> Option<Work> {
    let scenario = scenario(&entry.name)?;
    let runs = scenario.designs().any(|design| design == entry.design);
    let work = Work::of(scenario, entry.design);
    runs.then(|| work.known_to_end(entry.shuttle.end == Ended::Exhausted))
}

/// What was not looked at: of the certificate, and of this build.
fn left_out(certificate: &Certificate, chosen: &[&Entry]) -> String {
    let certified = |s: &Scenario| certificate.scenario.iter().any(|e| e.name == s.name);
    let others = scenarios().filter(|scenario| !certified(scenario));
    let others: Vec<&str> = others.map(|scenario| scenario.name).collect();
    let not_in_it = match others.len() {
        0 => "it has all scenarios of this build".to_owned(),
        1..=NAMED_MAX => format!("of this build it has not: {}", others.join(", ")),
        many => format!("{many} scenarios of this build are not in it"),
    };
    format!(
        "\n{} of the certificate's {} scenarios explored again; {not_in_it}.\n{}",
        chosen.len(),
        certificate.scenario.len(),
        certificate.caveats.join("\n")
    )
}

/// How many scenarios that are not there are named.
const NAMED_MAX: usize = 5;
