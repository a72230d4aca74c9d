//! The life of one reliable frame at its sender (RFC 5456 §7, with chan_iax2's number of transmissions).
//!
//! ```text
//! Queued --room--> Sent(1) --timeout--> Sent(2) .. Sent(4) --timeout--> Abandoned
//!                     \______acknowledged______/---> Done
//! ```

use core::time::Duration;

/// Transmissions of one frame, the first counted (chan_iax2: `max_retries`).
pub const TRANSMISSIONS_MAX: u8 = 4;
/// The shortest wait for an acknowledgement (chan_iax2: `MIN_RETRY_TIME`).
pub const RETRY_MIN: Duration = Duration::from_millis(100);
/// The longest wait for an acknowledgement (chan_iax2: `MAX_RETRY_TIME`; RFC 5456 §7.2.1).
pub const RETRY_MAX: Duration = Duration::from_secs(10);
/// The round trip that is supposed before one was measured (chan_iax2: `DEFAULT_RETRY_TIME`).
pub const ROUND_TRIP_AT_FIRST: Duration = Duration::from_secs(1);
/// By how much each wait is longer than the one before (chan_iax2).
const BACK_OFF: u32 = 10;

/// Where a reliable frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SendState {
    /// It waits for room in the window, or for the other side's call number.
    Queued,
    /// It was transmitted this often, 1..=[`TRANSMISSIONS_MAX`].
    Sent(u8),
    /// It was acknowledged.
    Done,
    /// It was given up.
    Abandoned,
}

/// What happens to a reliable frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SendEvent {
    /// The window has room.
    Room,
    /// It has waited its interval.
    Timeout,
    /// An ISeqno covers it.
    Acknowledged,
    /// A VNAK asks for it.
    Asked,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SendAction {
    /// Send it for the first time.
    Transmit,
    /// Send it again with the R bit and wait longer.
    Retransmit,
    /// Send it again as it was last sent; timers and counts stay (chan_iax2).
    Resend,
    /// Forget it.
    Forget,
    /// The other side is gone.
    GiveUp,
}

impl SendState {
    /// The next state and what to do, or `None` where nothing happens.
    pub const fn next(self, event: SendEvent) -> Option<(SendState, SendAction)> {
        use SendState::{Abandoned, Done, Queued, Sent};
        Some(match (self, event) {
            (Queued, SendEvent::Room) => (Sent(1), SendAction::Transmit),
            (Sent(TRANSMISSIONS_MAX..), SendEvent::Timeout) => (Abandoned, SendAction::GiveUp),
            (Sent(n), SendEvent::Timeout) => (Sent(n + 1), SendAction::Retransmit),
            (Sent(_), SendEvent::Acknowledged) => (Done, SendAction::Forget),
            (Sent(n), SendEvent::Asked) => (Sent(n), SendAction::Resend),
            _ => return None,
        })
    }

    /// Whether the R bit is set on the wire.
    pub(super) const fn is_repeated(self) -> bool {
        matches!(self, SendState::Sent(2..))
    }
}

/// How long the first transmission waits, given a round trip.
pub(super) fn first_interval(round_trip: Duration) -> Duration {
    (round_trip * 2).clamp(RETRY_MIN, RETRY_MAX)
}

/// How long the next transmission waits.
pub(super) fn next_interval(interval: Duration) -> Duration {
    (interval * BACK_OFF).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use SendEvent::{Acknowledged, Asked, Room, Timeout};
        let sent = (1..=TRANSMISSIONS_MAX).map(SendState::Sent);
        let states = [SendState::Queued].into_iter().chain(sent);
        let ends = [SendState::Done, SendState::Abandoned];
        let mut table = String::new();
        for state in states.chain(ends) {
            for event in [Room, Timeout, Acknowledged, Asked] {
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

    /// chan_iax2's waits: 2, 10, 10, 10 s at first; 0.1, 1, 10, 10 s after a round trip of 20 ms (X-SEQ-9).
    #[test]
    fn waits_grow_tenfold_between_their_bounds() {
        let waits = |round_trip: Duration| {
            let first = first_interval(round_trip);
            core::iter::successors(Some(first), |wait| Some(next_interval(*wait)))
                .take(4)
                .map(|wait| wait.as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(ROUND_TRIP_AT_FIRST), [2000, 10_000, 10_000, 10_000]);
        assert_eq!(
            waits(Duration::from_millis(20)),
            [100, 1000, 10_000, 10_000]
        );
        assert_eq!(waits(Duration::from_secs(60)), [10_000; 4]);
    }
}
