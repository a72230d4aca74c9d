//! Elements of frames in clear that prove a secret: PASSWORD, MD5 RESULT, CALLTOKEN. Everything else stays as it is.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use iaxproof::engine::auth::md5_result;
use iaxproof::time::Instant;
use iaxproof::wire::{CallNumber, IaxCommand};

use super::elements::{
    AES_PROVISIONING, CALL_TOKEN, CHALLENGE, Iax, MD5_RESULT, PASSWORD, PROVISIONING, USERNAME,
    changed, elements, put_out,
};
use super::secrets::Secrets;
use super::tokens::Tokens;

/// Challenges by our call number, as they went or came last. At most one of each for every number.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Ours, to whom calls himself so.
    posed: BTreeMap<CallNumber, Posed>,
    /// Those that were put to us.
    faced: BTreeMap<CallNumber, Vec<u8>>,
}

#[derive(Debug, Default)]
struct Posed {
    challenge: Vec<u8>,
    username: Vec<u8>,
}

impl Frames {
    /// What came, where something of it is to be changed.
    pub(super) fn came(
        &mut self,
        octets: &[u8],
        secrets: &Secrets,
        tokens: &Tokens,
    ) -> Option<Vec<u8>> {
        let Iax { destination, .. } = Iax::of(octets)?;
        for (code, content) in elements(octets) {
            if code == CHALLENGE {
                self.faced.insert(destination, content.to_vec());
            }
        }
        let posed = self.posed.get(&destination);
        changed(octets, |code, content| match code {
            MD5_RESULT => Some(result(posed, content, secrets)),
            PASSWORD => Some(password(posed, content, secrets)),
            CALL_TOKEN => tokens.shown(content).map(|token| token.to_vec()),
            PROVISIONING | AES_PROVISIONING => Some(put_out(content)),
            _ => None,
        })
    }

    /// What goes out, where something of it is to be changed.
    pub(super) fn sent(
        &mut self,
        to: (Instant, SocketAddr),
        octets: &[u8],
        secrets: &Secrets,
        tokens: &mut Tokens,
    ) -> Option<Vec<u8>> {
        let Iax {
            source, subclass, ..
        } = Iax::of(octets)?;
        if subclass == IaxCommand::AuthReq || subclass == IaxCommand::RegAuth {
            self.posed.insert(source, Posed::of(octets));
        }
        let faced = self.faced.get(&source);
        changed(octets, |code, content| match code {
            MD5_RESULT => faced.map(|faced| answered(faced, content, secrets)),
            PASSWORD => Some(
                secrets
                    .all()
                    .find(|(secret, _)| secret.expose() == content)
                    .map_or_else(|| put_out(content), |(_, alias)| alias.expose().to_vec()),
            ),
            CALL_TOKEN => tokens.issued(to, content).map(|token| token.to_vec()),
            _ => None,
        })
    }
}

impl Posed {
    fn of(octets: &[u8]) -> Self {
        let mut posed = Posed::default();
        for (code, content) in elements(octets) {
            match code {
                CHALLENGE => posed.challenge = content.to_vec(),
                USERNAME => posed.username = content.to_vec(),
                _ => {}
            }
        }
        posed
    }
}

/// What takes the place of the result of a login.
fn result(posed: Option<&Posed>, content: &[u8], secrets: &Secrets) -> Vec<u8> {
    let alias = posed.and_then(|posed| {
        let is_right = |(secret, _): &(&_, &_)| {
            md5_result(&posed.challenge, secret).eq_ignore_ascii_case(content)
        };
        let (_, alias) = secrets.of(&posed.username).find(is_right)?;
        Some(md5_result(&posed.challenge, alias).to_vec())
    });
    alias.unwrap_or_else(|| put_out(content))
}

/// What takes the place of a secret that was shown.
fn password(posed: Option<&Posed>, content: &[u8], secrets: &Secrets) -> Vec<u8> {
    let alias = posed.and_then(|posed| {
        let mut all = secrets.of(&posed.username);
        let (_, alias) = all.find(|(secret, _)| secret.expose() == content)?;
        Some(alias.expose().to_vec())
    });
    alias.unwrap_or_else(|| put_out(content))
}

/// What takes the place of our own result: to whom, and so with which secret, it is not looked for.
fn answered(faced: &[u8], content: &[u8], secrets: &Secrets) -> Vec<u8> {
    let mut all = secrets.all();
    let right = all.find(|(secret, _)| md5_result(faced, secret) == content);
    right.map_or_else(
        || put_out(content),
        |(_, alias)| md5_result(faced, alias).to_vec(),
    )
}

#[cfg(test)]
mod tests {
    use iaxproof::engine::directory::TokenKey;
    use iaxproof::engine::settings::Secret;
    use iaxproof::wire::{Body, FullFrame, IeBuffer, InformationElement, SeqNo, Timestamp};

    use super::*;

    const TO: ([u8; 4], u16) = ([192, 0, 2, 1], 4569);

