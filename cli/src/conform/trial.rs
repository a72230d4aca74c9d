//! What a check is given: sockets of its own, and the steps that many checks begin with: an opener with its call token, a
//! login, a call that is up, a registration.

use core::cell::Cell;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::settings::Secret;
use iaxproof::wire::{Body, CallNumber, Control, Format, IaxCommand, IeBuffer, InformationElement};

use super::check::{Stop, fail, skip};
use super::dialogue::Dialogue;
use super::peer::{Heard, Peer};
use super::subject::{Second, Subject};
use super::trace::Trace;
use crate::net::random;

/// What registrations of ours ask for, in seconds.
pub(super) const REFRESH: u16 = 60;
/// The lowest of our call numbers: half of all, drawn at random, so that a port that was used before finds none of them open.
const NUMBER_MIN: u16 = 0x2000;
/// A name that nobody has.
pub(super) const NOBODY: &[u8] = b"nobody-of-this-name";

/// One attempt at one check.
pub(super) struct Trial<'a> {
    pub(super) subject: &'a Subject,
    trace: Rc<Trace>,
    peers: Cell<u8>,
}

impl<'a> Trial<'a> {
    /// An attempt with its trace.
    pub(super) fn new(subject: &'a Subject, trace: Rc<Trace>) -> Self {
        Trial {
            subject,
            trace,
            peers: Cell::new(0),
        }
    }

    /// A peer on a socket of its own. In the trace the first is `A`, the next `B`.
    pub(super) fn peer(&self) -> Result<Rc<Peer>, Stop> {
        let nth = self.peers.get();
        self.peers.set(nth + 1);
        let name = char::from(b'A' + nth % 26);
        let peer = Peer::new(self.subject.address, name, Rc::clone(&self.trace))?;
        Ok(Rc::new(peer))
    }

    /// A dialogue that has sent nothing, on a socket of its own.
    pub(super) fn dialogue(&self) -> Result<Dialogue, Stop> {
        Ok(self.dialogue_on(&self.peer()?))
    }

    /// A dialogue that has sent nothing, on this socket.
    pub(super) fn dialogue_on(&self, peer: &Rc<Peer>) -> Dialogue {
        let octets = random().unwrap_or([0x20, u8::from_ne_bytes([self.peers.get()])]);
        let number = u16::from_be_bytes(octets) & 0x1fff | NUMBER_MIN;
        let ours = CallNumber::new(number).unwrap_or(CallNumber::MAX);
        Dialogue::new(Rc::clone(peer), self.subject.waits, ours)
    }

    /// A dialogue whose opener was sent, with a token if the target wants one.
    pub(super) fn open(&self, command: IaxCommand, ies: &IeBuffer) -> Result<Dialogue, Stop> {
        let mut dialogue = self.dialogue()?;
        self.open_on(&mut dialogue, command, ies)?;
        Ok(dialogue)
    }

    /// Sends an opener, and again with the token that comes (X-TOK-2).
    pub(super) fn open_on(
        &self,
        dialogue: &mut Dialogue,
        command: IaxCommand,
        ies: &IeBuffer,
    ) -> Result<(), Stop> {
        dialogue.say(command, &with_token(ies, &[]));
        let ours = dialogue.ours;
        let expected = format!("an answer to {command}");
        let answer = dialogue.expect(expected, |heard| heard.destination() == ours)?;
        if let (true, Some(token)) = (answer.is(IaxCommand::CallToken), answer.ies().call_token()) {
            dialogue.restart();
            dialogue.say(command, &with_token(ies, token));
        }
        Ok(())
    }

    /// The token that the target gives to this peer; skips where it uses none.
    pub(super) fn token(&self, peer: &Rc<Peer>) -> Result<Vec<u8>, Stop> {
        let mut dialogue = self.dialogue_on(peer);
        dialogue.say(
            IaxCommand::New,
            &with_token(&self.invitation(&self.subject.extension), &[]),
        );
        let ours = dialogue.ours;
        let answer = dialogue.expect("an answer to NEW", |heard| heard.destination() == ours)?;
        match answer.ies().call_token() {
            Some(token) if answer.is(IaxCommand::CallToken) => Ok(token.to_vec()),
            _ => skip("the target answers NEW without a call token"),
        }
    }

    /// The elements of a NEW to this extension, as the guest or else as the user, but CALLTOKEN.
    pub(super) fn invitation(&self, extension: &str) -> IeBuffer {
        let user = self.subject.guest.as_ref().unwrap_or(&self.subject.user);
        invitation(extension, user.as_bytes())
    }

