//! Iteration (iterate-once): an object that is linked throughout is seen exactly once, whatever happens between the items, and no
//! lock is held between them.

use core::ops::ControlFlow;
use core::sync::atomic::Ordering;
use std::collections::BTreeSet;

use crate::bench::*;
use iaxproof::registry::Registry;
use quickcheck::{Arbitrary, Gen, quickcheck};

/// What happens between two items of an iteration.
#[derive(Clone, Debug)]
enum Disturbance {
    /// Link this many new keys: enough of them make the table grow.
    Grow(u8),
    /// Unlink what the iterator stands on.
    UnlinkStanding,
    /// Replace what the iterator stands on.
    ReplaceStanding,
    /// Unlink this key.
    Unlink(u64),
    /// Replace this key's object.
    Replace(u64),
    Nothing,
}

impl Arbitrary for Disturbance {
    fn arbitrary(g: &mut Gen) -> Self {
        let key = u64::arbitrary(g) % 40;
        match u8::arbitrary(g) % 8 {
            0 | 1 => Disturbance::Grow(u8::arbitrary(g) % 32),
            2 => Disturbance::UnlinkStanding,
            3 => Disturbance::ReplaceStanding,
            4 => Disturbance::Unlink(key),
            5 => Disturbance::Replace(key),
            _ => Disturbance::Nothing,
        }
    }
}

/// Iterates over keys 0..40 (an object's value is its key) while the container changes. `untouched` are those that were
/// linked throughout.
fn sees_each_once<const MASK: u64>(shards: usize, script: &[Disturbance]) -> bool {
    let mut bench = Bench::<MASK>::new(shards);
    for key in 0..40 {
        let object = bench.make(key as u32);
        assert!(bench.registry.link(Key(key), object).is_ok());
    }
    let registry = std::mem::replace(&mut bench.registry, Registry::list(bench.book.clone()));
    let mut untouched: BTreeSet<u64> = (0..40).collect();
    let (mut seen, mut objects, mut fresh) = (Vec::new(), BTreeSet::new(), 1_000);
    let mut script = script.iter().cycle();
    let mut iterator = registry.iter();
    for object in iterator.by_ref() {
        let standing = u64::from(object.value);
        seen.push(standing);
        assert!(objects.insert(object.number()), "an object is seen twice");
        drop(object);
        let destroyed = bench.destroyed.load(Ordering::Relaxed);
        match script.next().unwrap_or(&Disturbance::Nothing) {
            Disturbance::Nothing => {}
            // At most a few hundred in all, or a list would never end.
            Disturbance::Grow(count) if fresh < 1_400 => {
                for key in fresh..fresh + u64::from(*count) {
                    assert!(registry.link(Key(key), bench.make(key as u32)).is_ok());
                }
                fresh += u64::from(*count);
            }
            Disturbance::Grow(_) => {}
            Disturbance::UnlinkStanding => {
                untouched.remove(&standing);
                drop(registry.unlink(&Key(standing)));
                let kept = bench.destroyed.load(Ordering::Relaxed) == destroyed;
                assert!(kept, "the iterator keeps alive what it stands on");
            }
            Disturbance::ReplaceStanding => {
                untouched.remove(&standing);
                drop(registry.replace(Key(standing), bench.make(standing as u32)));
                let kept = bench.destroyed.load(Ordering::Relaxed) == destroyed;
                assert!(kept, "the iterator keeps alive what it stands on");
            }
            Disturbance::Unlink(key) => {
                untouched.remove(key);
                drop(registry.unlink(&Key(*key)));
            }
            Disturbance::Replace(key) => {
                untouched.remove(key);
                drop(registry.replace(Key(*key), bench.make(*key as u32)));
            }
        }
    }
    drop(iterator);
    let once = |key: &u64| seen.iter().filter(|s| *s == key).count() == 1;
    let held = untouched.iter().all(once);
    bench.registry = registry;
    held && bench.is_balanced(0) && bench.ends_clean()
}

quickcheck! {
    fn iteration_over_the_list_sees_each_once(script: Vec<Disturbance>) -> bool {
        sees_each_once::<ALL>(0, &script)
    }

    fn iteration_over_the_table_sees_each_once(script: Vec<Disturbance>) -> bool {
        sees_each_once::<ALL>(1, &script) && sees_each_once::<ALL>(4, &script)
    }

    fn iteration_sees_each_once_where_hashes_collide(script: Vec<Disturbance>) -> bool {
        sees_each_once::<ALL_ZERO>(4, &script)
            && sees_each_once::<TOP>(2, &script)
            && sees_each_once::<LOW>(1, &script)
    }
}

#[test]
fn a_visit_ends_where_the_visitor_breaks_and_may_change_the_container() {
    let mut bench = Bench::<ALL>::new(4);
    for key in 0..100 {
        let object = bench.make(key);
        bench.registry.link_another(Key(u64::from(key)), object);
    }
    let registry = &bench.registry;
    let mut visits = 0;
    let broke = registry.visit(|object| {
        visits += 1;
        drop(registry.unlink(&Key(u64::from(object.value))));
        if visits == 10 {
            ControlFlow::Break(object.value)
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(
        matches!(broke, ControlFlow::Break(value) if registry.find(&Key(u64::from(value))).is_none())
    );
    assert_eq!((visits, registry.len()), (10, 90));
    assert!(bench.ends_clean());
}
