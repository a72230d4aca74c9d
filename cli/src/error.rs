//! What can go wrong in the command itself, apart from a property that fails: each names the file or the argument and
//! says what was expected.

use core::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Why the command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line, or a file it names, asks for something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// The operating system refused something.
    #[error("{what} {}: {}", path.display(), Advised(source))]
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

/// What the system said, and what can be done about it where that is not plain.
#[derive(Debug)]
pub(crate) struct Advised<'a>(pub(crate) &'a std::io::Error);

impl fmt::Display for Advised<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Advised(error) = self;
        match advice(error) {
            Some(advice) => write!(f, "{error}: {advice}"),
            None => write!(f, "{error}"),
        }
    }
}

fn advice(error: &std::io::Error) -> Option<&'static str> {
    let number = error
        .raw_os_error()
        .map(rustix::io::Errno::from_raw_os_error);
    Some(match (number, error.kind()) {
        (Some(rustix::io::Errno::MFILE), _) => {
            "raise the limit of open files of this process (`ulimit -n`, systemd's LimitNOFILE=)"
        }
        (Some(rustix::io::Errno::NFILE), _) => {
            "raise the system's limit of open files (fs.file-max)"
        }
        (_, ErrorKind::AddrInUse) => "stop the program that has it, or choose another",
        (_, ErrorKind::AddrNotAvailable) => "no interface of this machine has that address",
        (_, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => "make room there",
        (_, ErrorKind::FileTooLarge) => {
            "raise the limit of file sizes (`ulimit -f`, systemd's LimitFSIZE=)"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_comes_with_what_to_do() {
        let advised = |errno: rustix::io::Errno| Advised(&errno.into()).to_string();
        let text = advised(rustix::io::Errno::MFILE);
        assert!(
            text.contains("Too many open files") && text.contains("ulimit -n"),
            "{text}"
        );
        let text = advised(rustix::io::Errno::NOSPC);
        assert!(text.ends_with(": make room there"), "{text}");
        let text = advised(rustix::io::Errno::NOENT);
        assert_eq!(text, "No such file or directory (os error 2)");
    }
}
