//! A call as the end of a transfer (RFC 5456 §6.5): the middle names a third party, we try to reach it, and go over to it when the
//! middle says so. What it takes to keep a stranger from sending us anywhere is in `asked_to_move` and in the endpoint's
//! `reserve`.

use super::CallLeg;
use crate::engine::context::Turn;
use crate::engine::directory::Directory;
use crate::engine::event::Event;
use crate::engine::options::{
    TRANSFER_ATTEMPTS_MAX, TRANSFER_READY_WAIT, TXCNT_FIRST_WAIT, TXCNT_MAX, TXCNT_WAIT,
};
use crate::engine::settings::TransferPolicy;
use crate::engine::timer::TimerKind;
use crate::engine::transfer::state::{End, EndAction, EndEvent, Middle, MiddleEvent};
use crate::engine::transfer::{EarlyFrames, EarlyTxcnts, Plan, Request, Third, same_id};
use crate::wire::{
    Body, CallNumber, Cause, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements, MiniFrame, SeqNo,
};

/// All that a call keeps of transfers.
#[derive(Debug, Default)]
pub(super) struct Transfer {
    pub(super) policy: TransferPolicy,
    pub(super) end: End,
    pub(super) middle: Middle,
    /// As a leg of the middle: what is to come of it.
    pub(super) plan: Option<Plan>,
    /// As a leg of the middle: the other side has said that it cannot.
    pub(super) is_unable: bool,
    third: Option<Third>,
    id: Option<u32>,
    /// TXREQs since the call began or was moved that came to nothing.
    attempts: u8,
    txcnt_sent: u8,
    /// TXCNTs that came before any TXREQ.
    txcnts: EarlyTxcnts,
    early: EarlyFrames,
}

impl Transfer {
    /// Nothing has happened yet.
    pub(super) fn under(policy: TransferPolicy) -> Self {
        Transfer {
            policy,
            ..Transfer::default()
        }
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!((self.end, self.middle), (End::None, Middle::None))
    }
}

impl<D: Directory> CallLeg<D> {
    /// A message about transfers that takes a sequence number.
    pub(super) fn receive_transfer(
        &mut self,
        turn: &mut Turn<'_, D>,
        command: IaxCommand,
        ies: InformationElements<'_>,
    ) {
        if self.transfer.is_idle() && command != IaxCommand::TxRej && !self.may_move(turn) {
            turn.unsupported(command);
            return;
        }
        match command {
            IaxCommand::TxReq => self.asked_to_move(turn, ies),
            IaxCommand::TxReady => self.end_is_ready(turn, ies),
            IaxCommand::TxRel if self.is_announced(ies) => self.step_end(turn, EndEvent::TxRel),
            IaxCommand::TxMedia => self.step_end(turn, EndEvent::TxMedia),
            IaxCommand::TxRej => self.refused(turn, ies),
            _ => {}
        }
    }

    /// Whether the other side may send this call elsewhere: it is accepted, in clear (X-ENC-5), the settings allow it, and it
    /// was not tried in vain too often.
    fn may_move(&self, turn: &Turn<'_, D>) -> bool {
        self.state.is_started()
            && !turn.link.is_encrypted()
            && self.transfer.policy != TransferPolicy::Refused
            && self.transfer.attempts < TRANSFER_ATTEMPTS_MAX
    }

    /// TXREJ. As an end the call goes on with a transfer that it does not name: what is refused was our own.
    fn refused(&mut self, turn: &mut Turn<'_, D>, ies: InformationElements<'_>) {
        self.end_refused(turn);
        if same_id(ies.transfer_id(), self.transfer.id) {
            self.step_end(turn, EndEvent::TxRej);
        }
    }

    /// TXREQ. Without address or number it means nothing (chan_iax2); while another transfer is under way it is refused, unless
    /// that gives way.
    fn asked_to_move(&mut self, turn: &mut Turn<'_, D>, ies: InformationElements<'_>) {
        let number = ies.call_number().and_then(CallNumber::new);
        let number = number.filter(|number| *number > CallNumber::STATELESS);
        let address = ies.apparent_address().map(|address| address.unmapped());
        let Some((address, number)) = address.zip(number) else {
            return;
        };
        let id = ies.transfer_id();
        self.give_way(turn, id);
        if !self.transfer.is_idle() {
            let mut refusal = refusal();
            if let Some(id) = id {
                refusal.push(InformationElement::TransferId(id));
            }
            turn.send(IaxCommand::TxRej, &refusal);
            return;
        }
        self.transfer.third = Some(Third { address, number });
        self.transfer.id = id;
        self.transfer.attempts += 1;
        self.step_end(turn, EndEvent::TxReq);
    }

