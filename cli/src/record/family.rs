//! The family of a server that is recorded, and of its replay: std's mutex with a stamp that says how often it was taken and by whom.
//!
//! Who takes a mutex after itself leaves no word: that it was its turn follows from its own inputs. Only where it changes hands a
//! [`Switch`](super::hand::Switch) is noted, in a list of the thread. So locks that belong to one worker cost an addition, and no counter is
//! shared by all.
//!
//! In a replay the same lock waits until its stamp is the one that was noted. Each thread holds one lock at a time, so the order that was
//! recorded can always be had again; where it cannot, the replay has parted from the recording, and the thread leaves by
//! [`Parted`](super::hand::Parted).
//!
//! A thread that is in none of these, as one that only looks, takes a mutex as it comes and leaves the stamp as it is.

#![expect(
    unsafe_code,
    reason = "a family owns how an object's memory ends; all of it is passed on to `Std`"
)]

use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard};

use iaxproof::registry::ledger::NoLedger;
use iaxproof::registry::{Family, Std};

use super::hand::{self, Stamped};

/// The family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taped;

/// A mutex of the family that is held.
pub(crate) struct TapedGuard<'a, T>(MutexGuard<'a, Stamped<T>>);

impl<T> Deref for TapedGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> DerefMut for TapedGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.value
    }
}

// SAFETY: a std mutex gives exclusive access until its guard is dropped; everything else is `Std`'s own, with its own contracts.
unsafe impl Family for Taped {
    type Mutex<T: Send + 'static> = Mutex<Stamped<T>>;
    type Guard<'a, T: Send + 'static> = TapedGuard<'a, T>;
    type AtomicUsize = <Std as Family>::AtomicUsize;
    type Life = ();
    type Ledger = NoLedger;

    fn mutex<T: Send + 'static>(value: T) -> Mutex<Stamped<T>> {
        Mutex::new(Stamped::new(value))
    }

    fn lock<T: Send + 'static>(mutex: &Mutex<Stamped<T>>) -> TapedGuard<'_, T> {
        TapedGuard(hand::lock(mutex))
    }

    fn atomic(value: usize) -> Self::AtomicUsize {
        Std::atomic(value)
    }

    fn load(atomic: &Self::AtomicUsize, ordering: Ordering) -> usize {
        Std::load(atomic, ordering)
    }

    fn fetch_add(atomic: &Self::AtomicUsize, value: usize, ordering: Ordering) -> usize {
        Std::fetch_add(atomic, value, ordering)
    }

    fn fetch_sub(atomic: &Self::AtomicUsize, value: usize, ordering: Ordering) -> usize {
        Std::fetch_sub(atomic, value, ordering)
    }

    fn compare_exchange(
        atomic: &Self::AtomicUsize,
        current: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        Std::compare_exchange(atomic, current, new, success, failure)
    }

    fn life() {}
    fn touch((): &()) {}

    fn destroy((): &()) {
        hand::destructor_begins();
    }

    fn giving_back() {}

    fn is_stopped() -> bool {
        false
    }

    fn fault(message: &str) -> ! {
        Std::fault(message)
    }

    unsafe fn end_value<T: 'static>(value: NonNull<T>) {
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { Std::end_value(value) };
        hand::destructor_ended();
    }

    unsafe fn end_memory<T: 'static>(memory: NonNull<T>) {
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { Std::end_memory(memory) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use iaxproof::registry::{Object, Ref};

    use super::*;
    use crate::record::hand::{Actor, Parted, Switch, record, recorded, replay};
    use crate::record::order::Order;

    const TURNS: u64 = 200;

    /// Two threads push their numbers to one list, and note what changed hands.
    fn run(
        hands: impl Fn(Actor, u64, &Mutex<Stamped<Vec<u16>>>) -> Vec<Switch> + Sync,
    ) -> (Vec<u16>, [Vec<Vec<Switch>>; 2]) {
        let list = Taped::mutex(Vec::new());
        let noted = std::thread::scope(|scope| {
            [1, 2]
                .map(|me| {
                    let (list, hands) = (&list, &hands);
                    scope.spawn(move || (0..TURNS).map(|nth| hands(Actor(me), nth, list)).collect())
                })
                .map(|thread| thread.join().unwrap())
        });
        let order = Taped::lock(&list).clone();
        (order, noted)
    }

    fn push(me: Actor, list: &Mutex<Stamped<Vec<u16>>>) {
        Taped::lock(list).push(me.0);
        std::thread::yield_now();
        Taped::lock(list).push(me.0);
    }

    #[test]
    fn the_order_of_a_run_is_had_again() {
        let (first, noted) = run(|me, _, list| {
            record(me);
            push(me, list);
            recorded()
        });
        assert_eq!(first.len() as u64, 4 * TURNS);
        let order = Arc::new(Order::of(2));
        let (again, _) = run(|me, nth, list| {
            let switches = noted[usize::from(me.0) - 1][nth as usize].clone();
            replay(me, &order, switches, || push(me, list)).unwrap();
            Vec::new()
        });
        assert_eq!(again, first);
    }

    #[test]
    fn a_lock_that_is_not_as_it_was_is_told() {
        let order = Arc::new(Order::of(1));
        let list = Taped::mutex(Vec::new());
        let switch = |nth, taken| Switch { nth, taken };
        let play =
            |switches: Vec<Switch>| replay(Actor(1), &order, switches, || push(Actor(1), &list));
        let unnoted = play(Vec::new());
        assert!(
            matches!(&unnoted, Err(Parted::Here(why)) if why.contains("another thread's")),
            "{unnoted:?}"
        );
        assert_eq!(play(vec![switch(0, 0)]), Ok(()));
        let late = play(vec![switch(0, 1)]);
        assert!(
            matches!(&late, Err(Parted::Here(why)) if why.contains("taken 2 times")),
            "{late:?}"
        );
        let more = play(vec![switch(7, 9)]);
        assert!(
            matches!(&more, Err(Parted::Here(why)) if why.contains("took more")),
            "{more:?}"
        );
        // Nobody else is there to take it once more.
        let never = play(vec![switch(0, 99)]);
        assert!(matches!(never, Err(Parted::Stalled(_))), "{never:?}");
    }

    struct Probe(Mutex<Stamped<u8>>);

    impl Object<Taped> for Probe {
        const KIND: &'static str = "probe";

        fn release(&self) {
            *Taped::lock(&self.0) += 1;
        }
    }

    /// Which thread it runs on is nobody's business.
    #[test]
    fn what_a_destructor_locks_is_not_noted() {
        let [first, second] = [1, 2].map(|_| Probe(Taped::mutex(0)));
        let probe = Ref::new(&NoLedger, first);
        record(Actor(1));
        drop(probe);
        *Taped::lock(&second.0) += 1;
        assert_eq!(recorded(), [Switch { nth: 0, taken: 0 }]);
    }

    #[test]
    fn who_looks_on_leaves_no_stamp() {
        let list = Taped::mutex(Vec::new());
        let taken = |me| {
            record(Actor(me));
            Taped::lock(&list).push(me);
            recorded()
        };
        assert_eq!(taken(1), [Switch { nth: 0, taken: 0 }]);
        assert_eq!(Taped::lock(&list).len(), 1);
        assert_eq!(taken(1), []);
        assert_eq!(taken(2), [Switch { nth: 0, taken: 2 }]);
    }
}
