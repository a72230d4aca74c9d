//! `iaxproof config`: what a configuration says, and what became of each of its options.
//!
//! [`files`] opens the files; [`show`] prints. What the text means is the library's. Secrets are never printed.

mod files;
mod show;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use iaxproof::config::{self, Document, Parsed, Refusal};

use crate::error::Error;

/// Read a configuration in the syntax of Asterisk's iax.conf.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// List every option of a file and of those that it includes, and what became of it.
    ///
    /// Exit code 2 where the file is refused: it is refused whole, with its errors by file and line.
    Check {
        /// The configuration; includes are looked for in its folder.
        file: PathBuf,
    },
}

/// Checks the file.
///
/// # Errors
///
/// [`Error::Usage`] where it cannot be read, or is refused and no JSON is wanted.
pub(crate) fn run(args: &ConfigArgs, json: bool) -> Result<ExitCode, Error> {
    let ConfigCommand::Check { file } = &args.command;
    match read(file)? {
        Ok(parsed) => {
            print(&show::accepted(&parsed, json))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) if json => {
            print(&format!("{}\n", show::refused(&refusal)))?;
            Ok(ExitCode::from(2))
        }
        Err(refusal) => Err(refused(file, &refusal)),
    }
}

fn print(text: &str) -> Result<(), Error> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads the list has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(Error::io("cannot write", Path::new("standard output"))),
    }
}

/// Reads a configuration file and all that it includes.
///
/// # Errors
///
/// [`Error::Usage`] where the file itself cannot be read.
pub(crate) fn read(file: &Path) -> Result<Result<Parsed, Refusal>, Error> {
    let source = files::source(file).map_err(Error::Usage)?;
    Ok(config::read(source, &files::Folder::of(file)))
}

/// Reads a file of the same syntax that is about something else, and all that it includes.
///
/// # Errors
///
/// [`Error::Usage`] where the file itself cannot be read.
pub(crate) fn document(file: &Path) -> Result<Result<Document, Refusal>, Error> {
    let source = files::source(file).map_err(Error::Usage)?;
    Ok(Document::read(source, &files::Folder::of(file)))
}

/// A refusal as an error of the command.
pub(crate) fn refused(file: &Path, refusal: &Refusal) -> Error {
    Error::Usage(format!("{} is refused:\n{refusal}", file.display()))
}