    /// Where we have asked the other side to move, and it asks us: were both refused, two neighbours in a chain of calls would
    /// hold each other there for ever. Both know both TRANSFERIDs, and the lower one goes on.
    fn give_way(&mut self, turn: &mut Turn<'_, D>, theirs: Option<u32>) {
        let ours = self.transfer.plan.map(|plan| plan.id);
        let is_lower = theirs.zip(ours).is_some_and(|(theirs, ours)| theirs < ours);
        if is_lower && self.transfer.middle.is_asking() && self.may_move(turn) {
            self.end_refused(turn);
        }
    }

    /// Whether TXREL names the number that TXREQ did, and more than the audio may leave.
    fn is_announced(&self, ies: InformationElements<'_>) -> bool {
        let announced = self.transfer.third.map(|third| third.number.get());
        announced.is_some()
            && ies.call_number() == announced
            && self.transfer.policy == TransferPolicy::Allowed
    }

    /// The endpoint says whether our number may be used with the third party.
    pub(in crate::engine) fn reserved(&mut self, turn: &mut Turn<'_, D>, is_reserved: bool) {
        let event = match is_reserved {
            true => EndEvent::Reserved,
            false => EndEvent::Unavailable,
        };
        self.step_end(turn, event);
    }

    /// The timer of a transfer fired: of one as an end, or as the middle; never of both at once.
    pub(in crate::engine) fn transfer_wait_elapsed(&mut self, turn: &mut Turn<'_, D>) {
        if self.transfer.middle != Middle::None {
            self.step_middle(turn, MiddleEvent::TimedOut);
            return;
        }
        let is_connecting = self.transfer.end == End::Begin;
        let event = match is_connecting && self.transfer.txcnt_sent < TXCNT_MAX {
            true => EndEvent::Tick,
            false => EndEvent::TimedOut,
        };
        self.step_end(turn, event);
    }

    fn step_end(&mut self, turn: &mut Turn<'_, D>, event: EndEvent) {
        if !self.state.is_started() {
            return;
        }
        if let Some((end, action)) = self.transfer.end.next(event) {
            self.transfer.end = end;
            self.perform_end(turn, action);
        }
    }

    fn perform_end(&mut self, turn: &mut Turn<'_, D>, action: EndAction) {
        match action {
            EndAction::Reserve => {
                turn.link.request = self.transfer.third.map(Request::Reserve);
            }
            EndAction::Connect => {
                self.transfer.txcnt_sent = 0;
                self.send_txcnt(turn);
                turn.arm(TimerKind::Transfer, TXCNT_FIRST_WAIT);
                self.answer_early_txcnt(turn);
            }
            EndAction::Resend => {
                self.send_txcnt(turn);
                turn.arm(TimerKind::Transfer, TXCNT_WAIT);
            }
            EndAction::Acknowledge => self.send_exempt(turn, IaxCommand::TxAcc),
            EndAction::Ready => {
                // The number by which the far end will address us (X-TX-3).
                let local = turn.link.reliable.local();
                let mut ies = self.identity();
                ies.push(InformationElement::CallNo(local.get()));
                turn.send(IaxCommand::TxReady, &ies);
                turn.arm(TimerKind::Transfer, TRANSFER_READY_WAIT);
            }
            EndAction::Refuse => turn.send(IaxCommand::TxRej, &refusal()),
            EndAction::Reject => {
                turn.send(IaxCommand::TxRej, &refusal());
                self.forget_third(turn);
            }
            EndAction::Forget => self.forget_third(turn),
            EndAction::Move => {
                turn.cancel(TimerKind::Transfer);
                let early = core::mem::take(&mut self.transfer.early);
                turn.link.request = Some(Request::Move(early));
            }
            EndAction::PassMedia => {
                turn.cancel(TimerKind::Transfer);
                self.tell_transferred(turn, self.transfer.third, true);
            }
        }
    }

    fn forget_third(&mut self, turn: &mut Turn<'_, D>) {
        turn.cancel(TimerKind::Transfer);
        self.transfer.early = EarlyFrames::default();
        turn.link.request = Some(Request::Forget);
    }

    /// TRANSFERID, if TXREQ had one (RFC 5456 §6.5.2).
    fn identity(&self) -> IeBuffer {
        let mut ies = IeBuffer::new();
        if let Some(id) = self.transfer.id {
            ies.push(InformationElement::TransferId(id));
        }
        ies
    }

