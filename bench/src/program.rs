//! The ping-pong program: pairs of nodes; in each the first sends a datagram, the second sends it back, and so on for some rounds. All pairs play at
//! the same time.

use std::time::Duration;

/// How long a datagram takes: what it takes in a world of ours where nothing is wrong.
pub(crate) const LATENCY: Duration = Duration::from_millis(10);
/// How long a datagram is: the header of a mini frame and 20 ms of compressed sound, about.
pub(crate) const PAYLOAD_LEN: usize = 64;
/// At which port everybody is.
pub(crate) const PORT: u16 = 4569;

/// How much is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// How many pairs of nodes.
    pub(crate) pairs: u8,
    /// How many datagrams the first of a pair sends, and gets back.
    pub(crate) rounds: u32,
}

impl Program {
    /// As much as a bench plays in one turn; a world has fewer than 100,000 events.
    pub(crate) const WHOLE: Program = Program {
        pairs: 4,
        rounds: 5_000,
    };
    /// As much as shows that it works.
    pub(crate) const SMOKE: Program = Program {
        pairs: 4,
        rounds: 50,
    };

    /// How many datagrams are delivered, pings and answers.
    pub(crate) const fn datagrams(self) -> u64 {
        2 * self.pairs as u64 * self.rounds as u64
    }

    /// How long it takes on a clock that nothing else keeps waiting.
    pub(crate) const fn duration(self) -> Duration {
        LATENCY.saturating_mul(2 * self.rounds)
    }
}

/// What a pair sends in a round: a mini frame of IAX2, so that a world of ours has something to read, and octets that differ.
pub(crate) fn payload(pair: u8, round: u32) -> [u8; PAYLOAD_LEN] {
    let mut payload = [0; PAYLOAD_LEN];
    let [_, _, high, low] = round.to_be_bytes();
    payload[..4].copy_from_slice(&[0, 1 + pair, high, low]);
    for (nth, octet) in (0u32..).zip(&mut payload[4..]) {
        *octet = (nth.wrapping_mul(31) ^ round ^ u32::from(pair)) as u8;
    }
    payload
}
