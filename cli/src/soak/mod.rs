//! `iaxproof soak`: one catalog on real threads of the operating system for as long as one likes, in storms of reloads and evictions.
//! What explorers and worlds cannot show: that nothing is left, and that memory stays flat.
//!
//! - [`run`], here: the threads, and what the main thread does meanwhile: it looks at memory and at the clock.
//! - [`worker`]: a server's endpoint, by way of a [`desk`], and its [`phone`]s. [`admin`]: the storms. [`database`]: rows and stored contacts.
//!   They share the [`World`], and hear of each other by [`post`].
//! - [`town`]: who there is, and what configurations say. [`pace`]: time and chance. [`tally`]: what was done, what broke.
//! - [`memory`]: whether it is flat. [`remains`]: what is left when all is over. [`show`]: the report.
//!
//! It is a test and no proof: the threads are those of the system, so that a run does not repeat, and a failure is not replayed.

mod admin;
mod database;
mod desk;
mod memory;
mod pace;
mod phone;
mod post;
mod remains;
mod show;
mod tally;
mod town;
mod worker;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use clap::{Args, ValueEnum};
use iaxproof::catalog::{Catalog, CatalogOptions, Entry, Kind};
use iaxproof::engine::directory::{Lookup, Role, TokenKey};
use iaxproof::registry::{Audited, Family, HashKey, Ref, Std};

use self::admin::Admin;
use self::database::Database;
use self::memory::Memory;
use self::pace::{Dice, Pace};
use self::post::Post;
use self::remains::Judge;
use self::show::Ended;
use self::tally::{Alarm, Count, Failure, Tally};
use self::town::{PEERS_MAX, Town};
use self::worker::Worker;
use crate::clock::{Stopwatch, pause};
use crate::error::Error;
use crate::progress::Progress;
use crate::report::Verdict;

/// The most workers: each has an address of its own.
const WORKERS_MAX: usize = 64;
/// The longest soak: a year.
const MINUTES_MAX: f64 = 525_600.0;
/// Into how many shards each container is cut: few, so that threads meet.
const SHARDS: usize = 2;
/// How often the main thread looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long the threads may take to end; one that takes longer waits for something that does not come.
const END_WAIT: Duration = Duration::from_secs(60);

/// Run servers and phones on real threads in a storm of reloads and evictions, and see that nothing is left of it.
///
/// All time of the protocol runs a hundred times as fast as the clock. In the end no object may be alive, no hint be left, and memory
/// must have been flat.
#[derive(Debug, Args)]
pub(crate) struct SoakArgs {
    /// For how long; fractions are fine.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    minutes: f64,
    /// Threads with a server each, over one catalog.
    #[arg(long, value_name = "W", default_value_t = 2)]
    workers: usize,
    /// Peers, each with a phone.
    #[arg(long, value_name = "P", default_value_t = 24)]
    peers: usize,
    /// What the threads draw their choices from; the system decides the rest, so it does not repeat a run.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Whose primitives: `audited` writes down who took which reference where, `std` is what a server runs, and faster.
    #[arg(long, value_name = "FAMILY", value_enum, default_value_t = FamilyName::Audited)]
    family: FamilyName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FamilyName {
    Audited,
    Std,
}

impl FamilyName {
    const fn word(self) -> &'static str {
        match self {
            FamilyName::Audited => "audited",
            FamilyName::Std => "std",
        }
    }
}

/// What all threads share.
#[derive(Debug)]
struct World<F: Family> {
    catalog: Catalog<F>,
    town: Town,
    pace: Pace,
    tally: Tally,
    alarm: Alarm,
    /// Workers and admin are to end.
    is_stopping: AtomicBool,
    /// Nobody asks the database any more.
    is_closed: AtomicBool,
}

/// Runs it and prints the report.
///
/// # Errors
///
/// Where an argument is out of its range, or a thread cannot be started.
pub(crate) fn run(args: &SoakArgs, json: bool) -> Result<Verdict, Error> {
    args.check()?;
    let ended = match args.family {
        FamilyName::Audited => soak::<Audited>(args),
        FamilyName::Std => soak::<Std>(args),
    }?;
    let report = ended.report(args);
    report.print(json);
    Ok(report.verdict)
}

impl SoakArgs {
    fn check(&self) -> Result<(), Error> {
        let within = |what: &str, is_within: bool, max: &dyn std::fmt::Display| match is_within {
            true => Ok(()),
            false => Err(Error::Usage(format!(
                "{what} is more than 0 and at most {max}"
            ))),
        };
        let has_time = self.minutes > 0.0 && self.minutes <= MINUTES_MAX;
        within("--minutes", has_time, &MINUTES_MAX)?;
        within(
            "--workers",
            (1..=WORKERS_MAX).contains(&self.workers),
            &WORKERS_MAX,
        )?;
        within("--peers", (1..=PEERS_MAX).contains(&self.peers), &PEERS_MAX)
    }

    fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    /// The command that runs the like of it again.
    fn line(&self) -> String {
        let (minutes, workers, peers) = (self.minutes, self.workers, self.peers);
        let (seed, family) = (self.seed, self.family.word());
        format!(
            "iaxproof soak --minutes {minutes} --workers {workers} --peers {peers} --seed {seed} --family {family}"
        )
    }
}

