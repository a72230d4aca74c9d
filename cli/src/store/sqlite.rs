//! SQLite, which is part of the binary: a file.

use core::time::Duration;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, ToSql, params_from_iter};

use super::driver::{Driver, Step, Table, Value};
use super::{Failure, failure};

/// How long another program may keep the file locked before we give a write up. Shorter than the registrar's patience.
const BUSY_WAIT: Duration = Duration::from_millis(500);

/// The open file.
#[derive(Debug)]
pub(super) struct Sqlite(Connection);

impl Sqlite {
    /// Opens or makes the file. A commit is on the disk when it returns.
    ///
    /// # Errors
    ///
    /// Where SQLite cannot use the file.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let of_opening = |error| failure::of_opening(path, error);
        let connection = Connection::open(path).map_err(of_opening)?;
        settle(&connection).map_err(of_opening)?;
        Ok(Sqlite(connection))
    }
}

/// Waits for others, commits to the disk, and looks whether the file may be written at all: a server that finds out later has promised
/// registrations to nobody, but its operator is gone.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    match connection.execute_batch("BEGIN IMMEDIATE; COMMIT") {
        // Somebody writes, so it can be written.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        result => result,
    }
}

impl Driver for Sqlite {
    fn make(&mut self, tables: &[Table]) -> Result<(), Failure> {
        for table in tables {
            let Table { name, columns, .. } = table;
            let by_name = if table.is_ours { "WITHOUT ROWID" } else { "" };
            let statement = format!("CREATE TABLE IF NOT EXISTS {name} ({columns}) {by_name}");
            self.0.execute_batch(&statement)?;
        }
        Ok(())
    }

    fn allows(&mut self, step: &Step) -> Result<bool, Failure> {
        // There are no users, so what can be prepared is allowed.
        Ok(self.0.prepare(step.statement).is_ok())
    }

    fn all(&mut self, statement: &'static str) -> Result<Vec<Vec<Value>>, Failure> {
        self.select(&Step {
            statement,
            values: Vec::new(),
        })
    }

    fn select(&mut self, step: &Step) -> Result<Vec<Vec<Value>>, Failure> {
        let mut select = self.0.prepare_cached(step.statement)?;
        let rows = select.query_map(params_from_iter(&step.values), values)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn row(
        &mut self,
        table: &'static str,
        name: &str,
    ) -> Result<Option<Vec<(String, String)>>, Failure> {
        let select = format!("SELECT * FROM {table} WHERE name = ?1");
        let mut select = self.0.prepare_cached(&select)?;
        Ok(select.query_row([name], columns).optional()?)
    }

    fn apply(&mut self, steps: &[Step]) -> Result<(), Failure> {
        let transaction = self.0.transaction()?;
        for Step { statement, values } in steps {
            let mut statement = transaction.prepare_cached(statement)?;
            statement.execute(params_from_iter(values))?;
        }
        Ok(transaction.commit()?)
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn values(row: &Row<'_>) -> rusqlite::Result<Vec<Value>> {
    let count = row.as_ref().column_count();
    let value = |index| {
        Ok(match row.get_ref(index)? {
            ValueRef::Integer(number) => Value::Integer(number),
            other => text(other).map_or(Value::Null, Value::Text),
        })
    };
    (0..count).map(value).collect()
}

/// All that is not null.
fn columns(row: &Row<'_>) -> rusqlite::Result<Vec<(String, String)>> {
    let names = row.as_ref().column_names();
    let mut columns = Vec::new();
    for (index, column) in names.into_iter().enumerate() {
        if let Some(text) = text(row.get_ref(index)?) {
            columns.push((column.to_owned(), text));
        }
    }
    Ok(columns)
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            Some(String::from_utf8_lossy(text).into_owned())
        }
    }
}
