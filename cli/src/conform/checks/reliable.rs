//! RFC 5456 §7, §8.1.1: sequence numbers, order, repetition and time-stamps, as far as they show at once. What waits for timers is in
//! [`repeat`](super::repeat).

use iaxproof::wire::{Body, Digit, Frame, FullFrame, IaxCommand, IeBuffer, SeqNo, Timestamp};

use super::messages::another;
use super::setup::unacknowledged;
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, want};
use crate::conform::dialogue::{Dialogue, bare};
use crate::conform::peer::Heard;
use crate::conform::trial::{Trial, is_verdict};

/// Round trips until all sequence numbers of both sides were used, and some more.
const ROUNDS: usize = 300;
/// VNAKs in a row.
const VNAKS: usize = 50;
/// Frames that 50 VNAKs may bring at most.
const RESENT_MAX: usize = 25;

pub(super) const CHECKS: &[Check] = &[
    must(
        "7-6a",
        "A frame that is ahead by one is dropped, and VNAK asks for the one that is missing.",
        ahead,
    )
    .covers(&["X-SEQ-3"]),
    must(
        "7-6b",
        "What was dropped for being ahead is taken when it comes again in order.",
        ahead_then_in_order,
    ),
    must(
        "X-SEQ-2a",
        "A frame that comes a second time is acknowledged a second time.",
        repeated_is_acknowledged,
    ),
    must(
        "X-SEQ-2b",
        "A text that comes a second time is delivered once.",
        repeated_is_delivered_once,
    ),
    must(
        "X-SEQ-1",
        "ACK, VNAK and INVAL are not judged by their OSeqno: those with a wild one disturb nothing.",
        exempt_are_not_ordered,
    ),
    must(
        "7-i1",
        "Each frame of the callee takes the next OSeqno, and ACK and VNAK take none.",
        theirs_are_in_order,
    ),
    must(
        "7-i2b",
        "ISeqno of the callee's frames is the number that it expects next from us.",
        iseqno_is_next,
    ),
    must(
        "8.1.1-i3",
        "Sequence numbers wrap from 255 to 0: after 300 round trips the call lives on.",
        wraps,
    ),
    must(
        "7-4",
        "The callee's time-stamps do not run backwards.",
        time_goes_on,
    ),
    must(
        "8.1.1-i5",
        "A full frame is acknowledged at once: ten digits get ten acknowledgements.",
        each_is_acknowledged,
    ),
    must(
        "6.9.3-1",
        "VNAK brings again what was not acknowledged, from its ISeqno on.",
        vnak_brings_again,
    ),
    should(
        "X-SEQ-7",
        "Fifty VNAKs for one frame bring it fewer than 25 times.",
        vnaks_are_limited,
    ),
    must(
        "X-NUM-5",
        "A HANGUP that names another call of the callee's does not end this one.",
        wrong_destination,
    ),
    must(
        "X-SEQ-12",
        "A frame of an ended call disturbs no new call that has its number on our side.",
        late_frame_of_a_former_call,
    )
    .fails_asterisk("a late HANGUP that names the former call ends the new one"),
    must(
        "X-MISC-3",
        "A call whose time-stamps pass 2^32 ms lives on.",
        time_wraps,
    ),
];

fn text<'a>() -> Body<'a> {
    Body::Text(b"conform\0")
}

fn ahead(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let expected = dialogue.oseqno;
    let frame = FullFrame {
        oseqno: expected.next(),
        ..dialogue.frame(bare(IaxCommand::Ping))
    };
    let sent = dialogue.send_as_is(&frame);
    let vnak = dialogue.expect_command(IaxCommand::Vnak)?;
    want(
        vnak.iseqno() == expected,
        format!("VNAK with ISeqno {expected}"),
    )?;
    dialogue.expect_none("no PONG to a PING that is ahead", |heard| {
        heard.is(IaxCommand::Pong) && heard.timestamp() == sent.timestamp
    })
}

