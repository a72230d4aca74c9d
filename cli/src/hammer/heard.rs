//! What the listening call heard, as numbers: from frame to frame, lost, late, the longest silence.

use core::time::Duration;

use iaxproof::time::Instant;
use iaxproof::wire::Timestamp;
use serde::Serialize;

use super::spread::{Percentiles, Spread, millis};

/// A frame comes late that is so far behind the quickest one: a jitter buffer of this length would have played silence.
pub(super) const LATE: Duration = Duration::from_millis(60);
/// Octets of G.711 in a millisecond.
const OCTETS_PER_MS: u32 = 8;

/// A frame of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When it came.
    pub(super) at: Instant,
    /// The sender's time.
    pub(super) timestamp: Timestamp,
    /// Octets of G.711.
    pub(super) octets: u32,
}

/// What is said of a part of the call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Hearing {
    /// How long this part was.
    pub(super) seconds: f64,
    pub(super) frames: usize,
    /// Frames that the time-stamps say were sent, and that did not come.
    pub(super) lost: u64,
    /// Frames that came more than [`LATE`] behind the quickest.
    pub(super) late: usize,
    /// Frames that came after one that was sent later.
    pub(super) out_of_order: usize,
    /// From one frame to the next.
    pub(super) between_frames: Percentiles,
    /// The longest time without a frame, up to the end.
    pub(super) longest_gap_ms: f64,
}

/// What was heard of a call, from `from` to `until`.
pub(super) fn judge(arrivals: &[Arrival], from: Instant, until: Instant) -> Hearing {
    let is_within = |at: Instant| from <= at && at < until;
    let first = arrivals.partition_point(|it| it.at < from);
    let here = arrivals
        .iter()
        .filter(|it| is_within(it.at))
        .collect::<Vec<_>>();
    // The last frame before says what the first one here is to be measured from.
    let before = first.checked_sub(1).map(|index| &arrivals[index]);
    let gaps: Vec<Duration> = gaps(arrivals)
        .filter(|(at, _)| is_within(*at))
        .map(|(_, gap)| gap)
        .collect();
    let last = here.last().copied().or(before).map_or(from, |it| it.at);
    let longest = gaps.iter().copied().max().unwrap_or_default();
    let quickest = arrivals.iter().map(transit).min().unwrap_or_default();
    let is_late = |it: &&&Arrival| transit(it) - quickest > LATE.as_micros() as i64;
    Hearing {
        seconds: until.saturating_since(from).as_secs_f64(),
        frames: here.len(),
        lost: lost(before, &here),
        late: here.iter().filter(is_late).count(),
        out_of_order: out_of_order(before, &here),
        between_frames: Spread::of(gaps).percentiles(),
        longest_gap_ms: millis(longest.max(until.saturating_since(last))),
    }
}

/// From each frame but the first to the one before it, and when it came.
pub(super) fn gaps(arrivals: &[Arrival]) -> impl Iterator<Item = (Instant, Duration)> {
    let pairs = arrivals.windows(2);
    pairs.map(|pair| (pair[1].at, pair[1].at.saturating_since(pair[0].at)))
}

/// How long a frame was under way, and something that is the same for all.
fn transit(arrival: &Arrival) -> i64 {
    arrival.at.as_micros() as i64 - 1_000 * i64::from(arrival.timestamp.0)
}

/// What the time-stamps promise and did not come. A sender that was held up catches up, so that only the sum counts.
fn lost(before: Option<&Arrival>, here: &[&Arrival]) -> u64 {
    let all = || before.into_iter().chain(here.iter().copied());
    let times = || all().map(|it| i64::from(it.timestamp.0));
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return 0;
    };
    let frame_ms = here.last().map_or(0, |it| it.octets / OCTETS_PER_MS).max(1);
    let steps = (last - first + i64::from(frame_ms / 2)) / i64::from(frame_ms);
    (steps as u64 + 1).saturating_sub(all().count() as u64)
}

fn out_of_order(before: Option<&Arrival>, here: &[&Arrival]) -> usize {
    let mut highest = before.map_or(0, |it| it.timestamp.0);
    let mut behind = 0;
    for arrival in here {
        behind += usize::from(arrival.timestamp.0 < highest);
        highest = highest.max(arrival.timestamp.0);
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of 20 ms that were sent and came at these milliseconds.
    fn call(frames: &[(u32, u64)]) -> Vec<Arrival> {
        let arrival = |(timestamp, at): &(u32, u64)| Arrival {
            at: Instant::from_millis(*at),
            timestamp: Timestamp(*timestamp),
            octets: 160,
        };
        frames.iter().map(arrival).collect()
    }

    fn heard(frames: &[(u32, u64)], from: u64, until: u64) -> Hearing {
        let (from, until) = (Instant::from_millis(from), Instant::from_millis(until));
        judge(&call(frames), from, until)
    }

    #[test]
    fn an_even_call_has_lost_nothing() {
        let frames: Vec<(u32, u64)> = (0..100)
            .map(|i| (20 * i, 5_000 + 20 * u64::from(i)))
            .collect();
        let heard = heard(&frames, 5_000, 7_000);
        assert_eq!(
            (heard.frames, heard.lost, heard.late, heard.out_of_order),
            (100, 0, 0, 0)
        );
        assert_eq!(
            (heard.between_frames.p50_ms, heard.longest_gap_ms),
            (20.0, 20.0)
        );
    }

    #[test]
    fn what_is_missing_between_two_frames_is_lost_also_at_the_seam_of_two_parts() {
        let frames = [(0, 0), (20, 20), (100, 100), (120, 120)];
        assert_eq!(heard(&frames, 0, 130).lost, 3);
        let second = heard(&frames, 50, 130);
        assert_eq!(
            (second.frames, second.lost, second.longest_gap_ms),
            (2, 3, 80.0)
        );
        assert_eq!(heard(&frames, 0, 50).lost, 0);
    }

    #[test]
    fn a_sender_that_was_held_up_and_catches_up_has_lost_nothing() {
        let frames = [
            (0, 0),
            (20, 20),
            (120, 120),
            (121, 120),
            (122, 121),
            (123, 121),
            (124, 121),
            (140, 140),
        ];
        let heard = heard(&frames, 0, 141);
        assert_eq!(
            (heard.lost, heard.late, heard.longest_gap_ms),
            (0, 0, 100.0)
        );
    }

    #[test]
    fn frames_that_were_under_way_for_long_come_late() {
        let frames = [(0, 50), (20, 70), (60, 110), (80, 130), (40, 151)];
        let heard = heard(&frames, 0, 160);
        assert_eq!((heard.lost, heard.late, heard.out_of_order), (0, 1, 1));
    }

    #[test]
    fn silence_up_to_the_end_is_a_gap() {
        assert_eq!(heard(&[(0, 0), (20, 20)], 0, 3_020).longest_gap_ms, 3_000.0);
        let nothing = heard(&[], 1_000, 1_500);
        assert_eq!(
            (nothing.frames, nothing.lost, nothing.longest_gap_ms),
            (0, 0, 500.0)
        );
    }
}
