//! no-leak: at rest the references are those of links and armed timers; after shutdown no object is left.

use iaxproof::time::Instant;

use super::Checker;
use crate::fact::Fact;

/// Counts references at rest and objects after shutdown.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLeak;

impl Checker for NoLeak {
    const PROPERTY: &'static str = "no-leak";

    fn observe(&mut self, _now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::AtRest {
                server,
                counts,
                references: Some(references),
            } => {
                let expected = references.links + counts.expiry_timers + counts.watched;
                if references.held == expected {
                    return Ok(());
                }
                Err(format!(
                    "server {server}: {} references are out at rest; links and timers account for {expected}",
                    references.held
                ))
            }
            Fact::ShutDown {
                server,
                live_objects,
                report,
            } if *live_objects > 0 => Err(format!(
                "server {server}: {live_objects} objects are left after shutdown\n{report}"
            )),
            _ => Ok(()),
        }
    }
}
