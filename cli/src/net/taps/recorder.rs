//! All datagrams of a server into a capture (pcapng), by a thread of its own: a worker leaves a copy and goes on, and what does not fit while
//! the disk is slow is lost to the capture alone, and counted. A disk that is full ends the recording and not the server.
//!
//! The headers of IP and UDP are made here, of the addresses that the server sees: a socket that is bound to all addresses has none of its own.

use core::net::SocketAddr;
use core::time::Duration;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::{DataLink, PcapError};

use super::Passing;
use crate::clock::Clock;
use crate::error::{Advised, Error};
use crate::packet::ip;

/// Datagrams that wait to be written: a second of a busy server.
const WAITING_MAX: usize = 1 << 14;
/// Datagrams from one flush to the next, at most.
const PACKETS_PER_FLUSH: usize = 1_024;
/// Times are in nanoseconds: the writer knows no other unit.
const NANOSECONDS: u8 = 9;
/// The flags of a packet that say which way it went.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

/// A datagram on its way to the disk.
#[derive(Debug)]
struct Kept {
    unix: Duration,
    source: SocketAddr,
    destination: SocketAddr,
    is_sent: bool,
    octets: Vec<u8>,
}

/// Where a node leaves its datagrams.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    to: SyncSender<Kept>,
    clock: Clock,
    lost: Arc<AtomicU64>,
}

impl Recorder {
    /// Leaves a datagram. Whether it is still being recorded.
    pub(super) fn hear(&self, datagram: &Passing<'_>) -> bool {
        let (source, destination) = datagram.way();
        let kept = Kept {
            unix: Duration::from_micros(self.clock.unix_micros_of(datagram.at)),
            source,
            destination,
            is_sent: datagram.is_sent(),
            octets: datagram.octets.to_vec(),
        };
        match self.to.try_send(kept) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

/// The thread that writes. It ends when no [`Recorder`] is left.
#[derive(Debug)]
pub(crate) struct Recording(JoinHandle<()>);

impl Recording {
    /// Begins a capture in this file, which only its owner may read: results of challenges and contents of calls are in it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be made, [`Error::Broke`] where the system has no thread for us.
    pub(crate) fn begin(path: &Path, clock: Clock) -> Result<(Recorder, Self), Error> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let file = options
            .open(path)
            .map_err(Error::io("cannot write", path))?;
        let (to, kept) = sync_channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let recorder = Recorder {
            to,
            clock,
            lost: Arc::clone(&lost),
        };
        let name = path.display().to_string();
        let body = move || {
            if let Err(error) = write(file, &kept, &lost) {
                let error = Advised(&error);
                tracing::error!(file = name, %error, "the capture ends here, the server goes on");
            }
        };
        let thread = std::thread::Builder::new().name("pcap".to_owned());
        let spawned = thread.spawn(body);
        let thread = spawned
            .map_err(|error| Error::Broke(format!("no pcap thread: {}", Advised(&error))))?;
        Ok((recorder, Recording(thread)))
    }

    /// Waits until all is on the disk. No [`Recorder`] may be left.
    pub(crate) fn finish(self) {
        // A panic was reported where it happened.
        let _ = self.0.join();
    }
}

/// Writes what waits, then flushes: a quiet server's datagrams are on the disk at once, and a busy one's many at a time.
fn write(file: File, kept: &Receiver<Kept>, lost: &AtomicU64) -> std::io::Result<()> {
    let mut writer = PcapNgWriter::new(BufWriter::new(file)).map_err(as_io)?;
    writer.write_pcapng_block(interface()).map_err(as_io)?;
    writer.get_mut().flush()?;
    while let Ok(first) = kept.recv() {
        let more = kept.try_iter().take(PACKETS_PER_FLUSH);
        for packet in core::iter::once(first)
            .chain(more)
            .filter_map(|it| packet(&it))
        {
            writer.write_pcapng_block(packet).map_err(as_io)?;
        }
        writer.get_mut().flush()?;
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(
                lost,
                "datagrams are not in the capture: the disk is too slow"
            );
        }
    }
    Ok(())
}

fn interface() -> InterfaceDescriptionBlock<'static> {
    InterfaceDescriptionBlock {
        linktype: DataLink::RAW,
        snaplen: 0,
        options: vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed("iaxproof")),
            InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
        ],
    }
}

fn packet(kept: &Kept) -> Option<EnhancedPacketBlock<'static>> {
    let data = ip(kept.source, kept.destination, &kept.octets)?;
    let flags = if kept.is_sent { OUTBOUND } else { INBOUND };
    Some(EnhancedPacketBlock {
        interface_id: 0,
        timestamp: kept.unix,
        original_len: u32::try_from(data.len()).ok()?,
        data: Cow::Owned(data),
        options: vec![EnhancedPacketOption::Flags(flags)],
    })
}

fn as_io(error: PcapError) -> std::io::Error {
    match error {
        PcapError::IoError(error) => error,
        error => std::io::Error::other(error.to_string()),
    }
}
