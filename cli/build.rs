//! Gives the command a hash of the sources that decide what becomes of a world, so that results of two builds are not
//! taken for results of one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Files and folders, from the root of the workspace.
const DECIDING: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "src",
    "sim/Cargo.toml",
    "sim/src",
    "models/Cargo.toml",
    "models/src",
    "cli/src/sim",
];

fn main() -> io::Result<()> {
    let root = Path::new("..");
    let mut files = Vec::new();
    for place in DECIDING {
        println!("cargo::rerun-if-changed={}", root.join(place).display());
        collect(root, Path::new(place), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let octets = fs::read(root.join(&file))?;
        let name = file.to_string_lossy().replace('\\', "/");
        // The lengths keep two files apart.
        hash.update(format!("{name} {}\n", octets.len()));
        hash.update(octets);
    }
    let digest = hash.finalize();
    let hex: String = digest
        .iter()
        .take(8)
        .map(|octet| format!("{octet:02x}"))
        .collect();
    println!("cargo::rustc-env=IAXPROOF_SOURCES={hex}");
    Ok(())
}

fn collect(root: &Path, place: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let whole = root.join(place);
    if !whole.is_dir() {
        files.push(place.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(&whole)? {
        collect(root, &place.join(entry?.file_name()), files)?;
    }
    Ok(())
}
