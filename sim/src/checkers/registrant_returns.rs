//! registrant-returns: what a server keeps up at the registrar stands a stated time after everything healed, on both sides, and goes on
//! standing; it is given back when the application gives it up, and nothing of it is left.
//!
//! A server with few call numbers may have none for a REGREQ or a REGREL, whatever the network does: of such a one it is only asked that
//! nothing is left. Nor is more asked where something between the two was damaged. And a REGREL that was on its way when the application
//! registered again takes back what stands: then it must be renewed before it would have lapsed.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use iaxproof::engine::event::Event;
use iaxproof::engine::{RegistrantId, RegistrantState};
use iaxproof::time::Instant;

use super::Checker;
use crate::fact::{Fact, Mark};
use crate::plan::Actor;

/// How long a renewal may take when all is calm.
pub const RENEWAL: Duration = Duration::from_secs(5);
/// With fewer call numbers than this, all may be taken or resting.
pub const NUMBERS_FEW: usize = 100;

/// Follows every registration of servers, at the server and at the registrar.
#[derive(Clone, Debug, Default)]
pub struct RegistrantReturns {
    kept: BTreeMap<(u8, RegistrantId), Kept>,
    /// What the registrar granted, and until when it holds.
    granted: BTreeMap<(u8, u8), Option<Instant>>,
    /// Those that the application gave up and whose REGREL is out.
    leaving: BTreeMap<(u8, RegistrantId), u8>,
    /// What such a REGREL took back, and until when it was granted.
    taken_back: BTreeMap<(u8, u8), Instant>,
    is_due: bool,
    /// Whether servers have few call numbers.
    is_scarce: bool,
    /// The servers that something damaged passed, to the registrar or from it: a REFRESH may have become hours.
    damaged: BTreeSet<u8>,
}

/// One that the application has kept up.
#[derive(Clone, Copy, Debug)]
struct Kept {
    nth: u8,
    /// Since when the endpoint does not say that it stands; `None` while it does.
    down_since: Option<Instant>,
}

impl RegistrantReturns {
    fn changed(&mut self, now: Instant, server: u8, id: RegistrantId, state: RegistrantState) {
        if state == RegistrantState::Unregistered {
            self.leaving.remove(&(server, id));
        }
        if let Some(kept) = self.kept.get_mut(&(server, id)) {
            let stands = matches!(state, RegistrantState::Registered { .. });
            let since = kept.down_since.unwrap_or(now);
            kept.down_since = (!stands).then_some(since);
        }
    }

    /// The registrar has something else of it now.
    fn granted(&mut self, server: u8, nth: u8, until: Option<Instant>) {
        let had = self.granted.insert((server, nth), until).flatten();
        let mut leaving = self.leaving.iter();
        let is_leaving = leaving.any(|((of, _), it)| (*of, *it) == (server, nth));
        match (until, had) {
            (None, Some(had)) if is_leaving => drop(self.taken_back.insert((server, nth), had)),
            _ => drop(self.taken_back.remove(&(server, nth))),
        }
    }

    /// Until when the registrar has it, or would have it.
    fn until(&self, server: u8, nth: u8) -> Option<Instant> {
        let granted = self.granted.get(&(server, nth)).copied().flatten();
        granted.or_else(|| self.taken_back.get(&(server, nth)).copied())
    }

    fn standing(&self, now: Instant) -> Result<(), String> {
        for ((server, id), kept) in &self.kept {
            let nth = kept.nth;
            let granted = self.until(*server, nth);
            let is_down = kept.down_since.is_some_and(|since| now >= since + RENEWAL);
            let is_lapsed = granted.is_none_or(|until| until <= now);
            if (is_down || is_lapsed) && !self.damaged.contains(server) {
                return Err(format!(
                    "server {server}: registration {id} of r{server}-{nth} does not stand: {:?} down, granted until {granted:?}",
                    kept.down_since
                ));
            }
        }
        Ok(())
    }
}

impl Checker for RegistrantReturns {
    const PROPERTY: &'static str = "registrant-returns";

    fn observe(&mut self, now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        match fact {
            Fact::Restarted { server, .. } => {
                self.kept.retain(|(of, _), _| of != server);
                self.leaving.retain(|(of, _), _| of != server);
            }
            Fact::Registers { server, nth, id } => {
                let kept = Kept {
                    nth: *nth,
                    down_since: Some(now),
                };
                self.kept.insert((*server, *id), kept);
            }
            Fact::GivesUp { server, id } => {
                if let Some(kept) = self.kept.remove(&(*server, *id)) {
                    self.leaving.insert((*server, *id), kept.nth);
                }
            }
            Fact::Granted { server, nth, until } => self.granted(*server, *nth, *until),
            Fact::Told {
                server,
                event: Event::RegistrantChanged { id, state },
            } => self.changed(now, *server, *id, *state),
            Fact::Sent(passage) if passage.mark == Mark::Damaged => {
                let ends = [Some(passage.from), passage.to];
                if let [Some(Actor::Server(server)), Some(Actor::Registrar)]
                | [Some(Actor::Registrar), Some(Actor::Server(server))] = ends
                {
                    self.damaged.insert(server);
                }
            }
            Fact::RegistrantsDue { .. } => self.is_due = !self.is_scarce,
            Fact::Counted { limits, .. } => {
                self.is_scarce |= limits.pool < NUMBERS_FEW;
                if self.is_due {
                    return self.standing(now);
                }
            }
            Fact::AtRest { server, counts, .. } => {
                let mut granted = self.granted.iter().filter(|((of, _), _)| of == server);
                let is_kept = granted.any(|(_, until)| until.is_some());
                let is_excused = self.is_scarce || self.damaged.contains(server);
                if counts.registrants > 0 || (is_kept && !is_excused) {
                    return Err(format!(
                        "server {server}: {} registrations are left at rest; the registrar has {:?}",
                        counts.registrants, self.granted
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
