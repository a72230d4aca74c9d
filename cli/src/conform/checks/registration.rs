//! RFC 5456 §6.1.2, §6.1.4: a registration that is granted. What is refused is in [`challenge`](super::challenge).

use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::engine::auth::md5_result;
use iaxproof::wire::{DateTime, IaxCommand, IeBuffer, IeCode, InformationElement, SeqNo};

use crate::clock::Clock;
use crate::conform::check::{Check, Outcome, Stop, fail, must, should, want};
use crate::conform::dialogue::Dialogue;
use crate::conform::peer::Heard;
use crate::conform::trial::{REFRESH, Trial, is_end_of_registration, prove_with, registration};

/// What a registration lasts without REFRESH (RFC 5456 §6.1.1).
pub(super) const REFRESH_UNSAID: u16 = 60;
/// How far DATETIME may be from our clock: less than the offset of any time zone.
const CLOCK_SKEW_MAX: u64 = 600;
/// How long a frame that nobody acknowledges may take to come again.
const REPEAT_WAIT: Duration = Duration::from_secs(5);

pub(super) const CHECKS: &[Check] = &[
    must(
        "6.1.2-9",
        "REGREQ is answered: by REGAUTH, REGACK or REGREJ, after CALLTOKEN if need be.",
        answered,
    ),
    must(
        "6.1.2-5",
        "A REGREQ with the right MD5 RESULT is granted by REGACK.",
        granted,
    )
    .covers(&["6.1.4-4", "8.6.15-1", "8.6.15-i1"]),
    must(
        "6.1.4-i2",
        "REGACK names user and date: USERNAME as asked, and DATETIME.",
        names_user_and_date,
    )
    .covers(&["6.1.4-2", "8.6.28-2"]),
    must(
        "6.1.1-3",
        "REGACK carries APPARENT ADDR.",
        carries_the_address,
    )
    .covers(&["8.6.17-1"]),
    must(
        "8.6.17-3",
        "APPARENT ADDR of REGACK is the address that the REGREQ came from (a NAT on the way shows here).",
        tells_our_address,
    ),
    must(
        "8.6.17-i1",
        "APPARENT ADDR is a socket address of 16 octets for IPv4 or 28 for IPv6, its family in little-endian order.",
        address_is_laid_out,
    )
    .covers(&["X-IE-6"]),
    should(
        "6.1.1-4",
        "REGACK says by REFRESH for how many seconds it holds.",
        says_how_long,
    ),
    must(
        "6.1.1-5",
        "A REGREQ without REFRESH is granted for 60 s: REGACK has no REFRESH, or one of at least 60.",
        sixty_seconds_unsaid,
    ),
    must(
        "X-REG-3",
        "The granted period follows the wish within limits: never 0, and for 1 s no longer than for 65,535 s.",
        follows_the_wish,
    ),
    must(
        "6.1.1-i2",
        "A registration may be repeated from the same address while it holds, and is granted again.",
        granted_again,
    ),
    must(
        "8.6.28-1",
        "DATETIME of REGACK is in UTC: it is our clock's, give or take ten minutes.",
        date_is_utc,
    ),
    must(
        "6.1.4-i1",
        "A REGACK that is not acknowledged comes again with the R bit and the same OSeqno and time-stamp.",
        comes_again,
    )
    .covers(&["X-SEQ-10"])
    .slow(),
    must(
        "7-i2",
        "REGAUTH and REGACK have OSeqno 0 and 1, and as ISeqno the number that they expect next.",
        numbers_are_in_order,
    )
    .covers(&["7-2"]),
];

/// A granted registration, with its REGACK.
fn regack(trial: &Trial<'_>) -> Result<(Dialogue, Heard), Stop> {
    let (dialogue, end) = trial.registered(IaxCommand::RegReq)?;
    match end.is(IaxCommand::RegAck) {
        true => Ok((dialogue, end)),
        false => fail("REGACK to a REGREQ with the right MD5 RESULT"),
    }
}

fn answered(trial: &Trial<'_>) -> Outcome {
    let mut dialogue = trial.open(
        IaxCommand::RegReq,
        &registration(trial.subject.user.as_bytes()),
    )?;
    let is_answer = |heard: &Heard| heard.is(IaxCommand::RegAuth) || is_end_of_registration(heard);
    let answer = dialogue.expect("REGAUTH, REGACK or REGREJ to REGREQ", is_answer);
    answer.map(|_| ())
}

fn granted(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    regack(trial).map(|_| ())
}

fn names_user_and_date(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (_dialogue, ack) = regack(trial)?;
    let user = trial.subject.user.as_bytes();
    want(
        ack.ies().username() == Some(user),
        "USERNAME of the REGREQ in REGACK",
    )?;
    want(ack.ies().date_time().is_some(), "DATETIME in REGACK")
}

fn apparent(ack: &Heard) -> Result<SocketAddr, Stop> {
    match ack.ies().apparent_address() {
        Some(address) => Ok(address.unmapped()),
        None => fail("APPARENT ADDR in REGACK"),
    }
}

fn carries_the_address(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (_dialogue, ack) = regack(trial)?;
    apparent(&ack).map(|_| ())
}

fn tells_our_address(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (dialogue, ack) = regack(trial)?;
    let ours = dialogue.peer.local()?;
    let seen = apparent(&ack)?;
    want(seen == ours, format!("APPARENT ADDR {ours} in REGACK"))
}

