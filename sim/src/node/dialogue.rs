//! One dialogue of a client: its opener with and without token, the answer to a challenge, and what follows.
//! The exchange itself is the shipped `Reliable`.

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::reliable::Reliable;
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Cause, EncryptionMethods, Format, FormatSet, FullFrame, IaxCommand, IeBuffer,
    InformationElement, Timestamp,
};
use md5::{Digest as _, Md5};

use super::spelling::TO_BE_DIALLED;
use super::transfer::Transfer;
use crate::accounts;

/// How long a client waits for a call to be answered. Nothing in the protocol would end a call whose ANSWER was damaged on
/// its way: a frame has no checksum of its own, so it is acknowledged as something else and never comes again.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a client waits for the acknowledgement of its HANGUP (chan_iax2).
const LINGER: Duration = Duration::from_secs(10);
/// How often a client asks for a sign of life during a call (chan_iax2: `pingtime`).
const PING_INTERVAL: Duration = Duration::from_secs(21);

/// What a dialogue is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// REGREQ with this refresh in seconds.
    Register(u16),
    /// REGREL.
    Release,
    /// NEW.
    Call {
        /// The account that is called by way of the server; `None` for the extension that echoes.
        account: Option<u8>,
        /// Whether it asks for ENCRYPTION.
        is_sealed: bool,
    },
    /// NEW without a number, which is dialled in the call.
    Spelled,
    /// A NEW that came.
    Called,
}

impl Purpose {
    /// Whether it is a call, whoever placed it.
    pub(crate) const fn is_call(self) -> bool {
        self.is_placed() || matches!(self, Purpose::Called)
    }

    /// Whether it is a call that the client wants encrypted.
    pub(super) const fn is_sealed(self) -> bool {
        matches!(
            self,
            Purpose::Call {
                is_sealed: true,
                ..
            }
        )
    }

    /// Whether it is a call that the client placed.
    pub(super) const fn is_placed(self) -> bool {
        matches!(self, Purpose::Call { .. } | Purpose::Spelled)
    }
}

/// How far a dialogue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The opener was sent.
    Asked,
    /// A challenge was answered; of a call that came: it is not accepted yet.
    Challenged,
    /// ACCEPT came, or was sent.
    Linked,
    /// ANSWER came, or was sent.
    Up,
    /// HANGUP or REJECT was sent.
    Closing,
}

/// Who a client says that it is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) secret: String,
    /// Whether its account's calls can be encrypted.
    pub(crate) can_encrypt: bool,
    /// Whether its audio goes in trunk frames.
    pub(crate) is_trunked: bool,
    /// Whether it knows call tokens: who does not sends none, and does not understand who gives it one.
    pub(crate) knows_tokens: bool,
    /// Whether its calls must be encrypted.
    pub(crate) must_encrypt: bool,
    /// Whether it changes the key of an encrypted call each time that it speaks.
    pub(crate) rotates_often: bool,
    /// Whether it never answers a POKE.
    pub(crate) is_mute: bool,
}

/// One dialogue.
#[derive(Debug)]
pub(crate) struct Dialogue {
    pub(crate) purpose: Purpose,
    pub(crate) phase: Phase,
    pub(crate) reliable: Reliable,
    /// Where the other side is.
    pub(crate) peer: SocketAddr,
    /// Whom it may move to.
    pub(super) transfer: Transfer,
    /// The token that the server gave; empty before.
    token: Vec<u8>,
    /// Until when the present phase may last, if it is bounded.
    deadline: Option<Instant>,
    ping_at: Option<Instant>,
    /// Whether audio was sent in a full frame, so that mini frames may follow.
    has_spoken: bool,
    pub(crate) texts_sent: u32,
    /// How often the key was changed.
    rotations: u32,
    /// How many digits of its number the server was asked about.
    pub(super) digits: usize,
    /// Whether the number was dialled.
    pub(super) has_dialled: bool,
}

impl Dialogue {
    /// Opens a dialogue: the opener is on its way.
    pub(crate) fn open(
        now: Instant,
        local: CallNumber,
        peer: SocketAddr,
        purpose: Purpose,
        identity: &Identity,
    ) -> Self {
        let ends = (local, CallNumber::ZERO);
        let mut dialogue = Self::blank(now, ends, peer, purpose, Phase::Asked);
        dialogue.ask(now, identity);
        dialogue
    }

