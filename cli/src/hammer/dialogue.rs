//! One registration: REGREQ, CALLTOKEN where the server wants one, REGAUTH, REGREQ with the result, REGACK, ACK (RFC 5456 §6.1).
//!
//! A state machine of its own over the engine's [`Reliable`], and not a registrant of an endpoint: a registrant renews itself,
//! begins again after each refusal, and does not say why it was refused; and each of 20,000 sockets would need an endpoint
//! with a pool of call numbers.
//!
//! ```text
//! RegSent --REGAUTH--> AuthSent --REGACK--> granted
//!     \___________________\_____REGREJ, INVAL, silence--> refused
//! ```

use core::time::Duration;

use iaxproof::engine::auth::{Response, answer_to_challenge};
use iaxproof::engine::reliable::verdict::Verdict;
use iaxproof::engine::reliable::{Reliable, Timeout};
use iaxproof::engine::settings::Encryption;
use iaxproof::time::Instant;
use iaxproof::wire::{
    AuthMethods, Body, CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements, Timestamp,
};

use super::identity;

/// The period that is asked for, in seconds: longer than the experiment.
const REFRESH: u16 = 3_600;
/// How long a registration may take: a server that acknowledges and then says nothing is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many call tokens one request is sent with.
const TOKENS_MAX: u8 = 4;
/// How old a token may be when it is sent again: less than the shortest life that Asterisk gives it.
const TOKEN_TRUST: Duration = Duration::from_secs(8);
/// Characters of a text of the server that are shown.
const TEXT_MAX: usize = 40;

/// A registration that is under way.
#[derive(Debug)]
pub(super) struct Dialogue {
    reliable: Reliable,
    peer: u32,
    state: State,
    began: Instant,
    tokens: u8,
    token_came_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// REGREQ is out, without a result.
    RegSent,
    /// The challenge is answered.
    AuthSent,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// REGACK.
    Granted {
        /// Whether the server asked for a proof.
        was_challenged: bool,
    },
    /// Not granted, and why.
    Refused(String),
}

impl Dialogue {
    /// Asks for the registration of this peer.
    pub(super) fn begin(now: Instant, local: CallNumber, peer: u32) -> Self {
        let mut dialogue = Dialogue {
            reliable: Reliable::new(local, CallNumber::ZERO, now),
            peer,
            state: State::RegSent,
            began: now,
            tokens: 0,
            token_came_at: None,
        };
        dialogue.ask(now, &[]);
        dialogue
    }

    /// When it began.
    pub(super) const fn began(&self) -> Instant {
        self.began
    }

