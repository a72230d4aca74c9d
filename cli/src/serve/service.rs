//! What systemd is told (sd_notify): that the server is ready, reloads and stops, and that its workers are alive. Without a service manager,
//! that is without `NOTIFY_SOCKET`, nothing is said.
//!
//! A worker only marks its [`Pulse`]; a thread of its own reads all of them and feeds the watchdog, so that no worker waits for the
//! service manager, and none can hide behind another that lives.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use iaxproof::time::Instant;
use sd_notify::NotifyState;

use crate::clock::Clock;
use crate::error::{Advised, Error};

/// A worker that has not turned for so long is taken for stuck. At rest it turns once a second.
const PULSE_MAX: Duration = Duration::from_secs(3);
/// The longest between two looks at the pulses.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// When a worker was last known to be alive.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Of a worker that is alive now.
    pub(crate) fn at(now: Instant) -> Self {
        let pulse = Pulse(Arc::default());
        pulse.beat(now);
        pulse
    }

    /// The worker is alive.
    pub(crate) fn beat(&self, now: Instant) {
        self.0.store(now.as_micros(), Ordering::Relaxed);
    }

    /// The worker has ended as it should, and is missed by nobody.
    pub(crate) fn rest(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    fn is_felt(&self, now: Instant) -> bool {
        let last = Instant::from_micros(self.0.load(Ordering::Relaxed));
        now.saturating_since(last) <= PULSE_MAX
    }
}

/// The server answers.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is being read again; [`ready`] says that that is over, whatever came of it.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "no monotonic clock for the service manager"),
    }
}

/// The server hangs up and ends.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager was not told");
    }
}

/// Feeds the watchdog where the service manager has one (`WatchdogSec=`), for as long as all pulses are felt.
///
/// # Errors
///
/// [`Error::Broke`] where the system has no thread for us.
pub(crate) fn watch(clock: Clock, pulses: Vec<Pulse>) -> Result<(), Error> {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return Ok(());
    };
    let look = (patience / 4).min(LOOK_MAX);
    let body = move || {
        loop {
            let now = clock.now();
            if pulses.iter().all(|pulse| pulse.is_felt(now)) {
                tell(&[NotifyState::Watchdog]);
            } else {
                tracing::error!("a worker does not turn any more");
            }
            std::thread::park_timeout(look);
        }
    };
    let thread = std::thread::Builder::new().name("watchdog".to_owned());
    let spawned = thread.spawn(body);
    spawned.map_err(|error| Error::Broke(format!("no watchdog thread: {}", Advised(&error))))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_does_not_turn_has_no_pulse() {
        let at = Instant::from_secs(100);
        let pulse = Pulse::at(at);
        assert!(pulse.is_felt(at) && pulse.is_felt(at + PULSE_MAX));
        let later = at + PULSE_MAX + Duration::from_millis(1);
        assert!(!pulse.is_felt(later));
        pulse.rest();
        assert!(pulse.is_felt(later));
    }
}