    /// The elements of a NEW as the user.
    pub(super) fn invitation_as_user(&self) -> IeBuffer {
        invitation(&self.subject.extension, self.subject.user.as_bytes())
    }

    /// The secret of the user; skips where there is none.
    pub(super) fn secret(&self) -> Result<&'a Secret, Stop> {
        match &self.subject.secret {
            Some(secret) => Ok(secret),
            None => skip("no secret of --user is given (--secret-file, IAXPROOF_SECRET)"),
        }
    }

    /// Who may encrypt its calls, and its secret; skips where there is none.
    pub(super) fn second(&self) -> Result<(&'a Second, &'a Secret), Stop> {
        let Some(second) = &self.subject.second else {
            return skip("no user is given whose calls may be encrypted (--second)");
        };
        match &second.secret {
            Some(secret) => Ok((second, secret)),
            None => skip("no secret of --second is given (--second-secret-file)"),
        }
    }

    /// As [`login_gate`](Self::login_gate), for this user.
    pub(super) fn login_gate_of(&self, second: &'a Second) -> MutexGuard<'a, ()> {
        lock(self.subject.logins_of(second))
    }

    /// As [`contact_gate`](Self::contact_gate), for this user.
    pub(super) fn contact_gate_of(&self, second: &'a Second) -> MutexGuard<'a, ()> {
        lock(self.subject.contact_of(second))
    }

    /// What must not happen at once for one user: calls that are about to log in.
    pub(super) fn login_gate(&self) -> MutexGuard<'a, ()> {
        lock(&self.subject.logins)
    }

    /// The same for where the user is registered.
    pub(super) fn contact_gate(&self) -> MutexGuard<'a, ()> {
        lock(&self.subject.contact)
    }

    /// A call to the extension that is accepted and answered.
    pub(super) fn call(&self) -> Result<Dialogue, Stop> {
        self.call_to(&self.subject.extension)
    }

    /// The same to what sends back what it hears.
    pub(super) fn call_to_echo(&self) -> Result<Dialogue, Stop> {
        match &self.subject.echo {
            Some(echo) => self.call_to(echo),
            None => skip("no extension is given that sends back what it hears (--echo)"),
        }
    }

    /// The same to this extension.
    pub(super) fn call_to(&self, extension: &str) -> Result<Dialogue, Stop> {
        self.call_with(&self.invitation(extension))
    }

    /// The same with these elements.
    pub(super) fn call_with(&self, ies: &IeBuffer) -> Result<Dialogue, Stop> {
        let mut dialogue = self.accepted(ies)?.0;
        dialogue.expect("CONTROL ANSWER after ACCEPT", is_answer)?;
        Ok(dialogue)
    }

    /// A call that is accepted, and its ACCEPT. Whoever has to log in does.
    pub(super) fn accepted(&self, ies: &IeBuffer) -> Result<(Dialogue, Heard), Stop> {
        let _gate = self.subject.guest.is_none().then(|| self.login_gate());
        let mut dialogue = self.open(IaxCommand::New, ies)?;
        let expected = "ACCEPT to NEW, or AUTHREQ";
        let answer = dialogue.expect(expected, |heard| {
            is_verdict(heard) || heard.is(IaxCommand::AuthReq)
        })?;
        let accept = match answer.command() {
            Some(IaxCommand::Accept) => answer,
            Some(IaxCommand::AuthReq) => {
                self.prove(&mut dialogue, &answer, IaxCommand::AuthRep)?;
                dialogue.expect_command(IaxCommand::Accept)?
            }
            _ => return fail(expected),
        };
        Ok((dialogue, accept))
    }

    /// Answers a challenge with the secret of the user.
    pub(super) fn prove(
        &self,
        dialogue: &mut Dialogue,
        challenge: &Heard,
        command: IaxCommand,
    ) -> Result<(), Stop> {
        prove_with(self, dialogue, challenge, command, self.secret()?)
    }

    /// A REGREQ or REGREL that was challenged, and the challenge.
    pub(super) fn challenged(
        &self,
        command: IaxCommand,
        user: &[u8],
    ) -> Result<(Dialogue, Heard), Stop> {
        let mut dialogue = self.open(command, &registration(user))?;
        let challenge = dialogue.expect_command(IaxCommand::RegAuth)?;
        Ok((dialogue, challenge))
    }

    /// REGREQ or REGREL with the whole exchange; gives the dialogue and what ended it.
    pub(super) fn registered(&self, command: IaxCommand) -> Result<(Dialogue, Heard), Stop> {
        let mut dialogue = self.dialogue()?;
        let end = self.register_on(&mut dialogue, command)?;
        Ok((dialogue, end))
    }

    /// The same on a dialogue that has sent nothing.
    pub(super) fn register_on(
        &self,
        dialogue: &mut Dialogue,
        command: IaxCommand,
    ) -> Result<Heard, Stop> {
        self.secret()?;
        self.open_on(
            dialogue,
            command,
            &registration(self.subject.user.as_bytes()),
        )?;
        let challenge = dialogue.expect_command(IaxCommand::RegAuth)?;
        self.prove(dialogue, &challenge, command)?;
        let end = dialogue.expect("REGACK, or REGREJ", is_end_of_registration)?;
        dialogue.is_open = false;
        Ok(end)
    }
}

