//! Debian's `iaxmodem`, a fax modem that speaks IAX2 (libiax2) on one side and AT commands on a pseudo-terminal on the other.
//!
//! It reads its configuration from below /etc/iaxmodem alone, and runs as root alone. A path with `..` leads it to a file of
//! the test; where we are not root, a user name space makes it believe that it is.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::clock;

/// `O_NOCTTY`: the terminal of a modem is not to become ours.
const NO_CONTROLLING_TERMINAL: i32 = 0o400;
/// How long the modem may take for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// `SIGTERM` makes it release its registration.
const TERMINATE: &str = "-TERM";

/// A modem that runs; it ends with its owner.
pub(crate) struct Modem {
    child: Child,
    terminal: File,
    /// What the modem wrote and nobody has waited for yet.
    unread: Arc<Mutex<Vec<u8>>>,
    folder: TempDir,
}

/// Why there is no modem here; `None` where there can be one.
pub(crate) fn obstacle() -> Option<&'static str> {
    let works = |command: &mut Command| {
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !Path::new("/etc/iaxmodem").is_dir() || !works(Command::new("which").arg("iaxmodem")) {
        return Some("iaxmodem is not installed");
    }
    let may_run = is_root() || works(Command::new("unshare").args(["-r", "true"]));
    (!may_run).then_some("iaxmodem wants to be root, and there is no user name space")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

impl Modem {
    /// Starts one that registers as `name`.
    pub(crate) fn start(server: SocketAddr, name: &str, secret: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("modem");
        let terminal = folder.path().join("terminal");
        let port = free_port();
        let text = format!(
            "device {}\nowner root:root\nmode 660\nport {port}\nrefresh 60\nserver {server}\npeername {name}\n\
             secret {secret}\ncidname Fax\ncidnumber 700\ncodec ulaw\n",
            terminal.display()
        );
        fs::write(&configuration, text).unwrap();
        let child = command(&configuration)
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let terminal =
            clock::poll(PATIENCE, || open(&terminal)).expect("the modem makes its terminal");
        let unread = Arc::new(Mutex::new(Vec::new()));
        let mut reader = terminal.try_clone().unwrap();
        let into = Arc::clone(&unread);
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                into.lock().unwrap().extend(&buffer[..len]);
            }
        });
        Modem {
            child,
            terminal,
            unread,
            folder,
        }
    }

    /// Gives a command and waits for the answer.
    pub(crate) fn command(&mut self, command: &str, answer: &str) {
        self.begin(command);
        self.wait_for(answer);
    }

    /// Gives a command.
    pub(crate) fn begin(&mut self, command: &str) {
        self.unread.lock().unwrap().clear();
        self.write(format!("{command}\r").as_bytes());
    }

    /// Gives it octets, of a command or to be sent.
    pub(crate) fn write(&mut self, octets: &[u8]) {
        self.terminal.write_all(octets).unwrap();
    }

    /// Waits until the modem says so.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_for_octets(text.as_bytes());
    }

    /// Waits until the modem gives these octets.
    pub(crate) fn wait_for_octets(&self, octets: &[u8]) {
        let seen = clock::poll(PATIENCE, || self.take(octets));
        let wanted = String::from_utf8_lossy(octets);
        let unread = self.unread.lock().unwrap();
        let unread = String::from_utf8_lossy(&unread);
        assert!(
            seen.is_some(),
            "no {wanted:?}, but {unread:?}; {}",
            self.log()
        );
    }

    fn take(&self, octets: &[u8]) -> Option<()> {
        let mut unread = self.unread.lock().unwrap();
        let mut windows = unread.windows(octets.len());
        let end = windows.position(|window| window == octets)? + octets.len();
        unread.drain(..end);
        Some(())
    }

    /// Asks it to end, as an init script does: it releases its registration. Waits until it has.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([TERMINATE, &pid]).status();
        assert!(status.unwrap().success());
        self.child.wait().unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(configuration: &Path) -> Command {
    let from_its_folder = PathBuf::from("../..").join(configuration.strip_prefix("/").unwrap());
    let mut command = match is_root() {
        true => Command::new("iaxmodem"),
        false => {
            let mut command = Command::new("unshare");
            command.args(["-r", "iaxmodem"]);
            command
        }
    };
    command.arg(from_its_folder);
    command
}

/// The terminal, once it is there, passing octets as they are.
fn open(path: &Path) -> Option<File> {
    let raw = Command::new("stty")
        .arg("-F")
        .arg(path)
        .args(["raw", "-echo"])
        .stderr(Stdio::null())
        .status();
    if !raw.unwrap().success() {
        return None;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(NO_CONTROLLING_TERMINAL)
        .open(path)
        .ok()
}

/// A port that nobody had a moment ago: the modem takes no other's word for one.
fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}
