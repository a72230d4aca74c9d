//! The memory of an object as loom sees it: each operation on its counts is a tracked read and its end a tracked write, so
//! that loom's own causality says whether an ordering is too weak to free by. Other explorers have none of these: they have
//! the clocks of [`crate::context`] alone.

#![expect(
    unsafe_code,
    reason = "a loom cell is not `Sync`; see the safety comment"
)]

use std::sync::Arc;

/// The memory of one object in one execution of loom.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Accesses>);

#[derive(Default)]
struct Accesses(loom::cell::UnsafeCell<()>);

// SAFETY: the cell holds nothing; loom runs all threads of an execution on one thread of the operating system, and the
// accesses only move loom's own stamps.
unsafe impl Sync for Accesses {}
// SAFETY: as for `Sync`.
unsafe impl Send for Accesses {}

impl Memory {
    /// Something in it is read or written.
    #[track_caller]
    pub(crate) fn access(&self) {
        self.0.0.with(|_| ());
    }

    /// It is given back.
    #[track_caller]
    pub(crate) fn end(&self) {
        self.0.0.with_mut(|_| ());
    }
}
