//! What the checks of `--second` begin with: its login where encryption is wanted, a call under the key, and its registration.

use std::rc::Rc;

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::cipher::Key;
use iaxproof::engine::settings::Secret;
use iaxproof::wire::{EncryptionMethods, IaxCommand, IeBuffer, InformationElement};

use super::setup_answer;
use crate::conform::check::{Outcome, Stop, fail, skip, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::{Heard, Peer};
use crate::conform::trial::{Trial, invitation, is_answer, is_end_of_registration, is_refusal};

/// ENCRYPTION as most checks ask for it.
pub(super) const AES128: InformationElement<'static> =
    InformationElement::Encryption(EncryptionMethods::AES128);
/// The same, and keys that are rotated: as Asterisk asks.
pub(super) const ROTATING: InformationElement<'static> = InformationElement::Encryption(
    EncryptionMethods(EncryptionMethods::AES128.0 | EncryptionMethods::KEY_ROTATION.0),
);

/// A NEW of `--second` with this ENCRYPTION, if any, and the AUTHREQ to it.
pub(super) fn asked(
    trial: &Trial<'_>,
    extension: &str,
    encryption: Option<InformationElement<'_>>,
) -> Result<(Dialogue, Heard), Stop> {
    let mut dialogue = trial.dialogue()?;
    let authreq = asked_on(trial, &mut dialogue, extension, encryption)?;
    Ok((dialogue, authreq))
}

fn asked_on(
    trial: &Trial<'_>,
    dialogue: &mut Dialogue,
    extension: &str,
    encryption: Option<InformationElement<'_>>,
) -> Result<Heard, Stop> {
    let (second, _) = trial.second()?;
    let mut ies = invitation(extension, second.name.as_bytes());
    if let Some(encryption) = encryption {
        ies.push(encryption);
    }
    trial.open_on(dialogue, IaxCommand::New, &ies)?;
    let answer = dialogue.expect("AUTHREQ to a NEW of --second", setup_answer)?;
    dialogue.is_open = !is_refusal(&answer);
    match answer.command() {
        Some(IaxCommand::AuthReq) => Ok(answer),
        Some(IaxCommand::Accept) => skip("the target asks --second for no secret"),
        _ => skip("the target refuses a call of --second"),
    }
}

/// A login that may be encrypted: nothing was sent after AUTHREQ yet.
pub(super) struct Granted {
    pub(super) dialogue: Dialogue,
    pub(super) authreq: Heard,
    /// MD5(challenge ‖ secret) (RFC 5456 §7.4), and as MD5 RESULT.
    pub(super) key: Key,
    pub(super) result: Vec<u8>,
}

/// The same, where AUTHREQ grants AES-128; skips where it does not.
pub(super) fn granted(
    trial: &Trial<'_>,
    extension: &str,
    encryption: InformationElement<'_>,
) -> Result<Granted, Stop> {
    granted_on(trial, trial.dialogue()?, extension, encryption)
}

/// The same on a dialogue that has sent nothing.
pub(super) fn granted_on(
    trial: &Trial<'_>,
    mut dialogue: Dialogue,
    extension: &str,
    encryption: InformationElement<'_>,
) -> Result<Granted, Stop> {
    let authreq = asked_on(trial, &mut dialogue, extension, Some(encryption))?;
    if !grants(&authreq) {
        return skip("the target grants --second no encryption");
    }
    let (_, secret) = trial.second()?;
    let Some(text) = authreq.ies().challenge() else {
        return fail("a CHALLENGE in an AUTHREQ with ENCRYPTION");
    };
    Ok(Granted {
        key: Key::new(text, secret),
        result: md5_result(text, secret).to_vec(),
        dialogue,
        authreq,
    })
}

/// Whether AUTHREQ has ENCRYPTION with AES-128.
pub(super) fn grants(authreq: &Heard) -> bool {
    let granted = authreq.ies().encryption().unwrap_or_default();
    granted.contains(EncryptionMethods::AES128)
}

/// The elements of an AUTHREP.
pub(super) fn answer(result: &[u8]) -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Md5Result(result));
    ies
}

impl Granted {
    /// Logs in under the key; the ACCEPT is to be under it too.
    pub(super) fn log_in(self) -> Result<(Dialogue, Heard), Stop> {
        let mut dialogue = self.dialogue;
        dialogue.seal_from_now(self.key);
        dialogue.say(IaxCommand::AuthRep, &answer(&self.result));
        let expected = "an ACCEPT that opens under MD5(CHALLENGE, secret), to an AUTHREP under it";
        let accept = dialogue.expect(expected, |heard| heard.is(IaxCommand::Accept))?;
        Ok((dialogue, accept))
    }

    /// Ends a login of which enough was seen, so that the target waits for no AUTHREP.
    pub(super) fn conclude(self) -> Outcome {
        self.log_in().map(|_| ())
    }
}

/// A call of `--second` under a key that was accepted, and its ACCEPT.
pub(super) fn accepted(
    trial: &Trial<'_>,
    extension: &str,
    encryption: InformationElement<'_>,
) -> Result<(Dialogue, Heard), Stop> {
    let _gate = trial.login_gate_of(trial.second()?.0);
    granted(trial, extension, encryption)?.log_in()
}

/// One to --extension that was answered.
pub(super) fn call(trial: &Trial<'_>) -> Result<Dialogue, Stop> {
    call_to(trial, &trial.subject.extension)
}

/// The same to what sends back what it hears.
pub(super) fn call_to_echo(trial: &Trial<'_>) -> Result<Dialogue, Stop> {
    match &trial.subject.echo {
        Some(echo) => call_to(trial, echo),
        None => skip("no extension is given that sends back what it hears (--echo)"),
    }
}

fn call_to(trial: &Trial<'_>, extension: &str) -> Result<Dialogue, Stop> {
    let mut dialogue = accepted(trial, extension, AES128)?.0;
    dialogue.expect("CONTROL ANSWER under the key", is_answer)?;
    Ok(dialogue)
}

/// Nothing came in clear, or under another key, since the call has one. AUTHREQ is repeated as it was (X-ENC-2), and whether
/// an address is there may be asked of it at any time.
pub(super) fn nothing_strays(dialogue: &Dialogue) -> Outcome {
    let is_apart = |heard: &Heard| heard.is(IaxCommand::AuthReq) || heard.is(IaxCommand::Poke);
    let strays = dialogue.strays().iter().filter(|heard| !is_apart(heard));
    want(
        strays.count() == 0,
        "everything under the key of the call, once AUTHREQ said ENCRYPTION",
    )
}

/// Registers a user on a socket for so many seconds, and gives the REGACK; skips where that is refused.
pub(super) fn register(
    trial: &Trial<'_>,
    home: &Rc<Peer>,
    name: &str,
    secret: &Secret,
    refresh: u16,
) -> Result<Heard, Stop> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Username(name.as_bytes()))
        .push(InformationElement::Refresh(refresh));
    let mut dialogue = trial.dialogue_on(home);
    trial.open_on(&mut dialogue, IaxCommand::RegReq, &ies)?;
    let challenge = dialogue.expect_command(IaxCommand::RegAuth)?;
    let text = challenge.ies().challenge().unwrap_or_default();
    let result = md5_result(text, secret);
    ies.push(InformationElement::Md5Result(&result));
    dialogue.say(IaxCommand::RegReq, &ies);
    dialogue.is_open = false;
    let end = dialogue.expect("REGACK, or REGREJ", is_end_of_registration)?;
    match end.is(IaxCommand::RegAck) {
        true => Ok(end),
        false => skip(format!("the target does not let {name} register")),
    }
}
