//! The application is asked before ACCEPT whether there is such an extension, as chan_iax2 asks its dial plan: so an unknown one
//! is refused by REJECT (RFC 5456 §6.2.3), not accepted and hung up.

use super::admit::Admitted;
use super::state::Rejection;
use super::{CallLeg, Happening};
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::error::Error;
use crate::engine::event::Event;
use crate::wire::Cause;

impl<D: Directory> CallLeg<D> {
    /// Asks the application.
    pub(super) fn request(&mut self, turn: &mut Turn<'_, D>) {
        let Some(Admitted {
            user,
            format,
            serial,
            ..
        }) = self.admitted.clone()
        else {
            return;
        };
        self.is_offered = true;
        turn.context.tell(Event::Requested {
            call: self.id,
            from: turn.link.remote,
            user,
            number: self.number.clone(),
            format,
            serial,
        });
    }

    /// The application takes the call.
    pub(in crate::engine) fn take(&mut self, turn: &mut Turn<'_, D>) -> Result<(), Error> {
        self.command(turn, Happening::Taken, "accept")
    }
}

/// What a REJECT says in words, as chan_iax2 does; nothing for a cause of the application that it has no words for.
pub(super) const fn words(rejection: Rejection, cause: Cause) -> &'static [u8] {
    match (rejection, cause) {
        (Rejection::Authority, _) => b"No authority found",
        (Rejection::Challenges, _) => b"Unauthenticated call limit reached",
        (_, Cause::NO_ROUTE_DESTINATION) => b"No such context/extension",
        (_, Cause::BEARER_UNAVAILABLE) => b"Unable to negotiate codec",
        _ => b"",
    }
}
