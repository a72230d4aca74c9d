//! A folder of worlds in the fuzzer's format, which sweeps and the fuzz target `world` have in common. Its files are run first, so what
//! the fuzzer found is seen by the sweep; then the worlds that were the first to reach a goal or to fail in some way are added to it, so
//! what the sweep found is where the fuzzer goes on from. What a file's octets mean is [`Plan::from_bytes`]'s to say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iaxproof_models::Design;
use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::View;
use iaxproof_sim::sweep::signature;
use iaxproof_sim::trace::TraceHash;
use serde::Serialize;

use crate::check::files::{files, read};
use crate::error::Error;
use crate::report::{Row, grouped};

use super::sweep::{Found, PanicGroup, Worlds};
use super::{failed, held, panicked, world};

/// The most characters of what a world reached in the name of its file.
const WORDS_MAX: usize = 60;

/// What came of a folder's worlds.
#[derive(Debug)]
pub(crate) struct Corpus {
    folder: PathBuf,
    files: Vec<PathBuf>,
    /// What they added up to; the seed of each is its place among the files.
    found: Found,
    added: u64,
}

/// The same for programs.
#[derive(Debug, Serialize)]
pub(crate) struct CorpusKnown {
    worlds: u64,
    goals_reached: usize,
    /// How many of them no seed of the sweep reached.
    goals_of_no_seed: usize,
    /// How many worlds of the sweep were added.
    added: u64,
}

impl Corpus {
    /// Runs every file of a folder, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be made, or a file not be read.
    pub(crate) fn run(folder: &Path, jobs: usize, design: Design) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))?;
        let files = files(folder)?;
        let inputs = files.iter().map(|file| read(file));
        let inputs: Vec<_> = (0..).zip(inputs.collect::<Result<Vec<_>, _>>()?).collect();
        Ok(Corpus {
            folder: folder.to_owned(),
            files,
            found: run_all(&inputs, jobs, design)?,
            added: 0,
        })
    }

    /// Adds the worlds of a sweep that were the first to reach what no world of the folder had: a goal, or a kind of failure.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written.
    pub(crate) fn grow(&mut self, found: &Found, worlds: Worlds) -> Result<(), Error> {
        for (seed, reached) in self.firsts(found) {
            let octets = octets(seed, worlds)?;
            let file = self.folder.join(name(&octets, &reached));
            if !file.exists() {
                std::fs::write(&file, octets).map_err(Error::io("cannot write", &file))?;
                self.added += 1;
            }
        }
        Ok(())
    }

    /// What each seed of a sweep was the first to reach: failures before goals.
    fn firsts(&self, found: &Found) -> BTreeMap<u64, Vec<String>> {
        let known = &self.found;
        let failures = found.sweep.failures.iter();
        let failures = failures
            .filter(|(kind, _)| !known.sweep.failures.contains_key(*kind))
            .map(|((property, _), group)| (group.first_seed, format!("fails {property}")));
        let panics = found.panics.iter();
        let panics = panics
            .filter(|(kind, _)| !known.panics.contains_key(*kind))
            .map(|(_, group)| (group.first_seed, "panics".to_owned()));
        let goals = found.sweep.goals.iter();
        let goals = goals
            .filter(|(goal, _)| !known.sweep.goals.contains_key(goal))
            .map(|(goal, reached)| (reached.first_seed, goal.text().to_owned()));
        let mut firsts: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (seed, what) in failures.chain(panics).chain(goals) {
            firsts.entry(seed).or_default().push(what);
        }
        firsts
    }

    /// One row where all of its worlds held; else one for each kind of failure, with the plan of its first world written down.
    ///
    /// # Errors
    ///
    /// Where a plan cannot be written.
    pub(crate) fn rows(&self, design: Design, out: &Path) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for ((property, _), group) in &self.found.sweep.failures {
            let file = self.file(group.first_seed);
            rows.push(failed(&self.found, property, group, &file, design, out)?);
        }
        for group in self.found.panics.values() {
            let file = self.file(group.first_seed);
            // It did not live to write its plan down: this is the one that it began with.
            let plan = Plan::from_bytes(&read(&self.folder.join(&file))?);
            rows.push(panicked(&self.found, group, &plan, &file, design, out)?);
        }
        if rows.is_empty() {
            rows.push(Row {
                what: format!("worlds of {}", self.folder.display()),
                ..held(&self.found)
            });
        }
        Ok(rows)
    }

    fn file(&self, nth: u64) -> String {
        let file = usize::try_from(nth)
            .ok()
            .and_then(|nth| self.files.get(nth));
        let name = file.and_then(|file| file.file_name()).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// What it comes to, beside a sweep.
    pub(crate) fn known(&self, found: &Found) -> CorpusKnown {
        let goals = &self.found.sweep.goals;
        let beyond = goals
            .keys()
            .filter(|goal| !found.sweep.goals.contains_key(goal));
        CorpusKnown {
            worlds: self.files.len() as u64,
            goals_reached: goals.len(),
            goals_of_no_seed: beyond.count(),
            added: self.added,
        }
    }
}

impl CorpusKnown {
    /// The line.
    pub(crate) fn print(&self) {
        println!(
            "corpus: {} worlds, {} goals reached, {} of them by no seed; {} worlds of seeds added",
            grouped(self.worlds),
            self.goals_reached,
            self.goals_of_no_seed,
            grouped(self.added)
        );
    }
}

