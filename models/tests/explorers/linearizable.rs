//! Histories of a container under shuttle match a sequential map: link, replace, unlink and find, in schedules drawn at random and by
//! priorities (PCT). Short ones by three threads are judged whole, by many schedules; long ones by four threads, each of thousands of
//! operations, key by key. Tested, not proved: an enumeration with reduction would not keep the times.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use iaxproof::registry::{HashKey, Object, Ref, Registry};
use iaxproof_models::explore::{Body, Enumeration, with_shuttle};
use iaxproof_models::{Account, End, Exploration, Explorer, Shuttle};
use iaxproof_sim::decide::mix;
use iaxproof_sim::linearizable::{Linearization, Sequential, Span, linearize, linearize_each};

struct Item(u64);

impl<E: Explorer> Object<E> for Item {
    const KIND: &'static str = "item";
    fn release(&self) {}
}

type Container = Registry<u64, Item, Shuttle>;

/// One call of the container's interface; the second number is the object's.
#[derive(Clone, Copy, Debug)]
enum Call {
    Link(u64, u64),
    Replace(u64, u64),
    Unlink(u64),
    Find(u64),
}

impl Call {
    fn key(self) -> u64 {
        let (Call::Link(key, _) | Call::Replace(key, _) | Call::Unlink(key) | Call::Find(key)) =
            self;
        key
    }
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

    fn record(&self, registry: &Container, design: Design, call: Call) {
        let called = self.tick();
        let outcome = design(registry, call);
        let returned = self.tick();
        self.0.lock().unwrap().1.push(Span {
            called,
            returned,
            operation: call,
            outcome,
        });
    }

    fn spans(&self) -> Vec<Span<Map>> {
        self.0.lock().unwrap().1.clone()
    }
}

/// How calls are done.
type Design = fn(&Container, Call) -> Option<u64>;

fn item(number: u64) -> Ref<Item, Shuttle> {
    Ref::new(&Account::default(), Item(number))
}

