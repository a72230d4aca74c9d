//! Several endpoints joined by a little network in memory: what one sends, the other gets a moment later. With a ladder of
//! all frames, and a way to lose some.

#![expect(
    clippy::disallowed_types,
    reason = "workers of a server share their directory by it, and no explorer looks on"
)]

use core::fmt::Write;
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::engine::directory::TokenKey;
use iaxproof::engine::settings::Configuration;
use iaxproof::engine::{Endpoint, EndpointOptions, Event, Route, Transmit, WorkerId, Workers};
use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, HashKey};
use iaxproof::time::Instant;
use iaxproof::wire::Frame;

/// How long a datagram is on its way.
pub(crate) const DELAY: Duration = Duration::from_millis(10);

pub(crate) type Shared = Arc<Catalog<Audited>>;

/// One endpoint and what it told.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) endpoint: Endpoint<Shared>,
    /// A second worker, if there is one.
    pub(crate) beside: Option<Endpoint<Shared>>,
    /// Whose datagrams come by the second worker's socket.
    pub(crate) arrive_beside: Vec<SocketAddr>,
    pub(crate) events: Vec<Event>,
}

impl Node {
    /// A datagram came by the socket of one of the workers.
    pub(crate) fn take(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Some(beside) = &mut self.beside else {
            self.endpoint.handle_datagram(now, from, datagram);
            return;
        };
        let (here, there) = match self.arrive_beside.contains(&from) {
            true => (beside, &mut self.endpoint),
            false => (&mut self.endpoint, beside),
        };
        match here.route(from, datagram) {
            Route::There(_) if there.keeps(from, datagram) => {
                there.handle_datagram(now, from, datagram);
            }
            Route::Here | Route::There(_) => here.handle_datagram(now, from, datagram),
            Route::Shared(_) => {
                here.handle_datagram(now, from, datagram);
                there.handle_datagram(now, from, datagram);
            }
        }
    }

    /// The node has a second worker from now on, at whose socket these arrive.
    pub(crate) fn split(&mut self, arrive_beside: &[SocketAddr]) {
        let catalog = Arc::clone(self.endpoint.directory());
        self.endpoint = worker(0, &catalog);
        self.beside = Some(worker(1, &catalog));
        self.arrive_beside = arrive_beside.to_vec();
    }

    /// All workers.
    pub(crate) fn workers(&mut self) -> impl Iterator<Item = &mut Endpoint<Shared>> {
        core::iter::once(&mut self.endpoint).chain(&mut self.beside)
    }
}

/// The nodes and the datagrams between them.
pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    pub(crate) ladder: String,
    /// Whether a datagram, the nth of all, is lost.
    #[expect(clippy::type_complexity, reason = "a test says what it loses in place")]
    pub(crate) loses: Box<dyn FnMut(usize, SocketAddr, &[u8]) -> bool>,
    sent_so_far: usize,
    // In the order of their arrival: all take equally long.
    wires: std::collections::VecDeque<(Instant, SocketAddr, Transmit)>,
}

/// One of two workers.
pub(crate) fn worker(me: u16, catalog: &Shared) -> Endpoint<Shared> {
    let options = EndpointOptions {
        workers: Workers::new(WorkerId(me), 2),
        ..EndpointOptions::default()
    };
    Endpoint::new(options, [me as u8 + 1; 32], Arc::clone(catalog))
}

pub(crate) fn catalog(last: u8, database: bool) -> Catalog<Audited> {
    Catalog::new(CatalogOptions {
        hash_key: HashKey(3, u64::from(last)),
        shards: 4,
        container: Kind::Hash,
        token_key: TokenKey([last; 32]),
        database,
        dialogues_max: 32_766,
        ledger: Book::default(),
    })
}

impl Net {
    pub(crate) fn new() -> Self {
        Net {
            now: Instant::from_secs(1000),
            nodes: Vec::new(),
            ladder: String::new(),
            loses: Box::new(|_, _, _| false),
            sent_so_far: 0,
            wires: std::collections::VecDeque::new(),
        }
    }

