//! `iaxproof serve`: the endpoint on real sockets, with the configuration of a file and the registrations of a database.
//!
//! - [`run`], here: from the command line to a running server. [`configuration`]: a file, or the one that is built in.
//! - [`worker`]: a thread that owns sockets and an endpoint; [`business`]: what it does besides datagrams. [`admin`]: the thread that takes
//!   signals. Another one, the realtime thread, is the store's. [`operator`]: what is done to the catalog beside the workers.
//! - [`chosen`]: what is random, and the recording, which has it.
//! - [`doors`]: where an operator gets in. [`control`]: what `iaxproof ctl` asks. [`reading`]: figures.
//!   [`metrics`]: the same for Prometheus.
//!   [`service`]: what systemd is told.
//! - [`application`]: what answers calls, by the [`dialplan`]. [`switch`]: calls from peer to peer. [`logins`]: the log of failed logins.
//!   [`registrants`]: where the server itself registers. [`keys`]: fresh keys for call tokens.
//!   [`restored`]: what a former process stored.
//!
//! The threads share the catalog; workers hear of the other two by messages, and hand each other datagrams that came by the wrong socket.

mod admin;
pub(crate) mod application;
pub(crate) mod business;
mod chosen;
mod configuration;
mod control;
pub(crate) mod dialplan;
mod doors;
mod keys;
mod logins;
mod metrics;
pub(crate) mod operator;
pub(crate) mod reading;
mod registrants;
mod restored;
mod service;
mod switch;
mod visitors;
mod worker;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::str::FromStr;
use core::time::Duration;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use clap::Args;
use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::config::{Parsed, Serving};
use iaxproof::engine::directory::TokenKey;
use iaxproof::engine::workers::WORKERS_MAX;
use iaxproof::engine::{EndpointOptions, WorkerId, Workers};
use iaxproof::registry::{Family, HashKey, Std};
use tracing::level_filters::LevelFilter;

use self::admin::{Admin, Reloader};
use self::application::Application;
use self::chosen::Chosen;
use self::configuration::Source;
use self::control::Desk;
use self::dialplan::Dialplan;
use self::doors::Doors;
use self::operator::Operator;
use self::service::Pulse;
use self::worker::{Message, Ring, Rings, Worker};
use crate::audio::{melody, wav};
use crate::clock::Clock;
use crate::error::{Advised, Error};
use crate::log;
use crate::net::crew::Crew;
use crate::net::taps::recorder::Recording;
use crate::net::{Node, PORT, sockets};
use crate::record::hand::Actor;
use crate::record::{Tape, Taped};
use crate::store::Store;
use crate::store::cached::Caching;
use crate::store::realtime::Realtime;

/// Into how many shards each container is cut.
const SHARDS: usize = 16;

/// Run a server: registrations, an echo, music.
///
/// Without --config: four phones, an echo and a music extension on 127.0.0.1 alone. SIGHUP reads the configuration
/// again, SIGTERM and SIGINT stop. Exit codes: 0 stopped, 2 usage or a configuration with an error, 1 anything else broke.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// A file in the syntax of Asterisk's iax.conf.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen: an IP address, with or without a port. May be given several times; port 0 is chosen by the system.
    #[arg(long, value_name = "ADDR")]
    bind: Vec<Bind>,
    /// Keep registrations, and find peers and users, in this SQLite file, which is made where there is none, or in a PostgreSQL, as
    /// postgres://USER@HOST/DATABASE, whose password PGPASSWORD or PGPASSFILE has. Several servers may share one.
    #[arg(long, value_name = "FILE|ADDRESS")]
    database: Option<PathBuf>,
    /// What extensions lead to, in a section [extensions] of this file: `602 => tone 440`, `_1XX => dial phone${EXTEN}`, echo, music, hangup CAUSE.
    /// Without it `echo` and `music` are there, and any other extension is a peer.
    #[arg(long, value_name = "FILE")]
    dialplan: Option<PathBuf>,
    /// What the music extension plays: a WAV of 8 kHz.
    #[arg(long, value_name = "WAV")]
    music: Option<PathBuf>,
    /// How many threads serve, each with sockets of its own at the same addresses.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(WORKERS_MAX)))]
    workers: u16,
    /// Take questions and orders of `iaxproof ctl` by a Unix socket of mode 0600; without PATH at
    /// $XDG_RUNTIME_DIR/iaxproof.sock, or /run/iaxproof.sock where that is not set.
    #[arg(long, value_name = "PATH")]
    control: Option<Option<PathBuf>>,
    /// Answer GET /metrics with figures for Prometheus on this address of the loopback, as 127.0.0.1:9469.
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// Write every datagram to this capture, in and out, until the end or until the disk is full. It holds what was said in calls that are
    /// not encrypted, and the results of logins, from which a weak secret can be guessed.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Write everything that decides what the server does to this file, for `iaxproof replay FILE`. No secret is in it and no key of an
    /// encrypted call, but what is said in calls is, also in those.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// What goes to the log: off, error, warn, info, debug or trace.
    #[arg(
        long,
        value_name = "LEVEL",
        env = "IAXPROOF_LOG",
        default_value = "info"
    )]
    log: LevelFilter,
}

