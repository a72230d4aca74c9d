//! A directory that is shared is a directory: every call goes to the one that is meant, with the caller's line. Nothing is decided here.

#![expect(
    clippy::disallowed_types,
    reason = "threads of a server share their directory by it; the engine itself does not"
)]

use std::sync::Arc;

use super::*;

macro_rules! pass_on {
    ($($shared:ty),*) => {$(
        /// A directory is shared by holding it by reference.
        impl<D: Directory + ?Sized> Directory for $shared {
            type Handle = D::Handle;
            type Snapshot = D::Snapshot;

            #[track_caller]
            fn find(&self, role: Role, name: &str) -> Lookup<D::Handle> {
                (**self).find(role, name)
            }

            fn take_answer(&self, query: QueryId) -> Lookup<D::Handle> {
                (**self).take_answer(query)
            }

            #[track_caller]
            fn find_peer_at(&self, address: SocketAddr, now: Instant) -> Option<D::Handle> {
                (**self).find_peer_at(address, now)
            }

            #[track_caller]
            fn settings(&self, handle: &D::Handle) -> Result<D::Snapshot, Stale> {
                (**self).settings(handle)
            }

            fn read<R>(
                &self,
                snapshot: &D::Snapshot,
                read: impl FnOnce(&Settings) -> R,
            ) -> Result<R, Stale> {
                (**self).read(snapshot, read)
            }

            fn contact(&self, handle: &D::Handle, now: Instant) -> Result<Option<Contact>, Stale> {
                (**self).contact(handle, now)
            }

            fn register(
                &self,
                handle: &D::Handle,
                address: SocketAddr,
                deadline: Instant,
            ) -> Result<Written, Refused> {
                (**self).register(handle, address, deadline)
            }

            fn release(&self, handle: &D::Handle) -> Result<Written, Refused> {
                (**self).release(handle)
            }

            fn take_stored(&self, handle: &D::Handle, generation: Generation) -> Storing {
                (**self).take_stored(handle, generation)
            }

            fn withdraw(&self, handle: &D::Handle, generation: Generation) -> Storing {
                (**self).withdraw(handle, generation)
            }

            fn poll_restored(&self) -> Option<Restored<D::Handle>> {
                (**self).poll_restored()
            }

            fn expire(
                &self,
                handle: &D::Handle,
                generation: Generation,
                now: Instant,
            ) -> Result<Expiry, Stale> {
                (**self).expire(handle, generation, now)
            }

            fn reachability(&self, handle: &D::Handle) -> Result<Reachability, Stale> {
                (**self).reachability(handle)
            }

            fn note_reachability(
                &self,
                handle: &D::Handle,
                generation: Generation,
                reachability: Reachability,
            ) -> Result<Noted, Stale> {
                (**self).note_reachability(handle, generation, reachability)
            }

            fn watch(&self, handle: &D::Handle, worker: WorkerId) {
                (**self).watch(handle, worker);
            }

            fn watcher(&self, handle: &D::Handle) -> Option<WorkerId> {
                (**self).watcher(handle)
            }

            #[track_caller]
            fn find_guest(&self, ip: IpAddr) -> Option<D::Handle> {
                (**self).find_guest(ip)
            }

            fn general(&self) -> General {
                (**self).general()
            }

            fn token_key(&self) -> TokenKey {
                (**self).token_key()
            }

            fn token_keys(&self, now: Instant) -> TokenKeys {
                (**self).token_keys(now)
            }

            fn claim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
                (**self).claim(from, worker);
            }

            fn unclaim(&self, from: (SocketAddr, CallNumber), worker: WorkerId) {
                (**self).unclaim(from, worker);
            }

            fn claimant(&self, from: (SocketAddr, CallNumber)) -> Option<WorkerId> {
                (**self).claimant(from)
            }

            fn claimants(&self, remote: SocketAddr) -> Vec<WorkerId> {
                (**self).claimants(remote)
            }

            fn admit(&self, ip: IpAddr, is_validated: bool) -> Option<Ticket> {
                (**self).admit(ip, is_validated)
            }

            fn leave(&self, ticket: Ticket) {
                (**self).leave(ticket);
            }

            fn is_token_required(&self, role: Role, name: &str, ip: IpAddr) -> bool {
                (**self).is_token_required(role, name, ip)
            }

            fn note_token(&self, role: Role, name: &str) {
                (**self).note_token(role, name);
            }

            fn begin_challenge(&self, user: Option<&D::Handle>, name: &[u8]) -> bool {
                (**self).begin_challenge(user, name)
            }

            fn end_challenge(&self, user: Option<&D::Handle>, name: &[u8]) {
                (**self).end_challenge(user, name);
            }
        }
    )*};
}

pass_on!(&D, Arc<D>);
