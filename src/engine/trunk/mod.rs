//! Trunks: audio of all calls to one address in one frame (RFC 5456 §7.1, §8.1.3.2; chan_iax2). Here is what is sent, and
//! the record of each address; `receive` takes the frames that come. Which call uses a trunk its settings say, and
//! what an entry means to a call is the call's.
//!
//! An address has a record while its trunk is used, and for five seconds more.
//!
//! # Deviations
//!
//! - chan_iax2 ticks once for all trunks; here each has its own grid, which starts with its first frame, and no timer
//!   while nothing waits but the one that forgets it.
//! - chan_iax2 predicts the time-stamp from the one before; the time of sending is enough where the tick is kept.
//! - chan_iax2 sends trunks to the address of a peer with `trunk=yes`, whoever calls from there; here the settings of
//!   the call's own user or peer decide.
//! - chan_iax2 exceeds `trunkmtu` by up to one entry; here an entry that has no room is the first of the next frame.

mod receive;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

pub(super) use self::receive::EntryTime;
use super::context::{Context, Owner};
use super::directory::Directory;
use super::options::{TRUNK_IDLE, TRUNKS_MAX};
use super::settings::Trunking;
use super::timer::{TimerKey, TimerKind};
use crate::time::Instant;
use crate::wire::{FrameClass, MetaFrame, Timestamp, TrunkBuffer, TrunkEntry};

/// Most octets of one UDP payload over IPv4.
const DATAGRAM_MAX: usize = 65_507;
/// The interval is kept between these, whatever the settings say (chan_iax2: `trunkfreq`).
const INTERVAL_MIN: Duration = Duration::from_millis(10);
const INTERVAL_MAX: Duration = Duration::from_secs(1);

/// The trunks, by address.
pub(super) type Trunks = BTreeMap<SocketAddr, Trunk>;

/// One address's trunk.
#[derive(Debug)]
pub(super) struct Trunk {
    sending: Sending,
    receiving: Option<receive::Arrivals>,
    used_at: Instant,
    /// Invariant: armed while the record lives, never for later than what it waits for.
    timer: Option<TimerKey>,
}

/// What waits to be sent, and when what was sent.
#[derive(Debug)]
struct Sending {
    /// As the call has it whose entry came first in the frame.
    trunking: Trunking,
    waiting: TrunkBuffer,
    flush_at: Option<Instant>,
    clock: Option<Clock>,
}

/// The time-stamps of one direction: milliseconds since the first frame.
#[derive(Clone, Copy, Debug)]
struct Clock {
    start: Instant,
    last_ms: u64,
    last_at: Instant,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queued {
    /// It waits for its frame, or is on its way.
    Taken,
    /// The queue is full: it is lost, as the network might lose it.
    Full,
    /// There are as many trunks as may be: it has to go by itself.
    NoTrunk,
}

impl Trunk {
    fn new(now: Instant) -> Self {
        Trunk {
            sending: Sending {
                trunking: Trunking::default(),
                waiting: TrunkBuffer::default(),
                flush_at: None,
                clock: None,
            },
            receiving: None,
            used_at: now,
            timer: None,
        }
    }

    /// When there is something to do: a frame to send, or a record to forget.
    fn due(&self) -> Instant {
        let idle = self.used_at + TRUNK_IDLE;
        self.sending.flush_at.unwrap_or(idle)
    }
}

impl Sending {
    /// Queues an entry; frames that are full come out of `send`.
    fn push(
        &mut self,
        now: Instant,
        trunking: &Trunking,
        entry: TrunkEntry<'_>,
        mut send: impl FnMut(Vec<u8>),
    ) -> Queued {
        if self
            .clock
            .is_some_and(|clock| now > clock.last_at + TRUNK_IDLE)
        {
            self.clock = None;
        }
        let is_other = self.trunking.timestamps != trunking.timestamps;
        if is_other || self.len_with(entry) > self.len_max() {
            self.flush(now).into_iter().for_each(&mut send);
        }
        if self.waiting.is_empty() {
            self.begin(now, trunking);
        }
        if self.len_with(entry) > DATAGRAM_MAX.min(self.trunking.queue_max.max(HEADER_LEN)) {
            return Queued::Full;
        }
        self.waiting.push(entry);
        if self.len() >= self.len_max() {
            self.flush(now).into_iter().for_each(send);
        }
        Queued::Taken
    }

