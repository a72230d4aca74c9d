//! From a captured packet to the UDP datagram in it: link headers, IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use pcap_file::DataLink;

use super::packets::Packet;

/// What is in a packet.
pub(super) enum Content<'a> {
    /// A whole UDP datagram.
    Datagram(Datagram<'a>),
    /// Why there is none.
    Other(String),
}

/// A whole UDP datagram.
pub(super) struct Datagram<'a> {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) payload: &'a [u8],
}

impl Datagram<'_> {
    /// Whether it comes from or goes to the port, where one is asked for.
    pub(super) fn is_of(&self, port: Option<u16>) -> bool {
        let ports = [self.source.port(), self.destination.port()];
        port.is_none_or(|port| ports.contains(&port))
    }
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_VLAN: [u16; 2] = [0x8100, 0x88a8];
const UDP: u8 = 17;

/// The UDP datagram of a packet, or why it has none.
pub(super) fn content<'a>(packet: &'a Packet<'a>) -> Content<'a> {
    match datagram(packet.link, &packet.data) {
        Ok(datagram) => Content::Datagram(datagram),
        Err(what) if packet.data.len() < packet.original_len => Content::Other(format!(
            "{what} (captured {} of {} octets)",
            packet.data.len(),
            packet.original_len
        )),
        Err(what) => Content::Other(what),
    }
}

fn datagram(link: DataLink, data: &[u8]) -> Result<Datagram<'_>, String> {
    let mut octets = Octets(data);
    match link {
        DataLink::ETHERNET => {
            octets.take(12)?;
            ethertype(octets)
        }
        DataLink::LINUX_SLL => {
            octets.take(14)?;
            ethertype(octets)
        }
        DataLink::LINUX_SLL2 => {
            let protocol = octets.u16()?;
            octets.take(18)?;
            network(protocol, octets)
        }
        // The family is in the byte order of whoever captured, and IPv6 has another one on every system.
        DataLink::NULL | DataLink::LOOP => {
            octets.take(4)?;
            version(octets)
        }
        DataLink::RAW | DataLink::IPV4 | DataLink::IPV6 => version(octets),
        other => Err(format!("link type {} is not known", u32::from(other))),
    }
}

