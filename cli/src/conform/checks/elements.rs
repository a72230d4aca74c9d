//! RFC 5456 §8.6: information elements: unknown, repeated, malformed, and the optional ones of NEW.

use iaxproof::wire::ie::OspBlock;
use iaxproof::wire::{Body, DateTime, IaxCommand, IeBuffer, IeCode, InformationElement};

use super::setup::without;
use crate::conform::check::{Check, Outcome, must, should, want};
use crate::conform::dialogue::bare;
use crate::conform::trial::{NOBODY, Trial};

pub(super) const CHECKS: &[Check] = &[
    must(
        "X-IE-1",
        "A NEW with an element of an unknown code is accepted as one without.",
        |trial| accepted_with(trial, &[InformationElement::Unknown { code: 0xee, data: b"new" }]),
    ),
    must(
        "X-IE-2a",
        "A frame with an element that runs past its end is dropped: it gets no answer, and its number is still free.",
        |trial| malformed(trial, &[IeCode::CalledNumber.number(), 9, b'1']),
    )
    .covers(&["8.6-i1"]),
    must(
        "X-IE-2b",
        "A frame with one stray octet behind its elements is dropped: it gets no answer, and its number is still free.",
        |trial| malformed(trial, &[IeCode::CalledNumber.number()]),
    ),
    must(
        "X-IE-2c",
        "An opener with an element that runs past its end gets no answer.",
        malformed_opener,
    ),
    must(
        "X-IE-3",
        "An element of a fixed size that has another one is ignored: a NEW whose REFRESH has three octets is accepted.",
        wrong_size,
    ),
    should(
        "X-IE-8",
        "Of an element that comes twice the last counts: USERNAME of nobody, then that of a user.",
        last_counts,
    ),
    must(
        "6.2.2-6",
        "A NEW may tell who calls: CALLING NUMBER, CALLING NAME, CALLING ANI, RDNIS and DNID do no harm.",
        |trial| accepted_with(trial, &[
            InformationElement::CallingNumber(b"100"),
            InformationElement::CallingName(b"conform"),
            InformationElement::CallingAni(b"100"),
            InformationElement::Rdnis(b"101"),
            InformationElement::Dnid(b"102"),
        ]),
    )
    .covers(&["8.6.3-1", "8.6.12-1"]),
    must(
        "8.6.9-1",
        "A NEW with LANGUAGE, ADSICPE, DATETIME, AUTOANSWER and SAMPLINGRATE is accepted.",
        |trial| accepted_with(trial, &[
            InformationElement::Language(b"de"),
            InformationElement::AdsiCpe(2),
            InformationElement::DateTime(DateTime(0)),
            InformationElement::AutoAnswer,
            InformationElement::SamplingRate(8_000),
        ]),
    )
    .covers(&["8.6.11-1", "8.6.24-1", "8.6.32-i1"]),
    must(
        "8.6.42-i1",
        "A NEW with blocks of an OSP token, one of them of a high number, is accepted.",
        |trial| accepted_with(trial, &[
            InformationElement::OspToken(OspBlock { index: 0, data: b"block" }),
            InformationElement::OspToken(OspBlock { index: 9, data: b"block" }),
        ]),
    )
    .covers(&["8.6.42-1"]),
    must(
        "X-IE-5",
        "A NEW with VARIABLE is accepted.",
        |trial| accepted_with(trial, &[InformationElement::Variable(b"colour=blue")]),
    ),
    must(
        "X-IE-10",
        "A NEW with CALLINGANI2 is accepted.",
        |trial| accepted_with(trial, &[InformationElement::CallingAni2(7)]),
    ),
    must(
        "X-IE-8b",
        "A NEW with 200 elements that nobody asked for is answered.",
        many,
    ),
];

/// A NEW that has these as well is accepted.
fn accepted_with(trial: &Trial<'_>, more: &[InformationElement<'_>]) -> Outcome {
    let mut ies = trial.invitation(&trial.subject.extension);
    for ie in more {
        ies.push(*ie);
    }
    trial.accepted(&ies).map(|_| ())
}

/// A PING with such elements is dropped; the next frame has its number.
fn malformed(trial: &Trial<'_>, tail: &[u8]) -> Outcome {
    let mut dialogue = trial.call()?;
    let sent = dialogue.send_bent(bare(IaxCommand::Ping), |octets| octets.extend(tail));
    dialogue.oseqno = sent.oseqno;
    let ours = dialogue.ours;
    dialogue.expect_none("no answer to a frame whose elements do not fit", |heard| {
        heard.destination() == ours && heard.timestamp() == sent.timestamp
    })?;
    dialogue.is_alive("a frame whose elements do not fit")
}

fn malformed_opener(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.dialogue()?;
    dialogue.is_open = false;
    let ies = trial.invitation(&trial.subject.extension);
    let new = Body::Iax {
        command: IaxCommand::New,
        ies: ies.view(),
    };
    dialogue.send_bent(new, |octets| octets.extend([IeCode::CallToken.number(), 5]));
    dialogue.expect_none("no answer to a NEW whose elements do not fit", |_| true)
}

fn wrong_size(trial: &Trial<'_>) -> Outcome {
    let mut ies = trial.invitation(&trial.subject.extension);
    ies.push(InformationElement::Malformed {
        code: IeCode::Refresh,
        data: b"abc",
    });
    trial.accepted(&ies).map(|_| ())
}

fn last_counts(trial: &Trial<'_>) -> Outcome {
    let usual = trial.invitation(&trial.subject.extension);
    let user = usual.view().username().unwrap_or_default().to_vec();
    let mut ies = without(&usual, IeCode::Username.number());
    ies.push(InformationElement::Username(NOBODY))
        .push(InformationElement::Username(&user));
    trial.accepted(&ies).map(|_| ())
}

fn many(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    for ie in trial.invitation(&trial.subject.extension).view().iter() {
        ies.push(ie);
    }
    for _ in 0..200 {
        ies.push(InformationElement::Variable(b"a=b"));
    }
    let mut dialogue = trial.open(IaxCommand::New, &ies)?;
    let answer = dialogue.expect("an answer to a NEW with 200 elements", |heard| {
        super::setup_answer(heard)
    })?;
    want(answer.full().is_some(), "a full frame")
}