    pub(super) fn blank(
        now: Instant,
        (local, remote): (CallNumber, CallNumber),
        peer: SocketAddr,
        purpose: Purpose,
        phase: Phase,
    ) -> Self {
        Dialogue {
            purpose,
            phase,
            reliable: Reliable::new(local, remote, now),
            peer,
            transfer: Transfer::default(),
            token: Vec::new(),
            deadline: Some(now + PATIENCE),
            ping_at: None,
            has_spoken: false,
            texts_sent: 0,
            rotations: 0,
            digits: 0,
            has_dialled: false,
        }
    }

    fn ask(&mut self, now: Instant, identity: &Identity) {
        let mut ies = IeBuffer::new();
        let command = match self.purpose {
            Purpose::Call { account, is_sealed } => {
                let number = account.map_or_else(|| "echo".into(), accounts::name);
                push_call(&mut ies, &number);
                if is_sealed {
                    ies.push(InformationElement::Encryption(EncryptionMethods::AES128));
                }
                IaxCommand::New
            }
            Purpose::Spelled => {
                push_call(&mut ies, TO_BE_DIALLED);
                IaxCommand::New
            }
            Purpose::Register(refresh) => {
                ies.push(InformationElement::Refresh(refresh));
                IaxCommand::RegReq
            }
            Purpose::Release => IaxCommand::RegRel,
            Purpose::Called => return,
        };
        ies.push(InformationElement::Username(identity.name.as_bytes()));
        if identity.knows_tokens {
            ies.push(InformationElement::CallToken(&self.token));
        }
        self.send(now, iax(command, &ies));
    }

    /// A CALLTOKEN came: the same request again with the token, if none was sent yet (IAX2-security §3.2).
    pub(crate) fn take_token(&mut self, now: Instant, token: &[u8], identity: &Identity) -> bool {
        let is_of_use = identity.knows_tokens && self.token.is_empty() && !token.is_empty();
        if self.phase != Phase::Asked || !is_of_use {
            return false;
        }
        self.token = token.to_vec();
        self.reliable.restart();
        self.ask(now, identity);
        true
    }

