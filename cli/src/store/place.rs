//! Which database: what the option of `serve` says. This is the one place that decides.

use std::path::Path;

use super::sqlite::Sqlite;
use super::{Failure, Store};
use crate::error::Error;
use crate::net::random;

/// How the address of a PostgreSQL begins; all else is a file.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

impl Store {
    /// Opens a file of SQLite, or makes it, or connects to a PostgreSQL.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where the address is none or names a secret, [`Error::Broke`] where the database cannot be used.
    pub(crate) fn open(place: &Path) -> Result<Self, Error> {
        let server = i64::from_ne_bytes(random()?);
        match place.to_str().filter(|text| is_address(text)) {
            Some(address) => Self::connect(address, server),
            None => {
                let name = place.display().to_string();
                let driver = Sqlite::open(place).map_err(|failure| refused(&name, &failure))?;
                let store = Store::new(Box::new(driver), name.clone(), server);
                store.map_err(|failure| refused(&name, &failure))
            }
        }
    }

    #[cfg(feature = "postgres")]
    fn connect(address: &str, server: i64) -> Result<Self, Error> {
        use super::postgres::{Postgres, target::Target};

        let target = Target::read(address).map_err(Error::Usage)?;
        let name = target.name.clone();
        let driver = Postgres::open(target).map_err(|failure| refused(&name, &failure))?;
        let store = Store::new(Box::new(driver), name.clone(), server);
        store.map_err(|failure| refused(&name, &failure))
    }

    #[cfg(not(feature = "postgres"))]
    fn connect(_: &str, _: i64) -> Result<Self, Error> {
        Err(Error::Usage(
            "--database: this iaxproof was built without PostgreSQL: `cargo build --release -p iaxproof-cli --features postgres` has it"
                .to_owned(),
        ))
    }
}

fn is_address(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

fn refused(name: &str, failure: &Failure) -> Error {
    Error::Broke(format!("cannot use the database {name}: {failure}"))
}
