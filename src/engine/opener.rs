//! A request of ours that opens a dialogue, kept for as long as nothing has answered it: a CALLTOKEN has it sent again (IAX2
//! security document §3.2).
//!
//! # Deviations
//!
//! - chan_iax2 sends its opener again for every CALLTOKEN, from the second on with a damaged list of elements; here once
//!   for each distinct token, and [`TOKENS_MAX`] times in all (X-TOK-11).
//! - A retransmission whose token is too old would be refused. It goes out with an empty token instead, once.

use core::fmt;
use core::time::Duration;

use crate::time::Instant;
use crate::wire::{IaxCommand, IeBuffer, InformationElement};

/// How many tokens one opener is sent with.
pub(super) const TOKENS_MAX: usize = 4;
/// How old a token may be when it is sent again: a second less than the shortest life that chan_iax2 gives it.
const TOKEN_TRUST: Duration = Duration::from_secs(8);

/// An unanswered opener.
pub(super) struct Opener {
    command: IaxCommand,
    /// All elements but CALLTOKEN.
    ies: IeBuffer,
    /// The tokens that came, each once. Never printed.
    tokens: Vec<Vec<u8>>,
    token_came_at: Option<Instant>,
}

impl Opener {
    pub(super) const fn new(command: IaxCommand, ies: IeBuffer) -> Self {
        Opener {
            command,
            ies,
            tokens: Vec::new(),
            token_came_at: None,
        }
    }

    pub(super) const fn command(&self) -> IaxCommand {
        self.command
    }

    /// The elements with an empty token at their end (X-TOK-1), or with this one.
    pub(super) fn elements(&self, token: &[u8]) -> IeBuffer {
        let mut ies = self.ies.clone();
        ies.push(InformationElement::CallToken(token));
        ies
    }

    /// A token came, of whatever octets and from whatever call number (X-TOK-3, X-TOK-8): whether the request is to be sent again
    /// with it.
    pub(super) fn take_token(&mut self, now: Instant, token: &[u8]) -> bool {
        let is_news = !self.tokens.iter().any(|known| known == token);
        let is_taken = is_news && !token.is_empty() && self.tokens.len() < TOKENS_MAX;
        if is_taken {
            self.tokens.push(token.to_vec());
            self.token_came_at = Some(now);
        }
        is_taken
    }

    /// Whether its token is too old to be sent once more. Says so once for each token.
    pub(super) fn outgrew_its_token(&mut self, now: Instant) -> bool {
        let is_old = |at: &mut Instant| now >= *at + TOKEN_TRUST;
        self.token_came_at.take_if(is_old).is_some()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("command", &self.command)
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_taken_once_and_only_so_many() {
        let mut opener = Opener::new(IaxCommand::New, IeBuffer::new());
        let now = Instant::from_secs(1);
        assert!(!opener.take_token(now, b""));
        assert!(opener.take_token(now, b"a"));
        assert!(!opener.take_token(now, b"a"));
        for token in [b"b", b"c", b"d"] {
            assert!(opener.take_token(now, token));
        }
        assert!(!opener.take_token(now, b"e"));
    }

    #[test]
    fn a_token_is_outgrown_once() {
        let mut opener = Opener::new(IaxCommand::RegReq, IeBuffer::new());
        let start = Instant::from_secs(1);
        assert!(!opener.outgrew_its_token(start + Duration::from_secs(60)));
        assert!(opener.take_token(start, b"a"));
        assert!(!opener.outgrew_its_token(start + Duration::from_secs(7)));
        assert!(opener.outgrew_its_token(start + Duration::from_secs(8)));
        assert!(!opener.outgrew_its_token(start + Duration::from_secs(9)));
    }
}
