//! The server and Asterisk 22, who wrote what everybody else followed: each registers with the other, calls go both ways and
//! through both, by MD5, encrypted, with call tokens and without, over trunks, transferred to whom they are for, and through
//! reloads of either side. Only where `ASTERISK=1`, for Asterisk is fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::asterisk::{Asterisk, free_port};
use crate::packages::asterisk;
use crate::server::{Server, client, energy, samples, share, wait_until, write_tone};
use crate::{clock, compare, note, skip};

/// What Asterisk answers. A call of one side goes on to the other by `ours/...` here and `theirs/...` there.
const EXTENSIONS: &str = "
[phones]
exten => echo,1,Answer()
 same => n,Echo()
exten => tone,1,Answer()
 same => n,Milliwatt()
exten => busy,1,Busy()
exten => _ours.,1,Dial(IAX2/ours/${EXTEN:4},20)
 same => n,Hangup(${HANGUPCAUSE})
";
/// The hertz of `Milliwatt`.
const MILLIWATT: f64 = 1_004.0;
/// How long a client speaks.
const TALK_SECONDS: f64 = 3.0;

/// Both, each with an entry for the other and one for a client.
struct Pair {
    asterisk: Asterisk,
    server: Server,
    folder: tempfile::TempDir,
}

/// How a pair is set up beyond the usual: lines for the entries of both, and for the `[general]` of both.
#[derive(Clone, Copy, Default)]
struct Terms {
    /// Of either side's entry for the other.
    between: &'static str,
    /// Of either side's entry for the client.
    client: &'static str,
}

impl Pair {
    /// `None` where there is no Asterisk: that was said.
    fn start(test: &str, terms: Terms) -> Option<Pair> {
        let unpacked = match asterisk() {
            Ok(unpacked) => unpacked,
            Err(why) => {
                skip(&format!("{test}: {why}"));
                return None;
            }
        };
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let (client, between) = (terms.client, terms.between);
        let phone = format!(
            "[phone]\ntype = friend\nhost = dynamic\nsecret = wonder\ncontext = phones\n{client}\n"
        );
        let configuration = folder.path().join("iax.conf");
        let text = format!(
            "[general]\nminregexpire = 10\nregister => ours:builder@127.0.0.1:{port}\ntrunktimestamps = yes\n{phone}\
             [theirs]\ntype = friend\nhost = dynamic\nsecret = builder\nusername = ours\nqualify = yes\n{between}\n"
        );
        fs::write(&configuration, text).unwrap();
        let pcap = folder.path().join("server.pcapng");
        let arguments = [
            "--config",
            configuration.to_str().unwrap(),
            "--pcap",
            pcap.to_str().unwrap(),
        ];
        let server = Server::start(&arguments);
        let general = format!("register => theirs:builder@{}", server.address);
        let entries = format!(
            "{phone}[ours]\ntype = friend\nhost = dynamic\nsecret = builder\nusername = theirs\ncontext = phones\n\
             qualify = yes\n{between}\n"
        );
        let asterisk = Asterisk::start(unpacked, port, &general, &entries, EXTENSIONS);
        Some(Pair {
            asterisk,
            server,
            folder,
        })
    }

    /// Waits until each has registered with the other, and has asked it whether it is there.
    fn acquainted(&self) {
        self.server.wait_for("registered name=\"theirs\"");
        let ours = |said: &str| {
            said.lines()
                .any(|line| line.starts_with("ours") && line.contains("OK ("))
        };
        self.asterisk.wait_until("iax2 show peers", ours);
        self.server.wait_for("qualified name=\"theirs\"");
    }

