//! RFC 5456 §7.4, the caller's side: `--second` registers and has itself called, where the NEW asks for encryption.

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::cipher::Key;
use iaxproof::wire::{AuthMethods, Control, IaxCommand, IeBuffer, InformationElement};

use super::encryption::{UNKNOWN, has_two_octets};
use super::outgoing::{Called, reached_at};
use super::reached::listen_to_both;
use super::second::{AES128, grants, nothing_strays, register};
use crate::conform::check::{Check, Outcome, Stop, must, should, skip, want};
use crate::conform::dialogue::bare;
use crate::conform::peer::Heard;
use crate::conform::trial::{REFRESH, Trial, is_answer, is_refusal};

/// The challenge of our AUTHREQs.
const CHALLENGE: &[u8] = b"112233445";

pub(super) const CHECKS: &[Check] = &[
    should(
        "X-IE-7c",
        "ENCRYPTION in NEW has two octets.",
        |trial| of_new(trial, "ENCRYPTION of two octets in NEW", |new| has_two_octets(new.ies().octets())),
    ),
    must(
        "X-ENC-2c",
        "On AUTHREQ with ENCRYPTION, AUTHREP comes under the key, with an MD5 RESULT that is right.",
        |trial| proved(trial).map(|_| ()),
    )
    .covers(&["7.4-1", "7.4-i2"]),
    must(
        "7.4-1k",
        "After its AUTHREP all that the caller sends is under the key: ACCEPT and ANSWER are acknowledged under it.",
        set_up,
    ),
    must(
        "7.4-1l",
        "HANGUP of the callee under the key is acknowledged under it, and goes on to who calls.",
        hung_up,
    ),
    must(
        "7.4-1m",
        "A HANGUP in clear of the callee is dropped after AUTHREP: the call lives on.",
        hangup_in_clear,
    ),
    must(
        "7.4-2",
        "Where AUTHREQ does not grant the ENCRYPTION of NEW, the caller ends the call by HANGUP or REJECT, or goes on in clear by AUTHREP.",
        refused_or_clear,
    ),
    must(
        "X-ENC-3a",
        "Where NEW asked for ENCRYPTION, no MD5 RESULT comes in clear on an AUTHREQ without: it would be the key.",
        |trial| no_result_in_clear(trial, None),
    )
    .fails_asterisk("it comes, unless `forceencryption` is set"),
    must(
        "X-ENC-3b",
        "Where NEW asked for ENCRYPTION, no MD5 RESULT comes in clear on an AUTHREQ that grants an unknown method.",
        |trial| no_result_in_clear(trial, Some(UNKNOWN)),
    ),
];

/// A call to --second whose NEW asks for AES-128. Skips where it does not.
fn called(trial: &Trial<'_>) -> Result<Called, Stop> {
    let (second, secret) = trial.second()?;
    let Some(reach) = &second.reach else {
        return skip("no extension is given that calls --second (--second-reach)");
    };
    let home = trial.peer()?;
    register(trial, &home, &second.name, secret, REFRESH)?;
    let called = reached_at(trial, &home, reach)?;
    if !grants(&called.new) {
        called.refuse();
        return skip("the target does not ask for encryption where it calls --second");
    }
    Ok(called)
}

fn of_new(trial: &Trial<'_>, expected: &str, is_so: fn(&Heard) -> bool) -> Outcome {
    let _gate = trial.contact_gate_of(trial.second()?.0);
    let called = called(trial)?;
    called.refuse();
    want(is_so(&called.new), expected)
}

/// Sends AUTHREQ.
fn challenge(called: &mut Called, user: &str, encryption: Option<InformationElement<'_>>) {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::AuthMethods(AuthMethods::MD5))
        .push(InformationElement::Challenge(CHALLENGE));
    if let Some(encryption) = encryption {
        ies.push(encryption);
    }
    ies.push(InformationElement::Username(user.as_bytes()));
    called.take();
    called.callee.say(IaxCommand::AuthReq, &ies);
}

/// A call that was challenged and proved under the key.
fn proved(trial: &Trial<'_>) -> Result<Called, Stop> {
    let (second, secret) = trial.second()?;
    let _gate = trial.contact_gate_of(second);
    let mut called = called(trial)?;
    challenge(&mut called, &second.name, Some(AES128));
    called.callee.seal_from_now(Key::new(CHALLENGE, secret));
    let expected = "AUTHREP that opens under MD5(CHALLENGE, secret)";
    let authrep = called
        .callee
        .expect(expected, |heard| heard.is(IaxCommand::AuthRep))?;
    let result = md5_result(CHALLENGE, secret);
    let is_right = authrep
        .ies()
        .md5_result()
        .is_some_and(|it| it.eq_ignore_ascii_case(&result));
    want(
        is_right,
        "the MD5 RESULT of CHALLENGE and secret in AUTHREP",
    )?;
    nothing_strays(&called.callee)?;
    Ok(called)
}

fn set_up(trial: &Trial<'_>) -> Outcome {
    answered(trial).map(|_| ())
}

/// The same, accepted and answered.
fn answered(trial: &Trial<'_>) -> Result<Called, Stop> {
    let mut called = proved(trial)?;
    let accept = called.accept_well();
    called
        .callee
        .expect_acknowledged(accept, "ACCEPT under the key")?;
    let answer = called.control(Control::Answer);
    called
        .callee
        .expect_acknowledged(answer, "ANSWER under the key")?;
    listen_to_both(&mut called, "ANSWER to who calls", is_answer)?;
    nothing_strays(&called.callee)?;
    Ok(called)
}

fn hung_up(trial: &Trial<'_>) -> Outcome {
    let mut called = answered(trial)?;
    let sent = called.callee.say_bare(IaxCommand::Hangup);
    called.callee.is_open = false;
    called.callee.expect_ack(sent, "HANGUP under the key")?;
    nothing_strays(&called.callee)?;
    called.caller_is_told()
}

fn hangup_in_clear(trial: &Trial<'_>) -> Outcome {
    let mut called = answered(trial)?;
    called.callee.send_in_clear(bare(IaxCommand::Hangup));
    let expected = "nothing to who calls of a HANGUP in clear";
    called.caller.expect_none(expected, is_refusal)?;
    called.callee.is_alive("a HANGUP in clear")?;
    nothing_strays(&called.callee)
}

/// What comes in clear on an AUTHREQ that grants something else than AES-128, if anything does.
fn reply(
    trial: &Trial<'_>,
    encryption: Option<InformationElement<'_>>,
) -> Result<Option<Heard>, Stop> {
    let (second, _) = trial.second()?;
    let _gate = trial.contact_gate_of(second);
    let mut called = called(trial)?;
    challenge(&mut called, &second.name, encryption);
    let wait = trial.subject.waits.answer;
    let reply = called.callee.find_within(wait, |heard| {
        heard.is(IaxCommand::AuthRep) || is_refusal(heard)
    });
    called.callee.is_open = !reply.as_ref().is_some_and(is_refusal);
    Ok(reply)
}

fn refused_or_clear(trial: &Trial<'_>) -> Outcome {
    let reply = reply(trial, None)?;
    want(
        reply.is_some(),
        "HANGUP, REJECT or AUTHREP to an AUTHREQ without ENCRYPTION",
    )
}

fn no_result_in_clear(trial: &Trial<'_>, encryption: Option<InformationElement<'_>>) -> Outcome {
    let reply = reply(trial, encryption)?;
    let has_result = reply.is_some_and(|reply| reply.ies().md5_result().is_some());
    want(!has_result, "no MD5 RESULT in clear")
}
