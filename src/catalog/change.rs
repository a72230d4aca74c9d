//! Changes of one peer's contact that wait for the store: each comes into force when the store says that it is stored, or not
//! at all. What is in force meanwhile is the entry's own business.
//!
//! Changes are written one at a time, in the order of their generations. After one that failed, or that nobody waits for
//! any more, nobody knows what the store has: so what is in force is *owed*, and written once no change waits before it, under
//! a generation that is newer than both. That undoes a change that was stored after all.
//!
//! # What a crash may bring back
//!
//! Whoever waits may give up while the store has the change: REGREJ goes out, and nobody knows yet what is on the disk. Should
//! it be stored all the same and the process die before the undoing is, the next process finds a registration that was refused. No
//! order of writes cures that: a note of the refusal would itself be a write that may be late. Only waiting for the store without
//! end would, and the client does not wait so long. It does no harm that a refusal may not do: who asked had proved the secret, and
//! a refused client tries again. The worlds' checkers allow exactly this: after a restart the contact in force, or one of those
//! that were on their way to the store.

use core::net::SocketAddr;
use std::collections::VecDeque;

use crate::engine::directory::{Generation, Storing};
use crate::time::Instant;

/// The most changes of one contact that wait for the store. Requests beyond it are refused: they come faster than the
/// store writes.
pub const CHANGES_MAX: usize = 4;

/// Where a peer registered and until when; `None` where a request takes the contact away.
pub(super) type Place = Option<(SocketAddr, Instant)>;

/// How a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It is to be written.
    Queued,
    /// The store has it and has not answered.
    Sent,
    /// The same, and nobody waits for the answer.
    Withdrawn,
    /// It is in force; whoever waits has not looked.
    Stored,
    /// It will not come into force; whoever waits has not looked.
    Failed,
    /// Nothing is left of it.
    Gone,
}

/// What happens to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The store takes it.
    Polled,
    /// The store has it.
    Stored,
    /// The store does not have it, or does not know.
    NotStored,
    /// Its entry goes, or does not register any more.
    Cancelled,
    /// Whoever waits looked.
    Taken,
    /// Nobody waits any more.
    Withdrawn,
}

/// What a change that moved on leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// Nothing.
    Nothing,
    /// It comes into force.
    Apply,
    /// What is in force has to be written again.
    Restate,
}

impl Stage {
    /// The next stage and what follows, or `None` where nothing happens.
    pub(super) const fn next(self, event: Event) -> Option<(Stage, Effect)> {
        use Effect::{Apply, Nothing, Restate};
        Some(match (self, event) {
            (Stage::Queued, Event::Polled) => (Stage::Sent, Nothing),
            (Stage::Queued, Event::Cancelled) => (Stage::Failed, Nothing),
            (Stage::Queued, Event::Withdrawn) => (Stage::Gone, Nothing),

            (Stage::Sent, Event::Stored) => (Stage::Stored, Apply),
            (Stage::Sent, Event::NotStored | Event::Cancelled) => (Stage::Failed, Restate),
            (Stage::Sent, Event::Withdrawn) => (Stage::Withdrawn, Nothing),

            (Stage::Withdrawn, Event::Stored | Event::NotStored | Event::Cancelled) => {
                (Stage::Gone, Restate)
            }
            (Stage::Stored | Stage::Failed, Event::Taken | Event::Withdrawn) => {
                (Stage::Gone, Nothing)
            }
            _ => return None,
        })
    }

    const fn is_decided(self) -> bool {
        matches!(self, Stage::Stored | Stage::Failed | Stage::Gone)
    }

    /// What whoever waits is told.
    const fn storing(self) -> Storing {
        match self {
            Stage::Queued | Stage::Sent => Storing::Waiting,
            Stage::Stored => Storing::Stored,
            Stage::Withdrawn | Stage::Failed | Stage::Gone => Storing::Failed,
        }
    }
}

/// One change.
#[derive(Clone, Copy, Debug)]
struct Change {
    generation: Generation,
    place: Place,
    /// Whether somebody will look what became of it.
    is_awaited: bool,
    stage: Stage,
}

/// Under which generation what is in force is to be written again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Owed {
    /// It is written, or on its way.
    #[default]
    No,
    /// Under this one, if it is still the newest.
    As(Generation),
    /// Under a new one.
    Anew,
}

/// What waits for the store, of one entry.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Invariant: in the order of their generations, and none is [`Stage::Gone`].
    changes: VecDeque<Change>,
    /// What the store has not answered.
    sent: Option<Generation>,
    owed: Owed,
}

/// What the store's answer leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// This change comes into force.
    Apply(Place),
    /// Nothing but to look whether there is something to write.
    Nothing,
}

impl Changes {
    /// A change that comes into force once it is stored. False where too many wait.
    pub(super) fn propose(
        &mut self,
        generation: Generation,
        place: Place,
        is_awaited: bool,
    ) -> bool {
        let waiting = self.changes.iter().filter(|c| !c.stage.is_decided());
        if waiting.count() >= CHANGES_MAX {
            return false;
        }
        self.changes.push_back(Change {
            generation,
            place,
            is_awaited,
            stage: Stage::Queued,
        });
        true
    }

