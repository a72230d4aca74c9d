//! RFC 5456 §6.7, §6.9: probes, acknowledgements, INVAL and what is not supported.

use core::time::Duration;
use iaxproof::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo, Timestamp,
};

use super::ending::expect_inval;
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, want};
use crate::conform::dialogue::{Dialogue, Sent, bare};
use crate::conform::peer::Heard;
use crate::conform::trial::{Trial, is_answer};

/// A subclass that no source assigns.
const UNASSIGNED: u8 = 0x29;
/// A call number of a callee's that is nobody's, or nobody's of ours.
const STRANGE: u16 = 0x3abc;
/// How often PING comes by itself, and some time for it to come.
const PING_WAIT: Duration = Duration::from_secs(26);

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.7.1-4",
        "POKE is answered by PONG with its time-stamp.",
        poke,
    ),
    must(
        "X-POKE-1",
        "The PONG to POKE is of no dialogue: from call 1, OSeqno 0, ISeqno of the POKE and one, no elements, and never again.",
        pong_is_stateless,
    ),
    should(
        "6.7.1-3",
        "A POKE that names a call is answered too.",
        poke_with_destination,
    ),
    must(
        "6.7.2-i1",
        "PING is answered by PONG with its time-stamp.",
        |trial| probe(trial, IaxCommand::Ping, IaxCommand::Pong, &IeBuffer::new()),
    ),
    must(
        "6.7.4-1",
        "LAGRQ is answered by LAGRP with its time-stamp.",
        |trial| {
            probe(
                trial,
                IaxCommand::LagRq,
                IaxCommand::LagRp,
                &IeBuffer::new(),
            )
        },
    )
    .covers(&["6.7.4-2"]),
    must(
        "8.6-2",
        "A LAGRQ with elements that it has no use for is answered as one without (AST-2007-015).",
        |trial| probe(trial, IaxCommand::LagRq, IaxCommand::LagRp, &odd_elements()),
    ),
    must(
        "8.6-1",
        "A PING with elements that it has no use for is answered as one without.",
        |trial| probe(trial, IaxCommand::Ping, IaxCommand::Pong, &odd_elements()),
    ),
    should(
        "6.7.2-1",
        "An idle call is asked by PING whether it lives.",
        pings_by_itself,
    )
    .slow(),
    must(
        "6.7.3-i1",
        "A PONG that nobody asked for is acknowledged, and the call lives on.",
        |trial| acknowledged(trial, IaxCommand::Pong),
    ),
    must(
        "6.7.5-i1",
        "A LAGRP that nobody asked for is acknowledged, and the call lives on.",
        |trial| acknowledged(trial, IaxCommand::LagRp),
    ),
    must(
        "6.9.1-1",
        "ACK goes from the callee's call number to the caller's.",
        ack_has_both_numbers,
    ),
    must(
        "6.9.1-2",
        "ACK takes no sequence number: what we send after an ACK of ours is in order.",
        ack_takes_no_number,
    )
    .covers(&["7-i1"]),
    must(
        "6.9.1-3",
        "ACK has the time-stamp of what it acknowledges.",
        ack_has_the_time,
    ),
    must("6.9.1-i1", "ACK is not answered.", ack_is_not_answered),
    must(
        "6.9.1-6",
        "A caller that never sends ACK, but whose full frames acknowledge, gets on.",
        without_acks,
    ),
    must(
        "6.9.2-1",
        "INVAL ends the call: PING is not answered by PONG any more.",
        inval_ends,
    ),
    must(
        "X-INV-1",
        "INVAL that names another call of the callee's ends nothing.",
        inval_of_another,
    ),
    must(
        "6.9.2-i1",
        "A message that names a call which is not there gets INVAL.",
        inval_to_a_stranger,
    ),
    must(
        "X-INV-2a",
        "INVAL, ACK, VNAK, TXCNT and TXACC that name a call which is not there get nothing.",
        silence_to_exempt,
    ),
    must(
        "X-INV-2b",
        "A message without a destination that opens nothing gets nothing.",
        silence_to_nameless,
    ),
    must(
        "6.9.5-i1",
        "An IAX message that nobody knows is answered by UNSUPPORT, and the call lives on.",
        |trial| unsupported(trial, IaxCommand::from_octet(UNASSIGNED)).map(|_| ()),
    ),
    must(
        "8.6.22-1",
        "UNSUPPORT carries IAX UNKNOWN, the subclass that was not understood.",
        says_what_is_unknown,
    ),
    should(
        "X-MISC-1",
        "PAGE, MWI, PROVISION and FWDOWNL in a call are answered by UNSUPPORT with their subclass.",
        not_built,
    )
    .covers(&["6.9.4-1"]),
];

