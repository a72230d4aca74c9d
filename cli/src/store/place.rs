//! Which database: what the option of `serve` says. This is the one place that decides.

use std::path::Path;

use super::sqlite::Sqlite;
use super::{Failure, Store};
use crate::error::Error;
use crate::net::random;

impl Store {
    /// Opens a file of SQLite, or makes it.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the database cannot be used.
    pub(crate) fn open(place: &Path) -> Result<Self, Error> {
        let server = i64::from_ne_bytes(random()?);
        let name = place.display().to_string();
        let driver = Sqlite::open(place).map_err(|failure| refused(&name, &failure))?;
        let store = Store::new(Box::new(driver), name.clone(), server);
        store.map_err(|failure| refused(&name, &failure))
    }
}

fn refused(name: &str, failure: &Failure) -> Error {
    Error::Broke(format!("cannot use the database {name}: {failure}"))
}
