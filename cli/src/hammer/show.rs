//! What a hammer found, as a value; as a table with a plot, or as one line of JSON.

use core::fmt::Write;
use std::collections::BTreeMap;

use serde::Serialize;

use super::heard::{Hearing, LATE};
use super::reload::Ran;
use super::spread::Percentiles;
use super::timeline::{Interval, plot};
use crate::report::{Verdict, grouped};
use crate::table::{Align, Table};

/// All that was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    pub(super) verdict: Verdict,
    pub(super) target: String,
    pub(super) peers: u32,
    pub(super) rounds: u32,
    pub(super) sockets: usize,
    /// Registrations that were granted, with all rounds.
    pub(super) registered: u64,
    /// Registrations that were not, by the reason.
    pub(super) refusals: BTreeMap<String, u64>,
    pub(super) refused: u64,
    /// Neither: somebody wanted us to end.
    pub(super) unfinished: u64,
    pub(super) seconds: f64,
    pub(super) per_second: f64,
    /// From the first REGREQ to the REGACK.
    pub(super) latency: Percentiles,
    pub(super) retransmissions: u64,
    /// Granted without a challenge.
    pub(super) unchallenged: u64,
    /// Datagrams that our own system did not take.
    pub(super) unsent: u64,
    pub(super) strange_datagrams: u64,
    pub(super) target_machine: Machine,
    /// Processor time of this process.
    pub(super) own_cpu_seconds: Option<f64>,
    pub(super) call: Option<Call>,
    pub(super) reloads: Option<Ran>,
    pub(super) intervals: Vec<Interval>,
}

/// What the server used while registrations went on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Machine {
    /// It runs on this machine.
    Local {
        cpu_seconds: f64,
        /// Of one processor.
        cpu_share: f64,
        /// Datagrams to it that the system had no room for.
        dropped_datagrams: u64,
    },
    /// Why it is not known.
    Unknown(String),
}

/// The call that listened.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Call {
    pub(super) extension: String,
    /// Why it ended before we hung up.
    pub(super) dropped: Option<String>,
    /// Before the registrations.
    pub(super) quiet: Hearing,
    /// While they went on.
    pub(super) storm: Hearing,
    /// How late its thread was woken meanwhile: what of the gaps may be ours.
    pub(super) own_lateness: Percentiles,
}

impl Summary {
    /// Prints it.
    pub(super) fn print(&self, json: bool) {
        if json {
            let line = serde_json::to_string(self).expect("plain strings and numbers serialise");
            println!("{line}");
        } else {
            print!("{}", self.text());
        }
    }

    fn text(&self) -> String {
        let mut text = self.headline();
        let _ = writeln!(text, "\n{}", plot(&self.intervals, self.call.is_some()));
        let _ = writeln!(text, "{}", self.spreads());
        let _ = write!(text, "{}", self.counts());
        text
    }

    fn headline(&self) -> String {
        let total = u64::from(self.peers) * u64::from(self.rounds);
        format!(
            "{} of {} registrations granted by {} in {:.1} s: {} a second\n",
            grouped(self.registered),
            grouped(total),
            self.target,
            self.seconds,
            grouped(self.per_second.round() as u64)
        )
    }

    fn spreads(&self) -> Table {
        let right = |name| (name, Align::Right);
        let mut table = Table::new([
            ("in milliseconds", Align::Left),
            right("count"),
            right("50 %"),
            right("90 %"),
            right("99 %"),
            right("99.9 %"),
            right("max"),
        ]);
        let mut push = |what: &str, spread: &Percentiles| {
            let millis = |millis: f64| format!("{millis:.1}");
            table.push([
                what.to_owned(),
                grouped(spread.count as u64),
                millis(spread.p50_ms),
                millis(spread.p90_ms),
                millis(spread.p99_ms),
                millis(spread.p999_ms),
                millis(spread.max_ms),
            ]);
        };
        push("registration, REGREQ to REGACK", &self.latency);
        if let Some(call) = &self.call {
            push("audio, frame to frame: before", &call.quiet.between_frames);
            push(
                "audio, frame to frame: meanwhile",
                &call.storm.between_frames,
            );
            push("of that our own: woken late by", &call.own_lateness);
        }
        table
    }

    fn counts(&self) -> Table {
        let mut table = Table::new([("what", Align::Left), ("", Align::Right)]);
        let mut push = |what: String, value: String| table.push([what, value]);
        let count = |count: u64| grouped(count);
        push("registered".to_owned(), count(self.registered));
        push("refused or not answered".to_owned(), count(self.refused));
        for (why, times) in &self.refusals {
            push(format!("  {why}"), count(*times));
        }
        let seldom = [
            ("not finished", self.unfinished),
            ("granted without a challenge", self.unchallenged),
            ("datagrams that our system did not take", self.unsent),
            ("datagrams that are no full frame", self.strange_datagrams),
        ];
        push("retransmissions".to_owned(), count(self.retransmissions));
        for (what, times) in seldom.into_iter().filter(|(_, times)| *times > 0) {
            push(what.to_owned(), count(times));
        }
        self.machine(&mut push);
        self.call(&mut push);
        self.reloads(&mut push);
        table
    }

    fn machine(&self, push: &mut impl FnMut(String, String)) {
        let what = "processor time of the server".to_owned();
        match &self.target_machine {
            Machine::Local {
                cpu_seconds,
                cpu_share,
                dropped_datagrams,
            } => {
                push(
                    what,
                    format!("{cpu_seconds:.1} s, {:.0} % of one", 100.0 * cpu_share),
                );
                let what = "datagrams to it that the system dropped".to_owned();
                push(what, grouped(*dropped_datagrams));
            }
            Machine::Unknown(why) => push(what, format!("not known: {why}")),
        }
        if let Some(seconds) = self.own_cpu_seconds {
            push(
                "processor time of this hammer".to_owned(),
                format!("{seconds:.1} s"),
            );
        }
    }

    fn call(&self, push: &mut impl FnMut(String, String)) {
        let Some(call) = &self.call else {
            return;
        };
        let fate = call.dropped.as_deref().unwrap_or("lived to the end");
        push(format!("the call to {}", call.extension), fate.to_owned());
        let parts = [("before", &call.quiet), ("meanwhile", &call.storm)];
        for (when, heard) in parts {
            let late = LATE.as_millis();
            push(
                format!("  {when}: frames, lost, later than {late} ms, out of order"),
                format!(
                    "{}, {}, {}, {}",
                    heard.frames, heard.lost, heard.late, heard.out_of_order
                ),
            );
            let gap = format!("{:.1} ms", heard.longest_gap_ms);
            push(format!("  {when}: longest gap"), gap);
        }
    }

    fn reloads(&self, push: &mut impl FnMut(String, String)) {
        let Some(ran) = &self.reloads else {
            return;
        };
        let longest = format!("{}, the longest {:.1} ms", ran.runs, ran.longest_ms);
        push("reload commands".to_owned(), longest);
        let why = ran
            .first_failure
            .as_deref()
            .map(|why| format!(", first: {why}"));
        let failures = format!("{}{}", ran.failures, why.unwrap_or_default());
        push("  failed".to_owned(), failures);
    }
}
