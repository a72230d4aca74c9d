//! What an endpoint asks of the catalog. A handle is a counted reference, so nothing here is ever stale.

use core::net::{IpAddr, SocketAddr};

use super::Catalog;
use super::entry::{Entry, Proposed, Unlinked};
use super::published::Published;
use crate::engine::directory::{
    Contact, Directory, Expiry, Generation, Lookup, Noted, QueryId, Reachability, Refused,
    Restored, Role, Stale, Storing, Ticket, TokenKey, TokenKeys, Written,
};
use crate::engine::settings::{General, Settings};
use crate::engine::workers::WorkerId;
use crate::registry::{Family, Ref};
use crate::time::Instant;
use crate::wire::CallNumber;

impl<F: Family> Directory for Catalog<F> {
    type Handle = Ref<Entry<F>, F>;
    type Snapshot = Ref<Published, F>;

    #[track_caller]
    fn find(&self, role: Role, name: &str) -> Lookup<Self::Handle> {
        match self.container(role).find(name) {
            Some(entry) => Lookup::Found(entry),
            None => self.ask(role, name),
        }
    }

    fn take_answer(&self, query: QueryId) -> Lookup<Self::Handle> {
        self.realtime.take_answer(query)
    }

    #[track_caller]
    fn find_peer_at(&self, address: SocketAddr, now: Instant) -> Option<Self::Handle> {
        self.addresses.first_at(&address, now)
    }

    #[track_caller]
    fn settings(&self, handle: &Self::Handle) -> Result<Self::Snapshot, Stale> {
        handle.settings().ok_or(Stale)
    }

    fn read<R>(
        &self,
        snapshot: &Self::Snapshot,
        read: impl FnOnce(&Settings) -> R,
    ) -> Result<R, Stale> {
        Ok(read(snapshot.settings()))
    }

    fn contact(&self, handle: &Self::Handle, now: Instant) -> Result<Option<Contact>, Stale> {
        Ok(handle.contact(now))
    }

    fn register(
        &self,
        handle: &Self::Handle,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Written, Refused> {
        self.written(handle, handle.register(address, deadline))
    }

    fn release(&self, handle: &Self::Handle) -> Result<Written, Refused> {
        self.written(handle, handle.release_contact())
    }

    fn take_stored(&self, handle: &Self::Handle, generation: Generation) -> Storing {
        handle.take_stored(generation)
    }

    fn withdraw(&self, handle: &Self::Handle, generation: Generation) -> Storing {
        handle.withdraw(generation)
    }

    fn poll_restored(&self) -> Option<Restored<Self::Handle>> {
        self.next_restored()
    }

    fn expire(
        &self,
        handle: &Self::Handle,
        generation: Generation,
        now: Instant,
    ) -> Result<Expiry, Stale> {
        let mut entry = handle.clone();
        loop {
            match entry.expire(generation, now) {
                Ok(Some(moved)) => {
                    self.follow(&entry, moved);
                    return Ok(Expiry::Expired);
                }
                Ok(None) => return Ok(Expiry::Superseded),
                Err(Unlinked) => {}
            }
            match self.successor(&entry) {
                Some(successor) => entry = successor,
                None => return Ok(Expiry::Superseded),
            }
        }
    }

    fn reachability(&self, handle: &Self::Handle) -> Result<Reachability, Stale> {
        Ok(handle.status().reachability)
    }

    fn note_reachability(
        &self,
        handle: &Self::Handle,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Stale> {
        let mut entry = handle.clone();
        loop {
            if let Ok(noted) = entry.note_reachability(generation, reachability) {
                return Ok(noted);
            }
            match self.successor(&entry) {
                Some(successor) => entry = successor,
                None => return Ok(Noted::Superseded),
            }
        }
    }

    fn watch(&self, handle: &Self::Handle, worker: WorkerId) {
        let mut entry = handle.clone();
        while entry.set_watcher(worker).is_err() {
            match self.successor(&entry) {
                Some(successor) => entry = successor,
                None => return,
            }
        }
    }

    fn watcher(&self, handle: &Self::Handle) -> Option<WorkerId> {
        let mut entry = handle.clone();
        loop {
            if let Ok(watcher) = entry.watcher() {
                return watcher;
            }
            entry = self.successor(&entry)?;
        }
    }

    #[track_caller]
    fn find_guest(&self, ip: IpAddr) -> Option<Self::Handle> {
        self.guest_at(ip)
    }

    fn general(&self) -> General {
        let (_, general) = self.accepted();
        general
    }

    fn token_key(&self) -> TokenKey {
        self.token_keys(Instant::ZERO).current
    }

    fn token_keys(&self, now: Instant) -> TokenKeys {
        self.gate.token_keys(now)
    }

    fn claim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
        self.claims.claim(from, worker);
    }

    fn unclaim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
        self.claims.unclaim(from, worker);
    }

    fn claimant(&self, from: (SocketAddr, CallNumber)) -> Option<WorkerId> {
        self.claims.claimant(from)
    }

    fn claimants(&self, remote: SocketAddr) -> Vec<WorkerId> {
        self.claims.claimants(remote)
    }

    fn admit(&self, ip: IpAddr, is_validated: bool) -> Option<Ticket> {
        self.gate.admit(ip, is_validated)
    }

    fn leave(&self, ticket: Ticket) {
        self.gate.leave(ticket);
    }

    fn is_token_required(&self, role: Role, name: &str, ip: IpAddr) -> bool {
        Catalog::is_token_required(self, role, name, ip)
    }

    fn note_token(&self, role: Role, name: &str) {
        if let Some(entry) = self.container(role).find(name) {
            entry.note_token();
        }
    }

    fn begin_challenge(&self, user: Option<&Self::Handle>, name: &[u8]) -> bool {
        match user {
            Some(user) => user.begin_challenge(),
            None => self.gate.begin_challenge(name),
        }
    }

    fn end_challenge(&self, user: Option<&Self::Handle>, name: &[u8]) {
        match user {
            Some(user) => user.end_challenge(),
            None => self.gate.end_challenge(name),
        }
    }
}

impl<F: Family> Catalog<F> {
    /// Does what a change that was asked for left to do after the entry's lock.
    fn written(
        &self,
        entry: &Ref<Entry<F>, F>,
        proposed: Result<Proposed, Unlinked>,
    ) -> Result<Written, Refused> {
        match proposed {
            Ok(Proposed::Done(moved)) => Ok(Written::Done(self.follow(entry, moved))),
            Ok(Proposed::Asked {
                generation,
                to_queue,
            }) => {
                if to_queue {
                    self.realtime.queue_write(entry.clone());
                }
                Ok(Written::Asked(generation))
            }
            Ok(Proposed::Busy) => Err(Refused::Busy),
            Err(Unlinked) => Err(self.refuse(entry)),
        }
    }

    /// The name no longer stands on the entry, and after this a lookup will not find the entry either.
    fn refuse(&self, entry: &Ref<Entry<F>, F>) -> Refused {
        self.forget(entry);
        Refused::Unlinked
    }

    /// The entry was evicted, and its contact with it: the name may stand on another by now.
    fn successor(&self, entry: &Ref<Entry<F>, F>) -> Option<Ref<Entry<F>, F>> {
        self.forget(entry);
        self.container(entry.role()).find(entry.name().as_str())
    }
}
