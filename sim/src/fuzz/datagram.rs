//! Datagrams from fields: what a fuzzer cannot guess - tokens, challenges, call numbers - is taken from what the
//! endpoint sent to that address.

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::settings::Secret;
use iaxproof::wire::{
    AuthMethods, Body, CallNumber, Cause, Control, Digit, Format, FormatSet, Frame, FullFrame,
    IaxCommand, IeBuffer, InformationElement, MiniFrame, SeqNo, Timestamp,
};

use super::step::Fields;
use crate::accounts;

/// USERNAME: `value` modulo 5; 4 is nobody's.
pub const USERNAME: u16 = 1;
/// An empty CALLTOKEN.
pub const TOKEN_EMPTY: u16 = 1 << 1;
/// The CALLTOKEN that was last given to this address.
pub const TOKEN: u16 = 1 << 2;
/// A CALLTOKEN that nobody gave.
pub const TOKEN_FORGED: u16 = 1 << 3;
/// MD5 RESULT of the last challenge with the secret of account `value`.
pub const RESULT: u16 = 1 << 4;
/// MD5 RESULT of nothing.
pub const RESULT_WRONG: u16 = 1 << 5;
/// REFRESH of `value` seconds.
pub const REFRESH: u16 = 1 << 6;
/// VERSION 2.
pub const VERSION: u16 = 1 << 7;
/// VERSION 9.
pub const VERSION_WRONG: u16 = 1 << 8;
/// CAPABILITY and FORMAT µ-law.
pub const FORMATS: u16 = 1 << 9;
/// CAPABILITY and FORMAT GSM, which no account has.
pub const FORMATS_WRONG: u16 = 1 << 10;
/// CALLED NUMBER.
pub const CALLED: u16 = 1 << 11;
/// CAUSECODE of `value`.
pub const CAUSE: u16 = 1 << 12;
/// An element of unknown code `value`, with content.
pub const UNKNOWN: u16 = 1 << 13;
/// AUTHMETHODS `value` and a CHALLENGE: what a called side asks for.
pub const CHALLENGE: u16 = 1 << 14;
/// A CALLTOKEN of its own, another for each `value`: what a called side gives.
pub const TOKEN_OWN: u16 = 1 << 15;

/// Frame types of [`Fields::kind`], modulo 6; the last is any type and subclass at all.
const IAX: u8 = 0;
const VOICE: u8 = 1;
const CONTROL: u8 = 2;
const TEXT: u8 = 3;
const DIGIT: u8 = 4;
const KINDS: u8 = 6;

/// What the endpoint told one address.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    token: Vec<u8>,
    challenge: Vec<u8>,
    number: CallNumber,
}

impl Memory {
    /// Remembers what a later frame may need.
    pub(super) fn note(&mut self, frame: &Frame<'_>) {
        let Frame::Full(frame) = frame else {
            return;
        };
        if frame.source != CallNumber::STATELESS {
            self.number = frame.source;
        }
        if let Body::Iax { ies, .. } = frame.body {
            self.token = ies
                .call_token()
                .map_or(core::mem::take(&mut self.token), <[u8]>::to_vec);
            let challenge = ies.challenge().map(<[u8]>::to_vec);
            self.challenge = challenge.unwrap_or(core::mem::take(&mut self.challenge));
        }
    }
}

/// The datagram of these fields.
pub(super) fn build(fields: &Fields, memory: &Memory) -> Vec<u8> {
    let data = vec![0x55; usize::from(fields.value)];
    let ies = elements(fields, memory);
    let body = body(fields, &data, &ies);
    let destination = match fields.destination {
        1 => memory.number,
        number => CallNumber::from_word(u16::from(number)),
    };
    let frame = FullFrame {
        source: CallNumber::from_word(u16::from(fields.source)),
        destination,
        retransmission: fields.timestamp % 7 == 6,
        timestamp: Timestamp(u32::from(fields.timestamp)),
        oseqno: SeqNo(fields.oseqno),
        iseqno: SeqNo(fields.iseqno),
        body,
    };
    let mut octets = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut octets);
    octets
}

fn body<'a>(fields: &Fields, data: &'a [u8], ies: &'a IeBuffer) -> Body<'a> {
    match fields.kind % KINDS {
        IAX => Body::Iax {
            command: IaxCommand::from_octet(fields.subclass % 0x2c),
            ies: ies.view(),
        },
        VOICE => Body::Voice {
            format: Format::ULAW,
            data,
        },
        CONTROL => Body::Control {
            control: Control::from_octet(fields.subclass),
            data: &[],
        },
        TEXT => Body::Text(data),
        DIGIT => Digit::new(fields.subclass).map_or(Body::Null, Body::DtmfEnd),
        _ => Body::from_parts(fields.value % 16, fields.subclass, data).unwrap_or(Body::Null),
    }
}

fn elements(fields: &Fields, memory: &Memory) -> IeBuffer {
    let mut ies = IeBuffer::new();
    let has = |bit| fields.ies & bit != 0;
    let mut push = |bit, ie: InformationElement<'_>| {
        if has(bit) {
            ies.push(ie);
        }
    };
    let (name, secret) = (
        accounts::name(fields.value % 5),
        Secret::new(&accounts::secret(fields.value % 5)),
    );
    let formats = |format| FormatSet::from(format).0 as u32;
    push(VERSION, InformationElement::Version(2));
    push(VERSION_WRONG, InformationElement::Version(9));
    push(CALLED, InformationElement::CalledNumber(b"echo"));
    push(USERNAME, InformationElement::Username(name.as_bytes()));
    push(
        FORMATS,
        InformationElement::Capability(formats(Format::ULAW)),
    );
    push(FORMATS, InformationElement::Format(formats(Format::ULAW)));
    push(
        FORMATS_WRONG,
        InformationElement::Capability(formats(Format::GSM)),
    );
    push(
        FORMATS_WRONG,
        InformationElement::Format(formats(Format::GSM)),
    );
    push(
        REFRESH,
        InformationElement::Refresh(u16::from(fields.value)),
    );
    push(
        RESULT,
        InformationElement::Md5Result(&md5_result(&memory.challenge, &secret)),
    );
    push(RESULT_WRONG, InformationElement::Md5Result(&[b'0'; 32]));
    push(CAUSE, InformationElement::CauseCode(Cause(fields.value)));
    let unknown = InformationElement::Unknown {
        code: fields.value,
        data: b"content",
    };
    push(UNKNOWN, unknown);
    let methods = AuthMethods(u16::from(fields.value));
    push(CHALLENGE, InformationElement::AuthMethods(methods));
    push(CHALLENGE, InformationElement::Challenge(b"314159265"));
    let own = [fields.value; 8];
    push(TOKEN_OWN, InformationElement::CallToken(&own));
    push(TOKEN_EMPTY, InformationElement::CallToken(b""));
    push(TOKEN, InformationElement::CallToken(&memory.token));
    push(TOKEN_FORGED, InformationElement::CallToken(b"0?forged"));
    ies
}

/// A mini frame.
pub(super) fn mini(source: u8, timestamp: u16, len: u8) -> Vec<u8> {
    let data = vec![0x55; usize::from(len)];
    let mut octets = Vec::new();
    if let Some(frame) = MiniFrame::new(CallNumber::from_word(u16::from(source)), timestamp, &data)
    {
        frame.encode(&mut octets);
    }
    octets
}