    /// The tone of a client that calls somebody's extension, and what it heard.
    fn speak(&self, at: &str, extension: &str, more: &[&str]) -> Heard {
        let file = |name: &str| {
            self.folder
                .path()
                .join(format!("{}-{name}.wav", extension.replace('/', "-")))
        };
        let (said, heard) = (file("said"), file("heard"));
        write_tone(&said, 440.0, TALK_SECONDS);
        let (said, path) = (said.to_str().unwrap(), heard.to_str().unwrap());
        let call = [
            "call", at, extension, "--user", "phone", "--send", said, "--record", path,
        ];
        let ended = client(&[&call[..], more].concat(), Some("wonder"));
        assert_eq!(
            ended.code,
            0,
            "{ended:?}\n{}\n{}",
            self.asterisk.log(),
            self.server.log()
        );
        Heard(samples(&heard))
    }

    /// What passed the server's sockets, once it has ended.
    fn passed(mut self, test: &str) -> Vec<Value> {
        self.server.signal("-TERM");
        assert!(self.server.end().success(), "{}", self.server.log());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.pcapng"));
        fs::copy(self.folder.path().join("server.pcapng"), &path).unwrap();
        if compare::compare(&path).is_none() {
            skip(&format!("tshark over {test}: tshark is not installed"));
        }
        decoded(&path)
    }
}

fn decoded(path: &Path) -> Vec<Value> {
    let ended = client(&["decode", path.to_str().unwrap(), "--json"], None);
    assert_eq!(ended.code, 0, "{ended:?}");
    let lines = ended.stdout.lines();
    let packets: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let is_read = |it: &Value| it.get("refused").is_none() && it.get("not_iax2").is_none();
    assert!(packets.iter().all(is_read), "{packets:?}");
    packets
}

struct Heard(Vec<f64>);

impl Heard {
    /// For most of the time it was this tone.
    fn assert_tone(&self, frequency: f64) {
        let parts = self.0.chunks_exact(800);
        let all = parts.len();
        let pure = parts
            .filter(|part| energy(part) > 1e6 && share(part, frequency) > 0.95)
            .count();
        assert!(
            all as f64 > TALK_SECONDS * 8.0 && pure * 10 > all * 8,
            "{pure} of {all} tenths of a second are the tone"
        );
    }
}

#[test]
fn each_registers_with_the_other_and_asks_whether_it_is_there() {
    let test = "each_registers_with_the_other_and_asks_whether_it_is_there";
    let Some(pair) = Pair::start(test, Terms::default()) else {
        return;
    };
    pair.acquainted();
    let registry = pair.asterisk.ask("iax2 show registry");
    assert!(registry.contains("Registered"), "{registry}");
    pair.passed(test);
}

#[test]
fn a_client_hears_it_with_tokens_and_without() {
    let test = "a_client_hears_it_with_tokens_and_without";
    for client in [
        "requirecalltoken = yes",
        "requirecalltoken = no",
        "requirecalltoken = auto",
    ] {
        let Some(pair) = Pair::start(
            test,
            Terms {
                client,
                ..Terms::default()
            },
        ) else {
            return;
        };
        for codec in ["ulaw", "alaw"] {
            let more = ["--codec", codec];
            pair.speak(&pair.asterisk.address, "echo", &more)
                .assert_tone(440.0);
        }
        pair.speak(&pair.asterisk.address, "tone", &[])
            .assert_tone(MILLIWATT);
    }
}

#[test]
fn a_client_is_told_why_there_is_no_call() {
    let test = "a_client_is_told_why_there_is_no_call";
    let Some(pair) = Pair::start(test, Terms::default()) else {
        return;
    };
    pair.acquainted();
    let code = |at: &str, extension: &str, secret: &str| {
        client(
            &["call", at, extension, "--user", "phone", "--seconds", "1"],
            Some(secret),
        )
        .code
    };
    let (asterisk, server) = (&pair.asterisk.address, &pair.server.address);
    assert_eq!(
        code(asterisk, "busy", "wonder"),
        4,
        "{}",
        pair.asterisk.log()
    );
    assert_eq!(
        code(asterisk, "nowhere", "wonder"),
        6,
        "{}",
        pair.asterisk.log()
    );
    assert_eq!(
        code(asterisk, "echo", "blunder"),
        5,
        "{}",
        pair.asterisk.log()
    );
    // The same through the other.
    assert_eq!(
        code(server, "theirs/busy", "wonder"),
        4,
        "{}",
        pair.server.log()
    );
    assert_eq!(
        code(server, "theirs/nowhere", "wonder"),
        6,
        "{}",
        pair.server.log()
    );
    assert_eq!(
        code(asterisk, "oursnowhere", "wonder"),
        6,
        "{}",
        pair.asterisk.log()
    );
}

