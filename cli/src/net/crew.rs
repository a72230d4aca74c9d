//! Several workers at the same addresses, each with its own sockets: what one receives and another must have.
//!
//! The system sends all that comes from one address to one worker's socket. Whose a datagram is the endpoint says
//! ([`Route`](iaxproof::engine::Route)); it is put into the other's inbox, which is limited, and that worker is woken.

use core::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use iaxproof::engine::WorkerId;
use mio::Waker;

/// Datagrams that wait for one worker; more are dropped, as a socket would.
const INBOX_MAX: usize = 4_096;

/// A datagram that came by the socket of another worker.
#[derive(Debug)]
pub(crate) struct Handed {
    /// Where it came from.
    pub(crate) from: SocketAddr,
    /// By which of the sockets: they have one order with all workers.
    pub(crate) socket: usize,
    pub(crate) octets: Box<[u8]>,
    /// Who is to have it back if it is nothing to the receiver; `None` where that has been tried.
    pub(crate) back_to: Option<WorkerId>,
}

/// What one worker has of the others.
#[derive(Debug)]
pub(crate) struct Crew {
    me: WorkerId,
    colleagues: Vec<(SyncSender<Handed>, Arc<Waker>)>,
    inbox: Receiver<Handed>,
}

impl Crew {
    /// One for each worker, whose rest its waker ends.
    pub(crate) fn of(wakers: &[Arc<Waker>]) -> Vec<Crew> {
        let (senders, inboxes): (Vec<_>, Vec<_>) =
            wakers.iter().map(|_| sync_channel(INBOX_MAX)).unzip();
        let colleagues: Vec<_> = senders.into_iter().zip(wakers.iter().cloned()).collect();
        let crew = inboxes.into_iter().enumerate().map(|(me, inbox)| Crew {
            me: WorkerId(me as u16),
            colleagues: colleagues.clone(),
            inbox,
        });
        crew.collect()
    }

    /// Hands a datagram over; whether there was room.
    pub(crate) fn hand(&self, to: WorkerId, datagram: Handed) -> bool {
        let Some((sender, waker)) = self.colleagues.get(usize::from(to.0)) else {
            return false;
        };
        let has_room = sender.try_send(datagram).is_ok();
        if let Err(error) = waker.wake() {
            tracing::error!(%error, "a worker cannot be woken");
        }
        has_room
    }

    /// Who this is.
    pub(crate) const fn me(&self) -> WorkerId {
        self.me
    }

    /// The next datagram that was handed over.
    pub(crate) fn take(&self) -> Option<Handed> {
        self.inbox.try_recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Token};

    #[test]
    fn a_full_inbox_takes_no_more_and_the_others_do() {
        let polls: Vec<Poll> = (0..2).map(|_| Poll::new().unwrap()).collect();
        let wakers = polls.iter().map(|it| Waker::new(it.registry(), Token(0)));
        let wakers: Vec<_> = wakers.map(|it| Arc::new(it.unwrap())).collect();
        let crew = Crew::of(&wakers);
        let datagram = || Handed {
            from: ([192, 0, 2, 1], 4569).into(),
            socket: 0,
            octets: Box::new([1]),
            back_to: Some(crew[0].me()),
        };
        assert!((0..INBOX_MAX).all(|_| crew[0].hand(WorkerId(1), datagram())));
        assert!(!crew[0].hand(WorkerId(1), datagram()));
        assert!(crew[1].hand(WorkerId(0), datagram()));
        assert!(!crew[0].hand(WorkerId(2), datagram()), "there is none");
        assert_eq!(core::iter::from_fn(|| crew[1].take()).count(), INBOX_MAX);
        assert_eq!(crew[0].take().unwrap().back_to, Some(WorkerId(0)));
    }
}
