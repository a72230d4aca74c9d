//! A call as a leg of the middle of a transfer (RFC 5456 §6.5): both ends are asked to find each other, and let go when both have.

use super::transferred::refusal;
use super::{CallLeg, Happening};
use crate::engine::bridge::{LegMessage, LegWord};
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::error::Error;
use crate::engine::event::{EndReason, Event};
use crate::engine::options::TRANSFER_WAIT;
use crate::engine::settings::TransferPolicy;
use crate::engine::timer::TimerKind;
use crate::engine::transfer::state::{Middle, MiddleAction, MiddleEvent};
use crate::engine::transfer::{Plan, same_id};
use crate::wire::ie::ApparentAddress;
use crate::wire::{IaxCommand, IeBuffer, InformationElement, InformationElements};

impl<D: Directory> CallLeg<D> {
    /// Whether the audio alone may leave us.
    pub(in crate::engine) fn may_be_released(&self) -> Result<bool, Error> {
        let is_possible = self.transfer.is_idle() && !self.transfer.is_unable;
        match self.transfer.policy {
            _ if !self.state.is_started() => Err(self.wrong_state("transfer")),
            TransferPolicy::Allowed if is_possible => Ok(false),
            TransferPolicy::MediaOnly if is_possible => Ok(true),
            _ => Err(Error::NotTransferable(self.id)),
        }
    }

    /// The application wants out; this leg leads.
    pub(in crate::engine) fn lead(&mut self, turn: &mut Turn<'_, D>, plan: Plan) {
        self.transfer.plan = Some(plan);
        self.step_middle(turn, MiddleEvent::Start);
    }

    /// The other leg leads.
    pub(super) fn follow(&mut self, turn: &mut Turn<'_, D>, plan: Plan) {
        self.transfer.plan = Some(plan);
        self.step_middle(turn, MiddleEvent::Follow);
    }

    /// The application takes the two legs apart: each tells its own end.
    pub(in crate::engine) fn call_off(&mut self, turn: &mut Turn<'_, D>) {
        self.step_middle(turn, MiddleEvent::OtherRejected);
    }

    /// TXREADY. What it names must be what was asked for, where it names anything (X-TX-2, X-TX-3).
    pub(super) fn end_is_ready(&mut self, turn: &mut Turn<'_, D>, ies: InformationElements<'_>) {
        let theirs = turn.link.reliable.remote().get();
        let asked = self.transfer.plan.map(|plan| plan.id);
        let is_theirs = ies.call_number().is_none_or(|number| number == theirs);
        if is_theirs && same_id(ies.transfer_id(), asked) {
            self.step_middle(turn, MiddleEvent::TxReady);
        }
    }

    /// TXREJ.
    pub(super) fn end_refused(&mut self, turn: &mut Turn<'_, D>) {
        self.step_middle(turn, MiddleEvent::TxRej);
    }

    /// UNSUPPORT: whoever cannot do TXREQ is not asked again (RFC 5456 §6.9.5; X-CALL-9, where yate is such a one).
    pub(super) fn is_told_unsupported(
        &mut self,
        turn: &mut Turn<'_, D>,
        ies: InformationElements<'_>,
    ) {
        if ies.iax_unknown() == Some(IaxCommand::TxReq.octet()) {
            self.transfer.is_unable = true;
            self.end_refused(turn);
        }
    }

    pub(super) fn step_middle(&mut self, turn: &mut Turn<'_, D>, event: MiddleEvent) {
        let gone = match self.transfer.plan {
            Some(plan) if plan.media_only => Middle::Media,
            _ => Middle::Release,
        };
        if !self.state.is_started() {
            return;
        }
        if let Some((middle, action)) = self.transfer.middle.next(event, gone) {
            self.transfer.middle = middle;
            self.perform_middle(turn, action);
        }
    }

    fn perform_middle(&mut self, turn: &mut Turn<'_, D>, action: MiddleAction) {
        match action {
            MiddleAction::Lead => {
                self.send_txreq(turn);
                turn.arm(TimerKind::Transfer, TRANSFER_WAIT);
            }
            MiddleAction::Ask => self.send_txreq(turn),
            MiddleAction::Wait => {}
            MiddleAction::TellReady => self.say_to_other(turn, LegWord::Ready),
            MiddleAction::LetBothGo => {
                self.say_to_other(turn, LegWord::LetGo);
                self.let_go(turn);
            }
            MiddleAction::LetGo => self.let_go(turn),
            MiddleAction::TellRejected => {
                self.say_to_other(turn, LegWord::Rejected);
                self.failed(turn);
            }
            MiddleAction::Reject => {
                turn.send(IaxCommand::TxRej, &refusal());
                self.failed(turn);
            }
            MiddleAction::RejectBoth => {
                turn.send(IaxCommand::TxRej, &refusal());
                self.say_to_other(turn, LegWord::Rejected);
                self.failed(turn);
            }
        }
    }

    fn say_to_other(&self, turn: &mut Turn<'_, D>, word: LegWord) {
        if let Some(to) = self.partner() {
            let from = self.id;
            turn.context.tell_leg(LegMessage { from, to, word });
        }
    }

    fn send_txreq(&self, turn: &mut Turn<'_, D>) {
        let Some(Plan { third, id, .. }) = self.transfer.plan else {
            return;
        };
        let address = ApparentAddress(third.address);
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::ApparentAddr(address))
            .push(InformationElement::CallNo(third.number.get()))
            .push(InformationElement::TransferId(id));
        turn.send(IaxCommand::TxReq, &ies);
    }

    /// Both ends are ready. Without its audio the leg goes on; without anything it is over, and does not end the other.
    fn let_go(&mut self, turn: &mut Turn<'_, D>) {
        turn.cancel(TimerKind::Transfer);
        match self.transfer.plan {
            Some(plan) if plan.media_only => {
                turn.send(IaxCommand::TxMedia, &far_number(plan));
                self.tell_transferred(turn, Some(plan.third), true);
            }
            _ => {
                self.part();
                self.step(turn, Happening::Released);
            }
        }
    }

    /// TXREL is the last that we say in this call. Its acknowledgement ends it, and so does any other sign that the end is
    /// gone.
    pub(super) fn release(&mut self, turn: &mut Turn<'_, D>) {
        self.local_reason = EndReason::Transferred;
        self.snapshot = None;
        if let Some(plan) = self.transfer.plan {
            turn.send_final(IaxCommand::TxRel, &far_number(plan));
        }
    }

    fn failed(&mut self, turn: &mut Turn<'_, D>) {
        turn.cancel(TimerKind::Transfer);
        let call = self.id;
        turn.context.tell(Event::TransferFailed { call });
    }
}

/// CALLNO of the far end, for the receiver to address (X-TX-3).
fn far_number(plan: Plan) -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CallNo(plan.third.number.get()));
    ies
}
