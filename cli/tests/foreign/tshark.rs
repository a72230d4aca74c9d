//! What tshark says of a capture: a row of fields per packet.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What tshark says of one packet: field -> value, only fields that it printed.
pub(crate) type Row = BTreeMap<String, String>;

/// What tshark says of each packet; `None` where it is not installed.
pub(crate) fn rows(path: &Path, fields: &[&str]) -> Option<Vec<Row>> {
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(path)
        .args(["-T", "fields", "-E", "separator=/t", "-E", "aggregator=,"])
        .args(["-d", "udp.port==1024-65535,iax2"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().ok()?;
    assert!(
        output.status.success(),
        "tshark: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.lines().map(|line| row(line, fields)).collect())
}

fn row(line: &str, fields: &[&str]) -> Row {
    let cells = fields
        .iter()
        .map(|field| (*field).to_owned())
        .zip(line.split('\t').map(str::to_owned));
    cells.filter(|(_, value)| !value.is_empty()).collect()
}
