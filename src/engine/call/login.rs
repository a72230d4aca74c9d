//! Who calls us, and how that is proved (RFC 5456 §6.2.2): the lookup of the user, AUTHREQ, what AUTHREP says, and what comes of
//! a wrong one. What a call that proved itself gets is in `admit`.

use super::{CallLeg, Happening, stale};
use crate::engine::auth::{self, Answer, Challenge};
use crate::engine::cipher::Key;
use crate::engine::context::Turn;
use crate::engine::directory::{Directory, Lookup, Role, Stale};
use crate::engine::event::Event;
use crate::engine::registrar::name_of;
use crate::engine::settings::{Encryption, Settings};
use crate::engine::timer::TimerKind;
use crate::wire::{AuthMethods, EncryptionMethods, IaxCommand, IeBuffer, InformationElement};

impl<D: Directory> CallLeg<D> {
    pub(super) fn look_up(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let lookup = match name_of(&self.username) {
            Some(name) => turn.find(Role::User, &name),
            None => Lookup::Unknown,
        };
        self.weigh(turn, lookup)
    }

    /// A NEW without USERNAME is that of a user who fits the address, if there is one (chan_iax2).
    pub(super) fn look_for_guest(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        match turn.context.directory.find_guest(turn.link.remote.ip()) {
            Some(guest) => self.weigh(turn, Lookup::Found(guest)),
            None => Happening::Unacceptable,
        }
    }

    /// What a lookup means for this call. Takes the one snapshot that the call reads.
    pub(super) fn weigh(&mut self, turn: &mut Turn<'_, D>, lookup: Lookup<D::Handle>) -> Happening {
        let handle = match lookup {
            Lookup::Found(handle) => handle,
            Lookup::Unknown => return Happening::Unknown,
            Lookup::Asked(_) => return Happening::Asked,
            Lookup::Failed => return Happening::LookupFailed,
        };
        self.snapshot = turn.context.directory.settings(&handle).ok();
        let ip = turn.link.remote.ip();
        let weighed = self.read(turn, |settings| {
            match (settings.secrets.is_empty(), settings.encryption) {
                // Challenged, and refused whatever it answers, as a wrong secret is (CVE-2012-4737).
                _ if !settings.access.allows(ip) => Happening::Unknown,
                // Without a secret there is no key.
                (true, Encryption::Forced) => Happening::Unacceptable,
                (true, _) => Happening::Open,
                (false, _) => Happening::Locked,
            }
        });
        match weighed {
            Some(Happening::Unknown) => self.snapshot = None,
            Some(Happening::Locked) => self.user = Some(handle),
            _ => {}
        }
        weighed.unwrap_or_else(|| stale(turn, "weighing a call"))
    }

