//! A replay under way: the state, and what stands for which reference.

use std::collections::{BTreeMap, BTreeSet};

use super::Taken;
use crate::protocol::interpret::Runner;
use crate::protocol::state::{Fixed, Names, State, Value};
use crate::protocol::trace::Change;
use crate::protocol::vocabulary::{CONSTRUCTORS, variable_named};

/// Where a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    Handle(u32),
    Link(u32),
    Slot(u32),
}

/// A strong reference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strong {
    pub(super) object: u32,
    pub(super) at: At,
}

/// A count was changed, and the ledger has not said which reference it is.
#[derive(Clone, Copy, Debug)]
struct Pending {
    object: u32,
    change: Change,
    observed: i64,
}

/// What is known of a thread besides its registers.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    pending: Option<Pending>,
    /// The reference that was used last, of each object.
    pub(super) used: BTreeMap<u32, u32>,
    /// What went into a slot of an object to come.
    pub(super) to_be: Vec<u32>,
    free_handles: Vec<u32>,
}

pub(super) struct Replaying<'a> {
    runner: &'a Runner,
    pub(super) state: State,
    pub(super) fixed: Fixed,
    pub(super) strong: BTreeMap<u32, Strong>,
    /// The weak handles of each object.
    pub(super) weak: BTreeMap<u32, Vec<u32>>,
    threads: Vec<Own>,
    /// The link of this lock and hash, and of this number among those.
    pub(super) links: BTreeMap<(u32, u64, u32), u32>,
    /// The lock within each object.
    pub(super) locks: BTreeMap<u32, u32>,
    pub(super) taken: Taken,
}

pub(super) type Done = Result<(), String>;

impl<'a> Replaying<'a> {
    pub(super) fn new(runner: &'a Runner) -> Self {
        Replaying {
            runner,
            state: State::default(),
            fixed: Fixed::default(),
            strong: BTreeMap::new(),
            weak: BTreeMap::new(),
            threads: Vec::new(),
            links: BTreeMap::new(),
            locks: BTreeMap::new(),
            taken: Taken::new(),
        }
    }

    pub(super) fn own(&mut self, thread: usize) -> &mut Own {
        if self.threads.len() <= thread {
            self.threads.resize_with(thread + 1, Own::default);
        }
        &mut self.threads[thread]
    }

    pub(super) fn step(&mut self, step: &'static str, names: &Names) -> Done {
        self.step_seeing(step, names, None)
    }

    pub(super) fn step_seeing(
        &mut self,
        step: &'static str,
        names: &Names,
        observed: Option<i64>,
    ) -> Done {
        let taken = self
            .runner
            .take(step, &mut self.state, names, &self.fixed, observed);
        taken.map_err(|refusal| format!("«{step}» {refusal}"))?;
        *self.taken.entry(step).or_default() += 1;
        Ok(())
    }

    // ---- what waits for the ledger ----

    pub(super) fn pend(&mut self, thread: usize, object: u32, change: Change, observed: i64) {
        self.own(thread).pending = Some(Pending {
            object,
            change,
            observed,
        });
    }

    /// No thread is in the middle of anything.
    pub(super) fn is_at_rest(&mut self) -> Done {
        for thread in 0..self.threads.len() {
            self.nothing_pends_of(thread)?;
            let pc = self.pc(thread);
            if pc != Value::Pc("Idle") {
                return Err(format!("at the end thread {thread} is at {pc:?}"));
            }
        }
        Ok(())
    }

    pub(super) fn nothing_pends_of(&mut self, thread: usize) -> Done {
        match self.own(thread).pending {
            None => Ok(()),
            Some(pending) => Err(format!("a count was changed for no reference: {pending:?}")),
        }
    }

    /// The change of the count that belongs to what the ledger says.
    pub(super) fn pending(
        &mut self,
        thread: usize,
        object: u32,
        change: Change,
    ) -> Result<i64, String> {
        let pending = self.own(thread).pending.take();
        match pending {
            Some(it) if it.object == object && it.change == change => Ok(it.observed),
            other => Err(format!("{change:?} of the count was expected: {other:?}")),
        }
    }

    // ---- handles ----

    pub(super) fn new_handle(&mut self, thread: usize) -> u32 {
        if let Some(handle) = self.own(thread).free_handles.pop() {
            return handle;
        }
        self.fixed.owners.push(index(thread));
        index(self.fixed.owners.len() - 1)
    }

