//! `iaxproof decode FILE`: lists every packet of a capture, one line each.
//!
//! [`packets`] reads the file, [`link`] finds the UDP datagram in a packet, [`json`] prints it for programs; what the
//! datagram means is the library's. Nothing of a capture is trusted.

mod json;
mod link;
mod packets;
#[cfg(feature = "evidence")]
mod survey;

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use iaxproof::wire::Frame;

use self::link::Content;
use self::packets::Packet;
use crate::error::Error;

#[cfg(feature = "evidence")]
pub(crate) use self::survey::survey;

/// List the packets of a capture, one line each.
///
/// Reads pcap and pcapng, told apart by their first octets. The payload of every UDP datagram is read as IAX2; secrets in it
/// are withheld. Exit code 1 where the file is no capture or is cut.
#[derive(Debug, clap::Args)]
pub(crate) struct DecodeArgs {
    /// The capture; `-` is standard input.
    file: PathBuf,
    /// Read datagrams from or to this UDP port alone; others are listed as they are, unread.
    #[arg(long)]
    port: Option<u16>,
}

/// Lists the capture on standard output.
///
/// # Errors
///
/// Where the file cannot be read, is no capture, or ends in the middle of a packet: what came before is listed.
pub(crate) fn run(args: &DecodeArgs, json: bool) -> Result<ExitCode, Error> {
    let octets = read(&args.file)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let ended = packets::for_each(&octets, |packet| {
        let line = Line::new(packet, args.port);
        let text = if json {
            json::object(&line).to_string()
        } else {
            line.to_string()
        };
        if written.is_ok() {
            written = writeln!(out, "{text}");
        }
    });
    match written.and_then(|()| out.flush()) {
        // Whoever reads the listing has seen enough: `iaxproof decode FILE | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        result => result.map_err(Error::io("cannot write", Path::new("standard output")))?,
    }
    ended.map_err(|bad| Error::Broke(format!("{}: {bad}", args.file.display())))?;
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    let octets = if file == Path::new("-") {
        let mut octets = Vec::new();
        io::stdin().lock().read_to_end(&mut octets).map(|_| octets)
    } else {
        std::fs::read(file)
    };
    octets.map_err(Error::io("cannot read", file))
}

/// One line of the listing.
struct Line<'a> {
    packet: &'a Packet<'a>,
    content: Content<'a>,
}

impl<'a> Line<'a> {
    fn new(packet: &'a Packet<'a>, port: Option<u16>) -> Self {
        let content = match link::content(packet) {
            Content::Datagram(datagram) if !datagram.is_of(port) => Content::Other(format!(
                "UDP {} -> {}, another port",
                datagram.source, datagram.destination
            )),
            content => content,
        };
        Line { packet, content }
    }
}

/// `12 1.250000 192.0.2.1:4569 -> 192.0.2.2:4569 Mini  2 ts 80, 160 octets`.
impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.packet.time;
        write!(
            f,
            "{} {}.{:06} ",
            self.packet.number,
            time.as_secs(),
            time.subsec_micros()
        )?;
        match &self.content {
            Content::Other(what) => write!(f, "not IAX2: {what}"),
            Content::Datagram(datagram) => {
                write!(f, "{} -> {} ", datagram.source, datagram.destination)?;
                match Frame::parse(datagram.payload) {
                    Ok(frame) => frame.fmt(f),
                    Err(error) => write!(f, "refused: {error}"),
                }
            }
        }
    }
}
