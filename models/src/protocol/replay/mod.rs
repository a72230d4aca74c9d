//! Whether the protocol allows what an execution did: each event becomes the steps that it stands for, and each step must be one that may
//! be taken, is safe, and sees the count that the execution saw. At the end the two must agree on every object.
//!
//! A reference is a local variable, of the thread that uses it, until an event says that it went into a link or a slot. Where a
//! thread uses a reference that was another's, it was handed over in between: «arm» and «fire». Weak references have no
//! names in the ledger and are alike, so any of an object stands for any other. A slot belongs to the object that its thread makes next:
//! were it another's, the first to open it would hold the wrong lock and be refused.

mod ending;
mod places;
mod references;
mod under_way;

use std::collections::BTreeMap;

use super::interpret::Runner;
use super::table::Table;
use super::trace::{Change, Event, Kind, Rest, Trace, Traced};
use under_way::{At, Replaying};

/// How often each step was taken.
pub type Taken = BTreeMap<&'static str, u64>;

/// Replays traces.
#[derive(Clone, Debug)]
pub struct Replayer {
    runner: Runner,
}

impl Replayer {
    /// A replayer for this table.
    pub fn new(table: &Table) -> Self {
        Replayer {
            runner: Runner::new(table),
        }
    }

    /// Which steps the trace is made of.
    ///
    /// # Errors
    ///
    /// The first event that the protocol does not allow, in words.
    pub fn replay(&self, trace: &Trace) -> Result<Taken, String> {
        let mut replaying = Replaying::new(&self.runner);
        for (nth, traced) in trace.events.iter().enumerate() {
            let event = replaying.event(*traced);
            event.map_err(|why| format!("event {nth}, {traced:?}: {why}"))?;
        }
        replaying.is_at_rest()?;
        for rest in &trace.rest {
            replaying.compare(rest)?;
        }
        Ok(replaying.taken)
    }
}

impl Replaying<'_> {
    fn event(&mut self, Traced { thread, event }: Traced) -> Result<(), String> {
        if !matches!(event, Event::Took { .. } | Event::Gave { .. }) {
            self.nothing_pends_of(thread)?;
        }
        match event {
            Event::Lock { lock, within } => self.lock(thread, lock, within),
            Event::Unlock { lock } => self.unlock(thread, lock),
            Event::Count {
                object,
                kind,
                change,
                observed,
            } => match kind {
                Kind::Strong => self.strong(thread, object, change, observed),
                Kind::Weak => self.weak(thread, object, change, observed),
            },
            Event::Took {
                object,
                ticket,
                from,
            } => self.took(thread, object, ticket, from),
            Event::Gave { ticket } => self.gave(thread, ticket),
            Event::Used { ticket } => self.used(thread, ticket),
            Event::Linked { ticket, hash } => self.linked(thread, ticket, hash),
            Event::Slotted { ticket, within } => self.slotted(thread, ticket, within),
            Event::Unseated { ticket } => self.unseated(thread, ticket),
            Event::Reseated { new, old } => self.reseated(thread, new, old),
            Event::Missed { hash } => self.missed(thread, hash),
            Event::Destroyed { object } => self.destroyed(thread, object),
            Event::Freed { object } => self.freed(thread, object),
            Event::Marked => self.mark("mark"),
            Event::Unmarked => self.mark("unmark"),
        }
    }

    /// An operation on a strong count. Those that change it wait for the ledger to say which reference it is.
    fn strong(
        &mut self,
        thread: usize,
        object: u32,
        change: Change,
        observed: i64,
    ) -> Result<(), String> {
        match change {
            // Before the destructor; or a guess of zero, after which an upgrade does nothing.
            Change::Load if observed == 0 => Ok(()),
            Change::Load => self.guess(thread, object, observed),
            Change::ExchangeFailed if observed > 0 => self.guess_again(thread, object, observed),
            Change::ExchangeFailed => self.give_up(thread, object, observed),
            Change::Add | Change::Subtract | Change::Exchange => {
                self.pend(thread, object, change, observed);
                Ok(())
            }
        }
    }

    /// An operation on a weak count. The ledger says nothing of weak references.
    fn weak(
        &mut self,
        thread: usize,
        object: u32,
        change: Change,
        observed: i64,
    ) -> Result<(), String> {
        match change {
            Change::Load => Ok(()),
            Change::Add => self.weakened(thread, object, observed),
            Change::Subtract => self.gave_weak(thread, object, observed),
            Change::Exchange | Change::ExchangeFailed => {
                Err("a weak count is not exchanged".into())
            }
        }
    }

    /// The ledger and the state say the same of an object.
    fn compare(&self, rest: &Rest) -> Result<(), String> {
        let held = self.held(rest.object);
        let own = Rest {
            object: rest.object,
            held,
            destroyed: self.is("destroyed", rest.object),
            freed: self.is("freed", rest.object),
        };
        let count = self.count(rest.object);
        if own != *rest || count != rest.held.len() as i64 {
            return Err(format!(
                "at the end the ledger has {rest:?}, the protocol {own:?} with the count {count}"
            ));
        }
        Ok(())
    }
}

impl At {
    /// Where it stands, for a report.
    pub(super) fn words(self) -> &'static str {
        match self {
            At::Handle(_) => "in a local variable",
            At::Link(_) => "in a link",
            At::Slot(_) => "in a slot",
        }
    }
}
