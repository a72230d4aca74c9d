//! A configuration as sections of settings: comments, includes, templates and inheritance are resolved, and nothing is known
//! yet of what a setting means.

use core::fmt;
use std::rc::Rc;

use super::error::{Place, Refusal};
use super::include::{Include, Source};
use super::reader::Reader;

/// The sections of a configuration and of all files that it includes, in the order of their headers.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub(super) files: Vec<String>,
    pub(super) sections: Vec<Section>,
}

impl Document {
    /// Reads a file and all that it includes.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with every error of syntax, up to [`ERRORS_MAX`](super::ERRORS_MAX).
    pub fn read(source: Source, files: &dyn Include) -> Result<Document, Refusal> {
        Reader::new(files).read(source)
    }

    /// The sections, templates too.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The names of the files, in the order in which they were opened; a file that is included twice stands here twice.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The line that a setting stands in: that of the last word about it.
    pub fn place_of(&self, setting: &Setting) -> Place {
        self.place(setting.at)
    }

    /// A place in words.
    pub(super) fn place(&self, at: At) -> Place {
        Place {
            file: self.files[at.file as usize].clone(),
            line: at.line,
        }
    }
}

/// `[name]` and its settings, the inherited ones first.
#[derive(Clone, Debug)]
pub struct Section {
    pub(super) name: String,
    pub(super) is_template: bool,
    pub(super) at: At,
    pub(super) settings: Vec<Setting>,
}

impl Section {
    /// The name, as it is written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is there to be inherited from, and for nothing else.
    pub fn is_template(&self) -> bool {
        self.is_template
    }

    /// The settings in order; a key may stand several times.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }
}

/// `key = value`. What is inherited shares its text.
#[derive(Clone)]
pub struct Setting {
    pub(super) key: Rc<str>,
    pub(super) value: Rc<str>,
    /// The line that had the last word.
    pub(super) at: At,
    /// The lines before it, where `+=` lengthened the value.
    pub(super) earlier: Vec<At>,
}

impl Setting {
    /// The key, as it is written.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value. It may be a secret.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Without the value, which may be a secret.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = ..", self.key)
    }
}

/// A line of one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) file: u32,
    pub(super) line: u32,
}
