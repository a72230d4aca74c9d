//! Views of worlds in the programs that people look at them with: tshark reads the capture, Chromium shows the page. Page, picture and
//! capture stay in the target folder.

use std::path::PathBuf;
use std::process::Command;

use iaxproof_sim::plan::{Actor, Plan};
use iaxproof_sim::views::{Entry, EventLog, What, html};
use serde_json::Value;

use crate::browser::{dom, mark, picture};
use crate::{clock, skip, tshark};

fn artefact(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Replays a plan with views, and gives the lines of its log.
fn replay(name: &str, plan: &Plan, more: &[&str]) -> Vec<Value> {
    let (file, events) = (
        artefact(&format!("{name}.plan")),
        artefact(&format!("{name}.jsonl")),
    );
    std::fs::write(&file, plan.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_iaxproof"))
        .args([
            "replay",
            file.to_str().unwrap(),
            "--events",
            events.to_str().unwrap(),
        ])
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 42)), "{said}");
    let text = std::fs::read_to_string(events).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What tshark is asked of each packet.
const FIELDS: [&str; 6] = [
    "frame.time_epoch",
    "frame.interface_name",
    "frame.comment",
    "udp.srcport",
    "frame.protocols",
    "udp.length",
];

#[test]
fn tshark_reads_the_capture_of_a_world_as_iax2_at_its_simulated_times() {
    let capture = artefact("world.pcapng");
    let lines = replay(
        "capture",
        &Plan::from_seed(7),
        &["--pcapng", capture.to_str().unwrap()],
    );
    let Some(rows) = tshark::rows(&capture, &FIELDS) else {
        return skip(
            "tshark_reads_the_capture_of_a_world_as_iax2_at_its_simulated_times: tshark is not installed",
        );
    };
    let lines: Vec<_> = lines.iter().filter(|it| it["octets"].is_string()).collect();
    assert_eq!(rows.len(), lines.len());
    let mut faults = 0;
    for (row, line) in rows.iter().zip(lines) {
        let (event, fate) = (&line["event"], line["fate"].as_str().unwrap());
        let comment = format!("event {event}, datagram {}, {fate}", line["datagram"]);
        assert_eq!(row["frame.comment"], comment);
        assert_eq!(row["frame.interface_name"], line["actor"].as_str().unwrap());
        let micros = line["at_us"].as_u64().unwrap();
        let time = format!("{}.{:06}000", micros / 1_000_000, micros % 1_000_000);
        assert_eq!(row["frame.time_epoch"], time);
        let source = line["source"].as_str().unwrap();
        assert!(
            source.ends_with(&format!(":{}", row["udp.srcport"])),
            "{line}"
        );
        let octets = line["octets"].as_str().unwrap().len() / 2;
        assert_eq!(row["udp.length"], (octets + 8).to_string());
        let is_whole = fate != "corrupted";
        assert!(
            !is_whole || row["frame.protocols"].contains("iax2"),
            "{row:?}"
        );
        faults += u32::from(fate != "delivered");
    }
    assert!(faults > 0, "nothing was wrong in this world");
}

/// How many lines have this kind or fate.
fn count(lines: &[Value], key: &str, value: &str) -> String {
    let of = lines.iter().filter(|line| line[key] == value);
    of.count().to_string()
}

