//! Which worker's the media of an address are, where they do not arrive at that worker's socket: see
//! [`workers`](crate::engine::workers). At most as many claims as there are dialogues that a server opened or moved, two for each, and those are
//! limited by `admission`.
//!
//! One lock guards all of it, held for one look-up; with one worker nobody takes it.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use crate::engine::workers::WorkerId;
use crate::registry::Family;
use crate::wire::CallNumber;

/// Claims by address and call number of the other side.
pub(super) struct Claims<F: Family>(F::Mutex<BTreeMap<(SocketAddr, CallNumber), WorkerId>>);

impl<F: Family> Claims<F> {
    pub(super) fn new() -> Self {
        Claims(F::mutex(BTreeMap::new()))
    }

    /// The youngest claim counts: who reuses a number has given up what it was.
    pub(super) fn claim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
        F::lock(&self.0).insert(from, worker);
    }

    pub(super) fn unclaim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
        let mut claims = F::lock(&self.0);
        if claims.get(&from) == Some(&worker) {
            claims.remove(&from);
        }
    }

    pub(super) fn claimant(&self, from: (SocketAddr, CallNumber)) -> Option<WorkerId> {
        F::lock(&self.0).get(&from).copied()
    }

    pub(super) fn claimants(&self, remote: SocketAddr) -> Vec<WorkerId> {
        let all = (remote, CallNumber::ZERO)..=(remote, CallNumber::MAX);
        let mut claimants: Vec<WorkerId> = F::lock(&self.0).range(all).map(|(_, it)| *it).collect();
        claimants.sort_unstable();
        claimants.dedup();
        claimants
    }

    pub(super) fn len(&self) -> usize {
        F::lock(&self.0).len()
    }
}
