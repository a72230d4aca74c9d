//! The octets of sealed datagrams, block by block, as [`iaxproof::engine::cipher`] has them: what one key sealed is opened, padding and all, and sealed
//! with another. Whether it makes sense is not asked here.

use core::fmt;

use aes::Aes128;
use cbc::cipher::array::Array;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use iaxproof::engine::auth::md5_result;
use iaxproof::engine::cipher::{BLOCK_LEN, is_sealed};
use iaxproof::engine::settings::Secret;
use iaxproof::wire::{FullFrame, Head};

/// Octets that stay in clear: the call numbers.
const FULL_CLEAR_LEN: usize = 4;
const MINI_CLEAR_LEN: usize = 2;
/// Where the padding says how long it is, and the bits that say it.
const LENGTH_OFFSET: usize = BLOCK_LEN - 1;
const LENGTH_BITS: u8 = 0x0f;
/// Every frame starts over with it.
const IV: [u8; BLOCK_LEN] = [0; BLOCK_LEN];

/// A key of a call. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key([u8; BLOCK_LEN]);

impl Key {
    /// The key of a login with this secret: what its MD5 RESULT says in digits.
    pub(super) fn of(challenge: &[u8], secret: &Secret) -> Self {
        let digits = md5_result(challenge, secret);
        let value = |digit: u8| (digit as char).to_digit(16).unwrap_or_default() as u8;
        let (pairs, _) = digits.as_chunks::<2>();
        let mut key = [0; BLOCK_LEN];
        for (octet, [high, low]) in key.iter_mut().zip(pairs) {
            *octet = value(*high) << 4 | value(*low);
        }
        Key(key)
    }

    /// The key that an RTKEY carries.
    pub(super) const fn from_octets(octets: [u8; BLOCK_LEN]) -> Self {
        Key(octets)
    }

    /// Its octets.
    pub(super) const fn octets(&self) -> [u8; BLOCK_LEN] {
        self.0
    }

