//! A client: registers and keeps renewing, calls, talks, hangs up. Bad answers and silence make it try again.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::reliable::verdict::Verdict;
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Control, Frame, FullFrame, IaxCommand, InformationElements, SeqNo, Timestamp,
};

use super::dialogue::{Dialogue, Identity, Phase, Purpose};
use crate::fact::Taken;
use crate::goals::{Goal, Goals};
use crate::trace::digest;

/// How long a client waits after a failure before it tries again.
const RETRY: Duration = Duration::from_secs(5);
/// How often a client sends a frame of audio or text.
const FRAME_INTERVAL: Duration = Duration::from_millis(20);
/// Octets of audio in one frame: a tag, see [`voice_tag`].
const VOICE_LEN: usize = 16;

/// What a client hands out.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) transmits: Vec<Vec<u8>>,
    pub(crate) taken: Vec<Taken>,
    pub(crate) goals: Goals,
}

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    index: u8,
    pub(crate) address: SocketAddr,
    server: SocketAddr,
    identity: Identity,
    next_number: u16,
    pub(crate) dialogues: BTreeMap<CallNumber, Dialogue>,
    /// The refresh that it asks for, where it wants to be registered.
    wanted: Option<u16>,
    register_at: Option<Instant>,
    speech: Vec<Speech>,
}

/// Frames still to be sent on one call.
#[derive(Clone, Copy, Debug)]
struct Speech {
    local: CallNumber,
    frames: u16,
    next_at: Instant,
    is_text: bool,
    voice_sent: u32,
}

impl Client {
    pub(crate) fn new(
        index: u8,
        address: SocketAddr,
        server: SocketAddr,
        identity: Identity,
    ) -> Self {
        Client {
            index,
            address,
            server,
            identity,
            next_number: 2 + u16::from(index) * 1_000,
            dialogues: BTreeMap::new(),
            wanted: None,
            register_at: None,
            speech: Vec::new(),
        }
    }

    /// Its server's address.
    pub(crate) const fn server(&self) -> SocketAddr {
        self.server
    }

    /// Registers now and keeps renewing.
    pub(crate) fn register(&mut self, now: Instant, refresh_s: u16) {
        self.wanted = Some(refresh_s);
        self.register_at = None;
        self.open(now, Purpose::Register(refresh_s));
    }

    /// Releases the registration and stops renewing.
    pub(crate) fn release(&mut self, now: Instant) {
        self.stop_renewing();
        self.open(now, Purpose::Release);
    }

    /// Lets the registration lapse.
    pub(crate) fn stop_renewing(&mut self) {
        self.wanted = None;
        self.register_at = None;
    }

    /// Calls.
    pub(crate) fn call(&mut self, now: Instant) {
        self.open(now, Purpose::Call);
    }

    /// Sends frames of audio or text on its newest call.
    pub(crate) fn speak(&mut self, now: Instant, frames: u16, is_text: bool) {
        if let Some(local) = self.newest_call() {
            self.speech.push(Speech {
                local,
                frames,
                next_at: now,
                is_text,
                voice_sent: 0,
            });
        }
    }

    /// Hangs its newest call up.
    pub(crate) fn hang_up(&mut self, now: Instant) {
        if let Some(local) = self.newest_call() {
            self.hang_up_one(now, local);
        }
    }

    /// Hangs every call up.
    pub(crate) fn hang_up_all(&mut self, now: Instant) {
        let calls: Vec<_> = self.calls().map(|(local, _)| local).collect();
        for local in calls {
            self.hang_up_one(now, local);
        }
    }

