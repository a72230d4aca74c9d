//! RFC 5456 §6.1.3, §6.1.5: the challenge of a registration, and what is refused.

use std::collections::BTreeSet;

use iaxproof::engine::auth::md5_result;
use iaxproof::wire::{AuthMethods, IaxCommand, IeBuffer, InformationElement, InformationElements};

use crate::conform::check::{Check, Outcome, Stop, fail, must, should, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::Heard;
use crate::conform::trial::{
    NOBODY, REFRESH, Trial, answer_with, is_end_of_registration, prove_with, registration,
    wrong_secret,
};

/// Challenges that are compared.
const CHALLENGES: usize = 6;
/// All methods that there are (RFC 5456 §8.6.13).
const METHODS: u16 = AuthMethods::PLAINTEXT.0 | AuthMethods::MD5.0 | AuthMethods::RSA.0;

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.1.2-7",
        "A REGREQ without credentials is challenged by REGAUTH.",
        challenged,
    )
    .covers(&["6.1.3-3"]),
    must(
        "6.1.3-1",
        "REGAUTH carries AUTHMETHODS, the USERNAME of the REGREQ, and CHALLENGE where MD5 or RSA is offered.",
        challenge_is_complete,
    )
    .covers(&["8.6.14-1"]),
    must(
        "8.6.13-1",
        "AUTHMETHODS of REGAUTH has at least one bit, and none but 1, 2 and 4.",
        methods_are_known,
    ),
    should(
        "12-i1",
        "REGAUTH does not offer a secret in clear.",
        offers_no_clear_text,
    ),
    should(
        "10-i2",
        "Six REGAUTHs have six challenges.",
        challenges_differ,
    ),
    must(
        "6.1.2-6a",
        "A REGREQ with a wrong MD5 RESULT is refused by REGREJ, and nothing is granted.",
        wrong_is_refused,
    )
    .covers(&["6.1.2-4", "6.1.5-4"]),
    must(
        "6.1.2-6b",
        "An MD5 RESULT that is right for another challenge is refused by REGREJ.",
        replay_is_refused,
    ),
    must(
        "6.1.2-6c",
        "An MD5 RESULT of one character is refused by REGREJ.",
        stump_is_refused,
    ),
    must(
        "6.1.5-1",
        "A REGREJ that ends a dialogue carries CAUSE and CAUSECODE.",
        says_why,
    )
    .covers(&["8.6.21-1", "8.6.33-1"]),
    must(
        "X-REG-4",
        "A REGREQ without result in answer to REGAUTH is refused by REGREJ: there is no second challenge.",
        no_second_challenge,
    ),
    should(
        "6.1.2-1",
        "A REGREQ without USERNAME ends in REGREJ.",
        nameless_is_refused,
    ),
    should(
        "X-REG-5",
        "A name that nobody has is challenged as one that somebody has: by REGAUTH with the same elements and methods.",
        nobody_is_challenged_alike,
    ),
    should(
        "10-i3",
        "A name that nobody has is refused as a wrong secret is: by the same messages with the same elements and cause.",
        nobody_is_refused_alike,
    ),
    must(
        "X-SEQ-10",
        "A REGREJ is acknowledged and then over: it is not sent again.",
        refusal_is_over,
    )
    .slow(),
];

fn regauth(trial: &Trial<'_>) -> Result<Heard, Stop> {
    let user = trial.subject.user.as_bytes();
    trial
        .challenged(IaxCommand::RegReq, user)
        .map(|(_, challenge)| challenge)
}

fn challenged(trial: &Trial<'_>) -> Outcome {
    regauth(trial).map(|_| ())
}

fn challenge_is_complete(trial: &Trial<'_>) -> Outcome {
    let challenge = regauth(trial)?;
    has_terms(challenge.ies(), trial.subject.user.as_bytes(), "REGAUTH")
}