    /// The MD5 RESULT of the login that it comes from.
    pub(super) fn as_md5_result(&self) -> String {
        self.0.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// What these octets are under this key, whatever that is; `None` where no sealed frame has this length.
    pub(super) fn open(&self, octets: &[u8]) -> Option<Opened> {
        if !is_sealed(octets) {
            return None;
        }
        let clear_len = clear_len(octets);
        let mut octets = octets.to_vec();
        let (blocks, _) = Array::slice_as_chunks_mut(&mut octets[clear_len..]);
        Decryptor::<Aes128>::new(&self.0.into(), &IV.into()).decrypt_blocks(blocks);
        Some(Opened { octets, clear_len })
    }

    /// The datagram that this key opens to just that.
    pub(super) fn seal(&self, opened: &Opened) -> Vec<u8> {
        let mut octets = opened.octets.clone();
        let (blocks, _) = Array::slice_as_chunks_mut(&mut octets[opened.clear_len..]);
        Encryptor::<Aes128>::new(&self.0.into(), &IV.into()).encrypt_blocks(blocks);
        octets
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Octets that stay in clear of a datagram that may be sealed.
pub(super) fn clear_len(octets: &[u8]) -> usize {
    match Head::peek(octets) {
        Some(Head::Full { .. }) => FULL_CLEAR_LEN,
        _ => MINI_CLEAR_LEN,
    }
}

/// A datagram without its seal.
#[derive(Clone)]
pub(super) struct Opened {
    /// Call numbers, padding, the rest of the frame.
    octets: Vec<u8>,
    clear_len: usize,
}

impl Opened {
    /// The frame in it; `None` where it is shorter than one can be.
    pub(super) fn frame(&self) -> Option<Vec<u8>> {
        let rest = self.octets.get(self.rest_at()..)?;
        let frame = [&self.octets[..self.clear_len], rest].concat();
        let header_len = match self.clear_len {
            FULL_CLEAR_LEN => FullFrame::HEADER_LEN,
            _ => FULL_CLEAR_LEN,
        };
        (frame.len() >= header_len).then_some(frame)
    }

    /// Puts another frame of the same call numbers and the same length in its place.
    pub(super) fn put(&mut self, frame: &[u8]) {
        let at = self.rest_at();
        self.octets[at..].copy_from_slice(&frame[self.clear_len..]);
    }

    /// Other padding, where nobody asks what it is: none for 0.
    pub(super) fn stir(&mut self, number: u32) {
        let padding = self.octets[self.clear_len..].iter_mut();
        for (octet, other) in padding.zip(number.to_le_bytes()) {
            *octet ^= other;
        }
    }

    fn rest_at(&self) -> usize {
        let more = self.octets[self.clear_len + LENGTH_OFFSET] & LENGTH_BITS;
        self.clear_len + BLOCK_LEN + usize::from(more)
    }
}

#[cfg(test)]
mod tests {
    use iaxproof::engine::cipher;

    use super::*;

    const FRAMES: [&[u8]; 3] = [
        b"\x80\x02\x1e\x04\x00\x00\x07\xd0\x08\x06\x06\x05\x2a\x01\x10",
        b"\x80\x02\x9e\x04\x00\x00\x07\xd0\x08\x06\x06\x04",
        b"\x00\x02\x00\x50some forty octets of what somebody says now",
    ];
    const PADDING: cipher::Padding = *b"0123456789abcdefghijklmnopqrstuv";

    fn secrets() -> [Secret; 2] {
        ["of ann", "alias-1"].map(Secret::new)
    }

    /// Whoever has the other key sends just these octets where it draws the same padding.
    #[test]
    fn what_one_key_sealed_is_what_the_engine_seals_with_the_other() {
        let [real, alias] = secrets().map(|secret| Key::of(b"42", &secret));
        let [of_real, of_alias] = secrets().map(|secret| cipher::Key::new(b"42", &secret));
        for frame in FRAMES {
            let opened = real.open(&of_real.encrypt(frame, PADDING)).unwrap();
            assert_eq!(opened.frame().as_deref(), Some(frame));
            assert_eq!(alias.seal(&opened), of_alias.encrypt(frame, PADDING));
        }
        let digits = md5_result(b"42", &secrets()[0]);
        assert_eq!(real.as_md5_result().as_bytes(), digits);
    }

    /// Noise too: nothing in a sealed datagram is asked for.
    #[test]
    fn any_octets_of_a_sealed_length_open_to_the_same_under_either_key() {
        let [real, alias] = secrets().map(|secret| Key::of(b"17", &secret));
        let [of_real, of_alias] = secrets().map(|secret| cipher::Key::new(b"17", &secret));
        let mut noise: Vec<u8> = (0..200_u8).map(|it| it.wrapping_mul(151)).collect();
        for first in [0x00, 0x80] {
            noise[0] = first;
            for len in 0..noise.len() {
                let octets = &noise[..len];
                let changed = real.open(octets).map(|opened| alias.seal(&opened));
                assert_eq!(changed.is_some(), is_sealed(octets), "{len}");
                let changed = changed.unwrap_or_else(|| octets.to_vec());
                assert_eq!(changed.len(), len);
                assert_eq!(of_alias.decrypt(&changed), of_real.decrypt(octets));
            }
        }
    }

    #[test]
    fn other_padding_and_another_frame_leave_the_rest() {
        let [real, _] = secrets().map(|secret| Key::of(b"42", &secret));
        let of_real = cipher::Key::new(b"42", &secrets()[0]);
        let sealed = of_real.encrypt(FRAMES[0], PADDING);
        let mut opened = real.open(&sealed).unwrap();
        opened.stir(0);
        assert_eq!(real.seal(&opened), sealed);
        opened.stir(0xdead_beef);
        let stirred = real.seal(&opened);
        assert_ne!(stirred[4..20], sealed[4..20]);
        assert_eq!(of_real.decrypt(&stirred).as_deref(), Some(FRAMES[0]));
        let mut other = FRAMES[0].to_vec();
        other[14] = 0x11;
        opened.put(&other);
        assert_eq!(of_real.decrypt(&real.seal(&opened)), Some(other));
    }
}
