//! Reference-counted objects and the containers that link them (astobj2's `ao2_alloc`, `ao2_ref`,
//! `ao2_link`, `ao2_find`, `ao2_iterator`). This folder has never heard of IAX.
//!
//! - [`family`]: the lock, the counter and the life of an object behind one trait, so that the same source
//!   runs on the plain operations of `std` and under the explorers.
//! - [`object`]: [`Ref`], [`Weak`] and the two counts.
//! - [`ledger`]: who took which reference where.

pub mod family;
pub mod ledger;
pub mod object;

pub use family::{Audited, Family, Std};
pub use object::{Object, Ref, Weak};