/// A worker's sockets and endpoint.
type ServerNode<F> = Node<Arc<Catalog<F>>>;

/// An address to listen on.
#[derive(Clone, Copy, Debug)]
struct Bind(SocketAddr);

impl FromStr for Bind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let with_port = text.parse().map(Bind);
        let bare = || text.parse().map(|ip: IpAddr| Bind((ip, PORT).into()));
        with_port.or_else(|_| bare()).map_err(|_| {
            "an IP address is wanted, as 192.0.2.1, 192.0.2.1:4569 or [::1]:4569".into()
        })
    }
}

/// Serves until a signal says to stop.
///
/// # Errors
///
/// [`Error::Usage`] for a configuration with an error, others where the system refuses a socket or a file.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode, Error> {
    match args.record {
        None => serve::<Std>(args),
        Some(_) => serve::<Taped>(args),
    }
}

fn serve<F: Family>(args: &ServeArgs) -> Result<ExitCode, Error> {
    log::begin(args.log);
    // Signals first: from here on none ends us without our knowing.
    let admin = Admin::new()?;
    let clock = Clock::start();
    let source = Source::of(args.config.as_deref());
    let parsed = source.load(0)?;
    let binds = binds(args, &parsed.serving)?;
    let (music, dialplan) = (music(args)?, dialplan(args)?);
    let doors = Doors::make(args.control.as_ref(), args.metrics)?;
    let options = options(parsed.serving.ping_interval, parsed.serving.lagrq_interval);
    let registrations = parsed.registrations.clone();
    let caching = Caching::of(&parsed.realtime);
    let chosen = Chosen::new(args.workers)?;
    let is_database = args.database.is_some();
    let catalog = Arc::new(catalog::<F>(
        chosen.hash_key,
        chosen.token_key.clone(),
        is_database,
    ));
    // Before the database, the recording and the capture: where another server has the port, no file is made or emptied.
    let mut nodes = nodes((clock, &binds), &options, &chosen, &catalog)?;
    let taping = chosen.record(args, clock, &parsed, &dialplan)?;
    let mut tape = taping.tape(Actor::START);
    let store = directory(args, parsed, &catalog, clock, &mut tape)?;
    tape.flush();
    nodes.iter_mut().for_each(|node| {
        node.tape = taping.tape(Actor::worker(node.worker()));
    });
    let recording = recording(args, clock, &mut nodes)?;
    let (rings, inboxes) = rings(&nodes);
    rings.send(&Message::Reloaded(registrations));
    let realtime = store.map(|store| {
        let tape = taping.tape(Actor::REALTIME);
        realtime((store, caching), &catalog, (clock, tape), rings.clone())
    });
    let realtime = realtime.transpose()?;
    let files = (source.clone(), args.dialplan.clone());
    let operator = Arc::new(Operator::new(catalog, taping.tape(Actor::OPERATOR)));
    let reloader = Reloader::new(files, Arc::clone(&operator), rings.clone());
    let reloader = Arc::new(reloader);
    let desk = Desk::new(operator, clock, Arc::clone(&reloader), rings.clone());
    // The control socket is removed at the end.
    let _control = doors.open(desk)?;
    let pulses: Vec<Pulse> = nodes.iter().map(|node| Pulse::at(node.now())).collect();
    service::watch(clock, pulses.clone())?;
    let first = nodes.first();
    let status = first.map(|first| source.greet(first.locals()));
    admin.spawn(reloader, rings.clone())?;
    let workers = nodes.into_iter().zip(inboxes).zip(pulses);
    let workers = workers.map(|((node, messages), pulse)| {
        let bell = realtime.as_ref().map(Realtime::bell);
        let application = Application::new(Arc::clone(&music), Arc::clone(&dialplan));
        Worker::new(node, application, messages, bell, pulse)
    });
    service::ready(&status.unwrap_or_default());
    let done = run_all(workers.collect(), &rings);
    // The workers are gone, and their ends of the recording with them.
    recording.into_iter().for_each(Recording::finish);
    if let Some(realtime) = realtime {
        realtime.stop();
    }
    taping.finish();
    tracing::info!("stopped");
    done.map(|()| ExitCode::SUCCESS)
}

