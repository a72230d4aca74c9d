//! A raw peer: one socket of its own, which sends any octets and hears what comes back. It knows no dialogue; see
//! [`dialogue`](super::dialogue).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::rc::Rc;

use iaxproof::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, InformationElements, SeqNo, Timestamp,
};

use super::check::Stop;
use super::sealing::Sealing;
use super::trace::{Cover, Trace};

/// A socket that speaks with the target alone.
#[derive(Debug)]
pub(super) struct Peer {
    socket: UdpSocket,
    /// How the trace calls it.
    name: char,
    trace: Rc<Trace>,
}

/// A datagram of the target.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    octets: Vec<u8>,
    /// What was around them on the wire, where they were sealed.
    sealed: Option<Vec<u8>>,
    /// When, from the beginning of the check.
    pub(super) at: Duration,
}

impl Peer {
    /// A socket on a port that the system chooses.
    pub(super) fn new(target: SocketAddr, name: char, trace: Rc<Trace>) -> Result<Self, Stop> {
        let any: IpAddr = match target {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).map_err(broke)?;
        socket.connect(target).map_err(broke)?;
        Ok(Peer {
            socket,
            name,
            trace,
        })
    }

    /// Where the target sees us, if nobody on the way changes it.
    pub(super) fn local(&self) -> Result<SocketAddr, Stop> {
        self.socket.local_addr().map_err(broke)
    }

    /// The time since the check began.
    pub(super) fn elapsed(&self) -> Duration {
        self.trace.elapsed()
    }

    /// Sends any octets.
    pub(super) fn send_octets(&self, octets: &[u8]) {
        self.trace.sent(self.name, Cover::Clear, octets);
        self.emit(octets);
    }

    /// Sends a frame as these octets, which it is sealed in.
    pub(super) fn send_sealed(&self, cover: Cover, frame: &[u8], sealed: &[u8]) {
        self.trace.sent(self.name, cover, frame);
        self.emit(sealed);
    }

    fn emit(&self, octets: &[u8]) {
        // What the system does not take is lost, as on any network, and the check sees that nothing comes of it.
        let _ = self.socket.send(octets);
    }

    /// Sends any frame.
    pub(super) fn send(&self, frame: &Frame<'_>) {
        let mut octets = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut octets);
        self.send_octets(&octets);
    }

    /// The next datagram, if one comes in time, opened where it can be.
    pub(super) fn receive(&self, within: Duration, sealing: Option<&Sealing>) -> Option<Heard> {
        let until = self.elapsed() + within;
        let mut octets = vec![0; usize::from(u16::MAX)];
        loop {
            let rest = until.checked_sub(self.elapsed())?;
            // A time of zero would be none at all.
            let rest = rest.max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(rest)).ok()?;
            match self.socket.recv(&mut octets) {
                Ok(len) => {
                    octets.truncate(len);
                    return Some(self.opened(octets, sealing));
                }
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    self.trace
                        .note(self.name, "the system says that nobody listens there");
                }
                Err(_) => {}
            }
        }
    }

    fn opened(&self, datagram: Vec<u8>, sealing: Option<&Sealing>) -> Heard {
        let opened = sealing.and_then(|sealing| sealing.open(&datagram));
        let (cover, octets, sealed) = match opened {
            Some(frame) => (Cover::Sealed, frame, Some(datagram)),
            None => (Cover::Clear, datagram, None),
        };
        self.trace.came(self.name, cover, &octets);
        Heard {
            octets,
            sealed,
            at: self.elapsed(),
        }
    }
}

impl Heard {
    /// The frame, if it is one.
    pub(super) fn frame(&self) -> Option<Frame<'_>> {
        Frame::parse(&self.octets).ok()
    }

    /// The datagram, where the frame was sealed in it.
    pub(super) fn sealed(&self) -> Option<&[u8]> {
        self.sealed.as_deref()
    }

    /// The octets of the frame.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The full frame, if it is one.
    pub(super) fn full(&self) -> Option<FullFrame<'_>> {
        match self.frame()? {
            Frame::Full(frame) => Some(frame),
            _ => None,
        }
    }

    /// What a full frame carries.
    pub(super) fn body(&self) -> Option<Body<'_>> {
        self.full().map(|frame| frame.body)
    }

    /// The IAX subclass, if it is such a frame.
    pub(super) fn command(&self) -> Option<IaxCommand> {
        match self.body()? {
            Body::Iax { command, .. } => Some(command),
            _ => None,
        }
    }

    /// Whether it is this message.
    pub(super) fn is(&self, command: IaxCommand) -> bool {
        self.command() == Some(command)
    }

    /// Its information elements; none where it has no place for them.
    pub(super) fn ies(&self) -> InformationElements<'_> {
        match self.body() {
            Some(Body::Iax { ies, .. }) => ies,
            _ => InformationElements::EMPTY,
        }
    }

    /// The sender's call number; 0 where it is no full frame, as below.
    pub(super) fn source(&self) -> CallNumber {
        self.full().map_or(CallNumber::ZERO, |frame| frame.source)
    }

    /// Our call number.
    pub(super) fn destination(&self) -> CallNumber {
        self.full()
            .map_or(CallNumber::ZERO, |frame| frame.destination)
    }

    /// Its time-stamp.
    pub(super) fn timestamp(&self) -> Timestamp {
        self.full().map_or(Timestamp(0), |frame| frame.timestamp)
    }

    /// Its OSeqno.
    pub(super) fn oseqno(&self) -> SeqNo {
        self.full().map_or(SeqNo(0), |frame| frame.oseqno)
    }

    /// Its ISeqno.
    pub(super) fn iseqno(&self) -> SeqNo {
        self.full().map_or(SeqNo(0), |frame| frame.iseqno)
    }

    /// The R bit.
    pub(super) fn is_retransmission(&self) -> bool {
        self.full().is_some_and(|frame| frame.retransmission)
    }

    /// Whether it takes a sequence number and wants to be acknowledged. CALLTOKEN and what has no dialogue do not.
    pub(super) fn is_reliable(&self) -> bool {
        let is_of_a_dialogue = self.full().is_some() && self.source() != CallNumber::STATELESS;
        let exempt = |command: IaxCommand| {
            !command.consumes_sequence_number() || command == IaxCommand::CallToken
        };
        is_of_a_dialogue && !self.command().is_some_and(exempt)
    }
}

fn broke(error: std::io::Error) -> Stop {
    Stop::Broke(format!("no socket: {error}"))
}
