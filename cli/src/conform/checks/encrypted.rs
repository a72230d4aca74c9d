//! RFC 5456 §7.4, §8.1.4: the frames of a call that is encrypted. We are the caller; how it came to be is in
//! [`encryption`](super::encryption).

use core::time::Duration;
use std::collections::BTreeSet;

use iaxproof::engine::cipher::{BLOCK_LEN, Key, is_sealed};
use iaxproof::wire::{
    ApparentAddress, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement, MetaFrame,
    MiniFrame, Timestamp, TrunkBuffer, TrunkEntry,
};

use super::frames::SILENCE;
use super::media::{audio, send_mini, voice};
use super::second::{AES128, ROTATING, accepted, call, call_to_echo, granted, nothing_strays};
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, skip, want};
use crate::conform::dialogue::{Dialogue, bare};
use crate::conform::peer::Heard;
use crate::conform::trial::{Trial, wrong_secret};
use crate::net::random;

/// How long we listen to audio.
const LISTEN: Duration = Duration::from_millis(300);
/// How long a frame that nobody acknowledges may take to come again.
const REPEAT_WAIT: Duration = Duration::from_secs(5);
/// Audio that is told from silence.
const SOUND: [u8; 160] = [0x55; 160];
/// Frames whose padding is compared.
const FRAMES: usize = 8;
/// Octets of a frame that stay in clear.
const FULL_CLEAR: usize = 4;
const MINI_CLEAR: usize = 2;

pub(super) const CHECKS: &[Check] = &[
    must(
        "7.4-1a",
        "After AUTHREQ with ENCRYPTION all that sets the call up comes under the key: ACKs, ACCEPT and ANSWER.",
        |trial| nothing_strays(&call(trial)?),
    ),
    must(
        "7.4-1b",
        "PING and LAGRQ under the key are answered under it, by PONG and LAGRP.",
        probes,
    ),
    must(
        "7.4-1c",
        "Audio of the callee comes under the key, in full frames and in mini frames.",
        |trial| plays(trial, AES128),
    )
    .covers(&["7.4-i2"]),
    must(
        "7.4-1d",
        "Audio under the key is heard: a mini frame comes back from --echo under it, as it was.",
        echoes,
    ),
    must(
        "7.4-1e",
        "HANGUP under the key is acknowledged under it, and ends the call.",
        hangs_up,
    ),
    must(
        "7.4-1f",
        "A PING in clear is dropped: it gets no answer, and its number is still free.",
        |trial| dropped(trial, "a PING in clear", |dialogue| {
            dialogue.send_in_clear(bare(IaxCommand::Ping));
        }),
    ),
    must(
        "7.4-1g",
        "A HANGUP in clear is dropped: the call lives on.",
        |trial| dropped(trial, "a HANGUP in clear", |dialogue| {
            dialogue.send_in_clear(bare(IaxCommand::Hangup));
        }),
    ),
    must(
        "7.4-1h",
        "A HANGUP under another key is dropped: the call lives on.",
        |trial| dropped(trial, "a HANGUP under another key", |dialogue| {
            let key = Key::new(b"conform", &wrong_secret());
            dialogue.send_under(&key, bare(IaxCommand::Hangup));
        }),
    ),
    must(
        "7.4-1i",
        "A mini frame in clear is not audio of the call: nothing comes back from --echo.",
        mini_in_clear,
    ),
    must(
        "7.4-1j",
        "An ACCEPT that is not acknowledged comes again under the key, with the R bit, the same OSeqno and time-stamp.",
        comes_again,
    )
    .slow(),
    must(
        "8.1.4-i1a",
        "A sealed frame has its call numbers in clear, and then whole blocks of 16 octets that open to padding and its rest.",
        is_laid_out,
    ),
    should(
        "8.1.4-i1b",
        "The padding is random: no two of eight frames begin with the same sealed block.",
        paddings_differ,
    ),
    must(
        "X-ENC-4",
        "What is no sealed frame by its length is dropped without an answer: one octet less or more than a whole block, and a block alone.",
        ragged,
    )
    .covers(&["8.1.4-i1"]),
    should(
        "X-ENC-1a",
        "RTKEY is acknowledged, and what follows under its key is heard.",
        rotated,
    )
    .covers(&["7.4-i4"]),
    must(
        "X-ENC-1b",
        "Where NEW asked for keys that are rotated, what comes opens under the key, or under that of the last RTKEY.",
        |trial| plays(trial, ROTATING),
    ),
    must(
        "X-ENC-5a",
        "TXREQ on an encrypted call is refused, by UNSUPPORT or TXREJ; nobody gets a TXCNT, and the call lives on.",
        no_transfer,
    )
    .fails_asterisk("TXREQ is obeyed, by a TXCNT under the key of the call"),
    must(
        "X-ENC-5b",
        "An entry of a trunk frame is not audio of an encrypted call: nothing comes back from --echo.",
        no_trunk,
    )
    .fails_asterisk("it is heard"),
];

