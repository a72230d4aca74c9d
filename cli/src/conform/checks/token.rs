//! Call tokens and call numbers (not in RFC 5456; IAX2-security, AST-2009-006): openers prove that they receive at their
//! address before anything is kept for them.

use core::time::Duration;
use std::collections::BTreeSet;
use std::rc::Rc;

use iaxproof::wire::{CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo};

use crate::clock::pause;
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, skip, want};
use crate::conform::dialogue::{Dialogue, Sent, bare};
use crate::conform::peer::{Heard, Peer};
use crate::conform::trial::{Trial, is_refusal, is_verdict, registration, with_token};

/// Longer than a token lives (chan_iax2: ten seconds).
const TOKEN_IS_OLD: Duration = Duration::from_millis(11_500);
/// How often a frame that is kept would have come again.
const REPEAT_WAIT: Duration = Duration::from_millis(2_500);
/// Octets that come to nobody knows whom, for one that came.
const AMPLIFICATION_MAX: usize = 3;
/// Calls in a row whose numbers are compared.
const CALLS: usize = 8;

pub(super) const CHECKS: &[Check] = &[
    must(
        "X-TOK-4a",
        "A NEW with an empty CALLTOKEN gets CALLTOKEN: from call 1, with its time-stamp, OSeqno 0 and ISeqno 1.",
        |trial| gives_token(trial, IaxCommand::New),
    ),
    must(
        "X-TOK-4b",
        "A REGREQ with an empty CALLTOKEN gets CALLTOKEN likewise.",
        |trial| gives_token(trial, IaxCommand::RegReq),
    ),
    must(
        "X-TOK-4c",
        "A REGREL with an empty CALLTOKEN gets CALLTOKEN likewise.",
        |trial| gives_token(trial, IaxCommand::RegRel),
    ),
    must(
        "X-TOK-4d",
        "CALLTOKEN is sent once: nothing is kept of who asked.",
        keeps_nothing,
    )
    .slow(),
    should(
        "X-TOK-4e",
        "CALLTOKEN has at most three octets for each of what asked for it.",
        is_no_amplifier,
    ),
    must(
        "X-TOK-5",
        "An opener with the token that was given is served.",
        token_is_good,
    ),
    must(
        "X-TOK-6a",
        "A NEW with a token that was never given opens nothing: it is refused without a dialogue, or not answered.",
        |trial| bad_token(trial, IaxCommand::New, b"a-token-of-nobody"),
    ),
    must(
        "X-TOK-6b",
        "A REGREQ with a token that was never given opens nothing.",
        |trial| bad_token(trial, IaxCommand::RegReq, b"a-token-of-nobody"),
    ),
    must(
        "X-TOK-6c",
        "A token that was given to another port opens nothing.",
        token_of_another,
    )
    .covers(&["X-TOK-9"]),
    must(
        "X-TOK-6d",
        "A token that was changed in one character opens nothing.",
        changed_token,
    ),
    should(
        "X-TOK-9a",
        "A token opens nothing any more after eleven seconds.",
        old_token,
    )
    .slow(),
    should(
        "X-TOK-9b",
        "A token may be used twice by who got it, within its life.",
        token_twice,
    ),
    must(
        "X-TOK-7",
        "An opener without CALLTOKEN is answered: served, or refused without a dialogue.",
        without_token,
    ),
    should("X-TOK-8", "Tokens are printable ASCII.", printable),
    must(
        "X-TOK-12",
        "The REGREQ that answers REGAUTH is not asked for a token, though its CALLTOKEN is empty.",
        answer_needs_none,
    ),
    must("X-NUM-1", "An ACK to call 1 is not answered.", ack_to_one),
    should(
        "X-NUM-2",
        "Eight calls one after the other have eight call numbers of the callee's.",
        numbers_are_not_reused,
    ),
];

fn elements(trial: &Trial<'_>, command: IaxCommand) -> IeBuffer {
    match command {
        IaxCommand::New => trial.invitation(&trial.subject.extension),
        _ => registration(trial.subject.user.as_bytes()),
    }
}

