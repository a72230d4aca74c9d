//! The admin thread: SIGHUP reads the configuration again and puts it into force, SIGTERM and SIGINT stop the server, and SIGXFSZ, which
//! would end it where a file must not grow any more (`ulimit -f`), is told instead: the write fails, and whoever wrote goes on without.
//! A reload happens here, or in a thread of the control socket, beside the worker, in the middle of whatever calls are doing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use iaxproof::config::Parsed;
use iaxproof::registry::Family;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::configuration::Source;
use super::dialplan::Dialplan;
use super::operator::Operator;
use super::service;
use super::worker::{Message, Rings};
use crate::error::{Advised, Error};
use crate::log::Outage;

/// Signals that wait for a thread to take them.
#[derive(Debug)]
pub(crate) struct Admin(Signals);

impl Admin {
    /// From here on the signals are ours.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system does not let us have them.
    pub(crate) fn new() -> Result<Self, Error> {
        let signals = Signals::new([SIGHUP, SIGTERM, SIGINT, SIGXFSZ])
            .map_err(|error| Error::Broke(format!("no signals: {}", Advised(&error))))?;
        Ok(Admin(signals))
    }

    /// Takes signals in a thread of its own, for as long as the process lives.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system has no thread for us.
    pub(crate) fn spawn<F: Family>(
        mut self,
        reloader: Arc<Reloader<F>>,
        rings: Rings,
    ) -> Result<(), Error> {
        let body = move || {
            let mut oversize = Outage::default();
            for signal in self.0.forever() {
                match signal {
                    // What became of it is in the log.
                    SIGHUP => drop(reloader.reload()),
                    SIGXFSZ if oversize.begins() => {
                        tracing::error!(
                            "a file has the size that this process may give it: raise `ulimit -f`, or systemd's LimitFSIZE="
                        );
                    }
                    SIGXFSZ => {}
                    _ => rings.send(&Message::Stop),
                }
            }
        };
        let thread = std::thread::Builder::new().name("admin".to_owned());
        thread
            .spawn(body)
            .map_err(|error| Error::Broke(format!("no admin thread: {}", Advised(&error))))?;
        Ok(())
    }
}

/// Reads the configuration again, for whoever asks: a signal, or the control socket.
#[derive(Debug)]
pub(crate) struct Reloader<F: Family> {
    source: Source,
    /// The file of the dialplan, if one is named.
    dialplan: Option<PathBuf>,
    operator: Arc<Operator<F>>,
    rings: Rings,
    /// Counts the configurations that were accepted. Held throughout a reload, so that what was read last is in force last.
    accepted: Mutex<u64>,
}

impl<F: Family> Reloader<F> {
    /// Where it is read from, and where it goes.
    pub(super) fn new(
        (source, dialplan): (Source, Option<PathBuf>),
        operator: Arc<Operator<F>>,
        rings: Rings,
    ) -> Self {
        Reloader {
            source,
            dialplan,
            operator,
            rings,
            accepted: Mutex::new(0),
        }
    }

    /// Puts the files into force, or keeps what is in force where one of them has an error. How many were accepted so far.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with file, line and reason.
    pub(super) fn reload(&self) -> Result<u64, Error> {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        service::reloading();
        let (parsed, dialplan) = self.read(*accepted + 1).inspect_err(|error| {
            tracing::error!(%error, "configuration refused, the former one stays in force");
            service::ready("the last configuration was refused, the former one stays in force");
        })?;
        *accepted += 1;
        self.operator.reload(parsed.configuration);
        tracing::info!(serial = *accepted, "configuration reloaded");
        self.rings.send(&Message::Reloaded(parsed.registrations));
        if let Some(dialplan) = dialplan {
            self.rings.send(&Message::Dialplan(Arc::new(dialplan)));
        }
        service::ready(&format!("configuration {accepted} is in force"));
        Ok(*accepted)
    }

    /// Both, before either comes into force.
    fn read(&self, serial: u64) -> Result<(Parsed, Option<Dialplan>), Error> {
        let parsed = self.source.load(serial)?;
        let dialplan = self.dialplan.as_deref().map(Dialplan::read).transpose()?;
        Ok((parsed, dialplan))
    }
}
