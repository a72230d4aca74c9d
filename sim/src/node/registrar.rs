//! The registrar at which servers register: a second implementation of that side. Of the endpoint it shares the exchange of
//! reliable frames and the wire. What it does about one request is a decision, from granting it to moving elsewhere.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::cipher::Padding;
use iaxproof::engine::reliable::verdict::Verdict;
use iaxproof::engine::reliable::{Reliable, Timeout};
use iaxproof::time::Instant;
use iaxproof::wire::{
    ApparentAddress, AuthMethods, Body, CallNumber, Cause, Frame, FullFrame, IaxCommand, IeBuffer,
    InformationElement, InformationElements, SeqNo,
};

use super::callee::{stateless, token, tokens_returned};
use super::dialogue::{iax, md5_result};
use super::reception::inval;
use crate::decide::{Decisions, Domain, Key};
use crate::goals::{Goal, Goals};

/// The longest registration that it grants.
pub(crate) const GRANT: Duration = Duration::from_secs(60);
/// What it grants where it changes what was asked for.
const GRANT_SHORT: Duration = Duration::from_secs(20);
/// How long it is silent, and how long if it takes its time.
const SILENCE: Duration = Duration::from_secs(20);
const SILENCE_LONG: Duration = Duration::from_secs(60);
/// How long a mood is remembered for repeats of a request, and a login is kept.
const MEMORY: Duration = Duration::from_secs(30);
const CHALLENGE: &[u8] = b"141421356";

/// What it does about one request. The first is the dull one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Wants the secret.
    Challenge,
    /// Wants a token and then the secret.
    Token,
    /// Grants without asking.
    Unasked,
    Refuse,
    /// Refuses and keeps nothing.
    RefuseStateless,
    /// Wants the secret and refuses it.
    RefuseAnswer,
    /// Wants the secret, and wants it once more.
    ChallengeTwice,
    /// Wants the secret itself.
    AskPlaintext,
    /// Leaves the choice.
    AskAny,
    /// Grants less than was asked for.
    Short,
    /// Grants and does not say for how long.
    Unsaid,
    Silent,
    SilentLong,
    /// Goes to another address, and answers nothing at the former.
    Move,
    /// Begins anew: knows of nobody any more.
    Forget,
}

impl Mood {
    const ALL: [Mood; 15] = [
        Mood::Challenge,
        Mood::Token,
        Mood::Unasked,
        Mood::Refuse,
        Mood::RefuseStateless,
        Mood::RefuseAnswer,
        Mood::ChallengeTwice,
        Mood::AskPlaintext,
        Mood::AskAny,
        Mood::Short,
        Mood::Unsaid,
        Mood::Silent,
        Mood::SilentLong,
        Mood::Move,
        Mood::Forget,
    ];
}

/// One registration: the server's index, and which of its registrations.
pub(crate) type Registrant = (u8, u8);

/// The name that a server registers as.
pub(crate) fn username((server, nth): Registrant) -> String {
    format!("r{server}-{nth}")
}

/// What proves it. No server may ever send it.
pub(crate) fn secret((server, nth): Registrant) -> String {
    format!("secret-r{server}-{nth}")
}

fn registrant_of(name: &[u8]) -> Option<Registrant> {
    let name = core::str::from_utf8(name).ok()?;
    let (server, nth) = name.strip_prefix('r')?.split_once('-')?;
    Some((server.parse().ok()?, nth.parse().ok()?))
}

/// What it hands out.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) transmits: Vec<(SocketAddr, Vec<u8>)>,
    /// Who is registered until when; `None` for not any more.
    pub(crate) granted: Vec<(Registrant, Option<Instant>)>,
    pub(crate) has_moved: bool,
    pub(crate) goals: Goals,
}

/// How it makes up its mind.
pub(crate) struct Mind<'a> {
    pub(crate) decisions: &'a mut Decisions,
    pub(crate) is_calm: bool,
    pub(crate) permille: u16,
}

