//! An Asterisk that runs, with a configuration of the test's own, as the user of the test.

use std::fs::{self, File};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::clock;
use super::packages::Unpacked;

/// How long it may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);
const PROGRAM: &str = "usr/sbin/asterisk";
/// What these tests need of 351 modules.
const MODULES: [&str; 17] = [
    "res_timing_timerfd",
    "res_crypto",
    "bridge_simple",
    "bridge_builtin_features",
    "codec_ulaw",
    "codec_alaw",
    "codec_a_mu",
    "pbx_config",
    "app_echo",
    "app_dial",
    "app_milliwatt",
    "app_playtones",
    "app_stack",
    "app_verbose",
    "func_channel",
    "func_callerid",
    "chan_iax2",
];

/// One that runs; it ends with its owner.
pub(crate) struct Asterisk {
    child: Child,
    unpacked: Unpacked,
    folder: TempDir,
    /// Where it listens.
    pub(crate) address: String,
}

/// A port that nobody had a moment ago: who names the other in its configuration has to know it first.
pub(crate) fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

impl Asterisk {
    /// Starts it at a port, with these entries of iax.conf behind its `[general]`, and these extensions.
    pub(crate) fn start(
        unpacked: Unpacked,
        port: u16,
        general: &str,
        entries: &str,
        extensions: &str,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let modules = MODULES
            .map(|module| format!("load = {module}.so\n"))
            .concat();
        fs::create_dir(folder.path().join("keys")).unwrap();
        write("asterisk.conf", &directories(&unpacked, folder.path()));
        write(
            "modules.conf",
            &format!("[modules]\nautoload = no\n{modules}"),
        );
        write(
            "logger.conf",
            "[general]\n[logfiles]\nconsole => notice,warning,error,verbose\n",
        );
        write("extensions.conf", extensions);
        write(
            "iax.conf",
            &format!(
                "[general]\nbindaddr = 127.0.0.1:{port}\ndisallow = all\nallow = ulaw\nallow = alaw\n\
                 trunktimestamps = yes\n{general}\n{entries}"
            ),
        );
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = unpacked.command(PROGRAM);
        command
            .args(["-f", "-n", "-vvv", "-C"])
            .arg(folder.path().join("asterisk.conf"));
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let asterisk = Asterisk {
            child: child.unwrap(),
            unpacked,
            folder,
            address: format!("127.0.0.1:{port}"),
        };
        asterisk.wait_for("Asterisk Ready.");
        asterisk
    }

    /// What its own console command says.
    pub(crate) fn ask(&self, line: &str) -> String {
        let mut command = self.unpacked.command(PROGRAM);
        command
            .arg("-C")
            .arg(self.folder.path().join("asterisk.conf"))
            .args(["-rx", line]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Whether it has not ended.
    pub(crate) fn lives(mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until the log has `words`.
    pub(crate) fn wait_for(&self, words: &str) {
        let seen = clock::poll(PATIENCE, || self.log().contains(words).then_some(()));
        assert!(seen.is_some(), "no {words:?} in\n{}", self.log());
    }

    /// Asks again until the answer is such.
    pub(crate) fn wait_until(&self, line: &str, is_it: impl Fn(&str) -> bool) -> String {
        let seen = clock::poll(PATIENCE, || Some(self.ask(line)).filter(|said| is_it(said)));
        seen.unwrap_or_else(|| panic!("{line}: {}\n{}", self.ask(line), self.log()))
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn directories(unpacked: &Unpacked, folder: &Path) -> String {
    let ours = ["etc", "varlib", "db", "key", "agi", "spool", "run", "log"];
    let ours = ours.map(|kind| format!("ast{kind}dir => {}\n", folder.display()));
    format!(
        "[directories]\nastmoddir => {}\nastdatadir => {}\n{}[options]\nnocolor = yes\n",
        unpacked.modules().display(),
        unpacked.data().display(),
        ours.concat()
    )
}
