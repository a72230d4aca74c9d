//! MD5 challenges and their results (RFC 5456 §8.6.13 to §8.6.15). Plain passwords and RSA are not offered.
//!
//! # Deviations
//!
//! - chan_iax2's challenge is a decimal number of at most nine digits; here it is 128 bits from the seed's generator, as 32
//!   hexadecimal digits.

use md5::{Digest, Md5};
use subtle::{Choice, ConstantTimeEq};

use super::random::Random;
use super::settings::Secret;
use crate::wire::InformationElements;

/// Octets of a challenge, and of an MD5 RESULT: hexadecimal digits of 128 bits.
pub(super) const HEX_LEN: usize = 32;

/// A challenge. Good for one answer.
#[derive(Clone)]
pub(super) struct Challenge([u8; HEX_LEN]);

impl Challenge {
    pub(super) fn new(random: &mut Random) -> Self {
        Challenge(hex(random.octets()))
    }

    /// The octets of the CHALLENGE element.
    pub(super) const fn octets(&self) -> &[u8] {
        &self.0
    }

    /// Whether the result proves one of the secrets. Takes the same time for any result of the right length, and looks
    /// at every secret; without secrets it looks at one that nothing proves.
    pub(super) fn accepts(self, result: &[u8], secrets: &[Secret]) -> bool {
        let Ok(result) = <[u8; HEX_LEN]>::try_from(result) else {
            return false;
        };
        let result = result.to_ascii_lowercase();
        let proves = |secret: &[u8]| self.expected(secret).ct_eq(result.as_slice());
        let of_nobody = proves(b"") & Choice::from(0);
        let any = secrets
            .iter()
            .fold(of_nobody, |any, secret| any | proves(secret.expose()));
        any.into()
    }

    fn expected(&self, secret: &[u8]) -> [u8; HEX_LEN] {
        let digest = Md5::new().chain_update(self.0).chain_update(secret);
        hex(digest.finalize().into())
    }
}

/// Never printed: whoever knows it can search for the secret.
impl core::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Challenge(..)")
    }
}

/// What came as MD5 RESULT; empty where none came. Never printed, as the challenge is not.
#[derive(Default)]
pub(super) struct Answer(Vec<u8>);

impl Answer {
    pub(super) fn of(ies: InformationElements<'_>) -> Self {
        Answer(ies.md5_result().unwrap_or_default().to_vec())
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Answer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Answer({} octets)", self.0.len())
    }
}

/// What a caller or registrant answers to a challenge: lower-case hexadecimal digits of MD5(challenge ‖ secret).
pub fn md5_result(challenge: &[u8], secret: &Secret) -> [u8; HEX_LEN] {
    let digest = Md5::new()
        .chain_update(challenge)
        .chain_update(secret.expose());
    hex(digest.finalize().into())
}

fn hex(octets: [u8; 16]) -> [u8; HEX_LEN] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; HEX_LEN];
    for (pair, octet) in text.chunks_exact_mut(2).zip(octets) {
        pair[0] = DIGITS[usize::from(octet >> 4)];
        pair[1] = DIGITS[usize::from(octet & 15)];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recomputed from a captured registration.
    #[test]
    fn the_result_is_that_of_the_deployed_wire() {
        let secret = Secret::new("supersecret");
        let result = md5_result(b"159541092", &secret);
        assert_eq!(&result, b"c79ed973a07906e37255e208c72cf1d4");
    }

    #[test]
    fn any_secret_of_the_entry_proves_it_and_nothing_else_does() {
        let mut random = Random::new([9; 32]);
        let secrets = [Secret::new("old"), Secret::new("new")];
        let mut answered = |with: &str, secrets: &[Secret]| {
            let challenge = Challenge::new(&mut random);
            let result = md5_result(challenge.octets(), &Secret::new(with));
            challenge.accepts(&result.to_ascii_uppercase(), secrets)
        };
        assert!(answered("old", &secrets));
        assert!(answered("new", &secrets));
        assert!(!answered("other", &secrets));
        assert!(!answered("", &[]));
        let challenge = Challenge::new(&mut random);
        assert!(!challenge.accepts(b"short", &secrets));
    }
}