/// What REGAUTH and AUTHREQ must say (RFC 5456 §6.1.3, §6.2.7).
pub(super) fn has_terms(ies: InformationElements<'_>, user: &[u8], what: &str) -> Outcome {
    let Some(methods) = ies.auth_methods() else {
        return fail(format!("AUTHMETHODS in {what}"));
    };
    want(
        ies.username() == Some(user),
        format!("the USERNAME of the request in {what}"),
    )?;
    let wants_challenge = methods.contains(AuthMethods::MD5) || methods.contains(AuthMethods::RSA);
    let has_challenge = ies.challenge().is_some_and(|text| !text.is_empty());
    want(
        has_challenge || !wants_challenge,
        format!("CHALLENGE in {what}, which offers MD5 or RSA"),
    )
}

fn methods_are_known(trial: &Trial<'_>) -> Outcome {
    let methods = regauth(trial)?.ies().auth_methods().unwrap_or_default();
    let is_known = methods.0 != 0 && methods.0 & !METHODS == 0;
    want(
        is_known,
        "AUTHMETHODS of some of the bits 1, 2 and 4 in REGAUTH",
    )
}

fn offers_no_clear_text(trial: &Trial<'_>) -> Outcome {
    let methods = regauth(trial)?.ies().auth_methods().unwrap_or_default();
    want(
        !methods.contains(AuthMethods::PLAINTEXT),
        "AUTHMETHODS without bit 1 in REGAUTH",
    )
}

fn challenges_differ(trial: &Trial<'_>) -> Outcome {
    let mut seen = BTreeSet::new();
    for _ in 0..CHALLENGES {
        seen.insert(
            regauth(trial)?
                .ies()
                .challenge()
                .unwrap_or_default()
                .to_vec(),
        );
    }
    want(
        seen.len() == CHALLENGES,
        "another CHALLENGE in each REGAUTH",
    )
}

/// The end of a dialogue that answers its challenge with this.
fn end_of(dialogue: &mut Dialogue) -> Result<Heard, Stop> {
    let end = dialogue.expect("REGREJ to a wrong MD5 RESULT", is_end_of_registration)?;
    dialogue.is_open = false;
    Ok(end)
}

fn is_refused(dialogue: &mut Dialogue, what: &str) -> Outcome {
    let end = end_of(dialogue)?;
    want(end.is(IaxCommand::RegRej), format!("REGREJ to {what}"))
}

/// A registration of this name with a wrong secret, and its end.
fn refused(trial: &Trial<'_>, user: &[u8]) -> Result<(Dialogue, Heard), Stop> {
    let (mut dialogue, challenge) = trial.challenged(IaxCommand::RegReq, user)?;
    let secret = wrong_secret();
    prove_with(
        trial,
        &mut dialogue,
        &challenge,
        IaxCommand::RegReq,
        &secret,
    )?;
    let end = end_of(&mut dialogue)?;
    Ok((dialogue, end))
}

fn wrong_is_refused(trial: &Trial<'_>) -> Outcome {
    let (dialogue, end) = refused(trial, trial.subject.user.as_bytes())?;
    want(end.is(IaxCommand::RegRej), "REGREJ to a wrong MD5 RESULT")?;
    let granted = dialogue
        .all()
        .iter()
        .any(|heard| heard.is(IaxCommand::RegAck));
    want(!granted, "no REGACK")
}

fn replay_is_refused(trial: &Trial<'_>) -> Outcome {
    let secret = trial.secret()?;
    let user = trial.subject.user.as_bytes();
    let other = regauth(trial)?;
    let (mut dialogue, _) = trial.challenged(IaxCommand::RegReq, user)?;
    let result = md5_result(other.ies().challenge().unwrap_or_default(), secret);
    answer_with(trial, &mut dialogue, IaxCommand::RegReq, &result);
    is_refused(&mut dialogue, "the result of another dialogue's challenge")
}

fn stump_is_refused(trial: &Trial<'_>) -> Outcome {
    let user = trial.subject.user.as_bytes();
    let (mut dialogue, _) = trial.challenged(IaxCommand::RegReq, user)?;
    answer_with(trial, &mut dialogue, IaxCommand::RegReq, b"a");
    is_refused(&mut dialogue, "an MD5 RESULT of one character")
}

