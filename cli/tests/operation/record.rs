//! `serve --record`, and `replay` of what was recorded: two workers with a database, registrations, reloads, logins of every kind, a call
//! in clear and one under a key; and recordings that are bent or cut.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::settings::Secret;
use iaxproof::registry::HashKey;
use serde_json::Value;

use crate::server::*;

/// Peers of the hammer.
const PEERS: &str = "250";
/// How often each of them registers.
const ROUNDS: &str = "2";
/// Octets before the first frame: the mark and the schema.
const BEGINNING: usize = 18;
/// Octets of a frame before its content.
const HEAD: usize = 12;
/// The other half of the key of the frames' checks.
const CHECK: u64 = 0x6961_7870_726f_6f66;
/// What no recording may have.
const SECRETS: [&str; 8] = [
    "known-to-everybody",
    "of-the-first-file",
    "of-a-row-in-a-table",
    "another-one-that-is-wrong",
    "alice-secret",
    "pin-of-the-account",
    "of-the-second-file",
    ENCRYPTED,
];
/// Whose calls are encrypted, and how that one calls.
const ENCRYPTED: &str = "of-who-has-something-to-hide";
const HIDDEN: [&str; 3] = ["--user", "hidden", "--encrypt"];

/// The recording of a server's life, and a capture of it.
struct Story {
    folder: tempfile::TempDir,
}

/// Recorded once for all tests.
static STORY: LazyLock<Story> = LazyLock::new(|| Story::record(PEERS, ROUNDS));

impl Story {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn recording(&self) -> Vec<u8> {
        std::fs::read(self.path("record")).unwrap()
    }

    fn record(peers: &str, rounds: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let story = Story { folder };
        let elsewhere = Server::start(&[]);
        let (config, database) = (story.path("iax.conf"), story.path("iax.db"));
        write_config(&config, peers, &elsewhere.address);
        let paths = [
            config.clone(),
            database.clone(),
            story.path("record"),
            story.path("pcap"),
        ];
        let [config_path, database_path, record, pcap] =
            &paths.map(|it| it.to_str().unwrap().to_owned());
        let args = [
            "--workers",
            "2",
            "--config",
            config_path,
            "--database",
            database_path,
            "--record",
            record,
            "--pcap",
            pcap,
        ];
        let mut server = Server::start(&args);
        add_row(&database);
        elsewhere.wait_for("registered name=\"alice\"");
        Self::knock(&server, "of-the-first-file");
        // Another configuration: one secret is another, one entry is new.
        let text = std::fs::read_to_string(&config).unwrap();
        let text = text.replace("of-the-first-file", "of-the-second-file");
        std::fs::write(
            &config,
            text + "[late]\ntype = user\nsecret = of-the-second-file\n",
        )
        .unwrap();
        server.signal("-HUP");
        server.wait_for("configuration reloaded serial=1");
        std::thread::scope(|scope| {
            scope.spawn(|| Self::call(&server, &[], None));
            scope.spawn(|| Self::call(&server, &HIDDEN, Some(ENCRYPTED)));
            Self::knock(&server, "of-the-second-file");
            Self::hammer(&server, peers, rounds);
        });
        server.signal("-TERM");
        assert!(server.end().success(), "{}", server.log());
        story
    }

    /// Logins that are right and wrong, all at once; `right` is the secret that is in force where one changes.
    fn knock(server: &Server, right: &str) {
        let logins = [
            ("hammer-00001", "another-one-that-is-wrong", 5),
            ("nobody", "another-one-that-is-wrong", 5),
            ("row", "of-a-row-in-a-table", 0),
            ("changed", "of-the-first-file", 0),
            ("changed", "of-the-second-file", 0),
        ];
        std::thread::scope(|scope| {
            for (user, secret, code) in logins {
                scope.spawn(move || {
                    let line = ["register", &server.address, user, "--once"];
                    let is_other = user == "changed" && secret != right;
                    let code = if is_other { 5 } else { code };
                    assert_eq!(client(&line, Some(secret)).code, code, "{user} {secret}");
                });
            }
        });
    }

    fn call(server: &Server, as_whom: &[&str], secret: Option<&str>) {
        let line = ["call", &server.address, "echo", "--seconds", "1"];
        let line = [&line[..], as_whom, &["--record", "/dev/null"]].concat();
        let called = client(&line, secret);
        assert_eq!(called.code, 0, "{called:?}");
    }

