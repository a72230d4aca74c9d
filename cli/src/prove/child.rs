//! One exploration in a child process of this same binary: loom can abort, and what an explorer leaves behind ends with
//! the process. The request is an argument, the answer one line of JSON.

use std::io::Read;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use iaxproof_models::child::Request;
use iaxproof_models::explore::Stop;
use iaxproof_models::orderings::{Kind, Trial};
use iaxproof_models::{Design, End, Engine, Exploration, Scenario, scenario, token};
use serde::{Deserialize, Serialize};

use crate::child::{self, How};
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::report::Verdict;

/// How long past its limit a child may take for the execution that it is in, and to shorten what it found.
const GRACE: Duration = Duration::from_secs(45);

/// Not for people: explores what a request says.
#[derive(Debug, Args)]
pub(crate) struct ProveChildArgs {
    /// A request in JSON.
    request: String,
}

/// What a child says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// What the explorer saw.
    pub(crate) exploration: Exploration,
    /// The failure as a token, where the explorer can replay it.
    pub(crate) token: Option<String>,
    /// The kinds of sites that it met, where an ordering was on trial.
    #[serde(default)]
    pub(crate) met: Vec<Kind>,
    /// The child's time in seconds.
    pub(crate) seconds: f64,
}

/// The child's side.
///
/// # Errors
///
/// [`Error::Usage`] for a request that cannot be done.
pub(crate) fn run(args: &ProveChildArgs) -> Result<Verdict, Error> {
    std::thread::spawn(end_with_the_parent);
    let watch = Stopwatch::start();
    let usage = |error: &dyn std::fmt::Display| Error::Usage(error.to_string());
    let request: Request = serde_json::from_str(&args.request).map_err(|e| usage(&e))?;
    let limit = Duration::from_secs(request.stop_after_seconds);
    let stop: Stop = Box::new(move || watch.elapsed() >= limit);
    let (exploration, met) =
        iaxproof_models::child::explore(&request, stop).map_err(|error| usage(&error))?;
    let told = Told {
        token: token_of(&request, &exploration),
        exploration,
        met,
        seconds: watch.elapsed().as_secs_f64(),
    };
    println!("{}", serde_json::to_string(&told).map_err(|e| usage(&e))?);
    Ok(Verdict::Held)
}

/// Our standard input closes when the parent ends, however it ends.
fn end_with_the_parent() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(1);
}

fn token_of(request: &Request, exploration: &Exploration) -> Option<String> {
    let End::Failed(finding) = &exploration.end else {
        return None;
    };
    let scenario = scenario(&request.scenario)?;
    let replays = request.engine == Engine::Shuttle;
    replays.then(|| token::shorten(scenario, request.design, finding).to_string())
}

/// The parent's side: what the child said, or a sentence on how it failed to.
///
/// # Errors
///
/// [`Error::Io`] where no child can be started.
pub(crate) fn ask(
    scenario: &Scenario,
    design: Design,
    engine: Engine,
    limit: Duration,
) -> Result<Result<Told, Lost>, Error> {
    ask_for(&Request {
        scenario: scenario.name.to_owned(),
        design,
        engine,
        trial: None,
        stop_after_seconds: limit.as_secs(),
    })
}

/// The same for what ships under loom, with an ordering on trial.
///
/// # Errors
///
/// As for [`ask`].
pub(crate) fn ask_on_trial(
    scenario: &Scenario,
    trial: Trial,
    limit: Duration,
) -> Result<Result<Told, Lost>, Error> {
    ask_for(&Request {
        scenario: scenario.name.to_owned(),
        design: Design::Shipped,
        engine: Engine::Loom,
        trial: Some(trial),
        stop_after_seconds: limit.as_secs(),
    })
}

fn ask_for(request: &Request) -> Result<Result<Told, Lost>, Error> {
    let limit = Duration::from_secs(request.stop_after_seconds);
    let request = serde_json::to_string(request).map_err(|e| Error::Broke(e.to_string()))?;
    let program = std::env::current_exe().map_err(Error::io("cannot find", ".".as_ref()))?;
    let mut command = Command::new(program);
    let ended = child::run(command.args(["prove-child", &request]), limit + GRACE)?;
    Ok(match ended.how {
        How::Exit(0) => serde_json::from_str(ended.stdout.trim())
            .map_err(|error| Lost::Broke(error.to_string())),
        How::Exit(code) => Err(Lost::Broke(format!(
            "exit code {code}: {}",
            ended.stderr.trim()
        ))),
        How::Died(signal) => Err(Lost::Broke(format!("{signal}: {}", ended.stderr.trim()))),
        How::TimedOut => Err(Lost::TimedOut),
    })
}

/// A child that said nothing: never a pass.
#[derive(Debug)]
pub(crate) enum Lost {
    /// It ended by itself, without an answer.
    Broke(String),
    /// It was ended past its limit.
    TimedOut,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lost::Broke(why) => f.write_str(why),
            Lost::TimedOut => f.write_str("past its limit"),
        }
    }
}
