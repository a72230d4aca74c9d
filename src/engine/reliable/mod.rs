//! One side of the full-frame exchange of a dialogue (RFC 5456 §7): order, acknowledgement, retransmission.
//! Knows no state of a call, no address and no socket. Both ends of a dialogue run it.
//!
//! - [`verdict`]: is an incoming frame the next, a repeat, or ahead of a gap?
//! - [`window`]: which of our frames does an ISeqno acknowledge?
//! - [`send`]: how often and when is a frame sent?
//! - `sending`: what waits for room in the window, is sent, and sent again.
//!
//! Use: [`Reliable::receive`] for each full frame of the dialogue; act on it where [`Verdict::is_taken`]; then
//! [`Reliable::settle`], which acknowledges it unless an answer did. After any call drain
//! [`Reliable::poll_transmit`] and read [`Reliable::poll_timeout`].
//!
//! # Deviations
//!
//! - RFC 5456 §7 says four retransmissions; as in chan_iax2 a frame is sent four times in all.
//! - RFC 5456 §6.9.3 says that VNAK asks for what is higher than its ISeqno; as everywhere, that number is included.
//! - chan_iax2 compares ISeqno without regard to the wrap; the window here is modular (libiax2).
//! - chan_iax2 answers each gap and each VNAK; here one VNAK goes out per expected number and repeats are limited
//!   (X-SEQ-7).
//! - While nothing was received yet, chan_iax2 takes TXREADY, TXREL and UNQUELCH whatever their OSeqno. That serves
//!   transfers, so here it holds after one alone (X-SEQ-11).

mod frame;
pub mod send;
mod sending;
pub mod verdict;
pub mod window;

use core::time::Duration;
use std::collections::VecDeque;

pub(super) use self::frame::is_stateless;
use self::frame::{Outgoing, Outstanding, Waiting, is_vnak};
use self::send::ROUND_TRIP_AT_FIRST;
use self::verdict::{Class, Verdict};
use self::window::Window;
use crate::engine::cipher::Key;
use crate::engine::options::BRIDGE_SKEW_MAX;
use crate::time::Instant;
use crate::wire::{CallNumber, FullFrame, IaxCommand, SeqNo, Timestamp};

/// Frames that wait for room in the window.
pub const QUEUE_MAX: usize = 256;
/// The shortest time between two obeyed VNAKs (X-SEQ-7).
pub const VNAK_INTERVAL: Duration = Duration::from_millis(100);

/// One side of the reliable exchange of one dialogue.
#[derive(Debug)]
pub struct Reliable {
    local: CallNumber,
    remote: CallNumber,
    start: Instant,
    last_timestamp_ms: u64,
    last_stamped_at: Instant,
    window: Window,
    expected: SeqNo,
    /// The ISeqno that we sent last: what the other side may know of `expected`.
    carried: SeqNo,
    /// Invariant: in the order of their OSeqno, which are those of `window`.
    outstanding: VecDeque<Outstanding>,
    queue: VecDeque<Waiting>,
    round_trip: Duration,
    vnak_sent_for: Option<SeqNo>,
    vnak_obeyed_at: Option<Instant>,
    transmits: VecDeque<Outgoing>,
    /// Whether the numbers started over by a transfer, and nothing of the new side was taken yet.
    is_renumbered: bool,
    /// What frames are encrypted with that are built now.
    key: Option<Key>,
    /// Frames that were sent again and not counted elsewhere yet.
    repeated: u64,
}

/// What [`Reliable::receive`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whether the content counts.
    pub verdict: Verdict,
    /// Whether the frame acknowledged a frame sent by [`Reliable::send_final`]: the dialogue is done.
    pub finished: bool,
}

/// What [`Reliable::handle_timeout`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Frames were sent again, or nothing was due.
    Waiting,
    /// A frame was sent for the last time and never acknowledged: the dialogue is over, nothing is said (RFC 5456 §7).
    GaveUp {
        /// Whether it was a final frame, so that nothing was lost.
        is_final: bool,
    },
}