fn ahead_then_in_order(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let first = dialogue.frame(bare(IaxCommand::LagRq));
    let second = FullFrame {
        oseqno: first.oseqno.next(),
        ..dialogue.frame(bare(IaxCommand::Ping))
    };
    dialogue.send_as_is(&second);
    dialogue.expect_command(IaxCommand::Vnak)?;
    dialogue.send_as_is(&first);
    dialogue.expect_command(IaxCommand::LagRp)?;
    dialogue.send_as_is(&FullFrame {
        retransmission: true,
        ..second
    });
    dialogue.oseqno = second.oseqno.next();
    dialogue.expect("PONG to a PING that comes again in order", |heard| {
        heard.is(IaxCommand::Pong) && heard.timestamp() == second.timestamp
    })?;
    Ok(())
}

fn repeated_is_acknowledged(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let frame = dialogue.frame(text());
    let sent = dialogue.send_as_is(&frame);
    dialogue.oseqno = frame.oseqno.next();
    dialogue.expect_ack(sent, "TEXT")?;
    dialogue.send_as_is(&FullFrame {
        retransmission: true,
        ..frame
    });
    dialogue
        .expect_ack(sent, "TEXT that comes a second time")
        .map(|_| ())
}

fn repeated_is_delivered_once(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call_to_echo()?;
    let is_echo = |heard: &Heard| matches!(heard.body(), Some(Body::Text(_)));
    let frame = dialogue.frame(text());
    dialogue.send_as_is(&frame);
    dialogue.expect("the text back from --echo", is_echo)?;
    dialogue.send_as_is(&FullFrame {
        retransmission: true,
        ..frame
    });
    dialogue.oseqno = frame.oseqno.next();
    dialogue.expect_none("no second text back from --echo", is_echo)
}

fn exempt_are_not_ordered(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let wild = SeqNo(dialogue.oseqno.0.wrapping_add(90));
    for command in [IaxCommand::Ack, IaxCommand::Vnak] {
        let frame = FullFrame {
            oseqno: wild,
            ..dialogue.frame(bare(command))
        };
        dialogue.send_as_is(&frame);
    }
    dialogue.expect_none("no VNAK to ACK and VNAK", |heard| {
        heard.is(IaxCommand::Vnak)
    })?;
    dialogue.is_alive("ACK and VNAK with a wild OSeqno")
}

/// A call with some exchange: a few probes, texts and digits.
fn busy_call(trial: &Trial<'_>) -> Result<Dialogue, Stop> {
    let mut dialogue = trial.call()?;
    for _ in 0..3 {
        dialogue.say_bare(IaxCommand::LagRq);
        dialogue.expect_command(IaxCommand::LagRp)?;
        let sent = dialogue.send(text());
        dialogue.expect_acknowledged(sent, "TEXT")?;
    }
    Ok(dialogue)
}

fn theirs_are_in_order(trial: &Trial<'_>) -> Outcome {
    let dialogue = busy_call(trial)?;
    let theirs = dialogue
        .all()
        .iter()
        .filter(|heard| heard.source() == dialogue.theirs);
    let mut next = SeqNo(0);
    for heard in theirs {
        if heard.is_reliable() && !heard.is_retransmission() {
            want(
                heard.oseqno() == next,
                format!("OSeqno {next} in the callee's next frame"),
            )?;
            next = next.next();
        }
    }
    Ok(())
}

fn iseqno_is_next(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = busy_call(trial)?;
    let sent = dialogue.say_bare(IaxCommand::Ping);
    let pong = dialogue.expect_command(IaxCommand::Pong)?;
    let next = sent.oseqno.next();
    want(
        pong.iseqno() == next,
        format!("ISeqno {next} in what answers OSeqno {}", sent.oseqno),
    )
}

fn wraps(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    for _ in 0..ROUNDS {
        let sent = dialogue.say_bare(IaxCommand::LagRq);
        let expected = format!("LAGRP to LAGRQ with OSeqno {}", sent.oseqno);
        dialogue.expect(expected, |heard| {
            heard.is(IaxCommand::LagRp) && heard.timestamp() == sent.timestamp
        })?;
    }
    Ok(())
}

