//! Call tokens of ours: each is issued anew under the alias of its key when it goes out, and changed for that one when it comes back. One that was
//! not ours, or is too old to be known, stays: it is nobody's secret, and is wrong under any key.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use iaxproof::engine::call_token::{TOKEN_LEN, issue};
use iaxproof::engine::directory::TokenKey;
use iaxproof::time::Instant;

/// Tokens that may come back: those of a server's ten busiest seconds.
const ISSUED_MAX: usize = 1 << 18;
/// Keys that may be in force: this one and the one before.
const KEYS_MAX: usize = 2;

type Token = [u8; TOKEN_LEN];

/// What was issued, and by which keys.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Each with its alias, the newest first.
    keys: VecDeque<(TokenKey, TokenKey)>,
    keys_so_far: u8,
    issued: BTreeMap<Token, Token>,
    /// The same, the oldest first.
    order: VecDeque<Token>,
}

impl Tokens {
    /// The alias of a key.
    pub(super) fn learn(&mut self, key: &TokenKey) -> TokenKey {
        if let Some((_, alias)) = self.keys.iter().find(|(known, _)| known == key) {
            return alias.clone();
        }
        self.keys_so_far = self.keys_so_far.wrapping_add(1);
        let alias = TokenKey([self.keys_so_far; 32]);
        self.keys.truncate(KEYS_MAX - 1);
        self.keys.push_front((key.clone(), alias.clone()));
        alias
    }

    /// What goes out in the place of a token of ours.
    pub(super) fn issued(
        &mut self,
        (now, remote): (Instant, SocketAddr),
        token: &[u8],
    ) -> Option<Token> {
        let is_by = |(key, _): &&(TokenKey, TokenKey)| issue(key, now, remote) == token;
        let (_, alias) = self.keys.iter().find(is_by)?;
        let (token, alias) = (token.try_into().ok()?, issue(alias, now, remote));
        if self.issued.insert(token, alias).is_none() {
            self.order.push_back(token);
        }
        if self.order.len() > ISSUED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.issued.remove(&oldest);
        }
        Some(alias)
    }

    /// What comes back in its place.
    pub(super) fn shown(&self, token: &[u8]) -> Option<Token> {
        let token: Token = token.try_into().ok()?;
        self.issued.get(&token).copied()
    }
}
