//! Challenges and what is answered to them (RFC 5456 §8.6.13 to §8.6.15, §10), for both sides.
//!
//! The side that challenges: `Challenge` and the `Answer` that came. The side that is challenged:
//! [`answer_to_challenge`] decides whether anything may be answered at all.
//!
//! # Deviations
//!
//! - chan_iax2's challenge is a decimal number of at most nine digits; here it is 128 bits from the seed's generator, as 32
//!   hexadecimal digits.
//! - RSA is neither offered nor answered.
//! - Where encryption was asked for and AUTHREQ does not grant it, chan_iax2 answers in clear unless encryption is forced;
//!   here nothing is answered (X-ENC-3).

use core::fmt;

use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::cipher::Key;
use super::random::Random;
use super::settings::{Encryption, Secret};
use crate::wire::{AuthMethods, EncryptionMethods, InformationElements};

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

    /// Whether the answer proves one of the secrets by one of the methods: MD5 first, then plaintext (chan_iax2). Takes the
    /// same time for any answer of the same length, and looks at every secret; without secrets it looks at one that
    /// nothing proves.
    pub(super) fn accepts(self, answer: &Answer, methods: AuthMethods, secrets: &[Secret]) -> bool {
        let of_nobody = answer.proves(&self, methods, b"") & Choice::from(0);
        let any = secrets.iter().fold(of_nobody, |any, secret| {
            any | answer.proves(&self, methods, secret.expose())
        });
        any.into()
    }

    fn expected(&self, secret: &[u8]) -> [u8; HEX_LEN] {
        let digest = Md5::new().chain_update(self.0).chain_update(secret);
        hex(digest.finalize().into())
    }
}

/// Never printed: whoever knows it can search for the secret.
impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(..)")
    }
}

/// The methods of these that are built here.
pub(super) const fn built(methods: AuthMethods) -> AuthMethods {
    AuthMethods(methods.0 & (AuthMethods::MD5.0 | AuthMethods::PLAINTEXT.0))
}

/// What came as MD5 RESULT and PASSWORD; empty where none came. Never printed, as the challenge is not.
#[derive(Default)]
pub(super) struct Answer {
    md5: Vec<u8>,
    password: Vec<u8>,
}

impl Answer {
    pub(super) fn of(ies: InformationElements<'_>) -> Self {
        Answer {
            md5: ies.md5_result().unwrap_or_default().to_ascii_lowercase(),
            password: ies.password().unwrap_or_default().to_vec(),
        }
    }

    /// Whether there is no answer of any kind.
    pub(super) fn is_empty(&self) -> bool {
        self.md5.is_empty() && self.password.is_empty()
    }

    fn proves(&self, challenge: &Challenge, methods: AuthMethods, secret: &[u8]) -> Choice {
        let by_md5 = self.md5.as_slice().ct_eq(&challenge.expected(secret));
        // Digests, so that the time says nothing of the secret's length either.
        let (given, wanted) = (Sha256::digest(&self.password), Sha256::digest(secret));
        let by_password = given.as_slice().ct_eq(wanted.as_slice());
        by_md5 & offers(methods, AuthMethods::MD5)
            | by_password & offers(methods, AuthMethods::PLAINTEXT)
    }
}

fn offers(methods: AuthMethods, method: AuthMethods) -> Choice {
    Choice::from(u8::from(methods.contains(method)))
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.md5.len() + self.password.len();
        write!(f, "Answer({octets} octets)")
    }
}

/// What a caller or registrant answers to AUTHREQ or REGAUTH. Its `Debug` says which, not what.
#[derive(Clone, PartialEq, Eq)]
pub enum Response {
    /// MD5 RESULT, in clear.
    Md5([u8; 32]),
    /// MD5 RESULT in a frame that is the first under this key, as all that follow are.
    Md5Encrypted {
        /// The result.
        result: [u8; 32],
        /// The key of the call.
        key: Key,
    },
    /// PASSWORD.
    Plaintext(Secret),
    /// Nothing: the other side must not be answered, and a call is hung up.
    Refuse,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Response::Md5(_) => "Md5(..)",
            Response::Md5Encrypted { .. } => "Md5Encrypted(..)",
            Response::Plaintext(_) => "Plaintext(..)",
            Response::Refuse => "Refuse",
        })
    }
}