fn shipped(registry: &Container, call: Call) -> Option<u64> {
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

/// A replacement as an unlink and a link: a lookup can come between.
fn replace_in_two_steps(registry: &Container, call: Call) -> Option<u64> {
    let Call::Replace(key, object) = call else {
        return shipped(registry, call);
    };
    let old = shipped(registry, Call::Unlink(key));
    shipped(registry, Call::Link(key, object));
    old
}

/// A link that looks first and then puts: of two at once, both are told that they stand.
fn link_that_looks_first(registry: &Container, call: Call) -> Option<u64> {
    let Call::Link(key, object) = call else {
        return shipped(registry, call);
    };
    let stands = shipped(registry, Call::Find(key));
    if stands.is_none() {
        shipped(registry, Call::Replace(key, object));
    }
    stands
}

fn hash() -> Container {
    Registry::hash(Account::default(), HashKey(1, 2), 2)
}

fn list() -> Container {
    Registry::list(Account::default())
}

/// Runs each list of calls on a thread of its own.
fn record(registry: Container, design: Design, lists: Vec<Vec<Call>>) -> Vec<Span<Map>> {
    let registry = Arc::new(registry);
    let history = History::default();
    let threads = lists.into_iter().map(|calls| {
        let (registry, history) = (Arc::clone(&registry), history.clone());
        Shuttle::spawn(move || {
            calls
                .iter()
                .for_each(|call| history.record(&registry, design, *call))
        })
    });
    let threads: Vec<_> = threads.collect();
    threads.into_iter().for_each(Shuttle::join);
    history.spans()
}

fn three_threads(registry: Container) -> String {
    let lists = vec![
        vec![Call::Link(1, 10), Call::Find(2), Call::Unlink(1)],
        vec![Call::Replace(1, 20), Call::Find(1), Call::Link(2, 21)],
        vec![Call::Find(1), Call::Unlink(1), Call::Replace(2, 30)],
    ];
    let spans = record(registry, shipped, lists);
    match linearize(Map::default(), &spans) {
        Linearization::Found(order) => format!("{order:?}"),
        other => panic!("not linearizable ({other:?}): {spans:?}"),
    }
}

#[test]
fn histories_of_both_containers_match_a_sequential_map() {
    for body in [|| three_threads(hash()), || three_threads(list())] as [Body; 2] {
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

const THREADS: u64 = 4;
/// The calls of one thread in a long history, over so many keys: few, so that they meet.
const CALLS: u64 = 800;
const KEYS: u64 = 5;

fn drawn(thread: u64) -> Vec<Call> {
    let call = |nth: u64| {
        let object = 1 + thread * CALLS + nth;
        let roll = mix(object);
        let key = roll % KEYS;
        match roll >> 32 & 7 {
            0 | 1 => Call::Link(key, object),
            2 | 3 => Call::Replace(key, object),
            4 => Call::Unlink(key),
            _ => Call::Find(key),
        }
    };
    (0..CALLS).map(call).collect()
}

/// How many calls began while another of the same key was under way.
fn overlapping(spans: &[Span<Map>]) -> usize {
    let mut until = BTreeMap::new();
    let mut by_call: Vec<_> = spans.iter().collect();
    by_call.sort_by_key(|span| span.called);
    let overlaps = by_call.iter().filter(|span| {
        let until = until.entry(span.operation.key()).or_insert(0);
        let is_over = *until < span.called;
        *until = span.returned.max(*until);
        !is_over
    });
    overlaps.count()
}

fn long(registry: Container, design: Design) -> String {
    let spans = record(registry, design, (0..THREADS).map(drawn).collect());
    assert_eq!(spans.len() as u64, THREADS * CALLS);
    match linearize_each(&spans, |call| call.key(), |_| Map::default()) {
        Ok(keys) => {
            let times = spans
                .iter()
                .map(|span| mix(span.called << 32 | span.returned));
            let times = times.fold(0, |hash: u64, time| mix(hash ^ time));
            format!("{keys} keys, {} overlap, {times:x}", overlapping(&spans))
        }
        Err((key, Linearization::Impossible(stuck))) => {
            let stuck: Vec<_> = stuck.iter().map(|index| &spans[*index]).collect();
            panic!("not linearizable: key {key}, none of these can come next: {stuck:?}")
        }
        Err((key, other)) => panic!("key {key}: {other:?}"),
    }
}

fn at_random(body: Body, executions: usize) -> Exploration {
    let random = Enumeration::Random {
        seed: 42,
        executions,
    };
    with_shuttle(body, random, Box::new(|| false))
}

fn by_priorities(body: Body, executions: usize) -> Exploration {
    let pct = Enumeration::Priorities {
        seed: 42,
        depth: 1_000,
        executions,
    };
    with_shuttle(body, pct, Box::new(|| false))
}

#[test]
fn long_histories_of_both_containers_match_a_sequential_map() {
    for body in [|| long(hash(), shipped), || long(list(), shipped)] as [Body; 2] {
        for seen in [at_random(body, 40), by_priorities(body, 40)] {
            assert!(!matches!(seen.end, End::Failed(_)), "{:?}", seen.end);
            assert_eq!(seen.executions, 40);
            assert!(seen.outcomes.len() >= 35, "{:?}", seen.outcomes);
        }
    }
}

/// The check can fail: both mistakes are found in the first histories, by either way of drawing schedules.
#[test]
fn a_call_in_two_steps_is_found_out_in_a_long_history() {
    let bodies: [Body; 4] = [
        || long(hash(), replace_in_two_steps),
        || long(list(), replace_in_two_steps),
        || long(hash(), link_that_looks_first),
        || long(list(), link_that_looks_first),
    ];
    for body in bodies {
        for seen in [at_random(body, 10), by_priorities(body, 10)] {
            let End::Failed(finding) = &seen.end else {
                panic!("held: {:?}", seen.outcomes);
            };
            assert!(
                finding.message.contains("not linearizable"),
                "{}",
                finding.message
            );
        }
    }
}
