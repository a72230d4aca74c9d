//! RFC 5456 §6.1.6: a registration that is given up.

use iaxproof::wire::{Cause, IaxCommand, IeBuffer, InformationElement};

use crate::conform::check::{Check, Outcome, Stop, fail, must, should, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::Heard;
use crate::conform::trial::{
    REFRESH, Trial, is_end_of_registration, prove_with, registration, wrong_secret,
};

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.1.6-3a",
        "A REGREL without credentials is challenged by REGAUTH.",
        challenged,
    ),
    must(
        "6.1.6-3b",
        "A REGREL with a wrong MD5 RESULT is refused by REGREJ.",
        wrong_is_refused,
    ),
    must(
        "6.1.6-4a",
        "A REGREL with the right MD5 RESULT releases the registration by REGACK.",
        released,
    )
    .covers(&["6.1.6-6"]),
    must(
        "6.1.6-4b",
        "A REGREL where nothing is registered is refused by REGREJ.",
        nothing_to_release,
    ),
    must(
        "6.1.6-2",
        "A REGREL may carry CAUSE and CAUSECODE.",
        released_with_cause,
    ),
    should(
        "6.1.6-1",
        "A REGREL without USERNAME ends in REGREJ.",
        nameless_is_refused,
    ),
    must(
        "X-REG-1",
        "A REGREL on the numbers of a registration that is over gets a REGREJ, or INVAL.",
        not_on_the_old_numbers,
    ),
];

fn challenged(trial: &Trial<'_>) -> Outcome {
    let user = trial.subject.user.as_bytes();
    trial.challenged(IaxCommand::RegRel, user).map(|_| ())
}

fn wrong_is_refused(trial: &Trial<'_>) -> Outcome {
    let user = trial.subject.user.as_bytes();
    let (mut dialogue, challenge) = trial.challenged(IaxCommand::RegRel, user)?;
    let secret = wrong_secret();
    prove_with(
        trial,
        &mut dialogue,
        &challenge,
        IaxCommand::RegRel,
        &secret,
    )?;
    let end = dialogue.expect("REGREJ to a wrong MD5 RESULT", is_end_of_registration)?;
    dialogue.is_open = false;
    want(end.is(IaxCommand::RegRej), "REGREJ to a wrong MD5 RESULT")
}

fn register(trial: &Trial<'_>) -> Result<(Dialogue, Heard), Stop> {
    let (dialogue, end) = trial.registered(IaxCommand::RegReq)?;
    match end.is(IaxCommand::RegAck) {
        true => Ok((dialogue, end)),
        false => fail("REGACK to a REGREQ with the right MD5 RESULT"),
    }
}

fn release(trial: &Trial<'_>, first: &Dialogue) -> Result<Heard, Stop> {
    let mut second = trial.dialogue_on(&first.peer);
    trial.register_on(&mut second, IaxCommand::RegRel)
}

fn released(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (first, _) = register(trial)?;
    let end = release(trial, &first)?;
    want(
        end.is(IaxCommand::RegAck),
        "REGACK to a REGREL with the right MD5 RESULT",
    )
}

fn nothing_to_release(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (first, _) = register(trial)?;
    release(trial, &first)?;
    let end = release(trial, &first)?;
    match end.command() {
        Some(IaxCommand::RegRej) => Ok(()),
        _ => Err(Stop::Deployed(
            "a second REGREL gets REGACK too, so that a retransmission is harmless".to_owned(),
        )),
    }
}

fn released_with_cause(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let secret = trial.secret()?;
    let user = trial.subject.user.as_bytes();
    let (first, _) = register(trial)?;
    let mut dialogue = trial.dialogue_on(&first.peer);
    let mut ies = registration(user);
    ies.push(InformationElement::Cause(b"going home"))
        .push(InformationElement::CauseCode(Cause::NORMAL_CLEARING));
    trial.open_on(&mut dialogue, IaxCommand::RegRel, &ies)?;
    let challenge = dialogue.expect_command(IaxCommand::RegAuth)?;
    prove_with(trial, &mut dialogue, &challenge, IaxCommand::RegRel, secret)?;
    dialogue.expect_command(IaxCommand::RegAck)?;
    dialogue.is_open = false;
    Ok(())
}

fn nameless_is_refused(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Refresh(REFRESH));
    let mut dialogue = trial.open(IaxCommand::RegRel, &ies)?;
    dialogue.expect_command(IaxCommand::RegRej)?;
    dialogue.is_open = false;
    Ok(())
}

fn not_on_the_old_numbers(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (mut dialogue, ack) = register(trial)?;
    dialogue.listen(trial.subject.waits.quiet);
    let user = trial.subject.user.as_bytes();
    dialogue.say(IaxCommand::RegRel, &registration(user));
    let refusal = dialogue.expect(
        "REGREJ or INVAL to a REGREL on a dialogue that is over",
        |heard| heard.is(IaxCommand::RegRej) || heard.is(IaxCommand::Inval),
    )?;
    want(
        refusal.source() != ack.source() || refusal.is(IaxCommand::Inval),
        "a refusal without a dialogue",
    )
}