    fn hammer(server: &Server, peers: &str, rounds: &str) {
        let reload = format!("kill -HUP {}", server.id());
        let line = [
            "hammer",
            "--target",
            &server.address,
            "--peers",
            peers,
            "--rounds",
            rounds,
        ];
        let rest = [
            "--sockets",
            "8",
            "--rate",
            "1500",
            "--reload-every",
            "0.1",
            "--reload-cmd",
            &reload,
        ];
        let ended = client(&[&line[..], &rest].concat(), None);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}

fn write_config(path: &Path, peers: &str, elsewhere: &str) {
    let written = [
        "hammer",
        "--peers",
        peers,
        "--write-config",
        path.to_str().unwrap(),
    ];
    assert_eq!(client(&written, None).code, 0);
    let text = std::fs::read_to_string(path).unwrap();
    let register = format!("[general]\nregister => alice:alice-secret@{elsewhere}\n");
    let more = "[changed]\ntype = peer\nhost = dynamic\nsecret = of-the-first-file\n\
        setvar = PIN=pin-of-the-account\n[guest]\ntype = user\n";
    let hidden = format!("[hidden]\ntype = user\nsecret = {ENCRYPTED}\nforceencryption = yes\n");
    let text = text.replace("[general]\n", &register);
    std::fs::write(path, text + more + &hidden).unwrap();
}

fn add_row(database: &Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let row = "INSERT INTO iaxpeers (name, secret) VALUES ('row', 'of-a-row-in-a-table')";
    connection.execute(row, []).unwrap();
}

/// What `iaxproof replay` says of these octets.
fn replay(octets: &[u8]) -> (Value, Ended) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record");
    std::fs::write(&path, octets).unwrap();
    let ended = client(&["replay", "--json", path.to_str().unwrap()], None);
    let said = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
    (said, ended)
}

/// Where the contents of the frames are.
fn frames(octets: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut at, mut frames) = (BEGINNING, Vec::new());
    while let Some(len) = octets.get(at..at + 4) {
        let len = u32::from_le_bytes(len.try_into().unwrap()) as usize;
        frames.push(at + HEAD..at + HEAD + len);
        at += HEAD + len;
    }
    frames
}

fn find(octets: &[u8], what: &[u8]) -> Option<usize> {
    octets.windows(what.len()).position(|it| it == what)
}

#[test]
fn a_recorded_server_of_two_workers_replays_to_its_hashes() {
    let recording = STORY.recording();
    let mode = std::fs::metadata(STORY.path("record"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (said, ended) = replay(&recording);
    assert_eq!(
        (ended.code, &said["verdict"]),
        (0, &"held".into()),
        "{ended:?}"
    );
    assert_eq!(said["is_whole"], true);
    assert_eq!(said["inputs"], said["replayed"]);
    assert_eq!(said["notices"], serde_json::json!([]));
    let hashes = said["hashes"].as_object().unwrap();
    let actors: Vec<&str> = hashes.keys().map(String::as_str).collect();
    assert_eq!(
        actors,
        [
            "the operator",
            "the realtime thread",
            "the start",
            "worker 0",
            "worker 1"
        ]
    );
    for actor in ["the realtime thread", "worker 0", "worker 1"] {
        assert_ne!(hashes[actor], "0000000000000000", "{actor}");
    }
    assert_eq!(replay(&recording).0["hashes"], said["hashes"]);
}

#[test]
fn no_secret_is_in_a_recording_and_nothing_that_proves_one() {
    let recording = STORY.recording();
    for secret in SECRETS {
        let hex: String = secret.bytes().map(|it| format!("{it:02x}")).collect();
        for text in [secret.to_owned(), hex.clone(), hex.to_uppercase()] {
            assert_eq!(find(&recording, text.as_bytes()), None, "{text}");
        }
    }
    // Every result that went over the wire: MD5 RESULT has 32 digits.
    let capture = std::fs::read(STORY.path("pcap")).unwrap();
    let elements = capture.windows(34).filter(|it| it[..2] == [16, 32]);
    let results = elements.map(|it| &it[2..]);
    let results: Vec<&[u8]> = results
        .filter(|it| it.iter().all(u8::is_ascii_hexdigit))
        .collect();
    assert!(results.len() >= 500, "{}", results.len());
    let (first, last) = (results[0], results[results.len() - 1]);
    for result in [first, last, results[results.len() / 2]] {
        assert_eq!(find(&recording, result), None);
    }
    assert!(find(&recording, b"alias-1").is_some());
    // The key of the encrypted call, in octets and in digits: CHALLENGE stands before ENCRYPTION.
    let elements = capture.windows(38).filter(|it| it[..2] == [15, 32]);
    let offers = elements.filter(|it| it[34..] == [0x2b, 2, 0, 1]);
    let challenges: Vec<&[u8]> = offers.map(|it| &it[2..34]).collect();
    assert!(!challenges.is_empty());
    for challenge in challenges {
        let digits = md5_result(challenge, &Secret::new(ENCRYPTED));
        let digits = core::str::from_utf8(&digits).unwrap();
        let octets = (0..16).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16));
        let octets: Vec<u8> = octets.map(Result::unwrap).collect();
        // A copy of the first half would do as well.
        for key in [&octets[..8], &digits.as_bytes()[..16]] {
            assert_eq!(find(&recording, key), None, "{digits}");
        }
    }
}

