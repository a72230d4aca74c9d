//! `iaxproof decode` over captures: our own always; those of other implementations where `IAXPROOF_CAPTURES` names their
//! folder; both against tshark where it is installed. What is skipped says so on standard error, by name.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")
}

/// The folder of captures of other implementations, if it was named.
fn others() -> Option<PathBuf> {
    std::env::var_os("IAXPROOF_CAPTURES").map(|folder: OsString| folder.into())
}

/// Past the capture of the test's own output, so that nobody overlooks it.
fn skip(what: &str) {
    let line = format!("skipped: {what}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|e| e == "pcap" || e == "pcapng")
        })
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no capture in {}", folder.display());
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn decode(arguments: &[&str], input: &Path) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_iaxproof"))
        .arg("decode")
        .args(arguments)
        .arg(input)
        .output()
        .unwrap()
}

fn listing(path: &Path) -> String {
    let output = decode(&[], path);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

fn objects(path: &Path) -> Vec<Value> {
    let output = decode(&["--json"], path);
    assert!(output.status.success(), "{}", path.display());
    let text = String::from_utf8(output.stdout).unwrap();
    let object = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(object).collect()
}

#[test]
fn every_packet_of_our_captures_is_listed_as_agreed() {
    for path in files(&own()) {
        insta::assert_snapshot!(name(&path), listing(&path));
    }
}

#[test]
fn no_listing_shows_a_secret() {
    for path in files(&own()) {
        let shown = listing(&path)
            + &objects(&path)
                .iter()
                .map(Value::to_string)
                .collect::<String>();
        for secret in ["not shown", "159541092", "0123456789abcdef"] {
            assert!(!shown.contains(secret), "{} shows {secret}", path.display());
        }
    }
}

#[test]
fn standard_input_lists_as_the_file_does() {
    let path = own().join("call.pcap");
    let output = Command::new(env!("CARGO_BIN_EXE_iaxproof"))
        .args(["decode", "-"])
        .stdin(Stdio::from(fs::File::open(&path).unwrap()))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), listing(&path));
}

#[test]
fn a_file_that_is_no_capture_is_named_with_the_octet_and_breaks() {
    let output = decode(
        &[],
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"),
    );
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("Cargo.toml: octet 0: neither pcap nor pcapng"),
        "{errors}"
    );
    assert_eq!(
        decode(&["--port", "x"], Path::new("-")).status.code(),
        Some(2)
    );
}

