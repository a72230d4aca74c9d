//! The attack that asks which names exist: the same conversation with a name of the file and with one that nobody has, under
//! several `[general]` sections. What comes back must not tell the two apart (X-CALL-4, X-REG-5; CVE-2009-3727 and its like).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::bench::*;
use iaxproof::config::{self, NoFiles, Source};
use iaxproof::engine::cipher::Key;
use iaxproof::engine::settings::{Configuration, Secret};
use iaxproof::engine::{EndpointOptions, Event};
use iaxproof::wire::{
    AuthMethods, Body, EncryptionMethods, FullFrame, IaxCommand, InformationElement,
};

/// A name that the file has, and one of the same length that nobody has.
const NAMES: [&str; 2] = ["alice", "nobdy"];

/// Sections that change what a name is answered that says nothing else.
const GENERAL: [&str; 6] = [
    "",
    "encryption = yes",
    "auth = plaintext",
    "auth = md5,plaintext\nforceencryption = yes\ndelayreject = yes",
    "maxauthreq = 5",
    "maxauthreq = 0\nauth = plaintext,md5\nencryption = yes",
];

/// What can be read on the wire of an answer whose challenge nobody knows.
type Shape = (
    String,
    usize,
    IaxCommand,
    Option<AuthMethods>,
    Option<EncryptionMethods>,
    Option<usize>,
);

fn configuration(general: &str) -> Configuration {
    let text =
        format!("[general]\n{general}\n[alice]\ntype = friend\nhost = dynamic\nsecret = wonder\n");
    let source = Source {
        name: "iax.conf".to_owned(),
        octets: text.into_bytes(),
    };
    config::read(source, &NoFiles).unwrap().configuration
}

fn bench(general: &str) -> Bench {
    let mut bench = Bench::with(EndpointOptions::default(), Default::default(), false);
    bench.reload(configuration(general));
    bench
}

fn shapes(bench: &Bench) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (at, _, octets) in &bench.sent {
        let Body::Iax { command, ies } = FullFrame::parse(octets).unwrap().body else {
            panic!("only IAX frames are sent");
        };
        shapes.push((
            format!("{at:?}"),
            octets.len(),
            command,
            ies.auth_methods(),
            ies.encryption(),
            ies.challenge().map(<[u8]>::len),
        ));
    }
    shapes
}

fn failures(bench: &Bench) -> usize {
    let failed = |event: &&Event| matches!(event, Event::LoginFailed { .. });
    bench.events.iter().filter(failed).count()
}

/// The same with both names: what came back, and how many logins failed.
fn alike(general: &str, what: &str, attack: impl Fn(&mut Bench, &str)) -> Vec<Shape> {
    let both = NAMES.map(|name| {
        let mut bench = bench(general);
        attack(&mut bench, name);
        (shapes(&bench), failures(&bench))
    });
    assert_eq!(both[0], both[1], "{what} under {general:?}");
    let [(shapes, _), _] = both;
    shapes
}

fn call(bench: &mut Bench, name: &str, is_encrypted: bool) -> Client {
    let mut client = Client::new(1, 500);
    let mut ies = new_call(name, "100");
    if is_encrypted {
        ies.push(InformationElement::Encryption(EncryptionMethods::AES128));
    }
    client.open(bench, IaxCommand::New, &ies);
    client
}

const GUESSES: [InformationElement<'static>; 2] = [
    InformationElement::Md5Result(b"00000000000000000000000000000000"),
    InformationElement::Password(b"guess"),
];

#[test]
fn a_call_in_clear_does_not_tell() {
    for general in GENERAL {
        for is_encrypted in [false, true] {
            let shapes = alike(general, "a call", |bench, name| {
                let mut client = call(bench, name, is_encrypted);
                client.send_iax(bench, IaxCommand::AuthRep, &GUESSES);
                bench.until(70.0);
            });
            let commands: Vec<_> = shapes.iter().map(|shape| shape.2).collect();
            assert!(commands.contains(&IaxCommand::AuthReq), "{commands:?}");
            // Where encryption was granted, an answer in clear is none.
            let is_granted = shapes.iter().any(|shape| shape.4.is_some());
            assert!(is_granted || commands.contains(&IaxCommand::Reject));
        }
    }
}

/// An AUTHREP under the key of a guessed secret.
#[test]
fn an_encrypted_call_does_not_tell() {
    let mut granted = 0;
    for general in GENERAL {
        let shapes = alike(general, "an encrypted call", |bench, name| {
            let mut client = call(bench, name, true);
            let Body::Iax { ies, .. } = client.last().body else {
                panic!("AUTHREQ should come");
            };
            let key = Key::new(ies.challenge().unwrap_or(b"none"), &Secret::new("guess"));
            let octets = client.iax(IaxCommand::AuthRep, &GUESSES);
            let sealed = key.encrypt(&octets, Default::default());
            bench.deliver(client.address, &sealed);
            bench.until(70.0);
        });
        granted += shapes.iter().filter(|shape| shape.4.is_some()).count();
    }
    assert!(granted > 0, "some of the sections offer encryption");
}

#[test]
fn a_registration_does_not_tell() {
    for general in GENERAL {
        for command in [IaxCommand::RegReq, IaxCommand::RegRel] {
            let shapes = alike(general, "a registration", |bench, name| {
                let mut client = Client::new(1, 500);
                let ies = [InformationElement::Username(name.as_bytes())];
                client.open(bench, command, &ies);
                client.send_iax(bench, command, &[&ies[..], &GUESSES].concat());
                bench.until(70.0);
            });
            let last = shapes.iter().map(|shape| shape.2);
            assert!(last.into_iter().any(|it| it == IaxCommand::RegRej));
        }
    }
}

/// How many calls of the name may wait for AUTHREP.
#[test]
fn the_number_of_calls_that_wait_does_not_tell() {
    for (general, refused) in [
        ("", 8 - 3),
        ("maxauthreq = 5", 8 - 5),
        ("maxauthreq = 0", 0),
    ] {
        let shapes = alike(general, "many calls", |bench, name| {
            for source in 500..508 {
                let mut client = Client::new(1, source);
                client.new_call(bench, name, "100");
            }
        });
        let rejects = shapes.iter().filter(|shape| shape.2 == IaxCommand::Reject);
        assert_eq!(rejects.count(), refused, "{general:?}");
    }
}
