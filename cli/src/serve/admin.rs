//! The admin thread: SIGHUP reads the configuration again and puts it into force, SIGTERM and SIGINT stop the server.
//! A reload happens here, beside the worker, in the middle of whatever calls are doing.

use std::sync::Arc;

use iaxproof::catalog::Catalog;
use iaxproof::registry::Std;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::configuration::Source;
use super::worker::{Message, Rings};
use crate::error::Error;

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
        let signals = Signals::new([SIGHUP, SIGTERM, SIGINT])
            .map_err(|error| Error::Broke(format!("no signals: {error}")))?;
        Ok(Admin(signals))
    }

    /// Takes signals in a thread of its own, for as long as the process lives.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system has no thread for us.
    pub(crate) fn spawn(
        mut self,
        source: Source,
        catalog: Arc<Catalog<Std>>,
        rings: Rings,
    ) -> Result<(), Error> {
        let body = move || {
            let mut accepted = 0;
            for signal in self.0.forever() {
                match signal {
                    SIGHUP => reload(&source, &catalog, &rings, &mut accepted),
                    _ => rings.send(&Message::Stop),
                }
            }
        };
        let thread = std::thread::Builder::new().name("admin".to_owned());
        thread
            .spawn(body)
            .map_err(|error| Error::Broke(format!("no admin thread: {error}")))?;
        Ok(())
    }
}

/// Puts the file into force, or keeps what is in force where the file has an error.
fn reload(source: &Source, catalog: &Catalog<Std>, rings: &Rings, accepted: &mut u64) {
    match source.load(*accepted + 1) {
        Ok(parsed) => {
            *accepted += 1;
            catalog.reload(parsed.configuration);
            tracing::info!(serial = *accepted, "configuration reloaded");
            rings.send(&Message::Reloaded(parsed.registrations));
        }
        Err(error) => {
            tracing::error!(%error, "configuration refused, the former one stays in force");
        }
    }
}
