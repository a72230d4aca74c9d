//! A recording again: the shipped catalog, endpoints and what a worker does beside them, on as many threads, each given what was recorded of
//! it, taking locks in the order in which they were taken. After each input that anything came of, the hash of its actor must be the recorded one.
//!
//! Threads of the system, and not coroutines: what is between two locks is the same on either, `std::thread` needs no stack to be chosen, and
//! the server without evidence, which has no coroutines, can replay too.
//!
//! - [`run`], here: all actors, and what is said of them. [`actor`]: one of them. [`show`]: how it is said.

mod actor;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod phone;
mod show;
#[cfg(test)]
mod tests;

use std::path::Path;
#[cfg(not(feature = "evidence"))]
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[cfg(not(feature = "evidence"))]
use clap::Args;

use self::actor::{Played, Stage};
use self::show::Summary;
use super::file::Recorded;
use super::hand::Actor;
use super::order::Order;
use crate::clock::pause;
use crate::error::Error;
use crate::progress::Progress;
use crate::report::Verdict;

/// How often it is told how far it has come.
const LOOK: Duration = Duration::from_millis(20);

/// Do what a server was recorded doing once more, and say whether the same comes of it.
#[cfg(not(feature = "evidence"))]
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A recording of `iaxproof serve --record`.
    file: PathBuf,
}

/// Replays what the command line names.
///
/// # Errors
///
/// As for [`run`], and [`Error::Usage`] for what is no recording.
#[cfg(not(feature = "evidence"))]
pub(crate) fn of(args: &ReplayArgs, json: bool) -> Result<Verdict, Error> {
    run(&args.file, json)
}

/// Replays and prints. [`Verdict::Failed`] where something else comes of it; [`Verdict::Broke`] where that is another build's recording.
///
/// # Errors
///
/// [`Error::Usage`] for what is no recording, [`Error::Broke`] for one that is damaged.
pub(crate) fn run(path: &Path, json: bool) -> Result<Verdict, Error> {
    let recorded = Recorded::read(path)?;
    let mut progress = Progress::new("inputs", recorded.inputs);
    let stage = Stage::of(&recorded.header)?;
    let played = play(&recorded, &stage, &mut progress);
    let summary = Summary::of(&recorded, played);
    summary.print(json);
    Ok(summary.verdict())
}

/// The start alone, then all others at once.
fn play(recorded: &Recorded, stage: &Stage, progress: &mut Progress) -> Vec<(Actor, Played)> {
    let done = AtomicU64::new(0);
    let alone = Arc::new(Order::of(1));
    let start = stage.play(recorded, Actor::START, &alone, &done);
    let has_begun = start.stop.is_none();
    let mut played = vec![(Actor::START, start)];
    let others: Vec<Actor> = recorded.actors().filter(|it| *it != Actor::START).collect();
    if !has_begun {
        return played;
    }
    let order = Arc::new(Order::of(others.len()));
    std::thread::scope(|scope| {
        let threads: Vec<_> = others
            .into_iter()
            .map(|actor| {
                let (order, done) = (Arc::clone(&order), &done);
                let play = move || stage.play(recorded, actor, &order, done);
                (actor, scope.spawn(play))
            })
            .collect();
        let mut told = 0;
        while threads.iter().any(|(_, thread)| !thread.is_finished()) {
            let all = done.load(Ordering::Relaxed);
            progress.advance(all - told);
            told = all;
            pause(LOOK);
        }
        for (actor, thread) in threads {
            played.push((actor, thread.join().unwrap_or_else(|_| Played::broken())));
        }
    });
    played
}