    fn frame(
        (source, destination): (u16, u16),
        command: IaxCommand,
        elements: &[InformationElement<'_>],
    ) -> Vec<u8> {
        let mut ies = IeBuffer::new();
        for element in elements {
            ies.push(*element);
        }
        let frame = FullFrame {
            source: CallNumber::from_word(source),
            destination: CallNumber::from_word(destination),
            retransmission: false,
            timestamp: Timestamp(7),
            oseqno: SeqNo(1),
            iseqno: SeqNo(2),
            body: Body::Iax {
                command,
                ies: ies.view(),
            },
        };
        let mut octets = Vec::new();
        frame.encode(&mut octets);
        octets
    }

    struct Tested {
        frames: Frames,
        secrets: Secrets,
        tokens: Tokens,
    }

    impl Tested {
        /// Ann has secrets, one of them half of another, and we challenge her as our call 5.
        fn new() -> Self {
            let mut secrets = Secrets::default();
            secrets.learn("ann", &Secret::new("old"));
            secrets.learn("ann", &Secret::new("ne"));
            secrets.learn("ann", &Secret::new("new"));
            secrets.learn("bob", &Secret::new("of bob"));
            let mut tested = Tested {
                frames: Frames::default(),
                secrets,
                tokens: Tokens::default(),
            };
            let challenge = [
                InformationElement::Challenge(b"42"),
                InformationElement::Username(b"ann"),
            ];
            let sent = tested.sent(&frame((5, 9), IaxCommand::RegAuth, &challenge));
            assert_eq!(sent, None, "a challenge is no secret");
            tested
        }

        fn sent(&mut self, octets: &[u8]) -> Option<Vec<u8>> {
            let to = (Instant::from_secs(1), TO.into());
            self.frames
                .sent(to, octets, &self.secrets, &mut self.tokens)
        }

        fn came(&mut self, octets: &[u8]) -> Option<Vec<u8>> {
            self.frames.came(octets, &self.secrets, &self.tokens)
        }

        fn alias(&self, secret: &str) -> Secret {
            let mut all = self.secrets.all();
            let (_, alias) = all
                .find(|(it, _)| it.expose() == secret.as_bytes())
                .unwrap();
            alias.clone()
        }
    }

    #[test]
    fn a_result_that_is_right_is_right_with_the_alias_and_a_wrong_one_is_put_out() {
        let mut tested = Tested::new();
        let answer = |result: &[u8]| {
            let elements = [
                InformationElement::Username(b"ann"),
                InformationElement::Md5Result(result),
                InformationElement::Refresh(60),
            ];
            frame((9, 5), IaxCommand::RegReq, &elements)
        };
        for secret in ["old", "new"] {
            let result = md5_result(b"42", &Secret::new(secret)).to_ascii_uppercase();
            let alias = md5_result(b"42", &tested.alias(secret));
            assert_eq!(
                tested.came(&answer(&result)),
                Some(answer(&alias)),
                "{secret}"
            );
        }
        for wrong in ["of bob", "nobody's"] {
            let result = md5_result(b"42", &Secret::new(wrong));
            assert_eq!(tested.came(&answer(&result)), Some(answer(&[b'x'; 32])));
        }
        assert_eq!(tested.came(&answer(b"")), Some(answer(b"")));
    }

    #[test]
    fn a_secret_in_clear_is_its_alias_and_half_of_one_is_put_out() {
        let mut tested = Tested::new();
        let shown = |secret: &[u8]| {
            let elements = [
                InformationElement::Password(secret),
                InformationElement::Refresh(60),
            ];
            frame((9, 5), IaxCommand::RegReq, &elements)
        };
        let alias = tested.alias("new");
        assert_eq!(tested.came(&shown(b"new")), Some(shown(alias.expose())));
        assert_eq!(tested.came(&shown(b"of bob")), Some(shown(b"xxxxxx")));
        let whole = frame(
            (9, 5),
            IaxCommand::RegReq,
            &[InformationElement::Password(b"new")],
        );
        let cut = tested.came(&whole[..whole.len() - 1]).unwrap();
        assert_eq!(
            cut,
            [&whole[..FullFrame::HEADER_LEN], b"\x07\x03xx"].concat()
        );
        // Nothing else is touched, whatever it is.
        for other in [&b"\x80\x09"[..], b"\x00\x09\x07\x03new", &whole[..13]] {
            assert_eq!(tested.came(other), None);
        }
    }

    #[test]
    fn our_own_answer_is_that_of_the_alias() {
        let mut tested = Tested::new();
        let faced = [InformationElement::Challenge(b"17")];
        assert_eq!(
            tested.came(&frame((3, 6), IaxCommand::RegAuth, &faced)),
            None
        );
        let answer = |secret: &Secret| {
            let result = md5_result(b"17", secret);
            let elements = [InformationElement::Md5Result(&result)];
            frame((6, 3), IaxCommand::RegReq, &elements)
        };
        let alias = answer(&tested.alias("of bob"));
        let sent = tested.sent(&answer(&Secret::new("of bob")));
        assert_eq!(sent, Some(alias));
    }

    #[test]
    fn a_token_of_ours_is_another_and_comes_back_as_that() {
        let mut tested = Tested::new();
        let [first, second] = [TokenKey([1; 32]), TokenKey([9; 32])];
        let (first_alias, second_alias) =
            (tested.tokens.learn(&first), tested.tokens.learn(&second));
        assert!(first_alias != second_alias && tested.tokens.learn(&first) == first_alias);
        let now = Instant::from_secs(1);
        let token = |key| iaxproof::engine::call_token::issue(key, now, TO.into());
        let with = |source, command, token: &[u8]| {
            frame(
                (source, 0),
                command,
                &[InformationElement::CallToken(token)],
            )
        };
        for (key, alias) in [(&second, &second_alias), (&first, &first_alias)] {
            let out = tested.sent(&with(1, IaxCommand::CallToken, &token(key)));
            assert_eq!(out, Some(with(1, IaxCommand::CallToken, &token(alias))));
            let back = tested.came(&with(9, IaxCommand::RegReq, &token(key)));
            assert_eq!(back, Some(with(9, IaxCommand::RegReq, &token(alias))));
        }
        let theirs = with(9, IaxCommand::RegReq, &[b'?'; 28]);
        assert_eq!(tested.came(&theirs), None);
    }
}
