//! What the endpoint tells the application, and what it wants sent.

use core::fmt;
use core::net::SocketAddr;

use crate::engine::directory::{Generation, QueryId, Reachability, Role};
use crate::engine::error::Error;
use crate::engine::registrant::{RegistrantId, RegistrantState};
use crate::engine::settings::Name;
use crate::time::Instant;
use crate::wire::{CallNumber, Cause, Control, Digit, Format, Frame, Timestamp};

/// One datagram to send. `Debug` shows the frame as a listing does, without what a listing withholds.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub destination: SocketAddr,
    /// The UDP payload.
    pub payload: Vec<u8>,
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to {}: ", self.destination)?;
        match Frame::parse(&self.payload) {
            Ok(frame) => write!(f, "{frame}"),
            Err(_) => write!(f, "{} octets", self.payload.len()),
        }
    }
}

/// Names one call of one endpoint; never reused. Prints as `local#serial`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    local: CallNumber,
    serial: u64,
}

impl CallId {
    /// A name made by hand: endpoints make their own, checkers of events make these.
    pub const fn new(local: CallNumber, serial: u64) -> Self {
        CallId { local, serial }
    }

    /// Our call number while the call lives.
    pub const fn local(self) -> CallNumber {
        self.local
    }

    /// Counts the dialogues of the endpoint.
    pub const fn serial(self) -> u64 {
        self.serial
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.local, self.serial)
    }
}

