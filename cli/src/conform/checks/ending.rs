//! RFC 5456 §6.2.4, §6.2.5: how a call ends, and what is said of one that is over.

use iaxproof::wire::{Cause, IaxCommand, IeBuffer, InformationElement};

use super::setup::unacknowledged;
use crate::conform::check::{Check, Outcome, Stop, fail, must};
use crate::conform::dialogue::{Dialogue, bare};
use crate::conform::trial::Trial;

/// How often what is over is asked about, for INVALs may be limited.
const ASKS: usize = 6;

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.2.5-2",
        "HANGUP is acknowledged at once by an ACK with its time-stamp.",
        hangup_is_acknowledged,
    )
    .covers(&["6.9.1-5", "6.2.5-1"]),
    must(
        "6.3.1-4",
        "HANGUP is acknowledged also right after ACCEPT, before the call was answered.",
        early_hangup,
    ),
    must(
        "6.2.4-i1",
        "REJECT from the caller ends the call: it is acknowledged, and PING is not answered any more.",
        reject_ends,
    ),
    must(
        "6.2.5-3",
        "After HANGUP, a message that names the call gets INVAL.",
        inval_after_hangup,
    )
    .covers(&["6.9.2-i1"]),
];

fn hangup_is_acknowledged(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Cause(b"done"))
        .push(InformationElement::CauseCode(Cause::NORMAL_CLEARING));
    let sent = dialogue.say(IaxCommand::Hangup, &ies);
    dialogue.is_open = false;
    dialogue.expect_ack(sent, "HANGUP").map(|_| ())
}

fn early_hangup(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, _) = unacknowledged(trial)?;
    let sent = dialogue.say_bare(IaxCommand::Hangup);
    dialogue.is_open = false;
    dialogue.expect_ack(sent, "HANGUP").map(|_| ())
}

fn reject_ends(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let sent = dialogue.say_bare(IaxCommand::Reject);
    dialogue.is_open = false;
    dialogue.expect_ack(sent, "REJECT")?;
    dialogue.say_bare(IaxCommand::Ping);
    dialogue.expect_none("no PONG in a call that was rejected", |heard| {
        heard.is(IaxCommand::Pong)
    })
}

/// INVAL to a message that names a call which is not there. Silence is what Asterisk answers.
pub(super) fn expect_inval(dialogue: &mut Dialogue) -> Outcome {
    dialogue.is_open = false;
    let wait = dialogue.waits().quiet;
    for _ in 0..ASKS {
        let ping = dialogue.frame(bare(IaxCommand::Ping));
        dialogue.send_as_is(&ping);
        let answer = dialogue.find_within(wait, |heard| {
            heard.is(IaxCommand::Inval) || heard.is(IaxCommand::Pong)
        });
        match answer {
            Some(answer) if answer.is(IaxCommand::Inval) => return Ok(()),
            Some(_) => return fail("INVAL and no PONG in a call that is not there"),
            None => {}
        }
    }
    Err(Stop::Deployed(
        "a message that names a call which is not there gets silence, and not INVAL".to_owned(),
    ))
}

fn inval_after_hangup(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let sent = dialogue.say_bare(IaxCommand::Hangup);
    dialogue.expect_ack(sent, "HANGUP")?;
    expect_inval(&mut dialogue)
}
