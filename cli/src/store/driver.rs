//! What a database must be able to do for the [`Store`](super::Store), which has the statements and decides. A statement is the same for
//! all of them: `$1`, `$2` and on are its values, in the order in which they first appear, and `CAST` says their types.

use core::fmt;

use super::Failure;

/// A value of a statement, or of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
}

/// A statement with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) statement: &'static str,
    pub(super) values: Vec<Value>,
}

/// A table to be made where it is missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
    /// Whether nobody but us uses it: it may be stored in whatever way is best for looking up names.
    pub(super) is_ours: bool,
}

/// One connection to a database, used by one thread.
pub(super) trait Driver: fmt::Debug + Send {
    /// Makes the tables that are missing, also where another process does so at the same time.
    fn make(&mut self, tables: &[Table]) -> Result<(), Failure>;

    /// Whether a statement can be done: its tables and columns are there, and it is allowed. What it does is undone.
    fn allows(&mut self, step: &Step) -> Result<bool, Failure>;

    /// All rows of a statement that may take its time, when the server starts.
    fn all(&mut self, statement: &'static str) -> Result<Vec<Vec<Value>>, Failure>;

    /// The rows of a statement.
    fn select(&mut self, step: &Step) -> Result<Vec<Vec<Value>>, Failure>;

    /// The columns of the row of this exact name that are not null, as text, in the order of the table.
    fn row(
        &mut self,
        table: &'static str,
        name: &str,
    ) -> Result<Option<Vec<(String, String)>>, Failure>;

    /// All of these or none. They are on the disk when this returns; after a failure none is, or nobody knows.
    fn apply(&mut self, steps: &[Step]) -> Result<(), Failure>;
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Integer(number)
    }
}

/// Integers of databases have a sign.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl Value {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one that has no sign.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Value::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }
}
