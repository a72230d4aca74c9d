//! How a call or a registration ended, as an exit code. 2 is left to usage, 3 and 42 to the evidence.

use std::process::ExitCode;

use iaxproof::engine::EndReason;
use iaxproof::wire::Cause;

/// The table of exit codes, for `--help`.
pub(super) const CODES: &str = "Exit codes:
  0  the call was answered, the registration granted
  1  something broke here
  2  usage
  4  busy
  5  the login was refused: unknown name, wrong or missing secret
  6  refused otherwise: no such extension, no common codec, congestion
  7  nobody answered the phone
  8  nobody there: no reply, or the other side fell silent";

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What was asked for took place.
    Done,
    /// The called one is busy.
    Busy,
    /// The name or the secret was refused.
    LoginRefused,
    /// Refused for another reason.
    Refused,
    /// It rang, or did not even do that, and nobody answered.
    NoAnswer,
    /// The other side does not reply (any more).
    Unreachable,
}

impl Outcome {
    /// What the end of a call that had been answered, or not, means.
    pub(super) fn of(reason: EndReason, was_answered: bool) -> Self {
        match reason {
            EndReason::Unreachable | EndReason::Invalidated => Outcome::Unreachable,
            _ if was_answered => Outcome::Done,
            EndReason::Unauthenticated => Outcome::LoginRefused,
            EndReason::RemoteHangup(cause) => Outcome::of_cause(cause),
            EndReason::NoAnswer | EndReason::LocalHangup => Outcome::NoAnswer,
            _ => Outcome::Refused,
        }
    }

    /// What a refusal with this cause means. A refusal without one is that of a login by chan_iax2's stateless reply.
    pub(super) fn of_cause(cause: Option<Cause>) -> Self {
        match cause {
            Some(Cause::USER_BUSY) => Outcome::Busy,
            Some(Cause::NO_ANSWER | Cause::NO_USER_RESPONSE) => Outcome::NoAnswer,
            None
            | Some(
                Cause::FACILITY_NOT_SUBSCRIBED | Cause::FACILITY_REJECTED | Cause::CALL_REJECTED,
            ) => Outcome::LoginRefused,
            Some(_) => Outcome::Refused,
        }
    }

    /// The number of the table.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Outcome::Done => 0,
            Outcome::Busy => 4,
            Outcome::LoginRefused => 5,
            Outcome::Refused => 6,
            Outcome::NoAnswer => 7,
            Outcome::Unreachable => 8,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_answered_is_done_however_it_was_hung_up() {
        let hangup = EndReason::RemoteHangup(Some(Cause::USER_BUSY));
        assert_eq!(Outcome::of(hangup, true), Outcome::Done);
        assert_eq!(Outcome::of(hangup, false), Outcome::Busy);
        assert_eq!(Outcome::of(EndReason::LocalHangup, true), Outcome::Done);
        assert_eq!(
            Outcome::of(EndReason::LocalHangup, false),
            Outcome::NoAnswer
        );
        assert_eq!(
            Outcome::of(EndReason::Unreachable, true),
            Outcome::Unreachable
        );
    }

    #[test]
    fn causes_tell_logins_from_extensions() {
        let of = |cause| Outcome::of_cause(Some(cause));
        assert_eq!(of(Cause::FACILITY_NOT_SUBSCRIBED), Outcome::LoginRefused);
        assert_eq!(of(Cause::NO_ROUTE_DESTINATION), Outcome::Refused);
        assert_eq!(of(Cause::BEARER_UNAVAILABLE), Outcome::Refused);
        assert_eq!(of(Cause::NO_ANSWER), Outcome::NoAnswer);
    }
}
