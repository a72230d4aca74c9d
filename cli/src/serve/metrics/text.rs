//! Figures in Prometheus's text format 0.0.4: HELP, TYPE and a line for each sample.

use core::fmt::Write as _;

use crate::ctl::protocol::Stats;
use crate::serve::reading::{Histogram, Kind};

/// All of them.
pub(super) fn of(stats: &Stats) -> String {
    let mut page = Page(String::new());
    page.gauge(
        "uptime_seconds",
        "How long the server runs.",
        stats.uptime_seconds,
    );
    page.gauge("workers", "Workers.", stats.workers as u64);
    page.gauge(
        "registry_peers",
        "Peers that are linked.",
        stats.peers as u64,
    );
    page.gauge(
        "registry_users",
        "Users that are linked.",
        stats.users as u64,
    );
    let help = "Hints of the address index.";
    page.gauge("registry_addresses", help, stats.addresses as u64);
    let help = "References to all peers and users together.";
    page.gauge("registry_references", help, stats.references as u64);
    for figure in stats.counts.figures() {
        match figure.kind {
            Kind::Gauge => page.gauge(figure.name, figure.help, figure.value),
            Kind::Counter => {
                let name = format!("{}_total", figure.name);
                page.one(&name, "counter", figure.help, figure.value);
            }
        }
    }
    page.head("dropped_total", "counter", "What was dropped, by reason.");
    for (reason, count) in &stats.counts.dropped {
        page.sample("dropped_total", &format!("reason=\"{reason}\""), count);
    }
    let help = "Datagrams that were read in one turn.";
    page.histogram("batch_datagrams", help, &stats.counts.batches, 1.0);
    let help = "Times between two pieces of audio of one call, as they came.";
    page.histogram("audio_gap_seconds", help, &stats.counts.audio_gaps, 1e6);
    page.0
}

struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.one(name, "gauge", help, value);
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.sample(name, "", value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP iaxproof_{name} {help}");
        let _ = writeln!(self.0, "# TYPE iaxproof_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl core::fmt::Display) {
        let _ = match labels {
            "" => writeln!(self.0, "iaxproof_{name} {value}"),
            labels => writeln!(self.0, "iaxproof_{name}{{{labels}}} {value}"),
        };
    }

    /// Every bucket counts what is in those before it too.
    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram, per_unit: f64) {
        self.head(name, "histogram", help);
        let (bucket, mut so_far) = (format!("{name}_bucket"), 0);
        for (bound, count) in histogram.bounds.iter().zip(&histogram.counts) {
            so_far += count;
            let le = format!("le=\"{}\"", *bound as f64 / per_unit);
            self.sample(&bucket, &le, so_far);
        }
        self.sample(&bucket, "le=\"+Inf\"", histogram.total());
        self.sample(&format!("{name}_sum"), "", histogram.sum as f64 / per_unit);
        self.sample(&format!("{name}_count"), "", histogram.total());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::reading::Reading;

    fn page() -> String {
        let mut counts = Reading {
            registrations: 7,
            batches: Histogram::new(&[1, 2]),
            audio_gaps: Histogram::new(&[25_000, 40_000]),
            ..Reading::default()
        };
        counts.dropped.insert("refused".to_owned(), 3);
        for gap in [20_000, 20_000, 30_000, 5_000_000] {
            counts.audio_gaps.note(gap);
        }
        of(&Stats {
            uptime_seconds: 1,
            workers: 1,
            peers: 2,
            users: 3,
            addresses: 1,
            references: 9,
            counts,
        })
    }

    #[test]
    fn buckets_add_up_and_bounds_are_seconds() {
        let page = page();
        let gaps: Vec<&str> = page
            .lines()
            .filter(|it| it.starts_with("iaxproof_audio_gap"))
            .collect();
        let expected = [
            "iaxproof_audio_gap_seconds_bucket{le=\"0.025\"} 2",
            "iaxproof_audio_gap_seconds_bucket{le=\"0.04\"} 3",
            "iaxproof_audio_gap_seconds_bucket{le=\"+Inf\"} 4",
            "iaxproof_audio_gap_seconds_sum 5.07",
            "iaxproof_audio_gap_seconds_count 4",
        ];
        assert_eq!(gaps, expected);
    }

    #[test]
    fn every_sample_has_its_help_and_type_and_counters_end_in_total() {
        let page = page();
        assert!(
            page.contains("\niaxproof_registrations_total 7\n"),
            "{page}"
        );
        assert!(
            page.contains("\niaxproof_dropped_total{reason=\"refused\"} 3\n"),
            "{page}"
        );
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let end = line.find(['{', ' ']).unwrap();
            let name = ["_bucket", "_sum", "_count"]
                .iter()
                .fold(&line[..end], |name, suffix| {
                    name.strip_suffix(suffix).unwrap_or(name)
                });
            assert!(page.contains(&format!("# HELP {name} ")), "{name}");
            let is_counter = page.contains(&format!("# TYPE {name} counter\n"));
            assert_eq!(is_counter, name.ends_with("_total"), "{name}");
        }
    }
}
