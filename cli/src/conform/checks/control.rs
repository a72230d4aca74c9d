//! RFC 5456 §6.3, §6.4: what is said in a call that is up, as far as the callee shows that it was understood or ignored.

use iaxproof::wire::{Body, Control, IaxCommand, IeBuffer, InformationElement};

use super::setup::changes_nothing;
use crate::conform::check::{Check, Outcome, Stop, must, should};
use crate::conform::trial::Trial;

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.3.1-5",
        "A CONTROL frame of a kind that nobody knows brings UNSUPPORT.",
        unknown_control,
    ),
    must(
        "X-FRM-6",
        "A CONTROL frame of a kind that nobody knows is acknowledged, and the call lives on.",
        |trial| control(trial, Control::from_octet(0x7e), b""),
    ),
    must(
        "X-FRM-1",
        "CONTROL 0xff (stop sounds) is acknowledged, and the call lives on.",
        |trial| control(trial, Control::from_octet(0xff), b""),
    ),
    should(
        "6.4.1-1",
        "FLASH is acknowledged, and the call lives on.",
        |trial| control(trial, Control::Flash, b""),
    ),
    should(
        "6.4.2-1",
        "HOLD is acknowledged, with and without the name of a music, and the call lives on.",
        hold,
    ),
    should(
        "6.4.3-1",
        "UNHOLD is acknowledged, and the call lives on.",
        |trial| control(trial, Control::Unhold, b""),
    ),
    must(
        "6.3.4-1",
        "ANSWER from the caller changes nothing: it is acknowledged, and the call lives on.",
        |trial| control(trial, Control::Answer, b""),
    ),
    must(
        "6.9.1-i1b",
        "RINGING, PROCEEDING and PROGRESS from the caller are acknowledged, and the call lives on.",
        progress_from_the_caller,
    ),
    should(
        "6.4.4-2",
        "QUELCH is acknowledged, and the call lives on.",
        |trial| changes_nothing(trial, IaxCommand::Quelch, &IeBuffer::new()),
    ),
    should(
        "8.6.25-1",
        "QUELCH with an empty MUSICONHOLD is acknowledged, and the call lives on.",
        quelch_with_music,
    )
    .covers(&["8.6.25-2", "6.4.4-1"]),
    should(
        "6.4.5-2",
        "UNQUELCH without a QUELCH before it is acknowledged, and the call lives on.",
        |trial| changes_nothing(trial, IaxCommand::Unquelch, &IeBuffer::new()),
    ),
    must(
        "6.4.6-1",
        "TRANSFER towards the callee moves no call: it is acknowledged or answered by UNSUPPORT, and the call lives on.",
        transfer_to_the_callee,
    ),
    should(
        "6.9.5-1",
        "UNSUPPORT is acknowledged and answered by nothing else.",
        unsupport_is_acknowledged,
    ),
];

fn control(trial: &Trial<'_>, control: Control, data: &[u8]) -> Outcome {
    let mut dialogue = trial.call()?;
    let what = format!("CONTROL {control}");
    let sent = dialogue.send(Body::Control { control, data });
    dialogue.expect_acknowledged(sent, &what)?;
    dialogue.is_alive(&what)
}

fn unknown_control(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let control = Control::from_octet(0x7e);
    let sent = dialogue.send(Body::Control { control, data: b"" });
    dialogue.expect_acknowledged(sent, "CONTROL 0x7e")?;
    let wait = trial.subject.waits.quiet;
    match dialogue.find_within(wait, |heard| heard.is(IaxCommand::Unsupport)) {
        Some(_) => Ok(()),
        None => Err(Stop::Deployed(
            "an unknown CONTROL frame is acknowledged and dropped, for UNSUPPORT cannot name it"
                .to_owned(),
        )),
    }
}

fn hold(trial: &Trial<'_>) -> Outcome {
    control(trial, Control::Hold, b"")?;
    control(trial, Control::Hold, b"default")
}

fn progress_from_the_caller(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    for control in [Control::Ringing, Control::Proceeding, Control::Progress] {
        let sent = dialogue.send(Body::Control { control, data: b"" });
        dialogue.expect_acknowledged(sent, &format!("CONTROL {control}"))?;
    }
    dialogue.is_alive("signals that are the callee's")
}

fn quelch_with_music(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::MusicOnHold(b""));
    changes_nothing(trial, IaxCommand::Quelch, &ies)
}

fn transfer_to_the_callee(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CalledNumber(b"elsewhere"));
    changes_nothing(trial, IaxCommand::Transfer, &ies)
}

fn unsupport_is_acknowledged(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let unknown = InformationElement::IaxUnknown(IaxCommand::TxReq.octet());
    let sent = dialogue.say_with(IaxCommand::Unsupport, unknown);
    dialogue.expect_ack(sent, "UNSUPPORT")?;
    dialogue.expect_none("no UNSUPPORT to UNSUPPORT", |heard| {
        heard.is(IaxCommand::Unsupport)
    })
}
