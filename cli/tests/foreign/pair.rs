//! An Asterisk and a server that know each other, a client that calls either, and what it hears.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::asterisk::{Asterisk, free_port};
use crate::packages::asterisk;
use crate::server::{Server, client, energy, samples, share, write_tone};
use crate::{compare, skip};

/// What Asterisk answers. A call of one side goes on to the other by `ours/...` here and `theirs/...` there.
pub(crate) const EXTENSIONS: &str = "
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
pub(crate) const MILLIWATT: f64 = 1_004.0;
/// How long a client speaks.
pub(crate) const TALK_SECONDS: f64 = 3.0;

/// Both, each with an entry for the other and one for a client.
pub(crate) struct Pair {
    pub(crate) asterisk: Asterisk,
    pub(crate) server: Server,
    pub(crate) folder: tempfile::TempDir,
}

/// How a pair is set up beyond the usual: lines for the entries of both, and for the `[general]` of both.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms {
    /// Of either side's entry for the other.
    pub(crate) between: &'static str,
    /// Of either side's entry for the client.
    pub(crate) client: &'static str,
}

impl Pair {
    /// `None` where there is no Asterisk: that was said.
    pub(crate) fn start(test: &str, terms: Terms) -> Option<Pair> {
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
    pub(crate) fn acquainted(&self) {
        self.server.wait_for("registered name=\"theirs\"");
        let ours = |said: &str| {
            said.lines()
                .any(|line| line.starts_with("ours") && line.contains("OK ("))
        };
        self.asterisk.wait_until("iax2 show peers", ours);
        self.server.wait_for("qualified name=\"theirs\"");
    }

    /// The tone of a client that calls somebody's extension, and what it heard.
    pub(crate) fn speak(&self, at: &str, extension: &str, more: &[&str]) -> Heard {
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
    pub(crate) fn passed(mut self, test: &str) -> Vec<Value> {
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

pub(crate) fn decoded(path: &Path) -> Vec<Value> {
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

pub(crate) struct Heard(Vec<f64>);

impl Heard {
    /// For most of the time it was this tone.
    pub(crate) fn assert_tone(&self, frequency: f64) {
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
