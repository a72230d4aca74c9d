//! tshark reads all that we send: whatever our encoder can write, and what servers of simulated worlds do send.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use iaxproof::wire::{
    Body, CallNumber, Frame, FullFrame, IaxCommand, IeCode, InformationElement,
    InformationElements, MetaFrame, MiniFrame, MiniVideoFrame, SeqNo, Timestamp, TrunkBuffer,
    TrunkEntry,
};

use crate::compare::compare;
use crate::judge::{EXCEPTIONS, judge};
use crate::pcap::Datagram;
use crate::{note, skip};

fn capture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A datagram from 192.0.2.2 to 192.0.2.1, one millisecond behind the other.
fn datagram(nth: usize, octets: Vec<u8>) -> Datagram {
    let end = |last: u8| SocketAddr::from(([192, 0, 2, last], 4569));
    Datagram {
        at: Duration::from_millis(nth as u64),
        source: end(2),
        destination: end(1),
        octets,
    }
}

fn number(number: u16) -> CallNumber {
    CallNumber::new(number).unwrap()
}

fn encode(frame: Frame<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}

fn full(body: Body<'_>) -> Vec<u8> {
    encode(Frame::Full(FullFrame {
        source: number(7684),
        destination: number(2),
        retransmission: false,
        timestamp: Timestamp(20),
        oseqno: SeqNo(1),
        iseqno: SeqNo(1),
        body,
    }))
}

/// Every frame type with every subclass, as our encoder writes it.
fn bodies() -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    for frame_type in 0x01..=0x0c {
        let data: &[u8] = match frame_type {
            0x02 | 0x03 => &[0x55; 160],
            0x07 | 0x09 => b"http://example.net/\0",
            _ => &[],
        };
        for subclass in 0..=u8::MAX {
            if let Ok(body) = Body::from_parts(frame_type, subclass, data)
                && !matches!(body, Body::Unknown(_))
            {
                all.insert(full(body));
            }
        }
    }
    all
}

/// Contents of which each element takes at least one for good: text and zeros of up to 32 octets; of the one that is an
/// address, the two kinds of address.
fn contents(code: IeCode) -> Vec<Vec<u8>> {
    if code == IeCode::ApparentAddr {
        let v4 = [&[2, 0, 0x11, 0xd9, 192, 0, 2, 1][..], &[0; 8]].concat();
        let v6 = [
            &[10, 0, 0x11, 0xd9, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8][..],
            &[0; 16],
        ]
        .concat();
        return vec![v4, v6];
    }
    (0..=32)
        .flat_map(|len| [vec![b'1'; len], vec![0; len]])
        .collect()
}

/// Every information element with every content that our decoder takes for good, one to a frame.
fn elements() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for code in IeCode::ALL {
        let before = all.len();
        for content in contents(*code) {
            let octets = [&[code.number(), content.len() as u8], &content[..]].concat();
            let ies = InformationElements::parse(&octets).unwrap();
            if ies
                .iter()
                .any(|ie| matches!(ie, InformationElement::Malformed { .. }))
            {
                continue;
            }
            let command = IaxCommand::New;
            all.push(full(Body::Iax { command, ies }));
        }
        assert!(all.len() > before, "no content for {}", code.name());
    }
    all
}

/// Trunk frames of one to three entries, with and without time-stamps.
fn trunks() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for with_timestamps in [false, true] {
        for lens in [
            &[160][..],
            &[0],
            &[1],
            &[2],
            &[160, 160],
            &[1, 160],
            &[160, 33, 2],
        ] {
            let mut entries = TrunkBuffer::new(with_timestamps);
            for (nth, len) in (2..).zip(lens) {
                let timestamp = with_timestamps.then_some(40);
                let data = &[0x55; 160][..*len];
                entries.push(TrunkEntry::new(number(nth), timestamp, data).unwrap());
            }
            all.push(encode(Frame::Meta(MetaFrame {
                timestamp: Timestamp(40),
                entries: entries.view(),
            })));
        }
    }
    all
}

