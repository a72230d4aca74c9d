//! Several endpoints joined by a little network in memory: what one sends, the other gets a moment later. With a ladder of
//! all frames, and a way to lose some.

use core::fmt::Write;
use core::net::SocketAddr;
use core::time::Duration;

use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::engine::directory::TokenKey;
use iaxproof::engine::settings::Configuration;
use iaxproof::engine::{Endpoint, EndpointOptions, Event, Transmit};
use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, HashKey};
use iaxproof::time::Instant;
use iaxproof::wire::Frame;

/// How long a datagram is on its way.
pub(crate) const DELAY: Duration = Duration::from_millis(10);

/// One endpoint and what it told.
pub(crate) struct Node {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) endpoint: Endpoint<Catalog<Audited>>,
    pub(crate) events: Vec<Event>,
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
        let catalog = Catalog::new(CatalogOptions {
            hash_key: HashKey(3, u64::from(last)),
            shards: 4,
            container: Kind::Hash,
            token_key: TokenKey([last; 32]),
            database: false,
            dialogues_max: 32_766,
            ledger: Book::default(),
        });
        catalog.reload(configuration);
        self.nodes.push(Node {
            name,
            address: SocketAddr::from(([192, 0, 2, last], 4569)),
            endpoint: Endpoint::new(EndpointOptions::default(), [last; 32], catalog),
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
        act: impl FnOnce(Instant, &mut Endpoint<Catalog<Audited>>) -> R,
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
            for node in &mut self.nodes {
                if node
                    .endpoint
                    .poll_timeout()
                    .is_some_and(|(at, _)| at <= now)
                {
                    node.endpoint.handle_timeout(now);
                }
            }
            self.drain();
        }
        self.now = end;
    }

    fn next_due(&self) -> Option<Instant> {
        let timers = self.nodes.iter().filter_map(|n| n.endpoint.poll_timeout());
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
                node.endpoint.handle_datagram(now, from, &transmit.payload);
            }
            self.drain();
        }
    }

    /// Takes what the endpoints want sent and told.
    pub(crate) fn drain(&mut self) {
        for i in 0..self.nodes.len() {
            while let Some(transmit) = self.nodes[i].endpoint.poll_transmit() {
                self.send(self.nodes[i].address, transmit);
            }
            while let Some(event) = self.nodes[i].endpoint.poll_event() {
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
