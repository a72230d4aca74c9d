//! AES-128 over frames (RFC 5456 §8.1.4): the key of a call, and the sealing and opening of one frame.
//!
//! ```text
//!  4 octets of a full frame, 2 of a mini frame     in clear: the call numbers
//! +-----------------------------------------------+
//! | 16 + p random octets, the low four bits of    |  AES-128 in CBC mode, an initial vector of
//! | the sixteenth being p                         |  zeros for each frame, whole blocks
//! +-----------------------------------------------+
//! | the rest of the frame                         |
//! +-----------------------------------------------+
//! ```
//!
//! When a call is encrypted, and under which key, is `session`'s. Meta frames, mini video among them, are never sealed
//! (X-ENC-5).
//!
//! # Deviations
//!
//! - RFC 5456 §8.1.4 says 16 to 32 octets of padding; four bits say 16 to 31, as everywhere.
//! - chan_iax2 takes its padding from the frame before, so that equal frames look alike; here it is fresh each time.
//! - chan_iax2 decrypts past a ragged end; here such octets are refused, as is all that is shorter than a frame can be
//!   (X-ENC-4).

use core::fmt;

use aes::Aes128;
use cbc::cipher::array::Array;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use md5::{Digest, Md5};

use super::auth::{HEX_LEN, hex};
use super::settings::Secret;
use crate::wire::FullFrame;

/// Octets of a block, and of a key.
pub const BLOCK_LEN: usize = 16;
/// Octets that a frame is padded with at most.
pub const PADDING_MAX: usize = 2 * BLOCK_LEN - 1;
/// Where the padding says how long it is: the low four bits of the last octet of the first block.
const LENGTH_OFFSET: usize = BLOCK_LEN - 1;
const LENGTH_BITS: u8 = 0x0f;
/// The bit of the first octet that says full frame.
const FULL: u8 = 0x80;
/// Octets of a mini frame before its data.
const MINI_HEADER_LEN: usize = 4;

/// Random octets for one frame; as many of them are used as it needs.
pub type Padding = [u8; 2 * BLOCK_LEN];

/// The key of a call. Never printed: its hexadecimal digits are the MD5 RESULT.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; BLOCK_LEN]);

impl Key {
    /// MD5(challenge ‖ secret) (RFC 5456 §7.4).
    pub fn new(challenge: &[u8], secret: &Secret) -> Self {
        let digest = Md5::new()
            .chain_update(challenge)
            .chain_update(secret.expose());
        Key(digest.finalize().into())
    }

    /// The key that an RTKEY carries as its CHALLENGE (chan_iax2); `None` where it is not 16 octets.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Key)
    }

    /// The same as hexadecimal digits: the MD5 RESULT of the login that the key comes from. To be sent under the key alone.
    pub(super) fn as_md5_result(&self) -> [u8; HEX_LEN] {
        hex(self.0)
    }

    /// Seals the octets of one full or mini frame. `padding` must be fresh for each.
    ///
    /// # Panics
    ///
    /// Where `frame` is shorter than the header of its class.
    pub fn encrypt(&self, frame: &[u8], padding: Padding) -> Vec<u8> {
        let class = Class::of(frame);
        assert!(frame.len() >= class.header_len(), "only frames are sealed");
        let (clear, rest) = frame.split_at(class.clear_len());
        let more = rest.len().next_multiple_of(BLOCK_LEN) - rest.len();
        let mut out = clear.to_vec();
        out.extend(padding.into_iter().take(BLOCK_LEN + more));
        let length = &mut out[clear.len() + LENGTH_OFFSET];
        *length = *length & !LENGTH_BITS | more as u8;
        out.extend(rest);
        let (blocks, _) = Array::slice_as_chunks_mut(&mut out[clear.len()..]);
        Encryptor::<Aes128>::new(&self.0.into(), &IV.into()).encrypt_blocks(blocks);
        out
    }

    /// The frame that was sealed in these octets under this key, at least as long as the header of its class. `None`
    /// where no sealed frame has this length. Under another key the result is noise: nothing in the octets tells.
    pub fn decrypt(&self, octets: &[u8]) -> Option<Vec<u8>> {
        if !is_sealed(octets) {
            return None;
        }
        let class = Class::of(octets);
        let (clear, sealed) = octets.split_at_checked(class.clear_len())?;
        let mut opened = sealed.to_vec();
        let (blocks, _) = Array::slice_as_chunks_mut(&mut opened);
        Decryptor::<Aes128>::new(&self.0.into(), &IV.into()).decrypt_blocks(blocks);
        let more = opened.get(LENGTH_OFFSET)? & LENGTH_BITS;
        let rest = opened.get(BLOCK_LEN + usize::from(more)..)?;
        let frame = [clear, rest].concat();
        (frame.len() >= class.header_len()).then_some(frame)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Whether octets can be a sealed frame by their number: whole blocks, and enough for a header (X-ENC-4).
pub fn is_sealed(octets: &[u8]) -> bool {
    let sealed = octets.len().checked_sub(Class::of(octets).clear_len());
    sealed.is_some_and(|len| len >= 2 * BLOCK_LEN && len.is_multiple_of(BLOCK_LEN))
}

/// Every frame starts over with it.
const IV: [u8; BLOCK_LEN] = [0; BLOCK_LEN];

/// What the clear octets say of a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Full,
    Mini,
}

impl Class {
    fn of(octets: &[u8]) -> Self {
        match octets.first() {
            Some(first) if first & FULL != 0 => Class::Full,
            _ => Class::Mini,
        }
    }

