//! A dialogue that is encrypted (RFC 5456 §7.4): its keys, and what may be sent on it that is not sealed as it should be.

use iaxproof::engine::cipher::Key;
use iaxproof::wire::{Body, IaxCommand};

use super::{Dialogue, Sent};
use crate::conform::peer::Heard;
use crate::conform::sealing::{Sealing, seal};
use crate::conform::trace::Cover;

impl Dialogue {
    /// Seals all that is sent from now on, and opens what comes.
    pub(in crate::conform) fn seal_from_now(&mut self, key: Key) {
        self.sealing = Some(Sealing::new(key));
    }

    /// Seals what is sent from now on with another key than what comes.
    pub(in crate::conform) fn rotate(&mut self, key: Key) {
        if let Some(sealing) = &mut self.sealing {
            sealing.rotate_outward(key);
        }
    }

    /// The next frame as it would go out, were it not for the cover that the call has; it takes no number.
    fn uncovered(&mut self, body: Body<'_>) -> (Sent, Vec<u8>) {
        self.mark = self.heard.len();
        let frame = self.frame(body);
        let mut octets = Vec::new();
        frame.encode(&mut octets);
        let sent = Sent {
            timestamp: frame.timestamp,
            oseqno: frame.oseqno,
        };
        (sent, octets)
    }

    /// Sends a frame in clear, whatever key there is. It takes no number.
    pub(in crate::conform) fn send_in_clear(&mut self, body: Body<'_>) -> Sent {
        let (sent, octets) = self.uncovered(body);
        self.peer.send_octets(&octets);
        sent
    }

    /// Sends a frame under a key that is not the call's. It takes no number.
    pub(in crate::conform) fn send_under(&mut self, key: &Key, body: Body<'_>) -> Sent {
        let (sent, octets) = self.uncovered(body);
        let sealed = seal(key, &octets);
        self.peer.send_sealed(Cover::Foreign, &octets, &sealed);
        sent
    }

    /// Sends a frame under the key, what it is sealed in changed. It takes no number.
    pub(in crate::conform) fn send_torn(
        &mut self,
        body: Body<'_>,
        tear: impl FnOnce(&mut Vec<u8>),
    ) -> Sent {
        let (sent, octets) = self.uncovered(body);
        if let Some(sealing) = &self.sealing {
            let mut sealed = sealing.seal(&octets);
            tear(&mut sealed);
            self.peer.send_octets(&sealed);
        }
        sent
    }

    /// What came and was not sealed under the key of the call, since there is one.
    pub(in crate::conform) fn strays(&self) -> &[Heard] {
        &self.strays
    }

    /// RTKEY: what they send from now on has this key (X-ENC-1).
    pub(super) fn take_key(&mut self, heard: &Heard) {
        let key = heard.ies().challenge().and_then(Key::from_octets);
        if let (true, Some(sealing), Some(key)) =
            (heard.is(IaxCommand::RtKey), &mut self.sealing, key)
        {
            sealing.rotate_inward(key);
        }
    }
}
