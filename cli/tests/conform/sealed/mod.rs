//! Bent servers of encrypted calls, which [`defects`] has: a relay that knows the secret opens what passes, bends it, and seals it
//! again, or does not.
//! For each defect, the checks that must see it, and those that must not mind.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod defects;

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::cipher::{Key, Padding, is_sealed};
use iaxproof::engine::settings::Secret;
use iaxproof::wire::{Body, Frame, IaxCommand};
use std::sync::{Arc, Mutex};

use self::defects::DEFECTS;
use crate::judge::judge;
use crate::relay::{Way, bent, bent_by, command, element};
use crate::server::Server;

/// That of `dave`, whose calls are encrypted.
const SECRET: &str = "dave-secret";
/// Offsets in a full frame.
const R_BIT: usize = 2;
const SUBCLASS: usize = 11;
const ELEMENTS: usize = 12;
/// Codes of elements.
const CHALLENGE: u8 = 15;
const MD5_RESULT: u8 = 16;
const REFRESH: u8 = 19;
const ENCRYPTION: u8 = 43;
/// Short waits, for all is on this machine; long enough where it is busy.
const WAITS: [&str; 4] = ["--timeout", "1500", "--quiet", "200"];

/// What is around a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cover {
    Clear,
    Sealed,
    /// It is no frame in clear, and the key of the call does not open it.
    Noise,
}

/// A frame on its way.
struct Passing {
    way: Way,
    frame: Vec<u8>,
    cover: Cover,
    padding: Padding,
    /// Octets behind the last block.
    tail: Vec<u8>,
    /// Whether nothing passes any more.
    is_dead: bool,
}

impl Passing {
    fn command(&self) -> Option<IaxCommand> {
        command(&self.frame)
    }

    fn is_from(&self, wanted: IaxCommand) -> bool {
        self.way == Way::FromServer && self.command() == Some(wanted)
    }

    fn is_to(&self, wanted: IaxCommand) -> bool {
        self.way == Way::ToServer && self.command() == Some(wanted)
    }

    fn is_sealed_from(&self, wanted: IaxCommand) -> bool {
        self.is_from(wanted) && self.cover == Cover::Sealed
    }

    fn is_mini(&self) -> bool {
        matches!(Frame::parse(&self.frame), Ok(Frame::Mini(_)))
    }

    fn is_repeat(&self) -> bool {
        self.way == Way::FromServer && self.frame[0] & 0x80 != 0 && self.frame[R_BIT] & 0x80 != 0
    }

    /// ENCRYPTION with other data.
    fn rewrite_encryption(&mut self, data: &[u8]) {
        if let Some(at) = element(&self.frame, ENCRYPTION) {
            let end = at + usize::from(self.frame[at - 1]);
            self.frame[at - 1] = data.len() as u8;
            self.frame.splice(at..end, data.iter().copied());
        }
    }
}

/// What becomes of a frame; whether it goes on at all.
type Bend = fn(&mut Passing) -> bool;

/// What the relay knows of the calls of one client.
#[derive(Default)]
struct Tap {
    /// What the client seals with, and what the server does: the same, unless the challenge was changed.
    of_client: Option<Key>,
    of_server: Option<Key>,
    /// The MD5 RESULT that the server expects.
    result: Option<Vec<u8>>,
    frames: u64,
    is_dead: bool,
}

impl Tap {
    fn pass(&mut self, way: Way, datagram: &mut Vec<u8>, bend: Bend) -> bool {
        let (inward, _) = self.keys(way);
        let opened = inward
            .and_then(|key| key.decrypt(datagram))
            .filter(|frame| reads(frame));
        let cover = match &opened {
            Some(_) => Cover::Sealed,
            None if inward.is_some() && !reads(datagram) => Cover::Noise,
            None => Cover::Clear,
        };
        let frame = opened.unwrap_or_else(|| datagram.clone());
        let result = md5_of(&frame);
        self.frames += 1;
        let mut padding: Padding = [7; 32];
        padding[..8].copy_from_slice(&self.frames.to_be_bytes());
        let mut passing = Passing {
            way,
            frame,
            cover,
            padding,
            tail: Vec::new(),
            is_dead: self.is_dead,
        };
        let is_challenge =
            passing.command() == Some(IaxCommand::AuthReq) && self.of_server.is_none();
        let challenge = is_challenge.then(|| key_of(&passing.frame)).flatten();
        let goes = bend(&mut passing);
        self.is_dead = passing.is_dead;
        if let Some(key) = challenge {
            // Which of the two challenges: it is changed on its way to the client alone.
            self.of_client = key_of(&passing.frame);
            self.of_server = Some(key);
            self.result = result;
        }
        self.prove(&mut passing);
        *datagram = self.covered(passing);
        goes && !self.is_dead
    }

    /// The key that something comes under, and the one that it goes on under.
    fn keys(&self, way: Way) -> (Option<&Key>, Option<&Key>) {
        let keys = (self.of_client.as_ref(), self.of_server.as_ref());
        match way {
            Way::ToServer => keys,
            Way::FromServer => (keys.1, keys.0),
        }
    }

    /// Where the client was given another challenge, the server is given its own result.
    fn prove(&self, passing: &mut Passing) {
        if self.of_client == self.of_server || !passing.is_to(IaxCommand::AuthRep) {
            return;
        }
        if let (Some(at), Some(result)) = (element(&passing.frame, MD5_RESULT), &self.result) {
            passing.frame[at..at + result.len()].copy_from_slice(result);
        }
    }

