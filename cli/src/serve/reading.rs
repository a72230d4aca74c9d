//! Figures of a worker as values: read between two turns, joined with those of other workers, shown by `iaxproof ctl stats` and on the
//! port of metrics. One table says what there is; its names are those of metrics.

use std::collections::BTreeMap;

use iaxproof::engine::{Counts, Dropped, Event, Gaps};
use serde::{Deserialize, Serialize};

/// Whether a figure goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What there is now.
    Gauge,
    /// What happened since the start.
    Counter,
}

/// One figure with its name and a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) value: u64,
}

macro_rules! reading {
    ($($kind:ident $field:ident, $help:literal;)*) => {
        /// The figures of one worker, or of several joined.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) struct Reading {
            $(pub(crate) $field: u64,)*
            /// What the endpoint dropped, by reason.
            pub(crate) dropped: BTreeMap<String, u64>,
            /// Datagrams that were read in one turn.
            pub(crate) batches: Histogram,
            /// Times between two pieces of audio of a call, in microseconds.
            pub(crate) audio_gaps: Histogram,
        }

        impl Reading {
            /// Adds what another worker has.
            pub(crate) fn join(&mut self, other: &Reading) {
                $(self.$field += other.$field;)*
                for (reason, count) in &other.dropped {
                    *self.dropped.entry(reason.clone()).or_default() += count;
                }
                self.batches.join(&other.batches);
                self.audio_gaps.join(&other.audio_gaps);
            }

            /// All but what is dropped and spread.
            pub(crate) fn figures(&self) -> Vec<Figure> {
                vec![$(Figure {
                    kind: Kind::$kind,
                    name: stringify!($field),
                    help: $help,
                    value: self.$field,
                }),*]
            }
        }
    };
}

reading! {
    Gauge calls, "Calls that live.";
    Gauge registrations_in_progress, "Dialogues of others that carry a REGREQ or REGREL.";
    Gauge requests_in_progress, "Dialogues of ours that carry a REGREQ or REGREL.";
    Gauge pokes_in_progress, "Dialogues of ours that carry a POKE.";
    Gauge registrants, "Registrations that the server keeps up elsewhere.";
    Gauge qualified_peers, "Peers that are asked whether they are there.";
    Gauge waiting_for_database, "Dialogues that wait for the database.";
    Gauge timers, "Armed timers.";
    Gauge expiry_timers, "Registrations that will lapse.";
    Gauge frames_outstanding, "Reliable frames that were sent and not acknowledged.";
    Gauge frames_queued, "Reliable frames that were not sent yet.";
    Gauge call_numbers_allocated, "Call numbers of live dialogues.";
    Gauge call_numbers_free, "Call numbers that are free.";
    Gauge call_numbers_quarantined, "Pairs of address and call number that rest.";
    Gauge trunks, "Addresses with a trunk.";
    Gauge workers_recorded, "Workers that are being recorded.";
    Counter datagrams, "Datagrams that came.";
    Counter registrations, "Registrations that were granted.";
    Counter releases, "Registrations that were given up by the peer.";
    Counter expiries, "Registrations that lapsed.";
    Counter logins_failed, "Logins that were refused.";
    Counter calls_incoming, "Calls that came in and were accepted.";
    Counter calls_ended, "Calls that are over.";
    Counter retransmissions, "Reliable frames that were sent again.";
}

impl Reading {
    /// Counts what happened.
    pub(crate) const fn note(&mut self, event: &Event) {
        match event {
            Event::Registered { .. } => self.registrations += 1,
            Event::Released { .. } => self.releases += 1,
            Event::Expired { .. } => self.expiries += 1,
            Event::LoginFailed { .. } => self.logins_failed += 1,
            Event::Incoming { .. } => self.calls_incoming += 1,
            Event::Ended { .. } => self.calls_ended += 1,
            _ => {}
        }
    }

