//! What killed the driver of 2007 in seconds: registrations and one call, while the file is rewritten in place, so that some reloads read a
//! part of it, and read again every 0.3 s, and datagrams of chance come meanwhile. No registration that the accepted file still allows may be
//! lost, and no call may drop.
//!
//! It takes a minute; `IAXPROOF_STORM_SECONDS=600` for ten. Where `SANITIZE=1` the server is built under AddressSanitizer, by a toolchain of the name
//! `nightly`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod server;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use server::*;

/// Peers of the file, and those of them that are in it however much of it is read.
const PEERS: u32 = 5_000;
const KEPT: u32 = PEERS / 2;
/// Registrations a second, of those that are always in the file, and of all.
const RATE: u32 = 100;
const RELOAD: Duration = Duration::from_millis(300);
const LOOK: Duration = Duration::from_secs(2);
/// From one datagram of chance to the next.
const CHANCE: Duration = Duration::from_millis(2);
/// Of each datagram of chance, so many octets are others than in the frame that it was.
const BENT: u64 = 4;

fn seconds() -> u32 {
    let said = std::env::var("IAXPROOF_STORM_SECONDS");
    said.map_or(60, |said| said.parse().unwrap())
}

/// Registers so many peers again and again for as long as the storm is to last.
fn hammer(server: &Server, peers: u32, more: &[&str]) -> Child {
    let rounds = (seconds() * RATE / peers).max(1).to_string();
    let (peers, rate) = (peers.to_string(), RATE.to_string());
    let words = ["hammer", "--json", "--target", &server.address];
    let load = ["--peers", &peers, "--rounds", &rounds, "--rate", &rate];
    let mut line = iaxproof();
    line.args(words).args(load).args(more);
    line.stdout(Stdio::piped()).spawn().unwrap()
}

/// The peers that are registered.
fn registered(socket: &str) -> BTreeSet<String> {
    let answer = client(&["ctl", "--json", "--socket", socket, "peers"], None);
    assert_eq!(answer.code, 0, "{answer:?}");
    let peers: Value = serde_json::from_str(&answer.stdout).unwrap();
    let peers = peers["peers"]
        .as_array()
        .or(peers.as_array())
        .unwrap()
        .clone();
    let here = peers.iter().filter(|it| it["standing"] == "registered");
    here.map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The file, of which a part is taken away and put back, each time another part.
struct Rewritten {
    file: File,
    text: Vec<u8>,
    /// From where on it may be missing.
    kept: usize,
    step: usize,
}

impl Rewritten {
    fn of(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap();
        let first_lost = format!("[hammer-{:05}]", KEPT + 1);
        let all = String::from_utf8(text.clone()).unwrap();
        Rewritten {
            file: OpenOptions::new().write(true).open(path).unwrap(),
            kept: all.find(&first_lost).unwrap(),
            text,
            step: 0,
        }
    }

    fn cut(&mut self) {
        // Any octet of it, in no order: a prime is coprime to what is left.
        self.step += 7_919;
        let len = self.kept + self.step % (self.text.len() - self.kept);
        self.file.set_len(len as u64).unwrap();
    }

    fn restore(&mut self) {
        let from = self.kept;
        self.file.seek(SeekFrom::Start(from as u64)).unwrap();
        self.file.write_all(&self.text[from..]).unwrap();
    }
}

/// Frames of the fuzzer's corpus, bent by the numbers of a counter: the same ones each time.
struct Chance {
    frames: Vec<Vec<u8>>,
    /// How many numbers were taken.
    taken: u64,
}

impl Chance {
    fn new() -> Self {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/frame");
        let mut files: Vec<PathBuf> = std::fs::read_dir(corpus)
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        files.sort();
        let frames = files
            .iter()
            .map(|file| std::fs::read(file).unwrap())
            .filter(|frame| !frame.is_empty());
        Chance {
            frames: frames.collect(),
            taken: 0,
        }
    }

    /// One of so many: SplitMix64.
    fn below(&mut self, limit: usize) -> usize {
        self.taken += 1;
        let mut word = self.taken.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % limit as u64) as usize
    }

    fn next(&mut self) -> Vec<u8> {
        let which = self.below(self.frames.len());
        let mut frame = self.frames[which].clone();
        for _ in 0..BENT {
            let (at, octet) = (self.below(frame.len()), self.below(256) as u8);
            frame[at] = octet;
        }
        let len = frame.len() - self.below(8).min(frame.len() - 1);
        frame.truncate(len);
        frame
    }
}