fn address_is_laid_out(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (_dialogue, ack) = regack(trial)?;
    let code = IeCode::ApparentAddr.number();
    let is_laid_out = |octets: &[u8]| {
        octets.starts_with(&[code, 16, 2, 0]) || octets.starts_with(&[code, 28, 10, 0])
    };
    // The elements stand one after the other, each with its length: none begins inside another.
    let mut rest = ack.ies().octets();
    while let [found, len, tail @ ..] = rest {
        if *found == code {
            let expected = "APPARENT ADDR with length 16 and family 02 00, or 28 and 0a 00";
            return want(is_laid_out(rest), expected);
        }
        rest = tail.get(usize::from(*len)..).unwrap_or_default();
    }
    fail("APPARENT ADDR in REGACK")
}

fn says_how_long(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (_dialogue, ack) = regack(trial)?;
    want(
        ack.ies().refresh().is_some_and(|refresh| refresh > 0),
        "REFRESH in REGACK",
    )
}

/// What a REGREQ with this REFRESH, or none, is granted.
fn granted_for(trial: &Trial<'_>, refresh: Option<u16>) -> Result<Option<u16>, Stop> {
    let mut ies = IeBuffer::new();
    let user = trial.subject.user.as_bytes();
    ies.push(InformationElement::Username(user));
    if let Some(refresh) = refresh {
        ies.push(InformationElement::Refresh(refresh));
    }
    let secret = trial.secret()?;
    let mut dialogue = trial.open(IaxCommand::RegReq, &ies)?;
    let challenge = dialogue.expect_command(IaxCommand::RegAuth)?;
    let text = challenge.ies().challenge().unwrap_or_default();
    let result = md5_result(text, secret);
    ies.push(InformationElement::Md5Result(&result));
    dialogue.say(IaxCommand::RegReq, &ies);
    dialogue.is_open = false;
    let ack = dialogue.expect_command(IaxCommand::RegAck)?;
    Ok(ack.ies().refresh())
}

fn sixty_seconds_unsaid(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let granted = granted_for(trial, None)?;
    let holds = granted.is_none_or(|granted| granted >= REFRESH_UNSAID);
    want(holds, "no REFRESH in REGACK, or at least 60 s")
}

fn follows_the_wish(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let [short, long] = [1, u16::MAX].map(|wish| granted_for(trial, Some(wish)));
    let short = short?.unwrap_or(REFRESH_UNSAID);
    let long = long?.unwrap_or(REFRESH_UNSAID);
    granted_for(trial, Some(REFRESH))?;
    want(
        short > 0,
        "a period of more than 0 s, where 1 s was asked for",
    )?;
    want(
        short <= long,
        format!("no longer period than {long} s, as for 65,535 s, where 1 s was asked for"),
    )
}

fn granted_again(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (first, _) = regack(trial)?;
    let mut second = trial.dialogue_on(&first.peer);
    let end = trial.register_on(&mut second, IaxCommand::RegReq)?;
    want(
        end.is(IaxCommand::RegAck),
        "REGACK to the second REGREQ as to the first",
    )
}

fn date_is_utc(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (_dialogue, ack) = regack(trial)?;
    let Some(date) = ack.ies().date_time() else {
        return fail("DATETIME in REGACK");
    };
    let clock = Clock::start();
    let now = clock.unix_millis_of(clock.now()) / 1_000;
    let is_near = (now - CLOCK_SKEW_MAX..=now + CLOCK_SKEW_MAX)
        .any(|second| DateTime::from_unix_seconds(second) == date);
    want(is_near, "DATETIME within ten minutes of our clock in UTC")
}

fn comes_again(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let secret = trial.secret()?;
    let user = trial.subject.user.as_bytes();
    let (mut dialogue, challenge) = trial.challenged(IaxCommand::RegReq, user)?;
    dialogue.answers = false;
    prove_with(trial, &mut dialogue, &challenge, IaxCommand::RegReq, secret)?;
    let first = dialogue.expect_command(IaxCommand::RegAck)?;
    let again = dialogue.find_within(REPEAT_WAIT, |heard| {
        heard.is(IaxCommand::RegAck) && heard.at > first.at
    });
    let is_the_same = again.as_ref().is_some_and(|again| {
        again.is_retransmission()
            && again.oseqno() == first.oseqno()
            && again.timestamp() == first.timestamp()
    });
    if let Some(again) = again {
        dialogue.acknowledge(&again);
    }
    dialogue.is_open = false;
    want(
        is_the_same,
        "REGACK again, with R bit, the same OSeqno and time-stamp",
    )
}

fn numbers_are_in_order(trial: &Trial<'_>) -> Outcome {
    let _gate = trial.contact_gate();
    let (dialogue, ack) = regack(trial)?;
    let challenge = dialogue
        .all()
        .iter()
        .find(|heard| heard.is(IaxCommand::RegAuth));
    let numbers = |heard: &Heard| (heard.oseqno(), heard.iseqno());
    let first = challenge.map(numbers);
    want(
        first == Some((SeqNo(0), SeqNo(1))),
        "REGAUTH with OSeqno 0 and ISeqno 1",
    )?;
    want(
        numbers(&ack) == (SeqNo(1), SeqNo(2)),
        "REGACK with OSeqno 1 and ISeqno 2",
    )
}
