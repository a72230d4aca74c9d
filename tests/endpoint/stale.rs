//! A directory that answers "stale": the endpoint reports it, lets the dialogue go without a word, and goes on.

use core::cell::Cell;
use core::net::SocketAddr;

use crate::bench::*;
use iaxproof::catalog::{Catalog, CatalogOptions, Kind};
use iaxproof::engine::directory::{
    Contact, Directory, Expiry, Generation, Lookup, Noted, QueryId, Reachability, Refused, Role,
    Stale, TokenKey, Written,
};
use iaxproof::engine::settings::{Configuration, General, Settings};
use iaxproof::engine::{Endpoint, EndpointOptions, Event};
use iaxproof::registry::{HashKey, Std};
use iaxproof::time::Instant;
use iaxproof::wire::{IaxCommand, InformationElement};

/// The catalog, until it turns brittle: then no handle and no snapshot is good any more.
struct Brittle {
    catalog: Catalog<Std>,
    is_stale: Cell<bool>,
}

impl Brittle {
    fn check(&self) -> Result<(), Stale> {
        match self.is_stale.get() {
            true => Err(Stale),
            false => Ok(()),
        }
    }
}

impl Directory for Brittle {
    type Handle = <Catalog<Std> as Directory>::Handle;
    type Snapshot = <Catalog<Std> as Directory>::Snapshot;

    fn find(&self, role: Role, name: &str) -> Lookup<Self::Handle> {
        self.catalog.find(role, name)
    }

    fn take_answer(&self, query: QueryId) -> Lookup<Self::Handle> {
        self.catalog.take_answer(query)
    }

    fn find_peer_at(&self, address: SocketAddr, now: Instant) -> Option<Self::Handle> {
        self.catalog.find_peer_at(address, now)
    }

    fn settings(&self, handle: &Self::Handle) -> Result<Self::Snapshot, Stale> {
        self.check()?;
        self.catalog.settings(handle)
    }

    fn read<R>(
        &self,
        snapshot: &Self::Snapshot,
        read: impl FnOnce(&Settings) -> R,
    ) -> Result<R, Stale> {
        self.check()?;
        self.catalog.read(snapshot, read)
    }

    fn contact(&self, handle: &Self::Handle, now: Instant) -> Result<Option<Contact>, Stale> {
        self.check()?;
        self.catalog.contact(handle, now)
    }

    fn register(
        &self,
        handle: &Self::Handle,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Written, Refused> {
        self.check()?;
        self.catalog.register(handle, address, deadline)
    }

    fn release(&self, handle: &Self::Handle) -> Result<Written, Refused> {
        self.check()?;
        self.catalog.release(handle)
    }

    fn expire(
        &self,
        handle: &Self::Handle,
        generation: Generation,
        now: Instant,
    ) -> Result<Expiry, Stale> {
        self.check()?;
        self.catalog.expire(handle, generation, now)
    }

    fn reachability(&self, handle: &Self::Handle) -> Result<Reachability, Stale> {
        self.check()?;
        self.catalog.reachability(handle)
    }

    fn note_reachability(
        &self,
        handle: &Self::Handle,
        generation: Generation,
        reachability: Reachability,
    ) -> Result<Noted, Stale> {
        self.check()?;
        self.catalog
            .note_reachability(handle, generation, reachability)
    }

    fn token_key(&self) -> TokenKey {
        self.catalog.token_key()
    }
}

fn bench() -> Bench<Brittle> {
    let catalog = Catalog::new(CatalogOptions {
        hash_key: HashKey(3, 5),
        shards: 4,
        container: Kind::Hash,
        token_key: TokenKey([7; 32]),
        database: false,
        dialogues_max: 32_766,
        ledger: Default::default(),
    });
    catalog.reload(Configuration {
        general: General::default(),
        entries: entries(),
    });
    let is_stale = Cell::new(false);
    let endpoint = Endpoint::new(
        EndpointOptions::default(),
        SEED,
        Brittle { catalog, is_stale },
    );
    Bench::over(endpoint, Default::default())
}

fn stale_events(bench: &Bench<Brittle>) -> Vec<&'static str> {
    bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StaleHandle { what } => Some(*what),
            _ => None,
        })
        .collect()
}

#[test]
fn a_stale_peer_ends_its_registration_without_a_word() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "alice", 60);
    let result = client.result("wonder");
    client.received.clear();
    bench.endpoint.directory().is_stale.set(true);
    let ies = [
        InformationElement::Username(b"alice"),
        InformationElement::Md5Result(&result),
    ];
    client.send_iax(&mut bench, IaxCommand::RegReq, &ies);
    assert_eq!(client.words(), ["ACK"]);
    assert_eq!(stale_events(&bench), ["verifying a registration"]);
    let counts = bench.endpoint.counts();
    assert_eq!((counts.dialogues(), counts.timers), (0, 0));
}

#[test]
fn a_stale_user_ends_its_call_without_a_word() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.new_call(&mut bench, "alice", "100");
    bench.endpoint.directory().is_stale.set(true);
    client.authrep(&mut bench, "wonder");
    assert_eq!(client.words(), ["AUTHREQ", "ACK"]);
    assert_eq!(stale_events(&bench), ["verifying a call"]);
    let counts = bench.endpoint.counts();
    assert_eq!((counts.dialogues(), counts.timers), (0, 0));
}

#[test]
fn a_stale_timer_is_reported() {
    let mut bench = bench();
    let mut client = Client::new(1, 500);
    client.register(&mut bench, "alice", "wonder", 60);
    client.ack(&mut bench);
    bench.endpoint.directory().is_stale.set(true);
    bench.until(71.0);
    assert_eq!(stale_events(&bench), ["expiring a registration"]);
    assert_eq!(bench.endpoint.counts().timers, 0);
}

#[test]
fn a_peer_that_goes_stale_at_the_lookup_is_reported() {
    let mut bench = bench();
    bench.endpoint.directory().is_stale.set(true);
    let mut client = Client::new(1, 500);
    client.regreq(&mut bench, "open", 60);
    let mut caller = Client::new(2, 500);
    caller.new_call(&mut bench, "open", "100");
    assert_eq!(
        (client.words(), caller.words()),
        (vec!["ACK".into()], vec!["ACK".into()])
    );
    assert_eq!(
        stale_events(&bench),
        ["weighing a registration", "weighing a call"]
    );
    assert_eq!(bench.endpoint.counts().dialogues(), 0);
}
