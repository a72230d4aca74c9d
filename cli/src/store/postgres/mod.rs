//! PostgreSQL, for servers that share their peers and users: tokio-postgres, driven by the realtime thread alone.
//!
//! - [`Postgres`], here: when to connect, how long to wait, and what a failure means. [`session`]: what is said by a connection.
//! - [`target`]: where it is, and by which secret.
//!
//! Everything has a limit on both sides, for a server that is stopped, or cut off, answers nothing: ours by the clock here, the database's
//! by its own settings, so that what we gave up does not go on there. After a failure that may be of all questions alike, the next ones
//! fail at once, and are asked again a little later, each time later up to a limit: a slow database is not asked more than it can answer.
//!
//! # Deviations
//!
//! - No TLS: the loopback, a Unix socket, or a tunnel. Elsewhere the log warns.
//! - A row's columns come as the text that PostgreSQL has for them, whatever their types are.

mod session;
pub(super) mod target;

use core::fmt;
use core::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Error;

use self::session::Session;
use self::target::Target;
use super::Failure;
use super::driver::{Driver, Step, Table, Value};
use crate::clock::Stopwatch;

/// How long a connection may take, from the first packet to the end of the login.
const CONNECT_WAIT: Duration = Duration::from_secs(1);
/// How long an answer may take, and a whole transaction: less than the registrar's patience, which is two seconds.
const ANSWER_WAIT: Duration = Duration::from_secs(1);
/// The same while the server starts: tables are made, all registrations read.
const START_WAIT: Duration = Duration::from_secs(30);
/// The first rest after a failure; each that follows is twice as long.
const REST_MIN: Duration = Duration::from_millis(100);
/// The longest.
const REST_MAX: Duration = Duration::from_secs(2);
/// The class of errors that say that the server goes or is not there yet (`operator_intervention`), and of those of the connection.
const GONE: [&str; 2] = ["57P", "08"];
/// Errors that say that it took too long (`query_canceled`, `lock_not_available`, a transaction that stood still).
const SLOW: [&str; 3] = ["57014", "55P03", "25P03"];

/// The database, connected or not.
pub(super) struct Postgres {
    target: Target,
    runtime: Runtime,
    session: Option<Session>,
    away: Away,
}

/// A failure that counts for all questions, for some time.
#[derive(Debug)]
struct Away {
    failure: Option<Failure>,
    since: Stopwatch,
    rest: Duration,
}

impl Postgres {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Where the database is not there, or does not let us in.
    pub(super) fn open(target: Target) -> Result<Self, Failure> {
        if !target.is_near() {
            let database = &target.name;
            tracing::warn!(
                database,
                "the connection is not encrypted: rows with their secrets pass in clear"
            );
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure(format!("no event loop: {error}")))?;
        let mut postgres = Postgres {
            target,
            runtime,
            session: None,
            away: Away::new(),
        };
        postgres.session = Some(postgres.connect()?);
        Ok(postgres)
    }

    fn connect(&mut self) -> Result<Session, Failure> {
        let connecting =
            async { tokio::time::timeout(CONNECT_WAIT, Session::begin(&self.target)).await };
        let failure = match self.runtime.block_on(connecting) {
            Ok(Ok(session)) => return Ok(session),
            Ok(Err(error)) => error.into(),
            Err(_) => unanswered(CONNECT_WAIT),
        };
        Err(self.away.begins(failure))
    }

