//! The ledger: who took which reference where, so that a leak or a stale use names its line.
//!
//! A family chooses its ledger by type ([`Family::Ledger`](super::Family::Ledger)): [`NoLedger`] costs
//! nothing, not even a field; [`Book`] keeps every entry and is always on in checks.

use core::fmt;
use core::ops::Range;
use core::panic::Location;
use std::collections::BTreeMap;

/// Where a family writes the life of its objects. Calls come right after the operation they tell of, with no
/// scheduling point between; a ledger must not call back into the registry.
pub trait Ledger: Clone + Default + Send + Sync + 'static {
    /// Names an object for as long as the ledger lives; never an address.
    type Object: Copy + fmt::Debug + Send + Sync + 'static;
    /// Names one reference: what `take` gave and `give` returns.
    type Ticket: Copy + fmt::Debug + Send + Sync + 'static;

    /// An object of this kind was made, with one strong reference still to be taken.
    fn open(&self, kind: &'static str, at: &'static Location<'static>) -> Self::Object;
    /// A strong reference was taken at `at`; the count is now `count`.
    fn take(
        &self,
        object: Self::Object,
        count: usize,
        at: &'static Location<'static>,
    ) -> Self::Ticket;
    /// The strong reference of this ticket was given back at `at`; the count is now `count`.
    fn give(
        &self,
        object: Self::Object,
        ticket: Self::Ticket,
        count: usize,
        at: &'static Location<'static>,
    );
    /// The destructor of the object begins.
    fn destroy(&self, object: Self::Object);
    /// The memory of the object went back: no weak reference stands on it either.
    fn free(&self, object: Self::Object);

    /// The object lies at these addresses from now on, with all locks and slots that are within it.
    fn placed(&self, _object: Self::Object, _memory: Range<usize>) {}
    /// A strong reference was taken by copying another one; as [`Ledger::take`].
    fn copy(
        &self,
        object: Self::Object,
        _from: Self::Ticket,
        count: usize,
        at: &'static Location<'static>,
    ) -> Self::Ticket {
        self.take(object, count, at)
    }
    /// The object is used through the reference of this ticket.
    fn used(&self, _ticket: Self::Ticket) {}
    /// The reference went into a place that a lock guards.
    fn seated(&self, _ticket: Self::Ticket, _seat: Seat) {}
    /// The reference was taken out of its place.
    fn unseated(&self, _ticket: Self::Ticket) {}
    /// The reference `new` went into the place of `old`, which was taken out.
    fn reseated(&self, _new: Self::Ticket, _old: Self::Ticket) {}
    /// A lookup found nothing under a key of this hash.
    fn missed(&self, _hash: u64) {}
}

/// A place that a lock guards and that owns a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// A link of the container whose lock is held, under a key of this hash.
    Link(u64),
    /// A slot at this address: within the object that lies there.
    Slot(usize),
    /// A slot of an object that is being made.
    ToBe,
}

/// The ledger of production: nothing is written, nothing is stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLedger;

impl Ledger for NoLedger {
    type Object = ();
    type Ticket = ();

    #[inline(always)]
    fn open(&self, _: &'static str, _: &'static Location<'static>) {}
    #[inline(always)]
    fn take(&self, (): (), _: usize, _: &'static Location<'static>) {}
    #[inline(always)]
    fn give(&self, (): (), (): (), _: usize, _: &'static Location<'static>) {}
    #[inline(always)]
    fn destroy(&self, (): ()) {}
    #[inline(always)]
    fn free(&self, (): ()) {}
}

/// Names an object of a [`Book`]: numbered from 1 in the order of making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectNumber(pub u64);

/// Names a reference of a [`Book`]: numbered from 1 in the order of taking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketNumber(pub u64);

/// A ledger that keeps every live object and every reference that was not given back.
///
/// Clones share one set of pages. The pages lie under a plain lock that is held for one entry at a time and never
/// across an operation of the registry, so the book adds no interleaving of its own.
#[derive(Clone, Default)]
pub struct Book {
    pages: Pages,
}

#[expect(
    clippy::disallowed_types,
    reason = "the book is not part of the algorithm: its lock is never held across a family operation"
)]
type Pages = std::sync::Arc<std::sync::Mutex<Ink>>;

