//! What a client does about a datagram.

use core::net::SocketAddr;
use core::time::Duration;
use std::borrow::Cow;

use iaxproof::engine::reliable::verdict::Verdict;
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Control, EncryptionMethods, Frame, FullFrame, IaxCommand,
    InformationElements, MiniFrame, SeqNo, Timestamp,
};

use super::callee::Moods;
use super::cipher::Cipher;
use super::client::{Client, Outbox, drain, voice_origin};
use super::dialogue::{Dialogue, Phase, Purpose};
use super::server::DIALLER_VOICE;
use super::transfer::is_about_transfer;
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
        let is_server = source == self.server;
        let octets = match is_server {
            true => self.unseal(datagram),
            // A call that is sealed is not transferred.
            false => Some(Cow::Borrowed(datagram)),
        };
        let Some(octets) = octets else {
            return;
        };
        match Frame::parse(&octets) {
            Ok(Frame::Full(frame)) if frame.destination != CallNumber::ZERO => {
                self.handle_full(now, source, &frame, moods, out);
            }
            Ok(Frame::Full(frame)) if is_server => self.handle_opener(now, &frame, moods, out),
            Ok(Frame::Mini(mini)) => self.handle_mini(source, &mini, out),
            Ok(Frame::Meta(trunk)) if is_server => {
                for entry in trunk.entries.iter() {
                    out.goals.reach(Goal::TrunkHeard);
                    self.hear(entry.data(), out);
                }
            }
            _ => {}
        }
    }

    fn handle_full(
        &mut self,
        now: Instant,
        from: SocketAddr,
        frame: &FullFrame<'_>,
        moods: &mut Moods<'_>,
        out: &mut Outbox,
    ) {
        let Some(dialogue) = self.dialogues.get_mut(&frame.destination) else {
            invalidate(from, frame, out);
            return;
        };
        if dialogue.peer != from {
            if !dialogue.handle_third(now, from, frame, out) {
                invalidate(from, frame, out);
            }
            return;
        }
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
            out.taken.push(self.taken(frame.destination, from, frame));
        }
        let mut is_over = receipt.finished;
        if receipt.verdict.is_taken() {
            is_over |= self.act(now, frame, moods, out);
        }
        self.settle(from, frame, is_over, out);
    }

    /// A reliable frame that was taken in its order.
    pub(super) fn taken(
        &self,
        local: CallNumber,
        sender: SocketAddr,
        frame: &FullFrame<'_>,
    ) -> Taken {
        Taken {
            taker: self.address,
            local,
            sender,
            remote: frame.source,
            digest: digest(frame),
        }
    }

    /// Acknowledges what was not, and forgets a dialogue that is over.
    fn settle(&mut self, from: SocketAddr, frame: &FullFrame<'_>, is_over: bool, out: &mut Outbox) {
        let dialogue = self.dialogues.get_mut(&frame.destination);
        // After a move the counters are another side's.
        let Some(dialogue) = dialogue.filter(|dialogue| dialogue.peer == from) else {
            return;
        };
        dialogue.reliable.settle(frame);
        if is_over {
            drain(dialogue, &mut self.ciphers, out);
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
    fn act(
        &mut self,
        now: Instant,
        frame: &FullFrame<'_>,
        moods: &mut Moods<'_>,
        out: &mut Outbox,
    ) -> bool {
        if self.is_noise(frame) {
            return false;
        }
        match frame.body {
            Body::Iax { command, ies } if is_about_transfer(command) => {
                self.act_on_transfer(now, frame, command, ies, moods, out);
                false
            }
            Body::Iax { command, ies } => self.act_on_iax(now, frame, command, ies, out),
            Body::Control { control, .. } => {
                self.act_on_control(now, frame.destination, control, out);
                false
            }
            Body::Voice { data, .. } => {
                if data == DIALLER_VOICE {
                    out.goals.reach(Goal::DialledHeard);
                }
                self.hear_on(frame.destination, data, out);
                false
            }
            Body::Text(text) => {
                self.note_way(frame.destination, out);
                out.read.push((frame.destination, text.to_vec()));
                out.goals.reach(Goal::BridgedRead);
                false
            }
            _ => false,
        }
    }

    /// Whether the frame is none of its call's: nothing but IAX frames comes before the caller has said who it is, and one sealed frame in
    /// some thousands reads as another where the secrets differ.
    fn is_noise(&self, frame: &FullFrame<'_>) -> bool {
        let dialogue = self.dialogues.get(&frame.destination);
        let waits = |it: &Dialogue| it.purpose == Purpose::Called && it.phase == Phase::Challenged;
        dialogue.is_some_and(waits) && !matches!(frame.body, Body::Iax { .. })
    }

    /// Audio says whose it is.
    fn hear(&self, data: &[u8], out: &mut Outbox) {
        match voice_origin(data) {
            Some((client, _)) if client == self.index => out.goals.reach(Goal::VoiceEchoed),
            Some(_) => out.goals.reach(Goal::BridgedHeard),
            None => {}
        }
    }

    /// Audio in a mini frame: of a dialogue's other side, or of whom its audio alone goes to.
    fn handle_mini(&mut self, from: SocketAddr, mini: &MiniFrame<'_>, out: &mut Outbox) {
        let mut dialogues = self.dialogues.iter_mut();
        let heard = dialogues.find_map(|(local, dialogue)| {
            let is_its = dialogue.peer == from && dialogue.reliable.remote() == mini.source();
            let is_heard = is_its || dialogue.handle_third_mini(from, mini, out);
            is_heard.then_some(*local)
        });
        match heard {
            Some(local) => self.hear_on(local, mini.data(), out),
            // Where numbers were damaged on their way the frame is another's; whose it is, it says itself.
            None if from == self.server => self.hear(mini.data(), out),
            None => {}
        }
    }

    fn hear_on(&self, local: CallNumber, data: &[u8], out: &mut Outbox) {
        self.note_way(local, out);
        self.hear(data, out);
    }

    /// Something of the other end came: by which way, for the goals.
    fn note_way(&self, local: CallNumber, out: &mut Outbox) {
        let Some(dialogue) = self.dialogues.get(&local) else {
            return;
        };
        if dialogue.peer != self.server {
            out.goals.reach(Goal::TransferHeard);
        } else if dialogue.transfer.has_failed() {
            out.goals.reach(Goal::TransferFailedGoesOn);
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
            let is_sealed = self.ciphers.contains_key(&local);
            if is_sealed && local.get() % 2 == 1 {
                dialogue.rotate(now);
                out.goals.reach(Goal::KeyRotated);
            }
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
                let is_first = dialogue.answer_challenge(now, challenge, &self.identity);
                let is_offered =
                    ies.encryption().unwrap_or_default() != EncryptionMethods::default();
                if is_first && is_offered && dialogue.purpose.is_sealed() {
                    let cipher = Cipher::new(frame.source, challenge, &self.identity.secret, true);
                    self.ciphers.insert(local, cipher);
                }
                false
            }
            IaxCommand::AuthRep => {
                self.verify(now, local, ies, out);
                false
            }
            IaxCommand::Accept => {
                dialogue.advance(now, Phase::Linked);
                dialogue.spell(now);
                if !self.identity.knows_tokens {
                    out.goals.reach(Goal::CalledWithoutToken);
                }
                if self.ciphers.contains_key(&local) {
                    out.goals.reach(Goal::CallEncrypted);
                }
                false
            }
            IaxCommand::DpRep => {
                dialogue.spell_on(now, ies);
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
                drain(dialogue, &mut self.ciphers, out);
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
                if !self.identity.knows_tokens {
                    out.goals.reach(Goal::RegisteredWithoutToken);
                }
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

fn invalidate(from: SocketAddr, frame: &FullFrame<'_>, out: &mut Outbox) {
    if let Some(answer) = inval(frame) {
        out.send(from, answer);
    }
}

/// The answer to a frame of no dialogue (RFC 5456 §6.9.2), where it deserves one.
pub(super) fn inval(frame: &FullFrame<'_>) -> Option<Vec<u8>> {
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
