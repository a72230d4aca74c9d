//! Counted objects: [`Ref`] is a strong reference, [`Weak`] one that does not keep the object
//! (astobj2: `ao2_alloc`, `ao2_ref`, `ao2_weakproxy`).
//!
//! An object has two counts. The strong count is what keeps it; when it reaches zero the destructor runs once, on
//! the thread that gave the last reference back, with no registry lock held. The weak count keeps the memory; all
//! strong references together own one of it, as in `std::sync::Arc`.
//!
//! The counts are our own because loom has no `Weak` and shuttle does not model `Arc`. The protocol is the one that
//! `models/` proves: counts change by read-modify-write only.

#![expect(
    unsafe_code,
    reason = "counted memory: every block states why it is sound"
)]

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::panic::Location;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::family::Family;
use super::ledger::{Ledger, Seat};

/// What can be counted.
pub trait Object<F: Family>: Send + Sync + 'static {
    /// A word for reports: `"peer"`, `"settings"`.
    const KIND: &'static str;

    /// The destructor. Takes every [`Ref`] that this object owns out of its locks and drops it there, with no lock
    /// held. Runs once, after the last strong reference is gone and before the value itself is dropped; a
    /// checking family runs only this and leaves the bytes.
    fn release(&self);
}

/// The most references of either kind an object can have. Beyond it the count could wrap and destroy a live object.
pub const COUNT_MAX: usize = isize::MAX as usize;

struct Inner<T, F: Family> {
    strong: F::AtomicUsize,
    weak: F::AtomicUsize,
    life: F::Life,
    ledger: F::Ledger,
    number: <F::Ledger as Ledger>::Object,
    /// Invariant: valid while the strong count is above zero; ended once, by `destroy`.
    value: ManuallyDrop<T>,
}

/// A strong reference: the object stays while this exists. Clone is astobj2's `ref +1`, drop its `ref -1`.
///
/// The drop of the last one runs [`Object::release`] on the thread that drops it. A clone beyond [`COUNT_MAX`] is a
/// [`Family::fault`]: in production a panic.
pub struct Ref<T: Object<F>, F: Family> {
    inner: NonNull<Inner<T, F>>,
    ticket: <F::Ledger as Ledger>::Ticket,
    owns: PhantomData<Inner<T, F>>,
}

/// A reference that keeps the memory but not the object: [`Weak::upgrade`] tells whether the object still lives.
///
/// For timers and caches that must not keep what they name. While one exists the memory of the object stays, though its
/// destructor ran.
pub struct Weak<T: Object<F>, F: Family> {
    inner: NonNull<Inner<T, F>>,
    owns: PhantomData<Inner<T, F>>,
}

// SAFETY: a `Ref` gives shared access to a `T` that is `Send + Sync` (`Object` asks for it) and may drop it on any
// thread; the counts are atomic.
unsafe impl<T: Object<F>, F: Family> Send for Ref<T, F> {}
// SAFETY: as for `Send`; `&Ref` gives no more than `&T` and `clone`.
unsafe impl<T: Object<F>, F: Family> Sync for Ref<T, F> {}
// SAFETY: as for `Ref`; a `Weak` gives access only by `upgrade`.
unsafe impl<T: Object<F>, F: Family> Send for Weak<T, F> {}
// SAFETY: as for `Ref`.
unsafe impl<T: Object<F>, F: Family> Sync for Weak<T, F> {}

impl<T: Object<F>, F: Family> Ref<T, F> {
    /// Makes an object with one reference, written in `ledger` (astobj2: `ao2_alloc`).
    #[track_caller]
    pub fn new(ledger: &F::Ledger, value: T) -> Self {
        let at = Location::caller();
        let number = ledger.open(T::KIND, at);
        let inner = Box::new(Inner {
            strong: F::atomic(1),
            weak: F::atomic(1),
            life: F::life(),
            ledger: ledger.clone(),
            number,
            value: ManuallyDrop::new(value),
        });
        let start = core::ptr::from_ref(&*inner).addr();
        ledger.placed(number, start..start + size_of::<Inner<T, F>>());
        let ticket = ledger.take(number, 1, at);
        // SAFETY: a box is never null.
        let inner = unsafe { NonNull::new_unchecked(Box::into_raw(inner)) };
        Ref::from_parts(inner, ticket)
    }

    /// A weak reference to the same object.
    pub fn downgrade(&self) -> Weak<T, F> {
        let inner = self.inner();
        // Relaxed: this reference keeps the object, so nothing is decided by the value.
        guard_overflow::<F>(F::fetch_add(&inner.weak, 1, Ordering::Relaxed));
        Weak {
            inner: self.inner,
            owns: PhantomData,
        }
    }

    /// Whether both stand on the same object.
    pub fn same_object(&self, other: &Self) -> bool {
        self.inner == other.inner
    }

