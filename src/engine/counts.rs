//! What an endpoint holds and what it threw away, for checkers and for an operator.

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
