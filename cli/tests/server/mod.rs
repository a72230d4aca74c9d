//! What the tests of the server share: `iaxproof serve` as a process on a port of its own, the client beside it, and ears.

#![allow(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::f64::consts::TAU;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The longest that anything here may take on a loaded machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// How often we look.
const LOOK: Duration = Duration::from_millis(10);
/// Samples in a second.
pub(crate) const RATE: u32 = 8_000;

/// The command under test.
pub(crate) fn iaxproof() -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_iaxproof")))
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .env_remove("IAXPROOF_SECRET")
        .env_remove("IAXPROOF_LOG");
    command
}

/// A running server. It is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens, as it says itself.
    pub(crate) address: String,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Server {
    /// `iaxproof serve` on a port that the system chooses.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_on("127.0.0.1:0", args)
    }

    pub(crate) fn start_on(bind: &str, args: &[&str]) -> Self {
        Self::start_with(bind, args, &[])
    }

    /// With more in its environment.
    pub(crate) fn start_with(bind: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_iaxproof"));
        Self::start_program(program, bind, args, environment)
    }

    /// The command as somebody else built it.
    pub(crate) fn start_program(
        program: &Path,
        bind: &str,
        args: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut child = command(program)
            .args(["serve", "--bind", bind])
            .args(args)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let address = listening(&mut child);
        Server {
            address: address
                .unwrap_or_else(|| panic!("{}", std::fs::read_to_string(&log).unwrap())),
            child,
            log,
            _folder: folder,
        }
    }

    /// All that it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log has `words`.
    pub(crate) fn wait_for(&self, words: &str) {
        for _ in 0..LIMIT.as_millis() / LOOK.as_millis() {
            if self.log().contains(words) {
                return;
            }
            pause(LOOK);
        }
        panic!("waited for {words:?} in\n{}", self.log());
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by the system's own command.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        end(&mut self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first address that a server says it listens on.
fn listening(child: &mut Child) -> Option<String> {
    let stdout = child.stdout.take().unwrap();
    let (sender, lines) = mpsc::channel();
    // The thread goes on reading, so that the server never waits for us.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let line = lines.recv_timeout(LIMIT).ok()?;
    line.strip_prefix("listening on ").map(str::to_owned)
}

/// Waits for a child's end, and kills one that does not end.
pub(crate) fn end(child: &mut Child) -> ExitStatus {
    let mut ended = None;
    wait_until("the end of a process", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    ended.unwrap()
}

/// Waits until it is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..LIMIT.as_millis() / LOOK.as_millis() {
        if is_so() {
            return;
        }
        pause(LOOK);
    }
    panic!("waited for {what}");
}

#[expect(clippy::disallowed_methods, reason = "other processes run meanwhile")]
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// What a client printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a client to its end.
pub(crate) fn client(args: &[&str], secret: Option<&str>) -> Ended {
    let mut command = iaxproof();
    if let Some(secret) = secret {
        command.env("IAXPROOF_SECRET", secret);
    }
    let output = command.args(args).output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A sine of so many seconds as a file.
pub(crate) fn write_tone(path: &Path, frequency: f64, seconds: f64) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..(seconds * f64::from(RATE)) as u32 {
        let wave = (TAU * frequency * f64::from(i) / f64::from(RATE)).sin();
        writer.write_sample((8_000.0 * wave) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// What was recorded.
pub(crate) fn samples(path: &Path) -> Vec<f64> {
    let mut reader = hound::WavReader::open(path).unwrap();
    assert_eq!(reader.spec().sample_rate, RATE);
    reader
        .samples::<i16>()
        .map(|it| f64::from(it.unwrap()))
        .collect()
}

/// Mean energy of a sample.
pub(crate) fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|it| it * it).sum::<f64>() / samples.len().max(1) as f64
}

/// The share of the energy that is at `frequency`, by Goertzel's recurrence: 1 for a pure sine.
pub(crate) fn share(samples: &[f64], frequency: f64) -> f64 {
    let step = 2.0 * (TAU * frequency / f64::from(RATE)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (sample + step * last - before, last);
    }
    let power = last * last + before * before - step * last * before;
    2.0 * power / (samples.len() as f64).powi(2) / energy(samples)
}
