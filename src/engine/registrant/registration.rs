//! What a registrant is told and what it tells, as values.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use crate::engine::settings::{Name, Secret};
use crate::time::Instant;
use crate::wire::{AuthMethods, Cause, MessageCount};

/// The period that is asked for where nobody says otherwise, and that holds where a REGACK names none (RFC 5456 §6.1.1).
pub const REFRESH: Duration = Duration::from_secs(60);
/// The shortest period that is asked for or believed: a registrar that grants less is asked as often as for this.
pub const REFRESH_MIN: Duration = Duration::from_secs(10);
/// The longest: REFRESH has 16 bits of seconds.
pub const REFRESH_MAX: Duration = Duration::from_secs(u16::MAX as u64);

/// A registration to be kept up by [`Endpoint::register`](crate::engine::Endpoint::register) (chan_iax2: `register =>`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Where the registrar is.
    pub registrar: SocketAddr,
    /// As whom we register.
    pub username: Name,
    /// What a challenge is answered with: the last one.
    pub secrets: Vec<Secret>,
    /// The methods by which a challenge may be answered.
    pub methods: AuthMethods,
    /// The period that is asked for, between [`REFRESH_MIN`] and [`REFRESH_MAX`].
    pub refresh: Duration,
    /// Whether renewals come at random between 3/4 and 5/6 of the period (RFC 5456 §7.2.2), so that those who started
    /// together do not stay together; or always at 5/6 (chan_iax2).
    pub is_spread: bool,
}

impl Registration {
    /// A registration for a minute at a time, without a secret.
    pub const fn new(registrar: SocketAddr, username: Name) -> Self {
        Registration {
            registrar,
            username,
            secrets: Vec::new(),
            methods: AuthMethods::MD5,
            refresh: REFRESH,
            is_spread: true,
        }
    }
}

/// Names one registrant of one endpoint; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrantId(pub u64);

impl fmt::Display for RegistrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a registrant is (RFC 5456 §6.1.1, Figure 1; chan_iax2: `iax2 show registry`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrantState {
    /// The application gave it up, and the registrar knows or does not answer. The last that is heard of a registrant.
    Unregistered,
    /// A REGREQ is out.
    RegSent,
    /// The challenge is answered.
    AuthSent,
    /// The registrar granted it.
    Registered {
        /// For how long.
        refresh: Duration,
        /// From where the registrar sees us come.
        apparent: Option<SocketAddr>,
        /// How many messages wait, if it says so.
        messages: Option<MessageCount>,
    },
    /// A REGREL is out.
    Releasing,
    /// The registrar asks for what we do not have: a secret, or a method that we may use. Tried again when a refresh is due.
    NoAuth,
    /// The registrar refused, with this cause if it gave one. Tried again when a refresh is due.
    Rejected(Option<Cause>),
    /// The registrar does not answer. Tried again when a refresh is due.
    Timeout,
}

/// A registration of ours as it is now (chan_iax2: `iax2 show registry`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrantOverview {
    /// Where the registrar is.
    pub registrar: SocketAddr,
    /// As whom we register.
    pub username: Name,
    /// Where it stands.
    pub state: RegistrantState,
    /// The period that holds: what was granted, else what is asked for.
    pub period: Duration,
    /// When the next request is due.
    pub next: Option<Instant>,
}

/// How long after a request, or after a grant, the next request is due: 5/6 of the period (chan_iax2, X-REG-2), or a moment
/// between 3/4 and 5/6 that `draw` chooses below the number that it is given (RFC 5456 §7.2.2).
pub(super) fn renewal(period: Duration, draw: Option<impl FnOnce(usize) -> usize>) -> Duration {
    let (earliest, latest) = (period * 3 / 4, period * 5 / 6);
    let room = usize::try_from((latest - earliest).as_millis()).unwrap_or(usize::MAX);
    match draw {
        Some(draw) if room > 0 => earliest + Duration::from_millis(draw(room) as u64),
        _ => latest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_is_due_between_three_quarters_and_five_sixths() {
        let none = None::<fn(usize) -> usize>;
        assert_eq!(renewal(REFRESH, none), Duration::from_secs(50));
        let first = renewal(REFRESH, Some(|_| 0));
        assert_eq!(first, Duration::from_secs(45));
        let last = renewal(REFRESH, Some(|room| room - 1));
        assert_eq!(last, Duration::from_millis(49_999));
        let shortest = renewal(Duration::from_millis(1), Some(|_| unreachable!()));
        assert!(shortest < Duration::from_millis(1));
    }
}
