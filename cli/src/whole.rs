//! Files of results, whole or not there: a text is written beside its place and renamed.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Writes a file, all or nothing.
///
/// # Errors
///
/// [`Error::Io`].
pub(crate) fn write(file: &Path, text: &str) -> Result<(), Error> {
    let mut beside = part(folder_of(file))?;
    beside
        .write_all(text.as_bytes())
        .and_then(|()| beside.as_file().sync_all())
        .map_err(Error::io("cannot write", file))?;
    let renamed = beside.persist(file);
    renamed.map_err(|error| Error::io("cannot write", file)(error.error))?;
    Ok(())
}

/// Makes the folder where it is missing, and a file in it that does not stay: who is going to work for long before he writes
/// asks first.
///
/// # Errors
///
/// [`Error::Io`] where nothing can be written there.
pub(crate) fn can_write_in(folder: &Path) -> Result<(), Error> {
    part(folder).map(drop)
}

/// The folder that a file is in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    let parent = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// `target/NAME` where there is a target folder, else in the folder for temporary files.
pub(crate) fn usual_folder(name: &str) -> PathBuf {
    let target = Path::new("target");
    let parent = match target.is_dir() {
        true => target.to_owned(),
        false => std::env::temp_dir(),
    };
    parent.join(name)
}

/// A file with a name of its own, which nobody takes for a result.
fn part(folder: &Path) -> Result<tempfile::NamedTempFile, Error> {
    std::fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".iaxproof-").suffix(".part");
    #[cfg(unix)]
    {
        // As any other file: whoever reads it may be somebody else.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let made = builder.tempfile_in(folder);
    made.map_err(Error::io("cannot make a file in", folder))
}
