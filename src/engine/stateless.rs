//! Replies that keep no state: to POKE, to openers that have not proved their address, and to frames of no dialogue. Each is
//! made of the header of the frame that it answers and of nothing else, and has at most three times its octets.

use crate::wire::{
    Body, CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement, InformationElements,
    SeqNo, Timestamp,
};

/// PONG to a POKE, and the early REJECT and REGREJ (chan_iax2: source 1, the time-stamp echoed, no elements).
pub(super) fn reply(to: &FullFrame<'_>, command: IaxCommand) -> Vec<u8> {
    encode(to, command, InformationElements::EMPTY)
}

/// CALLTOKEN with a token for the sender of the opener.
pub(super) fn call_token(to: &FullFrame<'_>, token: &[u8]) -> Vec<u8> {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::CallToken(token));
    encode(to, IaxCommand::CallToken, ies.view())
}

/// INVAL: the numbers of the offending frame changed over, all else zero (chan_iax2).
pub(super) fn inval(to: &FullFrame<'_>) -> Vec<u8> {
    let body = Body::Iax {
        command: IaxCommand::Inval,
        ies: InformationElements::EMPTY,
    };
    octets(&FullFrame {
        source: to.destination,
        destination: to.source,
        retransmission: false,
        timestamp: Timestamp(0),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body,
    })
}

fn encode(to: &FullFrame<'_>, command: IaxCommand, ies: InformationElements<'_>) -> Vec<u8> {
    octets(&FullFrame {
        source: CallNumber::STATELESS,
        destination: to.source,
        retransmission: false,
        timestamp: to.timestamp,
        oseqno: SeqNo(0),
        iseqno: to.iseqno.next(),
        body: Body::Iax { command, ies },
    })
}

fn octets(frame: &FullFrame<'_>) -> Vec<u8> {
    let mut octets = Vec::with_capacity(frame.encoded_len());
    frame.encode(&mut octets);
    octets
}

/// The refusal that an opener gets before there is a dialogue, and without any (X-TOK-6): REGREJ to registrations, REJECT to calls.
pub(super) const fn refusal(opener: IaxCommand) -> IaxCommand {
    match opener {
        IaxCommand::RegReq | IaxCommand::RegRel => IaxCommand::RegRej,
        _ => IaxCommand::Reject,
    }
}