fn minis() -> Vec<Vec<u8>> {
    let data = &[0x55; 160];
    [0, 1, 160]
        .into_iter()
        .flat_map(|len| {
            let voice = MiniFrame::new(number(7684), 40, &data[..len]).unwrap();
            let video = MiniVideoFrame::new(number(7684), len == 1, 40, &data[..len]);
            [encode(Frame::Mini(voice)), encode(Frame::MiniVideo(video))]
        })
        .collect()
}

#[test]
fn tshark_reads_whatever_our_encoder_can_write() {
    let text_of_others = full(Body::Text(b"a NUL\0inside\0"));
    let frames = bodies()
        .into_iter()
        .chain([text_of_others])
        .chain(elements())
        .chain(trunks())
        .chain(minis());
    let datagrams: Vec<Datagram> = (0..).zip(frames).map(|(n, f)| datagram(n, f)).collect();
    let capture = capture("encoder.pcap");
    let Some(judgement) = judge(&capture, &datagrams, |_, _| true) else {
        return skip("tshark_reads_whatever_our_encoder_can_write: tshark is not installed");
    };
    judgement.assert_no_complaint();
    assert!(judgement.kinds.len() > 100, "{:?}", judgement.kinds);
    for exception in EXCEPTIONS {
        if !judgement.excepted.contains_key(exception.name) {
            note(&format!("not seen with this tshark: {}", exception.name));
        }
    }
    let equal = compare(&capture).unwrap();
    assert!(equal > 2_000, "only {equal} values were compared");
}

#[cfg(feature = "evidence")]
mod worlds {
    use iaxproof_sim::plan::{Actor, Plan};
    use iaxproof_sim::report::{SentDatagram, View};
    use iaxproof_sim::sweep::audited;
    use iaxproof_sim::world::run;

    use super::*;

    /// How many seeds are run: enough for each kind of [`EXPECTED`].
    const SEEDS: u8 = 40;

    /// What servers send in these worlds at the least.
    const EXPECTED: &[&str] = &[
        "CONTROL ANSWER",
        "CONTROL RINGING",
        "IAX ACCEPT",
        "IAX ACK",
        "IAX AUTHREQ",
        "IAX CALLTOKEN",
        "IAX HANGUP",
        "IAX INVAL",
        "IAX LAGRQ",
        "IAX NEW",
        "IAX PING",
        "IAX PONG",
        "IAX REGACK",
        "IAX REGAUTH",
        "IAX REGREJ",
        "IAX REJECT",
        "IAX VNAK",
        "TEXT",
        "VOICE",
        "mini",
        "trunk with time-stamps",
    ];

    /// The world of a seed on addresses of its own, so that many make one capture.
    fn moved(seed: u8, sent: SentDatagram) -> Datagram {
        let moved = |address: SocketAddr| match address {
            SocketAddr::V4(v4) => {
                let [a, _, c, d] = v4.ip().octets();
                SocketAddr::from(([a, seed, c, d], v4.port()))
            }
            v6 @ SocketAddr::V6(_) => v6,
        };
        Datagram {
            at: Duration::from_micros(sent.at.as_micros()),
            source: moved(sent.source),
            destination: moved(sent.destination),
            octets: sent.octets,
        }
    }

    #[test]
    fn tshark_reads_what_servers_of_simulated_worlds_send() {
        let (mut datagrams, mut is_ours) = (Vec::new(), Vec::new());
        for seed in 0..SEEDS {
            let plan = Plan::from_seed(seed.into());
            let report = run(&plan, View::Datagrams, audited);
            for sent in report.datagrams.unwrap() {
                is_ours.push(matches!(sent.from, Actor::Server(_)));
                datagrams.push(moved(seed, sent));
            }
        }
        let capture = capture("worlds.pcap");
        let Some(judgement) = judge(&capture, &datagrams, |nth, _| is_ours[nth]) else {
            return skip(
                "tshark_reads_what_servers_of_simulated_worlds_send: tshark is not installed",
            );
        };
        judgement.assert_no_complaint();
        let kinds = &judgement.kinds;
        let missed: Vec<_> = EXPECTED
            .iter()
            .filter(|kind| !kinds.contains_key(**kind))
            .collect();
        assert!(missed.is_empty(), "never sent: {missed:?} in {kinds:?}");
    }
}
