//! What the application and the refresh timer may do with a registrant: what opens dialogues.

use core::time::Duration;

use super::state::{Action, Event as Happening, State};
use super::{Registering, RegistrantId, Registration};
use crate::engine::dialogue::Machine;
use crate::engine::directory::Directory;
use crate::engine::{Endpoint, Error};
use crate::time::Instant;

/// How long a REGREQ waits for which there was no call number.
const NUMBER_WAIT: Duration = Duration::from_secs(10);

impl<D: Directory> Endpoint<D> {
    /// Keeps a registration with another registrar up (RFC 5456 §6.1.1): REGREQ goes out now and whenever a refresh is due.
    /// [`Event::RegistrantChanged`](crate::engine::Event::RegistrantChanged) says how it goes.
    ///
    /// # Errors
    ///
    /// Where there are [`REGISTRANTS_MAX`](crate::engine::REGISTRANTS_MAX) already.
    pub fn register(
        &mut self,
        now: Instant,
        registration: Registration,
    ) -> Result<RegistrantId, Error> {
        let id = self.context.registrants.add(registration)?;
        self.advance_registrant(now, id, Happening::Due);
        Ok(id)
    }

    /// Gives a registration up: sends REGREL in a dialogue of its own (RFC 5456 §6.1.4, X-REG-1) where the registrar may
    /// know of us. The registrant is gone when it is [`Unregistered`](crate::engine::RegistrantState::Unregistered).
    ///
    /// # Errors
    ///
    /// Where there is no such registrant.
    pub fn unregister(&mut self, now: Instant, id: RegistrantId) -> Result<(), Error> {
        if !self.context.registrants.by_id.contains_key(&id) {
            return Err(Error::NoSuchRegistrant(id));
        }
        self.advance_registrant(now, id, Happening::Unregister);
        Ok(())
    }

    /// The refresh timer of a registrant fired.
    pub(in crate::engine) fn refresh_registrant(&mut self, now: Instant, id: RegistrantId) {
        if let Some(registrant) = self.context.registrants.by_id.get_mut(&id) {
            registrant.refresh = None;
            self.advance_registrant(now, id, Happening::Due);
        }
    }

    /// There was no call number for a request. One may be free long before the refresh is due.
    fn retry_registrant(&mut self, now: Instant, id: RegistrantId) {
        if let Some(mut registrant) = self.context.registrants.by_id.remove(&id) {
            registrant.arm_request(id, now + NUMBER_WAIT, &mut self.context);
            self.context.registrants.by_id.insert(id, registrant);
        }
    }

    /// Follows the table where it opens dialogues, or has none to speak of.
    fn advance_registrant(&mut self, now: Instant, id: RegistrantId, happening: Happening) {
        let Some(mut registrant) = self.context.registrants.by_id.remove(&id) else {
            return;
        };
        let before = registrant.shown();
        let action = registrant.next(happening);
        registrant.tell(id, before, &mut self.context);
        let (former, registrar) = (registrant.dialogue, registrant.registration.registrar);
        if action.is_some() {
            registrant.dialogue = None;
        }
        match action {
            Some(Action::Request) => registrant.arm_refresh(id, now, &mut self.context),
            Some(Action::Release | Action::End) => registrant.disarm_refresh(&mut self.context),
            _ => {}
        }
        if registrant.state != State::Released {
            self.context.registrants.by_id.insert(id, registrant);
        }
        if action.is_some()
            && let Some(local) = former
        {
            self.let_go(now, local);
        }
        if let Some(Action::Request | Action::Release) = action {
            let machine = Machine::Registrant(Registering { id });
            if self.place(now, registrar, |_, _| machine).is_err() {
                self.advance_registrant(now, id, Happening::GaveUp);
                self.retry_registrant(now, id);
            }
        }
    }
}
