//! What a worker asks of the catalog that it shares with others: all is passed on. On the way it is noted which questions are this
//! worker's, for an answer can be taken once and all workers are told of it; and looked whether a name was missed that is always there.

use core::net::{IpAddr, SocketAddr};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use iaxproof::catalog::{Catalog, Entry, Published};
use iaxproof::engine::directory::{
    Contact, Directory, Expiry, Generation, Lookup, Noted, QueryId, Reachability, Refused,
    Restored, Role, Stale, Storing, Ticket, TokenKey, TokenKeys, Written,
};
use iaxproof::engine::settings::{General, Settings};
use iaxproof::registry::{Family, Ref};
use iaxproof::time::Instant;

use super::World;
use super::tally::Count;

/// One worker's way to the catalog.
#[derive(Debug)]
pub(super) struct Desk<F: Family> {
    world: Arc<World<F>>,
    /// The questions that this worker asked and whose answer it has not taken.
    asked: RefCell<BTreeSet<QueryId>>,
}

impl<F: Family> Desk<F> {
    /// One without a question.
    pub(super) fn new(world: Arc<World<F>>) -> Self {
        Desk {
            world,
            asked: RefCell::default(),
        }
    }

    /// Whether this worker asked it.
    pub(super) fn has_asked(&self, query: QueryId) -> bool {
        self.asked.borrow().contains(&query)
    }

    /// Whether answers are still to come.
    pub(super) fn waits(&self) -> bool {
        !self.asked.borrow().is_empty()
    }

    fn catalog(&self) -> &Catalog<F> {
        &self.world.catalog
    }
}

type Handle<F> = Ref<Entry<F>, F>;

impl<F: Family> Directory for Desk<F> {
    type Handle = Handle<F>;
    type Snapshot = Ref<Published, F>;

    #[track_caller]
    fn find(&self, role: Role, name: &str) -> Lookup<Handle<F>> {
        self.world.tally.note(Count::Lookups);
        let lookup = self.catalog().find(role, name);
        self.world.judge_lookup(role, name, &lookup);
        if let Lookup::Asked(query) = &lookup {
            self.asked.borrow_mut().insert(*query);
        }
        lookup
    }

    fn take_answer(&self, query: QueryId) -> Lookup<Handle<F>> {
        let lookup = self.catalog().take_answer(query);
        if !matches!(lookup, Lookup::Asked(_)) {
            self.asked.borrow_mut().remove(&query);
        }
        lookup
    }

    #[track_caller]
    fn find_peer_at(&self, address: SocketAddr, now: Instant) -> Option<Handle<F>> {
        self.catalog().find_peer_at(address, now)
    }

    #[track_caller]
    fn settings(&self, handle: &Handle<F>) -> Result<Self::Snapshot, Stale> {
        self.catalog().settings(handle)
    }

    fn read<R>(
        &self,
        snapshot: &Self::Snapshot,
        read: impl FnOnce(&Settings) -> R,
    ) -> Result<R, Stale> {
        self.catalog().read(snapshot, read)
    }

    fn contact(&self, handle: &Handle<F>, now: Instant) -> Result<Option<Contact>, Stale> {
        self.catalog().contact(handle, now)
    }

    fn register(
        &self,
        handle: &Handle<F>,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Written, Refused> {
        self.catalog().register(handle, address, deadline)
    }

    fn release(&self, handle: &Handle<F>) -> Result<Written, Refused> {
        self.catalog().release(handle)
    }

    fn take_stored(&self, handle: &Handle<F>, generation: Generation) -> Storing {
        self.catalog().take_stored(handle, generation)
    }

    fn withdraw(&self, handle: &Handle<F>, generation: Generation) -> Storing {
        self.catalog().withdraw(handle, generation)
    }

    fn poll_restored(&self) -> Option<Restored<Handle<F>>> {
        self.catalog().poll_restored()
    }

    fn expire(
        &self,
        handle: &Handle<F>,
        generation: Generation,
        now: Instant,
    ) -> Result<Expiry, Stale> {
        self.catalog().expire(handle, generation, now)
    }

    fn reachability(&self, handle: &Handle<F>) -> Result<Reachability, Stale> {
        self.catalog().reachability(handle)
    }

    fn note_reachability(
        &self,
        handle: &Handle<F>,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Stale> {
        self.catalog()
            .note_reachability(handle, generation, reachability)
    }

    #[track_caller]
    fn find_guest(&self, ip: IpAddr) -> Option<Handle<F>> {
        self.catalog().find_guest(ip)
    }

    fn general(&self) -> General {
        self.catalog().general()
    }

    fn token_key(&self) -> TokenKey {
        self.catalog().token_key()
    }

    fn token_keys(&self, now: Instant) -> TokenKeys {
        self.catalog().token_keys(now)
    }

    fn admit(&self, ip: IpAddr, is_validated: bool) -> Option<Ticket> {
        self.catalog().admit(ip, is_validated)
    }

    fn leave(&self, ticket: Ticket) {
        self.catalog().leave(ticket);
    }

    fn is_token_required(&self, role: Role, name: &str, ip: IpAddr) -> bool {
        self.catalog().is_token_required(role, name, ip)
    }

    fn note_token(&self, role: Role, name: &str) {
        self.catalog().note_token(role, name);
    }

    fn begin_challenge(&self, user: Option<&Handle<F>>, name: &[u8]) -> bool {
        self.catalog().begin_challenge(user, name)
    }

    fn end_challenge(&self, user: Option<&Handle<F>>, name: &[u8]) {
        self.catalog().end_challenge(user, name);
    }
}
