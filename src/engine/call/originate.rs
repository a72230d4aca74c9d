//! The originator's side of a call (RFC 5456 §6.2, Figure 2): NEW, the answer to a challenge, what an ACCEPT agrees on.

use core::fmt;

use super::CallLeg;
use super::dial::Dial;
use super::state::{Event as Happening, State};
use crate::engine::auth::{HEX_LEN, md5_result};
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::event::{CallId, EndReason, Event};
use crate::engine::timer::TimerKind;
use crate::wire::{
    AuthMethods, Format, IaxCommand, IeBuffer, InformationElement, InformationElements,
};

/// What only the originator's side keeps.
pub(super) struct Originator {
    dial: Dial,
    /// The challenge that is to be answered. Never printed.
    asked: Option<(AuthMethods, Vec<u8>)>,
}

impl Originator {
    pub(super) const fn new(dial: Dial) -> Self {
        Originator { dial, asked: None }
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
        CallLeg {
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
        let challenge = ies.challenge().unwrap_or_default().to_vec();
        let methods = ies.auth_methods().unwrap_or_default();
        if let Some(originator) = &mut self.originator {
            originator.asked = Some((methods, challenge));
            self.step(turn, Happening::AuthReq);
        }
    }

    /// ACCEPT must name exactly one format, and one that we can do.
    pub(super) fn accepted(&mut self, turn: &mut Turn<'_, D>, ies: InformationElements<'_>) {
        let (Some(originator), State::Waiting) = (&self.originator, self.state) else {
            return;
        };
        let offered = ies.format_mask().unwrap_or_default();
        let ours = originator.dial.capability;
        self.format = Format::from_mask(offered.0).filter(|format| ours.contains(*format));
        let happening = match self.format {
            Some(_) => Happening::Accepted,
            None => Happening::Unusable,
        };
        self.step(turn, happening);
    }

    /// Answers the challenge, if we may and can.
    pub(super) fn respond(&mut self, turn: &mut Turn<'_, D>) -> Option<Happening> {
        let result = self.originator.as_mut().and_then(|it| it.answer());
        let Some(result) = result else {
            self.local_reason = EndReason::Unauthenticated;
            return Some(Happening::CannotAnswer);
        };
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Md5Result(&result));
        turn.send(IaxCommand::AuthRep, &ies);
        None
    }

    /// The other side accepted: from here on media and signals count.
    pub(super) fn connect(&mut self, turn: &mut Turn<'_, D>) {
        turn.cancel(TimerKind::Admission);
        if let Some(format) = self.format {
            let call = self.id;
            turn.context.tell(Event::Accepted { call, format });
        }
    }

    /// ANSWER came.
    pub(super) fn opened(&mut self, turn: &mut Turn<'_, D>) {
        let call = self.id;
        turn.context.tell(Event::Answered { call });
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

impl Originator {
    /// The MD5 RESULT for the challenge that came.
    fn answer(&mut self) -> Option<[u8; HEX_LEN]> {
        let (methods, challenge) = self.asked.take()?;
        let common = AuthMethods(methods.0 & self.dial.methods.0);
        let secret = self.dial.secrets.last()?;
        let can = common.contains(AuthMethods::MD5) && !challenge.is_empty();
        can.then(|| md5_result(&challenge, secret))
    }
}
