//! APPARENT ADDR: the address at which the sender sees the receiver (RFC 5456 §8.6.17).
//!
//! The element is a Linux `sockaddr` as it lies in memory, so its family is in the byte order of the sender's machine,
//! which is little-endian on every one that is deployed; port and address are in network order.
//!
//! ```text
//! IPv4, 16 octets:  02 00  port  4 octets of address  8 zero octets
//! IPv6, 28 octets:  0a 00  port  4 octets of flow information  16 octets of address  4 octets of scope
//! ```

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::content::Content;
use crate::wire::cursor::Cursor;

/// An address and port. Written as a little-endian machine does; read from either. The scope of IPv6 is in the byte order
/// of the family; octets that pad IPv4 are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApparentAddress(pub SocketAddr);

/// `AF_INET` and `AF_INET6` of Linux, as a little-endian machine writes them.
const INET: [u8; 2] = [2, 0];
const INET6: [u8; 2] = [10, 0];
/// The same by a big-endian machine.
const INET_SWAPPED: [u8; 2] = [0, 2];
const INET6_SWAPPED: [u8; 2] = [0, 10];

/// The lengths of the two forms.
const INET_LEN: usize = 16;
const INET6_LEN: usize = 28;

impl ApparentAddress {
    /// The address with `::ffff:a.b.c.d` as the IPv4 address that it stands for; compare addresses in this form.
    pub fn unmapped(self) -> SocketAddr {
        SocketAddr::new(self.0.ip().to_canonical(), self.0.port())
    }
}

impl Content<'_> for ApparentAddress {
    fn read(data: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(data);
        let family = cursor.array()?;
        let port = cursor.u16()?;
        let address = match (family, data.len()) {
            (INET | INET_SWAPPED, INET_LEN) => {
                SocketAddrV4::new(Ipv4Addr::from_octets(cursor.array()?), port).into()
            }
            (INET6, INET6_LEN) => read_v6(&mut cursor, port, u32::from_le_bytes)?,
            (INET6_SWAPPED, INET6_LEN) => read_v6(&mut cursor, port, u32::from_be_bytes)?,
            _ => return None,
        };
        Some(ApparentAddress(address))
    }

    fn write(self, out: &mut Vec<u8>) {
        let port = self.0.port().to_be_bytes();
        match self.0 {
            SocketAddr::V4(address) => {
                out.extend([INET, port].as_flattened());
                out.extend(address.ip().octets());
                out.extend([0; 8]);
            }
            SocketAddr::V6(address) => {
                out.extend([INET6, port].as_flattened());
                out.extend(address.flowinfo().to_be_bytes());
                out.extend(address.ip().octets());
                out.extend(address.scope_id().to_le_bytes());
            }
        }
    }
}

fn read_v6(cursor: &mut Cursor<'_>, port: u16, scope: fn([u8; 4]) -> u32) -> Option<SocketAddr> {
    let flow = cursor.array().map(u32::from_be_bytes)?;
    let address = cursor.array().map(Ipv6Addr::from_octets)?;
    let scope = cursor.array().map(scope)?;
    Some(SocketAddrV6::new(address, port, flow, scope).into())
}

impl From<SocketAddr> for ApparentAddress {
    fn from(address: SocketAddr) -> Self {
        ApparentAddress(address)
    }
}

impl From<(IpAddr, u16)> for ApparentAddress {
    fn from(address: (IpAddr, u16)) -> Self {
        ApparentAddress(address.into())
    }
}

impl fmt::Display for ApparentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: [u8; 16] = [2, 0, 0x11, 0xd9, 192, 0, 2, 18, 0, 0, 0, 0, 0, 0, 0, 0];
    const V6: [u8; 28] = [
        10, 0, 0x11, 0xd9, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        2, 0, 0, 0,
    ];

    fn written(address: ApparentAddress) -> Vec<u8> {
        let mut out = Vec::new();
        address.write(&mut out);
        out
    }

    /// X-IE-6.
    #[test]
    fn version_4() {
        let address = ApparentAddress::read(&V4).unwrap();
        assert_eq!(address.to_string(), "192.0.2.18:4569");
        assert_eq!(written(address), V4);
        let mut swapped = V4;
        swapped[..2].copy_from_slice(&[0, 2]);
        assert_eq!(ApparentAddress::read(&swapped), Some(address));
    }

    #[test]
    fn version_6() {
        let address = ApparentAddress::read(&V6).unwrap();
        assert_eq!(address.to_string(), "[2001:db8::1%2]:4569");
        assert_eq!(written(address), V6);
        let mut swapped = V6;
        swapped[..2].copy_from_slice(&[0, 10]);
        swapped[24..].copy_from_slice(&[0, 0, 0, 2]);
        assert_eq!(ApparentAddress::read(&swapped), Some(address));
    }

    #[test]
    fn a_mapped_address_compares_as_version_4() {
        let mapped: SocketAddr = "[::ffff:192.0.2.18]:4569".parse().unwrap();
        assert_eq!(
            ApparentAddress(mapped).unmapped().to_string(),
            "192.0.2.18:4569"
        );
    }

    /// X-IE-6.
    #[test]
    fn other_lengths_and_families_are_refused() {
        assert_eq!(ApparentAddress::read(&[0; 255]), None);
        assert_eq!(ApparentAddress::read(&V4[..15]), None);
        assert_eq!(ApparentAddress::read(&V6[..16]), None);
        let mut bsd = V6;
        bsd[..2].copy_from_slice(&[28, 30]);
        assert_eq!(ApparentAddress::read(&bsd), None);
    }
}
