//! RFC 5456 §7, §7.2.1: retransmission, as far as it shows in time. Each check waits for timers of the other side.

use core::time::Duration;

use iaxproof::wire::{FullFrame, IaxCommand, SeqNo};

use super::ending::expect_inval;
use super::setup::{is_again, unacknowledged};
use crate::conform::check::{Check, Outcome, Stop, must, should, want};
use crate::conform::dialogue::{Dialogue, bare};
use crate::conform::peer::Heard;
use crate::conform::trial::Trial;

/// Until a target that nobody answers has given a frame up: chan_iax2 does after 2 + 10 + 10 + 10 s.
const GIVE_UP_WAIT: Duration = Duration::from_millis(33_500);
/// Transmissions of one frame: the first, and four again (RFC 5456 §7).
const TRANSMISSIONS_MAX: usize = 5;
/// The longest time between two of them (RFC 5456 §7.2.1), and some for a busy machine.
const INTERVAL_MAX: Duration = Duration::from_millis(11_000);
/// How long a frame that nobody acknowledges may take to come again.
const REPEAT_WAIT: Duration = Duration::from_secs(5);

pub(super) const CHECKS: &[Check] = &[
    must(
        "7-1",
        "A frame that is not acknowledged is sent again with the R bit, the same OSeqno and time-stamp, and no more than four times.",
        sent_again,
    )
    .covers(&["8.1.1-i2", "X-SEQ-9"])
    .slow(),
    must(
        "7.2.1-i1",
        "The time between transmissions grows and is never more than ten seconds.",
        waits_longer,
    )
    .covers(&["7.2.1-i2"])
    .slow(),
    should(
        "7-8",
        "A call whose frame was never acknowledged is dead after its last transmission: PING gets INVAL, or nothing.",
        given_up,
    )
    .covers(&["7-9", "6.6-1"])
    .slow(),
    must(
        "7-7",
        "A frame whose ISeqno is past it acknowledges what is below: it does not come again.",
        acknowledged_by_number,
    )
    .slow(),
    must(
        "X-SEQ-4",
        "An ISeqno beyond all that was sent acknowledges nothing: the frame comes again.",
        acknowledged_beyond,
    )
    .slow(),
    must(
        "X-NUM-5b",
        "An ACK that names another call of the callee's acknowledges nothing: the frame comes again.",
        acknowledged_elsewhere,
    )
    .slow(),
];

/// All transmissions of an ACCEPT that nobody acknowledges.
fn transmissions(trial: &Trial<'_>) -> Result<(Dialogue, Vec<Heard>), Stop> {
    let (mut dialogue, accept) = unacknowledged(trial)?;
    dialogue.listen(GIVE_UP_WAIT);
    let mut all = vec![accept];
    let again = dialogue
        .all()
        .iter()
        .filter(|heard| is_again(heard, &all[0]));
    let again: Vec<Heard> = again.cloned().collect();
    all.extend(again);
    Ok((dialogue, all))
}

fn sent_again(trial: &Trial<'_>) -> Outcome {
    let (_dialogue, all) = transmissions(trial)?;
    want(all.len() > 1, "ACCEPT again, for it was not acknowledged")?;
    want(
        all.len() <= TRANSMISSIONS_MAX,
        "ACCEPT again four times at most",
    )?;
    for again in &all[1..] {
        want(again.is_retransmission(), "the R bit in what comes again")?;
        want(
            again.timestamp() == all[0].timestamp(),
            "the same time-stamp in it",
        )?;
    }
    Ok(())
}

fn waits_longer(trial: &Trial<'_>) -> Outcome {
    let (_dialogue, all) = transmissions(trial)?;
    let waits: Vec<Duration> = all.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    want(
        !waits.is_empty(),
        "ACCEPT again, for it was not acknowledged",
    )?;
    let is_in_time = waits.iter().all(|wait| *wait <= INTERVAL_MAX);
    want(is_in_time, "ten seconds at most between transmissions")?;
    let last = waits.last().copied().unwrap_or_default();
    want(waits.len() < 2 || last > waits[0], "longer waits later on")
}

fn given_up(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, _) = transmissions(trial)?;
    match expect_inval(&mut dialogue) {
        // Silence too says that the call is dead.
        Err(Stop::Deployed(_)) => Ok(()),
        other => other,
    }
}

/// Whether ACCEPT comes again after this was sent.
fn comes_again(dialogue: &mut Dialogue, accept: &Heard, frame: &FullFrame<'_>) -> bool {
    dialogue.send_as_is(frame);
    dialogue
        .find_within(REPEAT_WAIT, |heard| is_again(heard, accept))
        .is_some()
}

fn acknowledged_by_number(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, accept) = unacknowledged(trial)?;
    let ping = FullFrame {
        iseqno: accept.oseqno().next(),
        ..dialogue.frame(bare(IaxCommand::Ping))
    };
    dialogue.oseqno = ping.oseqno.next();
    let again = comes_again(&mut dialogue, &accept, &ping);
    want(!again, "no further ACCEPT once a PING's ISeqno was past it")
}

fn acknowledged_beyond(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, accept) = unacknowledged(trial)?;
    let ping = FullFrame {
        iseqno: SeqNo(accept.oseqno().0.wrapping_add(100)),
        ..dialogue.frame(bare(IaxCommand::Ping))
    };
    dialogue.oseqno = ping.oseqno.next();
    match comes_again(&mut dialogue, &accept, &ping) {
        true => Ok(()),
        false => Err(Stop::Deployed("any ISeqno acknowledges".to_owned())),
    }
}

fn acknowledged_elsewhere(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, accept) = unacknowledged(trial)?;
    let ack = FullFrame {
        destination: super::messages::another(dialogue.theirs),
        timestamp: accept.timestamp(),
        iseqno: accept.oseqno().next(),
        ..dialogue.frame(bare(IaxCommand::Ack))
    };
    let again = comes_again(&mut dialogue, &accept, &ack);
    want(again, "ACCEPT again, for the ACK named another call")
}
