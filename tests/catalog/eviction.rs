//! Eviction under load (registration-kept): a registrar, a database and an operator on threads of their own lose no
//! registration and leak nothing.

#![expect(
    clippy::disallowed_types,
    reason = "how the test's threads tell each other that they have ended"
)]

use crate::bench::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use iaxproof::catalog::{Answer, Catalog, Pruned, Row, Write};
use iaxproof::engine::directory::{Contact, Directory, Generation, Lookup, Refused, Role, Storing};
use iaxproof::engine::settings::Name;
use iaxproof::registry::Family;
use iaxproof::time::Instant;

/// A database of one table, which applies writes in the order of generations.
#[derive(Default)]
struct Database(BTreeMap<Name, Write>);

impl Database {
    fn apply(&mut self, write: &Write) {
        let stored = self.0.get(&write.name).map(|w| w.generation);
        if stored.is_none_or(|generation| generation < write.generation) {
            self.0.insert(write.name.clone(), write.clone());
        }
    }

    fn row(&self, name: &Name) -> Row {
        let Some(write) = self.0.get(name) else {
            return row(peer(name.as_str()));
        };
        let contact = write.contact.map(|(address, deadline)| Contact {
            address,
            deadline: Some(deadline),
            generation: write.generation,
        });
        Row {
            settings: peer(name.as_str()),
            contact,
            generation: write.generation,
        }
    }

    /// One turn of the realtime thread.
    fn serve<F: Family>(&mut self, catalog: &Catalog<F>) {
        while let Some(question) = catalog.poll_question() {
            let answer = Answer::Row(self.row(&question.name));
            catalog.answer(question.id, answer, at(0));
        }
        while let Some(write) = catalog.poll_write() {
            self.apply(&write);
            catalog.stored(write.name.as_str(), write.generation);
        }
    }
}

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

/// How long a thread waits for what another is to do before the test fails: it must not hang. Where much else runs, threads that take turns can
/// come to rest for seconds.
const PATIENCE: Duration = Duration::from_secs(40);

/// Looks again and again until there is something, and lets other threads go on meanwhile.
#[expect(
    clippy::disallowed_methods,
    reason = "threads of the system are waited for by its clock"
)]
fn await_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "{what}: nobody does it");
        thread::yield_now();
    }
}

/// Finds a peer as an endpoint does: by the container, or by a question that another thread answers.
fn fetch<F: Family>(catalog: &Catalog<F>, name: &str) -> Handle<F> {
    let mut lookup = catalog.find(Role::Peer, name);
    await_some(name, || match &lookup {
        Lookup::Found(handle) => Some(handle.clone()),
        Lookup::Asked(id) => {
            lookup = catalog.take_answer(*id);
            None
        }
        Lookup::Unknown | Lookup::Failed => panic!("{name} is in the database"),
    })
}

/// Waits until the database has stored a change.
fn await_stored<F: Family>(catalog: &Catalog<F>, handle: &Handle<F>, generation: Generation) {
    await_some("a write", || {
        match catalog.take_stored(handle, generation) {
            Storing::Waiting => None,
            Storing::Stored => Some(()),
            Storing::Failed => panic!("the database stores all"),
        }
    });
}

/// Registers a name; returns the generation.
fn register_one<F: Family>(catalog: &Catalog<F>, name: &str, deadline: Instant) -> Generation {
    let (handle, generation) = await_some(name, || {
        let handle = fetch(catalog, name);
        match catalog.register(&handle, address(1), deadline) {
            Ok(written) => Some((handle, written.generation())),
            Err(Refused::Unlinked | Refused::Busy) => None,
            Err(Refused::Stale(stale)) => panic!("{stale}"),
        }
    });
    await_stored(catalog, &handle, generation);
    generation
}

/// Registers each name once per round, with a deadline of its own; returns the last generation of each.
fn register_all<F: Family>(catalog: &Catalog<F>, rounds: u64) -> [Generation; 3] {
    let mut last = [Generation(0); 3];
    for round in 1..=rounds {
        for (name, last) in NAMES.iter().zip(&mut last) {
            let generation = register_one(catalog, name, at(1_000 + round));
            assert!(generation > *last, "{name}: the generation went back");
            *last = generation;
        }
    }
    last
}

/// Says that a thread has ended, be it by a panic.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One registrar, one realtime thread, one operator who evicts and reloads: every registration is there at the end.
fn evict_under_load<F: Family>(catalog: &Catalog<F>, rounds: u64) {
    let mut database = Database::default();
    let (is_done, evictions) = (AtomicBool::new(false), AtomicUsize::new(0));
    let last = thread::scope(|scope| {
        let registrar = scope.spawn(|| {
            let _done = Done(&is_done);
            register_all(catalog, rounds)
        });
        let operator = scope.spawn(|| {
            let _done = Done(&is_done);
            for round in 0.. {
                let pruned = catalog.prune(Role::Peer, NAMES[round % 3]);
                evictions.fetch_add(usize::from(pruned == Pruned::Evicted), Ordering::Relaxed);
                if round.is_multiple_of(16) {
                    catalog.reload(configuration(round as u64, vec![]));
                }
                if is_done.load(Ordering::Relaxed) {
                    return;
                }
                thread::yield_now();
            }
        });
        while !operator.is_finished() {
            database.serve(catalog);
            thread::yield_now();
        }
        operator.join().expect("the operator held");
        registrar.join().expect("the registrar held")
    });
    database.serve(catalog);
    assert!(
        evictions.into_inner() > 0,
        "nothing was evicted, so nothing was tested"
    );
    for (name, last) in NAMES.iter().zip(last) {
        let stored = &database.0[&peer(name).name];
        assert_eq!(stored.generation, last, "{name}");
        assert_eq!(stored.contact, Some((address(1), at(1_000 + rounds))));
    }
}

#[test]
fn no_registration_is_lost_to_eviction_under_load() {
    evict_under_load(&plain(true), 3_000);
}

#[test]
fn nothing_leaks_after_eviction_under_load() {
    let (catalog, book) = audited(true);
    evict_under_load(&catalog, 300);
    assert_at_rest(&catalog, &book);
    assert_ends_clean(catalog, &book);
}
