//! What lies in files of the sources: captures of real calls, and the seeds and regressions of the fuzzers.

use std::path::{Path, PathBuf};

use crate::clock::Stopwatch;
use crate::decode::survey;
use crate::error::Error;
use crate::report::{Row, Verdict};
use crate::zoo::sources;

/// A fuzz target: its name and its body.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every fuzz target.
pub(crate) const TARGETS: [Target; 5] = [
    ("frame", iaxproof_sim::fuzz::frame),
    ("endpoint", iaxproof_sim::fuzz::endpoint),
    ("config", iaxproof_sim::fuzz::config),
    ("stranger", iaxproof_sim::fuzz::stranger),
    ("world", iaxproof_models::fuzz::run_world),
];

/// A row for the captures, and one for each fuzz target. Without the sources, all are INCOMPLETE.
///
/// # Errors
///
/// Where a file of the sources cannot be read.
pub(crate) fn rows() -> Result<Vec<Row>, Error> {
    let Some(sources) = sources::likely() else {
        return Ok(vec![no_sources()]);
    };
    let mut rows = vec![captures(&sources.join("tests/captures"))?];
    for target in TARGETS {
        rows.push(seeds(&sources.join("fuzz"), target)?);
    }
    Ok(rows)
}

/// Every datagram of every capture is a frame; in captures of errors, some are refused.
fn captures(folder: &Path) -> Result<Row, Error> {
    let watch = Stopwatch::start();
    let mut wrong = Vec::new();
    let mut frames = 0;
    for file in files(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        match survey(&read(&file)?) {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(seen) if (seen.refused > 0) != name.starts_with("errors") => {
                wrong.push(format!("{name}: {} datagrams refused", seen.refused));
            }
            Ok(seen) => frames += seen.frames,
        }
    }
    Ok(row(
        "captures", "decoder", "decoded", frames, "frames", &wrong, watch,
    ))
}

/// Every seed and every regression of a fuzz target goes through its body without a panic.
fn seeds(fuzz: &Path, (name, body): Target) -> Result<Row, Error> {
    let watch = Stopwatch::start();
    let mut wrong = Vec::new();
    let mut inputs = 0;
    for folder in ["corpus", "regressions"] {
        for file in files(&fuzz.join(folder).join(name))? {
            let octets = read(&file)?;
            inputs += 1;
            if std::panic::catch_unwind(|| body(&octets)).is_err() {
                wrong.push(format!("{} panics", file.display()));
            }
        }
    }
    let what = format!("seeds of fuzz target {name}");
    Ok(row(
        &what,
        "fuzz body",
        "held",
        inputs,
        "inputs",
        &wrong,
        watch,
    ))
}

fn row(
    what: &str,
    by: &str,
    good: &str,
    count: u64,
    unit: &str,
    wrong: &[String],
    watch: Stopwatch,
) -> Row {
    let (word, verdict) = match wrong.first() {
        Some(first) => (format!("BROKE: {first}"), Verdict::Broke),
        None if count == 0 => (format!("INCOMPLETE: no {unit}"), Verdict::Incomplete),
        None => (good.to_owned(), Verdict::Held),
    };
    Row {
        what: what.to_owned(),
        by: by.to_owned(),
        word,
        verdict,
        property: None,
        count,
        unit: unit.to_owned(),
        seconds: watch.elapsed().as_secs_f64(),
        replay: None,
    }
}

fn no_sources() -> Row {
    let word = "INCOMPLETE: no sources of iaxproof here".to_owned();
    Row {
        word,
        verdict: Verdict::Incomplete,
        ..row(
            "captures and seeds",
            "",
            "",
            0,
            "files",
            &[],
            Stopwatch::start(),
        )
    }
}

/// The files of a folder that are no notes of ours, by name.
///
/// # Errors
///
/// Where the folder cannot be read.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let cannot_read = || Error::io("cannot read", folder);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot_read())? {
        let path = entry.map_err(cannot_read())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() && !name.starts_with('.') && !name.ends_with(".md") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What a file holds.
///
/// # Errors
///
/// Where it cannot be read.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(file).map_err(Error::io("cannot read", file))
}
