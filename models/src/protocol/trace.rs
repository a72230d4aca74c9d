//! What one execution of the shipped code did, operation by operation, as the checking families and the ledger tell it.
//!
//! Each event is written with no scheduling point between the operation and it, so the order of events is the order of operations.

use std::collections::BTreeSet;

/// One event and its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The thread, the first is 0.
    pub thread: usize,
    /// What it did.
    pub event: Event,
}

/// What was done. Objects, locks and references are named by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A lock was taken.
    Lock {
        /// Which.
        lock: u32,
        /// The object that it is in, where it is in one.
        within: Option<u32>,
    },
    /// It was given back.
    Unlock {
        /// Which.
        lock: u32,
    },
    /// An operation on a count.
    Count {
        /// The object.
        object: u32,
        /// Which of its counts.
        kind: Kind,
        /// Which operation.
        change: Change,
        /// The count that it saw.
        observed: i64,
    },
    /// A strong reference was taken.
    Took {
        /// To which object.
        object: u32,
        /// The reference.
        ticket: u32,
        /// The reference that was copied, where one was.
        from: Option<u32>,
    },
    /// A strong reference was given back.
    Gave {
        /// The reference.
        ticket: u32,
    },
    /// An object was used through this reference.
    Used {
        /// The reference.
        ticket: u32,
    },
    /// A reference went into a link.
    Linked {
        /// The reference.
        ticket: u32,
        /// The key's hash.
        hash: u64,
    },
    /// A reference went into a slot.
    Slotted {
        /// The reference.
        ticket: u32,
        /// The object that the slot is in; none where it is being made.
        within: Option<u32>,
    },
    /// A reference was taken out of its link or slot.
    Unseated {
        /// The reference.
        ticket: u32,
    },
    /// One reference went into the place of another, which was taken out.
    Reseated {
        /// What went in.
        new: u32,
        /// What came out.
        old: u32,
    },
    /// A lookup found nothing.
    Missed {
        /// The key's hash.
        hash: u64,
    },
    /// The destructor began.
    Destroyed {
        /// Of this object.
        object: u32,
    },
    /// The memory went back.
    Freed {
        /// Of this object.
        object: u32,
    },
    /// From here on no lookup may miss what is linked now.
    Marked,
    /// From here on it may.
    Unmarked,
}

/// The two counts of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What keeps the object.
    Strong,
    /// What keeps its memory.
    Weak,
}

/// An operation on a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was read.
    Load,
    /// One more.
    Add,
    /// One less.
    Subtract,
    /// One more, where it was as expected.
    Exchange,
    /// It was not as expected.
    ExchangeFailed,
}

/// An object at the end, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The object.
    pub object: u32,
    /// The strong references that are out.
    pub held: BTreeSet<u32>,
    /// Whether its destructor began.
    pub destroyed: bool,
    /// Whether its memory went back.
    pub freed: bool,
}

/// A whole execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// In the order in which they happened.
    pub events: Vec<Traced>,
    /// What the ledger has at the end.
    pub rest: Vec<Rest>,
}
