//! Where a certificate goes. Nothing says *proved* without one, so whoever is going to prove asks for the place first.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::prove::Proof;
use crate::whole;

use super::{Certificate, Name};

/// Where one can be written.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    /// Else it is named by its hash.
    file: Option<PathBuf>,
}

/// A certificate that was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Written {
    hash: Name,
    file: PathBuf,
    /// For people.
    summary: String,
}

impl Place {
    /// The file named, or `target/iaxproof-certificates`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where nothing can be written there.
    pub(crate) fn prepare(named: Option<&Path>) -> Result<Self, Error> {
        let folder = match named {
            Some(file) => whole::folder_of(file).to_owned(),
            None => whole::usual_folder("iaxproof-certificates"),
        };
        whole::can_write_in(&folder)?;
        Ok(Place {
            folder,
            file: named.map(Path::to_owned),
        })
    }

    /// Writes the certificate of those proofs that held; none where none did.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub(crate) fn certify(self, proofs: &[Proof]) -> Result<Option<Written>, Error> {
        let Some(certificate) = Certificate::of(proofs) else {
            return Ok(None);
        };
        let text = certificate.text();
        let hash = Name::of(&text);
        let by_hash = || self.folder.join(format!("{hash}.toml"));
        let file = self.file.clone().unwrap_or_else(by_hash);
        whole::write(&file, &text)?;
        Ok(Some(Written {
            hash,
            file,
            summary: certificate.summary(),
        }))
    }
}

impl Written {
    /// For people: its hash, what is in it, and the command that explores it again.
    pub(crate) fn print(&self) {
        println!(
            "\ncertificate {}\n{}\n  again: iaxproof verify {}",
            self.hash,
            self.summary,
            self.file.display()
        );
    }
}
