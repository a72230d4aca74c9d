//! Who listens in on the datagrams of a node. Nothing here changes what the endpoint does, and nothing waits: what is not taken in time is
//! lost, and counted.
//!
//! - [`Taps`], here: all who listen. [`trace`]: who follows one call. [`recorder`]: everything into a file.

pub(crate) mod recorder;
pub(crate) mod trace;

use core::net::SocketAddr;

use iaxproof::engine::CallId;
use iaxproof::time::Instant;

use self::recorder::Recorder;
use self::trace::Trace;

/// Where a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It came by a socket of ours; another worker may be who handles it.
    Came,
    /// It is to be handled here. Several workers may handle one.
    Handled,
    /// It leaves.
    Sent,
}

/// A datagram on its way in or out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing<'a> {
    pub(crate) at: Instant,
    pub(crate) moment: Moment,
    /// Our socket.
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) octets: &'a [u8],
}

impl Passing<'_> {
    /// Whether it leaves.
    fn is_sent(&self) -> bool {
        self.moment == Moment::Sent
    }

    /// From where to where.
    fn way(&self) -> (SocketAddr, SocketAddr) {
        match self.is_sent() {
            true => (self.local, self.remote),
            false => (self.remote, self.local),
        }
    }
}

/// All who listen in on one node.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    recorder: Option<Recorder>,
    traces: Vec<Trace>,
}

impl Taps {
    /// Whether nobody does.
    pub(crate) fn is_empty(&self) -> bool {
        self.traces.is_empty() && self.recorder.is_none()
    }

    /// Records everything from now on.
    pub(crate) fn record(&mut self, recorder: Recorder) {
        self.recorder = Some(recorder);
    }

    /// Follows a call, for as long as somebody takes what is heard.
    pub(crate) fn follow(&mut self, trace: Trace) {
        self.traces.push(trace);
    }

    /// A call is over: nobody follows it any more.
    pub(crate) fn over(&mut self, call: CallId) {
        self.traces.retain(|trace| trace.call() != call);
    }

    /// Tells all of them: a capture has what came, once, and a trace what is handled for its call.
    pub(crate) fn hear(&mut self, datagram: &Passing<'_>) {
        if datagram.moment != Moment::Handled {
            self.recorder.take_if(|recorder| !recorder.hear(datagram));
        }
        if datagram.moment != Moment::Came {
            self.traces.retain_mut(|trace| trace.hear(datagram));
        }
    }
}
