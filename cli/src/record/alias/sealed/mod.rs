//! Which calls are encrypted, and whose a datagram is: as the frames themselves say. An AUTHREQ of ours with ENCRYPTION offers a key for each secret
//! of the name; an AUTHREP proves one of them, and the first frame that we send under that says that it was taken. An AUTHREQ with ENCRYPTION that comes is answered by
//! an AUTHREP of ours, under a key that is then looked for among all secrets. What a key does with a datagram: [`keys`](super::keys).
//!
//! Nothing says that a call has ended. Until its numbers are another's, what still comes for it is changed as before: it is nothing
//! to anybody then, and remains that.
//!
//! # Left to chance
//!
//! What comes for an encrypted call when its number is another call's already is recorded as it came: a mini frame for the other side's next call, in
//! clear and under the same number, is audio to that; a full frame for a number of ours that another address has is nothing to anybody, but its
//! octets were sealed with the true key.

#[cfg(test)]
mod tests;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;

use iaxproof::engine::cipher::is_sealed;
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, EncryptionMethods, FullFrame, Head, IaxCommand, InformationElements,
    Timestamp,
};

use super::keys::{Keys, Pair};
use super::secrets::Secrets;
use super::tokens::Tokens;

/// The other side of a dialogue: its address and its call number.
type Theirs = (SocketAddr, CallNumber);

/// The encrypted calls by our call number, at most one for each.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    calls: BTreeMap<CallNumber, Call>,
    /// Whose mini frames from there are.
    media: BTreeMap<Theirs, CallNumber>,
    /// Challenges that were put to us with ENCRYPTION and are not answered yet.
    granted: BTreeMap<CallNumber, Vec<u8>>,
    /// Keys that RTKEYs brought.
    rotations: u64,
}

struct Call {
    theirs: Theirs,
    challenge: Vec<u8>,
    keys: Keys,
}

impl core::fmt::Debug for Call {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Call { theirs, keys, .. } = self;
        write!(f, "Call({theirs:?}, {keys:?})")
    }
}

impl Sealed {
    /// What takes the place of a datagram that came; `None` where it is in clear.
    pub(super) fn came(
        &mut self,
        (now, remote): (Instant, SocketAddr),
        octets: &[u8],
        tokens: &Tokens,
    ) -> Option<Vec<u8>> {
        match Head::peek(octets)? {
            Head::Mini { source } => {
                let local = self.media.get(&(remote, source))?;
                Some(self.calls.get(local)?.keys.media_came(octets))
            }
            Head::Full {
                source,
                destination,
            } => {
                let theirs = (remote, source);
                let sealed = self.full_came(now, theirs, destination, octets, tokens);
                if sealed.is_none() {
                    self.note_grant(destination, octets);
                }
                sealed
            }
        }
    }

    fn full_came(
        &mut self,
        now: Instant,
        theirs: Theirs,
        local: CallNumber,
        octets: &[u8],
        tokens: &Tokens,
    ) -> Option<Vec<u8>> {
        if let Some(call) = call_of(&mut self.calls, local, theirs) {
            return call.keys.came(now, octets, tokens, &mut self.rotations);
        }
        // It names another number of ours, and is nothing to this call.
        let call = self.calls.get(self.media.get(&theirs)?)?;
        call.keys.strayed(now, octets)
    }

    /// What takes the place of a datagram that goes out; `None` where it is in clear.
    pub(super) fn sent(
        &mut self,
        (now, remote): (Instant, SocketAddr),
        octets: &[u8],
        secrets: &Secrets,
    ) -> Option<Vec<u8>> {
        let (source, destination) = match Head::peek(octets)? {
            Head::Mini { source } => {
                let call = self.calls.get(&source);
                let call = call.filter(|call| call.theirs.0 == remote)?;
                return call.keys.media_sent(octets);
            }
            Head::Full {
                source,
                destination,
            } => (source, destination),
        };
        let theirs = (remote, destination);
        if let Some(sealed) = self.seal(now, source, theirs, octets) {
            return Some(sealed);
        }
        if self.agree(now, source, theirs, octets, secrets).is_some() {
            return self.seal(now, source, theirs, octets);
        }
        if let Ok(frame) = FullFrame::parse(octets) {
            self.sent_in_clear(now, theirs, &frame, secrets);
        }
        None
    }

