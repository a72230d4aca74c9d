//! What tests of encrypted calls have: a server without sockets, which is recorded, and phones that talk with it.

use core::net::SocketAddr;
use std::collections::VecDeque;
use std::path::Path;

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::cipher;
use iaxproof::engine::settings::{Configuration, Secret};
use iaxproof::engine::{Route, Transmit, WorkerId};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, EncryptionMethods, FullFrame, IaxCommand, IeBuffer, InformationElement,
    SeqNo, Timestamp,
};

use super::actor::{Stage, Worker};
use super::tests::header;
use crate::record::Tape;
use crate::record::file::Header;
use crate::record::hand::Actor;
use crate::record::input::Input;
use crate::record::output::Output;
use crate::record::writer::Taping;
use crate::serve::operator::reload;

/// How much later each datagram comes.
const STEP_MS: u64 = 5;

/// A recorded server.
pub(super) struct Rig {
    workers: Vec<(Worker, Tape)>,
    taping: Taping,
    pub(super) now_ms: u64,
    /// What it sent and nobody has taken yet.
    mail: VecDeque<(SocketAddr, Vec<u8>)>,
    /// Every datagram, either way.
    wire: Vec<Vec<u8>>,
    /// How many one worker handed to another.
    pub(super) handed: usize,
}

impl Rig {
    /// A server of so many workers with this configuration, recorded into this file.
    pub(super) fn begin(path: &Path, workers: u16, configuration: Configuration) -> Self {
        let header = || Header {
            seeds: (0..workers).map(|it| [4 + it as u8; 32]).collect(),
            ..header()
        };
        let taping = Taping::begin(path, header()).unwrap();
        let stage = Stage::of(&header()).unwrap();
        let mut tape = taping.tape(Actor::START);
        reload(&stage.catalog, configuration, &mut tape);
        tape.flush();
        let actors = (0..workers).map(|it| Actor::worker(WorkerId(it)));
        let worker = |actor| {
            let worker = stage.worker(&header(), actor).unwrap();
            (worker, taping.tape(actor))
        };
        Rig {
            workers: actors.map(worker).collect(),
            taping,
            now_ms: 90_000,
            mail: VecDeque::new(),
            wire: Vec::new(),
            handed: 0,
        }
    }

    /// A datagram comes, by the socket of the worker that the sender's port says.
    pub(super) fn come(&mut self, from: SocketAddr, octets: &[u8]) {
        self.now_ms += STEP_MS;
        self.wire.push(octets.to_vec());
        let (now, octets): (_, Box<[u8]>) = (self.now(), octets.into());
        let first = usize::from(from.port()) % self.workers.len();
        let came = Input::Came {
            now,
            from,
            octets: octets.clone(),
        };
        if let Some(Output::Routed(Route::There(owner))) = self.give(first, came).first() {
            let handed = Input::Handed {
                now,
                from,
                octets,
                is_last: false,
            };
            self.handed += 1;
            self.give(usize::from(owner.0), handed);
        }
        self.all(&Input::Turn { now });
    }

    /// So much time passes.
    pub(super) fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        let now = self.now();
        self.all(&Input::Timeout { now });
        self.all(&Input::Turn { now });
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now_ms)
    }

    fn all(&mut self, input: &Input) {
        (0..self.workers.len()).for_each(|worker| drop(self.give(worker, input.clone())));
    }

    fn give(&mut self, worker: usize, input: Input) -> Vec<Output> {
        let (worker, tape) = &mut self.workers[worker];
        tape.begin(|| input.clone());
        let outputs = worker.act(input).unwrap();
        for output in &outputs {
            if let Output::Sent(Transmit {
                destination,
                payload,
            }) = output
            {
                self.wire.push(payload.clone());
                self.mail.push_back((*destination, payload.clone()));
            }
            tape.note(|| output.clone());
        }
        tape.end();
        tape.flush();
        outputs
    }

    fn mail_for(&mut self, address: SocketAddr) -> Vec<Vec<u8>> {
        let all = core::mem::take(&mut self.mail);
        let (hers, others): (VecDeque<_>, _) = all.into_iter().partition(|(to, _)| *to == address);
        self.mail = others;
        hers.into_iter().map(|(_, octets)| octets).collect()
    }

    /// The server stops; every datagram that there was.
    pub(super) fn finish(mut self) -> Vec<Vec<u8>> {
        let now = self.now();
        self.all(&Input::Stopping { now });
        self.all(&Input::Shutdown { now });
        self.taping.finish();
        self.wire
    }
}

/// The other side of one call.
pub(super) struct Phone {
    pub(super) address: SocketAddr,
    pub(super) number: u16,
    /// The server's number of the call.
    pub(super) theirs: u16,
    began_ms: u64,
    /// What it seals with, and what it opens with.
    pub(super) sealing: Option<cipher::Key>,
    opening: Option<cipher::Key>,
    pub(super) oseqno: u8,
    iseqno: u8,
    sealed: u8,
}

