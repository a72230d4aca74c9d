//! Whether tshark takes exception to what we send: a malformed mark, an expert's warning, or a datagram that it does not take
//! for IAX2. What is known is excepted by name and counted; an encrypted frame is not judged, for tshark cannot read it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, IaxCommand, InformationElement};

use super::pcap::{self, Datagram};
use super::tshark::{self, Row};

const MALFORMED: &str = "_ws.malformed";
const EXPERT: &str = "_ws.expert.message";
const PROTOCOLS: &str = "frame.protocols";

/// Something that tshark says of frames of ours that are right.
pub(crate) struct Exception {
    pub(crate) name: &'static str,
    /// Part of its words.
    says: &'static str,
    /// Whether it may say so of this frame.
    hits: fn(&Frame<'_>) -> bool,
}

/// Defects of tshark 4.0, and what others said and we pass on.
pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: "a trunk without time-stamps counts as malformed: its entries are thought two octets longer than they are",
        says: "Malformed Packet",
        hits: |frame| matches!(frame, Frame::Meta(trunk) if !trunk.entries.with_timestamps()),
    },
    Exception {
        name: "an APPARENT ADDR of IPv6 is not supported",
        says: "peer address family of 10",
        hits: |frame| {
            has(
                frame,
                |ie| matches!(ie, InformationElement::ApparentAddr(at) if at.0.is_ipv6()),
            )
        },
    },
    Exception {
        name: "an ENCRYPTION of two octets has an invalid length, though RFC 5456 says two and chan_iax2 sends two",
        says: "Invalid length",
        hits: |frame| has(frame, |ie| matches!(ie, InformationElement::Encryption(_))),
    },
    Exception {
        name: "a text has a NUL inside: so it came, and so it is passed on",
        says: "Trailing stray characters",
        hits: |frame| match frame {
            Frame::Full(FullFrame {
                body: Body::Text(text),
                ..
            }) => text.iter().rev().skip(1).any(|octet| *octet == 0),
            _ => false,
        },
    },
];

fn has(frame: &Frame<'_>, is_it: fn(InformationElement<'_>) -> bool) -> bool {
    match frame {
        Frame::Full(FullFrame {
            body: Body::Iax { ies, .. },
            ..
        }) => ies.iter().any(is_it),
        _ => false,
    }
}

/// What came of a capture.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// How many datagrams of each kind tshark read without a complaint.
    pub(crate) kinds: BTreeMap<String, usize>,
    /// How many complaints are known, by name.
    pub(crate) excepted: BTreeMap<&'static str, usize>,
    /// How many datagrams are encrypted.
    pub(crate) sealed: usize,
    /// Everything else: ours is wrong, or tshark has a defect that is not known yet.
    pub(crate) complaints: Vec<String>,
}

/// Writes the datagrams to `path`, and asks tshark about those that are ours by number or address. `None` where it is not installed.
pub(crate) fn judge(
    path: &Path,
    datagrams: &[Datagram],
    is_ours: impl Fn(usize, &Datagram) -> bool,
) -> Option<Judgement> {
    pcap::write(path, datagrams);
    let rows = tshark::rows(path, &[MALFORMED, EXPERT, PROTOCOLS])?;
    assert_eq!(rows.len(), datagrams.len(), "{}", path.display());
    let mut judgement = Judgement::default();
    let mut seals = Seals::default();
    for (nth, (row, datagram)) in rows.iter().zip(datagrams).enumerate() {
        let is_sealed = seals.pass(datagram);
        if is_ours(nth, datagram) {
            judgement.take(row, datagram, is_sealed);
        }
    }
    Some(judgement)
}

impl Judgement {
    fn take(&mut self, row: &Row, datagram: &Datagram, is_sealed: bool) {
        if is_sealed {
            self.sealed += 1;
            return;
        }
        let frame = Frame::parse(&datagram.octets);
        let complaint = match (complaint(row), &frame) {
            (Some(complaint), _) => complaint,
            (None, Err(error)) => format!("we do not read it ourselves: {error}"),
            (None, Ok(frame)) => {
                *self.kinds.entry(kind(frame)).or_default() += 1;
                return;
            }
        };
        let Ok(frame) = frame else {
            let octets = &datagram.octets;
            self.complaints.push(format!("{complaint}: {octets:02x?}"));
            return;
        };
        let is_known = |it: &&Exception| complaint.contains(it.says) && (it.hits)(&frame);
        match EXCEPTIONS.iter().find(is_known) {
            Some(exception) => *self.excepted.entry(exception.name).or_default() += 1,
            None => self.complaints.push(format!("{complaint}: {frame}")),
        }
    }

