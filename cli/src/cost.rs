//! `iaxproof cost`: whether a piece of audio costs more time where more calls are open.
//!
//! A world has no time but its own, so a walk over all calls for each frame would go unseen there, as it went in chan_iax2 until sixteen
//! calls kept a machine busy. Here one endpoint has few calls and another has many, and in each as many speak: so what differs is what it
//! takes to find them, and not how far away their memory is. Rounds of the one and of the other take turns, and the quickest of each counts, so
//! that what else the machine does matters little. Times differ from run to run; a walk differs by far more.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::engine::directory::{Role, TokenKey};
use iaxproof::engine::event::Event;
use iaxproof::engine::settings::{Configuration, General, IpRange, Name, Settings};
use iaxproof::engine::{Endpoint, EndpointOptions};
use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{HashKey, Std};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Format, FormatSet, Frame, FullFrame, IaxCommand, IeBuffer,
    InformationElement, MiniFrame, SeqNo, Timestamp,
};

use crate::clock::Stopwatch;
use crate::error::Error;
use crate::report::{Report, Row, Verdict};

/// What a walk would break.
pub(crate) const COST_FLAT: &str = "cost-flat";
/// Calls of the one endpoint and of the other.
const FEW: u16 = 100;
const MANY: u16 = 6_000;
/// How often a frame may cost what it costs among few: trees are deeper, and a machine has other things to do. A walk is sixty times as long.
const FACTOR_MAX: f64 = 15.0;
/// Frames of one round.
const FRAMES: u32 = 30_000;
/// Rounds of which the quickest counts.
const ROUNDS: usize = 9;
/// Octets of audio in a frame.
const AUDIO: [u8; 160] = [0x55; 160];
/// Where all calls come from, each by a port of its own.
const CALLERS: [u8; 4] = [192, 0, 2, 1];
/// The port of the first.
const PORT_MIN: u16 = 10_000;

/// Measure whether audio costs more where more calls are open.
#[derive(Debug, Args)]
pub(crate) struct CostArgs {}

/// Measures, and prints what came of it.
///
/// # Errors
///
/// [`Error::Broke`] where a call is not taken, so that there is nothing to measure.
pub(crate) fn run(_args: &CostArgs, json: bool) -> Result<Verdict, Error> {
    let watch = Stopwatch::start();
    let [few, many] = measure()?;
    let report = Report::new(vec![row(few, many, watch)]);
    report.print(json);
    Ok(report.verdict)
}

fn row(few: Duration, many: Duration, watch: Stopwatch) -> Row {
    let factor = many.as_secs_f64() / few.as_secs_f64();
    let figures = format!(
        "{} ns among {FEW} calls, {} ns among {MANY}, {factor:.1} times",
        few.as_nanos(),
        many.as_nanos()
    );
    let is_flat = factor <= FACTOR_MAX;
    Row {
        what: "a mini frame".to_owned(),
        by: "stopwatch".to_owned(),
        word: match is_flat {
            true => format!("flat: {figures}"),
            false => {
                format!("FAILED {COST_FLAT}: {figures}, where {FACTOR_MAX} times is the limit")
            }
        },
        verdict: match is_flat {
            true => Verdict::Held,
            false => Verdict::Failed,
        },
        property: (!is_flat).then(|| COST_FLAT.to_owned()),
        count: u64::from(FRAMES) * ROUNDS as u64 * 2,
        unit: "frames".to_owned(),
        seconds: watch.elapsed().as_secs_f64(),
        replay: None,
    }
}

/// What a mini frame costs among few calls, and among many.
fn measure() -> Result<[Duration; 2], Error> {
    let [mut few, mut many] = [FEW, MANY].map(Bench::new);
    few.call_all()?;
    many.call_all()?;
    let mut quickest = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (quickest, bench) in quickest.iter_mut().zip([&mut few, &mut many]) {
            *quickest = bench.round()?.min(*quickest);
        }
    }
    Ok(quickest.map(|round| round / FRAMES))
}

/// An endpoint whose every caller is a guest, and needs no token.
struct Bench {
    endpoint: Endpoint<Catalog<Std>>,
    now: Instant,
    calls: u16,
}

impl Bench {
    fn new(calls: u16) -> Self {
        let catalog = Catalog::new(CatalogOptions {
            hash_key: HashKey(1, 2),
            shards: 4,
            container: Kind::Hash,
            token_key: TokenKey([7; 32]),
            database: false,
            dialogues_max: usize::from(calls),
            ledger: NoLedger,
        });
        catalog.reload(configuration(calls));
        Bench {
            endpoint: Endpoint::new(EndpointOptions::default(), [9; 32], catalog),
            now: Instant::from_secs(1),
            calls,
        }
    }

    fn call_all(&mut self) -> Result<(), Error> {
        (0..self.calls).try_for_each(|caller| self.call(caller))
    }