impl Phone {
    /// One that has not called yet.
    pub(super) fn new(rig: &Rig, address: SocketAddr, number: u16) -> Self {
        Phone {
            address,
            number,
            theirs: 0,
            began_ms: rig.now_ms,
            sealing: None,
            opening: None,
            oseqno: 0,
            iseqno: 0,
            sealed: 0,
        }
    }

    /// All that it says is sealed, and all that it hears.
    pub(super) fn agree(&mut self, challenge: &[u8], secret: &str) {
        let key = cipher::Key::new(challenge, &Secret::new(secret));
        self.sealing = Some(key.clone());
        self.opening = Some(key);
    }

    /// Calls an extension, and says that it could encrypt.
    pub(super) fn dial(&mut self, rig: &mut Rig, user: &str, extension: &str) {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Version(2))
            .push(InformationElement::CalledNumber(extension.as_bytes()))
            .push(InformationElement::Username(user.as_bytes()))
            .push(InformationElement::Encryption(EncryptionMethods::AES128))
            .push(InformationElement::Capability(4))
            .push(InformationElement::Format(4));
        self.message(rig, IaxCommand::New, &ies);
    }

    /// Says that it is who has the secret, as the first sealed frame.
    pub(super) fn prove(&mut self, rig: &mut Rig, challenge: &[u8], secret: &str) {
        self.agree(challenge, secret);
        let result = md5_result(challenge, &Secret::new(secret));
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Md5Result(&result));
        self.message(rig, IaxCommand::AuthRep, &ies);
    }

    /// The challenge of the AUTHREQ that came.
    pub(super) fn challenged(&mut self, rig: &mut Rig) -> Vec<u8> {
        let heard = self.hear(rig);
        let challenge = heard.iter().find_map(|octets| challenge(octets));
        challenge.expect("AUTHREQ with a challenge")
    }

    /// Sends an IAX control frame.
    pub(super) fn message(&mut self, rig: &mut Rig, command: IaxCommand, ies: &IeBuffer) {
        let ies = ies.view();
        self.say(rig, Body::Iax { command, ies });
    }

    /// Sends a full frame.
    pub(super) fn say(&mut self, rig: &mut Rig, body: Body<'_>) {
        let octets = self.next(rig, body);
        rig.come(self.address, &octets);
    }

    /// The datagram of its next full frame.
    pub(super) fn next(&mut self, rig: &Rig, body: Body<'_>) -> Vec<u8> {
        let frame = FullFrame {
            source: CallNumber::from_word(self.number),
            destination: CallNumber::from_word(self.theirs),
            retransmission: false,
            timestamp: Timestamp((rig.now_ms - self.began_ms + 1) as u32),
            oseqno: SeqNo(self.oseqno),
            iseqno: SeqNo(self.iseqno),
            body,
        };
        if !matches!(body, Body::Iax { command, .. } if !command.consumes_sequence_number()) {
            self.oseqno = self.oseqno.wrapping_add(1);
        }
        let mut octets = Vec::new();
        frame.encode(&mut octets);
        self.seal(octets)
    }

    /// The datagram of a mini frame.
    pub(super) fn mini(&mut self, rig: &Rig, data: &[u8]) -> Vec<u8> {
        let mut octets = self.number.to_be_bytes().to_vec();
        octets.extend(((rig.now_ms - self.began_ms) as u16).to_be_bytes());
        octets.extend(data);
        self.seal(octets)
    }

    fn seal(&mut self, octets: Vec<u8>) -> Vec<u8> {
        self.sealed += 1;
        let padding = core::array::from_fn(|at| self.sealed.wrapping_mul(37) ^ at as u8);
        match &self.sealing {
            Some(key) => key.encrypt(&octets, padding),
            None => octets,
        }
    }

    /// What the server sent to it, without seals.
    pub(super) fn hear(&mut self, rig: &mut Rig) -> Vec<Vec<u8>> {
        let mail = rig.mail_for(self.address);
        let open = |octets: Vec<u8>| match &self.opening {
            // A login that failed is told so in clear.
            Some(key) => key.decrypt(&octets).unwrap_or(octets),
            None => octets,
        };
        let heard: Vec<Vec<u8>> = mail.into_iter().map(open).collect();
        for octets in &heard {
            if let Ok(frame) = FullFrame::parse(octets) {
                self.follow(&frame);
            }
        }
        heard
    }

    fn follow(&mut self, frame: &FullFrame<'_>) {
        self.theirs = frame.source.get();
        let is_exempt =
            matches!(frame.body, Body::Iax { command, .. } if !command.consumes_sequence_number());
        if !is_exempt {
            self.iseqno = frame.oseqno.0.wrapping_add(1);
        }
    }
}

/// The challenge of an AUTHREQ.
fn challenge(octets: &[u8]) -> Option<Vec<u8>> {
    match FullFrame::parse(octets).ok()?.body {
        Body::Iax {
            command: IaxCommand::AuthReq,
            ies,
        } => ies.challenge().map(<[u8]>::to_vec),
        _ => None,
    }
}

/// Whether a frame is this message.
pub(super) fn is(octets: &[u8], wanted: IaxCommand) -> bool {
    let frame = FullFrame::parse(octets);
    frame.is_ok_and(|it| matches!(it.body, Body::Iax { command, .. } if command == wanted))
}
