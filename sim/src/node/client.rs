//! A client: registers and keeps renewing, calls, is called, talks, hangs up. Bad answers and silence make it try
//! again. It sends what Asterisk never does: REGREL (X-MISC-2).

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::cipher::Padding;
use iaxproof::time::Instant;
use iaxproof::wire::{CallNumber, MetaFrame, MiniFrame, Timestamp, TrunkBuffer, TrunkEntry};

use super::callee::{Act, Caller, Moods};
use super::cipher::Cipher;
use super::dialogue::{Dialogue, Identity, Phase, Purpose};
use crate::fact::Taken;
use crate::goals::{Goal, Goals};

/// How long a client waits after a failure before it tries again.
const RETRY: Duration = Duration::from_secs(5);
/// How often a client sends a frame of audio or text.
const FRAME_INTERVAL: Duration = Duration::from_millis(20);
/// Octets of audio in one frame: a tag, see [`voice_tag`].
const VOICE_LEN: usize = 16;

/// What a client hands out.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Datagrams, and to whom.
    pub(crate) transmits: Vec<(SocketAddr, Vec<u8>)>,
    pub(crate) taken: Vec<Taken>,
    /// Texts that it read, and on which of its calls.
    pub(crate) read: Vec<(CallNumber, Vec<u8>)>,
    pub(crate) goals: Goals,
}

