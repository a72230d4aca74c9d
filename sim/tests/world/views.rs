//! Views of worlds: one log, the same numbers of events in all, no secret, and no world that is another because somebody looks.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]

use std::collections::{BTreeMap, BTreeSet};

use iaxproof_sim::plan::Plan;
use iaxproof_sim::report::{Report, View};
use iaxproof_sim::sweep::audited;
use iaxproof_sim::views::{EventLog, Fate, What, html, perfetto};
use iaxproof_sim::world::run;
use serde_json::Value;

/// Worlds that each test looks at.
const SEEDS: u64 = 24;

fn seen(seed: u64) -> (Report, EventLog) {
    let mut report = run(&Plan::from_seed(seed), View::Events, audited);
    let log = report.log.take().unwrap();
    (report, log)
}

fn lines(log: &EventLog) -> Vec<Value> {
    let mut text = Vec::new();
    log.write_json_lines(&mut text).unwrap();
    let lines = text.split(|octet| *octet == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
fn a_world_that_is_looked_at_is_the_same_world() {
    for seed in 0..SEEDS {
        let plain = run(&Plan::from_seed(seed), View::Hash, audited);
        let (looked_at, log) = seen(seed);
        assert_eq!(looked_at.trace_hash, plain.trace_hash, "seed {seed}");
        assert_eq!(looked_at.verdict, plain.verdict, "seed {seed}");
        assert!(log.entries.len() > 100, "seed {seed}");
    }
}

#[test]
fn log_and_timeline_have_the_same_numbers_of_events() {
    for seed in 0..SEEDS {
        let (report, log) = seen(seed);
        // What the log has beyond the timeline is told apart by its kind.
        let is_beyond = |what: &What| {
            let kinds = ["contact", "counts", "objects"];
            kinds.contains(&what.word())
        };
        let entries = log.entries.iter().filter(|entry| !is_beyond(&entry.what));
        let of_log: Vec<_> = entries.map(|it| (it.event, it.at, it.actor)).collect();
        let lines = report.timeline.unwrap();
        let of_timeline: Vec<_> = lines.iter().map(|it| (it.event, it.at, it.actor)).collect();
        assert_eq!(of_log, of_timeline, "seed {seed}");
        assert!(of_log.is_sorted_by_key(|it| it.0), "seed {seed}");
        assert!(of_log.last().unwrap().0 <= report.events, "seed {seed}");
    }
}

#[test]
fn every_datagram_has_the_fate_that_the_network_gave_it() {
    let mut fates = BTreeSet::new();
    for seed in 0..SEEDS {
        let (_, log) = seen(seed);
        let (mut sent, mut arrived) = (BTreeMap::new(), BTreeMap::<u64, Vec<_>>::new());
        for entry in &log.entries {
            match &entry.what {
                What::Sent(it) => assert_eq!(sent.insert(it.datagram, it), None),
                What::Arrived(it) => arrived.entry(it.datagram).or_default().push(it),
                _ => {}
            }
        }
        for (number, arrivals) in &arrived {
            let was = sent[number];
            fates.insert(was.fate);
            if was.fate == Fate::Spoofed {
                continue;
            }
            let ends = |it: &iaxproof_sim::views::Datagram| (it.source, it.destination, it.to);
            assert!(arrivals.iter().all(|it| ends(it) == ends(was)));
            let is_same = arrivals.iter().all(|it| it.octets == was.octets);
            assert_eq!(is_same, was.fate != Fate::Corrupted, "seed {seed}: {was:?}");
            assert!(arrivals.len() <= if was.fate == Fate::Duplicated { 2 } else { 1 });
        }
        for (number, it) in sent {
            let is_lost = matches!(it.fate, Fate::Lost | Fate::Partitioned);
            assert!(
                !is_lost || !arrived.contains_key(&number),
                "seed {seed}: {it:?}"
            );
            fates.insert(it.fate);
        }
    }
    assert_eq!(fates.len(), Fate::ALL.len(), "{fates:?}");
}

/// What every secret of a world begins with, as text and as octets in hexadecimal digits.
const SECRETS: [&str; 2] = ["secret-", "7365637265742d"];

#[test]
fn no_view_has_a_secret_in_it() {
    for seed in 0..SEEDS {
        let (_, log) = seen(seed);
        let mut views = [Vec::new(), Vec::new(), Vec::new()];
        log.write_json_lines(&mut views[0]).unwrap();
        perfetto::write(&log, &mut views[1]).unwrap();
        html::write(&log, "", "", &mut views[2]).unwrap();
        for view in &views {
            let view = String::from_utf8_lossy(view);
            let found = SECRETS.iter().find(|it| view.contains(**it));
            assert_eq!(found, None, "seed {seed}");
        }
    }
}

#[test]
fn lines_of_json_say_what_entries_are() {
    let (_, log) = seen(1);
    let lines = lines(&log);
    assert_eq!(lines.len(), log.entries.len());
    for (line, entry) in lines.iter().zip(&log.entries) {
        assert_eq!(line["event"], entry.event);
        assert_eq!(line["at_us"], entry.at.as_micros());
        assert_eq!(line["kind"], entry.what.word());
        assert_eq!(line["text"], entry.text);
        if let Some(datagram) = entry.what.datagram() {
            assert_eq!(line["datagram"], datagram.datagram);
            assert_eq!(line["fate"], datagram.fate.word());
            assert_eq!(
                line["octets"].as_str().unwrap().len(),
                2 * datagram.octets.len()
            );
        }
    }
}

#[test]
fn what_begins_in_a_trace_ends_there() {
    for seed in 0..SEEDS {
        let (report, log) = seen(seed);
        let mut text = Vec::new();
        perfetto::write(&log, &mut text).unwrap();
        let trace: Value = serde_json::from_slice(&text).unwrap();
        let mut open = BTreeSet::new();
        let mut categories = BTreeSet::new();
        let (mut sent, mut time) = (BTreeSet::new(), 0);
        for event in trace["traceEvents"].as_array().unwrap() {
            let key = format!("{} {} {}", event["cat"], event["pid"], event["id"]);
            match event["ph"].as_str().unwrap() {
                "b" => assert!(open.insert(key.clone()), "{key} begins twice"),
                "e" => assert!(open.remove(&key), "{key} ends and never began"),
                "s" => assert!(sent.insert(event["id"].as_u64())),
                "f" => assert!(sent.contains(&event["id"].as_u64()), "{event}"),
                "M" => continue,
                _ => {}
            }
            categories.insert(event["cat"].as_str().unwrap_or("counter").to_owned());
            let at = event["ts"].as_u64().unwrap();
            assert!(at >= time, "time goes back: {event}");
            time = at;
            let number = event["args"]["event"].as_u64();
            assert!(number.is_none_or(|it| it <= report.events), "{event}");
        }
        assert!(open.is_empty(), "{open:?}");
        let wants = ["sent", "arrived", "datagram", "counter", "told"];
        assert!(
            wants.iter().all(|it| categories.contains(*it)),
            "{categories:?}"
        );
    }
}