/// An opener that asks for a token, on this socket, and what answers it. Skips where no tokens are used.
fn asked(
    trial: &Trial<'_>,
    peer: &Rc<Peer>,
    command: IaxCommand,
) -> Result<(Dialogue, Sent, Heard), Stop> {
    let mut dialogue = trial.dialogue_on(peer);
    let sent = dialogue.say(command, &with_token(&elements(trial, command), &[]));
    let ours = dialogue.ours;
    let answer = dialogue.expect(format!("an answer to {command}"), |heard| {
        heard.destination() == ours
    })?;
    match answer.is(IaxCommand::CallToken) {
        true => Ok((dialogue, sent, answer)),
        false => skip("the target uses no call tokens"),
    }
}

fn gives_token(trial: &Trial<'_>, command: IaxCommand) -> Outcome {
    let (_dialogue, sent, answer) = asked(trial, &trial.peer()?, command)?;
    want(
        answer.timestamp() == sent.timestamp,
        "the time-stamp of the opener in CALLTOKEN",
    )?;
    want(
        answer.source() == CallNumber::STATELESS,
        "CALLTOKEN from call 1",
    )?;
    let numbers = (answer.oseqno(), answer.iseqno());
    want(
        numbers == (SeqNo(0), SeqNo(1)),
        "OSeqno 0 and ISeqno 1 in CALLTOKEN",
    )?;
    let has_token = answer
        .ies()
        .call_token()
        .is_some_and(|token| !token.is_empty());
    want(has_token, "a token in CALLTOKEN")
}

fn keeps_nothing(trial: &Trial<'_>) -> Outcome {
    let (mut dialogue, _, answer) = asked(trial, &trial.peer()?, IaxCommand::New)?;
    let again = dialogue.find_within(REPEAT_WAIT, |heard| heard.at > answer.at);
    want(
        again.is_none(),
        "nothing after CALLTOKEN, though nobody acknowledged it",
    )
}

fn is_no_amplifier(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.dialogue()?;
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CallToken(&[]));
    dialogue.say(IaxCommand::RegReq, &ies);
    let sent = FullFrame::HEADER_LEN + ies.view().octets().len();
    let ours = dialogue.ours;
    let answer = dialogue.expect("an answer to REGREQ", |heard| heard.destination() == ours)?;
    if !answer.is(IaxCommand::CallToken) {
        return skip("the target uses no call tokens");
    }
    let (len, max) = (answer.octets().len(), sent * AMPLIFICATION_MAX);
    match len <= max {
        true => Ok(()),
        false => fail(format!("at most {max} octets to {sent}, and not {len}")),
    }
}

/// What an opener with this token comes to, on this socket.
fn opened(
    trial: &Trial<'_>,
    peer: &Rc<Peer>,
    command: IaxCommand,
    token: &[u8],
) -> (Dialogue, Option<Heard>) {
    let mut dialogue = trial.dialogue_on(peer);
    dialogue.say(command, &with_token(&elements(trial, command), token));
    let ours = dialogue.ours;
    let wait = trial.subject.waits.answer;
    let answer = dialogue.find_within(wait, |heard| {
        heard.destination() == ours && !heard.is(IaxCommand::Ack)
    });
    (dialogue, answer)
}

fn is_served(answer: Option<&Heard>) -> bool {
    answer.is_some_and(|answer| answer.source() > CallNumber::STATELESS)
}

fn token_is_good(trial: &Trial<'_>) -> Outcome {
    let peer = trial.peer()?;
    let token = trial.token(&peer)?;
    let (_dialogue, answer) = opened(trial, &peer, IaxCommand::New, &token);
    want(
        is_served(answer.as_ref()),
        "a dialogue for a NEW with the token that was given",
    )
}

/// Such an opener is refused by call 1, or by silence.
fn opens_nothing(trial: &Trial<'_>, peer: &Rc<Peer>, command: IaxCommand, token: &[u8]) -> Outcome {
    let (mut dialogue, answer) = opened(trial, peer, command, token);
    dialogue.is_open = is_served(answer.as_ref());
    let Some(answer) = answer else {
        return Ok(());
    };
    let is_refused = match command {
        IaxCommand::New => is_refusal(&answer),
        _ => answer.is(IaxCommand::RegRej),
    };
    want(
        is_refused && answer.source() <= CallNumber::STATELESS,
        "a refusal from call 1, or silence",
    )
}

