//! The files of a configuration: those that it includes are looked for in the folder of the first, as Asterisk looks for all
//! of them in its own.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use iaxproof::config::{Include, Source};

use crate::error::Advised;

/// The largest file that is read, in octets.
const FILE_OCTETS_MAX: u64 = 64 << 20;

/// Reads one file. Its name is the path.
///
/// # Errors
///
/// Why not, in words that name the file.
pub(super) fn source(path: &Path) -> Result<Source, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
    let file = File::open(path).map_err(|error| cannot(&Advised(&error)))?;
    let mut octets = Vec::new();
    let mut limited = file.take(FILE_OCTETS_MAX + 1);
    limited
        .read_to_end(&mut octets)
        .map_err(|error| cannot(&error))?;
    if octets.len() as u64 > FILE_OCTETS_MAX {
        return Err(cannot(&format!("more than {FILE_OCTETS_MAX} octets")));
    }
    Ok(Source {
        name: path.display().to_string(),
        octets,
    })
}

/// The folder in which includes are looked for.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder of this file.
    pub(super) fn of(file: &Path) -> Self {
        Folder(file.parent().map(Path::to_owned).unwrap_or_default())
    }
}

impl Include for Folder {
    /// `*` and `?` stand in the last part of a path alone; what they match is read by name.
    fn sources(&self, wanted: &str) -> Result<Vec<Source>, String> {
        let path = self.0.join(wanted);
        let pattern = path.file_name().map(|name| name.to_string_lossy());
        let paths = match pattern {
            Some(pattern) if pattern.contains(['*', '?']) => matching(&path, &pattern)?,
            _ => vec![path.clone()],
        };
        let files = paths.iter().filter(|path| path.is_file());
        files.map(|path| source(path)).collect()
    }
}

/// The files beside `path` whose names match, by name. A folder that is not there holds none.
fn matching(path: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let cannot = |error| format!("cannot list {}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        let text = name.to_string_lossy();
        // As a shell has it: a star does not find hidden files.
        if !text.starts_with('.') && matches(pattern.as_bytes(), text.as_bytes()) {
            found.push(path.with_file_name(name));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a name is what a pattern says: `*` is anything, `?` one octet.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Where the last star stands, and how much of the name it has taken.
    let mut star = None;
    let (mut p, mut n) = (0, 0);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&octet) if octet == b'?' || octet == name[n] => {
                (p, n) = (p + 1, n + 1);
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|octet| *octet == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, is_match) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.old", false),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxc", false),
            ("?", "a", true),
            ("?", "ab", false),
            ("**", "", true),
            ("", "a", false),
        ] {
            let matched = matches(pattern.as_bytes(), name.as_bytes());
            assert_eq!(matched, is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn files_are_found_beside_the_one_that_includes_them_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", ".hidden.conf", "c.txt"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        std::fs::create_dir(folder.path().join("d.conf")).unwrap();
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
