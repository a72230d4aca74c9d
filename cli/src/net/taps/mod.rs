//! Who listens in on the datagrams of a node. Nothing here changes what the endpoint does, and nothing waits: what is not taken in time is
//! lost, and counted.
//!
//! - [`Taps`], here: all who listen. [`trace`]: who follows one call.

pub(crate) mod trace;

use core::net::SocketAddr;

use iaxproof::engine::CallId;
use iaxproof::time::Instant;

use self::trace::Trace;

/// A datagram on its way in or out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing<'a> {
    pub(crate) at: Instant,
    pub(crate) is_sent: bool,
    /// Our socket.
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) octets: &'a [u8],
}

/// All who listen in on one node.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    traces: Vec<Trace>,
}

impl Taps {
    /// Whether nobody does.
    pub(crate) fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// Follows a call, for as long as somebody takes what is heard.
    pub(crate) fn follow(&mut self, trace: Trace) {
        self.traces.push(trace);
    }

    /// A call is over: nobody follows it any more.
    pub(crate) fn over(&mut self, call: CallId) {
        self.traces.retain(|trace| trace.call() != call);
    }

    /// Tells all of them.
    pub(crate) fn hear(&mut self, datagram: &Passing<'_>) {
        self.traces.retain_mut(|trace| trace.hear(datagram));
    }
}
