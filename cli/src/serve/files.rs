//! The files that a configuration includes: beside the file that is read, with `*` in the last part of a name for any
//! number of letters.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use iaxproof::config::{Include, Source};

/// The folder that relative names begin at; without one nothing can be included.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder(Option<PathBuf>);

impl Folder {
    /// The folder of this file.
    pub(super) fn of(file: &Path) -> Self {
        Folder(Some(file.parent().unwrap_or(Path::new("")).to_owned()))
    }
}

impl Include for Folder {
    fn sources(&self, wanted: &str) -> Result<Vec<Source>, String> {
        let Some(folder) = &self.0 else {
            return Ok(Vec::new());
        };
        let path = folder.join(wanted);
        let paths = match path.file_name().and_then(|name| name.to_str()) {
            Some(pattern) if pattern.contains('*') => matching(&path, pattern)?,
            _ => vec![path],
        };
        let sources = paths.iter().filter_map(|path| read(path).transpose());
        sources.collect()
    }
}

/// The files of a folder whose name fits, by name.
fn matching(path: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let mut paths = Vec::new();
    for entry in listing {
        let entry = entry.map_err(|error| error.to_string())?;
        let name = entry.file_name();
        // As in a shell, a name that begins with a dot is not meant.
        let is_meant = |name: &str| !name.starts_with('.') && fits(name, pattern);
        if name.to_str().is_some_and(is_meant) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a name is the pattern with letters for each `*`.
fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| fits(&rest[at..], tail))
        }),
    }
}

/// A file, or none where there is none.
fn read(path: &Path) -> Result<Option<Source>, String> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(octets) => Ok(Some(Source { name, octets })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_letters() {
        let fitting = [
            ("iax_a.conf", "iax_*.conf"),
            ("abc", "*"),
            ("aXbXc", "a*b*c"),
            ("", "*"),
        ];
        assert!(fitting.iter().all(|(name, pattern)| fits(name, pattern)));
        let others = [("iax.conf", "iax_*.conf"), ("abcd", "a*c"), ("a", "ab*")];
        assert!(!others.iter().any(|(name, pattern)| fits(name, pattern)));
    }

    #[test]
    fn files_are_found_beside_the_one_that_includes_them_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", ".hidden.conf", "c.txt"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let files = Folder::of(&folder.path().join("iax.conf"));
        let octets = |wanted| -> Vec<Vec<u8>> {
            let sources = files.sources(wanted).unwrap().into_iter();
            sources.map(|source| source.octets).collect()
        };
        assert_eq!(octets("*.conf"), [b"a.conf", b"b.conf"]);
        assert_eq!(octets("c.txt"), [b"c.txt"]);
        assert_eq!(octets("missing.conf"), Vec::<Vec<u8>>::new());
        assert_eq!(octets("missing/*"), Vec::<Vec<u8>>::new());
    }
}
