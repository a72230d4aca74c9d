//! What the tests against programs of others share. Each test file uses its part.
//!
//! - [`pcap`]: captures. [`tshark`]: what tshark says of one. [`compare`]: whether `iaxproof decode` says the same.
//! - [`judge`]: whether tshark takes exception to what we send.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod compare;
pub(crate) mod judge;
pub(crate) mod pcap;
pub(crate) mod tshark;

use std::io::Write;

/// Says that something was not done, and why.
pub(crate) fn skip(what: &str) {
    note(&format!("skipped: {what}"));
}

/// Past the capture of the test's own output, so that nobody overlooks it.
pub(crate) fn note(what: &str) {
    let line = format!("{what}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}