/// A call through both, from either side.
fn through_both(pair: &Pair, more: &[&str]) {
    pair.speak(&pair.server.address, "theirs/echo", more)
        .assert_tone(440.0);
    pair.speak(&pair.server.address, "theirs/tone", more)
        .assert_tone(MILLIWATT);
    pair.speak(&pair.asterisk.address, "oursecho", more)
        .assert_tone(440.0);
}

#[test]
fn calls_go_through_both() {
    let test = "calls_go_through_both";
    let between = "transfer = no";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between,
            client: "transfer = no",
        },
    ) else {
        return;
    };
    pair.acquainted();
    through_both(&pair, &[]);
    let packets = pair.passed(test);
    assert!(!has(&packets, "TXREQ"), "nobody was to be transferred");
}

#[test]
fn encrypted_calls_are_heard() {
    let test = "encrypted_calls_are_heard";
    let encrypted = "encryption = yes\nforceencryption = yes\ntransfer = no";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between: encrypted,
            client: encrypted,
        },
    ) else {
        return;
    };
    pair.acquainted();
    pair.speak(&pair.asterisk.address, "echo", &["--encrypt"])
        .assert_tone(440.0);
    through_both(&pair, &["--encrypt"]);
}

#[test]
fn a_trunk_carries_calls_both_ways() {
    let test = "a_trunk_carries_calls_both_ways";
    let between = "trunk = yes\ntransfer = no";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between,
            client: "transfer = no",
        },
    ) else {
        return;
    };
    pair.acquainted();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pair.speak(&pair.server.address, "theirs/echo", &[])
                .assert_tone(440.0)
        });
        scope.spawn(|| {
            pair.speak(&pair.asterisk.address, "oursecho", &[])
                .assert_tone(440.0)
        });
    });
    let server = pair.server.address.clone();
    let packets = pair.passed(test);
    let trunk = |is_ours: bool| {
        let packets = packets
            .iter()
            .filter(|it| (it["source"] == server.as_str()) == is_ours);
        packets.filter(|it| it["class"] == "trunk").count()
    };
    assert!(
        trunk(true) > 100 && trunk(false) > 100,
        "{} and {}",
        trunk(true),
        trunk(false)
    );
}

#[test]
fn calls_are_transferred_to_whom_they_are_for() {
    let test = "calls_are_transferred_to_whom_they_are_for";
    let between = "transfer = yes";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between,
            client: "transfer = yes",
        },
    ) else {
        return;
    };
    pair.acquainted();
    // Asterisk 22 itself asks nobody to transfer: its bridges know nothing of IAX2 any more.
    pair.speak(&pair.asterisk.address, "oursecho", &[])
        .assert_tone(440.0);
    pair.speak(&pair.server.address, "theirs/echo", &["--transfer"])
        .assert_tone(440.0);
    let server = pair.server.address.clone();
    let packets = pair.passed(test);
    for command in ["TXREQ", "TXREADY", "TXREL"] {
        assert!(has(&packets, command), "no {command}");
    }
    // The audio went past the server: of 150 frames each way it saw the first.
    let released = packets
        .iter()
        .position(|it| it["command"] == "TXREL")
        .unwrap();
    let behind = packets[released..]
        .iter()
        .filter(|it| it["class"] == "mini" && it["destination"] == server.as_str());
    assert!(
        behind.clone().count() < 20,
        "{} frames of audio",
        behind.count()
    );
}