/// One node for each worker, all at the same addresses.
fn nodes<F: Family>(
    (clock, binds): (Clock, &[SocketAddr]),
    options: &EndpointOptions,
    chosen: &Chosen,
    catalog: &Arc<Catalog<F>>,
) -> Result<Vec<ServerNode<F>>, Error> {
    let workers = chosen.seeds.len() as u16;
    let binds = match workers {
        1 => binds.to_vec(),
        _ => sockets::nobodys(binds)?,
    };
    let nodes = (0..workers).zip(&chosen.seeds).map(|(me, seed)| {
        let options = EndpointOptions {
            workers: Workers::new(WorkerId(me), workers),
            ..options.clone()
        };
        Node::new(clock, &binds, (options, *seed), Arc::clone(catalog))
    });
    let mut nodes = nodes.collect::<Result<Vec<_>, Error>>()?;
    let wakers: Vec<_> = nodes.iter().map(Node::waker).collect();
    for (node, crew) in nodes.iter_mut().zip(Crew::of(&wakers)) {
        node.join(crew);
    }
    Ok(nodes)
}

/// The two ends of each worker's messages.
fn rings<F: Family>(nodes: &[ServerNode<F>]) -> (Rings, Vec<Receiver<Message>>) {
    let ends = nodes.iter().map(|node| {
        let (sender, messages) = mpsc::channel();
        (Ring::new(sender, node.waker()), messages)
    });
    let (rings, inboxes) = ends.unzip();
    (Rings::new(rings), inboxes)
}

/// Runs the first worker here and the others on threads, until all have ended. Where one cannot go on, none does.
fn run_all<F: Family>(workers: Vec<Worker<F>>, rings: &Rings) -> Result<(), Error> {
    let run = |worker: Worker<F>| {
        let done = worker.run();
        if done.is_err() {
            rings.send(&Message::Stop);
        }
        done
    };
    let mut workers = workers.into_iter();
    let first = workers.next();
    std::thread::scope(|scope| {
        let others: Vec<_> = workers
            .enumerate()
            .map(|(index, worker)| {
                let thread = std::thread::Builder::new().name(format!("worker-{}", index + 1));
                let spawned = thread.spawn_scoped(scope, move || run(worker));
                spawned.map_err(|error| {
                    rings.send(&Message::Stop);
                    Error::Broke(format!("no thread for a worker: {}", Advised(&error)))
                })
            })
            .collect();
        let first = first.map_or(Ok(()), run);
        let others = others.into_iter().map(|other| {
            let panicked = |_| Err(Error::Broke("a worker had panicked".to_owned()));
            other?.join().unwrap_or_else(panicked)
        });
        let others: Vec<Result<(), Error>> = others.collect();
        others.into_iter().fold(first, Result::and)
    })
}