    fn elements(&self) -> IeBuffer {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Username(
            identity::name(self.peer).as_bytes(),
        ))
        .push(InformationElement::Refresh(REFRESH));
        ies
    }

    fn ask(&mut self, now: Instant, token: &[u8]) {
        let mut ies = self.elements();
        ies.push(InformationElement::CallToken(token));
        self.send(now, IaxCommand::RegReq, &ies);
    }

    fn send(&mut self, now: Instant, command: IaxCommand, ies: &IeBuffer) {
        let ies = ies.view();
        // Two frames never fill the queue.
        let _sent = self.reliable.send(now, Body::Iax { command, ies });
    }

    /// A frame of this dialogue, and the end of it where it was the last.
    pub(super) fn receive(&mut self, now: Instant, frame: &FullFrame<'_>) -> Option<Outcome> {
        let Body::Iax { command, ies } = frame.body else {
            return None;
        };
        let is_unknown = self.reliable.remote() == CallNumber::ZERO;
        match command {
            IaxCommand::CallToken => {
                self.take_token(now, ies.call_token().unwrap_or_default());
                return None;
            }
            // Who keeps no state says no sequence number either (X-TOK-14).
            _ if is_unknown && frame.source == CallNumber::STATELESS => {
                self.reliable.acknowledge(frame);
                return refusal(command, ies, " before a dialogue");
            }
            _ => {}
        }
        let verdict = self.reliable.receive(now, frame).verdict;
        let taken = verdict.is_taken().then_some(());
        let outcome = taken.and_then(|()| self.dispatch(now, command, ies, frame.timestamp));
        if verdict == Verdict::InOrder {
            self.reliable.settle(frame);
        }
        outcome
    }

    fn dispatch(
        &mut self,
        now: Instant,
        command: IaxCommand,
        ies: InformationElements<'_>,
        timestamp: Timestamp,
    ) -> Option<Outcome> {
        match command {
            IaxCommand::RegAuth if self.state == State::RegSent => self.answer(now, ies),
            IaxCommand::RegAck => Some(Outcome::Granted {
                was_challenged: self.state == State::AuthSent,
            }),
            IaxCommand::Ping => self.echo(now, IaxCommand::Pong, timestamp),
            IaxCommand::LagRq => self.echo(now, IaxCommand::LagRp, timestamp),
            command => refusal(command, ies, ""),
        }
    }

    fn answer(&mut self, now: Instant, challenge: InformationElements<'_>) -> Option<Outcome> {
        let secrets = [identity::secret(self.peer)];
        match answer_to_challenge(AuthMethods::MD5, &secrets, Encryption::Off, challenge) {
            Response::Md5(result) => {
                self.state = State::AuthSent;
                let mut ies = self.elements();
                ies.push(InformationElement::Md5Result(&result));
                self.send(now, IaxCommand::RegReq, &ies);
                None
            }
            _ => Some(Outcome::Refused("REGAUTH that offers no MD5".to_owned())),
        }
    }

    fn echo(&mut self, now: Instant, command: IaxCommand, of: Timestamp) -> Option<Outcome> {
        let ies = InformationElements::EMPTY;
        let body = Body::Iax { command, ies };
        let _sent = self.reliable.send_stamped(now, of, body);
        None
    }

    /// The request again from the start, with the token (X-TOK-2).
    fn take_token(&mut self, now: Instant, token: &[u8]) {
        let is_asked = self.reliable.remote() == CallNumber::ZERO && self.tokens < TOKENS_MAX;
        if is_asked && !token.is_empty() {
            self.tokens += 1;
            self.token_came_at = Some(now);
            self.reliable.restart();
            self.ask(now, token);
        }
    }

    /// When [`fire`](Dialogue::fire) wants to be called.
    pub(super) fn due(&self) -> Instant {
        let end = self.began + PATIENCE;
        self.reliable.poll_timeout().map_or(end, |at| at.min(end))
    }

    /// It is due: sends again, or gives up.
    pub(super) fn fire(&mut self, now: Instant) -> Option<Outcome> {
        if now >= self.began + PATIENCE {
            return Some(self.silence());
        }
        if self.outgrew_its_token(now) {
            self.reliable.restart();
            self.ask(now, &[]);
            return None;
        }
        match self.reliable.handle_timeout(now) {
            Timeout::GaveUp { .. } => Some(self.silence()),
            Timeout::Waiting => None,
        }
    }

    fn outgrew_its_token(&mut self, now: Instant) -> bool {
        let is_old = |at: &mut Instant| now >= *at + TOKEN_TRUST;
        self.reliable.remote() == CallNumber::ZERO && self.token_came_at.take_if(is_old).is_some()
    }

    fn silence(&self) -> Outcome {
        Outcome::Refused(match self.state {
            State::RegSent if self.tokens > 0 => "no answer after CALLTOKEN".to_owned(),
            State::RegSent => "no answer".to_owned(),
            State::AuthSent => "no answer after REGAUTH".to_owned(),
        })
    }

    /// The next datagram to send, and whether it was sent before.
    pub(super) fn poll_transmit(&mut self) -> Option<(Vec<u8>, bool)> {
        // Nothing is encrypted, so the padding is never used.
        let octets = self.reliable.poll_transmit(|| [0; 32])?;
        let is_repeated = octets.get(2).is_some_and(|octet| octet & 0x80 != 0);
        Some((octets, is_repeated))
    }
}

/// What refuses a registration, in words: the frame, its cause, and what the server says of it.
fn refusal(command: IaxCommand, ies: InformationElements<'_>, when: &str) -> Option<Outcome> {
    use IaxCommand::{Hangup, Inval, RegRej, Reject};
    if !matches!(command, Hangup | Inval | RegRej | Reject) {
        return None;
    }
    let code = ies.cause_code().map(|cause| format!(", cause {}", cause.0));
    let text = ies.cause().map(|text| {
        let text = String::from_utf8_lossy(text);
        let shown: String = text.chars().take(TEXT_MAX).collect();
        format!(", {:?}", shown)
    });
    let (code, text) = (code.unwrap_or_default(), text.unwrap_or_default());
    Some(Outcome::Refused(format!("{command}{when}{code}{text}")))
}

/// The ACK to the last frame of a dialogue that is over here: our first one was lost.
pub(super) fn farewell(frame: &FullFrame<'_>) -> Option<Vec<u8>> {
    use IaxCommand::{Hangup, RegAck, RegRej, Reject};
    let Body::Iax {
        command: RegAck | RegRej | Reject | Hangup,
        ..
    } = frame.body
    else {
        return None;
    };
    let ack = FullFrame {
        source: frame.destination,
        destination: frame.source,
        retransmission: false,
        timestamp: frame.timestamp,
        oseqno: frame.iseqno,
        iseqno: frame.oseqno.next(),
        body: Body::Iax {
            command: IaxCommand::Ack,
            ies: InformationElements::EMPTY,
        },
    };
    let mut octets = Vec::with_capacity(ack.encoded_len());
    ack.encode(&mut octets);
    Some(octets)
}

