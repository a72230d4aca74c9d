//! Why a database did not do what it was asked, in words for an operator: what it said itself, and what can be done about it where
//! that is not plain.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::Advised;

/// Files that SQLite has of one database: itself, its log of writes and that one's index.
const FILES: usize = 3;

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(pub(super) String);

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure(match advice(&error) {
            Some(advice) => format!("{error}: {advice}"),
            None => error.to_string(),
        })
    }
}

fn advice(error: &rusqlite::Error) -> Option<&'static str> {
    Some(match error.sqlite_error_code()? {
        ErrorCode::DiskFull => "make room there",
        ErrorCode::SystemIoFailure => {
            "the system's log may know why; a limit of file sizes (`ulimit -f`) counts as well"
        }
        ErrorCode::ReadOnly => "the file, its folder and the disk must be writable",
        ErrorCode::DatabaseBusy => "another program keeps it locked",
        _ => return None,
    })
}

/// A failure to open. SQLite does not say what the system said, so the system is asked again, as long as what SQLite has open is open.
pub(super) fn of_opening(path: &Path, error: rusqlite::Error) -> Failure {
    if error.sqlite_error_code() != Some(ErrorCode::CannotOpen) {
        return error.into();
    }
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    };
    let opened: Result<Vec<_>, _> = (0..FILES).map(|_| open()).collect();
    match opened {
        Ok(_) => error.into(),
        Err(system) => Failure(format!("{error}: {}", Advised(&system))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn what_sqlite_says_comes_with_what_to_do() {
        let said = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            Failure::from(error).to_string()
        };
        assert!(said(ffi::SQLITE_FULL).ends_with(": make room there"));
        assert!(said(ffi::SQLITE_READONLY).contains("must be writable"));
        assert!(said(ffi::SQLITE_BUSY).contains("another program"));
        assert!(!said(ffi::SQLITE_CORRUPT).contains("writable"));
    }

    #[test]
    fn what_the_system_says_of_a_file_that_cannot_be_opened_is_said() {
        let path = Path::new("/no/such/folder/iax.db");
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CANTOPEN), None);
        let why = of_opening(path, error).to_string();
        assert!(why.contains("No such file or directory"), "{why}");
    }
}