    /// Whether `weak` stands on this object.
    pub fn is_target_of(&self, weak: &Weak<T, F>) -> bool {
        self.inner == weak.inner
    }

    /// How many references there were, this one included (astobj2: `ao2_ref` by 0). For an operator who looks on: another thread may have
    /// changed it before this returns.
    pub fn references(&self) -> usize {
        // Relaxed: nothing is decided by the value.
        F::load(&self.inner().strong, Ordering::Relaxed)
    }

    /// The object's name in the ledger.
    pub fn number(&self) -> <F::Ledger as Ledger>::Object {
        self.inner().number
    }

    /// Tells the ledger that this reference went into a place that a lock guards.
    pub(super) fn seated(&self, seat: Seat) {
        self.inner().ledger.seated(self.ticket, seat);
    }

    /// Tells the ledger that this reference was taken out of its place.
    pub(super) fn unseated(&self) {
        self.inner().ledger.unseated(self.ticket);
    }

    /// Tells the ledger that this reference went into the place of another, which was taken out.
    pub(super) fn reseated(&self, old: &Self) {
        self.inner().ledger.reseated(self.ticket, old.ticket);
    }

    fn from_parts(inner: NonNull<Inner<T, F>>, ticket: <F::Ledger as Ledger>::Ticket) -> Self {
        Ref {
            inner,
            ticket,
            owns: PhantomData,
        }
    }

    fn inner(&self) -> &Inner<T, F> {
        // SAFETY: this reference is counted, so the memory is valid.
        unsafe { self.inner.as_ref() }
    }
}

impl<T: Object<F>, F: Family> Clone for Ref<T, F> {
    #[track_caller]
    fn clone(&self) -> Self {
        let inner = self.inner();
        F::touch(&inner.life);
        // Relaxed: the object is kept by `self`; who receives the clone gets it through something that synchronises.
        let old = F::fetch_add(&inner.strong, 1, Ordering::Relaxed);
        guard_overflow::<F>(old);
        let at = Location::caller();
        let ticket = inner.ledger.copy(inner.number, self.ticket, old + 1, at);
        Ref::from_parts(self.inner, ticket)
    }
}

impl<T: Object<F>, F: Family> Deref for Ref<T, F> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        let inner = self.inner();
        F::touch(&inner.life);
        inner.ledger.used(self.ticket);
        &inner.value
    }
}

impl<T: Object<F>, F: Family> Drop for Ref<T, F> {
    #[inline]
    #[track_caller]
    fn drop(&mut self) {
        if F::is_stopped() {
            return;
        }
        F::giving_back();
        let inner = self.inner();
        // Taken out first: after the count is given back another thread may free the memory.
        let (ledger, number) = (inner.ledger.clone(), inner.number);
        // Release: pairs with the Acquire in `destroy`, so that our uses come before the destructor.
        let old = F::fetch_sub(&inner.strong, 1, Ordering::Release);
        ledger.give(number, self.ticket, old.wrapping_sub(1), Location::caller());
        if old == 1 {
            destroy(self.inner);
        }
    }
}

/// The last strong reference is gone: run the destructor, end the value, give back the weak count that all strong
/// references held together.
#[cold]
fn destroy<T: Object<F>, F: Family>(memory: NonNull<Inner<T, F>>) {
    // SAFETY: the strong references' common weak count is not given back yet, so the memory is valid.
    let inner = unsafe { memory.as_ref() };
    // Acquire: pairs with the Release of every other drop of a strong reference.
    F::load(&inner.strong, Ordering::Acquire);
    inner.ledger.destroy(inner.number);
    F::destroy(&inner.life);
    inner.value.release();
    // SAFETY: in bounds of a valid object. The pointer comes from `memory`, not from a shared reference, so it may be
    // used to drop; `ManuallyDrop` has the layout of its content.
    let value = unsafe { NonNull::new_unchecked((&raw mut (*memory.as_ptr()).value).cast::<T>()) };
    // SAFETY: the strong count is zero and `upgrade` refuses zero, so nobody else reaches the value; `destroy` runs
    // once because only one drop can take the count from 1 to 0.
    unsafe { F::end_value(value) };
    give_back_weak(memory);
}

/// Gives one weak count back; the last one ends the memory.
fn give_back_weak<T: Object<F>, F: Family>(memory: NonNull<Inner<T, F>>) {
    // SAFETY: the caller owns one weak count, so the memory is valid until it is given back here.
    let inner = unsafe { memory.as_ref() };
    let (ledger, number) = (inner.ledger.clone(), inner.number);
    // Release: pairs with the Acquire below, so that every access to the memory comes before its end.
    if F::fetch_sub(&inner.weak, 1, Ordering::Release) == 1 {
        // Acquire: pairs with the Release of every other give-back.
        F::load(&inner.weak, Ordering::Acquire);
        ledger.free(number);
        // SAFETY: both counts are zero, the value was ended by `destroy`, and only one thread sees 1 become 0.
        unsafe { F::end_memory(memory) };
    }
}

