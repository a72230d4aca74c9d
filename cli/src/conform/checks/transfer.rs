//! RFC 5456 §6.5: a transfer, where the target is an end. We are the middle that asks for it, and the third party that the
//! call is sent to, on another socket. Where the target refuses transfers, all is skipped.

use core::time::Duration;

use iaxproof::wire::{
    ApparentAddress, Body, CallNumber, IaxCommand, IeBuffer, InformationElement, SeqNo,
};

use super::setup::changes_nothing;
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, skip, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::Heard;
use crate::conform::trial::Trial;

/// TRANSFERID of our transfers.
const ID: u32 = 0x1a2b_3c4d;
/// TXCNTs that one TXREQ may bring (X-TX-5).
const TXCNT_MAX: usize = 4;
/// How long a target may take until it gives the third party up.
const GIVE_UP_WAIT: Duration = Duration::from_secs(9);

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.5.1-3",
        "TXREQ brings TXCNT at the announced address, to the announced call number.",
        |trial| asked(trial).map(|_| ()),
    ),
    must(
        "6.5.2-1",
        "TXCNT carries the TRANSFERID of TXREQ.",
        txcnt_has_the_id,
    )
    .covers(&["8.6.26-2"]),
    must(
        "6.5.1-2",
        "A TXREQ without an address asks for nothing: it is acknowledged or refused, and the call lives on.",
        txreq_without_address,
    ),
    must(
        "6.5.2-2a",
        "A TXCNT from the announced address is answered there by TXACC.",
        |trial| txacc(trial).map(|_| ()),
    )
    .covers(&["6.5-i1"]),
    must(
        "6.5.3-1",
        "TXACC carries TRANSFERID.",
        txacc_has_the_id,
    ),
    must(
        "6.5.2-2b",
        "A TXCNT that no TXREQ announced is not answered.",
        txcnt_unannounced,
    ),
    must(
        "6.5.3-i1",
        "TXACC brings TXREADY to the middle.",
        |trial| ready(trial).map(|_| ()),
    )
    .covers(&["X-TX-2"]),
    must(
        "6.5.4-1",
        "TXREADY carries TRANSFERID.",
        txready_has_the_id,
    ),
    must(
        "8.6.20-1",
        "TXREADY carries CALLNO, the target's own call number.",
        txready_has_the_number,
    )
    .covers(&["X-TX-3"]),
    must(
        "6.5.5-i1",
        "TXREL is acknowledged to the middle, and the call lives on at the third party, where sequence numbers begin at 0.",
        released,
    )
    .covers(&["X-TX-4"]),
    must(
        "6.5.7-i1",
        "TXREJ ends the attempt: it is acknowledged, and the call lives on where it was.",
        rejected,
    )
    .covers(&["6.5.7-1"]),
    must(
        "X-TX-1",
        "Before TXREL a HANGUP from the announced address ends nothing.",
        hangup_of_the_third,
    ),
    must(
        "X-TX-5",
        "A TXREQ that names somebody who does not answer brings four TXCNTs at most.",
        few_txcnts,
    )
    .slow(),
    must(
        "6.5.2-3",
        "Where TXCNT is not answered, TXREJ comes to the middle, and the call lives on where it was.",
        given_up,
    )
    .slow(),
    should(
        "6-3",
        "TXREL out of a transfer is acknowledged or refused, and the call lives on where it was.",
        |trial| changes_nothing(trial, IaxCommand::TxRel, &IeBuffer::new()),
    ),
];

/// A call that was asked to move, with the third party and the TXCNT that came there.
struct Moving {
    middle: Dialogue,
    third: Dialogue,
    txcnt: Heard,
}

fn asked(trial: &Trial<'_>) -> Result<Moving, Stop> {
    let mut middle = trial.call()?;
    let mut third = trial.dialogue()?;
    third.is_open = false;
    third.answers = false;
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::ApparentAddr(ApparentAddress(
        third.peer.local()?,
    )))
    .push(InformationElement::CallNo(third.ours.get()))
    .push(InformationElement::TransferId(ID));
    let sent = middle.say(IaxCommand::TxReq, &ies);
    middle.expect_acknowledged(sent, "TXREQ")?;
    let ours = third.ours;
    let txcnt = third.find_within(trial.subject.waits.answer, |heard| {
        heard.is(IaxCommand::TxCnt) && heard.destination() == ours
    });
    match txcnt {
        Some(txcnt) => {
            third.theirs = txcnt.source();
            Ok(Moving {
                middle,
                third,
                txcnt,
            })
        }
        None if middle.since().iter().any(is_refusal) => skip("the target refuses transfers"),
        None => {
            fail("TXCNT at the address that TXREQ announced, to the call number that it announced")
        }
    }
}

fn is_refusal(heard: &Heard) -> bool {
    heard.is(IaxCommand::Unsupport) || heard.is(IaxCommand::TxRej)
}

/// A message of the third party that takes no sequence number.
fn say_apart(third: &mut Dialogue, command: IaxCommand) {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::TransferId(ID));
    third.say(command, &ies);
}

