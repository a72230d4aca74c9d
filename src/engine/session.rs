//! What of a dialogue is encrypted (RFC 5456 §7.4; chan_iax2), for both sides. How one frame is: [`cipher`](super::cipher).
//!
//! ```text
//! Clear --AUTHREQ with ENCRYPTION sent--> Offered --first frame proves a secret--> Encrypted
//!   |                                        \-----first frame proves nothing----> Failed
//!   \-----AUTHREQ with ENCRYPTION answered-----------------------------------------> Encrypted
//! ```
//!
//! Sent frames are encrypted by the key that held when they were built, so that AUTHREQ stays clear and RTKEY goes out under
//! the older key, however often they are repeated (X-ENC-2): [`Reliable`](super::reliable::Reliable) keeps it with each frame.
//!
//! # Deviations
//!
//! - chan_iax2 takes the first secret whose padding fits, which nearly any does; here the AUTHREP must prove the secret (RFC 5456
//!   §7.4: each is tried until a message decodes).
//! - Nothing else tells that octets are a frame of the key, for the cipher has no integrity. What reads as no frame, or as
//!   one of unknown type or subclass, is dropped, and its number not consumed: X-FRM-6 holds for calls in clear alone. So is what
//!   reads as a frame of quite another time than the call's ([`ASTRAY_MAX_MS`]): one under a key whose RTKEY is still on its way.
//! - chan_iax2 drops all that is clear as soon as AUTHREQ was sent. Here the caller may still repeat its NEW, acknowledge
//!   and hang up in clear until it has answered; its AUTHREP may not. And a caller whose secret was wrong is told so by a
//!   REJECT in clear, which a caller takes until it has decrypted something.
//! - chan_iax2 asks for the rotation of keys and rotates; here RTKEY is obeyed and never sent (X-ENC-1). For what was repeated
//!   under the key before, that one is tried too.

use core::net::SocketAddr;
use std::borrow::Cow;

use subtle::ConstantTimeEq;

use super::Endpoint;
use super::cipher::{self, Key};
use super::dialogue::Link;
use super::directory::Directory;
use crate::time::Instant;
use crate::wire::{Body, FullFrame, Head, IaxCommand, Timestamp};

/// How far an encrypted frame's time-stamp may be from the age of its call: an hour, in milliseconds. Clocks of a call start within
/// its set-up, and drift by seconds.
const ASTRAY_MAX_MS: u32 = 3_600_000;

/// Where a dialogue is.
#[derive(Debug, Default)]
pub(super) enum Session {
    /// Nothing is encrypted.
    #[default]
    Clear,
    /// AUTHREQ with ENCRYPTION is out: one key for each secret that may be proved. Frames go out in clear as yet.
    Offered(Vec<Key>),
    /// The first encrypted frame proved nothing: frames go out in clear, encrypted ones are dropped.
    Failed,
    /// Everything is encrypted.
    Encrypted(Receiving),
}

/// What opens the other side's frames.
#[derive(Debug)]
pub(super) struct Receiving {
    key: Key,
    /// The key before the latest RTKEY.
    before: Option<Key>,
    /// Whether a frame was decrypted already.
    has_heard: bool,
}

/// What became of a datagram of a dialogue.
#[derive(Debug)]
pub(super) enum Opened {
    /// It is in clear, as it should be.
    Clear,
    /// It was sealed around this frame.
    Frame(Vec<u8>),
    /// It is in clear and should not be, or no key opens it.
    Dropped,
    /// It should prove a secret and does not.
    Disproved,
}

impl Link {
    /// Whether everything is encrypted: then nothing goes into a trunk, and nobody is transferred (X-ENC-5).
    pub(super) const fn is_encrypted(&self) -> bool {
        matches!(self.session, Session::Encrypted(_))
    }

    /// AUTHREQ with ENCRYPTION was sent. The first frame that proves one of these keys encrypts all that follows.
    pub(super) fn offer_encryption(&mut self, keys: Vec<Key>) {
        self.session = Session::Offered(keys);
    }

    /// All that is built from now on is encrypted, and all that comes must be. The caller says so before its AUTHREP.
    pub(super) fn encrypt_from_now(&mut self, key: Key) {
        self.reliable.encrypt_from_now(key.clone());
        self.session = Session::Encrypted(Receiving {
            key,
            before: None,
            has_heard: false,
        });
    }

    /// RTKEY came in its order: what follows it has this key (X-ENC-1).
    pub(super) fn rotate(&mut self, key: Key) {
        if let Session::Encrypted(receiving) = &mut self.session {
            let before = core::mem::replace(&mut receiving.key, key);
            receiving.before = Some(before);
        }
    }

    /// Finds out what a datagram of this dialogue is.
    pub(super) fn open(&mut self, now: Instant, head: Head, octets: &[u8]) -> Opened {
        let age_ms = self.reliable.age_ms(now);
        let local = self.reliable.local();
        let is_addressed = match head {
            Head::Full { destination, .. } => destination == local,
            Head::Mini { .. } => true,
        };
        match (&mut self.session, head) {
            (Session::Clear, _) => Opened::Clear,
            (Session::Encrypted(_), _) if !is_addressed => Opened::Dropped,
            (Session::Encrypted(receiving), Head::Full { .. }) => receiving.open(age_ms, octets),
            (Session::Encrypted(receiving), Head::Mini { .. }) => {
                let opened = receiving.key.decrypt(octets);
                opened.map_or(Opened::Dropped, Opened::Frame)
            }
            (Session::Offered(keys), Head::Full { .. }) if is_addressed => {
                let keys = core::mem::take(keys);
                self.prove(age_ms, keys, octets)
            }
            (Session::Failed, Head::Full { .. }) if is_addressed && cipher::is_sealed(octets) => {
                Opened::Dropped
            }
            (Session::Offered(_) | Session::Failed, _) => Opened::Clear,
        }
    }

