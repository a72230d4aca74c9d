//! RFC 5456 §6.2: a call of somebody who need not log in, from NEW to ANSWER. Its end is in [`ending`](super::ending).

use core::time::Duration;

use iaxproof::wire::{
    AuthMethods, Body, CallNumber, Cause, Control, Format, IaxCommand, IeBuffer, IeCode,
    InformationElement, SeqNo,
};

use crate::conform::check::{Check, Outcome, Stop, fail, must, should, skip, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::Heard;
use crate::conform::trial::{Trial, is_refusal, is_verdict, mask, with_token};

/// How long a frame that nobody acknowledges may take to come again.
const REPEAT_WAIT: Duration = Duration::from_secs(5);

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.2.2-7a",
        "NEW is answered by ACCEPT, REJECT, AUTHREQ or HANGUP, after CALLTOKEN if need be.",
        answered,
    ),
    must(
        "6.2.2-7b",
        "A NEW to an extension that there is not is refused, by REJECT or HANGUP.",
        unknown_is_refused,
    )
    .covers(&["6.2.4-2"]),
    should(
        "8.6.33-1",
        "What refuses an extension that there is not says why: CAUSECODE 3 or 1.",
        unknown_has_a_cause,
    ),
    should(
        "8.6.21-1",
        "What refuses an extension that there is not says why in words: CAUSE.",
        unknown_has_words,
    ),
    must(
        "6.2.3-3a",
        "A call of somebody who may call is accepted by ACCEPT.",
        accepted,
    )
    .covers(&["6.2.2-i3", "4-1"]),
    must(
        "6.2.3-3b",
        "An ACCEPT that is not acknowledged comes again with the R bit and the same OSeqno and time-stamp.",
        accept_comes_again,
    )
    .covers(&["7-1", "8.1.1-i2"])
    .slow(),
    must(
        "6.2.3-3c",
        "An ACCEPT that was acknowledged does not come again.",
        accept_is_over,
    )
    .slow(),
    must(
        "6.2.2-8",
        "After ACCEPT the callee says how the call goes on: PROCEEDING, RINGING, BUSY or ANSWER.",
        goes_on,
    )
    .covers(&["6.3.1-3", "6.2.1-2"]),
    must(
        "6.3.1-1",
        "No CONTROL frame and no media come before ACCEPT.",
        nothing_before_accept,
    ),
    must(
        "X-CALL-1",
        "Whoever sends NEW and then nothing gets neither CONTROL frames nor media.",
        nothing_for_the_silent,
    ),
    must(
        "6.2.3-5",
        "An ACCEPT from the caller changes nothing: it is acknowledged, and the call lives on.",
        accept_is_not_the_callers,
    ),
    must(
        "6.2.6-i1",
        "An AUTHREP that nobody asked for changes nothing: it is acknowledged, and the call lives on.",
        authrep_unasked,
    ),
    must(
        "6.2.7-2",
        "An AUTHREQ from the caller of a call that is up changes nothing.",
        authreq_from_the_caller,
    ),
    should(
        "X-CALL-3",
        "A repeated NEW opens no second call: all that comes is of one dialogue.",
        repeated_new,
    ),
    must(
        "8.6.10-1",
        "A NEW of another version than 2 is refused.",
        other_version,
    ),
    should(
        "6.2.2-4b",
        "A NEW whose VERSION is not the first element is answered.",
        version_last,
    ),
    should(
        "6.2.2-3b",
        "A NEW without VERSION is answered.",
        version_absent,
    ),
    should(
        "8.6.6-1",
        "A NEW without USERNAME is answered.",
        nameless,
    ),
    must(
        "8.1.1-1",
        "Five calls at a time from one address have five call numbers of the callee's, and none is 0 or 1.",
        numbers_differ,
    )
    .covers(&["6.2.2-1", "X-NUM-1"]),
    must(
        "7-2",
        "The callee's first frame has OSeqno 0, ISeqno 1, and our call number as its destination.",
        first_numbers,
    )
    .covers(&["X-SEQ-8"]),
];

fn answered(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.open(IaxCommand::New, &trial.invitation(&trial.subject.extension))?;
    let answer = dialogue.expect("ACCEPT, REJECT, AUTHREQ or HANGUP to NEW", |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    });
    answer.map(|_| ())
}