fn txcnt_has_the_id(trial: &Trial<'_>) -> Outcome {
    let moving = asked(trial)?;
    let id = moving.txcnt.ies().transfer_id();
    want(id == Some(ID), format!("TRANSFERID {ID} in TXCNT"))
}

fn txreq_without_address(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CallNo(77))
        .push(InformationElement::TransferId(ID));
    changes_nothing(trial, IaxCommand::TxReq, &ies)
}

fn txacc(trial: &Trial<'_>) -> Result<(Moving, Heard), Stop> {
    let mut moving = asked(trial)?;
    say_apart(&mut moving.third, IaxCommand::TxCnt);
    let txacc = moving.third.expect_command(IaxCommand::TxAcc)?;
    Ok((moving, txacc))
}

fn txacc_has_the_id(trial: &Trial<'_>) -> Outcome {
    match txacc(trial)?.1.ies().transfer_id() {
        Some(ID) => Ok(()),
        Some(_) => fail("the TRANSFERID of TXREQ in TXACC"),
        None => Err(Stop::Deployed("TXACC has no TRANSFERID".to_owned())),
    }
}

fn txcnt_unannounced(trial: &Trial<'_>) -> Outcome {
    let mut middle = trial.call()?;
    let mut third = trial.dialogue()?;
    third.is_open = false;
    third.theirs = middle.theirs;
    say_apart(&mut third, IaxCommand::TxCnt);
    third.expect_none("no answer to a TXCNT that nobody announced", |_| true)?;
    middle.is_alive("a TXCNT of a stranger")
}

/// The third party answers: the middle is told.
fn ready(trial: &Trial<'_>) -> Result<(Moving, Heard), Stop> {
    let mut moving = asked(trial)?;
    say_apart(&mut moving.third, IaxCommand::TxAcc);
    let txready = moving.middle.expect_command(IaxCommand::TxReady)?;
    Ok((moving, txready))
}

fn txready_has_the_id(trial: &Trial<'_>) -> Outcome {
    match ready(trial)?.1.ies().transfer_id() {
        Some(ID) => Ok(()),
        Some(_) => fail("the TRANSFERID of TXREQ in TXREADY"),
        None => Err(Stop::Deployed("TXREADY has CALLNO alone".to_owned())),
    }
}

fn txready_has_the_number(trial: &Trial<'_>) -> Outcome {
    let (moving, txready) = ready(trial)?;
    let own = moving.middle.theirs.get();
    want(
        txready.ies().call_number() == Some(own),
        format!("CALLNO {own} in TXREADY"),
    )
}

fn released(trial: &Trial<'_>) -> Outcome {
    let (
        Moving {
            mut middle,
            mut third,
            ..
        },
        txready,
    ) = ready(trial)?;
    // The other end is told the number that TXREADY named; both are ours here.
    let theirs = txready.ies().call_number().and_then(CallNumber::new);
    let theirs = theirs.unwrap_or(middle.theirs);
    let number = InformationElement::CallNo(third.ours.get());
    let sent = middle.say_with(IaxCommand::TxRel, number);
    middle.is_open = false;
    middle.expect_ack(sent, "TXREL")?;
    third.theirs = theirs;
    third.answers = true;
    third.is_open = true;
    third.is_alive("TXREL, at the third party")?;
    let pong = third
        .since()
        .iter()
        .find(|heard| heard.is(IaxCommand::Pong));
    let began_anew = third.all().iter().find(|heard| heard.is_reliable());
    want(
        pong.is_some() && began_anew.is_some_and(|first| first.oseqno() == SeqNo(0)),
        "OSeqno 0 in the first frame to the third party",
    )
}

fn rejected(trial: &Trial<'_>) -> Outcome {
    let mut moving = asked(trial)?;
    let id = InformationElement::TransferId(ID);
    let sent = moving.middle.say_with(IaxCommand::TxRej, id);
    moving.middle.expect_acknowledged(sent, "TXREJ")?;
    moving.middle.is_alive("TXREJ")
}

fn hangup_of_the_third(trial: &Trial<'_>) -> Outcome {
    let mut moving = asked(trial)?;
    moving.third.send(Body::Iax {
        command: IaxCommand::Hangup,
        ies: IeBuffer::new().view(),
    });
    moving.third.listen(trial.subject.waits.quiet);
    moving.middle.is_alive("a HANGUP of the announced address")
}

fn few_txcnts(trial: &Trial<'_>) -> Outcome {
    let Moving {
        mut middle,
        mut third,
        ..
    } = asked(trial)?;
    third.listen(GIVE_UP_WAIT);
    middle.listen(trial.subject.waits.quiet);
    let all = third.all().iter();
    let count = all.filter(|heard| heard.is(IaxCommand::TxCnt)).count();
    want(count <= TXCNT_MAX, format!("{TXCNT_MAX} TXCNTs at most"))
}

fn given_up(trial: &Trial<'_>) -> Outcome {
    let Moving { mut middle, .. } = asked(trial)?;
    let expected = "TXREJ, for nobody answers TXCNT";
    middle.expect_within(GIVE_UP_WAIT, expected, |heard| heard.is(IaxCommand::TxRej))?;
    middle.is_alive("a transfer that came to nothing")
}
