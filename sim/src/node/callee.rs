//! A client that is called: it answers NEW in one of several moods. It is a second implementation of that side; of the endpoint
//! it shares the exchange of reliable frames and the wire.
//!
//! Until it has accepted it keeps nothing but the mood: its tokens are counted in themselves.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::reliable::verdict::Verdict;
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Cause, Control, EncryptionMethods, Format, FormatSet, FullFrame, IaxCommand,
    IeBuffer, InformationElement, InformationElements, SeqNo,
};

use super::cipher::Cipher;
use super::client::{Client, Outbox};
use super::dialogue::{Dialogue, Phase, Purpose, iax, md5_result};
use crate::decide::{Decisions, Domain, Key};
use crate::goals::Goal;

/// How long a mood is remembered for repeats of a NEW.
const MEMORY: Duration = Duration::from_secs(30);
/// How long a phone rings that is answered, and one that is answered late.
const RINGS: Duration = Duration::from_millis(200);
const RINGS_LONG: Duration = Duration::from_secs(8);
/// After how long a client hangs up that does so by itself.
const SPEAKS: Duration = Duration::from_secs(12);
/// How many frames of audio and of text a client sends that was called.
const VOICE_FRAMES: u16 = 4;
const TEXT_FRAMES: u16 = 2;
/// What a client challenges with.
const CHALLENGE: &[u8] = b"271828182";

/// What a client does about one call. The first is the dull one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Rings and answers.
    Answer,
    /// Wants a token first.
    Token,
    /// Wants a token, and then another.
    TokenTwice,
    /// Wants a token and says so twice.
    TokenRepeated,
    /// Wants the secret.
    Challenge,
    /// Wants a token and then the secret.
    TokenAndChallenge,
    /// Wants the secret, and the call encrypted where the caller does.
    Seal,
    /// Wants a token and then as before.
    TokenAndSeal,
    /// Refuses in a dialogue.
    Reject,
    /// Refuses and keeps nothing.
    RejectStateless,
    /// Says nothing at all.
    Silent,
    /// Answers late.
    RingLong,
    /// Rings for ever.
    NeverAnswer,
    /// Answers, and hangs up later.
    HangUp,
    /// Accepts with a format that nobody has.
    WrongFormat,
    /// Two dialogues answer one NEW, as where a repeat was taken for a new call.
    TwoAnswers,
}

impl Mood {
    const ALL: [Mood; 16] = [
        Mood::Answer,
        Mood::Token,
        Mood::TokenTwice,
        Mood::TokenRepeated,
        Mood::Challenge,
        Mood::TokenAndChallenge,
        Mood::Seal,
        Mood::TokenAndSeal,
        Mood::Reject,
        Mood::RejectStateless,
        Mood::Silent,
        Mood::RingLong,
        Mood::NeverAnswer,
        Mood::HangUp,
        Mood::WrongFormat,
        Mood::TwoAnswers,
    ];

    /// How many tokens it wants one after another.
    const fn tokens(self) -> u8 {
        match self {
            Mood::Token | Mood::TokenRepeated | Mood::TokenAndChallenge | Mood::TokenAndSeal => 1,
            Mood::TokenTwice => 2,
            _ => 0,
        }
    }
}

/// How clients make up their minds.
pub(crate) struct Moods<'a> {
    pub(crate) decisions: &'a mut Decisions,
    pub(crate) is_calm: bool,
    pub(crate) permille: u16,
    pub(crate) encrypt_permille: u16,
    pub(crate) deaf_permille: u16,
}

