//! The stress tests of the registry under AddressSanitizer and under valgrind: on the family of production, whose `unsafe` no explorer runs, for
//! explorers keep the memory of what is gone.
//!
//! Only where `SANITIZE=1`: it wants a nightly toolchain by the name `nightly`, and Debian's valgrind. Each tool is first shown a
//! program that uses memory after its end, and has to see that.
//!
//! ThreadSanitizer is no part of it. Rust's `std` comes built without it, so that it does not see how `std`'s mutex orders what two threads
//! do: it calls every lock of the registry a race. To build `std` anew takes its sources, and flags that are not stable.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "the test is asked for by the environment"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What both tools have to see.
const USE_AFTER_FREE: &str = "
fn main() {
    let owner = Box::new([7_u64; 8]);
    let gone = &raw const owner[3];
    drop(owner);
    let read = unsafe { gone.read_volatile() };
    std::process::exit(if read == 1 { 2 } else { 0 })
}
";

/// The stress tests, and what they share with the others.
const MODULES: [&str; 3] = ["bench", "storm", "threads"];

/// Their package, as `LIBRARY` stands for us.
const MANIFEST: &str = r#"
[package]
name = "stress"
version = "0.0.0"
edition = "2024"

[dependencies]
LIBRARY

[profile.dev]
opt-level = 1

[workspace]
"#;

/// How valgrind ends where it has seen something.
const VALGRIND_SAW: i32 = 9;

/// Whether the test was asked for; if not, that is said where nothing captures it.
fn is_asked_for(test: &str) -> bool {
    let asked = std::env::var_os("SANITIZE").is_some_and(|it| it == "1");
    if !asked {
        let _ = writeln!(std::io::stderr(), "skipped: {test}: it is for SANITIZE=1");
    }
    asked
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A package of the stress tests alone, beside what else is built: without what the other tests are built from, it is built in no time.
fn package(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(folder.join("tests")).unwrap();
    let library = format!("iaxproof = {{ path = {:?} }}", root());
    let manifest = MANIFEST.replace("LIBRARY", &library);
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    let modules = MODULES.map(|name| {
        let path = root().join(format!("tests/registry/{name}.rs"));
        format!("#[path = {path:?}]\nmod {name};\n")
    });
    std::fs::write(folder.join("tests/stress.rs"), modules.concat()).unwrap();
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

/// Where nothing is fetched: all is there that we were built from.
fn cargo_test(folder: &Path, toolchain: &str) -> Command {
    let mut command = of_toolchain(toolchain, "cargo");
    command.args(["test", "--offline", "--test", "stress"]);
    command.current_dir(folder);
    command
}

/// A program of a toolchain, without what cargo has told this one of its own.
fn of_toolchain(toolchain: &str, program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, program]);
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "CARGO_TARGET_DIR"] {
        command.env_remove(variable);
    }
    command
}

fn run(command: &mut Command) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

fn all_that_was_said(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    said.concat()
}

/// Runs it, which has to end well; what it said.
fn must(command: &mut Command) -> String {
    let output = run(command);
    let said = all_that_was_said(&output);
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// Builds the program that uses memory after its end.
fn canary(folder: &Path, toolchain: &str, flags: &[&str]) -> PathBuf {
    let (source, program) = (folder.join("canary.rs"), folder.join("canary"));
    std::fs::write(&source, USE_AFTER_FREE).unwrap();
    let mut rustc = of_toolchain(toolchain, "rustc");
    rustc.args(["--edition", "2024", "-g", "-o"]).arg(&program);
    must(rustc.arg(&source).args(flags));
    program
}

/// All tests of this name were run, and there are some.
fn assert_ran(said: &str, some: usize) {
    let ran = format!("test result: ok. {some} passed");
    assert!(said.contains(&ran), "{said}");
}

/// The toolchain's own name for this machine: sanitizers are not for build scripts, and cargo tells them apart where a target is named.
fn host() -> String {
    let said = must(of_toolchain("nightly", "rustc").arg("-vV"));
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

#[test]
fn address_sanitizer_sees_nothing_in_the_registry() {
    if !is_asked_for("address_sanitizer_sees_nothing_in_the_registry") {
        return;
    }
    let folder = package("address-sanitizer");
    let canary = canary(&folder, "nightly", &["-Zsanitizer=address"]);
    let said = all_that_was_said(&run(&mut Command::new(canary)));
    assert!(said.contains("heap-use-after-free"), "{said}");

    let mut cargo = cargo_test(&folder, "nightly");
    cargo.args(["--target", &host()]);
    let said = must(cargo.env("RUSTFLAGS", "-Zsanitizer=address"));
    assert_ran(&said, 6);
}

#[test]
fn valgrind_sees_nothing_in_the_registry() {
    if !is_asked_for("valgrind_sees_nothing_in_the_registry") {
        return;
    }
    let folder = package("valgrind");
    let canary = run(&mut valgrind(&canary(&folder, "stable", &[])));
    let said = all_that_was_said(&canary);
    assert_eq!(canary.status.code(), Some(VALGRIND_SAW), "{said}");
    assert!(said.contains("Invalid read"), "{said}");

    let mut cargo = cargo_test(&folder, "stable");
    let said = must(cargo.args(["--no-run", "--message-format=json"]));
    let mut valgrind = valgrind(&program(&said));
    let said = must(valgrind.args(["storm", "balances", "--test-threads=1"]));
    assert_ran(&said, 4);
    assert!(said.contains("definitely lost: 0 bytes"), "{said}");
}

fn valgrind(program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    // Threads take turns, so that four of them get on at the same pace.
    // The harness of tests leaves a word of its main thread for possibly lost.
    let options = [
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect",
        "--fair-sched=yes",
    ];
    command.arg(format!("--error-exitcode={VALGRIND_SAW}"));
    command.args(options).arg(program);
    command
}

/// The test program that cargo says it has built.
fn program(said: &str) -> PathBuf {
    let messages = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut built = messages
        .filter_map(|message: serde_json::Value| message["executable"].as_str().map(PathBuf::from));
    built.next().unwrap()
}