fn time_goes_on(trial: &Trial<'_>) -> Outcome {
    let dialogue = busy_call(trial)?;
    let mut last = 0;
    for heard in dialogue.all() {
        let echoes = matches!(
            heard.command(),
            Some(IaxCommand::LagRp | IaxCommand::Pong | IaxCommand::Ack)
        );
        if heard.is_reliable() && !echoes && !heard.is_retransmission() {
            let now = heard.timestamp().0;
            want(now >= last, format!("a time-stamp of at least {last}"))?;
            last = now;
        }
    }
    Ok(())
}

fn each_is_acknowledged(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    for octet in b"0123456789" {
        let Some(digit) = Digit::new(*octet) else {
            return fail("a digit");
        };
        let sent = dialogue.send(Body::DtmfEnd(digit));
        dialogue.expect_acknowledged(sent, "a digit")?;
    }
    Ok(())
}

fn vnak_brings_again(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, accept) = unacknowledged(trial)?;
    let vnak = FullFrame {
        iseqno: accept.oseqno(),
        ..dialogue.frame(bare(IaxCommand::Vnak))
    };
    dialogue.send_as_is(&vnak);
    let expected = format!("what has OSeqno {} again", accept.oseqno());
    dialogue.expect(expected, |heard| super::setup::is_again(heard, &accept))?;
    Ok(())
}

fn vnaks_are_limited(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, accept) = unacknowledged(trial)?;
    for _ in 0..VNAKS {
        let vnak = FullFrame {
            iseqno: accept.oseqno(),
            ..dialogue.frame(bare(IaxCommand::Vnak))
        };
        dialogue.peer.send(&Frame::Full(vnak));
    }
    dialogue.listen(trial.subject.waits.quiet);
    let again = dialogue
        .all()
        .iter()
        .filter(|heard| super::setup::is_again(heard, &accept));
    want(
        again.count() < RESENT_MAX,
        format!("ACCEPT again fewer than {RESENT_MAX} times"),
    )
}

fn wrong_destination(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let hangup = FullFrame {
        destination: another(dialogue.theirs),
        ..dialogue.frame(bare(IaxCommand::Hangup))
    };
    dialogue.send_as_is(&hangup);
    match dialogue.is_alive("a HANGUP that names another call") {
        Ok(()) => Ok(()),
        Err(_) => Err(Stop::Deployed(
            "a HANGUP counts whatever call it names".to_owned(),
        )),
    }
}

fn late_frame_of_a_former_call(trial: &Trial<'_>) -> Outcome {
    let mut former = trial.call()?;
    let sent = former.say_bare(IaxCommand::Hangup);
    former.is_open = false;
    former.expect_ack(sent, "HANGUP")?;
    let mut dialogue = trial.dialogue_on(&former.peer);
    dialogue.ours = former.ours;
    trial.open_on(
        &mut dialogue,
        IaxCommand::New,
        &trial.invitation(&trial.subject.extension),
    )?;
    dialogue.expect("an answer to the second NEW", |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    if dialogue.theirs == former.theirs {
        return fail("another call number than the former call had");
    }
    let late = FullFrame {
        destination: former.theirs,
        timestamp: Timestamp(3),
        oseqno: dialogue.oseqno,
        ..former.frame(bare(IaxCommand::Hangup))
    };
    dialogue.send_as_is(&late);
    dialogue.is_alive("a HANGUP of the call that had our number before")
}

fn time_wraps(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    for time in [0x7fff_ff00, 0xffff_ff00, 0x0000_0100_u32] {
        let ping = FullFrame {
            timestamp: Timestamp(time),
            ..dialogue.frame(bare(IaxCommand::Ping))
        };
        let sent = dialogue.send_as_is(&ping);
        dialogue.oseqno = dialogue.oseqno.next();
        dialogue.expect(format!("PONG with time-stamp {time}"), |heard| {
            heard.is(IaxCommand::Pong) && heard.timestamp() == sent.timestamp
        })?;
    }
    let sent = dialogue.say(IaxCommand::Hangup, &IeBuffer::new());
    dialogue.is_open = false;
    dialogue.expect_acknowledged(sent, "HANGUP").map(|_| ())
}
