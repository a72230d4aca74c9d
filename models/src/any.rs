//! Every design on every family, behind one type: what drives a directory - an endpoint, a world, a scenario - is compiled
//! once, not once for each of them.
//!
//! Nothing is decided here and nothing is kept: each call goes to the directory that it is meant for, with the caller's line.

use core::net::{IpAddr, SocketAddr};

use iaxproof::catalog::{Answer, Catalog, CatalogOptions, Kind, Question, Unregistered, Write};
use iaxproof::engine::WorkerId;
use iaxproof::engine::directory::{
    Contact, Directory, Expiry, Generation, Lookup, Noted, QueryId, Reachability, Refused,
    Restored, Role, Stale, Storing, Ticket, TokenKey, TokenKeys, Written,
};
use iaxproof::engine::settings::{Configuration, General, Settings};
use iaxproof::registry::{Audited, Family, HashKey};
use iaxproof::time::Instant;
use iaxproof::wire::CallNumber;
use iaxproof_sim::administer::{Administer, Observe, PeerVisitor, References};

use crate::specimen::{RebuildInPlace, Specimen2007};
use crate::{Design, Loom, Shuttle, Strands};

/// What a handle of another directory would be: a defect of whoever drives both.
const OWN: &str = "a handle is used with the directory that gave it";

macro_rules! any {
    ($($name:ident: $directory:ty,)*) => {
        /// A directory of some design on some family.
        #[expect(missing_docs, reason = "a variant is named as the design and the family that it holds")]
        #[expect(clippy::large_enum_variant, reason = "there are a few of them in a world, and none is moved")]
        pub enum AnyDirectory {
            $($name($directory),)*
        }

        /// A hold on one of its entries.
        #[derive(Clone, Debug)]
        #[expect(missing_docs, reason = "a variant is named as its directory")]
        pub enum AnyHandle {
            $($name(<$directory as Directory>::Handle),)*
        }

        /// A hold on one of its settings snapshots.
        #[derive(Clone, Debug)]
        #[expect(missing_docs, reason = "a variant is named as its directory")]
        pub enum AnySnapshot {
            $($name(<$directory as Directory>::Snapshot),)*
        }

        $(impl From<$directory> for AnyDirectory {
            fn from(directory: $directory) -> Self {
                AnyDirectory::$name(directory)
            }
        })*

        /// Calls the directory that it is.
        macro_rules! each {
            ($any:expr, $it:ident => $call:expr) => {
                match $any {
                    $(AnyDirectory::$name($it) => $call,)*
                }
            };
        }

        /// Calls the directory that it is and puts what it holds, if anything, in its kind of hold.
        macro_rules! wrap {
            ($any:expr, $hold:ident, $it:ident => $call:expr) => {
                match $any {
                    $(AnyDirectory::$name($it) => $call.map($hold::$name),)*
                }
            };
        }

        /// Calls the directory that it is with what is held of it.
        macro_rules! with {
            ($any:expr, $hold:ident($held:expr), $it:ident, $own:ident => $call:expr) => {
                match ($any, $held) {
                    $((AnyDirectory::$name($it), $hold::$name($own)) => $call,)*
                    _ => unreachable!("{OWN}"),
                }
            };
        }

        impl AnyDirectory {
            fn peers(&self) -> Vec<AnyHandle> {
                match self {
                    $(AnyDirectory::$name(it) => {
                        let peers = Observe::linked_peers(it).into_iter();
                        peers.map(AnyHandle::$name).collect()
                    })*
                }
            }

            #[track_caller]
            fn settings_of(&self, handle: &AnyHandle) -> Result<AnySnapshot, Stale> {
                match (self, handle) {
                    $((AnyDirectory::$name(it), AnyHandle::$name(own)) => {
                        it.settings(own).map(AnySnapshot::$name)
                    })*
                    _ => unreachable!("{OWN}"),
                }
            }

            fn restored(&self) -> Option<Restored<AnyHandle>> {
                Some(match self {
                    $(AnyDirectory::$name(it) => {
                        let Restored { handle, name, deadline, generation } = it.poll_restored()?;
                        let handle = AnyHandle::$name(handle);
                        Restored { handle, name, deadline, generation }
                    })*
                })
            }

            fn challenge(&self, user: Option<&AnyHandle>, name: &[u8], begins: bool) -> bool {
                match self {
                    $(AnyDirectory::$name(it) => {
                        let user = user.map(|user| match user {
                            AnyHandle::$name(own) => own,
                            _ => unreachable!("{OWN}"),
                        });
                        if begins {
                            return it.begin_challenge(user, name);
                        }
                        it.end_challenge(user, name);
                        true
                    })*
                }
            }
        }
    };
}

