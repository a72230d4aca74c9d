//! A sweep in shards by engines that exist: GNU parallel, by the very line of cli/scale-out/README.md, and Slurm, by its
//! array script on a Slurm of this machine alone. In both a shard is killed (SIGKILL) and queued again, and what is merged is what
//! one sweep finds.
//!
//! Only where `SCALE_OUT=1`: it wants root, and the Debian packages parallel, slurm-wlm and munge.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Enough for a shard to be killed in the middle.
const SEEDS: &str = "0..4000";
const SHARDS: usize = 4;
/// The one that is killed.
const KILLED: &str = "2/4";
/// How often something is looked for, a tenth of a second apart.
const LOOKS_MAX: u32 = 3_000;

/// Whether the test was asked for; if not, that is said where nothing captures it.
fn is_asked_for(test: &str) -> bool {
    let asked = std::env::var_os("SCALE_OUT").is_some_and(|it| it == "1");
    if !asked {
        let _ = writeln!(std::io::stderr(), "skipped: {test}: it is for SCALE_OUT=1");
    }
    asked
}

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_iaxproof"))
}

fn scale_out() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scale-out")
}

/// What `iaxproof --json` says, and its exit code.
fn iaxproof(folder: &Path, line: &str) -> (Value, i32) {
    let mut command = Command::new("sh");
    let line = format!("exec {} --json {line}", binary().display());
    let output = command
        .args(["-c", &line])
        .current_dir(folder)
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last();
    let last = last.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (serde_json::from_str(last).unwrap(), code)
}

/// Waits for something.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of processes waits for them"
)]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS_MAX {
        if let Some(seen) = look() {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}: not seen");
}

/// The process of ours that runs this shard for the results in `folder`.
fn process_of(shard: &str, folder: &Path) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut processes = processes.filter(|process| {
        let place = process.path();
        let is =
            |link: &str, to: &Path| std::fs::read_link(place.join(link)).is_ok_and(|it| it == to);
        let words = std::fs::read(place.join("cmdline")).unwrap_or_default();
        let mut words = words.split(|octet| *octet == 0);
        is("exe", binary()) && is("cwd", folder) && words.any(|word| word == shard.as_bytes())
    });
    processes.next()?.file_name().to_str()?.parse().ok()
}

/// Kills that shard in the middle of its work.
fn kill(shard: &str, folder: &Path) {
    let process = wait_for("a shard at work", || process_of(shard, folder));
    let index = shard.split('/').next().unwrap();
    let result = folder.join(format!("shards/{index}.json"));
    assert!(!result.exists(), "it was too fast to be killed");
    let killed = Command::new("kill")
        .args(["-9", &process.to_string()])
        .status();
    assert!(killed.unwrap().success());
}

/// A temporary folder by the name that processes see it by.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    std::fs::create_dir(place.join("shards")).unwrap();
    (folder, place)
}

/// What was merged is what one sweep finds.
fn assert_merged(folder: &Path, design: &str, code: i32) {
    let results = std::fs::read_dir(folder.join("shards")).unwrap();
    let names = results
        .flatten()
        .map(|it| it.file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.ends_with(".json")).count(), SHARDS);
    let (merged, ended) = iaxproof(folder, "merge shards/*.json --out plans");
    assert_eq!(ended, code, "{merged}");
    let line = format!("sim --seeds {SEEDS} --design {design} --out plans");
    let (whole, ended) = iaxproof(folder, &line);
    assert_eq!(ended, code, "{whole}");
    for what in [
        "digest",
        "worlds",
        "run_again",
        "run_elsewhere",
        "events",
        "goals_missed",
        "last_new_goal",
        "points_reached",
        "last_new_point",
    ] {
        assert_eq!(merged["sweep"][what], whole["sweep"][what], "{what}");
    }
}

/// The line for one machine as the README has it, for our seeds and shards.
fn parallel_line() -> String {
    let readme = std::fs::read_to_string(scale_out().join("README.md")).unwrap();
    let line = readme
        .lines()
        .find(|line| line.contains("parallel --retries 3 'iaxproof"));
    let line = line
        .unwrap()
        .replace("/64", "/4")
        .replace("seq 64", "seq 4");
    assert!(line.contains("0..1000000"), "{line}");
    line.replace("0..1000000", SEEDS)
}

