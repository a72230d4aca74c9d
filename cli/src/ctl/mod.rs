//! `iaxproof ctl`: asks a running server, or gives it an order, by its control socket.
//!
//! [`protocol`] is what is said, [`show`] prints it for people; what a command does is the server's (`serve::control`).

pub(crate) mod protocol;
mod show;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::protocol::{
    ANSWER_MAX, Answer, Command, PATIENCE, Request, Response, Traced, VERSION, default_path,
};
use crate::error::Error;

/// Ask a running server, or give it an order (`iaxproof serve --control`).
///
/// Exit codes: 0 done, 1 the server did not do it or is not there, 2 usage.
#[derive(Debug, Args)]
pub(crate) struct CtlArgs {
    /// The server's control socket; without it $XDG_RUNTIME_DIR/iaxproof.sock, or /run/iaxproof.sock where that is not set.
    #[arg(long, value_name = "PATH", env = "IAXPROOF_SOCKET", global = true)]
    socket: Option<PathBuf>,
    #[command(subcommand)]
    order: Order,
}

#[derive(Debug, Subcommand)]
enum Order {
    /// Read the configuration again; says what is wrong with it where it is refused.
    Reload,
    /// List peers: where they are, until when, and what their last POKE said.
    Peers,
    /// List users.
    Users,
    /// List calls.
    Calls,
    /// List where the server itself registers.
    Registry,
    /// Forget the cached database rows of a name.
    Prune {
        /// The peer's or user's name.
        name: String,
    },
    /// Take a peer's registration away.
    Unregister {
        /// The peer's name.
        name: String,
    },
    /// Show the server's figures.
    Stats,
    /// List the frames of a call, a line each, as `decode` does, until it is over or ctrl-C. Secrets are withheld.
    Trace {
        /// The call, as `calls` lists it: `local#serial`, or `local` alone.
        call: String,
    },
}

impl Order {
    fn command(&self) -> Command {
        match self {
            Order::Reload => Command::Reload,
            Order::Peers => Command::Peers,
            Order::Users => Command::Users,
            Order::Calls => Command::Calls,
            Order::Registry => Command::Registry,
            Order::Prune { name } => Command::Prune { name: name.clone() },
            Order::Unregister { name } => Command::Unregister { name: name.clone() },
            Order::Stats => Command::Stats,
            Order::Trace { call } => Command::Trace { call: call.clone() },
        }
    }
}

/// Says it to the server, and prints what comes back.
///
/// # Errors
///
/// [`Error::Broke`] where there is no server, or it does not answer.
pub(crate) fn run(args: &CtlArgs, json: bool) -> Result<ExitCode, Error> {
    let path = args.socket.clone().unwrap_or_else(default_path);
    let stream = connect(&path)?;
    let mut reader = BufReader::new(&stream);
    let line = ask(&stream, &mut reader, args.order.command())
        .map_err(Error::io("no answer from", &path))?;
    let response: Response = serde_json::from_str(&line)
        .map_err(|error| Error::Broke(format!("{}: not an answer: {error}", path.display())))?;
    let mut out = io::stdout().lock();
    let said = match &response.answer {
        _ if json => out.write_all(line.as_bytes()),
        Answer::Error(why) => {
            eprintln!("iaxproof: {why}");
            Ok(())
        }
        answer => write!(out, "{}", show::answer(answer)),
    };
    said.map_err(printing())?;
    if let Answer::Tracing(_) = response.answer {
        stream.set_read_timeout(None).map_err(printing())?;
        follow(reader, &mut out, json)?;
    }
    Ok(exit_code(&response.answer))
}

fn printing() -> impl FnOnce(io::Error) -> Error {
    Error::io("cannot write", Path::new("standard output"))
}

fn connect(path: &Path) -> Result<UnixStream, Error> {
    let stream = UnixStream::connect(path).map_err(|error| {
        Error::Broke(format!(
            "no server at {}: {error} (does `iaxproof serve --control` run, or is --socket another one?)",
            path.display()
        ))
    })?;
    // A worker may take as long as PATIENCE, and a long table has to be written.
    let patience = Some(2 * PATIENCE);
    let set = stream.set_read_timeout(patience);
    let set = set.and_then(|()| stream.set_write_timeout(patience));
    set.map_err(Error::io("cannot use", path))?;
    Ok(stream)
}

fn ask(
    mut stream: &UnixStream,
    reader: &mut BufReader<&UnixStream>,
    command: Command,
) -> io::Result<String> {
    let request = Request {
        version: VERSION,
        command,
    };
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut line = String::new();
    reader.take(ANSWER_MAX).read_line(&mut line)?;
    match line.ends_with('\n') {
        true => Ok(line),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Prints frames as they come, until the call is over or the server ends.
fn follow(reader: BufReader<&UnixStream>, out: &mut impl Write, json: bool) -> Result<(), Error> {
    let mut number = 0;
    for line in reader.lines().map_while(Result::ok) {
        let said = match serde_json::from_str(&line) {
            _ if json => writeln!(out, "{line}"),
            Ok(traced) => {
                number += u64::from(matches!(traced, Traced::Frame(_)));
                writeln!(out, "{}", show::traced(number, &traced))
            }
            Err(error) => return Err(Error::Broke(format!("not a frame: {error}"))),
        };
        said.and_then(|()| out.flush()).map_err(printing())?;
    }
    Ok(())
}

fn exit_code(answer: &Answer) -> ExitCode {
    let is_done = match answer {
        Answer::Error(_) => false,
        Answer::Pruned(pruned) => pruned.any(),
        Answer::Unregistered(it) => matches!(it.outcome.as_str(), "done" | "storing"),
        _ => true,
    };
    ExitCode::from(u8::from(!is_done))
}
