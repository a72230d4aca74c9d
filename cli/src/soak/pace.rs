//! Time and chance of a soak: one clock for all threads that runs ahead of the wall clock, so that expiries are frequent, and a
//! stream of choices for each thread.

use iaxproof::time::Instant;

use crate::clock::Stopwatch;

/// How many seconds of the endpoints pass in one of ours: a registration of 20 s lapses after 300 ms.
pub(super) const SPEED: u64 = 100;

/// The clock of all threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace(Stopwatch);

impl Pace {
    /// It is [`Instant::ZERO`] now.
    pub(super) fn start() -> Self {
        Pace(Stopwatch::start())
    }

    /// The time of the endpoints.
    pub(super) fn now(&self) -> Instant {
        let micros = self.0.elapsed().as_micros() as u64;
        Instant::from_micros(micros * SPEED)
    }
}

/// What one thread draws its choices from: SplitMix64. The operating system decides the rest of a soak, so that a seed repeats the
/// kind of load and not the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The choices of one thread.
    pub(super) fn new(seed: u64, thread: u64) -> Self {
        let mut dice = Dice(seed);
        let start = dice.draw() ^ thread;
        Dice(start)
    }

    /// Any number.
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound as u64) as usize
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these, of which there is at least one.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Octets for a seed or a key.
    pub(super) fn octets(&mut self) -> [u8; 32] {
        let mut octets = [0; 32];
        for part in octets.chunks_mut(8) {
            part.copy_from_slice(&self.draw().to_le_bytes());
        }
        octets
    }
}