/// Answers a challenge with this secret.
pub(super) fn prove_with(
    trial: &Trial<'_>,
    dialogue: &mut Dialogue,
    challenge: &Heard,
    command: IaxCommand,
    secret: &Secret,
) -> Result<(), Stop> {
    let Some(text) = challenge.ies().challenge() else {
        return fail("a CHALLENGE in what asks for authentication");
    };
    let result = md5_result(text, secret);
    answer_with(trial, dialogue, command, &result);
    Ok(())
}

/// Answers a challenge with any MD5 RESULT.
pub(super) fn answer_with(
    trial: &Trial<'_>,
    dialogue: &mut Dialogue,
    command: IaxCommand,
    result: &[u8],
) {
    let mut ies = IeBuffer::new();
    if command != IaxCommand::AuthRep {
        ies = registration(trial.subject.user.as_bytes());
    }
    ies.push(InformationElement::Md5Result(result));
    dialogue.say(command, &ies);
}

/// A secret that is nobody's.
pub(super) fn wrong_secret() -> Secret {
    Secret::new("not-the-secret-of-anybody")
}

/// The elements of a NEW, but CALLTOKEN.
pub(super) fn invitation(extension: &str, user: &[u8]) -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Version(2))
        .push(InformationElement::CalledNumber(extension.as_bytes()))
        .push(InformationElement::CallingPres(0))
        .push(InformationElement::CallingTon(0))
        .push(InformationElement::CallingTns(0))
        .push(InformationElement::Username(user))
        .push(InformationElement::Format(mask(Format::ULAW)))
        .push(InformationElement::Capability(
            mask(Format::ULAW) | mask(Format::ALAW),
        ));
    ies
}

/// The elements of a REGREQ or REGREL, but CALLTOKEN.
pub(super) fn registration(user: &[u8]) -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Username(user))
        .push(InformationElement::Refresh(REFRESH));
    ies
}

/// The low half of a format's mask, as FORMAT and CAPABILITY have it.
pub(super) const fn mask(format: Format) -> u32 {
    format.mask() as u32
}

/// The same elements with CALLTOKEN as the last.
pub(super) fn with_token(ies: &IeBuffer, token: &[u8]) -> IeBuffer {
    let mut ies = ies.clone();
    ies.push(InformationElement::CallToken(token));
    ies
}

/// CONTROL ANSWER.
pub(super) fn is_answer(heard: &Heard) -> bool {
    is_control(heard, Control::Answer)
}

/// A CONTROL frame of this kind.
pub(super) fn is_control(heard: &Heard, wanted: Control) -> bool {
    matches!(heard.body(), Some(Body::Control { control, .. }) if control == wanted)
}

/// What may be said to a NEW in the end (RFC 5456 §6.2.2).
pub(super) fn is_verdict(heard: &Heard) -> bool {
    use IaxCommand::{Accept, Hangup, Reject};
    matches!(heard.command(), Some(Accept | Reject | Hangup))
}

/// A refusal of a call.
pub(super) fn is_refusal(heard: &Heard) -> bool {
    matches!(
        heard.command(),
        Some(IaxCommand::Reject | IaxCommand::Hangup)
    )
}

/// What ends a registration's exchange.
pub(super) fn is_end_of_registration(heard: &Heard) -> bool {
    matches!(
        heard.command(),
        Some(IaxCommand::RegAck | IaxCommand::RegRej)
    )
}

fn lock<'a>(gate: &'a Mutex<()>) -> MutexGuard<'a, ()> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}
