//! The datagrams of a world as a capture, as if every node had kept one of what it sent and of what arrived: an interface for each
//! node, simulated times from 1970 on, and the event and the fate of the datagram as the packet's comment. A datagram that arrives
//! is therefore there twice; `frame.interface_name == "server 0"` is one node's view.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use iaxproof_sim::views::{Entry, EventLog, What};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, PcapError};

use crate::packet::ip;

/// The resolution of the times: nanoseconds, which is what the writer counts in.
const NANOSECONDS: u8 = 9;
/// The flags of a packet that came in, and of one that went out.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

/// Writes the capture.
pub(super) fn write(log: &EventLog, to: &mut dyn Write) -> io::Result<()> {
    let written = PcapNgWriter::new(to).and_then(|mut writer| {
        for actor in &log.actors {
            writer.write_pcapng_block(interface(actor.to_string()))?;
        }
        for packet in log.entries.iter().filter_map(|entry| packet(log, entry)) {
            writer.write_pcapng_block(packet)?;
        }
        Ok(())
    });
    written.map_err(|error| match error {
        PcapError::IoError(error) => error,
        error => io::Error::other(error.to_string()),
    })
}

fn interface(name: String) -> InterfaceDescriptionBlock<'static> {
    InterfaceDescriptionBlock {
        linktype: DataLink::RAW,
        snaplen: 0,
        options: vec![
            InterfaceDescriptionOption::IfName(Cow::Owned(name)),
            InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
        ],
    }
}

/// The packet of an entry that is about a datagram.
fn packet(log: &EventLog, entry: &Entry) -> Option<EnhancedPacketBlock<'static>> {
    let datagram = entry.what.datagram()?;
    let is_sent = matches!(entry.what, What::Sent(_));
    let node = log.actors.iter().position(|it| Some(*it) == entry.actor)?;
    let data = ip(datagram.source, datagram.destination, &datagram.octets)?;
    let comment = format!(
        "event {}, datagram {}, {}",
        entry.event,
        datagram.datagram,
        datagram.fate.word()
    );
    Some(EnhancedPacketBlock {
        interface_id: u32::try_from(node).ok()?,
        timestamp: Duration::from_micros(entry.at.as_micros()),
        original_len: u32::try_from(data.len()).ok()?,
        data: Cow::Owned(data),
        options: vec![
            EnhancedPacketOption::Comment(Cow::Owned(comment)),
            EnhancedPacketOption::Flags(if is_sent { OUTBOUND } else { INBOUND }),
        ],
    })
}