/// Runs inputs, a share of them on each thread.
fn run_all(inputs: &[(u64, Vec<u8>)], jobs: usize, design: Design) -> Result<Found, Error> {
    let share = inputs.len().div_ceil(jobs.max(1)).max(1);
    let run_share = |inputs: &[(u64, Vec<u8>)]| {
        let mut found = Found::default();
        for (nth, octets) in inputs {
            run_one(&mut found, *nth, octets, design);
        }
        found
    };
    std::thread::scope(|scope| {
        let shares = inputs.chunks(share);
        let threads: Vec<_> = shares
            .map(|share| scope.spawn(move || run_share(share)))
            .collect();
        let mut all = Found::default();
        for thread in threads {
            let part = thread.join();
            all.add(part.map_err(|_| Error::Broke("a thread panicked".into()))?);
        }
        Ok(all)
    })
}

fn run_one(found: &mut Found, nth: u64, octets: &[u8], design: Design) {
    match world::run(&Plan::from_bytes(octets), View::Hash, design) {
        Ok(report) => found.sweep.add(nth, report),
        Err(words) => {
            let group = PanicGroup {
                count: 1,
                first_seed: nth,
                words,
            };
            found.add_panic(signature(&group.words), group);
        }
    }
}

/// The world of a seed as it ran, with all that was decided in it, so that a fuzzer can bend that; as it is drawn where it panicked
/// or has more than octets can say.
fn octets(seed: u64, worlds: Worlds) -> Result<Vec<u8>, Error> {
    let drawn = worlds.plan(seed);
    let ran = world::run(&drawn, View::Hash, worlds.design).ok();
    let ran = ran.and_then(|report| report.plan.to_bytes());
    ran.or_else(|| drawn.to_bytes())
        .ok_or_else(|| Error::Broke(format!("the world of seed {seed} has no octets")))
}

/// The name of a file: the hash of its octets, and what it is there for.
fn name(octets: &[u8], reached: &[String]) -> String {
    let mut hash = TraceHash::default();
    hash.octets(octets);
    let first = reached.first().map_or("", String::as_str);
    let words = first.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let mut words = words.join("-").to_ascii_lowercase();
    words.truncate(WORDS_MAX);
    match reached.len() {
        0 | 1 => format!("{:016x}-{words}", hash.finish()),
        more => format!("{:016x}-{words}-and-{}-more", hash.finish(), more - 1),
    }
}

#[cfg(test)]
mod tests {
    use iaxproof_sim::goals::Goal;
    use iaxproof_sim::sweep::{FailureGroup, Reached};

    use super::*;

    #[test]
    fn a_file_is_named_by_its_octets_and_by_what_it_is_there_for() {
        let name_of = |octets: &[u8], reached: &[&str]| {
            let reached: Vec<_> = reached.iter().map(|it| (*it).to_owned()).collect();
            name(octets, &reached)
        };
        let one = name_of(b"abc", &["VNAK sent"]);
        assert_eq!(&one[16..], "-vnak-sent");
        let three = name_of(b"abc", &["placed call: accepted", "b", "c"]);
        assert_eq!(three[..16], one[..16]);
        assert_eq!(&three[16..], "-placed-call-accepted-and-2-more");
        assert_ne!(name_of(b"abd", &["VNAK sent"]), one);
    }

    fn group(first_seed: u64) -> FailureGroup {
        FailureGroup {
            count: 1,
            first_seed,
            message: String::new(),
            plan: Plan::from_seed(first_seed),
        }
    }

    /// What found these goals, failures and panics, each in a seed.
    fn found(goals: &[(Goal, u64)], failures: &[(&str, u64)], panics: &[(&str, u64)]) -> Found {
        let mut found = Found::default();
        for (goal, first_seed) in goals.iter().copied() {
            let worlds = 1;
            let reached = Reached { worlds, first_seed };
            found.sweep.goals.insert(goal, reached);
        }
        for (property, seed) in failures {
            let kind = ((*property).to_owned(), String::new());
            found.sweep.failures.insert(kind, group(*seed));
        }
        for (words, first_seed) in panics {
            let group = PanicGroup {
                count: 1,
                first_seed: *first_seed,
                words: (*words).to_owned(),
            };
            found.add_panic((*words).to_owned(), group);
        }
        found
    }

    #[test]
    fn only_what_no_world_of_the_folder_had_is_a_first() {
        let corpus = Corpus {
            folder: PathBuf::new(),
            files: Vec::new(),
            found: found(&[(Goal::Evicted, 0)], &[("no-leak", 0)], &[("a", 0)]),
            added: 0,
        };
        let goals = [(Goal::Evicted, 2), (Goal::Expired, 3), (Goal::Released, 5)];
        let failures = [("no-leak", 4), ("call-ends", 5)];
        let firsts = corpus.firsts(&found(&goals, &failures, &[("a", 6), ("b", 7)]));
        let firsts: Vec<_> = firsts
            .iter()
            .map(|(seed, what)| (*seed, what.join(", ")))
            .collect();
        let of = |seed, what: &str| (seed, what.to_owned());
        assert_eq!(
            firsts,
            [
                of(3, "registration expired"),
                of(5, "fails call-ends, released"),
                of(7, "panics"),
            ]
        );
    }

    #[test]
    fn what_came_of_a_corpus_does_not_depend_on_the_threads() {
        let inputs: Vec<_> = (0..5)
            .map(|nth: u64| (nth, nth.to_le_bytes().to_vec()))
            .collect();
        let of = |jobs| run_all(&inputs, jobs, Design::Specimen2007).unwrap().sweep;
        assert_eq!(of(1), of(3));
        assert_eq!((of(9).worlds, of(2).digest), (5, of(1).digest));
        assert_eq!(run_all(&[], 2, Design::Shipped).unwrap().sweep.worlds, 0);
    }
}