/// The server's program: as this test was built, or under AddressSanitizer.
fn program() -> PathBuf {
    if std::env::var_os("SANITIZE").is_none_or(|it| it != "1") {
        return PathBuf::from(env!("CARGO_BIN_EXE_iaxproof"));
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("address-sanitizer");
    let nightly = |program: &str| {
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", program]);
        for variable in ["CARGO", "RUSTC", "RUSTDOC"] {
            command.env_remove(variable);
        }
        command
    };
    let output = nightly("rustc").arg("-vV").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    // Build scripts are not for sanitizers, and cargo tells them apart where a target is named.
    let host = said
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let package = [
        "build",
        "--locked",
        "-p",
        "iaxproof-cli",
        "--no-default-features",
        "--target",
        host,
    ];
    let mut build = nightly("cargo");
    build
        .args(package)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    build
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("CARGO_TARGET_DIR", &target);
    assert!(build.status().unwrap().success());
    target.join(host).join("debug/iaxproof")
}

/// Says that it is over, also where the test fails: nobody waits for who goes on for ever.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_registration_is_lost_and_no_call_drops_while_half_written_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (config, socket) = (path("iax.conf"), path("control"));
    let peers = PEERS.to_string();
    let write = ["hammer", "--peers", &peers, "--write-config", &config];
    assert_eq!(client(&write, None).code, 0);
    let options = ["--config", &config, "--control", &socket, "--workers", "2"];
    let mut server = Server::start_program(&program(), "127.0.0.1:0", &options, &[]);
    let mut strict = hammer(&server, KEPT, &["--listen", "music"]);
    let mut other = hammer(&server, PEERS, &[]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = Rewritten::of(Path::new(&config));
            while !is_over.load(Ordering::Relaxed) {
                file.cut();
                server.signal("-HUP");
                pause(RELOAD);
                file.restore();
                server.signal("-HUP");
                pause(RELOAD);
            }
        });
        scope.spawn(|| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let mut chance = Chance::new();
            while !is_over.load(Ordering::Relaxed) {
                socket.send_to(&chance.next(), &server.address).unwrap();
                pause(CHANCE);
            }
        });
        let _over = Over(&is_over);
        let mut seen = BTreeSet::new();
        let kept = format!("hammer-{KEPT:05}");
        while strict.try_wait().unwrap().is_none() {
            let now = registered(&socket);
            let lost: Vec<&String> = seen.difference(&now).collect();
            assert!(lost.is_empty(), "lost: {lost:?}");
            seen.extend(now.into_iter().filter(|name| *name <= kept));
            pause(LOOK);
        }
        assert_eq!(seen.len(), KEPT as usize);
    });
    let output = strict.wait_with_output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    // All granted, and the call lived to the end.
    assert_eq!(output.status.code(), Some(0), "{report}");
    let ended = other.wait().unwrap().code();
    assert!(matches!(ended, Some(0 | 42)), "{ended:?}");
    let log = server.log();
    let count = |words: &str| log.matches(words).count();
    let (read, refused) = (
        count("configuration reloaded"),
        count("configuration refused"),
    );
    // Some files end in the middle of a line.
    assert!(read > 10 && refused > 0, "{read} read, {refused} refused");
    assert_eq!(
        (count("panicked"), count("AddressSanitizer")),
        (0, 0),
        "{log}"
    );
    server.signal("-TERM");
    assert!(server.end().success());
    println!("{read} files read, {refused} refused\n{report}");
}