/// Elements that belong elsewhere.
fn odd_elements() -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CalledNumber(b"100"))
        .push(InformationElement::Refresh(7))
        .push(InformationElement::Unknown {
            code: 0xee,
            data: b"odd",
        });
    ies
}

/// A POKE with these numbers; gives the PONG.
fn poked(trial: &Trial<'_>, destination: CallNumber) -> Result<(Dialogue, Heard, Sent), Stop> {
    let mut dialogue = trial.dialogue()?;
    dialogue.is_open = false;
    let frame = FullFrame {
        destination,
        timestamp: Timestamp(4_711),
        ..dialogue.frame(bare(IaxCommand::Poke))
    };
    let sent = dialogue.send_as_is(&frame);
    let ours = dialogue.ours;
    let pong = dialogue.expect("PONG to POKE", |heard| {
        heard.is(IaxCommand::Pong) && heard.destination() == ours
    })?;
    Ok((dialogue, pong, sent))
}

fn poke(trial: &Trial<'_>) -> Outcome {
    let (_dialogue, pong, sent) = poked(trial, CallNumber::ZERO)?;
    want(
        pong.timestamp() == sent.timestamp,
        "the time-stamp of POKE in PONG",
    )
}

fn pong_is_stateless(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, pong, _) = poked(trial, CallNumber::ZERO)?;
    let numbers = (pong.source(), pong.oseqno(), pong.iseqno());
    want(
        numbers == (CallNumber::STATELESS, SeqNo(0), SeqNo(1)),
        "call 1, OSeqno 0 and ISeqno 1 in the PONG to POKE",
    )?;
    want(pong.ies().is_empty(), "no elements in the PONG to POKE")?;
    let at = pong.at;
    dialogue.expect_none("one PONG to one POKE", |heard| heard.at > at)
}

fn poke_with_destination(trial: &Trial<'_>) -> Outcome {
    poked(trial, CallNumber::from_word(STRANGE)).map(|_| ())
}

fn probe(trial: &Trial<'_>, question: IaxCommand, answer: IaxCommand, ies: &IeBuffer) -> Outcome {
    let mut dialogue = trial.call()?;
    let sent = dialogue.say(question, ies);
    let heard = dialogue.expect_command(answer)?;
    let expected = format!("the time-stamp of {question} in {answer}");
    want(heard.timestamp() == sent.timestamp, expected)
}

fn pings_by_itself(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let expected = "PING in a call that is idle";
    let heard = dialogue.expect_within(PING_WAIT, expected, |heard| heard.is(IaxCommand::Ping));
    heard.map(|_| ())
}

fn acknowledged(trial: &Trial<'_>, command: IaxCommand) -> Outcome {
    let mut dialogue = trial.call()?;
    let sent = dialogue.say_bare(command);
    dialogue.expect_acknowledged(sent, &command.to_string())?;
    dialogue.is_alive(&command.to_string())
}

/// A text in a call, and the ACK that it gets.
fn acked_text(trial: &Trial<'_>) -> Result<(Dialogue, Heard, Sent), Stop> {
    let mut dialogue = trial.call()?;
    let sent = dialogue.send(Body::Text(b"conform\0"));
    let ack = dialogue.expect("ACK to TEXT", |heard| heard.is(IaxCommand::Ack))?;
    Ok((dialogue, ack, sent))
}

fn ack_has_both_numbers(trial: &Trial<'_>) -> Outcome {
    let (dialogue, ack, _) = acked_text(trial)?;
    let numbers = (ack.source(), ack.destination());
    let expected = format!("ACK from {} to {}", dialogue.theirs, dialogue.ours);
    want(numbers == (dialogue.theirs, dialogue.ours), expected)
}

fn ack_has_the_time(trial: &Trial<'_>) -> Outcome {
    let (_dialogue, ack, sent) = acked_text(trial)?;
    want(
        ack.timestamp() == sent.timestamp,
        "the time-stamp of TEXT in its ACK",
    )
}

fn ack_takes_no_number(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    for _ in 0..3 {
        let ack = dialogue.frame(bare(IaxCommand::Ack));
        dialogue.send_as_is(&ack);
    }
    dialogue.is_alive("three ACKs")
}

fn ack_is_not_answered(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let first = dialogue
        .all()
        .iter()
        .find(|heard| heard.is_reliable())
        .cloned();
    dialogue.listen(trial.subject.waits.quiet);
    let ack = FullFrame {
        timestamp: first.map_or(Timestamp(1), |first| first.timestamp()),
        ..dialogue.frame(bare(IaxCommand::Ack))
    };
    dialogue.send_as_is(&ack);
    let ours = dialogue.ours;
    dialogue.expect_none("no answer to ACK", |heard| heard.destination() == ours)
}

