//! Where the sources of iaxproof are.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// The folder named, or the nearest one upwards from the working directory that holds our `Cargo.toml`.
///
/// # Errors
///
/// [`Error::Usage`] where there is none.
pub(crate) fn locate(named: Option<&Path>) -> Result<PathBuf, Error> {
    match named {
        Some(folder) if is_ours(folder) => absolute(folder),
        Some(folder) => Err(Error::Usage(format!(
            "{}: expected the sources of iaxproof, a folder whose Cargo.toml has the package `iaxproof`",
            folder.display()
        ))),
        None => nearest(&absolute(Path::new("."))?),
    }
}

/// The nearest sources upwards, or else those that this command was built from; `None` where neither is there.
pub(crate) fn likely() -> Option<PathBuf> {
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    locate(None).or_else(|_| locate(Some(built_from))).ok()
}

fn absolute(folder: &Path) -> Result<PathBuf, Error> {
    folder
        .canonicalize()
        .map_err(Error::io("cannot resolve", folder))
}

fn nearest(from: &Path) -> Result<PathBuf, Error> {
    let found = from.ancestors().find(|folder| is_ours(folder));
    found.map(Path::to_owned).ok_or_else(|| {
        Error::Usage(format!(
            "no sources of iaxproof in {} or above: go there, or name them with --sources",
            from.display()
        ))
    })
}

/// Whether the folder's `Cargo.toml` has the package `iaxproof`.
fn is_ours(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml"));
    let manifest = manifest
        .ok()
        .and_then(|text| text.parse::<toml::Table>().ok());
    let name = manifest
        .as_ref()
        .and_then(|manifest| manifest.get("package")?.get("name")?.as_str());
    name == Some("iaxproof")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_are_found_upwards_and_by_name() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.parent().unwrap().canonicalize().unwrap();
        assert_eq!(nearest(&here.join("src/zoo")).unwrap(), root);
        assert_eq!(locate(Some(&root)).unwrap(), root);
    }

    #[test]
    fn another_package_is_refused() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(matches!(locate(Some(here)), Err(Error::Usage(_))));
        assert!(matches!(nearest(Path::new("/")), Err(Error::Usage(_))));
    }
}