/// The queue holds [`QUEUE_MAX`] frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{QUEUE_MAX} reliable frames wait to be sent already")]
pub struct QueueFull;

impl Reliable {
    /// A new exchange. `remote` is [`CallNumber::ZERO`] for the side that opens; it is learnt from the first frame
    /// taken, and kept (X-NUM-6).
    pub const fn new(local: CallNumber, remote: CallNumber, start: Instant) -> Self {
        Reliable {
            local,
            remote,
            start,
            last_timestamp_ms: 0,
            last_stamped_at: start,
            window: Window::EMPTY,
            expected: SeqNo(0),
            carried: SeqNo(0),
            outstanding: VecDeque::new(),
            queue: VecDeque::new(),
            round_trip: ROUND_TRIP_AT_FIRST,
            vnak_sent_for: None,
            vnak_obeyed_at: None,
            transmits: VecDeque::new(),
            is_renumbered: false,
            key: None,
            repeated: 0,
        }
    }

    /// Our call number.
    pub const fn local(&self) -> CallNumber {
        self.local
    }

    /// The other side's call number; [`CallNumber::ZERO`] while unknown.
    pub const fn remote(&self) -> CallNumber {
        self.remote
    }

    /// The next sequence number that we expect.
    pub const fn expected(&self) -> SeqNo {
        self.expected
    }

    /// How many frames were sent again since this was asked last.
    pub const fn take_repeated(&mut self) -> u64 {
        core::mem::replace(&mut self.repeated, 0)
    }

    /// Frames sent and not acknowledged.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Frames not sent yet.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Encrypts what is built from now on with this key (RFC 5456 §7.4). What was built before goes out as it was, also when
    /// it is repeated (X-ENC-2).
    pub fn encrypt_from_now(&mut self, key: Key) {
        self.key = Some(key);
    }

    /// What frames are encrypted with that are built now.
    pub const fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// Starts over after a CALLTOKEN: both counters from 0, the other side's number and what was sent forgotten; what was
    /// held waits for the new opener (X-TOK-2, X-SEQ-8).
    pub fn restart(&mut self) {
        self.outstanding.clear();
        self.window = Window::EMPTY;
        self.expected = SeqNo(0);
        self.carried = SeqNo(0);
        self.remote = CallNumber::ZERO;
        self.vnak_sent_for = None;
    }

    /// Starts over with another side: both counters and the clock from 0, the round trip as supposed at first, and all that
    /// was sent or waits forgotten (chan_iax2; X-TX-4). Never in an exchange that is encrypted.
    pub fn renumber(&mut self, now: Instant, remote: CallNumber) {
        *self = Reliable {
            is_renumbered: true,
            ..Reliable::new(self.local, remote, now)
        };
    }

    /// The dialogue's time at `now`: milliseconds since its start, at least 1 (X-SEQ-6), and later than any before. What goes
    /// out has its low 32 bits, so that after 49.7 days it starts over (X-MISC-3).
    pub fn stamp(&mut self, now: Instant) -> Timestamp {
        let real = self.age_ms(now);
        self.last_timestamp_ms = real.max(self.last_timestamp_ms + 1);
        self.last_stamped_at = now;
        Timestamp(self.last_timestamp_ms as u32)
    }

    /// Whether audio of this time may go out at `now`: it is within [`BRIDGE_SKEW_MAX`] of the dialogue's own clock. Stamps
    /// that follow are later.
    pub fn stamp_as(&mut self, now: Instant, timestamp: Timestamp) -> bool {
        let real = self.age_ms(now);
        let ahead = i64::from(timestamp.0.wrapping_sub(real as u32) as i32);
        if ahead.unsigned_abs() > BRIDGE_SKEW_MAX.as_millis() as u64 {
            return false;
        }
        let ms = real.saturating_add_signed(ahead);
        self.last_timestamp_ms = self.last_timestamp_ms.max(ms);
        ms > 0
    }