any! {
    Shipped: Catalog<Audited>,
    List: Specimen2007<Audited>,
    Rebuild: RebuildInPlace<Audited>,
    StrandsShipped: Catalog<Strands>,
    StrandsList: Specimen2007<Strands>,
    StrandsRebuild: RebuildInPlace<Strands>,
    ShuttleShipped: Catalog<Shuttle>,
    ShuttleList: Specimen2007<Shuttle>,
    ShuttleRebuild: RebuildInPlace<Shuttle>,
    LoomShipped: Catalog<Loom>,
    LoomList: Specimen2007<Loom>,
    LoomRebuild: RebuildInPlace<Loom>,
}

/// What an empty directory is to have, whatever its design.
pub(crate) struct Setup<F: Family> {
    pub(crate) hash_key: HashKey,
    /// Into how many shards the hash tables of a catalog are cut.
    pub(crate) shards: usize,
    pub(crate) token_key: TokenKey,
    pub(crate) has_database: bool,
    pub(crate) ledger: F::Ledger,
}

/// An empty directory of a design.
pub(crate) fn empty<F: Family>(design: Design, setup: Setup<F>) -> AnyDirectory
where
    Catalog<F>: Into<AnyDirectory>,
    Specimen2007<F>: Into<AnyDirectory>,
    RebuildInPlace<F>: Into<AnyDirectory>,
{
    match design {
        Design::Shipped => catalog(setup).into(),
        Design::Specimen2007 => Specimen2007::<F>::new(setup.token_key, setup.has_database).into(),
        Design::RebuildInPlace => RebuildInPlace::<F>::new(
            setup.ledger,
            setup.hash_key,
            setup.token_key,
            setup.has_database,
        )
        .into(),
    }
}

/// An empty catalog: the directory that ships.
pub(crate) fn catalog<F: Family>(setup: Setup<F>) -> Catalog<F> {
    Catalog::new(CatalogOptions {
        hash_key: setup.hash_key,
        shards: setup.shards,
        container: Kind::Hash,
        token_key: setup.token_key,
        database: setup.has_database,
        dialogues_max: 32_766,
        ledger: setup.ledger,
    })
}

impl Directory for AnyDirectory {
    type Handle = AnyHandle;
    type Snapshot = AnySnapshot;

    #[track_caller]
    fn find(&self, role: Role, name: &str) -> Lookup<AnyHandle> {
        wrap!(self, AnyHandle, it => it.find(role, name))
    }

    #[track_caller]
    fn take_answer(&self, query: QueryId) -> Lookup<AnyHandle> {
        wrap!(self, AnyHandle, it => it.take_answer(query))
    }

    #[track_caller]
    fn find_peer_at(&self, address: SocketAddr, now: Instant) -> Option<AnyHandle> {
        wrap!(self, AnyHandle, it => it.find_peer_at(address, now))
    }

    #[track_caller]
    fn settings(&self, handle: &AnyHandle) -> Result<AnySnapshot, Stale> {
        self.settings_of(handle)
    }

    #[track_caller]
    fn read<R>(
        &self,
        snapshot: &AnySnapshot,
        read: impl FnOnce(&Settings) -> R,
    ) -> Result<R, Stale> {
        with!(self, AnySnapshot(snapshot), it, own => it.read(own, read))
    }

    #[track_caller]
    fn contact(&self, handle: &AnyHandle, now: Instant) -> Result<Option<Contact>, Stale> {
        with!(self, AnyHandle(handle), it, own => it.contact(own, now))
    }

