//! The endpoint's only source of randomness: a ChaCha20 stream of the seed that the caller gave.

use core::fmt;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::cipher::Padding;

/// The stream. Never printed: it would tell the challenges to come.
pub(super) struct Random(ChaCha20Rng);

impl Random {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Random(ChaCha20Rng::from_seed(seed))
    }

    /// A number in `0..bound`; `bound` is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * bound as u128;
        (wide >> 64) as usize
    }

    /// What one encrypted frame is padded with.
    pub(super) fn padding(&mut self) -> Padding {
        let mut padding = Padding::default();
        self.0.fill_bytes(&mut padding);
        padding
    }

    /// A TRANSFERID: unique among those that run, by chance (RFC 5456 §8.6.26).
    pub(super) fn transfer_id(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 16 octets.
    pub(super) fn octets(&mut self) -> [u8; 16] {
        let mut octets = [0; 16];
        self.0.fill_bytes(&mut octets);
        octets
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(..)")
    }
}
