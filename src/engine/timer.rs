//! Timers: what fires when. One ordered table; ties fire in the order in which they were armed. What a timer
//! does when it fires is decided by its owner.

use core::fmt;
use std::collections::BTreeMap;

use crate::time::Instant;

/// What a timer is for. One line each on when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// The earliest reliable frame of a dialogue has waited its interval without acknowledgement (RFC 5456 §7.2.1).
    Retransmission,
    /// A dialogue is due its next PING: every 21 s (chan_iax2: `pingtime`).
    Ping,
    /// A dialogue is due its next LAGRQ: every 10 s (chan_iax2: `lagrqtime`).
    LagRq,
    /// A refused login has waited `reject_delay`; the refusal goes out now (chan_iax2: `delayreject`).
    RejectDelay,
    /// A dialogue has been open for a minute without being admitted.
    Admission,
    /// A call that we placed has had no answer at all for as long as it may (chan_iax2: auto-congest).
    AnswerWait,
    /// A call was hung up here ten seconds ago; it is forgotten whether acknowledged or not (chan_iax2).
    Linger,
    /// The store has not answered for two seconds; the registration is refused.
    Store,
    /// A TXCNT of ours has waited for its TXACC, or a leg for what follows TXREADY or TXREQ (chan_iax2 for TXCNT).
    Transfer,
    /// A trunk's next tick, where audio waits for it, or five seconds without any (chan_iax2: `trunkfreq`).
    Trunk,
    /// A POKE of ours has waited for its PONG as long as it may (chan_iax2: `iax2_poke_noanswer`).
    PokeWait,
    /// A peer that is qualified is due its next POKE: a minute after it answered, 10 s after it did not (chan_iax2).
    Poke,
    /// A registration of ours is due its next REGREQ: at 5/6 of the period or before (RFC 5456 §7.2.2, X-REG-2).
    Refresh,
    /// A registration's granted period and ten seconds of grace have passed (chan_iax2).
    Expiry,
}

/// The name of the timer as it is grepped.
impl fmt::Display for TimerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Names one armed timer: when it fires, and its place among those of the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerKey(Instant, u64);

impl TimerKey {
    /// When it fires.
    pub(super) const fn at(self) -> Instant {
        self.0
    }
}

/// The armed timers. `T` says whom a timer belongs to.
#[derive(Debug)]
pub(super) struct Timers<T> {
    due: BTreeMap<TimerKey, (TimerKind, T)>,
    armed_so_far: u64,
}

impl<T> Timers<T> {
    pub(super) const fn new() -> Self {
        Timers {
            due: BTreeMap::new(),
            armed_so_far: 0,
        }
    }

    /// Arms a timer.
    pub(super) fn arm(&mut self, at: Instant, kind: TimerKind, owner: T) -> TimerKey {
        let key = TimerKey(at, self.armed_so_far);
        self.armed_so_far += 1;
        self.due.insert(key, (kind, owner));
        key
    }

    /// Disarms a timer. `None` where it has fired.
    pub(super) fn cancel(&mut self, key: TimerKey) -> Option<T> {
        self.due.remove(&key).map(|(_, owner)| owner)
    }

    /// The earliest timer.
    pub(super) fn earliest(&self) -> Option<(Instant, TimerKind)> {
        let (key, (kind, _)) = self.due.first_key_value()?;
        Some((key.0, *kind))
    }

    /// Takes the earliest timer that is due at `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(TimerKind, T)> {
        let entry = self.due.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// Whose timer it is, while it is armed.
    pub(super) fn owner(&self, key: TimerKey) -> Option<&T> {
        self.due.get(&key).map(|(_, owner)| owner)
    }

    /// Whose timers are armed, the earliest first.
    pub(super) fn owners(&self) -> impl Iterator<Item = &T> {
        self.due.values().map(|(_, owner)| owner)
    }

    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_fire_in_the_order_of_arming_and_a_cancelled_timer_never() {
        let mut timers = Timers::new();
        let at = Instant::from_secs(5);
        timers.arm(at, TimerKind::Ping, "second");
        let cancelled = timers.arm(Instant::from_secs(1), TimerKind::Linger, "cancelled");
        timers.arm(at, TimerKind::LagRq, "third");
        timers.arm(Instant::from_secs(4), TimerKind::Ping, "first");
        assert_eq!(timers.cancel(cancelled), Some("cancelled"));
        assert_eq!(timers.cancel(cancelled), None);
        assert_eq!(
            timers.earliest(),
            Some((Instant::from_secs(4), TimerKind::Ping))
        );
        assert!(timers.take_due(Instant::from_secs(3)).is_none());
        let order: Vec<_> = core::iter::from_fn(|| timers.take_due(at)).collect();
        assert_eq!(
            order,
            [
                (TimerKind::Ping, "first"),
                (TimerKind::Ping, "second"),
                (TimerKind::LagRq, "third")
            ]
        );
    }
}