fn soak<F: Family<Ledger: Judge>>(args: &SoakArgs) -> Result<Ended, Error> {
    let ledger = F::Ledger::default();
    let world = Arc::new(World::<F>::new(args, ledger.clone()));
    let threads = Threads::start(&world, args)?;
    let watch = Stopwatch::start();
    let memory = look_on(&world, args.duration());
    threads.end(&world);
    let seconds = watch.elapsed().as_secs_f64();
    let mut ended = Ended::new(&world.tally, world.alarm.failure(), memory, seconds);
    // A thread that did not end has the world, and then that is the failure.
    if let Some(World { catalog, .. }) = Arc::into_inner(world) {
        let close = AssertUnwindSafe(|| remains::close(catalog, &ledger));
        match catch_unwind(close) {
            Ok(remains) => ended.remains = Some(remains),
            Err(payload) => ended.broke("the end", &*payload),
        }
    }
    Ok(ended)
}

impl<F: Family> World<F> {
    /// A world whose first configuration is in force.
    fn new(args: &SoakArgs, ledger: F::Ledger) -> Self {
        let mut dice = Dice::new(args.seed, 0);
        let town = Town {
            peers: args.peers,
            workers: args.workers,
        };
        let catalog = Catalog::new(CatalogOptions {
            hash_key: HashKey(dice.draw(), dice.draw()),
            shards: SHARDS,
            container: Kind::Hash,
            token_key: TokenKey(dice.octets()),
            database: true,
            dialogues_max: 32_766,
            ledger,
        });
        catalog.reload(town.configuration(&mut dice, 0));
        World {
            catalog,
            town,
            pace: Pace::start(),
            tally: Tally::default(),
            alarm: Alarm::default(),
            is_stopping: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        }
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire) || self.alarm.is_raised()
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// A name that every configuration has is found by every lookup, whatever reload is under way.
    fn judge_lookup(&self, role: Role, name: &str, lookup: &Lookup<Ref<Entry<F>, F>>) {
        let is_missed = !matches!(lookup, Lookup::Found(_));
        if is_missed && self.town.is_always_there(name) {
            let message = format!("{role:?} {name} is in every configuration, and was not found");
            self.alarm.raise("always-found", message);
        }
    }
}

/// The threads of a soak.
struct Threads {
    /// Those that ask.
    askers: Vec<JoinHandle<()>>,
    database: JoinHandle<()>,
}

impl Threads {
    fn start<F: Family>(world: &Arc<World<F>>, args: &SoakArgs) -> Result<Self, Error> {
        let (post, mailboxes) = Post::new(args.workers);
        let seed = args.seed;
        let dice = move |thread: usize| Dice::new(seed, 1 + thread as u64);
        let mut askers = Vec::new();
        for (index, mailbox) in mailboxes.into_iter().enumerate() {
            let (world_of, post) = (Arc::clone(world), post.clone());
            let work = move || Worker::new(world_of, index, mailbox, post, dice(index)).run();
            askers.push(spawn(world, &format!("worker {index}"), work)?);
        }
        let admin = Admin::new(Arc::clone(world), post.clone(), dice(args.workers));
        askers.push(spawn(world, "admin", || admin.run())?);
        let database = Database::new(Arc::clone(world), post, dice(args.workers + 1));
        let database = spawn(world, "database", || database.run())?;
        Ok(Threads { askers, database })
    }

    /// Has all of them end: the database when nobody asks it any more.
    fn end<F: Family>(self, world: &World<F>) {
        world.is_stopping.store(true, Ordering::Release);
        wait_for(world, self.askers);
        world.is_closed.store(true, Ordering::Release);
        wait_for(world, vec![self.database]);
    }
}

/// Starts a thread whose panic is a failure and ends the soak.
fn spawn<F: Family>(
    world: &Arc<World<F>>,
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    let (watched, who) = (Arc::clone(world), name.to_owned());
    let body = move || {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            let failure = Failure::panic(&who, &*payload);
            watched.alarm.raise(failure.property, failure.message);
        }
    };
    let thread = std::thread::Builder::new().name(name.to_owned());
    let started = thread.spawn(body);
    started.map_err(|error| Error::Broke(format!("no thread for {name}: {error}")))
}

/// Waits for threads to end, but not for ever.
fn wait_for<F: Family>(world: &World<F>, threads: Vec<JoinHandle<()>>) {
    let watch = Stopwatch::start();
    for thread in threads {
        while !thread.is_finished() && watch.elapsed() < END_WAIT {
            pause(LOOK_INTERVAL);
        }
        if thread.is_finished() {
            // Its panic was caught within.
            let _ended = thread.join();
        } else {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            let message = format!("the thread of {name} did not end in {END_WAIT:?}");
            world.alarm.raise("threads-end", message);
        }
    }
}

/// Looks at memory until the time is over or something broke.
fn look_on<F: Family>(world: &World<F>, duration: Duration) -> Memory {
    let (mut memory, interval) = (Memory::default(), Memory::interval(duration));
    let mut progress = Progress::until("soak, operations", None, Some(duration));
    let (watch, mut due, mut done) = (Stopwatch::start(), Duration::ZERO, 0);
    while watch.elapsed() < duration && !world.alarm.is_raised() {
        if watch.elapsed() >= due {
            due += interval;
            memory.sample();
        }
        let so_far = world.tally.operations();
        progress.note(note(&world.tally, &memory));
        progress.advance(so_far - done);
        done = so_far;
        pause(LOOK_INTERVAL.min(interval));
    }
    memory
}

fn note(tally: &Tally, memory: &Memory) -> String {
    let of = |count: Count| format!("{} {}", tally.of(count), count.word());
    let kib = memory.at(100).unwrap_or_default();
    let (reloads, registrations) = (of(Count::Reloads), of(Count::Registrations));
    format!("{reloads}, {registrations}, {kib} KiB")
}
