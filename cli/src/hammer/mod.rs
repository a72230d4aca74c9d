//! `iaxproof hammer`: the experiment of 2007 as a command. So many peers register with a server while one call listens to music
//! there; what is measured is how fast, and what becomes of the music.
//!
//! - [`run`], here: the command line, and the course of the experiment.
//! - [`storm`]: the registrations, each a [`dialogue`], at a [`pace`], over many [`sockets`]; [`tally`] counts.
//! - [`listener`]: the call, on a thread of its own; [`heard`] judges it. [`reload`]: a command beside it all.
//! - [`identity`]: who the peers are; [`configuration`] writes what the server must know of them.
//! - [`machine`]: the server's processor time. [`spread`]: percentiles. [`timeline`]: the plot. [`show`]: the report.

mod configuration;
mod dialogue;
mod heard;
mod identity;
mod listener;
mod machine;
mod pace;
mod reload;
mod show;
mod sockets;
mod spread;
mod storm;
mod tally;
mod timeline;

use core::net::SocketAddr;
use core::time::Duration;
use std::path::{Path, PathBuf};

use clap::Args;
use iaxproof::time::Instant;

use self::identity::PEERS_MAX;
use self::listener::{Heard, Listener};
use self::machine::{Processes, Used};
use self::reload::{Ran, Reloads};
use self::show::{Call, Machine, Summary};
use self::sockets::Sockets;
use self::spread::Spread;
use self::storm::{Plan, Storm};
use crate::client::Target;
use crate::client::interrupt::Interrupt;
use crate::clock::Clock;
use crate::error::Error;
use crate::report::{Verdict, grouped};

/// Peers that share a socket where nobody says how many sockets there are: one socket, that is one address at the server, gets
/// 546 call numbers a second of it, for each is kept for a minute.
const PEERS_PER_SOCKET: u32 = 1_000;
/// How long the call listens before registrations begin, to compare with.
const QUIET: Duration = Duration::from_secs(2);
/// How long we stay after the last registration: a server may not have heard our last word.
const AFTER: Duration = Duration::from_millis(500);
/// The longest time between two runs of the reload command: a day.
const RELOAD_SECONDS_MAX: f64 = 86_400.0;

/// Register thousands of peers with a server while one call listens to its music.
///
/// First `iaxproof hammer --peers 20000 --write-config iax.conf`, then `iaxproof serve --config iax.conf`, then `iaxproof
/// hammer --target 127.0.0.1 --peers 20000 --listen music`. Each registration proves itself by MD5, with a call token where
/// the server wants one. Ctrl-C ends it early, with the table of what there was.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0   every registration was granted, and the call lived to the end
  1   something broke here, nobody listens, or the call was not answered
  2   usage
  3   INCOMPLETE: ended by ctrl-C
  42  a registration was not granted, or the call dropped")]
pub(crate) struct HammerArgs {
    /// The server: HOST or HOST:PORT.
    #[arg(long, value_name = "ADDR", required_unless_present = "write_config")]
    target: Option<Target>,
    /// How many peers there are.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PEERS_MAX)))]
    peers: u32,
    /// How often each of them registers.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
    /// Begin so many registrations a second at most. Without it, as many as the window allows.
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// How many are under way at most.
    #[arg(long, value_name = "W", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    window: u32,
    /// From how many sockets. Without it, one for each thousand peers.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    sockets: Option<u32>,
    /// Bind the sockets to so many addresses, from 127.64.0.1 on. For a server on loopback alone.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    addresses: Option<u32>,
    /// Call this extension first, and listen to it meanwhile.
    #[arg(long, value_name = "EXTEN")]
    listen: Option<String>,
    /// Run --reload-cmd every so many seconds, as 0.3.
    #[arg(long, value_name = "T", requires = "reload_cmd", value_parser = seconds)]
    reload_every: Option<Duration>,
    /// A line for the shell, such as one that has the server read its configuration again.
    #[arg(long, value_name = "CMD", requires = "reload_every")]
    reload_cmd: Option<String>,
    /// Write the configuration with these peers to a file, and do nothing else.
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    write_config: Option<PathBuf>,
    /// With --write-config: write over a file that is there.
    #[arg(long, requires = "write_config")]
    force: bool,
    /// The server is yours, though it is not on loopback.
    #[arg(long)]
    i_own_this_target: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    let seconds = seconds.filter(|it| *it >= 0.01 && *it <= RELOAD_SECONDS_MAX);
    let span = seconds.map(Duration::from_secs_f64);
    span.ok_or_else(|| "a number of seconds is wanted, from 0.01 to a day".to_owned())
}

