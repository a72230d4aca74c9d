//! The scratch copy of the sources: `<place>/sources`, built into `<place>/target`.
//!
//! The place is fixed, so the second run finds its dependencies built, and it is never the user's target folder: a bent
//! copy has the same unit hashes as the sources and would poison his build. The sources are read once, when the copy is
//! opened; a file is written only where its bytes differ, and gets the time of the writing, so cargo sees each bend and
//! each restoration and nothing else.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::Error;

use super::defect::Edit;

/// Folders that are no part of the sources, wherever they stand.
const NOT_SOURCES: [&str; 2] = [".git", "target"];

/// The copy, locked against a second zoo for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// Where the copy is.
    pub(crate) sources: PathBuf,
    /// Where it is built.
    pub(crate) target: PathBuf,
    original: BTreeMap<PathBuf, Vec<u8>>,
    _lock: File,
}

/// `iaxproof/zoo` in the user's cache folder, or `iaxproof-zoo` in the folder for temporary files.
pub(crate) fn usual_place() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let absolute = [cache, home]
        .into_iter()
        .flatten()
        .find(|p| p.is_absolute());
    match absolute {
        Some(cache) => cache.join("iaxproof").join("zoo"),
        None => std::env::temp_dir().join("iaxproof-zoo"),
    }
}

impl Scratch {
    /// Makes the copy at `place` equal to `sources`.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where another zoo runs there, or the place lies inside the sources; [`Error::Io`].
    pub(crate) fn open(place: &Path, sources: &Path) -> Result<Scratch, Error> {
        std::fs::create_dir_all(place).map_err(Error::io("cannot make", place))?;
        let place = &place
            .canonicalize()
            .map_err(Error::io("cannot resolve", place))?;
        if place.starts_with(sources) || sources.starts_with(place) {
            return Err(Error::Usage(format!(
                "{}: the scratch copy cannot stand inside the sources, nor they inside it",
                place.display()
            )));
        }
        let lock = lock(place)?;
        let mut original = BTreeMap::new();
        read_folder(sources, Path::new(""), &mut original)?;
        let scratch = Scratch {
            sources: place.join("sources"),
            target: place.join("target"),
            original,
            _lock: lock,
        };
        scratch.restore()?;
        Ok(scratch)
    }

    /// Makes the copy equal to the sources again.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub(crate) fn restore(&self) -> Result<(), Error> {
        std::fs::create_dir_all(&self.sources).map_err(Error::io("cannot make", &self.sources))?;
        let mut found = BTreeMap::new();
        read_folder(&self.sources, Path::new(""), &mut found)?;
        for file in found
            .keys()
            .filter(|file| !self.original.contains_key(*file))
        {
            let path = self.sources.join(file);
            std::fs::remove_file(&path).map_err(Error::io("cannot remove", &path))?;
        }
        for (file, bytes) in &self.original {
            if found.get(file) != Some(bytes) {
                self.write(file, bytes)?;
            }
        }
        Ok(())
    }

    /// Makes these edits, each in the text that the ones before it left; none where one of them does not match.
    ///
    /// # Errors
    ///
    /// [`Unbent::NoMatch`] with a sentence for the table; [`Unbent::Error`].
    pub(crate) fn bend(&self, edits: &[Edit]) -> Result<(), Unbent> {
        let mut bent: BTreeMap<&Path, String> = BTreeMap::new();
        for edit in edits {
            let text = match bent.get(edit.file.as_path()) {
                Some(text) => text.clone(),
                None => self.original_text(&edit.file)?,
            };
            let text = edit.apply(&text).map_err(Unbent::NoMatch)?;
            bent.insert(&edit.file, text);
        }
        for (file, text) in bent {
            self.write(file, text.as_bytes()).map_err(Unbent::Error)?;
        }
        Ok(())
    }

    fn original_text(&self, file: &Path) -> Result<String, Unbent> {
        let bytes = self.original.get(file).cloned();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| {
            Unbent::NoMatch(format!("{}: no such text in the sources", file.display()))
        })
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), Error> {
        let path = self.sources.join(file);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))?;
        }
        std::fs::write(&path, bytes).map_err(Error::io("cannot write", &path))
    }
}

/// Why the copy could not be bent.
#[derive(Debug)]
pub(crate) enum Unbent {
    /// A text does not stand exactly once where the defect file says.
    NoMatch(String),
    /// The copy cannot be written.
    Error(Error),
}

fn lock(place: &Path) -> Result<File, Error> {
    let path = place.join("lock");
    let file = File::create(&path).map_err(Error::io("cannot make", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Usage(format!(
            "{}: another zoo is running there",
            place.display()
        ))),
        Err(TryLockError::Error(error)) => Err(Error::io("cannot lock", &path)(error)),
    }
}

