//! What a soak knows of its memory: the resident set as time goes on, and whether that is flat.

use std::time::Duration;

/// How often the resident set is read.
pub(super) const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// How often at least, however short the soak is: four in each quarter.
const SAMPLES_MIN: u32 = 16;
/// By how much the greatest of the last quarter may be above the greatest of the second, in percent of that.
const GROWTH_PERCENT_MAX: u64 = 10;
/// The same in KiB, whichever is more: a thread's arena of the allocator is no leak.
const GROWTH_KIB_MAX: u64 = 8 * 1024;

/// The resident set in KiB at equal distances in time.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Vec<u64>);

/// What the samples say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It stays where it was.
    Flat,
    /// It does not.
    Grows,
    /// There are too few samples, or none: the system has no `/proc`.
    Unknown,
}

impl Memory {
    /// How far the samples of a soak of this length are apart.
    pub(super) fn interval(soak: Duration) -> Duration {
        SAMPLE_INTERVAL.min(soak / SAMPLES_MIN)
    }

    /// These samples.
    #[cfg(test)]
    pub(super) fn of(samples: impl Iterator<Item = u64>) -> Self {
        Memory(samples.collect())
    }

    /// How many samples there are.
    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Reads the resident set once more, where the system tells it.
    pub(super) fn sample(&mut self) {
        self.0.extend(resident_kib());
    }

    /// The sample nearest to so many percent of the time.
    pub(super) fn at(&self, percent: usize) -> Option<u64> {
        let last = self.0.len().checked_sub(1)?;
        self.0.get((last * percent + 50) / 100).copied()
    }

    /// Whether memory is flat: the first quarter, in which containers and arenas fill, does not count, and the last is compared with the
    /// second.
    pub(super) fn judge(&self) -> Judgement {
        let quarter = self.0.len() / 4;
        if self.0.len() < SAMPLES_MIN as usize {
            return Judgement::Unknown;
        }
        let greatest = |samples: &[u64]| samples.iter().max().copied().unwrap_or_default();
        let second = greatest(&self.0[quarter..2 * quarter]);
        let last = greatest(&self.0[self.0.len() - quarter..]);
        let room = (second * GROWTH_PERCENT_MAX / 100).max(GROWTH_KIB_MAX);
        match last <= second + room {
            true => Judgement::Flat,
            false => Judgement::Grows,
        }
    }
}

/// Resident memory of this process: `VmRSS` of `/proc/self/status`, which is the second field of `statm` in kilobytes and not in pages,
/// whose size is a question to the C library.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(samples: impl Iterator<Item = u64>) -> Judgement {
        Memory::of(samples).judge()
    }

    #[test]
    fn what_fills_up_first_and_then_stays_is_flat() {
        let filling = |at: u64| 20_000 + 4_000 * at.min(10);
        assert_eq!(judge((0..60).map(filling)), Judgement::Flat);
    }

    #[test]
    fn steady_growth_is_seen() {
        assert_eq!(judge((0..60).map(|at| 20_000 + 500 * at)), Judgement::Grows);
        // A quarter of an hour's leak of 20 KiB each second, over a large resident set.
        let large = |at: u64| 60_000 + 20 * at;
        assert_eq!(judge((0..1_800).map(large)), Judgement::Grows);
    }

    #[test]
    fn the_tolerance_is_the_greater_of_the_two() {
        let step =
            |before: u64, after: u64| (0..40).map(move |at| if at < 30 { before } else { after });
        assert_eq!(judge(step(10_000, 18_192)), Judgement::Flat);
        assert_eq!(judge(step(10_000, 18_193)), Judgement::Grows);
        assert_eq!(judge(step(200_000, 220_000)), Judgement::Flat);
        assert_eq!(judge(step(200_000, 220_001)), Judgement::Grows);
    }

    #[test]
    fn too_few_samples_say_nothing() {
        assert_eq!(judge((0..15).map(|_| 1)), Judgement::Unknown);
        assert_eq!(judge([].into_iter()), Judgement::Unknown);
    }

    #[test]
    fn samples_are_found_by_time() {
        let memory = Memory::of(0..=100);
        assert_eq!(
            [0, 25, 50, 100].map(|at| memory.at(at)),
            [0, 25, 50, 100].map(Some)
        );
        assert_eq!(Memory::default().at(50), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory() {
        let before = resident_kib().expect("Linux has /proc");
        // Hidden from the optimiser, which sees that nobody reads it.
        let block = core::hint::black_box(vec![1_u8; 64 << 20]);
        let after = resident_kib().expect("Linux has /proc");
        assert!(after > before + 32 * 1024, "{before} {after}");
        drop(block);
    }
}