fn probes(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = call(trial)?;
    dialogue.is_alive("its set-up under the key")?;
    let sent = dialogue.say_bare(IaxCommand::LagRq);
    dialogue.expect("LAGRP to LAGRQ under the key", |heard| {
        heard.is(IaxCommand::LagRp) && heard.timestamp() == sent.timestamp
    })?;
    nothing_strays(&dialogue)
}

fn plays(trial: &Trial<'_>, encryption: InformationElement<'_>) -> Outcome {
    let Some(music) = &trial.subject.music else {
        return skip("no extension is given that plays (--music)");
    };
    let (mut dialogue, _) = accepted(trial, music, encryption)?;
    let expected = "audio from --music under the key";
    dialogue.expect(expected, |heard| audio(heard).is_some())?;
    dialogue.listen(LISTEN);
    let mut frames = dialogue.all().iter().filter(|heard| audio(heard).is_some());
    let is_full = frames.next().is_some_and(|first| first.full().is_some());
    want(
        is_full,
        "a full VOICE frame under the key as the first audio",
    )?;
    let number = dialogue.theirs;
    let is_mini =
        |heard: &Heard| matches!(heard.frame(), Some(Frame::Mini(mini)) if mini.source() == number);
    want(
        frames.any(is_mini),
        "mini frames under the key, after the full VOICE frame",
    )?;
    nothing_strays(&dialogue)
}

/// A call to --echo that has heard a full VOICE frame, and when that came back.
fn echoing(trial: &Trial<'_>) -> Result<(Dialogue, Duration), Stop> {
    let mut dialogue = call_to_echo(trial)?;
    let frame = FullFrame {
        timestamp: Timestamp(1_000),
        ..dialogue.frame(voice(&SILENCE))
    };
    dialogue.send_as_is(&frame);
    dialogue.oseqno = frame.oseqno.next();
    let expected = "audio back from --echo under the key";
    let back = dialogue.expect(expected, |heard| audio(heard).is_some())?;
    Ok((dialogue, back.at))
}

fn is_sound(heard: &Heard) -> bool {
    audio(heard).as_deref() == Some(&SOUND)
}

fn echoes(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, at) = echoing(trial)?;
    send_mini(&mut dialogue, 1_020, &SOUND);
    let expected = "the audio of a mini frame back from --echo under the key";
    dialogue.expect(expected, |heard| heard.at > at && is_sound(heard))?;
    nothing_strays(&dialogue)
}

fn hangs_up(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = call(trial)?;
    let sent = dialogue.say_bare(IaxCommand::Hangup);
    dialogue.is_open = false;
    dialogue.expect_ack(sent, "HANGUP under the key")?;
    nothing_strays(&dialogue)
}

/// What an answer to a frame can be; the rest is sent of its own accord.
fn is_answer(heard: &Heard) -> bool {
    use IaxCommand::{Ack, Hangup, Inval, Pong, Reject, Unsupport, Vnak};
    matches!(
        heard.command(),
        Some(Ack | Hangup | Inval | Pong | Reject | Unsupport | Vnak)
    )
}

/// Something that has no place on an encrypted call: nothing comes of it, and the number that it has is still free.
fn dropped(trial: &Trial<'_>, what: &str, send: fn(&mut Dialogue)) -> Outcome {
    let mut dialogue = call(trial)?;
    send(&mut dialogue);
    let expected = format!("no answer to {what}");
    dialogue.expect_none(expected, is_answer)?;
    dialogue.is_alive(what)?;
    nothing_strays(&dialogue)
}

fn mini_in_clear(trial: &Trial<'_>) -> Outcome {
    let (dialogue, _) = echoing(trial)?;
    if let Some(mini) = MiniFrame::new(dialogue.ours, 1_020, &SOUND) {
        dialogue.peer.send(&Frame::Mini(mini));
    }
    not_heard(dialogue, "a mini frame in clear")
}

/// The sound does not come back, and the call lives on.
fn not_heard(mut dialogue: Dialogue, what: &str) -> Outcome {
    let expected = format!("nothing back from --echo of {what}");
    dialogue.expect_none(expected, is_sound)?;
    let is_clear = dialogue.strays().iter().any(is_sound);
    want(!is_clear, format!("nothing back in clear of {what}"))?;
    dialogue.is_alive(what)
}

fn comes_again(trial: &Trial<'_>) -> Outcome {
    let gate = trial.login_gate_of(trial.second()?.0);
    let mut granted = granted(trial, &trial.subject.extension, AES128)?;
    granted.dialogue.answers = false;
    let (mut dialogue, first) = granted.log_in()?;
    drop(gate);
    let again = dialogue.find_within(REPEAT_WAIT, |heard| {
        heard.is(IaxCommand::Accept) && heard.at > first.at
    });
    let is_the_same = again.is_some_and(|again| {
        again.is_retransmission()
            && again.oseqno() == first.oseqno()
            && again.timestamp() == first.timestamp()
    });
    want(
        is_the_same,
        "ACCEPT again under the key, with R bit, the same OSeqno and time-stamp",
    )
}