impl Moods<'_> {
    /// Whether a client wants its nth call encrypted. When all is calm it does.
    pub(super) fn wants_cipher(&mut self, client: u8, nth: u32) -> bool {
        let key = Key {
            domain: Domain::Cipher,
            who: u16::from(client),
            nth,
        };
        let rate = u64::from(self.encrypt_permille);
        let draw = |bits: u64| u32::from(bits % 1_000 < rate);
        self.is_calm || self.decisions.decide(key, 2, draw) == 1
    }

    /// The mood of a client's nth call. When all is calm it answers; every other client wants a token first.
    fn mood(&mut self, client: u8, nth: u32, must_encrypt: bool) -> Mood {
        if self.is_calm {
            let wants_token = client % 2 == 1;
            return match (wants_token, must_encrypt) {
                (true, true) => Mood::TokenAndSeal,
                (false, true) => Mood::Seal,
                (true, false) => Mood::Token,
                (false, false) => Mood::Answer,
            };
        }
        let key = Key {
            domain: Domain::Callee,
            who: u16::from(client),
            nth,
        };
        let (rate, choices) = (u64::from(self.permille), Mood::ALL.len() as u32);
        let chosen = self.decisions.decide(key, choices, |bits| {
            let is_moody = bits % 1_000 < rate;
            u32::from(is_moody) * ((bits >> 32) as u32 % choices)
        });
        Mood::ALL[chosen as usize]
    }
}

/// What a client remembers of whom it has not accepted yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    mood: Mood,
    since: Instant,
}

/// What a client does by itself in a call that it accepted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Answer,
    HangUp,
}

impl Client {
    /// A NEW that names no call number of ours.
    pub(super) fn handle_opener(
        &mut self,
        now: Instant,
        frame: &FullFrame<'_>,
        moods: &mut Moods<'_>,
        out: &mut Outbox,
    ) {
        let ies = match frame.body {
            Body::Iax {
                command: IaxCommand::New,
                ies,
            } => ies,
            Body::Iax {
                command: IaxCommand::Poke,
                ..
            } => return self.handle_poke(frame, moods, out),
            _ => return,
        };
        if let Some(dialogue) = self.called_by(frame.source) {
            // A repeat: it is acknowledged again and means nothing more.
            dialogue.reliable.receive(now, frame);
            dialogue.reliable.settle(frame);
            return;
        }
        if frame.oseqno != SeqNo(0) || frame.source <= CallNumber::STATELESS {
            // Such a frame opens nothing.
            return;
        }
        let mood = self.mood_for(now, frame.source, moods);
        let returned = ies.call_token().unwrap_or_default();
        let tokens = tokens_returned(frame.source, returned);
        if tokens < mood.tokens() {
            self.give_token(frame, mood, tokens + 1, out);
            return;
        }
        match mood {
            Mood::Silent => {}
            Mood::RejectStateless => {
                let mut ies = IeBuffer::new();
                ies.push(InformationElement::CauseCode(Cause::USER_BUSY));
                let answer = stateless(frame, IaxCommand::Reject, &ies);
                out.send(self.server, answer);
                self.callers.remove(&frame.source);
            }
            Mood::TwoAnswers => {
                self.take_call(now, frame, mood, out);
                self.take_call(now, frame, mood, out);
            }
            _ => self.take_call(now, frame, mood, out),
        }
    }

    /// Whether it takes what its server sends from this number for a part of what was before: it has a dialogue with the number, be it
    /// one that it gives up, or remembers what it thinks of who calls from there.
    pub(crate) fn knows(&self, now: Instant, theirs: CallNumber) -> bool {
        let mut dialogues = self.dialogues.values();
        let caller = self.callers.get(&theirs);
        caller.is_some_and(|caller| now < caller.since + MEMORY)
            || dialogues.any(|it| it.peer == self.server && it.reliable.remote() == theirs)
    }

    fn called_by(&mut self, theirs: CallNumber) -> Option<&mut Dialogue> {
        let server = self.server;
        let mut dialogues = self.dialogues.values_mut();
        dialogues.find(|dialogue| {
            let is_its = dialogue.peer == server && dialogue.reliable.remote() == theirs;
            dialogue.purpose == Purpose::Called && is_its
        })
    }

