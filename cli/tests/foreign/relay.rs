//! A relay between one client and a server. It changes nothing and keeps all, so that a capture needs no rights.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::clock;
use super::pcap::Datagram;

/// How often it looks whether it shall end.
const LOOK: Duration = Duration::from_millis(50);
/// More than any datagram of IAX2 has.
const DATAGRAM_MAX: usize = 4096;

/// A relay that is at work.
pub(crate) struct Relay {
    front: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Where the client sends to.
    front: UdpSocket,
    /// Whom the server sees.
    back: UdpSocket,
    server: SocketAddr,
    client: Mutex<Option<SocketAddr>>,
    kept: Mutex<Vec<Datagram>>,
    began: Instant,
    is_over: AtomicBool,
}

impl Relay {
    /// Begins.
    pub(crate) fn to(server: SocketAddr) -> Self {
        let socket = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_read_timeout(Some(LOOK)).unwrap();
            socket
        };
        let shared = Arc::new(Shared {
            front: socket(),
            back: socket(),
            server,
            client: Mutex::new(None),
            kept: Mutex::new(Vec::new()),
            began: clock::now(),
            is_over: AtomicBool::new(false),
        });
        let run = |work: fn(&Shared)| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                while !shared.is_over.load(Ordering::Relaxed) {
                    work(&shared);
                }
            })
        };
        Relay {
            front: shared.front.local_addr().unwrap(),
            threads: vec![run(Shared::forth), run(Shared::back)],
            shared,
        }
    }

    /// What the client takes for the server.
    pub(crate) const fn front(&self) -> SocketAddr {
        self.front
    }

    /// What was kept so far, as if client and server had talked without it.
    pub(crate) fn kept(&self) -> Vec<Datagram> {
        self.shared.kept.lock().unwrap().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Passes a datagram of the client on.
    fn forth(&self) {
        let mut buffer = [0; DATAGRAM_MAX];
        if let Ok((len, client)) = self.front.recv_from(&mut buffer) {
            *self.client.lock().unwrap() = Some(client);
            self.keep(client, self.server, &buffer[..len]);
            self.back.send_to(&buffer[..len], self.server).unwrap();
        }
    }

    /// Passes a datagram of the server on.
    fn back(&self) {
        let mut buffer = [0; DATAGRAM_MAX];
        if let Ok((len, _)) = self.back.recv_from(&mut buffer) {
            let client = self
                .client
                .lock()
                .unwrap()
                .expect("the client speaks first");
            self.keep(self.server, client, &buffer[..len]);
            self.front.send_to(&buffer[..len], client).unwrap();
        }
    }

    fn keep(&self, source: SocketAddr, destination: SocketAddr, octets: &[u8]) {
        self.kept.lock().unwrap().push(Datagram {
            at: self.began.elapsed(),
            source,
            destination,
            octets: octets.to_vec(),
        });
    }
}