/// The type, behind VLAN tags if any.
fn ethertype(mut octets: Octets<'_>) -> Result<Datagram<'_>, String> {
    let mut protocol = octets.u16()?;
    while ETHERTYPE_VLAN.contains(&protocol) {
        octets.take(2)?;
        protocol = octets.u16()?;
    }
    network(protocol, octets)
}

fn network(protocol: u16, octets: Octets<'_>) -> Result<Datagram<'_>, String> {
    match protocol {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => version(octets),
        other => Err(format!("protocol {other:#06x}, not IP")),
    }
}

fn version(octets: Octets<'_>) -> Result<Datagram<'_>, String> {
    match octets.0.first().map(|octet| octet >> 4) {
        Some(4) => ipv4(octets),
        Some(6) => ipv6(octets),
        Some(other) => Err(format!("IP version {other}")),
        None => Err("no IP header".to_owned()),
    }
}

fn ipv4(mut octets: Octets<'_>) -> Result<Datagram<'_>, String> {
    let [first, _, _, _, _, _, f0, f1, _, protocol] = octets.array()?;
    octets.take(2)?;
    let source = Ipv4Addr::from_octets(octets.array()?);
    let destination = Ipv4Addr::from_octets(octets.array()?);
    let options = usize::from(first & 0xf).checked_sub(5);
    octets.take(4 * options.ok_or("IPv4 header below 20 octets")?)?;
    // The offset, and the bit that says that more follow.
    if u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
        return Err(format!("IPv4 fragment {source} -> {destination}"));
    }
    udp(protocol, octets, source.into(), destination.into())
}

fn ipv6(mut octets: Octets<'_>) -> Result<Datagram<'_>, String> {
    octets.take(6)?;
    let [mut next, _] = octets.array()?;
    let source = Ipv6Addr::from_octets(octets.array()?);
    let destination = Ipv6Addr::from_octets(octets.array()?);
    // Hop-by-hop, routing and destination options say the next header and their length in eights.
    while matches!(next, 0 | 43 | 60) {
        let [behind, eights, ..] = octets.array::<8>()?;
        octets.take(8 * usize::from(eights))?;
        next = behind;
    }
    if next == 44 {
        return Err(format!("IPv6 fragment {source} -> {destination}"));
    }
    udp(next, octets, source.into(), destination.into())
}

fn udp(
    protocol: u8,
    mut octets: Octets<'_>,
    source: IpAddr,
    destination: IpAddr,
) -> Result<Datagram<'_>, String> {
    if protocol != UDP {
        return Err(format!(
            "IP protocol {protocol} {source} -> {destination}, not UDP"
        ));
    }
    let source = SocketAddr::new(source, octets.u16()?);
    let destination = SocketAddr::new(destination, octets.u16()?);
    let len = usize::from(octets.u16()?);
    octets.take(2)?;
    let payload = len.checked_sub(8).ok_or("UDP length below 8")?;
    let payload = octets.take(payload)?;
    Ok(Datagram {
        source,
        destination,
        payload,
    })
}

/// Bounds-checked reading.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(cut)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (head, rest) = self.0.split_first_chunk().ok_or_else(cut)?;
        self.0 = rest;
        Ok(*head)
    }

    fn u16(&mut self) -> Result<u16, String> {
        self.array().map(u16::from_be_bytes)
    }
}

fn cut() -> String {
    "cut short".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UDP 4569 -> 4570 with the payload "hi" between two documentation addresses.
    const V4: &[u8] = b"\x45\0\0\x1e\0\0\0\0\x40\x11\0\0\xc0\0\x02\x01\xc0\0\x02\x02\
                        \x11\xd9\x11\xda\0\x0a\0\0hi";

    fn line(link: DataLink, data: &[u8]) -> String {
        match datagram(link, data) {
            Ok(Datagram {
                source,
                destination,
                payload,
            }) => format!("{source} {destination} {}", payload.escape_ascii()),
            Err(what) => what,
        }
    }

    const LINE: &str = "192.0.2.1:4569 192.0.2.2:4570 hi";

    #[test]
    fn every_link_type_leads_to_the_datagram() {
        let behind = |header: &[u8]| [header, V4].concat();
        let ethernet = behind(b"aaaaaabbbbbb\x08\0");
        let vlan = behind(b"aaaaaabbbbbb\x81\0\0\x05\x08\0");
        let cooked = behind(b"\0\0\0\x01\0\x06aaaaaa\0\0\x08\0");
        let cooked2 = behind(b"\x08\0\0\0\0\0\0\x01\0\x01\0\x06aaaaaa\0\0");
        assert_eq!(line(DataLink::ETHERNET, &ethernet), LINE);
        assert_eq!(line(DataLink::ETHERNET, &vlan), LINE);
        assert_eq!(line(DataLink::LINUX_SLL, &cooked), LINE);
        assert_eq!(line(DataLink::LINUX_SLL2, &cooked2), LINE);
        assert_eq!(line(DataLink::NULL, &behind(b"\x02\0\0\0")), LINE);
        assert_eq!(line(DataLink::RAW, V4), LINE);
    }

    #[test]
    fn octets_behind_the_datagram_are_padding() {
        assert_eq!(line(DataLink::RAW, &[V4, b"\0\0\0"].concat()), LINE);
    }

    #[test]
    fn what_is_no_whole_datagram_is_named() {
        let changed = |at: usize, octet: u8| {
            let mut data = V4.to_vec();
            data[at] = octet;
            line(DataLink::RAW, &data)
        };
        assert_eq!(
            changed(9, 6),
            "IP protocol 6 192.0.2.1 -> 192.0.2.2, not UDP"
        );
        assert_eq!(changed(6, 0x20), "IPv4 fragment 192.0.2.1 -> 192.0.2.2");
        assert_eq!(changed(0, 0x44), "IPv4 header below 20 octets");
        assert_eq!(changed(25, 7), "UDP length below 8");
        assert_eq!(changed(0, 0x55), "IP version 5");
        assert_eq!(line(DataLink::RAW, &V4[..29]), "cut short");
        assert_eq!(line(DataLink::PPP, V4), "link type 9 is not known");
        let arp = b"aaaaaabbbbbb\x08\x06";
        assert_eq!(line(DataLink::ETHERNET, arp), "protocol 0x0806, not IP");
    }

    #[test]
    fn version_6_with_options() {
        let mut data = b"\x60\0\0\0\0\x12\0\x40".to_vec();
        data.extend(Ipv6Addr::LOCALHOST.octets());
        data.extend(Ipv6Addr::LOCALHOST.octets());
        data.extend(b"\x11\0\0\0\0\0\0\0\x11\xd9\x11\xda\0\x0a\0\0hi");
        assert_eq!(line(DataLink::RAW, &data), "[::1]:4569 [::1]:4570 hi");
        data[40] = 44;
        assert_eq!(line(DataLink::RAW, &data), "IPv6 fragment ::1 -> ::1");
    }
}
