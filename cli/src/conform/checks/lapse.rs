//! RFC 5456 §7.2.2: a registration that nobody renews. It is tried on `--second` where there is one, for it keeps everybody
//! else who wants that user's contact waiting.

use core::time::Duration;
use std::rc::Rc;

use iaxproof::engine::settings::Secret;
use iaxproof::wire::IaxCommand;

use super::outgoing::{calling, reached_at};
use super::registration::REFRESH_UNSAID;
use super::second::register;
use crate::conform::check::{Check, Outcome, Stop, fail, must, skip};
use crate::conform::peer::Peer;
use crate::conform::trial::{Trial, is_refusal};

/// What is asked for, in seconds: the least that the target grants.
const REFRESH: u16 = 1;
/// A registration that is granted for longer is not waited for.
const GRANTED_MAX: u16 = 130;
/// What a contact outlasts the granted period at most (X-REG-3).
const GRACE: Duration = Duration::from_secs(10);
/// How far before an end and after it we call.
const MARGIN: Duration = Duration::from_millis(900);
/// How long we listen at one end before we do at the other.
const LOOK: Duration = Duration::from_millis(50);

pub(super) const CHECKS: &[Check] = &[must(
    "7.2.2-2",
    "A registration that nobody renews holds for the granted period, and is gone 10 s later: a call comes to where it was, and then none.",
    lapses,
)
.covers(&["X-REG-3"])
.slow()];

fn lapses(trial: &Trial<'_>) -> Outcome {
    let of_second = trial.second().map(|(second, secret)| {
        let _gate = trial.contact_gate_of(second);
        let name = &second.name;
        lapses_for(trial, name, secret, second.reach.as_deref())
    });
    match of_second {
        Ok(outcome) if !matches!(outcome, Err(Stop::Skipped(_))) => outcome,
        _ => {
            let _gate = trial.contact_gate();
            let (name, reach) = (&trial.subject.user, trial.subject.reach.as_deref());
            lapses_for(trial, name, trial.secret()?, reach)
        }
    }
}

/// Three calls: at once, shortly before the end of the granted period, and after the grace.
fn lapses_for(trial: &Trial<'_>, name: &str, secret: &Secret, reach: Option<&str>) -> Outcome {
    let Some(reach) = reach else {
        return skip("no extension is given that calls who registers (--reach, --second-reach)");
    };
    let home = trial.peer()?;
    let ack = register(trial, &home, name, secret, REFRESH)?;
    let granted = ack.ies().refresh().unwrap_or(REFRESH_UNSAID);
    if granted > GRANTED_MAX {
        return skip(format!(
            "a registration holds for {granted} s at least, and we wait for {GRANTED_MAX} s at most"
        ));
    }
    reached_at(trial, &home, reach)?.refuse();
    let end = ack.at + Duration::from_secs(granted.into());
    wait_until(trial, &home, end.saturating_sub(MARGIN));
    match reached_at(trial, &home, reach) {
        Ok(called) => called.refuse(),
        Err(Stop::Broke(reason)) => return Err(Stop::Broke(reason)),
        Err(_) => {
            return fail(format!(
                "a call to where {name} is registered, for {granted} s"
            ));
        }
    }
    wait_until(trial, &home, end + GRACE + MARGIN);
    is_gone(trial, &home, name, reach)
}

/// Listens where the registration is, so that nothing of an earlier call is taken for a later one.
fn wait_until(trial: &Trial<'_>, home: &Rc<Peer>, when: Duration) {
    let mut dialogue = trial.dialogue_on(home);
    dialogue.is_open = false;
    dialogue.listen(when.saturating_sub(home.elapsed()));
}

/// A call is refused at once or in the end, or comes nowhere.
fn is_gone(trial: &Trial<'_>, home: &Rc<Peer>, name: &str, reach: &str) -> Outcome {
    let mut caller = match calling(trial, reach) {
        Err(Stop::Skipped(_)) => return Ok(()),
        calling => calling?,
    };
    let mut callee = trial.dialogue_on(home);
    callee.is_open = false;
    let until = home.elapsed() + trial.subject.waits.answer;
    while home.elapsed() < until {
        if callee
            .find_within(LOOK, |heard| heard.is(IaxCommand::New))
            .is_some()
        {
            return fail(format!("no call to where {name} was registered"));
        }
        if caller.find_within(LOOK, is_refusal).is_some() {
            caller.is_open = false;
            break;
        }
    }
    Ok(())
}
