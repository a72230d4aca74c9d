//! The rotation of the call tokens' key: a fresh one from the operating system every hour. The former counts until the
//! tokens that it made have expired.

use core::time::Duration;

use iaxproof::catalog::Catalog;
use iaxproof::engine::directory::TokenKey;
use iaxproof::registry::Std;
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

    /// Changes the key when it is time; `rotate` takes the new one. Whether it was.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the operating system has no randomness.
    fn rotate(&mut self, now: Instant, rotate: impl FnOnce(TokenKey)) -> Result<bool, Error> {
        if now < self.due {
            return Ok(false);
        }
        self.due = now + INTERVAL;
        rotate(TokenKey(random()?));
        Ok(true)
    }

    /// Changes the key of a catalog when it is time.
    ///
    /// # Errors
    ///
    /// As where there is no randomness: [`Error::Broke`].
    pub(super) fn keep_fresh(&mut self, now: Instant, catalog: &Catalog<Std>) -> Result<(), Error> {
        if self.rotate(now, |key| catalog.rotate_token_key(key, now))? {
            tracing::debug!("the key of the call tokens is a new one");
        }
        Ok(())
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
            let rotated = keys.rotate(Instant::from_secs(second), |key| made.push(key));
            assert_eq!(
                rotated.unwrap(),
                matches!(second, 3_605 | 7_205),
                "{second}"
            );
        }
        assert!(made[0] != made[1]);
    }
}
