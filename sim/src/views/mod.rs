//! What can be looked at of one run: one log of everything that happened.
//!
//! - [`entry`]: one thing that happened. [`log`]: how a run puts them down, and [`EventLog`], which holds them all.
//!
//! Every view has the same numbers of events, those of the timeline and of a failure. What is written is text; files and captures
//! are the command's. No view has a secret in it: [`log`] blanks them before anything else sees them.

pub mod entry;
pub mod log;

pub use self::entry::{Datagram, Entry, Fate, What};
pub use self::log::EventLog;
