//! Encryption of calls (RFC 5456 §8.1.4) as clients do it: an implementation of its own over the block cipher, so that both ends
//! cannot be wrong alike. What is sealed, under which key, and how a frame is padded is all in here.
//!
//! Frames that take a sequence number are sealed under the key that held when they went out first, so a repeat opens under
//! the same key.

use std::collections::BTreeMap;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand};
use md5::{Digest as _, Md5};

use crate::decide::mix;

const BLOCK: usize = 16;
type Key = [u8; BLOCK];

/// The keys of one dialogue.
#[derive(Debug)]
pub(crate) struct Cipher {
    /// Those of the dialogue in their order: the first is that of the login, and the server's for good.
    keys: Vec<Key>,
    /// By sequence number: the key that a frame of ours went out under.
    sealed: BTreeMap<u8, Key>,
    /// The server's call number.
    pub(super) remote: CallNumber,
    /// Whether frames of ours are sealed.
    pub(super) is_on: bool,
    frames: u64,
}

impl Cipher {
    /// From challenge and secret (RFC 5456 §7.4). A caller seals from its AUTHREP on, who is called once that has come.
    pub(super) fn new(remote: CallNumber, challenge: &[u8], secret: &str, is_on: bool) -> Self {
        let digest = Md5::new()
            .chain_update(challenge)
            .chain_update(secret)
            .finalize();
        Cipher {
            keys: vec![digest.into()],
            sealed: BTreeMap::new(),
            remote,
            is_on,
            frames: 0,
        }
    }

    /// A frame of ours as it goes out.
    pub(super) fn seal(&mut self, octets: Vec<u8>) -> Vec<u8> {
        let frame = FullFrame::parse(&octets).ok();
        let goes_clear = frame.as_ref().is_some_and(is_before);
        let (Some(&newest), true) = (self.keys.last(), self.is_on && !goes_clear) else {
            return octets;
        };
        let mut key = newest;
        if let Some(frame) = frame.filter(|frame| frame.body.consumes_sequence_number()) {
            let first = self.sealed.entry(frame.oseqno.0).or_insert(newest);
            if !frame.retransmission {
                *first = newest;
                self.keys.extend(rotates_to(&frame.body));
            }
            key = *first;
        }
        self.frames += 1;
        encrypt(&key, &octets, mix(self.frames))
    }

    /// What a datagram of the server says, where it is sealed: the server never rotates. Another key than its own would read
    /// one noise in twenty as a frame.
    pub(crate) fn open(&self, octets: &[u8]) -> Option<Vec<u8>> {
        let key = self.keys.first().filter(|_| !is_in_clear(octets))?;
        decrypt(key, octets).filter(|frame| has_meaning(frame))
    }

    /// What a datagram of ours says, where it is sealed.
    pub(crate) fn open_ours(&self, octets: &[u8]) -> Option<Vec<u8>> {
        let mut keys = self.keys.iter().rev().filter(|_| !is_in_clear(octets));
        keys.find_map(|key| decrypt(key, octets).filter(|frame| self.sealed_it(key, frame)))
    }

    /// Whether a frame of ours went out under this key.
    fn sealed_it(&self, key: &Key, octets: &[u8]) -> bool {
        match FullFrame::parse(octets) {
            Ok(frame) if frame.body.consumes_sequence_number() => {
                self.sealed.get(&frame.oseqno.0) == Some(key) && has_meaning(octets)
            }
            _ => has_meaning(octets),
        }
    }
}

fn is_in_clear(octets: &[u8]) -> bool {
    FullFrame::parse(octets).is_ok_and(|frame| is_before(&frame))
}

/// What goes before all encryption. One sealed frame in 65,536 reads as a NEW or an AUTHREQ; of these, call numbers stay in clear, and a
/// challenge does not come by chance.
fn is_before(frame: &FullFrame<'_>) -> bool {
    match frame.body {
        Body::Iax {
            command: IaxCommand::New,
            ..
        } => frame.destination == CallNumber::ZERO,
        Body::Iax {
            command: IaxCommand::AuthReq,
            ies,
        } => ies.challenge().is_some(),
        _ => false,
    }
}

/// The key of an RTKEY.
fn rotates_to(body: &Body<'_>) -> Option<Key> {
    match body {
        Body::Iax {
            command: IaxCommand::RtKey,
            ies,
        } => ies.challenge()?.try_into().ok(),
        _ => None,
    }
}

fn has_meaning(octets: &[u8]) -> bool {
    match Frame::parse(octets) {
        Ok(Frame::Full(frame)) => !matches!(frame.body, Body::Unknown(_)),
        Ok(Frame::Mini(_)) => true,
        _ => false,
    }
}

/// How many octets stay in clear: the call numbers.
fn clear_len(octets: &[u8]) -> usize {
    let is_full = octets.first().is_some_and(|first| first & 0x80 != 0);
    if is_full { 4 } else { 2 }
}