impl<T: Object<F>, F: Family> Weak<T, F> {
    /// A strong reference, or `None` where the destructor has begun. Never brings an object back. It orders nothing: what others
    /// wrote into the object since it was made must lie behind a lock, as all that the registry and the catalog share does.
    #[track_caller]
    pub fn upgrade(&self) -> Option<Ref<T, F>> {
        let inner = self.inner();
        // Relaxed: a first guess; the exchange decides.
        let mut count = F::load(&inner.strong, Ordering::Relaxed);
        while count != 0 {
            // Relaxed on success: what the new holder may see of the object came to it with `self`, or lies behind the
            // family's locks; what it does is released by its own drop. (`std::sync::Weak` acquires here, for `Arc::new_cyclic`,
            // which makes weak references before the value; here the value is first.) Relaxed on failure: only the next
            // guess. `iaxproof prove --orderings` finds no proof that fails for it.
            match F::compare_exchange(
                &inner.strong,
                count,
                count + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(self.upgraded(count)),
                Err(found) => count = found,
            }
        }
        None
    }

    #[track_caller]
    fn upgraded(&self, old: usize) -> Ref<T, F> {
        guard_overflow::<F>(old);
        let inner = self.inner();
        let ticket = inner.ledger.take(inner.number, old + 1, Location::caller());
        Ref::from_parts(self.inner, ticket)
    }

    fn inner(&self) -> &Inner<T, F> {
        // SAFETY: a weak reference keeps the memory. The value may be destroyed; callers touch only counts, ledger
        // and number.
        unsafe { self.inner.as_ref() }
    }
}

impl<T: Object<F>, F: Family> Clone for Weak<T, F> {
    fn clone(&self) -> Self {
        // Relaxed: `self` keeps the memory.
        guard_overflow::<F>(F::fetch_add(&self.inner().weak, 1, Ordering::Relaxed));
        Weak {
            inner: self.inner,
            owns: PhantomData,
        }
    }
}

impl<T: Object<F>, F: Family> Drop for Weak<T, F> {
    fn drop(&mut self) {
        if F::is_stopped() {
            return;
        }
        F::giving_back();
        give_back_weak(self.inner);
    }
}

fn guard_overflow<F: Family>(old: usize) {
    if old >= COUNT_MAX {
        F::fault("a reference count is at its limit: references are leaked somewhere");
    }
}

impl<T: Object<F> + fmt::Debug, F: Family> fmt::Debug for Ref<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: Object<F>, F: Family> fmt::Debug for Weak<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Weak").field(&self.inner().number).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::family::{Audited, Std};
    use super::super::ledger::Book;
    use super::*;

    struct Probe<F: Family>(F::Mutex<usize>);

    impl<F: Family> Object<F> for Probe<F> {
        const KIND: &'static str = "probe";
        fn release(&self) {
            *F::lock(&self.0) += 1;
        }
    }

    #[test]
    fn the_ledger_counts_objects_and_references() {
        let book = Book::default();
        let first: Ref<Probe<Audited>, Audited> = Ref::new(&book, Probe(Audited::mutex(0)));
        let second = first.clone();
        assert_eq!((book.live_objects(), book.references()), (1, 2));
        drop(first);
        drop(second);
        assert_eq!((book.live_objects(), book.references()), (0, 0));
        assert!(book.open_pages().is_empty(), "{}", book.report());
    }

    #[test]
    fn a_weak_reference_keeps_the_memory_and_not_the_object() {
        let book = Book::default();
        let strong: Ref<Probe<Audited>, Audited> = Ref::new(&book, Probe(Audited::mutex(0)));
        let weak = strong.downgrade();
        assert!(weak.upgrade().is_some_and(|r| r.same_object(&strong)));
        drop(strong);
        assert!(weak.upgrade().is_none());
        assert_eq!((book.live_objects(), book.open_pages().len()), (0, 1));
        drop(weak);
        assert!(book.open_pages().is_empty());
    }

    #[test]
    fn references_have_a_limit_that_is_reported() {
        guard_overflow::<Std>(COUNT_MAX - 1);
        let beyond = std::panic::catch_unwind(|| guard_overflow::<Std>(COUNT_MAX));
        assert!(beyond.is_err(), "before the count could wrap");
    }

    #[test]
    fn production_pays_for_no_ledger_and_no_mark() {
        type Plain = Ref<Probe<Std>, Std>;
        assert_eq!(size_of::<Plain>(), size_of::<usize>());
        assert_eq!(
            size_of::<Inner<Probe<Std>, Std>>(),
            2 * size_of::<usize>() + size_of::<Probe<Std>>()
        );
    }
}
