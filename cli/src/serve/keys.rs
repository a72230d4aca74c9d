//! The rotation of the call tokens' key: a fresh one from the operating system every hour. The former counts until the
//! tokens that it made have expired.

use core::time::Duration;

use iaxproof::engine::directory::TokenKey;
use iaxproof::time::Instant;

use crate::error::Error;
use crate::net::random;

/// From one key to the next.
const INTERVAL: Duration = Duration::from_secs(3_600);

/// When the key is to be changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    due: Instant,
}

impl Keys {
    /// The catalog has a fresh key now.
    pub(super) fn new(now: Instant) -> Self {
        Keys {
            due: now + INTERVAL,
        }
    }

    /// A fresh key when it is time for one.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the operating system has no randomness.
    pub(super) fn fresh(&mut self, now: Instant) -> Result<Option<TokenKey>, Error> {
        if now < self.due {
            return Ok(None);
        }
        self.due = now + INTERVAL;
        Ok(Some(TokenKey(random()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_another_key_every_hour_and_not_before() {
        let mut keys = Keys::new(Instant::from_secs(5));
        let mut made = Vec::new();
        for second in [5, 3_604, 3_605, 3_606, 7_204, 7_205] {
            let fresh = keys.fresh(Instant::from_secs(second)).unwrap();
            assert_eq!(fresh.is_some(), matches!(second, 3_605 | 7_205), "{second}");
            made.extend(fresh);
        }
        assert!(made[0] != made[1]);
    }
}