    /// What the endpoint counts; the rest is left as it is.
    pub(crate) fn take(&mut self, counts: &Counts) {
        let all = |count: usize| count as u64;
        self.calls = all(counts.calls);
        self.registrations_in_progress = all(counts.registrations);
        self.requests_in_progress = all(counts.requests);
        self.pokes_in_progress = all(counts.pokes);
        self.registrants = all(counts.registrants);
        self.qualified_peers = all(counts.watched);
        self.waiting_for_database = all(counts.waiting_for_directory);
        self.timers = all(counts.timers);
        self.expiry_timers = all(counts.expiry_timers);
        self.frames_outstanding = all(counts.frames_outstanding);
        self.frames_queued = all(counts.frames_queued);
        self.call_numbers_allocated = all(counts.numbers_allocated);
        self.call_numbers_free = all(counts.numbers_free);
        self.call_numbers_quarantined = all(counts.numbers_quarantined);
        self.trunks = all(counts.trunks);
        self.retransmissions = counts.retransmissions;
        self.dropped = by_reason(counts.dropped);
        self.audio_gaps = Histogram::of(&counts.gaps);
    }
}

fn by_reason(dropped: Dropped) -> BTreeMap<String, u64> {
    // Every field by name: one that is added is missed by nobody.
    let Dropped {
        undecodable,
        misaddressed,
        unmatched,
        media,
        undecipherable,
        trunk_queue,
        leg_messages,
        unproven,
        withheld,
        refused,
        events,
        transmits,
    } = dropped;
    let reasons = [
        ("undecodable", undecodable),
        ("misaddressed", misaddressed),
        ("unmatched", unmatched),
        ("media", media),
        ("undecipherable", undecipherable),
        ("trunk_queue", trunk_queue),
        ("leg_messages", leg_messages),
        ("unproven", unproven),
        ("withheld", withheld),
        ("refused", refused),
        ("events", events),
        ("transmits", transmits),
    ];
    reasons
        .map(|(reason, count)| (reason.to_owned(), count))
        .into()
}

/// How often something was how large: as many counts as bounds, and one for what is beyond all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Histogram {
    /// The largest value that each count is for.
    pub(crate) bounds: Vec<u64>,
    pub(crate) counts: Vec<u64>,
    pub(crate) sum: u64,
}

impl Histogram {
    /// Nothing yet.
    pub(crate) fn new(bounds: &[u64]) -> Self {
        Histogram {
            bounds: bounds.to_vec(),
            counts: vec![0; bounds.len() + 1],
            sum: 0,
        }
    }

    fn of(gaps: &Gaps) -> Self {
        Histogram {
            bounds: Gaps::BOUNDS_MS.iter().map(|ms| ms * 1_000).collect(),
            counts: gaps.counts.to_vec(),
            sum: gaps.sum_micros,
        }
    }

    /// One more.
    pub(crate) fn note(&mut self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
            self.sum += value;
        }
    }

    /// How many in all.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn join(&mut self, other: &Histogram) {
        if self.bounds != other.bounds {
            // Nothing was counted here yet.
            *self = other.clone();
            return;
        }
        let counts = self.counts.iter_mut().zip(&other.counts);
        counts.for_each(|(count, other)| *count += other);
        self.sum += other.sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_workers_are_joined_figure_by_figure() {
        let mut counts = Counts::default();
        (counts.calls, counts.retransmissions) = (2, 5);
        counts.dropped.refused = 3;
        let mut one = Reading {
            batches: Histogram::new(&[1, 4]),
            ..Reading::default()
        };
        one.take(&counts);
        one.batches.note(1);
        one.batches.note(9);
        let mut joined = Reading::default();
        joined.join(&one);
        joined.join(&one);
        assert_eq!((joined.calls, joined.retransmissions), (4, 10));
        assert_eq!(joined.dropped["refused"], 6);
        assert_eq!(
            (&joined.batches.counts[..], joined.batches.sum),
            (&[2, 0, 2][..], 20)
        );
    }
}
