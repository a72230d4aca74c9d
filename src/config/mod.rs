//! `iax.conf` into settings: pure text in, values out. No file is opened and no name is looked up here; whoever calls brings the
//! files ([`Include`]) and looks the names up ([`Parsed::resolve`]).
//!
//! ```text
//! octets --comment--> text --line--> header, directive, option --reader--> Document
//!                                                                             |  interpret
//!                                  general, entry, registration  <------------+
//!                                              |
//!                                              v
//!                                   Parsed, or a Refusal
//! ```
//!
//! - [`error`]: why a configuration is refused, and where. [`mod@include`]: where included text comes from.
//! - [`document`]: sections and settings, whatever they mean. [`found`]: what became of each option.
//! - `general` and `entry`: `[general]`, and the sections of peers and users. `codecs`, `value`, [`registration`]: values.
//!
//! # The syntax (Asterisk: `main/config.c`)
//!
//! | written | means |
//! | --- | --- |
//! | `[a]` | a section |
//! | `[a](!)` | a template: to inherit from, and nothing else |
//! | `[a](b,c)` | begins with all that `[b]` says, then `[c]`; both stand above |
//! | `[a](+)` | goes on with `[a]`, which is no template; `(+TEMPLATES=include)` where it is one |
//! | `key = value`, `key => value` | an option; the same key may come again |
//! | `key += value` | lengthens the last value of this key, blanks before `value` included |
//! | `\[a] = b` | an option that begins with `[` or `#` |
//! | `; text`, `\;` | a comment to the end of the line; a semicolon |
//! | `;-- text --;` | a comment, over lines too and in each other; `;---` is one to the end of the line |
//! | `#include "file"`, `<file>`, `file` | the lines of the file; `#tryinclude` does without |
//!
//! Names of sections are compared without case where sections are inherited from or added to; names of options are, too, but for
//! `+=`. Names of peers and users are exact.
//!
//! # Accepted or refused, whole
//!
//! A configuration with one error is refused with all its errors, and changes nothing: [`Parsed`] is a value, which the caller
//! hands to [`Catalog::reload`](crate::catalog::Catalog::reload). What is accepted says of every option what became of it
//! ([`Parsed::options`], [`Parsed::notices`]).
//!
//! # Deviations
//!
//! Stricter than Asterisk, which warns and goes on, or is silent:
//!
//! - A line without `=`, an option without a name, an unknown directive, a line that is too long, an open comment, a
//!   `--;` without its `;--`, text behind a header (`[a] (b)` inherits nothing there), `#exec`.
//! - Numbers, flags and words that are not what the option takes. `acl` of a named list; `inkeys` or `dbsecret` where there is no
//!   `secret`, and `auth=rsa` alone: left out, they would leave the entry open.
//! - A second `[general]` (Asterisk reads the first), and a second peer or user of one name (chan_iax2 puts them together).
//! - A file that includes itself; a name of a section beyond 79 octets, which Asterisk cuts.
//!
//! More lenient, or otherwise:
//!
//! - Blanks in the list behind a header: `[a](b, c)`. A byte order mark.
//! - `+=` lengthens the last value of its key, also where an earlier one is equal to it.
//! - `bindport` counts for every `bindaddr` without a port, wherever it stands; `port` for `host` and `defaultip`.
//! - `auth` and `requirecalltoken` in `[general]` hold for entries that say nothing.
//! - A `disallow` before any `allow` takes formats away from all audio formats.
//! - `callerid` numbers are kept as they are written.
//! - Users of a `users.conf` are not looked for.

pub mod document;
pub mod error;
pub mod found;
pub mod include;
pub mod registration;

mod codecs;
mod comment;
mod entry;
mod general;
mod interpret;
mod line;
mod reader;
mod value;

use core::net::{IpAddr, SocketAddr};

pub use document::Document;
pub use error::{ConfigError, Place, Problem, Refusal};
pub use found::{Found, Outcome};
pub use general::{Realtime, Serving};
pub use include::{Include, NoFiles, Source};
pub use registration::{HostName, Registration, Remote};

use crate::engine::settings::{Configuration, Host, Settings};

