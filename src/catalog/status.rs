//! What an entry says of itself, as values: where it comes from, where it is, what happened to it.

use crate::engine::directory::{Contact, Generation, Reachability};

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The accepted configuration. Not written to the database.
    Static,
    /// A database row. Its contact is written back, and it may be evicted once that is stored.
    Realtime,
}

/// What happened to one entry since it was linked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Contacts that a REGREQ brought.
    pub registrations: u64,
    /// Contacts that a REGREL took away.
    pub releases: u64,
    /// Contacts that lapsed.
    pub expiries: u64,
    /// Settings that took the place of others.
    pub publications: u64,
}

/// All of an entry that changes, as it was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryStatus {
    /// Where the entry comes from.
    pub origin: Origin,
    /// Whether the name stands on this entry.
    pub linked: bool,
    /// Where the peer is, lapsed or not.
    pub contact: Option<Contact>,
    /// The last change of the contact.
    pub generation: Generation,
    /// The last change of the contact that the database has stored; of no meaning for a static entry.
    pub stored: Generation,
    /// What the last POKE said.
    pub reachability: Reachability,
    /// Calls of a user that wait for AUTHREP.
    pub challenged: usize,
    /// What happened so far.
    pub counters: Counters,
}
