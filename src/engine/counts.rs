//! What an endpoint holds, what it sent twice and what it threw away, for checkers and for an operator.

use core::ops::Add;
use core::time::Duration;

/// The times between two pieces of audio of one call, as they came: in frames of their own or in trunks, of all calls. What a side does not
/// say while it is silent counts as a gap too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// How many were no longer than each of [`Gaps::BOUNDS_MS`] and longer than the one before; the last ones were longer than all.
    pub counts: [u64; Gaps::BOUNDS_MS.len() + 1],
    /// All of them together, in microseconds.
    pub sum_micros: u64,
}

impl Gaps {
    /// Bounds in milliseconds. Twenty is what most send, and jitter is what is beside it.
    pub const BOUNDS_MS: [u64; 11] = [5, 15, 25, 40, 60, 80, 100, 150, 200, 500, 1_000];

    pub(super) fn note(&mut self, gap: Duration) {
        let micros = gap.as_micros() as u64;
        let bounds = Gaps::BOUNDS_MS.map(|ms| ms * 1_000);
        let place = bounds.partition_point(|bound| *bound < micros);
        self.counts[place] += 1;
        self.sum_micros = self.sum_micros.saturating_add(micros);
    }
}

/// A reading of an endpoint. Costs a walk over the live dialogues and the armed timers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Live dialogues that carry a call.
    pub calls: usize,
    /// Live dialogues that carry a REGREQ or REGREL.
    pub registrations: usize,
    /// Live dialogues that carry a REGREQ or REGREL of ours.
    pub requests: usize,
    /// Live dialogues that carry a POKE of ours.
    pub pokes: usize,
    /// Registrations that we keep up with others.
    pub registrants: usize,
    /// Peers that are qualified; for each a handle of the directory is held.
    pub watched: usize,
    /// Dialogues that wait for the directory.
    pub waiting_for_directory: usize,
    /// Armed timers, all kinds.
    pub timers: usize,
    /// Armed timers that hold a handle of the directory: registrations that will lapse.
    pub expiry_timers: usize,
    /// Reliable frames sent and not acknowledged.
    pub frames_outstanding: usize,
    /// Reliable frames not sent yet.
    pub frames_queued: usize,
    /// Call numbers of live dialogues, counted where they live and not as what is missing from the pool.
    pub numbers_allocated: usize,
    /// Call numbers that are free; with those allocated, the whole pool.
    pub numbers_free: usize,
    /// Pairs of remote address and call number that are not to be used yet.
    pub numbers_quarantined: usize,
    /// Addresses with a trunk.
    pub trunks: usize,
    /// Events that wait for the application.
    pub events_waiting: usize,
    /// Reliable frames that were sent again since the start.
    pub retransmissions: u64,
    /// How evenly audio came since the start.
    pub gaps: Gaps,
    /// What was dropped since the start.
    pub dropped: Dropped,
}

impl Counts {
    /// Live dialogues.
    pub const fn dialogues(&self) -> usize {
        self.calls + self.registrations + self.requests + self.pokes
    }
}

/// What was dropped since the start, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Datagrams that are no frame, or whose information elements do not fit (X-IE-2).
    pub undecodable: u64,
    /// Full frames that named a call number which is not the dialogue's, or an ACK or INVAL that named none (X-NUM-5).
    pub misaddressed: u64,
    /// Full frames of no dialogue, whether answered or not.
    pub unmatched: u64,
    /// Mini and mini video frames and trunk entries of no call, or of one that takes no media now.
    pub media: u64,
    /// Datagrams of an encrypted call that were in clear, or that no key of it opens.
    pub undecipherable: u64,
    /// Our own audio that had no room in the queue of its trunk.
    pub trunk_queue: u64,
    /// What came on a bridged leg and could not go out on the other: another format, too long, a queue that is full.
    pub leg_messages: u64,
    /// Openers without a valid token.
    pub unproven: u64,
    /// Datagrams that an unproven address would have got beyond three times what came from it.
    pub withheld: u64,
    /// Openers beyond a limit.
    pub refused: u64,
    /// Events that the application left lying (see [`EVENTS_MAX`](super::options::EVENTS_MAX)).
    pub events: u64,
    /// Datagrams that the caller left lying (see [`TRANSMITS_MAX`](super::options::TRANSMITS_MAX)).
    pub transmits: u64,
}

