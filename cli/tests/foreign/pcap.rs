//! Datagrams of IPv4 as a capture that tshark and `iaxproof decode` read.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};

/// One datagram on its way.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    /// When it was seen, from an arbitrary start.
    pub(crate) at: Duration,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    /// The UDP payload.
    pub(crate) octets: Vec<u8>,
}

/// Writes a capture.
pub(crate) fn write(path: &Path, datagrams: &[Datagram]) {
    let header = PcapHeader {
        datalink: DataLink::RAW,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(File::create(path).unwrap(), header).unwrap();
    for datagram in datagrams {
        let packet = ip(datagram);
        let packet = PcapPacket::new(datagram.at, packet.len() as u32, &packet);
        writer.write_packet(&packet).unwrap();
    }
}

/// The datagram behind IPv4 and UDP headers. Checksums are zero: tshark does not look at the first, and takes the second for
/// one that was not made.
fn ip(datagram: &Datagram) -> Vec<u8> {
    let (SocketAddr::V4(source), SocketAddr::V4(destination)) =
        (datagram.source, datagram.destination)
    else {
        panic!("captures of tests are IPv4");
    };
    let udp_len = datagram.octets.len() as u16 + 8;
    let mut out = vec![0x45, 0];
    out.extend((udp_len + 20).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    out.extend([source.ip().octets(), destination.ip().octets()].as_flattened());
    out.extend(
        [
            source.port().to_be_bytes(),
            destination.port().to_be_bytes(),
        ]
        .as_flattened(),
    );
    out.extend([udp_len.to_be_bytes(), [0, 0]].as_flattened());
    out.extend(&datagram.octets);
    out
}