#[test]
fn a_browser_shows_a_world_with_threads() {
    let page = artefact("world.html");
    let plan = Plan::threaded_from_seed(5);
    let lines = replay("page", &plan, &["--html", page.to_str().unwrap()]);
    let Some(all) = dom(&page, "") else {
        return skip("a_browser_shows_a_world_with_threads: chromium is not installed");
    };
    assert_eq!(mark(&all, "ready"), Some("yes"), "the script did not end");
    assert_eq!(mark(&all, "events"), Some(&*lines.len().to_string()));
    assert_eq!(
        mark(&all, "middle"),
        Some("diagram"),
        "what is drawn is not in view"
    );
    let steps: usize = count(&lines, "kind", "step").parse().unwrap();
    assert!(steps > 0, "no step of a thread is in the log");
    // Steps are many, and shown where they are asked for.
    assert_eq!(
        mark(&all, "shown"),
        Some(&*(lines.len() - steps).to_string())
    );
    let rows: usize = mark(&all, "rows").unwrap().parse().unwrap();
    assert!(
        (10..60).contains(&rows),
        "{rows} rows in a window of 900 pixels"
    );
    let lost = dom(&page, "q=lost").unwrap();
    let is_lost = |line: &&Value| {
        line["fate"] == "lost"
            || line["text"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .contains("lost")
    };
    let wants = lines
        .iter()
        .filter(|line| line["kind"] != "step")
        .filter(is_lost);
    assert_eq!(mark(&lost, "shown"), Some(&*wants.count().to_string()));
    let faults = dom(&page, "faults").unwrap();
    let is_fault = |line: &&Value| {
        let fate = line["fate"].as_str().unwrap_or("delivered");
        fate != "delivered" || line["kind"] == "stalled" || line["kind"] == "failed"
    };
    let wants = lines.iter().filter(is_fault).count();
    assert!(wants > 0);
    assert_eq!(mark(&faults, "shown"), Some(&*wants.to_string()));
    shows_the_state_at_a_time(&page, &lines);
    let shot = artefact("world.png");
    let stall = lines.iter().find(|it| it["kind"] == "stalled").unwrap();
    let hash = format!("t={}", stall["at_us"].as_f64().unwrap() / 1e6);
    picture(&page, &hash, &shot).unwrap();
    let len = std::fs::metadata(&shot).unwrap().len();
    assert!(len > 20_000, "a picture of {len} octets shows nothing");
}

/// At the slider's time, the page says the last that the log says of every account until then.
fn shows_the_state_at_a_time(page: &std::path::Path, lines: &[Value]) {
    let micros = lines[lines.len() / 2]["at_us"].as_u64().unwrap();
    let until = lines
        .iter()
        .filter(|it| it["at_us"].as_u64().unwrap() <= micros);
    let until: Vec<_> = until.collect();
    let seconds = format!("t={}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let dom = dom(page, &seconds).unwrap();
    assert_eq!(
        mark(&dom, "event"),
        Some(&*until.last().unwrap()["event"].to_string())
    );
    let mut seen = 0;
    for kind in ["contact", "counts", "objects"] {
        for (nth, line) in until
            .iter()
            .enumerate()
            .filter(|(_, it)| it["kind"] == kind)
        {
            let is_same = |it: &&&Value| {
                it["kind"] == kind
                    && it["actor"] == line["actor"]
                    && it["account"] == line["account"]
            };
            if until[nth + 1..].iter().any(|it| is_same(&it)) {
                continue;
            }
            let cell = format!("<td>{}</td>", line["text"].as_str().unwrap());
            assert!(dom.contains(&cell), "{cell} is not said at {seconds}");
            seen += 1;
        }
    }
    assert!(seen > 2, "only {seen} states were looked for");
}

fn entry(event: u64, what: What, text: &str) -> Entry {
    Entry {
        event,
        at: iaxproof::time::Instant::from_millis(event),
        actor: Some(Actor::Server(0)),
        thread: None,
        what,
        text: text.to_owned(),
        told_at: None,
    }
}

fn page(name: &str, entries: Vec<Entry>) -> PathBuf {
    let log = EventLog {
        actors: vec![Actor::Server(0), Actor::Client(0)],
        threads: Vec::new(),
        entries,
    };
    let path = artefact(name);
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    html::write(&log, "a title", "held", &mut file).unwrap();
    path
}

#[test]
fn no_text_of_a_log_becomes_part_of_the_page() {
    let evil = "</script><script>document.documentElement.dataset.evil = 'yes'</script><img src=x onerror=\"document.documentElement.dataset.evil='yes'\"><!--";
    let what = || What::Contact {
        account: 0,
        address: None,
    };
    let path = page(
        "evil.html",
        vec![entry(1, what(), evil), entry(2, what(), evil)],
    );
    let Some(dom) = dom(&path, "t=1") else {
        return skip("no_text_of_a_log_becomes_part_of_the_page: chromium is not installed");
    };
    assert_eq!(mark(&dom, "evil"), None);
    assert_eq!(mark(&dom, "events"), Some("2"));
    assert!(
        dom.contains("&lt;/script&gt;&lt;script&gt;document"),
        "the text is not shown as it is"
    );
}

/// How many entries a log may have that is still usable.
const MANY: u64 = 1_000_000;
/// How long a browser may take to open it, search it and draw it, with this machine's other work beside.
const OPEN_MAX: std::time::Duration = std::time::Duration::from_secs(90);

#[test]
fn a_page_of_a_million_events_draws_what_is_in_view() {
    let entries = (1..=MANY).map(|nth| {
        let what = match nth % 5 {
            0 => What::Objects {
                live: nth as usize % 97,
                references: None,
            },
            _ => What::Done,
        };
        entry(nth, what, &format!("frame {nth} of many"))
    });
    let path = page("million.html", entries.collect());
    let begun = clock::now();
    let Some(dom) = dom(&path, "q=frame+99999&t=999.99") else {
        return skip("a_page_of_a_million_events_draws_what_is_in_view: chromium is not installed");
    };
    let took = begun.elapsed();
    let all = crate::browser::dom(&path, "t=500").unwrap();
    let len = std::fs::metadata(&path).unwrap().len();
    std::fs::remove_file(&path).unwrap();
    crate::note(&format!(
        "a page of {MANY} events: {} MB, shown within {took:.1?}",
        len >> 20
    ));
    assert_eq!(mark(&dom, "events"), Some("1000000"));
    assert_eq!(mark(&dom, "shown"), Some("11"));
    assert_eq!(mark(&dom, "rows"), Some("11"));
    assert_eq!(mark(&all, "shown"), Some("1000000"));
    let number = |name| mark(&all, name).unwrap().parse::<u64>().unwrap();
    assert!(
        (10..60).contains(&number("rows")),
        "{} rows",
        number("rows")
    );
    let middle = MANY / 2 - 60..MANY / 2 + 60;
    assert!(middle.contains(&number("first")), "{}", number("first"));
    assert!(took < OPEN_MAX, "{took:?}");
}
