//! Histories of a container under shuttle match a sequential map: link, replace, unlink and find by three threads, in
//! schedules drawn at random. Tested, not proved: an enumeration with reduction would not keep the times.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use iaxproof::registry::{HashKey, Object, Ref, Registry};
use iaxproof_models::explore::{Enumeration, with_shuttle};
use iaxproof_models::{Account, End, Explorer, Shuttle};
use iaxproof_sim::linearizable::{Linearization, Sequential, Span, linearize};

struct Item(u64);

impl<E: Explorer> Object<E> for Item {
    const KIND: &'static str = "item";
    fn release(&self) {}
}

/// One call of the container's interface; the second number is the object's.
#[derive(Clone, Copy, Debug)]
enum Call {
    Link(u64, u64),
    Replace(u64, u64),
    Unlink(u64),
    Find(u64),
}

/// What a container should be: one object under each key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Map(BTreeMap<u64, u64>);

impl Sequential for Map {
    type Operation = Call;
    type Outcome = Option<u64>;

    fn apply(&mut self, call: &Call) -> Option<u64> {
        match *call {
            Call::Link(key, object) => match self.0.get(&key) {
                Some(stands) => Some(*stands),
                None => {
                    self.0.insert(key, object);
                    None
                }
            },
            Call::Replace(key, object) => self.0.insert(key, object),
            Call::Unlink(key) => self.0.remove(&key),
            Call::Find(key) => self.0.get(&key).copied(),
        }
    }
}

/// The calls that were made, with their times: one tick for each call and each return.
#[derive(Clone, Default)]
struct History(Arc<Mutex<(u64, Vec<Span<Map>>)>>);

impl History {
    fn tick(&self) -> u64 {
        let mut history = self.0.lock().unwrap();
        history.0 += 1;
        history.0
    }

    fn record<E: Explorer>(&self, registry: &Registry<u64, Item, E>, call: Call) {
        let called = self.tick();
        let outcome = make(registry, call);
        let returned = self.tick();
        self.0.lock().unwrap().1.push(Span {
            called,
            returned,
            operation: call,
            outcome,
        });
    }
}

fn make<E: Explorer>(registry: &Registry<u64, Item, E>, call: Call) -> Option<u64> {
    let item = |number| Ref::new(&Account::default(), Item(number));
    match call {
        Call::Link(key, object) => registry
            .link(key, item(object))
            .err()
            .map(|taken| taken.existing.0),
        Call::Replace(key, object) => registry.replace(key, item(object)).map(|old| old.0),
        Call::Unlink(key) => registry.unlink(&key).map(|old| old.0),
        Call::Find(key) => registry.find(&key).map(|found| found.0),
    }
}

fn three_threads(registry: Registry<u64, Item, Shuttle>) -> String {
    let registry = Arc::new(registry);
    let history = History::default();
    let lists: [&'static [Call]; 3] = [
        &[Call::Link(1, 10), Call::Find(2), Call::Unlink(1)],
        &[Call::Replace(1, 20), Call::Find(1), Call::Link(2, 21)],
        &[Call::Find(1), Call::Unlink(1), Call::Replace(2, 30)],
    ];
    let threads = lists.map(|calls| {
        let (registry, history) = (Arc::clone(&registry), history.clone());
        Shuttle::spawn(move || {
            calls
                .iter()
                .for_each(|call| history.record(&*registry, *call))
        })
    });
    threads.into_iter().for_each(Shuttle::join);
    let spans = history.0.lock().unwrap().1.clone();
    match linearize(Map::default(), &spans) {
        Linearization::Found(order) => format!("{order:?}"),
        other => panic!("not linearizable ({other:?}): {spans:?}"),
    }
}

fn hash() -> String {
    three_threads(Registry::hash(Account::default(), HashKey(1, 2), 2))
}

fn list() -> String {
    three_threads(Registry::list(Account::default()))
}

#[test]
fn histories_of_both_containers_match_a_sequential_map() {
    for body in [hash as fn() -> String, list] {
        let enumeration = Enumeration::Random {
            seed: 42,
            executions: 2_000,
        };
        let seen = with_shuttle(body, enumeration, Box::new(|| false));
        assert!(!matches!(seen.end, End::Failed(_)), "{:?}", seen.end);
        assert_eq!(seen.executions, 2_000);
        // Many different orders came about, or the schedules were no test.
        assert!(seen.outcomes.len() > 50, "{}", seen.outcomes.len());
    }
}
