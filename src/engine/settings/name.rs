//! Names and secrets: the two texts that every entry has. A name may be printed, a secret never is.

use core::borrow::Borrow;
use core::fmt;

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
