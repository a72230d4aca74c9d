//! One line of log for each failed login, with its address, but never more than a few in a second: who floods us with logins
//! shall not fill the disk as well. What was left out is counted in the next line that is not.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::directory::Role;
use iaxproof::time::Instant;

/// Lines in one [`PERIOD`].
const LINES_MAX: u32 = 10;
/// The span of that limit.
const PERIOD: Duration = Duration::from_secs(1);

/// Counts lines, and what was left out.
#[derive(Debug, Default)]
pub(crate) struct FailedLogins {
    began: Instant,
    lines: u32,
    left_out: u64,
}

impl FailedLogins {
    /// A login failed.
    pub(crate) fn note(&mut self, now: Instant, address: SocketAddr, role: Role) {
        if let Some(left_out) = self.admit(now) {
            tracing::warn!(%address, ?role, left_out, "login failed");
        }
    }

    /// Whether a line may be written now, and how many were left out before it.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if now.saturating_since(self.began) >= PERIOD {
            (self.began, self.lines) = (now, 0);
        }
        if self.lines >= LINES_MAX {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(core::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_gives_ten_lines_a_second_and_counts_the_rest() {
        let mut logins = FailedLogins::default();
        let at = Instant::from_millis;
        let lines = (0..500).filter_map(|i| logins.admit(at(5_000 + i)));
        assert_eq!(lines.collect::<Vec<_>>(), [0; 10]);
        assert_eq!(logins.admit(at(6_000)), Some(490));
        assert_eq!(logins.admit(at(6_001)), Some(0));
    }
}