    fn covered(&self, passing: Passing) -> Vec<u8> {
        match (passing.cover, self.keys(passing.way).1) {
            (Cover::Sealed, Some(key)) => {
                let sealed = key.encrypt(&passing.frame, passing.padding);
                [sealed, passing.tail].concat()
            }
            _ => passing.frame,
        }
    }
}

/// Whether octets are a frame with a meaning.
fn reads(octets: &[u8]) -> bool {
    match Frame::parse(octets) {
        Ok(Frame::Full(frame)) => {
            !matches!(frame.body, Body::Unknown(_)) && frame.timestamp.0 < 3_600_000
        }
        Ok(Frame::Mini(_)) => !is_sealed(octets) || octets.len() == 164,
        Ok(_) => true,
        Err(_) => false,
    }
}

/// The key that an AUTHREQ leads to, where it has ENCRYPTION.
fn key_of(frame: &[u8]) -> Option<Key> {
    element(frame, ENCRYPTION)?;
    Some(Key::new(challenge(frame)?, &Secret::new(SECRET)))
}

fn challenge(frame: &[u8]) -> Option<&[u8]> {
    let at = element(frame, CHALLENGE)?;
    frame.get(at..at + usize::from(frame[at - 1]))
}

fn md5_of(frame: &[u8]) -> Option<Vec<u8>> {
    let text = challenge(frame)?;
    Some(md5_result(text, &Secret::new(SECRET)).to_vec())
}

fn tapped(server: &str, bend: Bend) -> String {
    bent_by(server, move || {
        let mut tap = Tap::default();
        Arc::new(Mutex::new(move |way: Way, datagram: &mut Vec<u8>| {
            tap.pass(way, datagram, bend)
        }))
    })
}

fn says_it_holds(way: Way, datagram: &mut [u8], seconds: u8) {
    if way == Way::FromServer
        && command(datagram) == Some(IaxCommand::RegAck)
        && let Some(at) = element(datagram, REFRESH)
    {
        (datagram[at], datagram[at + 1]) = (0, seconds);
    }
}

/// All that is seen red here.
pub(crate) fn red() -> impl Iterator<Item = &'static str> {
    let red = DEFECTS.iter().flat_map(|defect| defect.red.iter().copied());
    red.chain(["7.2.2-2"])
}

/// Judges a target by these checks; some must be red, be it a failure or a warning, and the others pass.
fn assert_seen(name: &str, target: &str, red: &[&str], green: &[&str]) {
    let judgement = judge(target, &[red, green, &WAITS].concat());
    let verdicts = judgement.verdicts();
    for id in red {
        let is_red = matches!(verdicts[id], "fail" | "warning");
        assert!(is_red, "{name}: {id} does not see it: {}", verdicts[id]);
    }
    for id in green {
        let said = judgement.complaints();
        assert_eq!(verdicts[id], "pass", "{name}: {id}: {said}");
    }
}

/// For [`every`](crate::every), which waits for as long anyway.
pub(crate) fn each_defect_is_seen() {
    std::thread::scope(|scope| {
        for defect in DEFECTS {
            scope.spawn(|| {
                // One each: a server has few logins of one user at a time, and one place where it is registered.
                let server = Server::start(&[]);
                let target = tapped(&server.address, defect.bend);
                assert_seen(defect.name, &target, defect.red, defect.green);
            });
        }
    });
}

/// A relay that opens everything and bends nothing is not seen.
#[test]
fn a_relay_with_the_key_is_not_seen() {
    let server = Server::start(&[]);
    let target = tapped(&server.address, |_| true);
    let all: Vec<&str> = red().filter(|id| *id != "7.2.2-2").collect();
    assert_seen("nothing", &target, &[], &all);
}

/// One that is said to hold for 1 s and does for 60, and one that is said to hold for 14 s and is gone after 12.
pub(crate) fn a_registration_that_lapses_at_another_time_is_seen() {
    const SHORT: &str = "[general]\nminregexpire = 2\n[guest]\ntype = user\n\
                         [dave]\ntype = friend\nhost = dynamic\nsecret = dave-secret\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iax.conf");
    std::fs::write(&path, SHORT).unwrap();
    let [long, short] = [&[][..], &["--config", path.to_str().unwrap()]].map(Server::start);
    let late = bent(&long.address, |way, datagram| {
        says_it_holds(way, datagram, 1);
        true
    });
    let early = bent(&short.address, |way, datagram| {
        says_it_holds(way, datagram, 14);
        true
    });
    std::thread::scope(|scope| {
        for target in [late, early] {
            scope.spawn(move || assert_seen("lapse", &target, &["7.2.2-2"], &[]));
        }
    });
}

/// The frames of a failure say what was sealed, and neither the key, nor what it is made of, nor another.
#[test]
fn no_failure_of_an_encrypted_call_tells_a_key() {
    let server = Server::start(&[]);
    let target = tapped(&server.address, |it| !it.is_from(IaxCommand::Pong));
    let checks = ["7.4-1b", "X-ENC-1a", "X-ENC-2c", "--timeout", "300"];
    let judgement = judge(&target, &checks);
    let text = &judgement.stdout;
    assert_eq!(judgement.code, 42, "{text}");
    assert!(
        text.contains("sealed: Full") && text.contains("RTKEY"),
        "{text}"
    );
    assert!(!text.contains(SECRET));
    let longest = text
        .split(|c: char| !c.is_ascii_hexdigit())
        .map(str::len)
        .max();
    assert!(longest.unwrap_or_default() < 16, "a key is shown: {text}");
}
