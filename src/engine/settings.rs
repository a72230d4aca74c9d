//! Settings as values: what one accepted configuration says about everything ([`General`]) and about one peer or user
//! ([`Settings`]). Immutable once published: a reload publishes new ones.

use core::borrow::Borrow;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use crate::engine::directory::Role;
use crate::wire::{Format, FormatSet};

/// A peer's or user's name: exact and case-sensitive, as in chan_iax2. At most [`Name::LEN_MAX`] octets, never empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// The longest name in octets (chan_iax2 keeps 80 with the terminator).
    pub const LEN_MAX: usize = 79;

    /// A name, or `None` where it is empty or too long.
    pub fn new(name: &str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= Self::LEN_MAX;
        fits.then(|| Name(name.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A shared secret. Never printed; compared by those who verify, in constant time.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// A secret of this text.
    pub fn new(secret: &str) -> Self {
        Secret(secret.into())
    }

    /// The octets that go into MD5(challenge ‖ secret).
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where a peer is (chan_iax2: `host=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// It registers (`host=dynamic`).
    Dynamic,
    /// It is always here.
    Fixed(SocketAddr),
}

/// What one accepted configuration says about everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct General {
    /// Which accepted configuration this is, counted from 0. Two snapshots with one serial come from one file.
    pub serial: u64,
    /// The shortest registration that is granted (chan_iax2: `minregexpire`).
    pub registration_min: Duration,
    /// The longest registration that is granted (chan_iax2: `maxregexpire`).
    pub registration_max: Duration,
    /// How long a failed login waits for its refusal (chan_iax2: `delayreject`); zero for at once.
    pub reject_delay: Duration,
    /// Formats of those who name none of their own.
    pub capability: FormatSet,
}

impl Default for General {
    /// chan_iax2's defaults: 60 s both ways, no delay; µ-law and A-law.
    fn default() -> Self {
        General {
            serial: 0,
            registration_min: Duration::from_secs(60),
            registration_max: Duration::from_secs(60),
            reject_delay: Duration::ZERO,
            capability: FormatSet::from(Format::ULAW) | FormatSet::from(Format::ALAW),
        }
    }
}

/// What one accepted configuration, or one database row, says about one peer or user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name.
    pub name: Name,
    /// Peer or user.
    pub role: Role,
    /// The secrets that are accepted, any of them; empty for a login without challenge.
    pub secrets: Vec<Secret>,
    /// Where the peer is; of no meaning for a user.
    pub host: Host,
    /// The formats that it may use.
    pub capability: FormatSet,
    /// The extensions that a user may dial; empty for any.
    pub extensions: Vec<String>,
    /// The general settings of the same configuration.
    pub general: General,
}

/// One accepted configuration: what a reload takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// What holds for everything. Copied into each entry's settings when the configuration is applied.
    pub general: General,
    /// Every peer and user of the file. A `friend` is one of each with the same name.
    pub entries: Vec<Settings>,
}
