//! RFC 5456 §6.8: a call that is opened without a number and dialled later. Where the target does not offer that, all is skipped.

use iaxproof::wire::{Cause, Control, DpStatus, IaxCommand, InformationElement};

use crate::conform::check::{Check, Outcome, Stop, fail, must, skip, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::Heard;
use crate::conform::trial::{Trial, is_control, is_refusal, is_verdict};

/// The number of a call that is to be dialled (chan_iax2).
const TBD: &str = "TBD";

pub(super) const CHECKS: &[Check] = &[
    must(
        "X-CALL-5a",
        "A NEW to TBD is accepted without progress: it waits for DIAL.",
        waits_for_dial,
    ),
    must(
        "X-CALL-5b",
        "A NEW to tbd, in other letters, is refused as an unknown extension.",
        other_letters,
    ),
    must(
        "6.8.1-4",
        "DPREQ in such a call is answered by DPREP.",
        |trial| dprep(trial).map(|_| ()),
    )
    .covers(&["6.8.2-2"]),
    must(
        "6.8.2-1",
        "DPREP carries the CALLED NUMBER that was asked, DPSTATUS and REFRESH.",
        dprep_is_complete,
    )
    .covers(&["8.6.19-3"]),
    must(
        "8.6.19-1",
        "DPSTATUS has exactly one of the bits 1, 2 and 4.",
        one_status,
    ),
    must(
        "6.8.1-1",
        "A DPREQ without CALLED NUMBER is acknowledged, and the call lives on.",
        dpreq_without_number,
    ),
    must(
        "6.8.3-i1",
        "After DIAL the call goes on as after NEW: CONTROL frames up to ANSWER.",
        dialled,
    )
    .covers(&["6.8.1-2"]),
    must(
        "6.8.3-1",
        "DIAL of an extension that there is not is refused, by REJECT or HANGUP.",
        dialled_unknown,
    ),
];

/// A call that waits for DIAL.
fn tbd(trial: &Trial<'_>) -> Result<Dialogue, Stop> {
    let _gate = trial.subject.guest.is_none().then(|| trial.login_gate());
    let mut dialogue = trial.open(IaxCommand::New, &trial.invitation(TBD))?;
    let mut answer = dialogue.expect("ACCEPT or REJECT to a NEW to TBD", |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    if answer.is(IaxCommand::AuthReq) {
        trial.prove(&mut dialogue, &answer, IaxCommand::AuthRep)?;
        answer = dialogue.expect("ACCEPT or REJECT to a NEW to TBD", is_verdict)?;
    }
    match answer.is(IaxCommand::Accept) {
        true => Ok(dialogue),
        false => {
            dialogue.is_open = false;
            skip("the target takes no call to TBD: it does not offer dialling")
        }
    }
}

fn waits_for_dial(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = tbd(trial)?;
    dialogue.expect_none("no CONTROL frame before DIAL", |heard| {
        heard.command().is_none()
    })
}

fn other_letters(trial: &Trial<'_>) -> Outcome {
    tbd(trial)?;
    let _gate = trial.subject.guest.is_none().then(|| trial.login_gate());
    let mut dialogue = trial.open(IaxCommand::New, &trial.invitation("tbd"))?;
    let mut answer = dialogue.expect("a refusal of tbd", |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    if answer.is(IaxCommand::AuthReq) {
        trial.prove(&mut dialogue, &answer, IaxCommand::AuthRep)?;
        answer = dialogue.expect("a refusal of tbd", is_verdict)?;
    }
    dialogue.is_open = !is_refusal(&answer);
    let is_unknown = answer.ies().cause_code() == Some(Cause::NO_ROUTE_DESTINATION);
    want(
        is_refusal(&answer) && is_unknown,
        "REJECT with CAUSECODE 3 to tbd",
    )
}

fn dprep(trial: &Trial<'_>) -> Result<Heard, Stop> {
    let mut dialogue = tbd(trial)?;
    let number = trial.subject.extension.as_bytes();
    dialogue.say_with(IaxCommand::DpReq, InformationElement::CalledNumber(number));
    dialogue.expect_command(IaxCommand::DpRep)
}

fn dprep_is_complete(trial: &Trial<'_>) -> Outcome {
    let dprep = dprep(trial)?;
    let ies = dprep.ies();
    let number = trial.subject.extension.as_bytes();
    want(
        ies.called_number() == Some(number),
        "the CALLED NUMBER of DPREQ in DPREP",
    )?;
    want(ies.dp_status().is_some(), "DPSTATUS in DPREP")?;
    want(ies.refresh().is_some(), "REFRESH in DPREP")
}

fn one_status(trial: &Trial<'_>) -> Outcome {
    let Some(DpStatus(status)) = dprep(trial)?.ies().dp_status() else {
        return fail("DPSTATUS in DPREP");
    };
    want(
        (status & 7).count_ones() == 1,
        "one of the bits 1, 2 and 4 in DPSTATUS",
    )
}

fn dpreq_without_number(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = tbd(trial)?;
    let sent = dialogue.say_bare(IaxCommand::DpReq);
    dialogue.expect_acknowledged(sent, "DPREQ")?;
    dialogue.is_alive("a DPREQ without CALLED NUMBER")
}

fn dialled(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = tbd(trial)?;
    let number = trial.subject.extension.as_bytes();
    dialogue.say_with(IaxCommand::Dial, InformationElement::CalledNumber(number));
    let answer = dialogue.expect("CONTROL ANSWER after DIAL", |heard| {
        is_control(heard, Control::Answer)
    });
    answer.map(|_| ())
}

fn dialled_unknown(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = tbd(trial)?;
    let number = trial.subject.unknown.as_bytes();
    dialogue.say_with(IaxCommand::Dial, InformationElement::CalledNumber(number));
    dialogue.expect(
        "REJECT or HANGUP to DIAL of an extension that there is not",
        is_refusal,
    )?;
    dialogue.is_open = false;
    Ok(())
}
