//! A call (RFC 5456 §6.2). [`state`] has the table of both sides; this file does what it says of the answerer's, and
//! `originate` of the originator's. All settings that a call reads are of one snapshot, taken when the directory gave the
//! user or peer.
//!
//! # Deviations
//!
//! - A NEW without USERNAME is refused; chan_iax2 looks for a user that fits the address.
//! - CALLED NUMBER "TBD" is an extension like others (X-CALL-5): dialling inside a call is not built.
//! - chan_iax2 verifies a second AUTHREP while its refusal is on the way; here a challenge is good for one answer.
//! - Video is handed on as it comes, in any format, and never agreed on.
//! - A user whose `encryption` is on is told from an unknown name by the ENCRYPTION of its AUTHREQ, one that allows plaintext by
//!   the AUTHMETHODS: an unknown name is offered MD5 and no encryption (X-CALL-4).
//! - Encryption needs MD5 among the user's methods; chan_iax2 encrypts after RSA too.

mod bridged;
mod command;
pub(super) mod dial;
mod format;
mod media;
mod originate;
mod receive;
mod released;
mod signal;
mod state;
mod transferred;

use self::bridged::Bridged;
use self::format::{Ours, Wanted};
use self::media::Media;
use self::originate::Originator;
use self::signal::Asked;
use self::state::{Action, Ending, Event as Happening, Rejection, State};
use self::transferred::Transfer;
use super::auth::{self, Answer, Challenge};
use super::cipher::Key;
use super::context::Turn;
use super::directory::{Directory, Lookup, Role, Stale};
use super::event::{CallId, EndReason, Event};
use super::options::LINGER;
use super::registrar::name_of;
use super::settings::{Encryption, Name, Settings, TransferPolicy, Trunking};
use super::timer::TimerKind;
use crate::wire::{
    AuthMethods, Body, Cause, Control, EncryptionMethods, Format, FormatSet, IaxCommand, IeBuffer,
    InformationElement, InformationElements,
};

/// The highest version of the protocol that is spoken here (RFC 5456 §8.6.10).
const VERSION: u16 = 2;

/// One call with all that belongs to it.
#[derive(Debug)]
pub(super) struct CallLeg<D: Directory> {
    state: State,
    id: CallId,
    /// USERNAME as it came; AUTHREQ says it back.
    username: Vec<u8>,
    version: u16,
    number: String,
    wanted: Wanted,
    /// ENCRYPTION of the NEW.
    ciphers: EncryptionMethods,
    challenge: Option<Challenge>,
    result: Answer,
    snapshot: Option<D::Snapshot>,
    /// The user, until its challenge is over.
    user: Option<D::Handle>,
    /// Whether the directory counts the call among those that wait for AUTHREP.
    is_counted: bool,
    admitted: Option<Admitted>,
    /// Of a call that we place.
    originator: Option<Box<Originator>>,
    /// The format that both sides agreed on.
    format: Option<Format>,
    /// Where its audio goes by trunk: how.
    trunking: Option<Trunking>,
    is_offered: bool,
    remote_cause: Option<Cause>,
    hangup_cause: Cause,
    /// What ends the call if it ends here.
    local_reason: EndReason,
    media: Media,
    bridged: Option<Bridged>,
    asked: Asked,
    transfer: Transfer,
}

/// What extension and format were agreed by.
#[derive(Clone, Debug)]
struct Admitted {
    user: Name,
    format: Format,
    trunking: Option<Trunking>,
    transfer: TransferPolicy,
    serial: u64,
}

impl<D: Directory> CallLeg<D> {
    /// The call of a NEW.
    pub(super) fn new(id: CallId, ies: InformationElements<'_>) -> Self {
        let number = ies.called_number().unwrap_or(b"s");
        CallLeg {
            username: ies.username().unwrap_or_default().to_vec(),
            version: ies.version().unwrap_or(VERSION),
            wanted: Wanted::of(ies),
            ciphers: ies.encryption().unwrap_or_default(),
            ..CallLeg::blank(id, String::from_utf8_lossy(number).into_owned())
        }
    }

    fn blank(id: CallId, number: String) -> Self {
        CallLeg {
            state: State::Checking,
            id,
            username: Vec::new(),
            version: VERSION,
            number,
            wanted: Wanted::default(),
            ciphers: EncryptionMethods::default(),
            challenge: None,
            result: Answer::default(),
            snapshot: None,
            user: None,
            is_counted: false,
            admitted: None,
            originator: None,
            format: None,
            trunking: None,
            is_offered: false,
            remote_cause: None,
            hangup_cause: Cause::NORMAL_CLEARING,
            local_reason: EndReason::LocalHangup,
            media: Media::default(),
            bridged: None,
            asked: Asked::default(),
            transfer: Transfer::default(),
        }
    }

    pub(super) const fn id(&self) -> CallId {
        self.id
    }

    /// Whether it waits for the directory.
    pub(super) fn is_waiting(&self) -> bool {
        self.state == State::WaitingForDirectory
    }