    /// A challenge came: answers it, once.
    pub(crate) fn answer_challenge(
        &mut self,
        now: Instant,
        challenge: &[u8],
        identity: &Identity,
    ) -> bool {
        if self.phase != Phase::Asked {
            return false;
        }
        self.phase = Phase::Challenged;
        let result = md5_result(challenge, &identity.secret);
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Md5Result(result.as_bytes()));
        let command = match self.purpose {
            Purpose::Call { .. } | Purpose::Spelled | Purpose::Called => IaxCommand::AuthRep,
            Purpose::Register(refresh) => {
                ies.push(InformationElement::Username(identity.name.as_bytes()));
                ies.push(InformationElement::Refresh(refresh));
                IaxCommand::RegReq
            }
            Purpose::Release => {
                ies.push(InformationElement::Username(identity.name.as_bytes()));
                IaxCommand::RegRel
            }
        };
        self.send(now, iax(command, &ies));
        true
    }

    /// The next frames have another key (RTKEY): 16 octets, another each time.
    pub(super) fn rotate(&mut self, now: Instant) {
        let key = format!("the key no. {:04}", self.rotations);
        self.rotations += 1;
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Challenge(key.as_bytes()));
        self.send(now, iax(IaxCommand::RtKey, &ies));
    }

    /// ACCEPT or ANSWER came.
    pub(crate) fn advance(&mut self, now: Instant, phase: Phase) {
        if self.purpose.is_placed() && self.phase < phase {
            self.enter(now, phase);
        }
    }

    pub(super) fn enter(&mut self, now: Instant, phase: Phase) {
        self.phase = phase;
        if phase == Phase::Up {
            self.deadline = None;
        }
        self.ping_at.get_or_insert(now + PING_INTERVAL);
    }

    /// Hangs up. Whether the dialogue is over at once, for the other side's call number was never learnt.
    pub(crate) fn hang_up(&mut self, now: Instant) -> bool {
        if self.phase == Phase::Closing {
            return false;
        }
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CauseCode(Cause::NORMAL_CLEARING));
        self.close(now, iax(IaxCommand::Hangup, &ies))
    }

    /// Sends the last frame.
    pub(super) fn close(&mut self, now: Instant, body: Body<'_>) -> bool {
        self.phase = Phase::Closing;
        self.ping_at = None;
        self.deadline = Some(now + LINGER);
        let sent = self.reliable.send_final(now, body);
        sent.is_err() || self.reliable.remote() == CallNumber::ZERO
    }

    /// Sends one frame of audio in full the first time, so that the format is known; later the caller is given the time with which it
    /// may go in short.
    pub(crate) fn speak(&mut self, now: Instant, data: &[u8]) -> Option<Timestamp> {
        if self.phase != Phase::Up {
            return None;
        }
        if !self.has_spoken {
            self.has_spoken = true;
            let format = Format::ULAW;
            self.send(now, Body::Voice { format, data });
            return None;
        }
        Some(self.reliable.stamp(now))
    }

    /// Sends the next numbered text; false where it has to wait.
    pub(crate) fn type_next(&mut self, now: Instant) -> bool {
        if self.phase != Phase::Up {
            return false;
        }
        let text = format!("text {}", self.texts_sent);
        let sent = self.reliable.send(now, Body::Text(text.as_bytes())).is_ok();
        self.texts_sent += u32::from(sent);
        sent
    }

    /// Answers PING or LAGRQ with the time-stamp that came.
    pub(crate) fn echo(&mut self, now: Instant, frame: &FullFrame<'_>, command: IaxCommand) {
        let body = iax_empty(command);
        // A full queue means that the other side acknowledges nothing: it will learn so by itself.
        let _ = self.reliable.send_stamped(now, frame.timestamp, body);
    }

    /// When something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let timers = [
            self.reliable.poll_timeout(),
            self.deadline,
            self.ping_at,
            self.transfer.poll_timeout(),
        ];
        timers.into_iter().flatten().min()
    }

    /// Does what is due. False where the dialogue is over.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> bool {
        use iaxproof::engine::reliable::Timeout;
        if let Timeout::GaveUp { .. } = self.reliable.handle_timeout(now) {
            return false;
        }
        if self.ping_at.is_some_and(|at| at <= now) {
            self.ping_at = Some(now + PING_INTERVAL);
            self.send(now, iax_empty(IaxCommand::Ping));
        }
        if self.deadline.is_some_and(|at| at <= now) {
            let may_close = self.purpose.is_call() && self.phase != Phase::Closing;
            return may_close && !self.hang_up(now);
        }
        true
    }

    /// Somebody else is the other side now: counters, clock and format begin anew.
    pub(super) fn move_to(&mut self, now: Instant, peer: SocketAddr, remote: CallNumber) {
        self.reliable.renumber(now, remote);
        self.peer = peer;
        self.transfer = Transfer::default();
        self.has_spoken = false;
        self.ping_at = Some(now + PING_INTERVAL);
    }

    pub(super) fn send(&mut self, now: Instant, body: Body<'_>) {
        // A full queue means that the other side acknowledges nothing: the exchange gives up by itself.
        let _ = self.reliable.send(now, body);
    }
}

fn push_call(ies: &mut IeBuffer, number: &str) {
    let formats = FormatSet::from(Format::ULAW).0 as u32;
    ies.push(InformationElement::Version(2));
    ies.push(InformationElement::CalledNumber(number.as_bytes()));
    ies.push(InformationElement::Capability(formats));
    ies.push(InformationElement::Format(formats));
}

pub(super) fn iax(command: IaxCommand, ies: &IeBuffer) -> Body<'_> {
    Body::Iax {
        command,
        ies: ies.view(),
    }
}

const fn iax_empty(command: IaxCommand) -> Body<'static> {
    Body::Iax {
        command,
        ies: iaxproof::wire::InformationElements::EMPTY,
    }
}

/// MD5 of challenge and secret, 32 hexadecimal digits (RFC 5456 §8.6.15). The client's own: were it the endpoint's, both ends could be
/// wrong alike.
pub(super) fn md5_result(challenge: &[u8], secret: &str) -> String {
    let digest = Md5::new()
        .chain_update(challenge)
        .chain_update(secret)
        .finalize();
    let digits = b"0123456789abcdef";
    let octets = digest.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    octets
        .map(|nibble| char::from(digits[usize::from(nibble)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_the_md5_of_challenge_and_secret() {
        // RFC 1321 A.5: the digest of "message digest".
        assert_eq!(
            md5_result(b"message ", "digest"),
            "f96b697d7cb7938d525a2f31aaf161d0"
        );
    }
}