fn says_why(trial: &Trial<'_>) -> Outcome {
    let (_dialogue, end) = refused(trial, trial.subject.user.as_bytes())?;
    want(end.is(IaxCommand::RegRej), "REGREJ to a wrong MD5 RESULT")?;
    want(end.ies().cause_code().is_some(), "CAUSECODE in REGREJ")?;
    want(end.ies().cause().is_some(), "CAUSE in REGREJ")
}

fn no_second_challenge(trial: &Trial<'_>) -> Outcome {
    let user = trial.subject.user.as_bytes();
    let (mut dialogue, _) = trial.challenged(IaxCommand::RegReq, user)?;
    dialogue.say(IaxCommand::RegReq, &registration(user));
    let end = dialogue.expect("REGREJ to a REGREQ without result", |heard| {
        is_end_of_registration(heard) || heard.is(IaxCommand::RegAuth)
    })?;
    dialogue.is_open = false;
    want(
        end.is(IaxCommand::RegRej),
        "REGREJ and not a second REGAUTH",
    )
}

fn nameless_is_refused(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Refresh(REFRESH));
    let mut dialogue = trial.open(IaxCommand::RegReq, &ies)?;
    let expected = "REGREJ to a REGREQ without USERNAME";
    let first = dialogue.expect(expected, |heard| {
        is_end_of_registration(heard) || heard.is(IaxCommand::RegAuth)
    })?;
    if first.is(IaxCommand::RegAuth) {
        answer_with(trial, &mut dialogue, IaxCommand::RegReq, b"");
        return is_refused(&mut dialogue, "a REGREQ without USERNAME");
    }
    dialogue.is_open = false;
    want(first.is(IaxCommand::RegRej), expected)
}

/// What can be told apart of a message: its kind, the codes of its elements, its methods and cause.
pub(super) fn shape(heard: &Heard) -> String {
    let ies = heard.ies();
    let codes: Vec<u8> = ies.iter().map(|ie| ie.code()).collect();
    let name = heard.command().map(|command| command.to_string());
    format!(
        "{} with elements {codes:?}, methods {}, cause {:?} {:?}",
        name.unwrap_or_default(),
        ies.auth_methods().unwrap_or_default().0,
        ies.cause_code().map(|cause| cause.0),
        ies.cause().map(String::from_utf8_lossy)
    )
}

fn nobody_is_challenged_alike(trial: &Trial<'_>) -> Outcome {
    let known = regauth(trial)?;
    let (_dialogue, unknown) = trial.challenged(IaxCommand::RegReq, NOBODY)?;
    let (known, unknown) = (shape(&known), shape(&unknown));
    want(
        known == unknown,
        format!("{known} to a name that nobody has, as to --user"),
    )
}

fn nobody_is_refused_alike(trial: &Trial<'_>) -> Outcome {
    let ends = [trial.subject.user.as_bytes(), NOBODY].map(|user| refused(trial, user));
    let [known, unknown] = ends;
    let (known, unknown) = (known?.0, unknown?.0);
    let shapes = |dialogue: &Dialogue| {
        let of_dialogue = dialogue.all().iter().filter(|heard| heard.is_reliable());
        of_dialogue.map(shape).collect::<Vec<_>>().join("; ")
    };
    let (known, unknown) = (shapes(&known), shapes(&unknown));
    want(
        known == unknown,
        format!("{known}, as where the secret is wrong"),
    )
}

fn refusal_is_over(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, end) = refused(trial, trial.subject.user.as_bytes())?;
    let until = core::time::Duration::from_millis(2_500);
    let again = dialogue.find_within(until, |heard| {
        heard.is(IaxCommand::RegRej) && heard.at > end.at
    });
    want(
        again.is_none(),
        "no further REGREJ once the first was acknowledged",
    )
}