/// Begins a line of the shell with our command in its path.
fn shell(line: &str, folder: &Path) -> std::process::Child {
    let path = std::env::var("PATH").unwrap();
    let ours = binary().parent().unwrap().display();
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .current_dir(folder)
        .env("PATH", format!("{ours}:{path}"))
        .stdin(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn parallel_runs_a_killed_shard_again_and_merge_finds_what_one_sweep_finds() {
    if !is_asked_for("parallel_runs_a_killed_shard_again_and_merge_finds_what_one_sweep_finds") {
        return;
    }
    let (_keep, folder) = folder();
    let mut parallel = shell(&parallel_line(), &folder);
    kill(KILLED, &folder);
    assert!(parallel.wait().unwrap().success());
    assert_merged(&folder, "shipped", 0);
}

#[test]
fn parallel_takes_what_a_shard_found_for_done() {
    if !is_asked_for("parallel_takes_what_a_shard_found_for_done") {
        return;
    }
    let (_keep, folder) = folder();
    let line = parallel_line().replace("--jobs 1", "--jobs 1 --design 2007");
    let line = line.replace("parallel", "parallel --joblog log");
    assert!(shell(&line, &folder).wait().unwrap().success());
    assert_merged(&folder, "2007", 42);
}

/// A Slurm of this machine alone, for as long as this lives.
struct Slurm {
    place: PathBuf,
}

impl Slurm {
    fn start(place: PathBuf) -> Slurm {
        let slurm = Slurm { place };
        assert!(slurm.here("start").success(), "Slurm does not come up");
        slurm
    }

    fn here(&self, command: &str) -> std::process::ExitStatus {
        let log = std::fs::File::create(self.place.with_extension(command)).unwrap();
        let script = scale_out().join("slurm-here.sh");
        let mut script = Command::new(script);
        script.arg(command).arg(&self.place);
        script.stdin(Stdio::null()).stdout(log).status().unwrap()
    }

    /// What one of Slurm's commands prints.
    fn say(&self, program: &str, words: &[&str]) -> String {
        let mut command = Command::new(program);
        command
            .args(words)
            .env("SLURM_CONF", self.place.join("slurm.conf"));
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.here("stop");
    }
}

#[test]
fn slurm_queues_a_killed_shard_again_and_merge_finds_what_one_sweep_finds() {
    if !is_asked_for("slurm_queues_a_killed_shard_again_and_merge_finds_what_one_sweep_finds") {
        return;
    }
    let (_keep, folder) = folder();
    let slurm = Slurm::start(folder.join("slurm"));
    let script = scale_out().join("sweep.sbatch");
    let (script, chdir) = (
        script.to_str().unwrap(),
        format!("--chdir={}", folder.display()),
    );
    let export = format!("--export=ALL,SEEDS={SEEDS},IAXPROOF={}", binary().display());
    let words = ["--parsable", "--array=1-4", &chdir, &export, script];
    let job = slurm.say("sbatch", &words);
    assert!(job.parse::<u64>().is_ok(), "sbatch says {job:?}");
    kill(KILLED, &folder);
    let killed = format!("{job}_2");
    let shown = || slurm.say("scontrol", &["show", "job", &killed]);
    wait_for("the shard in the queue again", || {
        let shown = shown();
        (shown.contains("Restarts=1") && shown.contains("Reason=BeginTime")).then_some(())
    });
    // Slurm would let it wait for two minutes.
    slurm.say(
        "scontrol",
        &["update", &format!("JobId={killed}"), "StartTime=now"],
    );
    wait_for("the end of all shards", || {
        slurm
            .say("squeue", &["--noheader", "--jobs", &job])
            .is_empty()
            .then_some(())
    });
    let shown = shown();
    assert!(shown.contains("Restarts=1"), "{shown}");
    assert!(shown.contains("JobState=COMPLETED"), "{shown}");
    assert_merged(&folder, "shipped", 0);
}
