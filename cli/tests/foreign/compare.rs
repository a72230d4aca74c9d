//! Whether `iaxproof decode` says of a capture what tshark says, field by field.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::tshark::{Row, rows};

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

/// Every field that is asked for.
fn fields() -> Vec<&'static str> {
    let named = NUMBERS.iter().chain(ELEMENTS).map(|(field, _)| *field);
    named
        .chain(SUBCLASSES.iter().copied())
        .chain([
            "iax2.retransmission",
            "iax2.ie_id",
            "iax2.trunk.call.scallno",
            "iax2.trunk.call.len",
            "_ws.malformed",
        ])
        .collect()
}

/// Compares one capture field by field; how many values were equal. `None` where tshark is not installed.
pub(crate) fn compare(path: &Path) -> Option<usize> {
    let rows = rows(path, &fields())?;
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
            let octet: u64 = value.parse().unwrap();
            let spellings = [octet, normal(octet)].map(Some);
            assert!(
                spellings.contains(&object["subclass"].as_u64()),
                "subclass of {at}"
            );
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
    Some(equal)
}

fn compare_elements(row: &Row, object: &Value, at: &str) -> usize {
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

/// The plain spelling of a subclass below 128, as our frames have it where it has a name; tshark shows the octet as it came.
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
fn compare_trunk(row: &Row, object: &Value, at: &str) -> usize {
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

/// What `iaxproof decode --json` says of each packet.
pub(crate) fn objects(path: &Path) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_iaxproof"))
        .args(["decode", "--json"])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", path.display());
    let text = String::from_utf8(output.stdout).unwrap();
    let object = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(object).collect()
}