#[test]
fn an_octet_that_is_another_is_where_the_replay_parts() {
    let mut recording = STORY.recording();
    let frames = frames(&recording);
    // The first login that is right.
    let right = |frame: &std::ops::Range<usize>| {
        let elements = recording[frame.clone()].windows(34);
        let mut elements = elements.enumerate().filter(|(_, it)| it[..2] == [16, 32]);
        let (at, _) = elements.find(|(_, it)| it[2..].iter().all(u8::is_ascii_hexdigit))?;
        Some(frame.start + at + 2)
    };
    let found = frames.iter().enumerate().skip(2);
    let (number, name, at) = found
        .filter_map(|(number, frame)| Some((number, frame.clone(), right(frame)?)))
        .next()
        .unwrap();
    recording[at] ^= 1;
    let (_, damaged) = replay(&recording);
    assert_eq!(damaged.code, 1, "{damaged:?}");
    assert!(
        damaged.stderr.contains(&format!("octet {}", name.start)),
        "{}",
        damaged.stderr
    );
    let check = HashKey(number as u64, CHECK).hash_bytes(&recording[name.clone()]);
    recording[name.start - 8..name.start].copy_from_slice(&check.to_le_bytes());
    let (said, ended) = replay(&recording);
    assert_eq!(ended.code, 42, "{ended:?}");
    assert_eq!(said["property"], "same-again");
    let message = said["message"].as_str().unwrap();
    assert!(
        message.contains("worker") && message.contains("(Came, at "),
        "{message}"
    );
}

#[test]
fn what_a_killed_server_left_is_replayed_as_far_as_it_goes() {
    let recording = STORY.recording();
    let frames = frames(&recording);
    let cut = frames[frames.len() * 2 / 3].end - 1;
    let (said, ended) = replay(&recording[..cut]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(
        (&said["verdict"], &said["is_whole"]),
        (&"held".into(), &false.into())
    );
    let notice = said["notices"][0].as_str().unwrap();
    assert!(notice.starts_with("the recording is torn"), "{notice}");
    let (replayed, all) = (
        said["replayed"].as_u64().unwrap(),
        said["inputs"].as_u64().unwrap(),
    );
    assert!(
        replayed > 1_000 && 2 * replayed > all,
        "{replayed} of {all}"
    );
}

/// Only where `RECORD_STORM=1`: it takes half a minute.
#[test]
fn ten_thousand_registrations_beside_reloads_replay() {
    if std::env::var_os("RECORD_STORM").is_none_or(|it| it != "1") {
        let test = "ten_thousand_registrations_beside_reloads_replay";
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {test}: it is for RECORD_STORM=1"
        );
        return;
    }
    let story = Story::record("2500", "4");
    let (said, ended) = replay(&story.recording());
    assert_eq!(
        (ended.code, &said["is_whole"]),
        (0, &true.into()),
        "{ended:?}"
    );
    assert!(said["replayed"].as_u64().unwrap() > 80_000, "{said}");
}
