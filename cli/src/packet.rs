//! A UDP datagram as captures have it: behind headers of IPv4 or IPv6 that are made here, for no capture of ours sees the real ones.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How long a UDP header is.
const UDP_LEN: usize = 8;
/// How long an IPv4 header is.
const IPV4_LEN: usize = 20;
/// How many routers a datagram may pass, and what it carries: UDP.
const TTL: u8 = 64;
const UDP: u8 = 17;

/// The datagram behind its headers; `None` where the two addresses are not of one family, or it is too long.
pub(crate) fn ip(source: SocketAddr, destination: SocketAddr, octets: &[u8]) -> Option<Vec<u8>> {
    let udp = udp(source, destination, octets)?;
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4(source, destination, &udp),
        (IpAddr::V6(source), IpAddr::V6(destination)) => ipv6(source, destination, udp),
        _ => None,
    }
}

/// The checksum is 0: none was made.
fn udp(source: SocketAddr, destination: SocketAddr, octets: &[u8]) -> Option<Vec<u8>> {
    let len = u16::try_from(octets.len() + UDP_LEN).ok()?;
    let mut out = Vec::with_capacity(usize::from(len));
    out.extend(source.port().to_be_bytes());
    out.extend(destination.port().to_be_bytes());
    out.extend(len.to_be_bytes());
    out.extend([0, 0]);
    out.extend(octets);
    Some(out)
}

fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, udp: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0x45, 0];
    out.extend(u16::try_from(udp.len() + IPV4_LEN).ok()?.to_be_bytes());
    out.extend([0, 0, 0, 0, TTL, UDP, 0, 0]);
    out.extend(source.octets());
    out.extend(destination.octets());
    let sum = checksum(&out).to_be_bytes();
    out[10..12].copy_from_slice(&sum);
    out.extend(udp);
    Some(out)
}

/// Here UDP must have a checksum (RFC 8200 §8.1), over a pseudo-header too.
fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, mut udp: Vec<u8>) -> Option<Vec<u8>> {
    let len = u16::try_from(udp.len()).ok()?.to_be_bytes();
    let addresses = [source.octets(), destination.octets()].concat();
    let pseudo = [&addresses[..], &[0, 0], &len, &[0, 0, 0, UDP], &udp].concat();
    let sum = match checksum(&pseudo) {
        0 => u16::MAX,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    let mut out = vec![0x60, 0, 0, 0];
    out.extend(len);
    out.extend([UDP, TTL]);
    out.extend(addresses);
    out.extend(udp);
    Some(out)
}

/// The checksum of the internet (RFC 1071).
fn checksum(octets: &[u8]) -> u16 {
    let (words, rest) = octets.as_chunks::<2>();
    let words = words.iter().map(|it| u32::from(u16::from_be_bytes(*it)));
    let last = rest.iter().map(|octet| u32::from(*octet) << 8);
    let mut sum: u32 = words.chain(last).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_right_in_both_families() {
        let packet = |source: &str, destination: &str, octets: &[u8]| {
            ip(
                source.parse().unwrap(),
                destination.parse().unwrap(),
                octets,
            )
        };
        let four = packet("192.0.2.1:4569", "192.0.2.2:4570", b"hi").unwrap();
        assert_eq!(checksum(&four[..IPV4_LEN]), 0);
        assert_eq!(&four[IPV4_LEN..], b"\x11\xd9\x11\xda\0\x0a\0\0hi");
        let six = packet("[2001:db8::1]:4569", "[2001:db8::2]:4570", b"odd").unwrap();
        let pseudo = [&six[8..40], &[0, 0, 0, 11, 0, 0, 0, UDP], &six[40..]].concat();
        assert_eq!(checksum(&pseudo), 0);
        assert_eq!(packet("192.0.2.1:1", "[::1]:1", b""), None);
    }
}
