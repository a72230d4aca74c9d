//! RFC 5456 §6.2, the caller's side: we register, have ourselves called, and judge the NEW that comes. `--reach` names the
//! extension that calls us. What becomes of the call is in [`reached`](super::reached).

use std::rc::Rc;

use iaxproof::wire::{
    AuthMethods, Body, CallNumber, Control, Format, Frame, FullFrame, IaxCommand, IeBuffer, IeCode,
    InformationElement, InformationElements, SeqNo,
};

use crate::conform::check::{Check, Outcome, Stop, must, should, skip, want};
use crate::conform::dialogue::{Dialogue, Sent};
use crate::conform::peer::{Heard, Peer};
use crate::conform::trial::{Trial, is_refusal, mask};

/// A token that the target must give back as it is: every octet but NUL, as far as an element has room.
const TOKEN_LEN: u8 = 200;

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.2.2-i1",
        "NEW has the destination 0 and both sequence numbers 0.",
        |trial| of_new(trial, "destination 0, OSeqno 0 and ISeqno 0 in NEW", |new| {
            (new.destination(), new.oseqno(), new.iseqno())
                == (CallNumber::ZERO, SeqNo(0), SeqNo(0))
        }),
    )
    .covers(&["7-2"]),
    must(
        "6.2.2-3",
        "NEW carries VERSION 2.",
        |trial| of_new(trial, "VERSION 2 in NEW", |new| new.ies().version() == Some(2)),
    )
    .covers(&["8.6.10-2"]),
    must(
        "6.2.2-4",
        "VERSION is the first element of NEW.",
        |trial| of_new(trial, "VERSION as the first element of NEW", |new| {
            let first = new.ies().iter().next();
            first.is_some_and(|ie| ie.code() == IeCode::Version.number())
        }),
    )
    .covers(&["8.6.10-3"]),
    should(
        "6.2.2-5",
        "NEW says where to: CALLED NUMBER or CALLED CONTEXT.",
        |trial| of_new(trial, "CALLED NUMBER or CALLED CONTEXT in NEW", |new| {
            new.ies().called_number().or(new.ies().called_context()).is_some()
        }),
    ),
    must(
        "6.2.2-i2",
        "NEW carries FORMAT, with at least one codec.",
        |trial| of_new(trial, "FORMAT in NEW", |new| {
            new.ies().format_mask().is_some_and(|mask| !mask.is_empty())
        }),
    ),
    must(
        "8.6.29-1",
        "NEW carries CALLINGPRES.",
        |trial| of_new(trial, "CALLINGPRES in NEW", |new| {
            new.ies().calling_presentation().is_some()
        }),
    ),
    must(
        "8.6.30-1",
        "NEW carries CALLINGTON.",
        |trial| of_new(trial, "CALLINGTON in NEW", |new| {
            new.ies().calling_type_of_number().is_some()
        }),
    ),
    must(
        "8.6.31-1",
        "NEW carries CALLINGTNS.",
        |trial| of_new(trial, "CALLINGTNS in NEW", |new| {
            new.ies().calling_transit_network().is_some()
        }),
    ),
    should(
        "8.6.28-2",
        "NEW carries DATETIME.",
        |trial| of_new(trial, "DATETIME in NEW", |new| new.ies().date_time().is_some()),
    ),
    should(
        "X-SEQ-6",
        "The time-stamp of NEW is at least 1.",
        |trial| of_new(trial, "a time-stamp of at least 1 in NEW", |new| new.timestamp().0 >= 1),
    ),
    must(
        "8.1.1-i2",
        "NEW comes first without the R bit.",
        |trial| of_new(trial, "no R bit in the first NEW", |new| !new.is_retransmission()),
    ),
    must(
        "X-TOK-1",
        "NEW ends with an empty CALLTOKEN.",
        |trial| of_new(trial, "an empty CALLTOKEN as the last element of NEW", |new| {
            new.octets().ends_with(&[IeCode::CallToken.number(), 0])
        }),
    ),
    must(
        "X-TOK-2",
        "On CALLTOKEN the NEW comes again with that token, the same call number and elements, destination 0 and both sequence numbers 0.",
        token_is_returned,
    )
    .covers(&["X-TOK-3", "X-TOK-8"]),
    should(
        "X-TOK-11",
        "Three CALLTOKENs with one token bring one NEW with it.",
        token_is_used_once,
    ),
    must(
        "X-TOK-14",
        "A CALLTOKEN after the call was accepted starts nothing over: the call lives on.",
        token_comes_too_late,
    ),
    must(
        "6.2.7-2b",
        "AUTHREQ is answered by AUTHREP or HANGUP.",
        challenge_is_answered,
    ),
    must(
        "8.6.15-2",
        "An AUTHREQ without CHALLENGE brings no MD5 RESULT.",
        no_result_without_challenge,
    ),
    should(
        "12-i1c",
        "An AUTHREQ that offers the secret in clear alone brings no PASSWORD.",
        no_password,
    ),
];