    fn mood_for(&mut self, now: Instant, theirs: CallNumber, moods: &mut Moods<'_>) -> Mood {
        self.callers.retain(|_, caller| now < caller.since + MEMORY);
        if let Some(caller) = self.callers.get(&theirs) {
            return caller.mood;
        }
        let must_encrypt = self.identity.must_encrypt;
        let mood = moods.mood(self.index, self.calls_taken, must_encrypt);
        self.calls_taken += 1;
        self.callers.insert(theirs, Caller { mood, since: now });
        mood
    }

    fn give_token(&self, frame: &FullFrame<'_>, mood: Mood, nth: u8, out: &mut Outbox) {
        let token = token(frame.source, nth);
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CallToken(&token));
        let answer = stateless(frame, IaxCommand::CallToken, &ies);
        if mood == Mood::TokenRepeated {
            out.send(self.server, answer.clone());
        }
        out.send(self.server, answer);
        out.goals.reach(match nth {
            1 => Goal::DialledTokenAsked,
            _ => Goal::DialledTokenAskedAgain,
        });
    }

    /// Opens a dialogue for a NEW, and says what the mood wants.
    fn take_call(&mut self, now: Instant, frame: &FullFrame<'_>, mood: Mood, out: &mut Outbox) {
        if mood.tokens() > 0 {
            out.goals.reach(Goal::DialledTokenUsed);
        }
        let local = self.number();
        let mut dialogue = Dialogue::called(now, local, frame.source, self.server);
        let receipt = dialogue.reliable.receive(now, frame);
        if receipt.verdict == Verdict::InOrder {
            out.taken.push(self.taken(local, self.server, frame));
        }
        match mood {
            Mood::Seal | Mood::TokenAndSeal if wants_cipher(frame) => {
                dialogue.challenge(now, CHALLENGE, EncryptionMethods::AES128);
                let cipher = Cipher::new(frame.source, CHALLENGE, &self.identity.secret, false);
                self.ciphers.insert(local, cipher);
            }
            Mood::Challenge | Mood::TokenAndChallenge | Mood::Seal | Mood::TokenAndSeal => {
                dialogue.challenge(now, CHALLENGE, EncryptionMethods::default());
            }
            Mood::Reject => dialogue.reject(now, Cause::USER_BUSY),
            _ => self.accept(now, &mut dialogue, mood),
        }
        dialogue.reliable.settle(frame);
        self.dialogues.insert(local, dialogue);
    }

    fn accept(&mut self, now: Instant, dialogue: &mut Dialogue, mood: Mood) {
        let format = match mood {
            Mood::WrongFormat => Format::GSM,
            _ => Format::ULAW,
        };
        dialogue.accept(now, format);
        let local = dialogue.reliable.local();
        let mut plan = |after, act| self.acts.push((now + after, local, act));
        match mood {
            Mood::NeverAnswer => {}
            Mood::RingLong => plan(RINGS_LONG, Act::Answer),
            Mood::HangUp => {
                plan(RINGS, Act::Answer);
                plan(SPEAKS, Act::HangUp);
            }
            _ => plan(RINGS, Act::Answer),
        }
    }

    /// AUTHREP: the secret is right, or the call is refused.
    pub(super) fn verify(
        &mut self,
        now: Instant,
        local: CallNumber,
        ies: InformationElements<'_>,
        out: &mut Outbox,
    ) {
        let expected = md5_result(CHALLENGE, &self.identity.secret);
        let is_right = ies.md5_result() == Some(expected.as_bytes());
        let Some(mut dialogue) = self.dialogues.remove(&local) else {
            return;
        };
        let is_asked = dialogue.purpose == Purpose::Called && dialogue.phase == Phase::Challenged;
        if is_asked && is_right {
            out.goals.reach(Goal::DialledChallengeAnswered);
            if self.ciphers.get(&local).is_some_and(|cipher| cipher.is_on) {
                out.goals.reach(Goal::DialledEncrypted);
                if self.identity.rotates_often {
                    // Even the ANSWER comes under another key than the login's.
                    dialogue.rotate(now);
                    out.goals.reach(Goal::DialledKeyRotated);
                }
            }
            self.accept(now, &mut dialogue, Mood::Answer);
        } else if is_asked {
            dialogue.reject(now, Cause::FACILITY_REJECTED);
        }
        self.dialogues.insert(local, dialogue);
    }

    /// Does what is due of what it does by itself.
    pub(super) fn act_by_itself(&mut self, now: Instant) {
        let acts = core::mem::take(&mut self.acts);
        let (due, later) = acts.into_iter().partition(|(at, ..)| *at <= now);
        self.acts = later;
        let due: Vec<(Instant, CallNumber, Act)> = due;
        for (_, local, act) in due {
            match act {
                Act::HangUp => self.hang_up_one(now, local),
                Act::Answer => self.answer(now, local),
            }
        }
    }

    fn answer(&mut self, now: Instant, local: CallNumber) {
        let dialogue = self.dialogues.get_mut(&local);
        if let Some(dialogue) = dialogue.filter(|dialogue| dialogue.phase == Phase::Linked) {
            dialogue.answer(now);
            self.speak_on(now, local, VOICE_FRAMES, false);
            self.speak_on(now, local, TEXT_FRAMES, true);
        }
    }
}