    /// Sends AUTHREQ, unless too many calls of the name wait for their AUTHREP (X-NUM-4).
    pub(super) fn challenge(&mut self, turn: &mut Turn<'_, D>) -> Option<Happening> {
        let directory = &turn.context.directory;
        self.is_counted = directory.begin_challenge(self.user.as_ref(), &self.username);
        if !self.is_counted {
            self.user = None;
            return Some(Happening::TooMany);
        }
        let challenge = Challenge::new(&mut turn.context.random);
        let terms = self.read(turn, |settings| self.terms(settings, &challenge));
        let Terms { methods, keys } = terms.unwrap_or_else(|| self.terms_of_nobody(turn));
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::AuthMethods(methods));
        if methods.contains(AuthMethods::MD5) {
            ies.push(InformationElement::Challenge(challenge.octets()));
        }
        if !keys.is_empty() {
            ies.push(InformationElement::Encryption(EncryptionMethods::AES128));
        }
        ies.push(InformationElement::Username(&self.username));
        turn.send(IaxCommand::AuthReq, &ies);
        if !keys.is_empty() {
            turn.link.offer_encryption(keys);
        }
        self.challenge = Some(challenge);
        None
    }

    /// The call does not wait for AUTHREP any more. Counted once, whatever comes first: AUTHREP or the end.
    pub(super) fn end_challenge(&mut self, turn: &mut Turn<'_, D>) {
        let user = self.user.take();
        if core::mem::take(&mut self.is_counted) {
            let directory = &turn.context.directory;
            directory.end_challenge(user.as_ref(), &self.username);
        }
    }

    /// How the user may prove itself; with keys where both sides want encryption and MD5 gives a key.
    fn terms(&self, settings: &Settings, challenge: &Challenge) -> Terms {
        let methods = auth::built(settings.methods);
        let is_encrypted = self.is_to_be_encrypted(settings.encryption, methods);
        let secrets = settings.secrets.iter().filter(|_| is_encrypted);
        let keys = secrets.map(|secret| Key::new(challenge.octets(), secret));
        Terms {
            methods,
            keys: keys.collect(),
        }
    }

    /// A name that nobody has is offered what a user is who says nothing, and a key that nobody knows (X-CALL-4).
    fn terms_of_nobody(&self, turn: &mut Turn<'_, D>) -> Terms {
        let defaults = turn.context.directory.general().defaults;
        let methods = auth::built(defaults.methods);
        let mut keys = Vec::new();
        if self.is_to_be_encrypted(defaults.encryption, methods) {
            keys.extend(Key::from_octets(&turn.context.random.octets()));
        }
        Terms { methods, keys }
    }

    fn is_to_be_encrypted(&self, encryption: Encryption, methods: AuthMethods) -> bool {
        encryption != Encryption::Off
            && self.ciphers.contains(EncryptionMethods::AES128)
            && methods.contains(AuthMethods::MD5)
    }

    /// Encryption was agreed on, and what came instead of an encrypted AUTHREP proves nothing.
    pub(in crate::engine) fn disproved(&mut self, turn: &mut Turn<'_, D>) {
        self.result = Answer::default();
        self.step(turn, Happening::AuthRep);
    }

    /// Compares the result with the secrets of the snapshot. The challenge is gone afterwards. An unknown user has no
    /// snapshot, and fails here as with a wrong secret (X-CALL-4).
    pub(super) fn verify(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        self.end_challenge(turn);
        let result = core::mem::take(&mut self.result);
        let Some(challenge) = self.challenge.take() else {
            return Happening::Bad;
        };
        if self.snapshot.is_none() {
            let methods = turn.context.directory.general().defaults.methods;
            challenge.accepts(&result, auth::built(methods), &[]);
            return Happening::Bad;
        }
        let is_encrypted = turn.link.is_encrypted();
        let verified = self.read(turn, |settings| {
            let methods = auth::built(settings.methods);
            let answered = challenge.accepts(&result, methods, &settings.secrets);
            let may_be_clear = settings.encryption != Encryption::Forced;
            (answered && (is_encrypted || may_be_clear))
                .then(|| (settings.name.clone(), settings.general.serial))
        });
        match verified {
            Some(Some((user, serial))) => {
                let call = self.id;
                turn.context
                    .tell(Event::Authenticated { call, user, serial });
                Happening::Good
            }
            Some(None) => Happening::Bad,
            None => stale(turn, "verifying a call"),
        }
    }
    /// Counts a failed login. Without a delay the refusal follows at once.
    pub(super) fn refuse(&mut self, turn: &mut Turn<'_, D>) -> Option<Happening> {
        self.end_challenge(turn);
        turn.cancel(TimerKind::Admission);
        turn.context.tell(Event::LoginFailed {
            address: turn.link.remote,
            role: Role::User,
        });
        let delay = match turn.reject_delay(self.snapshot.as_ref()) {
            Ok(delay) => delay,
            Err(Stale) => return Some(stale(turn, "refusing a call")),
        };
        self.snapshot = None;
        if delay.is_zero() {
            return Some(Happening::DelayElapsed);
        }
        turn.arm(TimerKind::RejectDelay, delay);
        None
    }
}

/// What an AUTHREQ offers.
struct Terms {
    methods: AuthMethods,
    /// One for each secret; none where the call stays in clear.
    keys: Vec<Key>,
}
