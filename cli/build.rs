//! Gives the command hashes of the sources that it was built from, so that results of two builds are not taken for results of
//! one: of what decides about worlds, for the shards of a sweep; about servers, for recordings; of the library, the explorers, their dependencies
//! and each scenario, with the compiler, for certificates of proofs. Built again where one of them changes, and not at each commit.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// What decides what becomes of a world: files and folders, from the root of the workspace.
const WORLDS: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "src",
    "sim/Cargo.toml",
    "sim/src",
    "models/Cargo.toml",
    "models/src",
    "cli/src/sim",
];

/// What decides what a server makes of what it is given.
const SERVER: [&str; 4] = ["Cargo.lock", "Cargo.toml", "src", "cli/src"];

/// What is proved.
const LIBRARY: [&str; 1] = ["src"];

/// What explores it, and the scenarios.
const EXPLORERS: [&str; 4] = [
    "models/Cargo.toml",
    "models/src",
    "sim/Cargo.toml",
    "sim/src",
];

/// Where the scenarios stand, one `name: "..."` for each.
const SCENARIOS: &str = "models/src/scenarios";

/// What the cells of the matrix are made of.
const MATRIX: [&str; 1] = ["models/src/matrix"];

/// What both are built with.
const DEPENDENCIES: [&str; 2] = ["Cargo.toml", "Cargo.lock"];

fn main() -> Result<(), Box<dyn Error>> {
    for place in WORLDS {
        println!("cargo::rerun-if-changed={}", root(place).display());
    }
    println!("cargo::rerun-if-changed=src");
    say("SOURCES", &hash(&WORLDS)?);
    say("SERVER", &hash(&SERVER)?);
    say("LIBRARY", &hash(&LIBRARY)?);
    say("EXPLORERS", &hash(&EXPLORERS)?);
    say("MATRIX", &hash(&MATRIX)?);
    say("DEPENDENCIES", &hash(&DEPENDENCIES)?);
    say("TOOLCHAIN", &toolchain()?);
    let lock = fs::read_to_string(root("Cargo.lock"))?;
    say("LOOM", locked(&lock, "loom").ok_or("no loom is locked")?);
    say(
        "SHUTTLE",
        locked(&lock, "shuttle").ok_or("no shuttle is locked")?,
    );
    let table = Path::new(&std::env::var("OUT_DIR")?).join("scenario_sources.rs");
    fs::write(table, scenario_sources()?)?;
    Ok(())
}

fn root(place: impl AsRef<Path>) -> PathBuf {
    Path::new("..").join(place)
}

fn say(name: &str, value: &str) {
    println!("cargo::rustc-env=IAXPROOF_{name}={value}");
}

/// The compiler with its commit, and what it builds for.
fn toolchain() -> Result<String, Box<dyn Error>> {
    let compiler = std::env::var_os("RUSTC").ok_or("cargo names no compiler")?;
    let said = Command::new(compiler).arg("--version").output()?;
    let version = String::from_utf8(said.stdout)?;
    Ok(format!(
        "{} for {}",
        version.trim(),
        std::env::var("TARGET")?
    ))
}

/// The version of a package in `Cargo.lock`.
fn locked<'l>(lock: &'l str, package: &str) -> Option<&'l str> {
    let (_, behind) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    Some(behind.split_once('"')?.0)
}

/// A Rust expression: each scenario's name, its file, and the hash of that file.
fn scenario_sources() -> io::Result<String> {
    let mut files = Vec::new();
    collect(Path::new(SCENARIOS), &mut files)?;
    files.sort();
    let mut table = "&[\n".to_owned();
    for file in files {
        let (name_of_file, hash) = (name(&file), hash(&[&name(&file)])?);
        let text = fs::read_to_string(root(&file))?;
        for scenario in text.lines().filter_map(named) {
            writeln!(table, "({scenario:?}, {name_of_file:?}, {hash:?}),")
                .expect("a string takes all");
        }
    }
    table.push(']');
    Ok(table)
}

/// The name in a line `name: "...",`.
fn named(line: &str) -> Option<&str> {
    let name = line.trim().strip_prefix("name: \"")?;
    name.strip_suffix("\",")
}

/// One hash over all files in these places: eight octets as hexadecimal digits.
fn hash(places: &[&str]) -> io::Result<String> {
    let mut files = Vec::new();
    for place in places {
        collect(Path::new(place), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let octets = fs::read(root(&file))?;
        // The lengths keep two files apart.
        hash.update(format!("{} {}\n", name(&file), octets.len()));
        hash.update(octets);
    }
    let digest = hash.finalize();
    let octets = digest.iter().take(8);
    Ok(octets.map(|octet| format!("{octet:02x}")).collect())
}

fn name(file: &Path) -> String {
    file.to_string_lossy().replace('\\', "/")
}

fn collect(place: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let whole = root(place);
    if !whole.is_dir() {
        files.push(place.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(&whole)? {
        collect(&place.join(entry?.file_name()), files)?;
    }
    Ok(())
}