    /// The first frame after AUTHREQ. The challenge is good for one answer, so a frame that no key explains uses it up.
    fn prove(&mut self, age_ms: u64, keys: Vec<Key>, octets: &[u8]) -> Opened {
        let (session, opened) = match first_frame(age_ms, &keys, octets) {
            First::Proof(key, frame) => {
                self.encrypt_from_now(key);
                return Opened::Frame(frame);
            }
            First::Early => (Session::Offered(keys), Opened::Dropped),
            First::Clear => (Session::Offered(keys), Opened::Clear),
            First::Noise => (Session::Failed, Opened::Disproved),
        };
        self.session = session;
        opened
    }
}

impl Receiving {
    fn open(&mut self, age_ms: u64, octets: &[u8]) -> Opened {
        let keys = [Some(&self.key), self.before.as_ref()];
        let mut opened = keys
            .into_iter()
            .flatten()
            .filter_map(|key| key.decrypt(octets));
        if let Some(frame) = opened.find(|frame| reads(age_ms, frame)) {
            self.has_heard = true;
            return Opened::Frame(frame);
        }
        match clear_command(octets) {
            Some(IaxCommand::Reject) if !self.has_heard => Opened::Clear,
            _ => Opened::Dropped,
        }
    }
}

/// What the first full frame after AUTHREQ is.
enum First {
    /// An AUTHREP that proves the secret of this key.
    Proof(Key, Vec<u8>),
    /// Something else under one of the keys, which overtook the AUTHREP.
    Early,
    /// In clear, and no AUTHREP.
    Clear,
    /// Under no key.
    Noise,
}

fn first_frame(age_ms: u64, keys: &[Key], octets: &[u8]) -> First {
    let mut is_early = false;
    for key in keys {
        let Some(frame) = key.decrypt(octets) else {
            continue;
        };
        if proves(&frame, key) {
            return First::Proof(key.clone(), frame);
        }
        is_early |= reads(age_ms, &frame);
    }
    match clear_command(octets) {
        Some(IaxCommand::AuthRep) => First::Early,
        Some(_) => First::Clear,
        None if is_early => First::Early,
        None if cipher::is_sealed(octets) => First::Noise,
        None => First::Clear,
    }
}

/// Whether a frame is an AUTHREP whose MD5 RESULT is the key.
fn proves(frame: &[u8], key: &Key) -> bool {
    match FullFrame::parse(frame).map(|frame| frame.body) {
        Ok(Body::Iax {
            command: IaxCommand::AuthRep,
            ies,
        }) => {
            let result = ies.md5_result().unwrap_or_default().to_ascii_lowercase();
            result.ct_eq(key.as_md5_result().as_slice()).into()
        }
        _ => false,
    }
}

/// Whether octets read as a frame with a meaning, of this time of the call or of none. Noise has a meaning in about one case of
/// twenty, and the time in one of six hundred.
fn reads(age_ms: u64, frame: &[u8]) -> bool {
    match FullFrame::parse(frame) {
        Ok(frame) => !matches!(frame.body, Body::Unknown(_)) && !is_astray(age_ms, frame.timestamp),
        Err(_) => false,
    }
}

/// Whether a frame says that it is of quite another time of a call that is this old. INVAL and its like say 0.
const fn is_astray(age_ms: u64, timestamp: Timestamp) -> bool {
    let ahead = timestamp.0.wrapping_sub(age_ms as u32);
    let behind = (age_ms as u32).wrapping_sub(timestamp.0);
    timestamp.0 != 0 && ahead > ASTRAY_MAX_MS && behind > ASTRAY_MAX_MS
}

/// The message that octets are in clear, where they are one with a name.
fn clear_command(octets: &[u8]) -> Option<IaxCommand> {
    match FullFrame::parse(octets).ok()?.body {
        Body::Iax { command, .. } => command.name().map(|_| command),
        _ => None,
    }
}

impl<D: Directory> Endpoint<D> {
    /// The octets of a datagram as its dialogue reads them; `None` where they are nothing to it, which is counted.
    pub(super) fn unseal<'a>(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        datagram: &'a [u8],
    ) -> Option<Cow<'a, [u8]>> {
        let clear = Some(Cow::Borrowed(datagram));
        let Some(head) = Head::peek(datagram) else {
            return clear;
        };
        let Some(&local) = self.by_remote.get(&(remote, head.source())) else {
            return clear;
        };
        let dialogue = self.dialogues.get_mut(&local);
        match dialogue.map(|dialogue| dialogue.link.open(now, head, datagram)) {
            None | Some(Opened::Clear) => return clear,
            Some(Opened::Frame(octets)) => return Some(Cow::Owned(octets)),
            Some(Opened::Dropped) => {}
            Some(Opened::Disproved) => self.with(now, local, |dialogue, context| {
                dialogue.disproved(now, context);
            }),
        }
        self.context.dropped.undecipherable += 1;
        None
    }
}