    /// The calls that are not being hung up.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (CallNumber, &Dialogue)> {
        let is_call = |dialogue: &Dialogue| {
            dialogue.purpose == Purpose::Call && dialogue.phase != Phase::Closing
        };
        let dialogues = self.dialogues.iter();
        dialogues
            .filter(move |(_, dialogue)| is_call(dialogue))
            .map(|(local, dialogue)| (*local, dialogue))
    }

    /// Goes on from another port; registers anew from there if it wants to be registered.
    pub(crate) fn rebind(&mut self, now: Instant) {
        let port = self.address.port();
        self.address.set_port(port.wrapping_add(1).max(1_024));
        if let Some(refresh_s) = self.wanted {
            self.register(now, refresh_s);
        }
    }

    fn hang_up_one(&mut self, now: Instant, local: CallNumber) {
        let over = self.dialogues.get_mut(&local).map(|d| d.hang_up(now));
        if over == Some(true) {
            self.dialogues.remove(&local);
        }
    }

    fn newest_call(&self) -> Option<CallNumber> {
        self.calls().map(|(local, _)| local).last()
    }

    fn open(&mut self, now: Instant, purpose: Purpose) {
        let number = self.next_number;
        self.next_number = if number >= CallNumber::MAX.get() {
            2
        } else {
            number + 1
        };
        let local = CallNumber::from_word(number);
        let dialogue = Dialogue::open(now, local, purpose, &self.identity);
        self.dialogues.insert(local, dialogue);
    }

    /// A datagram came.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &[u8],
        out: &mut Outbox,
    ) {
        if source != self.server {
            return;
        }
        match Frame::parse(datagram) {
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
            out.taken.push(Taken {
                taker: self.address,
                local: frame.destination,
                sender: self.server,
                remote: frame.source,
                digest: digest(frame),
            });
        }
        let mut is_over = receipt.finished;
        if receipt.verdict.is_taken() {
            is_over |= self.act(now, frame, out);
        }
        self.settle(frame, is_over, out);
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
            (_, IaxCommand::RegRej | IaxCommand::Reject) => {
                out.goals.reach(Goal::LoginRefused);
                self.failed(now, purpose);
            }
            _ => {}
        }
    }

    /// A dialogue came to nothing: a registration is tried again, a call is not.
    fn failed(&mut self, now: Instant, purpose: Purpose) {
        if let Purpose::Register(_) = purpose {
            self.register_at = self.wanted.map(|_| now + RETRY);
        }
    }

    /// When something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let dialogues = self.dialogues.values().filter_map(Dialogue::poll_timeout);
        let speech = self.speech.iter().map(|speech| speech.next_at);
        dialogues.chain(speech).chain(self.register_at).min()
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        if self.register_at.is_some_and(|at| at <= now)
            && let Some(refresh_s) = self.wanted
        {
            self.register(now, refresh_s);
        }
        let is_due = |dialogue: &Dialogue| dialogue.poll_timeout().is_some_and(|at| at <= now);
        let dialogues = self.dialogues.iter();
        let due: Vec<_> = dialogues
            .filter(|(_, dialogue)| is_due(dialogue))
            .map(|(local, _)| *local)
            .collect();
        for local in due {
            self.time_out(now, local, out);
        }
        self.utter(now, out);
    }

    fn time_out(&mut self, now: Instant, local: CallNumber, out: &mut Outbox) {
        let Some(dialogue) = self.dialogues.get_mut(&local) else {
            return;
        };
        if dialogue.handle_timeout(now) {
            return;
        }
        out.goals.reach(Goal::ClientGaveUp);
        let purpose = dialogue.purpose;
        drain(dialogue, out);
        self.dialogues.remove(&local);
        self.failed(now, purpose);
    }

    /// Sends what is due of audio and text.
    fn utter(&mut self, now: Instant, out: &mut Outbox) {
        let dialogues = &mut self.dialogues;
        let index = self.index;
        for speech in self
            .speech
            .iter_mut()
            .filter(|speech| speech.next_at <= now)
        {
            speech.next_at = now + FRAME_INTERVAL;
            let Some(dialogue) = dialogues.get_mut(&speech.local) else {
                speech.frames = 0;
                continue;
            };
            if speech.is_text {
                speech.frames -= u16::from(dialogue.type_next(now));
                if dialogue.texts_sent > 256 {
                    out.goals.reach(Goal::SequenceWrapped);
                }
            } else {
                let data = voice_tag(index, speech.local, speech.voice_sent);
                out.transmits.extend(dialogue.speak(now, &data));
                speech.voice_sent += 1;
                speech.frames -= 1;
            }
            let is_pointless = dialogue.phase == Phase::Closing;
            if is_pointless || (dialogue.phase < Phase::Up && speech.is_text) {
                speech.frames = 0;
            }
        }
        self.speech.retain(|speech| speech.frames > 0);
    }

    /// Hands out what the dialogues want sent.
    pub(crate) fn flush(&mut self, out: &mut Outbox) {
        for dialogue in self.dialogues.values_mut() {
            drain(dialogue, out);
        }
    }
}

fn drain(dialogue: &mut Dialogue, out: &mut Outbox) {
    while let Some(octets) = dialogue.reliable.poll_transmit() {
        out.transmits.push(octets);
    }
}

/// What a client says: who it is, on which call, and the how-manieth frame.
pub(crate) fn voice_tag(client: u8, local: CallNumber, nth: u32) -> [u8; VOICE_LEN] {
    let mut data = [0x7f; VOICE_LEN];
    data[..4].copy_from_slice(b"voic");
    data[4] = client;
    data[5..7].copy_from_slice(&local.get().to_be_bytes());
    data[7..11].copy_from_slice(&nth.to_be_bytes());
    data
}

/// The client and its call number, where the data is a client's audio.
pub(crate) fn voice_origin(data: &[u8]) -> Option<(u8, CallNumber)> {
    let tag: &[u8; VOICE_LEN] = data.try_into().ok()?;
    let number = u16::from_be_bytes([tag[5], tag[6]]);
    tag.starts_with(b"voic")
        .then(|| (tag[4], CallNumber::from_word(number)))
}

fn is_ours(client: u8, data: &[u8]) -> bool {
    voice_origin(data).is_some_and(|(origin, _)| origin == client)
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
