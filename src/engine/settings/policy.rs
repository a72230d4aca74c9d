//! Choices that have more than two answers, each with chan_iax2's default.

use core::time::Duration;

/// Whether calls are encrypted, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encryption {
    /// Never.
    #[default]
    Off,
    /// Where the other side can (`encryption=yes` or `aes128`).
    Offered,
    /// Or there is no call (`forceencryption`).
    Forced,
}

/// Whether an opener must carry a call token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Requirement {
    /// As the address says: required, but for `calltokenoptional`. What holds for a name that says nothing.
    #[default]
    ByAddress,
    /// Always (`requirecalltoken=yes`).
    Required,
    /// Never (`requirecalltoken=no`).
    NotRequired,
    /// From the first valid token on (`requirecalltoken=auto`).
    Auto,
}

/// Whose wish counts first when a format is chosen for an incoming call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodecPriority {
    /// Ours, then the caller's.
    #[default]
    Host,
    /// The caller's, then ours.
    Caller,
    /// The requested format, then the best that both have.
    Disabled,
    /// The requested format or none.
    RequestedOnly,
}

/// Whether the path of a call may be shortened (RFC 5456 §6.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransferPolicy {
    /// Audio and signals go from end to end.
    #[default]
    Allowed,
    /// Audio alone.
    MediaOnly,
    /// Everything goes through here.
    Refused,
}

/// How a peer is asked whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qualify {
    /// An answer later than this counts as lagged.
    pub round_trip_max: Duration,
    /// Whether a new time is averaged with those before (`qualifysmoothing`).
    pub smoothing: bool,
    /// From one POKE to the next while it answers in time (`qualifyfreqok`).
    pub interval_ok: Duration,
    /// The same while it does not (`qualifyfreqnotok`).
    pub interval_not_ok: Duration,
}

impl Default for Qualify {
    /// `qualify=yes`.
    fn default() -> Self {
        Qualify {
            round_trip_max: Duration::from_secs(2),
            smoothing: false,
            interval_ok: Duration::from_secs(60),
            interval_not_ok: Duration::from_secs(10),
        }
    }
}

/// CALLING NAME and CALLING NUMBER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerId {
    /// The name; empty for none.
    pub name: String,
    /// The number; empty for none.
    pub number: String,
}

/// How trunk frames are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trunking {
    /// From one trunk frame to the next (`trunkfreq`; 10 ms to 1 s).
    pub interval: Duration,
    /// The payload at which a frame goes out early; 0 for never (`trunkmtu`; 172 to 3999 octets).
    pub payload_max: usize,
    /// What may wait for one address, in octets (`trunkmaxsize`).
    pub queue_max: usize,
    /// Whether each entry carries its own time (`trunktimestamps`).
    pub timestamps: bool,
}

impl Default for Trunking {
    fn default() -> Self {
        Trunking {
            interval: Duration::from_millis(20),
            payload_max: 1240,
            queue_max: 128_000,
            timestamps: false,
        }
    }
}
