//! call-ends: after faults heal, every call is up or gone by a stated time, and every retransmission queue is empty at the end.

use iaxproof::time::Instant;

use super::Checker;
use crate::fact::Fact;

/// Looks at the settlement and at rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallEnds;

impl Checker for CallEnds {
    const PROPERTY: &'static str = "call-ends";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Settled(settlement) if !settlement.unsettled.is_empty() => {
                let after = now.saturating_since(settlement.healed_at).as_secs();
                Err(format!(
                    "{after} s after everything healed: {}",
                    settlement.unsettled.join("; ")
                ))
            }
            Fact::AtRest { server, counts, .. } => {
                let frames = counts.frames_outstanding + counts.frames_queued;
                if counts.dialogues() == 0 && frames == 0 {
                    return Ok(());
                }
                Err(format!(
                    "server {server}: {} dialogues and {frames} reliable frames are left at rest",
                    counts.dialogues()
                ))
            }
            _ => Ok(()),
        }
    }
}