#[cfg(test)]
mod tests {
    use iaxproof::wire::{Cause, SeqNo};

    use super::*;

    const START: Instant = Instant::from_secs(9);

    fn begun() -> Dialogue {
        Dialogue::begin(START, CallNumber::from_word(2), 7)
    }

    /// A frame of the server's, from this call number.
    fn frame(source: u16, command: IaxCommand, ies: &IeBuffer) -> FullFrame<'_> {
        FullFrame {
            source: CallNumber::from_word(source),
            destination: CallNumber::from_word(2),
            retransmission: false,
            timestamp: Timestamp(5),
            oseqno: SeqNo(0),
            iseqno: SeqNo(1),
            body: Body::Iax {
                command,
                ies: ies.view(),
            },
        }
    }

    /// The token of the REGREQ that goes out, and whether it went out before.
    fn asked(dialogue: &mut Dialogue) -> (Vec<u8>, bool) {
        let (octets, is_repeated) = dialogue.poll_transmit().unwrap();
        let Body::Iax { ies, .. } = FullFrame::parse(&octets).unwrap().body else {
            panic!("{octets:?}");
        };
        assert_eq!(ies.username(), Some(&b"hammer-00007"[..]));
        (ies.call_token().unwrap().to_vec(), is_repeated)
    }

    #[test]
    fn a_request_that_nobody_answers_is_repeated_and_given_up() {
        let mut dialogue = begun();
        let (mut repeated, mut end) = (Vec::new(), None);
        while end.is_none() {
            repeated.push(asked(&mut dialogue).1);
            end = dialogue.fire(dialogue.due());
        }
        assert_eq!(repeated, [false, true, true, true]);
        assert_eq!(end, Some(Outcome::Refused("no answer".to_owned())));
    }

    #[test]
    fn a_token_is_given_back_and_not_when_it_is_too_old() {
        let mut dialogue = begun();
        assert_eq!(asked(&mut dialogue), (Vec::new(), false));
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::CallToken(b"token"));
        let wanted = frame(1, IaxCommand::CallToken, &ies);
        assert_eq!(dialogue.receive(START, &wanted), None);
        assert_eq!(asked(&mut dialogue), (b"token".to_vec(), false));
        assert_eq!(dialogue.fire(dialogue.due()), None);
        assert_eq!(asked(&mut dialogue), (b"token".to_vec(), true));
        assert_eq!(dialogue.fire(dialogue.due()), None);
        assert_eq!(asked(&mut dialogue), (Vec::new(), false));
    }

    #[test]
    fn who_acknowledges_and_says_no_more_is_not_waited_for_longer_than_a_minute() {
        let mut dialogue = begun();
        let nothing = IeBuffer::new();
        let ack = frame(9, IaxCommand::Ack, &nothing);
        assert_eq!(dialogue.receive(START, &ack), None);
        assert_eq!(dialogue.due(), START + PATIENCE);
        assert!(dialogue.fire(dialogue.due()).is_some());
    }

    #[test]
    fn refusals_say_which_frame_and_why() {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Cause(b"No\x1b[2J"))
            .push(InformationElement::CauseCode(Cause::FACILITY_REJECTED));
        let said = |source, command, ies: &IeBuffer| match begun()
            .receive(START, &frame(source, command, ies))
        {
            Some(Outcome::Refused(why)) => why,
            other => panic!("{other:?}"),
        };
        let refused = said(9, IaxCommand::RegRej, &ies);
        assert_eq!(refused, r#"REGREJ, cause 29, "No\u{1b}[2J""#);
        let early = said(1, IaxCommand::RegRej, &IeBuffer::new());
        assert_eq!(early, "REGREJ before a dialogue");
        assert_eq!(said(9, IaxCommand::Inval, &IeBuffer::new()), "INVAL");
    }

    #[test]
    fn last_words_that_come_again_are_acknowledged_again() {
        let nothing = IeBuffer::new();
        let again = farewell(&frame(9, IaxCommand::RegAck, &nothing)).unwrap();
        let ack = FullFrame::parse(&again).unwrap();
        assert_eq!((ack.source.get(), ack.destination.get()), (2, 9));
        assert_eq!((ack.oseqno, ack.iseqno), (SeqNo(1), SeqNo(1)));
        assert_eq!(ack.timestamp, Timestamp(5));
        assert_eq!(farewell(&frame(9, IaxCommand::Ping, &nothing)), None);
    }
}
