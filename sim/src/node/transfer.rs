//! A client as the end of a transfer (RFC 5456 §6.5): its server names a third party; it tries to reach that, says so, and goes over
//! when it is told. It is a second implementation of that side, after chan_iax2: TXACC and TXREADY name no TRANSFERID, TXCNT that
//! comes before any TXREQ is nothing, and who is ready waits for as long as the call lives. Unlike chan_iax2 it holds a little of
//! what the third party sends too early.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Cause, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements, MiniFrame, SeqNo,
};

use super::callee::Moods;
use super::client::{Client, Outbox, drain};
use super::dialogue::{Dialogue, Phase, iax};
use crate::decide::{Domain, Key};
use crate::goals::Goal;

/// How often TXCNT goes out, and how long it waits for TXACC the first time and later.
const TXCNTS: u8 = 4;
const WAIT_FIRST: Duration = Duration::from_secs(2);
const WAIT: Duration = Duration::from_secs(1);
/// How many frames of the third party are held.
const HELD_MAX: usize = 8;

/// What a client does about TXREQ: a decision. The first is the dull one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Obey,
    Reject,
    Unsupport,
    Silent,
}

const ANSWERS: [Answer; 4] = [
    Answer::Obey,
    Answer::Reject,
    Answer::Unsupport,
    Answer::Silent,
];

/// How far a dialogue is with its move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    None,
    /// TXCNT is out.
    Begin,
    /// TXACC came, and TXREADY is out.
    Ready,
    /// Audio goes to the third party, the rest does not.
    MediaPass,
}

/// Who is to be the other side.
#[derive(Clone, Copy, Debug)]
struct Third {
    address: SocketAddr,
    number: CallNumber,
    id: Option<u32>,
}

/// What a dialogue keeps of its move.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    stage: Stage,
    third: Option<Third>,
    sent: u8,
    next_at: Option<Instant>,
    held: Vec<Vec<u8>>,
    has_failed: bool,
}

impl Transfer {
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.next_at
    }

    /// Whether it came to nothing, the last time.
    pub(super) const fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn fail(&mut self) {
        *self = Transfer {
            has_failed: true,
            ..Transfer::default()
        };
    }

    fn is_third(&self, address: SocketAddr, number: CallNumber) -> bool {
        let mut third = self.third.iter();
        third.any(|third| third.address == address && third.number == number)
    }

    fn hold(&mut self, frame: &Frame<'_>, out: &mut Outbox) {
        if self.stage == Stage::Ready && self.held.len() < HELD_MAX {
            out.goals.reach(Goal::EarlyHeld);
            let mut octets = Vec::with_capacity(frame.encoded_len());
            frame.encode(&mut octets);
            self.held.push(octets);
        }
    }
}

impl Moods<'_> {
    /// What a client does when it is asked for the nth time to move a call. When all is calm it moves.
    fn answer_to_txreq(&mut self, client: u8, nth: u32) -> Answer {
        if self.is_calm {
            return Answer::Obey;
        }
        let key = Key {
            domain: Domain::Move,
            who: u16::from(client),
            nth,
        };
        let (rate, choices) = (u64::from(self.permille), ANSWERS.len() as u32);
        let chosen = self.decisions.decide(key, choices, |bits| {
            let is_moody = bits % 1_000 < rate;
            u32::from(is_moody) * ((bits >> 32) as u32 % choices)
        });
        ANSWERS[chosen as usize]
    }
}

impl Client {
    /// TXREQ, TXREL, TXMEDIA or TXREJ of the other side.
    pub(super) fn act_on_transfer(
        &mut self,
        now: Instant,
        frame: &FullFrame<'_>,
        command: IaxCommand,
        ies: InformationElements<'_>,
        moods: &mut Moods<'_>,
        out: &mut Outbox,
    ) {
        let local = frame.destination;
        let is_sealed = self.ciphers.contains_key(&local);
        let Some(dialogue) = self.dialogues.get_mut(&local) else {
            return;
        };
        match command {
            IaxCommand::TxReq => {
                let answer = moods.answer_to_txreq(self.index, self.moves_asked);
                self.moves_asked += 1;
                dialogue.answer_txreq(now, answer, is_sealed, ies, out);
            }
            IaxCommand::TxRel => self.go_over(now, frame, ies, moods, out),
            IaxCommand::TxMedia if dialogue.transfer.stage == Stage::Ready => {
                dialogue.transfer.stage = Stage::MediaPass;
                dialogue.transfer.held.clear();
            }
            IaxCommand::TxRej => dialogue.transfer.fail(),
            _ => {}
        }
    }

    /// TXREL: the third party is the other side. The server gets its acknowledgement, and nothing after it.
    fn go_over(
        &mut self,
        now: Instant,
        frame: &FullFrame<'_>,
        ies: InformationElements<'_>,
        moods: &mut Moods<'_>,
        out: &mut Outbox,
    ) {
        let Some(dialogue) = self.dialogues.get_mut(&frame.destination) else {
            return;
        };
        let is_ready = matches!(dialogue.transfer.stage, Stage::Ready | Stage::MediaPass);
        let named = ies.call_number();
        let third = dialogue.transfer.third.filter(|_| is_ready);
        let Some(third) = third.filter(|third| named == Some(third.number.get())) else {
            return;
        };
        dialogue.reliable.acknowledge(frame);
        drain(dialogue, &mut self.ciphers, out);
        let held = core::mem::take(&mut dialogue.transfer.held);
        dialogue.move_to(now, third.address, third.number);
        for octets in held {
            self.handle_datagram(now, third.address, &octets, moods, out);
        }
    }
}

