//! RFC 5456 §6.2, §6.3, the caller's side after its NEW: what becomes of a call that we accept, refuse or end, and what who calls is told.

use core::time::Duration;

use iaxproof::wire::{Cause, Control, IaxCommand, InformationElement};

use super::outgoing::{Called, called, called_at, register};
use crate::conform::check::{Check, Outcome, fail, must, skip};
use crate::conform::peer::Heard;
use crate::conform::trial::{Trial, is_answer, is_control, is_refusal};

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.2.3-3d",
        "ACCEPT is acknowledged.",
        accept_is_acknowledged,
    )
    .covers(&["6.2.3-4"]),
    must(
        "6.2.3-2c",
        "An ACCEPT with a codec that was not offered ends the call, by HANGUP or REJECT.",
        accept_beyond_the_offer,
    ),
    must(
        "6.3.3-3",
        "RINGING and then ANSWER of the callee go on to who calls.",
        signals_go_on,
    )
    .covers(&["6.3.3-1", "6.3.3-2"]),
    must(
        "6.3.2-3",
        "PROCEEDING of the callee goes on to who calls.",
        proceeding_goes_on,
    )
    .covers(&["6.3.2-1"]),
    must(
        "6.2.4-i1b",
        "REJECT of the callee is acknowledged, and who calls is told by HANGUP or REJECT.",
        reject_goes_on,
    ),
    must(
        "X-CALL-8",
        "A REJECT from call 1 without elements ends the call as any other.",
        stateless_reject,
    ),
    must(
        "6.2.5-2b",
        "HANGUP of the callee is acknowledged, and goes on to who calls.",
        hangup_goes_on,
    ),
    must(
        "6.9.2-1b",
        "INVAL to NEW ends the call: it does not come again.",
        inval_ends,
    ),
    must(
        "X-REG-6",
        "After a registration from another port, the call comes there and not to the former one.",
        one_contact,
    ),
];

fn accept_is_acknowledged(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    let sent = called.accept_well();
    called
        .callee
        .expect_acknowledged(sent, "ACCEPT")
        .map(|_| ())
}

fn accept_beyond_the_offer(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    let foreign = (0..31)
        .map(|bit| 1 << bit)
        .find(|bit| called.offered() & bit == 0);
    let Some(foreign) = foreign else {
        return skip("NEW offers every codec");
    };
    called.accept(foreign);
    called
        .callee
        .expect("HANGUP or REJECT to an ACCEPT beyond the offer", is_refusal)?;
    called.callee.is_open = false;
    Ok(())
}

fn signals_go_on(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    called.accept_well();
    called.control(Control::Ringing);
    let is_ringing = |heard: &Heard| is_control(heard, Control::Ringing);
    listen_to_both(&mut called, "RINGING to who calls", is_ringing)?;
    called.control(Control::Answer);
    listen_to_both(&mut called, "ANSWER to who calls", is_answer)
}

/// Waits for something at the caller, while the callee goes on acknowledging.
pub(super) fn listen_to_both(
    called: &mut Called,
    expected: &str,
    is_it: fn(&Heard) -> bool,
) -> Outcome {
    let steps = called.caller.waits().answer.as_millis() / 100;
    for _ in 0..steps.max(1) {
        let wait = Duration::from_millis(50);
        if called.caller.find_within(wait, is_it).is_some() {
            return Ok(());
        }
        called.callee.listen(wait);
    }
    fail(expected)
}

fn proceeding_goes_on(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    called.accept_well();
    called.control(Control::Proceeding);
    listen_to_both(&mut called, "PROCEEDING to who calls", |heard| {
        is_control(heard, Control::Proceeding)
    })
}

fn reject_goes_on(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    called.take();
    let cause = InformationElement::CauseCode(Cause::CALL_REJECTED);
    let sent = called.callee.say_with(IaxCommand::Reject, cause);
    called.callee.is_open = false;
    called.callee.expect_acknowledged(sent, "REJECT")?;
    called.caller_is_told()
}

fn stateless_reject(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    called.refuse();
    called.caller_is_told()
}

fn hangup_goes_on(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    called.accept_well();
    called.control(Control::Answer);
    listen_to_both(&mut called, "ANSWER to who calls", is_answer)?;
    let sent = called.callee.say_bare(IaxCommand::Hangup);
    called.callee.is_open = false;
    called.callee.expect_ack(sent, "HANGUP")?;
    called.caller_is_told()
}

fn inval_ends(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    called.take();
    called.callee.say_bare(IaxCommand::Inval);
    called.callee.is_open = false;
    called.caller_is_told()?;
    let first = called.new.at;
    called
        .callee
        .expect_none("no further NEW after INVAL", |heard| {
            heard.is(IaxCommand::New) && heard.at > first
        })
}

fn one_contact(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (former, latter) = (trial.peer()?, trial.peer()?);
    register(trial, &former)?;
    let called = called_at(trial, &latter)?;
    called.refuse();
    let mut former = trial.dialogue_on(&former);
    former.is_open = false;
    former.expect_none("no NEW to where --user was registered before", |heard| {
        heard.is(IaxCommand::New)
    })
}