fn bad_token(trial: &Trial<'_>, command: IaxCommand, token: &[u8]) -> Outcome {
    let peer = trial.peer()?;
    // Only who gives tokens can tell a wrong one.
    trial.token(&peer)?;
    opens_nothing(trial, &peer, command, token)
}

fn token_of_another(trial: &Trial<'_>) -> Outcome {
    let token = trial.token(&trial.peer()?)?;
    opens_nothing(trial, &trial.peer()?, IaxCommand::New, &token)
}

fn changed_token(trial: &Trial<'_>) -> Outcome {
    let peer = trial.peer()?;
    let mut token = trial.token(&peer)?;
    if let Some(last) = token.last_mut() {
        *last = if *last == b'a' { b'b' } else { b'a' };
    }
    opens_nothing(trial, &peer, IaxCommand::New, &token)
}

fn old_token(trial: &Trial<'_>) -> Outcome {
    let peer = trial.peer()?;
    let token = trial.token(&peer)?;
    pause(TOKEN_IS_OLD);
    opens_nothing(trial, &peer, IaxCommand::New, &token)
}

fn token_twice(trial: &Trial<'_>) -> Outcome {
    let peer = trial.peer()?;
    let token = trial.token(&peer)?;
    let (_first, answer) = opened(trial, &peer, IaxCommand::New, &token);
    want(
        is_served(answer.as_ref()),
        "a dialogue for a NEW with the token that was given",
    )?;
    let (_second, answer) = opened(trial, &peer, IaxCommand::New, &token);
    want(
        is_served(answer.as_ref()),
        "a dialogue for a second NEW with the same token",
    )
}

fn without_token(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.dialogue()?;
    dialogue.say(IaxCommand::New, &elements(trial, IaxCommand::New));
    let answer = dialogue.expect("an answer to a NEW without CALLTOKEN", |heard| {
        is_verdict(heard) || heard.is(IaxCommand::AuthReq)
    })?;
    dialogue.is_open = is_served(Some(&answer));
    Ok(())
}

fn printable(trial: &Trial<'_>) -> Outcome {
    let token = trial.token(&trial.peer()?)?;
    let is_printable = token.iter().all(|octet| octet.is_ascii_graphic());
    want(is_printable, "a token of printable ASCII")
}

fn answer_needs_none(trial: &Trial<'_>) -> Outcome {
    let user = trial.subject.user.as_bytes();
    let (mut dialogue, _) = trial.challenged(IaxCommand::RegReq, user)?;
    let mut ies = registration(user);
    ies.push(InformationElement::Md5Result(
        b"0123456789abcdef0123456789abcdef",
    ));
    dialogue.say(IaxCommand::RegReq, &with_token(&ies, &[]));
    let end = dialogue.expect("REGREJ to a wrong MD5 RESULT", |heard| {
        heard.is(IaxCommand::RegRej) || heard.is(IaxCommand::CallToken)
    })?;
    dialogue.is_open = false;
    want(end.is(IaxCommand::RegRej), "REGREJ and no CALLTOKEN")
}

fn ack_to_one(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.dialogue()?;
    dialogue.is_open = false;
    let ack = FullFrame {
        destination: CallNumber::STATELESS,
        ..dialogue.frame(bare(IaxCommand::Ack))
    };
    dialogue.send_as_is(&ack);
    dialogue.expect_none("nothing to an ACK to call 1", |_| true)
}

fn numbers_are_not_reused(trial: &Trial<'_>) -> Outcome {
    let peer = trial.peer()?;
    let ies = trial.invitation(&trial.subject.extension);
    let mut numbers = BTreeSet::new();
    for _ in 0..CALLS {
        let mut dialogue = trial.dialogue_on(&peer);
        trial.open_on(&mut dialogue, IaxCommand::New, &ies)?;
        dialogue.expect("an answer to NEW", |heard| {
            is_verdict(heard) || heard.is(IaxCommand::AuthReq)
        })?;
        numbers.insert(dialogue.theirs);
        let sent = dialogue.say_bare(IaxCommand::Hangup);
        dialogue.is_open = false;
        dialogue.expect_acknowledged(sent, "HANGUP")?;
    }
    want(
        numbers.len() == CALLS,
        format!("{CALLS} call numbers for {CALLS} calls"),
    )
}