impl Dialogue {
    fn answer_txreq(
        &mut self,
        now: Instant,
        answer: Answer,
        is_sealed: bool,
        ies: InformationElements<'_>,
        out: &mut Outbox,
    ) {
        let number = ies.call_number().and_then(CallNumber::new);
        let address = ies.apparent_address().map(|address| address.unmapped());
        let Some((address, number)) = address.zip(number) else {
            return;
        };
        let is_linked = matches!(self.phase, Phase::Linked | Phase::Up);
        let may_move = is_linked && !is_sealed && self.transfer.stage == Stage::None;
        match answer {
            Answer::Obey if may_move => {
                self.transfer = Transfer {
                    stage: Stage::Begin,
                    third: Some(Third {
                        address,
                        number,
                        id: ies.transfer_id(),
                    }),
                    next_at: Some(now),
                    ..Transfer::default()
                };
                self.try_to_reach(now, out);
            }
            Answer::Obey | Answer::Reject => self.refuse_to_move(now),
            Answer::Unsupport => {
                let mut ies = IeBuffer::new();
                ies.push(InformationElement::IaxUnknown(IaxCommand::TxReq.octet()));
                self.send(now, iax(IaxCommand::Unsupport, &ies));
                self.transfer.fail();
            }
            Answer::Silent => {}
        }
    }

    fn refuse_to_move(&mut self, now: Instant) {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CauseCode(Cause::FACILITY_REJECTED));
        self.send(now, iax(IaxCommand::TxRej, &ies));
        self.transfer.fail();
    }

    /// Sends TXCNT when it is time, and gives up after the last.
    pub(super) fn try_to_reach(&mut self, now: Instant, out: &mut Outbox) {
        let transfer = &mut self.transfer;
        if transfer.next_at.is_none_or(|at| at > now) {
            return;
        }
        if transfer.sent >= TXCNTS {
            self.refuse_to_move(now);
            return;
        }
        let wait = if transfer.sent == 0 { WAIT_FIRST } else { WAIT };
        transfer.sent += 1;
        transfer.next_at = Some(now + wait);
        let mut ies = IeBuffer::new();
        if let Some(id) = transfer.third.and_then(|third| third.id) {
            ies.push(InformationElement::TransferId(id));
        }
        self.tell_third(now, IaxCommand::TxCnt, &ies, out);
    }

    /// TXCNT and TXACC have no place in the order.
    fn tell_third(&mut self, now: Instant, command: IaxCommand, ies: &IeBuffer, out: &mut Outbox) {
        let Some(third) = self.transfer.third else {
            return;
        };
        let frame = FullFrame {
            source: self.reliable.local(),
            destination: third.number,
            retransmission: false,
            timestamp: self.reliable.stamp(now),
            oseqno: SeqNo(0),
            iseqno: SeqNo(0),
            body: iax(command, ies),
        };
        let mut octets = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut octets);
        out.send(third.address, octets);
    }

    /// A full frame that names the dialogue and is not of its other side; false where it is not the third party's either.
    pub(super) fn handle_third(
        &mut self,
        now: Instant,
        from: SocketAddr,
        frame: &FullFrame<'_>,
        out: &mut Outbox,
    ) -> bool {
        if !self.transfer.is_third(from, frame.source) {
            return false;
        }
        let ours = self.transfer.third.and_then(|third| third.id);
        let is_same = |ies: InformationElements<'_>| {
            let named = ies.transfer_id().zip(ours);
            named.is_none_or(|(theirs, ours)| theirs == ours)
        };
        match frame.body {
            Body::Iax {
                command: IaxCommand::TxCnt,
                ies,
            } if is_same(ies) => self.tell_third(now, IaxCommand::TxAcc, &IeBuffer::new(), out),
            Body::Iax {
                command: IaxCommand::TxAcc,
                ies,
            } if is_same(ies) && self.transfer.stage == Stage::Begin => {
                self.transfer.stage = Stage::Ready;
                self.transfer.next_at = None;
                let local = self.reliable.local();
                let mut ies = IeBuffer::new();
                ies.push(InformationElement::CallNo(local.get()));
                self.send(now, iax(IaxCommand::TxReady, &ies));
            }
            Body::Iax {
                command: IaxCommand::TxCnt | IaxCommand::TxAcc,
                ..
            } => {}
            _ => self.transfer.hold(&Frame::Full(*frame), out),
        }
        true
    }

    /// Audio of who is not the other side; whether it is heard.
    pub(super) fn handle_third_mini(
        &mut self,
        from: SocketAddr,
        mini: &MiniFrame<'_>,
        out: &mut Outbox,
    ) -> bool {
        if !self.transfer.is_third(from, mini.source()) {
            return false;
        }
        self.transfer.hold(&Frame::Mini(*mini), out);
        let is_heard = self.transfer.stage == Stage::MediaPass;
        if is_heard {
            out.goals.reach(Goal::MediaHeard);
        }
        is_heard
    }

    /// Where audio goes.
    pub(super) const fn media_address(&self) -> SocketAddr {
        match (self.transfer.stage, self.transfer.third) {
            (Stage::MediaPass, Some(third)) => third.address,
            _ => self.peer,
        }
    }
}

/// What is about transfers, and comes from the other side.
pub(super) const fn is_about_transfer(command: IaxCommand) -> bool {
    use IaxCommand::{TxMedia, TxRej, TxRel, TxReq};
    matches!(command, TxMedia | TxRej | TxRel | TxReq)
}
