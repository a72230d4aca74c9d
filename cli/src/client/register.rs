//! `iaxproof register`: registers, keeps the registration up, and gives it up when it is told to end.

use core::time::Duration;
use std::process::ExitCode;

use clap::Args;
use iaxproof::engine::settings::Name;
use iaxproof::engine::{Event, RegistrantId, RegistrantState, Registration};
use iaxproof::time::Instant;

use super::interrupt::Interrupt;
use super::outcome::{CODES, Outcome};
use super::secret::SecretArgs;
use super::{ClientNode, Target, node};
use crate::clock::Clock;
use crate::error::Error;

/// How long the registrar may take to acknowledge that we give the registration up.
const FAREWELL: Duration = Duration::from_secs(3);

/// Register, and stay registered until ctrl-C gives the registration up.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct RegisterArgs {
    /// The registrar: HOST or HOST:PORT.
    host: Target,
    /// As whom.
    user: String,
    #[command(flatten)]
    secret: SecretArgs,
    /// Ask for so many seconds at a time.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u16).range(10..))]
    refresh: u16,
    /// End once the registration is granted, and leave it to lapse.
    #[arg(long)]
    once: bool,
}

/// Registers, and ends with the outcome.
///
/// # Errors
///
/// Where the command line asks for something that cannot be, or the system refuses a socket.
pub(crate) fn run(args: &RegisterArgs) -> Result<ExitCode, Error> {
    let registrar = args.host.resolve()?;
    let username = Name::new(&args.user)
        .ok_or_else(|| Error::Usage("a user has a name of 1 to 79 octets".to_owned()))?;
    let registration = Registration {
        secrets: args.secret.read(&args.user)?,
        refresh: Duration::from_secs(args.refresh.into()),
        ..Registration::new(registrar, username)
    };
    let mut node = node(Clock::start(), registrar)?;
    let interrupt = Interrupt::new(node.waker())?;
    let now = node.now();
    let id = node.endpoint.register(now, registration);
    let id = id.map_err(|error| Error::Broke(error.to_string()))?;
    let mut registrant = Registrant {
        id,
        once: args.once,
        was_registered: false,
        ends_at: None,
    };
    let outcome = registrant.keep_up(&mut node, &interrupt)?;
    node.flush();
    Ok(outcome.exit_code())
}

struct Registrant {
    id: RegistrantId,
    once: bool,
    was_registered: bool,
    /// When we end whatever the registrar says; `None` while we stay registered.
    ends_at: Option<Instant>,
}

impl Registrant {
    fn keep_up(&mut self, node: &mut ClientNode, interrupt: &Interrupt) -> Result<Outcome, Error> {
        loop {
            node.turn(self.ends_at)?;
            let now = node.now();
            while let Some(event) = node.endpoint.poll_event() {
                if let Event::RegistrantChanged { state, .. } = event
                    && let Some(outcome) = self.changed(state)
                {
                    return Ok(outcome);
                }
            }
            match self.ends_at {
                Some(end) if now >= end => return Ok(self.given_up()),
                None if interrupt.came() => self.give_up(now, node)?,
                _ => {}
            }
        }
    }

    /// What a change means where it is the end of the matter.
    fn changed(&mut self, state: RegistrantState) -> Option<Outcome> {
        match state {
            RegistrantState::Registered {
                refresh, apparent, ..
            } => {
                let seen = apparent.map_or(String::new(), |address| format!(", seen as {address}"));
                println!("registered for {} s{seen}", refresh.as_secs());
                self.was_registered = true;
                self.once.then_some(Outcome::Done)
            }
            RegistrantState::Unregistered => Some(self.given_up()),
            // From here on the registrar may say what it likes.
            _ if self.ends_at.is_some() => None,
            RegistrantState::Rejected(cause) => {
                let why = cause
                    .and_then(|cause| cause.name())
                    .unwrap_or("no reason given");
                println!("refused: {why}");
                Some(Outcome::of_cause(cause))
            }
            RegistrantState::NoAuth => {
                println!("refused: the registrar wants a secret that we do not have");
                Some(Outcome::LoginRefused)
            }
            RegistrantState::Timeout => {
                println!("the registrar does not reply");
                Some(Outcome::Unreachable)
            }
            _ => None,
        }
    }

    fn give_up(&mut self, now: Instant, node: &mut ClientNode) -> Result<(), Error> {
        self.ends_at = Some(now + FAREWELL);
        let done = node.endpoint.unregister(now, self.id);
        done.map_err(|error| Error::Broke(error.to_string()))
    }

    fn given_up(&self) -> Outcome {
        match self.was_registered {
            true => {
                println!("unregistered");
                Outcome::Done
            }
            false => Outcome::Unreachable,
        }
    }
}
