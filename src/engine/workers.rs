//! Several workers behind one address (design: an endpoint belongs to one worker; workers share the directory). Whose is a datagram
//! that came by one worker's socket? `route` says which dialogue's, of one endpoint; this file, which endpoint's.
//!
//! - The system sends everything from one remote address to one socket (`SO_REUSEPORT`): who opens a dialogue there opens it with the
//!   worker of that socket, and its media come there. Nothing is handed over then.
//! - Call numbers are sliced by worker, so a full frame that names one of ours says whose it is: an answer to a call that another
//!   worker placed, or the third party of a transfer.
//! - What names no number of ours (media, trunks, a repeated opener), of a dialogue whose other side arrives at another worker's socket,
//!   is found by a *claim*, which its worker leaves in the directory.
//!
//! So a dialogue, with its bridge and its transfer, stays with one worker from its first frame to its last, whatever address it moves to:
//! nothing is detached, and no leg needs another thread.
//!
//! # Deviations
//!
//! - Audio to an address that arrives at another worker goes by mini frames also where the settings say trunk: two workers would be two
//!   trunks with two clocks to one address, which the other side takes for one.
//! - The limits of INVALs and PONGs for one address hold for each worker, whose addresses differ in port.

use core::net::SocketAddr;
use core::ops::RangeInclusive;

use super::Endpoint;
use super::directory::Directory;
use crate::wire::{Body, CallNumber, Frame, FullFrame, Head, IaxCommand};

/// Which of the workers that share a directory and their local addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u16);

/// A worker, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    me: WorkerId,
    count: u16,
}

/// The most workers: each has call numbers for a thousand dialogues then.
pub const WORKERS_MAX: u16 = 32;

/// Whose a datagram is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// This worker's.
    Here,
    /// That worker's.
    There(WorkerId),
    /// This worker's and those workers': a trunk frame with audio of calls of several.
    Shared(Vec<WorkerId>),
}

impl Workers {
    /// The only one.
    pub const ALONE: Workers = Workers {
        me: WorkerId(0),
        count: 1,
    };

    /// The worker `me` of `count`.
    ///
    /// # Panics
    ///
    /// Where there is no such worker among them, or there are more than [`WORKERS_MAX`].
    pub fn new(me: WorkerId, count: u16) -> Self {
        assert!(
            me.0 < count && count <= WORKERS_MAX,
            "{me:?} is none of {count} workers"
        );
        Workers { me, count }
    }

    /// Which one this is.
    pub const fn me(self) -> WorkerId {
        self.me
    }

    /// Whether it is the only one.
    pub const fn is_alone(self) -> bool {
        self.count == 1
    }

    /// The numbers of a pool that are this worker's. The slices of all workers are the pool, each number once.
    pub fn slice(self, pool: &RangeInclusive<u16>) -> RangeInclusive<u16> {
        let first = |worker: u16| {
            let len = pool.len() as u32;
            let offset = (u32::from(worker) * len).div_ceil(self.count.into());
            *pool.start() + offset as u16
        };
        first(self.me.0)..=first(self.me.0 + 1) - 1
    }

    /// Whose a number of a pool is; `None` for one outside.
    pub fn owner(self, pool: &RangeInclusive<u16>, number: CallNumber) -> Option<WorkerId> {
        let offset = number.get().checked_sub(*pool.start())?;
        let is_in = usize::from(offset) < pool.len();
        let worker = u32::from(offset) * u32::from(self.count) / pool.len() as u32;
        is_in.then_some(WorkerId(worker as u16))
    }
}

impl<D: Directory> Endpoint<D> {
    /// Whose is a datagram that came by this worker's socket?
    pub fn route(&self, remote: SocketAddr, datagram: &[u8]) -> Route {
        if self.context.options.workers.is_alone() {
            return Route::Here;
        }
        match Head::peek(datagram) {
            Some(Head::Full {
                source,
                destination,
            }) => self.route_full((remote, source), destination),
            Some(Head::Mini { source }) => self.route_media((remote, source)),
            None => self.route_meta(remote, datagram),
        }
    }

    fn route_full(&self, from: (SocketAddr, CallNumber), destination: CallNumber) -> Route {
        let options = &self.context.options;
        match options.workers.owner(&options.call_numbers, destination) {
            Some(owner) if owner == options.workers.me() => Route::Here,
            Some(owner) => Route::There(owner),
            None => self.route_media(from),
        }
    }

    /// What names no number of ours.
    fn route_media(&self, from: (SocketAddr, CallNumber)) -> Route {
        if self.by_remote.contains_key(&from) || self.by_third.contains_key(&from) {
            return Route::Here;
        }
        let claimant = self.context.directory.claimant(from);
        match claimant.filter(|it| *it != self.context.options.workers.me()) {
            Some(claimant) => Route::There(claimant),
            None => Route::Here,
        }
    }

    fn route_meta(&self, remote: SocketAddr, datagram: &[u8]) -> Route {
        match Frame::parse(datagram) {
            Ok(Frame::MiniVideo(frame)) => self.route_media((remote, frame.source())),
            Ok(Frame::Meta(_)) => {
                let mut others = self.context.directory.claimants(remote);
                others.retain(|it| *it != self.context.options.workers.me());
                match others.is_empty() {
                    true => Route::Here,
                    false => Route::Shared(others),
                }
            }
            _ => Route::Here,
        }
    }

    /// Whether this endpoint has something to say to a full frame that another worker handed over because it names a number of this
    /// worker's. If not, that worker is to handle it as its own: it alone knows the dialogues of those who arrive there.
    pub fn keeps(&self, remote: SocketAddr, datagram: &[u8]) -> bool {
        let Some(Head::Full {
            source,
            destination,
        }) = Head::peek(datagram)
        else {
            return true;
        };
        let from = (remote, source);
        let named = self.dialogues.get(&destination);
        let is_known = self.by_remote.contains_key(&from) || self.by_third.contains_key(&from);
        is_known || named.is_some_and(|named| named.link.remote == remote || is_txcnt(datagram))
    }
}

/// What a third party may say to a call before that knows of it.
fn is_txcnt(datagram: &[u8]) -> bool {
    let frame = FullFrame::parse(datagram);
    frame.is_ok_and(|frame| {
        matches!(
            frame.body,
            Body::Iax {
                command: IaxCommand::TxCnt,
                ..
            }
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_of_the_pool_is_one_workers() {
        for (pool, count) in [
            (2..=32767, 1),
            (2..=32767, 2),
            (2..=32767, 7),
            (2..=100, 32),
        ] {
            let workers = (0..count).map(|me| Workers::new(WorkerId(me), count));
            let mut numbers = Vec::new();
            for worker in workers {
                let slice = worker.slice(&pool);
                assert!(slice.clone().all(|number| {
                    worker.owner(&pool, CallNumber::from_word(number)) == Some(worker.me())
                }));
                numbers.extend(slice);
            }
            assert!(numbers.into_iter().eq(pool.clone()));
        }
        let two = Workers::new(WorkerId(0), 2);
        for outside in [0, 1, 101] {
            let outside = CallNumber::from_word(outside);
            assert_eq!(two.owner(&(2..=100), outside), None);
        }
    }
}
