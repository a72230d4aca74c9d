//! PostgreSQL, for servers that share their peers and users: tokio-postgres, driven by the realtime thread alone. [`target`]: where it is,
//! and by which secret.
//!
//! Everything has a limit on both sides, for a server that is stopped, or cut off, answers nothing: ours by the clock here, the database's
//! by its own settings, so that what we gave up does not go on there. After a failure that may be of all questions alike, the next ones
//! fail at once, and are asked again a little later, each time later up to a limit: a slow database is not asked more than it can answer.
//!
//! # Deviations
//!
//! - No TLS: the loopback, a Unix socket, or a tunnel. Elsewhere the log warns.
//! - A row's columns come as the text that PostgreSQL has for them, whatever their types are.

pub(super) mod target;

use core::cell::RefCell;
use core::fmt;
use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;
use std::collections::BTreeMap;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, NoTls, Row, Statement};

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
/// Writes that are under way at once.
const WRITES_AT_ONCE: usize = 64;
/// What the database itself keeps to: half of our patience for a statement, less for a lock, and no transaction of ours that stands still.
/// A commit is on its disk.
const SETTINGS: &str = "
    SET application_name = 'iaxproof';
    SET statement_timeout = 500;
    SET lock_timeout = 200;
    SET idle_in_transaction_session_timeout = 2000;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
/// Makes tables one process after the other; the number is anybody's and stands for that.
const LOCK: &str = "SELECT pg_advisory_xact_lock(4569)";
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

/// A connection.
struct Session {
    client: Client,
    /// Moves what is sent and received, while somebody waits.
    mover: JoinHandle<()>,
    prepared: RefCell<BTreeMap<String, Statement>>,
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
        self.run(START_WAIT, async |session| {
            session.client.batch_execute("BEGIN").await?;
            let done = session.execute(step).await;
            session.client.batch_execute("ROLLBACK").await?;
            match done {
                Ok(()) => Ok(true),
                Err(error) if error.as_db_error().is_some() && !has_code(&error, &SLOW) => {
                    Ok(false)
                }
                Err(error) => Err(error),
            }
        })
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

impl Session {
    async fn begin(target: &Target) -> Result<Self, Error> {
        let (client, connection) = target.config.connect(NoTls).await?;
        let mover = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to the database is over");
            }
        });
        let session = Session {
            client,
            mover,
            prepared: RefCell::default(),
        };
        session.client.batch_execute(SETTINGS).await?;
        Ok(session)
    }

    fn is_gone_by(&self, error: &Error) -> bool {
        error.is_closed() || self.client.is_closed() || has_code(error, &GONE)
    }

    /// Does something without the limits of a statement.
    async fn patiently<T>(&self, work: impl AsyncFnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let patience = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
        self.client.batch_execute(patience).await?;
        self.finish(work().await).await
    }

    /// Ends a transaction, as it went.
    async fn finish<T>(&self, done: Result<T, Error>) -> Result<T, Error> {
        match done {
            Ok(done) => self.client.batch_execute("COMMIT").await.map(|()| done),
            Err(error) => {
                // Where this fails too, the connection is over, and the transaction with it.
                let _ = self.client.batch_execute("ROLLBACK").await;
                Err(error)
            }
        }
    }

    async fn make(&self, tables: &[Table]) -> Result<(), Error> {
        self.client.batch_execute(LOCK).await?;
        for Table { name, columns, .. } in tables {
            // Not `IF NOT EXISTS`: that asks for the right to make it also where it is there.
            let found = self
                .client
                .query_one("SELECT to_regclass($1) IS NULL", &[name])
                .await?;
            if found.try_get(0)? {
                let create = format!("CREATE TABLE {name} ({columns})");
                self.client.batch_execute(&create).await?;
            }
        }
        Ok(())
    }

    async fn prepare(&self, statement: &str) -> Result<Statement, Error> {
        let known = self.prepared.borrow().get(statement).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let prepared = self.client.prepare(statement).await?;
        self.prepared
            .borrow_mut()
            .insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }

    async fn select(&self, step: &Step) -> Result<Vec<Vec<Value>>, Error> {
        let statement = self.prepare(step.statement).await?;
        let values = bound(&statement, &step.values);
        let rows = self.client.query(&statement, &references(&values)).await?;
        rows.iter().map(read).collect()
    }

    async fn row(
        &self,
        table: &'static str,
        name: &str,
    ) -> Result<Option<Vec<(String, String)>>, Error> {
        let select = format!(
            "SELECT c.key, c.value FROM (SELECT * FROM {table} WHERE name = CAST($1 AS TEXT) LIMIT 1) AS r,
                json_each_text(row_to_json(r)) AS c WHERE c.value IS NOT NULL"
        );
        let statement = self.prepare(&select).await?;
        let rows = self.client.query(&statement, &[&name]).await?;
        let columns = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let columns: Vec<(String, String)> = columns.collect::<Result<_, Error>>()?;
        Ok(Some(columns).filter(|columns| !columns.is_empty()))
    }

    async fn execute(&self, step: &Step) -> Result<(), Error> {
        let statement = self.prepare(step.statement).await?;
        self.execute_prepared(&statement, step).await
    }

    async fn execute_prepared(&self, statement: &Statement, step: &Step) -> Result<(), Error> {
        let values = bound(statement, &step.values);
        let done = self.client.execute(statement, &references(&values)).await;
        done.map(|_| ())
    }

    async fn apply(&self, steps: &[Step]) -> Result<(), Error> {
        self.client.batch_execute("BEGIN").await?;
        self.finish(self.apply_all(steps).await).await
    }

    /// Many at once, so that the way there and back is gone once for all of them.
    async fn apply_all(&self, steps: &[Step]) -> Result<(), Error> {
        for steps in steps.chunks(WRITES_AT_ONCE) {
            let mut writes = Vec::new();
            for step in steps {
                writes.push((self.prepare(step.statement).await?, step));
            }
            let writes = writes.iter().map(|(statement, step)| {
                Box::pin(async move { self.execute_prepared(statement, step).await })
            });
            in_order(writes.collect()).await?;
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.mover.abort();
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

/// Waits for all, or for the first that fails. They are begun in this order, and the database gets them so.
async fn in_order(
    mut futures: Vec<Pin<Box<impl Future<Output = Result<(), Error>>>>>,
) -> Result<(), Error> {
    core::future::poll_fn(|context| {
        let mut failure = None;
        futures.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(done) => {
                failure = failure.take().or(done.err());
                false
            }
        });
        match failure {
            Some(error) => Poll::Ready(Err(error)),
            None if futures.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}

/// Values as the statement wants them: what is null has a type as well.
fn bound(statement: &Statement, values: &[Value]) -> Vec<Box<dyn ToSql + Sync>> {
    let values = values.iter().zip(statement.params());
    let bound = values.map(|(value, wanted)| -> Box<dyn ToSql + Sync> {
        match value {
            Value::Null if *wanted == Type::INT8 => Box::new(None::<i64>),
            Value::Null => Box::new(None::<String>),
            Value::Integer(number) => Box::new(*number),
            Value::Text(text) => Box::new(text.clone()),
        }
    });
    bound.collect()
}

fn references(values: &[Box<dyn ToSql + Sync>]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| &**value).collect()
}

/// A row of a table of ours, which has two types of columns.
fn read(row: &Row) -> Result<Vec<Value>, Error> {
    let columns = row.columns().iter().enumerate();
    let values = columns.map(|(index, column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
            _ => row.try_get::<_, Option<&str>>(index)?.into(),
        })
    });
    values.collect()
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
