//! RFC 5456 §8.1.1, §8.2: every kind of full frame in a call: taken, acknowledged, and no harm done.

use iaxproof::wire::{Body, Digit, Format, Html, IaxCommand, NoiseLevel};

use crate::conform::check::{Check, Outcome, Stop, fail, must, should, want};
use crate::conform::dialogue::bare;
use crate::conform::trial::Trial;

/// Where the subclass stands in a full frame.
const SUBCLASS: usize = 11;
/// Where its frame type stands.
const FRAME_TYPE: usize = 10;
/// A bit of the mask that no codec has.
const UNHEARD_OF: u8 = 0x80 | 31;
/// Types that no source assigns, and that of NULL.
const UNASSIGNED: [u8; 4] = [0x00, 0x0d, 0x11, 0x40];
/// 20 ms of silence.
pub(super) const SILENCE: [u8; 160] = [0xff; 160];

pub(super) const CHECKS: &[Check] = &[
    must("6.10-2a", "A full VOICE frame is acknowledged.", |trial| {
        taken(
            trial,
            Body::Voice {
                format: Format::ULAW,
                data: &SILENCE,
            },
            "VOICE",
        )
    }),
    must(
        "6.10-2b",
        "A full VIDEO frame is acknowledged, with and without the marker.",
        video,
    )
    .covers(&["X-FRM-2"]),
    must("6.10-2c", "An IMAGE frame is acknowledged.", |trial| {
        taken(
            trial,
            Body::Image {
                format: Format::JPEG,
                data: b"no image",
            },
            "IMAGE",
        )
    }),
    must("6.10-2d", "A TEXT frame is acknowledged.", |trial| {
        taken(trial, Body::Text(b"conform\0"), "TEXT")
    }),
    must(
        "6.10-2e",
        "A DTMF frame is acknowledged.",
        |trial| match Digit::new(b'5') {
            Some(digit) => taken(trial, Body::DtmfEnd(digit), "DTMF"),
            None => fail("a digit"),
        },
    )
    .covers(&["8.2.1-i1"]),
    must("6.10-2f", "An HTML frame is acknowledged.", |trial| {
        taken(
            trial,
            Body::Html {
                html: Html::from_octet(1),
                data: b"http://h/",
            },
            "HTML",
        )
    }),
    should(
        "6.10.7-1",
        "A comfort noise frame is acknowledged.",
        comfort_noise,
    ),
    must(
        "6.10.6-3",
        "HTML for who has no use for it is answered by HTML of subclass 0x11.",
        html_is_refused,
    ),
    should(
        "X-FRM-7",
        "The beginning of a digit (frame type 0x0c) is acknowledged.",
        |trial| match Digit::new(b'7') {
            Some(digit) => taken(trial, Body::DtmfBegin(digit), "DTMF begin"),
            None => fail("a digit"),
        },
    ),
    must(
        "8.2.1-i1b",
        "A DTMF frame whose subclass is no digit does no harm: the call lives on.",
        |trial| bent(trial, 0x01, 0x01, "DTMF 0x01"),
    ),
    must(
        "8.2.5-1",
        "A NULL frame does no harm: the call lives on.",
        |trial| bent(trial, 0x05, 0x00, "NULL"),
    ),
    must(
        "8.2.7-i1",
        "A TEXT frame that is no UTF-8 does no harm: it is acknowledged, and the call lives on.",
        |trial| taken(trial, Body::Text(b"\xff\xfe\xc0"), "TEXT"),
    ),
    must(
        "X-FRM-6b",
        "Frames of types that nobody knows are acknowledged, and the call lives on.",
        unknown_types,
    ),
    should(
        "X-FRM-5",
        "A VOICE frame of a format that nobody knows is acknowledged, and the call lives on.",
        |trial| bent(trial, 0x02, UNHEARD_OF, "VOICE of bit 31"),
    )
    .covers(&["1.2-i1"]),
    must(
        "8.1.1-i4a",
        "A subclass may be written as a power of two: LAGRQ as 0x0b and PING as 0x81 are understood.",
        power_of_two,
    ),
    must(
        "8.1.1-i4b",
        "An IAX subclass of 0x9f, a power of two beyond all, is answered by UNSUPPORT, and the call lives on.",
        power_beyond,
    ),
];

fn taken(trial: &Trial<'_>, body: Body<'_>, what: &str) -> Outcome {
    let mut dialogue = trial.call()?;
    let sent = dialogue.send(body);
    dialogue.expect_acknowledged(sent, what)?;
    dialogue.is_alive(what)
}

/// A frame of this type and subclass.
fn bent(trial: &Trial<'_>, frame_type: u8, subclass: u8, what: &str) -> Outcome {
    let mut dialogue = trial.call()?;
    let sent = dialogue.send_bent(Body::Text(b""), |octets| {
        octets[FRAME_TYPE] = frame_type;
        octets[SUBCLASS] = subclass;
    });
    dialogue.expect_acknowledged(sent, what)?;
    dialogue.is_alive(what)
}

fn video(trial: &Trial<'_>) -> Outcome {
    for marker in [false, true] {
        let body = Body::Video {
            format: Format::H263,
            marker,
            data: b"no video",
        };
        taken(trial, body, "VIDEO")?;
    }
    Ok(())
}

fn comfort_noise(trial: &Trial<'_>) -> Outcome {
    match NoiseLevel::new(40) {
        Some(level) => taken(trial, Body::ComfortNoise(level), "comfort noise"),
        None => fail("a level of noise"),
    }
}

fn html_is_refused(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    let url = Body::Html {
        html: Html::from_octet(1),
        data: b"http://h/",
    };
    let sent = dialogue.send(url);
    dialogue.expect_acknowledged(sent, "HTML")?;
    let refusal = dialogue.find_within(
        trial.subject.waits.quiet,
        |heard| matches!(heard.body(), Some(Body::Html { html, .. }) if html.octet() == 0x11),
    );
    match refusal {
        Some(_) => Ok(()),
        None => Err(Stop::Deployed(
            "HTML is acknowledged and dropped".to_owned(),
        )),
    }
}

fn unknown_types(trial: &Trial<'_>) -> Outcome {
    for frame_type in UNASSIGNED {
        bent(
            trial,
            frame_type,
            0x01,
            &format!("a frame of type {frame_type:#04x}"),
        )?;
    }
    Ok(())
}

fn power_of_two(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    // 2 to the first is 2, which is PING.
    let sent = dialogue.send_bent(bare(IaxCommand::Ping), |octets| {
        octets[SUBCLASS] = 0x81;
    });
    dialogue.expect(
        "PONG to a PING whose subclass is written as 2 to the first",
        |heard| heard.is(IaxCommand::Pong) && heard.timestamp() == sent.timestamp,
    )?;
    dialogue.say_bare(IaxCommand::LagRq);
    dialogue.expect_command(IaxCommand::LagRp).map(|_| ())
}

fn power_beyond(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.call()?;
    dialogue.say_bare(IaxCommand::from_octet(0x9f));
    let unsupport = dialogue.expect_command(IaxCommand::Unsupport)?;
    want(
        unsupport.ies().iax_unknown().is_some(),
        "IAX UNKNOWN in UNSUPPORT",
    )?;
    dialogue.is_alive("an IAX subclass of 0x9f")
}
