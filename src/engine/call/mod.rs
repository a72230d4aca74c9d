//! A call (RFC 5456 §6.2). [`state`] has the table of both sides; this file follows it, `login` and `admit` do what it says of
//! the answerer's, and `originate` of the originator's. All settings that a call reads are of one snapshot, taken when the
//! directory gave the user or peer.
//!
//! # Deviations
//!
//! - CALLED CONTEXT is not looked at: the application has one dial plan.
//! - chan_iax2 verifies a second AUTHREP while its refusal is on the way; here a challenge is good for one answer.
//! - Video is handed on as it comes, in any format, and never agreed on.
//! - chan_iax2 offers an unknown name MD5 alone; here it is answered as a user would be that has a secret and says nothing else: by
//!   the `auth`, `encryption` and `maxauthreq` of `[general]` (X-CALL-4). What remains: a user that says otherwise for itself can
//!   be told from an unknown name by the AUTHMETHODS or ENCRYPTION of its AUTHREQ, or by the number of its calls that wait; one
//!   without a secret by its ACCEPT. So these belong into `[general]`.
//! - Encryption needs MD5 among the user's methods; chan_iax2 encrypts after RSA too.

mod admit;
mod bridged;
mod command;
pub(super) mod dial;
mod digits;
mod format;
mod login;
mod media;
mod originate;
mod receive;
mod released;
mod requested;
mod signal;
mod standing;
mod state;
mod transferred;

use self::admit::Admitted;
use self::bridged::Bridged;
use self::format::Wanted;
use self::media::Media;
use self::originate::Originator;
use self::signal::Asked;
use self::state::{Action, Ending, Event as Happening, Rejection, State};
use self::transferred::Transfer;
use super::auth::{Answer, Challenge};
use super::context::Turn;
use super::directory::{Directory, Lookup};
use super::event::{CallId, EndReason, Event};
use super::options::LINGER;
use super::settings::{Settings, Trunking};
use super::timer::TimerKind;
use crate::wire::{
    Body, Cause, Control, EncryptionMethods, Format, IaxCommand, IeBuffer, InformationElement,
    InformationElements,
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
        let happening = match self.version > VERSION {
            _ if self.is_outgoing() => Happening::Placed,
            true => Happening::Unacceptable,
            false if self.username.is_empty() => self.look_for_guest(turn),
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
            Action::Proceed => self.proceed(turn),
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
            Action::Ask => self.request(turn),
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

    fn read<R>(&self, turn: &Turn<'_, D>, read: impl FnOnce(&Settings) -> R) -> Option<R> {
        let snapshot = self.snapshot.as_ref()?;
        turn.context.directory.read(snapshot, read).ok()
    }

    fn reject(&mut self, turn: &mut Turn<'_, D>, rejection: Rejection) {
        self.snapshot = None;
        if self.is_outgoing() {
            self.local_reason = EndReason::NoFormat;
        }
        let cause = match rejection {
            Rejection::Authority => Cause::FACILITY_NOT_SUBSCRIBED,
            Rejection::Extension => Cause::NO_ROUTE_DESTINATION,
            Rejection::Format => Cause::BEARER_UNAVAILABLE,
            Rejection::Challenges => Cause::CALL_REJECTED,
            Rejection::Application => self.hangup_cause,
            Rejection::Undecided => Cause::TEMPORARY_FAILURE,
        };
        let mut ies = IeBuffer::new();
        let words = requested::words(rejection, cause);
        if !words.is_empty() {
            ies.push(InformationElement::Cause(words));
        }
        ies.push(InformationElement::CauseCode(cause));
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

fn stale<D: Directory>(turn: &mut Turn<'_, D>, what: &'static str) -> Happening {
    turn.context.tell_stale(what);
    Happening::Stale
}

const fn control(control: Control) -> Body<'static> {
    Body::Control { control, data: &[] }
}