/// The registrar.
#[derive(Debug)]
pub(crate) struct Registrar {
    pub(crate) address: SocketAddr,
    next_number: u16,
    logins: BTreeMap<CallNumber, Login>,
    /// Who asks, by address and number.
    askers: BTreeMap<(SocketAddr, CallNumber), (Mood, Instant)>,
    granted: BTreeMap<Registrant, Instant>,
    silent_until: Option<Instant>,
    requests: u32,
}

/// One dialogue.
#[derive(Debug)]
struct Login {
    from: SocketAddr,
    who: Registrant,
    mood: Mood,
    reliable: Reliable,
    /// Whether it wants the answer to one more challenge.
    asks_again: bool,
    is_over: bool,
    ends_at: Instant,
}

impl Registrar {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Registrar {
            address,
            next_number: 20_000,
            logins: BTreeMap::new(),
            askers: BTreeMap::new(),
            granted: BTreeMap::new(),
            silent_until: None,
            requests: 0,
        }
    }

    /// A datagram of a server came.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &[u8],
        mind: &mut Mind<'_>,
        out: &mut Outbox,
    ) {
        let is_silent = self.silent_until.is_some_and(|until| now < until);
        if is_silent && !mind.is_calm {
            return;
        }
        match Frame::parse(datagram) {
            Ok(Frame::Full(frame)) if frame.destination == CallNumber::ZERO => {
                self.handle_opener(now, source, &frame, mind, out);
            }
            Ok(Frame::Full(frame)) => self.handle_answer(now, source, &frame, out),
            _ => {}
        }
        self.flush(out);
    }

    fn handle_opener(
        &mut self,
        now: Instant,
        source: SocketAddr,
        frame: &FullFrame<'_>,
        mind: &mut Mind<'_>,
        out: &mut Outbox,
    ) {
        let Some((command, ies)) = request(frame) else {
            return;
        };
        let mut logins = self.logins.values_mut();
        if let Some(login) = logins.find(|login| login.is_with(source, frame.source)) {
            // A repeat: it is acknowledged again and means nothing more.
            login.reliable.receive(now, frame);
            login.reliable.settle(frame);
            return;
        }
        let who = ies.username().and_then(registrant_of);
        let Some(who) = who.filter(|_| frame.oseqno == SeqNo(0)) else {
            return;
        };
        let mood = self.mood_for(now, (source, frame.source), who, mind);
        let returned = ies.call_token().unwrap_or_default();
        if mood == Mood::Token && tokens_returned(frame.source, returned) == 0 {
            let token = token(frame.source, 1);
            let mut ies = IeBuffer::new();
            ies.push(InformationElement::CallToken(&token));
            let answer = stateless(frame, IaxCommand::CallToken, &ies);
            out.transmits.push((source, answer));
            return;
        }
        match mood {
            Mood::Silent => self.silent_until = Some(now + SILENCE),
            Mood::SilentLong => self.silent_until = Some(now + SILENCE_LONG),
            Mood::Move => self.go_elsewhere(out),
            Mood::Forget => self.forget(out),
            Mood::RefuseStateless => {
                let answer = stateless(frame, IaxCommand::RegRej, &refusal());
                out.transmits.push((source, answer));
            }
            _ => self.begin(now, source, frame, (who, mood, command), out),
        }
    }

    fn mood_for(
        &mut self,
        now: Instant,
        asker: (SocketAddr, CallNumber),
        who: Registrant,
        mind: &mut Mind<'_>,
    ) -> Mood {
        self.askers.retain(|_, (_, since)| now < *since + MEMORY);
        if mind.is_calm {
            let wants_token = who.1 % 2 == 1;
            return if wants_token {
                Mood::Token
            } else {
                Mood::Challenge
            };
        }
        if let Some((mood, _)) = self.askers.get(&asker) {
            return *mood;
        }
        let mood = self.decide(mind);
        self.askers.insert(asker, (mood, now));
        mood
    }

    fn decide(&mut self, mind: &mut Mind<'_>) -> Mood {
        let key = Key {
            domain: Domain::Registrar,
            who: 0,
            nth: self.requests,
        };
        self.requests += 1;
        let (rate, choices) = (u64::from(mind.permille), Mood::ALL.len() as u32);
        let chosen = mind.decisions.decide(key, choices, |bits| {
            let is_moody = bits % 1_000 < rate;
            u32::from(is_moody) * ((bits >> 32) as u32 % choices)
        });
        Mood::ALL[chosen as usize]
    }

    fn go_elsewhere(&mut self, out: &mut Outbox) {
        let port = self.address.port();
        self.address.set_port(port.wrapping_add(1).max(1_024));
        self.logins.clear();
        out.has_moved = true;
        out.goals.reach(Goal::RegistrarMoved);
    }

    fn forget(&mut self, out: &mut Outbox) {
        self.logins.clear();
        let granted = core::mem::take(&mut self.granted);
        out.granted
            .extend(granted.into_keys().map(|who| (who, None)));
    }

    /// Opens a dialogue for a request, and says what the mood wants.
    fn begin(
        &mut self,
        now: Instant,
        source: SocketAddr,
        frame: &FullFrame<'_>,
        (who, mood, command): (Registrant, Mood, IaxCommand),
        out: &mut Outbox,
    ) {
        let local = CallNumber::from_word(self.next_number);
        self.next_number = if self.next_number >= 30_000 {
            20_000
        } else {
            self.next_number + 1
        };
        let mut login = Login {
            from: source,
            who,
            mood,
            reliable: Reliable::new(local, frame.source, now),
            asks_again: mood == Mood::ChallengeTwice,
            is_over: false,
            ends_at: now + MEMORY,
        };
        login.reliable.receive(now, frame);
        match mood {
            Mood::Refuse => login.close(now, IaxCommand::RegRej, &refusal()),
            Mood::Unasked | Mood::Unsaid | Mood::Short => self.grant(now, &mut login, frame, out),
            Mood::AskPlaintext => login.challenge(now, AuthMethods::PLAINTEXT),
            Mood::AskAny => login.challenge(now, AuthMethods(3)),
            _ => login.challenge(now, AuthMethods::MD5),
        }
        debug_assert!(command.opens_dialogue(), "a request");
        login.reliable.settle(frame);
        self.logins.insert(local, login);
    }

    /// A frame of a dialogue came.
    fn handle_answer(
        &mut self,
        now: Instant,
        source: SocketAddr,
        frame: &FullFrame<'_>,
        out: &mut Outbox,
    ) {
        let is_its = |login: &Login| login.is_with(source, frame.source);
        if !self.logins.get(&frame.destination).is_some_and(is_its) {
            out.transmits
                .extend(inval(frame).map(|octets| (source, octets)));
            return;
        }
        let Some(mut login) = self.logins.remove(&frame.destination) else {
            return;
        };
        let receipt = login.reliable.receive(now, frame);
        if receipt.verdict == Verdict::InOrder && !login.is_over {
            self.judge(now, &mut login, frame, out);
        }
        login.reliable.settle(frame);
        let is_gone = receipt.finished || matches!(command_of(frame), Some(IaxCommand::Reject));
        login.drain(out);
        if !is_gone {
            self.logins.insert(frame.destination, login);
        }
    }

    /// The request came again with the answer to the challenge, or with something else.
    fn judge(&mut self, now: Instant, login: &mut Login, frame: &FullFrame<'_>, out: &mut Outbox) {
        let Some((_, ies)) = request(frame) else {
            return;
        };
        let expected = md5_result(CHALLENGE, &secret(login.who));
        let is_right = ies.md5_result() == Some(expected.as_bytes());
        match (is_right, login.mood) {
            (true, _) if login.asks_again => {
                login.asks_again = false;
                login.challenge(now, AuthMethods::MD5);
            }
            (true, Mood::RefuseAnswer) | (false, _) => {
                login.close(now, IaxCommand::RegRej, &refusal());
            }
            (true, _) => self.grant(now, login, frame, out),
        }
    }

    fn grant(&mut self, now: Instant, login: &mut Login, frame: &FullFrame<'_>, out: &mut Outbox) {
        let Some((command, ies)) = request(frame) else {
            return;
        };
        if command == IaxCommand::RegRel {
            self.granted.remove(&login.who);
            out.granted.push((login.who, None));
            out.goals.reach(Goal::RegistrantReleased);
            login.close(now, IaxCommand::RegAck, &IeBuffer::new());
            return;
        }
        let asked = ies
            .refresh()
            .map_or(GRANT, |it| Duration::from_secs(u64::from(it)));
        let period = match login.mood {
            Mood::Short => GRANT_SHORT,
            _ => asked.min(GRANT),
        };
        let mut ies = IeBuffer::new();
        if login.mood != Mood::Unsaid {
            ies.push(InformationElement::Refresh(period.as_secs() as u16));
        }
        let apparent = ApparentAddress(login.from);
        ies.push(InformationElement::ApparentAddr(apparent));
        self.granted.insert(login.who, now + period);
        out.granted.push((login.who, Some(now + period)));
        login.close(now, IaxCommand::RegAck, &ies);
    }

    /// When something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let logins = self.logins.values();
        let due = logins.flat_map(|login| [login.reliable.poll_timeout(), Some(login.ends_at)]);
        due.flatten().min()
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        self.logins.retain(|_, login| {
            let gave_up = matches!(login.reliable.handle_timeout(now), Timeout::GaveUp { .. });
            login.ends_at > now && !gave_up
        });
        self.flush(out);
    }

    fn flush(&mut self, out: &mut Outbox) {
        for login in self.logins.values_mut() {
            login.drain(out);
        }
    }
}

