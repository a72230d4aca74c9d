//! Where the text of included files comes from. This crate opens no file: whoever reads a configuration brings the files.

use std::collections::BTreeMap;

/// One file: its name, for errors and against cycles, and its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name; two names are two files.
    pub name: String,
    /// What is in it.
    pub octets: Vec<u8>,
}

/// Gives the files of an `#include`.
pub trait Include {
    /// The files that `wanted` stands for, in the order in which they are to be read. Asterisk expands `*` and its like, by
    /// name, and looks for relative names in its folder of configurations, whichever file includes them.
    ///
    /// None at all is an error of `#include` and passed over by `#tryinclude`.
    ///
    /// # Errors
    ///
    /// Why a file that is there cannot be read, in words; `#tryinclude` too ends with it.
    fn sources(&self, wanted: &str) -> Result<Vec<Source>, String>;
}

/// No file can be included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoFiles;

impl Include for NoFiles {
    fn sources(&self, _wanted: &str) -> Result<Vec<Source>, String> {
        Ok(Vec::new())
    }
}

/// Files in memory, by name.
impl Include for BTreeMap<String, Vec<u8>> {
    fn sources(&self, wanted: &str) -> Result<Vec<Source>, String> {
        let found = self.get_key_value(wanted);
        Ok(found
            .map(|(name, octets)| Source {
                name: name.clone(),
                octets: octets.clone(),
            })
            .into_iter()
            .collect())
    }
}
