//! The registrar's side of one REGREQ or REGREL, as a table (RFC 5456 §6.1.2 to §6.1.6; chan_iax2).
//!
//! ```text
//! Checking --> WaitingForDirectory --> Challenged --> Verifying --> Writing --> Closing --> Ended
//!     \________________________/           |             |   ^         |  \        ^
//!      a login without a secret goes       |             |   |__again__| Storing---|
//!      straight to Writing                 \_____________\_____ Refusing __________/
//! ```

/// Whether the directory is asked for the first time, or again because the entry went away under the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Attempt {
    First,
    Second,
}

/// Where a registration dialogue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// The directory is being asked.
    Checking(Attempt),
    /// The directory asked the database.
    WaitingForDirectory(Attempt),
    /// A REGAUTH is out. There is never a second one (X-REG-4).
    Challenged,
    /// The result is being compared.
    Verifying(Attempt),
    /// The contact is being written.
    Writing(Attempt),
    /// The store was asked to keep the change; the former contact holds.
    Storing,
    /// The login has failed; the REGREJ waits for `reject_delay`.
    Refusing,
    /// REGACK or REGREJ is out.
    Closing,
    /// Nothing is left to do.
    Ended,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// USERNAME is missing or empty.
    Nameless,
    /// The directory asked the database.
    Asked,
    /// The database failed.
    LookupFailed,
    /// There is no such peer.
    Unknown,
    /// The peer does not register, or not from here: it is at a fixed address, or its access list denies this one.
    Unfit,
    /// The peer needs no secret.
    Open,
    /// The peer has a secret.
    Locked,
    /// A REGREQ or REGREL with a result.
    Result,
    /// A REGREQ or REGREL without a result.
    NoResult,
    /// The result is right.
    Good,
    /// The result is wrong.
    Bad,
    /// The contact is written.
    Written,
    /// The store was asked.
    StoreAsked,
    /// The store has the change, and it is in force.
    Stored,
    /// The store does not have it, or took too long.
    NotStored,
    /// The name no longer stands on the entry.
    Unlinked,
    /// There is no room for one more registration.
    Full,
    /// `reject_delay` has passed.
    DelayElapsed,
    /// The dialogue was open for too long.
    WaitedTooLong,
    /// REGACK or REGREJ was acknowledged or given up.
    Finished,
    /// The other side is gone, or says that it is (INVAL, HANGUP, REJECT).
    Gone,
    /// The directory's handle had gone stale.
    Stale,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Wait for the database. The ACK goes out, for nothing else carries it.
    Wait,
    /// Send REGAUTH.
    Challenge,
    /// Compare the result.
    Verify,
    /// Write the contact, or take it away.
    Write,
    /// Wait for the store. The ACK goes out, for nothing else carries it.
    AwaitStore,
    /// Ask the directory again.
    LookUpAgain,
    /// Count a failed login and wait for `reject_delay`.
    Refuse,
    /// Send REGREJ.
    Reject,
    /// Send REGACK.
    Confirm,
    /// Let the dialogue go.
    End,
}

impl State {
    /// The next state and what to do, or `None` where nothing happens.
    pub(super) const fn next(self, event: Event) -> Option<(State, Action)> {
        use Attempt::{First, Second};
        use State::{
            Challenged, Checking, Closing, Ended, Refusing, Storing, Verifying,
            WaitingForDirectory, Writing,
        };
        Some(match (self, event) {
            (Ended, _) => return None,
            (_, Event::Gone | Event::Stale) => (Ended, Action::End),

            (Checking(First), Event::Nameless) => (Refusing, Action::Refuse),
            (Checking(n) | WaitingForDirectory(n), Event::Asked) => {
                (WaitingForDirectory(n), Action::Wait)
            }
            (Checking(_) | WaitingForDirectory(_), Event::LookupFailed) => {
                (Refusing, Action::Refuse)
            }
            (
                Checking(First) | WaitingForDirectory(First),
                Event::Unknown | Event::Unfit | Event::Locked,
            ) => (Challenged, Action::Challenge),
            (Checking(Second) | WaitingForDirectory(Second), Event::Unknown | Event::Unfit) => {
                (Refusing, Action::Refuse)
            }
            (Checking(Second) | WaitingForDirectory(Second), Event::Locked) => {
                (Verifying(Second), Action::Verify)
            }
            (Checking(n) | WaitingForDirectory(n), Event::Open) => (Writing(n), Action::Write),

            (Challenged, Event::Result) => (Verifying(First), Action::Verify),
            (Challenged, Event::NoResult) => (Refusing, Action::Refuse),
            (Verifying(n), Event::Good) => (Writing(n), Action::Write),
            (Verifying(_), Event::Bad) => (Refusing, Action::Refuse),

            (Writing(_), Event::Written) => (Closing, Action::Confirm),
            (Writing(_), Event::StoreAsked) => (Storing, Action::AwaitStore),
            (Storing, Event::Stored) => (Closing, Action::Confirm),
            // No login failed, so nothing is counted and nothing delayed.
            (Storing, Event::NotStored) => (Closing, Action::Reject),
            (Writing(First), Event::Unlinked) => (Checking(Second), Action::LookUpAgain),
            (Writing(Second), Event::Unlinked) => (Refusing, Action::Refuse),
            (Writing(_), Event::Full) => (Refusing, Action::Refuse),

            (WaitingForDirectory(_) | Challenged, Event::WaitedTooLong) => {
                (Refusing, Action::Refuse)
            }
            (Refusing, Event::DelayElapsed) => (Closing, Action::Reject),
            (Closing, Event::Finished) => (Ended, Action::End),
            _ => return None,
        })
    }

    pub(super) const fn is_waiting(self) -> bool {
        matches!(self, State::WaitingForDirectory(_) | State::Storing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Attempt::{First, Second};
        use Event::*;
        let states = [
            State::Checking(First),
            State::Checking(Second),
            State::WaitingForDirectory(First),
            State::WaitingForDirectory(Second),
            State::Challenged,
            State::Verifying(First),
            State::Verifying(Second),
            State::Writing(First),
            State::Writing(Second),
            State::Storing,
            State::Refusing,
            State::Closing,
            State::Ended,
        ];
        let events = [
            Nameless,
            Asked,
            LookupFailed,
            Unknown,
            Unfit,
            Open,
            Locked,
            Result,
            NoResult,
            Good,
            Bad,
            Written,
            StoreAsked,
            Stored,
            NotStored,
            Unlinked,
            Full,
            DelayElapsed,
            WaitedTooLong,
            Finished,
            Gone,
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
