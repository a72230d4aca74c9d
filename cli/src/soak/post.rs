//! What threads of a soak tell a worker: datagrams, which may be lost when it is behind, and news, which are not.

use core::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use iaxproof::engine::directory::{QueryId, StoreId};

/// Datagrams that wait for a worker; more are lost, as in the buffer of a socket.
const PARCELS_MAX: usize = 1_024;

/// A datagram.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) payload: Vec<u8>,
}

/// What all workers are told. An answer is for the one that asked.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// The catalog has the answer to a question.
    Answered(QueryId),
    /// The catalog knows what the store said.
    Stored(StoreId),
    /// A configuration is in force.
    Reloaded,
}

/// Where workers are written to.
#[derive(Clone, Debug)]
pub(super) struct Post(Vec<(Sender<News>, SyncSender<Parcel>)>);

/// What came for one worker.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) news: Receiver<News>,
    pub(super) parcels: Receiver<Parcel>,
}

impl Post {
    /// As many mailboxes as there are workers.
    pub(super) fn new(workers: usize) -> (Self, Vec<Mailbox>) {
        let one = |_| {
            let ((to_news, news), (to_parcels, parcels)) = (channel(), sync_channel(PARCELS_MAX));
            ((to_news, to_parcels), Mailbox { news, parcels })
        };
        let (post, mailboxes) = (0..workers).map(one).unzip();
        (Post(post), mailboxes)
    }

    /// Sends a datagram to a thread. It is lost where that is behind, or has ended.
    pub(super) fn send(&self, thread: usize, parcel: Parcel) {
        let _is_taken = self.0[thread].1.try_send(parcel);
    }

    /// Tells one worker. One that has ended takes nothing.
    pub(super) fn tell(&self, thread: usize, news: News) {
        let _is_taken = self.0[thread].0.send(news);
    }

    /// Tells all workers.
    pub(super) fn tell_all(&self, news: &News) {
        for thread in 0..self.0.len() {
            self.tell(thread, news.clone());
        }
    }
}
