//! RFC 5456 §6.10, §8.1.2, §8.1.3: audio by mini frames and trunks. What was understood shows at an extension that sends back
//! what it hears (`--echo`), and what is sent at one that plays (`--music`).

use core::time::Duration;

use iaxproof::wire::{
    Body, CallNumber, Format, Frame, FullFrame, IaxCommand, MetaFrame, MiniFrame, MiniVideoFrame,
    Timestamp, TrunkBuffer, TrunkEntry,
};

use super::frames::SILENCE;
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, skip, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::Heard;
use crate::conform::trial::{Trial, mask};

/// How long we listen to audio.
const LISTEN: Duration = Duration::from_millis(500);
/// Audio that is no silence and looks like information elements: CALLED NUMBER, and a HANGUP's CAUSECODE.
const ODD: [u8; 160] = {
    let mut octets = [0x55; 160];
    [octets[0], octets[1], octets[2], octets[3]] = [0x01, 0x02, 0x2a, 0x01];
    octets
};

pub(super) const CHECKS: &[Check] = &[
    must(
        "8.1.2-i1a",
        "After a full VOICE frame a mini frame is audio of the same call: it comes back from --echo as it was.",
        |trial| echoed(trial, &SILENCE, 20),
    )
    .covers(&["6.10-3"]),
    must(
        "6-1",
        "A mini frame whose audio looks like elements is audio: it comes back from --echo as it was.",
        |trial| echoed(trial, &ODD, 20),
    ),
    must(
        "8.1.2-4",
        "Mini frames go on after their 16 bits of time wrap: one of time 10 after 65,500 comes back from --echo.",
        |trial| {
            let (mut dialogue, _) = echoing(trial, 65_500)?;
            send_mini(&mut dialogue, 10, &ODD);
            comes_back(&mut dialogue, &ODD)
        },
    )
    .covers(&["X-FRM-4"]),
    must(
        "8.1.2-i1b",
        "An empty mini frame does no harm: the call lives on.",
        empty_mini,
    ),
    must(
        "6.9.3-i1",
        "A mini frame before the first full VOICE frame brings VNAK.",
        mini_too_early,
    ),
    must(
        "8.1.3.1-i1",
        "A mini video frame before the first full VIDEO frame brings VNAK.",
        mini_video_too_early,
    ),
    must(
        "9.6-i1",
        "The callee's audio begins with a full VOICE frame.",
        begins_with_a_full_frame,
    ),
    should(
        "8.1.2-5",
        "The callee's first full VOICE frame has the codec of ACCEPT.",
        begins_with_the_codec,
    ),
    must(
        "8.1.2-1",
        "The callee's mini frames come from its call number, and their time goes on.",
        minis_are_in_order,
    )
    .covers(&["8.1.2-2"]),
    must(
        "8.1.2-i2",
        "A full VOICE frame of another codec than ACCEPT's does no harm: the call lives on.",
        other_codec,
    ),
    must(
        "8.1.3.2-i2a",
        "An entry of a trunk frame without time-stamps is audio of its call: it comes back from --echo.",
        |trial| trunked(trial, false, false),
    )
    .covers(&["7.1-1"]),
    must(
        "8.1.3.2-i2b",
        "An entry of a trunk frame with time-stamps is audio of its call: it comes back from --echo.",
        |trial| trunked(trial, true, false),
    ),
    must(
        "X-FRM-9",
        "An entry of a call that is not there is passed over: the one behind it comes back from --echo.",
        |trial| trunked(trial, true, true),
    )
    .fails_asterisk("all entries behind one of an unknown call are lost"),
    must(
        "8.1.3.2-i1",
        "Meta frames of other commands than 1 are dropped without an answer.",
        other_meta_commands,
    ),
    must(
        "X-INV-2c",
        "A mini frame and a trunk frame of calls that are not there get no answer.",
        media_of_nobody,
    ),
];

pub(super) fn voice<'a>(data: &'a [u8]) -> Body<'a> {
    Body::Voice {
        format: Format::ULAW,
        data,
    }
}

pub(super) fn send_mini(dialogue: &mut Dialogue, time: u16, data: &[u8]) {
    if let Some(mini) = MiniFrame::new(dialogue.ours, time, data) {
        dialogue.transmit(&Frame::Mini(mini));
    }
}

/// A call to --echo that has heard a full VOICE frame of this time, and what came back of it.
fn echoing(trial: &Trial<'_>, time: u32) -> Result<(Dialogue, Heard), Stop> {
    let mut dialogue = trial.call_to_echo()?;
    let frame = FullFrame {
        timestamp: Timestamp(time),
        ..dialogue.frame(voice(&SILENCE))
    };
    dialogue.send_as_is(&frame);
    dialogue.oseqno = frame.oseqno.next();
    let back = dialogue.expect("audio back from --echo", |heard| audio(heard).is_some())?;
    Ok((dialogue, back))
}

/// The audio of a frame.
pub(super) fn audio(heard: &Heard) -> Option<Vec<u8>> {
    match heard.frame()? {
        Frame::Full(FullFrame {
            body: Body::Voice { data, .. },
            ..
        }) => Some(data.to_vec()),
        Frame::Mini(mini) => Some(mini.data().to_vec()),
        Frame::Meta(meta) => meta
            .entries
            .iter()
            .next()
            .map(|entry| entry.data().to_vec()),
        _ => None,
    }
}

fn comes_back(dialogue: &mut Dialogue, data: &[u8]) -> Outcome {
    let heard = dialogue.expect("the same audio back from --echo", |heard| {
        audio(heard).as_deref() == Some(data)
    });
    heard.map(|_| ())
}

