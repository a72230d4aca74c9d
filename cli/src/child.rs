//! Child processes under a limit of wall-clock time.
//!
//! Output goes to unnamed temporary files, so a grandchild that keeps a pipe open cannot hold us up. The child's
//! standard input is a pipe of ours that we never write to: it closes when we end, however we end, and a child that
//! watches it ends with us.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::clock::{Stopwatch, pause};
use crate::error::Error;

/// How often we look whether the child has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A child that is no more.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How it ended.
    pub(crate) how: How,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained.
    pub(crate) stderr: String,
    /// How long it lived.
    pub(crate) elapsed: Duration,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By itself, with this code.
    Exit(i32),
    /// By a signal, as an abort is.
    Died(String),
    /// By us, past its limit.
    TimedOut,
}

/// Runs `command` to its end, or for `limit`.
///
/// # Errors
///
/// [`Error::Io`] where the operating system cannot start or watch it.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<Ended, Error> {
    let program = Path::new(command.get_program()).to_owned();
    let mut stdout = temporary()?;
    let mut stderr = temporary()?;
    let watch = Stopwatch::start();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(handle(&stdout)?)
        .stderr(handle(&stderr)?)
        .spawn()
        .map_err(Error::io("cannot run", &program))?;
    let how = loop {
        if let Some(status) = child
            .try_wait()
            .map_err(Error::io("cannot wait for", &program))?
        {
            break how(status);
        }
        if watch.elapsed() >= limit {
            child.kill().map_err(Error::io("cannot end", &program))?;
            child
                .wait()
                .map_err(Error::io("cannot wait for", &program))?;
            break How::TimedOut;
        }
        pause(LOOK_INTERVAL);
    };
    Ok(Ended {
        how,
        elapsed: watch.elapsed(),
        stdout: contents(&mut stdout)?,
        stderr: contents(&mut stderr)?,
    })
}

fn how(status: ExitStatus) -> How {
    match status.code() {
        Some(code) => How::Exit(code),
        None => How::Died(status.to_string()),
    }
}

fn temporary() -> Result<File, Error> {
    tempfile::tempfile().map_err(Error::io("cannot make a file in", &std::env::temp_dir()))
}

fn handle(file: &File) -> Result<File, Error> {
    file.try_clone()
        .map_err(Error::io("cannot share a file in", &std::env::temp_dir()))
}

/// Output that is not UTF-8 is shown with replacement characters.
fn contents(file: &mut File) -> Result<String, Error> {
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .map_err(Error::io("cannot read a file in", &std::env::temp_dir()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Ended {
        run(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn the_code_and_the_output_of_a_child_are_kept() {
        let ended = shell("echo out; echo err >&2; exit 42", Duration::from_secs(20));
        assert_eq!(ended.how, How::Exit(42));
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str()),
            ("out\n", "err\n")
        );
    }

    #[test]
    fn a_child_that_aborts_has_no_code() {
        let ended = shell("kill -ABRT $$", Duration::from_secs(20));
        assert!(matches!(ended.how, How::Died(_)), "{ended:?}");
    }

    #[test]
    fn a_child_past_its_limit_is_ended() {
        let ended = shell("exec sleep 60", Duration::from_millis(50));
        assert_eq!(ended.how, How::TimedOut);
        assert!(ended.elapsed < Duration::from_secs(20));
    }
}
