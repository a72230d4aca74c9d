//! Each check of the checking families sees the mistake that it is for, under both explorers.

use core::sync::atomic::Ordering;
use std::sync::Arc;

use iaxproof_models::explore::{Body, Enumeration, with_loom, with_shuttle};
use iaxproof_models::{End, Explorer, Loom, Shuttle};

use crate::probe::probe;

/// The properties that loom, shuttle's search and our enumerator report.
fn reported(loom: Body, shuttle: Body) -> [String; 3] {
    [
        with_loom(loom, None, Box::new(|| false)),
        with_shuttle(shuttle, Enumeration::DepthFirst, Box::new(|| false)),
        with_shuttle(shuttle, Enumeration::Reduced, Box::new(|| false)),
    ]
    .map(|exploration| match exploration.end {
        End::Failed(finding) => finding.property,
        other => format!("{other:?}"),
    })
}

macro_rules! reports {
    ($name:ident, $property:literal) => {
        #[test]
        fn $name() {
            fn body<E: Explorer>() -> String {
                self::bodies::$name::<E>();
                String::new()
            }
            assert_eq!(
                reported(body::<Loom>, body::<Shuttle>),
                [$property; 3].map(String::from)
            );
        }
    };
}

mod bodies {
    use super::*;

    pub(super) fn a_reference_that_is_forgotten<E: Explorer>() {
        core::mem::forget(probe::<E>());
    }

    pub(super) fn a_weak_reference_that_is_forgotten<E: Explorer>() {
        core::mem::forget(probe::<E>().downgrade());
    }

    pub(super) fn a_second_lock<E: Explorer>() {
        let (first, second) = (E::mutex(1), E::mutex(2));
        let _first = E::lock(&first);
        let _second = E::lock(&second);
    }

    pub(super) fn a_reference_given_back_under_a_lock<E: Explorer>() {
        let held = probe::<E>();
        let mutex = E::mutex(1);
        let _guard = E::lock(&mutex);
        drop(held);
    }

    pub(super) fn a_use_after_the_destructor<E: Explorer>() {
        let life = E::life();
        E::destroy(&life);
        E::touch(&life);
    }

    pub(super) fn a_second_destructor<E: Explorer>() {
        let life = E::life();
        E::destroy(&life);
        E::destroy(&life);
    }

    /// The last drop of a count whose decrement releases nothing: the other thread's use is not before the destructor.
    pub(super) fn a_decrement_that_is_relaxed<E: Explorer>() {
        let shared = Arc::new((E::atomic(2), E::life()));
        let other = Arc::clone(&shared);
        let drop_one = |shared: &(E::AtomicUsize, E::Life)| {
            E::touch(&shared.1);
            if E::fetch_sub(&shared.0, 1, Ordering::Relaxed) == 1 {
                E::load(&shared.0, Ordering::Acquire);
                E::destroy(&shared.1);
            }
        };
        E::beside(move || drop_one(&other), || drop_one(&shared));
    }

    /// The decrement releases, but whoever destroys does not acquire.
    pub(super) fn a_destructor_that_does_not_acquire<E: Explorer>() {
        let shared = Arc::new((E::atomic(2), E::life()));
        let other = Arc::clone(&shared);
        let drop_one = |shared: &(E::AtomicUsize, E::Life)| {
            E::touch(&shared.1);
            if E::fetch_sub(&shared.0, 1, Ordering::Release) == 1 {
                E::destroy(&shared.1);
            }
        };
        E::beside(move || drop_one(&other), || drop_one(&shared));
    }

    pub(super) fn a_panic<E: Explorer>() {
        let mutex = E::mutex(0);
        let _guard = E::lock(&mutex);
        assert_eq!(1 + 1, 3, "the body panics with a lock held");
    }
}

reports!(a_reference_that_is_forgotten, "no-leak");
reports!(a_weak_reference_that_is_forgotten, "no-leak");
reports!(a_second_lock, "no-deadlock");
reports!(a_reference_given_back_under_a_lock, "destroyed-once");
reports!(a_use_after_the_destructor, "no-use-after-destroy");
reports!(a_second_destructor, "destroyed-once");
reports!(a_decrement_that_is_relaxed, "no-use-after-destroy");
reports!(a_destructor_that_does_not_acquire, "no-use-after-destroy");
reports!(a_panic, "no-panic");