    /// Octets that stay in clear.
    const fn clear_len(self) -> usize {
        match self {
            Class::Full => 4,
            Class::Mini => 2,
        }
    }

    const fn header_len(self) -> usize {
        match self {
            Class::Full => FullFrame::HEADER_LEN,
            Class::Mini => MINI_HEADER_LEN,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::new(b"20260102030405060708090a0b0c0d0e", &Secret::new("wonder"))
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    const PADDING: Padding = *b"0123456789abcdefghijklmnopqrstuv";

    /// A HANGUP, an ACK and a mini frame, and what `openssl enc -aes-128-cbc` made of them under this key and padding.
    const VECTORS: [(&str, &str); 3] = [
        (
            "80021e04000007d0080606052a0110",
            "80021e04ec6a80312981e541697a80a4d4e69542a3de823c41def4fb7cd0d5d01a6bd169",
        ),
        (
            "80021e04000007d008060604",
            "80021e04dcc23cf022dfa536bb618d429f85a044b33eab585babffb681edc59790485eb7",
        ),
        (
            "00020050000102030405060708090a0b0c0d",
            "0002466ee830467d68b3449c1d70fcbcdfc74e63abae4a341e568a4008620e831491",
        ),
    ];

    #[test]
    fn the_key_is_md5_of_challenge_and_secret() {
        let digits = "f6a2abbe3a64a25b97582331c0a0120a";
        let expected = unhex(digits);
        assert_eq!(&key().as_md5_result(), digits.as_bytes());
        assert_eq!(Key::from_octets(&expected), Some(key()));
        assert_eq!(Key::from_octets(&expected[1..]), None);
        assert_eq!(format!("{:?}", key()), "Key(..)");
    }

    /// RFC 5456 §8.1.4.
    #[test]
    fn frames_are_sealed_as_another_implementation_of_the_cipher_seals_them() {
        for (frame, sealed) in VECTORS {
            assert_eq!(key().encrypt(&unhex(frame), PADDING), unhex(sealed));
            assert_eq!(key().decrypt(&unhex(sealed)), Some(unhex(frame)));
        }
    }

    /// X-ENC-4: sizes 0 to 35 of a full frame and 0 to 33 of a mini frame, and every ragged end.
    #[test]
    fn what_no_frame_can_be_is_refused() {
        for (clear, first) in [(4, 0x80), (2, 0x00)] {
            let mut octets = [7; 200];
            octets[0] = first;
            for len in 0..octets.len() {
                let whole = len >= clear + 32 && (len - clear).is_multiple_of(BLOCK_LEN);
                let opened = key().decrypt(&octets[..len]);
                assert!(opened.is_none() || whole, "{len} octets");
            }
        }
    }

    /// A padding that leaves less than a header: here 31 octets of 32, so that one octet of a full frame's rest is left.
    #[test]
    fn what_is_shorter_than_a_header_when_opened_is_refused() {
        for (clear, shortest) in [(&b"\x80\x02\x1e\x04"[..], 24), (&b"\x00\x02"[..], 30)] {
            for more in 0..16_u8 {
                let mut octets = [clear, &[0; 32]].concat();
                octets[clear.len() + LENGTH_OFFSET] = more;
                let (blocks, _) = Array::slice_as_chunks_mut(&mut octets[clear.len()..]);
                let key = key();
                Encryptor::<Aes128>::new(&key.0.into(), &IV.into()).encrypt_blocks(blocks);
                let opened = key.decrypt(&octets);
                assert_eq!(opened.is_some(), 16 + more <= shortest, "{more}");
            }
        }
    }

    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let octets = proptest::collection::vec(any::<u8>(), 12..400);
        (any::<bool>(), octets).prop_map(|(is_full, mut octets)| {
            if is_full {
                octets[0] |= FULL;
            } else {
                octets[0] &= !FULL;
                octets.drain(4..12);
            }
            octets
        })
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(frame in frame(), padding: Padding, key: [u8; 16]) {
            let key = Key(key);
            let sealed = key.encrypt(&frame, padding);
            let clear = Class::of(&frame).clear_len();
            prop_assert_eq!((sealed.len() - clear) % BLOCK_LEN, 0);
            prop_assert!(sealed.len() >= frame.len() + BLOCK_LEN);
            prop_assert!(sealed.len() <= frame.len() + PADDING_MAX);
            prop_assert_eq!(&sealed[..clear], &frame[..clear]);
            prop_assert_eq!(key.decrypt(&sealed), Some(frame));
        }

        /// No truncation opens to the frame, a ragged one to nothing, and none panics.
        #[test]
        fn what_was_cut_does_not_open(frame in frame(), padding: Padding) {
            let sealed = key().encrypt(&frame, padding);
            let clear = Class::of(&frame).clear_len();
            for len in 0..sealed.len() {
                let opened = key().decrypt(&sealed[..len]);
                let is_ragged = len < clear || !(len - clear).is_multiple_of(BLOCK_LEN);
                prop_assert!(!is_ragged || opened.is_none());
                prop_assert_ne!(opened.as_ref(), Some(&frame));
            }
        }
    }

    #[test]
    fn every_length_of_both_classes_opens() {
        for len in 12..600 {
            let frame = [&b"\x80\x02\x1e\x04"[..], &[9; 600][..len - 4]].concat();
            assert_eq!(key().decrypt(&key().encrypt(&frame, PADDING)), Some(frame));
            let mini = [&b"\x00\x02"[..], &[9; 600][..len - 10]].concat();
            assert_eq!(key().decrypt(&key().encrypt(&mini, PADDING)), Some(mini));
        }
    }
}
