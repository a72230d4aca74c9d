//! What may be chosen for an endpoint, with the limits that hold in all.

use core::ops::RangeInclusive;
use core::time::Duration;

use super::workers::Workers;

/// How an endpoint behaves. What concerns peers and users is in [`settings`](super::settings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointOptions {
    /// The pool of call numbers; at least 2 and at most 32767. A worker takes its slice of it.
    pub call_numbers: RangeInclusive<u16>,
    /// Which worker the endpoint is, of how many.
    pub workers: Workers,
    /// Unix time in seconds, UTC, at [`Instant::ZERO`](crate::time::Instant::ZERO): for DATETIME of REGACK.
    pub unix_time_at_zero: u64,
    /// How often a PING goes out on each live dialogue.
    pub ping_interval: Duration,
    /// How often a LAGRQ goes out on each live dialogue.
    pub lagrq_interval: Duration,
    /// Live dialogues of this worker; the pool of call numbers bounds them too. What holds for all workers and for one address is
    /// the directory's.
    pub dialogues_max: usize,
    /// Records of quarantined call numbers; at the limit openers are refused.
    pub quarantine_max: usize,
    /// Armed expiry timers; at the limit new registrations are refused.
    pub registrations_max: usize,
    /// Whether the application is asked, by [`Event::Requested`](super::Event::Requested), for each call that a user's settings
    /// allow, before it is accepted. Otherwise each such call is accepted.
    pub asks_application: bool,
}

impl Default for EndpointOptions {
    /// chan_iax2's times and limits where it has them.
    fn default() -> Self {
        EndpointOptions {
            call_numbers: 2..=32767,
            workers: Workers::ALONE,
            unix_time_at_zero: 946_684_800,
            ping_interval: Duration::from_secs(21),
            lagrq_interval: Duration::from_secs(10),
            dialogues_max: 32_766,
            quarantine_max: 1 << 18,
            registrations_max: 1 << 20,
            asks_application: false,
        }
    }
}

/// Events that wait for `poll_event`; more are dropped and counted.
pub const EVENTS_MAX: usize = 65_536;
/// Datagrams that wait for `poll_transmit`; more are dropped, as a network would, and counted.
pub const TRANSMITS_MAX: usize = 65_536;
/// Octets of media or text in one frame that the application sends.
pub const MEDIA_OCTETS_MAX: usize = 4_096;
/// Silence after which a trunk's clock starts over and its record is forgotten (chan_iax2).
pub const TRUNK_IDLE: Duration = Duration::from_secs(5);
/// Addresses with a trunk; beyond it audio goes by mini frames.
pub const TRUNKS_MAX: usize = 32_768;
/// Entries of one trunk frame that are looked at: more than fit where each holds 12 octets of audio. The rest is dropped
/// and counted.
pub const TRUNK_ENTRIES_MAX: usize = 4_096;
/// Messages between bridged legs that wait while one input is handled; more are dropped and counted, but for the end of a
/// leg.
pub const LEG_MESSAGES_MAX: usize = 8_192;
/// How far the time of bridged audio may be from our clock before the clocks are compared anew (chan_iax2:
/// `MAX_TIMESTAMP_SKEW`).
pub const BRIDGE_SKEW_MAX: Duration = Duration::from_millis(160);
/// Frames of a third party that are held before we are told that the call is its own.
pub const EARLY_FRAMES_MAX: usize = 32;
/// What they have together.
pub const EARLY_OCTETS_MAX: usize = 16_384;
/// TXCNTs that are held for one call before a TXREQ says whether one of them counts.
pub const EARLY_TXCNTS_MAX: usize = 4;
/// How long: then it comes again.
pub const EARLY_TXCNT_WAIT: Duration = TXCNT_FIRST_WAIT;
/// TXREQs that a call obeys and that come to nothing; then it refuses.
pub const TRANSFER_ATTEMPTS_MAX: u8 = 8;
/// TXCNTs that one TXREQ brings (chan_iax2; X-TX-5).
pub const TXCNT_MAX: u8 = 4;
/// How long the first TXCNT waits for TXACC (chan_iax2).
pub const TXCNT_FIRST_WAIT: Duration = Duration::from_secs(2);
/// How long the others wait (chan_iax2).
pub const TXCNT_WAIT: Duration = Duration::from_secs(1);
/// How long an end that is ready waits for the middle: longer than TXREL is repeated.
pub const TRANSFER_READY_WAIT: Duration = Duration::from_secs(45);
/// How long the middle waits for both ends.
pub const TRANSFER_WAIT: Duration = Duration::from_secs(15);
/// How long a dialogue may stay open before it is admitted (yate waits 30 s for a challenge; ours outlasts the last
/// retransmission).
pub const ADMISSION_WAIT: Duration = Duration::from_secs(60);
/// How long a call that was hung up here waits for its acknowledgement (chan_iax2; X-SEQ-10).
pub const LINGER: Duration = Duration::from_secs(10);
/// How long a contact outlives its granted period (chan_iax2).
pub const REGISTRATION_GRACE: Duration = Duration::from_secs(10);
/// How long a REGREQ or REGREL waits for the store; then it is refused.
pub const STORE_WAIT: Duration = Duration::from_secs(2);
