//! `iaxproof decode` over captures: our own always; those of other implementations where `IAXPROOF_CAPTURES` names their
//! folder; both against tshark where it is installed. What is skipped says so on standard error, by name.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::compare::{compare, objects};
use crate::skip;

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")
}

/// The folder of captures of other implementations, if it was named.
fn others() -> Option<PathBuf> {
    std::env::var_os("IAXPROOF_CAPTURES").map(|folder: OsString| folder.into())
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
            skip(&format!(
                "vector {name} is for tests/wire/encrypted_captures.rs"
            ));
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
            skip(&format!("tshark over {ENCRYPTED}: it cannot decrypt IAX2"));
            continue;
        }
        let Some(values) = compare(&path) else {
            return skip("our_fields_are_those_of_tshark: tshark is not installed");
        };
        equal += values;
    }
    assert!(equal > 300, "only {equal} values were compared");
}
