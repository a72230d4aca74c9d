//! RFC 5456 §6.2.6, §6.2.7: a call of somebody who has to log in.

use iaxproof::wire::{AuthMethods, Body, EncryptionMethods, IaxCommand, InformationElement};

use super::challenge::{has_terms, shape};
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, skip, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::Heard;
use crate::conform::trial::{
    NOBODY, Trial, answer_with, invitation, is_refusal, is_verdict, prove_with, wrong_secret,
};

/// Calls of one user that wait for AUTHREP; some of them must be too many.
const WAITING: usize = 24;

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.2.7-1",
        "AUTHREQ carries AUTHMETHODS, the USERNAME of the NEW, and CHALLENGE where MD5 or RSA is offered.",
        challenge_is_complete,
    )
    .covers(&["8.6.13-1", "8.6.14-1"]),
    should(
        "12-i1b",
        "AUTHREQ does not offer a secret in clear.",
        offers_no_clear_text,
    ),
    must(
        "6.2.6-i2a",
        "An AUTHREP with the right MD5 RESULT ends in ACCEPT.",
        right,
    )
    .covers(&["8.6.15-1", "8.6.15-i1", "6.2.6-1"]),
    must(
        "6.2.6-i2b",
        "An AUTHREP with a wrong MD5 RESULT ends in REJECT, and never in ACCEPT.",
        wrong,
    )
    .covers(&["6.2.4-1"]),
    must(
        "6.2.6-i2c",
        "An AUTHREP without any result ends in REJECT, and never in ACCEPT.",
        empty,
    ),
    must(
        "6.2.2-i4",
        "An MD5 RESULT in NEW does not log in: AUTHREQ comes, or a refusal.",
        result_in_new,
    ),
    must(
        "6.2.1-2",
        "No CONTROL frame and no media come while the login is open.",
        nothing_before_the_login,
    ),
    must(
        "X-FRM-8",
        "A text while the login is open is acknowledged and does no harm: a wrong AUTHREP is refused as ever.",
        text_before_the_login,
    ),
    should(
        "8.6.33-1b",
        "The REJECT of a wrong login carries CAUSECODE and CAUSE.",
        says_why,
    )
    .covers(&["6.2.4-3", "8.6.21-1"]),
    should(
        "X-CALL-4",
        "A name that nobody has is challenged as one that somebody has: by AUTHREQ with the same elements and methods.",
        nobody_is_challenged_alike,
    ),
    should(
        "10-i3b",
        "A name that nobody has is refused as a wrong secret is: by the same message with the same elements and cause.",
        nobody_is_refused_alike,
    ),
    must(
        "7.4-i1",
        "Where encryption is not granted, AUTHREQ carries no ENCRYPTION, whatever NEW asked for.",
        encryption,
    ),
    should(
        "12-i2",
        "Of 24 calls of one user that do not answer AUTHREQ, some are refused; later ones are served again.",
        waiting_logins_are_limited,
    )
    .covers(&["X-NUM-4"]),
];

