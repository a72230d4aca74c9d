//! How often something is done for one IP address.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use crate::time::Instant;

/// INVALs sent to one IP address in a second.
pub const INVALS_PER_SECOND_MAX: u32 = 10;
/// POKEs of one IP address that are answered in a second.
pub const POKES_PER_SECOND_MAX: u32 = 100;
/// IP addresses that are counted in one second; others get none.
pub const RATED_ADDRESSES_MAX: usize = 4_096;

const WINDOW: Duration = Duration::from_secs(1);

/// Counts per IP address in windows of one second.
#[derive(Debug)]
pub(super) struct Rate {
    window_start: Instant,
    counts: BTreeMap<IpAddr, u32>,
    per_window_max: u32,
}

impl Rate {
    pub(super) const fn new(per_window_max: u32) -> Self {
        Rate {
            window_start: Instant::ZERO,
            counts: BTreeMap::new(),
            per_window_max,
        }
    }

    /// Whether it may be done once more; counts it if so.
    pub(super) fn allows(&mut self, now: Instant, ip: IpAddr) -> bool {
        if now >= self.window_start + WINDOW {
            self.window_start = now;
            self.counts.clear();
        }
        if self.counts.len() >= RATED_ADDRESSES_MAX && !self.counts.contains_key(&ip) {
            return false;
        }
        let count = self.counts.entry(ip).or_default();
        let allowed = *count < self.per_window_max;
        *count += u32::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_count_and_a_second_forgives() {
        let mut rate = Rate::new(2);
        let [a, b] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let start = Instant::from_secs(10);
        let allowed = |rate: &mut Rate, at, ip| rate.allows(at, ip);
        assert!(allowed(&mut rate, start, a) && allowed(&mut rate, start, a));
        assert!(!allowed(&mut rate, start, a));
        assert!(allowed(&mut rate, start, b));
        assert!(allowed(&mut rate, start + WINDOW, a));
    }

    #[test]
    fn the_table_of_addresses_is_bounded() {
        let mut rate = Rate::new(1);
        for i in 0..RATED_ADDRESSES_MAX as u32 {
            assert!(rate.allows(Instant::ZERO, IpAddr::from(i.to_be_bytes())));
        }
        assert!(!rate.allows(Instant::ZERO, IpAddr::from([255, 255, 255, 255])));
        assert_eq!(rate.counts.len(), RATED_ADDRESSES_MAX);
    }
}