/// A call of ours to ourselves: the leg that calls the target, and the one that it opens to us.
pub(super) struct Called {
    pub(super) caller: Dialogue,
    pub(super) callee: Dialogue,
    pub(super) new: Heard,
}

/// Registers on a socket, and calls the extension that calls us. The NEW is not answered yet.
pub(super) fn called(trial: &Trial<'_>) -> Result<Called, Stop> {
    let home = trial.peer()?;
    called_at(trial, &home)
}

pub(super) fn called_at(trial: &Trial<'_>, home: &Rc<Peer>) -> Result<Called, Stop> {
    register(trial, home)?;
    match &trial.subject.reach {
        Some(reach) => reached_at(trial, home, reach),
        None => skip("no extension is given that calls --user (--reach)"),
    }
}

/// Calls an extension that calls who is registered on this socket.
pub(super) fn reached_at(trial: &Trial<'_>, home: &Rc<Peer>, reach: &str) -> Result<Called, Stop> {
    let caller = calling(trial, reach)?;
    let mut callee = trial.dialogue_on(home);
    let new = callee.expect(format!("a NEW to where {reach} is registered"), |heard| {
        heard.is(IaxCommand::New)
    })?;
    callee.is_open = false;
    Ok(Called {
        caller,
        callee,
        new,
    })
}

/// A call to this extension that is accepted; skips where it is refused.
pub(super) fn calling(trial: &Trial<'_>, reach: &str) -> Result<Dialogue, Stop> {
    let ies = trial.invitation(reach);
    let _gate = trial.subject.guest.is_none().then(|| trial.login_gate());
    let mut caller = trial.open(IaxCommand::New, &ies)?;
    let first = caller.expect(format!("ACCEPT to a NEW to {reach}"), |heard| {
        heard.is(IaxCommand::Accept) || heard.is(IaxCommand::AuthReq) || is_refusal(heard)
    })?;
    match first.command() {
        Some(IaxCommand::Accept) => {}
        Some(IaxCommand::AuthReq) => {
            trial.prove(&mut caller, &first, IaxCommand::AuthRep)?;
            caller.expect_command(IaxCommand::Accept)?;
        }
        _ => {
            caller.is_open = false;
            return skip(format!("the target refuses a call to {reach}"));
        }
    }
    Ok(caller)
}

pub(super) fn register(trial: &Trial<'_>, home: &Rc<Peer>) -> Outcome {
    let mut dialogue = trial.dialogue_on(home);
    let end = trial.register_on(&mut dialogue, IaxCommand::RegReq)?;
    // The address may be watched from now on: what it asks before the call is not ours to judge.
    want(
        end.is(IaxCommand::RegAck),
        "REGACK to a REGREQ with the right MD5 RESULT",
    )
}

impl Called {
    /// Takes the NEW for the first frame of the dialogue, unless it was already.
    pub(super) fn take(&mut self) {
        if self.callee.theirs == CallNumber::ZERO {
            self.callee.theirs = self.new.source();
            self.callee.iseqno = SeqNo(1);
        }
        self.callee.is_open = true;
    }

    /// Sends ACCEPT with this codec.
    pub(super) fn accept(&mut self, format: u32) -> Sent {
        self.take();
        let format = InformationElement::Format(format);
        self.callee.say_with(IaxCommand::Accept, format)
    }

    pub(super) fn offered(&self) -> u32 {
        let ies = self.new.ies();
        let offered =
            ies.format_mask().unwrap_or_default().0 | ies.capability().unwrap_or_default().0;
        offered as u32
    }

    /// Accepts with u-law, or whatever is offered.
    pub(super) fn accept_well(&mut self) -> Sent {
        let ulaw = mask(Format::ULAW);
        let lowest = self.offered() & self.offered().wrapping_neg();
        self.accept(if self.offered() & ulaw != 0 {
            ulaw
        } else {
            lowest
        })
    }

    pub(super) fn control(&mut self, control: Control) -> Sent {
        self.callee.send(Body::Control { control, data: b"" })
    }

    /// An answer without a dialogue: from call 1, with the time-stamp of the NEW.
    fn stateless(&self, command: IaxCommand, ies: InformationElements<'_>) {
        self.callee.peer.send(&Frame::Full(FullFrame {
            source: CallNumber::STATELESS,
            destination: self.new.source(),
            retransmission: false,
            timestamp: self.new.timestamp(),
            oseqno: SeqNo(0),
            iseqno: SeqNo(1),
            body: Body::Iax { command, ies },
        }));
    }

