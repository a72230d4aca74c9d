//! `iaxproof fuzz`: the bodies of the fuzz targets on seeds, regressions and numbered changes of them, without libFuzzer.
//!
//! It knows nothing of coverage, so it is no replacement for `cargo fuzz`; but it needs no other compiler, is done in seconds and does
//! the same each time. The zoo uses it: a length that is not checked is found by the target whose seeds have such a frame.

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};

use clap::Args;
use iaxproof_sim::decide::Dice;

use crate::check::files::{TARGETS, Target, files, read};
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::report::{Report, Row, Verdict};
use crate::sim::seeds::Seeds;
use crate::zoo::properties;
use crate::zoo::sources;

/// What a panic breaks that names no property.
pub(crate) const NO_PANIC: &str = "no-panic";
/// The most changes that are made to one input.
const CHANGES_MAX: u32 = 4;
/// The most octets that one change copies, takes out or repeats.
const RUN_MAX: u32 = 16;
/// Octets that are often a limit of something.
const LIMITS: [u8; 6] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];

/// Run a fuzz target on its seeds and on changes of them, each with a number.
#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// The target: frame, endpoint, config, stranger or world.
    #[arg(value_parser = target)]
    target: Target,
    /// Which changed inputs come after the seeds and regressions; the same number is the same input.
    #[arg(long, value_name = "A..B", default_value = "0..2000")]
    inputs: Seeds,
}

fn target(name: &str) -> Result<Target, String> {
    let found = TARGETS.into_iter().find(|(known, _)| *known == name);
    found.ok_or_else(|| {
        format!(
            "expected one of {}",
            TARGETS.map(|(known, _)| known).join(", ")
        )
    })
}

/// Runs the inputs until one fails, and prints what came of it.
///
/// # Errors
///
/// Where there are no sources, or a seed cannot be read.
pub(crate) fn run(args: &FuzzArgs, json: bool) -> Result<Verdict, Error> {
    if args.inputs.is_open() {
        return Err(Error::Usage(
            "--inputs: expected A..B, with an end".to_owned(),
        ));
    }
    let (name, body) = args.target;
    let corpus = corpus(name)?;
    let watch = Stopwatch::start();
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let tried = try_all(body, &corpus, &args.inputs.0);
    panic::set_hook(hook);
    let report = Report::new(vec![row(name, &tried, watch)]);
    report.print(json);
    Ok(report.verdict)
}

/// Seeds and regressions of a target.
fn corpus(name: &str) -> Result<Vec<Vec<u8>>, Error> {
    let sources = sources::likely().ok_or_else(|| {
        Error::Usage("no sources of iaxproof here, and so no seeds: go there".to_owned())
    })?;
    let mut corpus = Vec::new();
    for folder in ["corpus", "regressions"] {
        for file in files(&sources.join("fuzz").join(folder).join(name))? {
            corpus.push(read(&file)?);
        }
    }
    match corpus.is_empty() {
        true => Err(Error::Broke(format!("fuzz target {name} has no seed"))),
        false => Ok(corpus),
    }
}

/// What came of the inputs.
#[derive(Debug)]
struct Tried {
    inputs: u64,
    /// The input that failed, and the words of its panic.
    failed: Option<(String, String)>,
}

fn try_all(body: fn(&[u8]), corpus: &[Vec<u8>], numbers: &Range<u64>) -> Tried {
    let seeds = corpus.iter().enumerate();
    let seeds = seeds.map(|(nth, seed)| (format!("seed number {nth}"), seed.clone()));
    let changed = numbers.clone();
    let changed = changed.map(|number| (format!("input {number}"), input(number, corpus)));
    let mut inputs = 0;
    for (what, octets) in seeds.chain(changed) {
        inputs += 1;
        if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| body(&octets))) {
            let failed = Some((what, words(&*panic)));
            return Tried { inputs, failed };
        }
    }
    Tried {
        inputs,
        failed: None,
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let text = text.unwrap_or_else(|| "a panic without words".to_owned());
    text.lines().next().unwrap_or_default().to_owned()
}