    fn seal(
        &mut self,
        now: Instant,
        local: CallNumber,
        theirs: Theirs,
        octets: &[u8],
    ) -> Option<Vec<u8>> {
        let call = call_of(&mut self.calls, local, theirs)?;
        call.keys.sent(now, octets)
    }

    /// An AUTHREQ with ENCRYPTION came.
    fn note_grant(&mut self, local: CallNumber, octets: &[u8]) {
        let frame = FullFrame::parse(octets);
        if let Some((ies, challenge)) = frame.ok().as_ref().and_then(challenge)
            && is_granted(ies)
        {
            self.granted.insert(local, challenge.to_vec());
        }
    }

    /// The first sealed frame after that is our AUTHREP, or the challenge was not answered.
    fn agree(
        &mut self,
        now: Instant,
        local: CallNumber,
        theirs: Theirs,
        octets: &[u8],
        secrets: &Secrets,
    ) -> Option<()> {
        let challenge = match is_sealed(octets) {
            true => self.granted.remove(&local)?,
            false => return None,
        };
        let mut pairs = secrets.all().map(|secret| Pair::of(&challenge, secret));
        let (pair, timestamp) =
            pairs.find_map(|pair| pair.proved(octets).map(|timestamp| (pair, timestamp)))?;
        let keys = Keys::agreed(began(now, timestamp), pair);
        self.enter(local, theirs, challenge, keys);
        Some(())
    }

    fn sent_in_clear(
        &mut self,
        now: Instant,
        theirs: Theirs,
        frame: &FullFrame<'_>,
        secrets: &Secrets,
    ) {
        let local = frame.source;
        if is_nobodys(frame) {
            return;
        }
        if self.media.get(&theirs).is_some_and(|of| *of != local) {
            self.media.remove(&theirs);
        }
        let challenge = challenge(frame);
        if let Some(call) = self.calls.get(&local) {
            let text = challenge.map(|(_, text)| text);
            let is_another = text.is_some_and(|text| text != call.challenge);
            if call.theirs != theirs || is_another || call.keys.are_over(frame) {
                self.forget(local);
            }
        }
        if let Some((ies, text)) = challenge.filter(|(ies, _)| is_granted(*ies))
            && !self.calls.contains_key(&local)
        {
            let pairs = secrets.of(ies.username().unwrap_or_default());
            let pairs = pairs.map(|secret| Pair::of(text, secret)).collect();
            let keys = Keys::offered(began(now, frame.timestamp), pairs);
            self.enter(local, theirs, text.to_vec(), keys);
        }
    }

    fn enter(&mut self, local: CallNumber, theirs: Theirs, challenge: Vec<u8>, keys: Keys) {
        self.forget(local);
        self.media.insert(theirs, local);
        let call = Call {
            theirs,
            challenge,
            keys,
        };
        self.calls.insert(local, call);
    }

    fn forget(&mut self, local: CallNumber) {
        if let Some(Call { theirs, .. }) = self.calls.remove(&local)
            && self.media.get(&theirs) == Some(&local)
        {
            self.media.remove(&theirs);
        }
    }
}

fn call_of(
    calls: &mut BTreeMap<CallNumber, Call>,
    local: CallNumber,
    theirs: Theirs,
) -> Option<&mut Call> {
    let call = calls.get_mut(&local);
    call.filter(|call| call.theirs == theirs)
}

/// The challenge of an AUTHREQ.
fn challenge<'a>(frame: &FullFrame<'a>) -> Option<(InformationElements<'a>, &'a [u8])> {
    match frame.body {
        Body::Iax {
            command: IaxCommand::AuthReq,
            ies,
        } => Some((ies, ies.challenge()?)),
        _ => None,
    }
}

fn is_granted(ies: InformationElements<'_>) -> bool {
    let granted = ies.encryption().unwrap_or_default();
    granted.contains(EncryptionMethods::AES128)
}

/// Whether a frame that we send is of no dialogue, whatever number it names.
fn is_nobodys(frame: &FullFrame<'_>) -> bool {
    let is_inval = matches!(
        frame.body,
        Body::Iax {
            command: IaxCommand::Inval,
            ..
        }
    );
    is_inval || frame.source.get() <= CallNumber::STATELESS.get()
}

/// When the clock of a dialogue started, by a frame of it that goes out for the first time.
fn began(now: Instant, timestamp: Timestamp) -> Instant {
    let age = Duration::from_millis(timestamp.0.into()).as_micros() as u64;
    Instant::from_micros(now.as_micros().saturating_sub(age))
}