/// Something that the application should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A REGREQ was granted; the REGACK is on its way.
    Registered {
        /// The peer.
        name: Name,
        /// Where it can be reached.
        address: SocketAddr,
        /// When the contact lapses: the granted period and ten seconds of grace from now.
        deadline: Instant,
        /// Which change of the contact this was.
        generation: Generation,
    },
    /// A REGREL was granted.
    Released {
        /// The peer.
        name: Name,
    },
    /// A registration lapsed.
    Expired {
        /// The peer.
        name: Name,
    },
    /// A caller proved that it knows the secret of a user. Admission to the extension follows.
    Authenticated {
        /// The call.
        call: CallId,
        /// The user.
        user: Name,
        /// The configuration that the secret was read from.
        serial: u64,
    },
    /// A user that may dial the extension does, and the application was to be asked
    /// ([`EndpointOptions::asks_application`](super::EndpointOptions::asks_application)): it says
    /// [`accept`](super::Endpoint::accept), or [`hangup`](super::Endpoint::hangup) for a REJECT with that cause. Nothing is
    /// to ring yet: [`Event::Incoming`] follows, for a caller without a secret once it has proved its address (X-CALL-1). Without
    /// an answer in a minute the call is refused.
    Requested {
        /// The call.
        call: CallId,
        /// The caller.
        from: SocketAddr,
        /// The user that it calls as.
        user: Name,
        /// CALLED NUMBER; invalid UTF-8 is replaced.
        number: String,
        /// The format that was agreed on.
        format: Format,
        /// The configuration that extension and formats were read from.
        serial: u64,
    },
    /// What came of an [`Endpoint::look_for_peer`](super::Endpoint::look_for_peer) that had to ask the database.
    LookedFor {
        /// The question.
        query: QueryId,
        /// Whether there is such a peer.
        found: Result<(), Error>,
    },
    /// A call may be rung, answered or hung up: it is authenticated, or the user has no secret and the caller proved its
    /// address.
    Incoming {
        /// The call.
        call: CallId,
        /// The caller.
        from: SocketAddr,
        /// The user that it calls as.
        user: Name,
        /// CALLED NUMBER; invalid UTF-8 is replaced.
        number: String,
        /// The format that was agreed on.
        format: Format,
        /// The configuration that extension and formats were read from.
        serial: u64,
    },
    /// A call that we placed was accepted: media and signals count from here (RFC 5456 §6.2.3).
    Accepted {
        /// The call.
        call: CallId,
        /// The format that was agreed on.
        format: Format,
    },
    /// A call that we placed was answered (RFC 5456 §6.3.4).
    Answered {
        /// The call.
        call: CallId,
    },
    /// What came of an [`Endpoint::call_peer`](super::Endpoint::call_peer) that had to ask the database.
    Called {
        /// The question.
        query: QueryId,
        /// The call, or why there is none.
        call: Result<CallId, Error>,
    },
    /// A signal came: RINGING, PROGRESS, BUSY and their like (RFC 5456 §8.3).
    Control {
        /// The call.
        call: CallId,
        /// The signal.
        control: Control,
        /// What it says beside its name; mostly nothing.
        data: Vec<u8>,
    },
    /// Audio came, in a frame of its own or in a trunk.
    Voice {
        /// The call.
        call: CallId,
        /// Its format.
        format: Format,
        /// The sender's time; of a mini frame, expanded; in a trunk without times, by the trunk's.
        timestamp: Timestamp,
        /// Codec data.
        data: Vec<u8>,
    },
    /// Video came.
    Video {
        /// The call.
        call: CallId,
        /// Its format.
        format: Format,
        /// Whether a picture ends here.
        marker: bool,
        /// The sender's time; of a mini video frame, expanded.
        timestamp: Timestamp,
        /// Codec data.
        data: Vec<u8>,
    },
    /// A digit began (chan_iax2); its end is [`Dtmf`](Event::Dtmf). Many send ends alone.
    DtmfBegin {
        /// The call.
        call: CallId,
        /// The digit.
        digit: Digit,
    },
    /// A digit ended.
    Dtmf {
        /// The call.
        call: CallId,
        /// The digit.
        digit: Digit,
    },
    /// The other side wants no audio of this call; what is sent is dropped (RFC 5456 §6.4.4).
    Quelched {
        /// The call.
        call: CallId,
        /// Whether those behind us should hear music instead: of this class, or any where it is empty.
        music: Option<Vec<u8>>,
    },
    /// The other side wants audio again (RFC 5456 §6.4.5).
    Unquelched {
        /// The call.
        call: CallId,
    },
    /// Text came.
    Text {
        /// The call.
        call: CallId,
        /// UTF-8 if the sender kept to the RFC; without the NUL that ends it.
        text: Vec<u8>,
    },
    /// A call that was [`Requested`](Event::Requested) or [`Incoming`](Event::Incoming), or that we placed, is over.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        reason: EndReason,
    },
    /// The path of a call has changed (RFC 5456 §6.5): its other side, or that of its audio alone, is elsewhere.
    Transferred {
        /// The call.
        call: CallId,
        /// Where the other side is now. As the middle of a transfer: where its audio goes.
        address: SocketAddr,
        /// Whether signals go on as before.
        media_only: bool,
    },
    /// An [`Endpoint::transfer`](super::Endpoint::transfer) came to nothing: the call goes on through us.
    TransferFailed {
        /// The call.
        call: CallId,
    },
    /// A REGREQ, REGREL or NEW was refused: unknown name, bad secret, or a name that may not do this.
    LoginFailed {
        /// Where it came from.
        address: SocketAddr,
        /// As what it came.
        role: Role,
    },
    /// A registration of ours is in another state.
    RegistrantChanged {
        /// The registrant.
        id: RegistrantId,
        /// Its state.
        state: RegistrantState,
    },
    /// A peer that is qualified answers, answers late, or does not answer any more.
    Reachability {
        /// The peer.
        name: Name,
        /// What its POKE said, or that it is not asked any more.
        reachability: Reachability,
    },
    /// The directory answered that a handle had outlived its entry. A directory that counts its handles never does.
    StaleHandle {
        /// What the endpoint was doing.
        what: &'static str,
    },
}

/// Why a call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The other side hung up or rejected, with this cause if it gave one.
    RemoteHangup(Option<Cause>),
    /// We hung up, and the other side knows or does not answer any more.
    LocalHangup,
    /// Nobody answered in time, and we gave up.
    NoAnswer,
    /// We could not answer the challenge: no secret, no method that both may use, or not in clear.
    Unauthenticated,
    /// Encryption is forced, and the other side accepted in clear.
    Unencrypted,
    /// The other side accepted with a format that we cannot do.
    NoFormat,
    /// We were in its middle, and its ends are connected without us.
    Transferred,
    /// The other side does not know the call (INVAL).
    Invalidated,
    /// The other side does not acknowledge (RFC 5456 §7).
    Unreachable,
    /// The settings went away under the call: see [`Event::StaleHandle`].
    Stale,
}