    pub(super) fn release_handle(&mut self, handle: u32) {
        let owner = self.fixed.owners[handle as usize];
        self.own(owner as usize).free_handles.push(handle);
    }

    /// This handle, or another one of the thread to which it was handed over.
    pub(super) fn owned(&mut self, thread: usize, handle: u32) -> Result<u32, String> {
        if self.fixed.owners[handle as usize] == index(thread) {
            return Ok(handle);
        }
        let own = self.new_handle(thread);
        let timer = Value::Element(0);
        self.step("arm", &[("h", Value::Element(handle)), ("x", timer)])?;
        self.step("fire", &[("x", timer), ("g", Value::Element(own))])?;
        self.release_handle(handle);
        Ok(own)
    }

    /// The handle of a strong reference that is a local variable, as one of the thread.
    pub(super) fn handle_of(&mut self, thread: usize, ticket: u32) -> Result<u32, String> {
        let strong = self.known(ticket)?;
        let At::Handle(handle) = strong.at else {
            return Err(format!("{ticket} stands {}", strong.at.words()));
        };
        let own = self.owned(thread, handle)?;
        self.seat(ticket, At::Handle(own));
        Ok(own)
    }

    /// A weak handle of the object, as one of the thread. All are alike, but for those that an upgrade of another thread stands on.
    pub(super) fn weak_of(&mut self, thread: usize, object: u32) -> Result<u32, String> {
        let handles = self.weak.get(&object).cloned().unwrap_or_default();
        let is_own = |handle: &&u32| self.fixed.owners[**handle as usize] == index(thread);
        let own = handles.iter().find(is_own);
        let free = || handles.iter().find(|handle| !self.is_upgraded(**handle));
        let handle = own.or_else(free);
        let handle = *handle.ok_or_else(|| format!("no weak reference to {object} is out"))?;
        let own = self.owned(thread, handle)?;
        let handles = self.weak.entry(object).or_default();
        handles.retain(|it| *it != handle);
        handles.push(own);
        Ok(own)
    }

    pub(super) fn is_upgraded(&self, handle: u32) -> bool {
        let owner = self.fixed.owners[handle as usize];
        let up = self.state.get(var("up"), &[Value::Element(owner)]);
        self.pc(owner as usize) == Value::Pc("Upg") && up == Value::Element(handle)
    }

    pub(super) fn known(&self, ticket: u32) -> Result<Strong, String> {
        let known = self.strong.get(&ticket).copied();
        known.ok_or_else(|| format!("the reference {ticket} is not out"))
    }

    pub(super) fn seat(&mut self, ticket: u32, at: At) {
        if let Some(strong) = self.strong.get_mut(&ticket) {
            strong.at = at;
        }
    }

    // ---- what is asked ----

    pub(super) fn is_settings(&mut self, object: u32) {
        let settings = &mut self.fixed.settings;
        let index = object as usize;
        if settings.len() <= index {
            settings.resize(index + 1, false);
        }
        settings[index] = true;
    }

    pub(super) fn pc(&self, thread: usize) -> Value {
        self.state.get(var("pc"), &[thread_value(thread)])
    }

    pub(super) fn is(&self, what: &str, object: u32) -> bool {
        self.state.get(var(what), &[Value::Element(object)]) == Value::Bool(true)
    }

    pub(super) fn count(&self, object: u32) -> i64 {
        match self.state.get(var("rc"), &[made("st", object)]) {
            Value::Int(count) => count,
            _ => -1,
        }
    }

    /// The strong references to the object.
    pub(super) fn held(&self, object: u32) -> BTreeSet<u32> {
        let own = self.strong.iter().filter(|(_, it)| it.object == object);
        own.map(|(ticket, _)| *ticket).collect()
    }
}

pub(super) fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn thread_value(thread: usize) -> Value {
    Value::Element(index(thread))
}

pub(super) fn var(name: &str) -> usize {
    variable_named(name).expect("a variable of the vocabulary")
}

pub(super) fn made(name: &str, of: u32) -> Value {
    let nth = CONSTRUCTORS.iter().position(|it| it.name == name);
    Value::Made(nth.expect("a constructor of the vocabulary"), of)
}

pub(super) fn place(at: At) -> Value {
    match at {
        At::Handle(handle) => made("H", handle),
        At::Link(link) => made("L", link),
        At::Slot(object) => made("S", object),
    }
}