#[test]
fn a_reload_of_either_side_does_not_touch_calls() {
    let test = "a_reload_of_either_side_does_not_touch_calls";
    let between = "transfer = no";
    let Some(pair) = Pair::start(
        test,
        Terms {
            between,
            client: "transfer = no",
        },
    ) else {
        return;
    };
    pair.acquainted();
    std::thread::scope(|scope| {
        let forth = scope.spawn(|| pair.speak(&pair.server.address, "theirs/echo", &[]));
        let back = scope.spawn(|| pair.speak(&pair.asterisk.address, "oursecho", &[]));
        // Of three legs at Asterisk two are one call.
        wait_until("two calls", || {
            pair.asterisk.ask("iax2 show channels").contains("3 active")
        });
        for _ in 0..4 {
            pair.asterisk.ask("iax2 reload");
            pair.server.signal("-HUP");
            clock::poll(Duration::from_millis(400), || None::<()>);
        }
        forth.join().unwrap().assert_tone(440.0);
        back.join().unwrap().assert_tone(440.0);
    });
    assert_eq!(
        pair.server.log().matches("configuration reloaded").count(),
        4
    );
    pair.acquainted();
}

fn has(packets: &[Value], command: &str) -> bool {
    packets.iter().any(|it| it["command"] == command)
}

/// Checks that Asterisk is known to fail, with the reason named.
const KNOWN: [&str; 3] = ["X-FRM-9", "X-NUM-6", "X-SEQ-12"];
/// It ended by a segmentation fault in two of seven runs of all checks: then it is judged again.
const TRIES: usize = 4;

#[test]
fn conform_judges_it_and_names_what_is_known() {
    let test = "conform_judges_it_and_names_what_is_known";
    let unpacked = match asterisk() {
        Ok(unpacked) => unpacked,
        Err(why) => return skip(&format!("{test}: {why}")),
    };
    for _ in 0..TRIES {
        let asterisk = Asterisk::start(
            unpacked.clone(),
            free_port(),
            "minregexpire = 60\nmaxregexpire = 3600",
            ENTRIES,
            ANSWERS,
        );
        let ended = client(&["conform", "--json", "--target", &asterisk.address], None);
        let report: Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
        if !asterisk.lives() {
            note(&format!(
                "{test}: Asterisk ended by itself while it was judged; once more"
            ));
            continue;
        }
        return assert_known(test, &report);
    }
    panic!("Asterisk did not live through one of {TRIES} runs");
}

const ENTRIES: &str = "
[alice]
type = friend
host = dynamic
secret = alice-secret
context = answers
requirecalltoken = no
transfer = yes

[guest]
type = user
context = answers
requirecalltoken = no
";
const ANSWERS: &str = "
[answers]
exten => echo,1,Answer()
 same => n,Echo()
exten => music,1,Answer()
 same => n,Milliwatt()
exten => alice,1,Dial(IAX2/alice,20)
 same => n,Hangup(${HANGUPCAUSE})
";

/// What is known fails, with its reason. What fails beside that, for its threads answer in another order each time, is told.
fn assert_known(test: &str, report: &Value) {
    let checks = report["checks"].as_array().unwrap();
    let failed: Vec<&Value> = checks.iter().filter(|it| it["verdict"] == "fail").collect();
    for id in KNOWN {
        let check = failed.iter().find(|it| it["id"] == id);
        let reason = check.map_or("it did not fail", |it| it["reason"].as_str().unwrap());
        assert!(reason.contains("known of Asterisk 22: "), "{id}: {reason}");
    }
    let passed = checks.iter().filter(|it| it["verdict"] == "pass").count();
    assert!(passed > 220, "{passed} of {} passed", checks.len());
    for check in failed
        .iter()
        .filter(|it| !KNOWN.contains(&it["id"].as_str().unwrap()))
    {
        note(&format!(
            "{test}: {} failed too: {}",
            check["id"], check["reason"]
        ));
    }
}
