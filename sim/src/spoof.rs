//! Openers from addresses that nobody has: what a server answers to them goes to nobody, and must stay small.

use iaxproof::wire::{
    Body, CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo, Timestamp,
};

/// An opener of one of six kinds: NEW, REGREQ or POKE, with an empty, a forged or no token.
pub(crate) fn opener(kind: u8, name: &str, nth: u16) -> Vec<u8> {
    let command = match kind % 3 {
        0 => IaxCommand::New,
        1 => IaxCommand::RegReq,
        _ => IaxCommand::Poke,
    };
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Username(name.as_bytes()));
    match kind / 3 {
        0 => drop(ies.push(InformationElement::CallToken(b""))),
        1 => drop(ies.push(InformationElement::CallToken(b"0?forged"))),
        _ => {}
    }
    let frame = FullFrame {
        source: CallNumber::from_word(100 + nth % 1_000),
        destination: CallNumber::ZERO,
        retransmission: false,
        timestamp: Timestamp(1),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command,
            ies: ies.view(),
        },
    };
    let mut octets = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut octets);
    octets
}