/// What came sealed, and how long the clear part of it is.
fn sealed(dialogue: &Dialogue) -> impl Iterator<Item = (&Heard, &[u8], usize)> {
    dialogue.all().iter().filter_map(|heard| {
        let clear = match heard.full() {
            Some(_) => FULL_CLEAR,
            None => MINI_CLEAR,
        };
        Some((heard, heard.sealed()?, clear))
    })
}

fn is_laid_out(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, _) = echoing(trial)?;
    send_mini(&mut dialogue, 1_020, &SOUND);
    dialogue.say_bare(IaxCommand::Ping);
    dialogue.listen(trial.subject.waits.quiet);
    // What no key opens may be so for its length.
    let is_whole = dialogue
        .strays()
        .iter()
        .all(|heard| is_sealed(heard.octets()));
    want(is_whole, "whole blocks of 16 octets behind the clear ones")?;
    let (ours, theirs) = (dialogue.ours, dialogue.theirs);
    let names_the_call = |heard: &Heard| match heard.frame() {
        Some(Frame::Full(frame)) => (frame.source, frame.destination) == (theirs, ours),
        Some(Frame::Mini(mini)) => mini.source() == theirs,
        _ => false,
    };
    let expected = format!("the call numbers {theirs} and {ours} in clear");
    want(
        sealed(&dialogue).all(|(heard, ..)| names_the_call(heard)),
        expected,
    )?;
    nothing_strays(&dialogue)
}

fn paddings_differ(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = call(trial)?;
    while sealed(&dialogue).count() < FRAMES {
        dialogue.is_alive("its set-up under the key")?;
    }
    let blocks = sealed(&dialogue).map(|(_, octets, clear)| &octets[clear..clear + BLOCK_LEN]);
    let distinct: BTreeSet<&[u8]> = blocks.collect();
    let count = sealed(&dialogue).count();
    want(
        distinct.len() == count,
        format!("another first block in each of {count} sealed frames"),
    )
}

fn ragged(trial: &Trial<'_>) -> Outcome {
    dropped(trial, "octets that no sealed frame can be", |dialogue| {
        let tears: [fn(&mut Vec<u8>); 3] = [
            |octets| {
                octets.pop();
            },
            |octets| octets.push(0),
            |octets| octets.truncate(FULL_CLEAR + BLOCK_LEN),
        ];
        for tear in tears {
            dialogue.send_torn(bare(IaxCommand::Ping), tear);
        }
    })
}

fn rotated(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = call(trial)?;
    let fresh: [u8; BLOCK_LEN] = random().unwrap_or([0x3c; BLOCK_LEN]);
    let sent = dialogue.say_with(IaxCommand::RtKey, InformationElement::Challenge(&fresh));
    // At once: what is sent next is under it, be it an ACK.
    if let Some(key) = Key::from_octets(&fresh) {
        dialogue.rotate(key);
    }
    dialogue.expect_acknowledged(sent, "RTKEY")?;
    dialogue.is_alive("RTKEY, under the key that it carries")?;
    nothing_strays(&dialogue)
}

fn no_transfer(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = call(trial)?;
    let mut third = trial.dialogue()?;
    third.is_open = false;
    third.answers = false;
    let mut ies = IeBuffer::new();
    let address = ApparentAddress(third.peer.local()?);
    ies.push(InformationElement::ApparentAddr(address))
        .push(InformationElement::CallNo(third.ours.get()))
        .push(InformationElement::TransferId(0x1a2b_3c4d));
    dialogue.say(IaxCommand::TxReq, &ies);
    let refusal = dialogue.find_within(trial.subject.waits.answer, |heard| {
        heard.is(IaxCommand::Unsupport) || heard.is(IaxCommand::TxRej)
    });
    let expected = "nothing to the address that TXREQ announced on an encrypted call";
    third.expect_none(expected, |_| true)?;
    let expected = "UNSUPPORT or TXREJ to TXREQ on an encrypted call";
    want(refusal.is_some(), expected)?;
    dialogue.is_alive("TXREQ")
}

fn no_trunk(trial: &Trial<'_>) -> Outcome {
    let (dialogue, _) = echoing(trial)?;
    let mut trunk = TrunkBuffer::new(false);
    let Some(entry) = TrunkEntry::new(dialogue.ours, None, &SOUND) else {
        return fail("a trunk entry");
    };
    trunk.push(entry);
    dialogue.peer.send(&Frame::Meta(MetaFrame {
        timestamp: Timestamp(1),
        entries: trunk.view(),
    }));
    not_heard(dialogue, "an entry of a trunk frame")
}