    #[track_caller]
    fn register(
        &self,
        handle: &AnyHandle,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Written, Refused> {
        with!(self, AnyHandle(handle), it, own => it.register(own, address, deadline))
    }

    #[track_caller]
    fn release(&self, handle: &AnyHandle) -> Result<Written, Refused> {
        with!(self, AnyHandle(handle), it, own => it.release(own))
    }

    #[track_caller]
    fn take_stored(&self, handle: &AnyHandle, generation: Generation) -> Storing {
        with!(self, AnyHandle(handle), it, own => it.take_stored(own, generation))
    }

    #[track_caller]
    fn withdraw(&self, handle: &AnyHandle, generation: Generation) -> Storing {
        with!(self, AnyHandle(handle), it, own => it.withdraw(own, generation))
    }

    #[track_caller]
    fn poll_restored(&self) -> Option<Restored<AnyHandle>> {
        self.restored()
    }

    #[track_caller]
    fn expire(
        &self,
        handle: &AnyHandle,
        generation: Generation,
        now: Instant,
    ) -> Result<Expiry, Stale> {
        with!(self, AnyHandle(handle), it, own => it.expire(own, generation, now))
    }

    #[track_caller]
    fn reachability(&self, handle: &AnyHandle) -> Result<Reachability, Stale> {
        with!(self, AnyHandle(handle), it, own => it.reachability(own))
    }

    #[track_caller]
    fn note_reachability(
        &self,
        handle: &AnyHandle,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Stale> {
        with!(self, AnyHandle(handle), it, own => it.note_reachability(own, generation, reachability))
    }

    #[track_caller]
    fn find_guest(&self, ip: IpAddr) -> Option<AnyHandle> {
        wrap!(self, AnyHandle, it => it.find_guest(ip))
    }

    fn general(&self) -> General {
        each!(self, it => it.general())
    }

    fn token_key(&self) -> TokenKey {
        each!(self, it => it.token_key())
    }

    fn token_keys(&self, now: Instant) -> TokenKeys {
        each!(self, it => it.token_keys(now))
    }

    fn watch(&self, handle: &AnyHandle, worker: WorkerId) {
        with!(self, AnyHandle(handle), it, own => it.watch(own, worker));
    }

    fn watcher(&self, handle: &AnyHandle) -> Option<WorkerId> {
        with!(self, AnyHandle(handle), it, own => it.watcher(own))
    }

    fn claim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
        each!(self, it => it.claim(from, worker));
    }

    fn unclaim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
        each!(self, it => it.unclaim(from, worker));
    }

    fn claimant(&self, from: (SocketAddr, CallNumber)) -> Option<WorkerId> {
        each!(self, it => it.claimant(from))
    }

    fn claimants(&self, remote: SocketAddr) -> Vec<WorkerId> {
        each!(self, it => it.claimants(remote))
    }

    fn admit(&self, ip: IpAddr, is_validated: bool) -> Option<Ticket> {
        each!(self, it => it.admit(ip, is_validated))
    }

    fn leave(&self, ticket: Ticket) {
        each!(self, it => it.leave(ticket));
    }

    fn is_token_required(&self, role: Role, name: &str, ip: IpAddr) -> bool {
        each!(self, it => it.is_token_required(role, name, ip))
    }

    fn note_token(&self, role: Role, name: &str) {
        each!(self, it => it.note_token(role, name));
    }

    fn begin_challenge(&self, user: Option<&AnyHandle>, name: &[u8]) -> bool {
        self.challenge(user, name, true)
    }

    fn end_challenge(&self, user: Option<&AnyHandle>, name: &[u8]) {
        self.challenge(user, name, false);
    }
}

impl Administer for AnyDirectory {
    fn reload(&self, configuration: Configuration) {
        each!(self, it => Administer::reload(it, configuration));
    }

    fn prune(&self, role: Role, name: &str) -> bool {
        each!(self, it => Administer::prune(it, role, name))
    }

    fn unregister(&self, name: &str) -> Unregistered {
        each!(self, it => Administer::unregister(it, name))
    }

    fn poll_question(&self) -> Option<Question> {
        each!(self, it => Administer::poll_question(it))
    }

    fn answer(&self, query: QueryId, answer: Answer, now: Instant) {
        each!(self, it => Administer::answer(it, query, answer, now));
    }

    fn poll_write(&self) -> Option<Write> {
        each!(self, it => Administer::poll_write(it))
    }

    fn stored(&self, name: &str, generation: Generation) {
        each!(self, it => Administer::stored(it, name, generation));
    }

    fn not_stored(&self, name: &str, generation: Generation) {
        each!(self, it => Administer::not_stored(it, name, generation));
    }

    fn restore(&self, stored: Write, now: Instant) {
        each!(self, it => Administer::restore(it, stored, now));
    }
}

impl Observe for AnyDirectory {
    fn live_objects(&self) -> usize {
        each!(self, it => Observe::live_objects(it))
    }

    fn faults(&self) -> Vec<String> {
        each!(self, it => Observe::faults(it))
    }

    fn ledger_report(&self) -> String {
        each!(self, it => Observe::ledger_report(it))
    }

    fn references(&self) -> Option<References> {
        each!(self, it => Observe::references(it))
    }

    fn unvalidated(&self) -> Option<usize> {
        each!(self, it => Observe::unvalidated(it))
    }

    fn parked(&self, name: &str) -> Option<Option<Contact>> {
        each!(self, it => Observe::parked(it, name))
    }

    fn linked_peers(&self) -> Vec<AnyHandle> {
        self.peers()
    }

    fn visit_peers(&self, now: Instant, visitor: PeerVisitor<'_>) {
        each!(self, it => Observe::visit_peers(it, now, visitor));
    }
}