fn without_acks(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, _) = super::setup::unacknowledged(trial)?;
    // PING acknowledges ACCEPT by its ISeqno, LAGRQ acknowledges ANSWER and PONG.
    dialogue.is_alive("ACCEPT without an ACK")?;
    dialogue.expect(
        "CONTROL ANSWER to a caller that acknowledges by PING",
        is_answer,
    )?;
    let sent = dialogue.say_bare(IaxCommand::LagRq);
    dialogue.expect("LAGRP to a caller that never sends ACK", |heard| {
        heard.is(IaxCommand::LagRp) && heard.timestamp() == sent.timestamp
    })?;
    Ok(())
}

fn inval_ends(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    dialogue.say_bare(IaxCommand::Inval);
    dialogue.is_open = false;
    dialogue.say_bare(IaxCommand::Ping);
    dialogue.expect_none("no PONG after INVAL", |heard| heard.is(IaxCommand::Pong))
}

fn inval_of_another(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let inval = FullFrame {
        destination: another(dialogue.theirs),
        ..dialogue.frame(bare(IaxCommand::Inval))
    };
    dialogue.send_as_is(&inval);
    match dialogue.is_alive("an INVAL that names another call") {
        Ok(()) => Ok(()),
        Err(_) => Err(Stop::Deployed(
            "INVAL counts whatever call it names".to_owned(),
        )),
    }
}

/// Another call number than this one.
pub(super) fn another(number: CallNumber) -> CallNumber {
    let other = number.get() ^ 0x0155;
    CallNumber::new(other)
        .filter(|it| *it > CallNumber::STATELESS)
        .unwrap_or(CallNumber::MAX)
}

fn stranger(trial: &Trial<'_>) -> Result<Dialogue, Stop> {
    let mut dialogue = trial.dialogue()?;
    dialogue.is_open = false;
    dialogue.theirs = CallNumber::from_word(STRANGE);
    Ok(dialogue)
}

fn inval_to_a_stranger(trial: &Trial<'_>) -> Outcome {
    expect_inval(&mut stranger(trial)?)
}

fn silence_to_exempt(trial: &Trial<'_>) -> Outcome {
    use IaxCommand::{Ack, Inval, TxAcc, TxCnt, Vnak};
    let mut dialogue = stranger(trial)?;
    for command in [Inval, Ack, Vnak, TxCnt, TxAcc] {
        let frame = dialogue.frame(bare(command));
        dialogue.peer.send(&Frame::Full(frame));
    }
    dialogue.expect_none("nothing to what must not be answered", |_| true)
}

fn silence_to_nameless(trial: &Trial<'_>) -> Outcome {
    use IaxCommand::{Accept, Hangup, LagRq, Ping};
    let mut dialogue = stranger(trial)?;
    dialogue.theirs = CallNumber::ZERO;
    for command in [Accept, Hangup, LagRq, Ping] {
        let frame = dialogue.frame(bare(command));
        dialogue.peer.send(&Frame::Full(frame));
    }
    dialogue.expect_none(
        "nothing to messages that name no call and open none",
        |_| true,
    )
}

fn unsupported(trial: &Trial<'_>, command: IaxCommand) -> Result<Heard, Stop> {
    let mut dialogue = trial.call()?;
    dialogue.say_bare(command);
    let unsupport = dialogue.expect(format!("UNSUPPORT to {command}"), |heard| {
        heard.is(IaxCommand::Unsupport)
    })?;
    dialogue.is_alive(&command.to_string())?;
    Ok(unsupport)
}

fn says_what_is_unknown(trial: &Trial<'_>) -> Outcome {
    let unsupport = unsupported(trial, IaxCommand::from_octet(UNASSIGNED))?;
    let unknown = unsupport.ies().iax_unknown();
    want(unknown == Some(UNASSIGNED), "IAX UNKNOWN 0x29 in UNSUPPORT")
}

fn not_built(trial: &Trial<'_>) -> Outcome {
    use IaxCommand::{FwDownl, Mwi, Page, Provision};
    for command in [Page, Mwi, Provision, FwDownl] {
        let unsupport = unsupported(trial, command)?;
        if unsupport.ies().iax_unknown() != Some(command.octet()) {
            return fail(format!("IAX UNKNOWN {:#04x} in UNSUPPORT", command.octet()));
        }
    }
    Ok(())
}