    pub(super) fn begin(&mut self, turn: &mut Turn<'_, D>) {
        let happening = match self.version > VERSION || self.username.is_empty() {
            _ if self.is_outgoing() => Happening::Placed,
            true => Happening::Unacceptable,
            false => self.look_up(turn),
        };
        self.step(turn, happening);
    }

    /// The directory's answer came.
    pub(super) fn looked_up(&mut self, turn: &mut Turn<'_, D>, lookup: Lookup<D::Handle>) {
        let happening = self.weigh(turn, lookup);
        self.step(turn, happening);
    }

    /// HANGUP or REJECT was acknowledged, given up, or has lingered.
    pub(super) fn finished(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::Finished);
    }

    /// The other side does not acknowledge.
    pub(super) fn gave_up(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::GaveUp);
    }

    /// INVAL.
    pub(super) fn invalidated(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::Invalidated);
    }

    pub(super) fn delay_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::DelayElapsed);
    }

    pub(super) fn waited_too_long(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::WaitedTooLong);
    }

    /// Follows the table until it has nothing more to do.
    fn step(&mut self, turn: &mut Turn<'_, D>, happening: Happening) {
        let mut next = Some(happening);
        while let Some((state, action)) = next.and_then(|event| self.state.next(event)) {
            self.state = state;
            next = self.perform(turn, action);
        }
    }

    fn perform(&mut self, turn: &mut Turn<'_, D>, action: Action) -> Option<Happening> {
        match action {
            Action::Verify => return Some(self.verify(turn)),
            Action::Admit => return Some(self.admit(turn)),
            Action::Refuse => return self.refuse(turn),
            Action::Respond => return self.respond(turn),
            Action::Dial => self.dial(turn),
            Action::Connect => self.connect(turn),
            Action::Open => self.opened(turn),
            Action::GiveUp => {
                self.local_reason = EndReason::NoAnswer;
                self.hang_up(turn);
            }
            Action::Wait => {}
            Action::Challenge => return self.challenge(turn),
            Action::Accept => self.accept(turn),
            Action::AcceptAndOffer => {
                self.accept(turn);
                self.offer(turn);
            }
            Action::Offer => self.offer(turn),
            Action::Reject(rejection) => self.reject(turn, rejection),
            Action::Ring => turn.send_body(control(Control::Ringing)),
            Action::Answer => turn.send_body(control(Control::Answer)),
            Action::Hangup => self.hang_up(turn),
            Action::Release => self.release(turn),
            Action::End(ending) => self.end(turn, ending),
        }
        None
    }

    fn look_up(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let lookup = match name_of(&self.username) {
            Some(name) => turn.find(Role::User, &name),
            None => Lookup::Unknown,
        };
        self.weigh(turn, lookup)
    }

    /// What a lookup means for this call. Takes the one snapshot that the call reads.
    fn weigh(&mut self, turn: &mut Turn<'_, D>, lookup: Lookup<D::Handle>) -> Happening {
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

    /// Reads the call's snapshot; `None` where it went stale.
    fn read<R>(&self, turn: &Turn<'_, D>, read: impl FnOnce(&Settings) -> R) -> Option<R> {
        let snapshot = self.snapshot.as_ref()?;
        turn.context.directory.read(snapshot, read).ok()
    }

    /// Sends AUTHREQ, unless too many calls of the name wait for their AUTHREP (X-NUM-4).
    fn challenge(&mut self, turn: &mut Turn<'_, D>) -> Option<Happening> {
        let directory = &turn.context.directory;
        self.is_counted = directory.begin_challenge(self.user.as_ref(), &self.username);
        if !self.is_counted {
            self.user = None;
            return Some(Happening::TooMany);
        }
        let challenge = Challenge::new(&mut turn.context.random);
        let terms = self.read(turn, |settings| self.terms(settings, &challenge));
        let Terms { methods, keys } = terms.unwrap_or_else(Terms::of_nobody);
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
    fn end_challenge(&mut self, turn: &mut Turn<'_, D>) {
        let user = self.user.take();
        if core::mem::take(&mut self.is_counted) {
            let directory = &turn.context.directory;
            directory.end_challenge(user.as_ref(), &self.username);
        }
    }

    /// How the user may prove itself; with keys where both sides want encryption and MD5 gives a key.
    fn terms(&self, settings: &Settings, challenge: &Challenge) -> Terms {
        let methods = auth::built(settings.methods);
        let is_encrypted = settings.encryption != Encryption::Off
            && self.ciphers.contains(EncryptionMethods::AES128)
            && methods.contains(AuthMethods::MD5);
        let secrets = settings.secrets.iter().filter(|_| is_encrypted);
        let keys = secrets.map(|secret| Key::new(challenge.octets(), secret));
        Terms {
            methods,
            keys: keys.collect(),
        }
    }

    /// Encryption was agreed on, and what came instead of an encrypted AUTHREP proves nothing.
    pub(super) fn disproved(&mut self, turn: &mut Turn<'_, D>) {
        self.result = Answer::default();
        self.step(turn, Happening::AuthRep);
    }

    /// Compares the result with the secrets of the snapshot. The challenge is gone afterwards. An unknown user has no
    /// snapshot, and fails here as with a wrong secret (X-CALL-4).
    fn verify(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        self.end_challenge(turn);
        let result = core::mem::take(&mut self.result);
        let Some(challenge) = self.challenge.take() else {
            return Happening::Bad;
        };
        if self.snapshot.is_none() {
            challenge.accepts(&result, AuthMethods::MD5, &[]);
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

    /// Extension and format, by the same snapshot as the login.
    fn admit(&mut self, turn: &mut Turn<'_, D>) -> Happening {
        let (number, wanted) = (self.number.as_str(), &self.wanted);
        let admitted = self.read(turn, |settings| {
            if !may_dial(settings, number) {
                return Err(Happening::NoExtension);
            }
            Ok(Admitted {
                user: settings.name.clone(),
                format: wanted
                    .choose(Ours::of(settings))
                    .ok_or(Happening::NoFormat)?,
                trunking: settings.trunk.then_some(settings.general.trunking),
                transfer: settings.transfer,
                serial: settings.general.serial,
            })
        });
        match admitted {
            Some(Ok(admitted)) => {
                self.admitted = Some(admitted);
                Happening::Admitted
            }
            Some(Err(refused)) => refused,
            None => stale(turn, "admitting a call"),
        }
    }

    fn accept(&mut self, turn: &mut Turn<'_, D>) {
        turn.cancel(TimerKind::Admission);
        let mut ies = IeBuffer::new();
        if let Some(admitted) = &self.admitted {
            self.format = Some(admitted.format);
            self.trunking = admitted.trunking;
            self.transfer.policy = admitted.transfer;
            let mask = admitted.format.mask();
            ies.push(InformationElement::Format(mask as u32))
                .push(InformationElement::Format2(FormatSet(mask)));
        }
        turn.send(IaxCommand::Accept, &ies);
    }

    /// Gives the call to the application.
    fn offer(&mut self, turn: &mut Turn<'_, D>) {
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
        turn.context.tell(Event::Incoming {
            call: self.id,
            from: turn.link.remote,
            user,
            number: self.number.clone(),
            format,
            serial,
        });
    }

    /// Counts a failed login. Without a delay the refusal follows at once.
    fn refuse(&mut self, turn: &mut Turn<'_, D>) -> Option<Happening> {
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

    fn reject(&mut self, turn: &mut Turn<'_, D>, rejection: Rejection) {
        self.snapshot = None;
        if self.is_outgoing() {
            self.local_reason = EndReason::NoFormat;
        }
        let (cause, words): (Cause, &[u8]) = match rejection {
            Rejection::Authority => (Cause::FACILITY_NOT_SUBSCRIBED, b"No authority found"),
            Rejection::Extension => (Cause::NO_ROUTE_DESTINATION, b"No such context/extension"),
            Rejection::Format => (Cause::BEARER_UNAVAILABLE, b"Unable to negotiate codec"),
            Rejection::Challenges => (Cause::CALL_REJECTED, b"Unauthenticated call limit reached"),
        };
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Cause(words))
            .push(InformationElement::CauseCode(cause));
        turn.send_final(IaxCommand::Reject, &ies);
    }

    fn hang_up(&mut self, turn: &mut Turn<'_, D>) {
        self.snapshot = None;
        self.say_over(turn, self.hangup_cause);
        self.drop_transfer(turn);
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CauseCode(self.hangup_cause));
        turn.send_final(IaxCommand::Hangup, &ies);
        turn.arm(TimerKind::Linger, LINGER);
    }

    fn end(&mut self, turn: &mut Turn<'_, D>, ending: Ending) {
        self.end_challenge(turn);
        turn.end();
        self.say_over(turn, self.cause_of(ending));
        if self.is_offered {
            let reason = match ending {
                _ if self.local_reason == EndReason::Transferred => self.local_reason,
                Ending::Remote => EndReason::RemoteHangup(self.remote_cause),
                Ending::Local => self.local_reason,
                Ending::Invalidated => EndReason::Invalidated,
                Ending::Unreachable => EndReason::Unreachable,
                Ending::Stale => EndReason::Stale,
            };
            let call = self.id;
            turn.context.tell(Event::Ended { call, reason });
        }
    }
}

/// What an AUTHREQ offers.
struct Terms {
    methods: AuthMethods,
    /// One for each secret; none where the call stays in clear.
    keys: Vec<Key>,
}

impl Terms {
    /// A name that is unknown is offered what most are (X-CALL-4).
    const fn of_nobody() -> Self {
        Terms {
            methods: AuthMethods::MD5,
            keys: Vec::new(),
        }
    }
}

fn stale<D: Directory>(turn: &mut Turn<'_, D>, what: &'static str) -> Happening {
    turn.context.tell_stale(what);
    Happening::Stale
}

fn may_dial(settings: &Settings, number: &str) -> bool {
    settings.extensions.is_empty() || settings.extensions.iter().any(|known| known == number)
}

const fn control(control: Control) -> Body<'static> {
    Body::Control { control, data: &[] }
}
