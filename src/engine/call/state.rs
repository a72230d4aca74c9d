//! Both sides of a call, as a table (RFC 5456 §6.2, Figures 2 and 3; chan_iax2). Named after the RFC where it has a
//! name: `Linked` is after ACCEPT, `Up` after ANSWER. From `Linked` on the sides are alike.
//!
//! ```text
//! Checking --> WaitingForDirectory --> AuthWait --> Verifying --> Admitting --> Linked --> Up
//!     \________________/                  |            |              |            \______/
//!      without a secret:                  |            |              |               |
//!      AdmittingOpen --> Unproven --> Linked           |              |               v
//!                                   Refusing <---------/              \---------> Closing --> Ended
//!
//! Admitting, AdmittingOpen --> Tbd --> Dialling --> Linked,   Dialling --> DialRequested --> Linked      (DIAL)
//! Admitting --> Requested --> Linked,   AdmittingOpen --> RequestedOpen --> Unproven     (where the application is asked)
//! Initial --> Waiting --> Linked --> Up          (the originator's)
//! ```

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// We are to place the call.
    Initial,
    /// Our NEW is out; an ACCEPT is waited for.
    Waiting,
    /// The directory is being asked.
    Checking,
    /// The directory asked the database.
    WaitingForDirectory,
    /// An AUTHREQ is out; for a name that is unknown, one that nothing answers.
    AuthWait,
    /// The result is being compared.
    Verifying,
    /// Extension and format of an authenticated caller are being looked at.
    Admitting,
    /// The same of a caller that needs no secret.
    AdmittingOpen,
    /// The application is being asked whether there is such an extension.
    Requested,
    /// The same of a caller that needs no secret.
    RequestedOpen,
    /// Accepted without a number (X-CALL-5): DIAL is to say which.
    Tbd,
    /// DIAL came, and extension and format are being looked at.
    Dialling,
    /// DIAL came, and the application is being asked.
    DialRequested,
    /// The login has failed; the REJECT waits for `reject_delay`.
    Refusing,
    /// ACCEPT is out, but nothing has shown yet that the caller receives at its address (X-CALL-1).
    Unproven,
    /// Accepted; the application has the call.
    Linked,
    /// Answered.
    Up,
    /// HANGUP, REJECT or TXREL is out.
    Closing,
    /// Nothing is left to do.
    Ended,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The application places the call.
    Placed,
    /// AUTHREQ.
    AuthReq,
    /// We have no secret for it, or no method that we may use.
    CannotAnswer,
    /// ACCEPT with a format that we can do.
    Accepted,
    /// ACCEPT without.
    Unusable,
    /// Nothing came for as long as we wait.
    NoAnswer,
    /// ANSWER.
    RemoteAnswer,
    /// VERSION is above 2, USERNAME is missing or empty, or encryption is forced on a user without a secret.
    Unacceptable,
    /// The directory asked the database.
    Asked,
    /// The database failed.
    LookupFailed,
    /// There is no such user.
    Unknown,
    /// The user needs no secret.
    Open,
    /// The user has a secret.
    Locked,
    /// Too many calls of the name wait for AUTHREP.
    TooMany,
    /// AUTHREP.
    AuthRep,
    /// The result is right.
    Good,
    /// The result is wrong.
    Bad,
    /// Extension and format are agreed on.
    Admitted,
    /// The same, and the application is to be asked.
    Requested,
    /// The same, and the number is to come by DIAL.
    ToBeDialled,
    /// DIAL.
    Dialled,
    /// The application takes the call.
    Taken,
    /// The user may not dial the extension.
    NoExtension,
    /// No common format.
    NoFormat,
    /// A full frame came that names our call number.
    Proven,
    /// The application rings.
    Ring,
    /// The application answers.
    Answer,
    /// The application hangs up.
    LocalHangup,
    /// Its other side is connected with the one of another call.
    Released,
    /// HANGUP or REJECT.
    RemoteHangup,
    /// INVAL.
    Invalidated,
    /// `reject_delay` has passed.
    DelayElapsed,
    /// The dialogue was not admitted for too long.
    WaitedTooLong,
    /// The other side does not acknowledge.
    GaveUp,
    /// HANGUP or REJECT was acknowledged or given up, or has lingered.
    Finished,
    /// The directory's handle had gone stale.
    Stale,
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rejection {
    /// Nobody may log in like this: cause 50.
    Authority,
    /// The user may not dial the extension: cause 3.
    Extension,
    /// No common format: cause 58.
    Format,
    /// Too many calls of the name wait for AUTHREP: cause 21.
    Challenges,
    /// The application does not take the call: the cause that it gave.
    Application,
    /// The application did not say whether it takes the call: cause 41.
    Undecided,
}