/// Reads every file below `root/folder` by its path from `root`. Links are read through where they lead to files.
fn read_folder(
    root: &Path,
    folder: &Path,
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
) -> Result<(), Error> {
    let path = root.join(folder);
    let cannot_read = || Error::io("cannot read", &path);
    for entry in std::fs::read_dir(&path).map_err(cannot_read())? {
        let entry = entry.map_err(cannot_read())?;
        let name = folder.join(entry.file_name());
        let kind = entry.file_type().map_err(cannot_read())?;
        let skipped = NOT_SOURCES
            .iter()
            .any(|skipped| entry.file_name() == *skipped);
        match () {
            () if skipped => {}
            () if kind.is_dir() => read_folder(root, &name, files)?,
            () if entry.path().is_file() => {
                let bytes = std::fs::read(entry.path());
                let bytes = bytes.map_err(Error::io("cannot read", &entry.path()))?;
                files.insert(name, bytes);
            }
            () => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> tempfile::TempDir {
        let sources = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(sources.path().join("src")).unwrap();
        std::fs::create_dir_all(sources.path().join("target")).unwrap();
        std::fs::write(sources.path().join("src/a.rs"), "one two").unwrap();
        std::fs::write(sources.path().join("target/big"), "x").unwrap();
        sources
    }

    fn edit(find: &str, replace: &str) -> Edit {
        Edit {
            file: PathBuf::from("src/a.rs"),
            find: find.to_owned(),
            replace: replace.to_owned(),
        }
    }

    fn text(scratch: &Scratch) -> String {
        std::fs::read_to_string(scratch.sources.join("src/a.rs")).unwrap()
    }

    #[test]
    fn the_copy_is_bent_and_restored_with_new_times() {
        let (sources, place) = (sources(), tempfile::tempdir().unwrap());
        let scratch = Scratch::open(place.path(), sources.path()).unwrap();
        assert_eq!(text(&scratch), "one two");
        assert!(!scratch.sources.join("target").exists());
        let file = scratch.sources.join("src/a.rs");
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        let age = || {
            let file = File::options().append(true).open(&file).unwrap();
            file.set_modified(old).unwrap();
        };
        let modified = || file.metadata().unwrap().modified().unwrap();

        age();
        scratch
            .bend(&[edit("one", "1"), edit("1 two", "3")])
            .unwrap();
        assert_eq!(text(&scratch), "3");
        assert!(modified() > old);
        age();
        scratch.restore().unwrap();
        assert_eq!(text(&scratch), "one two");
        assert!(modified() > old);
        age();
        scratch.restore().unwrap();
        assert_eq!(
            modified(),
            old,
            "a file that is as it should be is left alone"
        );
    }

    #[test]
    fn an_edit_that_does_not_match_bends_nothing() {
        let (sources, place) = (sources(), tempfile::tempdir().unwrap());
        let scratch = Scratch::open(place.path(), sources.path()).unwrap();
        let result = scratch.bend(&[edit("one", "1"), edit("three", "3")]);
        assert!(matches!(result, Err(Unbent::NoMatch(_))));
        assert_eq!(text(&scratch), "one two");
    }

    #[test]
    fn what_left_the_sources_leaves_the_copy() {
        let (sources, place) = (sources(), tempfile::tempdir().unwrap());
        drop(Scratch::open(place.path(), sources.path()).unwrap());
        let (old, new) = ("src/a.rs", "src/b.rs");
        std::fs::rename(sources.path().join(old), sources.path().join(new)).unwrap();
        let scratch = Scratch::open(place.path(), sources.path()).unwrap();
        assert!(!scratch.sources.join(old).exists());
        assert!(scratch.sources.join(new).exists());
    }

    #[test]
    fn two_zoos_do_not_share_a_place() {
        let (sources, place) = (sources(), tempfile::tempdir().unwrap());
        let first = Scratch::open(place.path(), sources.path()).unwrap();
        let second = Scratch::open(place.path(), sources.path());
        assert!(matches!(second, Err(Error::Usage(_))), "{second:?}");
        drop(first);
        Scratch::open(place.path(), sources.path()).unwrap();
    }

    #[test]
    fn a_place_inside_the_sources_is_refused() {
        let sources = sources();
        let sources = sources.path().canonicalize().unwrap();
        let inside = Scratch::open(&sources.join("zoo"), &sources);
        assert!(matches!(inside, Err(Error::Usage(_))), "{inside:?}");
    }
}
