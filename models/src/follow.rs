//! Follows one execution for the protocol: turns what the families and the ledger say into events, and addresses into objects.
//!
//! Addresses tell which locks and slots are within which object. A checking family keeps the memory of an object until its execution
//! ends, so no two objects of one execution share an address; and none is part of an event.

use core::ops::Range;

use crate::context::Record;
use crate::protocol::trace::{Change, Event, Kind, Rest, Trace, Traced};
use crate::step::{Operation, Subject};

/// The events so far, and where each object lies.
#[derive(Default)]
pub(crate) struct Followed {
    events: Vec<Traced>,
    placed: Vec<(Range<usize>, u32)>,
}

impl Followed {
    pub(crate) fn push(
        &mut self,
        thread: usize,
        event: impl FnOnce(&mut Followed) -> Option<Event>,
    ) {
        if let Some(event) = event(self) {
            self.events.push(Traced { thread, event });
        }
    }

    pub(crate) fn placed(&mut self, object: u32, memory: Range<usize>) {
        self.placed.push((memory, object));
    }

    pub(crate) fn locked(&self, lock: u32, address: usize) -> Event {
        let within = self.object_at(address);
        Event::Lock { lock, within }
    }

    /// The object that lies around this address.
    pub(crate) fn object_at(&self, address: usize) -> Option<u32> {
        let found = self.placed.iter().find(|(at, _)| at.contains(&address));
        found.map(|(_, object)| *object)
    }

    /// The trace, with what the ledger has at the end.
    pub(crate) fn trace(self, objects: &[Record]) -> Trace {
        let rest = |(index, record): (usize, &Record)| Rest {
            object: u32::try_from(index + 1).unwrap_or(u32::MAX),
            held: record.held.keys().copied().collect(),
            destroyed: record.destroyed,
            freed: record.freed,
        };
        Trace {
            events: self.events,
            rest: objects.iter().enumerate().map(rest).collect(),
        }
    }
}

/// The event of an operation on a counter, where it is an object's.
pub(crate) fn counted(operation: Operation, subject: Subject, observed: usize) -> Option<Event> {
    let (object, kind) = match subject {
        Subject::Count(object) => (object, Kind::Strong),
        Subject::WeakCount(object) => (object, Kind::Weak),
        _ => return None,
    };
    let change = match operation {
        Operation::Load => Change::Load,
        Operation::Add => Change::Add,
        Operation::Subtract => Change::Subtract,
        Operation::Exchange => Change::Exchange,
        Operation::ExchangeFailed => Change::ExchangeFailed,
        _ => return None,
    };
    Some(Event::Count {
        object,
        kind,
        change,
        observed: i64::try_from(observed).unwrap_or(i64::MAX),
    })
}