    /// The first entry of a frame: it goes out at the next tick.
    fn begin(&mut self, now: Instant, trunking: &Trunking) {
        self.trunking = *trunking;
        self.waiting = TrunkBuffer::new(trunking.timestamps);
        let interval = trunking.interval.clamp(INTERVAL_MIN, INTERVAL_MAX);
        let since_tick = self.clock.map_or(Duration::ZERO, |clock| {
            let age = now.saturating_since(clock.start).as_micros();
            Duration::from_micros((age % interval.as_micros()) as u64)
        });
        self.flush_at = Some(now + (interval - since_tick));
    }

    /// The frame of what waits, if anything does.
    fn flush(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.flush_at = None;
        if self.waiting.is_empty() {
            return None;
        }
        let timestamp = self.stamp(now);
        let waiting = core::mem::take(&mut self.waiting);
        let frame = MetaFrame {
            timestamp,
            entries: waiting.view(),
        };
        let mut payload = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut payload);
        Some(payload)
    }

    /// The trunk's time: 0 at its first frame, and later than any before.
    fn stamp(&mut self, now: Instant) -> Timestamp {
        let ms = match self.clock {
            None => 0,
            Some(Clock { start, last_ms, .. }) => {
                let real = now.saturating_since(start).as_millis() as u64;
                real.max(last_ms + 1)
            }
        };
        self.clock = Some(Clock {
            start: self.clock.map_or(now, |clock| clock.start),
            last_ms: ms,
            last_at: now,
        });
        Timestamp(ms as u32)
    }

    fn len(&self) -> usize {
        HEADER_LEN + self.waiting.encoded_len()
    }

    fn len_with(&self, entry: TrunkEntry<'_>) -> usize {
        self.len() + entry.len_in_trunk(self.trunking.timestamps)
    }

    fn len_max(&self) -> usize {
        match self.trunking.payload_max {
            0 => DATAGRAM_MAX,
            max => max.min(DATAGRAM_MAX),
        }
    }
}

const HEADER_LEN: usize = FrameClass::Meta.header_len();

impl<D: Directory> Context<D> {
    /// Queues a call's audio for the trunk to its address.
    pub(super) fn trunk(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        trunking: &Trunking,
        entry: TrunkEntry<'_>,
    ) -> Queued {
        let Some(trunk) = self.trunk_of(now, remote) else {
            return Queued::NoTrunk;
        };
        let mut full = Vec::new();
        let queued = trunk
            .sending
            .push(now, trunking, entry, |payload| full.push(payload));
        for payload in full {
            self.transmit(remote, payload);
        }
        self.follow_trunk(remote);
        queued
    }

    /// The record of an address, made where there is room for one.
    fn trunk_of(&mut self, now: Instant, remote: SocketAddr) -> Option<&mut Trunk> {
        if !self.trunks.contains_key(&remote) && self.trunks.len() >= TRUNKS_MAX {
            return None;
        }
        let trunk = self.trunks.entry(remote).or_insert_with(|| Trunk::new(now));
        trunk.used_at = now;
        Some(trunk)
    }

    /// The timer of a trunk fired: its frame goes out, or it is forgotten.
    pub(super) fn fire_trunk(&mut self, now: Instant, remote: SocketAddr) {
        let Some(trunk) = self.trunks.get_mut(&remote) else {
            return;
        };
        trunk.timer = None;
        let is_due = trunk.due() <= now;
        let is_idle = is_due && trunk.sending.flush_at.is_none();
        let payload = is_due.then(|| trunk.sending.flush(now)).flatten();
        if is_idle {
            self.trunks.remove(&remote);
        }
        if let Some(payload) = payload {
            self.transmit(remote, payload);
        }
        self.follow_trunk(remote);
    }

    /// Sees to it that the timer fires in time. One that fires early finds nothing to do, and is armed again.
    fn follow_trunk(&mut self, remote: SocketAddr) {
        let Some(trunk) = self.trunks.get_mut(&remote) else {
            return;
        };
        let due = trunk.due();
        match trunk.timer {
            Some(key) if key.at() <= due => return,
            Some(key) => {
                self.timers.cancel(key);
            }
            None => {}
        }
        let key = self.timers.arm(due, TimerKind::Trunk, Owner::Trunk(remote));
        trunk.timer = Some(key);
    }
}
