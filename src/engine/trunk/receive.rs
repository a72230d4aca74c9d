//! Trunk frames that come: whose is each entry, and what time has its audio (RFC 5456 §7.1; chan_iax2)?
//!
//! # Deviations
//!
//! - chan_iax2 goes on at the wrong octet behind an entry of an unknown call; the reader here is past the data first
//!   (X-FRM-9).
//! - chan_iax2 keeps a record for any address that sends a trunk frame; here the frame must hold an entry of a call.
//! - chan_iax2 takes the arrival of the first frame for the trunk's zero, whatever its time; here that time is
//!   subtracted, and a call's zero comes from its full VOICE frame, so that both kinds of frame tell one time.

use core::net::SocketAddr;

use crate::engine::Endpoint;
use crate::engine::context::Context;
use crate::engine::directory::Directory;
use crate::engine::options::{TRUNK_ENTRIES_MAX, TRUNK_IDLE};
use crate::time::Instant;
use crate::wire::{MetaFrame, Timestamp, TrunkEntry};

/// When the trunk of the other side read 0, by our clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrivals {
    /// Milliseconds, modulo 2^32 like all time-stamps.
    zero_ms: u32,
    last_at: Instant,
}

/// What a frame without a full time-stamp says of the time of its audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum EntryTime {
    /// The low 16 bits of the call's time.
    Low(u16),
    /// When the audio would have arrived if the trunk had no jitter: milliseconds of our clock, modulo 2^32.
    Arrival(u32),
}

impl<D: Directory> Endpoint<D> {
    /// A trunk frame. Entries of calls that are not there are passed over in silence: they name no full identity, so
    /// nothing could be said to them (X-INV-2).
    pub(in crate::engine) fn handle_trunk(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        frame: &MetaFrame<'_>,
    ) {
        let mut entries = frame.entries.iter();
        let mut arrival = None;
        for entry in entries.by_ref().take(TRUNK_ENTRIES_MAX) {
            let was_of_use = self.by_remote.contains_key(&(remote, entry.source())) && {
                let arrival = *arrival.get_or_insert_with(|| {
                    self.context.trunk_arrival(now, remote, frame.timestamp)
                });
                self.handle_entry(now, remote, entry, arrival)
            };
            self.context.dropped.media += u64::from(!was_of_use);
        }
        self.context.dropped.media += entries.count() as u64;
    }

    /// One call's audio. 0 in place of a time is none (chan_iax2).
    fn handle_entry(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        entry: TrunkEntry<'_>,
        arrival: u32,
    ) -> bool {
        let time = match entry.timestamp() {
            None | Some(0) => EntryTime::Arrival(arrival),
            Some(low) => EntryTime::Low(low),
        };
        self.with_media(now, (remote, entry.source()), |call, turn| {
            call.receive_trunk(turn, time, entry.data())
        })
    }
}

impl<D: Directory> Context<D> {
    /// When a frame of this trunk time would have arrived without jitter, in milliseconds of our clock. The first frame
    /// is taken to have had none; so is one of time 0 or after a silence, for then the trunk's clock started over.
    fn trunk_arrival(&mut self, now: Instant, remote: SocketAddr, timestamp: Timestamp) -> u32 {
        let now_ms = now.as_millis() as u32;
        let Some(trunk) = self.trunk_of(now, remote) else {
            return now_ms;
        };
        let known = trunk
            .receiving
            .filter(|arrivals| timestamp != Timestamp(0) && now <= arrivals.last_at + TRUNK_IDLE);
        let zero_ms = known.map_or(now_ms.wrapping_sub(timestamp.0), |arrivals| {
            arrivals.zero_ms
        });
        trunk.receiving = Some(Arrivals {
            zero_ms,
            last_at: now,
        });
        self.follow_trunk(remote);
        zero_ms.wrapping_add(timestamp.0)
    }
}