/// Writes the configuration, or hammers the target.
///
/// # Errors
///
/// [`Error::Usage`] where the target is not to be hammered, others where the system refuses something or nobody is there.
pub(crate) fn run(args: &HammerArgs, json: bool) -> Result<Verdict, Error> {
    match (&args.write_config, &args.target) {
        (Some(path), _) => {
            configuration::write(path, args.peers, args.force)?;
            tell_what_next(path, args.peers, json);
            Ok(Verdict::Held)
        }
        (None, Some(target)) => {
            let target = allowed(target.resolve()?, args)?;
            let summary = Experiment::new(args, target)?.conduct()?;
            summary.print(json);
            Ok(summary.verdict)
        }
        // clap has seen to that.
        (None, None) => Err(Error::Usage("--target is wanted".to_owned())),
    }
}

fn tell_what_next(path: &Path, peers: u32, json: bool) {
    let shown = path.display();
    match json {
        true => println!(
            "{}",
            serde_json::json!({ "written": shown.to_string(), "peers": peers })
        ),
        false => println!(
            "\
{shown}: {} peers
  iaxproof serve --config {shown} --log warn
  iaxproof hammer --target 127.0.0.1:{} --peers {peers} --listen music",
            grouped(peers.into()),
            crate::net::PORT,
        ),
    }
}

/// The target, if it may be hammered as the command line wants.
fn allowed(target: SocketAddr, args: &HammerArgs) -> Result<SocketAddr, Error> {
    let is_loopback = target.ip().to_canonical().is_loopback();
    let usage = |why: String| Err(Error::Usage(why));
    if !is_loopback && !args.i_own_this_target {
        return usage(format!(
            "{target} is not on loopback: a storm of registrations is an attack on whoever does not expect it. Say --i-own-this-target if it is yours"
        ));
    }
    if args.addresses.is_some() && !(is_loopback && target.is_ipv4()) {
        return usage(format!(
            "--addresses are those of the loopback of IPv4, and {target} is not there"
        ));
    }
    match (args.sockets, args.addresses) {
        (Some(sockets), Some(addresses)) if sockets < addresses => {
            usage(format!("{addresses} addresses need as many --sockets"))
        }
        _ => Ok(target),
    }
}

/// An experiment that has not begun.
struct Experiment<'a> {
    args: &'a HammerArgs,
    target: SocketAddr,
    clock: Clock,
    storm: Storm,
    interrupt: Interrupt,
}

/// What was measured while registrations went on.
struct Measured {
    began: Instant,
    ended: Instant,
    machine: Machine,
    own_cpu_seconds: Option<f64>,
    reloads: Option<Ran>,
}

impl<'a> Experiment<'a> {
    fn new(args: &'a HammerArgs, target: SocketAddr) -> Result<Self, Error> {
        let clock = Clock::start();
        let sockets = args.peers.div_ceil(PEERS_PER_SOCKET);
        let sockets = sockets.max(args.addresses.unwrap_or_default());
        let sockets = Sockets::open(target, args.sockets.unwrap_or(sockets), args.addresses)?;
        let plan = Plan {
            peers: args.peers,
            rounds: args.rounds,
            window: args.window as usize,
            rate: args.rate,
        };
        Ok(Experiment {
            args,
            target,
            clock,
            interrupt: Interrupt::new(sockets.waker())?,
            storm: Storm::new(plan, clock, sockets),
        })
    }

    fn conduct(mut self) -> Result<Summary, Error> {
        let listener = self.listen()?;
        let listens_since = self.clock.now();
        if listener.is_some() {
            self.storm.linger(listens_since + QUIET)?;
        }
        let measured = self.rage()?;
        self.storm.linger(measured.ended + AFTER)?;
        let heard = listener.map(Listener::hang_up).transpose()?;
        Ok(self.summary(&measured, listens_since, heard.as_ref()))
    }

    fn listen(&self) -> Result<Option<Listener>, Error> {
        let Some(extension) = &self.args.listen else {
            return Ok(None);
        };
        let listener = Listener::call(self.clock, self.target, extension)?;
        listener.wait_for_answer(extension)?;
        Ok(Some(listener))
    }

