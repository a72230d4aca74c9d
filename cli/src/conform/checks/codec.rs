//! RFC 5456 §6.2.3, §8.6.7, §8.6.8: which codec a call gets.

use iaxproof::wire::{
    Cause, CodecPrefs, Format, FormatSet, IaxCommand, IeBuffer, IeCode, InformationElement,
};

use super::setup::without;
use crate::conform::check::{Check, Outcome, Stop, must, should, want};
use crate::conform::peer::Heard;
use crate::conform::trial::{Trial, is_refusal, is_verdict, mask};

/// A format that nobody has: bit 31 of the mask.
const UNHEARD_OF: u32 = 1 << 31;
const ULAW: u32 = mask(Format::ULAW);
const ALAW: u32 = mask(Format::ALAW);

pub(super) const CHECKS: &[Check] = &[
    must("6.2.3-1", "ACCEPT carries FORMAT.", says_format),
    must("8.6.8-1", "FORMAT of ACCEPT names exactly one codec.", one_format),
    must(
        "6.2.3-2a",
        "The codec of ACCEPT is one of those that were offered: u-law or A-law, each offered alone.",
        within_the_offer,
    )
    .covers(&["8.6.35-i1", "8.6.7-1"]),
    must(
        "6.2.3-2b",
        "A NEW that offers no codec which the callee has is refused.",
        no_common_codec,
    ),
    should(
        "6.2.4-2",
        "What refuses a call for its codecs has CAUSECODE 58 or 65.",
        no_common_codec_has_a_cause,
    ),
    should(
        "X-IE-4",
        "CAPABILITY2 and FORMAT2 take the place of CAPABILITY and FORMAT.",
        second_form_wins,
    ),
    must(
        "8.6.35-1",
        "A NEW with CODEC PREFS is answered as one without.",
        with_preferences,
    ),
];

/// The elements of a NEW that offers these.
fn offering(trial: &Trial<'_>, format: u32, capability: u32) -> IeBuffer {
    let usual = trial.invitation(&trial.subject.extension);
    let usual = without(&usual, IeCode::Format.number());
    let mut ies = without(&usual, IeCode::Capability.number());
    ies.push(InformationElement::Format(format))
        .push(InformationElement::Capability(capability));
    ies
}

/// The codecs of the ACCEPT that such a NEW gets.
fn chosen(trial: &Trial<'_>, ies: &IeBuffer) -> Result<u32, Stop> {
    let (_dialogue, accept) = trial.accepted(ies)?;
    Ok(accept.ies().format_mask().unwrap_or_default().0 as u32)
}

fn says_format(trial: &Trial<'_>) -> Outcome {
    let (_dialogue, accept) = trial.accepted(&trial.invitation(&trial.subject.extension))?;
    want(
        accept.ies().find(IeCode::Format).is_some(),
        "FORMAT in ACCEPT",
    )
}

fn one_format(trial: &Trial<'_>) -> Outcome {
    let chosen = chosen(trial, &offering(trial, ULAW, ULAW | ALAW))?;
    want(chosen.count_ones() == 1, "FORMAT of one bit in ACCEPT")
}

fn within_the_offer(trial: &Trial<'_>) -> Outcome {
    for format in [ULAW, ALAW] {
        let chosen = chosen(trial, &offering(trial, format, format))?;
        want(
            chosen == format,
            format!("FORMAT {format:#x}, the one that was offered"),
        )?;
    }
    Ok(())
}

/// What refuses a NEW without a codec that anybody has.
fn refusal(trial: &Trial<'_>) -> Result<Heard, Stop> {
    let ies = offering(trial, UNHEARD_OF, UNHEARD_OF);
    let _gate = trial.subject.guest.is_none().then(|| trial.login_gate());
    let mut dialogue = trial.open(IaxCommand::New, &ies)?;
    let expected = "REJECT or HANGUP to a NEW that offers no common codec";
    let mut answer = dialogue.expect(expected, |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    if answer.is(IaxCommand::AuthReq) {
        trial.prove(&mut dialogue, &answer, IaxCommand::AuthRep)?;
        answer = dialogue.expect(expected, is_verdict)?;
    }
    want(is_refusal(&answer), expected)?;
    dialogue.is_open = false;
    Ok(answer)
}

fn no_common_codec(trial: &Trial<'_>) -> Outcome {
    refusal(trial).map(|_| ())
}

fn no_common_codec_has_a_cause(trial: &Trial<'_>) -> Outcome {
    let cause = refusal(trial)?.ies().cause_code();
    let is_apt = cause == Some(Cause::BEARER_UNAVAILABLE) || cause == Some(Cause(65));
    want(
        is_apt,
        "CAUSECODE 58 (bearer capability not available) or 65 (not implemented)",
    )
}

fn second_form_wins(trial: &Trial<'_>) -> Outcome {
    let mut ies = offering(trial, ULAW, ULAW);
    ies.push(InformationElement::Capability2(FormatSet(ALAW.into())))
        .push(InformationElement::Format2(FormatSet(ALAW.into())));
    let chosen = chosen(trial, &ies)?;
    want(
        chosen == ALAW,
        "A-law in ACCEPT, for CAPABILITY2 and FORMAT2 said so",
    )
}

fn with_preferences(trial: &Trial<'_>) -> Outcome {
    let mut ies = offering(trial, ULAW, ULAW | ALAW);
    // Letters of u-law and A-law, as deployed peers write them.
    let letters = [Format::ULAW, Format::ALAW].map(CodecPrefs::letter);
    let letters: Vec<u8> = letters.into_iter().flatten().collect();
    ies.push(InformationElement::CodecPrefs(CodecPrefs(&letters)));
    let chosen = chosen(trial, &ies)?;
    want(chosen == ULAW || chosen == ALAW, "u-law or A-law in ACCEPT")
}