/// The frame behind 16 to 31 octets of padding, of which the sixteenth says in four bits how many there are beyond 16; each block
/// is mixed with the sealed one before it.
fn encrypt(key: &Key, octets: &[u8], random: u64) -> Vec<u8> {
    let (clear, rest) = octets.split_at(clear_len(octets));
    let more = (BLOCK - rest.len() % BLOCK) % BLOCK;
    let mut plain = random.to_le_bytes().repeat(4);
    plain.truncate(BLOCK + more);
    plain[BLOCK - 1] = (plain[BLOCK - 1] & 0xf0) | more as u8;
    plain.extend(rest);
    let cipher = Aes128::new(&(*key).into());
    let mut before = [0; BLOCK];
    let mut sealed = clear.to_vec();
    for block in plain.chunks(BLOCK) {
        let mut block: Key = core::array::from_fn(|at| block[at] ^ before[at]);
        cipher.encrypt_block((&mut block).into());
        sealed.extend(block);
        before = block;
    }
    sealed
}

fn decrypt(key: &Key, octets: &[u8]) -> Option<Vec<u8>> {
    let (clear, sealed) = octets.split_at_checked(clear_len(octets))?;
    let (blocks, ragged) = sealed.as_chunks::<BLOCK>();
    if blocks.len() < 2 || !ragged.is_empty() {
        return None;
    }
    let cipher = Aes128::new(&(*key).into());
    let mut before = [0; BLOCK];
    let mut plain = Vec::with_capacity(sealed.len());
    for block in blocks {
        let mut opened = *block;
        cipher.decrypt_block((&mut opened).into());
        plain.extend(opened.iter().zip(before).map(|(octet, mask)| octet ^ mask));
        before = *block;
    }
    let more = usize::from(plain[BLOCK - 1] & 0x0f);
    Some([clear, plain.get(BLOCK + more..)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let nibble = |octet: u8| char::from(octet).to_digit(16).expect("a digit") as u8;
        let pairs = text.as_bytes().chunks(2);
        pairs
            .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
            .collect()
    }

    /// A HANGUP, an ACK and a mini frame as `openssl enc -aes-128-cbc` seals them.
    #[test]
    fn what_another_implementation_sealed_opens() {
        let cipher = Cipher::new(
            CallNumber::ZERO,
            b"20260102030405060708090a0b0c0d0e",
            "wonder",
            true,
        );
        for (frame, sealed) in [
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
        ] {
            assert_eq!(cipher.open(&unhex(sealed)), Some(unhex(frame)));
        }
    }

    #[test]
    fn what_was_sealed_opens_and_the_opener_stays_clear() {
        let mut cipher = Cipher::new(CallNumber::ZERO, b"challenge", "secret", true);
        let ping = unhex("80021e04000007d008060602");
        for _ in 0..40 {
            let sealed = cipher.seal(ping.clone());
            assert_ne!(sealed, ping);
            assert_eq!(cipher.open(&sealed), Some(ping.clone()));
        }
        let new = unhex("80020000000007d000000601");
        assert_eq!(cipher.seal(new.clone()), new);
        let other = Cipher::new(CallNumber::ZERO, b"challenge", "another", true);
        let sealed = cipher.seal(ping.clone());
        assert_ne!(other.open(&sealed), Some(ping));
    }

    /// A sealed TEXT of a world whose octets happen to read as a NEW (seed 78516 once).
    #[test]
    fn what_is_sealed_and_reads_as_a_new_by_chance_is_sealed() {
        let sealed = "895a87d79e34a24d1bb30680f016f43e334e0a98627c7451427535cd858535907406cbe2";
        assert!(matches!(
            FullFrame::parse(&unhex(sealed)).map(|frame| frame.body),
            Ok(Body::Iax {
                command: IaxCommand::New,
                ..
            })
        ));
        assert!(!is_in_clear(&unhex(sealed)));
    }

    /// Noise under a newer key would read as a frame now and then.
    #[test]
    fn who_rotates_still_reads_the_server_by_its_own_key() {
        let mut client = Cipher::new(CallNumber::ZERO, b"challenge", "secret", true);
        let mut server = Cipher::new(CallNumber::ZERO, b"challenge", "secret", true);
        let rotation = unhex("80021e04000007d0080606270f1000112233445566778899aabbccddeeff");
        let sealed = client.seal(rotation.clone());
        assert_eq!(client.open_ours(&sealed), Some(rotation));
        assert_eq!(client.keys.len(), 2);
        let ack = unhex("80021e04000007d008060604");
        for _ in 0..2_000 {
            let sealed = server.seal(ack.clone());
            assert_eq!(client.open(&sealed), Some(ack.clone()));
        }
    }
}