    /// How long ago our clock of the dialogue started, in milliseconds.
    pub(in crate::engine) fn age_ms(&self, now: Instant) -> u64 {
        now.saturating_since(self.start).as_millis() as u64
    }

    /// Takes a full frame of this dialogue: sees to its order, acknowledges repeats, asks for what is missing, lets go
    /// what it acknowledges. Whoever calls has matched addresses and call numbers.
    pub fn receive(&mut self, now: Instant, frame: &FullFrame<'_>) -> Receipt {
        let class = Class::of(&frame.body, self.is_renumbered);
        let verdict = Verdict::on(class, self.expected, frame.oseqno);
        let mut finished = false;
        match verdict {
            // Nothing can be repeated before anything came: who answers an opener begins at 0 (X-NUM-6).
            Verdict::Duplicate if self.remote == CallNumber::ZERO => {}
            Verdict::Duplicate => self.acknowledge(frame),
            Verdict::Ahead => self.ask(now),
            Verdict::InOrder | Verdict::Unordered => finished = self.take(now, verdict, frame),
        }
        Receipt { verdict, finished }
    }

    fn take(&mut self, now: Instant, verdict: Verdict, frame: &FullFrame<'_>) -> bool {
        if verdict == Verdict::InOrder {
            self.is_renumbered = false;
            self.expected = self.expected.next();
        }
        if !verdict::acknowledges(&frame.body) {
            return false;
        }
        if self.remote == CallNumber::ZERO && !is_stateless(frame) {
            self.remote = frame.source;
        }
        let finished = self.let_go(frame.iseqno);
        if is_vnak(&frame.body) {
            self.obey_vnak(now, frame.iseqno);
        }
        self.pump(now);
        finished
    }

    /// Acknowledges the frame now, whether or not something else did (iax2 §7.4: HANGUP, REJECT, REGACK, REGREJ).
    pub fn acknowledge(&mut self, frame: &FullFrame<'_>) {
        self.send_exempt(frame.source, frame.timestamp, frame.iseqno, IaxCommand::Ack);
    }

    /// Acknowledges the frame if nothing that was sent since has carried our ISeqno.
    pub fn settle(&mut self, frame: &FullFrame<'_>) {
        if self.carried != self.expected {
            self.acknowledge(frame);
        }
    }

    /// Asks for what is missing: a gap, or media before its format. One VNAK per expected number (X-SEQ-7).
    pub fn ask(&mut self, now: Instant) {
        if self.vnak_sent_for == Some(self.expected) {
            return;
        }
        self.vnak_sent_for = Some(self.expected);
        let timestamp = self.stamp(now);
        self.send_exempt(self.remote, timestamp, self.expected, IaxCommand::Vnak);
    }

    /// A PONG came that echoes the time-stamp of our PING: how long the way and back was. Feeds the first wait of later
    /// frames, without smoothing (chan_iax2: `pingtime`).
    pub fn measure(&mut self, now: Instant, echoed: Timestamp) {
        let age = Timestamp(self.age_ms(now) as u32);
        let round_trip_ms = age.0.wrapping_sub(echoed.0);
        if !echoed.is_later_than(age) {
            self.round_trip = Duration::from_millis(u64::from(round_trip_ms));
        }
    }

    /// How long ago the last frame with a new time-stamp was sent for the first time, if this is its time-stamp.
    pub fn since(&self, now: Instant, echoed: Timestamp) -> Option<Duration> {
        let is_last = echoed == Timestamp(self.last_timestamp_ms as u32);
        is_last.then(|| now.saturating_since(self.last_stamped_at))
    }

    /// Supposes a round trip before one was measured (chan_iax2: a POKE's `pingtime`).
    pub const fn suppose_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
    }
}
