//! `iaxproof zoo`: bends one place of the sources at a time, as a real defect did, and asks whether the checks see it.
//!
//! The sources are copied to one fixed folder with a target folder of its own; the unbent copy must pass first and last;
//! a defect is found where every command line of its file ends with exit code 42 on the property that it names. Anything
//! else is red: a text that no longer matches, a build error, a limit, another exit code.

mod defect;
mod finder;
#[cfg(test)]
mod history;
mod hunt;
mod line;
mod measure;
#[cfg(test)]
mod page;
mod scratch;
pub(crate) mod sources;

pub(crate) use self::defect::properties;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::Error;
use crate::report::{Report, Verdict};

use self::defect::Defect;
use self::hunt::Hunt;
use self::measure::MeasureArgs;
use self::scratch::Scratch;

/// Bend the sources by real defects, one at a time, and see each found.
#[derive(Debug, Args)]
pub(crate) struct ZooArgs {
    /// Defect files, or names of those in the sources' zoo/; all of these where none is named.
    files: Vec<PathBuf>,
    /// The sources of iaxproof; else the nearest folder upwards that holds them.
    #[arg(long, value_name = "DIR")]
    sources: Option<PathBuf>,
    /// Where the copy and its target folder stand; else a fixed place in the user's cache.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    #[command(flatten)]
    measure: MeasureArgs,
}

/// Runs the zoo.
///
/// # Errors
///
/// [`Error::Usage`] for sources or defect files that are not there or not well formed; [`Error::Io`] where the copy
/// cannot be made.
pub(crate) fn run(args: &ZooArgs, json: bool) -> Result<Verdict, Error> {
    let sources = sources::locate(args.sources.as_deref())?;
    let defects = load(&args.files, &sources)?;
    let place = match &args.scratch {
        Some(place) => place.clone(),
        None => scratch::usual_place(),
    };
    let scratch = Scratch::open(&place, &sources)?;
    let hunt = Hunt::new(scratch);
    if args.measure.measure {
        return measure::run(&args.measure, &hunt, &defects, json);
    }
    let report = Report::new(hunt.run(&defects)?);
    report.print(json);
    Ok(report.verdict)
}

fn load(files: &[PathBuf], sources: &Path) -> Result<Vec<Defect>, Error> {
    let files = match files {
        [] => all_files(&sources.join("zoo"))?,
        named => named.iter().map(|file| named_file(file, sources)).collect(),
    };
    files.iter().map(|file| Defect::read(file)).collect()
}

/// A file as it is named, or the defect of that name.
fn named_file(named: &Path, sources: &Path) -> PathBuf {
    let ours = sources.join("zoo").join(named).with_extension("toml");
    match named.exists() || !ours.exists() {
        true => named.to_owned(),
        false => ours,
    }
}

/// Every defect file of a folder, by name.
fn all_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let cannot_read = || Error::io("cannot read", folder);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot_read())? {
        let path = entry.map_err(cannot_read())?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Error::Usage(format!(
            "{}: no defect file (*.toml)",
            folder.display()
        ))),
        false => Ok(files),
    }
}
