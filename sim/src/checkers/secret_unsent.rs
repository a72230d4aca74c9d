//! secret-unsent: no server sends a secret in clear, whoever asks for it: not that of a registration of its own, nor that of an
//! account. The secrets of a world all have one word in them, that nothing else has.

use iaxproof::time::Instant;

use super::Checker;
use crate::fact::Fact;
use crate::plan::Actor;

/// What every secret begins with.
pub const SECRET: &[u8] = b"secret-";

/// Looks into every datagram that a server sends.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecretUnsent;

impl Checker for SecretUnsent {
    const PROPERTY: &'static str = "secret-unsent";

    fn observe(&mut self, _now: Instant, fact: &Fact<'_>) -> Result<(), String> {
        let Fact::Sent(passage) = fact else {
            return Ok(());
        };
        let has_secret = |octets: &[u8]| octets.windows(SECRET.len()).any(|it| it == SECRET);
        match passage.from {
            Actor::Server(server) if has_secret(passage.datagram) => Err(format!(
                "server {server}: a secret goes to {} in clear",
                passage.destination
            )),
            _ => Ok(()),
        }
    }
}