    /// Does something within this time. A connection that was cut while nobody used it is made again, and nobody hears of it: what we do
    /// may be done twice.
    fn run<T>(
        &mut self,
        patience: Duration,
        work: impl AsyncFn(&Session) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        self.away.check()?;
        loop {
            let (session, is_fresh) = match self.session.take() {
                Some(session) => (session, false),
                None => (self.connect()?, true),
            };
            let working = async { tokio::time::timeout(patience, work(&session)).await };
            match self.runtime.block_on(working) {
                Ok(Ok(done)) => {
                    self.session = Some(session);
                    self.away.ends();
                    return Ok(done);
                }
                Ok(Err(error)) if session.is_gone_by(&error) => {
                    if is_fresh {
                        return Err(self.away.begins(error.into()));
                    }
                }
                Ok(Err(error)) => {
                    self.session = Some(session);
                    return Err(match has_code(&error, &SLOW) {
                        true => self.away.begins(error.into()),
                        false => error.into(),
                    });
                }
                // Nobody knows what the connection will say next.
                Err(_) => return Err(self.away.begins(unanswered(patience))),
            }
        }
    }
}

impl Driver for Postgres {
    fn make(&mut self, tables: &[Table]) -> Result<(), Failure> {
        self.run(START_WAIT, async |session| {
            session.patiently(async || session.make(tables).await).await
        })
    }

    fn allows(&mut self, step: &Step) -> Result<bool, Failure> {
        self.run(START_WAIT, async |session| session.allows(step).await)
    }

    fn all(&mut self, statement: &'static str) -> Result<Vec<Vec<Value>>, Failure> {
        let step = Step {
            statement,
            values: Vec::new(),
        };
        self.run(START_WAIT, async |session| {
            session
                .patiently(async || session.select(&step).await)
                .await
        })
    }

    fn select(&mut self, step: &Step) -> Result<Vec<Vec<Value>>, Failure> {
        self.run(ANSWER_WAIT, async |session| session.select(step).await)
    }

    fn row(
        &mut self,
        table: &'static str,
        name: &str,
    ) -> Result<Option<Vec<(String, String)>>, Failure> {
        // The one character that no text of a PostgreSQL has.
        if name.contains('\0') {
            return Ok(None);
        }
        self.run(ANSWER_WAIT, async |session| session.row(table, name).await)
    }

    fn apply(&mut self, steps: &[Step]) -> Result<(), Failure> {
        self.run(ANSWER_WAIT, async |session| session.apply(steps).await)
    }
}

impl Away {
    fn new() -> Self {
        Away {
            failure: None,
            since: Stopwatch::start(),
            rest: Duration::ZERO,
        }
    }

    /// The failure, where it is too early to try again.
    fn check(&self) -> Result<(), Failure> {
        match &self.failure {
            Some(failure) if self.since.elapsed() < self.rest => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// It failed, once more or for the first time.
    fn begins(&mut self, failure: Failure) -> Failure {
        self.rest = match self.failure {
            Some(_) => (self.rest * 2).min(REST_MAX),
            None => REST_MIN,
        };
        self.since = Stopwatch::start();
        self.failure = Some(failure.clone());
        failure
    }

    fn ends(&mut self) {
        self.failure = None;
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure(words(&error))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("name", &self.target.name)
            .field("away", &self.away)
            .finish_non_exhaustive()
    }
}

/// An error with all that stands behind it, on one line.
fn words(error: &dyn core::error::Error) -> String {
    let mut words = error.to_string().replace('\n', "; ");
    if let Some(source) = error.source() {
        words = format!("{words}: {}", self::words(source));
    }
    words
}

fn unanswered(patience: Duration) -> Failure {
    Failure(format!("no answer in {} ms", patience.as_millis()))
}

fn has_code(error: &Error, prefixes: &[&str]) -> bool {
    let code = error.code().map_or("", |code| code.code());
    prefixes.iter().any(|prefix| code.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_there_is_a_rest_that_grows_up_to_a_limit() {
        let mut away = Away::new();
        assert!(away.check().is_ok());
        let failure = Failure("gone".to_owned());
        let rests: Vec<u128> = (0..7)
            .map(|_| {
                assert_eq!(away.begins(failure.clone()), failure);
                assert_eq!(away.check(), Err(failure.clone()));
                away.rest.as_millis()
            })
            .collect();
        assert_eq!(rests, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
        away.ends();
        assert!(away.check().is_ok());
        away.begins(failure);
        assert_eq!(away.rest, REST_MIN);
    }
}