/// How an ended call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    /// The other side hung up.
    Remote,
    /// We hung up, or refused.
    Local,
    /// INVAL.
    Invalidated,
    /// No acknowledgement.
    Unreachable,
    /// A stale handle.
    Stale,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Send NEW.
    Dial,
    /// Send AUTHREP.
    Respond,
    /// Tell the application that the call is accepted.
    Connect,
    /// Tell the application that the call is answered.
    Open,
    /// Send HANGUP because nobody answers.
    GiveUp,
    /// Wait for the database. The ACK goes out, for nothing else carries it.
    Wait,
    /// Send AUTHREQ.
    Challenge,
    /// Compare the result.
    Verify,
    /// Look at extension and format.
    Admit,
    /// Ask the application. The ACK goes out, for nothing else carries it.
    Ask,
    /// Send ACCEPT.
    Accept,
    /// Send ACCEPT and give the call to the application.
    AcceptAndOffer,
    /// Give the call to the application.
    Offer,
    /// The same, after CONTROL PROGRESS.
    Proceed,
    /// Count a failed login and wait for `reject_delay`.
    Refuse,
    /// Send REJECT.
    Reject(Rejection),
    /// Send CONTROL RINGING.
    Ring,
    /// Send CONTROL ANSWER.
    Answer,
    /// Send HANGUP and linger.
    Hangup,
    /// Send TXREL.
    Release,
    /// Let the dialogue go.
    End(Ending),
}

impl State {
    /// The next state and what to do, or `None` where nothing happens.
    pub(super) const fn next(self, event: Event) -> Option<(State, Action)> {
        use State::{
            Admitting, AdmittingOpen, AuthWait, Checking, Closing, DialRequested, Dialling, Ended,
            Initial, Linked, Refusing, Requested, RequestedOpen, Tbd, Unproven, Up, Verifying,
            Waiting, WaitingForDirectory,
        };
        Some(match (self, event) {
            (Ended, _) => return None,
            (_, Event::RemoteHangup) => (Ended, Action::End(Ending::Remote)),
            (_, Event::Invalidated) => (Ended, Action::End(Ending::Invalidated)),
            (_, Event::GaveUp) => (Ended, Action::End(Ending::Unreachable)),
            (_, Event::Stale) => (Ended, Action::End(Ending::Stale)),

            (Checking | WaitingForDirectory, Event::Unacceptable) => (Refusing, Action::Refuse),
            (Checking | WaitingForDirectory, Event::Asked) => (WaitingForDirectory, Action::Wait),
            (Checking | WaitingForDirectory, Event::LookupFailed) => (Refusing, Action::Refuse),
            (Checking | WaitingForDirectory, Event::Unknown | Event::Locked) => {
                (AuthWait, Action::Challenge)
            }
            (Checking | WaitingForDirectory, Event::Open) => (AdmittingOpen, Action::Admit),

            (AuthWait, Event::TooMany) => (Closing, Action::Reject(Rejection::Challenges)),
            (AuthWait, Event::AuthRep) => (Verifying, Action::Verify),
            (Verifying, Event::Good) => (Admitting, Action::Admit),
            (Verifying, Event::Bad) => (Refusing, Action::Refuse),

            (Admitting, Event::Admitted) => (Linked, Action::AcceptAndOffer),
            (AdmittingOpen, Event::Admitted) => (Unproven, Action::Accept),
            (Admitting | AdmittingOpen | Dialling, Event::NoExtension) => {
                (Closing, Action::Reject(Rejection::Extension))
            }
            (Admitting | AdmittingOpen | Dialling, Event::NoFormat) => {
                (Closing, Action::Reject(Rejection::Format))
            }
            (Admitting, Event::Requested) => (Requested, Action::Ask),
            (AdmittingOpen, Event::Requested) => (RequestedOpen, Action::Ask),
            (Requested, Event::Taken) => (Linked, Action::AcceptAndOffer),
            (RequestedOpen, Event::Taken) => (Unproven, Action::Accept),
            (Admitting | AdmittingOpen, Event::ToBeDialled) => (Tbd, Action::Accept),
            (Tbd, Event::Dialled) => (Dialling, Action::Admit),
            (Dialling, Event::Admitted) => (Linked, Action::Proceed),
            (Dialling, Event::Requested) => (DialRequested, Action::Ask),
            (DialRequested, Event::Taken) => (Linked, Action::Proceed),
            (Requested | RequestedOpen | DialRequested, Event::LocalHangup) => {
                (Closing, Action::Reject(Rejection::Application))
            }
            (Requested | RequestedOpen | DialRequested, Event::WaitedTooLong) => {
                (Closing, Action::Reject(Rejection::Undecided))
            }
            (Unproven, Event::Proven) => (Linked, Action::Offer),

            (Initial, Event::Placed) => (Waiting, Action::Dial),
            (Waiting, Event::AuthReq) => (Waiting, Action::Respond),
            (Waiting, Event::CannotAnswer) => (Closing, Action::Hangup),
            (Waiting, Event::Accepted) => (Linked, Action::Connect),
            (Waiting, Event::Unusable) => (Closing, Action::Reject(Rejection::Format)),
            (Waiting, Event::NoAnswer | Event::WaitedTooLong) => (Closing, Action::GiveUp),
            (Linked, Event::RemoteAnswer) => (Up, Action::Open),

            (Linked, Event::Ring) => (Linked, Action::Ring),
            (Linked, Event::Answer) => (Up, Action::Answer),
            (Waiting | Linked | Up, Event::LocalHangup) => (Closing, Action::Hangup),
            (Linked | Up, Event::Released) => (Closing, Action::Release),

            (WaitingForDirectory | AuthWait, Event::WaitedTooLong) => (Refusing, Action::Refuse),
            (Refusing, Event::DelayElapsed) => (Closing, Action::Reject(Rejection::Authority)),
            (Closing, Event::Finished) => (Ended, Action::End(Ending::Local)),
            _ => return None,
        })
    }

