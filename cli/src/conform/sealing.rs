//! The keys of an encrypted call (RFC 5456 §7.4), one for each way. How a frame is sealed under one, the library knows; what
//! comes is opened by it, and told from noise, for the cipher does not tell.

use iaxproof::engine::cipher::{Key, Padding};
use iaxproof::wire::{Body, Frame};

use crate::net::random;

/// A full frame that says to be of a later time of its call than this, in milliseconds, is none: our calls last seconds, and
/// the time of noise is nearly always later.
const TIME_MAX_MS: u32 = 3_600_000;

/// What is sent is sealed by one key, and what comes is opened by another; both are the same until an RTKEY.
#[derive(Debug)]
pub(super) struct Sealing {
    outward: Key,
    /// The latest is the last: what was built before an RTKEY may come again under an older one.
    inward: Vec<Key>,
}

impl Sealing {
    /// One key for both ways.
    pub(super) fn new(key: Key) -> Self {
        Sealing {
            outward: key.clone(),
            inward: vec![key],
        }
    }

    /// The octets of a frame as they go out.
    pub(super) fn seal(&self, frame: &[u8]) -> Vec<u8> {
        seal(&self.outward, frame)
    }

    /// The frame in what came, if one is there under a key of ours.
    pub(super) fn open(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let keys = self.inward.iter().rev();
        let mut opened = keys.filter_map(|key| key.decrypt(datagram));
        opened.find(|frame| is_no_noise(frame))
    }

    /// We have sent RTKEY: what we send from now on has this key (X-ENC-1).
    pub(super) fn rotate_outward(&mut self, key: Key) {
        self.outward = key;
    }

    /// RTKEY came: so does what they send.
    pub(super) fn rotate_inward(&mut self, key: Key) {
        self.inward.push(key);
    }
}

/// Seals a frame under a key, with padding of its own.
pub(super) fn seal(key: &Key, frame: &[u8]) -> Vec<u8> {
    // Padding hides nothing here: the secrets of a test are known.
    let padding: Padding = random().unwrap_or([0x5a; 32]);
    key.encrypt(frame, padding)
}

/// Whether opened octets are a frame with a meaning. Nothing in a mini frame tells: who expects one knows its audio.
fn is_no_noise(frame: &[u8]) -> bool {
    match Frame::parse(frame) {
        Ok(Frame::Full(frame)) => {
            !matches!(frame.body, Body::Unknown(_)) && frame.timestamp.0 <= TIME_MAX_MS
        }
        Ok(Frame::Mini(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use iaxproof::engine::settings::Secret;

    use super::*;

    /// A HANGUP of call 2 to 7684.
    const HANGUP: &[u8] = b"\x80\x02\x1e\x04\x00\x00\x07\xd0\x08\x06\x06\x05";

    fn key(secret: &str) -> Key {
        Key::new(b"12345", &Secret::new(secret))
    }

    #[test]
    fn each_way_has_its_key_and_the_older_one_opens_too() {
        let (first, second) = (key("first"), key("second"));
        let mut sealing = Sealing::new(first.clone());
        let early = sealing.seal(HANGUP);
        assert_eq!(sealing.open(&early).as_deref(), Some(HANGUP));
        sealing.rotate_outward(second.clone());
        let late = sealing.seal(HANGUP);
        assert_eq!(second.decrypt(&late).as_deref(), Some(HANGUP));
        assert_eq!(sealing.open(&late), None);
        sealing.rotate_inward(second);
        assert_eq!(sealing.open(&late).as_deref(), Some(HANGUP));
        assert_eq!(sealing.open(&early).as_deref(), Some(HANGUP));
        assert_eq!(sealing.open(HANGUP), None);
    }

    #[test]
    fn noise_is_no_frame() {
        let strange = key("strange");
        let sealing = Sealing::new(key("ours"));
        let opened = (0..200).filter(|_| sealing.open(&seal(&strange, HANGUP)).is_some());
        assert!(opened.count() < 5);
    }
}
