//! A share of a sweep's seeds, run again by a second process of this same binary: what rests on addresses, on the environment or on what
//! ran before in a process is not the same there (`same-again`).

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use iaxproof_models::Design;
use iaxproof_sim::report::View;
use iaxproof_sim::schedule::Scheduler;
use serde::{Deserialize, Serialize};

use crate::child::{self, How};
use crate::error::Error;
use crate::report::Verdict;

use super::shard::build;
use super::sweep::{Found, Without, Worlds};
use super::world;

/// One of this many seeds is run again by a second process.
pub(crate) const ELSEWHERE_EVERY: u64 = 64;
/// How many seeds one process is asked for: a line of arguments is not endless.
const SEEDS_MAX: usize = 1_000;
/// How long a process may take for them: many times what it needs.
const LIMIT: Duration = Duration::from_secs(600);

/// Not for people: runs the worlds of some seeds.
#[derive(Debug, Args)]
pub(crate) struct WorldChildArgs {
    /// A request in JSON.
    request: String,
}

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    design: Design,
    threads: bool,
    without: Option<Without>,
    scheduler: Option<Scheduler>,
    seeds: Vec<u64>,
    /// Whether the log of each is wanted, and not its hash alone.
    with_log: bool,
}

/// What came of one seed: nothing where its world panicked.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Told {
    trace_hash: Option<u64>,
    log: Vec<String>,
}

/// What the second process answers.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    /// Which build it is: while a long sweep ran, the file of this binary may have become another's.
    build: String,
    told: BTreeMap<u64, Told>,
}

/// The child's side.
///
/// # Errors
///
/// [`Error::Usage`] for a request that cannot be read.
pub(crate) fn run(args: &WorldChildArgs) -> Result<Verdict, Error> {
    let usage = |error: serde_json::Error| Error::Usage(error.to_string());
    let request: Request = serde_json::from_str(&args.request).map_err(usage)?;
    let seeds = request.seeds.iter().copied();
    let told = seeds.map(|seed| (seed, tell(&request, seed))).collect();
    let answer = Answer {
        build: build(),
        told,
    };
    println!("{}", serde_json::to_string(&answer).map_err(usage)?);
    Ok(Verdict::Held)
}

fn tell(request: &Request, seed: u64) -> Told {
    let worlds = Worlds {
        threads: request.threads,
        without: request.without,
        scheduler: request.scheduler,
        ..Worlds::of(request.design)
    };
    let view = match request.with_log {
        true => View::Events,
        false => View::Hash,
    };
    let Ok(report) = world::run(&worlds.plan(seed), view, request.design) else {
        return Told::default();
    };
    let mut lines = Vec::new();
    if let Some(log) = &report.log {
        log.write_json_lines(&mut lines).expect("memory takes all");
    }
    Told {
        trace_hash: Some(report.trace_hash),
        log: String::from_utf8_lossy(&lines)
            .lines()
            .map(str::to_owned)
            .collect(),
    }
}

/// The parent's side: what a second process makes of seeds.
fn ask(worlds: Worlds, seeds: Vec<u64>, with_log: bool) -> Result<BTreeMap<u64, Told>, Error> {
    let request = Request {
        design: worlds.design,
        threads: worlds.threads,
        without: worlds.without,
        scheduler: worlds.scheduler,
        seeds,
        with_log,
    };
    let broke = |error: serde_json::Error| Error::Broke(error.to_string());
    let request = serde_json::to_string(&request).map_err(broke)?;
    let program = std::env::current_exe().map_err(Error::io("cannot find", ".".as_ref()))?;
    let ended = child::run(Command::new(program).args(["world-child", &request]), LIMIT)?;
    match ended.how {
        How::Exit(0) => of_this_build(serde_json::from_str(ended.stdout.trim()).map_err(broke)?),
        how => Err(Error::Broke(format!(
            "a second process that runs worlds ended as {how:?}: {}",
            ended.stderr.trim()
        ))),
    }
}

/// What another build makes of a seed says nothing.
fn of_this_build(answer: Answer) -> Result<BTreeMap<u64, Told>, Error> {
    let ours = build();
    match answer.build == ours {
        true => Ok(answer.told),
        false => Err(Error::Broke(format!(
            "the second process is {}, and this one is {ours}: has the binary been replaced?",
            answer.build
        ))),
    }
}

