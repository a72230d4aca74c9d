//! What can go wrong in the command itself, apart from a property that fails: each names the file or the argument and
//! says what was expected.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Why the command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line, or a file it names, asks for something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// The operating system refused something.
    #[error("{what} {}: {source}", path.display())]
    Io {
        /// What was tried, as `cannot read`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Something that must work did not.
    #[error("{0}")]
    Broke(String),
}

impl Error {
    /// An [`Error::Io`] maker for `map_err`.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { what, path, source }
    }

    /// 2 for usage, 1 for anything that broke.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Error::Usage(_) => ExitCode::from(2),
            Error::Io { .. } | Error::Broke(_) => ExitCode::from(1),
        }
    }
}
