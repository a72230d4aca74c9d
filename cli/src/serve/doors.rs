//! Where an operator gets at the server: the control socket, and the port of metrics. Both are made before anything else is, for another server
//! may have them, and are opened when the workers are there to be asked.

use core::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use iaxproof::registry::Family;

use super::control::{Control, Desk};
use super::metrics::Metrics;
use crate::ctl::protocol::default_path;
use crate::error::Error;

/// Those that are asked for.
#[derive(Debug)]
pub(super) struct Doors {
    control: Option<Control>,
    metrics: Option<Metrics>,
}

impl Doors {
    /// Makes them; nobody is answered yet. A control socket without a path is where `iaxproof ctl` looks for one.
    ///
    /// # Errors
    ///
    /// Where one of them is taken, refused by the system, or not to be had.
    pub(super) fn make(
        control: Option<&Option<PathBuf>>,
        metrics: Option<SocketAddr>,
    ) -> Result<Self, Error> {
        let path = control.map(|path| path.clone().unwrap_or_else(default_path));
        Ok(Doors {
            control: path.as_deref().map(Control::bind).transpose()?,
            metrics: metrics.map(Metrics::bind).transpose()?,
        })
    }

    /// Answers from now on. What comes back is to be kept for as long as the socket is to be there.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system has no thread for us.
    pub(super) fn open<F: Family>(self, desk: Desk<F>) -> Result<Option<Control>, Error> {
        let desk = Arc::new(desk);
        if let Some(control) = &self.control {
            control.spawn(Arc::clone(&desk))?;
        }
        if let Some(metrics) = self.metrics {
            metrics.spawn(desk)?;
        }
        Ok(self.control)
    }
}
