//! Captured packets of a pcap or a pcapng file. What is in a packet is [`link`](super::link)'s.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use pcap_file::pcap::PcapParser;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::{Block, PcapNgParser};
use pcap_file::{DataLink, PcapError};

/// One captured packet.
pub(super) struct Packet<'a> {
    /// Counted from 1, as listings do.
    pub(super) number: usize,
    /// Since 1970, as the file says.
    pub(super) time: Duration,
    /// What its first octets are.
    pub(super) link: DataLink,
    /// Its length on the wire; the capture may hold less.
    pub(super) original_len: usize,
    /// What was captured.
    pub(super) data: Cow<'a, [u8]>,
}

/// Why the rest of the file cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadCapture {
    offset: usize,
    what: String,
}

impl fmt::Display for BadCapture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: {}", self.offset, self.what)
    }
}

/// The first four octets of a pcapng file.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// Those of a pcap file: either byte order, micro- or nanoseconds.
const PCAP: [[u8; 4]; 4] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x4d, 0x3c, 0xb2, 0xa1],
];

/// Gives every packet of the file to `each`, in order.
pub(super) fn for_each(octets: &[u8], each: impl FnMut(&Packet<'_>)) -> Result<(), BadCapture> {
    match octets.first_chunk() {
        Some(magic) if PCAP.contains(magic) => pcap(octets, each),
        Some(&PCAPNG) => pcapng(octets, each),
        _ => Err(BadCapture {
            offset: 0,
            what: "neither pcap nor pcapng".to_owned(),
        }),
    }
}

fn pcap(octets: &[u8], mut each: impl FnMut(&Packet<'_>)) -> Result<(), BadCapture> {
    let bad = |rest: &[u8], error| bad_at(octets.len() - rest.len(), error);
    let (mut rest, parser) = PcapParser::new(octets).map_err(|error| bad(octets, error))?;
    let mut number = 0;
    while !rest.is_empty() {
        let (behind, packet) = parser.next_packet(rest).map_err(|error| bad(rest, error))?;
        number += 1;
        each(&Packet {
            number,
            time: packet.timestamp,
            link: parser.header().datalink,
            original_len: packet.orig_len as usize,
            data: packet.data,
        });
        rest = behind;
    }
    Ok(())
}

fn pcapng(octets: &[u8], mut each: impl FnMut(&Packet<'_>)) -> Result<(), BadCapture> {
    let bad = |rest: &[u8], error| bad_at(octets.len() - rest.len(), error);
    let (mut rest, mut parser) = PcapNgParser::new(octets).map_err(|error| bad(octets, error))?;
    let mut number = 0;
    while !rest.is_empty() {
        let (behind, block) = parser.next_block(rest).map_err(|error| bad(rest, error))?;
        if let Some(packet) =
            packet_of(block, parser.interfaces(), number + 1).map_err(|error| bad(rest, error))?
        {
            number += 1;
            each(&packet);
        }
        rest = behind;
    }
    Ok(())
}

/// The packet of a block, where it is a block of a packet.
fn packet_of<'a>(
    block: Block<'a>,
    interfaces: &[InterfaceDescriptionBlock<'_>],
    number: usize,
) -> Result<Option<Packet<'a>>, PcapError> {
    let interface = |id: u32| {
        let interface = interfaces.get(id as usize);
        interface.ok_or(PcapError::InvalidInterfaceId(id))
    };
    Ok(match block {
        Block::EnhancedPacket(packet) => {
            let interface = interface(packet.interface_id)?;
            Some(Packet {
                number,
                // The reader takes units for nanoseconds, whatever the interface says.
                time: time_of(packet.timestamp.as_nanos(), interface),
                link: interface.linktype,
                original_len: packet.original_len as usize,
                data: packet.data,
            })
        }
        Block::SimplePacket(packet) => Some(Packet {
            number,
            time: Duration::ZERO,
            link: interface(0)?.linktype,
            original_len: packet.original_len as usize,
            data: packet.data,
        }),
        _ => None,
    })
}

/// The resolution of an interface that gives none: microseconds.
const MICROSECONDS: u8 = 6;
/// The bit of the resolution that says power of two instead of ten.
const POWER_OF_TWO: u8 = 0x80;

fn time_of(units: u128, interface: &InterfaceDescriptionBlock<'_>) -> Duration {
    let resolution = interface.options.iter().find_map(|option| match option {
        InterfaceDescriptionOption::IfTsResol(resolution) => Some(*resolution),
        _ => None,
    });
    let resolution = resolution.unwrap_or(MICROSECONDS);
    let exponent = u32::from(resolution & !POWER_OF_TWO);
    let base: u128 = if resolution & POWER_OF_TWO == 0 {
        10
    } else {
        2
    };
    // Finer than any clock: there is nothing to show.
    let Some(units_per_second) = base.checked_pow(exponent) else {
        return Duration::ZERO;
    };
    let seconds = units / units_per_second;
    let nanos = (units % units_per_second).saturating_mul(1_000_000_000) / units_per_second;
    Duration::new(seconds as u64, nanos as u32)
}

fn bad_at(offset: usize, error: PcapError) -> BadCapture {
    let what = match error {
        PcapError::IncompleteBuffer => "the file ends in the middle of a packet".to_owned(),
        error => error.to_string(),
    };
    BadCapture { offset, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_capture_is_refused_at_its_first_octet() {
        let bad = for_each(b"#!/bin/sh", |_| ()).unwrap_err();
        assert_eq!(bad.to_string(), "octet 0: neither pcap nor pcapng");
        let bad = for_each(b"", |_| ()).unwrap_err();
        assert_eq!(bad.offset, 0);
    }

    #[test]
    fn a_file_that_ends_early_names_the_packet_that_is_cut() {
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend([0xff, 0xff, 0, 0, 101, 0, 0, 0]);
        file.extend([1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0x45, 0]);
        let bad = for_each(&file, |_| ()).unwrap_err();
        assert_eq!(
            bad.to_string(),
            "octet 24: the file ends in the middle of a packet"
        );
    }
}