impl Dialogue {
    /// The dialogue of a NEW that came.
    fn called(now: Instant, local: CallNumber, theirs: CallNumber, peer: SocketAddr) -> Self {
        let ends = (local, theirs);
        Dialogue::blank(now, ends, peer, Purpose::Called, Phase::Challenged)
    }

    fn challenge(&mut self, now: Instant, challenge: &[u8], ciphers: EncryptionMethods) {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::AuthMethods(
            iaxproof::wire::AuthMethods::MD5,
        ));
        ies.push(InformationElement::Challenge(challenge));
        if ciphers != EncryptionMethods::default() {
            ies.push(InformationElement::Encryption(ciphers));
        }
        ies.push(InformationElement::Username(b""));
        self.send(now, iax(IaxCommand::AuthReq, &ies));
    }

    fn accept(&mut self, now: Instant, format: Format) {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Format(FormatSet::from(format).0 as u32));
        self.send(now, iax(IaxCommand::Accept, &ies));
        self.send_control(now, Control::Ringing);
        self.enter(now, Phase::Linked);
    }

    fn answer(&mut self, now: Instant) {
        self.send_control(now, Control::Answer);
        self.enter(now, Phase::Up);
    }

    fn reject(&mut self, now: Instant, cause: Cause) {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CauseCode(cause));
        self.close(now, iax(IaxCommand::Reject, &ies));
    }

    fn send_control(&mut self, now: Instant, control: Control) {
        self.send(now, Body::Control { control, data: &[] });
    }
}

/// Whether a NEW asks for encryption.
fn wants_cipher(frame: &FullFrame<'_>) -> bool {
    let offered = match frame.body {
        Body::Iax { ies, .. } => ies.encryption().unwrap_or_default(),
        _ => EncryptionMethods::default(),
    };
    offered.contains(EncryptionMethods::AES128)
}

/// The nth token for a call: whoever returns it has received it.
pub(super) fn token(theirs: CallNumber, nth: u8) -> Vec<u8> {
    format!("{nth}?{}", theirs.get()).into_bytes()
}

/// How many tokens one after another somebody has returned.
pub(super) fn tokens_returned(theirs: CallNumber, returned: &[u8]) -> u8 {
    (1..=2)
        .find(|nth| token(theirs, *nth) == returned)
        .unwrap_or(0)
}

/// An answer that keeps nothing: source 1, as chan_iax2 sends it.
pub(super) fn stateless(to: &FullFrame<'_>, command: IaxCommand, ies: &IeBuffer) -> Vec<u8> {
    let frame = FullFrame {
        source: CallNumber::STATELESS,
        destination: to.source,
        retransmission: false,
        timestamp: to.timestamp,
        oseqno: SeqNo(0),
        iseqno: to.oseqno.next(),
        body: iax(command, ies),
    };
    let mut octets = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut octets);
    octets
}