/// Fills the catalog with what a former process stored and what the configuration says. The database, if there is one.
fn directory<F: Family>(
    args: &ServeArgs,
    parsed: Parsed,
    catalog: &Catalog<F>,
    clock: Clock,
    tape: &mut Tape,
) -> Result<Option<Store>, Error> {
    let mut store = args.database.as_deref().map(Store::open).transpose()?;
    if let Some(store) = &mut store {
        if !parsed.realtime.update {
            store.update_nothing_else();
        }
        restored::restore(store, catalog, &clock, tape)?;
    }
    operator::reload(catalog, parsed.configuration, tape);
    restored::report(catalog, &clock);
    Ok(store)
}

/// The realtime thread; what it has done goes to the worker.
fn realtime<F: Family>(
    store: (Store, Caching),
    catalog: &Arc<Catalog<F>>,
    (clock, tape): (Clock, Tape),
    rings: Rings,
) -> Result<Realtime, Error> {
    let tell = move |done| rings.send(&Message::Done(done));
    Realtime::spawn(store, Arc::clone(catalog), clock, tape, tell)
}

/// Where to listen. The built-in phones have secrets that everybody knows, so they stay on this machine.
fn binds(args: &ServeArgs, serving: &Serving) -> Result<Vec<SocketAddr>, Error> {
    let binds: Vec<SocketAddr> = args.bind.iter().map(|bind| bind.0).collect();
    let outward = binds.iter().find(|bind| !bind.ip().is_loopback());
    match (&args.config, outward) {
        (None, Some(outward)) => Err(Error::Usage(format!(
            "--bind {outward} without --config: the built-in phones have known secrets and stay on loopback"
        ))),
        (None, None) if binds.is_empty() => Ok(vec![(Ipv4Addr::LOCALHOST, PORT).into()]),
        (Some(_), _) if binds.is_empty() => Ok(serving.bind.clone()),
        _ => Ok(binds),
    }
}

/// How the endpoints of a server behave.
pub(crate) fn options(ping_interval: Duration, lagrq_interval: Duration) -> EndpointOptions {
    EndpointOptions {
        ping_interval,
        lagrq_interval,
        asks_application: true,
        ..EndpointOptions::default()
    }
}

/// The empty catalog of a server.
pub(crate) fn catalog<F: Family>(
    hash_key: HashKey,
    token_key: TokenKey,
    database: bool,
) -> Catalog<F> {
    Catalog::new(CatalogOptions {
        hash_key,
        shards: SHARDS,
        container: Kind::Hash,
        token_key,
        database,
        dialogues_max: 32_766,
        ledger: Default::default(),
    })
}

fn recording<F: Family>(
    args: &ServeArgs,
    clock: Clock,
    nodes: &mut [ServerNode<F>],
) -> Result<Option<Recording>, Error> {
    let Some(path) = &args.pcap else {
        return Ok(None);
    };
    let (recorder, recording) = Recording::begin(path, clock)?;
    for node in nodes {
        node.taps.record(recorder.clone());
    }
    Ok(Some(recording))
}

fn dialplan(args: &ServeArgs) -> Result<Arc<Dialplan>, Error> {
    let read = args.dialplan.as_deref().map(Dialplan::read);
    Ok(Arc::new(
        read.transpose()?.unwrap_or_else(Dialplan::built_in),
    ))
}

fn music(args: &ServeArgs) -> Result<Arc<[i16]>, Error> {
    match &args.music {
        Some(path) => wav::read(path).map(Into::into),
        None => own_music(),
    }
}

/// What is in the binary.
pub(crate) fn own_music() -> Result<Arc<[i16]>, Error> {
    let samples = wav::parse(&melody::wav()[..]).map_err(Error::Broke)?;
    Ok(samples.into())
}
