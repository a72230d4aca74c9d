//! What a client reads of datagrams that may be encrypted: its own keys open them, and those who look on read with them.

use std::borrow::Cow;

use iaxproof::engine::reliable::Reliable;
use iaxproof::wire::{Body, CallNumber, Frame, IaxCommand};

use super::cipher::Cipher;
use super::client::Client;

impl Client {
    /// The octets of a datagram as its dialogue reads them; `None` where they are nothing to it.
    pub(super) fn unseal<'a>(&mut self, datagram: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let clear = Some(Cow::Borrowed(datagram));
        let Some((source, destination)) = numbers_of(datagram) else {
            return clear;
        };
        let local = destination.or_else(|| {
            let mut dialogues = self.dialogues.values().map(|dialogue| &dialogue.reliable);
            let its = dialogues.find(|reliable| reliable.remote() == source);
            its.map(Reliable::local)
        });
        let cipher = local.and_then(|local| self.ciphers.get_mut(&local));
        let Some(cipher) = cipher else {
            return clear;
        };
        if let Some(opened) = cipher.open(datagram) {
            cipher.is_on = true;
            return Some(Cow::Owned(opened));
        }
        match Frame::parse(datagram) {
            Ok(Frame::Full(frame)) if !cipher.is_on || may_be_clear(&frame.body) => clear,
            _ => None,
        }
    }

    /// What a datagram between the client and its server says, for those who look on.
    pub(crate) fn opened(&self, is_ours: bool, datagram: &[u8]) -> Option<Vec<u8>> {
        if self.ciphers.is_empty() {
            return None;
        }
        let (source, destination) = numbers_of(datagram)?;
        let cipher: &Cipher = match destination {
            _ if is_ours => self.ciphers.get(&source)?,
            Some(destination) => self.ciphers.get(&destination)?,
            // Of those that had this number the last.
            None => self
                .ciphers
                .values()
                .rfind(|cipher| cipher.remote == source)?,
        };
        match is_ours {
            true => cipher.open_ours(datagram),
            false => cipher.open(datagram),
        }
    }
}

/// What may come in clear in an encrypted call: the challenge again, and what the other side says that has no key.
const fn may_be_clear(body: &Body<'_>) -> bool {
    use IaxCommand::{Ack, AuthReq, Inval, Reject, Vnak};
    matches!(
        body,
        Body::Iax {
            command: Ack | AuthReq | Inval | Reject | Vnak,
            ..
        }
    )
}

/// Source and destination of a full frame, the source alone of a mini frame; they are never sealed.
fn numbers_of(datagram: &[u8]) -> Option<(CallNumber, Option<CallNumber>)> {
    let number = |at: usize| {
        let octets = datagram.get(at..at + 2)?;
        let word = u16::from_be_bytes(octets.try_into().ok()?);
        Some(CallNumber::from_word(word & 0x7fff))
    };
    let is_full = datagram.first()? & 0x80 != 0;
    let destination = if is_full { Some(number(2)?) } else { None };
    Some((number(0)?, destination))
}
