//! The command `iaxproof`: reads the command line and hands it to one subcommand.
//!
//! Sockets, files, threads, child processes and the wall clock live in this package and nowhere else.

mod audio;
#[cfg(feature = "evidence")]
mod certificate;
#[cfg(feature = "evidence")]
mod check;
#[cfg(feature = "evidence")]
mod child;
mod client;
mod clock;
mod config;
mod conform;
#[cfg(feature = "evidence")]
mod cost;
mod ctl;
mod decode;
mod error;
#[cfg(feature = "evidence")]
mod explain;
#[cfg(feature = "evidence")]
mod fuzz;
mod hammer;
mod log;
mod net;
mod packet;
mod pipe;
#[cfg(feature = "evidence")]
mod plan;
mod progress;
#[cfg(feature = "evidence")]
mod prove;
mod record;
#[cfg(feature = "evidence")]
mod replay;
mod report;
mod serve;
#[cfg(feature = "evidence")]
mod shrink;
#[cfg(feature = "evidence")]
mod sim;
#[cfg(feature = "soak")]
mod soak;
mod store;
mod table;
#[cfg(feature = "evidence")]
mod verify;
#[cfg(feature = "evidence")]
mod view;
#[cfg(feature = "evidence")]
mod whole;
#[cfg(feature = "evidence")]
mod zoo;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::report::Verdict;

/// The version, and the hash of the sources that decide what becomes of a world, as results of shards have it.
const BUILD: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    ", sources ",
    env!("IAXPROOF_SOURCES")
);

/// A reference-counted IAX2 registry, and the evidence that it cannot crash as its ancestor did.
///
/// Exit codes: 0 held, 42 a property failed, 2 usage, 3 INCOMPLETE, anything else broke.
#[derive(Debug, Parser)]
#[command(name = "iaxproof", version, long_version = BUILD)]
struct CommandLine {
    /// Print one line of JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Call(client::call::CallArgs),
    #[cfg(feature = "evidence")]
    Check(check::CheckArgs),
    Config(config::ConfigArgs),
    Conform(conform::ConformArgs),
    #[cfg(feature = "evidence")]
    Cost(cost::CostArgs),
    Ctl(ctl::CtlArgs),
    Decode(decode::DecodeArgs),
    #[cfg(feature = "evidence")]
    Explain(explain::ExplainArgs),
    #[cfg(feature = "evidence")]
    Fuzz(fuzz::FuzzArgs),
    Hammer(hammer::HammerArgs),
    #[cfg(feature = "evidence")]
    Merge(sim::merge::MergeArgs),
    #[cfg(feature = "evidence")]
    Plan(plan::PlanArgs),
    #[cfg(feature = "evidence")]
    Prove(prove::ProveArgs),
    #[cfg(feature = "evidence")]
    #[command(hide = true)]
    ProveChild(prove::child::ProveChildArgs),
    Register(client::register::RegisterArgs),
    #[cfg(feature = "evidence")]
    Replay(replay::ReplayArgs),
    #[cfg(not(feature = "evidence"))]
    Replay(record::replay::ReplayArgs),
    Serve(serve::ServeArgs),
    #[cfg(feature = "evidence")]
    Shrink(shrink::ShrinkArgs),
    #[cfg(feature = "evidence")]
    Sim(sim::SimArgs),
    #[cfg(feature = "soak")]
    Soak(soak::SoakArgs),
    #[cfg(feature = "evidence")]
    Verify(verify::VerifyArgs),
    #[cfg(feature = "evidence")]
    #[command(hide = true)]
    WorldChild(sim::elsewhere::WorldChildArgs),
    #[cfg(feature = "evidence")]
    Zoo(zoo::ZooArgs),
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    if !matches!(line.command, Command::Serve(_)) {
        pipe::end_with_the_reader();
    }
    run(&line).unwrap_or_else(|error| {
        // Where nobody takes it, the exit code is left.
        let _ = writeln!(std::io::stderr(), "iaxproof: {error}");
        error.exit_code()
    })
}

fn run(line: &CommandLine) -> Result<ExitCode, Error> {
    match &line.command {
        Command::Call(args) => client::call::run(args),
        #[cfg(feature = "evidence")]
        Command::Check(args) => check::run(args, line.json).map(Verdict::exit_code),
        Command::Config(args) => config::run(args, line.json),
        Command::Conform(args) => conform::run(args, line.json),
        #[cfg(feature = "evidence")]
        Command::Cost(args) => cost::run(args, line.json).map(Verdict::exit_code),
        Command::Ctl(args) => ctl::run(args, line.json),
        Command::Decode(args) => decode::run(args, line.json),
        #[cfg(feature = "evidence")]
        Command::Explain(args) => explain::run(args, line.json).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::Fuzz(args) => fuzz::run(args, line.json).map(Verdict::exit_code),
        Command::Hammer(args) => hammer::run(args, line.json).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::Merge(args) => sim::merge::run(args, line.json).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::Plan(args) => plan::run(args).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::Prove(args) => prove::run(args, line.json).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::ProveChild(args) => prove::child::run(args).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::Replay(args) => replay::run(args, line.json).map(Verdict::exit_code),
        #[cfg(not(feature = "evidence"))]
        Command::Replay(args) => record::replay::of(args, line.json).map(Verdict::exit_code),
        Command::Register(args) => client::register::run(args),
        Command::Serve(args) => serve::run(args),
        #[cfg(feature = "evidence")]
        Command::Shrink(args) => shrink::run(args, line.json).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::Sim(args) => sim::run(args, line.json).map(Verdict::exit_code),
        #[cfg(feature = "soak")]
        Command::Soak(args) => soak::run(args, line.json).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::Verify(args) => verify::run(args, line.json).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::WorldChild(args) => sim::elsewhere::run(args).map(Verdict::exit_code),
        #[cfg(feature = "evidence")]
        Command::Zoo(args) => zoo::run(args, line.json).map(Verdict::exit_code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_server_alone_lists_the_servers_commands() {
        let all = CommandLine::command();
        let shown = all
            .get_subcommands()
            .filter(|command| !command.is_hide_set());
        let mut shown: Vec<&str> = shown.map(|command| command.get_name()).collect();
        shown.sort_unstable();
        let mut server = vec![
            "call", "config", "conform", "ctl", "decode", "hammer", "register", "replay", "serve",
        ];
        if cfg!(feature = "soak") {
            server.push("soak");
        }
        match cfg!(feature = "evidence") {
            true => assert!(shown.len() > server.len(), "{shown:?}"),
            false => assert_eq!(shown, server),
        }
    }
}
