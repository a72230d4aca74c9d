//! Peers by address: a hint that the entry confirms, exact at rest, for registered and fixed peers alike.

use crate::bench::*;
use core::net::SocketAddr;
use std::collections::BTreeSet;
use std::thread;

use iaxproof::catalog::{Catalog, Kind, Unregistered};
use iaxproof::engine::directory::{Directory, Generation, Role};
use iaxproof::engine::settings::{Host, Settings};
use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, Family};
use quickcheck::{Arbitrary, Gen, quickcheck};

/// The names of the peers at an address.
fn names_at<F: Family>(catalog: &Catalog<F>, last: u8, now: u64) -> Vec<String> {
    let address = address(last);
    let peers = catalog.peers_at(&address, at(now));
    peers.map(|peer| peer.name().to_string()).collect()
}

#[test]
fn two_peers_at_one_address_are_both_found() {
    let (catalog, book) = audited(false);
    let fixed = fixed_peer("carol", address(1));
    catalog.reload(configuration(1, vec![peer("alice"), peer("bob"), fixed]));
    for name in ["alice", "bob"] {
        catalog
            .register(&found(&catalog, name), address(1), at(100))
            .unwrap();
    }
    assert_eq!(names_at(&catalog, 1, 0), ["carol", "alice", "bob"]);
    catalog.reload(configuration(2, vec![peer("alice"), peer("bob")]));
    let first = catalog.find_peer_at(address(1), at(0)).unwrap();
    assert_eq!(first.name().as_str(), "alice", "the longest there");
    catalog.release(&first).unwrap();
    drop(first);
    assert_eq!(names_at(&catalog, 1, 0), ["bob"]);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn a_peer_that_moves_is_found_where_it_is() {
    let (catalog, book) = audited(false);
    catalog.reload(configuration(1, vec![peer("alice")]));
    let handle = found(&catalog, "alice");
    for last in [1, 2, 2, 1] {
        catalog.register(&handle, address(last), at(100)).unwrap();
        let elsewhere = 3 - last;
        assert_eq!(names_at(&catalog, last, 99), ["alice"]);
        assert!(names_at(&catalog, elsewhere, 99).is_empty());
        assert_eq!(catalog.address_hints(), 1);
    }
    assert!(
        names_at(&catalog, 1, 100).is_empty(),
        "the contact has lapsed"
    );
    drop(handle);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}

#[test]
fn ports_and_families_tell_addresses_apart() {
    let (catalog, _book) = audited(false);
    let v4 = "192.0.2.1:4569".parse().unwrap();
    let v6 = "[::ffff:192.0.2.1]:4569".parse().unwrap();
    let port = "192.0.2.1:4570".parse().unwrap();
    catalog.reload(configuration(1, vec![fixed_peer("alice", v4)]));
    assert!(catalog.find_peer_at(v4, at(0)).is_some());
    assert!(catalog.find_peer_at(v6, at(0)).is_none());
    assert!(catalog.find_peer_at(port, at(0)).is_none());
}

#[test]
fn users_have_no_address() {
    let (catalog, _book) = audited(false);
    let user = Settings {
        host: Host::Fixed(address(1)),
        ..settings(Role::User, "alice")
    };
    catalog.reload(configuration(1, vec![user]));
    assert!(catalog.find_peer_at(address(1), at(0)).is_none());
    assert_eq!(catalog.address_hints(), 0);
}

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

#[derive(Clone, Debug)]
enum Operation {
    /// Name, last octet, deadline.
    Register(usize, u8, u64),
    Release(usize),
    Unregister(usize),
    /// Name, and how old the timer's generation is.
    Expire(usize, u64),
    /// Bit *n*: name *n* is in the file; bit *n* + 3: it is fixed at address *n*.
    Reload(u8),
    Wait,
}

impl Arbitrary for Operation {
    fn arbitrary(g: &mut Gen) -> Self {
        let name = usize::arbitrary(g) % NAMES.len();
        match u8::arbitrary(g) % 12 {
            0 => Operation::Release(name),
            1 => Operation::Unregister(name),
            2 | 3 => Operation::Expire(name, u64::arbitrary(g) % 2),
            4..=6 => Operation::Reload(u8::arbitrary(g) % 64),
            7 => Operation::Wait,
            _ => Operation::Register(name, u8::arbitrary(g) % 4, u64::arbitrary(g) % 4),
        }
    }
}

/// The plain story of one peer: where it is by its settings, and where and until when it registered.
#[derive(Clone, Copy, Default)]
struct Story {
    fixed: Option<u8>,
    registered: Option<(u8, u64)>,
    generation: u64,
}

impl Story {
    fn last_octet(&self, now: u64) -> Option<u8> {
        match self.registered {
            Some((last, deadline)) => Some(last).filter(|_| now < deadline),
            None => self.fixed,
        }
    }

    fn set(&mut self, registered: Option<(u8, u64)>) {
        self.registered = registered;
        self.generation += 1;
    }
}

struct Test {
    catalog: Catalog<Audited>,
    book: Book,
    stories: [Option<Story>; 3],
    now: u64,
    serial: u64,
}

impl Test {
    fn new(container: Kind) -> Self {
        let book = Book::default();
        let mut options = options::<Audited>(book.clone(), false);
        options.container = container;
        Test {
            catalog: Catalog::new(options),
            book,
            stories: [None; 3],
            now: 0,
            serial: 0,
        }
    }

    fn run(&mut self, operation: &Operation) {
        match *operation {
            Operation::Wait => self.now += 1,
            Operation::Reload(bits) => self.reload(bits),
            Operation::Register(n, last, span) => {
                let deadline = self.now + span;
                let registered = Some((last, deadline));
                self.write(n, registered, |catalog, handle| {
                    catalog
                        .register(handle, address(last), at(deadline))
                        .is_ok()
                });
            }
            Operation::Release(n) => {
                self.write(n, None, |catalog, handle| catalog.release(handle).is_ok());
            }
            Operation::Unregister(n) => {
                let did = self.catalog.unregister(NAMES[n]);
                let story = self.stories[n].as_mut();
                let registered = story.filter(|story| story.registered.is_some());
                assert_eq!(did == Unregistered::Done, registered.is_some());
                registered.into_iter().for_each(|story| story.set(None));
            }
            Operation::Expire(n, age) => self.expire(n, age),
        }
    }

    fn write(
        &mut self,
        n: usize,
        registered: Option<(u8, u64)>,
        write: impl FnOnce(&Catalog<Audited>, &Handle<Audited>) -> bool,
    ) {
        if let Some(story) = &mut self.stories[n] {
            assert!(write(&self.catalog, &found(&self.catalog, NAMES[n])));
            story.set(registered);
        }
    }

    fn expire(&mut self, n: usize, age: u64) {
        let Some(story) = &mut self.stories[n] else {
            return;
        };
        let generation = Generation(story.generation.saturating_sub(age));
        let handle = found(&self.catalog, NAMES[n]);
        let expiry = self.catalog.expire(&handle, generation, at(self.now));
        let is_due = story
            .registered
            .is_some_and(|(_, deadline)| deadline <= self.now);
        let expired = is_due && generation.0 == story.generation;
        assert_eq!(
            expiry == Ok(iaxproof::engine::directory::Expiry::Expired),
            expired
        );
        if expired {
            story.set(None);
        }
    }

    fn reload(&mut self, bits: u8) {
        self.serial += 1;
        let mut entries = Vec::new();
        for (n, name) in NAMES.iter().enumerate() {
            let fixed = (bits & (8 << n) != 0).then_some(n as u8);
            if bits & (1 << n) == 0 {
                self.stories[n] = None;
                continue;
            }
            entries.push(match fixed {
                Some(last) => fixed_peer(name, address(last)),
                None => peer(name),
            });
            match &mut self.stories[n] {
                Some(story) if story.fixed != fixed => {
                    story.fixed = fixed;
                    story.set(None);
                }
                Some(_) => {}
                none => {
                    *none = Some(Story {
                        fixed,
                        ..Story::default()
                    })
                }
            }
        }
        self.catalog.reload(configuration(self.serial, entries));
    }

    /// Every address leads to exactly the peers that are there, and no hint is left over.
    fn holds(&self) -> bool {
        let linked = || NAMES.iter().zip(&self.stories);
        let alike = (0..5).all(|last| {
            let here = linked().filter_map(|(name, story)| {
                let there = story.as_ref()?.last_octet(self.now)?;
                (there == last).then(|| name.to_string())
            });
            let here: BTreeSet<String> = here.collect();
            BTreeSet::from_iter(names_at(&self.catalog, last, self.now)) == here
        });
        let has_contact = |story: &&Story| story.registered.is_some() || story.fixed.is_some();
        let contacts = self.stories.iter().flatten().filter(has_contact).count();
        alike && self.catalog.address_hints() == contacts
    }
}

fn index_is_exact(container: Kind, operations: &[Operation]) -> bool {
    let mut test = Test::new(container);
    let held = operations.iter().all(|operation| {
        test.run(operation);
        test.holds()
    });
    assert_at_rest(&test.catalog, &test.book);
    assert_ends_clean(test.catalog, &test.book);
    held
}

quickcheck! {
    fn the_index_leads_to_the_contacts_and_to_nothing_else(operations: Vec<Operation>) -> bool {
        index_is_exact(Kind::Hash, &operations) && index_is_exact(Kind::List, &operations)
    }
}

/// Two threads race to move one peer, to addresses that nobody uses again: a hint that outlived its contact would stay.
#[test]
fn racing_moves_leave_no_hint_behind() {
    let catalog = plain(false);
    catalog.reload(configuration(0, vec![peer("alice")]));
    thread::scope(|scope| {
        for thread in 0..2 {
            let catalog = &catalog;
            scope.spawn(move || {
                let handle = found(catalog, "alice");
                for port in 1..=50_000 {
                    let address = SocketAddr::from(([192, 0, 2, thread], port));
                    assert!(catalog.register(&handle, address, at(100)).is_ok());
                }
            });
        }
    });
    assert_eq!(catalog.address_hints(), 1);
    let contact = status(&catalog, "alice").contact.unwrap();
    assert!(catalog.find_peer_at(contact.address, at(0)).is_some());
}

/// Two threads move the same peers about, a third reloads: at rest no hint is stale and none is missing.
#[test]
fn racing_moves_leave_exact_hints() {
    for round in 0..60 {
        let (catalog, book) = audited(false);
        let entries: Vec<Settings> = NAMES.iter().map(|name| peer(name)).collect();
        catalog.reload(configuration(0, entries.clone()));
        thread::scope(|scope| {
            for thread in 0..2_u8 {
                let catalog = &catalog;
                scope.spawn(move || {
                    for n in 0..40_u8 {
                        let handle = found(catalog, NAMES[usize::from(n % 2)]);
                        let last = n.wrapping_mul(thread + 3) % 4;
                        assert!(catalog.register(&handle, address(last), at(100)).is_ok());
                        if n % 5 == thread {
                            assert!(catalog.release(&handle).is_ok());
                        }
                    }
                });
            }
            // Carol moves from host to host; Alice and Bob stay.
            for serial in 1..20 {
                let carol = fixed_peer("carol", address((serial % 3) as u8));
                let entries = vec![peer("alice"), peer("bob"), carol];
                catalog.reload(configuration(serial, entries));
            }
        });
        let contacts = catalog.entries(Role::Peer).filter_map(|entry| {
            let contact = entry.status().contact?;
            let mut here = catalog.peers_at(&contact.address, at(0));
            assert!(here.any(|peer| peer.same_object(&entry)), "round {round}");
            Some(())
        });
        assert_eq!(contacts.count(), catalog.address_hints(), "round {round}");
        assert_at_rest(&catalog, &book);
        assert_ends_clean(catalog, &book);
    }
}