    /// Panics with everything that is neither well nor known.
    pub(crate) fn assert_no_complaint(&self) {
        let first: Vec<&str> = self
            .complaints
            .iter()
            .take(10)
            .map(String::as_str)
            .collect();
        let (count, first) = (self.complaints.len(), first.join("\n"));
        assert!(count == 0, "tshark complains {count} times, as:\n{first}");
    }
}

/// tshark's word for whatever goes to a port from 33434 to 33534, where the system may put us.
const OF_A_PORT: &str = "Possible traceroute";

fn complaint(row: &Row) -> Option<String> {
    let protocols = row.get(PROTOCOLS).map(String::as_str).unwrap_or_default();
    if !protocols.split(':').any(|protocol| protocol == "iax2") {
        return Some(format!("read as {protocols}"));
    }
    let words = [MALFORMED, EXPERT]
        .into_iter()
        .filter_map(|field| row.get(field));
    let words = words.map(String::as_str);
    let words: Vec<&str> = words.filter(|it| !it.starts_with(OF_A_PORT)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What a frame is, in the words of a listing.
pub(crate) fn kind(frame: &Frame<'_>) -> String {
    match frame {
        Frame::Full(frame) => full_kind(&frame.body),
        Frame::Mini(_) => "mini".to_owned(),
        Frame::MiniVideo(_) => "mini video".to_owned(),
        Frame::Meta(trunk) if trunk.entries.with_timestamps() => {
            "trunk with time-stamps".to_owned()
        }
        Frame::Meta(_) => "trunk".to_owned(),
    }
}

fn full_kind(body: &Body<'_>) -> String {
    match body {
        Body::Iax { command, .. } => format!("IAX {command}"),
        Body::Control { control, .. } => format!("CONTROL {control}"),
        Body::Html { html, .. } => format!("HTML {html}"),
        Body::Modem { modem, .. } => format!("MODEM {modem}"),
        Body::Voice { .. } => "VOICE".to_owned(),
        Body::Video { .. } => "VIDEO".to_owned(),
        Body::Image { .. } => "IMAGE".to_owned(),
        Body::Text(_) => "TEXT".to_owned(),
        Body::DtmfBegin(_) => "DTMF begin".to_owned(),
        Body::DtmfEnd(_) => "DTMF end".to_owned(),
        Body::Null => "NULL".to_owned(),
        Body::ComfortNoise(_) => "comfort noise".to_owned(),
        Body::Unknown(_) => "unknown".to_owned(),
    }
}

/// Which ends of calls are encrypted: both ends of a call from an AUTHREQ with ENCRYPTION on, until the number opens anew.
#[derive(Default)]
struct Seals(BTreeSet<(SocketAddr, CallNumber)>);

impl Seals {
    /// Takes note of a datagram; whether it is encrypted.
    fn pass(&mut self, datagram: &Datagram) -> bool {
        let Some(source) = source_call(&datagram.octets) else {
            return false;
        };
        let end = (datagram.source, source);
        match Frame::parse(&datagram.octets) {
            Ok(Frame::Full(frame)) if frame.destination == CallNumber::ZERO => {
                self.0.remove(&end);
            }
            Ok(Frame::Full(frame)) if !self.0.contains(&end) && begins(&frame) => {
                self.0
                    .extend([end, (datagram.destination, frame.destination)]);
                return false;
            }
            _ => {}
        }
        self.0.contains(&end)
    }
}

/// An AUTHREQ that says that all that follows is encrypted; it is not itself.
fn begins(frame: &FullFrame<'_>) -> bool {
    let Body::Iax {
        command: IaxCommand::AuthReq,
        ies,
    } = frame.body
    else {
        return false;
    };
    let mut ies = ies.iter();
    ies.any(|ie| matches!(ie, InformationElement::Encryption(_)))
}

fn source_call(octets: &[u8]) -> Option<CallNumber> {
    let word = u16::from_be_bytes(*octets.first_chunk()?);
    (word != 0).then(|| CallNumber::from_word(word))
}
