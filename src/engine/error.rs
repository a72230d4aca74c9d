//! How the caller can misuse an endpoint.

use super::event::CallId;
use super::registrant::RegistrantId;
use crate::wire::Control;

/// A command that could not be obeyed. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The call has ended, or never was.
    #[error("call {0} does not exist (any more)")]
    NoSuchCall(CallId),
    /// The call is not in a state that has this command: `ring` needs a call that is not answered, `answer` likewise,
    /// `send_*` needs one that was offered and not hung up.
    #[error("call {call} is {state}; it cannot {command} now")]
    WrongState {
        /// The call.
        call: CallId,
        /// The state's name.
        state: &'static str,
        /// The command's name.
        command: &'static str,
    },
    /// The other side acknowledges too slowly: its queue of reliable frames is at its limit. Try again later.
    #[error("call {0} has as many frames waiting for acknowledgement as it may have")]
    QueueFull(CallId),
    /// The call is bridged already, or would be to itself.
    #[error("call {0} cannot be bridged twice, nor to itself")]
    Bridged(CallId),
    /// The call is not bridged.
    #[error("call {0} is not bridged")]
    NotBridged(CallId),
    /// The two calls did not agree on one format, and nothing is transcoded.
    #[error("calls {0} and {1} have different formats")]
    FormatsDiffer(CallId, CallId),
    /// The signal is none that peers may send each other.
    #[error("CONTROL {control} does not pass between peers")]
    ControlRefused {
        /// The signal.
        control: Control,
    },
    /// The call is encrypted, its settings or its other side do not allow it, or it is being transferred already.
    #[error("call {0} cannot be transferred")]
    NotTransferable(CallId),
    /// The peer is not known.
    #[error("there is no peer of that name")]
    UnknownPeer,
    /// The peer is known, but not where it is: it has not registered.
    #[error("the peer has not registered and has no fixed or default address")]
    NoContact,
    /// The peer is qualified, and its last POKE was answered late or not at all.
    #[error("the peer does not answer, or answers too late")]
    PeerUnreachable,
    /// The directory could not say whether there is such a peer, or was asked too much.
    #[error("the directory could not look the peer up")]
    LookupFailed,
    /// A call needs at least one format.
    #[error("a call needs a format that we can do")]
    NoFormat,
    /// The registration was given up, or never was.
    #[error("registrant {0} does not exist (any more)")]
    NoSuchRegistrant(RegistrantId),
    /// As many registrations are kept up as may be.
    #[error("as many registrations are kept up as one endpoint may")]
    TooManyRegistrants,
    /// No call number is free for this address, or as many dialogues live as may.
    #[error("there is no call number for one more dialogue")]
    NoCallNumber,
    /// More octets than one frame takes.
    #[error("{len} octets are more than the {max} that one frame takes")]
    TooLong {
        /// What was given.
        len: usize,
        /// What is taken.
        max: usize,
    },
}
