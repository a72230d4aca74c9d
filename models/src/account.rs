//! The ledger of the explorers: always on, checked at each entry and at the end of each execution.
//!
//! It lies in the execution's record ([`crate::context`]), so the value itself is nothing. Each entry comes right after
//! the operation that it tells of, with no scheduling point between, so the count that the operation saw must be the
//! number of references that are out.

use core::ops::Range;
use core::panic::Location;

use iaxproof::registry::ledger::{Ledger, Seat};
use iaxproof_sim::administer::Census;

use crate::context::{self, Context, Record};
use crate::follow::Followed;
use crate::protocol::trace::Event;

/// The ledger of the checking families. An execution has one for each of its directories, told apart by a number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account(u32);

/// Names an object of one execution, numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectNumber(pub(crate) u32);

/// Names a reference of one execution, numbered from 1.
#[derive(Clone, Copy, Debug)]
pub struct TicketNumber(u32);

impl Account {
    /// The account of this number.
    pub const fn numbered(number: u32) -> Self {
        Account(number)
    }

    /// How many objects are alive in this execution.
    pub fn live_objects(self) -> usize {
        context::with(|context| self.own(context).filter(|r| !r.destroyed).count())
    }

    /// How many references are out in this execution.
    pub fn references(self) -> usize {
        context::with(|context| self.own(context).map(|r| r.held.len()).sum())
    }

    fn own(self, context: &Context) -> impl Iterator<Item = &Record> {
        let is_own = move |record: &&Record| record.account == self.0;
        context.objects.iter().filter(is_own)
    }

    /// A line for each object that is alive, with the lines that hold it.
    pub fn report(self) -> String {
        context::with(|context| {
            self.own(context)
                .filter(|r| !r.destroyed)
                .map(line)
                .collect()
        })
    }
}

fn line(record: &Record) -> String {
    let held: String = record
        .held
        .values()
        .map(|at| format!("    held since {at}\n"))
        .collect();
    format!("{} made at {}\n{held}", record.kind, record.made_at)
}

impl Ledger for Account {
    type Object = ObjectNumber;
    type Ticket = TicketNumber;

    fn open(&self, kind: &'static str, at: &'static Location<'static>) -> ObjectNumber {
        ObjectNumber(context::with(|context| context.open(kind, self.0, at)))
    }

    #[track_caller]
    fn take(
        &self,
        object: ObjectNumber,
        count: usize,
        at: &'static Location<'static>,
    ) -> TicketNumber {
        taken(object, None, count, at)
    }

    #[track_caller]
    fn copy(
        &self,
        object: ObjectNumber,
        from: TicketNumber,
        count: usize,
        at: &'static Location<'static>,
    ) -> TicketNumber {
        taken(object, Some(from.0), count, at)
    }

    #[track_caller]
    fn give(
        &self,
        object: ObjectNumber,
        ticket: TicketNumber,
        count: usize,
        at: &'static Location<'static>,
    ) {
        let (was_held, out) = context::with(|context| {
            context.event(|_| Some(Event::Gave { ticket: ticket.0 }));
            let record = context.record(object.0);
            let taken_at = record.held.remove(&ticket.0);
            let out = record.held.len();
            if let Some(taken_at) = taken_at {
                context.given_back(taken_at);
            }
            (taken_at.is_some(), out)
        });
        if !was_held {
            let name = named(object);
            let message = format!("a reference to {name} is given back twice, at {at}");
            context::fault("destroyed-once", &message);
        }
        compare(object, count, out, at);
    }

    fn destroy(&self, object: ObjectNumber) {
        context::with(|context| context.record(object.0).destroyed = true);
    }

    fn free(&self, object: ObjectNumber) {
        let early = context::with(|context| {
            context.event(|_| Some(Event::Freed { object: object.0 }));
            context.free(object.0)
        });
        if let Some(message) = early {
            context::fault("no-use-after-destroy", &message);
        }
        if let Some(memory) = context::with(|context| context.memory_of(object.0)) {
            memory.end();
        }
    }

    fn placed(&self, object: ObjectNumber, memory: Range<usize>) {
        follow(|followed| {
            followed.placed(object.0, memory);
            None
        });
    }

    fn used(&self, ticket: TicketNumber) {
        follow(|_| Some(Event::Used { ticket: ticket.0 }));
    }

    fn seated(&self, ticket: TicketNumber, seat: Seat) {
        let ticket = ticket.0;
        follow(|followed| {
            Some(match seat {
                Seat::Link(hash) => Event::Linked { ticket, hash },
                Seat::ToBe => Event::Slotted {
                    ticket,
                    within: None,
                },
                Seat::Slot(address) => Event::Slotted {
                    ticket,
                    within: followed.object_at(address),
                },
            })
        });
    }

    fn unseated(&self, ticket: TicketNumber) {
        follow(|_| Some(Event::Unseated { ticket: ticket.0 }));
    }

    fn reseated(&self, new: TicketNumber, old: TicketNumber) {
        let (new, old) = (new.0, old.0);
        follow(|_| Some(Event::Reseated { new, old }));
    }

    fn missed(&self, hash: u64) {
        follow(|_| Some(Event::Missed { hash }));
    }
}

/// Keeps an event, where the execution is followed.
fn follow(event: impl FnOnce(&mut Followed) -> Option<Event>) {
    context::with(|context| context.event(event));
}

/// A reference was taken, as a copy of another or not.
#[track_caller]
fn taken(
    object: ObjectNumber,
    from: Option<u32>,
    count: usize,
    at: &'static Location<'static>,
) -> TicketNumber {
    let (ticket, destroyed, out) = context::with(|context| {
        let ticket = context.next_ticket();
        let object = object.0;
        context.event(|_| {
            Some(Event::Took {
                object,
                ticket,
                from,
            })
        });
        let record = context.record(object);
        record.held.insert(ticket, at);
        (ticket, record.destroyed, record.held.len())
    });
    if destroyed {
        let name = named(object);
        let message = format!("a reference to {name} is taken at {at} after its destructor began");
        context::fault("no-use-after-destroy", &message);
    }
    compare(object, count, out, at);
    TicketNumber(ticket)
}

fn named(object: ObjectNumber) -> String {
    context::with(|context| context.object_name(object.0))
}

/// The count that the operation saw must be the references that are out.
#[track_caller]
fn compare(object: ObjectNumber, count: usize, out: usize, at: &'static Location<'static>) {
    if count == out {
        return;
    }
    let property = if count > out {
        "no-leak"
    } else {
        "no-use-after-destroy"
    };
    let name = named(object);
    let message = format!("{name} counts {count} at {at}, and {out} references are out");
    context::fault(property, &message);
}

impl Census for Account {
    fn live_objects(&self) -> usize {
        Account::live_objects(*self)
    }

    fn references(&self) -> usize {
        Account::references(*self)
    }

    fn report(&self) -> String {
        Account::report(*self)
    }
}
