//! The address index: from where a datagram came to the peers that are there, without a walk.
//!
//! A link here is a hint. It is changed after the entry's lock is released, and whoever follows it asks the entry, under
//! its lock, whether its contact is that address. So the index is never wrong in what it answers; at rest it holds exactly
//! the addresses of the contacts of linked peers, fixed hosts included.
//!
//! Hints are strong references, one per (address, peer). They cannot leak an entry: whoever changes a contact or unlinks
//! an entry settles the addresses concerned afterwards, and settling looks again after its own change, so the last to
//! look sees the last contact. A weak hint would cost every lookup an upgrade loop and would leave dead links for somebody to sweep.
//!
//! Several peers may stand at one address (one NAT, one proxy): hints of one address form one chain, and linking one
//! walks those of that address.

use core::net::SocketAddr;

use super::entry::Entry;
use crate::registry::{Family, Ref, Registry};
use crate::time::Instant;

/// The hints.
#[derive(Debug)]
pub(super) struct AddressIndex<F: Family>(Registry<SocketAddr, Entry<F>, F>);

impl<F: Family> AddressIndex<F> {
    pub(super) fn new(hints: Registry<SocketAddr, Entry<F>, F>) -> Self {
        AddressIndex(hints)
    }

    /// How many hints there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Makes the hint from `address` to `entry` what the entry's contact says. Called after every change that
    /// concerns the two, with no lock held.
    pub(super) fn settle(&self, address: SocketAddr, entry: &Ref<Entry<F>, F>) {
        let mut wanted = entry.is_at(address);
        loop {
            self.set(address, entry, wanted);
            // Another thread may have moved the contact between our look and our change, and its own settling may
            // have come before ours: look again, so that our hint does not outlive what it was made from.
            let wanted_now = entry.is_at(address);
            if wanted_now == wanted {
                return;
            }
            wanted = wanted_now;
        }
    }

    fn set(&self, address: SocketAddr, entry: &Ref<Entry<F>, F>, wanted: bool) {
        if wanted {
            self.0.link_object(address, entry);
        } else {
            drop(self.0.unlink_object(&address, entry));
        }
    }

    /// The peer that can be reached at `address` at `now`; of several, the one that is there longest.
    #[track_caller]
    pub(super) fn first_at(&self, address: &SocketAddr, now: Instant) -> Option<Ref<Entry<F>, F>> {
        let mut hinted = self.0.find_all(address);
        loop {
            let entry = hinted.next()?;
            if entry.is_reachable_at(*address, now) {
                return Some(entry);
            }
        }
    }

    /// The peers that can be reached at `address` at `now`, the longest there first.
    pub(super) fn peers_at<'a>(
        &'a self,
        address: &'a SocketAddr,
        now: Instant,
    ) -> impl Iterator<Item = Ref<Entry<F>, F>> + 'a {
        let hinted = self.0.find_all(address);
        hinted.filter(move |entry| entry.is_reachable_at(*address, now))
    }
}