/// A NEW of this name that is challenged. Skips where the user is let in without.
fn challenged(trial: &Trial<'_>, user: &[u8]) -> Result<(Dialogue, Heard), Stop> {
    let mut dialogue = trial.open(IaxCommand::New, &invitation(&trial.subject.extension, user))?;
    let answer = dialogue.expect("AUTHREQ to a NEW of somebody who has a secret", |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    dialogue.is_open = !is_refusal(&answer);
    match answer.command() {
        Some(IaxCommand::AuthReq) => Ok((dialogue, answer)),
        Some(IaxCommand::Accept) => skip("the target asks --user for no secret"),
        _ => fail("AUTHREQ to a NEW of somebody who has a secret"),
    }
}

fn of_the_user(trial: &Trial<'_>) -> Result<(Dialogue, Heard), Stop> {
    challenged(trial, trial.subject.user.as_bytes())
}

fn challenge_is_complete(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let (_dialogue, challenge) = of_the_user(trial)?;
    has_terms(challenge.ies(), trial.subject.user.as_bytes(), "AUTHREQ")
}

fn offers_no_clear_text(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let (_dialogue, challenge) = of_the_user(trial)?;
    let methods = challenge.ies().auth_methods().unwrap_or_default();
    want(
        !methods.contains(AuthMethods::PLAINTEXT),
        "AUTHMETHODS without bit 1 in AUTHREQ",
    )
}

fn right(trial: &Trial<'_>) -> Outcome {
    let secret = trial.secret()?;
    let _gate = trial.login_gate();
    let (mut dialogue, challenge) = of_the_user(trial)?;
    prove_with(
        trial,
        &mut dialogue,
        &challenge,
        IaxCommand::AuthRep,
        secret,
    )?;
    let answer = dialogue.expect("ACCEPT to the right MD5 RESULT", is_verdict)?;
    want(
        answer.is(IaxCommand::Accept),
        "ACCEPT to the right MD5 RESULT",
    )
}

/// What a call of this name with a wrong secret comes to.
fn refused(trial: &Trial<'_>, user: &[u8]) -> Result<Heard, Stop> {
    let (mut dialogue, challenge) = challenged(trial, user)?;
    let secret = wrong_secret();
    prove_with(
        trial,
        &mut dialogue,
        &challenge,
        IaxCommand::AuthRep,
        &secret,
    )?;
    is_refused(&mut dialogue, "a wrong MD5 RESULT")
}

fn is_refused(dialogue: &mut Dialogue, what: &str) -> Result<Heard, Stop> {
    let expected = format!("REJECT to {what}");
    let answer = dialogue.expect(expected.clone(), is_verdict)?;
    want(is_refusal(&answer), expected)?;
    dialogue.is_open = false;
    Ok(answer)
}

fn wrong(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    refused(trial, trial.subject.user.as_bytes()).map(|_| ())
}

fn empty(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let (mut dialogue, _) = of_the_user(trial)?;
    dialogue.say_bare(IaxCommand::AuthRep);
    is_refused(&mut dialogue, "an AUTHREP without a result").map(|_| ())
}

fn result_in_new(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let mut ies = trial.invitation_as_user();
    ies.push(InformationElement::Md5Result(
        b"0123456789abcdef0123456789abcdef",
    ));
    let mut dialogue = trial.open(IaxCommand::New, &ies)?;
    let answer = dialogue.expect("AUTHREQ or a refusal", |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    dialogue.is_open = !is_refusal(&answer);
    want(
        !answer.is(IaxCommand::Accept),
        "AUTHREQ or a refusal, and no ACCEPT",
    )
}

fn nothing_before_the_login(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let (mut dialogue, _) = of_the_user(trial)?;
    dialogue.expect_none("nothing but IAX messages before the login", |heard| {
        heard.command().is_none()
    })
}

fn text_before_the_login(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let (mut dialogue, challenge) = of_the_user(trial)?;
    let sent = dialogue.send(Body::Text(b"conform\0"));
    dialogue.expect_acknowledged(sent, "TEXT")?;
    let secret = wrong_secret();
    prove_with(
        trial,
        &mut dialogue,
        &challenge,
        IaxCommand::AuthRep,
        &secret,
    )?;
    is_refused(&mut dialogue, "a wrong MD5 RESULT").map(|_| ())
}

fn says_why(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let refusal = refused(trial, trial.subject.user.as_bytes())?;
    want(refusal.ies().cause_code().is_some(), "CAUSECODE in REJECT")?;
    want(refusal.ies().cause().is_some(), "CAUSE in REJECT")
}

fn nobody_is_challenged_alike(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let (_known, to_known) = of_the_user(trial)?;
    let (_unknown, to_unknown) = challenged(trial, NOBODY)?;
    let (known, unknown) = (shape(&to_known), shape(&to_unknown));
    want(
        known == unknown,
        format!("{known} to a name that nobody has, as to --user"),
    )
}

fn nobody_is_refused_alike(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let known = shape(&refused(trial, trial.subject.user.as_bytes())?);
    let unknown = shape(&refused(trial, NOBODY)?);
    want(
        known == unknown,
        format!("{known}, as where the secret is wrong"),
    )
}

fn encryption(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let mut ies = trial.invitation_as_user();
    ies.push(InformationElement::Encryption(EncryptionMethods::AES128));
    let mut dialogue = trial.open(IaxCommand::New, &ies)?;
    let challenge = dialogue.expect("AUTHREQ", |heard| heard.is(IaxCommand::AuthReq))?;
    let granted = challenge.ies().encryption().unwrap_or_default();
    match granted.contains(EncryptionMethods::AES128) {
        true => {
            // What comes now is to be encrypted: that is judged of --second.
            dialogue.is_open = false;
            skip("the target grants --user encryption")
        }
        false => want(
            challenge.ies().encryption().is_none(),
            "no ENCRYPTION in AUTHREQ",
        ),
    }
}

fn waiting_logins_are_limited(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.login_gate();
    let mut waiting = Vec::new();
    let mut refused = 0;
    for _ in 0..WAITING {
        match of_the_user(trial) {
            Ok((dialogue, _)) => waiting.push(dialogue),
            Err(Stop::Failed(_)) => refused += 1,
            Err(other) => return Err(other),
        }
    }
    want(
        refused > 0,
        format!("a refusal among {WAITING} calls that wait for AUTHREP"),
    )?;
    for mut dialogue in waiting {
        let sent = dialogue.say_bare(IaxCommand::Hangup);
        dialogue.is_open = false;
        dialogue.expect_acknowledged(sent, "HANGUP")?;
    }
    let (mut dialogue, _) = of_the_user(trial)?;
    answer_with(trial, &mut dialogue, IaxCommand::AuthRep, b"");
    is_refused(&mut dialogue, "an empty MD5 RESULT").map(|_| ())
}
