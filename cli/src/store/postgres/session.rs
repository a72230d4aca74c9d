//! A connection to a PostgreSQL, and what is said by it. How long that may take is its caller's.

use core::cell::RefCell;
use core::pin::Pin;
use core::task::Poll;
use std::collections::BTreeMap;

use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, NoTls, Row, Statement};

use super::super::driver::{Step, Table, Value};
use super::target::Target;
use super::{GONE, SLOW, has_code};

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

/// A connection.
pub(super) struct Session {
    client: Client,
    /// Moves what is sent and received, while somebody waits.
    mover: JoinHandle<()>,
    prepared: RefCell<BTreeMap<String, Statement>>,
}

impl Session {
    /// Connects, and sets the limits of [`SETTINGS`].
    pub(super) async fn begin(target: &Target) -> Result<Self, Error> {
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

    /// Whether the connection is over after this error.
    pub(super) fn is_gone_by(&self, error: &Error) -> bool {
        error.is_closed() || self.client.is_closed() || has_code(error, &GONE)
    }

    /// Does something without the limits of a statement.
    pub(super) async fn patiently<T>(
        &self,
        work: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
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

    /// Does a step and undoes it. Whether it went.
    pub(super) async fn allows(&self, step: &Step) -> Result<bool, Error> {
        self.client.batch_execute("BEGIN").await?;
        let done = self.execute(step).await;
        self.client.batch_execute("ROLLBACK").await?;
        match done {
            Ok(()) => Ok(true),
            Err(error) if error.as_db_error().is_some() && !has_code(&error, &SLOW) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes the tables that are not there.
    pub(super) async fn make(&self, tables: &[Table]) -> Result<(), Error> {
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

    /// The rows that a step asks for.
    pub(super) async fn select(&self, step: &Step) -> Result<Vec<Vec<Value>>, Error> {
        let statement = self.prepare(step.statement).await?;
        let values = bound(&statement, &step.values);
        let rows = self.client.query(&statement, &references(&values)).await?;
        rows.iter().map(read).collect()
    }

    /// The columns of the row of this name that are not null, by name and as text.
    pub(super) async fn row(
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

    /// Does all of these in one transaction, or none.
    pub(super) async fn apply(&self, steps: &[Step]) -> Result<(), Error> {
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