#[test]
fn every_verdict_of_the_vectors_agrees() {
    let Some(folder) = others() else {
        return skip("every_verdict_of_the_vectors_agrees: IAXPROOF_CAPTURES is not set");
    };
    let text = fs::read_to_string(folder.join("vectors.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    let objects = objects(&folder.join("synthetic-vectors.pcap"));
    assert_eq!(vectors.len(), objects.len());
    for (vector, object) in vectors.iter().zip(&objects) {
        let name = vector["name"].as_str().unwrap();
        if vector.get("key").is_some() {
            skip(&format!("vector {name} waits for encryption"));
            continue;
        }
        let is_frame = object.get("class").is_some();
        assert_eq!(vector["valid"], Value::Bool(is_frame), "{name}: {object}");
    }
}

/// What the captures of others hold that is no frame: file, packet, octet and reason. All were sent so on purpose, but for
/// the CALLTOKEN of `live-outgoing.pcap`, whose second sending chan_iax2 corrupts.
const REFUSED: &[(&str, u64, u64, &str)] = &[
    (
        "live-errors.pcap",
        105,
        12,
        "information element 22 runs 30 octets past the end",
    ),
    (
        "live-errors.pcap",
        109,
        12,
        "stray octet behind the last information element",
    ),
    (
        "live-outgoing.pcap",
        5,
        104,
        "stray octet behind the last information element",
    ),
    ("live-trunk-plain.pcap", 47, 3, "unknown trunk flags 0x02"),
    ("live-trunk-plain.pcap", 48, 3, "unknown trunk flags 0x03"),
    ("live-trunk-plain.pcap", 49, 2, "unknown meta command 2"),
    ("live-trunk-plain.pcap", 50, 2, "unknown meta command 5"),
    ("live-trunk-plain.pcap", 51, 2, "unknown meta command 0"),
    (
        "live-trunk-plain.pcap",
        52,
        8,
        "trunk entry runs 40 octets past the end",
    ),
    (
        "live-trunk-plain.pcap",
        54,
        4,
        "a meta frame needs 8 octets, 4 are here",
    ),
    (
        "live-trunk-plain.pcap",
        55,
        3,
        "a frame needs 4 octets, 3 are here",
    ),
    (
        "live-trunk-plain.pcap",
        56,
        1,
        "a frame needs 4 octets, 1 are here",
    ),
    (
        "live-trunk-timestamps.pcap",
        51,
        3,
        "unknown trunk flags 0x02",
    ),
    (
        "live-trunk-timestamps.pcap",
        52,
        3,
        "unknown trunk flags 0x03",
    ),
    (
        "live-trunk-timestamps.pcap",
        53,
        2,
        "unknown meta command 2",
    ),
    (
        "live-trunk-timestamps.pcap",
        54,
        2,
        "unknown meta command 5",
    ),
    (
        "live-trunk-timestamps.pcap",
        55,
        2,
        "unknown meta command 0",
    ),
    (
        "live-trunk-timestamps.pcap",
        56,
        8,
        "trunk entry runs 40 octets past the end",
    ),
    (
        "live-trunk-timestamps.pcap",
        58,
        4,
        "a meta frame needs 8 octets, 4 are here",
    ),
    (
        "live-trunk-timestamps.pcap",
        59,
        3,
        "a frame needs 4 octets, 3 are here",
    ),
    (
        "live-trunk-timestamps.pcap",
        60,
        1,
        "a frame needs 4 octets, 1 are here",
    ),
];

/// The calls of this file are encrypted, so its octets are judged when encryption is read.
const ENCRYPTED: &str = "live-call-encrypted.pcap";
/// Its verdicts are those of the vectors.
const VECTORS: &str = "synthetic-vectors.pcap";

#[test]
fn every_frame_of_other_implementations_reads_or_is_refused_as_expected() {
    let Some(folder) = others() else {
        return skip(
            "every_frame_of_other_implementations_reads_or_is_refused_as_expected: IAXPROOF_CAPTURES is not set",
        );
    };
    let mut refused = BTreeSet::new();
    let mut read = 0;
    for path in files(&folder) {
        let (file, objects) = (name(&path), objects(&path));
        if file == ENCRYPTED {
            skip(&format!(
                "{file}: {} packets wait for encryption",
                objects.len()
            ));
            continue;
        }
        if file == VECTORS {
            continue;
        }
        for object in objects {
            if object.get("class").is_some() {
                read += 1;
                continue;
            }
            let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
            let why = text("refused").or(text("not_iax2")).unwrap();
            let octet = object.get("octet").and_then(Value::as_u64).unwrap_or(0);
            refused.insert((file.clone(), object["number"].as_u64().unwrap(), octet, why));
        }
    }
    let expected = REFUSED
        .iter()
        .map(|&(file, number, octet, why)| (file.to_owned(), number, octet, why.to_owned()))
        .collect::<BTreeSet<_>>();
    assert_eq!(refused, expected);
    assert!(read > 1_000, "only {read} frames");
}

/// Fields of tshark, and the key of ours that must be equal.
const NUMBERS: &[(&str, &str)] = &[
    ("iax2.src_call", "source_call"),
    ("iax2.dst_call", "destination_call"),
    ("iax2.timestamp", "timestamp"),
    ("iax2.oseqno", "oseqno"),
    ("iax2.iseqno", "iseqno"),
    ("iax2.type", "type"),
];

/// The subclass octet, under the name that tshark gives it in each frame type.
const SUBCLASSES: &[&str] = &[
    "iax2.iax.subclass",
    "iax2.control.subclass",
    "iax2.voice.subclass",
];

/// Elements whose text is a name and tshark's value.
const ELEMENTS: &[(&str, &str)] = &[
    ("iax2.iax.version", "version "),
    ("iax2.iax.refresh", "refresh "),
    ("iax2.iax.call_no", "call number "),
    ("iax2.iax.causecode", "cause code "),
    ("iax2.iax.transferid", "transfer id "),
    ("iax2.iax.rrjitter", "jitter "),
    ("iax2.iax.rrpkts", "packets "),
    ("iax2.iax.rrdelay", "delay "),
    ("iax2.iax.rrdropped", "dropped "),
    ("iax2.iax.rrooo", "out of order "),
    ("iax2.iax.username", "username \""),
    ("iax2.iax.called_number", "called number \""),
    ("iax2.iax.cause", "cause \""),
];

/// What tshark says of each packet: field -> value, only fields that it printed.
fn tshark(path: &Path) -> Option<Vec<BTreeMap<String, String>>> {
    let fields = NUMBERS.iter().chain(ELEMENTS).map(|(field, _)| *field);
    let fields: Vec<&str> = fields
        .chain(SUBCLASSES.iter().copied())
        .chain([
            "iax2.retransmission",
            "iax2.ie_id",
            "iax2.trunk.call.scallno",
            "iax2.trunk.call.len",
            "_ws.malformed",
        ])
        .collect();
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(path)
        .args(["-T", "fields", "-E", "separator=/t", "-E", "aggregator=,"]);
    command.args(["-d", "udp.port==1024-65535,iax2"]);
    for field in &fields {
        command.args(["-e", field]);
    }
    let output = command.output().ok()?;
    assert!(
        output.status.success(),
        "tshark: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let cells = fields
            .iter()
            .map(|f| (*f).to_owned())
            .zip(line.split('\t').map(str::to_owned));
        cells.filter(|(_, value)| !value.is_empty()).collect()
    };
    Some(text.lines().map(row).collect())
}

/// Compares one capture field by field; how many values were equal.
fn compare(path: &Path, rows: &[BTreeMap<String, String>]) -> usize {
    let objects = objects(path);
    assert_eq!(rows.len(), objects.len(), "{}", path.display());
    let mut equal = 0;
    for (row, object) in rows.iter().zip(&objects) {
        let at = format!(
            "{} packet {}: {row:?} against {object}",
            path.display(),
            object["number"]
        );
        // A frame that one of the two refuses is judged by the lists of refusals.
        if row.contains_key("_ws.malformed") && object["class"] != "trunk"
            || object.get("class").is_none()
        {
            continue;
        }
        if object["class"] == "trunk" {
            equal += compare_trunk(row, object, &at);
            continue;
        }
        for (field, key) in NUMBERS {
            if let Some(value) = row.get(*field) {
                assert_eq!(
                    value.parse::<u64>().ok(),
                    object[*key].as_u64(),
                    "{field} of {at}"
                );
                equal += 1;
            }
        }
        for value in SUBCLASSES.iter().filter_map(|field| row.get(*field)) {
            let octet = value.parse().map(normal).ok();
            assert_eq!(octet, object["subclass"].as_u64(), "subclass of {at}");
            equal += 1;
        }
        if let Some(value) = row.get("iax2.retransmission") {
            assert_eq!(
                value == "1",
                object["retransmission"] == true,
                "R bit of {at}"
            );
            equal += 1;
        }
        equal += compare_elements(row, object, &at);
    }
    equal
}

fn compare_elements(row: &BTreeMap<String, String>, object: &Value, at: &str) -> usize {
    let Some(elements) = object["elements"].as_array() else {
        return 0;
    };
    let mut equal = 0;
    if let Some(codes) = row.get("iax2.ie_id") {
        let ours: Vec<String> = elements.iter().map(|ie| ie["code"].to_string()).collect();
        assert_eq!(*codes, ours.join(","), "codes of {at}");
        equal += 1;
    }
    for (field, prefix) in ELEMENTS {
        let Some(value) = row
            .get(*field)
            .and_then(|values| values.split(',').next_back())
        else {
            continue;
        };
        let texts = elements.iter().filter_map(|ie| ie["text"].as_str());
        let ours: Vec<&str> = texts.filter_map(|text| text.strip_prefix(prefix)).collect();
        let is_equal = |ours: &&str| {
            if prefix.ends_with('"') {
                **ours == format!("{value}\"")
            } else {
                ours.split(' ').next() == Some(decimal(value).as_str())
            }
        };
        assert!(ours.iter().any(is_equal), "{field} of {at}");
        equal += 1;
    }
    equal
}

/// The plain spelling of a subclass below 128, as our frames have it; tshark shows the octet as it came.
fn normal(octet: u64) -> u64 {
    match octet {
        0x80..=0x86 => 1 << (octet & 0x3f),
        _ => octet,
    }
}

/// tshark prints some numbers in hexadecimal, and REFRESH as if it had a sign.
fn decimal(value: &str) -> String {
    let hexadecimal = value
        .strip_prefix("0x")
        .map(|digits| u64::from_str_radix(digits, 16));
    match (hexadecimal, value.parse::<i16>()) {
        (Some(Ok(number)), _) => number.to_string(),
        (_, Ok(number @ i16::MIN..0)) => number.cast_unsigned().to_string(),
        _ => value.to_owned(),
    }
}

/// tshark 4.0 takes the last short entry of a trunk without time-stamps for malformed, so entries are compared as far as it
/// got.
fn compare_trunk(row: &BTreeMap<String, String>, object: &Value, at: &str) -> usize {
    let entries = object["entries"].as_array().unwrap();
    let mut equal = 0;
    for (field, key) in [
        ("iax2.trunk.call.scallno", "source_call"),
        ("iax2.trunk.call.len", "octets"),
    ] {
        let values = row.get(field).map(String::as_str).unwrap_or_default();
        for (value, entry) in values.split(',').filter(|v| !v.is_empty()).zip(entries) {
            assert_eq!(value, entry[key].to_string(), "{field} of {at}");
            equal += 1;
        }
    }
    equal
}

#[test]
fn our_fields_are_those_of_tshark() {
    let mut folders = vec![own()];
    match others() {
        Some(folder) => folders.push(folder),
        None => {
            skip("our_fields_are_those_of_tshark over other captures: IAXPROOF_CAPTURES is not set")
        }
    }
    let mut equal = 0;
    for path in folders.iter().flat_map(|folder| files(folder)) {
        if name(&path) == ENCRYPTED {
            skip(&format!("tshark over {ENCRYPTED}: waits for encryption"));
            continue;
        }
        let Some(rows) = tshark(&path) else {
            return skip("our_fields_are_those_of_tshark: tshark is not installed");
        };
        equal += compare(&path, &rows);
    }
    assert!(equal > 300, "only {equal} values were compared");
}
