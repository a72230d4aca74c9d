//! Who asks: the challenge, what answers it, and the refusal of whom it does not let in.

use core::time::Duration;

use super::Registration;
use super::state::Event as Happening;
use crate::engine::auth::{self, Challenge};
use crate::engine::context::Turn;
use crate::engine::directory::{Directory, Role, Stale};
use crate::engine::event::Event;
use crate::engine::settings::{Host, Settings};
use crate::engine::timer::TimerKind;
use crate::wire::{AuthMethods, IaxCommand, IeBuffer, InformationElement};

impl<D: Directory> Registration<D> {
    pub(super) fn challenge(&mut self, turn: &mut Turn<'_, D>) {
        let challenge = Challenge::new(&mut turn.context.random);
        let methods = self.methods(turn);
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::AuthMethods(methods));
        if methods.contains(AuthMethods::MD5) {
            ies.push(InformationElement::Challenge(challenge.octets()));
        }
        ies.push(InformationElement::Username(&self.username));
        turn.send(IaxCommand::RegAuth, &ies);
        self.challenge = Some(challenge);
    }

    /// What the peer may prove itself by; a name that is unknown is offered what a peer is that says nothing (X-REG-5).
    fn methods(&self, turn: &Turn<'_, D>) -> AuthMethods {
        let offered = self.snapshot.as_ref().and_then(|snapshot| {
            let read = |settings: &Settings| auth::built(settings.methods);
            turn.context.directory.read(snapshot, read).ok()
        });
        offered.unwrap_or_else(|| methods_of_nobody(turn))
    }

    /// Compares the result with the secrets of now. A name that is unknown or does not register fails here, not before.
    pub(super) fn verify(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let challenge = self.challenge.clone();
        let result = core::mem::take(&mut self.result);
        let ip = turn.link.remote.ip();
        let answered = match (&self.handle, challenge) {
            (_, None) => Ok(false),
            (None, Some(challenge)) => Ok(challenge.accepts(&result, methods_of_nobody(turn), &[])),
            (Some(_), Some(challenge)) => self.read_settings(turn, |settings| {
                let methods = auth::built(settings.methods);
                let answered = challenge.accepts(&result, methods, &settings.secrets);
                answered && settings.host == Host::Dynamic && settings.access.allows(ip)
            }),
        };
        self.result = result;
        match answered {
            Ok(true) => Happening::Good,
            Ok(false) => Happening::Bad,
            Err(Stale) => self.stale(turn, "verifying a registration"),
        }
    }

    /// Counts a failed login. Without a delay the refusal follows at once.
    pub(super) fn refuse(&mut self, turn: &mut Turn<'_, D>) -> Option<Happening> {
        turn.cancel(TimerKind::Admission);
        turn.context.tell(Event::LoginFailed {
            address: turn.link.remote,
            role: Role::Peer,
        });
        let delay = match turn.reject_delay(self.snapshot.as_ref()) {
            Ok(delay) => delay,
            Err(Stale) => return Some(self.stale(turn, "refusing a registration")),
        };
        self.forget();
        if delay.is_zero() {
            return Some(Happening::DelayElapsed);
        }
        turn.arm(TimerKind::RejectDelay, delay);
        None
    }
}

fn methods_of_nobody<D: Directory>(turn: &Turn<'_, D>) -> AuthMethods {
    auth::built(turn.context.directory.general().defaults.methods)
}

impl<D: Directory> Turn<'_, D> {
    /// How long a refused login waits: as its settings say, or those of everybody where it has none.
    pub(in crate::engine) fn reject_delay(
        &self,
        snapshot: Option<&D::Snapshot>,
    ) -> Result<Duration, Stale> {
        let directory = &self.context.directory;
        match snapshot {
            Some(snapshot) => directory.read(snapshot, |settings| settings.general.reject_delay),
            None => Ok(directory.general().reject_delay),
        }
    }
}