/// What refuses an extension that there is not.
fn refusal_of_unknown(trial: &Trial<'_>) -> Result<Heard, Stop> {
    let ies = trial.invitation(&trial.subject.unknown);
    let _gate = trial.subject.guest.is_none().then(|| trial.login_gate());
    let mut dialogue = trial.open(IaxCommand::New, &ies)?;
    let expected = "REJECT or HANGUP to a NEW to an extension that there is not";
    let first = dialogue.expect(expected, |heard| {
        is_refusal(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    if first.is(IaxCommand::AuthReq) {
        trial.prove(&mut dialogue, &first, IaxCommand::AuthRep)?;
        let refusal = dialogue.expect(expected, is_refusal)?;
        dialogue.is_open = false;
        return Ok(refusal);
    }
    dialogue.is_open = false;
    Ok(first)
}

fn unknown_is_refused(trial: &Trial<'_>) -> Outcome {
    refusal_of_unknown(trial).map(|_| ())
}

fn unknown_has_a_cause(trial: &Trial<'_>) -> Outcome {
    let cause = refusal_of_unknown(trial)?.ies().cause_code();
    let is_apt = cause == Some(Cause::NO_ROUTE_DESTINATION) || cause == Some(Cause(1));
    want(is_apt, "CAUSECODE 3 (no route) or 1 (unassigned number)")
}

fn unknown_has_words(trial: &Trial<'_>) -> Outcome {
    want(
        refusal_of_unknown(trial)?.ies().cause().is_some(),
        "CAUSE in the refusal",
    )
}

fn accepted(trial: &Trial<'_>) -> Outcome {
    let accepted = trial.accepted(&trial.invitation(&trial.subject.extension));
    accepted.map(|_| ())
}

/// A call of which nothing is acknowledged, and its ACCEPT. Skips where a login comes before.
pub(super) fn unacknowledged(trial: &Trial<'_>) -> Result<(Dialogue, Heard), Stop> {
    if trial.subject.guest.is_none() {
        return skip("no user without a secret is given (--guest)");
    }
    let ies = trial.invitation(&trial.subject.extension);
    let mut dialogue = trial.dialogue()?;
    dialogue.answers = false;
    trial.open_on(&mut dialogue, IaxCommand::New, &ies)?;
    let accept = dialogue.expect_command(IaxCommand::Accept)?;
    Ok((dialogue, accept))
}

/// Whether a frame is the same again.
pub(super) fn is_again(heard: &Heard, first: &Heard) -> bool {
    heard.at > first.at
        && heard.command() == first.command()
        && heard.source() == first.source()
        && heard.oseqno() == first.oseqno()
}

fn accept_comes_again(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, accept) = unacknowledged(trial)?;
    let expected = "ACCEPT again, for it was not acknowledged";
    let again = dialogue.expect_within(REPEAT_WAIT, expected, |heard| is_again(heard, &accept))?;
    want(
        again.is_retransmission(),
        "the R bit in an ACCEPT that comes again",
    )?;
    want(
        again.timestamp() == accept.timestamp(),
        "the same time-stamp in it",
    )
}

fn accept_is_over(trial: &Trial<'_>) -> Outcome {
    let ies = trial.invitation(&trial.subject.extension);
    let (mut dialogue, accept) = trial.accepted(&ies)?;
    let again = dialogue.find_within(Duration::from_millis(2_500), |heard| {
        is_again(heard, &accept)
    });
    want(
        again.is_none(),
        "no further ACCEPT once it was acknowledged",
    )
}

fn goes_on(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, _) = trial.accepted(&trial.invitation(&trial.subject.extension))?;
    let says_how = |heard: &Heard| {
        use Control::{Answer, Busy, Proceeding, Ringing};
        matches!(
            heard.body(),
            Some(Body::Control {
                control: Answer | Busy | Proceeding | Ringing,
                ..
            })
        )
    };
    let heard = dialogue.expect("PROCEEDING, RINGING, BUSY or ANSWER after ACCEPT", says_how);
    heard.map(|_| ())
}

/// CONTROL frames and media.
fn is_content(heard: &Heard) -> bool {
    match heard.body() {
        Some(Body::Iax { .. }) => false,
        Some(_) => true,
        None => heard.frame().is_some(),
    }
}

fn nothing_before_accept(trial: &Trial<'_>) -> Outcome {
    let dialogue = trial.call()?;
    let all = dialogue.all().iter();
    let accept = dialogue
        .all()
        .iter()
        .find(|heard| heard.is(IaxCommand::Accept));
    let Some(accept) = accept else {
        return fail("ACCEPT");
    };
    let mut before = all.take_while(|heard| heard.at < accept.at);
    want(
        !before.any(is_content),
        "no CONTROL frame and no media before ACCEPT",
    )
}

fn nothing_for_the_silent(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, _) = unacknowledged(trial)?;
    dialogue.expect_none("nothing but ACCEPT to who says nothing", is_content)
}

/// Says something out of place in a call that is up: it is acknowledged, and the call lives on.
pub(super) fn changes_nothing(trial: &Trial<'_>, command: IaxCommand, ies: &IeBuffer) -> Outcome {
    let mut dialogue = trial.call()?;
    let sent = dialogue.say(command, ies);
    dialogue.expect_acknowledged(sent, &command.to_string())?;
    dialogue.is_alive(&command.to_string())
}

fn accept_is_not_the_callers(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Format(mask(Format::GSM)));
    changes_nothing(trial, IaxCommand::Accept, &ies)
}

fn authrep_unasked(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Md5Result(
        b"0123456789abcdef0123456789abcdef",
    ));
    changes_nothing(trial, IaxCommand::AuthRep, &ies)
}

