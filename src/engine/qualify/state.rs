//! How a peer is asked whether it is there, as a table, and how its answers are judged (chan_iax2: `iax2_poke_peer`).
//!
//! ```text
//! Resting --due--> Poking --PONG or none--> Resting
//!     \_______________\____lost____> Ended
//! ```

use core::time::Duration;

use crate::engine::directory::Reachability;
use crate::engine::settings::Qualify;

/// What a POKE is granted beyond the longest answer before the peer counts as unreachable (chan_iax2).
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a watch over a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// The next POKE is due later.
    Resting,
    /// A POKE is out.
    Poking,
    /// The peer is not asked any more.
    Ended,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A POKE is due: by the timer, by a contact at another address, or because the application says so.
    Due,
    /// A PONG came.
    Answered,
    /// None came for as long as it may take.
    NotAnswered,
    /// There is no call number for a POKE.
    NoNumber,
    /// The contact has moved on or is gone, or the peer is not to be asked.
    Lost,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Send a POKE in a dialogue of its own, in place of one that is out.
    Poke,
    /// Tell the directory, and arm the next POKE.
    Note,
    /// Arm the next POKE.
    Rest,
    /// Let timer, dialogue and handle go.
    Stop,
}

impl State {
    /// The next state and what to do, or `None` where nothing happens.
    pub(super) const fn next(self, event: Event) -> Option<(State, Action)> {
        use State::{Ended, Poking, Resting};
        Some(match (self, event) {
            (Ended, _) => return None,
            (Resting | Poking, Event::Due) => (Poking, Action::Poke),
            (Poking, Event::Answered | Event::NotAnswered) => (Resting, Action::Note),
            (Poking, Event::NoNumber) => (Resting, Action::Rest),
            (Resting | Poking, Event::Lost) => (Ended, Action::Stop),
            (Resting, Event::Answered | Event::NotAnswered | Event::NoNumber) => return None,
        })
    }
}

/// What a PONG after `round_trip` says, after what the one before said.
pub(super) fn judge(qualify: &Qualify, before: Reachability, round_trip: Duration) -> Reachability {
    let smoothed = match before {
        Reachability::Reachable(before) | Reachability::Lagged(before) if qualify.smoothing => {
            (before + round_trip) / 2
        }
        _ => round_trip,
    };
    match smoothed <= qualify.round_trip_max {
        true => Reachability::Reachable(smoothed),
        false => Reachability::Lagged(smoothed),
    }
}

/// How long a POKE waits for its PONG.
pub(super) fn patience(qualify: &Qualify, before: Reachability) -> Duration {
    match before {
        Reachability::Unreachable => qualify.interval_not_ok * 5 / 6,
        _ => (PATIENCE + qualify.round_trip_max).min(qualify.interval_ok * 5 / 6),
    }
}

/// How long it is until the next POKE.
pub(super) const fn interval(qualify: &Qualify, now: Reachability) -> Duration {
    match now {
        Reachability::Reachable(_) => qualify.interval_ok,
        _ => qualify.interval_not_ok,
    }
}

/// The round trip that a POKE's first wait supposes (chan_iax2: `maxms / 8`).
pub(super) fn supposed_round_trip(qualify: &Qualify) -> Duration {
    qualify.round_trip_max / 8
}

/// Whether it is news for the application: another answer, not another time.
pub(super) fn is_news(before: Reachability, now: Reachability) -> bool {
    core::mem::discriminant(&before) != core::mem::discriminant(&now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_whole_table() {
        use Event::*;
        let mut table = String::new();
        for state in [State::Resting, State::Poking, State::Ended] {
            for event in [Due, Answered, NotAnswered, NoNumber, Lost] {
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

    #[test]
    fn the_limit_itself_is_in_time() {
        let qualify = Qualify::default();
        let judge = |time| judge(&qualify, Reachability::Unknown, time);
        assert_eq!(judge(ms(2000)), Reachability::Reachable(ms(2000)));
        assert_eq!(judge(ms(2001)), Reachability::Lagged(ms(2001)));
    }

    #[test]
    fn smoothing_takes_the_mean_with_what_was_before() {
        let qualify = Qualify {
            smoothing: true,
            ..Qualify::default()
        };
        let before = Reachability::Reachable(ms(1000));
        let now = judge(&qualify, before, ms(2800));
        assert_eq!(now, Reachability::Reachable(ms(1900)));
        let now = judge(&qualify, now, ms(2200));
        assert_eq!(now, Reachability::Lagged(ms(2050)));
        for nothing in [Reachability::Unknown, Reachability::Unreachable] {
            let now = judge(&qualify, nothing, ms(2200));
            assert_eq!(now, Reachability::Lagged(ms(2200)));
        }
        let rough = judge(&Qualify::default(), before, ms(2800));
        assert_eq!(rough, Reachability::Lagged(ms(2800)));
    }

    /// chan_iax2's times, measured with intervals of 5 s and 4 s, and its defaults.
    #[test]
    fn waits_are_those_of_the_deployed_wire() {
        let measured = Qualify {
            interval_ok: ms(5000),
            interval_not_ok: ms(4000),
            ..Qualify::default()
        };
        let reachable = Reachability::Reachable(ms(1));
        assert_eq!(patience(&measured, reachable).as_millis(), 4166);
        assert_eq!(
            patience(&measured, Reachability::Unreachable).as_millis(),
            3333
        );
        assert_eq!(interval(&measured, Reachability::Unreachable), ms(4000));
        assert_eq!(interval(&measured, Reachability::Lagged(ms(1))), ms(4000));
        assert_eq!(interval(&measured, reachable), ms(5000));
        let default = Qualify::default();
        assert_eq!(patience(&default, Reachability::Unknown), ms(22_000));
        let patient = Qualify {
            round_trip_max: ms(60_000),
            ..default
        };
        assert_eq!(patience(&patient, Reachability::Unknown), ms(50_000));
    }
}
