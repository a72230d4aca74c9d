//! Why a configuration is refused, and where: each error names a file, a line and what was expected there. Values of options
//! that hold secrets are never repeated.

use core::fmt;

/// A line of a file, as it is named in errors and reports: `iax.conf:12`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, under the name by which it was read.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    /// Where.
    pub place: Place,
    /// What.
    pub problem: Problem,
}

/// A configuration that is refused whole, with its errors in the order in which they were met: never empty, at most
/// [`ERRORS_MAX`](super::ERRORS_MAX), which ends the reading. Errors of syntax come alone, for options are looked at once the syntax is
/// right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub Vec<ConfigError>);

/// One line for each error.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusal {}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Octets that are not UTF-8, or one that is zero.
    #[error("expected text in UTF-8 without zero octets")]
    NotText,
    /// A limit; each has a name in [`config`](super).
    #[error("more than {max} {what}")]
    TooMuch {
        /// What is limited.
        what: &'static str,
        /// How much is accepted.
        max: usize,
    },
    /// A `;--` without its `--;`.
    #[error("expected `--;` after the `;--` of this line")]
    CommentNotClosed,
    /// A `--;` without its `;--`. Asterisk ignores the rest of such a file.
    #[error("`--;` ends no comment: expected `;--` before it, or `\\;` for a semicolon")]
    CommentNotOpen,
    /// `key = value` before the first `[section]`.
    #[error("expected a `[section]` before the first option")]
    NoSection,
    /// A header without `]` or with `(` and without `)`.
    #[error("expected `{0}` in the header of the section")]
    HeaderNotClosed(char),
    /// Something behind the header that is neither a list in `()` nor a comment.
    #[error("expected `(` directly after `]`, or nothing, and nothing after `)`")]
    TextAfterHeader,
    /// `[]`, or a name beyond [`Name::LEN_MAX`](crate::engine::settings::Name::LEN_MAX).
    #[error("expected a name of 1 to 79 octets in `[]`")]
    SectionName,
    /// A mark in `()` that means nothing.
    #[error("expected `!`, `+` or the name of a section in `()`, found {0:?}")]
    Mark(String),
    /// A section that inherits from one that is not there yet.
    #[error("expected a section {0:?} before this one, to inherit from")]
    NothingToInherit(String),
    /// `(+)` without the section that it adds to.
    #[error(
        "expected a section {0:?} before this one, to add to; to a template by `(+TEMPLATES=include)`"
    )]
    NothingToAddTo(String),
    /// A line that is no header, no directive and has no `=`.
    #[error("expected `key = value`, `[section]` or `#include`")]
    NotAnOption,
    /// `= value`.
    #[error("expected a name before `=`")]
    NoKey,
    /// `\` at the begin of a line, with nothing after it.
    #[error("expected a character after `\\`")]
    Escape,
    /// `#exec`.
    #[error("`#exec` is refused: programs are not run to read a configuration")]
    Exec,
    /// Another `#word`.
    #[error("expected `#include` or `#tryinclude`, found {0:?}")]
    Directive(String),
    /// `#include` without a file.
    #[error("expected `\"file\"` or `<file>`")]
    FileName,
    /// A file that cannot be read.
    #[error("cannot include {file:?}: {why}")]
    CannotInclude {
        /// The file as the line names it.
        file: String,
        /// Why.
        why: String,
    },
    /// A file that includes itself, perhaps through others.
    #[error("{0:?} is being read already: it includes itself")]
    Cycle(String),
    /// A section that may stand once. chan_iax2 takes the first `[general]`, and puts two peers of one name together.
    #[error("[{name}] stands at {first} already: to add to it, write [{name}](+)", name = .name.escape_debug())]
    Repeated {
        /// The section.
        name: String,
        /// Where it stands.
        first: Place,
    },
    /// A value that the option cannot have.
    #[error("{} = {found:?}: expected {expected}", .option.escape_debug())]
    Value {
        /// The option.
        option: String,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The same for an option whose value holds a secret.
    #[error("{}: expected {expected}", .option.escape_debug())]
    HiddenValue {
        /// The option.
        option: String,
        /// What it may be.
        expected: &'static str,
    },
    /// An option that would guard the entry and is not supported: without it the entry would be open.
    #[error(
        "{option} is not supported, and without it [{}] would be open: expected {expected}", .name.escape_debug()
    )]
    WouldBeOpen {
        /// The option.
        option: &'static str,
        /// The entry.
        name: String,
        /// What to write instead.
        expected: &'static str,
    },
}
