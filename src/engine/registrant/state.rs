//! The registrant's side of a registration, as a table (RFC 5456 §6.1.1, Figure 1; `AuthSent` and `Timeout` are chan_iax2's).
//!
//! ```text
//! Unregistered --> RegSent --> AuthSent --> Registered --> Releasing --> ReleaseAuthSent --> Released
//!                    | |          |  |          |              \________________________________^
//!                    | \__________|__|_> Rejected, NoAuth, Timeout
//!                    ^_______________________________| each again when the refresh is due
//! ```

/// Where a registrant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Nothing was sent yet.
    Unregistered,
    /// A REGREQ is out.
    RegSent,
    /// The challenge is answered.
    AuthSent,
    /// The registrar granted it.
    Registered,
    /// A REGREL is out.
    Releasing,
    /// The challenge to the REGREL is answered.
    ReleaseAuthSent,
    /// We could not answer the challenge.
    NoAuth,
    /// The registrar refused.
    Rejected,
    /// The registrar does not answer.
    Timeout,
    /// The application gave the registration up, and nothing is left to do.
    Released,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The application registers, or a refresh is due.
    Due,
    /// REGAUTH.
    RegAuth,
    /// We have no secret for it, or no method that we may use.
    CannotAnswer,
    /// REGACK.
    RegAck,
    /// REGREJ, or the dialogue was hung up.
    RegRej,
    /// Nobody acknowledges, nothing came of the dialogue for long, or it is said not to exist.
    GaveUp,
    /// The application gives the registration up.
    Unregister,
}

/// What is to be done. All but the first two belong to the dialogue that the event came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Open a dialogue with REGREQ, in place of one that is open, and arm the next.
    Request,
    /// Open a dialogue with REGREL, in place of one that is open.
    Release,
    /// Answer the challenge.
    Respond,
    /// Say that we cannot.
    Decline,
    /// Keep what was granted, and let the dialogue go.
    Confirm,
    /// Forget what was granted, and let the dialogue go.
    Forget,
    /// Let the dialogue go, if there is one.
    End,
}

impl State {
    /// The next state and what to do, or `None` where nothing happens.
    pub(super) const fn next(self, event: Event) -> Option<(State, Action)> {
        use State::{
            AuthSent, NoAuth, RegSent, Registered, Rejected, ReleaseAuthSent, Released, Releasing,
            Timeout, Unregistered,
        };
        Some(match (self, event) {
            (
                Unregistered | RegSent | AuthSent | Registered | NoAuth | Rejected | Timeout,
                Event::Due,
            ) => (RegSent, Action::Request),

            // One answer for each dialogue: who asks twice collects answers.
            (RegSent, Event::RegAuth) => (AuthSent, Action::Respond),
            (AuthSent, Event::CannotAnswer) => (NoAuth, Action::Decline),
            (RegSent | AuthSent, Event::RegAck) => (Registered, Action::Confirm),
            (RegSent | AuthSent, Event::RegRej) => (Rejected, Action::Forget),
            (RegSent | AuthSent, Event::GaveUp) => (Timeout, Action::Forget),

            // Whoever has asked, or was registered before, may be registered.
            (RegSent | AuthSent | Registered | Timeout, Event::Unregister) => {
                (Releasing, Action::Release)
            }
            (Unregistered | NoAuth | Rejected, Event::Unregister) => (Released, Action::End),
            (Releasing, Event::RegAuth) => (ReleaseAuthSent, Action::Respond),
            (ReleaseAuthSent, Event::CannotAnswer) => (Released, Action::Decline),
            (Releasing | ReleaseAuthSent, Event::RegAck | Event::RegRej | Event::GaveUp) => {
                (Released, Action::End)
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Event::*;
        let states = [
            State::Unregistered,
            State::RegSent,
            State::AuthSent,
            State::Registered,
            State::Releasing,
            State::ReleaseAuthSent,
            State::NoAuth,
            State::Rejected,
            State::Timeout,
            State::Released,
        ];
        let events = [
            Due,
            RegAuth,
            CannotAnswer,
            RegAck,
            RegRej,
            GaveUp,
            Unregister,
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