/// What may be answered to a challenge by one who has these secrets, allows these methods of itself, and asked for
/// `encryption` (a registrant asks for none).
///
/// The last secret answers; MD5 before plaintext, and plaintext only where our own methods have it, whatever is offered.
///
/// The key of an encrypted call is MD5(challenge ‖ secret), and an MD5 RESULT is the same in hexadecimal digits. Whoever
/// replays the challenge of a call that they recorded, but without ENCRYPTION, would be told its key by an answer in clear
/// (RFC 5456 §10; X-ENC-3). So who asked for encryption never answers in clear, by no method, whether it was
/// [`Offered`](Encryption::Offered) or [`Forced`](Encryption::Forced); the two differ in a call that is accepted without a
/// challenge, which only `Offered` takes. A challenge that grants what nobody asked for is not answered either: the other
/// side would decrypt what is clear. For the same reason a secret of encrypted calls should not register or make calls in
/// clear as well: no rule of this function can tell a replayed challenge from a fresh one.
pub fn answer_to_challenge(
    methods: AuthMethods,
    secrets: &[Secret],
    encryption: Encryption,
    challenge: InformationElements<'_>,
) -> Response {
    let (Some(secret), Some(offered)) = (secrets.last(), challenge.auth_methods()) else {
        return Response::Refuse;
    };
    let text = challenge.challenge().unwrap_or_default();
    let allows = |method| offered.contains(method) && methods.contains(method);
    let has_md5 = allows(AuthMethods::MD5) && !text.is_empty();
    let granted = challenge.encryption().unwrap_or_default();
    let is_granted = granted.contains(EncryptionMethods::AES128);
    match encryption {
        Encryption::Offered | Encryption::Forced if is_granted && has_md5 => {
            let key = Key::new(text, secret);
            let result = key.as_md5_result();
            Response::Md5Encrypted { result, key }
        }
        Encryption::Offered | Encryption::Forced => Response::Refuse,
        Encryption::Off if granted != EncryptionMethods::default() => Response::Refuse,
        Encryption::Off if has_md5 => Response::Md5(md5_result(text, secret)),
        Encryption::Off if allows(AuthMethods::PLAINTEXT) => Response::Plaintext(secret.clone()),
        Encryption::Off => Response::Refuse,
    }
}

/// What a caller or registrant answers to a challenge: lower-case hexadecimal digits of MD5(challenge ‖ secret).
pub fn md5_result(challenge: &[u8], secret: &Secret) -> [u8; HEX_LEN] {
    Key::new(challenge, secret).as_md5_result()
}