    /// Ends the call that the target opens, so that it does not come again.
    pub(super) fn refuse(&self) {
        self.stateless(IaxCommand::Reject, InformationElements::EMPTY);
    }

    pub(super) fn caller_is_told(&mut self) -> Outcome {
        let told = self
            .caller
            .expect("HANGUP or REJECT to who calls", is_refusal);
        self.caller.is_open = told.is_err();
        told.map(|_| ())
    }
}

/// Judges the NEW.
fn of_new(trial: &Trial<'_>, expected: &str, is_so: fn(&Heard) -> bool) -> Outcome {
    let _gate = trial.contact_gate();
    let called = called(trial)?;
    called.refuse();
    want(is_so(&called.new), expected)
}

fn token_ies(token: &[u8]) -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CallToken(token));
    ies
}

fn wants_token(called: &Called) -> Outcome {
    match called.new.ies().call_token() {
        Some(_) => Ok(()),
        None => skip("NEW has no CALLTOKEN, so it may be given none"),
    }
}

fn token_is_returned(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    wants_token(&called)?;
    let token: Vec<u8> = (1..=TOKEN_LEN).collect();
    called.stateless(IaxCommand::CallToken, token_ies(&token).view());
    let (source, first) = (called.new.source(), called.new.clone());
    let has_token =
        |heard: &Heard| heard.is(IaxCommand::New) && heard.ies().call_token() == Some(&token[..]);
    let again = called
        .callee
        .expect("NEW with the token that was given", has_token)?;
    called.refuse();
    let numbers = (again.destination(), again.oseqno(), again.iseqno());
    want(
        numbers == (CallNumber::ZERO, SeqNo(0), SeqNo(0)),
        "destination 0 and both sequence numbers 0 in the NEW with the token",
    )?;
    want(
        again.source() == source,
        "the same call number in the NEW with the token",
    )?;
    let rest = |heard: &Heard| {
        let codes = heard.ies().iter().map(|ie| ie.code());
        codes.collect::<Vec<_>>()
    };
    want(
        rest(&again) == rest(&first),
        "the same elements in the NEW with the token",
    )
}

fn token_is_used_once(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    wants_token(&called)?;
    let token = b"one-token-three-times";
    for _ in 0..3 {
        called.stateless(IaxCommand::CallToken, token_ies(token).view());
    }
    called.callee.listen(trial.subject.waits.quiet);
    called.refuse();
    let all = called.callee.all().iter();
    let with = all
        .filter(|heard| heard.ies().call_token() == Some(token))
        .count();
    want(with == 1, "one NEW with a token that was given three times")
}

fn token_comes_too_late(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let mut called = called(trial)?;
    let sent = called.accept_well();
    called.callee.expect_acknowledged(sent, "ACCEPT")?;
    called.stateless(IaxCommand::CallToken, token_ies(b"too-late").view());
    let expected = "no NEW with a token that came after ACCEPT";
    called.callee.expect_none(expected, |heard| {
        heard.ies().call_token() == Some(b"too-late")
    })?;
    called.callee.is_alive("a CALLTOKEN that came after ACCEPT")
}

/// Challenges the caller with these elements, and gives what it answers.
fn challenged(trial: &Trial<'_>, ies: &IeBuffer) -> Result<Option<Heard>, Stop> {
    let mut called = called(trial)?;
    called.take();
    called.callee.say(IaxCommand::AuthReq, ies);
    let wait = trial.subject.waits.answer;
    let answer = called.callee.find_within(wait, |heard| {
        heard.is(IaxCommand::AuthRep) || is_refusal(heard)
    });
    called.callee.is_open = answer.as_ref().is_none_or(|answer| !is_refusal(answer));
    Ok(answer)
}

fn challenge(methods: u16, text: Option<&[u8]>) -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::AuthMethods(AuthMethods(methods)));
    if let Some(text) = text {
        ies.push(InformationElement::Challenge(text));
    }
    ies.push(InformationElement::Username(b"somebody"));
    ies
}

fn challenge_is_answered(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let answer = challenged(trial, &challenge(2, Some(b"0123456789abcdef")))?;
    want(answer.is_some(), "AUTHREP or HANGUP to AUTHREQ")
}

fn no_result_without_challenge(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let answer = challenged(trial, &challenge(2, None))?;
    let has_result = answer.is_some_and(|answer| answer.ies().md5_result().is_some());
    want(!has_result, "no MD5 RESULT without a CHALLENGE")
}

fn no_password(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let answer = challenged(trial, &challenge(1, None))?;
    let has_password = answer.is_some_and(|answer| answer.ies().password().is_some());
    want(
        !has_password,
        "no PASSWORD to an AUTHREQ that offers nothing else",
    )
}