    fn send_txcnt(&mut self, turn: &mut Turn<'_, D>) {
        self.transfer.txcnt_sent += 1;
        self.send_exempt(turn, IaxCommand::TxCnt);
    }

    /// A TXCNT of nobody that we know yet. It counts when TXREQ names its sender, and is answered no sooner; whether it is held.
    pub(in crate::engine) fn hold_txcnt(
        &mut self,
        turn: &mut Turn<'_, D>,
        from: Third,
        id: Option<u32>,
    ) -> bool {
        let may_come = self.transfer.is_idle() && self.may_move(turn);
        if may_come {
            self.transfer.txcnts.hold(turn.now, from, id);
        }
        may_come
    }

    fn answer_early_txcnt(&mut self, turn: &mut Turn<'_, D>) {
        let id = self.transfer.id;
        let Some(third) = self.transfer.third else {
            return;
        };
        if self.transfer.txcnts.take(turn.now, third, id) {
            self.step_end(turn, EndEvent::TxCnt);
        }
    }

    /// TXCNT or TXACC, straight to the third party: of no place in the order, and few (X-TX-5).
    fn send_exempt(&self, turn: &mut Turn<'_, D>, command: IaxCommand) {
        let Some(third) = self.transfer.third else {
            return;
        };
        let ies = self.identity();
        let frame = FullFrame {
            source: turn.link.reliable.local(),
            destination: third.number,
            retransmission: false,
            timestamp: turn.link.reliable.stamp(turn.now),
            oseqno: SeqNo(0),
            iseqno: SeqNo(0),
            body: Body::Iax {
                command,
                ies: ies.view(),
            },
        };
        let mut octets = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut octets);
        turn.context.transmit(third.address, octets);
    }

    /// A frame of the third party: TXCNT and TXACC count, what comes once it may be released is held, the rest is dropped
    /// (X-TX-1). Whether it was of use.
    pub(in crate::engine) fn receive_third(
        &mut self,
        turn: &mut Turn<'_, D>,
        frame: &FullFrame<'_>,
    ) -> bool {
        let (event, ies) = match frame.body {
            Body::Iax {
                command: IaxCommand::TxCnt,
                ies,
            } => (EndEvent::TxCnt, ies),
            Body::Iax {
                command: IaxCommand::TxAcc,
                ies,
            } => (EndEvent::TxAcc, ies),
            _ => return self.hold(&Frame::Full(*frame)),
        };
        let is_same = same_id(ies.transfer_id(), self.transfer.id);
        if is_same {
            self.step_end(turn, event);
        }
        is_same
    }

    /// A mini frame of the third party: audio, once audio goes there.
    pub(in crate::engine) fn receive_third_mini(
        &mut self,
        turn: &mut Turn<'_, D>,
        frame: &MiniFrame<'_>,
    ) -> bool {
        match self.transfer.end {
            End::MediaPass => self.receive_mini(turn, frame.timestamp(), frame.data()),
            _ => self.hold(&Frame::Mini(*frame)),
        }
    }

    fn hold(&mut self, frame: &Frame<'_>) -> bool {
        self.transfer.end == End::Ready && self.transfer.early.hold(frame)
    }

    /// Where mini frames go, if not to the other side.
    pub(super) const fn media_address(&self) -> Option<core::net::SocketAddr> {
        match (self.transfer.end, self.transfer.third) {
            (End::MediaPass, Some(third)) => Some(third.address),
            _ => None,
        }
    }

    /// The third party is the other side now. Formats and clocks start over (X-TX-4).
    pub(in crate::engine) fn moved(&mut self, turn: &mut Turn<'_, D>) {
        let third = self.transfer.third.take();
        self.transfer = Transfer::under(self.transfer.policy);
        self.media.restart();
        self.restart_clock();
        self.tell_transferred(turn, third, false);
    }

    pub(super) fn tell_transferred(
        &self,
        turn: &mut Turn<'_, D>,
        third: Option<Third>,
        media_only: bool,
    ) {
        let call = self.id;
        if let Some(Third { address, .. }) = third {
            turn.context.tell(Event::Transferred {
                call,
                address,
                media_only,
            });
        }
    }

    /// The call ends or is hung up: nothing comes of a transfer.
    pub(super) fn drop_transfer(&mut self, turn: &mut Turn<'_, D>) {
        if self.transfer.end != End::None {
            self.transfer.end = End::None;
            self.forget_third(turn);
        }
        self.transfer.middle = Middle::None;
    }
}

/// The elements of TXREJ (RFC 5456 §8.6.21, §8.6.33).
pub(super) fn refusal() -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CauseCode(Cause::FACILITY_REJECTED));
    ies
}
