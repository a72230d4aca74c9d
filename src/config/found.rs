//! What became of each option that was found: so that nobody believes that a line works because it was accepted.

use core::fmt;

use super::error::Place;

/// What became of an option.
///
/// Where a line serves several entries, or both halves of a `friend`, the last of these that holds for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It stands in a template that nothing inherits, or in a section without `type`.
    Unused,
    /// It means nothing in a section of this kind.
    Misplaced,
    /// Nobody knows it: perhaps it is misspelt.
    Unknown,
    /// It is kept in [`Settings::carried`](crate::engine::settings::Settings::carried), and nothing here looks at it.
    Carried,
    /// It works.
    Works,
    /// It works, but for this.
    Partly(&'static str),
    /// It is known and has no effect, for this reason.
    NotSupported(&'static str),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Unused => f.write_str("unused: in a template or a section without type"),
            Outcome::Misplaced => f.write_str("ignored: of no meaning in such a section"),
            Outcome::Unknown => f.write_str("ignored: unknown"),
            Outcome::Carried => f.write_str("carried: kept, without effect here"),
            Outcome::Works => f.write_str("works"),
            Outcome::Partly(but) => write!(f, "works, but {but}"),
            Outcome::NotSupported(why) => write!(f, "ignored: {why}"),
        }
    }
}

impl Outcome {
    /// The outcome in one word: `works`, `partly`, `carried`, `ignored` or `unused`.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Unused => "unused",
            Outcome::Misplaced | Outcome::Unknown | Outcome::NotSupported(_) => "ignored",
            Outcome::Carried => "carried",
            Outcome::Works => "works",
            Outcome::Partly(_) => "partly",
        }
    }
}

/// One option of a file. Its value is not repeated: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands.
    pub place: Place,
    /// The option, as it is written.
    pub option: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How many entries it reached: more than one for a line of a template, 2 for a line of a `friend`, 0 for one that is
    /// unused or speaks of no entry.
    pub entries: usize,
}

/// `iax.conf:12: qualify: works`.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let option = self.option.escape_debug();
        write!(f, "{}: {option}: {}", self.place, self.outcome)
    }
}
