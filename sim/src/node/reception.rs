//! What a client does about a datagram.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::reliable::verdict::Verdict;
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Control, Frame, FullFrame, IaxCommand, InformationElements, SeqNo, Timestamp,
};

use super::callee::Moods;
use super::client::{Client, Outbox, drain, is_ours};
use super::dialogue::{Phase, Purpose};
use super::server::DIALLER_VOICE;
use crate::fact::Taken;
use crate::goals::Goal;
use crate::trace::digest;

impl Client {
    /// A datagram came.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &[u8],
        moods: &mut Moods<'_>,
        out: &mut Outbox,
    ) {
        if source != self.server {
            return;
        }
        match Frame::parse(datagram) {
            Ok(Frame::Full(frame)) if frame.destination == CallNumber::ZERO => {
                self.handle_opener(now, &frame, moods, out);
            }
            Ok(Frame::Full(frame)) => self.handle_full(now, &frame, out),
            Ok(Frame::Mini(mini)) if is_ours(self.index, mini.data()) => {
                out.goals.reach(Goal::VoiceEchoed);
            }
            _ => {}
        }
    }

    fn handle_full(&mut self, now: Instant, frame: &FullFrame<'_>, out: &mut Outbox) {
        let Some(dialogue) = self.dialogues.get_mut(&frame.destination) else {
            out.transmits.extend(inval(frame));
            return;
        };
        let remote = dialogue.reliable.remote();
        let is_stateless = frame.source == CallNumber::STATELESS;
        if is_stateless {
            self.handle_stateless(now, frame, out);
            return;
        }
        if remote != CallNumber::ZERO && frame.source != remote {
            // Another dialogue that a repeat of our opener made: it will end by itself.
            return;
        }
        let receipt = dialogue.reliable.receive(now, frame);
        if receipt.verdict == Verdict::InOrder {
            out.taken.push(self.taken(frame.destination, frame));
        }
        let mut is_over = receipt.finished;
        if receipt.verdict.is_taken() {
            is_over |= self.act(now, frame, out);
        }
        self.settle(frame, is_over, out);
    }

    /// A reliable frame that was taken in its order.
    pub(super) fn taken(&self, local: CallNumber, frame: &FullFrame<'_>) -> Taken {
        Taken {
            taker: self.address,
            local,
            sender: self.server,
            remote: frame.source,
            digest: digest(frame),
        }
    }

    /// Acknowledges what was not, and forgets a dialogue that is over.
    fn settle(&mut self, frame: &FullFrame<'_>, is_over: bool, out: &mut Outbox) {
        let Some(dialogue) = self.dialogues.get_mut(&frame.destination) else {
            return;
        };
        dialogue.reliable.settle(frame);
        if is_over {
            drain(dialogue, out);
            self.dialogues.remove(&frame.destination);
        }
    }

    /// CALLTOKEN, and refusals that the server remembers nothing of.
    fn handle_stateless(&mut self, now: Instant, frame: &FullFrame<'_>, out: &mut Outbox) {
        let Body::Iax { command, ies } = frame.body else {
            return;
        };
        let Some(dialogue) = self.dialogues.get_mut(&frame.destination) else {
            return;
        };
        match command {
            IaxCommand::CallToken => {
                let token = ies.call_token().unwrap_or_default();
                if dialogue.take_token(now, token, &self.identity) {
                    out.goals.reach(Goal::TokenGiven);
                }
            }
            IaxCommand::Reject | IaxCommand::RegRej
                if dialogue.reliable.remote() == CallNumber::ZERO =>
            {
                out.goals.reach(Goal::RefusedStateless);
                let purpose = dialogue.purpose;
                self.dialogues.remove(&frame.destination);
                self.failed(now, purpose);
            }
            _ => {}
        }
    }

    /// Does what a frame asks for; whether its dialogue is over.
    fn act(&mut self, now: Instant, frame: &FullFrame<'_>, out: &mut Outbox) -> bool {
        match frame.body {
            Body::Iax { command, ies } => self.act_on_iax(now, frame, command, ies, out),
            Body::Control { control, .. } => {
                self.act_on_control(now, frame.destination, control, out);
                false
            }
            Body::Voice { data, .. } => {
                if data == DIALLER_VOICE {
                    out.goals.reach(Goal::DialledHeard);
                }
                if is_ours(self.index, data) {
                    out.goals.reach(Goal::VoiceEchoed);
                }
                false
            }
            _ => false,
        }
    }

    fn act_on_control(
        &mut self,
        now: Instant,
        local: CallNumber,
        control: Control,
        out: &mut Outbox,
    ) {
        let Some(dialogue) = self.dialogues.get_mut(&local) else {
            return;
        };
        if control == Control::Answer {
            dialogue.advance(now, Phase::Up);
            out.goals.reach(Goal::CallAnswered);
        }
    }

    fn act_on_iax(
        &mut self,
        now: Instant,
        frame: &FullFrame<'_>,
        command: IaxCommand,
        ies: InformationElements<'_>,
        out: &mut Outbox,
    ) -> bool {
        let local = frame.destination;
        let Some(dialogue) = self.dialogues.get_mut(&local) else {
            return true;
        };
        match command {
            IaxCommand::RegAuth | IaxCommand::AuthReq => {
                let challenge = ies.challenge().unwrap_or_default();
                dialogue.answer_challenge(now, challenge, &self.identity);
                false
            }
            IaxCommand::AuthRep => {
                self.verify(now, local, ies, out);
                false
            }
            IaxCommand::Accept => {
                dialogue.advance(now, Phase::Linked);
                false
            }
            IaxCommand::Ping => {
                dialogue.echo(now, frame, IaxCommand::Pong);
                false
            }
            IaxCommand::LagRq => {
                dialogue.echo(now, frame, IaxCommand::LagRp);
                false
            }
            IaxCommand::Pong => {
                dialogue.reliable.measure(now, frame.timestamp);
                false
            }
            IaxCommand::Hangup | IaxCommand::Reject | IaxCommand::RegRej | IaxCommand::RegAck => {
                dialogue.reliable.acknowledge(frame);
                let purpose = dialogue.purpose;
                drain(dialogue, out);
                self.dialogues.remove(&local);
                self.ended(now, purpose, command, ies, out);
                true
            }
            IaxCommand::Inval => {
                let purpose = dialogue.purpose;
                self.dialogues.remove(&local);
                self.failed(now, purpose);
                out.goals.reach(Goal::Invalidated);
                true
            }
            _ => false,
        }
    }

    fn ended(
        &mut self,
        now: Instant,
        purpose: Purpose,
        command: IaxCommand,
        ies: InformationElements<'_>,
        out: &mut Outbox,
    ) {
        match (purpose, command) {
            (Purpose::Register(_), IaxCommand::RegAck) => {
                out.goals.reach(Goal::Registered);
                let granted = ies.refresh().unwrap_or(60);
                let renew = Duration::from_secs(u64::from(granted)) * 5 / 6;
                self.register_at = self.wanted.map(|_| now + renew);
            }
            (Purpose::Release, IaxCommand::RegAck) => out.goals.reach(Goal::Released),
            (Purpose::Called, _) => {}
            (_, IaxCommand::RegRej | IaxCommand::Reject) => {
                out.goals.reach(Goal::LoginRefused);
                self.failed(now, purpose);
            }
            _ => {}
        }
    }
}

/// The answer to a frame of no dialogue (RFC 5456 §6.9.2), where it deserves one.
fn inval(frame: &FullFrame<'_>) -> Option<Vec<u8>> {
    let Body::Iax { command, .. } = frame.body else {
        return None;
    };
    let is_answered = command.consumes_sequence_number()
        && frame.destination != CallNumber::ZERO
        && frame.source != CallNumber::STATELESS;
    if !is_answered {
        return None;
    }
    let answer = FullFrame {
        source: frame.destination,
        destination: frame.source,
        retransmission: false,
        timestamp: Timestamp(0),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command: IaxCommand::Inval,
            ies: InformationElements::EMPTY,
        },
    };
    let mut octets = Vec::with_capacity(answer.encoded_len());
    answer.encode(&mut octets);
    Some(octets)
}
