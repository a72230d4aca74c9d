//! The server and Debian's `iaxmodem`: it registers, is called and answers, sends its fax tone, and two of them carry a fax frame
//! over the server. It knows no call tokens, so its entries say `requirecalltoken=no`.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use iaxproof::wire::{Body, Frame, IaxCommand};

use crate::modem::{Modem, obstacle};
use crate::relay::Relay;
use crate::server::{RATE, Server, energy, iaxproof, samples, share};
use crate::{clock, examine, skip};

const CONFIGURATION: &str = "
[general]

[caller]
type=user
secret=wonder
context=default

[fax](!)
type=friend
host=dynamic
secret=builder
context=default
requirecalltoken=no

[700](fax)

[701](fax)
";

/// The answering tone of a fax (ITU-T T.30: CED), in Hz.
const ANSWER_TONE: f64 = 2100.0;
/// A frame of the fax protocol as a modem of class 1 takes it (ITU-T T.31): address, control («the last of a turn»), and words of
/// no meaning.
const FRAME: &[u8] = &[0xff, 0x13, 0x80, 0x55, 0x2a, 0xce];
/// `DLE ETX`.
const END_OF_DATA: &[u8] = &[0x10, 0x03];
/// The energy of what nobody hears.
const QUIET: f64 = 1e6;

/// A server of these entries.
fn serve() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("iax.conf");
    fs::write(&configuration, CONFIGURATION).unwrap();
    Server::start(&["--config", configuration.to_str().unwrap()])
}

/// A modem that is registered, through a relay.
fn registered(server: &Server, name: &str) -> (Relay, Modem) {
    let relay = Relay::to(server.address.parse().unwrap());
    let mut modem = Modem::start(relay.front(), name, "builder");
    let granted = clock::poll(Duration::from_secs(10), || sent(&relay, IaxCommand::RegAck));
    assert!(granted.is_some(), "{}", server.log());
    modem.command("ATE0", "OK");
    modem.command("AT+FCLASS=1", "OK");
    (relay, modem)
}

/// Whether a datagram with this command passed.
fn sent(relay: &Relay, wanted: IaxCommand) -> Option<()> {
    relay
        .kept()
        .iter()
        .find_map(|datagram| match Frame::parse(&datagram.octets) {
            Ok(Frame::Full(frame)) => {
                matches!(frame.body, Body::Iax { command, .. } if command == wanted).then_some(())
            }
            _ => None,
        })
}

/// The tenths of a second of a recording that are the tone and nothing else.
fn tenths_of_tone(path: &Path) -> usize {
    let samples = samples(path);
    let tenths = samples.chunks_exact(RATE as usize / 10);
    tenths
        .filter(|tenth| energy(tenth) > QUIET && share(tenth, ANSWER_TONE) > 0.9)
        .count()
}

#[test]
fn it_registers_and_releases_its_registration_as_it_ends() {
    if let Some(why) = obstacle() {
        return skip(&format!(
            "it_registers_and_releases_its_registration_as_it_ends: {why}"
        ));
    }
    let server = serve();
    let (relay, modem) = registered(&server, "700");
    modem.stop();
    server.wait_for("unregistered");
    examine("iaxmodem-registers", &server.address, &relay);
}

#[test]
fn it_is_called_and_its_answering_tone_is_heard() {
    if let Some(why) = obstacle() {
        return skip(&format!(
            "it_is_called_and_its_answering_tone_is_heard: {why}"
        ));
    }
    let server = serve();
    let (relay, mut modem) = registered(&server, "700");
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("heard.wav");
    let mut call = iaxproof()
        .args([
            "call",
            &server.address,
            "700",
            "--user",
            "caller",
            "--seconds",
            "4",
            "--record",
        ])
        .arg(&record)
        .env("IAXPROOF_SECRET", "wonder")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    modem.wait_for("RING");
    modem.begin("ATA");
    let status = call.wait().unwrap();
    assert!(status.success(), "{status}; {}", server.log());
    // The tone lasts 2.6 to 4 s (T.30 §4.1).
    let tenths = tenths_of_tone(&record);
    assert!(tenths >= 20, "{tenths} tenths of a second of the tone");
    modem.wait_for("NO CARRIER");
    examine("iaxmodem-called", &server.address, &relay);
}

#[test]
fn two_of_them_carry_a_fax_frame_over_the_server() {
    if let Some(why) = obstacle() {
        return skip(&format!(
            "two_of_them_carry_a_fax_frame_over_the_server: {why}"
        ));
    }
    let server = serve();
    let (to_caller, mut caller) = registered(&server, "700");
    let (to_called, mut called) = registered(&server, "701");
    caller.begin("ATDT701");
    called.wait_for("RING");
    called.begin("ATA");
    called.wait_for("CONNECT");
    called.write(&[FRAME, END_OF_DATA].concat());
    called.wait_for("OK");
    // The frame went as tones of 300 bit/s through two legs, and comes whole or not at all: its checksum was right.
    caller.wait_for("CONNECT");
    caller.wait_for_octets(FRAME);
    caller.wait_for("OK");
    examine("iaxmodem-calls", &server.address, &to_caller);
    examine("iaxmodem-answers", &server.address, &to_called);
}
