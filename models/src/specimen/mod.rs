//! Whole designs that the proofs and the worlds must catch, beside the one that ships.
//!
//! - [`list_2007`]: what chan_iax2 had before August 2007, a linked list and raw handles: [`Specimen2007`].
//! - [`rebuild_in_place`]: counted objects whose live settings a reload rewrites: [`RebuildInPlace`].
//! - `in_a_world`: both as directories of a simulated world.
//! - `heap`: the memory of the list, which tells a stale pointer.
//! - `desk`: questions and writes on their way to the database, common to both.
//!
//! Neither has any `unsafe`: a stale handle is told by the generation of its slot, so a use after destroy is a report.

mod desk;
mod heap;
mod in_a_world;
pub mod list_2007;
pub mod rebuild_in_place;

pub use heap::Pointer;
pub use list_2007::Specimen2007;
pub use rebuild_in_place::RebuildInPlace;
