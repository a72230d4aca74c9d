//! The command beside programs that nobody here wrote, one file per program: the crate `iax2`, Debian's iaxmodem, tshark, and whoever
//! wrote a capture. They share:
//!
//! - [`pcap`]: captures. [`tshark`]: what tshark says of one. [`compare`]: whether `iaxproof decode` says the same.
//! - [`judge`]: whether tshark takes exception to what we send.
//! - [`relay`]: between a client and a server, keeping what passes. [`clock`]: real time.
//! - [`browser`]: a page in headless Chromium.
//! - [`phone`]: a telephone made of the crate `iax2`. [`modem`]: Debian's iaxmodem.
//! - [`asterisk`]: Asterisk 22, of [`packages`] that are fetched; [`pair`]: beside a server that knows it.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure"
)]

mod asterisk;
#[cfg(feature = "evidence")]
mod browser;
mod clock;
mod compare;
mod judge;
mod modem;
mod packages;
mod pair;
mod pcap;
mod phone;
mod relay;
mod tshark;

#[path = "../server/mod.rs"]
mod server;

mod captures;
mod judged_asterisk;
#[cfg(feature = "evidence")]
mod views;
mod with_asterisk;
mod with_iax2;
mod with_iaxmodem;
mod with_tshark;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use pcap::Datagram;
use relay::Relay;

/// Says that something was not done, and why.
pub(crate) fn skip(what: &str) {
    note(&format!("skipped: {what}"));
}

/// Past the capture of the test's own output, so that nobody overlooks it.
pub(crate) fn note(what: &str) {
    let line = format!("{what}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Whether tshark takes exception to what the server sent through a relay, and whether `iaxproof decode` lists the same as tshark
/// of both directions. Leaves the capture in the target folder.
pub(crate) fn examine(test: &str, server: &str, relay: &Relay) {
    let server: SocketAddr = server.parse().unwrap();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.pcap"));
    let is_ours = |_, datagram: &Datagram| datagram.source == server;
    match judge::judge(&path, &relay.kept(), is_ours) {
        Some(judgement) => judgement.assert_no_complaint(),
        None => return skip(&format!("tshark over {test}: tshark is not installed")),
    }
    compare::compare(&path).expect("tshark is installed");
}