impl Outbox {
    pub(super) fn send(&mut self, to: SocketAddr, datagram: Vec<u8>) {
        self.transmits.push((to, datagram));
    }
}

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(super) index: u8,
    pub(crate) address: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) identity: Identity,
    next_number: u16,
    pub(crate) dialogues: BTreeMap<CallNumber, Dialogue>,
    /// The refresh that it asks for, where it wants to be registered.
    pub(super) wanted: Option<u16>,
    pub(super) register_at: Option<Instant>,
    speech: Vec<Speech>,
    /// The keys of its dialogues, those of the past too: who looks on reads with them.
    pub(super) ciphers: BTreeMap<CallNumber, Cipher>,
    calls_placed: u32,
    /// When its trunk began.
    trunk_start: Option<Instant>,
    /// Who calls and was not accepted yet, by the caller's number.
    pub(super) callers: BTreeMap<CallNumber, Caller>,
    pub(super) calls_taken: u32,
    /// How often it was asked to move a call.
    pub(super) moves_asked: u32,
    /// POKEs that came while not all was calm.
    pub(super) pokes_taken: u32,
    /// What it will do by itself, on which call.
    pub(super) acts: Vec<(Instant, CallNumber, Act)>,
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
            ciphers: BTreeMap::new(),
            calls_placed: 0,
            trunk_start: None,
            callers: BTreeMap::new(),
            calls_taken: 0,
            moves_asked: 0,
            pokes_taken: 0,
            acts: Vec::new(),
        }
    }

    /// Whether it never answers a POKE.
    pub(crate) const fn is_mute(&self) -> bool {
        self.identity.is_mute
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

    /// Calls the extension that echoes, or another account.
    pub(crate) fn call(&mut self, now: Instant, account: Option<u8>, moods: &mut Moods<'_>) {
        let is_sealed =
            self.identity.can_encrypt && moods.wants_cipher(self.index, self.calls_placed);
        self.calls_placed += 1;
        self.open(now, Purpose::Call { account, is_sealed });
    }

    /// Calls the extension that echoes, and dials its number in the call.
    pub(crate) fn call_by_digits(&mut self, now: Instant) {
        self.open(now, Purpose::Spelled);
    }

    /// Sends frames of audio or text on its newest call.
    pub(crate) fn speak(&mut self, now: Instant, frames: u16, is_text: bool) {
        if let Some(local) = self.newest_call() {
            self.speak_on(now, local, frames, is_text);
        }
    }

    /// Sends frames of audio or text on this call; whoever changes keys often does so now.
    pub(super) fn speak_on(&mut self, now: Instant, local: CallNumber, frames: u16, is_text: bool) {
        if self.identity.rotates_often {
            self.rotate(now, local);
        }
        self.speech.push(Speech {
            local,
            frames,
            next_at: now,
            is_text,
            voice_sent: 0,
        });
    }

    /// Changes the key of a call whose frames are sealed, once it is accepted: what comes under another key before its AUTHREP is noise.
    pub(super) fn rotate(&mut self, now: Instant, local: CallNumber) {
        let is_sealed = self.ciphers.get(&local).is_some_and(|cipher| cipher.is_on);
        let dialogue = self.dialogues.get_mut(&local).filter(|_| is_sealed);
        let lives = |it: &&mut Dialogue| matches!(it.phase, Phase::Linked | Phase::Up);
        if let Some(dialogue) = dialogue.filter(lives) {
            dialogue.rotate(now);
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
        let is_call =
            |dialogue: &Dialogue| dialogue.purpose.is_call() && dialogue.phase != Phase::Closing;
        let dialogues = self.dialogues.iter();
        dialogues
            .filter(move |(_, dialogue)| is_call(dialogue))
            .map(|(local, dialogue)| (*local, dialogue))
    }

    /// Goes on from another port; registers anew from there if it wants to be registered. To the server it is somebody else,
    /// whom any call number may reach, so what it remembers of callers' numbers says nothing any more.
    pub(crate) fn rebind(&mut self, now: Instant) {
        self.callers.clear();
        let port = self.address.port();
        self.address.set_port(port.wrapping_add(1).max(1_024));
        if let Some(refresh_s) = self.wanted {
            self.register(now, refresh_s);
        }
    }

    pub(super) fn hang_up_one(&mut self, now: Instant, local: CallNumber) {
        let over = self.dialogues.get_mut(&local).map(|d| d.hang_up(now));
        if over == Some(true) {
            self.dialogues.remove(&local);
        }
    }

    fn newest_call(&self) -> Option<CallNumber> {
        self.calls().map(|(local, _)| local).last()
    }

    fn open(&mut self, now: Instant, purpose: Purpose) {
        let local = self.number();
        let dialogue = Dialogue::open(now, local, self.server, purpose, &self.identity);
        self.dialogues.insert(local, dialogue);
    }

    /// The next call number of its own.
    pub(super) fn number(&mut self) -> CallNumber {
        let number = self.next_number;
        self.next_number = if number >= CallNumber::MAX.get() {
            2
        } else {
            number + 1
        };
        CallNumber::from_word(number)
    }

    /// A dialogue came to nothing: a registration is tried again, a call is not.
    pub(super) fn failed(&mut self, now: Instant, purpose: Purpose) {
        if let Purpose::Register(_) = purpose {
            self.register_at = self.wanted.map(|_| now + RETRY);
        }
    }

    /// When something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let dialogues = self.dialogues.values().filter_map(Dialogue::poll_timeout);
        let speech = self.speech.iter().map(|speech| speech.next_at);
        let acts = self.acts.iter().map(|(at, ..)| *at);
        let own = dialogues.chain(speech).chain(acts);
        own.chain(self.register_at).min()
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
        self.act_by_itself(now);
        self.utter(now, out);
    }

    fn time_out(&mut self, now: Instant, local: CallNumber, out: &mut Outbox) {
        let Some(dialogue) = self.dialogues.get_mut(&local) else {
            return;
        };
        dialogue.try_to_reach(now, out);
        if dialogue.handle_timeout(now) {
            return;
        }
        out.goals.reach(Goal::ClientGaveUp);
        let purpose = dialogue.purpose;
        drain(dialogue, &mut self.ciphers, out);
        self.dialogues.remove(&local);
        self.failed(now, purpose);
    }

    /// Sends what is due of audio and text.
    fn utter(&mut self, now: Instant, out: &mut Outbox) {
        let dialogues = &mut self.dialogues;
        let ciphers = &mut self.ciphers;
        let mut trunk = Vec::new();
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
                if let Some(timestamp) = dialogue.speak(now, &data) {
                    let cipher = ciphers.get_mut(&speech.local);
                    let to = dialogue.media_address();
                    // Trunk frames are never sealed, and go to servers alone.
                    if self.identity.is_trunked && cipher.is_none() && to == self.server {
                        trunk.push((speech.local, timestamp, data));
                    } else if let Some(octets) = mini(cipher, speech.local, timestamp, &data) {
                        out.send(to, octets);
                    }
                }
                speech.voice_sent += 1;
                speech.frames -= 1;
            }
            let is_pointless = dialogue.phase == Phase::Closing;
            if is_pointless || (dialogue.phase < Phase::Up && speech.is_text) {
                speech.frames = 0;
            }
        }
        self.speech.retain(|speech| speech.frames > 0);
        if trunk.len() > 1 {
            out.goals.reach(Goal::TrunkShared);
        }
        if let Some(octets) = self.trunk(now, &trunk) {
            out.send(self.server, octets);
        }
    }

    /// The audio of several calls in one trunk frame; every other client gives each its time.
    fn trunk(&mut self, now: Instant, voices: &[Voice]) -> Option<Vec<u8>> {
        if voices.is_empty() {
            return None;
        }
        let start = *self.trunk_start.get_or_insert(now);
        let has_times = self.index % 2 == 1;
        let mut entries = TrunkBuffer::new(has_times);
        for (local, timestamp, data) in voices {
            let low = has_times.then_some(timestamp.low16());
            entries.push(TrunkEntry::new(*local, low, data)?);
        }
        let frame = MetaFrame {
            timestamp: Timestamp(now.saturating_since(start).as_millis() as u32),
            entries: entries.view(),
        };
        let mut octets = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut octets);
        Some(octets)
    }

    /// Hands out what the dialogues want sent.
    pub(crate) fn flush(&mut self, out: &mut Outbox) {
        for dialogue in self.dialogues.values_mut() {
            drain(dialogue, &mut self.ciphers, out);
        }
    }
}

pub(super) fn drain(
    dialogue: &mut Dialogue,
    ciphers: &mut BTreeMap<CallNumber, Cipher>,
    out: &mut Outbox,
) {
    let local = dialogue.reliable.local();
    // The exchange itself encrypts nothing: clients do that by themselves.
    while let Some(octets) = dialogue.reliable.poll_transmit(Padding::default) {
        out.send(dialogue.peer, seal(ciphers.get_mut(&local), octets));
    }
}

/// One piece of audio: its call, its time, its octets.
type Voice = (CallNumber, Timestamp, [u8; VOICE_LEN]);

fn mini(
    cipher: Option<&mut Cipher>,
    local: CallNumber,
    timestamp: Timestamp,
    data: &[u8],
) -> Option<Vec<u8>> {
    let frame = MiniFrame::new(local, timestamp.low16(), data)?;
    let mut octets = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut octets);
    Some(seal(cipher, octets))
}

fn seal(cipher: Option<&mut Cipher>, octets: Vec<u8>) -> Vec<u8> {
    match cipher {
        Some(cipher) => cipher.seal(octets),
        None => octets,
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
