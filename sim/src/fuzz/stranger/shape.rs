//! How an answer looks to somebody who does not know what is random in it.

use core::fmt::Write;
use core::net::SocketAddr;

use iaxproof::time::Instant;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IeCode};

/// The elements of which the length alone counts: their contents are drawn.
const DRAWN: [IeCode; 2] = [IeCode::Challenge, IeCode::CallToken];

/// When the datagram leaves, where it goes to and all that it says.
pub(super) fn of(now: Instant, destination: SocketAddr, frame: &Frame<'_>) -> String {
    let mut shape = format!("{now} to {destination}: ");
    match frame {
        Frame::Full(frame) => full(&mut shape, frame),
        other => shape += &other.to_string(),
    }
    shape
}

fn full(shape: &mut String, frame: &FullFrame<'_>) {
    let is_stateless = frame.source == CallNumber::STATELESS;
    let numbers = (is_stateless, frame.destination.get());
    let order = (frame.oseqno.0, frame.iseqno.0, frame.retransmission);
    let at = frame.timestamp.0;
    match frame.body {
        Body::Iax { command, ies } => {
            // Writing to a string cannot fail.
            let _ = write!(shape, "{command} {numbers:?} {order:?} at {at}");
            elements(shape, ies.octets());
        }
        body => {
            let _ = write!(shape, "{body} {numbers:?} {order:?} at {at}");
        }
    }
}

fn elements(shape: &mut String, mut octets: &[u8]) {
    while let [code, len, rest @ ..] = octets {
        let (content, others) = rest.split_at(usize::from(*len).min(rest.len()));
        let _ = write!(shape, " {code}:{len}");
        if !DRAWN.iter().any(|drawn| *drawn as u8 == *code) {
            let _ = write!(shape, "={content:02x?}");
        }
        octets = others;
    }
}
