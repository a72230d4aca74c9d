//! Encryption as others do it: the vectors `enc_*` and a captured encrypted call of Asterisk, where `IAXPROOF_CAPTURES` names
//! their folder (RFC 5456 §8.1.4; X-ENC-1, X-ENC-2). What is skipped says so on standard error, by name.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use aes::Aes128;
use cbc::cipher::array::Array;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use iaxproof::engine::cipher::{Key, Padding};
use iaxproof::engine::settings::Secret;
use iaxproof::wire::{Body, CallNumber, Frame, FullFrame, Head, IaxCommand, InformationElements};
use pcap_file::pcap::PcapReader;
use serde_json::Value;

#[expect(
    clippy::disallowed_methods,
    reason = "where files are that are not of this project, only the environment says"
)]
/// The folder of captures; `None` past a line that says what is skipped.
fn captures(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("IAXPROOF_CAPTURES").map(PathBuf::from);
    if folder.is_none() {
        let line = format!("skipped: {test}: IAXPROOF_CAPTURES is not set\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    folder
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The padding that was used: read with the cipher alone.
fn padding(key: &[u8], octets: &[u8]) -> Padding {
    let clear = if octets[0] & 0x80 == 0 { 2 } else { 4 };
    let mut sealed = octets[clear..].to_vec();
    let (blocks, _) = Array::slice_as_chunks_mut(&mut sealed);
    let key: [u8; 16] = key.try_into().unwrap();
    cbc::Decryptor::<Aes128>::new(&key.into(), &[0; 16].into()).decrypt_blocks(blocks);
    let mut padding = Padding::default();
    padding.copy_from_slice(&sealed[..32]);
    padding
}

/// Both ways: the vector opens to its plaintext, which sealed with the same padding is the vector.
#[test]
fn the_vectors_open_and_seal() {
    let Some(folder) = captures("the_vectors_open_and_seal") else {
        return;
    };
    let text = fs::read_to_string(folder.join("vectors.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let vectors = all["vectors"].as_array().unwrap().iter();
    let mut count = 0;
    for vector in vectors.filter(|vector| vector["name"].as_str().unwrap().starts_with("enc_")) {
        let (name, note) = (&vector["name"], vector["note"].as_str().unwrap());
        let plaintext = unhex(note.rsplit("plaintext ").next().unwrap());
        let key = unhex(vector["key"].as_str().unwrap());
        let octets = unhex(vector["hex"].as_str().unwrap());
        let padding = padding(&key, &octets);
        let key = Key::from_octets(&key).unwrap();
        assert_eq!(key.decrypt(&octets).as_ref(), Some(&plaintext), "{name}");
        assert_eq!(key.encrypt(&plaintext, padding), octets, "{name}");
        assert!(Frame::parse(&plaintext).is_ok(), "{name}");
        count += 1;
    }
    assert!(count >= 3, "{count} vectors");
}

/// The datagrams of a capture behind Ethernet and IPv4 headers without options, with the sender's port.
fn datagrams(path: PathBuf) -> Vec<(u16, Vec<u8>)> {
    let mut reader = PcapReader::new(File::open(path).unwrap()).unwrap();
    let mut datagrams = Vec::new();
    while let Some(packet) = reader.next_packet() {
        let octets = packet.unwrap().data.into_owned();
        let port = u16::from_be_bytes([octets[34], octets[35]]);
        let len = usize::from(u16::from_be_bytes([octets[38], octets[39]])) - 8;
        datagrams.push((port, octets[42..42 + len].to_vec()));
    }
    datagrams
}

/// One call with encryption: the key of each direction, and whether the client has answered its challenge.
struct Keys {
    client: Key,
    server: Key,
    is_answered: bool,
}

impl Keys {
    /// The frame in these octets, where the key opens it to one with a meaning.
    fn open(&self, is_server: bool, octets: &[u8]) -> Option<Vec<u8>> {
        let key = if is_server {
            &self.server
        } else {
            &self.client
        };
        let reads = |frame: &Vec<u8>| match Frame::parse(frame) {
            Ok(Frame::Full(frame)) => !matches!(frame.body, Body::Unknown(_)),
            other => other.is_ok(),
        };
        key.decrypt(octets).filter(reads)
    }

    /// RTKEY switches the key of its sender. Whether it was one.
    fn follow(&mut self, is_server: bool, frame: &[u8]) -> bool {
        let Some((IaxCommand::RtKey, ies)) = iax(frame) else {
            return false;
        };
        let key = Key::from_octets(ies.challenge().unwrap()).unwrap();
        match is_server {
            true => self.server = key,
            false => self.client = key,
        }
        true
    }
}

fn iax(octets: &[u8]) -> Option<(IaxCommand, InformationElements<'_>)> {
    match FullFrame::parse(octets).ok()?.body {
        Body::Iax { command, ies } => Some((command, ies)),
        _ => None,
    }
}

/// Asterisk's number of the call.
fn number(is_server: bool, octets: &[u8]) -> Option<CallNumber> {
    match Head::peek(octets)? {
        Head::Full { destination, .. } if !is_server => Some(destination),
        Head::Mini { .. } if !is_server => None,
        head => Some(head.source()),
    }
}

/// Every frame of Asterisk's after AUTHREP opens and reads, ACKs and mini frames included, after RTKEY under its key; before,
/// on calls that the client left open, its probes are in clear. Of the client's frames those do not open that it sent in
/// clear or ragged on purpose.
#[test]
fn a_call_of_asterisk_opens() {
    let Some(folder) = captures("a_call_of_asterisk_opens") else {
        return;
    };
    let mut calls: BTreeMap<CallNumber, Keys> = BTreeMap::new();
    let (mut opened, mut rotated, mut refused) = (0, 0, Vec::new());
    for (port, octets) in datagrams(folder.join("live-call-encrypted.pcap")) {
        let is_server = port == 4569;
        let Some(number) = number(is_server, &octets) else {
            continue;
        };
        if let (true, Some((IaxCommand::AuthReq, ies))) = (is_server, iax(&octets)) {
            if ies.encryption().is_some() {
                let key = Key::new(ies.challenge().unwrap(), &Secret::new("secret"));
                calls.entry(number).or_insert(Keys {
                    client: key.clone(),
                    server: key,
                    is_answered: false,
                });
            }
            continue;
        }
        let Some(keys) = calls.get_mut(&number) else {
            continue;
        };
        match keys.open(is_server, &octets) {
            Some(frame) => {
                opened += 1;
                keys.is_answered |= !is_server;
                rotated += usize::from(keys.follow(is_server, &frame));
            }
            None if is_server => {
                let command = iax(&octets).map(|(command, _)| command);
                assert!(!keys.is_answered, "{command:?}");
                assert!(matches!(
                    command,
                    Some(IaxCommand::LagRq | IaxCommand::Ping)
                ));
            }
            None => refused.push(octets.len()),
        }
    }
    assert_eq!(refused, [12, 35, 37, 12, 12]);
    assert_eq!((opened, rotated), (47, 1));
}
