//! One stranger: what they have seen at their address, and the frames that they make of it. Who comes in the name of somebody else has
//! seen nothing, and names no call number of the server's.

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::settings::Secret;
use iaxproof::wire::{
    Body, CallNumber, Format, FormatSet, FullFrame, IaxCommand, IeBuffer, InformationElement,
    SeqNo, Timestamp,
};

use super::step::Step;
use super::town::{ACCOUNTS, Whose};

/// What a token is taken for, modulo its choices.
const TOKENS: u8 = 4;
/// What a secret is, modulo its choices.
const SECRETS: u8 = 3;
const RIGHT: u8 = 2;

/// One stranger, with the dialogue that was opened last.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    whose: Whose,
    name: String,
    command: IaxCommand,
    source: CallNumber,
    remote: CallNumber,
    oseqno: SeqNo,
    iseqno: SeqNo,
    last_heard: Timestamp,
    challenge: Vec<u8>,
    token: Vec<u8>,
    /// Whether the right secret was shown in the dialogue.
    pub(super) has_proved: bool,
}

impl Default for Caller {
    fn default() -> Self {
        Caller {
            whose: Whose::Nameless,
            name: String::new(),
            command: IaxCommand::New,
            source: CallNumber::ZERO,
            remote: CallNumber::ZERO,
            oseqno: SeqNo(0),
            iseqno: SeqNo(0),
            last_heard: Timestamp(0),
            challenge: Vec::new(),
            token: Vec::new(),
            has_proved: false,
        }
    }
}

impl Caller {
    pub(super) const fn whose(&self) -> Whose {
        self.whose
    }

    pub(super) const fn source(&self) -> CallNumber {
        self.source
    }

    /// Whether a proof is wanted in the dialogue.
    pub(super) const fn is_challenged(&self) -> bool {
        !self.challenge.is_empty()
    }

    /// Remembers what a later frame may need.
    pub(super) fn hear(&mut self, frame: &FullFrame<'_>) {
        if let Body::Iax { ies, .. } = frame.body {
            if let Some(token) = ies.call_token() {
                self.token = token.to_vec();
            }
            if frame.destination == self.source
                && let Some(challenge) = ies.challenge()
            {
                self.challenge = challenge.to_vec();
            }
        }
        if frame.destination == self.source && frame.source > CallNumber::STATELESS {
            self.remote = frame.source;
            self.last_heard = frame.timestamp;
            if frame.body.consumes_sequence_number() && frame.oseqno == self.iseqno {
                self.iseqno = self.iseqno.next();
            }
        }
    }

    /// A request of a dialogue of its own: its `nth` in all.
    pub(super) fn open(&mut self, command: IaxCommand, step: &Step, nth: u16) -> Vec<u8> {
        let whose = Whose::of(step.name);
        *self = Caller {
            whose,
            name: name(whose, nth),
            command,
            source: CallNumber::from_word(2 + nth),
            token: core::mem::take(&mut self.token),
            ..Caller::default()
        };
        let mut ies = IeBuffer::new();
        if command == IaxCommand::New {
            let formats = FormatSet::from(Format::ULAW).0 as u32;
            ies.push(InformationElement::Version(2))
                .push(InformationElement::CalledNumber(b"echo"))
                .push(InformationElement::Capability(formats))
                .push(InformationElement::Format(formats));
        }
        if !self.name.is_empty() {
            ies.push(InformationElement::Username(self.name.as_bytes()));
        }
        match step.token % TOKENS {
            0 => {}
            1 => drop(ies.push(InformationElement::CallToken(b""))),
            2 => drop(ies.push(InformationElement::CallToken(b"0?forged"))),
            _ => drop(ies.push(InformationElement::CallToken(&self.token))),
        }
        self.iax(command, &ies)
    }

    /// What is to prove the secret of the dialogue. Whoever `knows` none has a wrong one.
    pub(super) fn prove(&mut self, secret: u8, knows: bool) -> Vec<u8> {
        let right = match self.whose {
            Whose::Account(nth) if knows && secret % SECRETS == RIGHT => ACCOUNTS.get(nth),
            _ => None,
        };
        let shown = right.map_or_else(|| Secret::new("wrong"), |account| account.secret());
        self.has_proved = right.is_some() && !self.challenge.is_empty();
        let mut ies = IeBuffer::new();
        let command = match self.command {
            IaxCommand::New => IaxCommand::AuthRep,
            command => {
                ies.push(InformationElement::Username(self.name.as_bytes()))
                    .push(InformationElement::Refresh(60));
                command
            }
        };
        if !secret.is_multiple_of(SECRETS) {
            let result = md5_result(&self.challenge, &shown);
            ies.push(InformationElement::Md5Result(&result));
        }
        self.iax(command, &ies)
    }

    pub(super) fn say(&mut self, command: IaxCommand) -> Vec<u8> {
        self.iax(command, &IeBuffer::new())
    }

    pub(super) fn speak(&mut self) -> Vec<u8> {
        let data = [0x55; 160];
        self.full(Body::Voice {
            format: Format::ULAW,
            data: &data,
        })
    }

    pub(super) fn iax(&mut self, command: IaxCommand, ies: &IeBuffer) -> Vec<u8> {
        self.full(Body::Iax {
            command,
            ies: ies.view(),
        })
    }

    fn full(&mut self, body: Body<'_>) -> Vec<u8> {
        let is_ack = matches!(
            body,
            Body::Iax {
                command: IaxCommand::Ack,
                ..
            }
        );
        let frame = FullFrame {
            source: self.source,
            destination: self.remote,
            retransmission: false,
            timestamp: match is_ack {
                true => self.last_heard,
                false => Timestamp(u32::from(self.oseqno.0) * 20 + 3),
            },
            oseqno: self.oseqno,
            iseqno: self.iseqno,
            body,
        };
        if body.consumes_sequence_number() {
            self.oseqno = self.oseqno.next();
        }
        let mut octets = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut octets);
        octets
    }
}

/// The name in the `nth` dialogue.
fn name(whose: Whose, nth: u16) -> String {
    match whose {
        Whose::Account(place) => ACCOUNTS[place].name.to_owned(),
        Whose::Nobody => format!("nobody-{nth}"),
        Whose::Nameless => String::new(),
    }
}
