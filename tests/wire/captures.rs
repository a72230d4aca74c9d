//! Captures of our own and the corpus of the fuzz target `frame`, all made by our encoder from the conversations in
//! [`story`].
//!
//! The committed files must be what the encoder writes today. After a wanted change:
//! `cargo test --test wire -- --ignored write_them_anew`, and review the difference. That each packet decodes to the
//! listing that was agreed on is tested in `cli/tests/foreign/captures.rs`, through the command.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, Endianness, TsResolution};

use crate::story::{self, Sent};

/// When the first packet of a capture was sent, and how far apart they are.
const FIRST: Duration = Duration::from_secs(1_700_000_000);
const APART: Duration = Duration::from_millis(20);

/// Every file: where it lies in the repository, and its octets.
fn files() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stories = story::all();
    let captures = stories.iter().map(|(name, sent)| {
        // One of them in the newer format, behind Ethernet headers.
        if *name == "video" {
            (format!("tests/captures/{name}.pcapng"), pcapng(sent))
        } else {
            (format!("tests/captures/{name}.pcap"), pcap(sent))
        }
    });
    let corpus = stories.iter().flat_map(|(name, sent)| {
        let file = move |frame: &Sent| format!("fuzz/corpus/frame/{name}-{}", frame.name);
        sent.iter()
            .map(move |frame| (file(frame), frame.octets.clone()))
    });
    captures
        .chain(corpus)
        .map(|(path, octets)| (root.join(path), octets))
        .collect()
}

fn pcap(sent: &[Sent]) -> Vec<u8> {
    let header = PcapHeader {
        datalink: DataLink::RAW,
        endianness: Endianness::Little,
        ts_resolution: TsResolution::MicroSecond,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for (number, frame) in (0..).zip(sent) {
        let packet = ip(frame);
        let packet = PcapPacket::new(FIRST + APART * number, packet.len() as u32, &packet);
        writer.write_packet(&packet).unwrap();
    }
    writer.into_writer()
}

fn pcapng(sent: &[Sent]) -> Vec<u8> {
    let mut writer = PcapNgWriter::with_endianness(Vec::new(), Endianness::Little).unwrap();
    let mut interface = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0xffff);
    interface
        .options
        .push(InterfaceDescriptionOption::IfTsResol(9));
    writer.write_pcapng_block(interface).unwrap();
    for (number, frame) in (0..).zip(sent) {
        let packet = [&b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0"[..], &ip(frame)].concat();
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: FIRST + APART * number,
            original_len: packet.len() as u32,
            data: Cow::Owned(packet),
            options: Vec::new(),
        };
        writer.write_pcapng_block(block).unwrap();
    }
    writer.into_inner()
}

/// The datagram behind IPv4 and UDP headers: 192.0.2.1:4570 is the client, 192.0.2.2:4569 the server.
fn ip(frame: &Sent) -> Vec<u8> {
    let (client, server) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    let (client_port, server_port) = (4570_u16.to_be_bytes(), 4569_u16.to_be_bytes());
    let (addresses, ports) = if frame.from_client {
        ([client, server], [client_port, server_port])
    } else {
        ([server, client], [server_port, client_port])
    };
    let udp_len = frame.octets.len() as u16 + 8;
    let mut out = vec![0x45, 0];
    out.extend((udp_len + 20).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    out.extend(addresses.as_flattened());
    let sum = checksum(&out);
    out.splice(10..12, sum.to_be_bytes());
    out.extend(ports.as_flattened());
    out.extend([udp_len.to_be_bytes(), [0, 0]].as_flattened());
    out.extend(&frame.octets);
    out
}

fn checksum(header: &[u8]) -> u16 {
    let words = header
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum: u32 = words.sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

#[test]
fn the_committed_files_are_what_the_encoder_writes() {
    for (path, octets) in files() {
        let committed =
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            committed == octets,
            "{} is not what the encoder writes",
            path.display()
        );
    }
}

#[test]
#[ignore = "writes into the source tree: the command to run after a wanted change"]
fn write_them_anew() {
    for (path, octets) in files() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, octets).unwrap();
    }
}
