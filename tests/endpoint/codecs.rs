//! Which format an answered call gets (RFC 5456 §8.6.8, §8.6.35; X-CALL-6), through NEW and ACCEPT. The whole table is with its
//! function.

use crate::bench::*;
use iaxproof::engine::directory::Role;
use iaxproof::engine::settings::{CodecPriority, Configuration, General, Settings};
use iaxproof::wire::InformationElement as Ie;
use iaxproof::wire::{Body, Cause, CodecPrefs, Format, FormatSet, IaxCommand};

fn set(formats: &[Format]) -> FormatSet {
    formats.iter().fold(FormatSet::EMPTY, |set, format| {
        set | FormatSet::from(*format)
    })
}

/// What a caller gets of a user who can these, in this order.
fn answered(priority: CodecPriority, formats: &[Format], ies: &[Ie<'_>]) -> Result<Format, Cause> {
    let mut bench = Bench::new();
    let alice = Settings {
        codec_priority: priority,
        capability: set(formats),
        preferences: formats.to_vec(),
        ..entry(Role::User, "alice", "wonder")
    };
    bench.endpoint.directory().reload(Configuration {
        general: General::default(),
        entries: vec![alice],
    });
    let mut client = Client::new(1, 500);
    let name = [Ie::CalledNumber(b"100"), Ie::Username(b"alice")];
    let ies = [&name[..], ies].concat();
    client.open(&mut bench, IaxCommand::New, &ies);
    client.authrep(&mut bench, "wonder");
    let Body::Iax { command, ies } = client.last().body else {
        panic!("ACCEPT or REJECT should come");
    };
    match command {
        IaxCommand::Accept => Ok(ies.format().expect("exactly one format")),
        _ => Err(ies.cause_code().expect("a cause")),
    }
}

const ULAW: Format = Format::ULAW;
const ALAW: Format = Format::ALAW;
const GSM: Format = Format::GSM;

#[test]
fn the_choice_follows_codecpriority() {
    use CodecPriority::{Caller, Disabled, Host, RequestedOnly};
    let capability = Ie::Capability2(set(&[ULAW, ALAW, GSM]));
    let asks = [
        Ie::CodecPrefs(CodecPrefs(b"ECD")),
        Ie::Format(ULAW.mask() as u32),
        capability,
    ];
    let got = [Host, Caller, Disabled, RequestedOnly]
        .map(|priority| answered(priority, &[GSM, ALAW, ULAW], &asks));
    assert_eq!(got, [Ok(GSM), Ok(ALAW), Ok(ULAW), Ok(ULAW)]);
    // FORMAT is nothing of ours.
    let got = [Host, Caller, Disabled, RequestedOnly]
        .map(|priority| answered(priority, &[GSM, ALAW], &asks));
    let none = Err(Cause::BEARER_UNAVAILABLE);
    assert_eq!(got, [Ok(GSM), Ok(ALAW), Ok(ALAW), none]);
}

/// CAPABILITY2 and FORMAT2 over CAPABILITY and FORMAT: formats above bit 31 are agreed on by them alone.
#[test]
fn formats_of_64_bits_are_agreed_on() {
    let asks = [
        Ie::Format(ULAW.mask() as u32),
        Ie::Format2(Format::OPUS.into()),
        Ie::Capability(ULAW.mask() as u32),
        Ie::Capability2(set(&[Format::OPUS, ULAW])),
    ];
    let ours = [Format::OPUS, GSM];
    assert_eq!(
        answered(CodecPriority::Disabled, &ours, &asks),
        Ok(Format::OPUS)
    );
    assert_eq!(
        answered(CodecPriority::Host, &ours, &asks),
        Ok(Format::OPUS)
    );
}

/// X-IE-9: bits 4, 11 and 13, and letters N, F and Z, mean what Asterisk means by them, whatever the RFC calls them.
#[test]
fn three_formats_have_the_meaning_of_the_deployed_wire() {
    let deployed = [
        (4, b'N', Format::G726_AAL2),
        (11, b'F', Format::G726),
        (13, b'Z', Format::SIREN7),
    ];
    for (bit, letter, format) in deployed {
        let asks = [
            Ie::Format(1 << bit),
            Ie::Capability(1 << bit | ULAW.mask() as u32),
            Ie::CodecPrefs(CodecPrefs(&[b'A', letter])),
        ];
        let got = answered(CodecPriority::Caller, &[ULAW, format], &asks);
        assert_eq!(got, Ok(format));
    }
}

/// CODEC PREFS that name nothing, or letters of no format, are passed over.
#[test]
fn letters_without_a_format_are_passed_over() {
    let letters = Ie::CodecPrefs(CodecPrefs(b"\0@\\^\xffE"));
    let asks = [letters, Ie::Capability2(set(&[ULAW, ALAW]))];
    assert_eq!(
        answered(CodecPriority::Caller, &[ULAW, ALAW], &asks),
        Ok(ALAW)
    );
}
