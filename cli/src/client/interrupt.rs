//! Ctrl-C and SIGTERM as a request: the client hangs up, closes its recording, and then ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::Waker;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::Error;

/// Whether somebody wants us to end.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes the signals from here on; each ends the rest of the thread that `waker` is for.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system gives us neither signals nor a thread.
    pub(crate) fn new(waker: Arc<Waker>) -> Result<Self, Error> {
        let broke = |error| Error::Broke(format!("no signals: {error}"));
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(broke)?;
        let asked = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&asked);
        let body = move || {
            for _ in signals.forever() {
                shared.store(true, Ordering::Release);
                // A node that has ended needs no waking.
                let _ = waker.wake();
            }
        };
        let thread = std::thread::Builder::new().name("signals".to_owned());
        thread.spawn(body).map_err(broke)?;
        Ok(Interrupt(asked))
    }

    /// Whether one came.
    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