/// The hexadecimal digits of 128 bits.
pub(super) fn hex(octets: [u8; 16]) -> [u8; HEX_LEN] {
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
    use crate::wire::{IeBuffer, InformationElement};

    const PLAINTEXT: AuthMethods = AuthMethods::PLAINTEXT;
    const MD5: AuthMethods = AuthMethods::MD5;
    const BOTH: AuthMethods = AuthMethods(3);

    /// Recomputed from a captured registration.
    #[test]
    fn the_result_is_that_of_the_deployed_wire() {
        let secret = Secret::new("supersecret");
        let result = md5_result(b"159541092", &secret);
        assert_eq!(&result, b"c79ed973a07906e37255e208c72cf1d4");
    }

    fn md5(octets: &[u8]) -> Answer {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Md5Result(octets));
        Answer::of(ies.view())
    }

    fn password(octets: &[u8]) -> Answer {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Password(octets));
        Answer::of(ies.view())
    }

    #[test]
    fn any_secret_of_the_entry_proves_it_and_nothing_else_does() {
        let mut random = Random::new([9; 32]);
        let secrets = [Secret::new("old"), Secret::new("new")];
        let mut answered = |with: &str, secrets: &[Secret]| {
            let challenge = Challenge::new(&mut random);
            let result = md5_result(challenge.octets(), &Secret::new(with));
            challenge.accepts(&md5(&result.to_ascii_uppercase()), MD5, secrets)
        };
        assert!(answered("old", &secrets));
        assert!(answered("new", &secrets));
        assert!(!answered("other", &secrets));
        assert!(!answered("", &[]));
        let challenge = Challenge::new(&mut random);
        assert!(!challenge.accepts(&md5(b"short"), MD5, &secrets));
    }

    /// RFC 5456 §8.6.13: a method counts only where it is offered.
    #[test]
    fn an_answer_counts_by_the_methods_that_are_offered() {
        let secrets = [Secret::new("old"), Secret::new("new")];
        let challenge = Challenge::new(&mut Random::new([9; 32]));
        let by_md5 = md5(&md5_result(challenge.octets(), &secrets[1]));
        let by_password = password(b"old");
        let accepts = |answer, methods| challenge.clone().accepts(answer, methods, &secrets);
        let table = [AuthMethods(0), PLAINTEXT, MD5, BOTH]
            .map(|methods| (accepts(&by_password, methods), accepts(&by_md5, methods)));
        let expected = [(false, false), (true, false), (false, true), (true, true)];
        assert_eq!(table, expected);
        for wrong in [password(b"older"), Answer::default()] {
            assert!(!challenge.clone().accepts(&wrong, BOTH, &secrets));
        }
        assert!(!challenge.accepts(&password(b""), BOTH, &[]));
    }

    fn answered(
        ours: AuthMethods,
        encryption: Encryption,
        offered: AuthMethods,
        rest: &[InformationElement<'_>],
    ) -> String {
        let secrets = [Secret::new("old"), Secret::new("new")];
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::AuthMethods(offered));
        for ie in rest {
            ies.push(*ie);
        }
        let response = answer_to_challenge(ours, &secrets, encryption, ies.view());
        match &response {
            Response::Md5(result) | Response::Md5Encrypted { result, .. } => {
                assert_eq!(*result, md5_result(b"42", &secrets[1]));
            }
            Response::Plaintext(secret) => assert_eq!(*secret, secrets[1]),
            Response::Refuse => {}
        }
        format!("{response:?}")
    }

    /// RFC 5456 §10, X-ENC-3: whatever is offered, an answer in clear goes out only where no encryption was asked for.
    #[test]
    fn the_whole_table_of_answers() {
        let text = InformationElement::Challenge(b"42");
        let aes = InformationElement::Encryption(EncryptionMethods::AES128);
        let unknown = InformationElement::Encryption(EncryptionMethods(2));
        let challenges: [(&str, &[InformationElement<'_>]); 5] = [
            ("no challenge", &[]),
            ("in clear", &[text]),
            ("AES", &[text, aes]),
            ("AES, no challenge", &[aes]),
            ("other cipher", &[text, unknown]),
        ];
        let mut table = String::new();
        for encryption in [Encryption::Off, Encryption::Offered, Encryption::Forced] {
            for ours in [MD5, PLAINTEXT, BOTH] {
                for offered in [MD5, PLAINTEXT, BOTH, AuthMethods::RSA] {
                    for (name, challenge) in challenges {
                        let answer = answered(ours, encryption, offered, challenge);
                        table += &format!(
                            "{encryption:?}; ours {ours}; offered {offered}, {name}: {answer}\n"
                        );
                    }
                }
            }
        }
        insta::assert_snapshot!(table);
        for line in table.lines().filter(|line| !line.starts_with("Off")) {
            assert!(line.ends_with("Refuse") || line.ends_with("Md5Encrypted(..)"));
        }
    }

    #[test]
    fn who_has_no_secret_answers_nothing() {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::AuthMethods(BOTH))
            .push(InformationElement::Challenge(b"42"));
        let response = answer_to_challenge(BOTH, &[], Encryption::Off, ies.view());
        assert_eq!(response, Response::Refuse);
    }
}