/// Has a second process run its share of the seeds of a sweep, and adds where it saw another trace.
///
/// # Errors
///
/// Where no process can be started, or it does not answer.
pub(crate) fn compare(found: &mut Found, worlds: Worlds) -> Result<(), Error> {
    let seeds: Vec<u64> = found.hashes.keys().copied().collect();
    for seeds in seeds.chunks(SEEDS_MAX) {
        let answer = ask(worlds, seeds.to_vec(), false)?;
        for (seed, told) in answer {
            found.elsewhere += 1;
            if told.trace_hash != found.hashes.get(&seed).copied() {
                let parts = parts(worlds, seed)?;
                differs(found, worlds, seed, &told, &parts);
            }
        }
    }
    Ok(())
}

fn differs(found: &mut Found, worlds: Worlds, seed: u64, told: &Told, parts: &str) {
    let hash = |hash: Option<u64>| hash.map_or("a panic".to_owned(), |it| format!("{it:016x}"));
    let message = format!(
        "the trace is {} here, and {} in another process: {parts}",
        hash(found.hashes.get(&seed).copied()),
        hash(told.trace_hash)
    );
    found
        .sweep
        .differs(seed, "processes differ", message, worlds.plan(seed));
}

/// Where the two logs part, in words.
fn parts(worlds: Worlds, seed: u64) -> Result<String, Error> {
    let mut there = ask(worlds, vec![seed], true)?;
    let there = there.remove(&seed).unwrap_or_default().log;
    let here = world::run(&worlds.plan(seed), View::Events, worlds.design);
    let log = here.ok().and_then(|report| report.log).unwrap_or_default();
    let mut lines = Vec::new();
    log.write_json_lines(&mut lines).expect("memory takes all");
    let here = String::from_utf8_lossy(&lines).into_owned();
    let here: Vec<&str> = here.lines().collect();
    let len = here.len().max(there.len());
    let is_other = |nth: &usize| here.get(*nth).copied() != there.get(*nth).map(String::as_str);
    let Some(nth) = (0..len).find(is_other) else {
        return Ok("further runs were alike".to_owned());
    };
    let entry = log.entries.get(nth);
    let place = entry.and_then(|entry| entry.told_at);
    let place = place.map_or_else(String::new, |it| format!(" ({}:{})", it.file(), it.line()));
    let line = |line: Option<&str>| line.unwrap_or("nothing more").to_owned();
    let there = line(there.get(nth).map(String::as_str));
    Ok(format!(
        "they part in {}{place}; the other has {there}",
        line(here.get(nth).copied())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_trace_in_another_process_is_a_failure_with_its_seed() {
        let worlds = Worlds::of(Design::Shipped);
        let mut found = Found::default();
        found.hashes.insert(128, 7);
        let told = Told {
            trace_hash: Some(8),
            ..Told::default()
        };
        differs(&mut found, worlds, 128, &told, "they part in event 3");
        let (kind, group) = found.sweep.failures.iter().next().unwrap();
        assert_eq!((kind.0.as_str(), group.first_seed), ("same-again", 128));
        assert!(
            group
                .message
                .contains("0000000000000008 in another process: they part in event 3")
        );
    }

    #[test]
    fn a_second_process_of_another_build_is_no_second_process() {
        let answer = |build: String| Answer {
            build,
            told: BTreeMap::new(),
        };
        assert!(of_this_build(answer(build())).is_ok());
        let refused = of_this_build(answer("version 9 of the sources beef".to_owned()));
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.contains("is version 9 of the sources beef, and"),
            "{refused}"
        );
    }

    #[test]
    fn what_is_told_of_a_seed_is_what_a_sweep_sees_of_it() {
        let request = |with_log| Request {
            design: Design::Shipped,
            threads: true,
            without: None,
            scheduler: None,
            seeds: vec![64],
            with_log,
        };
        let plan = iaxproof_sim::plan::Plan::threaded_from_seed(64);
        let report = world::run(&plan, View::Hash, Design::Shipped).unwrap();
        let told = tell(&request(true), 64);
        assert_eq!(told.trace_hash, Some(report.trace_hash));
        assert!(told.log.len() > 100);
        assert_eq!(tell(&request(false), 64).log.len(), 0);
    }
}
