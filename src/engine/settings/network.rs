//! Ranges of addresses, and the access lists made of them (chan_iax2: `permit`, `deny`, `calltokenoptional`,
//! `[callnumberlimits]`).

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// All addresses of one family that share their first `prefix` bits. IPv4 in IPv6 (`::ffff:a.b.c.d`) is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpRange {
    first: IpAddr,
    prefix: u8,
}

/// Why a text is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARange {
    /// The part before the `/`.
    #[error("{0:?} is no IP address")]
    Address(String),
    /// The part after the `/`.
    #[error("{0:?} is neither a number of bits nor a mask that fits the address")]
    Mask(String),
}

impl IpRange {
    /// The range of `prefix` bits around `address`; `None` where the family has fewer bits.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let address = address.to_canonical();
        (prefix <= bits(address)).then(|| IpRange {
            first: cut(address, prefix),
            prefix,
        })
    }

    /// Exactly this address.
    pub fn of(address: IpAddr) -> Self {
        let first = address.to_canonical();
        IpRange {
            first,
            prefix: bits(first),
        }
    }

    /// Whether the address is in the range. Total for prefixes from 0 to all bits.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        bits(address) == bits(self.first) && cut(address, self.prefix) == self.first
    }

    /// How many leading bits count: of two ranges with an address, the one with more is the narrower.
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with all but its first `prefix` bits cleared.
fn cut(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl FromStr for IpRange {
    type Err = NotARange;

    /// `address`, `address/bits` or `address/mask`.
    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (address, mask) = match text.split_once('/') {
            Some((address, mask)) => (address, Some(mask)),
            None => (text, None),
        };
        let parsed: IpAddr = address
            .trim()
            .parse()
            .map_err(|_| NotARange::Address(address.into()))?;
        match mask {
            None => Ok(IpRange::of(parsed)),
            Some(mask) => prefix_of(mask.trim())
                .and_then(|prefix| IpRange::new(parsed, prefix))
                .ok_or_else(|| NotARange::Mask(mask.into())),
        }
    }
}

/// A number of bits, or a dotted mask without holes.
fn prefix_of(mask: &str) -> Option<u8> {
    if let Ok(prefix) = mask.parse() {
        return Some(prefix);
    }
    let mask: IpAddr = mask.parse().ok()?;
    match mask {
        IpAddr::V4(mask) => {
            let ones = mask.to_bits().leading_ones();
            (mask.to_bits().count_ones() == ones).then_some(ones as u8)
        }
        IpAddr::V6(mask) => {
            let ones = mask.to_bits().leading_ones();
            (mask.to_bits().count_ones() == ones).then_some(ones as u8)
        }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// One line of an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessRule {
    /// `permit`.
    Permit(IpRange),
    /// `deny`.
    Deny(IpRange),
}

/// An access list: the last line that covers an address decides; without any, it is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessList(pub Vec<AccessRule>);

impl AccessList {
    /// Whether the address may come in.
    pub fn allows(&self, address: IpAddr) -> bool {
        let covers = |rule: &&AccessRule| match rule {
            AccessRule::Permit(range) | AccessRule::Deny(range) => range.contains(address),
        };
        let last = self.0.iter().rev().find(covers);
        !matches!(last, Some(AccessRule::Deny(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> IpRange {
        text.parse().expect("a range")
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn both_ends_of_the_prefix_are_total() {
        assert!(range("0.0.0.0/0").contains(ip("255.255.255.255")));
        assert!(!range("0.0.0.0/0").contains(ip("2001:db8::1")));
        assert!(range("::/0").contains(ip("2001:db8::1")));
        assert!(range("192.0.2.7").contains(ip("192.0.2.7")));
        assert!(!range("192.0.2.7/32").contains(ip("192.0.2.6")));
        assert!(range("2001:db8::/127").contains(ip("2001:db8::1")));
        assert!(!range("2001:db8::/127").contains(ip("2001:db8::2")));
    }

    #[test]
    fn masks_bits_and_mapped_addresses_are_one() {
        assert_eq!(range("10.1.2.3/255.255.0.0"), range("10.1.0.0/16"));
        assert!(range("10.1.0.0/16").contains(ip("::ffff:10.1.9.9")));
        assert_eq!(
            "10.0.0.0/255.0.255.0".parse::<IpRange>(),
            Err(NotARange::Mask("255.0.255.0".into()))
        );
        assert!("10.0.0.0/33".parse::<IpRange>().is_err());
        assert!("ten/8".parse::<IpRange>().is_err());
    }

    #[test]
    fn the_last_rule_that_covers_an_address_decides() {
        let list = AccessList(vec![
            AccessRule::Deny(range("0.0.0.0/0")),
            AccessRule::Permit(range("10.0.0.0/8")),
            AccessRule::Deny(range("10.9.0.0/16")),
        ]);
        assert!(!list.allows(ip("192.0.2.1")));
        assert!(list.allows(ip("10.1.1.1")));
        assert!(!list.allows(ip("10.9.1.1")));
        assert!(AccessList::default().allows(ip("10.9.1.1")));
    }
}
