//! What a granted request changes: the peer's contact, at once or once the store has it, and its expiry.

use core::time::Duration;

use super::state::Event as Happening;
use super::{Asked, Registration};
use crate::engine::context::Turn;
use crate::engine::directory::{Directory, Generation, Refused, Stale, StoreId, Storing, Written};
use crate::engine::event::Event;
use crate::engine::options::REGISTRATION_GRACE;
use crate::engine::qualify::Arrival;
use crate::engine::registrant::REFRESH;
use crate::engine::timer::TimerKind;
use crate::time::Instant;

impl<D: Directory> Registration<D> {
    /// The store answered.
    pub(in crate::engine) fn stored(&mut self, turn: &mut Turn<'_, D>) {
        let Some((asked, handle)) = self.asked.zip(self.handle.as_ref()) else {
            return;
        };
        match turn.context.directory.take_stored(handle, asked.generation) {
            Storing::Waiting => {}
            Storing::Stored => self.store_answered(turn, Happening::Stored),
            Storing::Failed => self.store_answered(turn, Happening::NotStored),
        }
    }

    /// The store took too long.
    pub(in crate::engine) fn store_delayed(&mut self, turn: &mut Turn<'_, D>) {
        let happening = self.withdraw(turn);
        self.store_answered(turn, happening);
    }

    fn store_answered(&mut self, turn: &mut Turn<'_, D>, happening: Happening) {
        turn.cancel(TimerKind::Store);
        if let Some(asked) = self.asked.take() {
            self.forget_store(turn, asked);
            if happening == Happening::Stored {
                // What is promised now is no more than what was stored then.
                self.granted = self.granted.min(asked.deadline.saturating_since(turn.now));
                self.keep(turn, asked.generation, asked.deadline);
            }
        }
        self.step(turn, happening);
    }

    /// The change is not waited for any more. It may have come into force just before.
    pub(super) fn withdraw(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let Some((asked, handle)) = self.asked.zip(self.handle.as_ref()) else {
            return Happening::NotStored;
        };
        match turn.context.directory.withdraw(handle, asked.generation) {
            Storing::Stored => Happening::Stored,
            Storing::Waiting | Storing::Failed => Happening::NotStored,
        }
    }

    pub(super) fn forget_store(&self, turn: &mut Turn<'_, D>, asked: Asked) {
        if let Some(name) = self.name.clone() {
            let generation = asked.generation;
            turn.context.stores.remove(&StoreId { name, generation });
        }
    }

    pub(super) fn write(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let written = match self.is_release {
            true => self.release(turn),
            false => self.register(turn),
        };
        match written {
            Ok(happening) => happening,
            Err(Refused::Unlinked) => Happening::Unlinked,
            Err(Refused::Busy) => Happening::Full,
            Err(Refused::Stale(Stale)) => self.stale(turn, "writing a contact"),
        }
    }

    fn register(&mut self, turn: &mut Turn<'_, D>) -> Result<Happening, Refused> {
        let (Some(handle), Some(name), Some(snapshot)) = (&self.handle, &self.name, &self.snapshot)
        else {
            return Ok(Happening::Full);
        };
        if !turn.context.has_room_for(name) {
            return Ok(Happening::Full);
        }
        let refresh = self.refresh.map(u64::from).map(Duration::from_secs);
        let directory = &turn.context.directory;
        let (min, max, is_qualified) = directory.read(snapshot, |settings| {
            let general = &settings.general;
            let is_qualified = settings.qualify.is_some();
            (
                general.registration_min,
                general.registration_max,
                is_qualified,
            )
        })?;
        self.is_qualified = is_qualified;
        // X-REG-3. Who names no period takes it to be a minute (RFC 5456 §6.1.1); chan_iax2 grants its shortest.
        self.granted = refresh.unwrap_or(REFRESH).max(min).min(max.max(min));
        let deadline = turn.now + self.granted + REGISTRATION_GRACE;
        let written = directory.register(handle, turn.link.remote, deadline)?;
        Ok(self.written(turn, written, deadline))
    }

    fn release(&mut self, turn: &mut Turn<'_, D>) -> Result<Happening, Refused> {
        let Some(handle) = &self.handle else {
            return Ok(Happening::Full);
        };
        let written = turn.context.directory.release(handle)?;
        let now = turn.now;
        Ok(self.written(turn, written, now))
    }

    /// The change is in force, or the store was asked.
    fn written(
        &mut self,
        turn: &mut Turn<'_, D>,
        written: Written,
        deadline: Instant,
    ) -> Happening {
        match written {
            Written::Done(generation) => {
                self.keep(turn, generation, deadline);
                Happening::Written
            }
            Written::Asked(generation) => {
                self.asked = Some(Asked {
                    generation,
                    deadline,
                });
                if let Some(name) = self.name.clone() {
                    let local = turn.link.reliable.local();
                    let id = StoreId { name, generation };
                    turn.context.stores.insert(id, local);
                }
                Happening::StoreAsked
            }
        }
    }

    /// The change is in force: sees to the expiry, and tells the application.
    pub(super) fn keep(
        &mut self,
        turn: &mut Turn<'_, D>,
        generation: Generation,
        deadline: Instant,
    ) {
        let (Some(handle), Some(name)) = (&self.handle, &self.name) else {
            return;
        };
        let name = name.clone();
        if self.is_release {
            turn.context.disarm_expiry(&name);
            turn.context.unwatch(&name);
            turn.context.tell(Event::Released { name });
            return;
        }
        turn.context
            .arm_expiry(deadline, handle.clone(), &name, generation);
        let address = turn.link.remote;
        if self.is_qualified || turn.context.watches.has(&name) {
            turn.context.watches.announce(Arrival {
                handle: handle.clone(),
                name: name.clone(),
                generation,
                address,
                is_proven: turn.link.allowance.is_proven(),
            });
        }
        turn.context.tell(Event::Registered {
            name,
            address,
            deadline,
            generation,
        });
    }
}
