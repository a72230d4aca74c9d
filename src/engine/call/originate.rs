//! The originator's side of a call (RFC 5456 §6.2, Figure 2): NEW, the answer to a challenge, what an ACCEPT agrees on.
//!
//! # Deviations
//!
//! - Where encryption was asked for, a challenge that does not grant it ends the call, whether or not it is forced; chan_iax2
//!   answers in clear. Where it is forced, so does an ACCEPT without a challenge (X-ENC-3).
//! - The rotation of keys is not asked for (X-ENC-1).
//! - chan_iax2 answers each AUTHREQ with another challenge; here not one that comes on an encrypted call.

use core::fmt;

use super::CallLeg;
use super::dial::Dial;
use super::state::{Event as Happening, State};
use super::transferred::Transfer;
use crate::engine::auth::{Response, answer_to_challenge};
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::event::{CallId, EndReason, Event};
use crate::engine::settings::Encryption;
use crate::engine::timer::TimerKind;
use crate::wire::{Format, IaxCommand, IeBuffer, InformationElement, InformationElements};

/// What only the originator's side keeps.
pub(super) struct Originator {
    dial: Dial,
    /// What the challenge that came is answered with. Never printed.
    response: Option<Response>,
}

impl Originator {
    pub(super) const fn new(dial: Dial) -> Self {
        Originator {
            dial,
            response: None,
        }
    }
}

impl fmt::Debug for Originator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Originator")
            .field("dial", &self.dial)
            .finish_non_exhaustive()
    }
}

impl<D: Directory> CallLeg<D> {
    /// A call to be placed. It holds the peer's settings for as long as it lives, where they come from the directory. The
    /// application has it from the start.
    pub(in crate::engine) fn outgoing(
        id: CallId,
        dial: Dial,
        snapshot: Option<D::Snapshot>,
    ) -> Self {
        let number = dial.number.clone();
        let transfer = Transfer::under(dial.transfer);
        CallLeg {
            transfer,
            state: State::Initial,
            snapshot,
            originator: Some(Box::new(Originator::new(dial))),
            is_offered: true,
            ..CallLeg::blank(id, number)
        }
    }

    /// Sends NEW.
    pub(super) fn dial(&mut self, turn: &mut Turn<'_, D>) {
        let unix = turn.context.options.unix_time_at_zero + turn.now.as_secs();
        let Some(Originator { dial, .. }) = self.originator.as_deref() else {
            return;
        };
        if let Some(wait) = dial.answer_wait {
            turn.arm(TimerKind::AnswerWait, wait);
        }
        turn.open(IaxCommand::New, dial.elements(unix));
    }

    /// AUTHREQ: the challenge is answered where the call still waits.
    pub(super) fn challenged(&mut self, turn: &mut Turn<'_, D>, ies: InformationElements<'_>) {
        let Some(Originator { dial, response }) = self.originator.as_deref_mut() else {
            return;
        };
        if turn.link.is_encrypted() {
            return;
        }
        let answer = answer_to_challenge(dial.methods, &dial.secrets, dial.encryption, ies);
        *response = Some(answer);
        self.step(turn, Happening::AuthReq);
    }

    /// ACCEPT must name exactly one format, and one that we can do.
    pub(super) fn accepted(&mut self, turn: &mut Turn<'_, D>, ies: InformationElements<'_>) {
        let (Some(originator), State::Waiting) = (&self.originator, self.state) else {
            return;
        };
        let dial = &originator.dial;
        let offered = ies.format_mask().unwrap_or_default();
        let ours = dial.capability;
        self.format = Format::from_mask(offered.0).filter(|format| ours.contains(*format));
        let happening = match self.format {
            _ if dial.encryption == Encryption::Forced && !turn.link.is_encrypted() => {
                self.local_reason = EndReason::Unencrypted;
                Happening::CannotAnswer
            }
            Some(_) => Happening::Accepted,
            None => Happening::Unusable,
        };
        self.step(turn, happening);
    }

    /// Answers the challenge, if we may and can.
    pub(super) fn respond(&mut self, turn: &mut Turn<'_, D>) -> Option<Happening> {
        let response = self.originator.as_mut().and_then(|it| it.response.take());
        let mut ies = IeBuffer::new();
        match response.unwrap_or(Response::Refuse) {
            Response::Md5(result) => {
                ies.push(InformationElement::Md5Result(&result));
            }
            Response::Md5Encrypted { result, key } => {
                turn.link.encrypt_from_now(key);
                ies.push(InformationElement::Md5Result(&result));
            }
            Response::Plaintext(secret) => {
                ies.push(InformationElement::Password(secret.expose()));
            }
            Response::Refuse => {
                self.local_reason = EndReason::Unauthenticated;
                return Some(Happening::CannotAnswer);
            }
        }
        turn.send(IaxCommand::AuthRep, &ies);
        None
    }

    /// The other side accepted: from here on media and signals count.
    pub(super) fn connect(&mut self, turn: &mut Turn<'_, D>) {
        turn.cancel(TimerKind::Admission);
        if self.originator.as_ref().is_some_and(|it| it.dial.trunk) {
            let trunking = self.read(turn, |settings| settings.general.trunking);
            self.trunking = Some(trunking.unwrap_or_default());
        }
        if let Some(format) = self.format {
            let call = self.id;
            turn.context.tell(Event::Accepted { call, format });
        }
    }

    /// ANSWER came.
    pub(super) fn opened(&mut self, turn: &mut Turn<'_, D>) {
        let call = self.id;
        self.deliver(turn, Event::Answered { call });
    }

    /// No answer at all in `answer_wait`: given up here (chan_iax2: auto-congest, X-CALL-2).
    pub(in crate::engine) fn answer_wait_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        self.step(turn, Happening::NoAnswer);
    }

    /// Whether we placed it.
    pub(super) const fn is_outgoing(&self) -> bool {
        self.originator.is_some()
    }
}
