//! no-use-after-destroy: no access to an object whose destructor began, in memory or in meaning. The directory says so itself:
//! by a stale handle, or by a report of its own.

use iaxproof::engine::event::{EndReason, Event};
use iaxproof::time::Instant;

use super::Checker;
use crate::fact::Fact;

/// Sees no stale handle and no report.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoUseAfterDestroy;

impl Checker for NoUseAfterDestroy {
    const PROPERTY: &'static str = "no-use-after-destroy";

    fn observe(&mut self, _now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Told {
                server,
                event: Event::StaleHandle { what },
            } => Err(format!("server {server}: a handle was stale: {what}")),
            Fact::Told {
                server,
                event:
                    Event::Ended {
                        call,
                        reason: EndReason::Stale,
                    },
            } => Err(format!(
                "server {server}: settings went away under call {call}"
            )),
            Fact::Fault { server, report } => Err(format!("server {server}: {report}")),
            _ => Ok(()),
        }
    }
}