/// What the endpoints of several workers hold together.
impl Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            calls: self.calls + other.calls,
            registrations: self.registrations + other.registrations,
            requests: self.requests + other.requests,
            pokes: self.pokes + other.pokes,
            registrants: self.registrants + other.registrants,
            watched: self.watched + other.watched,
            waiting_for_directory: self.waiting_for_directory + other.waiting_for_directory,
            timers: self.timers + other.timers,
            expiry_timers: self.expiry_timers + other.expiry_timers,
            frames_outstanding: self.frames_outstanding + other.frames_outstanding,
            frames_queued: self.frames_queued + other.frames_queued,
            numbers_allocated: self.numbers_allocated + other.numbers_allocated,
            numbers_free: self.numbers_free + other.numbers_free,
            numbers_quarantined: self.numbers_quarantined + other.numbers_quarantined,
            trunks: self.trunks + other.trunks,
            events_waiting: self.events_waiting + other.events_waiting,
            retransmissions: self.retransmissions + other.retransmissions,
            gaps: self.gaps + other.gaps,
            dropped: self.dropped + other.dropped,
        }
    }
}

impl Add for Dropped {
    type Output = Dropped;

    fn add(self, other: Dropped) -> Dropped {
        Dropped {
            undecodable: self.undecodable + other.undecodable,
            misaddressed: self.misaddressed + other.misaddressed,
            unmatched: self.unmatched + other.unmatched,
            media: self.media + other.media,
            undecipherable: self.undecipherable + other.undecipherable,
            trunk_queue: self.trunk_queue + other.trunk_queue,
            leg_messages: self.leg_messages + other.leg_messages,
            unproven: self.unproven + other.unproven,
            withheld: self.withheld + other.withheld,
            refused: self.refused + other.refused,
            events: self.events + other.events,
            transmits: self.transmits + other.transmits,
        }
    }
}

impl Add for Gaps {
    type Output = Gaps;

    fn add(self, other: Gaps) -> Gaps {
        Gaps {
            counts: core::array::from_fn(|nth| self.counts[nth] + other.counts[nth]),
            sum_micros: self.sum_micros.saturating_add(other.sum_micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_belongs_to_the_first_bound_that_it_does_not_pass() {
        let mut gaps = Gaps::default();
        for micros in [0, 5_000, 5_001, 20_000, 1_000_000, 1_000_001] {
            gaps.note(Duration::from_micros(micros));
        }
        assert_eq!(gaps.counts, [2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(gaps.sum_micros, 2_030_002);
    }

    /// A reading that has another number at each place, without a field left out.
    fn reading() -> Counts {
        Counts {
            calls: 1,
            registrations: 2,
            requests: 3,
            pokes: 4,
            registrants: 5,
            watched: 6,
            waiting_for_directory: 7,
            timers: 8,
            expiry_timers: 9,
            frames_outstanding: 10,
            frames_queued: 11,
            numbers_allocated: 12,
            numbers_free: 13,
            numbers_quarantined: 14,
            trunks: 15,
            events_waiting: 16,
            retransmissions: 17,
            gaps: Gaps {
                counts: core::array::from_fn(|nth| 18 + nth as u64),
                sum_micros: 30,
            },
            dropped: Dropped {
                undecodable: 31,
                misaddressed: 32,
                unmatched: 33,
                media: 34,
                undecipherable: 35,
                trunk_queue: 36,
                leg_messages: 37,
                unproven: 38,
                withheld: 39,
                refused: 40,
                events: 41,
                transmits: 42,
            },
        }
    }

    /// The numbers of a reading, in the order of its fields.
    fn numbers(reading: Counts) -> Vec<u64> {
        let text = format!("{reading:?}");
        let words = text.split(|it: char| !it.is_ascii_digit());
        words.filter_map(|word| word.parse().ok()).collect()
    }

    #[test]
    fn readings_are_added_place_by_place() {
        let doubled: Vec<u64> = (1..=42).map(|number| 2 * number).collect();
        assert_eq!(numbers(reading() + reading()), doubled);
        assert_eq!(reading() + Counts::default(), reading());
        assert_eq!(Counts::default() + reading(), reading());
    }
}
