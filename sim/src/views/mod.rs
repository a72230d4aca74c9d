//! What can be looked at of one run: one log of everything that happened, and what programs and browsers read of it.
//!
//! - [`entry`]: one thing that happened. [`log`]: how a run puts them down, and [`EventLog`], which holds them all.
//! - [`perfetto`]: tracks over time for <https://ui.perfetto.dev> and `chrome://tracing`.
//! - [`html`]: one page that needs nothing else: a sequence diagram, a slider over time, the state at each time.
//!
//! Every view has the same numbers of events, those of the timeline and of a failure. What is written is text; files and captures
//! are the command's. No view has a secret in it: [`log`] blanks them before anything else sees them.

pub mod entry;
pub mod html;
pub mod log;
pub mod perfetto;

pub use self::entry::{Datagram, Entry, Fate, What};
pub use self::log::EventLog;