/// The changed input of this number.
fn input(number: u64, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut dice = Dice::new(number);
    let mut octets = one_of(&mut dice, corpus).clone();
    for _ in 0..dice.within(1, CHANGES_MAX) {
        let other = one_of(&mut dice, corpus);
        change(&mut dice, &mut octets, other);
    }
    octets
}

fn one_of<'a>(dice: &mut Dice, corpus: &'a [Vec<u8>]) -> &'a Vec<u8> {
    &corpus[below(dice, corpus.len())]
}

fn below(dice: &mut Dice, len: usize) -> usize {
    let most = u32::try_from(len.saturating_sub(1)).unwrap_or(u32::MAX);
    dice.within(0, most) as usize
}

/// A piece of these octets, in which there may be nothing.
fn piece(dice: &mut Dice, len: usize) -> Range<usize> {
    let from = below(dice, len);
    let to = from + dice.within(1, RUN_MAX) as usize;
    from..to.min(len)
}

fn change(dice: &mut Dice, octets: &mut Vec<u8>, other: &[u8]) {
    let at = below(dice, octets.len());
    let kind = dice.within(0, 5);
    match octets.get_mut(at) {
        Some(octet) if kind == 0 => *octet ^= 1 << dice.within(0, 7),
        Some(octet) if kind == 1 => *octet = dice.pick(&LIMITS),
        Some(octet) if kind == 2 => *octet = dice.roll() as u8,
        Some(_) if kind == 3 => drop(octets.drain(piece(dice, octets.len()))),
        Some(_) if kind == 4 => octets.truncate(at),
        _ => {
            let copied = other[piece(dice, other.len())].to_vec();
            octets.splice(at..at, copied);
        }
    }
}

fn row(name: &str, tried: &Tried, watch: Stopwatch) -> Row {
    let (property, word, verdict) = match &tried.failed {
        None => (None, "held".to_owned(), Verdict::Held),
        Some((what, words)) => {
            let property = property_of(words);
            let word = format!("FAILED {property}: {what}: {words}");
            (Some(property), word, Verdict::Failed)
        }
    };
    Row {
        what: format!("fuzz {name}"),
        by: "fuzz target".to_owned(),
        word,
        verdict,
        property,
        count: tried.inputs,
        unit: "inputs".to_owned(),
        seconds: watch.elapsed().as_secs_f64(),
        replay: None,
    }
}

/// The property that the body named at the start of its words.
fn property_of(words: &str) -> String {
    let known: BTreeSet<&str> = properties();
    let named = words.split(':').next().unwrap_or_default();
    known.get(named).copied().unwrap_or(NO_PANIC).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_high_octet(octets: &[u8]) {
        assert!(
            !octets.contains(&0xff),
            "no-leak: 255 is in there\nand more"
        );
    }

    #[test]
    fn a_failing_input_is_named_with_its_property_and_comes_again() {
        let corpus = [vec![1, 2, 3, 4], vec![5; 40]];
        let tried = try_all(no_high_octet, &corpus, &(0..1_000));
        let (what, words) = tried.failed.expect("one change in many makes an octet 255");
        assert_eq!(words, "no-leak: 255 is in there");
        assert_eq!(property_of(&words), "no-leak");
        let number: u64 = what["input ".len()..].parse().expect("a changed input");
        assert_eq!(tried.inputs, number + 3, "two seeds come first");
        let alone = try_all(no_high_octet, &corpus, &(number..number + 1));
        assert_eq!(alone.failed.map(|(again, _)| again), Some(what));
        assert_eq!(property_of("index out of bounds: the len is 3"), NO_PANIC);
    }

    #[test]
    fn changes_are_of_every_kind_and_none_fails_on_nothing() {
        let corpus = [Vec::new(), vec![7; 20]];
        let inputs: BTreeSet<Vec<u8>> = (0..500).map(|n| input(n, &corpus)).collect();
        assert!(inputs.len() > 200, "{}", inputs.len());
        let longer = inputs.iter().filter(|octets| octets.len() > 20).count();
        let shorter = inputs.iter().filter(|octets| octets.len() < 20).count();
        assert!(longer > 20 && shorter > 20, "{longer}, {shorter}");
    }
}
