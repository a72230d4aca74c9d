//! The keyed hash of the containers: SipHash-2-4, with the key as an argument.
//!
//! Names come from the network, so whoever sends them must not be able to choose those that share a bucket: in
//! production the key is random. In a world it comes from the seed, so that a run repeats.
//!
//! What is hashed is the key's bytes, never a memory address. [`Hashed`] is ours and not `core::hash::Hash`, whose
//! implementations may feed a hasher differently from one release to the next.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// The 128 bits that choose one hash function. Knowing it is enough to choose colliding names, so it is never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey(pub u64, pub u64);

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

impl HashKey {
    /// SipHash-2-4 of these bytes under this key.
    pub fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        let mut state = State::new(self);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            state.absorb(u64::from_le_bytes(*word));
        }
        state.absorb(last_word(rest, bytes.len()));
        state.finish()
    }
}

/// What a container can use as a key.
///
/// A key and its borrowed form must hash alike, as they must compare alike: a container is asked by the borrowed form.
pub trait Hashed {
    /// The hash of this value under `key`. Equal values have equal hashes.
    fn hash(&self, key: &HashKey) -> u64;
}

impl Hashed for [u8] {
    fn hash(&self, key: &HashKey) -> u64 {
        key.hash_bytes(self)
    }
}

impl Hashed for str {
    fn hash(&self, key: &HashKey) -> u64 {
        key.hash_bytes(self.as_bytes())
    }
}

impl Hashed for String {
    fn hash(&self, key: &HashKey) -> u64 {
        self.as_str().hash(key)
    }
}

impl Hashed for u64 {
    fn hash(&self, key: &HashKey) -> u64 {
        key.hash_bytes(&self.to_le_bytes())
    }
}

/// Address and port; a flow or a scope tells two keys apart and shares their hash.
impl Hashed for SocketAddr {
    fn hash(&self, key: &HashKey) -> u64 {
        let mut octets = [0; 18];
        let (address, port) = octets.split_at_mut(16);
        port.copy_from_slice(&self.port().to_be_bytes());
        match self.ip() {
            IpAddr::V4(v4) => address.copy_from_slice(&v4.to_ipv6_mapped().octets()),
            IpAddr::V6(v6) => address.copy_from_slice(&v6.octets()),
        }
        key.hash_bytes(&octets)
    }
}

/// The last word: what is left of the bytes, and the length in the top octet.
fn last_word(rest: &[u8], len: usize) -> u64 {
    let octet = |(i, &byte): (usize, &u8)| u64::from(byte) << (8 * i);
    let bytes: u64 = rest.iter().enumerate().map(octet).sum();
    bytes | (len as u64) << 56
}

/// The four words of SipHash.
struct State([u64; 4]);

impl State {
    fn new(key: &HashKey) -> Self {
        State([
            key.0 ^ 0x736f_6d65_7073_6575,
            key.1 ^ 0x646f_7261_6e64_6f6d,
            key.0 ^ 0x6c79_6765_6e65_7261,
            key.1 ^ 0x7465_6462_7974_6573,
        ])
    }

    fn absorb(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        self.0.iter().fold(0, |all, word| all ^ word)
    }

    fn round(&mut self) {
        let [a, b, c, d] = &mut self.0;
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::hash::Hasher;

    /// The vector of the SipHash paper, appendix A.
    #[test]
    fn the_paper_s_vector() {
        let key = HashKey(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(key.hash_bytes(&message), 0xa129_ca61_49be_45e5);
    }

    quickcheck::quickcheck! {
        #[expect(deprecated, reason = "std's own SipHash-2-4 is the judge of ours")]
        fn agrees_with_std(a: u64, b: u64, bytes: Vec<u8>) -> bool {
            let mut judge = core::hash::SipHasher::new_with_keys(a, b);
            judge.write(&bytes);
            judge.finish() == HashKey(a, b).hash_bytes(&bytes)
        }
    }

    /// A key and its borrowed form are asked for alike, and keys are told apart by all that they are of.
    #[test]
    fn a_key_hashes_as_its_octets() {
        let key = HashKey(11, 29);
        let name = key.hash_bytes(b"alice");
        assert_eq!(b"alice"[..].hash(&key), name);
        assert_eq!("alice".hash(&key), name);
        assert_eq!("alice".to_owned().hash(&key), name);
        assert_eq!(
            0x0102_u64.hash(&key),
            key.hash_bytes(&[2, 1, 0, 0, 0, 0, 0, 0])
        );

        let of = |address: &str| {
            address
                .parse::<SocketAddr>()
                .expect("an address")
                .hash(&key)
        };
        let mut octets = [0; 18];
        octets[15] = 1;
        octets[16..].copy_from_slice(&[0x11, 0xd9]);
        assert_eq!(of("[::1]:4569"), key.hash_bytes(&octets));
        assert_eq!(of("192.0.2.1:4569"), of("[::ffff:192.0.2.1]:4569"));
        assert_ne!(of("192.0.2.1:4569"), of("192.0.2.1:4570"));
    }

    #[test]
    fn the_key_is_not_printed() {
        assert_eq!(format!("{:?}", HashKey(1, 2)), "HashKey(..)");
    }
}