fn authreq_from_the_caller(trial: &Trial<'_>) -> Outcome {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::AuthMethods(AuthMethods::MD5))
        .push(InformationElement::Challenge(b"12345"))
        .push(InformationElement::Username(b"nobody"));
    let mut dialogue = trial.call()?;
    let sent = dialogue.say(IaxCommand::AuthReq, &ies);
    dialogue.expect_acknowledged(sent, "AUTHREQ")?;
    dialogue.expect_none("no AUTHREP from the callee", |heard| {
        heard.is(IaxCommand::AuthRep)
    })?;
    dialogue.is_alive("AUTHREQ")
}

fn repeated_new(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.dialogue()?;
    let ies = trial.invitation(&trial.subject.extension);
    let token = trial.token(&dialogue.peer)?;
    let ies = with_token(&ies, &token);
    let body = || Body::Iax {
        command: IaxCommand::New,
        ies: ies.view(),
    };
    let mut frame = dialogue.frame(body());
    dialogue.send_as_is(&frame);
    frame.retransmission = true;
    dialogue.oseqno = SeqNo(1);
    dialogue.send_as_is(&frame);
    dialogue.listen(trial.subject.waits.quiet);
    let ours = dialogue.ours;
    let came = dialogue
        .all()
        .iter()
        .filter(|heard| heard.destination() == ours);
    let sources: std::collections::BTreeSet<CallNumber> = came
        .map(Heard::source)
        .filter(|source| *source > CallNumber::STATELESS)
        .collect();
    want(
        sources.len() == 1,
        "one source call number in all that answers two NEWs",
    )
}

/// What a NEW with these elements is answered.
fn answer_to(trial: &Trial<'_>, ies: &IeBuffer) -> Result<Heard, Stop> {
    let mut dialogue = trial.open(IaxCommand::New, ies)?;
    let answer = dialogue.expect("ACCEPT, REJECT, AUTHREQ or HANGUP to NEW", |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    dialogue.is_open = !is_refusal(&answer);
    Ok(answer)
}

/// The elements of the usual NEW without those of this code.
pub(super) fn without(ies: &IeBuffer, code: u8) -> IeBuffer {
    let mut out = IeBuffer::new();
    for ie in ies.view().iter().filter(|ie| ie.code() != code) {
        out.push(ie);
    }
    out
}

const VERSION: u8 = IeCode::Version.number();
const USERNAME: u8 = IeCode::Username.number();

fn other_version(trial: &Trial<'_>) -> Outcome {
    let usual = without(&trial.invitation(&trial.subject.extension), VERSION);
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Version(3));
    usual.view().iter().for_each(|ie| {
        ies.push(ie);
    });
    let answer = answer_to(trial, &ies)?;
    want(is_refusal(&answer), "REJECT to a NEW of version 3")
}

fn version_last(trial: &Trial<'_>) -> Outcome {
    let mut ies = without(&trial.invitation(&trial.subject.extension), VERSION);
    ies.push(InformationElement::Version(2));
    answer_to(trial, &ies).map(|_| ())
}

fn version_absent(trial: &Trial<'_>) -> Outcome {
    let ies = without(&trial.invitation(&trial.subject.extension), VERSION);
    answer_to(trial, &ies).map(|_| ())
}

fn nameless(trial: &Trial<'_>) -> Outcome {
    let ies = without(&trial.invitation(&trial.subject.extension), USERNAME);
    answer_to(trial, &ies).map(|_| ())
}

fn numbers_differ(trial: &Trial<'_>) -> Outcome {
    let peer = trial.peer()?;
    let ies = trial.invitation(&trial.subject.extension);
    let mut calls = Vec::new();
    for nth in 0..5 {
        let mut dialogue = trial.dialogue_on(&peer);
        dialogue.ours = CallNumber::from_word(100 + nth);
        trial.open_on(&mut dialogue, IaxCommand::New, &ies)?;
        let ours = dialogue.ours;
        let first = dialogue.expect("an answer to NEW", |heard| {
            heard.destination() == ours && super::setup_answer(heard)
        })?;
        calls.push((dialogue, first));
    }
    let numbers: std::collections::BTreeSet<CallNumber> =
        calls.iter().map(|(_, first)| first.source()).collect();
    want(
        numbers.len() == calls.len(),
        "another source call number for each call",
    )?;
    let is_legal = |number: &CallNumber| *number > CallNumber::STATELESS;
    want(numbers.iter().all(is_legal), "call numbers above 1")
}

fn first_numbers(trial: &Trial<'_>) -> Outcome {
    let (dialogue, _) = trial.accepted(&trial.invitation(&trial.subject.extension))?;
    let first = dialogue.all().iter().find(|heard| heard.is_reliable());
    let is_first = first.is_some_and(|first| {
        first.oseqno() == SeqNo(0)
            && first.iseqno() == SeqNo(1)
            && first.destination() == dialogue.ours
    });
    want(
        is_first,
        "OSeqno 0, ISeqno 1 and our call number in the first frame of the dialogue",
    )
}