fn echoed(trial: &Trial<'_>, data: &[u8], later: u16) -> Outcome {
    let (mut dialogue, first) = echoing(trial, 1_000)?;
    // The frame that came back is not to be taken for this one.
    let at = first.at;
    send_mini(&mut dialogue, 1_000 + later, data);
    dialogue.expect("the audio of a mini frame back from --echo", |heard| {
        heard.at > at && audio(heard).as_deref() == Some(data)
    })?;
    Ok(())
}

fn empty_mini(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, _) = echoing(trial, 1_000)?;
    send_mini(&mut dialogue, 1_020, b"");
    dialogue.is_alive("an empty mini frame")
}

fn mini_too_early(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    send_mini(&mut dialogue, 20, &SILENCE);
    let vnak = dialogue.expect(
        "VNAK to a mini frame before any full VOICE frame",
        |heard| heard.is(IaxCommand::Vnak),
    )?;
    want(
        vnak.iseqno() == dialogue.oseqno,
        "VNAK with the ISeqno of our next frame",
    )
}

fn mini_video_too_early(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let mini = MiniVideoFrame::new(dialogue.ours, false, 20, b"no video");
    dialogue.peer.send(&Frame::MiniVideo(mini));
    let vnak = dialogue.expect(
        "VNAK to a mini video frame before any full VIDEO frame",
        |heard| heard.is(IaxCommand::Vnak),
    );
    vnak.map(|_| ())
}

/// A call to --music, after some audio, and its ACCEPT.
fn music(trial: &Trial<'_>) -> Result<(Dialogue, Heard), Stop> {
    let Some(music) = &trial.subject.music else {
        return skip("no extension is given that plays (--music)");
    };
    let (mut dialogue, accept) = trial.accepted(&trial.invitation(music))?;
    dialogue.expect("audio from --music", |heard| audio(heard).is_some())?;
    dialogue.listen(LISTEN);
    Ok((dialogue, accept))
}

/// The first audio, which is to be a full VOICE frame.
fn first_voice(dialogue: &Dialogue) -> Result<Format, Stop> {
    let first = dialogue.all().iter().find(|heard| audio(heard).is_some());
    match first.and_then(Heard::body) {
        Some(Body::Voice { format, .. }) => Ok(format),
        _ => fail("a full VOICE frame as the first audio"),
    }
}

fn begins_with_a_full_frame(trial: &Trial<'_>) -> Outcome {
    let (dialogue, _) = music(trial)?;
    first_voice(&dialogue).map(|_| ())
}

fn begins_with_the_codec(trial: &Trial<'_>) -> Outcome {
    let (dialogue, accept) = music(trial)?;
    let agreed = accept.ies().format_mask().unwrap_or_default().0 as u32;
    let format = first_voice(&dialogue)?;
    want(
        mask(format) == agreed,
        format!("VOICE of format {agreed:#x}, as in ACCEPT"),
    )
}

fn minis_are_in_order(trial: &Trial<'_>) -> Outcome {
    let (dialogue, _) = music(trial)?;
    let mut last: Option<u16> = None;
    let mut count = 0;
    for heard in dialogue.all() {
        let Some(Frame::Mini(mini)) = heard.frame() else {
            continue;
        };
        count += 1;
        let expected = format!("mini frames from call {}", dialogue.theirs);
        want(mini.source() == dialogue.theirs, expected)?;
        let goes_on = last.is_none_or(|last| mini.timestamp().wrapping_sub(last) < 0x8000);
        want(goes_on, "time that goes on in mini frames")?;
        last = Some(mini.timestamp());
    }
    match count {
        0 => skip("the target sends no mini frames"),
        _ => Ok(()),
    }
}

fn other_codec(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let other = Body::Voice {
        format: Format::GSM,
        data: &[0xd0; 33],
    };
    let sent = dialogue.send(other);
    dialogue.expect_acknowledged(sent, "VOICE of another codec")?;
    dialogue.is_alive("VOICE of another codec")
}

/// A trunk frame with an entry of this call, and one of a call that is not there before it.
fn trunked(trial: &Trial<'_>, with_timestamps: bool, with_a_stranger: bool) -> Outcome {
    let (mut dialogue, _) = echoing(trial, 1_000)?;
    let time = with_timestamps.then_some(1_020);
    let mut trunk = TrunkBuffer::new(with_timestamps);
    let stranger = CallNumber::from_word(dialogue.ours.get() ^ 0x0a5a);
    if let (true, Some(entry)) = (with_a_stranger, TrunkEntry::new(stranger, time, &SILENCE)) {
        trunk.push(entry);
    }
    let Some(entry) = TrunkEntry::new(dialogue.ours, time, &ODD) else {
        return fail("a trunk entry");
    };
    trunk.push(entry);
    let frame = MetaFrame {
        timestamp: Timestamp(1),
        entries: trunk.view(),
    };
    dialogue.peer.send(&Frame::Meta(frame));
    comes_back(&mut dialogue, &ODD)
}

fn other_meta_commands(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.dialogue()?;
    dialogue.is_open = false;
    for command in [0, 2, 3, 7, 0x7f] {
        dialogue.peer.send_octets(&[0, 0, command, 0, 0, 0, 0, 1]);
    }
    dialogue.expect_none("no answer to a meta frame of another command", |_| true)
}

fn media_of_nobody(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.dialogue()?;
    dialogue.is_open = false;
    send_mini(&mut dialogue, 20, &SILENCE);
    let mut trunk = TrunkBuffer::new(false);
    if let Some(entry) = TrunkEntry::new(dialogue.ours, None, &SILENCE) {
        trunk.push(entry);
    }
    let frame = MetaFrame {
        timestamp: Timestamp(1),
        entries: trunk.view(),
    };
    dialogue.peer.send(&Frame::Meta(frame));
    dialogue.expect_none("no answer to media of calls that are not there", |_| true)
}
