//! Who may open a dialogue, as values: the place that an open dialogue takes, the keys of call tokens, and who must show
//! one. The counts and keys themselves are the directory's, for all workers share them; `allowance` says how much may be
//! sent to an address that has proved nothing.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use super::settings::Requirement;

/// The secret key of the call tokens, 256 bits. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey(pub [u8; 32]);

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

/// What tokens are issued and checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKeys {
    /// The key of new tokens.
    pub current: TokenKey,
    /// The key before, while tokens that it issued may be good.
    pub previous: Option<TokenKey>,
    /// How long a token is good for.
    pub life: Duration,
}

/// The place of one dialogue in the directory's counts (X-NUM-3). Whoever has it gives it back by
/// [`Directory::leave`](super::directory::Directory::leave); it cannot be copied, so that happens once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a place that is not given back is taken for ever"]
pub struct Ticket {
    ip: IpAddr,
    is_validated: bool,
}

impl Ticket {
    /// The place of a dialogue with this address. Made by directories alone.
    pub fn new(ip: IpAddr, is_validated: bool) -> Self {
        Ticket { ip, is_validated }
    }

    /// The address that it is counted under; IPv4 in IPv6 is IPv4.
    pub fn ip(&self) -> IpAddr {
        self.ip.to_canonical()
    }

    /// Whether the dialogue began with a valid token, or is ours.
    pub const fn is_validated(&self) -> bool {
        self.is_validated
    }
}

/// Whether an opener without the CALLTOKEN element is refused (X-TOK-10; chan_iax2). `has_shown`: whether the name has ever
/// shown a valid token; `is_optional`: whether its address is in a range of `calltokenoptional`.
pub const fn token_is_required(
    requirement: Requirement,
    has_shown: bool,
    is_optional: bool,
) -> bool {
    match requirement {
        Requirement::ByAddress => !is_optional,
        Requirement::Required => true,
        Requirement::NotRequired => false,
        Requirement::Auto => has_shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for requirement in [
            Requirement::ByAddress,
            Requirement::Required,
            Requirement::NotRequired,
            Requirement::Auto,
        ] {
            for (has_shown, is_optional) in
                [(false, false), (false, true), (true, false), (true, true)]
            {
                let is_required = token_is_required(requirement, has_shown, is_optional);
                table += &format!(
                    "{requirement:?} shown {has_shown} optional {is_optional}: {is_required}\n"
                );
            }
        }
        insta::assert_snapshot!(table);
    }
}