/// Files that include each other, the first one too (Asterisk: `MAX_INCLUDE_LEVEL`).
pub const INCLUDE_DEPTH_MAX: usize = 10;
/// Files in all, each time that one is included.
pub const FILES_MAX: usize = 1_000;
/// Octets of a line without its line feed, and of a value that `+=` lengthens (Asterisk: a buffer of 8192).
pub const LINE_OCTETS_MAX: usize = 8_190;
/// Lines of all files.
pub const LINES_MAX: usize = 1_000_000;
/// Sections of all files, templates too.
pub const SECTIONS_MAX: usize = 100_000;
/// Options of one section, inherited ones too.
pub const SECTION_SETTINGS_MAX: usize = 10_000;
/// Options of all sections, inherited ones too.
pub const SETTINGS_MAX: usize = 2_000_000;
/// Comments in each other (Asterisk: `MAX_NESTED_COMMENTS`).
pub const COMMENT_DEPTH_MAX: usize = 128;
/// Errors that are reported; the reading ends with the last.
pub const ERRORS_MAX: usize = 20;
/// Octets of a name or a number that a frame carries (chan_iax2 keeps 80 with the terminator).
pub const TEXT_OCTETS_MAX: usize = 79;
/// Octets of a secret: what the information element PASSWORD can carry.
pub const SECRET_OCTETS_MAX: usize = 255;

/// Reads a configuration and all that it includes.
///
/// ```
/// use iaxproof::config::{self, NoFiles, Source};
///
/// let octets = b"[general]\nbindport = 4570\n[ann]\ntype = friend\nhost = dynamic\nsecret = s\n".to_vec();
/// let source = Source { name: "iax.conf".into(), octets };
/// let parsed = config::read(source, &NoFiles)?;
/// assert_eq!(parsed.configuration.entries.len(), 2);
/// assert_eq!(parsed.serving.bind[0].port(), 4570);
/// # Ok::<(), config::Refusal>(())
/// ```
///
/// # Errors
///
/// [`Refusal`] where anything is wrong: nothing of the configuration is to be used.
pub fn read(source: Source, files: &dyn Include) -> Result<Parsed, Refusal> {
    interpret::interpret(&Document::read(source, files)?)
}

/// An accepted configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What a catalog takes. `general.serial` is 0: who accepts configurations counts them. The general settings are not in the
    /// entries, where the catalog copies them. Peers of [`Parsed::unresolved`] are not in it.
    pub configuration: Configuration,
    /// What the process needs that serves it.
    pub serving: Serving,
    /// How rows of a database are treated.
    pub realtime: Realtime,
    /// Where we register, in the order of the lines.
    pub registrations: Vec<Registration>,
    /// Peers whose host is a name that nobody has looked up.
    pub unresolved: Vec<Unresolved>,
    /// Every option that was found, in the order of the files and lines.
    pub options: Vec<Found>,
}

/// A peer that is nowhere until its host's name is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The peer; its `host` is [`Host::Nowhere`].
    pub settings: Settings,
    /// The name.
    pub host: HostName,
    /// Where its section begins.
    pub place: Place,
}

impl Parsed {
    /// The options that do not work, or not wholly.
    pub fn notices(&self) -> impl Iterator<Item = &Found> {
        let options = self.options.iter();
        options.filter(|found| found.outcome != Outcome::Works)
    }

    /// Looks names of hosts up: a peer whose name is found goes into the configuration, one whose name is not stays in
    /// [`Parsed::unresolved`] and does not exist until another look-up finds it (chan_iax2 drops it too). The names of
    /// registrations become addresses likewise.
    pub fn resolve(&mut self, mut look_up: impl FnMut(&HostName) -> Option<IpAddr>) {
        for mut unresolved in core::mem::take(&mut self.unresolved) {
            match look_up(&unresolved.host) {
                Some(ip) => {
                    let address = SocketAddr::new(ip, unresolved.host.port);
                    unresolved.settings.host = Host::Fixed(address);
                    self.configuration.entries.push(unresolved.settings);
                }
                None => self.unresolved.push(unresolved),
            }
        }
        for registration in &mut self.registrations {
            if let Remote::Name(host) = &registration.remote
                && let Some(ip) = look_up(host)
            {
                registration.remote = Remote::Address(SocketAddr::new(ip, host.port));
            }
        }
    }
}