    /// Adds a node at 192.0.2.`last`.
    pub(crate) fn add(&mut self, name: &'static str, last: u8, configuration: Configuration) {
        let catalog = catalog(last, false);
        catalog.reload(configuration);
        self.nodes.push(Node {
            name,
            address: SocketAddr::from(([192, 0, 2, last], 4569)),
            endpoint: Endpoint::new(EndpointOptions::default(), [last; 32], Arc::new(catalog)),
            beside: None,
            arrive_beside: Vec::new(),
            events: Vec::new(),
        });
    }

    pub(crate) fn node(&mut self, name: &str) -> &mut Node {
        let node = self.nodes.iter_mut().find(|node| node.name == name);
        node.expect("a node of the test")
    }

    /// Does something with one endpoint, and sends what comes of it.
    pub(crate) fn at<R>(
        &mut self,
        name: &str,
        act: impl FnOnce(Instant, &mut Endpoint<Shared>) -> R,
    ) -> R {
        let now = self.now;
        let done = act(now, &mut self.node(name).endpoint);
        self.drain();
        done
    }

    /// Lets time pass, delivering and firing what is due on the way.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.next_due().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.deliver_due();
            let now = self.now;
            for worker in self.nodes.iter_mut().flat_map(Node::workers) {
                if worker.poll_timeout().is_some_and(|(at, _)| at <= now) {
                    worker.handle_timeout(now);
                }
            }
            self.drain();
        }
        self.now = end;
    }

    fn next_due(&mut self) -> Option<Instant> {
        let workers = self.nodes.iter_mut().flat_map(Node::workers);
        let timers = workers.filter_map(|it| it.poll_timeout());
        let arrival = self.wires.front().map(|(at, ..)| *at);
        timers.map(|(at, _)| at).chain(arrival).min()
    }

    fn deliver_due(&mut self) {
        while let Some((at, from, transmit)) = self.wires.pop_front() {
            if at > self.now {
                self.wires.push_front((at, from, transmit));
                return;
            }
            let now = self.now;
            let to = transmit.destination;
            if let Some(node) = self.nodes.iter_mut().find(|node| node.address == to) {
                node.take(now, from, &transmit.payload);
            }
            self.drain();
        }
    }

    /// Takes what the endpoints want sent and told.
    pub(crate) fn drain(&mut self) {
        for i in 0..self.nodes.len() {
            let mut transmits = Vec::new();
            let mut events = Vec::new();
            for worker in self.nodes[i].workers() {
                transmits.extend(core::iter::from_fn(|| worker.poll_transmit()));
                events.extend(core::iter::from_fn(|| worker.poll_event()));
            }
            for transmit in transmits {
                self.send(self.nodes[i].address, transmit);
            }
            for event in events {
                let (clock, name) = (self.clock(), self.nodes[i].name);
                let _ = writeln!(self.ladder, "{clock} {name:<6} ** {event:?}");
                self.nodes[i].events.push(event);
            }
        }
    }

    fn send(&mut self, from: SocketAddr, transmit: Transmit) {
        let is_lost = (self.loses)(self.sent_so_far, from, &transmit.payload);
        self.sent_so_far += 1;
        let shown = Frame::parse(&transmit.payload).map(|frame| frame.to_string());
        let shown = shown.unwrap_or_else(|error| error.to_string());
        let (clock, sender) = (self.clock(), self.name_of(from));
        let receiver = self.name_of(transmit.destination);
        let arrow = if is_lost { "-x" } else { "->" };
        let _ = writeln!(
            self.ladder,
            "{clock} {sender:<6} {arrow} {receiver:<6} {shown}"
        );
        if !is_lost {
            self.wires.push_back((self.now + DELAY, from, transmit));
        }
    }

    fn name_of(&self, address: SocketAddr) -> String {
        let node = self.nodes.iter().find(|node| node.address == address);
        node.map_or_else(|| address.to_string(), |node| node.name.to_owned())
    }

    fn clock(&self) -> String {
        let since = self.now.saturating_since(Instant::from_secs(1000));
        format!("{:>7.3}", since.as_secs_f64())
    }
}
