//! RFC 5456 §7.4, §8.6.34: how a call comes to be encrypted, where the target is called. What then holds for its frames is in
//! [`encrypted`](super::encrypted).

use core::time::Duration;

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::cipher::Key;
use iaxproof::wire::{Body, EncryptionMethods, IaxCommand, IeCode, InformationElement};

use super::second::{AES128, Granted, ROTATING, answer, asked, granted, granted_on, grants};
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, want};
use crate::conform::trial::{Trial, is_verdict, wrong_secret};

/// A method that nobody has.
pub(super) const UNKNOWN: InformationElement<'static> =
    InformationElement::Encryption(EncryptionMethods(2));
/// How long a frame that nobody acknowledges may take to come again.
const REPEAT_WAIT: Duration = Duration::from_secs(5);

pub(super) const CHECKS: &[Check] = &[
    must(
        "7.4-i1b",
        "AUTHREQ to a NEW without ENCRYPTION has none.",
        |trial| nothing_is_granted(trial, None),
    ),
    must(
        "7.4-i1c",
        "AUTHREQ to a NEW whose ENCRYPTION names an unknown method alone has none.",
        |trial| nothing_is_granted(trial, Some(UNKNOWN)),
    ),
    should(
        "8.6.34-1",
        "Of a NEW's ENCRYPTION 0x8001, AUTHREQ grants one method: AES-128, 0x0001.",
        one_method,
    ),
    should(
        "X-IE-7a",
        "ENCRYPTION of one octet in NEW is understood as that of two.",
        one_octet,
    ),
    should(
        "X-IE-7b",
        "ENCRYPTION in AUTHREQ has two octets.",
        two_octets,
    ),
    must(
        "7.4-i2a",
        "The key is MD5 of CHALLENGE and secret: an AUTHREP under it with the right MD5 RESULT brings an ACCEPT under it.",
        |trial| logged_in(trial, AES128),
    ),
    should(
        "7.4-i2b",
        "Two calls that are encrypted have two challenges, and so two keys.",
        challenges_differ,
    ),
    must(
        "7.4-i2c",
        "An AUTHREP under the key of another secret brings no ACCEPT.",
        wrong_key,
    ),
    must(
        "X-ENC-2a",
        "An AUTHREP in clear is dropped, right as it may be: it brings no ACCEPT, and the same under the key still does.",
        authrep_in_clear,
    ),
    must(
        "X-ENC-2b",
        "An AUTHREQ with ENCRYPTION that is not acknowledged comes again in clear.",
        authreq_again,
    )
    .slow(),
];

fn nothing_is_granted(trial: &Trial<'_>, encryption: Option<InformationElement<'_>>) -> Outcome {
    let _gate = trial.login_gate_of(trial.second()?.0);
    let extension = &trial.subject.extension;
    let (_dialogue, authreq) = asked(trial, extension, encryption)?;
    want(
        authreq.ies().encryption().is_none(),
        "no ENCRYPTION in AUTHREQ",
    )
}

/// A login that is granted encryption, to be seen to its end.
fn begun(trial: &Trial<'_>, encryption: InformationElement<'_>) -> Result<Granted, Stop> {
    granted(trial, &trial.subject.extension, encryption)
}

fn one_method(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate_of(trial.second()?.0);
    let granted = begun(trial, ROTATING)?;
    let method = granted.authreq.ies().encryption();
    granted.conclude()?;
    want(
        method == Some(EncryptionMethods::AES128),
        "ENCRYPTION 0x0001 in AUTHREQ",
    )
}

/// What two octets are granted, one is.
fn one_octet(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate_of(trial.second()?.0);
    begun(trial, AES128)?.conclude()?;
    let short = InformationElement::Unknown {
        code: IeCode::Encryption.number(),
        data: &[1],
    };
    let extension = &trial.subject.extension;
    let (_, authreq) = asked(trial, extension, Some(short))?;
    want(
        grants(&authreq),
        "ENCRYPTION with AES-128 in AUTHREQ, where NEW has it with one octet",
    )
}

fn two_octets(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate_of(trial.second()?.0);
    let granted = begun(trial, AES128)?;
    let has_two = has_two_octets(granted.authreq.ies().octets());
    granted.conclude()?;
    want(has_two, "ENCRYPTION of two octets in AUTHREQ")
}

/// Whether ENCRYPTION is among these elements with two octets.
pub(super) fn has_two_octets(mut elements: &[u8]) -> bool {
    while let [code, len, tail @ ..] = elements {
        if *code == IeCode::Encryption.number() {
            return *len == 2;
        }
        elements = tail.get(usize::from(*len)..).unwrap_or_default();
    }
    false
}

fn logged_in(trial: &Trial<'_>, encryption: InformationElement<'_>) -> Outcome {
    let _gate = trial.login_gate_of(trial.second()?.0);
    begun(trial, encryption)?.conclude()
}

fn challenges_differ(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate_of(trial.second()?.0);
    let first = begun(trial, AES128)?;
    let key = first.key.clone();
    first.conclude()?;
    let second = begun(trial, AES128)?;
    let differs = second.key != key;
    second.conclude()?;
    want(
        differs,
        "another CHALLENGE in the AUTHREQ of the second call",
    )
}

/// Whatever is said to it, and be it in clear.
fn wrong_key(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate_of(trial.second()?.0);
    let Granted {
        mut dialogue,
        authreq,
        ..
    } = begun(trial, AES128)?;
    let text = authreq.ies().challenge().unwrap_or_default();
    let secret = wrong_secret();
    let result = md5_result(text, &secret);
    let ies = answer(&result);
    let authrep = Body::Iax {
        command: IaxCommand::AuthRep,
        ies: ies.view(),
    };
    dialogue.send_under(&Key::new(text, &secret), authrep);
    let wait = trial.subject.waits.quiet;
    let verdict = dialogue.find_within(wait, is_verdict);
    dialogue.is_open = verdict.is_none();
    match verdict {
        Some(verdict) if verdict.is(IaxCommand::Accept) => {
            fail("no ACCEPT to an AUTHREP under another key")
        }
        _ => Ok(()),
    }
}

fn authrep_in_clear(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate_of(trial.second()?.0);
    let Granted {
        mut dialogue,
        authreq,
        key,
        result,
    } = begun(trial, AES128)?;
    dialogue.seal_from_now(key.clone());
    let ies = answer(&result);
    dialogue.send_in_clear(Body::Iax {
        command: IaxCommand::AuthRep,
        ies: ies.view(),
    });
    dialogue.listen(trial.subject.waits.quiet);
    let mut all = dialogue.all().iter().chain(dialogue.strays());
    let is_accepted = all.any(|heard| heard.is(IaxCommand::Accept));
    want(!is_accepted, "no ACCEPT to an AUTHREP in clear")?;
    let again = Granted {
        dialogue,
        authreq,
        key,
        result,
    };
    again.conclude()
}

/// Without the gate, for it waits for long: one login more at a time is not too many.
fn authreq_again(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.dialogue()?;
    dialogue.answers = false;
    let mut granted = granted_on(trial, dialogue, &trial.subject.extension, AES128)?;
    let first = granted.authreq.at;
    let again = granted.dialogue.find_within(REPEAT_WAIT, |heard| {
        heard.is(IaxCommand::AuthReq) && heard.is_retransmission() && heard.at > first
    });
    granted.dialogue.answers = true;
    granted.conclude()?;
    want(again.is_some(), "AUTHREQ again in clear, with the R bit")
}