    fn rage(&mut self) -> Result<Measured, Error> {
        let processes = Processes::behind(self.target);
        let used = || processes.as_ref().map(Processes::used);
        let (before, own_before) = (used(), machine::seconds("self"));
        let reloads = self.reloads()?;
        let began = self.clock.now();
        self.storm.rage(&self.interrupt)?;
        let ended = self.clock.now();
        let own_cpu = machine::seconds("self").zip(own_before);
        let machine = match (before, used()) {
            (Ok(Some(before)), Ok(Some(after))) => {
                local(before, after, ended.saturating_since(began))
            }
            (Err(why), _) => Machine::Unknown((*why).to_owned()),
            _ => Machine::Unknown("its process ended".to_owned()),
        };
        Ok(Measured {
            began,
            ended,
            machine,
            own_cpu_seconds: own_cpu.map(|(after, before)| after - before),
            reloads: reloads.map(Reloads::end).transpose()?,
        })
    }

    fn reloads(&self) -> Result<Option<Reloads>, Error> {
        let wanted = self.args.reload_every.zip(self.args.reload_cmd.as_deref());
        wanted
            .map(|(interval, line)| Reloads::every(interval, line))
            .transpose()
    }

    fn summary(&self, measured: &Measured, quiet_since: Instant, heard: Option<&Heard>) -> Summary {
        let (tally, sockets) = (&self.storm.tally, &self.storm.sockets);
        let (began, ended) = (measured.began, measured.ended);
        let seconds = ended.saturating_since(began).as_secs_f64();
        let registered = tally.granted.len() as u64;
        let arrivals = heard.map_or(&[][..], |heard| &heard.arrivals);
        let unfinished = self.storm.total() - tally.ended();
        let is_dropped = heard.is_some_and(|heard| heard.dropped.is_some());
        Summary {
            verdict: verdict(tally.refused(), unfinished == 0, is_dropped),
            target: self.target.to_string(),
            peers: self.args.peers,
            rounds: self.args.rounds,
            sockets: sockets.len(),
            registered,
            refusals: tally.refusals.clone(),
            refused: tally.refused(),
            unfinished,
            seconds,
            per_second: registered as f64 / seconds.max(f64::MIN_POSITIVE),
            latency: Spread::of(tally.latencies.clone()).percentiles(),
            retransmissions: tally.retransmissions,
            unchallenged: tally.unchallenged,
            unsent: sockets.unsent,
            strange_datagrams: tally.strange,
            target_machine: measured.machine.clone(),
            own_cpu_seconds: measured.own_cpu_seconds,
            call: heard.map(|heard| self.call(heard, quiet_since, began, ended)),
            reloads: measured.reloads.clone(),
            intervals: timeline::cut(began, ended, &tally.granted, heard::gaps(arrivals)),
        }
    }

    fn call(&self, heard: &Heard, since: Instant, began: Instant, ended: Instant) -> Call {
        let dropped = heard.dropped.as_ref().map(|(at, why)| {
            let after = at.saturating_since(began).as_secs_f64();
            format!("DROPPED after {after:.1} s: {why}")
        });
        let meanwhile = heard
            .lateness
            .iter()
            .filter(|(at, _)| (began..ended).contains(at));
        let own_lateness = meanwhile.map(|(_, late)| *late).collect();
        Call {
            extension: self.args.listen.clone().unwrap_or_default(),
            dropped,
            quiet: heard::judge(&heard.arrivals, since, began),
            storm: heard::judge(&heard.arrivals, began, ended),
            own_lateness: Spread::of(own_lateness).percentiles(),
        }
    }
}

/// What it comes to: how many were not granted, whether all came to an end, whether the call dropped.
const fn verdict(refused: u64, is_complete: bool, is_dropped: bool) -> Verdict {
    match (refused, is_complete) {
        _ if is_dropped => Verdict::Failed,
        (0, true) => Verdict::Held,
        (0, false) => Verdict::Incomplete,
        _ => Verdict::Failed,
    }
}

/// What the server used between two looks.
fn local(before: Used, after: Used, span: Duration) -> Machine {
    let cpu_seconds = after.seconds - before.seconds;
    Machine::Local {
        cpu_seconds,
        cpu_share: cpu_seconds / span.as_secs_f64().max(f64::MIN_POSITIVE),
        dropped_datagrams: after.dropped.saturating_sub(before.dropped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_call_and_one_refusal_each_fail_it() {
        assert_eq!(verdict(0, true, false), Verdict::Held);
        assert_eq!(verdict(0, false, false), Verdict::Incomplete);
        assert_eq!(verdict(0, true, true), Verdict::Failed);
        assert_eq!(verdict(1, true, false), Verdict::Failed);
        assert_eq!(verdict(1, false, true), Verdict::Failed);
    }

    #[test]
    fn a_reload_comes_every_so_many_seconds_and_never_all_the_time() {
        assert_eq!(seconds("0.3"), Ok(Duration::from_millis(300)));
        for text in ["0", "-1", "nan", "inf", "1e9", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