/// What is written in a [`Book`].
#[derive(Default)]
struct Ink {
    objects_made: u64,
    tickets_made: u64,
    objects: BTreeMap<ObjectNumber, Page>,
}

/// One object that was made and whose memory is not yet free.
#[derive(Clone, Debug)]
pub struct Page {
    /// What kind of object it is ([`Object::KIND`](super::Object::KIND)).
    pub kind: &'static str,
    /// Where it was made.
    pub made_at: &'static Location<'static>,
    /// Whether its destructor began.
    pub destroyed: bool,
    /// Whether its memory went back. A page stays open beyond that only until the last thread that gave a reference
    /// back has said so.
    pub freed: bool,
    /// The strong references that were taken and not given back, and where each was taken.
    pub held: BTreeMap<TicketNumber, &'static Location<'static>>,
}

impl Book {
    /// Every object whose memory is not free, in the order of making.
    pub fn open_pages(&self) -> Vec<(ObjectNumber, Page)> {
        let ink = self.ink();
        ink.objects.iter().map(|(n, p)| (*n, p.clone())).collect()
    }

    /// How many objects are alive: made, and their destructor not begun.
    pub fn live_objects(&self) -> usize {
        self.ink().objects.values().filter(|p| !p.destroyed).count()
    }

    /// How many references are out in all.
    pub fn references(&self) -> usize {
        self.ink().objects.values().map(|p| p.held.len()).sum()
    }

    /// One line per object that is still alive and per reference that holds it.
    pub fn report(&self) -> String {
        let mut text = String::new();
        for (number, page) in self.open_pages() {
            text.push_str(&format!(
                "{} #{} made at {}, destroyed: {}\n",
                page.kind, number.0, page.made_at, page.destroyed
            ));
            for at in page.held.values() {
                text.push_str(&format!("    held since {at}\n"));
            }
        }
        text
    }

    fn ink(&self) -> std::sync::MutexGuard<'_, Ink> {
        self.pages
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("live_objects", &self.live_objects())
            .finish_non_exhaustive()
    }
}

impl Ledger for Book {
    type Object = ObjectNumber;
    type Ticket = TicketNumber;

    fn open(&self, kind: &'static str, at: &'static Location<'static>) -> ObjectNumber {
        let mut ink = self.ink();
        ink.objects_made += 1;
        let number = ObjectNumber(ink.objects_made);
        let page = Page {
            kind,
            made_at: at,
            destroyed: false,
            freed: false,
            held: BTreeMap::new(),
        };
        ink.objects.insert(number, page);
        number
    }

    fn take(
        &self,
        object: ObjectNumber,
        _count: usize,
        at: &'static Location<'static>,
    ) -> TicketNumber {
        let mut ink = self.ink();
        ink.tickets_made += 1;
        let ticket = TicketNumber(ink.tickets_made);
        ink.change(object, |page| page.held.insert(ticket, at));
        ticket
    }

    fn give(
        &self,
        object: ObjectNumber,
        ticket: TicketNumber,
        _count: usize,
        at: &'static Location<'static>,
    ) {
        let was_held = self.ink().change(object, |page| page.held.remove(&ticket));
        assert!(
            was_held.flatten().is_some(),
            "a reference is given back once: {ticket:?} of {object:?} at {at}"
        );
    }

    fn destroy(&self, object: ObjectNumber) {
        self.ink().change(object, |page| page.destroyed = true);
    }

    fn free(&self, object: ObjectNumber) {
        self.ink().change(object, |page| page.freed = true);
    }
}

impl Ink {
    /// Changes one page. It is closed once the memory is free and every reference was written off: a thread that gave
    /// back the last but one may come to the book after the thread that gave back the last.
    fn change<R>(
        &mut self,
        object: ObjectNumber,
        change: impl FnOnce(&mut Page) -> R,
    ) -> Option<R> {
        let page = self.objects.get_mut(&object)?;
        let result = change(page);
        if page.freed && page.held.is_empty() {
            self.objects.remove(&object);
        }
        Some(result)
    }
}