    /// Whether media, digits and text count (X-FRM-8).
    pub(super) const fn is_started(self) -> bool {
        matches!(self, State::Linked | State::Up)
    }

    /// The name in errors.
    pub(super) const fn name(self) -> &'static str {
        match self {
            State::Checking
            | State::WaitingForDirectory
            | State::AuthWait
            | State::Verifying
            | State::Admitting
            | State::AdmittingOpen => "not admitted",
            State::Initial | State::Waiting => "not accepted",
            State::Requested | State::RequestedOpen | State::DialRequested => "requested",
            State::Tbd | State::Dialling => "to be dialled",
            State::Refusing => "refused",
            State::Unproven => "unproven",
            State::Linked => "linked",
            State::Up => "up",
            State::Closing => "closing",
            State::Ended => "ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Event::*;
        let states = [
            State::Initial,
            State::Waiting,
            State::Checking,
            State::WaitingForDirectory,
            State::AuthWait,
            State::Verifying,
            State::Admitting,
            State::AdmittingOpen,
            State::Requested,
            State::RequestedOpen,
            State::Tbd,
            State::Dialling,
            State::DialRequested,
            State::Refusing,
            State::Unproven,
            State::Linked,
            State::Up,
            State::Closing,
            State::Ended,
        ];
        let events = [
            Placed,
            AuthReq,
            CannotAnswer,
            Accepted,
            Unusable,
            NoAnswer,
            RemoteAnswer,
            Unacceptable,
            Asked,
            LookupFailed,
            Unknown,
            Open,
            Locked,
            TooMany,
            AuthRep,
            Good,
            Bad,
            Admitted,
            Requested,
            ToBeDialled,
            Dialled,
            Taken,
            NoExtension,
            NoFormat,
            Proven,
            Ring,
            Answer,
            LocalHangup,
            Released,
            RemoteHangup,
            Invalidated,
            DelayElapsed,
            WaitedTooLong,
            GaveUp,
            Finished,
            Stale,
        ];
        let mut table = String::new();
        for state in states {
            for event in events {
                table += &match state.next(event) {
                    Some((next, action)) => {
                        format!("{state:?} {event:?}: {action:?} -> {next:?}\n")
                    }
                    None => format!("{state:?} {event:?}: -\n"),
                };
            }
        }
        insta::assert_snapshot!(table);
    }
}
