//! What the methods of an entry leave to do after its lock, and what they refuse by.

use core::net::SocketAddr;

use crate::catalog::status::EntryStatus;
use crate::engine::directory::{Contact, Generation};

/// What a change of a contact leaves to do after the lock.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) struct Moved {
    pub(in crate::catalog) generation: Generation,
    pub(in crate::catalog) from: Option<SocketAddr>,
    pub(in crate::catalog) to: Option<SocketAddr>,
    /// Whether the entry is now to be queued for the database.
    pub(in crate::catalog) to_queue: bool,
    /// Whether the settings limit the dialogues of the contact's address.
    pub(in crate::catalog) has_limit: bool,
}

/// A change of a contact that somebody asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) enum Proposed {
    /// It is in force.
    Done(Moved),
    /// The store is asked.
    Asked {
        generation: Generation,
        /// Whether the entry is now to be queued for the database.
        to_queue: bool,
    },
    /// Too many changes wait for the store.
    Busy,
}

/// What the store's answer leaves to do after the lock.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) enum Settled {
    /// A change came into force.
    Moved(Moved),
    /// Nothing, or the entry is to be queued for the database.
    Queue(bool),
}

/// What an entry that is to go has, and is kept of it. The generation alone does not tell two states apart: it is that of the newest
/// change, which may come into force later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::catalog) struct Seen {
    pub(in crate::catalog) generation: Generation,
    pub(in crate::catalog) contact: Option<Contact>,
}

impl Seen {
    pub(in crate::catalog) const fn of(status: &EntryStatus) -> Self {
        Seen {
            generation: status.generation,
            contact: status.contact,
        }
    }
}

/// What is kept of an entry that goes.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) struct Remains {
    pub(in crate::catalog) contact: Option<Contact>,
    /// Whether the store may have something else.
    pub(in crate::catalog) is_owed: bool,
}

/// What is left to do for an entry that was linked.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) struct Begun {
    /// Whether its contact will lapse.
    pub(in crate::catalog) is_registered: bool,
    /// Whether the entry is now to be queued for the database.
    pub(in crate::catalog) to_queue: bool,
}

/// A write came to an entry that its name no longer stands on.
#[derive(Clone, Copy, Debug)]
pub(in crate::catalog) struct Unlinked;

/// Where an entry begins: with what the store has of its name.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::catalog) struct Beginning {
    pub(in crate::catalog) contact: Option<Contact>,
    pub(in crate::catalog) generation: Generation,
    /// Whether the store may have something else.
    pub(in crate::catalog) is_owed: bool,
    /// Whether registrations are stored.
    pub(in crate::catalog) is_stored: bool,
}

/// Why an entry was not evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::catalog) enum Kept {
    Static,
    NotStored,
    Unlinked,
    /// Another change came meanwhile: ask again.
    Changed,
}

/// What a sweep has to do with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::catalog) enum Standing {
    /// It belongs to this epoch or a later one.
    Current,
    /// A name of the file that the accepted configuration does not have.
    Absent,
    /// A cached row with general settings of an older configuration.
    Outdated,
}