    /// Calls, and is answered; the first piece of audio says the format.
    fn call(&mut self, caller: u16) -> Result<(), Error> {
        let mut ies = IeBuffer::new();
        let formats = FormatSet::from(Format::ULAW).0 as u32;
        ies.push(InformationElement::Version(2))
            .push(InformationElement::CalledNumber(b"echo"))
            .push(InformationElement::Capability(formats))
            .push(InformationElement::Format(formats));
        let body = Body::Iax {
            command: IaxCommand::New,
            ies: ies.view(),
        };
        self.arrive(caller, (CallNumber::ZERO, 0, 0), body);
        let ours = self.ours().ok_or_else(|| {
            let refused = format!("call {caller} of {} is not taken", self.calls);
            Error::Broke(refused)
        })?;
        let voice = Body::Voice {
            format: Format::ULAW,
            data: &AUDIO,
        };
        self.arrive(caller, (ours, 1, 1), voice);
        self.drain();
        Ok(())
    }

    fn arrive(&mut self, caller: u16, numbers: (CallNumber, u8, u8), body: Body<'_>) {
        let (destination, oseqno, iseqno) = numbers;
        let frame = FullFrame {
            source: number(caller),
            destination,
            retransmission: false,
            timestamp: Timestamp(u32::from(oseqno) * 20 + 3),
            oseqno: SeqNo(oseqno),
            iseqno: SeqNo(iseqno),
            body,
        };
        let mut octets = Vec::with_capacity(frame.encoded_len());
        frame.encode(&mut octets);
        let from = address(caller);
        self.endpoint.handle_datagram(self.now, from, &octets);
    }

    /// The number of the call that was just accepted.
    fn ours(&mut self) -> Option<CallNumber> {
        let mut ours = None;
        while let Some(transmit) = self.endpoint.poll_transmit() {
            if let Ok(Frame::Full(frame)) = Frame::parse(&transmit.payload)
                && frame.source > CallNumber::STATELESS
            {
                ours = Some(frame.source);
            }
        }
        ours
    }

    /// Takes what there is to send and to tell; how many pieces of audio were heard.
    fn drain(&mut self) -> u32 {
        let mut heard = 0;
        while self.endpoint.poll_transmit().is_some() {}
        while let Some(event) = self.endpoint.poll_event() {
            heard += u32::from(matches!(event, Event::Voice { .. }));
        }
        heard
    }

    /// Frames of those who speak, in turn. Time stands still, so that nothing else is due.
    fn round(&mut self) -> Result<Duration, Error> {
        let speakers = speakers(self.calls).map(|it| (address(it), mini(it)));
        let speakers: Vec<_> = speakers.collect();
        let mut heard = 0;
        let watch = Stopwatch::start();
        for (from, octets) in speakers.iter().cycle().take(FRAMES as usize) {
            self.endpoint.handle_datagram(self.now, *from, octets);
            heard += self.drain();
        }
        let elapsed = watch.elapsed();
        match heard {
            FRAMES => Ok(elapsed),
            heard => Err(Error::Broke(format!(
                "of {FRAMES} mini frames {heard} are heard"
            ))),
        }
    }
}

/// Those of so many callers who speak: as many of few as of many, far from each other.
fn speakers(calls: u16) -> impl Iterator<Item = u16> {
    let apart = calls.div_ceil(FEW);
    (0..calls).step_by(usize::from(apart))
}

fn configuration(calls: u16) -> Configuration {
    let everybody = IpRange::of(CALLERS.into());
    let general = General {
        token_optional: vec![everybody],
        dialogues_per_ip_max: usize::from(calls),
        dialogues_unvalidated_max: usize::from(calls),
        ..General::default()
    };
    let guest = Name::new("guest").into_iter();
    let settings = guest.map(|name| Settings {
        general: general.clone(),
        ..Settings::new(Role::User, name)
    });
    Configuration {
        entries: settings.collect(),
        general: general.clone(),
    }
}

fn address(caller: u16) -> SocketAddr {
    SocketAddr::from((CALLERS, PORT_MIN + caller))
}

fn number(caller: u16) -> CallNumber {
    CallNumber::from_word(2 + caller)
}

fn mini(caller: u16) -> Vec<u8> {
    let mut octets = Vec::new();
    if let Some(frame) = MiniFrame::new(number(caller), 40, &AUDIO) {
        frame.encode(&mut octets);
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_taken_and_each_frame_is_heard() {
        let mut bench = Bench::new(7);
        bench.call_all().unwrap();
        assert_eq!(bench.endpoint.counts().calls, 7);
        assert!(bench.round().unwrap() > Duration::ZERO);
    }

    #[test]
    fn what_costs_much_more_among_many_is_red() {
        let judged = |many| {
            row(
                Duration::from_nanos(300),
                Duration::from_nanos(many),
                Stopwatch::start(),
            )
        };
        let (good, bad) = (judged(900), judged(18_000));
        assert_eq!((good.verdict, good.property), (Verdict::Held, None));
        assert_eq!(bad.verdict, Verdict::Failed);
        assert!(
            bad.word.starts_with("FAILED cost-flat: 300 ns"),
            "{}",
            bad.word
        );
    }

    #[test]
    fn as_many_speak_among_many_as_among_few() {
        let speak = |calls| speakers(calls).count();
        assert_eq!([FEW, MANY].map(speak), [usize::from(FEW); 2]);
    }
}