    /// What is in force has changed under this generation, and the store does not know.
    pub(super) fn owe(&mut self, generation: Generation) {
        self.owed = Owed::As(generation);
    }

    /// Nobody knows what the store has.
    pub(super) fn owe_anew(&mut self) {
        self.owed = Owed::Anew;
    }

    /// Whether there is something to write now.
    pub(super) fn has_write(&self) -> bool {
        let is_queued = self.changes.iter().any(|c| c.stage == Stage::Queued);
        self.sent.is_none() && (is_queued || self.owed != Owed::No)
    }

    /// Whether the store is to answer for this generation.
    pub(super) fn is_sent(&self, generation: Generation) -> bool {
        self.sent == Some(generation)
    }

    /// Whether the store has all that is in force, and nothing waits for it.
    pub(super) fn is_settled(&self) -> bool {
        let is_decided = self.changes.iter().all(|c| c.stage.is_decided());
        self.sent.is_none() && self.owed == Owed::No && is_decided
    }

    /// What is to be written next: the oldest change that waits, or what is in force. `newest` is the newest generation
    /// of the entry, and is raised where a new one is needed.
    pub(super) fn take_write(
        &mut self,
        newest: &mut Generation,
        in_force: Place,
    ) -> Option<(Generation, Place)> {
        if !self.has_write() {
            return None;
        }
        let queued = self.changes.iter_mut().find(|c| c.stage == Stage::Queued);
        let write = match queued {
            Some(change) => {
                change.stage.advance(Event::Polled);
                (change.generation, change.place)
            }
            None => {
                if self.owed != Owed::As(*newest) {
                    *newest = Generation(newest.0 + 1);
                }
                self.owed = Owed::No;
                (*newest, in_force)
            }
        };
        self.sent = Some(write.0);
        Some(write)
    }

    /// The store answered. An answer to what was not asked changes nothing.
    pub(super) fn answer(&mut self, generation: Generation, is_stored: bool) -> Answered {
        if self.sent != Some(generation) {
            return Answered::Nothing;
        }
        self.sent = None;
        let event = if is_stored {
            Event::Stored
        } else {
            Event::NotStored
        };
        let Some(change) = self.changes.iter_mut().find(|c| c.generation == generation) else {
            if !is_stored && self.owed == Owed::No {
                self.owed = Owed::As(generation);
            }
            return Answered::Nothing;
        };
        let (effect, place) = (change.stage.advance(event), change.place);
        if !change.is_awaited {
            change.stage.advance(Event::Taken);
        }
        self.forget_gone();
        match effect {
            Effect::Apply => {
                // The store has exactly this now, and it takes the place of what was owed before.
                self.owed = Owed::No;
                Answered::Apply(place)
            }
            Effect::Restate => {
                self.owed = Owed::Anew;
                Answered::Nothing
            }
            Effect::Nothing => Answered::Nothing,
        }
    }

    /// What became of a change, for whoever waits; `event` says whether he goes on waiting.
    fn look(&mut self, generation: Generation, event: Event) -> Storing {
        let Some(change) = self.changes.iter_mut().find(|c| c.generation == generation) else {
            return Storing::Failed;
        };
        let before = change.stage.storing();
        change.stage.advance(event);
        self.forget_gone();
        before
    }

    /// What became of a change. An answer is given once.
    pub(super) fn take(&mut self, generation: Generation) -> Storing {
        self.look(generation, Event::Taken)
    }

    /// Nobody waits for a change any more.
    pub(super) fn withdraw(&mut self, generation: Generation) -> Storing {
        match self.look(generation, Event::Withdrawn) {
            Storing::Waiting => Storing::Failed,
            decided => decided,
        }
    }

    /// No change comes into force any more.
    pub(super) fn cancel(&mut self) {
        for change in &mut self.changes {
            if change.stage.advance(Event::Cancelled) == Effect::Restate {
                self.owed = Owed::Anew;
            }
            if !change.is_awaited {
                change.stage.advance(Event::Taken);
            }
        }
        self.forget_gone();
    }

    fn forget_gone(&mut self) {
        self.changes.retain(|change| change.stage != Stage::Gone);
    }
}

impl Stage {
    fn advance(&mut self, event: Event) -> Effect {
        match self.next(event) {
            Some((next, effect)) => {
                *self = next;
                effect
            }
            None => Effect::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        let stages = [
            Stage::Queued,
            Stage::Sent,
            Stage::Withdrawn,
            Stage::Stored,
            Stage::Failed,
            Stage::Gone,
        ];
        let events = [
            Event::Polled,
            Event::Stored,
            Event::NotStored,
            Event::Cancelled,
            Event::Taken,
            Event::Withdrawn,
        ];
        let mut table = String::new();
        for stage in stages {
            for event in events {
                table += &match stage.next(event) {
                    Some((next, effect)) => {
                        format!("{stage:?} {event:?}: {effect:?} -> {next:?}\n")
                    }
                    None => format!("{stage:?} {event:?}: -\n"),
                };
            }
        }
        insta::assert_snapshot!(table);
    }
}
