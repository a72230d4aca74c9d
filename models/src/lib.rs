//! The explorers' families, the proofs and the designs that they must catch.
//!
//! - [`Loom`] and [`Shuttle`]: the family parameter of the shipped registry and catalog, on the explorers' primitives.
//! - [`mod@scenarios`]: the table of what is proved, one entry for each property and situation.
//! - [`specimen`]: the list of before August 2007 and the rebuild in place, which the same scenarios must catch.
//! - `tape`, `reduce`: every choice of the second explorer on a tape, and our own enumerator with partial-order reduction.
//! - `threads`: worlds whose threads stop in the middle, on [`Strands`] or on [`Shuttle`].
//! - [`mod@explore`]: one scenario under one explorer; [`proof`]: both, compared, and the word for it.
//! - [`world`]: one world on one design, whatever its engine.
//! - [`mod@fuzz`]: the body of the fuzz target whose octets are a world.
//! - [`child`]: a proof as one JSON line of a child process, for an explorer can abort.
//! - [`mod@orderings`]: an exploration with one memory ordering weaker than in the source.
//! - [`token`]: a failing schedule as a short text that replays.
//!
//! What is not covered: operations with `Relaxed` ordering on two objects may have outcomes that neither explorer
//! visits; nothing rests on an order of `Relaxed` operations across objects.

mod account;
mod any;
mod arena;
pub mod child;
mod clock;
mod context;
pub mod explore;
mod explorer;
mod finding;
mod follow;
pub mod fuzz;
mod loom_family;
pub mod matrix;
mod memory;
pub mod orderings;
pub mod proof;
pub mod protocol;
mod reduce;
mod rules;
pub mod scenarios;
mod shuttle_family;
pub mod specimen;
mod step;
mod strands_family;
mod subject;
mod table;
mod tally;
mod tape;
mod threads;
pub mod token;
pub mod world;

pub use account::{Account, ObjectNumber, TicketNumber};
pub use any::{AnyDirectory, AnyHandle, AnySnapshot};
pub use context::{THREADS_MAX, keep_linked, note, notes};
pub use explore::{End, Engine, Exploration};
pub use explorer::Explorer;
pub use finding::Finding;
pub use loom_family::{Loom, LoomAtomic, LoomGuard, LoomLife, LoomMutex};
pub use scenarios::{Design, Scenario, scenario, scenarios};
pub use shuttle_family::{Shuttle, ShuttleAtomic, ShuttleGuard, ShuttleLife, ShuttleMutex};
pub use strands_family::{StrandAtomic, StrandGuard, StrandLife, StrandMutex, Strands};