impl Login {
    fn is_with(&self, address: SocketAddr, number: CallNumber) -> bool {
        self.from == address && self.reliable.remote() == number
    }

    fn challenge(&mut self, now: Instant, methods: AuthMethods) {
        let name = username(self.who);
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::AuthMethods(methods));
        if methods != AuthMethods::PLAINTEXT {
            ies.push(InformationElement::Challenge(CHALLENGE));
        }
        ies.push(InformationElement::Username(name.as_bytes()));
        let sent = self.reliable.send(now, iax(IaxCommand::RegAuth, &ies));
        debug_assert!(sent.is_ok(), "a login sends little");
    }

    fn close(&mut self, now: Instant, command: IaxCommand, ies: &IeBuffer) {
        self.is_over = true;
        let sent = self.reliable.send_final(now, iax(command, ies));
        debug_assert!(sent.is_ok(), "a login sends little");
    }

    fn drain(&mut self, out: &mut Outbox) {
        while let Some(octets) = self.reliable.poll_transmit(Padding::default) {
            out.transmits.push((self.from, octets));
        }
    }
}

/// REGREQ or REGREL and its elements.
fn request<'a>(frame: &FullFrame<'a>) -> Option<(IaxCommand, InformationElements<'a>)> {
    match frame.body {
        Body::Iax {
            command: command @ (IaxCommand::RegReq | IaxCommand::RegRel),
            ies,
        } => Some((command, ies)),
        _ => None,
    }
}

const fn command_of(frame: &FullFrame<'_>) -> Option<IaxCommand> {
    match frame.body {
        Body::Iax { command, .. } => Some(command),
        _ => None,
    }
}

fn refusal() -> IeBuffer {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CauseCode(Cause::FACILITY_REJECTED));
    ies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back() {
        assert_eq!(registrant_of(username((1, 0)).as_bytes()), Some((1, 0)));
        assert_eq!(registrant_of(b"p1"), None);
        assert_eq!(registrant_of(b"r1"), None);
    }
}
